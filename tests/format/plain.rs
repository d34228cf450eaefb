//! The PEM files, the combined file and DER.

use std::fs;

use certctl::format::{self, Format, KEYSTORE_PASSWORD, Modes, Recipe};

use super::{bundle, bytes};
use crate::oracle;

const MODES: Modes = Modes { key: 0o640, cert: 0o444 };

fn recipe(formats: &[Format]) -> Recipe {
    Recipe { formats: formats.to_vec(), modes: MODES, ..Recipe::default() }
}

#[test]
fn each_format_gives_its_files() {
    let bundle = bundle();
    for (formats, wanted) in [
        (&[][..], &["cert.pem 444", "chain.pem 444", "fullchain.pem 444", "privkey.pem 640"][..]),
        (
            &[Format::Der, Format::Combined, Format::Der],
            &[
                "cert.pem 444",
                "chain.pem 444",
                "fullchain.pem 444",
                "privkey.pem 640",
                "combined.pem 640",
                "cert.der 444",
                "privkey.der 640",
            ],
        ),
    ] {
        let files = format::files(&bundle, &recipe(formats)).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.name, file.mode)).collect();
        let words: Vec<_> = found.iter().map(|(name, mode)| format!("{name} {mode:o}")).collect();
        assert_eq!(words, wanted);
        assert_eq!(format::names(formats, MODES, false).always, found, "known before there is a bundle");
    }
    let usual: Vec<_> = format::files(&bundle, &Recipe::default()).unwrap().iter().map(|file| file.mode).collect();
    assert_eq!(usual, [0o644, 0o644, 0o644, 0o600]);
}

#[test]
fn the_password_file_is_there_only_for_our_own_password() {
    let names = |has_password| format::names(&[Format::Pkcs12, Format::Jks], MODES, has_password).always;
    assert_eq!(names(false).iter().filter(|(name, _)| *name == KEYSTORE_PASSWORD).count(), 1);
    assert!(!names(true).iter().any(|(name, _)| *name == KEYSTORE_PASSWORD));
}

#[test]
fn combined_is_the_chain_and_the_key() {
    let files = format::files(&bundle(), &recipe(&[Format::Combined])).unwrap();
    let both = [bytes(&files, "fullchain.pem"), bytes(&files, "privkey.pem")].concat();
    assert_eq!(bytes(&files, "combined.pem"), both);
}

#[test]
fn der_is_what_openssl_reads() {
    if !oracle::has("openssl") {
        return;
    }
    let files = format::files(&bundle(), &recipe(&[Format::Der])).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (command, der, pem) in [("x509", "cert.der", "cert.pem"), ("pkey", "privkey.der", "privkey.pem")] {
        let path = dir.path().join(der);
        fs::write(&path, bytes(&files, der)).unwrap();
        let read = oracle::run("openssl", &[command, "-inform", "DER", "-in", &path.display().to_string()]);
        assert_eq!(read.as_bytes(), bytes(&files, pem), "{der}");
    }
}
