//! Why there is no whole reply.

use std::time::Duration;

use thiserror::Error;

/// An exchange that brought no whole reply. Every variant names the host; none repeats the URL or the reply.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The client could not be made, for want of root certificates for example.
    #[error("cannot set up TLS: {reason}")]
    Setup {
        /// The TLS library's words.
        reason: String,
    },
    /// A path that an HTTP client or a gateway would rewrite, so that it would not be the one that was signed.
    #[error("`{path}` cannot be requested as it stands")]
    Unsendable {
        /// The path, percent-encoded.
        path: String,
    },
    /// A header value that HTTP cannot carry: a credential with a line break or a control character in it.
    #[error("the value for header `{name}` has characters that HTTP cannot carry")]
    BadHeader {
        /// The header's name.
        name: &'static str,
    },
    /// No connection: name resolution, routing, refusal.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The host, with its port where that is not the usual one.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The server's certificate or TLS itself was not acceptable.
    #[error("TLS with {host} failed: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// The TLS library's words.
        reason: String,
    },
    /// No whole reply in time.
    #[error("{host} did not answer within {}", seconds(*.limit))]
    Timeout {
        /// The host.
        host: String,
        /// The time that one try may take.
        limit: Duration,
    },
    /// The connection ended before the reply did.
    #[error("the connection to {host} broke off: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// The HTTP library's words.
        reason: String,
    },
    /// A reply without end.
    #[error("{host} sent more than {limit} bytes, which no certificate API does")]
    TooLarge {
        /// The host.
        host: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// A redirect, which no certificate API sends but a captive portal does; following it could leak the signature.
    #[error("{host} answered with a redirect (HTTP {status}), which certctl does not follow")]
    Redirect {
        /// The host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
}

impl HttpError {
    /// Whether another try can help.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Broken { .. } => true,
            Self::Setup { .. }
            | Self::Unsendable { .. }
            | Self::BadHeader { .. }
            | Self::Tls { .. }
            | Self::TooLarge { .. }
            | Self::Redirect { .. } => false,
        }
    }

    /// Sorts the library's error by meaning.
    pub(super) fn of(error: reqwest::Error, host: &str, limit: Duration) -> Self {
        let host = host.to_owned();
        let error = error.without_url();
        if error.is_timeout() {
            let reason = "timed out".to_owned();
            return if error.is_connect() { Self::Connect { host, reason } } else { Self::Timeout { host, limit } };
        }
        let reason = innermost(&error);
        if is_tls(&error) {
            Self::Tls { host, reason }
        } else if error.is_connect() {
            Self::Connect { host, reason }
        } else {
            Self::Broken { host, reason }
        }
    }
}

/// The last cause: the library's outer layers only say that sending failed.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// An I/O error passes over the error inside it when it is asked for its source; and one may be inside another.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner)) || error.source().is_some_and(is_tls)
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}
