//! Every change that certctl makes to a disk, once.

use std::fs;

use super::scene::{NAME, Scene, Stage};
use crate::sandbox::{Account, Cloud};

/// All formats, and a password that is the same in every run.
fn all_formats(stage: &Stage) -> String {
    let password = stage.disk().parent().unwrap().join("password");
    fs::write(&password, "crash-test-password\n").unwrap();
    rustix::fs::chmod(&password, rustix::fs::Mode::RUSR).unwrap();
    format!(
        "formats = ['pem', 'pkcs12', 'jks', 'combined', 'der', 'k8s-secret']\nkeystore_password = {{ file = '{}' }}",
        password.display()
    )
}

/// The first download into a directory that is not there.
pub(super) fn first_download() -> Scene {
    let mut stage = Stage::new("first download", Account::Healthy);
    let held = stage.sandbox().certificate(Cloud::Jdcloud, Account::Healthy, "p256 sec1");
    let dir = stage.disk().join("certs/made/on the way");
    stage.alone(&format!("certs/made/on the way/{}", held.domain));
    let words = ["download", "-p", "jdcloud", &held.id, "--format", "pem,combined,der", "-d"];
    let arguments = words.into_iter().map(str::to_owned).chain([dir.display().to_string()]).collect();
    stage.ready(arguments)
}

/// The same with the least number of files.
pub(super) fn small_download() -> Scene {
    let mut stage = Stage::new("small download", Account::Healthy);
    let held = stage.sandbox().certificate(Cloud::Jdcloud, Account::Healthy, "p256 sec1");
    let dir = stage.disk().join("certs/made");
    stage.alone(&format!("certs/made/{}", held.domain));
    let words = ["download", "-p", "jdcloud", &held.id, "-d"];
    let arguments = words.into_iter().map(str::to_owned).chain([dir.display().to_string()]).collect();
    stage.ready(arguments)
}

/// A renewal by hand, with old versions that go.
pub(super) fn download_again() -> Scene {
    let mut stage = Stage::new("download again", Account::Healthy);
    let first = stage.sandbox().certificate(Cloud::Jdcloud, Account::Healthy, "p384");
    stage.alone(&format!("certs/{}", first.domain));
    let dir = stage.disk().join("certs").display().to_string();
    let download = |id: &str| ["download", "-p", "jdcloud", id, "-d", &dir].map(str::to_owned).to_vec();
    let mut id = first.id;
    for _ in 0..5 {
        let arguments = download(&id);
        stage.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        id = stage.sandbox().renew(Cloud::Jdcloud, Account::Healthy, &id).id;
    }
    stage.ready(download(&id))
}

/// The first sync: copies where other files stand and where none do, a password that is made up, report and metrics.
pub(super) fn first_sync() -> Scene {
    let mut stage = Stage::new("first sync", Account::Empty);
    stage.sandbox().issue(Cloud::Ctyun, Account::Empty, &[NAME], (-10, 80));
    stage.configure("", "ct", NAME, "formats = ['pem', 'pkcs12']", &["a.crt", "a.key", "a.p12"]);
    stage.is_random();
    fs::write(stage.disk().join("ssl/a.crt"), "the admin's own\n").unwrap();
    let arguments = stage.sync();
    stage.ready(arguments)
}

/// Two certificates were in place before, and one old version is kept.
fn synced_twice(title: &'static str, top: &str) -> (Stage, String) {
    let mut stage = Stage::new(title, Account::Empty);
    let first = stage.sandbox().issue(Cloud::Tencent, Account::Empty, &[NAME], (-10, 80));
    let formats = all_formats(&stage);
    stage.configure(top, "tx", NAME, &formats, &["a.crt", "a.key", "a.p12"]);
    let sync = stage.sync();
    let sync: Vec<_> = sync.iter().map(String::as_str).collect();
    stage.run(&sync);
    let second = stage.sandbox().renew(Cloud::Tencent, Account::Empty, &first.id);
    stage.run(&sync);
    (stage, second.id)
}

/// A renewal with all that there is: every format, copies, check and hook, report and metrics, an old version that goes.
pub(super) fn renewal() -> Scene {
    let (stage, id) = synced_twice("renewal", "keep = 1");
    stage.sandbox().renew(Cloud::Tencent, Account::Empty, &id);
    let arguments = stage.sync();
    stage.ready(arguments)
}

/// A renewal of what the power cut is to take: fewer files, so that more can be tried of each.
pub(super) fn small_renewal() -> Scene {
    let mut stage = Stage::new("small renewal", Account::Empty);
    let first = stage.sandbox().issue(Cloud::Tencent, Account::Empty, &[NAME], (-10, 80));
    stage.configure("keep = 1", "tx", NAME, "", &["a.crt", "a.key"]);
    let sync = stage.sync();
    let words: Vec<_> = sync.iter().map(String::as_str).collect();
    stage.run(&words);
    let second = stage.sandbox().renew(Cloud::Tencent, Account::Empty, &first.id);
    stage.run(&words);
    stage.sandbox().renew(Cloud::Tencent, Account::Empty, &second.id);
    stage.ready(sync)
}

/// Back to the version before.
pub(super) fn rollback() -> Scene {
    let (mut stage, _) = synced_twice("rollback", "");
    let home = stage.disk().join("certs").join(NAME).join("versions");
    let versions: Vec<_> = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let oldest = versions.iter().min().unwrap().to_str().unwrap().to_owned();
    let config = stage.config();
    let arguments = ["rollback", NAME, "-c", &config].map(str::to_owned).to_vec();
    stage.heal_with([&arguments[..], &["--to".to_owned(), oldest]].concat());
    stage.ready(arguments)
}

/// Some files of the version in place and a copy are not as they were.
pub(super) fn repair() -> Scene {
    let (stage, _) = synced_twice("repair", "");
    let current = stage.disk().join("certs").join(NAME).join("current");
    fs::write(current.join("chain.pem"), "damaged\n").unwrap();
    fs::remove_file(current.join("keystore.jks")).unwrap();
    fs::remove_file(stage.disk().join("certs").join(NAME).join("privkey.pem")).unwrap();
    fs::write(stage.disk().join("ssl/a.key"), "damaged\n").unwrap();
    let arguments = stage.sync();
    stage.ready(arguments)
}

/// Other formats: some come, some go.
pub(super) fn other_formats() -> Scene {
    let mut stage = Stage::new("other formats", Account::Empty);
    stage.sandbox().issue(Cloud::Tencent, Account::Empty, &[NAME], (-10, 80));
    stage.configure("", "tx", NAME, "formats = ['pem', 'combined', 'der']", &["a.crt"]);
    let sync = stage.sync();
    stage.run(&sync.iter().map(String::as_str).collect::<Vec<_>>());
    let formats = all_formats(&stage).replace("'combined', 'der', ", "");
    stage.configure("", "tx", NAME, &formats, &["a.crt", "a.key", "a.p12"]);
    stage.ready(sync)
}

/// An SM2 certificate of two halves; None where this machine cannot make one.
pub(super) fn dual() -> Option<Scene> {
    let mut stage = Stage::new("SM2", Account::Sm2);
    let is_there = !stage.sandbox().certificates(Cloud::Tencent, Account::Sm2).is_empty();
    if !crate::oracle::is_there(is_there, "openssl with SM2") {
        return None;
    }
    let held = stage.sandbox().certificate(Cloud::Tencent, Account::Sm2, "dual");
    stage.configure("", "tx", &held.domain, "", &["a.crt", "a.key"]);
    let arguments = stage.sync();
    Some(stage.ready(arguments))
}
