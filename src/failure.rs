//! What went wrong, what it means for the exit code, and what the user can do.

use std::path::PathBuf;

use thiserror::Error;

use crate::account::AccountError;
use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::credential::{CommandProblem, CredentialError};
use crate::format::FormatError;
use crate::hook::{HookError, HookProblem, Role};
use crate::http::{Again, HttpError};
use crate::keystore::KeystoreError;
use crate::process::ProcessError;
use crate::provider::{Meaning, ProviderError, Status};
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
    /// certctl itself broke; what it was doing is not shown, since it may involve secrets.
    #[error("certctl has a bug and could not go on")]
    Bug,
}

impl From<HttpError> for Failure {
    fn from(error: HttpError) -> Self {
        Self::Provider(error.into())
    }
}

/// What a failure comes to: its word and exit code, and what to do about it.
struct Verdict {
    code: &'static str,
    exit: Exit,
    hint: Option<String>,
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

    fn verdict(&self) -> Verdict {
        match self {
            Self::Config(error) => of_config(error),
            Self::Account(AccountError::Credential(CredentialError::Command {
                problem: CommandProblem::Process(ProcessError::Stopped(signal)),
                ..
            })) => verdict("interrupted", of_signal(*signal), "run it again"),
            Self::Account(AccountError::Credential(error)) => {
                Verdict { code: "credentials_missing", exit: Exit::Credentials, hint: error.hint() }
            }
            Self::Password { error, .. } => {
                Verdict { code: "password_missing", exit: Exit::Credentials, hint: error.hint() }
            }
            Self::Account(AccountError::Setting(_)) => verdict("setting", Exit::Usage, ""),
            Self::Account(AccountError::Endpoint { .. }) => verdict("endpoint", Exit::Usage, ""),
            Self::Provider(error) => of_provider(error),
            Self::NotCovered { .. } => verdict("not_found", Exit::NoCertificate, "`certctl list` shows what there is"),
            Self::NotListed { .. } => verdict("not_found", Exit::NoCertificate, "`certctl list` shows what there is"),
            Self::NotUsable { .. } => {
                verdict("not_downloadable", Exit::NoCertificate, "`certctl describe` shows its state")
            }
            Self::OnlyOlder { .. } => verdict("older", Exit::Verification, "--force installs the older one"),
            Self::Irreparable { .. } => {
                verdict("older", Exit::Verification, "--force installs the newest that is offered")
            }
            Self::OnlyRejected { .. } => verdict("rejected", Exit::Verification, "--force installs it"),
            Self::Format(_) => verdict("format", Exit::Usage, ""),
            Self::NoKeystorePassword { .. } => verdict(
                "keystore_password",
                Exit::Usage,
                "give it with --keystore-password-file, or name the --format that you want",
            ),
            Self::Check {
                error: HookError { problem: HookProblem::Process(ProcessError::Stopped(signal)), .. },
                ..
            }
            | Self::Stopped(signal) => verdict("interrupted", of_signal(*signal), "run it again"),
            Self::Hook(HookError { problem: HookProblem::Process(ProcessError::Stopped(signal)), .. })
            | Self::HookPutOff(signal) => verdict("interrupted", of_signal(*signal), "the next sync makes up for it"),
            Self::Check { .. } => verdict("check_failed", Exit::Hook, ""),
            Self::Hook(HookError { role: Role::Before, .. }) => {
                verdict("hook_failed", Exit::Hook, "nothing was changed")
            }
            Self::Hook(HookError { role: Role::Hook, .. }) => {
                verdict("hook_failed", Exit::Hook, "it runs again at the next sync")
            }
            Self::Hook(_) => verdict("hook_failed", Exit::Hook, ""),
            Self::Bundle(error) => of_bundle(error),
            Self::Name(NameError::Given { .. }) => verdict("name", Exit::Usage, ""),
            Self::Name(_) => verdict("name", Exit::Verification, ""),
            Self::Store(StoreError::Older { .. }) => verdict("older", Exit::Verification, ""),
            Self::Store(StoreError::NoOlderVersion { .. }) => {
                verdict("not_found", Exit::NoCertificate, "`keep` in the config says how many stay")
            }
            Self::Store(StoreError::NoSuchVersion { .. }) => verdict("usage", Exit::Usage, ""),
            Self::Store(StoreError::Damaged { .. }) => verdict("damaged", Exit::Verification, ""),
            Self::Store(StoreError::Locked { .. }) => verdict("locked", Exit::Storage, ""),
            Self::Store(_) => verdict("storage", Exit::Storage, ""),
            Self::Served(error) => of_served(error),
            Self::Usage(_) => verdict("usage", Exit::Usage, ""),
            Self::Output(_) => verdict("output", Exit::Storage, ""),
            Self::Bug => verdict("bug", Exit::Bug, "please report it"),
        }
    }
}

/// An empty hint is none.
fn verdict(code: &'static str, exit: Exit, hint: &str) -> Verdict {
    Verdict { code, exit, hint: Some(hint.to_owned()).filter(|hint| !hint.is_empty()) }
}

fn of_config(error: &ConfigError) -> Verdict {
    match error {
        ConfigError::NotFound { .. } => {
            verdict("config", Exit::Usage, "correct the path; `certctl config init` writes a new one")
        }
        ConfigError::NoneFound => {
            verdict("config", Exit::Usage, "name one with -c; `certctl config init` writes a new one")
        }
        ConfigError::Unreadable { .. } => verdict("config", Exit::Usage, "name another with -c"),
        ConfigError::Exists { .. } => verdict("config", Exit::Usage, "name another with -c, or move it away"),
        ConfigError::Untrusted { .. } | ConfigError::Mistakes(_) => verdict("config", Exit::Usage, ""),
        ConfigError::Unwritable { .. } => verdict("storage", Exit::Storage, ""),
    }
}

fn of_provider(error: &ProviderError) -> Verdict {
    match error {
        ProviderError::Http(error) => of_http(error),
        ProviderError::Reply { .. } => {
            verdict("reply", Exit::Provider, "check the endpoint and any proxy in between, then try again")
        }
        ProviderError::Paging { .. } | ProviderError::Endless { .. } => {
            verdict("paging", Exit::Provider, "check the endpoint, and try again later")
        }
        ProviderError::Nothing { .. } => {
            verdict("not_downloadable", Exit::NoCertificate, "`certctl describe` shows its state")
        }
        ProviderError::Setting { variable, .. } => verdict("setting", Exit::Usage, &format!("set {variable}")),
        ProviderError::Refused(refusal) => match refusal.meaning {
            Meaning::Credentials => {
                verdict("credentials_refused", Exit::Credentials, "check access key, secret key and session token")
            }
            Meaning::Permission => verdict(
                "permission",
                Exit::Credentials,
                &format!("allow this access key to call {}", refusal.operation),
            ),
            Meaning::Mfa(Some(variable)) => verdict(
                "mfa",
                Exit::Credentials,
                &format!(
                    "if operation protection is on, set {variable} to its current value, else allow this access key to call {}",
                    refusal.operation
                ),
            ),
            Meaning::Mfa(None) => {
                verdict("mfa", Exit::Credentials, "use an access key without operation protection for this call")
            }
            Meaning::Clock => verdict("clock", Exit::Credentials, "set the local clock"),
            Meaning::NotFound => verdict("not_found", Exit::NoCertificate, "`certctl list` shows what there is"),
            Meaning::NotDownloadable => {
                verdict("not_downloadable", Exit::NoCertificate, "`certctl describe` shows its state")
            }
            Meaning::RateLimited => verdict(
                "rate_limited",
                Exit::Provider,
                &format!("try again {}, or with a smaller -j", when(refusal.again)),
            ),
            Meaning::Busy => verdict("unavailable", Exit::Provider, &format!("try again {}", when(refusal.again))),
            Meaning::NoSuchApi => verdict("no_such_api", Exit::Provider, "check the endpoint"),
            Meaning::Other => verdict("refused", Exit::Provider, ""),
        },
    }
}

/// When the cloud wants to be asked again.
fn when(again: Again) -> String {
    match again {
        Again::After(wait) if !wait.is_zero() => format!("in {} s", wait.as_secs_f64().ceil()),
        _ => "later".to_owned(),
    }
}

fn of_http(error: &HttpError) -> Verdict {
    let (code, exit, hint) = match error {
        HttpError::Setup { .. } => ("tls", Exit::Provider, "install the CA certificates or set SSL_CERT_FILE"),
        HttpError::Unsendable { .. } => ("not_found", Exit::NoCertificate, "no certificate can have such an id"),
        HttpError::BadHeader { .. } => ("credentials_missing", Exit::Credentials, "copy the value again"),
        HttpError::Connect { .. } => ("network", Exit::Provider, "check the network, the endpoint and HTTPS_PROXY"),
        HttpError::Tls { .. } => ("tls", Exit::Provider, "if a proxy opens TLS here, set SSL_CERT_FILE to its CA"),
        HttpError::Timeout { .. } => ("timeout", Exit::Provider, "try again later, or give a longer --timeout"),
        HttpError::Broken { .. } => ("network", Exit::Provider, "try again later"),
        HttpError::TooLarge { .. } => ("reply", Exit::Provider, "check the endpoint and any proxy in between"),
        HttpError::Redirect { .. } => {
            ("redirect", Exit::Provider, "check the endpoint; a captive portal redirects, too")
        }
    };
    verdict(code, exit, hint)
}

fn of_served(error: &ServedError) -> Verdict {
    let (code, hint) = match error {
        ServedError::ServerName { .. } => {
            return verdict("usage", Exit::Usage, "give one with --server-name");
        }
        ServedError::Resolve { .. } => ("network", "check the name and the resolver"),
        ServedError::Connect { .. } => ("network", "check that the server runs, and the firewall"),
        ServedError::TimedOut { .. } => ("timeout", "check the server and the firewall, or give a longer --timeout"),
        ServedError::Closed { .. } => ("network", "check the server's log; if it speaks first, give --starttls"),
        ServedError::NotTls { .. } => ("tls", "check the port; if the server goes over to TLS, give --starttls"),
        ServedError::Alert { .. } => ("tls", "check the server's log, and --server-name"),
        ServedError::Tls { .. } | ServedError::Injected { .. } => ("tls", "check the server's log"),
        ServedError::Refused { .. } | ServedError::NotThat { .. } => ("tls", "check the port and --starttls"),
        ServedError::TooMuch { .. } => ("tls", "check the port"),
        ServedError::NoRoots { .. } => ("tls", "install the CA certificates or set SSL_CERT_FILE"),
    };
    verdict(code, Exit::Provider, hint)
}

fn of_bundle(error: &BundleError) -> Verdict {
    let code = match error {
        BundleError::NoKey | BundleError::NoSigningKey { .. } | BundleError::EnvelopedKey { .. } => {
            return verdict("no_private_key", Exit::NoCertificate, "");
        }
        BundleError::NoPassword { .. } | BundleError::WrongPassword { .. } => {
            let hint = "give it with --key-password-file, --key-password-env or the config's key_password";
            return verdict("encrypted_key", Exit::Verification, hint);
        }
        BundleError::Sealed {
            fault: KeystoreError::Unsupported { .. } | KeystoreError::TooManyIterations { .. },
            ..
        } => "unsupported_encryption",
        BundleError::Sealed { .. } => "damaged",
        BundleError::MalformedPem { .. }
        | BundleError::MalformedCertificate { .. }
        | BundleError::MalformedKey { .. } => "not_pem",
        BundleError::Archive { .. } => "archive",
        BundleError::TooMany { .. } | BundleError::NoCertificate | BundleError::Ambiguous { .. } => "material",
        BundleError::UnsupportedKey { .. } | BundleError::UncheckableKey { .. } => "unsupported_key",
        BundleError::KeyMismatch { .. } | BundleError::DamagedKey { .. } => "key_mismatch",
        BundleError::Expired { .. } => "expired",
        BundleError::NotYetValid { .. } => "not_yet_valid",
        BundleError::DomainNotCovered { .. } => "name",
        BundleError::MissingIssuer { .. }
        | BundleError::WrongIssuer { .. }
        | BundleError::Gap { .. }
        | BundleError::OtherChain { .. }
        | BundleError::NotACa { .. }
        | BundleError::IntermediateExpired { .. }
        | BundleError::IntermediateNotYetValid { .. } => "chain_incomplete",
    };
    verdict(code, Exit::Verification, "nothing on disk was changed")
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
