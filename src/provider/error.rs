//! Why a cloud did not do what it was asked.

use std::fmt;

use jiff::SignedDuration;
use thiserror::Error;

use crate::http::{Again, HttpError};

/// A call that failed.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// There was no whole reply.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The cloud said no.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The reply is not what the API promises.
    #[error("{operation}: the reply (HTTP {status}) is {what}")]
    Reply {
        /// The API's name for the call.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// What it is instead. Never the reply's own text, which may hold a key.
        what: String,
        /// The cloud's id for the request.
        request_id: Option<String>,
    },
    /// A listing that promises more and brings nothing new.
    #[error("{operation}: page {page} brings nothing new, though {collected} of {promised} certificates have come")]
    Paging {
        /// The API's name for the call.
        operation: &'static str,
        /// The page, counted from 1.
        page: usize,
        /// How many rows came before.
        collected: usize,
        /// How many the cloud says there are.
        promised: u64,
    },
    /// A listing that brings new certificates for ever.
    #[error("{operation}: the listing has no end; given up after {pages} pages")]
    Endless {
        /// The API's name for the call.
        operation: &'static str,
        /// How many pages came.
        pages: usize,
    },
    /// The cloud has this certificate but neither key nor certificate to hand out.
    #[error("{operation}: the cloud hands out nothing for this certificate")]
    Nothing {
        /// The API's name for the call.
        operation: &'static str,
    },
    /// An account lacks a setting that this call needs.
    #[error("{operation} needs the setting `{setting}`")]
    Setting {
        /// The API's name for the call.
        operation: &'static str,
        /// The setting's key.
        setting: &'static str,
        /// The variable that gives it.
        variable: &'static str,
    },
}

/// A cloud's own error.
#[derive(Debug, Error)]
pub struct Refusal {
    /// What it means for the user.
    pub meaning: Meaning,
    /// The API's name for the call.
    pub operation: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// The cloud's code.
    pub code: Option<String>,
    /// The cloud's words.
    pub message: String,
    /// The cloud's id for the request.
    pub request_id: Option<String>,
    /// By how much the local clock is ahead of the cloud's; negative if it is behind.
    pub clock_ahead: Option<SignedDuration>,
    /// What the cloud says of another try.
    pub again: Again,
}

/// What a cloud's error means, whatever its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The key pair or token is unknown, wrong or expired. User action: check the credentials.
    Credentials,
    /// The key may not do this. User action: grant the permission.
    Permission,
    /// The operation is protected and no valid second factor was sent. User action: give it, in this variable.
    Mfa(Option<&'static str>),
    /// The signature's time is too far off. User action: set the clock.
    Clock,
    /// There is no such certificate. User action: check the id.
    NotFound,
    /// The certificate is there, but the cloud does not hand it out. User action: see its state.
    NotDownloadable,
    /// Too many requests. Passes by itself.
    RateLimited,
    /// The cloud is not well. Passes by itself.
    Busy,
    /// This form of the API does not exist there: another form may.
    NoSuchApi,
    /// Anything else.
    Other,
}

impl Meaning {
    /// What an HTTP status means where the reply has no code that says more.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Credentials,
            403 => Self::Permission,
            404 | 405 => Self::NoSuchApi,
            429 => Self::RateLimited,
            408 | 500..=599 => Self::Busy,
            _ => Self::Other,
        }
    }

    /// What a code that is not in the cloud's documents says by its own words.
    #[must_use]
    pub fn of_words(code: &str) -> Option<Self> {
        let code: String = code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if says(&["toomanyrequests", "throttl", "ratelimit"]) {
            Some(Self::RateLimited)
        } else if says(&["internalerror", "internalservererror", "unavailable", "timeout", "busy"]) {
            Some(Self::Busy)
        } else {
            None
        }
    }
}

/// No cloud documents all its codes; for a certificate that is not there, its words tell.
fn says_not_found(message: &str) -> bool {
    let message = message.to_lowercase();
    ["not exist", "not found", "no such", "不存在"].iter().any(|words| message.contains(words))
}

impl Refusal {
    /// Whether the API itself has answered, with a code or in words, and not a gateway with a page.
    fn is_of_api(&self) -> bool {
        self.code.is_some() || !self.message.is_empty()
    }
}

impl ProviderError {
    /// What it means, where the cloud has said no.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        match self {
            Self::Refused(refusal) => Some(refusal.meaning),
            _ => None,
        }
    }

    /// The same, for a call about one certificate: where the API itself says 404 to every form of it the certificate
    /// does not exist (a page without a word of the API's is a gateway's or a proxy's), and a code that certctl does
    /// not know says why this one is not handed out.
    #[must_use]
    pub(super) fn about_certificate(mut self) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.meaning = match refusal.meaning {
                Meaning::NoSuchApi if refusal.is_of_api() => Meaning::NotFound,
                Meaning::Other if says_not_found(&refusal.message) => Meaning::NotFound,
                Meaning::Other if refusal.code.is_some() => Meaning::NotDownloadable,
                meaning => meaning,
            };
        }
        self
    }

    /// Whether a reply is about the certificate that it was asked for: it bears its id, or none at all. Some calls take
    /// the `alias` for the id.
    ///
    /// # Errors
    /// [`ProviderError::Reply`] if it is about another one, as a cache or a proxy hands it out: taken for the one that was
    /// meant, it would be shown, installed or remembered under the wrong name.
    pub(super) fn unless_about(operation: &'static str, id: &str, told: &str, alias: Option<&str>) -> Result<(), Self> {
        if told.is_empty() || told.trim() == id.trim() || alias == Some(id) {
            return Ok(());
        }
        let what = "about another certificate than was asked for".to_owned();
        Err(Self::Reply { operation, status: 200, what, request_id: None })
    }

    /// The cloud's id for the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.request_id.as_deref(),
            Self::Reply { request_id, .. } => request_id.as_deref(),
            Self::Http(_)
            | Self::Paging { .. }
            | Self::Endless { .. }
            | Self::Nothing { .. }
            | Self::Setting { .. } => None,
        }
    }

    /// Whether another try can help.
    #[must_use]
    pub fn again(&self) -> Again {
        match self {
            Self::Http(error) if error.is_passing() => Again::Soon,
            Self::Refused(refusal) => refusal.again,
            Self::Reply { .. }
            | Self::Http(_)
            | Self::Paging { .. }
            | Self::Endless { .. }
            | Self::Nothing { .. }
            | Self::Setting { .. } => Again::No,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, status, message, .. } = self;
        match &self.code {
            Some(code) => write!(f, "{operation} was refused: {code}")?,
            None => write!(f, "{operation} was refused: HTTP {status}")?,
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        let worth_telling = |ahead: &SignedDuration| ahead.abs() > SignedDuration::from_secs(1);
        if let (Meaning::Clock, Some(ahead)) = (self.meaning, self.clock_ahead.filter(worth_telling)) {
            let word = if ahead.is_negative() { "behind" } else { "ahead of" };
            write!(f, " (the local clock is {:#} {word} the cloud's)", ahead.abs())?;
        }
        Ok(())
    }
}
