//! A config as it was understood, for people and scripts; no secret is in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{AccountConfig, CertificateConfig, Command, Config, Hooks, Selector, Source};
use crate::credential::SecretSource;
use crate::duration::format;
use crate::store::Install;
use crate::text::{HIDDEN, may_be_secret};

/// A config with its secrets hidden and its defaults filled in, under the config's own keys.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<String>,
    keep: usize,
    warn_before: String,
    hook_timeout: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    accounts: BTreeMap<&'a str, ShownAccount<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<ShownCertificate<'a>>,
    #[serde(skip_serializing_if = "ShownHooks::is_empty")]
    hooks: ShownHooks<'a>,
}

#[derive(Debug, Serialize)]
struct ShownAccount<'a> {
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<&'a str>,
    #[serde(flatten)]
    settings: &'a BTreeMap<&'static str, String>,
    #[serde(flatten)]
    source: BTreeMap<&'static str, ShownValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa: Option<ShownValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<u16>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ShownValue<'a> {
    Text(&'a str),
    Env { env: &'a str },
    File { file: String },
    Command(&'a Command),
}

#[derive(Debug, Serialize)]
struct ShownCertificate<'a> {
    name: &'a str,
    accounts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    domains: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    dir: String,
    formats: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    key_mode: String,
    cert_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a Command>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hook: Option<&'a Command>,
    hook_timeout: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keystore_password: Option<ShownValue<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keystore_alias: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes: Option<BTreeMap<&'static str, &'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_password: Option<ShownValue<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    install: Vec<ShownInstall<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownInstall<'a> {
    file: &'a str,
    to: String,
    mode: String,
}

#[derive(Debug, Serialize)]
struct ShownHooks<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Command>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Command>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'a Command>,
}

impl Config {
    /// The config as it was understood, without its secrets.
    #[must_use]
    pub fn shown(&self) -> Shown<'_> {
        let Hooks { before, after, failed } = &self.hooks;
        Shown {
            dir: self.dir.as_ref().map(|dir| dir.display().to_string()),
            keep: self.keep,
            warn_before: format(self.warn_before),
            hook_timeout: format(self.hook_timeout),
            accounts: self.accounts.iter().map(|account| (account.name.as_str(), account.shown())).collect(),
            certificates: self.certificates.iter().map(|certificate| certificate.shown()).collect(),
            hooks: ShownHooks { before: before.as_ref(), after: after.as_ref(), failed: failed.as_ref() },
        }
    }
}

impl AccountConfig {
    fn shown(&self) -> ShownAccount<'_> {
        let source = match &self.source {
            Source::Keys { access_key, secret_key, session_token } => {
                let token = session_token.as_ref().map(|token| ("session_token", token.shown()));
                let keys = [("access_key", access_key.shown()), ("secret_key", secret_key.shown())];
                keys.into_iter().chain(token).collect()
            }
            Source::Profile(profile) => BTreeMap::from([("profile", ShownValue::Text(profile))]),
            Source::Command(command) => BTreeMap::from([("credentials_command", ShownValue::Command(command))]),
            Source::Ambient => BTreeMap::new(),
        };
        ShownAccount {
            provider: self.provider.name,
            endpoint: self.endpoint.as_deref(),
            settings: &self.settings,
            source,
            mfa: self.mfa.as_ref().map(SecretSource::shown),
            requests_per_second: self.requests_per_second,
            jobs: self.jobs,
        }
    }
}

impl SecretSource {
    fn shown(&self) -> ShownValue<'_> {
        match self {
            Self::Literal(_) => ShownValue::Text(HIDDEN),
            // A secret that was written where its variable's name belongs.
            Self::Env(env) if may_be_secret(env) => ShownValue::Env { env: HIDDEN },
            Self::Env(env) => ShownValue::Env { env },
            Self::File(file) => ShownValue::File { file: file.display().to_string() },
        }
    }
}

impl CertificateConfig {
    fn shown(&self) -> ShownCertificate<'_> {
        let (domains, id) = match &self.selector {
            Selector::Domains(domains) => (Some(&domains[..]), None),
            Selector::Id(id) => (None, Some(id.as_str())),
        };
        let kubernetes = self.kubernetes.as_ref().map(|kubernetes| {
            let keys = [("name", &kubernetes.name), ("namespace", &kubernetes.namespace)];
            keys.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))).collect()
        });
        ShownCertificate {
            name: self.name.as_str(),
            accounts: &self.accounts,
            domains,
            id,
            dir: self.dir.display().to_string(),
            formats: self.formats.iter().map(|format| format.as_str()).collect(),
            owner: self.owner.as_ref().map(|owner| owner.name.as_str()),
            group: self.group.as_ref().map(|group| group.name.as_str()),
            key_mode: octal(self.key_mode),
            cert_mode: octal(self.cert_mode),
            check: self.check.as_ref(),
            hook: self.hook.as_ref(),
            hook_timeout: format(self.hook_timeout),
            keystore_password: self.keystore_password.as_ref().map(SecretSource::shown),
            keystore_alias: self.keystore_alias.as_deref(),
            kubernetes,
            key_password: self.key_password.as_ref().map(SecretSource::shown),
            install: self.install.iter().map(Install::shown).collect(),
        }
    }
}

impl Install {
    fn shown(&self) -> ShownInstall<'_> {
        ShownInstall { file: &self.file, to: self.to.display().to_string(), mode: octal(self.mode) }
    }
}

impl ShownHooks<'_> {
    fn is_empty(&self) -> bool {
        self.before.is_none() && self.after.is_none() && self.failed.is_none()
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}
