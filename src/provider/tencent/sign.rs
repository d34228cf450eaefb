//! TC3-HMAC-SHA256, as Tencent Cloud's documents have it ("Signature v3"). Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;

use crate::digest::{hmac_sha256, sha256_hex};
use crate::http::Request;
use crate::provider::{Seal, Signed, canonical};

const ALGORITHM: &str = "TC3-HMAC-SHA256";
const TERMINATOR: &str = "tc3_request";
const KEY_PREFIX: &str = "TC3";
const SERVICE: &str = "ssl";

/// Signs content type and host, the two that the API demands; the token is sent unsigned, as the SDKs do.
#[must_use]
pub fn sign(request: &Request, seal: &Seal<'_>) -> Signed {
    let timestamp = seal.now.as_second();
    let mut headers = vec![("x-tc-timestamp", timestamp.to_string())];
    if let Some(token) = &seal.credentials.session_token {
        headers.push(("x-tc-token", token.expose_secret().to_owned()));
    }
    let content_type = request.headers().iter().find(|(name, _)| *name == "content-type").cloned();
    let signed: Vec<_> = content_type.into_iter().chain([("host", request.host().to_owned())]).collect();
    let (method, path) = (request.method().as_str(), request.path());
    let canonical_request = canonical_request(method, path, request.query_string(), &signed, request.body());
    let date = date(seal.now);
    let string_to_sign = string_to_sign(timestamp, &date, SERVICE, &canonical_request);
    let key = signing_key(seal.credentials.secret_key.expose_secret(), &date, SERVICE);
    let scope = scope(&date, SERVICE);
    let authorization = authorization(&seal.credentials.access_key, &scope, &signed, &key, &string_to_sign);
    headers.push(("authorization", authorization));
    Signed { string_to_sign, headers }
}

/// Method, path, query, headers, their names, and the body's hash, a line each.
///
/// `query` is as on the wire; header names are lower case.
#[must_use]
pub fn canonical_request(method: &str, path: &str, query: &str, headers: &[(&str, String)], body: &[u8]) -> String {
    let lines = canonical::header_lines(headers, |value| value.trim().to_owned());
    let (names, hash) = (canonical::header_names(headers), sha256_hex(body));
    format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}")
}

/// The day in UTC, like `2024-05-11`.
#[must_use]
pub fn date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

/// Day, service and terminator.
#[must_use]
pub fn scope(date: &str, service: &str) -> String {
    format!("{date}/{service}/{TERMINATOR}")
}

/// Algorithm, Unix seconds, scope and the canonical request's hash.
#[must_use]
pub fn string_to_sign(timestamp: i64, date: &str, service: &str, canonical_request: &str) -> String {
    let (scope, hash) = (scope(date, service), sha256_hex(canonical_request.as_bytes()));
    format!("{ALGORITHM}\n{timestamp}\n{scope}\n{hash}")
}

/// The secret key, narrowed to one day and service.
#[must_use]
pub fn signing_key(secret_key: &str, date: &str, service: &str) -> [u8; 32] {
    let key = format!("{KEY_PREFIX}{secret_key}");
    let key = hmac_sha256(key.as_bytes(), date.as_bytes());
    let key = hmac_sha256(&key, service.as_bytes());
    hmac_sha256(&key, TERMINATOR.as_bytes())
}

/// The `Authorization` header.
#[must_use]
pub fn authorization(
    access_key: &str,
    scope: &str,
    headers: &[(&str, String)],
    signing_key: &[u8],
    string_to_sign: &str,
) -> String {
    canonical::authorization(ALGORITHM, access_key, scope, headers, signing_key, string_to_sign)
}
