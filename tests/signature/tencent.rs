use certctl::http::{Endpoint, Method, Request};
use certctl::provider::Seal;
use certctl::provider::tencent::sign;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{borrowed, credentials, header, list, signed, stage, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/tencent.json")).unwrap()
}

fn check(vector: &Value, headers: &Value, query: &str, body: &[u8]) {
    let inputs = &vector["inputs"];
    let (host, service, timestamp) =
        (text(inputs, "host"), text(inputs, "service"), inputs["timestamp"].as_i64().unwrap());
    let authorization = text(vector, "authorization");
    let names = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let headers = signed(headers, host, names);
    let headers = borrowed(&headers);
    let canonical = sign::canonical_request(text(inputs, "method"), "/", query, &headers, body);
    stage(vector, "canonical request", &canonical, text(vector, "canonical_request"));
    let date = sign::date(Timestamp::from_second(timestamp).unwrap());
    let string_to_sign = sign::string_to_sign(timestamp, &date, service, &canonical);
    stage(vector, "string to sign", &string_to_sign, text(vector, "string_to_sign"));
    let key = sign::signing_key(text(inputs, "secret_key"), &date, service);
    stage(vector, "signing key", &certctl::digest::hex(&key), text(vector, "signing_key_hex"));
    let (access_key, scope) = (text(inputs, "secret_id"), sign::scope(&date, service));
    stage(
        vector,
        "authorization",
        &sign::authorization(access_key, &scope, &headers, &key, &string_to_sign),
        authorization,
    );
}

#[test]
fn the_documents_own_examples() {
    for vector in list(&vectors(), "published", 2) {
        check(vector, &vector["inputs"]["signed_headers_in"], "", text(vector, "body").as_bytes());
    }
}

#[test]
fn each_stage() {
    for vector in list(&vectors(), "sdk", 13) {
        let sent = &vector["sent_headers"];
        let headers = if sent.is_null() { &vector["signed_headers_in"] } else { sent };
        let is_unsigned = headers["X-TC-Content-SHA256"] == "UNSIGNED-PAYLOAD";
        let body = if is_unsigned { "UNSIGNED-PAYLOAD" } else { text(vector, "body") };
        check(vector, headers, text(vector, "query"), body.as_bytes());
    }
}

/// A request that certctl makes, as it makes it: content type, host and nothing else is signed.
#[test]
fn whole_request() {
    let vectors = vectors();
    let vector = list(&vectors, "sdk", 13).iter().find(|vector| vector["name"] == "list_post_empty_object").unwrap();
    let inputs = &vector["inputs"];
    let endpoint = Endpoint::parse("https://ssl.tencentcloudapi.com").unwrap();
    let request = Request::new(Method::Post, &endpoint, "/")
        .header("content-type", "application/json")
        .header("x-tc-action", "DescribeCertificates")
        .json(&json!({}));
    let credentials = credentials(inputs, "secret_id", "secret_key", Some("token"));
    let now = Timestamp::from_second(inputs["timestamp"].as_i64().unwrap()).unwrap();
    let signed = sign::sign(&request, &Seal { credentials: &credentials, now, nonce: "unused" });
    stage(vector, "string to sign", &signed.string_to_sign, text(vector, "string_to_sign"));
    stage(vector, "authorization", header(&signed.headers, "authorization"), text(vector, "authorization"));
    assert_eq!(header(&signed.headers, "x-tc-token"), "token");
}
