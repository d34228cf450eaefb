//! What each failure means: its word, its exit code, and what the user can do. One exhaustive match.

use std::io::ErrorKind;

use super::{Exit, Failure, of_signal};
use crate::account::AccountError;
use crate::bundle::BundleError;
use crate::config::ConfigError;
use crate::credential::{CommandProblem, CredentialError};
use crate::hook::{HookError, HookProblem, Role};
use crate::http::{Again, HttpError};
use crate::keystore::KeystoreError;
use crate::process::ProcessError;
use crate::provider::{Meaning, ProviderError};
use crate::served::ServedError;
use crate::store::{NameError, StoreError};
use crate::text::shell_word;

/// What a failure comes to.
pub(super) struct Verdict {
    pub(super) code: &'static str,
    pub(super) exit: Exit,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn verdict(&self) -> Verdict {
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
            Self::Limits(_) => verdict("limits", Exit::Storage, ""),
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
        ConfigError::Unwritable { path, reason } => {
            let parent = path.parent().filter(|_| reason.kind() == ErrorKind::NotFound);
            let hint = parent.map(|parent| format!("run `mkdir -p {}`", shell_word(&parent.to_string_lossy())));
            verdict("storage", Exit::Storage, &hint.unwrap_or_default())
        }
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
