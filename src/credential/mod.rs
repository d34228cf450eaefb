//! Where access keys come from.

mod environment;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

pub use environment::{Variables, from_environment};

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

/// Why there are no credentials.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CredentialError {
    /// No source has any.
    #[error("no credentials for {provider}")]
    Missing {
        /// The provider's name.
        provider: &'static str,
        /// The pairs of variables of which one would do: access key and secret key.
        variables: Vec<[&'static str; 2]>,
    },
    /// Half of a pair is there.
    #[error("{found} is set, but {missing} is not")]
    Half {
        /// The variable that is set.
        found: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// A value that cannot be a key: HTTP headers could not carry it.
    #[error("{variable} holds a line break, a blank or a character outside ASCII; copy the value again")]
    Malformed {
        /// The variable.
        variable: &'static str,
    },
}

impl Credentials {
    /// `text` without any of these secrets: clouds have been seen to repeat what they were sent.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let secrets = [Some(&self.secret_key), self.session_token.as_ref(), self.mfa.as_ref()];
        let secrets =
            secrets.into_iter().flatten().map(SecretString::expose_secret).filter(|secret| !secret.is_empty());
        // JD Cloud is sent one of them in base64.
        let hide = |text: String, secret: &str| text.replace(secret, "***").replace(&STANDARD.encode(secret), "***");
        secrets.fold(text.to_owned(), hide)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
