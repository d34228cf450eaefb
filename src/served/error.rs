//! Why no chain was seen.

use std::time::Duration;

use thiserror::Error;

use super::{Address, Starttls};

/// What a server did instead of showing its certificates. What it said itself is shown as one line that no terminal
/// acts on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServedError {
    /// The name that the server is to be asked for cannot be one.
    #[error("`{name}` is no name that a server can be asked for")]
    ServerName {
        /// The name.
        name: String,
    },
    /// No address for the host.
    #[error("{host} has no address: {reason}")]
    Resolve {
        /// The host.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// No connection: refused, unreachable.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The server.
        address: Address,
        /// The system's words.
        reason: String,
    },
    /// No certificates in time.
    #[error("{address} showed no certificate within {} s", .limit.as_secs_f64())]
    TimedOut {
        /// The server.
        address: Address,
        /// The time that it had.
        limit: Duration,
    },
    /// The connection ended before there were certificates.
    #[error("{address} ended the connection before it showed a certificate: {reason}")]
    Closed {
        /// The server.
        address: Address,
        /// How.
        reason: String,
    },
    /// What it said is not TLS: plain HTTP, or a protocol that speaks first.
    #[error("{address} does not speak TLS, it said {said}")]
    NotTls {
        /// The server.
        address: Address,
        /// The beginning of what it said.
        said: String,
    },
    /// It refused the handshake.
    #[error("{address} refused the TLS handshake: {alert}")]
    Alert {
        /// The server.
        address: Address,
        /// TLS's name for the reason.
        alert: String,
    },
    /// The handshake failed on this side.
    #[error("TLS with {address} failed: {reason}")]
    Tls {
        /// The server.
        address: Address,
        /// The TLS library's words.
        reason: String,
    },
    /// It does not go over to TLS.
    #[error("{address} does not go over from {protocol} to TLS, it said {said}")]
    Refused {
        /// The server.
        address: Address,
        /// The protocol.
        protocol: Starttls,
        /// What it answered.
        said: String,
    },
    /// It does not speak the protocol.
    #[error("{address} does not speak {protocol}, it said {said}")]
    NotThat {
        /// The server.
        address: Address,
        /// The protocol.
        protocol: Starttls,
        /// The beginning of what it said.
        said: String,
    },
    /// It said more in plain text after it had agreed to go over to TLS. Whoever sits in between could have added it.
    #[error("{address} sent plain text after it agreed to go over from {protocol} to TLS")]
    Injected {
        /// The server.
        address: Address,
        /// The protocol.
        protocol: Starttls,
    },
    /// More than any server has to say until then.
    #[error("{address} sent more than {limit} bytes without showing a certificate")]
    TooMuch {
        /// The server.
        address: Address,
        /// The most that is read.
        limit: usize,
    },
    /// The system has no root certificates.
    #[error("no trusted root certificates can be read: {reason}")]
    NoRoots {
        /// What was in the way.
        reason: String,
    },
}
