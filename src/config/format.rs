//! The formats that a certificate can be written in, and the files that each gives.

use std::fmt;

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
pub(super) struct Given {
    pub(super) name: &'static str,
    /// Whether it holds a key or a password.
    pub(super) is_secret: bool,
}

const fn secret(name: &'static str) -> Given {
    Given { name, is_secret: true }
}

const fn public(name: &'static str) -> Given {
    Given { name, is_secret: false }
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
    pub(super) fn files(self) -> &'static [Given] {
        match self {
            Self::Pem => {
                &const {
                    [
                        public("cert.pem"),
                        public("chain.pem"),
                        public("fullchain.pem"),
                        secret("privkey.pem"),
                        public("sign-cert.pem"),
                        secret("sign-privkey.pem"),
                        public("enc-cert.pem"),
                        secret("enc-privkey.pem"),
                    ]
                }
            }
            Self::Combined => &const { [secret("combined.pem")] },
            Self::Pkcs12 | Self::Pkcs12Legacy => &const { [secret("keystore.p12"), secret("keystore.pass")] },
            Self::Jks => &const { [secret("keystore.jks"), secret("keystore.pass")] },
            Self::Der => &const { [public("cert.der"), secret("privkey.der")] },
            Self::K8sSecret => &const { [secret("secret.yaml")] },
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
