//! The PEM files that every version has.

use zeroize::Zeroizing;

use super::FileImage;
use crate::bundle::{Bundle, Certificate};

/// The file that holds the leaf alone.
pub const LEAF: &str = "cert.pem";

/// `cert.pem`, `chain.pem`, `fullchain.pem` and `privkey.pem`, certbot's names (design section 5).
#[must_use]
pub fn pem(bundle: &Bundle) -> Vec<FileImage> {
    let leaf = bundle.leaf().to_pem();
    let chain: String = bundle.chain().iter().map(Certificate::to_pem).collect();
    let fullchain = format!("{leaf}{chain}");
    let public = |name, text: String| FileImage { name, mode: 0o644, bytes: Zeroizing::new(text.into_bytes()) };
    vec![
        public(LEAF, leaf),
        public("chain.pem", chain),
        public("fullchain.pem", fullchain),
        FileImage { name: "privkey.pem", mode: 0o600, bytes: bundle.key().to_pem() },
    ]
}
