//! SM2 dual certificates: both halves are looked at, in directories of certctl's and in others.

use std::fs;
use std::path::{Path, PathBuf};

use super::{codes, copy, problems};
use crate::cli::Certctl;
use crate::cli::sm2::is_there;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

const HALVES: [&str; 4] = ["sign-cert.pem", "sign-privkey.pem", "enc-cert.pem", "enc-privkey.pem"];

/// A directory with a dual certificate in every format, where there are such certificates.
fn dual(ground: &Path) -> Option<(Sandbox, PathBuf)> {
    let sandbox = Sandbox::start(Options::default());
    if !is_there(&sandbox) {
        return None;
    }
    let certificate = sandbox.certificate(Cloud::Tencent, Account::Sm2, "dual");
    let formats = "combined,pkcs12,jks,der,k8s-secret";
    let dir = ground.join("certs").display().to_string();
    let args = ["download", "-p", "tencent", &certificate.id, "-d", &dir, "--format", formats];
    Certctl::of(&sandbox, Account::Sm2).args(args).run().exits(0);
    let home = ground.join("certs").join(&certificate.domain);
    Some((sandbox, home))
}

fn check(sandbox: &Sandbox, path: &Path, code: i32) -> Vec<(String, String)> {
    let run = Certctl::of(sandbox, Account::Sm2).args(["check", "-o", "json"]).args([path]).run().exits(code);
    problems(&run.json())
}

#[test]
fn each_half_has_its_own_key() {
    let ground = tempfile::tempdir().unwrap();
    let Some((sandbox, home)) = dual(ground.path()) else { return };
    assert_eq!(check(&sandbox, &home, 0), []);
    let sound = ground.path().join("sound");
    copy(&home, &sound);
    for (from, to) in [
        ("sign-privkey.pem", "enc-privkey.pem"),
        ("enc-privkey.pem", "sign-privkey.pem"),
        ("enc-privkey.pem", "privkey.pem"),
    ] {
        let bytes = fs::read(home.join("current").join(from)).unwrap();
        fs::write(home.join("current").join(to), bytes).unwrap();
        let found = check(&sandbox, &home, 6);
        assert_eq!(codes(&found), ["hash", "key_mismatch"].into(), "{found:?}");
        let words = format!("{to} is not the key of");
        assert!(found.iter().any(|(code, message)| code == "key_mismatch" && message.contains(&words)), "{found:?}");
        fs::remove_dir_all(&home).unwrap();
        copy(&sound, &home);
    }
    fs::remove_file(home.join("current/enc-privkey.pem")).unwrap();
    assert_eq!(codes(&check(&sandbox, &home, 6)), ["missing_file"].into());
}

/// The same files without metadata.json, as a deployment copies them.
#[test]
fn in_a_directory_of_pem_files() {
    let ground = tempfile::tempdir().unwrap();
    let Some((sandbox, home)) = dual(ground.path()) else { return };
    let ssl = ground.path().join("ssl");
    fs::create_dir(&ssl).unwrap();
    for name in ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"].iter().chain(&HALVES) {
        fs::copy(home.join(name), ssl.join(name)).unwrap();
    }
    assert_eq!(check(&sandbox, &ssl, 0), []);
    for (from, to) in [("sign-privkey.pem", "enc-privkey.pem"), ("enc-privkey.pem", "sign-privkey.pem")] {
        fs::copy(home.join(from), ssl.join(to)).unwrap();
        let found = check(&sandbox, &ssl, 6);
        assert_eq!(codes(&found), ["key_mismatch"].into(), "{found:?}");
        assert!(found[0].1.contains(&format!("{to} is not the key of")), "{found:?}");
        fs::copy(home.join(to), ssl.join(to)).unwrap();
    }
}
