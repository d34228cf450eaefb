//! Several downloads at once, by several processes and within one.

#![allow(clippy::use_debug, reason = "a test that says what it has measured")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Certctl, Run, snapshot};
use crate::sandbox::catalogue::Status;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

const PROVIDERS: [(&str, Cloud); 4] =
    [("jdcloud", Cloud::Jdcloud), ("tencent", Cloud::Tencent), ("huawei", Cloud::Huawei), ("ctyun", Cloud::Ctyun)];

const ROUNDS: usize = 20;

#[test]
fn two_of_one_name() {
    let sandbox = Sandbox::start(Options::default());
    let ids = ["p256 sec1", "p384"].map(|label| sandbox.certificate(Cloud::Jdcloud, Account::Healthy, label).id);
    let directory = tempfile::tempdir().unwrap();
    let mut outcomes = BTreeMap::new();
    for round in 0..ROUNDS {
        // In turns on a directory that is there and on none, of one certificate and of two.
        let dir = directory.path().join((round / 4).to_string());
        let wanted = if round % 2 == 0 { [&ids[0], &ids[0]] } else { [&ids[0], &ids[1]] };
        let both = wanted.map(|id| start(&sandbox, &["download", "--name", "x", "--force", id], &dir));
        let both = both.map(|child| end(child).exits(0).json());
        let both = both.map(|run| run["results"][0]["outcome"].as_str().unwrap().to_owned());
        if wanted[0] == wanted[1] {
            assert!(both.contains(&"unchanged".to_owned()), "{both:?}");
        }
        both.into_iter().for_each(|outcome| *outcomes.entry(outcome).or_insert(0) += 1);
        assert_eq!(names(&dir), ["x"]);
        assert_whole(&dir.join("x"));
        crate::oracle::verifies(&dir.join("x"), &sandbox.root_path());
    }
    eprintln!("{ROUNDS} rounds of two: {outcomes:?}");
}

#[test]
fn eight_into_one_new_directory() {
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().join("new/certs");
    let held = sandbox.certificates(Cloud::Ctyun, Account::Healthy);
    let children: Vec<_> =
        held[..8].iter().map(|certificate| start_at("ctyun", &sandbox, &["download", &certificate.id], &dir)).collect();
    for child in children {
        assert_eq!(end(child).exits(0).json()["results"][0]["outcome"], "created");
    }
    let wanted: BTreeSet<_> = held[..8].iter().map(|certificate| certificate.domain.clone()).collect();
    assert_eq!(names(&dir).into_iter().collect::<BTreeSet<_>>(), wanted);
    for name in wanted {
        assert_whole(&dir.join(&name));
        crate::oracle::verifies(&dir.join(&name), &sandbox.root_path());
    }
}

#[test]
fn a_lock_that_is_held() {
    let sandbox = Sandbox::start(Options::default());
    let [id, other] =
        ["p256 sec1", "p384"].map(|label| sandbox.certificate(Cloud::Jdcloud, Account::Healthy, label).id);
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let download = |id: &str, more: &[&str]| {
        let certctl =
            Certctl::new(&sandbox).args(["download", "-p", "jdcloud", "--name", "x", "-o", "json", "-d", dir]);
        certctl.args([id]).args(more).run()
    };
    download(&id, &[]).exits(0);
    let path = directory.path().join("x");
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    let before = snapshot(directory.path());
    for (id, more) in [(&id, &["--lock-timeout", "0s"][..]), (&other, &["--force", "--lock-timeout", "1s"])] {
        let run = download(id, more).exits(7).says(&["lock", path.to_str().unwrap(), "--lock-timeout"]);
        assert_eq!(run.json()["results"][0]["error"]["code"], "locked");
    }
    // A dry run neither waits for the lock nor writes.
    for (id, more, wanted) in [
        (&id, &["--dry-run", "--lock-timeout", "0s"][..], "unchanged"),
        (&other, &["--dry-run", "--force", "--lock-timeout", "0s"], "would_update"),
    ] {
        assert_eq!(download(id, more).exits(0).json()["results"][0]["outcome"], wanted);
    }
    assert_eq!(snapshot(directory.path()), before);
    drop(held);
    assert_eq!(
        download(&other, &["--force", "--lock-timeout", "0s"]).exits(0).json()["results"][0]["outcome"],
        "updated"
    );
}

#[test]
fn a_dry_run_of_all_leaves_the_parent_as_it_is() {
    let sandbox = Sandbox::start(Options::default());
    let parent = tempfile::tempdir().unwrap();
    let before = (snapshot(parent.path()), parent.path().metadata().unwrap().modified().unwrap());
    let dir = parent.path().join("new/certs");
    for (provider, _) in PROVIDERS {
        let certctl = Certctl::new(&sandbox).args(["download", "-p", provider, "--all", "--dry-run", "-d"]);
        certctl.args([&dir]).run().exits(0);
    }
    assert_eq!((snapshot(parent.path()), parent.path().metadata().unwrap().modified().unwrap()), before);
}

/// Two domains of one certificate, one of another, the id of that other, and a domain once more.
#[test]
fn one_certificate_for_several_domains_is_downloaded_once() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        let several = sandbox.certificate(cloud, Account::Healthy, "multi domain");
        let single = sandbox.certificate(cloud, Account::Healthy, "p384");
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = [&several.names[0], &several.names[1]];
        let certctl = Certctl::new(&sandbox).args(["download", "-p", provider, "-o", "json", "-d"]);
        let run = certctl.args([directory.path()]).args([a, &single.domain, b, &single.id, a]).run().exits(0).json();
        assert_eq!(column(&run, "id"), [several.id.as_str(), &single.id], "{provider}");
        assert_eq!(column(&run, "outcome"), ["created", "created"]);
        assert_eq!(names(directory.path()).len(), 2);
        let downloads = sandbox.requests(cloud).into_iter().filter(|request| {
            matches!(request.operation.as_str(), "downloadCert" | "DownloadCertificate" | "ExportCertificate")
        });
        if cloud != Cloud::Ctyun {
            assert_eq!(downloads.count(), 2, "{provider}");
        }
    }
}

/// However many are asked for at a time: the same certificates, and the same ones superseded.
#[test]
fn all_in_any_number_of_jobs() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        let directory = tempfile::tempdir().unwrap();
        let all = |jobs: &str| {
            let dir = directory.path().join(jobs);
            let certctl = Certctl::new(&sandbox).args(["download", "-p", provider, "--all", "-j", jobs, "-o", "json"]);
            let run = certctl.args(["-d"]).args([&dir]).run().exits(0).json();
            let rows = run["results"].as_array().unwrap().clone();
            (rows.into_iter().map(without_place).collect::<Vec<_>>(), pems(&dir))
        };
        let (rows, tree) = all("1");
        let (rows_of_32, tree_of_32) = all("32");
        assert_eq!(rows, rows_of_32, "{provider}");
        assert!(tree == tree_of_32, "{provider}");

        let held = sandbox.certificates(cloud, Account::Healthy);
        let usable = held.iter().filter(|held| held.status == Status::Issued && held.in_date());
        let mut of_name: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for certificate in usable {
            let name = certificate.issued.as_ref().map(|_| certificate.names.first().unwrap_or(&certificate.domain));
            of_name.entry(name.unwrap().to_lowercase().replace("*.", "_.")).or_default().push(certificate);
        }
        let superseded: usize = of_name.values().map(|same| same.len() - 1).sum();
        assert!(superseded >= 2, "{provider}");
        let outcomes = rows.iter().map(|row| row["outcome"].as_str().unwrap());
        assert_eq!(outcomes.filter(|outcome| *outcome == "superseded").count(), superseded, "{provider}");
        for same in of_name.values() {
            let newest = same.iter().max_by_key(|certificate| (certificate.validity, &certificate.id)).unwrap();
            for certificate in same {
                let row = rows.iter().find(|row| row["id"] == *certificate.id).unwrap();
                let wanted = if certificate.id == newest.id { "created" } else { "superseded" };
                assert_eq!(row["outcome"], wanted, "{row}");
                assert_eq!(row["version"].is_null(), wanted == "superseded", "{row}");
                assert_eq!(row["error"], Value::Null);
            }
        }
    }
}

fn start(sandbox: &Sandbox, words: &[&str], dir: &Path) -> Child {
    start_at("jdcloud", sandbox, words, dir)
}

fn start_at(provider: &str, sandbox: &Sandbox, words: &[&str], dir: &Path) -> Child {
    let mut certctl = Certctl::new(sandbox).args(words).args(["-p", provider, "-o", "json", "-d"]).args([dir]);
    certctl.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Run { code: output.status.code().unwrap_or(-1), stdout, stderr, took: std::time::Duration::ZERO }
}

/// Certctl's own names and no others, and every version complete.
fn assert_whole(certificate: &Path) {
    let files = ["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "privkey.pem"];
    let all = ["cert.pem", "chain.pem", "current", "fullchain.pem", "metadata.json", "privkey.pem", "versions"];
    assert_eq!(names(certificate), all);
    let versions = names(&certificate.join("versions"));
    assert!((1..=4).contains(&versions.len()), "{versions:?}");
    for version in versions {
        assert_eq!(names(&certificate.join("versions").join(version)), files);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A row without what differs from directory to directory and from second to second.
fn without_place(mut row: Value) -> Value {
    let path = row["path"].take();
    row["name_of_path"] = path.as_str().and_then(|path| Path::new(path).file_name()?.to_str()).into();
    if let Some(version) = row["version"].as_str() {
        row["version"] = version.split_once('-').unwrap().1.into();
    }
    row
}

/// The bytes of every PEM file, by certificate directory and name.
fn pems(dir: &Path) -> BTreeMap<(String, &'static str), Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(dir) {
        assert_whole(&dir.join(&name));
        for file in ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"] {
            found.insert((name.clone(), file), fs::read(dir.join(&name).join(file)).unwrap());
        }
    }
    found
}

fn column<'a>(run: &'a Value, key: &str) -> Vec<&'a str> {
    run["results"].as_array().unwrap().iter().map(|row| row[key].as_str().unwrap()).collect()
}
