//! The formats that a certificate can be written in, and the files that each gives.

use std::fmt;

use super::{FULLCHAIN, KEY, LEAF};

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
    /// Whether it is only there for some certificates, or without a password of the user's own.
    is_special: bool,
}

const fn secret(name: &'static str) -> Given {
    Given { name, is_secret: true, is_special: false }
}

const fn public(name: &'static str) -> Given {
    Given { name, is_secret: false, is_special: false }
}

const fn special(given: Given) -> Given {
    Given { is_special: true, ..given }
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

    /// The files that it gives; some of them only for SM2 certificates, or without a password of the user's own.
    #[must_use]
    pub fn files(self) -> &'static [Given] {
        match self {
            Self::Pem => {
                &const {
                    [
                        public(LEAF),
                        public("chain.pem"),
                        public(FULLCHAIN),
                        secret(KEY),
                        special(public("sign-cert.pem")),
                        special(secret("sign-privkey.pem")),
                        special(public("enc-cert.pem")),
                        special(secret("enc-privkey.pem")),
                    ]
                }
            }
            Self::Combined => &const { [secret("combined.pem")] },
            Self::Pkcs12 | Self::Pkcs12Legacy => &const { [secret("keystore.p12"), special(secret("keystore.pass"))] },
            Self::Jks => &const { [secret("keystore.jks"), special(secret("keystore.pass"))] },
            Self::Der => &const { [public("cert.der"), secret("privkey.der")] },
            Self::K8sSecret => &const { [secret("secret.yaml")] },
        }
    }

    /// The files that it gives for every certificate.
    pub(super) fn usual_files(self) -> impl Iterator<Item = Given> {
        self.files().iter().copied().filter(|given| !given.is_special)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
