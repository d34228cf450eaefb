//! Where access keys come from: the environment, the files of the clouds' own tools, a command, or what a
//! configuration names.
//!
//! Every source answers in one of three ways: here they are; `None`, not mine, ask the next; or an error, mine but
//! broken. Nothing here shows a value, and nothing asks the process for its environment: it is passed in.

mod command;
mod environment;
mod error;
mod file;
mod ini;
mod json;
mod names;
mod source;
mod survey;
mod tool;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use secrecy::{ExposeSecret as _, SecretString};

use crate::text::HIDDEN;

pub use command::{COMMAND_TIMEOUT, from_command};
pub use error::{CommandProblem, CredentialError, FileProblem, Place};
pub use file::SecretFile;
pub use ini::Ini;
pub use json::Object;
pub use names::Names;
pub use source::SecretSource;
pub use survey::{Origin, Sighting};
pub use tool::{Found, Profile, Sources, ToolFile, Wanted};

/// What signs an account's requests.
#[derive(Clone)]
pub struct Credentials {
    /// The key's public half (AK, SecretId).
    pub access_key: String,
    /// The key's secret half.
    pub secret_key: SecretString,
    /// The session token of temporary credentials.
    pub session_token: Option<SecretString>,
    /// The operation-protection value that JD Cloud may ask for.
    pub mfa: Option<SecretString>,
}

impl Credentials {
    /// An access key and its secret key, without a session token.
    #[must_use]
    pub fn new(access_key: impl Into<String>, secret_key: impl Into<SecretString>) -> Self {
        Self { access_key: access_key.into(), secret_key: secret_key.into(), session_token: None, mfa: None }
    }

    /// `text` without any of these secrets: clouds have been seen to repeat what they were sent.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let secrets = [Some(&self.secret_key), self.session_token.as_ref(), self.mfa.as_ref()];
        let secrets =
            secrets.into_iter().flatten().map(SecretString::expose_secret).filter(|secret| !secret.is_empty());
        // JD Cloud is sent one of them in base64.
        let hide = |text: String, secret: &str| text.replace(secret, HIDDEN).replace(&STANDARD.encode(secret), HIDDEN);
        secrets.fold(text.to_owned(), hide)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
