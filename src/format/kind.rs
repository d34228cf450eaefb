//! The formats that a certificate can be written in, and the files that each gives.

use std::fmt;

use super::{CHAIN, ENC_KEY, ENC_LEAF, FULLCHAIN, KEY, KEYSTORE_PASSWORD, LEAF, SIGN_KEY, SIGN_LEAF};

/// A format, by its word in the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Key, leaf and chain as PEM files.
    Pem,
    /// Everything in one PEM file.
    Combined,
    /// A PKCS#12 key store with AES-256.
    Pkcs12,
    /// A PKCS#12 key store that old software reads.
    Pkcs12Legacy,
    /// A Java key store.
    Jks,
    /// Key and leaf in DER.
    Der,
    /// A manifest of a Kubernetes secret.
    K8sSecret,
}

/// A file that a format gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// Its name.
    pub name: &'static str,
    /// Whether it holds a key or a password.
    pub is_secret: bool,
    /// When it is given.
    pub when: When,
}

/// When a format gives a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// For every certificate.
    Always,
    /// For SM2 dual certificates; the encryption half's key only where that came.
    Dual,
    /// Where the key store's password is certctl's own.
    OwnPassword,
}

const fn secret(name: &'static str) -> Given {
    Given { name, is_secret: true, when: When::Always }
}

const fn public(name: &'static str) -> Given {
    Given { name, is_secret: false, when: When::Always }
}

const fn only(when: When, given: Given) -> Given {
    Given { when, ..given }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] =
        [Self::Pem, Self::Combined, Self::Pkcs12, Self::Pkcs12Legacy, Self::Jks, Self::Der, Self::K8sSecret];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Combined => "combined",
            Self::Pkcs12 => "pkcs12",
            Self::Pkcs12Legacy => "pkcs12-legacy",
            Self::Jks => "jks",
            Self::Der => "der",
            Self::K8sSecret => "k8s-secret",
        }
    }

    /// Whether it is a key store, with a password and an alias.
    #[must_use]
    pub fn is_keystore(self) -> bool {
        matches!(self, Self::Pkcs12 | Self::Pkcs12Legacy | Self::Jks)
    }

    /// Why these cannot be written together: two of them are the same file.
    #[must_use]
    pub fn clash(formats: &[Self]) -> Option<&'static str> {
        let is_twice = formats.contains(&Self::Pkcs12) && formats.contains(&Self::Pkcs12Legacy);
        is_twice.then_some("`pkcs12` and `pkcs12-legacy` are the same file, keystore.p12; keep one of them")
    }

    /// Whether it can be written in more than one way.
    #[must_use]
    pub fn has_options(self) -> bool {
        self.is_keystore() || self == Self::K8sSecret
    }

    /// The files that it gives; some of them only for SM2 certificates, or without a password of the user's own.
    #[must_use]
    pub fn files(self) -> &'static [Given] {
        match self {
            Self::Pem => {
                &const {
                    [
                        public(LEAF),
                        public(CHAIN),
                        public(FULLCHAIN),
                        secret(KEY),
                        only(When::Dual, public(SIGN_LEAF)),
                        only(When::Dual, secret(SIGN_KEY)),
                        only(When::Dual, public(ENC_LEAF)),
                        only(When::Dual, secret(ENC_KEY)),
                    ]
                }
            }
            Self::Combined => &const { [secret("combined.pem")] },
            Self::Pkcs12 | Self::Pkcs12Legacy => {
                &const { [secret("keystore.p12"), only(When::OwnPassword, secret(KEYSTORE_PASSWORD))] }
            }
            Self::Jks => &const { [secret("keystore.jks"), only(When::OwnPassword, secret(KEYSTORE_PASSWORD))] },
            Self::Der => &const { [public("cert.der"), secret("privkey.der")] },
            Self::K8sSecret => &const { [secret("secret.yaml")] },
        }
    }

    /// The format of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == word)
    }

    /// The file of that name, if the format gives it.
    pub(super) fn file(self, name: &str) -> Option<Given> {
        self.files().iter().copied().find(|given| given.name == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
