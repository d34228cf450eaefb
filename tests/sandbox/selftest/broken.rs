//! What breaks HTTP, what is packed, and what is said instead.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use serde_json::{Value, json};

use super::client::{Client, send};
use crate::sandbox::broken::{Packing, Wire};
use crate::sandbox::edit::{Edit, Lie};
use crate::sandbox::{Account, Cloud, Fault, Options, Plan, Sandbox};

/// All that comes, up to so many bytes, and how it ended.
fn raw(wire: Wire, most: usize) -> (Vec<u8>, Option<ErrorKind>) {
    let sandbox = Sandbox::start(Options::default());
    sandbox.fault(Cloud::Jdcloud, wire);
    let mut stream = TcpStream::connect(sandbox.address(Cloud::Jdcloud)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut got = Vec::new();
    let mut buffer = [0; 1 << 16];
    while got.len() < most {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => got.extend_from_slice(&buffer[..count]),
            Err(error) => return (got, Some(error.kind())),
        }
    }
    (got, None)
}

#[test]
fn http_that_is_broken() {
    const MOST: usize = 8 << 20;
    for (name, wire) in Wire::NAMES {
        let (got, end) = raw(wire, MOST);
        assert_eq!(format!("wire:{name}").parse::<Plan>().unwrap().fault, wire.into());
        let stays = if wire == Wire::LengthTooLong { Some(ErrorKind::WouldBlock) } else { None };
        assert_eq!(end, stays, "{name}");
        let is_endless = matches!(wire, Wire::HeadersWithoutEnd | Wire::InformsForEver);
        assert_eq!(got.len() >= MOST, is_endless, "{name}: {} bytes", got.len());
        let text = String::from_utf8(got).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let lengths: Vec<_> = head.lines().filter_map(|line| line.strip_prefix("content-length: ")).collect();
        let length = |n: usize| lengths[n].parse::<usize>().ok();
        match wire {
            Wire::Nothing => assert_eq!(text, ""),
            Wire::NotHttp => assert!(!text.contains("HTTP")),
            Wire::LengthTooShort => assert_eq!(length(0), Some(body.len() - 2)),
            Wire::LengthTooLong => assert_eq!(length(0), Some(body.len() + 100)),
            Wire::LengthIsNoNumber => assert_eq!(length(0), None),
            Wire::LengthsDiffer => assert_eq!((length(0), length(1)), (Some(body.len()), Some(body.len() + 1))),
            Wire::ChunkSizeIsNoNumber => assert!(body.starts_with("many\r\n") && body.ends_with("\r\n0\r\n\r\n")),
            Wire::ChunksCutOff => assert!(body.ends_with("}\r\n")),
            Wire::ChunkTooLong => assert!(body.ends_with("}\r\n0\r\n\r\n")),
            Wire::HugeHeader => assert!(head.len() > 4 << 20 && length(0) == Some(body.len())),
            Wire::ThousandsOfHeaders => assert!(head.lines().count() > 5_000 && length(0) == Some(body.len())),
            Wire::HeadersWithoutEnd | Wire::InformsForEver => {}
        }
    }
}

#[test]
fn bombs_are_small_and_large() {
    let unpacked = |packing| {
        let bomb = Packing::bomb(packing);
        assert!((100..8 << 20).contains(&bomb.len()), "{packing:?}: {}", bomb.len());
        let mut start = vec![1; 64 << 20];
        match packing {
            Packing::Gzip => MultiGzDecoder::new(&bomb[..]).read_exact(&mut start).unwrap(),
            Packing::Deflate => DeflateDecoder::new(&bomb[..]).read_exact(&mut start).unwrap(),
            Packing::Br => return,
        }
        assert!(start.iter().all(|byte| *byte == 0));
    };
    for packing in [Packing::Gzip, Packing::Deflate, Packing::Br] {
        unpacked(packing);
        let sandbox = Sandbox::start(Options::default());
        sandbox.fault(Cloud::Huawei, Fault::Bomb(packing));
        let host = sandbox.address(Cloud::Huawei).to_string();
        let answer = send(&host, "GET", "/v3/scm/certificates", &[], b"").unwrap();
        assert_eq!(answer.header("content-encoding"), Some(packing.word()));
        assert_eq!(answer.body, packing.bomb());
    }
}

#[test]
fn replies_that_say_something_else() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Ctyun, Account::Liar);
    let with = |fault: &str| {
        sandbox.fault(Cloud::Ctyun, fault.parse::<Plan>().unwrap());
        client.get("/v1/listCertificate?page=1&perPageNum=2")
    };
    assert_eq!(with("field:/data/total=-1x1").json()["data"]["total"], -1);
    assert_eq!(with("field:/data/certList/1=nullx1").json()["data"]["certList"][1], Value::Null);
    assert_eq!(with("missing:/data/totalx1").json()["data"].get("total"), None);
    assert_eq!(with("body:nullx1").body, b"null");
    let seen = sandbox.requests(Cloud::Ctyun);
    assert!(seen.iter().all(|request| request.reply.starts_with(b"{")), "the log has what was meant");
    sandbox.fault(Cloud::Ctyun, Fault::from(Edit::Field("/data/total".into(), b"\xff".as_slice().into())).times(1));
    assert!(String::from_utf8(client.get("/v1/listCertificate").body).is_err());
}

#[test]
fn listings_that_lie() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Ctyun, Account::Repeating);
    let page = |lie: Lie, page: usize| {
        sandbox.fault(Cloud::Ctyun, Fault::from(lie).times(1));
        let data = client.get(&format!("/v1/listCertificate?page={page}&perPageNum=2")).json()["data"].clone();
        let ids = data["certList"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>(), data["total"].as_u64().unwrap())
    };
    let held: Vec<_> = sandbox.certificates(Cloud::Ctyun, Account::Repeating).into_iter().map(|held| held.id).collect();
    let [a, b, c] = [0, 1, 2].map(|n: usize| held[n].clone());
    assert_eq!(page(Lie::Twice, 1), (vec![a.clone(), a.clone()], 6));
    assert_eq!(page(Lie::Overlaps, 2), (vec![b.clone(), c.clone()], 3));
    assert_eq!(page(Lie::Repeats, 2), (vec![a, b], 103));
    assert_eq!((page(Lie::PromisesMore, 2), page(Lie::PromisesMore, 3)), ((vec![c.clone()], 103), (Vec::new(), 103)));
    assert_eq!(page(Lie::PromisesOne, 2), (vec![c], 1));
    let [(first, total), (second, _)] = [1, 2].map(|number| page(Lie::NeverEnds(10), number));
    assert!(first.iter().all(|id| !second.contains(id)) && total > 1_000_000, "{first:?} {second:?}");
    let (ids, total) = page(Lie::Holds(5_000), 1);
    assert_eq!((ids.len(), total), (1_000, 5_000));
}

#[test]
fn another_certificate_than_was_asked_for() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Tencent, Account::Healthy);
    let id = sandbox.certificate(Cloud::Tencent, Account::Healthy, "deep chain").id;
    let asked = || client.action("DescribeCertificate", &json!({"CertificateId": id})).json()["Response"].clone();
    assert_eq!(asked()["CertificateId"], *id);
    sandbox.fault(Cloud::Tencent, Fault::Another);
    let told = asked();
    assert!(told["CertificateId"].is_string() && told["CertificateId"] != *id, "{told}");
}
