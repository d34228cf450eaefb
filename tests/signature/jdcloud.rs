use certctl::http::{Endpoint, Method, Request};
use certctl::provider::Seal;
use certctl::provider::jdcloud::sign;
use serde_json::Value;

use super::{at, borrowed, credentials, header, list, signed, stage, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/jdcloud.json")).unwrap()
}

/// Path and query of the URL on the wire.
fn target(url: &str) -> (&str, &str) {
    let path = url.find("://").and_then(|at| url[at + 3..].find('/').map(|slash| at + 3 + slash)).unwrap();
    url[path..].split_once('?').unwrap_or_else(|| (&url[path..], ""))
}

fn names(vector: &Value) -> &str {
    let authorization = text(vector, "authorization");
    authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap()
}

#[test]
fn each_stage() {
    for vector in list(&vectors(), "jdcloud2", 14) {
        let inputs = &vector["inputs"];
        let (date, region, service) = (text(inputs, "x_jdcloud_date"), text(inputs, "region"), text(inputs, "service"));
        let (path, query) = target(text(vector, "wire_url"));
        let headers = signed(&vector["sent_headers"], text(inputs, "endpoint"), names(vector));
        let (headers, body) = (borrowed(&headers), text(vector, "body").as_bytes());
        let canonical = sign::canonical_request(text(inputs, "method"), path, query, &headers, body);
        stage(vector, "canonical request", &canonical, text(vector, "canonical_request"));
        let scope = sign::scope(date, region, service);
        let string_to_sign = sign::string_to_sign(date, &scope, &canonical);
        stage(vector, "string to sign", &string_to_sign, text(vector, "string_to_sign"));
        let key = sign::signing_key(text(inputs, "secret_key"), date, region, service);
        stage(vector, "signing key", &certctl::digest::hex(&key), text(vector, "signing_key_hex"));
        let authorization = sign::authorization(text(inputs, "access_key"), &scope, &headers, &key, &string_to_sign);
        stage(vector, "authorization", &authorization, text(vector, "authorization"));
    }
}

#[test]
fn the_documents_own_examples() {
    let vectors = vectors();
    let published = list(&vectors, "published", 3);
    for (vector, path, query, body) in [
        (&published[0], "/v1/resource%3Aaction", "o=%25&p0=p0&p1=p1&u=u", "body data"),
        (&published[1], "/v1/regions/cn-north-1/instances", "pageNumber=2&pageSize=10", ""),
    ] {
        let inputs = &vector["inputs"];
        let (region, service) = (text(inputs, "region"), text(inputs, "service"));
        let mut given = inputs["signed_headers_in"].clone();
        if given.is_null() {
            given = serde_json::json!({"content-type": "application/json",
                "x-jdcloud-date": inputs["x_jdcloud_date"], "x-jdcloud-nonce": inputs["x_jdcloud_nonce"]});
        }
        let headers = signed(&given, "", names(vector));
        let headers = borrowed(&headers);
        let date = text(&given, "x-jdcloud-date");
        let canonical = sign::canonical_request(text(inputs, "method"), path, query, &headers, body.as_bytes());
        stage(vector, "canonical request", &canonical, text(vector, "canonical_request"));
        let scope = sign::scope(date, region, service);
        let string_to_sign = sign::string_to_sign(date, &scope, &canonical);
        stage(vector, "string to sign", &string_to_sign, text(vector, "string_to_sign"));
        let key = sign::signing_key(text(inputs, "secret_key"), date, region, service);
        let authorization = sign::authorization(text(inputs, "access_key"), &scope, &headers, &key, &string_to_sign);
        stage(vector, "authorization", &authorization, text(vector, "authorization"));
    }
}

/// The other algorithm's canonical request is made by the same recipe.
#[test]
fn canonical_requests_of_jdcloud3() {
    for vector in list(&vectors(), "jdcloud3", 28) {
        let inputs = &vector["inputs"];
        let (path, query) = target(text(vector, "wire_url"));
        let headers = signed(&vector["sent_headers"], text(inputs, "endpoint"), names(vector));
        let body = text(vector, "body").as_bytes();
        let canonical = sign::canonical_request(text(inputs, "method"), path, query, &borrowed(&headers), body);
        stage(vector, "canonical request", &canonical, text(vector, "canonical_request"));
    }
}

/// The requests that certctl makes, as it makes them.
#[test]
fn whole_requests() {
    let vectors = vectors();
    for (name, path, query) in [
        ("list_no_query", "/v1/sslCert", &[][..]),
        ("list_paged", "/v1/sslCert", &[("pageNumber", "1"), ("pageSize", "100")]),
        (
            "list_wildcard_domain",
            "/v1/sslCert",
            &[("pageNumber", "2"), ("pageSize", "50"), ("domainName", "*.example.com")],
        ),
        ("list_unicode_alias_space_plus", "/v1/sslCert", &[("pageNumber", "1"), ("certIds", "证书 a+b/c~d")]),
        ("describe", "/v1/sslCert/cert-abc123", &[]),
        ("download_current_form", "/v1/sslCert/cert-abc123%3Adownload", &[("serverType", "Nginx")]),
        ("download_with_mfa_token", "/v1/sslCert/cert-abc123%3Adownload", &[("serverType", "Tomcat")]),
    ] {
        let vector = list(&vectors, "jdcloud2", 14).iter().find(|vector| vector["name"] == name).unwrap();
        let inputs = &vector["inputs"];
        let endpoint = Endpoint::parse("https://ssl.jdcloud-api.com").unwrap();
        let mut request =
            Request::new(Method::Get, &endpoint, path).query(query).header("content-type", "application/json");
        if let Some(value) = inputs["user_headers"]["x-jdcloud-security-token"].as_str() {
            request = request.header(sign::SECURITY_TOKEN, sign::encode_mfa(value));
        }
        let credentials = credentials(inputs, "access_key", "secret_key", None);
        let now = at(text(inputs, "x_jdcloud_date"), 0);
        let signed =
            sign::sign(&request, &Seal { credentials: &credentials, now, nonce: text(inputs, "x_jdcloud_nonce") });
        stage(vector, "URL", &request.url(), text(vector, "wire_url"));
        stage(vector, "string to sign", &signed.string_to_sign, text(vector, "string_to_sign"));
        stage(vector, "authorization", header(&signed.headers, "authorization"), text(vector, "authorization"));
    }
}

#[test]
fn temporary_credentials_are_signed_in_the_header_that_is_free() {
    let endpoint = Endpoint::parse("https://ssl.jdcloud-api.com").unwrap();
    let inputs = serde_json::json!({"ak": "a", "sk": "s"});
    let credentials = credentials(&inputs, "ak", "sk", Some("token"));
    let seal = Seal { credentials: &credentials, now: at("20240102T030405Z", 0), nonce: "n" };
    let plain = Request::new(Method::Get, &endpoint, "/v1/sslCert");
    let signed = sign::sign(&plain, &seal);
    assert_eq!(header(&signed.headers, "x-jdcloud-security-token"), "token");
    assert!(header(&signed.headers, "authorization").contains(";x-jdcloud-security-token, "));
    let protected = plain.header(sign::SECURITY_TOKEN, sign::encode_mfa("123456"));
    let signed = sign::sign(&protected, &seal);
    assert_eq!(header(&signed.headers, "x-jdcloud-session-token"), "token");
    assert!(header(&signed.headers, "authorization").contains(";x-jdcloud-security-token;x-jdcloud-session-token, "));
}
