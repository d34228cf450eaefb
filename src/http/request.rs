//! A request as it is signed, and therefore as it is sent.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Endpoint;

/// RFC 3986 section 2.3: everything but the unreserved characters is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes one path segment, or one query name or value, in the strict form that all four clouds sign.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The methods that the clouds' calls use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// As it stands in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request. Path and query are kept percent-encoded and sorted, in the very bytes that go on the wire.
#[derive(Clone)]
pub struct Request {
    method: Method,
    endpoint: Endpoint,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request for `path`, which is percent-encoded already (see [`encode`]) and follows the endpoint's prefix.
    #[must_use]
    pub fn new(method: Method, endpoint: &Endpoint, path: &str) -> Self {
        let path = format!("{}{path}", endpoint.prefix());
        Self { method, endpoint: endpoint.clone(), path, query: String::new(), headers: Vec::new(), body: Vec::new() }
    }

    /// Sets the query: encoded, then sorted by name and value.
    #[must_use]
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        let mut pairs: Vec<_> = pairs.iter().map(|(name, value)| (encode(name), encode(value))).collect();
        pairs.sort();
        self.query = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        self
    }

    /// Adds a header; `name` is lower case.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a body of JSON; its content type is a header like any other.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The `Host` header's value.
    #[must_use]
    pub fn host(&self) -> &str {
        self.endpoint.authority()
    }

    /// The percent-encoded path, prefix included.
    #[must_use]
    pub fn path(&self) -> &str {
        if self.path.is_empty() { "/" } else { &self.path }
    }

    /// The percent-encoded, sorted query, without a question mark; may be empty.
    #[must_use]
    pub fn query_string(&self) -> &str {
        &self.query
    }

    /// The headers set so far, lower-case names, in the order they were set; `host` is not among them.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// The body's bytes.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The whole URL.
    #[must_use]
    pub fn url(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}://{}{}{mark}{}", self.endpoint.scheme(), self.host(), self.path(), self.query)
    }
}

impl fmt::Debug for Request {
    /// Without headers and body: secrets may be among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("url", &self.url()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, Request, encode};
    use crate::http::Endpoint;

    #[test]
    fn strict_encoding() {
        for (given, want) in [("aZ09-._~", "aZ09-._~"), ("a b+c*d/e:f", "a%20b%2Bc%2Ad%2Fe%3Af"), ("证", "%E8%AF%81")]
        {
            assert_eq!(encode(given), want);
        }
    }

    #[test]
    fn the_query_is_sorted_after_encoding() {
        let endpoint = Endpoint::parse("https://h.example/prefix/").unwrap_or_else(|error| panic!("{error}"));
        let request = Request::new(Method::Get, &endpoint, "/v1/a%3Ab").query(&[("b", "2"), ("a", "证"), ("a", "1")]);
        assert_eq!(request.url(), "https://h.example/prefix/v1/a%3Ab?a=%E8%AF%81&a=1&b=2");
    }
}
