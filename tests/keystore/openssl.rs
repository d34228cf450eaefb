//! PKCS#12 between OpenSSL and here.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::keystore::{Budget, KeystoreError, Kind, Strength, pkcs12};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use tempfile::TempDir;

use super::{Owner, openssl};
use crate::oracle;

const PASSWORDS: &[&str] = &["x", "correct horse", "pässwörter", "密码 пароль", "\u{1f511} key", ""];

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A directory with key and chain as PEM files.
fn written(owner: &Owner) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let chain: String = owner.chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
    fs::write(dir.path().join("chain.pem"), chain).unwrap();
    fs::write(dir.path().join("key.pem"), pem("PRIVATE KEY", &owner.plain_key())).unwrap();
    dir
}

/// `key.pem` and `chain.pem` as `openssl pkcs12 -export` writes them.
fn exported(dir: &Path, form: &str, password: &str) -> Vec<u8> {
    fs::write(dir.join("password"), format!("{password}\n")).unwrap();
    let files = "-inkey @/key.pem -in @/chain.pem -out @/made.p12 -passout file:@/password";
    openssl(dir, &format!("pkcs12 -export {form} {files}"));
    fs::read(dir.join("made.p12")).unwrap()
}

#[test]
fn what_openssl_writes_opens() {
    if !oracle::has("openssl") {
        return;
    }
    let owner = Owner::rsa();
    let dir = written(&owner);
    for form in [
        "-name Www.Example.com",
        "-legacy",
        "-legacy -descert",
        "-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-2DES",
        "-certpbe AES-128-CBC -keypbe AES-192-CBC -macalg sha224",
        "-certpbe DES-EDE3-CBC -keypbe AES-256-CBC -macalg sha384",
        "-certpbe NONE -keypbe AES-256-CBC -macalg sha512",
        "-certpbe AES-256-CBC -keypbe NONE -macalg sha1",
        "-certpbe NONE -keypbe NONE",
        "-iter 100000",
        "-nomac",
        "-nomaciter",
        "-noiter",
    ] {
        let der = exported(dir.path(), form, "correct horse");
        assert_eq!(Kind::of(&der), Some(Kind::Pkcs12), "{form}");
        let opened = Kind::Pkcs12.open(&der, "correct horse", &mut Budget::default()).unwrap();
        assert!(owner.is_in(&opened), "{form}");
        let alias = form.contains("-name").then_some("Www.Example.com");
        assert_eq!(opened.keys[0].alias.as_deref(), alias, "{form}");
        for wrong in ["correct horses", "", "päss"] {
            assert_eq!(
                Kind::Pkcs12.open(&der, wrong, &mut Budget::default()).err(),
                Some(KeystoreError::WrongPassword),
                "{form}: {wrong}"
            );
        }
    }
    for form in ["", "-legacy"] {
        for password in PASSWORDS {
            let der = exported(dir.path(), form, password);
            assert!(
                owner.is_in(&Kind::Pkcs12.open(&der, password, &mut Budget::default()).unwrap()),
                "{form}: {password}"
            );
        }
    }
    // What OpenSSL before 1.1 wrote for `ü`, of which it took each byte for a character.
    let der = exported(dir.path(), "-legacy", "Ã¼");
    assert!(owner.is_in(&Kind::Pkcs12.open(&der, "ü", &mut Budget::default()).unwrap()));
}

#[test]
fn certificates_alone() {
    if !oracle::has("openssl") {
        return;
    }
    let owner = Owner::ec();
    let dir = written(&owner);
    let der = exported(dir.path(), "-nokeys", "x");
    let opened = Kind::Pkcs12.open(&der, "x", &mut Budget::default()).unwrap();
    assert!(opened.keys.is_empty());
    assert_eq!(opened.certificates, owner.chain);
}

#[test]
fn openssl_reads_what_is_written_here() {
    if !oracle::has("openssl") {
        return;
    }
    let special = |algorithm| Owner::new(&KeyPair::generate_for(algorithm).unwrap(), 0);
    let owners = [Owner::rsa(), Owner::ec(), special(&PKCS_ED25519), special(&PKCS_ECDSA_P384_SHA384)];
    for strength in [Strength::Modern, Strength::Legacy] {
        for (owner, password) in owners.iter().cycle().zip(PASSWORDS) {
            let dir = written(owner);
            let made = owner.entry("Www.Example.com", |entry| pkcs12(entry, password, strength)).unwrap();
            assert!(owner.is_in(&Kind::Pkcs12.open(&made, password, &mut Budget::default()).unwrap()));
            fs::write(dir.path().join("made.p12"), &made).unwrap();
            fs::write(dir.path().join("password"), format!("{password}\n")).unwrap();
            let legacy = if strength == Strength::Legacy { "-legacy" } else { "" };
            let read = openssl(dir.path(), &format!("pkcs12 {legacy} -in @/made.p12 -passin file:@/password -noenc"));
            let told = |pem: String| read.find(pem.as_str()).unwrap_or_else(|| panic!("{pem} in {read}"));
            let at: Vec<_> = owner.chain.iter().map(|der| told(pem("CERTIFICATE", der))).collect();
            assert!(at.is_sorted(), "in order");
            assert_eq!(read.matches("friendlyName: Www.Example.com").count(), 2, "{read}");
            assert_eq!(read.matches("localKeyID: ").count(), 2, "{read}");
            let key = openssl(dir.path(), "pkey -in @/key.pem");
            told(key);
        }
    }
}

#[test]
fn the_algorithms_are_those_promised() {
    if !oracle::has("openssl") {
        return;
    }
    let owner = Owner::ec();
    let dir = tempfile::tempdir().unwrap();
    for (strength, wanted) in [
        (
            Strength::Modern,
            &[
                "MAC: sha256, Iteration 10000",
                "PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256",
                "Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 10000, PRF hmacWithSHA256",
            ][..],
        ),
        (
            Strength::Legacy,
            &[
                "MAC: sha1, Iteration 10000",
                "PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000",
                "Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 10000",
            ],
        ),
    ] {
        let path = dir.path().join("made.p12");
        fs::write(&path, owner.entry("a", |entry| pkcs12(entry, "x", strength)).unwrap()).unwrap();
        let arguments = ["pkcs12", "-info", "-noout", "-legacy", "-passin", "pass:x", "-in"];
        let output = std::process::Command::new("openssl").args(arguments).arg(&path).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        for line in wanted {
            assert!(told.lines().any(|told| told == *line), "{line} in {told}");
        }
    }
}
