//! SM2 dual certificates night after night: kept, mended, followed by a usual one, taken back and renewed.

use std::collections::BTreeMap;
use std::fs;

use super::{Fixture, certificate};
use crate::cli::sm2::{ENCRYPTION, SIGNING, has_files, holds_both, is_there};
use crate::sandbox::{Account, Certificate, Cloud, Options};

/// A dual certificate in place; none where the openssl of this machine does not know SM2.
fn ground(account: &str, cloud: Cloud, label: &str) -> Option<(Fixture, Certificate)> {
    let fixture = Fixture::with(Options::default(), Account::Sm2);
    if !is_there(&fixture.sandbox) {
        return None;
    }
    let held = fixture.sandbox.certificate(cloud, Account::Sm2, label);
    fixture.configure(&certificate(&held.domain, account, ""));
    Some((fixture, held))
}

#[test]
fn both_halves_stay_and_are_mended() {
    for (account, cloud) in [("tx", Cloud::Tencent), ("hw", Cloud::Huawei)] {
        let Some((fixture, held)) = ground(account, cloud, "dual") else { return };
        fixture.sync(&[]).exits(0);
        let home = fixture.home(&held.domain);
        holds_both(&home, &held);
        fixture.is_quiet();
        // From what is on disk, where that is enough, and with both halves.
        for (file, asks) in
            [("sign-privkey.pem", false), ("chain.pem", false), ("enc-privkey.pem", true), ("enc-cert.pem", true)]
        {
            fs::remove_file(home.join("current").join(file)).unwrap();
            let marks = fixture.marks();
            fixture.sync(&[]).exits(0);
            assert_eq!(!fixture.asked_since(&marks).is_empty(), asks, "{file}");
            holds_both(&home, &held);
        }
        fixture.configure(&certificate(&held.domain, account, "key_mode = '0640'"));
        let marks = fixture.marks();
        fixture.sync(&[]).exits(0);
        assert_eq!(fixture.asked_since(&marks), BTreeMap::new());
        has_files_of_mode(&fixture, &held);
        fixture.is_quiet();
    }
}

#[track_caller]
fn has_files_of_mode(fixture: &Fixture, held: &Certificate) {
    use std::os::unix::fs::PermissionsExt as _;
    for file in ["privkey.pem", "sign-privkey.pem", "enc-privkey.pem"] {
        let mode = fs::metadata(fixture.home(&held.domain).join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640, "{file}");
    }
}

#[test]
fn an_envelope_is_told_once() {
    for (account, cloud) in [("tx", Cloud::Tencent), ("hw", Cloud::Huawei)] {
        let Some((fixture, held)) = ground(account, cloud, "enveloped") else { return };
        fixture.configure(&certificate(&held.domain, account, "formats = ['k8s-secret']"));
        let run = fixture.sync(&[]).exits(0);
        assert!(run.stderr.contains("a digital envelope") && run.stderr.lines().count() == 1, "{}", run.stderr);
        fixture.is_quiet();
        fs::remove_file(fixture.home(&held.domain).join("current/sign-cert.pem")).unwrap();
        let marks = fixture.marks();
        assert_eq!(fixture.sync(&[]).exits(0).stderr, "");
        assert_eq!(fixture.asked_since(&marks), BTreeMap::new());
        has_files(
            &fixture.home(&held.domain),
            &[SIGNING.as_slice(), &ENCRYPTION[..1], &[("secret.yaml", 0o600)]].concat(),
        );
    }
}

#[test]
fn followed_by_a_usual_one_taken_back_and_renewed() {
    for (account, cloud) in [("tx", Cloud::Tencent), ("hw", Cloud::Huawei)] {
        let Some((fixture, old)) = ground(account, cloud, "dual") else { return };
        let home = fixture.home(&old.domain);
        fixture.sync(&[]).exits(0);
        let usual = fixture.issue(cloud, &old.domain, (0, 60));
        let is_usual = || {
            has_files(&home, &[]);
            fixture.holds(&old.domain, &usual);
        };
        fixture.sync(&[]).exits(0);
        is_usual();
        fixture.certctl("rollback", &[&old.domain]).run().exits(0);
        holds_both(&home, &old);
        fixture.sync(&["--force"]).exits(0);
        is_usual();
        let new = fixture.renew(cloud, &old.id);
        fixture.sync(&[]).exits(0);
        holds_both(&home, &new);
        fixture.is_quiet();
        fixture.certctl("rollback", &[&old.domain]).run().exits(0);
        is_usual();
    }
}
