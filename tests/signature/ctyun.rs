use certctl::digest::{hex, hmac_sha256};
use certctl::http::{Endpoint, Method, Request};
use certctl::provider::Seal;
use certctl::provider::ctyun::sign;
use serde_json::Value;

use super::{at, credentials, header, list, stage, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/ctyun.json")).unwrap()
}

#[test]
fn each_stage() {
    let vectors = vectors();
    for vector in list(&vectors, "vectors", 15) {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let (date, query, body) = (text(input, "eop_date"), text(expected, "canonical_query"), text(input, "body"));
        let string_to_sign = sign::string_to_sign(text(input, "request_id"), date, query, body.as_bytes());
        stage(vector, "string to sign", &string_to_sign, text(expected, "string_to_sign"));
        let (access_key, secret_key) = (text(input, "access_key"), text(input, "secret_key"));
        let key = sign::signing_key(secret_key, access_key, date);
        stage(vector, "signing key", &hex(&key), text(expected, "k_date_hex"));
        let authorization = sign::authorization(access_key, &key, &string_to_sign);
        stage(vector, "authorization", &authorization, text(expected, "eop_authorization"));
    }
}

#[test]
fn the_key_chain_of_another_client() {
    let vectors = vectors();
    for vector in list(&vectors, "raw_key_chain_checks", 1) {
        let key = sign::signing_key(text(vector, "secret_key"), text(vector, "access_key"), text(vector, "eop_date"));
        let authorization = sign::authorization("1", &key, text(vector, "string_to_sign"));
        assert!(authorization.ends_with(&format!(" Signature={}", text(vector, "signature"))), "{authorization}");
        assert_ne!(key, hmac_sha256(b"", b""));
    }
}

/// The requests that certctl makes, as it makes them. The date is Beijing's.
#[test]
fn whole_requests() {
    let vectors = vectors();
    for vector in list(&vectors, "vectors", 15) {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        if text(input, "method") != "GET" {
            continue;
        }
        let endpoint = Endpoint::parse("https://ecx-global.ctapi.ctyun.cn").unwrap();
        let pairs = input["query"].as_array().unwrap();
        let pairs: Vec<_> = pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect();
        let request = Request::new(Method::Get, &endpoint, text(input, "path")).query(&pairs);
        stage(vector, "query", request.query_string(), text(expected, "canonical_query"));
        let credentials = credentials(input, "access_key", "secret_key", None);
        let seal =
            Seal { credentials: &credentials, now: at(text(input, "eop_date"), 8), nonce: text(input, "request_id") };
        let signed = sign::sign(&request, &seal);
        stage(vector, "date", header(&signed.headers, "eop-date"), text(input, "eop_date"));
        stage(vector, "string to sign", &signed.string_to_sign, text(expected, "string_to_sign"));
        let authorization = header(&signed.headers, "eop-authorization");
        stage(vector, "authorization", authorization, text(expected, "eop_authorization"));
    }
}
