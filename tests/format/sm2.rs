//! The files of an SM2 dual certificate.

use certctl::bundle::{Bundle, Certificate, Material, Requirements};
use certctl::format::{self, Format, Modes, Recipe};
use jiff::{SignedDuration, Timestamp};

use super::bytes;
use crate::oracle;
use crate::sandbox::pki::{Depth, Issued, KeyKind, Wanted};
use crate::sandbox::sm2::Authority;

const MODES: Modes = Modes { key: 0o640, cert: 0o444 };

/// None where the openssl of this machine does not know SM2.
fn issued() -> Option<Issued> {
    let now = Timestamp::now();
    let day = |count: i64| now.checked_add(SignedDuration::from_hours(24 * count)).unwrap();
    let authority = Authority::new(now);
    oracle::is_there(authority.is_some(), "openssl with SM2");
    Some(authority?.issue(&Wanted {
        common_name: "www.example.com".to_owned(),
        names: vec!["www.example.com".to_owned()],
        validity: (day(-1), day(90)),
        key: KeyKind::Sm2,
        depth: Depth::One,
    }))
}

fn assemble(pieces: &[&str]) -> Bundle {
    let material = pieces.iter().fold(Material::default(), |material, piece| material.with("piece", *piece));
    Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &[], passwords: &[] }).unwrap()
}

fn made(bundle: &Bundle, formats: &[Format]) -> Vec<format::FileImage> {
    format::files(bundle, &Recipe { formats: formats.to_vec(), modes: MODES, ..Recipe::default() }).unwrap()
}

#[test]
fn both_halves_beside_the_usual_files() {
    let Some(issued) = issued() else { return };
    let encryption = issued.encryption.unwrap();
    let chain = issued.chain.concat();
    let single = assemble(&[&issued.leaf, &chain, &issued.key]);
    let half = assemble(&[&issued.leaf, &chain, &issued.key, &encryption.certificate]);
    let dual = assemble(&[&issued.leaf, &chain, &issued.key, &encryption.certificate, &encryption.key]);
    let names = format::names(&[], MODES, false);
    for (bundle, dual_files) in [(&single, 0), (&half, 3), (&dual, 4)] {
        let found: Vec<_> = made(bundle, &[]).iter().map(|file| (file.name, file.mode)).collect();
        assert_eq!(found, [&names.always[..], &names.dual[..dual_files]].concat(), "known before there is a bundle");
    }
    let modes: Vec<_> = names.dual.iter().map(|(name, mode)| format!("{name} {mode:o}")).collect();
    assert_eq!(modes, ["sign-cert.pem 444", "sign-privkey.pem 640", "enc-cert.pem 444", "enc-privkey.pem 640"]);

    let formats = [Format::Combined, Format::Der, Format::K8sSecret];
    let files = made(&dual, &formats);
    for (name, want) in [
        ("sign-cert.pem", &issued.leaf),
        ("cert.pem", &issued.leaf),
        ("sign-privkey.pem", &issued.key),
        ("privkey.pem", &issued.key),
        ("enc-cert.pem", &encryption.certificate),
        ("enc-privkey.pem", &encryption.key),
        ("fullchain.pem", &(issued.leaf.clone() + &chain)),
        ("combined.pem", &(issued.leaf.clone() + &chain + &issued.key)),
    ] {
        assert_eq!(String::from_utf8_lossy(bytes(&files, name)), *want, "{name}");
    }
    // All other formats hold the signing half: they are those of a bundle without another.
    for file in made(&single, &formats) {
        assert_eq!(bytes(&files, file.name), file.bytes.as_slice(), "{}", file.name);
    }
    let leaf = Certificate::leaf_in_pem(bytes(&files, "fullchain.pem")).unwrap();
    assert_eq!(leaf.der(), dual.leaf().der());
    for format in [Format::Pem, Format::Combined] {
        let stream = format::stream(&dual, format, &Recipe::default()).unwrap();
        assert_eq!(stream.as_slice(), bytes(&files, "combined.pem"), "{format}");
    }
}
