//! `.certctl.json` in a certificate directory: what a run has still to do there, and what the user has rejected.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::metadata::rfc3339;

/// What is known of a certificate directory beside what is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// A change that was made and not yet followed by all that has to follow it.
    pub unfinished: Option<Unfinished>,
    /// The newest certificate that a rollback took away: it, and any older one, is not installed again without force.
    pub rejected: Option<Rejected>,
}

/// A change whose check or hook has not succeeded yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The version to go back to if the check fails; `None`: there was none.
    pub previous: Option<String>,
    /// Whether the check was passed: only the hook is still to come.
    pub is_checked: bool,
}

/// A certificate that a rollback took away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The version that holds it; kept, so that the user can return to it.
    pub version: String,
    /// Its id at the cloud.
    pub id: String,
    /// Start of its validity, UTC.
    #[serde(with = "rfc3339")]
    pub not_before: Timestamp,
    /// End of its validity, UTC.
    #[serde(with = "rfc3339")]
    pub not_after: Timestamp,
}
