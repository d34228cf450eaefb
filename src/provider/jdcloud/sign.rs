//! JDCLOUD2-HMAC-SHA256, as JD Cloud's documents and its Go, Java and Node SDKs have it. Pure.
//!
//! (The Python and PHP SDKs sign with JDCLOUD3-HMAC-SHA256: the same recipe with other constants. Both are in use.)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;

use crate::digest::{hmac_sha256, sha256_hex};
use crate::http::Request;
use crate::provider::{Seal, Signed, canonical};

const ALGORITHM: &str = "JDCLOUD2-HMAC-SHA256";
const TERMINATOR: &str = "jdcloud2_request";
const KEY_PREFIX: &str = "JDCLOUD2";
/// The service's region, whatever the region of the user's machines: the SDKs' literal for requests without one.
const REGION: &str = "jdcloud-api";
const SERVICE: &str = "ssl";

/// Carries the session token of temporary credentials, or the operation-protection value.
pub const SECURITY_TOKEN: &str = "x-jdcloud-security-token";
/// Carries the session token where [`SECURITY_TOKEN`] is taken by the operation-protection value.
pub const SESSION_TOKEN: &str = "x-jdcloud-session-token";

/// Signs every header of the request, its host, date, nonce and token.
#[must_use]
pub fn sign(request: &Request, seal: &Seal<'_>) -> Signed {
    let date = seal.now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut headers = vec![("x-jdcloud-date", date.clone()), ("x-jdcloud-nonce", seal.nonce.to_owned())];
    if let Some(token) = &seal.credentials.session_token {
        let taken = request.headers().iter().any(|(name, _)| *name == SECURITY_TOKEN);
        headers.push((if taken { SESSION_TOKEN } else { SECURITY_TOKEN }, token.expose_secret().to_owned()));
    }
    let mut signed = vec![("host", request.host().to_owned())];
    signed.extend(request.headers().iter().chain(&headers).cloned());
    let (method, path) = (request.method().as_str(), request.path());
    let canonical_request = canonical_request(method, path, request.query_string(), &signed, request.body());
    let scope = scope(&date, REGION, SERVICE);
    let string_to_sign = string_to_sign(&date, &scope, &canonical_request);
    let key = signing_key(seal.credentials.secret_key.expose_secret(), &date, REGION, SERVICE);
    let authorization = authorization(&seal.credentials.access_key, &scope, &signed, &key, &string_to_sign);
    headers.push(("authorization", authorization));
    Signed { string_to_sign, headers }
}

/// The operation-protection value as the header carries it: the SDKs encode what the user gives.
#[must_use]
pub fn encode_mfa(value: &str) -> String {
    STANDARD.encode(value)
}

/// Method, path, query, headers, their names, and the body's hash, a line each.
///
/// `path` and `query` are percent-encoded and `query` is sorted, as on the wire; header names are lower case.
#[must_use]
pub fn canonical_request(method: &str, path: &str, query: &str, headers: &[(&str, String)], body: &[u8]) -> String {
    let (path, lines) = (canonical::path(path), canonical::header_lines(headers, fold));
    let (names, hash) = (canonical::header_names(headers), sha256_hex(body));
    format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}")
}

/// Date, region, service and terminator; `date` is like `20240102T030405Z`.
#[must_use]
pub fn scope(date: &str, region: &str, service: &str) -> String {
    format!("{}/{region}/{service}/{TERMINATOR}", day(date))
}

/// Algorithm, date, scope and the canonical request's hash.
#[must_use]
pub fn string_to_sign(date: &str, scope: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// The secret key, narrowed to one day, region and service.
#[must_use]
pub fn signing_key(secret_key: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let key = format!("{KEY_PREFIX}{secret_key}");
    let key = hmac_sha256(key.as_bytes(), day(date).as_bytes());
    let key = hmac_sha256(&key, region.as_bytes());
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

/// A header value without blanks at its ends and with one blank for each run of them.
fn fold(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn day(date: &str) -> &str {
    date.split('T').next().unwrap_or_default()
}
