//! Secrets where a configuration says they are.

use certctl::credential::{Credentials, SecretSource};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Home, logged, no_canary};

fn resolve(home: &Home, source: &Value) -> Result<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let source = match source {
        Value::String(secret) => SecretSource::Literal(secret.as_str().into()),
        source if source["env"].is_string() => SecretSource::Env(text(&source["env"])),
        source => SecretSource::File(text(&source["file"]).into()),
    };
    no_canary(&source);
    let environment = home.environment(&[("SET", " canary "), ("BLANK", " ")]);
    let (outcome, _) = logged(|| source.resolve(&environment));
    no_canary(&outcome);
    outcome.map(|secret| secret.expose_secret().to_owned()).map_err(|error| error.to_string())
}

#[test]
fn every_kind() {
    let home = Home::new();
    let file = |name: &str, content: &[u8], mode| json!({"file": home.put_as(name, content, mode)});
    let path = home.path("x").display().to_string();
    for (source, expected) in [
        (json!("canary"), Ok("canary")),
        (json!(" pass word "), Ok(" pass word ")),
        (json!(""), Err("the configuration has no secret".to_owned())),
        (json!({"env": "SET"}), Ok("canary")),
        (json!({"env": "BLANK"}), Err("the environment variable BLANK is not set".to_owned())),
        (json!({"env": "UNSET"}), Err("the environment variable UNSET is not set".to_owned())),
        (file("a", b"canary", 0o600), Ok("canary")),
        (file("b", b"canary\n", 0o400), Ok("canary")),
        (file("c", b"canary \r\n", 0o600), Ok("canary ")),
        (file("d", b"canary\n\n", 0o600), Ok("canary\n")),
        (file("e", "\u{feff}canaryß".as_bytes(), 0o600), Ok("canaryß")),
        (file("g", b"canary", 0o640), Ok("canary")),
        (file("x", b"canary", 0o644), Err(format!("{path} holds secrets, but its mode 0644 lets others at it"))),
        (file("x1", b"\n", 0o600), Err(format!("{path}1 has no secret"))),
        (file("x2", b"\xff", 0o600), Err(format!("{path}2 is not UTF-8 text"))),
        (json!({"file": format!("{path}3")}), Err(format!("{path}3 is not there"))),
        (json!({"file": format!("{path}/4")}), Err(format!("{path}/4 is not there"))),
        (json!({"file": "/"}), Err("/ is not a regular file".to_owned())),
        (json!({"file": "/dev/null"}), Err("/dev/null is not a regular file".to_owned())),
    ] {
        assert_eq!(resolve(&home, &source), expected.map(ToOwned::to_owned), "{source}");
    }
}

#[test]
fn credentials_of_several_sources() {
    let home = Home::new();
    let key = home.put("key", "canary\n");
    let environment = home.environment(&[("TX_ID", "id"), ("TX_ODD", "canary canary")]);
    let [id, odd, unset] = ["TX_ID", "TX_ODD", "UNSET"].map(|name| SecretSource::Env(name.to_owned()));
    let (key, token) = (SecretSource::File(key), SecretSource::Literal("canary-token".into()));
    let broken = SecretSource::Literal("canary\r\nx-a: b".into());
    let resolve = |access_key, secret_key, token| {
        let outcome = Credentials::resolve(access_key, secret_key, token, None, &environment);
        no_canary(&outcome);
        outcome.map_err(|error| error.to_string())
    };
    let credentials = resolve(&id, &key, Some(&token)).unwrap();
    assert_eq!(credentials.access_key, "id");
    assert_eq!(credentials.scrub("canary-token canary"), "***-token ***");
    assert_eq!(credentials.session_token.unwrap().expose_secret(), "canary-token");
    assert!(resolve(&id, &key, None).unwrap().session_token.is_none());
    for (outcome, message) in [
        (resolve(&odd, &key, None), "access_key in the environment variable TX_ODD holds a line break, a blank"),
        (resolve(&id, &broken, None), "secret_key in the configuration holds a line break"),
        (resolve(&id, &key, Some(&unset)), "the environment variable UNSET is not set"),
    ] {
        let error = outcome.unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
}
