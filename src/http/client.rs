//! Sends one request once.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use zeroize::Zeroizing;

use super::error::innermost;
use super::{HttpError, Method, Request};

/// The most that is read of one reply: ten times the largest page a cloud sends.
const REPLY_LIMIT: usize = 16 << 20;
/// A server that does not even accept the connection is given up sooner than one that is slow to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that nobody uses for this long is closed: in its buffers there may be a private key that came over it.
const IDLE: Duration = Duration::from_secs(1);

/// The client of all clouds. Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    loopback: reqwest::Client,
    /// Made when it is first needed: loopback can do without the system's root certificates.
    remote: Arc<OnceLock<Result<reqwest::Client, String>>>,
    timeout: Duration,
}

/// A whole reply, whatever its status.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body; wiped when dropped, since it may hold a key.
    pub body: Zeroizing<Vec<u8>>,
    headers: HeaderMap,
}

impl Client {
    /// A client of which one try of one request, reply included, takes `timeout` at most.
    ///
    /// TLS is rustls with the system's root certificates (`SSL_CERT_FILE` is honoured); `HTTPS_PROXY` and `NO_PROXY`
    /// are honoured, except that plain http, which is for loopback only, never goes through a proxy.
    ///
    /// # Errors
    /// When TLS cannot be set up. Want of root certificates shows at the first request that needs them.
    pub fn new(timeout: Duration) -> Result<Self, HttpError> {
        // An earlier call, or the program that embeds this library, may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let loopback = builder(timeout).no_proxy().tls_certs_only([]).build();
        let loopback = loopback.map_err(|error| HttpError::Setup { reason: innermost(&error) })?;
        Ok(Self { loopback, remote: Arc::default(), timeout })
    }

    /// Sends `request` with the signature's `headers` beside its own, once, and reads the whole reply.
    ///
    /// # Errors
    /// When there is no whole reply, or it is a redirect. Any other status is a reply.
    pub async fn send(&self, request: &Request, headers: &[(&'static str, String)]) -> Result<Reply, HttpError> {
        let host = request.host();
        let fail = |error| HttpError::of(error, host, self.timeout);
        let started = Instant::now();
        let url = parse(request)?;
        let client = if url.scheme() == "https" { self.remote()? } else { &self.loopback };
        let mut builder = match request.method() {
            Method::Get => client.get(url),
            // Without a body nothing else would say that there is none, which some gateways insist on.
            Method::Post => client.post(url).header(CONTENT_LENGTH, request.body().len()),
        };
        for (name, value) in request.headers().iter().chain(headers) {
            let mut value = HeaderValue::from_str(value).map_err(|_| HttpError::BadHeader { name })?;
            value.set_sensitive(true);
            builder = builder.header(HeaderName::from_static(name), value);
        }
        let mut response = builder.body(request.body().to_vec()).send().await.map_err(fail)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(HttpError::Redirect { host: host.to_owned(), status: status.as_u16() });
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(fail)? {
            if body.len() + chunk.len() > REPLY_LIMIT {
                return Err(HttpError::TooLarge { host: host.to_owned(), limit: REPLY_LIMIT });
            }
            body.extend_from_slice(&chunk);
        }
        let (method, path, milliseconds) = (request.method().as_str(), request.path(), started.elapsed().as_millis());
        tracing::debug!("{method} {host}{path}: HTTP {}, {} bytes, {milliseconds} ms", status.as_u16(), body.len());
        Ok(Reply { status: status.as_u16(), body, headers: response.headers().clone() })
    }

    fn remote(&self) -> Result<&reqwest::Client, HttpError> {
        let make = || builder(self.timeout).https_only(true).build().map_err(|error| innermost(&error));
        self.remote.get_or_init(make).as_ref().map_err(|reason| HttpError::Setup { reason: reason.clone() })
    }
}

fn builder(timeout: Duration) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("certctl/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(timeout.min(CONNECT_TIMEOUT))
        .timeout(timeout)
        .pool_idle_timeout(IDLE)
}

/// The URL, unless the parser would rewrite a part of it that was signed (`..` as an id, say), or a gateway would: to
/// some of them an encoded slash is a slash.
fn parse(request: &Request) -> Result<reqwest::Url, HttpError> {
    let unsendable = || HttpError::Unsendable { path: request.path().to_owned() };
    let url = reqwest::Url::parse(&request.url()).map_err(|_| unsendable())?;
    let same = url.path() == request.path() && url.query().unwrap_or_default() == request.query_string();
    let same = same && !request.path().contains("%2F");
    if same { Ok(url) } else { Err(unsendable()) }
}

impl Reply {
    /// A header's value, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The server's clock when it answered.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        rfc2822::parse(self.header("date")?).ok().map(|zoned| zoned.timestamp())
    }

    /// How long the server asks to wait (RFC 9110 section 10.2.3), in either form.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until = rfc2822::parse(value).ok()?.timestamp();
        Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
    }
}

impl fmt::Debug for Reply {
    /// Without the body: it may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("len", &self.body.len()).finish_non_exhaustive()
    }
}
