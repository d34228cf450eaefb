//! What a password opens: PKCS#12 and Java key stores, opened and made, and single private keys, opened.
//!
//! Pure: no I/O, and no randomness either. Salts and initialization vectors are derived from what is put in, so that
//! the same key, chain, alias and password always give the same bytes.

mod ber;
mod cipher;
mod derive;
mod error;
mod hash;
mod jks;
mod key;
mod legacy;
mod oid;
mod password;
mod pkcs12;
mod salt;
mod scheme;

use std::fmt;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use derive::Budget;
pub use error::KeystoreError;
pub use jks::jks;
pub use key::open_key;
pub use legacy::open_legacy_key;
pub use pkcs12::{Strength, pkcs12};

/// A kind of key store, told by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RFC 7292.
    Pkcs12,
    /// Java's own.
    Jks,
    /// Java's own with stronger encryption of keys.
    Jceks,
}

/// A key with its certificates, as it goes into a key store.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// What it is called there.
    pub alias: &'a str,
    /// The private key, PKCS#8.
    pub key: &'a [u8],
    /// The leaf's DER and those of its intermediates, in this order.
    pub chain: &'a [&'a [u8]],
    /// What a Java key store says of when it was put in.
    pub created: Timestamp,
}

/// What was in a key store.
#[derive(Default)]
pub struct Opened {
    /// The private keys, PKCS#8.
    pub keys: Vec<OpenedKey>,
    /// The DER of every certificate, in the order they came, whatever they belong to.
    pub certificates: Vec<Vec<u8>>,
}

/// A private key out of a key store.
pub struct OpenedKey {
    /// What it is called there, if it has a name.
    pub alias: Option<String>,
    /// PKCS#8.
    pub der: Zeroizing<Vec<u8>>,
}

impl Kind {
    /// The kind of key store that `bytes` are; `None` if they are none.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..4) {
            Some([0xfe, 0xed, 0xfe, 0xed]) => Some(Self::Jks),
            Some([0xce, 0xce, 0xce, 0xce]) => Some(Self::Jceks),
            _ => pkcs12::is_pkcs12(bytes).then_some(Self::Pkcs12),
        }
    }

    /// What is in `bytes`, of which this is the kind.
    ///
    /// # Errors
    /// When the password is not the one, the bytes are damaged, or they ask for something that is not done here, or for
    /// more work than is left.
    pub fn open(self, bytes: &[u8], password: &str, budget: &mut Budget) -> Result<Opened, KeystoreError> {
        budget.bytes(bytes)?;
        match self {
            Self::Pkcs12 => pkcs12::open(bytes, password, budget),
            Self::Jks => jks::open(bytes, password),
            Self::Jceks => Err(KeystoreError::Unsupported { what: "JCEKS".to_owned() }),
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("alias", &self.alias).field("chain", &self.chain.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedKey").field("alias", &self.alias).finish_non_exhaustive()
    }
}
