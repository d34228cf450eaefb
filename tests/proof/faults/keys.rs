//! Credentials that are wrong, temporary or not enough.

use super::at_every_cloud;
use super::scene::FIRST_CALLS;
use crate::cli::{Certctl, PROVIDERS, snapshot};
use crate::proof::held;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// Within what the clouds tolerate nothing is said of the clock; a wrong key is a wrong key.
#[test]
fn a_wrong_key_is_not_a_wrong_clock() {
    let cases = at_every_cloud(|scene| {
        let secret = match scene.cloud {
            Cloud::Jdcloud => "JDCLOUD_SECRET_ACCESS_KEY",
            Cloud::Tencent => "TENCENTCLOUD_SECRET_KEY",
            Cloud::Huawei => "HUAWEICLOUD_SDK_SK",
            _ => "CTYUN_SK",
        };
        for command in FIRST_CALLS {
            let (seen, before) = (scene.sandbox.seen(scene.cloud), scene.on_disk());
            let run = scene.certctl(command, &[]).env(secret, "not-the-secret-key").run();
            let run = run.exits(3).says(&["check access key, secret key and session token"]);
            assert!(!run.stderr.contains("clock") && !run.stderr.contains("not-the-secret-key"), "{}", run.stderr);
            assert_eq!(scene.sandbox.seen(scene.cloud), seen + 1, "not retried");
            scene.is_as_before(&before, &run.stderr);
        }
        scene.heals();
        FIRST_CALLS.len()
    });
    held("faults::keys::a_wrong_key_is_not_a_wrong_clock", cases);
}

#[test]
fn jd_clouds_operation_protection() {
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Jdcloud, Account::Mfa)[0].id.clone();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let download = |mfa: Option<&str>| {
        let certctl = Certctl::of(&sandbox, Account::Mfa).args(["download", "-p", "jdcloud", &id, "-d", dir]);
        mfa.iter().fold(certctl, |certctl, mfa| certctl.env("CERTCTL_JDCLOUD_MFA", mfa)).run()
    };
    Certctl::of(&sandbox, Account::Mfa).args(["list", "-p", "jdcloud"]).run().exits(0);
    Certctl::of(&sandbox, Account::Mfa).args(["describe", "-p", "jdcloud", &id]).run().exits(0);
    for wrong in [None, Some("no-such-code")] {
        let before = sandbox.requests(Cloud::Jdcloud).len();
        download(wrong).exits(3).says(&["operation protection", "set CERTCTL_JDCLOUD_MFA to its current value"]);
        assert_eq!(sandbox.requests(Cloud::Jdcloud).len(), before + 1, "neither retried nor tried in another form");
    }
    assert_eq!(snapshot(directory.path()), []);
    download(Some(&sandbox.mfa())).exits(0);
}

#[test]
fn temporary_credentials() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        if !Account::Session.exists_at(cloud) {
            continue;
        }
        for (account, code) in [(Account::Session, 0), (Account::ExpiredSession, 3)] {
            let id = sandbox.certificates(cloud, account)[0].id.clone();
            let directory = tempfile::tempdir().unwrap();
            let dir = directory.path().to_str().unwrap();
            for args in [vec!["list"], vec!["describe", &id], vec!["download", &id, "-d", dir]] {
                let before = sandbox.requests(cloud).len();
                let run = Certctl::of(&sandbox, account).args(&args).args(["-p", provider]).run().exits(code);
                if code == 3 {
                    run.says(&["check access key, secret key and session token"]);
                    assert_eq!(sandbox.requests(cloud).len(), before + 1, "not retried");
                }
            }
            assert_eq!(snapshot(directory.path()).is_empty(), code == 3, "{provider}");
        }
    }
}
