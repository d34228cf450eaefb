//! After every command of certctl's that writes, all is in order.

use std::fs;

use super::{Certctl, Ground, NAME, table};
use crate::sandbox::{Account, Cloud};

/// By the config, by the directory, and by the directory above.
#[track_caller]
fn is_sound(ground: &Ground) {
    let targets = [NAME.to_owned(), ground.home(NAME).display().to_string(), ground.text("certs")];
    for target in &targets {
        let before = super::snapshot(ground.directory.path());
        let run = ground.check(&[target]).exits(0);
        assert_eq!((run.stderr.as_str(), run.stdout.lines().count()), ("", 2), "{run:?}");
        assert_eq!(super::snapshot(ground.directory.path()), before);
    }
}

#[test]
fn after_every_command() {
    let ground = Ground::new();
    fs::create_dir(ground.path("ssl")).unwrap();
    let install = format!(
        "install = [{{ file = 'privkey.pem', to = '{0}/a.key' }}, {{ file = 'keystore.p12', to = '{0}/a.p12' }}]",
        ground.text("ssl")
    );
    let usual = "formats = ['pem', 'combined', 'pkcs12', 'jks', 'der', 'k8s-secret']";
    let config = |more: &str| ground.configure(&table(NAME, &format!("{usual}\n{install}\n{more}")));
    let sync = || ground.certctl("sync", &[]).run();
    config("");
    let old = ground.issue(NAME);
    sync().exits(0);
    is_sound(&ground);
    ground.sandbox.renew(Cloud::Tencent, Account::Empty, &old.id);
    sync().exits(0);
    is_sound(&ground);
    ground.certctl("rollback", &[NAME]).run().exits(0);
    is_sound(&ground);
    sync().exits(0);
    is_sound(&ground);
    sync_with_force(&ground).exits(0);
    is_sound(&ground);
    for file in ["current/privkey.pem", "current/keystore.p12", "../../ssl/a.key"] {
        fs::write(ground.home(NAME).join(file), "x").unwrap();
        ground.check(&[NAME]).exits(6);
        sync().exits(0);
        is_sound(&ground);
    }
    config("key_mode = '0640'");
    ground.check(&[NAME]).exits(6);
    sync().exits(0);
    is_sound(&ground);
    // A check that fails takes all back; a hook that fails is still to come.
    config("check = ['false']\nkey_mode = '0600'");
    sync().exits(8);
    config("key_mode = '0640'");
    is_sound(&ground);
    config("key_mode = '0600'\nhook = ['false']");
    sync().exits(8);
    is_sound(&ground);
}

fn sync_with_force(ground: &Ground) -> super::Run {
    ground.certctl("sync", &["--force"]).run()
}

/// Every cloud's certificates, those that are issued by a root itself among them.
#[test]
fn whatever_is_downloaded() {
    let ground = Ground::new();
    for provider in ["jdcloud", "tencent", "huawei", "ctyun"] {
        let dir = ground.text(provider);
        let args = ["download", "-p", provider, "--all", "-d", &dir, "--format", "pem,combined,der,pkcs12"];
        Certctl::new(&ground.sandbox).args(args).run();
        let run = ground.check(&[&dir]).exits(0);
        let directories = fs::read_dir(&dir).unwrap().count();
        assert!(directories > 3 && run.stdout.lines().count() == directories + 1, "{provider}: {}", run.stdout);
    }
}
