//! Which certificate is the leaf, and the rules it has to satisfy.

use certctl::bundle::BundleError;
use rcgen::KeyPair;

use super::assemble;
use super::pki::{Pki, Wish, pem};

fn twin(key: &KeyPair) -> KeyPair {
    KeyPair::try_from(key.serialized_der()).unwrap()
}

#[test]
fn rules_have_messages_of_their_own() {
    let pki = Pki::new();
    for (case, wish, domains, want) in [
        ("expired", Wish::leaf(&["a.example"]).days(-90, -1), vec![], "\"CN=a.example\" expired at"),
        ("from the future", Wish::leaf(&["a.example"]).days(1, 90), vec![], "is not valid before"),
        (
            "another domain",
            Wish::leaf(&["a.example"]),
            vec!["b.example"],
            "does not cover b.example; it covers a.example",
        ),
        ("one of two", Wish::leaf(&["a.example"]), vec!["a.example", "c.example"], "does not cover c.example"),
        ("a wildcard is one label", Wish::leaf(&["*.a.example"]), vec!["a.example"], "it covers *.a.example"),
    ] {
        let leaf = pki.intermediate.issue(wish);
        let error = assemble(&[leaf.pem() + &pki.intermediate.pem(), leaf.key_pem()], &domains).unwrap_err();
        assert!(error.to_string().contains(want), "{case}: {error}");
    }
}

#[test]
fn every_domain_that_was_asked_for() {
    let pki = Pki::new();
    let leaf = pki.intermediate.issue(Wish::leaf(&["*.a.example", "a.example", "192.0.2.1"]));
    let given = [leaf.pem() + &pki.intermediate.pem(), leaf.key_pem()];
    for domains in [vec![], vec!["a.example"], vec!["WWW.a.example", "*.a.example"], vec!["192.0.2.1"]] {
        assert!(assemble(&given, &domains).is_ok(), "{domains:?}");
    }
}

/// A DNS name has up to 253 characters, and all of them count.
#[test]
fn the_longest_name_is_whole() {
    let pki = Pki::new();
    let name = [&"a".repeat(63), ".", &"b".repeat(63), ".", &"c".repeat(63), ".", &"d".repeat(53), ".example"].concat();
    assert_eq!(name.len(), 253);
    let leaf = pki.intermediate.issue(Wish::leaf(&[&name]));
    let bundle = assemble(&[leaf.pem() + &pki.intermediate.pem(), leaf.key_pem()], &[&name]).unwrap();
    assert_eq!(bundle.leaf().dns_names, [name]);
}

#[test]
fn of_two_leaves_with_one_key_the_newest_that_will_do() {
    let pki = Pki::new();
    let old = pki.intermediate.issue(Wish::leaf(&["a.example", "b.example"]).days(-60, 300));
    let new = pki.intermediate.issue_for(Wish::leaf(&["a.example"]).days(-2, 40), twin(&old.key));
    let expired = pki.intermediate.issue_for(Wish::leaf(&["a.example"]).days(-90, -1), twin(&old.key));
    let future = pki.intermediate.issue_for(Wish::leaf(&["a.example"]).days(1, 90), twin(&old.key));
    let all = [old.pem(), new.pem(), expired.pem(), future.pem(), pki.intermediate.pem(), old.key_pem()];
    for (case, domains, want) in
        [("the newest", vec!["a.example"], &new.der), ("the one that covers", vec!["b.example"], &old.der)]
    {
        for turn in 0..all.len() {
            let mut pieces = all.to_vec();
            pieces.rotate_left(turn);
            assert_eq!(assemble(&pieces, &domains).unwrap().leaf().der(), want, "{case}");
        }
    }
    // None will do: the error is about the newest.
    let error =
        assemble(&[expired.pem(), old.pem(), pki.intermediate.pem(), old.key_pem()], &["c.example"]).unwrap_err();
    assert!(error.to_string().contains("it covers a.example, b.example"), "{error}");
}

#[test]
fn of_two_keys_the_one_whose_leaf_will_do() {
    let pki = Pki::new();
    let one = pki.intermediate.issue(Wish::leaf(&["a.example"]));
    let two = pki.intermediate.issue(Wish::leaf(&["b.example"]));
    let stray = KeyPair::generate().unwrap();
    let pieces = [one.pem(), one.key_pem(), two.pem(), two.key_pem(), pki.intermediate.pem(), stray.serialize_pem()];
    assert_eq!(assemble(&pieces, &["a.example"]).unwrap().leaf().der(), one.der);
    assert_eq!(assemble(&pieces, &["b.example"]).unwrap().leaf().der(), two.der);
    let error = assemble(&pieces, &[]).unwrap_err();
    assert!(matches!(&error, BundleError::Ambiguous { leaves } if leaves.len() == 2), "{error}");
    let text = error.to_string();
    assert!(text.contains("CN=a.example (EC P-256, serial ") && text.contains("CN=b.example"), "{text}");
}

#[test]
fn names_are_cleaned_for_messages() {
    let pki = Pki::new();
    let leaf = pki.intermediate.issue(Wish::leaf(&["a.example"]));
    let mut wish = Wish::ca("Evil\n\u{1b}[2J\u{202e}CA");
    wish.params.distinguished_name.push(rcgen::DnType::OrganizationName, "x".repeat(5_000));
    let evil = pki.root.issue(wish);
    let orphan = evil.issue(Wish::leaf(&["a.example"]));
    let error = assemble(&[orphan.pem(), orphan.key_pem()], &[]).unwrap_err().to_string();
    assert!(error.len() < 1_000 && !error.chars().any(|c| c.is_control() || c == '\u{202e}'), "{error}");
    let error = assemble(&[pem("CERTIFICATE", &leaf.der), orphan.key_pem()], &[]).unwrap_err();
    assert!(matches!(error, BundleError::KeyMismatch { .. }), "{error}");
}

#[test]
fn nothing_that_is_a_certificate() {
    let html: &[u8] = b"<html><body>Please log in</body></html>";
    let key = KeyPair::generate().unwrap().serialize_pem();
    for pieces in [vec![], vec![html], vec![b"".as_slice()], vec![key.as_bytes()], vec![b"0\x82".as_slice()]] {
        let error = assemble(&pieces, &[]).unwrap_err();
        assert_eq!(error, BundleError::NoCertificate);
    }
}
