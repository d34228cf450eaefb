//! The same input gives the same bytes; other input gives other salts.

use certctl::keystore::{Budget, Entry, Strength, jks, pkcs12};
use jiff::Timestamp;

use super::Owner;

type Make = fn(&Entry<'_>, &str) -> Vec<u8>;

const MAKERS: [(&str, Make); 3] = [
    ("modern", |entry, password| pkcs12(entry, password, Strength::Modern).unwrap().to_vec()),
    ("legacy", |entry, password| pkcs12(entry, password, Strength::Legacy).unwrap().to_vec()),
    ("jks", |entry, password| jks(entry, password).unwrap().to_vec()),
];

/// Every octet string of 8, 16 or 20 bytes that is not a hash of what is public: salts and vectors, in order. For a Java
/// key store, what its one key begins with.
fn salts(kind: &str, made: &[u8]) -> Vec<Vec<u8>> {
    if kind == "jks" {
        // Magic, version, count, tag; the alias with its length; a time and a length; then DER up to the octet string.
        let name = usize::from(u16::from_be_bytes([made[12], made[13]]));
        let key = &made[12 + 2 + name + 8 + 4..];
        // Both lengths take three bytes or four.
        let start = key.windows(2).position(|pair| pair[0] == 0x04 && pair[1] & 0x80 != 0).unwrap();
        let length = usize::from(key[start + 1] & 0x7f);
        return vec![key[start + 2 + length..][..20].to_vec()];
    }
    let lengths: &[u8] = if kind == "modern" { &[16] } else { &[8, 16] };
    let mut found = Vec::new();
    for at in 0..made.len() - 18 {
        // A salt is followed by the iterations, or it ends an AlgorithmIdentifier of AES-256.
        let [0x04, length, ..] = made[at..] else { continue };
        let end = at + 2 + usize::from(length);
        let is_vector = made[..at].ends_with(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a]);
        let is_salt = made.get(end..end + 4) == Some(&[0x02, 0x02, 0x27, 0x10]);
        if lengths.contains(&length) && (is_vector || is_salt) {
            found.push(made[at + 2..end].to_vec());
        }
    }
    found
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let owner = Owner::ec();
    for (kind, make) in MAKERS {
        let made = || owner.entry("alias", |entry| make(entry, "password"));
        assert_eq!(made(), made(), "{kind}");
    }
}

#[test]
fn other_input_gives_other_salts() {
    let (owner, other) = (Owner::ec(), Owner::ec());
    let chain: Vec<&[u8]> = owner.chain.iter().map(Vec::as_slice).collect();
    let others: Vec<&[u8]> = other.chain.iter().map(Vec::as_slice).collect();
    let entry = Entry { alias: "alias", key: &owner.key, chain: &chain, created: Timestamp::UNIX_EPOCH };
    let later = Timestamp::from_second(1).unwrap();
    let inputs = [
        (entry, "password"),
        (entry, "passwords"),
        (entry, "Password"),
        (entry, ""),
        (Entry { alias: "alia", ..entry }, "password"),
        (Entry { alias: "", ..entry }, "password"),
        (Entry { key: &other.key, ..entry }, "password"),
        (Entry { chain: &others, ..entry }, "password"),
        (Entry { chain: &chain[..2], ..entry }, "password"),
        (Entry { chain: &[chain[0], chain[2], chain[1]], ..entry }, "password"),
        (Entry { created: later, ..entry }, "password"),
    ];
    let mut all = Vec::new();
    for (kind, make) in MAKERS {
        for (entry, password) in &inputs {
            let salts = salts(kind, &make(entry, password));
            let wanted = match kind {
                "modern" => 5,
                "legacy" => 3,
                _ => 1,
            };
            assert_eq!(salts.len(), wanted, "{kind}");
            // What is eight bytes of sixteen is told by these eight.
            all.extend(salts.into_iter().map(|salt| salt[..8].to_vec()));
        }
    }
    let count = all.len();
    assert_eq!(count, 9 * inputs.len());
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "no salt is there twice");
}

#[test]
fn nothing_secret_is_shown() {
    let owner = Owner::ec();
    let made = owner.entry("alias", |entry| {
        let shown = format!("{entry:?}");
        assert_eq!(shown, r#"Entry { alias: "alias", chain: 3, .. }"#);
        jks(entry, "password").unwrap()
    });
    let opened = certctl::keystore::Kind::Jks.open(&made, "password", &mut Budget::default()).unwrap();
    assert_eq!(format!("{opened:?}"), r#"Opened { keys: [OpenedKey { alias: Some("alias"), .. }], .. }"#);
}
