//! Each fault does what it says.

use std::io::{ErrorKind, Read as _};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::{Answer, Client, send};
use crate::sandbox::{Account, Cloud, Fault, Options, Plan, Sandbox};

/// An unsigned request: what a fault does not touch is refused with a small reply.
fn ask(sandbox: &Sandbox, cloud: Cloud) -> std::io::Result<Answer> {
    send(&sandbox.address(cloud).to_string(), "GET", "/v1/sslCert?pageNumber=1", &[], b"")
}

#[test]
fn statuses_in_every_clouds_words() {
    let sandbox = Sandbox::start(Options::default());
    for cloud in Cloud::ALL {
        for status in [401, 403, 404, 408, 429, 500, 502, 503, 504] {
            sandbox.fault(cloud, Fault::Status(status).times(1));
            let answer = ask(&sandbox, cloud).unwrap();
            assert_eq!((answer.status, answer.header("retry-after")), (status, None), "{cloud:?}");
            assert_eq!(answer.body.starts_with(b"{"), cloud != Cloud::Tencent, "{cloud:?}");
        }
        sandbox.fault(cloud, Fault::RetryAfter(429, 2).times(1));
        let answer = ask(&sandbox, cloud).unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("2")), "{cloud:?}");
        sandbox.fault(cloud, Fault::Busy.times(1));
        let answer = ask(&sandbox, cloud).unwrap();
        assert_eq!(answer.status, if cloud == Cloud::Tencent { 200 } else { 429 }, "{cloud:?}");
    }
}

#[test]
fn refused_until_cleared() {
    let sandbox = Sandbox::start(Options::default());
    for _ in 0..3 {
        sandbox.fault(Cloud::Jdcloud, Fault::Refused);
        assert_eq!(ask(&sandbox, Cloud::Jdcloud).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(ask(&sandbox, Cloud::Huawei).unwrap().status, 401, "the others are there");
        sandbox.clear(Cloud::Jdcloud);
        assert_eq!(ask(&sandbox, Cloud::Jdcloud).unwrap().status, 401);
    }
}

#[test]
fn connections_that_break() {
    let sandbox = Sandbox::start(Options::default());
    sandbox.fault(Cloud::Jdcloud, Fault::Reset.times(1));
    assert_eq!(ask(&sandbox, Cloud::Jdcloud).unwrap_err().kind(), ErrorKind::ConnectionReset);

    for (fault, end) in
        [(Fault::ResetMidReply, ErrorKind::ConnectionReset), (Fault::Truncated, ErrorKind::UnexpectedEof)]
    {
        sandbox.fault(Cloud::Jdcloud, fault.clone().times(1));
        let answer = ask(&sandbox, Cloud::Jdcloud).unwrap();
        assert_eq!(answer.end, Some(end), "{fault:?}");
        let promised: usize = answer.header("content-length").unwrap().parse().unwrap();
        assert_eq!(answer.body.len(), promised / 2, "{fault:?}");
    }
    let answer = ask(&sandbox, Cloud::Jdcloud).unwrap();
    assert_eq!((answer.status, answer.end), (401, None), "and then it is over");
}

#[test]
fn replies_that_never_end() {
    let sandbox = Sandbox::start(Options::default());
    sandbox.fault(Cloud::Jdcloud, Fault::Endless.times(1));
    assert!(ask(&sandbox, Cloud::Jdcloud).unwrap().body.len() > 8 << 20);

    sandbox.fault(Cloud::Jdcloud, Fault::Hang.times(1));
    let since = Instant::now();
    assert_eq!(ask(&sandbox, Cloud::Jdcloud).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(since.elapsed() >= Duration::from_secs(3));

    sandbox.fault(Cloud::Jdcloud, Fault::Drip.times(1));
    let host = sandbox.address(Cloud::Jdcloud).to_string();
    let slow = std::thread::spawn(move || send(&host, "GET", "/v1/sslCert", &[], b"").map(|answer| answer.status));
    std::thread::sleep(Duration::from_secs(2));
    assert!(!slow.is_finished(), "two seconds, eight bytes");
    // The sandbox goes while a reply is under way, and does not wait for it.
    drop(sandbox);
    assert!(slow.join().unwrap().is_ok());
}

#[test]
fn replies_that_are_no_clouds() {
    let sandbox = Sandbox::start(Options::default());
    let with = |fault: Fault| {
        sandbox.fault(Cloud::Ctyun, fault.times(1));
        ask(&sandbox, Cloud::Ctyun).unwrap()
    };
    let html = with(Fault::Html);
    assert_eq!((html.status, html.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let redirect = with(Fault::Status(302));
    assert_eq!((redirect.status, redirect.header("location").is_some()), (302, true));
    let empty = with(Fault::Empty);
    assert_eq!((empty.status, empty.body.len(), empty.end), (200, 0, None));
    assert!(String::from_utf8(with(Fault::InvalidUtf8).body).is_err());
    let deep = with(Fault::DeepJson).body;
    assert!(deep.len() == 200_000 && serde_json::from_slice::<Value>(&deep).is_err());

    let plain = ask(&sandbox, Cloud::Ctyun).unwrap();
    let zipped = with(Fault::Gzip);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&zipped.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.len(), plain.body.len());
}

#[test]
fn a_clock_that_is_off() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Tencent, Account::Healthy);
    sandbox.fault(Cloud::Tencent, Fault::Skew(-3600));
    let answer = client.action("DescribeCertificates", &json!({}));
    assert_eq!(answer.json()["Response"]["Error"]["Code"], "AuthFailure.SignatureExpire");
    let date = jiff::fmt::rfc2822::parse(answer.header("date").unwrap()).unwrap().timestamp();
    assert!((3595..=3605).contains(&Timestamp::now().duration_since(date).as_secs()));
    sandbox.clear(Cloud::Tencent);
    assert!(client.action("DescribeCertificates", &json!({})).json()["Response"]["TotalCount"].is_u64());
}

#[test]
fn material_that_is_wrong() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Ctyun, Account::Healthy);
    let certificate = sandbox.certificate(Cloud::Ctyun, Account::Healthy, "deep chain");
    let target = format!("/v1/getCertificate?certificateId={}", certificate.id);
    let got = || client.get(&target).json()["data"].clone();
    let count = |data: &Value| data["certs"].as_str().unwrap().matches("BEGIN CERTIFICATE").count();
    let good = got();
    assert_eq!(
        (good["key"].as_str(), count(&good)),
        (certificate.issued.as_ref().map(|issued| issued.key.as_str()), 5)
    );

    sandbox.fault(Cloud::Ctyun, Fault::WrongKey.times(1).on("getCertificate"));
    let bad = got();
    assert!(bad["key"] != good["key"] && bad["certs"] == good["certs"]);
    sandbox.fault(Cloud::Ctyun, Fault::MissingIntermediate.times(1));
    let bad = got();
    assert!(bad["key"] == good["key"] && count(&bad) == 4);
    assert_eq!(got(), good);
}

#[test]
fn faults_can_be_written() {
    let plan = |text: &str| text.parse::<Plan>();
    for (text, want) in [
        ("429", Plan::from(Fault::Status(429))),
        ("429x2", Fault::Status(429).times(2)),
        ("503:7x1@DownloadCertificate", Fault::RetryAfter(503, 7).times(1).on("DownloadCertificate")),
        ("skew:-3600", Fault::Skew(-3600).into()),
        ("reset", Fault::Reset.into()),
        ("hang@ListCertificates", Fault::Hang.on("ListCertificates")),
    ] {
        assert_eq!(plan(text), Ok(want), "{text}");
    }
    for text in ["", "x", "99", "600", "reset x2", "refusedx2", "skew:x"] {
        assert!(plan(text).is_err(), "{text}");
    }
}
