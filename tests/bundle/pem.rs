//! PEM as it is found in the wild, and the one form in which it is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::bundle::{Bundle, BundleError};
use certctl::format::{self, Recipe};

use super::pki::{Pki, pem};
use super::{assemble, chain_of};

fn assert_same(case: &str, pki: &Pki, bundle: Result<Bundle, BundleError>) {
    let bundle = bundle.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(bundle.leaf().der(), pki.leaf.der, "{case}");
    assert_eq!(chain_of(&bundle), ["Intermediate"], "{case}");
    assert_eq!(bundle.key().to_pem().as_slice(), pki.leaf.key_pem().as_bytes(), "{case}");
}

#[test]
fn every_shape_of_text() {
    let pki = Pki::new();
    let good = pki.fullchain() + &pki.leaf.key_pem();
    let one_line =
        |der: &[u8], label: &str| format!("-----BEGIN {label}-----{}-----END {label}-----", STANDARD.encode(der));
    let bag = "Bag Attributes\n    localKeyID: 01 02\n    friendlyName: a: b\nKey Attributes: <No Attributes>\n";
    let headers = good.replace("CERTIFICATE-----\nMII", "CERTIFICATE-----\nX-Note: kept\nX-More: too\n\nMII");
    for (case, text) in [
        ("as it should be", good.clone()),
        ("CRLF", good.replace('\n', "\r\n")),
        ("CR", good.replace('\n', "\r")),
        ("CR CR LF", good.replace('\n', "\r\r\n")),
        ("blank lines", good.replace('\n', "\n\n")),
        ("trailing blanks", good.replace('\n', " \t\n")),
        ("glued", good.replace("-----\n-----", "----------")),
        ("no final newline", good.trim_end().to_owned()),
        ("a byte order mark", format!("\u{feff}{good}")),
        ("indented", good.replace('\n', "\n    ")),
        ("escaped line breaks", good.replace('\n', "\\n")),
        ("escaped CRLF", good.replace('\n', "\\r\\n")),
        ("text around", format!("subject=/CN=x\n{}\nthe end", good.replace("-----BEGIN", "issuer: y\n-----BEGIN"))),
        ("bag attributes", good.replace("-----BEGIN", &format!("{bag}-----BEGIN"))),
        ("headers", headers.clone()),
        ("headers, CRLF", headers.replace('\n', "\r\n")),
        ("no padding", good.replace('=', "")),
        ("X509 CERTIFICATE", good.replace("CERTIFICATE", "X509 CERTIFICATE")),
        ("other blocks", pem("CERTIFICATE REQUEST", b"x") + &pem("DH PARAMETERS", b"y") + &good),
        ("an unreadable block of no interest", format!("-----BEGIN X-----\n***\n-----END X-----\n{good}")),
        (
            "one line each",
            one_line(&pki.leaf.der, "CERTIFICATE")
                + &one_line(&pki.intermediate.der, "CERTIFICATE")
                + &one_line(pki.leaf.key.serialized_der(), "PRIVATE KEY"),
        ),
        (
            "TRUSTED CERTIFICATE, with its trust behind it",
            pem(
                "TRUSTED CERTIFICATE",
                &[pki.leaf.der.as_slice(), b"0\x0c0\n\x06\x08+\x06\x01\x05\x05\x07\x03\x01"].concat(),
            ) + &pki.intermediate.pem()
                + &pki.leaf.key_pem(),
        ),
    ] {
        assert_same(case, &pki, assemble(&[text], &[]));
    }
}

#[test]
fn without_pem() {
    let pki = Pki::new();
    let (leaf, chain, key) = (&pki.leaf.der, &pki.intermediate.der, pki.leaf.key.serialized_der());
    let lines = |der: &[u8]| STANDARD.encode(der).as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
    assert_same("DER", &pki, assemble(&[leaf, chain, key], &[]));
    assert_same("base64 DER", &pki, assemble(&[lines(leaf), lines(chain), lines(key)], &[]));
    let all = pki.fullchain() + &pki.leaf.key_pem();
    assert_same("base64 PEM", &pki, assemble(&[STANDARD.encode(all)], &[]));
}

#[test]
fn what_is_cut_off_or_damaged_is_named() {
    let pki = Pki::new();
    let chain = pki.fullchain();
    let key = pki.leaf.key_pem();
    let cut = chain.rfind("-----END").unwrap() - 100;
    for (case, piece, want) in [
        ("cut in a body", &chain[..cut], "it has no END line"),
        ("cut in an END line", &chain[..chain.len() - 6], "its END line does not fit"),
        ("cut in a BEGIN line", &format!("{chain}-----BEGIN CERTIF"), "its BEGIN line is damaged"),
        ("no END before the next", &chain.replacen("-----END CERTIFICATE-----", "", 1), "it has no END line"),
        ("another END", &chain.replacen("END CERTIFICATE", "END PRIVATE KEY", 1), "its END line does not fit"),
        ("not base64", &chain.replacen("MII", "M*I", 1), "not base64"),
        ("half a certificate", &pem("CERTIFICATE", &pki.leaf.der[..200]), "holds no X.509 certificate"),
    ] {
        let error = assemble(&[piece.as_bytes(), key.as_bytes()], &[]).unwrap_err().to_string();
        assert!(error.starts_with("piece 0: ") && error.contains(want), "{case}: {error}");
    }
}

#[test]
fn the_files() {
    let pki = Pki::new();
    let mangled = (pki.intermediate.pem() + &pki.root.pem() + &pki.leaf.pem()).replace('\n', "\r\n");
    let bundle = assemble(&[mangled, pki.leaf.key_pem().replace('\n', "\r\n")], &[]).unwrap();
    let files = format::files(&bundle, &Recipe::default()).unwrap();
    let seen: Vec<_> = files.iter().map(|file| (file.name, file.mode, file.bytes.as_slice())).collect();
    let (leaf, chain, key) = (pki.leaf.pem(), pki.intermediate.pem(), pki.leaf.key_pem());
    let fullchain = pki.fullchain();
    assert_eq!(
        seen,
        [
            ("cert.pem", 0o644, leaf.as_bytes()),
            ("chain.pem", 0o644, chain.as_bytes()),
            ("fullchain.pem", 0o644, fullchain.as_bytes()),
            ("privkey.pem", 0o600, key.as_bytes()),
        ]
    );
}
