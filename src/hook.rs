//! The user's own commands: checks, hooks, and those of a whole run. Knows no provider.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;

use crate::config::Command;
use crate::environment::Environment;
use crate::process::{self, Capture, ProcessError, Task};
use crate::stop::Stop;
use crate::text::one_line;

/// The facts that a command is given; none is inherited, since it would be another certificate's.
const NAMES: &str = "CERTCTL_NAMES";
const NAME: &str = "CERTCTL_NAME";
const PATH: &str = "CERTCTL_PATH";
const DOMAINS: &str = "CERTCTL_DOMAINS";
const PROVIDER: &str = "CERTCTL_PROVIDER";
const ACCOUNT: &str = "CERTCTL_ACCOUNT";
const ID: &str = "CERTCTL_ID";
const NOT_AFTER: &str = "CERTCTL_NOT_AFTER";
const FINGERPRINT: &str = "CERTCTL_FINGERPRINT_SHA256";
const FACTS: [&str; 9] = [NAMES, NAME, PATH, DOMAINS, PROVIDER, ACCOUNT, ID, NOT_AFTER, FINGERPRINT];

/// No list of names is longer, in bytes: Linux runs nothing with a variable of 128 KiB or more.
const LONGEST_LIST: usize = 100_000;
/// So much of the end of what a command says is kept, in bytes.
const MOST_OUTPUT: usize = 16 * 1024;
/// No command is shown longer, in characters.
const LONGEST_PROGRAM: usize = 100;
/// No last line is shown longer, in characters.
const LONGEST_WORDS: usize = 300;

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
        let (argv, program, facts) = (self.command.argv(), self.program(), self.facts());
        let inherited = environment.without(withheld).filter(|(name, _)| !FACTS.contains(name));
        let variables = inherited.chain(facts.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        let role = self.role.as_str();
        tracing::info!("running the {role} `{program}`");
        let task = Task { argv: &argv, variables, limit: self.limit, capture: Capture::Both { most: MOST_OUTPUT } };
        let ended = process::run(&task, stop);
        let output = String::from_utf8_lossy(&ended.output);
        let lines = output.split(['\n', '\r']).map(|line| one_line(line, usize::MAX));
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        lines.iter().for_each(|line| tracing::info!("{program}: {line}"));
        let problem = match ended.status {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => HookProblem::Failed(status),
            Err(error) => error.into(),
        };
        let said = lines.last().map(|line| one_line(line, LONGEST_WORDS)).unwrap_or_default();
        Err(HookError { role: self.role, program, problem, said })
    }

    /// As the config has it, for messages.
    fn program(&self) -> String {
        let text = match self.command {
            Command::Argv(argv) => argv.join(" "),
            Command::Shell(line) => line.clone(),
        };
        one_line(&text, LONGEST_PROGRAM)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![(NAMES, list(&self.concern.names))];
        if let Some(subject) = &self.concern.subject {
            facts.extend([
                (NAME, subject.name.clone()),
                (PATH, subject.path.display().to_string()),
                (DOMAINS, list(&subject.domains)),
                (PROVIDER, subject.provider.clone()),
                (ACCOUNT, subject.account.clone()),
                (ID, subject.id.clone()),
                (NOT_AFTER, subject.not_after.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
                (FINGERPRINT, subject.fingerprint_sha256.clone()),
            ]);
        }
        // An id is the cloud's word, and no variable can hold this byte.
        facts.iter_mut().for_each(|(_, value)| value.retain(|c| c != '\0'));
        facts
    }
}

/// Names with commas between them: as many of the first as there is room for.
fn list(names: &[String]) -> String {
    let mut list = String::new();
    for name in names {
        let comma = if list.is_empty() { "" } else { "," };
        if list.len() + comma.len() + name.len() > LONGEST_LIST {
            break;
        }
        list.push_str(comma);
        list.push_str(name);
    }
    list
}

fn last_words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}
