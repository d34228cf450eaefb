//! What was found of one certificate.

use std::path::PathBuf;

use jiff::Timestamp;

use super::problem::{Code, Problem};
use crate::bundle::Certificate;
use crate::failure::{Exit, Failure};
use crate::store::Identity;

/// One certificate that was checked.
#[derive(Debug)]
pub struct Row {
    /// Its directory's name, or its file's where a directory has several.
    pub name: String,
    /// Its directory, or its file.
    pub path: PathBuf,
    /// Which certificate, by its metadata.
    pub identity: Option<Identity>,
    /// The version in place, if it is certctl's directory.
    pub version: Option<String>,
    /// End of validity, by the certificate itself.
    pub not_after: Option<Timestamp>,
    /// SHA-256 of the leaf, lower-case hexadecimal.
    pub fingerprint_sha256: Option<String>,
    /// All that is wrong.
    pub problems: Vec<Problem>,
    /// Why not all of it could be checked.
    pub failure: Option<Failure>,
}

/// How a certificate fares, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All is as it should be.
    Ok,
    /// It expires within the time given.
    Expiring,
    /// It has expired; else all is as it should be.
    Expired,
    /// Something else is wrong.
    Damaged,
    /// It could not be checked; as far as it could, nothing is damaged.
    Failed,
}

impl State {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Damaged => "damaged",
            Self::Failed => "failed",
        }
    }
}

impl Row {
    pub(super) fn new(name: impl Into<String>, path: PathBuf) -> Self {
        Self {
            name: name.into(),
            path,
            identity: None,
            version: None,
            not_after: None,
            fingerprint_sha256: None,
            problems: Vec::new(),
            failure: None,
        }
    }

    pub(super) fn failed(name: impl Into<String>, path: PathBuf, failure: impl Into<Failure>) -> Self {
        Self { failure: Some(failure.into()), ..Self::new(name, path) }
    }

    pub(super) fn of_leaf(self, leaf: &Certificate) -> Self {
        let fingerprint_sha256 = Some(leaf.fingerprint_sha256.clone());
        Self { not_after: Some(leaf.not_after), fingerprint_sha256, ..self }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.state() == State::Ok
    }

    /// How it fares.
    #[must_use]
    pub fn state(&self) -> State {
        let has = |code| self.problems.iter().any(|problem| problem.code == code);
        match &self.failure {
            _ if self.problems.iter().any(|problem| problem.code.exit() == Exit::Verification) => State::Damaged,
            Some(_) => State::Failed,
            None if has(Code::Expired) => State::Expired,
            None if has(Code::Expiring) => State::Expiring,
            None => State::Ok,
        }
    }

    /// Whole days until the end of validity, negative once it is over.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        const DAY: i64 = 86_400;
        self.not_after.map(|end| (end.as_second() - now.as_second()).div_euclid(DAY))
    }
}

/// The exit code of a check: damage and failures before what time has done.
#[must_use]
pub fn exit(rows: &[Row]) -> Exit {
    let of_problems = rows.iter().flat_map(|row| &row.problems).map(|problem| problem.code.exit());
    let of_failures = rows.iter().filter_map(|row| row.failure.as_ref()).map(Failure::exit);
    let (passed, wrong): (Vec<_>, Vec<_>) = of_problems.chain(of_failures).partition(|exit| *exit == Exit::Expiring);
    match crate::failure::of_batch(wrong) {
        Exit::Done if !passed.is_empty() => Exit::Expiring,
        exit => exit,
    }
}
