//! The facts of a certificate.

use std::net::IpAddr;

use certctl::bundle::Certificate;

use super::pki::{Pki, Wish, key_pair, pem, rsa};

#[test]
fn the_facts() {
    let pki = Pki::new();
    let mut wish = Wish::leaf(&["www.example.com", "*.example.com", "192.0.2.1", "2001:db8::1"]);
    wish.params.serial_number = Some(vec![0x0a, 0xbc, 0x00].into());
    let der = pki.intermediate.sign(&wish, &key_pair("EC P-384"));
    let seen = Certificate::parse(&der).unwrap();
    assert_eq!(seen.dns_names, ["www.example.com", "*.example.com"]);
    assert_eq!(seen.ip_addresses, ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap()));
    assert_eq!(seen.names(), ["www.example.com", "*.example.com", "192.0.2.1", "2001:db8::1"]);
    assert_eq!(seen.common_name.as_deref(), Some("www.example.com"));
    assert_eq!(seen.serial, "0abc00");
    assert_eq!((seen.issuer.as_str(), seen.subject.as_str()), ("CN=Intermediate", "CN=www.example.com"));
    assert_eq!((seen.key_algorithm.as_str(), seen.signature_algorithm.as_str()), ("EC P-384", "ECDSA-SHA256"));
    assert_eq!((seen.fingerprint_sha1.len(), seen.fingerprint_sha256.len()), (40, 64));
    assert_eq!(seen.not_after.as_second() - seen.not_before.as_second(), 91 * 86_400);
    assert_eq!(seen.to_pem(), pem("CERTIFICATE", &der));
}

#[test]
fn key_algorithms() {
    let pki = Pki::new();
    let name = |der: Vec<u8>| Certificate::parse(&der).unwrap().key_algorithm;
    for algorithm in ["EC P-256", "EC P-384", "Ed25519"] {
        assert_eq!(name(pki.leaf_for(&key_pair(algorithm))), algorithm);
    }
    for size in ["1024", "2048", "4096", "8192"] {
        assert_eq!(name(pki.leaf_for(&rsa(&format!("rsa-{size}.pem")).1)), format!("RSA {size}"));
    }
}

#[test]
fn the_common_name_counts_only_without_alternative_names() {
    let pki = Pki::new();
    let key = key_pair("EC P-256");
    let mut wish = Wish::leaf(&["cn.example"]);
    wish.params.subject_alt_names.clear();
    let names = |wish: &Wish| Certificate::parse(&pki.intermediate.sign(wish, &key)).unwrap().names();
    assert_eq!(names(&wish), ["cn.example"]);
    wish.params.subject_alt_names.push(rcgen::SanType::Rfc822Name("a@b.example".try_into().unwrap()));
    assert!(names(&wish).is_empty());
}

#[test]
fn the_first_of_a_text_or_none() {
    let pki = Pki::new();
    let text = pem("PRIVATE KEY", b"x") + &pem("CERTIFICATE", b"unreadable") + &pki.fullchain();
    assert_eq!(Certificate::leaf_in_pem(text.as_bytes()).unwrap().der(), pki.leaf.der);
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMII", &pem("CERTIFICATE", b"x")] {
        assert_eq!(Certificate::leaf_in_pem(text.as_bytes()), None);
    }
    assert_eq!(Certificate::parse(&[pki.leaf.der.as_slice(), b"\0"].concat()), None);
}
