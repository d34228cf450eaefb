//! What a cloud says of a certificate, in one shape for all clouds.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::ProviderError;
use crate::{bundle, domain};

/// A certificate's state, in words that are the same for every cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Issued; whether it is in date is told by its dates.
    Issued,
    /// Expired, says the cloud.
    Expired,
    /// Revoked, or about to be.
    Revoked,
    /// Applied for, not issued yet.
    Pending,
    /// The application failed.
    Failed,
    /// The application was withdrawn.
    Canceled,
    /// A word that certctl does not know, or none.
    Unknown,
}

impl Status {
    /// The word in certctl's output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Unknown => "unknown",
        }
    }
}

/// One row of an account's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The cloud's id; never empty.
    pub id: String,
    /// The name that the user gave it.
    pub alias: Option<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// All names that are known, the common name first, no duplicates.
    pub domains: Vec<String>,
    /// Whether `domains` is all there is; if not, a description tells the rest.
    pub domains_complete: bool,
    /// The state.
    pub status: Status,
    /// The state in the cloud's own word or number.
    pub provider_status: Option<String>,
    /// Start of validity, UTC.
    pub not_before: Option<Timestamp>,
    /// End of validity, UTC.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// A row of which only the id is known.
    #[must_use]
    pub fn new(id: String) -> Self {
        Self {
            id,
            alias: None,
            common_name: None,
            domains: Vec::new(),
            domains_complete: true,
            status: Status::Unknown,
            provider_status: None,
            not_before: None,
            not_after: None,
        }
    }

    /// Sets the names: the common name, then the others, each once.
    #[must_use]
    pub fn named(mut self, common_name: Option<String>, others: impl IntoIterator<Item = String>) -> Self {
        let mut known = HashSet::new();
        for name in common_name.iter().cloned().chain(others) {
            let name = name.trim().to_owned();
            if !name.is_empty() && known.insert(domain::normalize(&name)) {
                self.domains.push(name);
            }
        }
        self.common_name = common_name;
        self
    }

    /// Whether the cloud has issued it and, as far as is known, it is valid at `now`.
    #[must_use]
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.status == Status::Issued
            && self.not_before.is_none_or(|start| start <= now)
            && self.not_after.is_none_or(|end| now < end)
    }

    /// Whole days until the end of validity, negative once it is over.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        const DAY: i64 = 86_400;
        self.not_after.map(|end| (end.as_second() - now.as_second()).div_euclid(DAY))
    }
}

/// One certificate in full.
#[derive(Debug, Clone)]
pub struct Description {
    /// The same as in the listing, and what that leaves out.
    pub certificate: Certificate,
    /// Who issued it.
    pub issuer: Option<String>,
    /// Serial number, lower-case hexadecimal.
    pub serial: Option<String>,
    /// SHA-1 of the DER certificate, lower-case hexadecimal.
    pub fingerprint_sha1: Option<String>,
    /// SHA-256 of the DER certificate, lower-case hexadecimal.
    pub fingerprint_sha256: Option<String>,
    /// Of the public key, for example `RSA 2048`.
    pub key_algorithm: Option<String>,
    /// For example `SHA256-RSA`.
    pub signature_algorithm: Option<String>,
    /// The cloud's word for the kind of certificate.
    pub kind: Option<String>,
    /// The user's own text.
    pub description: Option<String>,
    /// The cloud's reply, secrets removed.
    pub provider_fields: Value,
}

impl Description {
    /// What the listing would tell as well, and the cloud's reply.
    #[must_use]
    pub fn new(certificate: Certificate, provider_fields: Value) -> Self {
        Self {
            certificate,
            issuer: None,
            serial: None,
            fingerprint_sha1: None,
            fingerprint_sha256: None,
            key_algorithm: None,
            signature_algorithm: None,
            kind: None,
            description: None,
            provider_fields,
        }
    }

    /// The same under the id that was asked for: a reply need not repeat it.
    ///
    /// # Errors
    /// [`ProviderError::Nothing`] if the reply tells of no certificate, [`ProviderError::Reply`] if of another one.
    pub(super) fn of(mut self, id: &str, operation: &'static str) -> Result<Self, ProviderError> {
        if self.certificate.id.is_empty() && self.certificate.domains.is_empty() {
            return Err(ProviderError::Nothing { operation });
        }
        let Certificate { id: told, alias, .. } = &self.certificate;
        ProviderError::unless_about(operation, id, told, alias.as_deref())?;
        id.clone_into(&mut self.certificate.id);
        Ok(self)
    }

    /// With what the certificate itself says, if `pem` can be read: better than the cloud's word for it.
    #[must_use]
    pub(super) fn with_pem(mut self, pem: Option<&str>) -> Self {
        let Some(leaf) = pem.and_then(|pem| bundle::Certificate::leaf_in_pem(pem.as_bytes())) else { return self };
        self.certificate.not_before = Some(leaf.not_before);
        self.certificate.not_after = Some(leaf.not_after);
        self.issuer = Some(leaf.issuer);
        self.serial = Some(leaf.serial);
        self.fingerprint_sha1 = Some(leaf.fingerprint_sha1);
        self.fingerprint_sha256 = Some(leaf.fingerprint_sha256);
        self.key_algorithm = Some(leaf.key_algorithm);
        self.signature_algorithm = Some(leaf.signature_algorithm);
        self
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Certificate, Status};

    fn at(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_second(seconds).ok()
    }

    #[test]
    fn names_once_each_common_name_first() {
        let names = ["WWW.example.com", " example.com ", "", "b.example.com"].map(str::to_owned);
        let certificate = Certificate::new("1".to_owned()).named(Some("www.example.com".to_owned()), names);
        assert_eq!(certificate.domains, ["www.example.com", "example.com", "b.example.com"]);
    }

    #[test]
    fn days_left_rounds_down() {
        let days = |end| {
            Certificate { not_after: at(end), ..Certificate::new("1".to_owned()) }.days_left(Timestamp::UNIX_EPOCH)
        };
        assert_eq!(
            [days(86_400), days(86_399), days(0), days(-1), days(-86_401)],
            [Some(1), Some(0), Some(0), Some(-1), Some(-2)]
        );
    }

    #[test]
    fn usable_is_issued_and_in_date() {
        let certificate = |status, start, end| Certificate {
            status,
            not_before: start,
            not_after: end,
            ..Certificate::new("1".to_owned())
        };
        for (status, start, end, want) in [
            (Status::Issued, at(-1), at(1), true),
            (Status::Issued, None, None, true),
            (Status::Issued, at(1), at(2), false),
            (Status::Issued, at(-2), at(0), false),
            (Status::Revoked, at(-1), at(1), false),
            (Status::Unknown, at(-1), at(1), false),
        ] {
            assert_eq!(
                certificate(status, start, end).is_usable(Timestamp::UNIX_EPOCH),
                want,
                "{status:?} {start:?} {end:?}"
            );
        }
    }
}
