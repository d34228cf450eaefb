//! Keys that OpenSSL encrypted in its own way, from before PKCS#8: headers that were mangled, and passwords that are wrong.

use certctl::bundle::BundleError;
use certctl::keystore::{Budget, KeystoreError, open_legacy_key};

use super::pki::Pki;
use super::sealed::{RIGHT, desk, made, open, pieces};
use crate::oracle::has;

/// One wrong password in 256 passes the padding, and none opens anything.
#[test]
fn no_wrong_password_opens_a_legacy_key() {
    for (dek_info, length) in [("DES-CBC,0011223344556677", 64), ("AES-256-CBC,00112233445566778899aabbccddeeff", 640)]
    {
        let body: Vec<u8> = (0..length).map(|n| (n * n % 251) as u8).collect();
        for n in 0..3_000 {
            let opened = open_legacy_key(dek_info, &body, &n.to_string(), &mut Budget::default());
            assert_eq!(opened.unwrap_err(), KeystoreError::WrongPassword, "{dek_info} {n}");
        }
    }
}

/// What clouds and editors do to the lines of a PEM block with headers.
#[test]
fn a_legacy_key_whose_lines_were_mangled() {
    if !has("openssl") {
        return;
    }
    let pki = Pki::new();
    let desk = desk();
    std::fs::write(desk.path().join("key.pem"), pki.leaf.key_pem()).unwrap();
    for cipher in ["-des3", "-aes256"] {
        let command = format!("openssl ec -in @key.pem -out @out -passout file:@right {cipher}");
        let make = || String::from_utf8(made(desk.path(), &command)).unwrap();
        // Where no line end tells, digits of the body could as well be the vector's.
        let goes_on = |text: &String| text.split("\n\n").nth(1).unwrap().starts_with(|c: char| c.is_ascii_hexdigit());
        let text = std::iter::repeat_with(make).find(goes_on).unwrap();
        let headers = text.find("Proc-Type").unwrap();
        let (begin, rest) = text.split_at(headers);
        let lower = |text: &str| {
            let start = text.find("DEK-Info: ").unwrap() + 10;
            let end = start + text[start..].find('\n').unwrap();
            format!("{}{}{}", &text[..start], text[start..end].to_lowercase(), &text[end..])
        };
        for (case, mangled) in [
            ("as it is", text.clone()),
            ("CRLF", text.replace('\n', "\r\n")),
            ("CR", text.replace('\n', "\r")),
            ("blanks for line ends", text.replace('\n', " ")),
            ("no line ends", text.replace('\n', "")),
            ("escaped line ends", text.replace('\n', "\\n")),
            ("escaped CRLF", text.replace('\n', "\\r\\n")),
            ("no empty line", text.replace("\n\n", "\n")),
            ("lower case", lower(&text)),
            ("indented", text.replace('\n', "\n  ")),
            ("a header more", format!("{begin}Content-Domain: RFC822\n{rest}")),
            ("a header more, last", text.replacen("\n\n", "\nKey-Info: x\n\n", 1)),
        ] {
            let material = pieces(&[pki.fullchain().as_bytes(), mangled.as_bytes()]);
            let bundle = open(material, &[], &[RIGHT]).unwrap_or_else(|error| panic!("{cipher} {case}: {error}"));
            assert_eq!(bundle.leaf().der(), pki.leaf.der, "{cipher} {case}");
        }
    }
}

/// Made without a tool: what it says of its encryption cannot be.
#[test]
fn a_legacy_key_that_no_password_opens() {
    let pki = Pki::new();
    let unsupported = |what: &str| KeystoreError::Unsupported { what: format!("the cipher {what}") };
    for (headers, body, want) in [
        (
            "DEK-Info: CAMELLIA-128-CBC,00112233445566778899AABBCCDDEEFF\n",
            "AAAA",
            Some(unsupported("CAMELLIA-128-CBC")),
        ),
        ("DEK-Info: RC2-CBC,0011223344556677\n", "AAAA", Some(unsupported("RC2-CBC"))),
        ("DEK-Info: \u{1b}[2J,00\n", "AAAA", Some(unsupported("[2J"))),
        ("DEK-Info: AES-128-CBC,00\n", "AAAA", None),
        ("DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n", "AAAA", None),
        ("DEK-Info: AES-128-CBC,0011223344556677\n", "AAAAAAAAAAAAAAAAAAAAAA==", None),
        ("DEK-Info: DES-CBC,00112233445566778899AABBCCDDEEFF\n", "AAAAAAAAAAAAAAA=", None),
        ("DEK-Info: DES-CBC,0011223344556677\n", "", None),
    ] {
        let key = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n{headers}\n{body}\n-----END RSA PRIVATE KEY-----\n"
        );
        for passwords in [&[][..], &[RIGHT]] {
            let error = open(pieces(&[pki.fullchain().as_bytes(), key.as_bytes()]), &[], passwords).unwrap_err();
            let BundleError::Sealed { origin, what: "private key", fault } = &error else {
                panic!("{headers}: {error}")
            };
            assert_eq!(origin, "piece 1", "{headers}");
            match &want {
                Some(want) => assert_eq!(fault, want, "{headers}"),
                None => assert!(matches!(fault, KeystoreError::Damaged { .. }), "{headers}: {fault}"),
            }
            let shown = error.to_string();
            assert!(
                !shown.contains('\u{1b}') && shown.contains("piece 1: the private key cannot be opened: "),
                "{shown}"
            );
        }
    }
    for (headers, body) in [("", "AAAA"), ("DEK-Info: AES-128-CBC\n", "AAAA"), ("DEK-Info: DES-CBC,00\n", "***")] {
        let key = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n{headers}\n{body}\n-----END RSA PRIVATE KEY-----\n"
        );
        let error = open(pieces(&[pki.fullchain().as_bytes(), key.as_bytes()]), &[], &[RIGHT]).unwrap_err();
        assert!(matches!(error, BundleError::MalformedPem { .. }), "{headers}: {error}");
    }
}
