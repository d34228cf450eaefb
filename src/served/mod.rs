//! What a server serves, and whether the system trusts a chain.
//!
//! The two are apart: a chain is read whatever it is, and judged by whoever asked for it.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use certctl::jiff::Timestamp;
//! use certctl::served::{self, Roots, Target};
//!
//! let host = "www.example.com";
//! let target = Target { host, port: 443, server_name: host, starttls: None, timeout: Duration::from_secs(10) };
//! let chain = served::chain(&target)?;
//! Roots::system()?.verify(&chain, Some(host), Timestamp::now())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod error;
mod handshake;
mod starttls;
mod trust;
mod wire;

use std::fmt;
use std::time::{Duration, Instant};

pub use address::{Address, AddressError};
pub use error::ServedError;
pub use trust::{Roots, Untrusted};

use handshake::Offer;
use wire::Wire;

/// The alert of a server that can agree to nothing that it was offered.
const NO_AGREEMENT: &str = "HandshakeFailure";

/// Which server is asked, and how.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its name or IP address.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// The name that it is asked for (SNI); an IP address is not sent.
    pub server_name: &'a str,
    /// What it speaks before TLS.
    pub starttls: Option<Starttls>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// A protocol that goes over to TLS when it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starttls {
    /// STARTTLS (RFC 3207).
    Smtp,
    /// STARTTLS (RFC 9051 section 6.2.1).
    Imap,
    /// SSLRequest.
    Postgres,
}

impl Starttls {
    /// What the protocol is called.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Imap => "IMAP",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl fmt::Display for Starttls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The certificates that a server serves, DER, the leaf first, as it sends them. Blocks, for `timeout` at most.
///
/// Nothing of them is judged here, nor is the server believed to be who it says: no request is sent over the connection
/// and nothing that it says after its certificates is used.
///
/// # Errors
/// When no certificates were seen. A handshake that fails after them is as good as one that does not.
pub fn chain(target: &Target<'_>) -> Result<Vec<Vec<u8>>, ServedError> {
    first(target, &[Offer::all(), Offer::all().with_p521()])
}

/// The same of a server that may have several certificates: the one with the kind of key (RSA, ECDSA, …) that `leaf` has,
/// DER; if there is none of that kind, whatever it shows.
///
/// # Errors
/// As of [`chain`].
pub fn chain_like(leaf: &[u8], target: &Target<'_>) -> Result<Vec<Vec<u8>>, ServedError> {
    let started = Instant::now();
    let offer = Offer::of_kind(leaf);
    match first(target, &[offer.clone(), offer.with_p521()]) {
        // Without a key of that kind, not every server gives the reason that TLS has for it, or any.
        Err(ServedError::Alert { .. } | ServedError::Closed { .. }) => {
            chain(&Target { timeout: target.timeout.saturating_sub(started.elapsed()), ..*target })
        }
        outcome => outcome,
    }
}

/// What the server answers to the first of the offers that it can agree to.
fn first(target: &Target<'_>, offers: &[Offer]) -> Result<Vec<Vec<u8>>, ServedError> {
    let started = Instant::now();
    let mut outcome = Ok(Vec::new());
    for offer in offers {
        outcome = ask(target, offer, target.timeout.saturating_sub(started.elapsed()));
        if !matches!(&outcome, Err(ServedError::Alert { alert, .. }) if alert == NO_AGREEMENT) {
            break;
        }
    }
    outcome
}

fn ask(target: &Target<'_>, offer: &Offer, timeout: Duration) -> Result<Vec<Vec<u8>>, ServedError> {
    let name = handshake::server_name(target.server_name)?;
    let mut wire = Wire::connect(target, timeout)?;
    if let Some(protocol) = target.starttls {
        starttls::ask(protocol, &mut wire)?;
    }
    handshake::chain(name, offer, &mut wire)
}
