//! The PEM files that every version has, and the one that holds all of them.

use zeroize::Zeroizing;

use crate::bundle::{Bundle, Certificate};

/// The file that holds the leaf alone.
pub const LEAF: &str = "cert.pem";
/// The file that holds the intermediates.
pub const CHAIN: &str = "chain.pem";
/// The file that holds leaf and intermediates.
pub const FULLCHAIN: &str = "fullchain.pem";
/// The file that holds the key.
pub const KEY: &str = "privkey.pem";
/// The file that holds the signing certificate of an SM2 dual certificate alone: `cert.pem` once more.
pub const SIGN_LEAF: &str = "sign-cert.pem";
/// The file that holds its key: `privkey.pem` once more.
pub const SIGN_KEY: &str = "sign-privkey.pem";
/// The file that holds the encryption certificate alone.
pub const ENC_LEAF: &str = "enc-cert.pem";
/// The file that holds its key, where that came.
pub const ENC_KEY: &str = "enc-privkey.pem";

/// What is in `cert.pem`, `chain.pem`, `fullchain.pem` and `privkey.pem`, certbot's names (design section 5), and what
/// both halves of an SM2 dual certificate add to them.
pub(super) fn contents(bundle: &Bundle) -> super::Contents {
    let chain: String = bundle.chain().iter().map(Certificate::to_pem).collect();
    let public = |text: String| Zeroizing::new(text.into_bytes());
    let mut contents = vec![
        (LEAF, public(bundle.leaf().to_pem())),
        (CHAIN, public(chain)),
        (FULLCHAIN, public(fullchain(bundle))),
        (KEY, bundle.key().to_pem()),
    ];
    if let Some(dual) = bundle.dual() {
        contents.push((SIGN_LEAF, public(bundle.leaf().to_pem())));
        contents.push((SIGN_KEY, bundle.key().to_pem()));
        contents.push((ENC_LEAF, public(dual.certificate.to_pem())));
        contents.extend(dual.key.as_ref().map(|key| (ENC_KEY, key.to_pem())));
    }
    contents
}

/// Leaf and intermediates.
pub(super) fn fullchain(bundle: &Bundle) -> String {
    [bundle.leaf()].into_iter().chain(bundle.chain()).map(Certificate::to_pem).collect()
}

/// `fullchain.pem` and `privkey.pem` in one: what HAProxy loads.
pub(super) fn combined(bundle: &Bundle) -> Zeroizing<Vec<u8>> {
    let (certificates, key) = (fullchain(bundle), bundle.key().to_pem());
    // Room for all of it, so that no copy of the key is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(certificates.len() + key.len()));
    bytes.extend_from_slice(certificates.as_bytes());
    bytes.extend_from_slice(&key);
    bytes
}
