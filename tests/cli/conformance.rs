//! The same expectations of every cloud, in every form of its API that certctl speaks.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Certctl, PROVIDERS, snapshot};
use crate::sandbox::archive::Kind;
use crate::sandbox::catalogue::Status;
use crate::sandbox::ctyun::Form;
use crate::sandbox::jdcloud::Forms;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// One cloud, in one form of its API.
struct Candidate {
    provider: &'static str,
    cloud: Cloud,
    options: Options,
    environment: &'static [(&'static str, &'static str)],
}

fn candidate(provider: &'static str, cloud: Cloud, options: Options) -> Candidate {
    Candidate { provider, cloud, options, environment: &[] }
}

#[test]
fn jdcloud() {
    conforms(&candidate("jdcloud", Cloud::Jdcloud, Options::default()));
}

#[test]
fn jdcloud_as_of_2019() {
    for jd_forms in
        [Forms { get: false, post: true, post_slash: true }, Forms { get: false, post: false, post_slash: true }]
    {
        conforms(&candidate("jdcloud", Cloud::Jdcloud, Options { jd_forms, ..Options::default() }));
    }
}

#[test]
fn tencent() {
    conforms(&candidate("tencent", Cloud::Tencent, Options::default()));
}

#[test]
fn huawei() {
    conforms(&candidate("huawei", Cloud::Huawei, Options::default()));
}

#[test]
fn huawei_where_v3_is_missing() {
    for huawei_v2_archive in [Kind::Zip, Kind::Rar4, Kind::Rar5] {
        let options = Options { huawei_v3: false, huawei_v2_archive, ..Options::default() };
        conforms(&candidate("huawei", Cloud::Huawei, options));
    }
}

#[test]
fn huawei_set_to_v2() {
    let environment = &[("CERTCTL_HUAWEI_API", "v2")];
    conforms(&Candidate { environment, ..candidate("huawei", Cloud::Huawei, Options::default()) });
}

#[test]
fn ctyun() {
    for ctyun_form in [Form::Both, Form::V1, Form::V3] {
        conforms(&candidate("ctyun", Cloud::Ctyun, Options { ctyun_form, ..Options::default() }));
    }
}

#[test]
fn ctyun_certificate_service() {
    let options = Options { ctyun_product: Cloud::Ccms, ..Options::default() };
    conforms(&candidate("ctyun", Cloud::Ccms, options));
}

/// The pages are of any size, whatever certctl asks for.
#[test]
fn every_page_cap() {
    for cap in [1, 7, 20] {
        let page_caps = Cloud::ALL.map(|cloud| (cloud, cap)).to_vec();
        let sandbox = Sandbox::start(Options { page_caps, ..Options::default() });
        for (provider, cloud) in PROVIDERS {
            let wanted = ids(&sandbox.certificates(cloud, Account::Healthy));
            let run = Certctl::new(&sandbox).args(["list", "-p", provider, "-o", "json"]).run().exits(0);
            let listed = run.json()["certificates"].as_array().unwrap().iter().map(|row| text(row, "id")).collect();
            assert_eq!(wanted, listed, "{provider}, {cap} rows a page");
        }
    }
}

fn conforms(candidate: &Candidate) {
    let sandbox = Sandbox::start(candidate.options.clone());
    let held = sandbox.certificates(candidate.cloud, Account::Healthy);
    assert!(held.len() >= 24, "dozens of certificates");
    let certctl = |args: &[&str]| {
        let variables = candidate.environment.iter().copied();
        let run = variables.fold(Certctl::new(&sandbox), |certctl, (name, value)| certctl.env(name, value));
        run.args(args.iter().chain(&["-p", candidate.provider]))
    };
    lists(&certctl, &held);
    describes(&certctl, &held);
    downloads_by_id(&certctl, &held);
    downloads_the_newest_by_domain(&certctl, &held);
    downloads_all(&certctl, &held, &sandbox);
    answers_for_what_is_not_there(&certctl);
    let refused: Vec<_> = sandbox.requests(candidate.cloud).into_iter().filter(|seen| seen.verdict.is_err()).collect();
    assert!(refused.is_empty(), "requests whose signature was refused: {refused:?}");
}

type Make<'a> = dyn Fn(&[&str]) -> Certctl + 'a;

fn lists(certctl: &Make<'_>, held: &[Certificate]) {
    let list = certctl(&["list", "-o", "json"]).run().exits(0).json();
    assert_eq!(list["schema"], "certctl.list/v1");
    assert_eq!(list["errors"], serde_json::json!([]));
    let rows = list["certificates"].as_array().unwrap();
    assert_eq!(rows.len(), held.len());
    let ends: Vec<_> = rows.iter().map(|row| row["not_after"].as_str().unwrap_or("9999")).collect();
    assert!(ends.is_sorted(), "what expires first comes first: {ends:?}");
    for certificate in held {
        let row = rows.iter().find(|row| row["id"] == *certificate.id).unwrap();
        assert!(row["account"] == row["provider"] && row["domains"].is_array(), "{row}");
        if certificate.status == Status::Issued {
            assert_eq!(row["status"], "issued", "{row}");
            let end = certificate.validity.unwrap().1.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            assert_eq!(row["not_after"], end, "{row}");
        }
        if certificate.status == Status::Odd {
            assert!(row["status"] == "unknown" || row["provider_status"].is_string(), "{row}");
        }
    }
    let table = certctl(&["list"]).run().exits(0);
    assert_eq!(table.stdout.lines().count(), held.len() + 1, "{}", table.stdout);
}

fn describes(certctl: &Make<'_>, held: &[Certificate]) {
    for certificate in held.iter().filter(|certificate| certificate.status == Status::Issued).take(5) {
        let run = certctl(&["describe", &certificate.id, "-o", "json"]).run().exits(0);
        let described = run.json();
        assert_eq!(described["schema"], "certctl.describe/v1");
        let described = &described["certificate"];
        assert_eq!(described["id"], *certificate.id);
        assert_eq!(described["status"], "issued", "{described}");
        assert!(described["provider_fields"].is_object());
        assert!(!run.stdout.contains("PRIVATE KEY"));
        let names: BTreeSet<_> = certificate.names.iter().map(String::as_str).collect();
        let told: BTreeSet<_> = described["domains"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(told, names);
        certctl(&["describe", &certificate.id]).run().exits(0);
    }
}

fn downloads_by_id(certctl: &Make<'_>, held: &[Certificate]) {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let certificate = held.iter().find(|certificate| is_usable(certificate)).unwrap();
    let download = || certctl(&["download", &certificate.id, "-d", dir, "--name", "Mine", "-o", "json"]).run();
    let run = download().exits(0).json();
    assert_eq!(run["schema"], "certctl.run/v1");
    assert_eq!(run["exit_code"], 0);
    let row = &run["results"][0];
    assert_eq!(
        (&row["outcome"], &row["name"], &row["id"]),
        (&"created".into(), &"Mine".into(), &certificate.id.as_str().into())
    );
    assert_eq!(row["path"], format!("{dir}/Mine"));
    assert_eq!(row["error"], Value::Null);
    check_directory(&directory.path().join("Mine"), row, certificate);
    let before = snapshot(directory.path());
    let again = download().exits(0).json();
    assert_eq!(again["results"][0]["outcome"], "unchanged");
    assert_eq!(before, snapshot(directory.path()), "an unchanged certificate is not touched");
}

/// The files are those of the certificate, and metadata says so.
fn check_directory(path: &Path, row: &Value, certificate: &Certificate) {
    let read = |name: &str| std::fs::read_to_string(path.join(name)).unwrap();
    let issued = certificate.issued.as_ref().unwrap();
    assert_eq!(read("cert.pem").trim_end(), issued.leaf.replace("\r\n", "\n").trim_end());
    assert_eq!(read("fullchain.pem"), format!("{}{}", read("cert.pem"), read("chain.pem")));
    assert_eq!(read("chain.pem").matches("BEGIN CERTIFICATE").count(), issued.chain.len());
    assert!(read("privkey.pem").contains("PRIVATE KEY-----\n"));
    let metadata: Value = serde_json::from_str(&read("metadata.json")).unwrap();
    crate::schema::holds(&metadata);
    assert_eq!(metadata["schema"], "certctl.metadata/v1");
    assert_eq!(metadata["fingerprint_sha256"], row["fingerprint_sha256"]);
    assert_eq!(metadata["id"], row["id"]);
    let version = row["version"].as_str().unwrap();
    assert_eq!(std::fs::read_link(path.join("current")).unwrap(), Path::new("versions").join(version));
}

fn downloads_the_newest_by_domain(certctl: &Make<'_>, held: &[Certificate]) {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    for domain in held.iter().filter(|certificate| certificate.label.starts_with("renewed")).map(|old| &old.domain) {
        let parent = domain.split_once('.').map(|(_, parent)| format!("*.{parent}")).unwrap();
        let covers =
            |certificate: &&Certificate| certificate.names.contains(domain) || certificate.names.contains(&parent);
        let covering: Vec<_> = held.iter().filter(|certificate| is_usable(certificate)).filter(covers).collect();
        assert!(covering.len() > 1, "{domain} has only one certificate");
        let newest =
            covering.into_iter().max_by_key(|certificate| (certificate.validity, certificate.id.clone())).unwrap();
        let run = certctl(&["download", domain, "-d", dir, "-o", "json", "--force"]).run().exits(0).json();
        assert_eq!(run["results"][0]["id"], *newest.id, "{domain}");
    }
    let wildcard = held.iter().find(|certificate| certificate.label == "wildcard only").unwrap();
    let host = wildcard.domain.replace('*', "Any");
    let run = certctl(&["download", &host, "-d", dir, "-o", "json"]).run().exits(0).json();
    assert_eq!(run["results"][0]["id"], *wildcard.id);
    assert_eq!(run["results"][0]["name"], wildcard.domain.replace('*', "_"));
    certctl(&["download", &format!("a.{host}"), "-d", dir]).run().exits(4);
}

fn downloads_all(certctl: &Make<'_>, held: &[Certificate], sandbox: &Sandbox) {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let usable: BTreeSet<_> =
        ids(&held.iter().filter(|certificate| is_usable(certificate)).cloned().collect::<Vec<_>>());
    let dry = certctl(&["download", "--all", "-d", dir, "-o", "json", "--dry-run"]).run().exits(0).json();
    let first = certctl(&["download", "--all", "-d", dir, "-o", "json", "--detailed-exitcode"]).run().exits(10).json();
    let before = snapshot(directory.path());
    let second = certctl(&["download", "--all", "-d", dir, "-o", "json", "--detailed-exitcode"]).run().exits(0).json();
    assert_eq!(before, snapshot(directory.path()), "a second run writes nothing");
    for (run, wanted) in [(&dry, "would_create"), (&first, "created"), (&second, "unchanged")] {
        let rows = run["results"].as_array().unwrap();
        assert_eq!(rows.iter().map(|row| text(row, "id")).collect::<BTreeSet<_>>(), usable);
        for row in rows {
            assert!(row["outcome"] == wanted || row["outcome"] == "superseded", "{row}");
        }
        let names: Vec<_> = rows.iter().filter(|row| row["outcome"] == wanted).map(|row| text(row, "name")).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "one certificate a name");
    }
    for row in first["results"].as_array().unwrap().iter().filter(|row| row["outcome"] == "created") {
        let path = directory.path().join(text(row, "name"));
        crate::oracle::verifies(&path, &sandbox.root_path());
    }
}

fn answers_for_what_is_not_there(certctl: &Make<'_>) {
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    for id in ["nosuchid", "证书 a+b*c", "a%2Fb"] {
        certctl(&["describe", id]).run().exits(4).says(&[id]);
        certctl(&["download", id, "-d", dir]).run().exits(4).says(&[id]);
    }
    certctl(&["download", "nowhere.example.org", "-d", dir]).run().exits(4).says(&["nowhere.example.org"]);
    assert_eq!(snapshot(directory.path()), [], "nothing on disk");
}

fn ids(certificates: &[Certificate]) -> BTreeSet<String> {
    certificates.iter().map(|certificate| certificate.id.clone()).collect()
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_else(|| panic!("no {key} in {row}")).to_owned()
}

fn is_usable(certificate: &Certificate) -> bool {
    certificate.status == Status::Issued && certificate.in_date()
}
