//! Every kind of private key in every form: it is found, matched for real, and written as it came.

use certctl::bundle::BundleError;

use super::assemble;
use super::pki::{
    Node, OID_P256, OID_P384, Pki, Wish, ec_parts, fields, key_pair, pem, pkcs8, rsa, rsa_pkcs1, sec1, tlv,
};

const OID_EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OID_ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// Asserts that the key is found in `text` and written as `label` and `der`.
fn assert_written(case: &str, leaf: &[u8], issuer: &Node, text: &str, label: &str, der: &[u8]) {
    let bundle = assemble(&[&pem("CERTIFICATE", leaf), &issuer.pem(), text], &[]);
    let bundle = bundle.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(String::from_utf8_lossy(&bundle.key().to_pem()), pem(label, der), "{case}");
    assert_eq!(bundle.key().algorithm(), bundle.leaf().key_algorithm, "{case}");
}

#[test]
fn rsa_of_every_size_and_form() {
    let pki = Pki::new();
    for size in ["1024", "2048", "4096", "8192"] {
        let (der, public) = rsa(&format!("rsa-{size}.pem"));
        let leaf = pki.leaf_for(&public);
        let inner = rsa_pkcs1(&der);
        for (form, given, der, label, want) in [
            ("PKCS#8", "PRIVATE KEY", &der, "PRIVATE KEY", &der),
            ("PKCS#1", "RSA PRIVATE KEY", &inner, "RSA PRIVATE KEY", &inner),
            ("PKCS#8, mislabelled", "RSA PRIVATE KEY", &der, "PRIVATE KEY", &der),
            ("PKCS#1, mislabelled", "PRIVATE KEY", &inner, "RSA PRIVATE KEY", &inner),
        ] {
            assert_written(&format!("{size} {form}"), &leaf, &pki.intermediate, &pem(given, der), label, want);
        }
    }
}

#[test]
fn elliptic_curves_in_every_form() {
    let pki = Pki::new();
    for (name, oid) in [("EC P-256", OID_P256), ("EC P-384", OID_P384)] {
        let pair = key_pair(name);
        let leaf = pki.leaf_for(&pair);
        let (scalar, point) = ec_parts(pair.serialized_der());
        let full = sec1(&scalar, Some(oid), Some(&point));
        let no_point = sec1(&scalar, Some(oid), None);
        let bare = sec1(&scalar, None, None);
        let x = &point[1..=scalar.len()];
        let compressed = [&[2 + (point.last().unwrap() & 1)], x].concat();
        let compressed = sec1(&scalar, Some(oid), Some(&compressed));
        let algorithm = [OID_EC, &tlv(0x06, &[oid])];
        let parameters = pem("EC PARAMETERS", &tlv(0x06, &[oid]));
        let wrapped = pkcs8(&algorithm, &bare);
        let padded = sec1(&[&[0], scalar.as_slice()].concat(), Some(oid), None);
        for (form, text, label, want) in [
            ("PKCS#8 of ring", pem("PRIVATE KEY", pair.serialized_der()), "PRIVATE KEY", pair.serialized_der()),
            ("PKCS#8, scalar only", pem("PRIVATE KEY", &wrapped), "PRIVATE KEY", wrapped.as_slice()),
            ("PKCS#8, mislabelled", pem("EC PRIVATE KEY", &wrapped), "PRIVATE KEY", &wrapped),
            ("SEC1", pem("EC PRIVATE KEY", &full), "EC PRIVATE KEY", &full),
            ("SEC1, mislabelled", pem("PRIVATE KEY", &full), "EC PRIVATE KEY", &full),
            ("SEC1, no point", pem("EC PRIVATE KEY", &no_point), "EC PRIVATE KEY", &no_point),
            ("SEC1, compressed point", pem("EC PRIVATE KEY", &compressed), "EC PRIVATE KEY", &compressed),
            ("SEC1, a zero too many", pem("EC PRIVATE KEY", &padded), "EC PRIVATE KEY", &padded),
            ("SEC1 behind its parameters", parameters.clone() + &pem("EC PRIVATE KEY", &full), "EC PRIVATE KEY", &full),
            // No server loads a SEC1 key without its curve, so that is put in.
            ("SEC1, curve beside it", parameters + &pem("EC PRIVATE KEY", &bare), "EC PRIVATE KEY", &full),
            ("SEC1, no curve", pem("EC PRIVATE KEY", &bare), "EC PRIVATE KEY", &full),
        ] {
            assert_written(&format!("{name} {form}"), &leaf, &pki.intermediate, &text, label, want);
        }
    }
}

#[test]
fn ed25519_in_both_versions() {
    let pki = Pki::new();
    let pair = key_pair("Ed25519");
    let leaf = pki.leaf_for(&pair);
    let seed = fields(&fields(&fields(pair.serialized_der())[0].1)[2].1)[0].1.clone();
    let first = pkcs8(&[OID_ED25519], &tlv(0x04, &[&seed]));
    for (form, der) in [("PKCS#8 v1", first.as_slice()), ("PKCS#8 v2", pair.serialized_der())] {
        assert_written(form, &leaf, &pki.intermediate, &pem("PRIVATE KEY", der), "PRIVATE KEY", der);
    }
}

#[test]
fn one_key_in_two_forms_is_one_key() {
    let pki = Pki::new();
    let (der, public) = rsa("rsa-2048.pem");
    let forms = [pem("PRIVATE KEY", &der), pem("RSA PRIVATE KEY", &rsa_pkcs1(&der))];
    let certificates = pem("CERTIFICATE", &pki.leaf_for(&public)) + &pki.intermediate.pem();
    for order in [[0, 1], [1, 0]] {
        let bundle = assemble(&[&certificates, &forms[order[0]], &forms[order[1]]], &[]).unwrap();
        assert_eq!(bundle.key().to_pem().as_slice(), forms[0].as_bytes());
    }
}

#[test]
fn the_private_part_is_checked() {
    let pki = Pki::new();
    let (scalar, point) = ec_parts(pki.leaf.key.serialized_der());
    let (other_scalar, other_point) = ec_parts(pki.root.key.serialized_der());
    let (mut broken_rsa, public) = rsa("rsa-2048.pem");
    // Inside the second prime.
    let inside = broken_rsa.len() - 500;
    broken_rsa[inside] ^= 1;
    let (other_rsa, _) = rsa("rsa-2048-other.pem");
    let rsa_leaf = pem("CERTIFICATE", &pki.leaf_for(&public));
    let ed = pki.leaf_for(&key_pair("Ed25519"));
    let ec_leaf = pki.leaf.pem();
    let ec =
        |scalar: &[u8], curve: &[u8], point: Option<&[u8]>| pem("EC PRIVATE KEY", &sec1(scalar, Some(curve), point));
    for (case, leaf, key, want) in [
        ("another scalar, the right point", &ec_leaf, ec(&other_scalar, OID_P256, Some(&point)), "damaged"),
        ("another scalar, no point", &ec_leaf, ec(&other_scalar, OID_P256, None), "mismatch"),
        ("the right scalar, another point", &ec_leaf, ec(&scalar, OID_P256, Some(&other_point)), "mismatch"),
        ("another curve", &ec_leaf, ec(&scalar, OID_P384, None), "mismatch"),
        ("an empty scalar", &ec_leaf, ec(&[], OID_P256, None), "mismatch"),
        ("a scalar that is too long", &ec_leaf, ec(&[7; 80], OID_P256, None), "mismatch"),
        ("RSA with a broken prime", &rsa_leaf, pem("PRIVATE KEY", &broken_rsa), "damaged"),
        ("another RSA key", &rsa_leaf, pem("PRIVATE KEY", &other_rsa), "mismatch"),
        ("RSA for an EC leaf", &ec_leaf, pem("PRIVATE KEY", &other_rsa), "mismatch"),
        ("EC for an RSA leaf", &rsa_leaf, pki.leaf.key_pem(), "mismatch"),
        (
            "another Ed25519 key",
            &pem("CERTIFICATE", &ed),
            pem("PRIVATE KEY", key_pair("Ed25519").serialized_der()),
            "mismatch",
        ),
    ] {
        let error = assemble(&[leaf, &pki.intermediate.pem(), &key], &[]).unwrap_err();
        let seen = match error {
            BundleError::KeyMismatch { .. } => "mismatch",
            BundleError::DamagedKey { .. } => "damaged",
            other => panic!("{case}: {other}"),
        };
        assert_eq!(seen, want, "{case}");
    }
}

#[test]
fn a_mismatch_names_both_sides() {
    let pki = Pki::new();
    let (other, _) = rsa("rsa-2048-other.pem");
    let error = assemble(&[pki.fullchain(), pem("PRIVATE KEY", &other)], &[]).unwrap_err().to_string();
    assert!(error.contains("(RSA 2048)") && error.contains("CN=www.example.com (EC P-256, serial "), "{error}");
}

#[test]
fn no_key_is_an_error_of_its_own() {
    let pki = Pki::new();
    let public = pem("PUBLIC KEY", b"0\x03\x02\x01\x00");
    let chain = pki.fullchain().into_bytes();
    for (case, pieces) in [
        ("nothing beside the chain", vec![chain.clone()]),
        ("an empty key field", vec![chain.clone(), b" \r\n".to_vec()]),
        ("a public key", vec![chain.clone(), public.into_bytes()]),
    ] {
        assert_eq!(assemble(&pieces, &[]).unwrap_err(), BundleError::NoKey, "{case}");
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let pki = Pki::new();
    let secp256k1 = tlv(0x06, &[&[0x2b, 0x81, 0x04, 0x00, 0x0a]]);
    let bare = sec1(&[1; 32], None, None);
    for (key, named) in [
        (pkcs8(&[OID_EC, &secp256k1], &bare), "1.3.132.0.10"),
        (sec1(&[1; 32], Some(&secp256k1[2..]), None), "1.3.132.0.10"),
        (pkcs8(&[OID_EC, &tlv(0x30, &[])], &bare), "parameters of its own"),
        (pkcs8(&[&[0x06, 3, 0x2b, 0x65, 0x71]], &[4, 0]), "1.3.101.113"),
    ] {
        let error = assemble(&[pki.fullchain(), pem("PRIVATE KEY", &key)], &[]).unwrap_err();
        assert!(matches!(&error, BundleError::UnsupportedKey { .. }), "{error}");
        assert!(error.to_string().contains(named), "{error}");
    }
    let garbage = pem("PRIVATE KEY", b"not a key");
    let error = assemble(&[pki.fullchain(), garbage], &[]).unwrap_err();
    assert!(matches!(error, BundleError::MalformedKey { .. }), "{error}");
}

#[test]
fn a_leaf_directly_under_a_rsa_ca() {
    let (der, _) = rsa("rsa-2048.pem");
    let signer = rcgen::KeyPair::try_from(der.as_slice()).unwrap();
    let root = Node::self_signed(Wish::ca("RSA Root"), signer);
    let leaf = root.issue(Wish::leaf(&["www.example.com"]));
    let bundle = assemble(&[leaf.pem() + &root.pem(), leaf.key_pem()], &[]).unwrap();
    assert_eq!(bundle.leaf().signature_algorithm, "SHA256-RSA");
    assert!(bundle.chain().is_empty());
}
