//! Nothing that is printed ever holds key material.

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::bundle::{BundleError, Material};
use certctl::format::{self, Recipe};

use super::assemble;
use super::pki::{Node, Pki, ec_parts, pem, rsa, sec1};

/// Asserts that no eight bytes in a row of the key are in the text, in hex, base64 or as a list of numbers.
pub(super) fn assert_silent(case: &str, text: &str, key: &[u8]) {
    let list = |window: &[u8]| window.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let hex = |window: &[u8]| window.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lower = text.to_lowercase();
    for window in key.windows(8).filter(|window| window.iter().any(|&byte| byte != 0)) {
        assert!(!text.contains(&list(window)) && !lower.contains(&hex(window)), "{case}: {text}");
    }
    for shift in 0..3 {
        let digits = STANDARD.encode(key.get(shift..).unwrap_or_default());
        for window in digits.as_bytes().windows(12).filter(|window| !window.starts_with(b"AAAAAA")) {
            assert!(!text.contains(std::str::from_utf8(window).unwrap()), "{case}: {text}");
        }
    }
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[test]
fn debug_of_everything() {
    let pki = Pki::new();
    let (scalar, _) = ec_parts(pki.leaf.key.serialized_der());
    let key = pki.leaf.key_pem();
    let bundle = assemble(&[pki.fullchain(), key.clone()], &[]).unwrap();
    let material = Material::default().with("keyFile", key.into_bytes());
    for (case, text) in [
        ("Bundle", shown(&bundle)),
        ("PrivateKey", shown(bundle.key())),
        ("Certificate", shown(bundle.leaf())),
        ("Material", shown(&material)),
        ("FileImage", shown(&format::files(&bundle, &Recipe::default()).unwrap())),
    ] {
        assert_silent(case, &text, &scalar);
    }
}

#[test]
fn errors_of_every_kind() {
    let pki = Pki::new();
    let (scalar, point) = ec_parts(pki.leaf.key.serialized_der());
    let key = pki.leaf.key_pem();
    let chain = pki.fullchain();
    let (rsa_key, _) = rsa("rsa-2048-other.pem");
    let other = Node::root("Other");
    let (other_scalar, _) = ec_parts(other.key.serialized_der());
    let damaged = pem("EC PRIVATE KEY", &sec1(&other_scalar, Some(super::pki::OID_P256), Some(&point)));
    let mut seen = Vec::new();
    for (case, pieces, domains, secret) in [
        ("cut off", vec![&chain, &key[..key.len() - 40]], vec![], &scalar),
        ("glued wrongly", vec![&chain, &key.replace("END PRIVATE", "END RSA PRIVATE")], vec![], &scalar),
        ("not base64", vec![&chain, &key.replacen("MI", "M*", 1)], vec![], &scalar),
        ("a key as a certificate", vec![&chain, &key.replace("PRIVATE KEY", "CERTIFICATE")], vec![], &scalar),
        ("a label that is the key", vec![&chain, &format!("-----BEGIN {}", &key[28..])], vec![], &scalar),
        ("half a key", vec![&chain, &pem("PRIVATE KEY", &pki.leaf.key.serialized_der()[..60])], vec![], &scalar),
        ("mismatch", vec![&chain, &pem("PRIVATE KEY", &rsa_key)], vec![], &rsa_key),
        ("damaged", vec![&chain, &damaged], vec![], &other_scalar),
        ("no certificate", vec![&key], vec![], &scalar),
        ("no issuer", vec![&pki.leaf.pem(), &key], vec![], &scalar),
        ("domain", vec![&chain, &key], vec!["b.example"], &scalar),
    ] {
        let error: BundleError = assemble(&pieces, &domains).unwrap_err();
        assert_silent(case, &format!("{error} {}", shown(&error)), secret);
        assert!(!error.to_string().contains('\n'), "{case}: {error}");
        seen.push(std::mem::discriminant(&error));
    }
    seen.dedup();
    assert!(seen.len() > 6, "the cases are too much alike");
}
