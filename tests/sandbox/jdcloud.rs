//! JD Cloud SSL: routes and replies of `ssl.jdcloud-api.com`, API version v1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Service;
use super::catalogue::{Certificate, Status, Trouble};
use super::edit::Shape;
use super::pki::dummy;
use super::sealed::PASSWORD;
use super::server::Call;
use super::signature::jdcloud::{SECURITY_TOKEN, verify};
use super::signature::{Refusal, hex};
use super::wire::{Received, Reply, request_id};

pub(crate) const SERVICE: Service = Service {
    operation,
    verify: |request, keys, now| verify(request, keys, "ssl", now),
    refuse,
    answer,
    failure,
    busy: || failure(429),
    listing: Shape { rows: "/result/certListDetails", id: "certId", total: "/result/totalCount" },
    per_second: |_| None,
};

/// Which forms of downloadCert the cloud knows; it answers the others with 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forms {
    /// `GET /v1/sslCert/{certId}:download`, since October 2019.
    pub(crate) get: bool,
    /// `POST /v1/sslCert:download`, of September 2019.
    pub(crate) post: bool,
    /// `POST /v1/sslCert/:download`, as the document writes it.
    pub(crate) post_slash: bool,
}

impl Default for Forms {
    fn default() -> Self {
        Self { get: true, post: true, post_slash: true }
    }
}

fn operation(request: &Received) -> String {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let name = match (request.method.as_str(), &segments[..]) {
        ("GET", ["v1", "sslCert"]) => "describeCerts",
        ("GET", ["v1", "sslCert", id]) if id.ends_with(":download") => "downloadCert",
        ("GET", ["v1", "sslCert", _]) => "describeCert",
        ("POST", ["v1", "sslCert:download"]) => "downloadCert (POST)",
        ("POST", ["v1", "sslCert", ":download"]) => "downloadCert (POST, slash)",
        _ => "",
    };
    name.to_owned()
}

fn answer(call: &Call<'_>) -> Reply {
    let forms = call.options.jd_forms;
    let body = call.request.json();
    let of_body = |name: &str| body[name].as_str().map(str::to_owned);
    let segment = call.request.segments().pop().unwrap_or_default();
    match call.operation {
        "describeCerts" => list(call),
        "describeCert" => describe(call, &segment),
        "downloadCert" if forms.get => {
            download(call, segment.strip_suffix(":download"), call.request.parameter("serverType"))
        }
        "downloadCert (POST)" if forms.post => download(call, of_body("certId").as_deref(), of_body("serverType")),
        "downloadCert (POST, slash)" if forms.post_slash => {
            download(call, of_body("certId").as_deref(), of_body("serverType"))
        }
        _ => error(404, "NOT_FOUND", "the requested path or method does not exist"),
    }
}

fn list(call: &Call<'_>) -> Reply {
    let number = |name: &str, default| match call.request.parameter(name) {
        Some(value) => value.parse().ok().filter(|&number: &usize| number > 0),
        None => Some(default),
    };
    let (Some(page), Some(size)) = (number("pageNumber", 1), number("pageSize", 10)) else {
        return error(400, "INVALID_ARGUMENT", "pageNumber and pageSize are numbers from 1");
    };
    // Larger pages are asked for, and not given.
    let size = size.min(call.page_cap(10));
    let search = call.request.parameter("domainName").unwrap_or_default();
    let ids = call.request.parameter("certIds").unwrap_or_default();
    let wanted = |certificate: &&Certificate| {
        (search.is_empty() || certificate.names.iter().any(|name| name.contains(&search)))
            && (ids.is_empty() || ids.split(',').any(|id| id == certificate.id || id == certificate.alias))
    };
    let listed: Vec<&Certificate> = call.certificates.iter().filter(wanted).collect();
    let (rows, total) = call.page(&listed, (page - 1).saturating_mul(size), size);
    success(&json!({"certListDetails": rows.into_iter().map(row).collect::<Vec<_>>(), "totalCount": total}))
}

fn row(certificate: &Certificate) -> Value {
    if certificate.is(Trouble::NullRow) {
        return Value::Null;
    }
    if certificate.is(Trouble::AllNull) {
        return json!({"certId": certificate.id, "certName": null, "commonName": null, "certType": null, "startTime": null,
            "endTime": null, "deletable": null, "downloadable": null, "digest": null, "dnsNames": null, "certStatus": null});
    }
    let mut row = facts(certificate);
    let code = match certificate.status {
        Status::Pending => 0,
        Status::Issued => 1,
        Status::Failed => 2,
        Status::Expired => 3,
        Status::Revoked => 4,
        Status::Canceled => 5,
        Status::Odd => 77,
    };
    row["certStatus"] = json!(code);
    row["deletable"] = json!(1);
    row["downloadable"] = json!(i32::from(certificate.downloadable()));
    row["updateable"] = json!(i32::from(certificate.uploaded));
    row["aliasName"] = json!(certificate.alias);
    row["brandNew"] = json!({"since": 2026});
    row
}

/// What list and description have in common. Before it is issued, a certificate has no times: missing or empty.
fn facts(certificate: &Certificate) -> Value {
    let mut facts = json!({
        "certId": certificate.id,
        "certName": certificate.alias,
        "commonName": certificate.domain,
        "certType": if certificate.uploaded { "上传证书" } else { "DV SSL" },
        "dnsNames": certificate.names,
    });
    match certificate.validity {
        Some((from, to)) => {
            facts["startTime"] = json!(from.to_string());
            facts["endTime"] = json!(to.to_string());
        }
        None if certificate.every(2) => facts["startTime"] = json!(""),
        None => {}
    }
    if let Some(key) = certificate.material().and_then(|material| material.key) {
        facts["digest"] = json!(digest(&key));
    }
    facts
}

/// Of the key file as it is handed out.
fn digest(key: &str) -> String {
    use sha2::Digest as _;
    hex(&sha2::Sha256::digest(crlf(key)))
}

fn crlf(pem: &str) -> String {
    pem.replace('\n', "\r\n")
}

fn describe(call: &Call<'_>, id: &str) -> Reply {
    let Some(certificate) = call.certificate(id) else { return not_found(id) };
    if certificate.is(Trouble::AllNull) {
        return success(&json!({"certId": certificate.id, "issuer": null, "usedBy": null, "startTime": null}));
    }
    let mut detail = facts(&certificate);
    detail["issuer"] = json!(certificate.issued.as_ref().map(|issued| &issued.issuer));
    detail["totalCount"] = json!(1);
    detail["usedBy"] = json!([{"bindFrom": "lb", "bindId": "lb-x7k", "bindRegion": "cn-north-1", "bindZone": ""}]);
    // The SDKs have the fields in the result, the document one floor deeper.
    if certificate.every(2) { success(&detail) } else { success(&json!({"certDescDetail": detail})) }
}

fn download(call: &Call<'_>, ids: Option<&str>, server: Option<String>) -> Reply {
    if let Some(mfa) = &call.holder.key.mfa {
        match call.request.header(SECURITY_TOKEN) {
            None => return error(403, "HTTP_FORBIDDEN", "operation protection: x-jdcloud-security-token is required"),
            Some(sent) if sent != STANDARD.encode(mfa) => {
                return error(403, "HTTP_FORBIDDEN", "operation protection: x-jdcloud-security-token is not valid");
            }
            Some(_) => {}
        }
    }
    let server = server.unwrap_or_default();
    if !["Nginx", "Apache", "Tomcat", "IIS", "Other"].contains(&server.as_str()) {
        return error(400, "INVALID_ARGUMENT", "serverType must be one of Nginx Apache Tomcat IIS Other");
    }
    let mut found = Vec::new();
    for id in ids.unwrap_or_default().split(',') {
        let Some(certificate) = call.certificate(id) else { return not_found(id) };
        match handed_out(&certificate, &server) {
            Some(description) => found.push(description),
            None => return error(400, "FAILED_PRECONDITION", "the certificate cannot be downloaded in this status"),
        }
    }
    success(&json!({"certDesc": found}))
}

fn handed_out(certificate: &Certificate, server: &str) -> Option<Value> {
    if certificate.is(Trouble::DownloadRefused) {
        return None;
    }
    if certificate.is(Trouble::AllNull) || certificate.is(Trouble::ContentNull) {
        return Some(json!({"certId": certificate.id, "certName": null, "keyFile": null, "certFile": null,
            "digest": null, "caCertFile": null, "serverType": null, "certEncryptePassword": null, "commonName": null}));
    }
    let material = certificate.material()?;
    let mut description = json!({
        "certId": certificate.id,
        "certName": certificate.alias,
        "serverType": server,
        "commonName": certificate.domain,
        "certEncryptePassword": "",
    });
    if certificate.seal.as_ref().is_some_and(|seal| seal.is_told) {
        description["certEncryptePassword"] = json!(PASSWORD);
    }
    if let Some((_, store)) = certificate.seal.as_ref().and_then(|seal| seal.store(&material)) {
        description["certFile"] = json!(STANDARD.encode(store));
        return Some(description);
    }
    if matches!(server, "Tomcat" | "IIS") {
        let magic: &[u8] = if server == "IIS" { &[0x30, 0x82, 3, 0x8c] } else { &[0xfe, 0xed, 0xfe, 0xed] };
        description["certFile"] = json!(STANDARD.encode(dummy(magic)));
        description["certEncryptePassword"] = json!(PASSWORD);
        return Some(description);
    }
    // Nobody has said whether certFile holds the chain already.
    let leaf = if certificate.every(2) { material.leaf.clone() } else { material.fullchain() };
    description["certFile"] = json!(crlf(&leaf));
    description["caCertFile"] = json!(crlf(&material.chain_pem()));
    if let Some(key) = &material.key {
        description["keyFile"] = json!(crlf(key));
        description["digest"] = json!(digest(key));
    }
    Some(description)
}

fn refuse(refusal: &Refusal) -> Reply {
    let message = match refusal {
        Refusal::Missing(name) => format!("header {name} is required"),
        Refusal::Malformed(name) => format!("header {name} is not valid"),
        Refusal::Unsigned(name) => format!("header {name} must be signed"),
        Refusal::Scope(scope) => format!("credential scope {scope} is not valid"),
        Refusal::UnknownKey(key) => format!("access key {key} does not exist"),
        Refusal::Clock(_) => {
            "the request has expired: x-jdcloud-date differs from the server's time by more than 15 minutes".into()
        }
        Refusal::Signature(_) => "the signature does not match".into(),
        Refusal::Body => "x-jdcloud-content-sha256 does not match the body".into(),
        Refusal::TokenMissing => "a session token is required".into(),
        Refusal::TokenWrong => "the session token is not valid".into(),
        Refusal::TokenExpired => "the session token has expired".into(),
        Refusal::Replayed => "x-jdcloud-nonce was used before".into(),
    };
    error(401, "UNAUTHENTICATED", &message)
}

fn not_found(id: &str) -> Reply {
    error(404, "NOT_FOUND", &format!("certificate {id} not found"))
}

fn failure(status: u16) -> Reply {
    let word = match status {
        401 => "UNAUTHENTICATED",
        403 => "HTTP_FORBIDDEN",
        404 => "NOT_FOUND",
        429 => "QUOTA_EXCEEDED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    error(status, word, "the sandbox was asked for this")
}

fn success(result: &Value) -> Reply {
    let id = request_id();
    Reply::json(200, &json!({"requestId": id, "result": result})).with("x-jdcloud-request-id", id)
}

/// `code` is the number and `status` the word.
fn error(code: u16, status: &str, message: &str) -> Reply {
    let id = request_id();
    let body = json!({"requestId": id, "error": {"code": code, "status": status, "message": message}});
    Reply::json(code, &body).with("x-jdcloud-request-id", id)
}

/// The nonce, which must not come twice.
pub(crate) fn nonce(request: &Received) -> Option<String> {
    request.header("x-jdcloud-nonce")
}
