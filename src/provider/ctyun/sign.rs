//! CTyun's EOP gateway signature, as its document "网关EOP签名说明" and its Go and Python SDKs have it. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use secrecy::ExposeSecret as _;

use crate::digest::{hmac_sha256, sha256_hex};
use crate::http::Request;
use crate::provider::{Seal, Signed};

const SIGNED_HEADERS: &str = "ctyun-eop-request-id;eop-date";

/// Signs request id, date, query and body. Method, path and host are not part of this signature.
#[must_use]
pub fn sign(request: &Request, seal: &Seal<'_>) -> Signed {
    let date = eop_date(seal.now);
    let string_to_sign = string_to_sign(seal.nonce, &date, request.query_string(), request.body());
    let access_key = &seal.credentials.access_key;
    let key = signing_key(seal.credentials.secret_key.expose_secret(), access_key, &date);
    let authorization = authorization(access_key, &key, &string_to_sign);
    let headers =
        vec![("ctyun-eop-request-id", seal.nonce.to_owned()), ("eop-date", date), ("eop-authorization", authorization)];
    Signed { string_to_sign, headers }
}

/// The time in Beijing, though it ends in the letter that elsewhere means UTC.
#[must_use]
pub fn eop_date(now: Timestamp) -> String {
    now.to_zoned(TimeZone::fixed(Offset::constant(8))).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The signed headers, an empty line, the query and the body's hash.
///
/// `query` is percent-encoded and sorted, as on the wire.
#[must_use]
pub fn string_to_sign(request_id: &str, date: &str, query: &str, body: &[u8]) -> String {
    format!("ctyun-eop-request-id:{request_id}\neop-date:{date}\n\n{query}\n{}", sha256_hex(body))
}

/// The secret key, narrowed to one second, access key and day.
#[must_use]
pub fn signing_key(secret_key: &str, access_key: &str, date: &str) -> [u8; 32] {
    let day = date.split('T').next().unwrap_or_default();
    let time_key = hmac_sha256(secret_key.as_bytes(), date.as_bytes());
    let access_key = hmac_sha256(&time_key, access_key.as_bytes());
    hmac_sha256(&access_key, day.as_bytes())
}

/// The `Eop-Authorization` header.
#[must_use]
pub fn authorization(access_key: &str, signing_key: &[u8], string_to_sign: &str) -> String {
    let signature = STANDARD.encode(hmac_sha256(signing_key, string_to_sign.as_bytes()));
    format!("{access_key} Headers={SIGNED_HEADERS} Signature={signature}")
}
