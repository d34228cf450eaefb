//! CTyun's EOP gateway: method, path and host are not signed, and `eop-date` is Beijing time although it ends in Z.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Key, Refusal, basic_time, hmac, known, sha256, within};
use crate::sandbox::wire::Received;

const BEIJING: i64 = 8;

/// Whose request it is.
pub(crate) fn verify<'k>(request: &Received, keys: &'k [Key], now: Timestamp) -> Result<&'k Key, Refusal> {
    let value = request.header("eop-authorization").ok_or(Refusal::Missing("eop-authorization"))?;
    let parts: Vec<&str> = value.split(' ').collect();
    let [access_key, names, signature] = parts[..] else { return Err(Refusal::Malformed("eop-authorization")) };
    let signature = signature.strip_prefix("Signature=").ok_or(Refusal::Malformed("eop-authorization"))?;
    if names != "Headers=ctyun-eop-request-id;eop-date" {
        return Err(Refusal::Malformed("eop-authorization"));
    }
    let key = known(keys, access_key)?;

    let id = request.header("ctyun-eop-request-id").ok_or(Refusal::Missing("ctyun-eop-request-id"))?;
    let date = request.header("eop-date").ok_or(Refusal::Missing("eop-date"))?;
    within(15, basic_time(&date, BEIJING).ok_or(Refusal::Malformed("eop-date"))?, now)?;

    let to_sign = format!(
        "ctyun-eop-request-id:{id}\neop-date:{date}\n\n{}\n{}",
        sorted_as_sent(request.query()),
        sha256(&request.body)
    );
    let mut signing = key.secret_key.clone().into_bytes();
    for part in [&date, access_key, &date[..8]] {
        signing = hmac(&signing, part);
    }
    if signature != STANDARD.encode(hmac(&signing, &to_sign)) {
        return Err(Refusal::Signature(to_sign));
    }
    Ok(key)
}

/// The pairs as they were encoded on the wire, sorted by name.
fn sorted_as_sent(query: &str) -> String {
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_by_key(|pair| pair.split('=').next());
    pairs.join("&")
}
