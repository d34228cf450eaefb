//! Secrets where a configuration says they are.

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::names::sendable;
use super::{CredentialError, Credentials, FileProblem, Place, SecretFile};
use crate::environment::Environment;

/// Where a configuration says that a secret is: a string, `{ env = "NAME" }` or `{ file = "/path" }`.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// The secret itself.
    Literal(SecretString),
    /// The environment variable of this name has it.
    Env(String),
    /// This file has it, and nothing else but a line end after it.
    File(PathBuf),
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// When the variable is not set, or the file is not there, is empty, cannot be read, or can be read by others.
    pub fn resolve(&self, environment: &Environment) -> Result<SecretString, CredentialError> {
        let secret = match self {
            Self::Literal(secret) => secret.clone(),
            Self::Env(variable) => {
                let value = environment.variable(variable);
                value.ok_or_else(|| CredentialError::NotSet { variable: variable.clone() })?.into()
            }
            Self::File(path) => {
                let absent = || CredentialError::File { path: path.clone(), problem: FileProblem::Absent };
                let file = SecretFile::open(path)?.ok_or_else(absent)?;
                file.guard()?;
                let text = file.text();
                let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                line.unwrap_or(text).into()
            }
        };
        if secret.expose_secret().is_empty() {
            return Err(CredentialError::Lacking { place: self.place(), missing: "secret" });
        }
        Ok(secret)
    }

    /// The secret, if it can be the password of a key store. Whatever reads a password file takes its first line alone,
    /// and Java's PKCS#12 no control characters.
    ///
    /// # Errors
    /// Those of [`Self::resolve`], and when it holds a control character.
    pub fn resolve_password(&self, environment: &Environment) -> Result<SecretString, CredentialError> {
        let secret = self.resolve(environment)?;
        if secret.expose_secret().chars().any(char::is_control) {
            return Err(CredentialError::Unprintable { place: self.place() });
        }
        Ok(secret)
    }

    /// The secret, if it can be part of credentials; `name` is its name in the configuration.
    fn resolve_sendable(&self, name: &'static str, environment: &Environment) -> Result<SecretString, CredentialError> {
        let secret = self.resolve(environment)?;
        let place = self.place();
        let value = sendable(&place, name, Some(secret.expose_secret()))?;
        value.map(SecretString::from).ok_or(CredentialError::Lacking { place, missing: "secret" })
    }

    fn place(&self) -> Place {
        match self {
            Self::Literal(_) => Place::Configuration,
            Self::Env(variable) => Place::Variable(variable.clone()),
            Self::File(path) => Place::File(path.clone()),
        }
    }
}

impl Credentials {
    /// Credentials each part of which has a source of its own.
    ///
    /// # Errors
    /// Those of [`SecretSource::resolve`], and when a part cannot be sent.
    pub fn resolve(
        access_key: &SecretSource,
        secret_key: &SecretSource,
        session_token: Option<&SecretSource>,
        mfa: Option<&SecretSource>,
        environment: &Environment,
    ) -> Result<Self, CredentialError> {
        let optional = |name, source: Option<&SecretSource>| {
            source.map(|source| source.resolve_sendable(name, environment)).transpose()
        };
        Ok(Self {
            access_key: access_key.resolve_sendable("access_key", environment)?.expose_secret().to_owned(),
            secret_key: secret_key.resolve_sendable("secret_key", environment)?,
            session_token: optional("session_token", session_token)?,
            mfa: optional("mfa", mfa)?,
        })
    }
}
