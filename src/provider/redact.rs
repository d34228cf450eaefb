//! Takes the secrets out of a cloud's reply, so that it can be shown.

use serde_json::{Map, Value};

/// `value` without the members that hold a key or password, at any depth.
pub(super) fn redact(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(is_public).map(inner).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.into_iter().filter(is_harmless).map(redact).collect()),
        other => other,
    }
}

fn inner((name, value): (String, Value)) -> (String, Value) {
    (name, redact(value))
}

fn is_public((name, value): &(String, Value)) -> bool {
    // Clouds spell the same thing as PrivateKey, private_key and privateKey.
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let secret_parts = ["privatekey", "prikey", "keycontent", "password", "passwd", "passphrase", "secret", "token"];
    let is_secret = matches!(name.as_str(), "key" | "keyfile") || secret_parts.iter().any(|part| name.contains(part));
    // A flag that tells whether there is a password is not one.
    (!is_secret || matches!(value, Value::Bool(_) | Value::Null)) && is_harmless(value)
}

/// A key may also hide in a field whose name does not tell.
fn is_harmless(value: &Value) -> bool {
    // The second is how PEM begins in base64.
    !value.as_str().is_some_and(|text| text.contains("PRIVATE KEY") || text.contains("LS0tLS1CRUdJTi"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::redact;

    #[test]
    fn keys_and_passwords_go_the_rest_stays() {
        let reply = json!({
            "id": "28", "publicKeyBit": 2048, "KeyPasswordCustomFlag": true, "Tags": [{"TagKey": "env", "TagValue": "prod"}],
            "key": "k", "keyFile": "k", "CertificatePrivateKey": "k", "enc_private_key": "k",
            "EncryptPrivateKey": "MIIenvelope", "EncryptCert": "-----BEGIN CERTIFICATE-----", "certEncryptePassword": "k",
            "SubmittedData": {"KeyPassword": "k", "City": "北京"}, "list": ["-----BEGIN PRIVATE KEY-----", "a"],
            "notes": "-----BEGIN RSA PRIVATE KEY-----\n",
        });
        let shown = json!({
            "id": "28", "publicKeyBit": 2048, "KeyPasswordCustomFlag": true, "Tags": [{"TagKey": "env", "TagValue": "prod"}],
            "EncryptCert": "-----BEGIN CERTIFICATE-----", "SubmittedData": {"City": "北京"}, "list": ["a"],
        });
        assert_eq!(redact(reply), shown);
    }
}
