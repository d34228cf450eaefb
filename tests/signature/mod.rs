//! Every signer against the vectors made with the clouds' own SDKs, stage by stage, so that a failure names the step.

mod ctyun;
mod huawei;
mod jdcloud;
mod tencent;

use certctl::credential::Credentials;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;

/// One stage of one vector.
fn stage(vector: &Value, name: &str, got: &str, want: &str) {
    assert_eq!(got, want, "{name} of vector {}", vector["name"]);
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

fn list<'a>(vectors: &'a Value, key: &str, at_least: usize) -> &'a [Value] {
    let list = vectors[key].as_array().unwrap_or_else(|| panic!("no list `{key}`"));
    assert!(list.len() >= at_least, "only {} vectors in `{key}`", list.len());
    list
}

/// The headers of an object that a `SignedHeaders` list names, with the host.
fn signed(headers: &Value, host: &str, names: &str) -> Vec<(String, String)> {
    let headers = headers.as_object().unwrap_or_else(|| panic!("no headers"));
    let value = |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let value = |name: &str| value(name).and_then(Value::as_str).or_else(|| (name == "host").then_some(host));
    names
        .split(';')
        .map(|name| (name.to_owned(), value(name).unwrap_or_else(|| panic!("no {name}")).to_owned()))
        .collect()
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, String)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
}

/// The time of `20240102T030405Z`, which is `hours` ahead of UTC.
fn at(date: &str, hours: i8) -> Timestamp {
    let time: DateTime = date.trim_end_matches('Z').parse().unwrap_or_else(|error| panic!("{date}: {error}"));
    let zone = TimeZone::fixed(Offset::constant(hours));
    time.to_zoned(zone).unwrap_or_else(|error| panic!("{date}: {error}")).timestamp()
}

fn credentials(inputs: &Value, access_key: &str, secret_key: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key: text(inputs, access_key).to_owned(),
        secret_key: text(inputs, secret_key).into(),
        session_token: token.map(Into::into),
        mfa: None,
    }
}

/// A header that the signer returned.
fn header<'a>(headers: &'a [(&str, String)], name: &str) -> &'a str {
    headers.iter().find(|(key, _)| *key == name).map_or_else(|| panic!("no {name}"), |(_, value)| value)
}
