//! Damaged key stores and keys: an error, or what was in them, and neither a panic nor a wait.

use std::fs;

use certctl::keystore::{Budget, Kind, Opened, Strength, jks, open_key, pkcs12};
use rcgen::KeyPair;

use super::{KEYS, Owner, openssl};
use crate::oracle;

/// The bits that are turned in one byte after the other.
const FLIPS: [u8; 4] = [0x01, 0x20, 0x80, 0xff];

/// Every prefix, and every copy with one byte changed; the whole itself is not among them.
fn each_damage(whole: &[u8], mut with: impl FnMut(&[u8], &str)) {
    for length in 0..whole.len() {
        with(&whole[..length], &format!("the first {length} bytes"));
    }
    let mut copy = whole.to_vec();
    for at in 0..whole.len() {
        for flip in FLIPS {
            copy[at] ^= flip;
            with(&copy, &format!("byte {at} with {flip:02x}"));
            copy[at] ^= flip;
        }
    }
}

fn same(left: &Opened, right: &Opened) -> bool {
    let keys = |opened: &Opened| opened.keys.iter().map(|key| key.der.to_vec()).collect::<Vec<_>>();
    keys(left) == keys(right) && left.certificates == right.certificates
}

fn check(kind: Kind, whole: &[u8]) {
    let right = kind.open(whole, "x", &mut Budget::default()).unwrap();
    each_damage(whole, |damaged, how| match kind.open(damaged, "x", &mut Budget::default()) {
        Ok(opened) => assert!(same(&opened, &right), "{kind:?}, {how}: something else is in it"),
        Err(error) => assert!(!error.to_string().is_empty()),
    });
}

fn small() -> Owner {
    Owner::new(&KeyPair::generate().unwrap(), 0)
}

#[test]
fn damaged_pkcs12() {
    if !oracle::has("openssl") {
        return;
    }
    let owner = small();
    let dir = tempfile::tempdir().unwrap();
    // Ours do so many iterations that thousands of copies would take minutes; one iteration takes the same paths.
    let made = owner.entry("a", |entry| pkcs12(entry, "x", Strength::Modern)).unwrap();
    fs::write(dir.path().join("ours.p12"), &made).unwrap();
    openssl(dir.path(), "pkcs12 -in @/ours.p12 -passin pass:x -noenc -out @/all.pem");
    for form in ["", "-legacy"] {
        openssl(dir.path(), &format!("pkcs12 -export {form} -iter 1 -in @/all.pem -out @/made.p12 -passout pass:x"));
        check(Kind::Pkcs12, &fs::read(dir.path().join("made.p12")).unwrap());
    }
    // Without a MAC anything may come of it but a panic.
    openssl(dir.path(), "pkcs12 -export -nomac -iter 1 -in @/all.pem -out @/made.p12 -passout pass:x");
    each_damage(&fs::read(dir.path().join("made.p12")).unwrap(), |damaged, _| {
        drop(Kind::Pkcs12.open(damaged, "x", &mut Budget::default()));
    });
    for length in (0..made.len()).step_by(10) {
        assert!(Kind::Pkcs12.open(&made[..length], "x", &mut Budget::default()).is_err(), "{length} bytes");
    }
}

#[test]
fn damaged_java_key_stores() {
    check(Kind::Jks, &small().entry("a", |entry| jks(entry, "x")).unwrap());
}

#[test]
fn damaged_keys() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), "genpkey -algorithm ed25519 -out @/plain.pem");
    for form in ["-iter 1", "-v1 PBE-SHA1-3DES -iter 1", "-v1 PBE-SHA1-DES -iter 1", "-scrypt -scrypt_N 2"] {
        let providers = "-provider default -provider legacy";
        let files = "-in @/plain.pem -outform DER -out @/key.der -passout pass:x";
        openssl(dir.path(), &format!("pkcs8 -topk8 {form} {providers} {files}"));
        // Nothing tells a flipped bit from the right one in what is encrypted; where the rest is damaged, it does not open.
        let whole = fs::read(dir.path().join("key.der")).unwrap();
        each_damage(&whole, |damaged, how| {
            let opened = open_key(damaged, "x", &mut Budget::default());
            assert!(damaged.len() == whole.len() || opened.is_err(), "{form}, {how}");
        });
    }
}

#[test]
fn whatever_is_no_key_store_is_told() {
    let pem = fs::read(format!("{KEYS}/rsa-2048.pem")).unwrap();
    for bytes in [&b""[..], b"\xfe\xed\xfe", b"\x30", b"\x30\x80", b"\x30\x03\x02\x01\x03", &pem] {
        assert_eq!(Kind::of(bytes), None);
        for kind in [Kind::Pkcs12, Kind::Jks, Kind::Jceks] {
            assert!(kind.open(bytes, "x", &mut Budget::default()).is_err());
        }
        assert!(open_key(bytes, "x", &mut Budget::default()).is_err());
    }
}
