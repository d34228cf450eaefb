//! Raw material becomes a verified key, leaf and chain. Pure: no I/O, no clock of its own.
//!
//! What a cloud hands over is told by its content, never by file names: PEM, base64, zip, RAR, DER.
//!
//! ```
//! use certctl::bundle::{Bundle, BundleError, Material, Requirements};
//! use certctl::jiff::Timestamp;
//!
//! # let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()])?;
//! # let (key_pem, chain_pem) = (made.signing_key.serialize_pem(), made.cert.pem());
//! // The names are for messages alone.
//! let material = Material::default().with("privateKey", key_pem).with("certificateChain", chain_pem);
//! let domains = ["www.example.com".to_owned()];
//! let requirements = Requirements { now: Timestamp::now(), domains: &domains, passwords: &[] };
//! let bundle = Bundle::assemble(&material, &requirements)?;
//! assert!(bundle.key().matches(bundle.leaf())?);
//! assert_eq!(bundle.leaf().names(), domains);
//! println!("{}", bundle.leaf().to_pem());
//!
//! let domains = ["shop.example.com".to_owned()];
//! let refused = Bundle::assemble(&material, &Requirements { domains: &domains, ..requirements });
//! assert!(matches!(refused, Err(BundleError::DomainNotCovered { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod algorithm;
mod archive;
pub mod audit;
mod certificate;
mod chain;
mod contents;
mod dual;
mod error;
mod key;
mod material;
mod pem;
mod sealed;
mod select;
mod sm2;

pub use archive::ArchiveError;
pub use certificate::Certificate;
pub use error::BundleError;
pub use key::PrivateKey;
pub use material::{Material, Part};

use contents::Contents;
use secrecy::SecretString;

/// What a bundle has to satisfy.
#[derive(Debug, Clone, Copy)]
pub struct Requirements<'a> {
    /// The time at which leaf and intermediates must be valid.
    pub now: jiff::Timestamp,
    /// The domains that were asked for, all of which the leaf must cover; empty when an id was asked for.
    pub domains: &'a [String],
    /// What the user says may open an encrypted key or key store, beside the passwords that come with the material.
    pub passwords: &'a [SecretString],
}

/// A private key, its certificate and the intermediates above that, all verified.
#[derive(Debug)]
pub struct Bundle {
    key: PrivateKey,
    leaf: Certificate,
    chain: Vec<Certificate>,
    dual: Option<Dual>,
}

/// The encryption half of an SM2 dual certificate (GB/T 38636). Key and leaf of the bundle are the signing half.
#[derive(Debug)]
pub struct Dual {
    /// The encryption certificate, of the same names and the same issuer as the leaf.
    pub certificate: Certificate,
    /// Its key; `None` where the cloud hands it out only in a digital envelope, for whoever made the signing key.
    pub key: Option<PrivateKey>,
}

impl Bundle {
    /// Finds the key and the certificate it belongs to, rebuilds the chain and checks every rule.
    ///
    /// # Errors
    /// The first rule that is broken; [`BundleError::NoKey`] if there are certificates and no private key.
    pub fn assemble(material: &Material, requirements: &Requirements<'_>) -> Result<Self, BundleError> {
        let (keys, certificates) = Contents::of(material)?.into_parts(material.passwords(), requirements.passwords)?;
        let (key, leaf) = select::key_and_leaf(&keys, &certificates, requirements)?;
        select::check(leaf, requirements)?;
        let chain = chain::build(leaf, &certificates, requirements.now)?;
        let dual = dual::encryption_half((leaf, &chain), &keys, &certificates, requirements)?;
        Ok(Self { key: key.completed_for(leaf), leaf: leaf.clone(), chain, dual })
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The certificate that the key belongs to.
    #[must_use]
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The intermediates, the leaf's issuer first, without the root.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The encryption half, if it is an SM2 dual certificate.
    #[must_use]
    pub fn dual(&self) -> Option<&Dual> {
        self.dual.as_ref()
    }
}

/// Text from outside, fit for a message: [`visible`], and no more than 200 characters.
fn printable(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut clean: String = visible(text).chars().take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean
}

/// Text from outside with a mark in place of each control or invisible formatting character.
fn visible(text: &str) -> String {
    let is_invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
