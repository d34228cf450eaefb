//! SM2: keys on their point, signatures, and the two halves of a dual certificate; all of it made by OpenSSL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::bundle::{Bundle, BundleError, Material, Requirements};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::archives::zip_of;
use super::pki::{OID_P256, Pki as RingPki, ec_parts, fields, key_pair, pem, pkcs8, sec1, tlv};
use super::{assemble, chain_of};
use crate::oracle;
use crate::sandbox::pki::{Depth, KeyKind, Wanted};
use crate::sandbox::sm2::{Authority, ENCRYPTION, Half, SIGNING, envelope, stranger};

const OID_SM2: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
const OID_EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const NAME: &str = "www.example.com";

/// A dual certificate, as its authority gives it away.
struct Dual {
    authority: Authority,
    signing: Half,
    encryption: Half,
    chain: String,
    root: String,
}

impl Dual {
    /// None where the openssl of this machine does not know SM2.
    fn new() -> Option<Self> {
        let authority = Authority::new(Timestamp::now());
        oracle::is_there(authority.is_some(), "openssl with SM2");
        let authority = authority?;
        let issued = authority.issue(&wanted(NAME, (-1, 90)));
        let signing = Half { certificate: issued.leaf, key: issued.key };
        let encryption = issued.encryption.unwrap();
        Some(Self { authority, signing, encryption, chain: issued.chain.concat(), root: issued.root })
    }

    fn half(&self, name: &str, days: (i64, i64), extensions: &str) -> Half {
        self.authority.half(&wanted(name, days), stranger(), extensions)
    }

    /// Scalar and point of the signing key.
    fn parts(&self) -> (Vec<u8>, Vec<u8>) {
        ec_parts(&der(&self.signing.key))
    }
}

fn wanted(name: &str, (from, to): (i64, i64)) -> Wanted {
    let day = |count: i64| Timestamp::now().checked_add(SignedDuration::from_hours(24 * count)).unwrap();
    Wanted {
        common_name: name.to_owned(),
        names: vec![name.to_owned()],
        validity: (day(from), day(to)),
        key: KeyKind::Sm2,
        depth: Depth::One,
    }
}

fn der(pem: &str) -> Vec<u8> {
    STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// What came of it, in a word or two.
fn seen(result: &Result<Bundle, BundleError>) -> &'static str {
    match result {
        Ok(bundle) => match bundle.dual() {
            None => "single",
            Some(dual) if dual.key.is_none() => "no encryption key",
            Some(_) => "dual",
        },
        Err(BundleError::KeyMismatch { .. }) => "mismatch",
        Err(BundleError::DamagedKey { .. }) => "damaged key",
        Err(BundleError::NoSigningKey { .. }) => "no signing key",
        Err(BundleError::EnvelopedKey { .. }) => "enveloped",
        Err(BundleError::NoKey) => "no key",
        Err(BundleError::Expired { .. }) => "expired",
        Err(BundleError::NotYetValid { .. }) => "not yet valid",
        Err(BundleError::OtherChain { .. }) => "other chain",
        Err(BundleError::MissingIssuer { .. }) => "missing issuer",
        Err(BundleError::WrongIssuer { .. }) => "wrong issuer",
        Err(BundleError::Ambiguous { .. }) => "ambiguous",
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn keys_in_every_form() {
    let Some(dual) = Dual::new() else { return };
    let (scalar, point) = dual.parts();
    let x = &point[1..=scalar.len()];
    let compressed = [&[2 + (point.last().unwrap() & 1)], x].concat();
    let oid = tlv(0x06, &[OID_SM2]);
    let [full, no_point, bare, short] = [
        sec1(&scalar, Some(OID_SM2), Some(&point)),
        sec1(&scalar, Some(OID_SM2), None),
        sec1(&scalar, None, None),
        sec1(&scalar, Some(OID_SM2), Some(&compressed)),
    ];
    let usual = pkcs8(&[OID_EC, &oid], &sec1(&scalar, None, Some(&point)));
    let scalar_only = pkcs8(&[OID_EC, &oid], &bare);
    let rewritten = pkcs8(&[OID_EC, &oid], &full);
    let [other_place, place_alone, with_null] =
        [&[oid.as_slice(), &oid][..], &[&oid], &[&oid, &[5, 0]]].map(|algorithm| pkcs8(algorithm, &bare));
    let directory = tempfile::tempdir().unwrap();
    let public = |name: &str, command: &[&str], text: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        oracle::run("openssl", &[command, &["-in", path.to_str().unwrap()]].concat())
    };
    let of_leaf = public("cert.pem", &["x509", "-noout", "-pubkey"], dual.signing.certificate.as_bytes());
    for (form, label, given, want) in [
        ("PKCS#8 of OpenSSL", "PRIVATE KEY", &usual, &usual),
        ("PKCS#8, scalar only", "PRIVATE KEY", &scalar_only, &scalar_only),
        ("PKCS#8, SM2 in the algorithm's place", "PRIVATE KEY", &other_place, &rewritten),
        ("PKCS#8, SM2 there alone", "PRIVATE KEY", &place_alone, &rewritten),
        ("PKCS#8, SM2 there and NULL", "PRIVATE KEY", &with_null, &rewritten),
        ("SEC1", "EC PRIVATE KEY", &full, &full),
        ("SEC1, no point", "EC PRIVATE KEY", &no_point, &no_point),
        ("SEC1, no curve", "EC PRIVATE KEY", &bare, &full),
        ("SEC1, compressed point", "EC PRIVATE KEY", &short, &short),
    ] {
        let bundle = assemble(&[&dual.signing.certificate, &dual.chain, &pem(label, given)], &[NAME]);
        let bundle = bundle.unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(String::from_utf8_lossy(&bundle.key().to_pem()), pem(label, want), "{form}");
        assert_eq!((bundle.key().algorithm().as_str(), bundle.leaf().key_algorithm.as_str()), ("SM2", "SM2"), "{form}");
        if form != "SEC1, compressed point" {
            assert_eq!(public("key.pem", &["pkey", "-pubout"], &bundle.key().to_pem()), of_leaf, "{form}");
            let der = bundle.key().to_pkcs8();
            assert_eq!(public("key.der", &["pkey", "-inform", "DER", "-pubout"], &der), of_leaf, "{form}");
        }
    }
    let called_otherwise = assemble(&[&dual.signing.certificate, &dual.chain, &pem("SM2 PRIVATE KEY", &full)], &[]);
    assert_eq!(called_otherwise.unwrap().key().to_pem().as_slice(), pem("EC PRIVATE KEY", &full).as_bytes());
    // A certificate may have its point compressed, too.
    let half = dual.authority.half(&wanted(NAME, (-1, 90)), pem("EC PRIVATE KEY", &short), SIGNING);
    for key in [&short, &full, &no_point] {
        let bundle = assemble(&[&half.certificate, &dual.chain, &pem("EC PRIVATE KEY", key)], &[NAME]);
        assert_eq!(seen(&bundle), "single");
    }
}

#[test]
fn the_private_part_is_checked() {
    let Some(dual) = Dual::new() else { return };
    let ((scalar, point), (other_scalar, other_point)) = (dual.parts(), ec_parts(&der(&stranger())));
    let mut flipped = scalar.clone();
    flipped[20] ^= 1;
    let mut other_y = point.clone();
    other_y[40] ^= 1;
    let p256 = RingPki::new().leaf;
    let sm2 = |scalar: &[u8], point: Option<&[u8]>| sec1(scalar, Some(OID_SM2), point);
    for (case, key, want) in [
        ("a bit flipped, the right point", sm2(&flipped, Some(&point)), "damaged key"),
        ("a bit flipped, no point", sm2(&flipped, None), "mismatch"),
        ("another key", sm2(&other_scalar, Some(&other_point)), "mismatch"),
        ("another scalar, the right point", sm2(&other_scalar, Some(&point)), "damaged key"),
        ("the right scalar, another point", sm2(&scalar, Some(&other_point)), "mismatch"),
        ("the same scalar on another curve", sec1(&scalar, Some(OID_P256), None), "mismatch"),
        ("zero", sm2(&[0; 32], None), "mismatch"),
        ("nothing", sm2(&[], None), "mismatch"),
        ("more than the order", sm2(&[0xff; 32], None), "mismatch"),
        ("too long", sm2(&[7; 80], None), "mismatch"),
        ("a point that is none", sm2(&scalar, Some(&[4; 65])), "mismatch"),
        ("a point that is none, but for a bit the right one", sm2(&scalar, Some(&other_y)), "mismatch"),
    ] {
        let result = assemble(&[&dual.signing.certificate, &dual.chain, &pem("EC PRIVATE KEY", &key)], &[]);
        assert_eq!(seen(&result), want, "{case}");
    }
    let result = assemble(&[p256.pem(), pem("EC PRIVATE KEY", &sm2(&scalar, None))], &[]);
    assert_eq!(seen(&result), "mismatch");
    let result = assemble(&[dual.signing.certificate, pem("PRIVATE KEY", key_pair("EC P-256").serialized_der())], &[]);
    assert_eq!(seen(&result), "mismatch");
}

#[test]
fn the_halves_are_told_by_their_content() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, root, .. } = &dual;
    let mut pieces = [&signing.key, &signing.certificate, chain, &encryption.key, &encryption.certificate, root];
    let check = |case: &str, result: Result<Bundle, BundleError>| {
        let bundle = result.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(bundle.leaf().to_pem(), signing.certificate, "{case}");
        assert_eq!(bundle.key().to_pem().as_slice(), signing.key.as_bytes(), "{case}");
        let half = bundle.dual().unwrap();
        assert_eq!(half.certificate.to_pem(), encryption.certificate, "{case}");
        assert_eq!(half.key.as_ref().unwrap().to_pem().as_slice(), encryption.key.as_bytes(), "{case}");
        assert_eq!(chain_of(&bundle), ["Sandbox SM2 CA"], "{case}");
    };
    for _ in 0..pieces.len() {
        check("pieces", assemble(&pieces, &[NAME]));
        pieces.rotate_left(1);
    }
    pieces.reverse();
    check("backwards", assemble(&pieces, &[NAME]));
    check("in one text", assemble(&[pieces.map(String::as_str).concat()], &[NAME]));
    let crlf = [signing, encryption].map(|half| (half.key.clone() + &half.certificate + chain).replace('\n', "\r\n"));
    check("in two texts", assemble(&crlf, &[NAME]));
    let files: Vec<(String, Vec<u8>)> = [
        ("sm2/encrypt/x_encrypt.key", &encryption.key),
        ("sm2/encrypt/x_encrypt.crt", &(encryption.certificate.clone() + chain)),
        ("sm2/sign/x_sign.key", &signing.key),
        ("sm2/sign/x_sign.crt", &(signing.certificate.clone() + chain)),
    ]
    .map(|(name, text)| (name.to_owned(), text.clone().into_bytes()))
    .to_vec();
    check("a zip", assemble(&[STANDARD.encode(zip_of(&files))], &[NAME]));
}

#[test]
fn what_of_a_half_is_there_decides() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, .. } = &dual;
    let sign = [signing.key.as_str(), &signing.certificate, chain];
    let both = [sign.as_slice(), &[&encryption.certificate]].concat();
    let certificates = [signing.certificate.as_str(), chain, &encryption.certificate];
    let with = |pieces: &[&str], more: &[&str]| seen(&assemble(&[pieces, more].concat(), &[NAME]));
    let key = encryption.key.as_str();
    let (scalar, point) = ec_parts(&pkcs8(&[OID_EC], &der(key)));
    let damaged = pem("EC PRIVATE KEY", &sec1(&[3; 32], Some(OID_SM2), Some(&point)));
    let without_point = pem("EC PRIVATE KEY", &sec1(&scalar, None, None));
    let completed = assemble(&[both.as_slice(), &[&without_point]].concat(), &[NAME]).unwrap();
    assert_eq!(completed.dual().unwrap().key.as_ref().unwrap().to_pem().as_slice(), key.as_bytes());
    let half = |name: &str, days, usage| dual.half(name, days, usage);
    let (expired, future) = (half(NAME, (-90, -1), ENCRYPTION), half(NAME, (1, 90), ENCRYPTION));
    let (elsewhere, newer) = (half("b.example", (-1, 9), ENCRYPTION), half(NAME, (0, 99), ENCRYPTION));
    let all_usages = format!("{SIGNING}\n").replace("nonRepudiation", "keyEncipherment");
    let everything = half(NAME, (-1, 9), &all_usages);
    let unsaid = half(NAME, (-1, 9), "");
    for (case, seen, want) in [
        ("the signing half alone", with(&sign, &[]), "single"),
        ("no encryption certificate", with(&sign, &[key]), "single"),
        ("no encryption key", with(&both, &[]), "no encryption key"),
        ("both", with(&both, &[key]), "dual"),
        ("another encryption key", with(&both, &[&stranger()]), "mismatch"),
        ("another key beside the right one", with(&both, &[key, &stranger()]), "dual"),
        ("a damaged encryption key", with(&both, &[&damaged]), "damaged key"),
        ("an empty encryption key", with(&both, &["\r\n"]), "no encryption key"),
        ("the encryption half alone", with(&[&encryption.certificate, chain], &[key]), "no signing key"),
        ("no signing key", with(&certificates, &[key]), "no signing key"),
        ("another signing key", with(&certificates, &[key, &stranger()]), "mismatch"),
        ("no keys", with(&certificates, &[]), "no key"),
        ("expired", with(&sign, &[&expired.certificate, &expired.key]), "expired"),
        ("from the future", with(&sign, &[&future.certificate, &future.key]), "not yet valid"),
        ("an expired one beside", with(&both, &[key, &expired.certificate, &expired.key]), "dual"),
        ("for other names", with(&sign, &[&elsewhere.certificate, &elsewhere.key]), "single"),
        ("a newer one without its key", with(&both, &[key, &newer.certificate]), "dual"),
        ("one for everything", with(&[&everything.certificate, chain, &everything.key], &[]), "single"),
        ("one that does not say", with(&[&unsaid.certificate, chain, &unsaid.key], &[]), "single"),
        (
            "one that does not say, with a half",
            with(&[&unsaid.certificate, chain, &unsaid.key], &[&encryption.certificate, key]),
            "dual",
        ),
        ("no intermediate", with(&sign[..2], &[&encryption.certificate, key]), "missing issuer"),
    ] {
        assert_eq!(seen, want, "{case}");
    }
}

#[test]
fn an_envelope_is_no_key() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, .. } = &dual;
    let enveloped = STANDARD.decode(envelope()).unwrap();
    let message = |oid: &[u8], kind: u8| {
        tlv(0x30, &[&tlv(0x06, &[oid, &[kind]]), &tlv(0xa0, &[&tlv(0x30, &[&[2, 1, 1], &tlv(0x04, &[&[7; 150]])])])])
    };
    let guomi = message(&[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x06, 0x01, 0x04, 0x02], 4);
    let pkcs7 = message(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07], 3);
    let blob = [&[1, 0, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0][..], &[9; 372]].concat();
    for (case, text) in [
        ("GM/T 0009", envelope()),
        (
            "GM/T 0009 in lines",
            pem("X", &enveloped).lines().filter(|line| !line.starts_with('-')).collect::<Vec<_>>().join("\r\n"),
        ),
        ("GM/T 0009, called a key", pem("PRIVATE KEY", &enveloped)),
        ("GM/T 0009, called an encrypted key", pem("ENCRYPTED PRIVATE KEY", &enveloped)),
        ("GM/T 0010", STANDARD.encode(&guomi)),
        ("GM/T 0010, called PKCS#7", pem("PKCS7", &guomi)),
        ("PKCS#7", pem("PKCS7", &pkcs7)),
        ("GM/T 0016", STANDARD.encode(blob)),
    ] {
        let pieces = [&signing.certificate, chain, &encryption.certificate, &text];
        assert_eq!(seen(&assemble(&[&pieces[..], &[&signing.key]].concat(), &[NAME])), "no encryption key", "{case}");
        let error = assemble(&pieces, &[NAME]).unwrap_err();
        assert_eq!(error, BundleError::EnvelopedKey { origin: "piece 3".to_owned() }, "{case}");
        // With a password nothing could be opened, either.
        assert!(assemble(&[text.as_str(), &encryption.certificate], &[]).is_err(), "{case}");
    }
}

/// The signing half lies open; the encryption half's key is under a password.
#[test]
fn an_encryption_key_under_a_password() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, .. } = &dual;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("open"), &encryption.key).unwrap();
    let seal = ["pkcs8", "-topk8", "-in", &path("open"), "-out", &path("sealed"), "-passout", "pass:right"];
    oracle::run("openssl", &seal);
    let sealed = std::fs::read_to_string(path("sealed")).unwrap();
    let of = |passwords: &[SecretString]| {
        let pieces = [&signing.key, &signing.certificate, chain, &encryption.certificate, &sealed];
        let add = |material: Material, piece: &&String| material.with("piece", piece.as_bytes());
        let material = pieces.iter().fold(Material::default(), add);
        Bundle::assemble(&material, &Requirements { now: Timestamp::now(), domains: &[], passwords })
    };
    assert_eq!(seen(&of(&["right".into()])), "dual");
    assert!(matches!(of(&["wrong".into()]), Err(BundleError::WrongPassword { .. })));
    assert!(matches!(of(&[]), Err(BundleError::NoPassword { .. })));
}

#[test]
fn another_pair_beside_a_dual_certificate() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, .. } = &dual;
    let ring = RingPki::new();
    let both = [&signing.key, &signing.certificate, chain, &encryption.key, &encryption.certificate];
    let ec = [ring.fullchain(), ring.leaf.key_pem()];
    let pieces: Vec<&str> = both.into_iter().chain(&ec).map(String::as_str).collect();
    let result = assemble(&pieces, &[NAME]);
    assert!(matches!(&result, Err(BundleError::Ambiguous { leaves }) if leaves.len() == 2), "{result:?}");
    let chosen = assemble(&pieces, &["example.com"]).unwrap();
    assert_eq!((chosen.leaf().der(), chosen.dual().is_none()), (ring.leaf.der.as_slice(), true));
    // The encryption half alone is no rival.
    let pieces = [&encryption.key, &encryption.certificate, chain, &ec[0], &ec[1]];
    let chosen = assemble(&pieces, &[NAME]).unwrap();
    assert_eq!((chosen.leaf().der(), chosen.dual().is_none()), (ring.leaf.der.as_slice(), true));
}

#[test]
fn signatures_are_verified() {
    let Some(dual) = Dual::new() else { return };
    let Dual { signing, encryption, chain, .. } = &dual;
    // Another authority of the same names: only the signature, and the key identifiers, tell.
    let other = Authority::new(Timestamp::now()).unwrap().issue(&wanted(NAME, (-1, 90)));
    let result = assemble(&[&signing.key, &signing.certificate, &other.chain.concat()], &[]);
    assert_eq!(seen(&result), "wrong issuer");
    let result = assemble(&[&signing.key, &signing.certificate, chain, &other.chain.concat()], &[]);
    assert_eq!(result.unwrap().chain()[0].to_pem(), *chain);
    let foreign = other.encryption.unwrap();
    let pieces = [&signing.key, &signing.certificate, chain, &foreign.key, &foreign.certificate];
    assert_eq!(seen(&assemble(&pieces, &[])), "wrong issuer");
    let above = other.chain.concat();
    assert_eq!(seen(&assemble(&[&pieces[..], &[&above]].concat(), &[])), "other chain");
    // The same key identifiers, one bit of the name or of the signature another.
    for (what, at) in [("name", None), ("signature", Some(6))] {
        let mut bytes = der(&signing.certificate);
        let at = at.map_or_else(
            || bytes.windows(3).rposition(|window| window == b"www").unwrap(),
            |from_end| bytes.len() - from_end,
        );
        bytes[at] ^= 1;
        let result = assemble(&[&signing.key, &pem("CERTIFICATE", &bytes), chain], &[]);
        assert_eq!(seen(&result), "wrong issuer", "{what}");
    }
    // One number more in the signature.
    let parts = fields(&fields(&der(&signing.certificate))[0].1);
    let numbers = fields(&parts[2].1[1..])[0].1.clone();
    for (more, want) in [(&[][..], "single"), (&[2, 1, 1], "wrong issuer")] {
        let signature = tlv(0x03, &[&[0], &tlv(0x30, &[&numbers, more])]);
        let bytes = tlv(0x30, &[&tlv(0x30, &[&parts[0].1]), &tlv(0x30, &[&parts[1].1]), &signature]);
        let result = assemble(&[&signing.key, &pem("CERTIFICATE", &bytes), chain], &[]);
        assert_eq!(seen(&result), want);
    }
    assert_eq!(seen(&assemble(&[&encryption.key, &encryption.certificate], &[])), "no signing key");
}

/// OpenSSL signs with an empty identity unless it is told otherwise.
#[test]
fn a_certificate_of_openssl_alone() {
    if Dual::new().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let [key, certificate] = ["key.pem", "cert.pem"].map(|name| directory.path().join(name).display().to_string());
    std::fs::write(&key, stranger()).unwrap();
    for options in [&[][..], &["-sigopt", "distid:1234567812345678"]] {
        let plain = ["req", "-x509", "-new", "-key", &key, "-subj", "/CN=www.example.com", "-out", &certificate];
        oracle::run("openssl", &[&plain[..], options].concat());
        let read = |path: &str| std::fs::read_to_string(path).unwrap();
        let bundle = assemble(&[read(&key), read(&certificate)], &[]).unwrap();
        assert!(bundle.chain().is_empty() && bundle.dual().is_none());
        assert_eq!(bundle.leaf().signature_algorithm, "SM3-SM2");
    }
    // Not of everybody.
    let plain = ["req", "-x509", "-new", "-key", &key, "-subj", "/CN=www.example.com", "-out", &certificate];
    oracle::run("openssl", &[&plain[..], &["-sigopt", "distid:someone"]].concat());
    let result = assemble(&[&key, &certificate].map(|path| std::fs::read_to_string(path).unwrap()), &[]);
    assert_eq!(seen(&result), "missing issuer");
}
