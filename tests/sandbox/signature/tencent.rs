//! TC3-HMAC-SHA256.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Authorization, Key, Refusal, hex, hmac, known, sha256, token, within};
use crate::sandbox::wire::Received;

const ALGORITHM: &str = "TC3-HMAC-SHA256";

/// Whose request it is. `service` is `ssl` here; the published vectors name others.
pub(crate) fn verify<'k>(
    request: &Received,
    keys: &'k [Key],
    service: &str,
    now: Timestamp,
) -> Result<&'k Key, Refusal> {
    let value = request.header("authorization").ok_or(Refusal::Missing("authorization"))?;
    let authorization =
        Authorization::parse(&value, ALGORITHM, "Credential").ok_or(Refusal::Malformed("authorization"))?;
    let parts: Vec<&str> = authorization.credential.split('/').collect();
    let [access_key, date, named, end] = parts[..] else { return Err(Refusal::Malformed("authorization")) };
    let key = known(keys, access_key)?;

    for name in ["content-type", "host"] {
        if !authorization.signs(name) {
            return Err(Refusal::Unsigned(name));
        }
    }
    let seconds = request.header("x-tc-timestamp").ok_or(Refusal::Missing("x-tc-timestamp"))?;
    let sent = seconds.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let sent = sent.ok_or(Refusal::Malformed("x-tc-timestamp"))?;
    within(5, sent, now)?;

    let day = sent.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    if date != day || named != service || end != "tc3_request" {
        return Err(Refusal::Scope(authorization.credential.clone()));
    }
    let payload = match request.header("x-tc-content-sha256").as_deref() {
        Some("UNSIGNED-PAYLOAD") => sha256(b"UNSIGNED-PAYLOAD"),
        _ => sha256(&request.body),
    };
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{}\n{payload}",
        request.method,
        request.path(),
        request.query(),
        // Names and values are in lower case.
        authorization.canonical_headers(request, str::to_lowercase).ok_or(Refusal::Missing("a signed header"))?,
        authorization.signed_headers.join(";"),
    );
    let to_sign = format!("{ALGORITHM}\n{seconds}\n{date}/{named}/{end}\n{}", sha256(canonical.as_bytes()));
    let mut signing = format!("TC3{}", key.secret_key).into_bytes();
    for part in [date, named, end] {
        signing = hmac(&signing, part);
    }
    if authorization.signature != hex(&hmac(&signing, &to_sign)) {
        return Err(Refusal::Signature(canonical));
    }
    token(key, request.header("x-tc-token").as_deref())?;
    Ok(key)
}
