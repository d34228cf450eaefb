//! The PEM files that every version has, and the one that holds all of them.

use zeroize::Zeroizing;

use crate::bundle::{Bundle, Certificate};

/// The file that holds the leaf alone.
pub const LEAF: &str = "cert.pem";
/// The file that holds leaf and intermediates.
pub const FULLCHAIN: &str = "fullchain.pem";
/// The file that holds the key.
pub const KEY: &str = "privkey.pem";

/// What is in `cert.pem`, `chain.pem`, `fullchain.pem` and `privkey.pem`, certbot's names (design section 5).
pub(super) fn contents(bundle: &Bundle) -> Vec<Zeroizing<Vec<u8>>> {
    let leaf = bundle.leaf().to_pem();
    let chain: String = bundle.chain().iter().map(Certificate::to_pem).collect();
    let fullchain = format!("{leaf}{chain}");
    let public = |text: String| Zeroizing::new(text.into_bytes());
    vec![public(leaf), public(chain), public(fullchain), bundle.key().to_pem()]
}

/// `fullchain.pem` and `privkey.pem` in one: what HAProxy loads.
pub(super) fn combined(bundle: &Bundle) -> Zeroizing<Vec<u8>> {
    let certificates = [bundle.leaf()].into_iter().chain(bundle.chain()).map(Certificate::to_pem);
    let (certificates, key) = (certificates.collect::<String>(), bundle.key().to_pem());
    // Room for all of it, so that no copy of the key is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(certificates.len() + key.len()));
    bytes.extend_from_slice(certificates.as_bytes());
    bytes.extend_from_slice(&key);
    bytes
}
