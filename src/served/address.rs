//! `HOST:PORT`, as it is typed.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

use crate::domain;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AddressError {
    /// A URL, or something else with a slash.
    #[error("write it without a scheme and a path: www.example.com:443")]
    Url,
    /// No port.
    #[error("there is no port; write it like www.example.com:443")]
    NoPort,
    /// A port that is none.
    #[error("the port is no number from 1 to 65535")]
    Port,
    /// No host, or one that cannot be.
    #[error("the host is no host name and no IP address; write it like www.example.com:443 or [2001:db8::1]:443")]
    Host,
    /// Whether the last group is the port, nobody can tell.
    #[error("write an IPv6 address in brackets: [2001:db8::1]:443")]
    Brackets,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.contains('/') {
            return Err(AddressError::Url);
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(AddressError::Brackets);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').filter(|(host, _)| is_ipv6(host)).ok_or(AddressError::Host)?;
                (host, rest.strip_prefix(':').ok_or(AddressError::NoPort)?)
            }
            None => match text.rsplit_once(':').ok_or(AddressError::NoPort)? {
                (host, _) if host.contains(':') => return Err(AddressError::Brackets),
                (host, _) if !is_name(host) => return Err(AddressError::Host),
                both => both,
            },
        };
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| is_number && *port != 0).ok_or(AddressError::Port)?;
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A link-local one names its interface, after a `%`.
fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "eth0"));
    let is_zone = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.bytes().all(is_zone)
}

/// A host name or an IPv4 address. What looks like the latter must be one: resolvers take `127.1` and `0x7f.1`, too.
fn is_name(host: &str) -> bool {
    let name = domain::normalize(host);
    let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    let is_sound = domain::is_host(&name) && host.trim() == host;
    is_sound && (!is_number || name.parse::<Ipv4Addr>().is_ok())
}
