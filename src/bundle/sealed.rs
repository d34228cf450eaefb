//! What in a material is under a password, and the passwords that may open it.

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::BundleError;
use super::certificate::Certificate;
use super::key::{Parsed, PrivateKey};
use crate::keystore::{self, Budget, KeystoreError, Kind, Opened, OpenedKey};

/// Different passwords that are tried on one material.
const MAX_PASSWORDS: usize = 20;
/// Bytes of a file that may be a password.
const MAX_LINE: usize = 128;

/// An encrypted key or a key store.
pub(super) struct Sealed {
    origin: String,
    lock: Lock,
}

#[derive(PartialEq, Eq)]
enum Lock {
    /// An EncryptedPrivateKeyInfo.
    Key(Zeroizing<Vec<u8>>),
    /// OpenSSL's own encryption of a PEM body.
    LegacyKey {
        dek_info: String,
        body: Zeroizing<Vec<u8>>,
    },
    Store(Kind, Zeroizing<Vec<u8>>),
}

impl Sealed {
    pub(super) fn key(origin: &str, der: Zeroizing<Vec<u8>>) -> Self {
        Self { origin: origin.to_owned(), lock: Lock::Key(der) }
    }

    pub(super) fn legacy_key(origin: &str, dek_info: &str, body: Zeroizing<Vec<u8>>) -> Self {
        Self { origin: origin.to_owned(), lock: Lock::LegacyKey { dek_info: dek_info.to_owned(), body } }
    }

    pub(super) fn store(origin: &str, kind: Kind, bytes: &[u8]) -> Self {
        Self { origin: origin.to_owned(), lock: Lock::Store(kind, Zeroizing::new(bytes.to_vec())) }
    }

    /// Whether it is the same, wherever it was found.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.lock == other.lock
    }

    pub(super) fn is_store(&self) -> bool {
        matches!(self.lock, Lock::Store(..))
    }

    /// The keys and certificates in it.
    pub(super) fn open(&self, passwords: &mut Passwords) -> Result<(Vec<PrivateKey>, Vec<Certificate>), BundleError> {
        let opened = passwords
            .find(|password, budget| self.open_with(password, budget))
            .map_err(|fault| self.shut(fault, passwords))?;
        let damaged = |what| self.shut(KeystoreError::Damaged { what }, passwords);
        let keys = opened.keys.iter().map(|key| match PrivateKey::parse(&key.der) {
            Some(Parsed::Key(key)) => Ok(key),
            Some(Parsed::Encrypted) | None => Err(damaged("what was encrypted is no private key")),
        });
        let certificates = opened
            .certificates
            .iter()
            .map(|der| Certificate::parse(der).ok_or_else(|| damaged("a certificate in it is not X.509")));
        Ok((keys.collect::<Result<_, _>>()?, certificates.collect::<Result<_, _>>()?))
    }

    fn open_with(&self, password: &str, budget: &mut Budget) -> Result<Opened, KeystoreError> {
        let only = |der| Opened { keys: vec![OpenedKey { alias: None, der }], certificates: Vec::new() };
        match &self.lock {
            Lock::Key(der) => keystore::open_key(der, password, budget).map(only),
            Lock::LegacyKey { dek_info, body } => keystore::open_legacy_key(dek_info, body, password, budget).map(only),
            Lock::Store(kind, bytes) => kind.open(bytes, password, budget),
        }
    }

    fn shut(&self, fault: KeystoreError, passwords: &Passwords) -> BundleError {
        let origin = self.origin.clone();
        let what = if self.is_store() { "key store" } else { "private key" };
        let tried = || passwords.known.iter().map(|password| password.origin.clone()).collect();
        match fault {
            KeystoreError::WrongPassword if passwords.known.is_empty() => BundleError::NoPassword { origin, what },
            KeystoreError::WrongPassword => BundleError::WrongPassword { origin, what, tried: tried() },
            fault => BundleError::Sealed { origin, what, fault },
        }
    }
}

/// A password that may be the one.
pub(super) struct Password {
    /// Whose it is, for messages.
    origin: String,
    secret: SecretString,
}

impl Password {
    /// The password that a file of an archive may be: a short line of text and nothing else.
    pub(super) fn in_file(origin: &str, bytes: &[u8]) -> Option<Self> {
        const BYTE_ORDER_MARK: char = '\u{feff}';
        let text =
            std::str::from_utf8(bytes.get(..MAX_LINE).unwrap_or(bytes)).ok().filter(|_| bytes.len() <= MAX_LINE)?;
        let line = text.trim_start_matches(BYTE_ORDER_MARK).trim();
        let is_line = !line.is_empty() && !line.chars().any(char::is_control);
        is_line.then(|| Self { origin: origin.to_owned(), secret: line.into() })
    }
}

/// The passwords to try, the likeliest first, each once.
pub(super) struct Passwords {
    known: Vec<Password>,
    /// The one that opened something: of what comes together, all has the same.
    right: Option<SecretString>,
    /// What all tries together may cost.
    budget: Budget,
}

impl Passwords {
    pub(super) fn new(of_cloud: &[SecretString], of_user: &[SecretString], in_files: Vec<Password>) -> Self {
        let from = |origin: &'static str| {
            move |secret: &SecretString| Password { origin: origin.to_owned(), secret: secret.clone() }
        };
        let given = of_cloud.iter().map(from("the cloud's")).chain(of_user.iter().map(from("yours")));
        let mut known: Vec<Password> = Vec::new();
        for password in given.chain(in_files) {
            let is_same = |other: &Password| other.secret.expose_secret() == password.secret.expose_secret();
            if known.len() < MAX_PASSWORDS && !known.iter().any(is_same) {
                known.push(password);
            }
        }
        Self { known, right: None, budget: Budget::default() }
    }

    /// How many are tried on each thing.
    pub(super) fn len(&self) -> usize {
        self.known.len().saturating_add(1)
    }

    /// What comes of the first password that opens. The last one tried is the empty one, which nobody has to know.
    fn find<T>(&mut self, open: impl Fn(&str, &mut Budget) -> Result<T, KeystoreError>) -> Result<T, KeystoreError> {
        let mut fault = KeystoreError::WrongPassword;
        let secrets = self.right.iter().chain(self.known.iter().map(|password| &password.secret));
        for secret in secrets.chain(&[SecretString::default()]) {
            match open(secret.expose_secret(), &mut self.budget) {
                Ok(opened) => {
                    self.right = Some(secret.clone());
                    return Ok(opened);
                }
                Err(KeystoreError::WrongPassword) => {}
                // A wrong password may bring to light what looks like damage.
                Err(damage @ KeystoreError::Damaged { .. }) => fault = damage,
                Err(other) => return Err(other),
            }
        }
        Err(fault)
    }
}
