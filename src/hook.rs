//! The user's own commands: checks, hooks, and those of a whole run. Knows no provider.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::config::Command;
use crate::environment::Environment;
use crate::process::ProcessError;
use crate::stop::Stop;

/// What a command is for; the word in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A certificate's `check`.
    Check,
    /// A certificate's `hook`.
    Hook,
    /// `[hooks] before`
    Before,
    /// `[hooks] after`
    After,
    /// `[hooks] failed`
    Failed,
}

/// A certificate that a command concerns.
#[derive(Debug, Clone)]
pub struct Subject {
    /// `CERTCTL_NAME`
    pub name: String,
    /// `CERTCTL_PATH`: its directory.
    pub path: PathBuf,
    /// `CERTCTL_DOMAINS`
    pub domains: Vec<String>,
    /// `CERTCTL_PROVIDER`
    pub provider: String,
    /// `CERTCTL_ACCOUNT`
    pub account: String,
    /// `CERTCTL_ID`
    pub id: String,
    /// `CERTCTL_NOT_AFTER`
    pub not_after: Timestamp,
    /// `CERTCTL_FINGERPRINT_SHA256`
    pub fingerprint_sha256: String,
}

/// The certificates that a command concerns.
#[derive(Debug, Clone, Default)]
pub struct Concern {
    /// `CERTCTL_NAMES`
    pub names: Vec<String>,
    /// What else is told of the only one, where it is in place.
    pub subject: Option<Subject>,
}

impl Concern {
    /// Certificates that are in place.
    #[must_use]
    pub fn of(mut subjects: Vec<Subject>) -> Self {
        let names = subjects.iter().map(|subject| subject.name.clone()).collect();
        let subject = if subjects.len() == 1 { subjects.pop() } else { None };
        Self { names, subject }
    }

    /// Certificates of which nothing else is known.
    #[must_use]
    pub fn named(names: Vec<String>) -> Self {
        Self { names, subject: None }
    }
}

/// A command and all that it is given.
#[derive(Debug)]
pub struct Hook<'a> {
    /// What for.
    pub role: Role,
    /// What to run.
    pub command: &'a Command,
    /// How long it may take.
    pub limit: Duration,
    /// Whom it concerns.
    pub concern: &'a Concern,
}

/// A command that failed.
#[derive(Debug, Error)]
#[error("{} `{program}` {problem}{}", role.as_str(), last_words(said))]
pub struct HookError {
    /// What it was for.
    pub role: Role,
    /// The command, as the config has it.
    pub program: String,
    /// How it failed.
    pub problem: HookProblem,
    /// The end of what it said, if anything; of one line.
    pub said: String,
}

/// How a command failed.
#[derive(Debug, Error)]
pub enum HookProblem {
    /// It ended, and not well.
    #[error("failed ({0})")]
    Failed(ExitStatus),
    /// It did not get to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Role {
    /// The word in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Hook => "hook",
            Self::Before => "hook `before`",
            Self::After => "hook `after`",
            Self::Failed => "hook `failed`",
        }
    }
}

impl Hook<'_> {
    /// Runs it to its end with `environment` less the `withheld` variables. This blocks.
    ///
    /// # Errors
    /// When it did not succeed.
    pub fn run(&self, environment: &Environment, withheld: &[&str], stop: &Stop) -> Result<(), HookError> {
        let _ = (environment, withheld, stop);
        todo!()
    }
}

fn last_words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
