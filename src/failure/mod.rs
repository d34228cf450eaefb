//! What went wrong, what it means for the exit code, and what the user can do.

mod verdict;

use std::path::PathBuf;

use thiserror::Error;

use crate::account::AccountError;
use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::credential::CredentialError;
use crate::format::FormatError;
use crate::hook::HookError;
use crate::http::HttpError;
use crate::limits::LimitError;
use crate::provider::{ProviderError, Status};
use crate::served::ServedError;
use crate::stop::{Signal, Stop};
use crate::store::{NameError, StoreError};

/// The exit codes that scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// A bug in certctl.
    Bug = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Credentials: missing, refused, expired, not permitted, a second factor wanted, or the clock too far off.
    Credentials = 3,
    /// No such certificate, or the cloud will not hand it out.
    NoCertificate = 4,
    /// Provider not reachable or not well.
    Provider = 5,
    /// What came back failed verification, or is older than what is installed.
    Verification = 6,
    /// Local storage.
    Storage = 7,
    /// A check or a hook failed.
    Hook = 8,
    /// A batch failed in more than one way.
    Mixed = 9,
    /// Done, and something changed; only with `--detailed-exitcode`.
    Changed = 10,
    /// Something is expired or expires within the time given; of `list`, only with `--detailed-exitcode`.
    Expiring = 11,
    /// SIGINT ended the run.
    Interrupted = 130,
    /// SIGTERM ended the run.
    Terminated = 143,
}

/// Anything that can go wrong in a run.
#[derive(Debug, Error)]
pub enum Failure {
    /// There is no config, or there are mistakes in it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An account cannot be used.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A cloud did not do what it was asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No certificate is the one that was asked for.
    #[error(
        "no issued, in-date certificate covers {domain}: {unusable} of the {listed} there cover it but are expired, not yet valid or not issued"
    )]
    NotCovered {
        /// The domain.
        domain: String,
        /// How many certificates the account has.
        listed: usize,
        /// How many cover it but cannot be used.
        unusable: usize,
    },
    /// No certificate has the id that the config names.
    #[error("there is no certificate {id}")]
    NotListed {
        /// The id.
        id: String,
    },
    /// The certificate that the config names by id is not issued.
    #[error("certificate {id} is {}, not issued", status.as_str())]
    NotUsable {
        /// The id.
        id: String,
        /// Its state.
        status: Status,
    },
    /// What is installed is for other domains, and all that could replace it is older.
    #[error(
        "the installed certificate {installed} does not cover all domains, and the newest that does, {newest}, is older"
    )]
    OnlyOlder {
        /// The installed certificate's id.
        installed: String,
        /// The id of the newest.
        newest: String,
    },
    /// What is installed is damaged, and nothing newer can replace it.
    #[error("the installed certificate {installed} is damaged, and the cloud does not offer it any more")]
    Irreparable {
        /// Its id.
        installed: String,
    },
    /// Nothing is installed, and all there is was rejected.
    #[error("nothing is in place, and the only certificate there is, {id}, was taken away by a rollback")]
    OnlyRejected {
        /// Its id.
        id: String,
    },
    /// A format cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A password that the user has somewhere cannot be had.
    #[error("no password for {of}: {error}")]
    Password {
        /// What it is for.
        of: &'static str,
        /// Why not.
        error: CredentialError,
    },
    /// The key store in place has a password of the user's, and none was given.
    #[error("the key store in {} has a password of yours, and none was given", path.display())]
    NoKeystorePassword {
        /// The certificate directory.
        path: PathBuf,
    },
    /// A certificate's check failed.
    #[error("{error}; {} {}", if *had_version { "the version before" } else { "what was there before" },
        if *is_restored { "was restored" } else { "could not be restored" })]
    Check {
        /// How.
        error: HookError,
        /// Whether there was a version before.
        had_version: bool,
        /// Whether it is in place again.
        is_restored: bool,
    },
    /// Another command of the user's failed.
    #[error(transparent)]
    Hook(HookError),
    /// A signal came before the hook was run.
    #[error("the hook was not run, as certctl was told to stop")]
    HookPutOff(Signal),
    /// A signal came before it was done.
    #[error("not done, as certctl was told to stop")]
    Stopped(Signal),
    /// What came is not a certificate that may be installed.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A certificate directory cannot have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A server did not show what it serves, or there is nothing to judge it by.
    #[error(transparent)]
    Served(#[from] ServedError),
    /// The command line says something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A result could not be printed.
    #[error("cannot write to stdout: {0}")]
    Output(#[source] std::io::Error),
    /// The system gives too little to begin.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// certctl itself broke; what it was doing is not shown, since it may involve secrets.
    #[error("certctl has a bug and could not go on")]
    Bug,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::Provider(error.into())
    }
}

impl Failure {
    /// This, unless a signal has asked for the end: then that is why.
    #[must_use]
    pub fn unless_stopped(self, stop: &Stop) -> Self {
        stop.signal().map_or(self, Self::Stopped)
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.verdict().exit
    }

    /// A word for scripts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.verdict().code
    }

    /// What the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.verdict().hint
    }

    /// The cloud's id for the request that failed.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Provider(error) => error.request_id(),
            _ => None,
        }
    }

    /// The whole story on one line: what happened; what to do, and the cloud's request id.
    #[must_use]
    pub fn line(&self) -> String {
        let hint = self.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        let request_id = self.request_id().map(|id| format!(" [request id {id}]")).unwrap_or_default();
        crate::text::one_line(&format!("{self}{hint}{request_id}"), 2_000)
    }

    /// The story of each thing that went wrong: several where a config has several mistakes.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Config(ConfigError::Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect(),
            failure => vec![failure.line()],
        }
    }
}

/// The exit code of a run that a signal ended.
#[must_use]
pub fn of_signal(signal: Signal) -> Exit {
    match signal {
        Signal::Interrupt => Exit::Interrupted,
        Signal::Terminate => Exit::Terminated,
    }
}

/// The exit code of a batch: the one way in which it failed, or that there were several.
#[must_use]
pub fn of_batch(exits: impl IntoIterator<Item = Exit>) -> Exit {
    exits.into_iter().reduce(|one, other| if one == other { one } else { Exit::Mixed }).unwrap_or(Exit::Done)
}
