//! Where a cloud's API is reached: scheme, host and an optional path prefix.

use std::net::IpAddr;

use reqwest::Url;
use thiserror::Error;

use crate::text::{HIDDEN, may_be_secret};

/// The base of every request to one cloud. Plain http is for loopback only, so that no signed request, and no
/// private key in a reply, crosses a network in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: &'static str,
    authority: String,
    prefix: String,
}

/// Why a text is not an endpoint.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Not a URL with a host.
    #[error("`{0}` is not a URL; write it like https://ssl.example.com")]
    NotUrl(String),
    /// Neither https, nor http on loopback.
    #[error("`{0}` is not https; plain http is accepted for loopback addresses only")]
    NotSecure(String),
    /// A user name, query or fragment, which an endpoint cannot have.
    #[error(
        "the endpoint's host is `{0}`, but it has a user name, query or fragment; leave only scheme, host and path"
    )]
    Surplus(String),
}

impl Endpoint {
    /// Reads `https://host[:port][/prefix]`, or the same with http for a loopback host.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text.trim()).map_err(|_| EndpointError::NotUrl(shown(text)))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| EndpointError::NotUrl(shown(text)))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(EndpointError::Surplus(host.to_owned()));
        }
        let scheme = match url.scheme() {
            "https" => "https",
            "http" if is_loopback(host) => "http",
            _ => return Err(EndpointError::NotSecure(shown(text))),
        };
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Self { scheme, authority, prefix: url.path().trim_end_matches('/').to_owned() })
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The value of the `Host` header: the port only where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The percent-encoded path that comes before every request's own; empty, or without a final slash.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What may be repeated in a message: nothing before an `@`, which could be a password, nor what is rather a key than a
/// URL.
fn shown(text: &str) -> String {
    let text = text.rsplit('@').next().unwrap_or_default();
    if may_be_secret(text) { HIDDEN.to_owned() } else { text.chars().filter(|c| !c.is_control()).take(120).collect() }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, EndpointError};

    #[test]
    fn scheme_host_port_prefix() {
        for (text, authority, prefix) in [
            ("https://ssl.tencentcloudapi.com", "ssl.tencentcloudapi.com", ""),
            ("https://ssl.tencentcloudapi.com/", "ssl.tencentcloudapi.com", ""),
            ("https://Gateway.Example.com:443/jd/", "gateway.example.com", "/jd"),
            ("https://gateway.example.com:8443/a/b", "gateway.example.com:8443", "/a/b"),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("http://[::1]:8080", "[::1]:8080", ""),
            ("http://localhost:1", "localhost:1", ""),
        ] {
            let endpoint = Endpoint::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((endpoint.authority(), endpoint.prefix()), (authority, prefix), "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for text in ["", "ssl.tencentcloudapi.com", "https://", "/etc/passwd"] {
            assert!(matches!(Endpoint::parse(text), Err(EndpointError::NotUrl(_))), "{text}");
        }
        for text in
            ["http://ssl.tencentcloudapi.com", "http://127.0.0.1.example.com", "ftp://127.0.0.1", "http://192.0.2.1"]
        {
            assert!(matches!(Endpoint::parse(text), Err(EndpointError::NotSecure(_))), "{text}");
        }
        for text in ["https://u:secret@h.example", "https://h.example/?a=b", "https://h.example/#x"] {
            let error = Endpoint::parse(text).map(|_| ()).map_err(|error| error.to_string());
            assert!(error.is_err_and(|text| !text.contains("secret")), "{text}");
        }
    }
}
