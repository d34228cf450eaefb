//! SDK-HMAC-SHA256: no credential scope, no key derivation; the client chooses which headers it signs.

use jiff::Timestamp;

use super::{
    Authorization, Key, Refusal, basic_time, encoded_path, hex, hmac, known, sha256, sorted_query, token, within,
};
use crate::sandbox::wire::Received;

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Whose request it is.
pub(crate) fn verify<'k>(request: &Received, keys: &'k [Key], now: Timestamp) -> Result<&'k Key, Refusal> {
    let value = request.header("authorization").ok_or(Refusal::Missing("authorization"))?;
    let authorization = Authorization::parse(&value, ALGORITHM, "Access").ok_or(Refusal::Malformed("authorization"))?;
    let key = known(keys, &authorization.credential)?;

    let sent = request.header("x-sdk-date").ok_or(Refusal::Missing("x-sdk-date"))?;
    for name in ["x-sdk-date", "x-security-token", "x-project-id", "x-domain-id"] {
        if request.header(name).is_some() && !authorization.signs(name) {
            return Err(Refusal::Unsigned(name));
        }
    }
    within(15, basic_time(&sent, 0).ok_or(Refusal::Malformed("x-sdk-date"))?, now)?;

    let body = sha256(&request.body);
    let payload = request.header("x-sdk-content-sha256").unwrap_or_else(|| body.clone());
    if payload != body && payload != "UNSIGNED-PAYLOAD" {
        return Err(Refusal::Body);
    }
    let mut path = encoded_path(request.path());
    if !path.ends_with('/') {
        path.push('/');
    }
    let canonical = format!(
        "{}\n{path}\n{}\n{}\n{}\n{payload}",
        request.method,
        sorted_query(request),
        authorization.canonical_headers(request, str::to_owned).ok_or(Refusal::Missing("a signed header"))?,
        authorization.signed_headers.join(";"),
    );
    let to_sign = format!("{ALGORITHM}\n{sent}\n{}", sha256(canonical.as_bytes()));
    if authorization.signature != hex(&hmac(key.secret_key.as_bytes(), &to_sign)) {
        return Err(Refusal::Signature(canonical));
    }
    token(key, request.header("x-security-token").as_deref())?;
    Ok(key)
}
