//! One account's conversation with its cloud: every call is paced, signed anew at each try, sent, read and judged.

use std::collections::HashMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Meaning, ProviderError, Refusal};
use crate::credential::Credentials;
use crate::environment::Environment;
use crate::http::{Again, Client, Endpoint, RateLimit, Reply, Request, Retries};
use crate::text::one_line;

/// A clock further off than this is named as the likely reason for refused credentials; Tencent's own bound.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);
/// The longest message of a cloud that is repeated, in characters.
const LONGEST_MESSAGE: usize = 300;

/// What connects an account to its cloud.
#[derive(Debug, Clone)]
pub struct Link {
    /// Sends the requests.
    pub client: Client,
    /// Where to.
    pub endpoint: Endpoint,
    /// Signs them.
    pub credentials: Credentials,
    /// Tells the time.
    pub environment: Environment,
    /// How often a call is tried again.
    pub retries: Retries,
    /// The rate of all calls together, instead of those that the cloud publishes.
    pub requests_per_second: Option<u32>,
}

/// What a signature depends on beside the request itself.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// Who signs.
    pub credentials: &'a Credentials,
    /// When.
    pub now: Timestamp,
    /// A word that is never used twice.
    pub nonce: &'a str,
}

/// A signature and the last stage before it.
#[derive(Clone)]
pub struct Signed {
    /// What the signature is computed over.
    pub string_to_sign: String,
    /// The headers to send beside the request's own; names are lower case.
    pub headers: Vec<(&'static str, String)>,
}

/// How one cloud signs, answers and says no.
pub(super) struct Dialect {
    /// Signs a request.
    pub(super) sign: fn(&Request, &Seal<'_>) -> Signed,
    /// The payload of a reply, or the error in it.
    pub(super) open: fn(u16, Value) -> Result<Value, Complaint>,
    /// What an error's code means.
    pub(super) meaning: fn(&str) -> Option<Meaning>,
    /// The header that has the request's id where the body has none.
    pub(super) request_id: &'static str,
    /// Published requests per second, by operation.
    pub(super) rates: &'static [(&'static str, u32)],
}

/// A cloud's error, taken out of its envelope.
#[derive(Debug, Default)]
pub(super) struct Complaint {
    pub(super) code: Option<String>,
    pub(super) message: String,
    pub(super) request_id: Option<String>,
}

/// One account's conversation with its cloud.
pub(super) struct Session {
    link: Link,
    dialect: &'static Dialect,
    pace: Pace,
}

/// How fast an account's calls may follow each other.
enum Pace {
    /// All together.
    Together(RateLimit),
    /// Each operation by itself; those without a rate as they come.
    ByOperation(HashMap<&'static str, RateLimit>),
}

impl Session {
    pub(super) fn new(link: Link, dialect: &'static Dialect) -> Self {
        let published = || dialect.rates.iter().map(|(operation, rate)| (*operation, RateLimit::new(*rate))).collect();
        let pace = match link.requests_per_second {
            Some(rate) => Pace::Together(RateLimit::new(rate)),
            None => Pace::ByOperation(published()),
        };
        Self { link, dialect, pace }
    }

    /// Where requests go.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.link.endpoint
    }

    /// Whose requests they are.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.link.credentials
    }

    /// The time, by the local clock.
    pub(super) fn now(&self) -> Timestamp {
        self.link.environment.now()
    }

    /// One call whose reply is JSON: the payload.
    pub(super) async fn call(&self, operation: &'static str, request: Request) -> Result<Value, ProviderError> {
        self.exchange(operation, request, |reply| self.payload(operation, reply)).await
    }

    /// One call, tried again where that can help, its reply read by `read`.
    pub(super) async fn exchange<T>(
        &self,
        operation: &'static str,
        request: Request,
        read: impl Fn(&Reply) -> Result<T, ProviderError>,
    ) -> Result<T, ProviderError> {
        let mut retries = self.link.retries;
        loop {
            let outcome = self.attempt(operation, &request).await.and_then(|reply| read(&reply));
            let Err(error) = outcome else { return outcome };
            let Some(wait) = retries.next(error.again(), fastrand::f64()) else { return Err(error) };
            tracing::info!("{error}; trying again");
            tokio::time::sleep(wait).await;
        }
    }

    /// One try, signed for this moment.
    async fn attempt(&self, operation: &'static str, request: &Request) -> Result<Reply, ProviderError> {
        let limit = match &self.pace {
            Pace::Together(limit) => Some(limit),
            Pace::ByOperation(limits) => limits.get(operation),
        };
        if let Some(limit) = limit {
            limit.turn().await;
        }
        let nonce = uuid::Uuid::new_v4().to_string();
        let seal = Seal { credentials: self.credentials(), now: self.now(), nonce: &nonce };
        let signed = (self.dialect.sign)(request, &seal);
        Ok(self.link.client.send(request, &signed.headers).await?)
    }

    /// The payload of a reply in JSON.
    pub(super) fn payload(&self, operation: &'static str, reply: &Reply) -> Result<Value, ProviderError> {
        let value = match serde_json::from_slice(&reply.body) {
            Ok(value) => value,
            // A gateway's error: its status says more than its text.
            Err(_) if reply.status >= 400 => return Err(self.refuse(operation, reply, Complaint::default())),
            Err(error) => return Err(self.not_as_promised(operation, reply, &what_is(&reply.body, &error))),
        };
        (self.dialect.open)(reply.status, value).map_err(|complaint| {
            let says_nothing = complaint.code.is_none() && complaint.message.is_empty() && reply.status < 400;
            let unknown = "JSON, but neither a result nor an error that certctl knows";
            if says_nothing {
                self.not_as_promised(operation, reply, unknown)
            } else {
                self.refuse(operation, reply, complaint)
            }
        })
    }

    /// A reply that is not what the API promises; `what` must not repeat the reply's text.
    pub(super) fn not_as_promised(&self, operation: &'static str, reply: &Reply, what: &str) -> ProviderError {
        let request_id = reply.header(self.dialect.request_id).map(|id| one_line(id, 80));
        ProviderError::Reply { operation, status: reply.status, what: what.to_owned(), request_id }
    }

    fn refuse(&self, operation: &'static str, reply: &Reply, complaint: Complaint) -> ProviderError {
        let now = self.now();
        let code = complaint.code.filter(|code| !code.is_empty());
        let by_code = code.as_deref().and_then(|code| (self.dialect.meaning)(code).or_else(|| Meaning::of_words(code)));
        let mut meaning = by_code.unwrap_or_else(|| Meaning::of_status(reply.status));
        let ahead = reply.date().map(|date| now.duration_since(date));
        if meaning == Meaning::Credentials && ahead.is_some_and(|ahead| ahead.abs() > CLOCK_TOLERANCE) {
            meaning = Meaning::Clock;
        }
        let again = match meaning {
            Meaning::RateLimited | Meaning::Busy => reply.retry_after(now).map_or(Again::Soon, Again::After),
            _ => Again::No,
        };
        let clean = |text: &str, longest| one_line(&self.credentials().scrub(text), longest);
        let request_id = complaint.request_id.or_else(|| reply.header(self.dialect.request_id).map(str::to_owned));
        ProviderError::Refused(Box::new(Refusal {
            meaning,
            operation,
            status: reply.status,
            code: code.map(|code| clean(&code, 80)),
            message: clean(&complaint.message, LONGEST_MESSAGE),
            request_id: request_id.map(|id| clean(&id, 80)),
            clock_ahead: ahead.map(|ahead| SignedDuration::from_secs(ahead.as_secs())),
            again,
        }))
    }
}

/// One operation in the first of its `forms` that exists at this endpoint: APIs are renamed over the years.
///
/// `forms` is not empty. Only "no such API" leads to the next form: a refusal is final.
pub(super) async fn first_existing<A: Copy, T, F>(forms: &[A], call: impl Fn(A) -> F) -> Result<T, ProviderError>
where
    F: Future<Output = Result<T, ProviderError>>,
{
    let mut forms = forms.iter().peekable();
    loop {
        let Some(form) = forms.next() else { unreachable!("an operation has at least one form") };
        match call(*form).await {
            Err(error) if error.meaning() == Some(Meaning::NoSuchApi) && forms.peek().is_some() => {
                tracing::info!("{error}; trying the other form of this call");
            }
            outcome => return outcome,
        }
    }
}

impl fmt::Debug for Signed {
    /// Without the headers: tokens are among them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("link", &self.link).finish_non_exhaustive()
    }
}

/// What a body that is not JSON is, without repeating any of it: it may hold a key.
fn what_is(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    if start.is_empty() {
        "empty".to_owned()
    } else if start.starts_with(b"<") {
        "an HTML page, as a captive portal or proxy sends".to_owned()
    } else if error.is_eof() {
        format!("cut off after {} bytes", body.len())
    } else {
        format!("not JSON (line {}, column {})", error.line(), error.column())
    }
}
