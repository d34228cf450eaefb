//! `.certctl.json` in a certificate directory: what a run has still to do there, and what the user has rejected.

use std::ffi::OsStr;
use std::ops::Not;
use std::path::PathBuf;

use jiff::Timestamp;
use rustix::fs::FileType;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use super::dir::Dir;
use super::error::StoreError;
use super::metadata::rfc3339;
use super::version::VersionName;

/// The file's name in a certificate directory.
pub(super) const STATE: &str = ".certctl.json";
/// The file that is about to replace it.
pub(super) const NEXT_STATE: &str = ".certctl.json.new";

/// The form of the file that this module reads and writes.
const SCHEMA: &str = "certctl.state/v1";

/// No state is longer, in bytes.
const LONGEST: usize = 1 << 20;

/// What is known of a certificate directory beside what is installed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// A change that was made and not yet followed by all that has to follow it.
    pub unfinished: Option<Unfinished>,
    /// The newest certificate that a rollback took away: it, and any older one, is not installed again without force.
    pub rejected: Option<Rejected>,
}

/// A change whose check or hook has not succeeded yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// The version to go back to if the check fails; `None`: there was none.
    pub previous: Option<String>,
    /// Whether the check was passed: only the hook is still to come.
    pub is_checked: bool,
    /// The install paths that it changes, in the order in which it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<PathBuf>,
    /// Those of them at which nothing stood before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_copies: Vec<PathBuf>,
    /// What was rejected before: a rollback that does not pass its check rejects nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_rejected: Option<Rejected>,
    /// Whether the hook of an earlier change was still to come: it still is if this change is taken back.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub was_pending: bool,
    /// The version that a rollback went to: one that died before its check is completed by the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_to: Option<String>,
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

/// The whole of the file.
#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    #[serde(flatten)]
    state: State,
}

impl State {
    /// The change that has not passed its check.
    pub(super) fn unchecked(&self) -> Option<&Unfinished> {
        self.unfinished.as_ref().filter(|change| !change.is_checked)
    }

    /// The versions that must not be removed.
    pub(super) fn versions(&self) -> Vec<VersionName> {
        let previous = self.unchecked().and_then(Unfinished::previous_version);
        let rejected = self.rejected.as_ref().and_then(|rejected| VersionName::parse(OsStr::new(&rejected.version)));
        previous.into_iter().chain(rejected).collect()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let Document { schema, state } = serde_json::from_slice(bytes).ok()?;
        let previous = state.unfinished.as_ref().and_then(|change| change.previous.as_ref());
        let rejected = state.rejected.as_ref().map(|rejected| &rejected.version);
        let are_versions =
            previous.into_iter().chain(rejected).all(|name| VersionName::parse(OsStr::new(name)).is_some());
        (schema == SCHEMA && are_versions).then_some(state)
    }
}

impl Unfinished {
    /// The version to go back to.
    pub(super) fn previous_version(&self) -> Option<VersionName> {
        self.previous.as_ref().and_then(|name| VersionName::parse(OsStr::new(name)))
    }

    /// The version that a rollback went to.
    pub(super) fn rollback_target(&self) -> Option<VersionName> {
        self.rollback_to.as_ref().and_then(|name| VersionName::parse(OsStr::new(name)))
    }

    /// A change whose check was passed.
    pub(super) fn pending() -> Self {
        Self { is_checked: true, ..Self::default() }
    }
}

/// What is remembered about a certificate directory. What is damaged is taken for a change whose hook is still to
/// come: running a hook once too often does no harm.
///
/// # Errors
/// As for [`load`].
pub(super) fn read(certificate: &Dir) -> Result<State, StoreError> {
    Ok(load(certificate)?.unwrap_or_else(damaged))
}

/// What is remembered about a certificate directory; `None` if it is damaged.
///
/// # Errors
/// When something else is in the file's place, or it cannot be read.
pub(super) fn load(certificate: &Dir) -> Result<Option<State>, StoreError> {
    load_as(certificate, geteuid().as_raw())
}

/// The same for a certctl that runs as the user `owner`.
pub(super) fn load_as(certificate: &Dir, owner: u32) -> Result<Option<State>, StoreError> {
    let path = || certificate.path().join(STATE);
    match certificate.entry(STATE)? {
        None => return Ok(Some(State::default())),
        Some(entry) if entry.kind != FileType::RegularFile || !entry.is_trusted_by(owner) => {
            return Err(entry.foreign(path(), "a file of its own"));
        }
        Some(_) => {}
    }
    let file = certificate.read(STATE, LONGEST).map_err(|reason| StoreError::io("read", path(), reason))?;
    Ok(file.and_then(|file| State::parse(&file.bytes)))
}

/// What a damaged state is taken for.
pub(super) fn damaged() -> State {
    State { unfinished: Some(Unfinished::pending()), rejected: None }
}

/// Remembers `state`, so that it survives a power cut. Where there is nothing to remember there is no file.
pub(super) fn write(certificate: &Dir, state: &State) -> Result<(), StoreError> {
    if *state == State::default() {
        return match certificate.entry(STATE)? {
            None => Ok(()),
            Some(_) => certificate.unlink(STATE).and_then(|()| certificate.sync()),
        };
    }
    let document = Document { schema: SCHEMA.to_owned(), state: state.clone() };
    let bytes = serde_json::to_vec_pretty(&document);
    let mut bytes = bytes.map_err(|reason| StoreError::io("write", certificate.path().join(STATE), reason))?;
    bytes.push(b'\n');
    certificate.replace(OsStr::new(STATE), OsStr::new(NEXT_STATE), &bytes, 0o644)
}
