//! Whether the system trusts a chain.

use std::time::Duration;

use jiff::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, OtherError, RootCertStore};
use thiserror::Error;

use super::ServedError;
use crate::domain;
use crate::text::one_line;

/// Root certificates that are trusted.
#[derive(Debug, Clone)]
pub struct Roots(RootCertStore);

/// Why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Untrusted {
    /// There is no certificate.
    #[error("there is no certificate")]
    Empty,
    /// One cannot be read, or is of a form that TLS clients refuse.
    #[error("a certificate cannot be read: {reason}")]
    Unreadable {
        /// The library's words.
        reason: String,
    },
    /// Links are missing, or the last one leads to no trusted root.
    #[error("the chain does not lead to a trusted root: an issuer is missing, or not known to the system")]
    UnknownIssuer,
    /// The leaf or an intermediate has expired.
    #[error("the leaf or an intermediate certificate expired at {not_after}")]
    Expired {
        /// When.
        not_after: Timestamp,
    },
    /// The leaf or an intermediate is not valid yet.
    #[error("the leaf or an intermediate certificate is not valid before {not_before}")]
    NotYetValid {
        /// From when on.
        not_before: Timestamp,
    },
    /// The leaf is for other names.
    #[error("the certificate is not for {name}")]
    WrongName {
        /// The name asked for.
        name: String,
    },
    /// What was signed was changed, or another key signed it.
    #[error("a signature in the chain is wrong")]
    BadSignature,
    /// Nothing here can verify it: an SM2 certificate, for example.
    #[error("a signature in the chain is of a kind that certctl cannot verify against the system's roots")]
    UnsupportedSignature,
    /// Its extended key usage does not name servers.
    #[error("the certificate, or an intermediate, is not for TLS servers")]
    NotForServers,
    /// Another rule of RFC 5280 is broken: name constraints, path lengths, a CA's certificate as the leaf.
    #[error("a rule for chains is broken: {reason}")]
    Rule {
        /// The library's name for it.
        reason: String,
    },
}

impl Roots {
    /// The system's, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    ///
    /// # Errors
    /// When there are none.
    pub fn system() -> Result<Self, ServedError> {
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        let (added, _) = store.add_parsable_certificates(found.certs);
        let reason = match found.errors.first() {
            Some(error) => one_line(&error.to_string(), 200),
            None => "there are none; SSL_CERT_FILE can name a file of them".to_owned(),
        };
        if added == 0 { Err(ServedError::NoRoots { reason }) } else { Ok(Self(store)) }
    }

    /// These, in DER; what cannot be read is passed over.
    #[must_use]
    pub fn of<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.into_iter().map(CertificateDer::from));
        Self(store)
    }

    /// Whether a TLS client that trusts these roots accepts `chain`, the leaf first, at `now`; and for `name`, if one is
    /// given: a host name or an IP address, no wildcard. Revocation is not looked at.
    ///
    /// # Errors
    /// Why not.
    pub fn verify(&self, chain: &[Vec<u8>], name: Option<&str>, now: Timestamp) -> Result<(), Untrusted> {
        let mut chain = chain.iter().map(|der| CertificateDer::from(der.as_slice()));
        let leaf = chain.next().ok_or(Untrusted::Empty)?;
        let intermediates: Vec<_> = chain.collect();
        let sort = |error| Untrusted::of(error, name.unwrap_or_default());
        let leaf = ParsedCertificate::try_from(&leaf).map_err(sort)?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().try_into().unwrap_or_default()));
        let WebPkiSupportedAlgorithms { all, .. } = ring::default_provider().signature_verification_algorithms;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.0, &intermediates, now, all).map_err(sort)?;
        let Some(name) = name else { return Ok(()) };
        let wrong = || Untrusted::WrongName { name: one_line(name, 253) };
        let server = ServerName::try_from(domain::normalize(name)).map_err(|_| wrong())?;
        verify_server_name(&leaf, &server).map_err(sort)
    }
}

impl Untrusted {
    fn of(error: rustls::Error, name: &str) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Rule { reason: one_line(&error.to_string(), 200) };
        };
        match error {
            CertificateError::BadEncoding => Self::Unreadable { reason: "wrong DER".to_owned() },
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired { not_after: timestamp(not_after) },
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYetValid { not_before: timestamp(not_before) }
            }
            CertificateError::BadSignature => Self::BadSignature,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::UnsupportedSignature,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::WrongName { name: one_line(name, 253) }
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::NotForServers,
            CertificateError::Other(OtherError(error)) => Self::Rule { reason: spaced(&error.to_string()) },
            other => Self::Rule { reason: spaced(&other.to_string()) },
        }
    }
}

/// `CaUsedAsEndEntity` in words.
fn spaced(name: &str) -> String {
    let mut words = String::with_capacity(name.len().saturating_add(8));
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    one_line(&words, 200)
}

fn timestamp(time: UnixTime) -> Timestamp {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}
