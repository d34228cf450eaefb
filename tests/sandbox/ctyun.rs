//! CTyun's product ECX: `/v1/` with `status.code`, and `/v3/ssl/` with `statusCode`.

use serde_json::{Value, json};

use super::Service;
use super::catalogue::{Certificate, Status, Trouble};
use super::edit::Shape;
use super::server::Call;
use super::signature::Refusal;
use super::signature::ctyun::verify;
use super::wire::{Received, Reply, request_id};

pub(crate) const SERVICE: Service = Service {
    operation,
    verify,
    refuse: |refusal| refuse(200, refusal),
    answer,
    failure,
    busy,
    listing: Shape { rows: "/data/certList", id: "id", total: "/data/total" },
    per_second: |_| None,
};

/// Which forms the cloud knows; it answers the others with 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Form {
    V1,
    V3,
    #[default]
    Both,
}

fn operation(request: &Received) -> String {
    let name = match (request.method.as_str(), request.path()) {
        ("GET", "/v1/listCertificate") => "listCertificate",
        ("GET", "/v1/getCertificate") => "getCertificate",
        ("GET", "/v3/ssl/listCertificate") => "v3 listCertificate",
        ("GET", "/v3/ssl/getCertificate") => "v3 getCertificate",
        _ => "",
    };
    name.to_owned()
}

fn answer(call: &Call<'_>) -> Reply {
    let v3 = call.operation.starts_with("v3 ");
    let refused = if v3 { Form::V1 } else { Form::V3 };
    let inner = match call.operation {
        _ if call.options.ctyun_form == refused => return not_found(),
        "listCertificate" | "v3 listCertificate" => list(call),
        "getCertificate" | "v3 getCertificate" => get(call),
        _ => return not_found(),
    };
    let reply = match inner {
        Ok(inner) if v3 => json!({"statusCode": 200, "message": "success", "returnObj": inner}),
        Ok(inner) => {
            json!({"data": inner, "requestId": request_id(), "status": {"code": "Success", "message": "Success"}})
        }
        Err((code, message)) if v3 => {
            json!({"statusCode": 900, "error": format!("Ecx.Certificate.{code}"), "message": message, "returnObj": null})
        }
        Err((code, message)) => {
            json!({"data": null, "requestId": request_id(), "status": {"code": code, "message": message}})
        }
    };
    Reply::json(200, &reply).with("x-trace-id", request_id())
}

type Inner = Result<Value, (&'static str, &'static str)>;

fn list(call: &Call<'_>) -> Inner {
    let number = |name: &str, default| match call.request.parameter(name) {
        Some(value) => value.parse().ok().filter(|&number: &usize| number > 0),
        None => Some(default),
    };
    let (Some(page), Some(size)) = (number("page", 1), number("perPageNum", 10)) else {
        return Err(("InvalidParameter", "page and perPageNum are numbers from 1"));
    };
    let size = size.min(call.page_cap(20));
    let listed: Vec<&Certificate> = call.certificates.iter().collect();
    let (rows, total) = call.page(&listed, (page - 1).saturating_mul(size), size);
    Ok(json!({
        "certList": rows.into_iter().map(row).collect::<Vec<_>>(),
        "page": page,
        "perPageNum": size,
        "totalPage": total.div_ceil(size),
        "total": total,
    }))
}

fn row(certificate: &Certificate) -> Value {
    if certificate.is(Trouble::NullRow) {
        return Value::Null;
    }
    if certificate.is(Trouble::AllNull) {
        return json!({"id": certificate.id, "certName": null, "commonName": null, "certState": null,
            "certType": null, "expiresTime": null, "instanceInfoDetailList": null});
    }
    json!({
        "id": certificate.id,
        "certName": certificate.alias,
        "commonName": certificate.domain,
        "certState": state(certificate),
        "certType": "TrustAsia OV TLS Pro CA G2",
        "expiresTime": certificate.validity.map(|(_, to)| to.as_second()),
        "instanceInfoDetailList": [{"clusterName": "华东1", "nodeCode": "cn-nj1", "slbInstances": [{"id": "9", "name": "lb"}]}],
        "somethingNew": null,
    })
}

fn get(call: &Call<'_>) -> Inner {
    let id = call.request.parameter("certificateId").ok_or(("InvalidParameter", "certificateId is required"))?;
    let certificate = call.certificate(&id).ok_or(("CertificateNotFound", "certificate not found"))?;
    if certificate.is(Trouble::AllNull) {
        return Ok(json!({"id": certificate.id, "certName": null, "commonName": null, "key": null, "certs": null}));
    }
    if certificate.is(Trouble::DownloadRefused) {
        return Err(("Forbidden", "no permission for this certificate"));
    }
    let (algorithm, bits) = certificate.key.algorithm();
    let issued = certificate.issued.as_ref();
    let mut got = json!({
        "id": certificate.id,
        "certName": certificate.alias,
        "commonName": certificate.domain,
        "description": certificate.description,
        "certType": issued.map(|issued| &issued.issuer),
        "expiresTime": certificate.validity.map(|(_, to)| to.as_second()),
        "certState": state(&certificate),
        "scans": certificate.names.iter().skip(1).collect::<Vec<_>>(),
        "signatureAlgorithm": "SHA256-RSA",
        "publicKeyAlgorithm": algorithm,
        // A string in the table, a number in the example.
        "publicKeyBit": if certificate.every(2) { json!(bits) } else { json!(bits.to_string()) },
        "fingerprint": issued.map(|issued| &issued.sha1),
        "issueTime": certificate.validity.map(|(from, _)| from.as_second()),
        "createTime": certificate.validity.map(|(from, _)| from.as_second() + 86_400),
    });
    match certificate.material() {
        Some(_) if certificate.is(Trouble::ContentNull) => (got["key"], got["certs"]) = (Value::Null, Value::Null),
        Some(material) => {
            got["certs"] = json!(material.fullchain());
            got["key"] = json!(material.key.unwrap_or_default());
        }
        None => {}
    }
    Ok(got)
}

fn state(certificate: &Certificate) -> &'static str {
    match certificate.status {
        Status::Issued => "Validity",
        Status::Expired => "Expired",
        Status::Revoked => "Revoked",
        Status::Pending => "Applying",
        Status::Failed => "Failed",
        Status::Canceled => "Canceled",
        Status::Odd => "Quantum",
    }
}

/// The gateway's own shape: a text where the products have a number. It comes with status 200 and without.
pub(crate) fn refuse(status: u16, refusal: &Refusal) -> Reply {
    let (code, message) = match refusal {
        Refusal::UnknownKey(_) => ("10002", "ctyun-EOP: invalid AK or SK"),
        Refusal::Clock(_) => ("10009", "ctyun-EOP: signature verification failed, eop-date is not within 15 minutes"),
        _ => ("10009", "ctyun-EOP: signature verification failed"),
    };
    gateway(status, code, message)
}

fn gateway(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"requestId": request_id(), "error": code, "code": code, "message": message, "eopErrCode": code,
        "statusCode": format!("CTAPI_{code}"), "returnObj": {}});
    Reply::json(status, &body).with("x-trace-id", request_id())
}

pub(crate) fn not_found() -> Reply {
    Reply::json(404, &json!({"statusCode": 404, "message": "api not found"})).with("x-trace-id", request_id())
}

pub(crate) fn busy() -> Reply {
    Reply::json(429, &json!({"statusCode": "Openapi.TooManyRequests", "message": "too many requests"}))
}

pub(crate) fn failure(status: u16) -> Reply {
    match status {
        401 => gateway(401, "10009", "ctyun-EOP: signature verification failed"),
        403 => Reply::json(403, &json!({"statusCode": "CTIAM_0005", "message": "no permission"})),
        404 => not_found(),
        _ => Reply::json(status, &json!({"statusCode": status, "message": "the sandbox was asked for this"})),
    }
}
