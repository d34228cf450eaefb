//! JDCLOUD2-HMAC-SHA256 (the documents; Go, Java, Node SDKs) and JDCLOUD3-HMAC-SHA256 (Python, PHP SDKs): one recipe,
//! three constants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Authorization, Key, Refusal, basic_time, encoded_path, hex, hmac, known, sha256, sorted_query, within};
use crate::sandbox::wire::Received;

pub(crate) const SECURITY_TOKEN: &str = "x-jdcloud-security-token";
const SESSION_TOKEN: &str = "x-jdcloud-session-token";

/// Whose request it is. `service` is `ssl` here; the published vectors name others.
pub(crate) fn verify<'k>(
    request: &Received,
    keys: &'k [Key],
    service: &str,
    now: Timestamp,
) -> Result<&'k Key, Refusal> {
    let value = request.header("authorization").ok_or(Refusal::Missing("authorization"))?;
    let version = if value.starts_with("JDCLOUD3-") { "JDCLOUD3" } else { "JDCLOUD2" };
    let algorithm = format!("{version}-HMAC-SHA256");
    let authorization =
        Authorization::parse(&value, &algorithm, "Credential").ok_or(Refusal::Malformed("authorization"))?;
    let (access_key, scope) = authorization.credential.split_once('/').ok_or(Refusal::Malformed("authorization"))?;
    let key = known(keys, access_key)?;

    let sent = request.header("x-jdcloud-date").ok_or(Refusal::Missing("x-jdcloud-date"))?;
    request.header("x-jdcloud-nonce").ok_or(Refusal::Missing("x-jdcloud-nonce"))?;
    if version == "JDCLOUD2" {
        // The Python SDK, which signs with version 3, adds both after signing.
        for name in ["x-jdcloud-date", "x-jdcloud-nonce"] {
            if !authorization.signs(name) {
                return Err(Refusal::Unsigned(name));
            }
        }
    }
    for name in [SECURITY_TOKEN, SESSION_TOKEN] {
        if request.header(name).is_some() && !authorization.signs(name) {
            return Err(Refusal::Unsigned(name));
        }
    }
    within(15, basic_time(&sent, 0).ok_or(Refusal::Malformed("x-jdcloud-date"))?, now)?;

    let parts: Vec<&str> = scope.split('/').collect();
    let ending = format!("{}_request", version.to_lowercase());
    let [date, region, named, end] = parts[..] else { return Err(Refusal::Scope(scope.to_owned())) };
    if date != &sent[..8] || region.is_empty() || named != service || end != ending {
        return Err(Refusal::Scope(scope.to_owned()));
    }

    let body = sha256(&request.body);
    if request.header("x-jdcloud-content-sha256").is_some_and(|hash| hash != body) {
        return Err(Refusal::Body);
    }
    let canonical = format!(
        "{}\n{}\n{}\n{}\n{}\n{body}",
        request.method,
        canonical_path(request.path(), version),
        sorted_query(request),
        authorization.canonical_headers(request, str::to_owned).ok_or(Refusal::Missing("a signed header"))?,
        authorization.signed_headers.join(";"),
    );
    let to_sign = format!("{algorithm}\n{sent}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut signing = format!("{version}{}", key.secret_key).into_bytes();
    for part in [date, region, named, end] {
        signing = hmac(&signing, part);
    }
    if authorization.signature != hex(&hmac(&signing, &to_sign)) {
        return Err(Refusal::Signature(canonical));
    }
    session_token(request, key)?;
    Ok(key)
}

fn canonical_path(path: &str, version: &str) -> String {
    let mut path = encoded_path(path);
    while version == "JDCLOUD3" && path.contains("//") {
        path = path.replace("//", "/");
    }
    path
}

/// The documents do not say in which header a session token goes, nor in which form; the SDKs differ. All of theirs
/// are taken. Without temporary credentials the security token is the operation protection's, for the call to judge.
fn session_token(request: &Received, key: &Key) -> Result<(), Refusal> {
    let sent = request.header(SESSION_TOKEN).or_else(|| request.header(SECURITY_TOKEN));
    let Some(token) = &key.token else { return Ok(()) };
    let sent = sent.ok_or(Refusal::TokenMissing)?;
    if sent != token.value && sent != STANDARD.encode(&token.value) {
        return Err(Refusal::TokenWrong);
    }
    if token.expired { Err(Refusal::TokenExpired) } else { Ok(()) }
}
