use certctl::http::{Endpoint, Method, Request};
use certctl::provider::Seal;
use certctl::provider::huawei::sign;
use serde_json::Value;

use super::{at, borrowed, credentials, header, list, signed, stage, text};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/huawei.json")).unwrap()
}

/// The headers that were signed, with those that the SDK added to the given ones.
fn headers_of(vector: &Value) -> Vec<(String, String)> {
    let sent = &vector["expected"]["headers_sent"];
    let headers = if sent.is_null() { &vector["input"]["headers"] } else { sent };
    signed(headers, text(&vector["input"], "host"), text(&vector["expected"], "signed_headers"))
}

/// Query pairs as text, as the SDK writes them.
fn pairs(query: &Value) -> Vec<(String, String)> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let pair = |pair: &Value| match &pair[1] {
        Value::Array(values) => values.iter().map(|value| (word(&pair[0]), word(value))).collect::<Vec<_>>(),
        value => vec![(word(&pair[0]), word(value))],
    };
    query.as_array().unwrap().iter().flat_map(pair).collect()
}

fn request(vector: &Value) -> Request {
    let input = &vector["input"];
    let method = if text(input, "method") == "GET" { Method::Get } else { Method::Post };
    let endpoint = Endpoint::parse(&format!("https://{}", text(input, "host"))).unwrap();
    let pairs = pairs(&input["query"]);
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Request::new(method, &endpoint, text(input, "path")).query(&pairs)
}

#[test]
fn each_stage() {
    let vectors = vectors();
    for vector in list(&vectors, "vectors", 19) {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let (request, headers) = (request(vector), headers_of(vector));
        let headers = borrowed(&headers);
        if let Some(target) = expected["request_uri"].as_str().filter(|target| target.contains('?')) {
            stage(vector, "query", &format!("{}?{}", request.path(), request.query_string()), target);
        }
        let (method, path, query) = (text(input, "method"), request.path(), request.query_string());
        let canonical = sign::canonical_request(method, path, query, &headers, text(input, "body").as_bytes());
        // A body that is declared unsigned has the declaration in the place of its hash.
        let declared = headers.iter().find(|(name, _)| *name == "x-sdk-content-sha256").map(|(_, value)| value);
        let canonical = match declared {
            Some(declared) => format!("{}\n{declared}", canonical.rsplit_once('\n').unwrap().0),
            None => canonical,
        };
        stage(vector, "canonical request", &canonical, text(expected, "canonical_request"));
        let date = headers.iter().find(|(name, _)| *name == "x-sdk-date").map(|(_, value)| value).unwrap();
        let string_to_sign = sign::string_to_sign(date, &canonical);
        stage(vector, "string to sign", &string_to_sign, text(expected, "string_to_sign"));
        let (access_key, secret_key) = (text(input, "access_key"), text(input, "secret_key"));
        let authorization = sign::authorization(access_key, &headers, secret_key, &string_to_sign);
        stage(vector, "authorization", &authorization, text(expected, "authorization"));
    }
}

/// The requests that certctl makes, as it makes them.
#[test]
fn whole_requests() {
    let vectors = vectors();
    let names = [
        "v3_list_minimal_headers",
        "v3_list_basic_project_id",
        "v3_show_global_domain_id",
        "v3_export_empty_post_security_token",
        "v2_cert_file",
        "v2_certlist",
        "query_special_chars_and_utf8",
        "host_with_port",
    ];
    for name in names {
        let vector = list(&vectors, "vectors", 19).iter().find(|vector| vector["name"] == name).unwrap();
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let mut request = request(vector);
        for (header, value) in headers_of(vector) {
            request = match header.as_str() {
                "content-type" => request.header("content-type", value),
                "x-project-id" => request.header("x-project-id", value),
                "x-domain-id" => request.header("x-domain-id", value),
                _ => request,
            };
        }
        let token = input["credential"]["security_token"].as_str();
        let credentials = credentials(input, "access_key", "secret_key", token);
        let now = at(text(&input["headers"], "X-Sdk-Date"), 0);
        let signed = sign::sign(&request, &Seal { credentials: &credentials, now, nonce: "unused" });
        stage(vector, "string to sign", &signed.string_to_sign, text(expected, "string_to_sign"));
        stage(vector, "authorization", header(&signed.headers, "authorization"), text(expected, "authorization"));
    }
}
