//! Where access keys come from. Every secret in these tests has the word `canary` in it, and no error, no `Debug` and
//! no message of any of them may.

mod cli;
mod command;
mod files;
mod source;
mod tools;

use std::fmt::Debug;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use certctl::credential::{CredentialError, Found};
use certctl::environment::Environment;
use certctl::provider::{REGISTRY, Registration};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

/// A home directory of its own.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that its owner alone can read.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.put_as(name, content, 0o600)
    }

    fn put_as(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        path
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        environment(&[&[("HOME", self.0.path().to_str().unwrap())], variables].concat())
    }
}

/// These variables, at a time that never changes: 2026-11-22T00:00:00Z.
fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::new(variables, || NOW)
}

const NOW: Timestamp = Timestamp::constant(1_795_305_600, 0);

fn registration(provider: &str) -> &'static Registration {
    REGISTRY.iter().find(|registration| registration.name == provider).unwrap()
}

/// What was found, made comparable: access key, secret key, session token, and settings as `key=value`; or the error
/// with what to do about it. The second part is what was logged.
fn told(look: impl FnOnce() -> Result<Found, CredentialError>) -> (Result<Vec<String>, String>, String) {
    let (outcome, log) = logged(look);
    no_canary(&outcome);
    let outcome = match outcome {
        Ok(found) => {
            let credentials = found.credentials;
            let secret = credentials.secret_key.expose_secret().to_owned();
            let mut parts = vec![credentials.access_key, secret];
            parts.extend(credentials.session_token.map(|token| token.expose_secret().to_owned()));
            parts.extend(found.settings.iter().map(|(key, value)| format!("{key}={value}")));
            Ok(parts)
        }
        Err(error) => {
            no_canary(&error.to_string());
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            Err(format!("{error}{hint}"))
        }
    };
    (outcome, log)
}

#[track_caller]
fn no_canary(shown: &impl Debug) {
    let shown = format!("{shown:?}{shown:#?}");
    assert!(!shown.contains("canary"), "a secret is shown: {shown}");
}

/// What is done, and all that it logs.
fn logged<T>(act: impl FnOnce() -> T) -> (T, String) {
    let (outcome, log) = crate::logged::logged(act);
    assert!(!log.contains("canary"), "a secret is logged: {log}");
    (outcome, log)
}

/// Asserts that this was found, in this order.
#[track_caller]
fn found(outcome: &(Result<Vec<String>, String>, String), parts: &[&str]) {
    assert_eq!(
        outcome.0.as_deref().map_err(Clone::clone),
        Ok(parts.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice())
    );
}

/// Asserts that the error has all of these words.
#[track_caller]
fn says(outcome: &(Result<Vec<String>, String>, String), words: &[&str]) {
    let Err(message) = &outcome.0 else { panic!("found {outcome:?}") };
    for word in words {
        assert!(message.contains(word), "`{word}` in: {message}");
    }
    assert!(!message.contains('\n'), "{message}");
}
