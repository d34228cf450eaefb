//! A client that sees what is on the wire, and signs just well enough for the sandbox.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sandbox::signature::{hex, hmac, sha256};
use crate::sandbox::{Account, Cloud, Sandbox};

/// What came back, before anybody made sense of it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// As much of it as came, chunks joined.
    pub(super) body: Vec<u8>,
    /// How the connection ended before the body was complete.
    pub(super) end: Option<io::ErrorKind>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A signed call, with the credentials in the sandbox's own environment.
pub(super) struct Client<'s> {
    sandbox: &'s Sandbox,
    cloud: Cloud,
    environment: Vec<(String, String)>,
    /// More headers; JD Cloud's and Huawei's are signed.
    pub(super) headers: Vec<(String, String)>,
}

impl<'s> Client<'s> {
    pub(super) fn new(sandbox: &'s Sandbox, cloud: Cloud, account: Account) -> Self {
        Self { sandbox, cloud, environment: sandbox.environment_of(account), headers: Vec::new() }
    }

    pub(super) fn variable(&self, name: &str) -> String {
        self.environment.iter().find(|(n, _)| n == name).unwrap().1.clone()
    }

    pub(super) fn get(&self, target: &str) -> Answer {
        self.call("GET", target, "")
    }

    /// For Tencent, where the operation is a header.
    pub(super) fn action(&self, action: &str, body: &Value) -> Answer {
        let host = self.sandbox.address(self.cloud).to_string();
        let body = body.to_string();
        let now = Timestamp::now();
        let date = now.strftime("%Y-%m-%d").to_string();
        let canonical = format!(
            "POST\n/\n\ncontent-type:application/json\nhost:{host}\n\ncontent-type;host\n{}",
            sha256(body.as_bytes())
        );
        let scope = format!("{date}/ssl/tc3_request");
        let to_sign = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", now.as_second(), sha256(canonical.as_bytes()));
        let mut key = format!("TC3{}", self.variable("TENCENTCLOUD_SECRET_KEY")).into_bytes();
        for part in scope.split('/') {
            key = hmac(&key, part);
        }
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-tc-action".to_owned(), action.to_owned()),
            ("x-tc-version".to_owned(), "2019-12-05".to_owned()),
            ("x-tc-timestamp".to_owned(), now.as_second().to_string()),
        ];
        headers.extend(self.headers.clone());
        let (id, signature) = (self.variable("TENCENTCLOUD_SECRET_ID"), hex(&hmac(&key, &to_sign)));
        headers.push((
            "authorization".to_owned(),
            format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"),
        ));
        send(&host, "POST", "/", &headers, body.as_bytes()).unwrap()
    }

    pub(super) fn call(&self, method: &str, target: &str, body: &str) -> Answer {
        let host = self.sandbox.address(self.cloud).to_string();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let now = Timestamp::now();
        let basic = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut headers = self.headers.clone();
        let mut put = |name: &str, value: String| headers.push((name.to_owned(), value));
        match self.cloud {
            Cloud::Jdcloud => {
                put("x-jdcloud-date", basic(now));
                put("x-jdcloud-nonce", uuid::Uuid::new_v4().to_string());
                let (canonical, signed) = canonical(method, &path.replace(':', "%3A"), query, &headers, body);
                let scope = format!("{}/jdcloud-api/ssl/jdcloud2_request", now.strftime("%Y%m%d"));
                let to_sign =
                    format!("JDCLOUD2-HMAC-SHA256\n{}\n{scope}\n{}", basic(now), sha256(canonical.as_bytes()));
                let mut key = format!("JDCLOUD2{}", self.variable("JDCLOUD_SECRET_ACCESS_KEY")).into_bytes();
                for part in scope.split('/') {
                    key = hmac(&key, part);
                }
                let (id, signature) = (self.variable("JDCLOUD_ACCESS_KEY_ID"), hex(&hmac(&key, &to_sign)));
                let value = format!("Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}");
                headers.push(("authorization".to_owned(), format!("JDCLOUD2-HMAC-SHA256 {value}")));
            }
            Cloud::Huawei => {
                put("x-sdk-date", basic(now));
                let (canonical, signed) = canonical(method, &format!("{path}/"), query, &headers, body);
                let to_sign = format!("SDK-HMAC-SHA256\n{}\n{}", basic(now), sha256(canonical.as_bytes()));
                let signature = hex(&hmac(self.variable("HUAWEICLOUD_SDK_SK").as_bytes(), &to_sign));
                let id = self.variable("HUAWEICLOUD_SDK_AK");
                let value = format!("SDK-HMAC-SHA256 Access={id}, SignedHeaders={signed}, Signature={signature}");
                headers.push(("authorization".to_owned(), value));
            }
            Cloud::Ctyun | Cloud::Ccms => {
                let date = basic(now.checked_add(SignedDuration::from_hours(8)).unwrap());
                let hash = sha256(body.as_bytes());
                let to_sign = format!("ctyun-eop-request-id:1\neop-date:{date}\n\n{query}\n{hash}");
                let id = self.variable("CTYUN_AK");
                let mut key = self.variable("CTYUN_SK").into_bytes();
                for part in [&date, &id, &date[..8]] {
                    key = hmac(&key, part);
                }
                let signature = STANDARD.encode(hmac(&key, &to_sign));
                put("ctyun-eop-request-id", "1".to_owned());
                put("eop-date", date);
                put("eop-authorization", format!("{id} Headers=ctyun-eop-request-id;eop-date Signature={signature}"));
            }
            Cloud::Tencent => unreachable!("Tencent has actions"),
        }
        send(&host, method, target, &headers, body.as_bytes()).unwrap()
    }
}

/// Canonical request and signed headers as JD Cloud and Huawei have them; the query is sorted already.
fn canonical(method: &str, path: &str, query: &str, headers: &[(String, String)], body: &str) -> (String, String) {
    let mut sorted = headers.to_vec();
    sorted.sort();
    let lines: String = sorted.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = sorted.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    (format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", sha256(body.as_bytes())), names)
}

/// One request on a connection of its own. Three seconds without a byte are an end too.
pub(super) fn send(
    host: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    receive(&mut stream)
}

fn receive(stream: &mut TcpStream) -> io::Result<Answer> {
    // More than any reply but the endless one.
    const ENOUGH: usize = 16 << 20;
    let (mut bytes, mut end) = (Vec::new(), None);
    let mut buffer = vec![0; 1 << 16];
    while bytes.len() < ENOUGH {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend(&buffer[..count]),
            Err(error) if bytes.is_empty() => return Err(error),
            Err(error) => {
                end = Some(error.kind());
                break;
            }
        }
    }
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let mut answer =
        Answer { status, headers: lines.filter_map(pair).collect(), body: bytes[split + 4..].to_vec(), end };
    match answer.header("content-length").map(|length| length.parse::<usize>().unwrap()) {
        Some(length) if answer.body.len() < length => _ = answer.end.get_or_insert(io::ErrorKind::UnexpectedEof),
        Some(_) => {}
        None => {
            let complete = answer.body.ends_with(b"0\r\n\r\n");
            answer.body = joined(&answer.body);
            if !complete {
                answer.end.get_or_insert(io::ErrorKind::UnexpectedEof);
            }
        }
    }
    Ok(answer)
}

fn joined(mut chunked: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = chunked.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&chunked[..line]).unwrap(), 16).unwrap();
        let chunk = &chunked[line + 2..];
        body.extend(&chunk[..size.min(chunk.len())]);
        chunked = chunk.get(size + 2..).unwrap_or_default();
    }
    body
}
