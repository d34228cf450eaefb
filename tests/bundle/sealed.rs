//! Keys and key stores under a password: made by OpenSSL and Java, opened with the passwords that are known.

use std::path::Path;

use certctl::bundle::{Bundle, BundleError, Material, Requirements};
use jiff::Timestamp;
use secrecy::SecretString;

use super::archives::{archives_of, zip_of};
use super::chain_of;
use super::pki::{Node, OID_P256, Pki, ec_parts, pem, rsa, rsa_pkcs1, sec1, tlv};
use crate::oracle::{self, has};

/// Neither short nor plain, and no part of any message.
pub(super) const RIGHT: &str = "Xk2m Q9pL'$\\\"%&";
const WRONG: &str = "wr0ngwr0ng";

/// A material with passwords of the cloud's, and what comes of it with passwords of the user's.
pub(super) fn open(material: Material, of_cloud: &[&str], of_user: &[&str]) -> Result<Bundle, BundleError> {
    let material = of_cloud.iter().fold(material, |material, &password| material.with_password(password));
    let passwords: Vec<SecretString> = of_user.iter().map(|&password| password.into()).collect();
    Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &[], passwords: &passwords })
}

pub(super) fn pieces(pieces: &[&[u8]]) -> Material {
    let numbered = pieces.iter().enumerate();
    numbered.fold(Material::default(), |material, (index, piece)| material.with(format!("piece {index}"), *piece))
}

/// A directory with `RIGHT` in a file, as the tools take it.
pub(super) fn desk() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("right"), RIGHT).unwrap();
    directory
}

/// What a tool leaves in `out`; each `@` in front of a word stands for the directory.
pub(super) fn made(desk: &Path, command: &str) -> Vec<u8> {
    let at = desk.display().to_string() + "/";
    let words: Vec<String> = command.split_whitespace().map(|word| word.replace('@', &at)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    oracle::run(words[0], &words[1..]);
    let out = desk.join("out");
    let bytes = std::fs::read(&out).unwrap();
    std::fs::remove_file(out).unwrap();
    bytes
}

/// RSA and elliptic curve: the chain, and the key as PKCS#8 and in its older form.
fn kinds(pki: &Pki) -> [(&'static str, String, String); 2] {
    let (der, public) = rsa("rsa-2048.pem");
    let rsa_chain = pem("CERTIFICATE", &pki.leaf_for(&public)) + &pki.intermediate.pem();
    [("rsa", rsa_chain, pem("PRIVATE KEY", &der)), ("ec", pki.fullchain(), pki.leaf.key_pem())]
}

/// What makes the key this key, in whatever form it came.
fn secret(kind: &str, bundle: &Bundle) -> Vec<u8> {
    let pkcs8 = bundle.key().to_pkcs8();
    if kind == "rsa" { rsa_pkcs1(&pkcs8) } else { ec_parts(&pkcs8).0 }
}

#[test]
fn every_encryption_of_openssl() {
    if !has("openssl") {
        return;
    }
    const WITH_OLD: &str = "-provider legacy -provider default";
    let pki = Pki::new();
    let desk = desk();
    for (kind, chain, key) in kinds(&pki) {
        std::fs::write(desk.path().join("key.pem"), &key).unwrap();
        let pkcs8 = "openssl pkcs8 -topk8 -in @key.pem -out @out -passout file:@right";
        let own = format!("openssl {kind} -in @key.pem -out @out -passout file:@right");
        let own = if kind == "rsa" { own + " -traditional" } else { own };
        let mut cases: Vec<(String, String)> = [
            "-v2 aes-128-cbc",
            "-v2 aes-256-cbc -v2prf hmacWithSHA1",
            "-v2 aes-192-cbc -v2prf hmacWithSHA512",
            "-v2 des3",
            "-v2 aes-256-cbc -outform DER",
            "-v1 PBE-SHA1-3DES",
            "-scrypt -scrypt_N 1024",
        ]
        .map(|how| (how.to_owned(), format!("{pkcs8} {how}")))
        .to_vec();
        cases.extend(
            ["PBE-MD5-DES", "PBE-SHA1-RC2-40"].map(|how| (how.to_owned(), format!("{pkcs8} -v1 {how} {WITH_OLD}"))),
        );
        cases.extend(["-aes128", "-aes192", "-aes256", "-des3"].map(|how| (how.to_owned(), format!("{own} {how}"))));
        cases.push(("-des".to_owned(), format!("{own} -des {WITH_OLD}")));
        for (how, command) in cases {
            let case = format!("{kind} {how}");
            let sealed = made(desk.path(), &command);
            let material = || pieces(&[chain.as_bytes(), &sealed]);
            let plain = open(pieces(&[chain.as_bytes(), key.as_bytes()]), &[], &[]).unwrap();
            for (whose, of_cloud, of_user) in [
                ("the cloud's", &[RIGHT][..], &[][..]),
                ("the user's", &[], &[RIGHT]),
                ("the user's, as the cloud's is wrong", &[WRONG], &[RIGHT]),
                ("the cloud's, as the user's is wrong", &[RIGHT], &[WRONG]),
            ] {
                let bundle = open(material(), of_cloud, of_user).unwrap_or_else(|error| panic!("{case}: {error}"));
                assert_eq!(secret(kind, &bundle), secret(kind, &plain), "{case}, {whose}");
                assert!(!String::from_utf8_lossy(&bundle.key().to_pem()).contains("ENCRYPTED"), "{case}, {whose}");
            }
            let (origin, what) = ("piece 1".to_owned(), "private key");
            let error = open(material(), &[], &[]).unwrap_err();
            assert_eq!(error, BundleError::NoPassword { origin: origin.clone(), what }, "{case}");
            let error = open(material(), &[""], &[]).unwrap_err();
            assert_eq!(error, BundleError::NoPassword { origin: origin.clone(), what }, "{case}");
            for (of_cloud, of_user, tried) in [
                (&[WRONG][..], &[][..], "the cloud's"),
                (&[], &[WRONG], "yours"),
                (&["a", "b"], &["c"], "the cloud's or the cloud's or yours"),
            ] {
                let error = open(material(), of_cloud, of_user).unwrap_err();
                let BundleError::WrongPassword { origin, what: "private key", tried: seen } = &error else {
                    panic!("{case}: {error}")
                };
                assert_eq!((origin.as_str(), seen.join(" or ").as_str()), ("piece 1", tried), "{case}");
            }
        }
    }
}

#[test]
fn what_lies_open_wins() {
    let pki = Pki::new();
    let chain = pki.fullchain();
    let unknown = tlv(0x30, &[&tlv(0x30, &[&[0x06, 1, 42]]), &tlv(0x04, &[&[0; 64]])]);
    let jks = b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01 and no more".to_vec();
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES-128-CBC,00\r\n\r\n\
                  AAAA\r\n-----END RSA PRIVATE KEY-----\r\n";
    for (case, sealed) in [
        ("PKCS#8", pem("ENCRYPTED PRIVATE KEY", &unknown).into_bytes()),
        ("PKCS#8, mislabelled", pem("PRIVATE KEY", &unknown).into_bytes()),
        ("PKCS#8, DER", unknown),
        ("RFC 1421", legacy.as_bytes().to_vec()),
        ("a key store", jks),
    ] {
        for passwords in [&[][..], &[WRONG]] {
            let own = pki.leaf.key_pem();
            for order in [[chain.as_bytes(), own.as_bytes(), &sealed], [&sealed, own.as_bytes(), chain.as_bytes()]] {
                let bundle = open(pieces(&order), passwords, passwords);
                bundle.unwrap_or_else(|error| panic!("{case}: {error}"));
            }
        }
        let error = open(pieces(&[chain.as_bytes(), &sealed]), &[], &[]).unwrap_err();
        assert!(matches!(error, BundleError::Sealed { .. }), "{case}: {error}");
    }
    // Of a key that is another's and a store that is damaged, the key is spoken of.
    let stranger = Node::root("Stranger").key_pem();
    let jks = b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01 and no more";
    let error = open(pieces(&[chain.as_bytes(), stranger.as_bytes(), jks]), &[], &[]).unwrap_err();
    assert!(matches!(error, BundleError::KeyMismatch { .. }), "{error}");
    // A key that cannot be told to be the right one is no reason to open others.
    let bare = pem("EC PRIVATE KEY", &sec1(&ec_parts(Node::root("x").key.serialized_der()).0, Some(OID_P256), None));
    let error = open(pieces(&[chain.as_bytes(), bare.as_bytes(), jks]), &[], &[]).unwrap_err();
    assert!(matches!(error, BundleError::KeyMismatch { .. }), "{error}");
}

#[test]
fn a_plain_key_of_another_certificate_does_not_stand_in_the_way() {
    if !has("openssl") {
        return;
    }
    let pki = Pki::new();
    let desk = desk();
    std::fs::write(desk.path().join("key.pem"), pki.leaf.key_pem()).unwrap();
    let sealed = made(desk.path(), "openssl pkcs8 -topk8 -in @key.pem -out @out -passout file:@right");
    let stranger = Node::root("Stranger").key_pem();
    let material = || pieces(&[pki.fullchain().as_bytes(), stranger.as_bytes(), &sealed]);
    assert_eq!(open(material(), &[], &[RIGHT]).unwrap().leaf().der(), pki.leaf.der);
    let error = open(material(), &[], &[WRONG]).unwrap_err();
    assert!(matches!(error, BundleError::WrongPassword { .. }), "{error}");
}

/// A key store of each kind with this key and chain under [`RIGHT`].
fn stores(desk: &Path, key: &str, chain: &str) -> Vec<(&'static str, Vec<u8>)> {
    std::fs::write(desk.join("key.pem"), key).unwrap();
    std::fs::write(desk.join("chain.pem"), chain).unwrap();
    let export = "openssl pkcs12 -export -inkey @key.pem -in @chain.pem -out @out -passout file:@right";
    let pfx = made(desk, export);
    std::fs::write(desk.join("pfx"), &pfx).unwrap();
    let convert = "keytool -importkeystore -noprompt -srcstoretype PKCS12 -srckeystore @pfx -srcstorepass:file @right \
                   -deststorepass:file @right -destkeystore @out -deststoretype";
    vec![
        ("PFX", pfx),
        ("PFX, legacy", made(desk, &format!("{export} -legacy"))),
        ("JKS", made(desk, &format!("{convert} JKS"))),
    ]
}

#[test]
fn only_a_key_store() {
    if !has("openssl") || !has("keytool") {
        return;
    }
    let pki = Pki::new();
    let desk = desk();
    for (kind, chain, key) in kinds(&pki) {
        let plain = open(pieces(&[chain.as_bytes(), key.as_bytes()]), &[], &[]).unwrap();
        for (form, store) in stores(desk.path(), &key, &chain) {
            let case = format!("{kind} {form}");
            let is_same = |whence: &str, bundle: Result<Bundle, BundleError>| {
                let bundle = bundle.unwrap_or_else(|error| panic!("{case} {whence}: {error}"));
                assert_eq!(bundle.leaf().der(), plain.leaf().der(), "{case} {whence}");
                assert_eq!(chain_of(&bundle), ["Intermediate"], "{case} {whence}");
                assert_eq!(secret(kind, &bundle), secret(kind, &plain), "{case} {whence}");
            };
            let base64 = made_base64(&store);
            is_same("as it is", open(pieces(&[&store]), &[RIGHT], &[]));
            is_same("in base64", open(pieces(&[base64.as_bytes()]), &[], &[RIGHT]));
            is_same("beside its chain", open(pieces(&[chain.as_bytes(), &store]), &[WRONG], &[RIGHT]));
            is_same("beside its key", open(pieces(&[key.as_bytes(), &store]), &[RIGHT], &[WRONG]));
            let files = |password: String| {
                vec![
                    ("Tomcat/readme.txt".to_owned(), "一行\n又一行\n".into()),
                    ("Tomcat/keystorePass.txt".to_owned(), password.into_bytes()),
                    ("Tomcat/www.example.com.store".to_owned(), store.clone()),
                ]
            };
            for (line, ends) in [("bare", ""), ("LF", "\n"), ("CRLF", "\r\n")] {
                is_same(line, open(pieces(&[&zip_of(&files(format!("{RIGHT}{ends}")))]), &[], &[]));
            }
            let of_kind = archives_of(&files(RIGHT.to_owned()));
            of_kind.iter().for_each(|(archive, bytes)| is_same(archive, open(pieces(&[bytes]), &[], &[])));
            let error = open(pieces(&[&store]), &[], &[]).unwrap_err();
            assert_eq!(error, BundleError::NoPassword { origin: "piece 0".to_owned(), what: "key store" }, "{case}");
            let files = vec![("pass.txt".to_owned(), WRONG.into()), ("a.store".to_owned(), store.clone())];
            let error = open(pieces(&[&zip_of(&files)]), &[], &["another"]).unwrap_err();
            let tried = vec!["yours".to_owned(), "piece 0: pass.txt".to_owned()];
            let origin = "piece 0: a.store".to_owned();
            assert_eq!(error, BundleError::WrongPassword { origin, what: "key store", tried }, "{case}");
            // Of what is damaged and what only lacks its password, the latter is spoken of.
            let damaged = b"\xce\xce\xce\xce\0\0\0\x02".as_slice();
            for order in [[damaged, &store], [&store, damaged]] {
                let error = open(pieces(&order), &[], &[]).unwrap_err();
                assert!(matches!(error, BundleError::NoPassword { .. }), "{case}: {error}");
                is_same("beside what is damaged", open(pieces(&order), &[], &[RIGHT]));
            }
            // Cut off it is damaged, or the password does not fit: never a panic, and never half a bundle.
            for length in (0..store.len()).step_by(331) {
                open(pieces(&[&store[..length]]), &[RIGHT], &[]).unwrap_err();
            }
        }
    }
}

fn made_base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\r\n").collect()
}

#[test]
fn the_empty_password_is_tried() {
    if !has("openssl") {
        return;
    }
    let pki = Pki::new();
    let desk = desk();
    std::fs::write(desk.path().join("key.pem"), pki.leaf.key_pem()).unwrap();
    std::fs::write(desk.path().join("chain.pem"), pki.fullchain()).unwrap();
    let store = made(desk.path(), "openssl pkcs12 -export -inkey @key.pem -in @chain.pem -out @out -passout pass:");
    for passwords in [&[][..], &[WRONG]] {
        assert_eq!(open(pieces(&[&store]), passwords, &[]).unwrap().leaf().der(), pki.leaf.der);
    }
}

/// A hostile archive gets no more tries than an honest one needs.
#[test]
fn tries_are_bounded() {
    let pki = Pki::new();
    let files = |stores: usize, lines: usize| {
        let stores = (0..stores).map(|n| (format!("{n}.jks"), format!("\u{0}{n}").into_bytes()));
        let stores = stores.map(|(name, end)| (name, [b"\xfe\xed\xfe\xed\0\0\0\x02".as_slice(), &end].concat()));
        stores.chain((0..lines).map(|n| (format!("{n}.txt"), format!("line {n}").into_bytes()))).collect()
    };
    let chain = pki.fullchain();
    let sealed = |stores, lines| {
        let zip = zip_of(&files(stores, lines));
        open(pieces(&[chain.as_bytes(), &zip]), &[], &[RIGHT]).unwrap_err()
    };
    for (stores, lines) in [(1, 900), (3, 900), (60, 0), (500, 0), (10, 20)] {
        let error = sealed(stores, lines);
        let is_refused = matches!(error, BundleError::TooMany { limit: 64, .. });
        assert_eq!(is_refused, stores > 32 || stores * (lines.min(19) + 2) > 64, "{stores} {lines}: {error}");
    }
    // The same in many folders is one thing.
    let one = b"\xfe\xed\xfe\xed\0\0\0\x02".as_slice();
    let error = open(pieces(&[&[chain.as_bytes()], [one; 100].as_slice()].concat()), &[], &[RIGHT]).unwrap_err();
    assert!(!matches!(error, BundleError::TooMany { .. }), "{error}");
    // What is not needed is not counted.
    let zip = zip_of(&files(500, 400));
    open(pieces(&[chain.as_bytes(), pki.leaf.key_pem().as_bytes(), &zip]), &[], &[]).unwrap();
}

/// Only a short line of text is a password; what else is in an archive is none, whatever its name.
#[test]
fn which_files_may_be_passwords() {
    let pki = Pki::new();
    let jks = b"\xfe\xed\xfe\xed\0\0\0\x02 and no more".to_vec();
    let unknown = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                    DEK-Info: DES-CBC,0011223344556677\n\nAAAAAAAAAAA=\n-----END RSA PRIVATE KEY-----\n"
        .to_vec();
    for (content, is_password) in [
        (&b"Xk2mQ9pL"[..], true),
        (b"\xef\xbb\xbfXk2mQ9pL\r\n", true),
        (b"two words", true),
        ("密码一二三".as_bytes(), true),
        (b"two\nlines", false),
        (b"", false),
        (b"\n", false),
        (b"\x00\x01", false),
        (b"\xff\xfe", false),
        (&[b'x'; 128], true),
        (&[b'x'; 129], false),
        (pki.leaf.pem().as_bytes(), false),
        (&jks, false),
    ] {
        let files = vec![("pass.txt".to_owned(), content.to_vec()), ("a.key".to_owned(), unknown.clone())];
        let error = open(pieces(&[pki.fullchain().as_bytes(), &zip_of(&files)]), &[], &[]).unwrap_err();
        let case = String::from_utf8_lossy(content);
        match error {
            BundleError::WrongPassword { tried, .. } => {
                assert_eq!((tried, is_password), (vec!["piece 1: pass.txt".to_owned()], true), "{case}");
            }
            BundleError::NoPassword { .. } => assert!(!is_password, "{case}"),
            other => panic!("{case}: {other}"),
        }
    }
}

#[test]
fn nothing_tells_a_password_or_a_key() {
    if !has("openssl") {
        return;
    }
    let pki = Pki::new();
    let desk = desk();
    std::fs::write(desk.path().join("key.pem"), pki.leaf.key_pem()).unwrap();
    let sealed = made(desk.path(), "openssl ec -aes128 -in @key.pem -out @out -passout file:@right");
    let chain = pki.fullchain();
    let passwords: [SecretString; 1] = [WRONG.into()];
    let material = pieces(&[chain.as_bytes(), &sealed]).with_password(RIGHT);
    let now = Timestamp::now();
    let requirements = Requirements { now, domains: &[], passwords: &passwords };
    let bundle = Bundle::assemble(&material, &requirements).unwrap();
    let wrong = open(pieces(&[chain.as_bytes(), &sealed]), &[WRONG], &["another one"]).unwrap_err();
    let none = open(pieces(&[chain.as_bytes(), &sealed]), &[], &[]).unwrap_err();
    let shown = format!("{material:?} {requirements:?} {bundle:?} {wrong:?} {wrong} {none:?} {none}");
    for secret in [RIGHT, WRONG, "another one", &RIGHT[..4]] {
        assert!(!shown.contains(secret), "{shown}");
    }
    for (case, text) in [("bundle", shown), ("pretty", format!("{material:#?} {bundle:#?} {wrong:#?}"))] {
        super::secrecy::assert_silent(case, &text, &ec_parts(pki.leaf.key.serialized_der()).0);
        super::secrecy::assert_silent(case, &text, RIGHT.as_bytes());
    }
}
