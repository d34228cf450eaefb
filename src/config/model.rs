//! What a config file says, with every default filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::Problem;
use crate::credential::SecretSource;
use crate::format::{Format, Modes};
use crate::provider::Registration;
use crate::store::{Install, Name};

/// One config file. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct Config {
    /// Where it was read from.
    pub file: PathBuf,
    /// Where certificate directories go.
    pub dir: Option<PathBuf>,
    /// How many old versions stay beside the current one.
    pub keep: usize,
    /// How long before its end an installed certificate without a successor is warned about.
    pub warn_before: Duration,
    /// How long a command of the whole run may take.
    pub hook_timeout: Duration,
    /// By name.
    pub accounts: Vec<AccountConfig>,
    /// In the file's order.
    pub certificates: Vec<Arc<CertificateConfig>>,
    /// Commands of the whole run.
    pub hooks: Hooks,
    /// What is not a mistake but should be known.
    pub warnings: Vec<Problem>,
}

/// An `[accounts.NAME]` table.
#[derive(Debug)]
pub struct AccountConfig {
    /// Its name.
    pub name: String,
    /// Its cloud.
    pub provider: &'static Registration,
    /// Where its API is, if not where the cloud says; checked.
    pub endpoint: Option<String>,
    /// What else the cloud wants to know, by [`crate::provider::Setting::key`]; checked.
    pub settings: BTreeMap<&'static str, String>,
    /// Where its credentials come from.
    pub source: Source,
    /// The operation-protection value that JD Cloud may ask for, whatever the source.
    pub mfa: Option<SecretSource>,
    /// The rate of all its requests together, instead of the cloud's published one.
    pub requests_per_second: Option<u32>,
    /// How many certificates are asked for at the same time.
    pub jobs: Option<u16>,
}

/// Where an account's credentials come from.
#[derive(Debug)]
pub enum Source {
    /// They are named one by one.
    Keys {
        /// The key's public half.
        access_key: SecretSource,
        /// The key's secret half.
        secret_key: SecretSource,
        /// The session token of temporary credentials.
        session_token: Option<SecretSource>,
    },
    /// This profile in the file of the cloud's own tool.
    Profile(String),
    /// What this command prints.
    Command(Command),
    /// Where an account without a config finds them.
    Ambient,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Command {
    /// A program and its arguments. Not empty; no shell is involved.
    Argv(Vec<String>),
    /// A line for `/bin/sh -c`.
    Shell(String),
}

impl Command {
    /// The program to run and its arguments.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Argv(argv) => argv.clone(),
            Self::Shell(line) => ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        }
    }
}

/// A `[[certificates]]` table.
#[derive(Debug, Clone)]
pub struct CertificateConfig {
    /// The certificate directory's name.
    pub name: Name,
    /// The names of the accounts to look in; not empty, and all of them configured.
    pub accounts: Vec<String>,
    /// Which certificate there.
    pub selector: Selector,
    /// Where its certificate directory goes.
    pub dir: PathBuf,
    /// What is written; the PEM files always are.
    pub formats: Vec<Format>,
    /// Who owns the files; `None`: the user certctl runs as.
    pub owner: Option<Identity>,
    /// Their group; `None`: the one that certctl runs as.
    pub group: Option<Identity>,
    /// Permission bits of files that hold a secret.
    pub key_mode: u32,
    /// Permission bits of the others.
    pub cert_mode: u32,
    /// Copies at fixed paths.
    pub install: Vec<Install>,
    /// Judges what was switched to.
    pub check: Option<Command>,
    /// Runs once the check is passed.
    pub hook: Option<Command>,
    /// How long each of the two may take.
    pub hook_timeout: Duration,
    /// The key store's password; `None`: a random one.
    pub keystore_password: Option<SecretSource>,
    /// The name of the key in the key store.
    pub keystore_alias: Option<String>,
    /// What the Kubernetes secret is called.
    pub kubernetes: Option<Kubernetes>,
    /// The password of a key that the cloud hands out encrypted.
    pub key_password: Option<SecretSource>,
}

impl CertificateConfig {
    /// Whether its directory is the one at `path`, which has no links on the way.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == self.name.as_str())
            && self.dir.canonicalize().is_ok_and(|dir| path.parent() == Some(dir.as_path()))
    }

    /// A certificate directory that no config names: nothing follows a change of it.
    #[must_use]
    pub fn unlisted(name: Name, dir: PathBuf) -> Self {
        let Modes { key, cert } = Modes::default();
        Self {
            name,
            accounts: Vec::new(),
            selector: Selector::Domains(Vec::new()),
            dir,
            formats: vec![Format::Pem],
            owner: None,
            group: None,
            key_mode: key,
            cert_mode: cert,
            install: Vec::new(),
            check: None,
            hook: None,
            hook_timeout: Duration::ZERO,
            keystore_password: None,
            keystore_alias: None,
            kubernetes: None,
            key_password: None,
        }
    }
}

/// Which of an account's certificates is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// This one.
    Id(String),
    /// The newest issued one that covers all of these; not empty.
    Domains(Vec<String>),
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// As the config names it.
    pub name: String,
    /// Its number.
    pub id: u32,
}

/// What a Kubernetes secret is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kubernetes {
    /// `metadata.name`
    pub name: Option<String>,
    /// `metadata.namespace`
    pub namespace: Option<String>,
}

/// The `[hooks]` table: commands of a whole run.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Just before the first change of a run that changes something.
    pub before: Option<Command>,
    /// At the end of such a run.
    pub after: Option<Command>,
    /// At the end of a run that failed.
    pub failed: Option<Command>,
}

impl Config {
    /// All directories that hold certificate directories, the one at the top first.
    pub fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.dir.as_deref().into_iter().chain(self.certificates.iter().map(|certificate| certificate.dir.as_path()))
    }

    /// The environment variables that the file says hold secrets.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        let of_accounts = self.accounts.iter().flat_map(|account| {
            let keys: [Option<&SecretSource>; 3] = match &account.source {
                Source::Keys { access_key, secret_key, session_token } => {
                    [Some(access_key), Some(secret_key), session_token.as_ref()]
                }
                Source::Profile(_) | Source::Command(_) | Source::Ambient => [None; 3],
            };
            keys.into_iter().flatten().chain(&account.mfa)
        });
        let of_certificates = self
            .certificates
            .iter()
            .flat_map(|certificate| certificate.keystore_password.iter().chain(&certificate.key_password));
        of_accounts.chain(of_certificates).filter_map(|source| match source {
            SecretSource::Env(variable) => Some(variable.as_str()),
            SecretSource::Literal(_) | SecretSource::File(_) => None,
        })
    }

    /// The account of that name.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&AccountConfig> {
        self.accounts.iter().find(|account| account.name == name)
    }
}
