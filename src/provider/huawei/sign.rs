//! SDK-HMAC-SHA256, as Huawei Cloud's SDKs have it. Pure.

use jiff::tz::TimeZone;
use secrecy::ExposeSecret as _;

use crate::digest::{hex, hmac_sha256, sha256_hex};
use crate::http::Request;
use crate::provider::{Seal, Signed, canonical};

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Signs every header of the request, its host, date and token.
#[must_use]
pub fn sign(request: &Request, seal: &Seal<'_>) -> Signed {
    let date = seal.now.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut headers = vec![("x-sdk-date", date.clone())];
    if let Some(token) = &seal.credentials.session_token {
        headers.push(("x-security-token", token.expose_secret().to_owned()));
    }
    let mut signed = vec![("host", request.host().to_owned())];
    signed.extend(request.headers().iter().chain(&headers).cloned());
    let (method, path) = (request.method().as_str(), request.path());
    let canonical_request = canonical_request(method, path, request.query_string(), &signed, request.body());
    let string_to_sign = string_to_sign(&date, &canonical_request);
    let secret_key = seal.credentials.secret_key.expose_secret();
    let authorization = authorization(&seal.credentials.access_key, &signed, secret_key, &string_to_sign);
    headers.push(("authorization", authorization));
    Signed { string_to_sign, headers }
}

/// Method, path, query, headers, their names, and the body's hash, a line each.
///
/// `path` and `query` are percent-encoded and `query` is sorted, as on the wire; header names are lower case.
#[must_use]
pub fn canonical_request(method: &str, path: &str, query: &str, headers: &[(&str, String)], body: &[u8]) -> String {
    let (path, lines) = (canonical_path(path), canonical::header_lines(headers, |value| value.trim().to_owned()));
    let (names, hash) = (canonical::header_names(headers), sha256_hex(body));
    format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{hash}")
}

/// Algorithm, date and the canonical request's hash; there is no scope.
#[must_use]
pub fn string_to_sign(date: &str, canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{date}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// The `Authorization` header. The secret key signs as it is: there is no key derivation.
#[must_use]
pub fn authorization(access_key: &str, headers: &[(&str, String)], secret_key: &str, string_to_sign: &str) -> String {
    let signature = hex(&hmac_sha256(secret_key.as_bytes(), string_to_sign.as_bytes()));
    let names = canonical::header_names(headers);
    format!("{ALGORITHM} Access={access_key}, SignedHeaders={names}, Signature={signature}")
}

/// The path, each segment strictly encoded, ending in a slash even where the request's own does not.
fn canonical_path(path: &str) -> String {
    let encoded = canonical::path(path);
    if encoded.ends_with('/') { encoded } else { format!("{encoded}/") }
}
