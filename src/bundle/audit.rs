//! Certificates and keys as they stand: judged as a server would send them, nothing is put in order first.

use jiff::Timestamp;
use thiserror::Error;

use super::certificate::Certificate;
use super::key::{Parsed, PrivateKey};
use super::{BundleError, chain as climb, pem};

/// A PEM file, taken apart.
#[derive(Debug, Default)]
pub struct PemFile {
    /// Its certificates, in its order.
    pub certificates: Vec<Certificate>,
    /// Its private keys that are not encrypted, in its order.
    pub keys: Vec<PrivateKey>,
    /// Whether it has a private key that is encrypted.
    pub has_encrypted_key: bool,
    /// What of it cannot be read.
    pub faults: Vec<BundleError>,
}

impl PemFile {
    /// Reads all of it that can be read. Other blocks, Diffie-Hellman parameters say, are passed over. `origin` is for
    /// messages.
    #[must_use]
    pub fn read(origin: &str, text: &[u8]) -> Self {
        let mut file = Self::default();
        for block in pem::blocks(text) {
            match block {
                Ok(block) if block.is_certificate() || block.is_private_key() => file.take_in(origin, &block),
                Ok(_) => {}
                Err(fault) => file.faults.push(malformed(origin, fault.label, fault.reason)),
            }
        }
        file
    }

    /// Whether it has neither a certificate nor a key, nor anything that should have been one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_material() && self.faults.is_empty()
    }

    /// Whether it has a certificate or a key.
    #[must_use]
    pub fn is_material(&self) -> bool {
        !self.certificates.is_empty() || !self.keys.is_empty() || self.has_encrypted_key
    }

    fn take_in(&mut self, origin: &str, block: &pem::Block<'_>) {
        if block.is_encrypted() {
            self.has_encrypted_key = true;
            return;
        }
        let Some(der) = block.der() else {
            self.faults.push(malformed(origin, block.label, "its body is not base64"));
            return;
        };
        if block.is_certificate() {
            match Certificate::parse_first(&der) {
                Some(certificate) => self.certificates.push(certificate),
                None => self.faults.push(BundleError::MalformedCertificate { origin: origin.to_owned() }),
            }
            return;
        }
        match PrivateKey::parse(&der) {
            Some(Parsed::Key(key)) => self.keys.push(key),
            Some(Parsed::Encrypted) => self.has_encrypted_key = true,
            None => {
                let (origin, label) = (origin.to_owned(), block.label.to_owned());
                self.faults.push(BundleError::MalformedKey { origin, label });
            }
        }
    }
}

fn malformed(origin: &str, label: &str, reason: &'static str) -> BundleError {
    BundleError::MalformedPem { origin: origin.to_owned(), label: label.to_owned(), reason }
}

/// What is wrong with certificates as a chain.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainFault {
    /// A certificate that clients need is not there, or is no good.
    #[error(transparent)]
    Broken(BundleError),
    /// A certificate that clients need is known, but not among these.
    #[error("the chain is incomplete: {subject:?}, which issued {child:?}, is not in it")]
    Lacks {
        /// The certificate that is missing.
        subject: String,
        /// What it issued.
        child: String,
    },
    /// The leaf does not come first.
    #[error("the chain is out of order: it begins with {found:?}, not with the leaf")]
    LeafNotFirst {
        /// What comes first.
        found: String,
    },
    /// An issuer stands before what it issued.
    #[error("the chain is out of order: {issuer:?} is to come after {child:?}, which it issued")]
    Order {
        /// The one that stands too early.
        issuer: String,
        /// What it issued.
        child: String,
    },
}

impl ChainFault {
    /// Whether nothing is missing, and only the order is wrong.
    #[must_use]
    pub fn is_order(&self) -> bool {
        matches!(self, Self::LeafNotFirst { .. } | Self::Order { .. })
    }
}

/// Judges `listed`, the leaf first, as the chain of `leaf`; `known` is what is known of certificate authorities beside
/// that. A root at the end and certificates that nobody needs are fine.
///
/// # Errors
/// The first thing that is wrong.
pub fn chain(
    leaf: &Certificate,
    listed: &[Certificate],
    known: &[Certificate],
    now: Timestamp,
) -> Result<(), ChainFault> {
    let all: Vec<_> = listed.iter().chain(known).cloned().collect();
    let with_known = climb::build(leaf, &all, now);
    let needed = match climb::build(leaf, listed, now) {
        Ok(path) => match with_known {
            // The same way up, and further.
            Ok(longer) if longer.starts_with(&path) => longer,
            _ => path,
        },
        Err(fault @ BundleError::MissingIssuer { .. }) => with_known.map_err(|_| ChainFault::Broken(fault))?,
        Err(fault) => return Err(ChainFault::Broken(fault)),
    };
    match listed.first() {
        Some(first) if first != leaf => {
            return Err(ChainFault::LeafNotFirst { found: first.subject.clone() });
        }
        _ => {}
    }
    let mut at = 0;
    let mut child = leaf;
    for issuer in &needed {
        let place = listed.iter().rposition(|other| other == issuer);
        match place {
            None => return Err(ChainFault::Lacks { subject: issuer.subject.clone(), child: child.subject.clone() }),
            Some(place) if place < at => {
                return Err(ChainFault::Order { issuer: issuer.subject.clone(), child: child.subject.clone() });
            }
            Some(place) => at = place,
        }
        child = issuer;
    }
    Ok(())
}
