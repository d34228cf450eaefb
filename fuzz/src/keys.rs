//! Private keys and key stores, open and under a password.

use certctl::bundle::{Certificate, Material, PrivateKey};
use certctl::keystore::{Budget, Entry, KeystoreError, Kind, Opened, Strength, jks, open_key, open_legacy_key, pkcs12};
use secrecy::SecretString;

use super::BETWEEN;
use super::judge::{NOW, assemble, message, tells_nothing};

/// The chain of the seeds' leaf.
const CHAIN: &str = include_str!("../seeds/chain.pem");

/// A private key in DER.
pub fn key(data: &[u8]) {
    let leaf = Certificate::leaf_in_pem(CHAIN.as_bytes()).unwrap();
    let Some(key) = PrivateKey::of_der(data) else { return };
    let pkcs8 = key.to_pkcs8();
    let again = PrivateKey::of_der(&pkcs8).expect("what was a key is one in PKCS#8");
    // A SEC1 key may leave out its curve, and PKCS#8 has a place of its own for it.
    assert_eq!(again.algorithm(), key.algorithm());
    assert_eq!(again.to_pkcs8(), pkcs8);
    assert_eq!(key.der(), data);
    let [one, other] = [key.matches(&leaf), again.matches(&leaf)];
    assert_eq!(one, other);
    let _ = one.map_err(|error| message(&error));
    tells_nothing(&format!("{key:?}"));
    let _ = assemble(&Material::default().with("key", key.to_pem().to_vec()).with("chain", CHAIN), &[]);
}

/// The password that the input begins with, and the rest.
fn with_password(data: &[u8]) -> (String, &[u8]) {
    let end = data.iter().position(|byte| *byte == BETWEEN).unwrap_or_default();
    let (password, rest) = data.split_at(end);
    (String::from_utf8_lossy(password).into_owned(), rest.get(1..).unwrap_or_default())
}

/// A key store behind its password: read as each kind, and as a cloud's reply.
pub fn keystore(data: &[u8]) {
    let (password, store) = with_password(data);
    for kind in [Kind::Pkcs12, Kind::Jks, Kind::Jceks] {
        let mut budget = Budget::default();
        match kind.open(store, &password, &mut budget) {
            Ok(opened) => remade(kind, &opened),
            Err(error) => message(&error),
        }
    }
    let material = Material::default().with("store", store).with("chain", CHAIN);
    let _ = assemble(&material, &[SecretString::from(password)]);
}

/// What was opened can be put into a key store of our own, and is the same when it comes out.
fn remade(kind: Kind, opened: &Opened) {
    tells_nothing(&format!("{opened:?}"));
    assert_ne!(kind, Kind::Jceks);
    let Some(key) = opened.keys.first() else { return };
    let chain: Vec<&[u8]> = opened.certificates.iter().map(Vec::as_slice).collect();
    let entry = Entry { alias: "alias", key: &key.der, chain: &chain, created: NOW };
    let again = match kind {
        Kind::Pkcs12 => {
            pkcs12(&entry, "x", Strength::Legacy).ok().map(|store| kind.open(&store, "x", &mut Budget::default()))
        }
        _ => jks(&entry, "x").ok().map(|store| kind.open(&store, "x", &mut Budget::default())),
    };
    let Some(again) = again else { return };
    let again = again.unwrap_or_else(|error| panic!("what was made does not open: {error}"));
    assert_eq!(again.certificates, opened.certificates);
    assert_eq!(again.keys.len(), 1);
}

/// An encrypted key behind its password: as DER, as OpenSSL's own encryption, and as a cloud's reply.
pub fn sealed(data: &[u8]) {
    let (password, key) = with_password(data);
    let told = |outcome: Result<_, KeystoreError>| {
        let _ = outcome.map_err(|error| message(&error));
    };
    told(open_key(key, &password, &mut Budget::default()));
    let (dek_info, body) = key.split_at(key.iter().position(|byte| *byte == b'\n').unwrap_or_default());
    told(open_legacy_key(&String::from_utf8_lossy(dek_info), body, &password, &mut Budget::default()));
    let material = Material::default().with("key", key).with("chain", CHAIN).with_password(password);
    let _ = assemble(&material, &[]);
}
