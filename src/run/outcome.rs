//! What became of each certificate of a run.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::failure::Failure;
use crate::store::{self, Identity};

/// What became of one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk, where there was none.
    Created,
    /// It has replaced another, or what was damaged is whole again.
    Updated,
    /// It was there already; nothing was written.
    Unchanged,
    /// A newer certificate of the same name was delivered instead.
    Superseded,
    /// The user rolled back; it is left alone until there is one that is newer than the one rejected.
    Pinned,
    /// It would have been created, but for `--dry-run`.
    WouldCreate,
    /// It would have been updated, but for `--dry-run`.
    WouldUpdate,
    /// It was not delivered.
    Failed,
}

impl Outcome {
    /// The word in certctl's output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Pinned => "pinned",
            Self::WouldCreate => "would_create",
            Self::WouldUpdate => "would_update",
            Self::Failed => "failed",
        }
    }

    /// Whether something changed, or would have.
    #[must_use]
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Updated | Self::WouldCreate | Self::WouldUpdate)
    }
}

/// One certificate of a run.
#[derive(Debug)]
pub struct Row {
    /// Its directory's name, or what it was asked for by; not known for an id that was never downloaded.
    pub name: Option<String>,
    /// The provider; empty where it is not known.
    pub provider: String,
    /// The account.
    pub account: String,
    /// The id; not known where no certificate was found.
    pub id: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its directory.
    pub path: Option<PathBuf>,
    /// The version in place.
    pub version: Option<String>,
    /// End of its validity, UTC.
    pub not_after: Option<Timestamp>,
    /// SHA-256 of the leaf, lower-case hexadecimal.
    pub fingerprint_sha256: Option<String>,
    /// Why it, or something that had to follow it, failed.
    pub failure: Option<Arc<Failure>>,
    /// What is in place after the run, whatever became of it; only `sync` tells.
    pub installed: Option<Identity>,
    /// Whether a check or hook is still to run; only `sync` tells.
    pub is_pending: bool,
}

impl Row {
    /// A certificate that was verified.
    #[must_use]
    pub fn of(identity: Identity, outcome: Outcome) -> Self {
        Self {
            name: Some(identity.name.to_string()),
            provider: identity.provider,
            account: identity.account,
            id: Some(identity.id),
            outcome,
            path: None,
            version: None,
            not_after: Some(identity.not_after),
            fingerprint_sha256: Some(identity.fingerprint_sha256),
            failure: None,
            installed: None,
            is_pending: false,
        }
    }

    /// A certificate that was not delivered.
    #[must_use]
    pub fn failed(
        provider: &str,
        account: &str,
        id: Option<String>,
        name: Option<String>,
        failure: impl Into<Arc<Failure>>,
    ) -> Self {
        Self {
            name,
            provider: provider.to_owned(),
            account: account.to_owned(),
            id,
            outcome: Outcome::Failed,
            path: None,
            version: None,
            not_after: None,
            fingerprint_sha256: None,
            failure: Some(failure.into()),
            installed: None,
            is_pending: false,
        }
    }

    /// Who this is about, for messages: `NAME (PROVIDER ID)`, the id for a name that is not known.
    #[must_use]
    pub fn subject(&self) -> String {
        let id = self.id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
        match self.name.as_ref().or(self.id.as_ref()) {
            Some(name) if self.provider.is_empty() => name.clone(),
            Some(name) => format!("{name} ({}{id})", self.provider),
            None => self.provider.clone(),
        }
    }
}

impl From<store::Outcome> for Outcome {
    fn from(outcome: store::Outcome) -> Self {
        match outcome {
            store::Outcome::Created => Self::Created,
            store::Outcome::Updated => Self::Updated,
            store::Outcome::Unchanged => Self::Unchanged,
        }
    }
}
