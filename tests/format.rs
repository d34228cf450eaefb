//! What a bundle's files hold, in each format.

use std::fs;
use std::path::Path;
use std::process::Command;

use certctl::bundle::{Bundle, Material, Requirements};
use certctl::format::{self, FileImage, Format, Modes, NotBuilt};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

const MODES: Modes = Modes { key: 0o640, cert: 0o444 };
const ALL_BUILT: [Format; 3] = [Format::Pem, Format::Combined, Format::Der];

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
        let files = format::files(&bundle, formats, MODES).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.name, file.mode)).collect();
        let words: Vec<_> = found.iter().map(|(name, mode)| format!("{name} {mode:o}")).collect();
        assert_eq!(words, wanted);
        assert_eq!(format::names(formats, MODES).unwrap(), found, "known before there is a bundle");
    }
    let usual: Vec<_> = format::pem(&bundle).iter().map(|file| file.mode).collect();
    assert_eq!(usual, [0o644, 0o644, 0o644, 0o600]);
}

#[test]
fn combined_is_the_chain_and_the_key() {
    let files = format::files(&bundle(), &ALL_BUILT, MODES).unwrap();
    let both = [bytes(&files, "fullchain.pem"), bytes(&files, "privkey.pem")].concat();
    assert_eq!(bytes(&files, "combined.pem"), both);
}

#[test]
fn der_is_what_openssl_reads() {
    let files = format::files(&bundle(), &ALL_BUILT, MODES).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for (command, der, pem) in [("x509", "cert.der", "cert.pem"), ("pkey", "privkey.der", "privkey.pem")] {
        let path = dir.path().join(der);
        fs::write(&path, bytes(&files, der)).unwrap();
        let Some(read) = openssl(&[command, "-inform", "DER", "-in"], &path) else { return };
        assert_eq!(read, bytes(&files, pem), "{der}");
    }
}

#[test]
fn formats_that_cannot_be_written_are_named() {
    for format in Format::ALL {
        let names = format::names(&[format], MODES);
        assert_eq!(format::files(&bundle(), &[format], MODES).map(drop), names.clone().map(drop));
        if !ALL_BUILT.contains(&format) {
            assert_eq!(names, Err(NotBuilt(format)));
            assert!(NotBuilt(format).to_string().contains(&format!("`{format}`")));
        }
    }
}

fn bytes<'a>(files: &'a [FileImage], name: &str) -> &'a [u8] {
    &files.iter().find(|file| file.name == name).unwrap().bytes
}

/// What openssl prints of it as PEM; `None` if there is no openssl.
fn openssl(arguments: &[&str], path: &Path) -> Option<Vec<u8>> {
    let Ok(output) = Command::new("openssl").args(arguments).arg(path).output() else {
        assert!(std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(), "needed, but not here: openssl");
        eprintln!("skipped: no openssl");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// A leaf and the one intermediate above it.
fn bundle() -> Bundle {
    let key = || KeyPair::generate().unwrap();
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = Issuer::new(ca("root"), key());
    let middle_key = key();
    let middle = ca("middle").signed_by(&middle_key, &root).unwrap();
    let middle_issuer = Issuer::new(ca("middle"), middle_key);
    let leaf_key = key();
    let mut leaf = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    leaf.use_authority_key_identifier_extension = true;
    let leaf = leaf.signed_by(&leaf_key, &middle_issuer).unwrap();
    let material = Material::default()
        .with("leaf".to_owned(), leaf.pem().as_bytes())
        .with("chain".to_owned(), middle.pem().as_bytes())
        .with("key".to_owned(), leaf_key.serialize_pem().as_bytes());
    Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &[] }).unwrap()
}
