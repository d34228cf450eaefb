//! Key stores as no tool here writes them, made by hand.

use std::fs;

use certctl::keystore::{Budget, KeystoreError, Kind, Strength, open_key, pkcs12};
use sha1::Digest as _;

use super::{KEYS, Owner, openssl, tlv};
use crate::oracle;

const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const ENVELOPED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03";
const SHA256: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
const MOST: u64 = 10_000_000;

fn unsupported(what: &str) -> KeystoreError {
    KeystoreError::Unsupported { what: what.to_owned() }
}

/// A PFX without a MAC.
fn pfx(kind: &[u8], content: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, 3], &tlv(0x30, &[kind, &tlv(0xa0, &[content])])])
}

/// A PFX of these bags, neither encrypted nor with a MAC.
fn of_bags(bags: &[Vec<u8>]) -> Vec<u8> {
    let bags = tlv(0x30, &bags.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let contents = tlv(0x30, &[&tlv(0x30, &[DATA, &tlv(0xa0, &[&tlv(4, &[&bags])])])]);
    pfx(DATA, &tlv(4, &[&contents]))
}

/// A bag of the kind that ends in this number.
fn bag(kind: u8, value: &[u8]) -> Vec<u8> {
    let kind = [b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01".as_slice(), &[kind]].concat();
    tlv(0x30, &[&kind, &tlv(0xa0, &[value])])
}

/// An encrypted key, all zeros, by PBES2 with these parameters of the key derivation.
fn encrypted_key(derivation: &[u8], parameters: &[&[u8]]) -> Vec<u8> {
    let derivation = tlv(0x30, &[derivation, &tlv(0x30, parameters)]);
    let cipher = tlv(0x30, &[b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a", &tlv(4, &[&[0; 16]])]);
    let pbes2 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
    let algorithm = tlv(0x30, &[pbes2, &tlv(0x30, &[&derivation, &cipher])]);
    tlv(0x30, &[&algorithm, &tlv(4, &[&[0; 32]])])
}

fn number(value: u64) -> Vec<u8> {
    // With a zero in front, so that it is not negative.
    let digits = u128::from(value).to_be_bytes();
    tlv(2, &[&digits[7..]])
}

fn by_pbkdf2(iterations: u64) -> Vec<u8> {
    let pbkdf2 = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
    encrypted_key(pbkdf2, &[&tlv(4, &[&[7; 8]]), &number(iterations)])
}

fn by_scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    let scrypt = b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x04\x0b";
    encrypted_key(scrypt, &[&tlv(4, &[&[7; 8]]), &number(n), &number(r), &number(p)])
}

#[test]
fn too_much_work_is_refused_before_it_is_done() {
    for iterations in [MOST + 1, u64::from(u32::MAX) + 2, u64::MAX] {
        let wanted = KeystoreError::TooManyIterations { iterations, left: MOST - 1, limit: MOST };
        assert_eq!(open_key(&by_pbkdf2(iterations), "x", &mut Budget::default()).err(), Some(wanted));
    }
    for [n, r, p] in
        [[1 << 40, 8, 1], [1 << 19, 8, 1], [1 << 17, 17, 1], [2, 1, 1 << 21], [2, 1 << 21, 1], [u64::MAX, u64::MAX, 1]]
    {
        let wanted = KeystoreError::TooMuchMemory { limit: 256 << 20 };
        assert_eq!(open_key(&by_scrypt(n, r, p), "x", &mut Budget::default()).err(), Some(wanted), "{n} {r} {p}");
    }
    assert_eq!(open_key(&by_pbkdf2(1), "x", &mut Budget::default()).err(), Some(KeystoreError::WrongPassword));
    assert_eq!(open_key(&by_scrypt(2, 1, 1), "x", &mut Budget::default()).err(), Some(KeystoreError::WrongPassword));
    let damaged = |what| Some(KeystoreError::Damaged { what });
    assert_eq!(open_key(&by_pbkdf2(0), "x", &mut Budget::default()).err(), damaged("the number of iterations"));
    for [n, r, p] in [[0, 8, 1], [3, 8, 1], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(
            open_key(&by_scrypt(n, r, p), "x", &mut Budget::default()).err(),
            damaged("the parameters of scrypt"),
            "{n} {r} {p}"
        );
    }
}

#[test]
fn all_keys_of_a_store_share_one_budget() {
    if !oracle::has("openssl") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let key = format!("pkcs8 -topk8 -in {KEYS}/rsa-2048.pem -outform DER -out @/key.der -passout pass:x");
    openssl(dir.path(), &format!("{key} -v2 aes-256-cbc -iter 3"));
    let first = bag(2, &fs::read(dir.path().join("key.der")).unwrap());
    let opened = Kind::Pkcs12.open(&of_bags(&[first.clone(), first.clone()]), "x", &mut Budget::default()).unwrap();
    assert_eq!(opened.keys.len(), 2);
    let mut budget = Budget::default();
    let both = of_bags(&[first.clone(), bag(2, &by_pbkdf2(MOST))]);
    let Some(KeystoreError::TooManyIterations { left, .. }) = Kind::Pkcs12.open(&both, "x", &mut budget).err() else {
        panic!("ten million and three are done")
    };
    // What the bytes cost is in proportion to them.
    assert!((MOST - 100..MOST - 3).contains(&left) && left == budget.left(), "{left}");
    // What is refused costs nothing, so that the next may be opened.
    assert_eq!(Kind::Pkcs12.open(&of_bags(&[first]), "x", &mut budget).unwrap().keys.len(), 1);
}

#[test]
fn bags_of_every_kind() {
    let owner = Owner::ec();
    let certificate = |der: &[u8], last: u8| {
        let kind = [b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16".as_slice(), &[last]].concat();
        bag(3, &tlv(0x30, &[&kind, &tlv(0xa0, &[&tlv(4, &[der])])]))
    };
    let nested = |depth: usize| {
        let innermost = tlv(0x30, &[&bag(1, &owner.key)]);
        (0..depth).fold(innermost, |inner, _| tlv(0x30, &[&bag(6, &inner)]))
    };
    let revocation_list = bag(4, &tlv(0x30, &[]));
    let secret = bag(5, &tlv(0x30, &[]));
    let unknown = bag(77, &[]);
    let bags =
        [certificate(&owner.chain[0], 1), revocation_list, bag(1, &owner.key), secret, unknown, bag(6, &nested(6))];
    let opened = Kind::Pkcs12.open(&of_bags(&bags), "whatever", &mut Budget::default()).unwrap();
    assert_eq!(opened.keys.len(), 2);
    assert!(opened.keys.iter().all(|key| key.alias.is_none() && *key.der == owner.key));
    assert_eq!(opened.certificates, owner.chain[..1]);

    let sdsi = of_bags(&[certificate(b"not X.509", 2)]);
    assert!(Kind::Pkcs12.open(&sdsi, "", &mut Budget::default()).unwrap().certificates.is_empty());
    let deeper = of_bags(&[bag(6, &nested(7))]);
    assert_eq!(
        Kind::Pkcs12.open(&deeper, "", &mut Budget::default()).err(),
        Some(unsupported("bags inside each other"))
    );
    let deepest = of_bags(&[bag(6, &nested(10_000))]);
    assert!(Kind::Pkcs12.open(&deepest, "", &mut Budget::default()).is_err());
    let no_key = of_bags(&[bag(1, &owner.chain[0])]);
    assert_eq!(
        Kind::Pkcs12.open(&no_key, "", &mut Budget::default()).err(),
        Some(KeystoreError::Damaged { what: "a bag of the key store" })
    );
}

#[test]
fn other_protection_than_a_password_is_named() {
    let content = tlv(0x30, &[]);
    let signed = pfx(SIGNED_DATA, &content);
    assert_eq!(Kind::of(&signed), Some(Kind::Pkcs12));
    assert_eq!(
        Kind::Pkcs12.open(&signed, "x", &mut Budget::default()).err(),
        Some(unsupported("a signature in place of a password"))
    );
    let enveloped = tlv(0x30, &[&tlv(0x30, &[ENVELOPED_DATA, &tlv(0xa0, &[&content])])]);
    let enveloped = pfx(DATA, &tlv(4, &[&enveloped]));
    assert_eq!(
        Kind::Pkcs12.open(&enveloped, "x", &mut Budget::default()).err(),
        Some(unsupported("a public key in place of a password"))
    );

    let mut made = Owner::ec().entry("a", |entry| pkcs12(entry, "x", Strength::Modern)).unwrap().to_vec();
    let at = made.windows(SHA256.len()).rposition(|window| window == SHA256).unwrap();
    made[at..at + SHA256.len()].copy_from_slice(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e");
    assert_eq!(Kind::Pkcs12.open(&made, "x", &mut Budget::default()).err(), Some(unsupported("PBMAC1")));
}

/// One value's tag, and where its content is.
fn parsed(der: &[u8]) -> (u8, std::ops::Range<usize>) {
    let (start, length) = match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let end = 2 + usize::from(long & 0x7f);
            (end, der[2..end].iter().fold(0, |length, &digit| (length << 8) | usize::from(digit)))
        }
    };
    (der[0], start..start + length)
}

/// DER with lengths that only an end tells, and octet strings in pieces.
fn indefinite(mut der: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !der.is_empty() {
        let (tag, at) = parsed(der);
        let (content, end) = (&der[at.clone()], at.end);
        let pieces = || content.chunks(100).flat_map(|piece| tlv(4, &[piece])).collect::<Vec<_>>();
        let (tag, content) = match tag {
            0x04 => (0x24, pieces()),
            0x80 => (0xa0, pieces()),
            tag if tag & 0x20 != 0 => (tag, indefinite(content)),
            tag => (tag, content.to_vec()),
        };
        if tag & 0x20 == 0 {
            out.extend(tlv(tag, &[&content]));
        } else {
            out.extend([&[tag, 0x80], content.as_slice(), &[0, 0]].concat());
        }
        der = &der[end..];
    }
    out
}

#[test]
fn ber_opens() {
    let owner = Owner::ec();
    let made = owner.entry("a", |entry| pkcs12(entry, "x", Strength::Modern)).unwrap();
    let all = indefinite(&made);
    // The same without a MAC, and in BER inside, too: `PFX` → its content → octet string.
    let pfx_content = &made[parsed(&made).1];
    let info = &pfx_content[3..];
    let info = &info[parsed(info).1];
    let explicit = &info[DATA.len()..];
    let octets = &explicit[parsed(explicit).1];
    let inside = indefinite(&pfx(DATA, &tlv(4, &[&indefinite(&octets[parsed(octets).1])])));
    let dir = tempfile::tempdir().unwrap();
    for ber in [all, inside] {
        assert_eq!(Kind::of(&ber), Some(Kind::Pkcs12));
        assert!(owner.is_in(&Kind::Pkcs12.open(&ber, "x", &mut Budget::default()).unwrap()));
        assert_eq!(Kind::Pkcs12.open(&ber, "y", &mut Budget::default()).err(), Some(KeystoreError::WrongPassword));
        for length in (0..ber.len()).step_by(7) {
            assert!(Kind::Pkcs12.open(&ber[..length], "x", &mut Budget::default()).is_err(), "{length} bytes");
        }
        if oracle::has("openssl") {
            fs::write(dir.path().join("ber.p12"), &ber).unwrap();
            openssl(dir.path(), "pkcs12 -in @/ber.p12 -passin pass:x -noout");
        }
    }
    let endless = [[0x30, 0x80].repeat(100_000), vec![0; 200_000]].concat();
    assert_eq!(Kind::of(&endless), None);
    assert!(Kind::Pkcs12.open(&endless, "x", &mut Budget::default()).is_err());
}

#[test]
fn java_key_stores_of_both_versions() {
    let certificate = &Owner::ec().chain[0];
    let length = u32::try_from(certificate.len()).unwrap().to_be_bytes();
    for (version, kind, wanted) in [(1, &b""[..], 1), (2, b"\0\x05X.509", 1), (2, b"\0\x03PGP", 0)] {
        let entry = [b"\0\0\0\x02\0\x01a\0\0\0\0\0\0\0\0", kind, &length, certificate].concat();
        let store = [b"\xfe\xed\xfe\xed\0\0\0", &[version][..], b"\0\0\0\x01", &entry].concat();
        let hash = sha1::Sha1::digest([b"\0x".as_slice(), b"Mighty Aphrodite", &store].concat());
        let opened = Kind::Jks.open(&[store.as_slice(), &hash].concat(), "x", &mut Budget::default()).unwrap();
        assert!(opened.keys.is_empty());
        assert_eq!(opened.certificates.len(), wanted);
        assert!(opened.certificates.iter().all(|der| der == certificate));
    }
}
