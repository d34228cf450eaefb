//! Single private keys under a password, in every form that OpenSSL writes.

use std::fs;
use std::path::Path;

use certctl::keystore::{Budget, KeystoreError, open_key};
use tempfile::TempDir;

use super::{KEYS, openssl};
use crate::oracle;

/// What `openssl pkcs8 -topk8` is told.
const FORMS: &[&str] = &[
    "",
    "-v2 aes-128-cbc",
    "-v2 aes-192-cbc -v2prf hmacWithSHA1",
    "-v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 100000",
    "-v2 aes-256-cbc -v2prf hmacWithSHA384",
    "-v2 aes-256-cbc -v2prf hmacWithSHA512",
    "-v2 des3",
    "-v2 des-cbc",
    "-v2 rc2-cbc",
    "-v2 rc2-64-cbc",
    "-v2 rc2-40-cbc",
    "-scrypt",
    "-scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 3 -v2 aes-128-cbc",
    "-v1 PBE-MD5-DES",
    "-v1 PBE-SHA1-DES",
    "-v1 PBE-MD5-RC2-64",
    "-v1 PBE-SHA1-RC2-64",
    "-v1 PBE-SHA1-3DES",
    "-v1 PBE-SHA1-2DES",
    "-v1 PBE-SHA1-RC2-128",
    "-v1 PBE-SHA1-RC2-40",
];

/// A directory with a key as PKCS#8 in `plain.der`; `None` without openssl.
fn plain() -> Option<(TempDir, Vec<u8>)> {
    if !oracle::has("openssl") {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), &format!("pkcs8 -topk8 -nocrypt -in {KEYS}/rsa-2048.pem -outform DER -out @/plain.der"));
    let plain = fs::read(dir.path().join("plain.der")).unwrap();
    Some((dir, plain))
}

/// `plain.der` as openssl encrypts it.
fn encrypted(dir: &Path, form: &str, password: &str) -> Vec<u8> {
    fs::write(dir.join("password"), format!("{password}\n")).unwrap();
    let providers = "-provider default -provider legacy";
    let files = "-in @/plain.der -inform DER -outform DER -out @/encrypted.der";
    openssl(dir, &format!("pkcs8 -topk8 {form} {providers} {files} -passout file:@/password"));
    fs::read(dir.join("encrypted.der")).unwrap()
}

#[test]
fn every_form_of_openssl_opens() {
    let Some((dir, plain)) = plain() else { return };
    for form in FORMS {
        let der = encrypted(dir.path(), form, "correct horse");
        assert_eq!(open_key(&der, "correct horse", &mut Budget::default()).as_deref(), Ok(&plain), "{form}");
        assert_eq!(
            open_key(&der, "battery staple", &mut Budget::default()).err(),
            Some(KeystoreError::WrongPassword),
            "{form}"
        );
        assert_eq!(open_key(&der, "", &mut Budget::default()).err(), Some(KeystoreError::WrongPassword), "{form}");
    }
}

#[test]
fn passwords_of_every_kind() {
    let Some((dir, plain)) = plain() else { return };
    let long = "0123456789".repeat(20);
    for form in ["-v2 aes-256-cbc", "-scrypt -scrypt_N 1024", "-v1 PBE-SHA1-3DES", "-v1 PBE-MD5-DES"] {
        for password in ["x", " leading and trailing ", "pässwörter", "密码 пароль", "\u{1f511}", &long] {
            let der = encrypted(dir.path(), form, password);
            assert_eq!(open_key(&der, password, &mut Budget::default()).as_deref(), Ok(&plain), "{form} {password}");
        }
    }
    // What OpenSSL before 1.1 wrote for `ü`, of which it took each byte for a character.
    let der = encrypted(dir.path(), "-v1 PBE-SHA1-3DES", "Ã¼");
    assert_eq!(open_key(&der, "ü", &mut Budget::default()).as_deref(), Ok(&plain));
}

#[test]
fn padding_that_fits_by_chance_is_no_key() {
    let Some((dir, _)) = plain() else { return };
    let der = encrypted(dir.path(), "-v2 aes-128-cbc -iter 1", "right");
    // One in 256 passes the padding.
    for number in 0..3000 {
        let opened = open_key(&der, &format!("wrong {number}"), &mut Budget::default());
        assert_eq!(opened.err(), Some(KeystoreError::WrongPassword), "{number}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let Some((dir, _)) = plain() else { return };
    for (form, what) in [
        ("-v1 PBE-SHA1-RC4-128", "RC4"),
        ("-v1 PBE-SHA1-RC4-40", "RC4"),
        ("-v2 camellia-256-cbc", "the algorithm 1.2.392.200011.61.1.1.1.4"),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA224", "the algorithm 1.2.840.113549.2.8"),
    ] {
        let der = encrypted(dir.path(), form, "x");
        assert_eq!(
            open_key(&der, "x", &mut Budget::default()).err(),
            Some(KeystoreError::Unsupported { what: what.to_owned() }),
            "{form}"
        );
    }
}
