//! Whether a request is signed by someone we know: the four clouds' recipes, recomputed from what came over the
//! wire. Written from the clouds' documents alone; a client must agree with them, not with us.

pub(crate) mod ctyun;
pub(crate) mod huawei;
pub(crate) mod jdcloud;
pub(crate) mod tencent;

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest as _, Sha256};

use super::wire::Received;

/// An access key of the sandbox.
#[derive(Debug, Clone, Default)]
pub(crate) struct Key {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// Temporary credentials have one, and are refused without it.
    pub(crate) token: Option<Token>,
    /// JD Cloud's operation protection: what the user would type; base64 of it is sent.
    pub(crate) mfa: Option<String>,
}

/// A session token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) value: String,
    pub(crate) expired: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A header that must be there is not.
    Missing(&'static str),
    /// A header does not have the form it must have.
    Malformed(&'static str),
    /// A header is there, but the signature does not cover it.
    Unsigned(&'static str),
    /// The credential scope names another date, service or ending.
    Scope(String),
    UnknownKey(String),
    /// The client's time differs from ours by so much.
    Clock(SignedDuration),
    /// The signature is not the one that we get; ours was made from this text.
    Signature(String),
    /// The body is not the one whose hash was sent along.
    Body,
    TokenMissing,
    TokenWrong,
    TokenExpired,
    /// The nonce was used before.
    Replayed,
}

/// Everything percent-encoded but RFC 3986's unreserved characters, upper-case hex.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    percent_encode(text.as_bytes(), STRICT).to_string()
}

/// The path with every segment decoded, then strictly encoded.
fn encoded_path(path: &str) -> String {
    let again = |segment: &str| percent_encode(&percent_decode_str(segment).collect::<Vec<u8>>(), STRICT).to_string();
    path.split('/').map(again).collect::<Vec<_>>().join("/")
}

/// The query with its pairs decoded, strictly encoded, and sorted by name, then value.
fn sorted_query(request: &Received) -> String {
    let named = request.pairs().into_iter().filter(|(name, _)| !name.is_empty());
    let mut pairs: Vec<_> = named.map(|(name, value)| (encode(&name), encode(&value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// `ALGORITHM Credential=…, SignedHeaders=…, Signature=…`, with exactly these separators; `first` is the name of
/// the first part.
struct Authorization {
    credential: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    fn parse(value: &str, algorithm: &str, first: &str) -> Option<Self> {
        let mut parts = value.strip_prefix(algorithm)?.strip_prefix(' ')?.split(", ");
        let mut part = |name: &str| Some(parts.next()?.strip_prefix(name)?.strip_prefix('=')?.to_owned());
        let (credential, names, signature) = (part(first)?, part("SignedHeaders")?, part("Signature")?);
        let signed_headers: Vec<String> = names.split(';').map(str::to_owned).collect();
        let in_order = signed_headers.is_sorted() && names == names.to_lowercase();
        (in_order && parts.next().is_none()).then_some(Self { credential, signed_headers, signature })
    }

    fn signs(&self, name: &str) -> bool {
        self.signed_headers.iter().any(|signed| signed == name)
    }

    /// A line `name:value` for every signed header; none if one of them did not come.
    fn canonical_headers(&self, request: &Received, value: fn(&str) -> String) -> Option<String> {
        let line = |name: &String| Some(format!("{name}:{}\n", value(&request.header(name)?)));
        self.signed_headers.iter().map(line).collect()
    }
}

fn known<'k>(keys: &'k [Key], access_key: &str) -> Result<&'k Key, Refusal> {
    keys.iter().find(|key| key.access_key == access_key).ok_or_else(|| Refusal::UnknownKey(access_key.to_owned()))
}

/// `YYYYMMDDTHHMMSSZ`, read as the time in a zone so many hours east of UTC.
fn basic_time(text: &str, hours_east: i64) -> Option<Timestamp> {
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok().filter(|_| text.len() == 16)?;
    let utc = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    utc.checked_sub(SignedDuration::from_hours(hours_east)).ok()
}

fn within(minutes: i64, sent: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let off = sent.duration_since(now);
    if off.abs() > SignedDuration::from_mins(minutes) { Err(Refusal::Clock(off)) } else { Ok(()) }
}

/// Whether the token that came is the key's own, where the key has one.
fn token(key: &Key, sent: Option<&str>) -> Result<(), Refusal> {
    match (&key.token, sent) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::TokenWrong),
        (Some(_), None) => Err(Refusal::TokenMissing),
        (Some(token), Some(sent)) if token.value != sent => Err(Refusal::TokenWrong),
        (Some(token), Some(_)) if token.expired => Err(Refusal::TokenExpired),
        (Some(_), Some(_)) => Ok(()),
    }
}
