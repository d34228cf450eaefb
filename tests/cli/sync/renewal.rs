//! A certificate that is renewed at the cloud is on disk after the next run, and only then is anything done.

use std::fs;
use std::path::PathBuf;

use super::{ACCOUNTS, Fixture, certificate, changes, snapshot};
use crate::sandbox::signature::sha256;
use crate::sandbox::{Account, Certificate, Cloud, Fault, Options};

/// All that a command is told of one certificate.
const ALL: [&str; 9] =
    ["NAMES", "NAME", "PATH", "DOMAINS", "PROVIDER", "ACCOUNT", "ID", "NOT_AFTER", "FINGERPRINT_SHA256"];

/// What a command is told of this one.
fn told(fixture: &Fixture, word: &str, account: &str, provider: &str, certificate: &Certificate) -> String {
    let name = &certificate.domain;
    let (_, pem) = x509_parser::pem::parse_x509_pem(certificate.material().unwrap().leaf.as_bytes()).unwrap();
    let (fingerprint, path) = (sha256(&pem.contents), fixture.home(name).display().to_string());
    let not_after = certificate.validity.unwrap().1.strftime("%Y-%m-%dT%H:%M:%SZ");
    let domains = certificate.names.join(",");
    let id = &certificate.id;
    format!("{word} {name} {name} {path} {domains} {provider} {account} {id} {not_after} {fingerprint}")
}

#[test]
fn four_nights_at_every_cloud() {
    let fixture = Fixture::with(Options::default(), Account::Healthy);
    let tables = ACCOUNTS.map(|(account, _, cloud, _)| {
        let (check, hook) = (fixture.notes("check", &ALL), fixture.notes(&format!("hook-{account}"), &ALL));
        certificate(&format!("www.{}", cloud.domain()), account, &format!("check = {check}\nhook = {hook}"))
    });
    fixture.configure(&tables.concat());
    let first = ACCOUNTS.map(|(_, _, cloud, _)| fixture.sandbox.certificates(cloud, Account::Healthy)[0].clone());
    // Each change is told, the check is run before anything follows, and then each hook.
    let night = |certificates: &[Certificate], outcome: &str| {
        let marks = fixture.marks();
        let run = fixture.sync(&[]).exits(0);
        assert_eq!(run.stderr, "");
        let line = |((_, provider, ..), certificate): (&(&str, &str, Cloud, &str), &Certificate)| {
            let day = certificate.validity.unwrap().1.strftime("%Y-%m-%d");
            let (name, path) = (&certificate.domain, fixture.home(&certificate.domain).display().to_string());
            format!("{name} ({provider} {}): {outcome}, valid until {day}, {path}", certificate.id)
        };
        let mut lines: Vec<_> = ACCOUNTS.iter().zip(certificates).map(line).collect();
        let mut said: Vec<_> = run.stdout.lines().map(str::to_owned).collect();
        lines.sort();
        said.sort();
        assert_eq!(said, lines);
        let of = |word: fn(&str) -> String| -> Vec<String> {
            let all = ACCOUNTS.iter().zip(certificates);
            let told = |((account, provider, ..), certificate): (&(&str, &str, Cloud, &str), &Certificate)| {
                told(&fixture, &word(account), account, provider, certificate)
            };
            all.map(told).collect()
        };
        let mut expected = of(|_| "check".to_owned());
        expected.sort();
        expected.extend(of(|account| format!("hook-{account}")));
        expected[ACCOUNTS.len()..].sort();
        let mut log = fixture.take_log();
        let (checks, hooks) = log.split_at_mut(ACCOUNTS.len());
        checks.sort();
        hooks.sort();
        assert_eq!(log, expected);
        certificates.iter().for_each(|certificate| fixture.holds(&certificate.domain, certificate));
        fixture.asked_since(&marks)
    };
    night(&first, "created");
    fixture.is_quiet();

    // None of them lives as long as the one that it follows.
    let second = [0, 1, 2, 3].map(|n| fixture.renew(ACCOUNTS[n].2, &first[n].id));
    assert!((0..4).all(|n| second[n].validity.unwrap().1 < first[n].validity.unwrap().1));
    let asked = night(&second, "updated");
    for download in ["downloadCert", "DownloadCertificate", "ExportCertificate", "getCertificate"] {
        // CTyun describes with the same call.
        assert!((1..=2).contains(&asked[download]), "{asked:?}");
    }
    assert!(asked.values().sum::<usize>() <= 6, "the four downloads, and what two lists leave out: {asked:?}");
    fixture.is_quiet();
    fixture.is_quiet();
}

#[test]
fn a_pinned_id_stays() {
    let fixture = Fixture::new();
    for (account, _, cloud, _) in ACCOUNTS {
        let name = format!("pinned.{}", cloud.domain());
        let old = fixture.issue(cloud, &name, (-30, 60));
        fixture.configure(&certificate(&name, account, &format!("id = '{}'", old.id)));
        fixture.sync(&[]).exits(0);
        fixture.renew(cloud, &old.id);
        fixture.is_quiet();
        fixture.holds(&name, &old);

        // The one with this id is gone: said, and what is installed stays.
        fixture.withdraw(cloud, &old.id);
        let run = fixture.sync(&[]).exits(4).says(&[&name, &old.id]);
        assert_eq!(run.stdout, "");
        fixture.holds(&name, &old);
    }
}

#[test]
fn what_is_gone_at_the_cloud_stays_on_disk() {
    let fixture = Fixture::new();
    for (account, _, cloud, _) in ACCOUNTS {
        let name = format!("gone.{}", cloud.domain());
        let old = fixture.issue(cloud, &name, (-30, 60));
        let new = fixture.renew(cloud, &old.id);
        fixture.configure(&certificate(&name, account, ""));
        fixture.sync(&[]).exits(0);
        fixture.holds(&name, &new);

        // An older one is left, which is no reason to go back.
        let before = snapshot(&fixture.home(&name));
        fixture.withdraw(cloud, &new.id);
        let run = fixture.sync(&[]).exits(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        fixture.is_quiet();
        fixture.holds(&name, &new);

        fixture.withdraw(cloud, &old.id);
        let run = fixture.sync(&[]).exits(4).says(&[&name, "; "]);
        assert_eq!(run.stdout, "");
        fixture.holds(&name, &new);
        assert_eq!(changes(&before, &snapshot(&fixture.home(&name))), Vec::<PathBuf>::new());
    }
}

/// What covers all of the names is meant, whatever else there is.
#[test]
fn every_domain_is_covered() {
    let fixture = Fixture::new();
    let issue = |names: &[&str], days| fixture.sandbox.issue(Cloud::Ctyun, Account::Empty, names, days);
    let both = issue(&["both.example", "www.both.example"], (-50, 40));
    issue(&["both.example"], (-5, 80));
    issue(&["*.both.example"], (-4, 80));
    fixture.configure(&certificate("site", "ct", "domains = ['www.both.example', 'both.example']"));
    fixture.sync(&[]).exits(0);
    fixture.holds("site", &both);
    fixture.is_quiet();
    let wild = issue(&["*.both.example", "both.example"], (-3, 80));
    fixture.sync(&[]).exits(0);
    fixture.holds("site", &wild);
    fixture.is_quiet();
}

#[test]
fn the_newest_across_accounts() {
    let fixture = Fixture::new();
    let name = "shared.example";
    let tencent = fixture.issue(Cloud::Tencent, name, (-30, 60));
    let huawei = fixture.issue(Cloud::Huawei, name, (-20, 50));
    let own = fixture.issue(Cloud::Huawei, "own.example", (-20, 50));
    let both = format!("[[certificates]]\nname = '{name}'\naccounts = ['tx', 'hw']\n");
    fixture.configure(&(both + &certificate("own.example", "hw", "")));
    fixture.sync(&[]).exits(0);
    fixture.holds(name, &huawei);
    fixture.is_quiet();
    let tencent = fixture.renew(Cloud::Tencent, &tencent.id);
    let run = fixture.sync(&[]).exits(0);
    assert!(run.stdout.starts_with(&format!("{name} (tencent {}): updated", tencent.id)), "{}", run.stdout);
    fixture.holds(name, &tencent);
    fixture.is_quiet();

    // One of them is down: the other's new one is taken, and one line tells of the account and whom it concerns.
    let tencent = fixture.renew(Cloud::Tencent, &tencent.id);
    fixture.sandbox.fault(Cloud::Huawei, Fault::Status(503));
    let run = fixture.sync(&["--retries", "0"]).exits(5);
    let run = run.says(&["certctl: error: hw (huawei): ", "; ", "shared.example", "own.example"]);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    fixture.holds(name, &tencent);
    fixture.holds("own.example", &own);
    // Down again, with nothing new: the line alone.
    let run = fixture.sync(&["--retries", "0"]).exits(5).says(&["hw (huawei)"]);
    assert_eq!(run.stdout, "");
    fixture.sandbox.clear(Cloud::Huawei);
    fixture.is_quiet();
}

/// A renewal that the cloud hands out broken: the old one stays in place, and the next night may be better.
#[test]
fn a_broken_renewal() {
    let fixture = Fixture::new();
    for (account, provider, cloud, _) in ACCOUNTS {
        let name = format!("broken.{}", cloud.domain());
        let old = fixture.issue(cloud, &name, (-30, 60));
        let hook = format!("hook = {}", fixture.notes("hook", &["ID"]));
        fixture.configure(&certificate(&name, account, &hook));
        fixture.sync(&[]).exits(0);
        assert_eq!(fixture.take_log(), [format!("hook {}", old.id)]);
        let bad = fixture.sandbox.renew_with(cloud, Account::Empty, &old.id, crate::sandbox::Trouble::WrongKey);
        for _ in 0..2 {
            let subject = format!("{name} ({provider} {}): ", bad.id);
            fixture.sync(&[]).exits(6).says(&[&subject, "nothing on disk was changed"]);
            fixture.holds(&name, &old);
        }
        let good = fixture.renew(cloud, &bad.id);
        fixture.sync(&[]).exits(0);
        fixture.holds(&name, &good);
        assert_eq!(fixture.take_log(), [format!("hook {}", good.id)]);
    }
}

/// The facts of a certificate that the lists leave out are only a convenience.
#[test]
fn what_is_remembered_may_be_deleted_or_damaged() {
    let fixture = Fixture::with(Options::default(), Account::Healthy);
    let tables = [("hw", Cloud::Huawei), ("ct", Cloud::Ctyun)]
        .map(|(account, cloud)| certificate(&format!("short.{}", cloud.domain()), account, ""));
    fixture.configure(&tables.concat());
    fixture.sync(&[]).exits(0);
    fixture.is_quiet();
    let facts = fixture.path("certs/.certctl/facts.json");
    for damage in [None, Some(""), Some("{"), Some("[1]"), Some("{\"a\": {\"b\": 7}}"), Some("\u{0}\u{1}")] {
        match damage {
            None => fs::remove_file(&facts).unwrap(),
            Some(text) => fs::write(&facts, text).unwrap(),
        }
        let run = fixture.sync(&[]).exits(0);
        assert_eq!(run.stdout, "", "{damage:?}");
        assert_eq!(run.errors(), Vec::<&str>::new(), "{damage:?}");
        fixture.is_quiet();
    }
    let text = fs::read_to_string(&facts).unwrap();
    for secret in ["HUAWEICLOUD_SDK_SK", "CTYUN_SK"] {
        assert!(!text.contains(&fixture.variable(secret)));
    }
    assert!(!text.contains("PRIVATE"));
}
