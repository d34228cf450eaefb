//! The signature checks against vectors made with the clouds' own SDKs, and against the same with one byte changed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sandbox::signature::{self, Key, Refusal, Token};
use crate::sandbox::wire::Received;

/// A whole request of a vector file, and what it takes to judge it.
struct Vector {
    name: String,
    request: Received,
    key: Key,
    now: Timestamp,
    verify: fn(&Received, &[Key], Timestamp) -> Result<(), Refusal>,
    /// Whether method and path are signed.
    path_signed: bool,
    authorization: &'static str,
}

const JDCLOUD: &str = include_str!("../../vectors/jdcloud.json");
const TENCENT: &str = include_str!("../../vectors/tencent.json");
const HUAWEI: &str = include_str!("../../vectors/huawei.json");
const CTYUN: &str = include_str!("../../vectors/ctyun.json");

#[test]
fn the_sdks_requests_are_accepted() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 14 + 28 + 3 + 13 + 2 + 19 + 15, "every vector that is a request");
    for Vector { name, request, key, now, verify, .. } in vectors {
        assert_eq!(verify(&request, &[Key::default(), key], now), Ok(()), "{name}");
    }
}

#[test]
fn every_signed_byte_counts() {
    let mut changed = 0;
    for vector in vectors() {
        for request in mutants(&vector) {
            let verdict = (vector.verify)(&request, std::slice::from_ref(&vector.key), vector.now);
            assert!(verdict.is_err(), "{}: {request:?}", vector.name);
            changed += 1;
        }
    }
    assert!(changed > 10_000, "{changed} requests tried");
}

#[test]
fn time_counts() {
    for vector in vectors() {
        let minutes = if vector.name.starts_with("tencent") { 5 } else { 15 };
        for (off, good) in [(minutes * 60, true), (minutes * 60 + 1, false)] {
            for off in [SignedDuration::from_secs(off), SignedDuration::from_secs(-off)] {
                let now = vector.now.checked_add(off).unwrap();
                let verdict = (vector.verify)(&vector.request, std::slice::from_ref(&vector.key), now);
                let want = if good { Ok(()) } else { Err(Refusal::Clock(-off)) };
                assert_eq!(verdict, want, "{} {off:?}", vector.name);
            }
        }
    }
}

#[test]
fn keys_and_tokens_count() {
    for mut vector in vectors() {
        let judge = |request: &Received, key: Key| (vector.verify)(request, &[key], vector.now);
        let secret = Key { secret_key: format!("{}x", vector.key.secret_key), ..vector.key.clone() };
        assert!(matches!(judge(&vector.request, secret), Err(Refusal::Signature(_))), "{}", vector.name);
        let other = Key { access_key: "other".into(), ..vector.key.clone() };
        assert!(matches!(judge(&vector.request, other), Err(Refusal::UnknownKey(_))), "{}", vector.name);
        let Some(token) = &vector.key.token else { continue };
        let expired = Key { token: Some(Token { expired: true, ..token.clone() }), ..vector.key.clone() };
        assert_eq!(judge(&vector.request, expired), Err(Refusal::TokenExpired), "{}", vector.name);
        let wrong = Key { token: Some(Token { value: "x".into(), expired: false }), ..vector.key.clone() };
        assert_eq!(judge(&vector.request, wrong), Err(Refusal::TokenWrong), "{}", vector.name);
        if vector.name.starts_with("tencent") {
            // Not signed, so it can be left out.
            vector.request.headers.retain(|(name, _)| name != "x-tc-token");
            let verdict = (vector.verify)(&vector.request, std::slice::from_ref(&vector.key), vector.now);
            assert_eq!(verdict, Err(Refusal::TokenMissing));
        }
    }
}

/// The vector's request with every signed byte changed in turn.
fn mutants(vector: &Vector) -> Vec<Received> {
    let changed = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let original = &vector.request;
    let mut all = Vec::new();
    let from = if vector.path_signed { 0 } else { original.path().len() + 1 };
    for at in from..original.target.len() {
        all.push(Received { target: changed(&original.target, at), ..original.clone() });
    }
    for at in 0..original.body.len() {
        let mut body = original.body.clone();
        body[at] ^= 1;
        let unsigned = original.header("x-tc-content-sha256").or_else(|| original.header("x-sdk-content-sha256"));
        if unsigned.is_none() {
            all.push(Received { body, ..original.clone() });
        }
    }
    if vector.path_signed {
        all.push(Received { method: "PUT".into(), ..original.clone() });
    }
    let value = original.header(vector.authorization).unwrap();
    let (_, signed) = value.split_once("Headers=").unwrap();
    let signed = signed.split([',', ' ']).next().unwrap();
    let names: Vec<&str> = signed.split(';').chain([vector.authorization]).collect();
    for (index, (name, value)) in original.headers.iter().enumerate() {
        for at in (0..value.len()).filter(|_| names.contains(&name.as_str())) {
            let mut request = original.clone();
            request.headers[index].1 = changed(value, at);
            all.push(request);
        }
        if names.contains(&name.as_str()) {
            let mut request = original.clone();
            request.headers.remove(index);
            all.push(request);
        }
    }
    all
}

fn vectors() -> Vec<Vector> {
    [jdcloud(), tencent(), huawei(), ctyun()].into_iter().flatten().collect()
}

fn jdcloud() -> Vec<Vector> {
    let file: Value = serde_json::from_str(JDCLOUD).unwrap();
    let mut all = Vec::new();
    for set in ["published", "jdcloud2", "jdcloud3"] {
        for vector in file[set].as_array().unwrap() {
            let inputs = &vector["inputs"];
            let url = inputs["url"]
                .as_str()
                .or_else(|| vector["wire_url"].as_str())
                .map_or_else(|| format!("http://{}{}", text(&inputs["host"]), text(&inputs["path"])), str::to_owned);
            let (_, rest) = url.split_once("://").unwrap();
            let (host, target) = rest.split_once('/').unwrap();
            let sent = if set == "published" { &inputs["signed_headers_in"] } else { &vector["sent_headers"] };
            let mut headers = pairs(sent);
            headers.push(("host".into(), host.to_owned()));
            for name in ["x-jdcloud-date", "x-jdcloud-nonce"] {
                let given = &inputs[name.replace('-', "_")];
                if given.is_string() && !headers.iter().any(|(n, _)| n == name) {
                    headers.push((name.into(), text(given)));
                }
            }
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".into(), "application/json".into()));
            }
            headers.push(("authorization".into(), text(&vector["authorization"])));
            let body = vector["body"].as_str().or_else(|| inputs["body"].as_str()).unwrap_or_default();
            let request = Received {
                method: text(&inputs["method"]),
                target: format!("/{target}"),
                headers,
                body: body.as_bytes().to_vec(),
            };
            // The token of temporary credentials; the operation protection's is for the download to judge.
            let token = request.header("x-jdcloud-session-token").or_else(|| {
                let sent =
                    request.header("x-jdcloud-security-token").filter(|_| text(&vector["name"]).contains("sts"))?;
                Some(String::from_utf8(STANDARD.decode(sent).unwrap()).unwrap())
            });
            all.push(Vector {
                name: format!("jdcloud {}", text(&vector["name"])),
                key: key(&inputs["access_key"], &inputs["secret_key"], token),
                now: basic(&request.header("x-jdcloud-date").unwrap()),
                request,
                verify: match inputs["service"].as_str().unwrap() {
                    "ssl" => |request, keys, now| signature::jdcloud::verify(request, keys, "ssl", now).map(drop),
                    "test" => |request, keys, now| signature::jdcloud::verify(request, keys, "test", now).map(drop),
                    "service_name" => {
                        |request, keys, now| signature::jdcloud::verify(request, keys, "service_name", now).map(drop)
                    }
                    _ => |request, keys, now| {
                        signature::jdcloud::verify(request, keys, "apigatewaytestproductline", now).map(drop)
                    },
                },
                path_signed: true,
                authorization: "authorization",
            });
        }
    }
    all
}

fn tencent() -> Vec<Vector> {
    let file: Value = serde_json::from_str(TENCENT).unwrap();
    let mut all = Vec::new();
    for set in ["published", "sdk"] {
        for vector in file[set].as_array().unwrap() {
            let inputs = &vector["inputs"];
            let signed = vector.get("signed_headers_in").unwrap_or_else(|| &inputs["signed_headers_in"]);
            let mut headers = pairs(vector.get("sent_headers").unwrap_or(signed));
            if !headers.iter().any(|(name, _)| name == "host") {
                headers.push(("host".into(), text(&inputs["host"])));
            }
            let seconds = inputs["timestamp"].as_i64().unwrap();
            if !headers.iter().any(|(name, _)| name == "x-tc-timestamp") {
                headers.push(("x-tc-timestamp".into(), seconds.to_string()));
            }
            headers.push(("authorization".into(), text(&vector["authorization"])));
            let query = vector["query"].as_str().filter(|query| !query.is_empty());
            let request = Received {
                method: text(&inputs["method"]),
                target: query.map_or_else(|| "/".to_owned(), |query| format!("/?{query}")),
                headers,
                body: vector["body"].as_str().unwrap_or_default().as_bytes().to_vec(),
            };
            all.push(Vector {
                name: format!("tencent {}", text(&vector["name"])),
                key: key(&inputs["secret_id"], &inputs["secret_key"], request.header("x-tc-token")),
                request,
                now: Timestamp::from_second(seconds).unwrap(),
                verify: if inputs["service"] == "ssl" {
                    |request, keys, now| signature::tencent::verify(request, keys, "ssl", now).map(drop)
                } else {
                    |request, keys, now| signature::tencent::verify(request, keys, "cvm", now).map(drop)
                },
                path_signed: true,
                authorization: "authorization",
            });
        }
    }
    all
}

fn huawei() -> Vec<Vector> {
    let file: Value = serde_json::from_str(HUAWEI).unwrap();
    let mut all = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        // The Go SDK's own vectors have neither headers as sent nor a request line.
        let mut headers = pairs(expected.get("headers_sent").unwrap_or_else(|| &input["headers"]));
        headers.push(("authorization".into(), text(&expected["authorization"])));
        let plain = || {
            format!(
                "{}?{}",
                text(&input["path"]),
                expected["canonical_request"].as_str().unwrap().split('\n').nth(2).unwrap()
            )
        };
        let request = Received {
            method: text(&input["method"]),
            target: expected["request_uri"].as_str().map_or_else(plain, str::to_owned),
            headers,
            body: text(&input["body"]).into_bytes(),
        };
        all.push(Vector {
            name: format!("huawei {}", text(&vector["name"])),
            key: key(&input["access_key"], &input["secret_key"], request.header("x-security-token")),
            now: basic(&request.header("x-sdk-date").unwrap()),
            request,
            verify: |request, keys, now| signature::huawei::verify(request, keys, now).map(drop),
            path_signed: true,
            authorization: "authorization",
        });
    }
    all
}

fn ctyun() -> Vec<Vector> {
    let file: Value = serde_json::from_str(CTYUN).unwrap();
    let mut all = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let query = text(&expected["canonical_query"]);
        let headers = vec![
            ("ctyun-eop-request-id".into(), text(&input["request_id"])),
            ("eop-date".into(), text(&input["eop_date"])),
            ("eop-authorization".into(), text(&expected["eop_authorization"])),
        ];
        all.push(Vector {
            name: format!("ctyun {}", text(&vector["name"])),
            request: Received {
                method: text(&input["method"]),
                target: format!("{}?{query}", text(&input["path"])),
                headers,
                body: text(&input["body"]).into_bytes(),
            },
            key: key(&input["access_key"], &input["secret_key"], None),
            // The date is Beijing's.
            now: basic(&text(&input["eop_date"])).checked_sub(SignedDuration::from_hours(8)).unwrap(),
            verify: |request, keys, now| signature::ctyun::verify(request, keys, now).map(drop),
            path_signed: false,
            authorization: "eop-authorization",
        });
    }
    all
}

fn key(access_key: &Value, secret_key: &Value, token: Option<String>) -> Key {
    let token = token.map(|value| Token { value, expired: false });
    Key { access_key: text(access_key), secret_key: text(secret_key), token, mfa: None }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pairs(headers: &Value) -> Vec<(String, String)> {
    headers.as_object().into_iter().flatten().map(|(name, value)| (name.to_lowercase(), text(value))).collect()
}

fn basic(date: &str) -> Timestamp {
    DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap().to_zoned(TimeZone::UTC).unwrap().timestamp()
}
