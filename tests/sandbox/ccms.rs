//! CTyun's product CCMS: POST and JSON throughout, bought and uploaded certificates listed apart.

use serde_json::{Value, json};

use super::Service;
use super::catalogue::{Certificate, Status, Trouble};
use super::ctyun::{busy, failure, not_found, refuse};
use super::edit::Shape;
use super::server::Call;
use super::signature::ctyun::verify;
use super::wire::{Received, Reply, request_id};

pub(crate) const SERVICE: Service = Service {
    operation,
    verify,
    refuse: |refusal| refuse(401, refusal),
    answer,
    failure,
    busy,
    listing: Shape { rows: "/returnObj/list", id: "id", total: "/returnObj/totalSize" },
    per_second: |_| None,
};

fn operation(request: &Received) -> String {
    let name = match (request.method.as_str(), request.path()) {
        ("POST", "/v1/certificate/list") => "list",
        ("POST", "/v1/certificate/detail") => "detail",
        ("POST", "/v1/certificate/export") => "export",
        _ => "",
    };
    name.to_owned()
}

fn answer(call: &Call<'_>) -> Reply {
    let body = call.request.json();
    let id = body["id"].as_str().unwrap_or_default();
    let resource = body["resourceId"].as_str().unwrap_or_default();
    let unknown = || error("CCMS_100000063", "证书不存在", "certificate does not exist");
    match call.operation {
        "list" => list(call, &body),
        "detail" => call.certificate(id).map_or_else(unknown, |certificate| success(&detail(&certificate))),
        "export" => {
            let of_resource = call.certificates.iter().find(|certificate| certificate.resource_id == resource);
            let certificate = of_resource.and_then(|certificate| call.certificate(&certificate.id));
            certificate.map_or_else(unknown, |certificate| export(&certificate))
        }
        _ => not_found(),
    }
}

fn list(call: &Call<'_>, body: &Value) -> Reply {
    let (Some(page @ 1..), Some(size @ 1..)) = (body["pageNum"].as_u64(), body["pageSize"].as_u64()) else {
        return error("CCMS_100000001", "参数错误", "pageNum and pageSize are required");
    };
    let size = (size as usize).min(call.page_cap(50));
    let uploaded = body["origin"].as_str() == Some("UPLOAD");
    let wanted_status = body["status"].as_str().unwrap_or_default();
    let keyword = body["keyword"].as_str().unwrap_or_default();
    let wanted = |certificate: &&Certificate| {
        certificate.uploaded == uploaded
            && (wanted_status.is_empty() || status(certificate) == wanted_status)
            && (keyword.is_empty() || certificate.domain.contains(keyword) || certificate.alias.contains(keyword))
    };
    let listed: Vec<&Certificate> = call.certificates.iter().filter(wanted).collect();
    let (rows, total) = call.page(&listed, (page as usize - 1).saturating_mul(size), size);
    success(&json!({"totalSize": total, "list": rows.into_iter().map(row).collect::<Vec<_>>()}))
}

fn row(certificate: &Certificate) -> Value {
    if certificate.is(Trouble::NullRow) {
        return Value::Null;
    }
    if certificate.is(Trouble::AllNull) {
        return json!({"id": certificate.id, "resourceId": certificate.resource_id, "status": null, "name": null,
            "domainName": null, "issueTime": null, "expireTime": null, "fingerprint": null});
    }
    let (algorithm, _) = certificate.key.algorithm();
    json!({
        "id": certificate.id,
        "accountId": "a1",
        "resourceId": certificate.resource_id,
        "resourceType": "CCMS_PUBLIC_SINGLE",
        "origin": if certificate.uploaded { "UPLOAD" } else { "PURCHASE" },
        "type": "DV",
        "certificateId": null,
        "name": certificate.alias,
        "status": status(certificate),
        "detailStatus": "NONE",
        "fingerprint": certificate.issued.as_ref().map(|issued| issued.sha1.to_uppercase()),
        "issueTime": certificate.validity.map(|(from, _)| from.to_string()),
        "expireTime": certificate.validity.map(|(_, to)| to.to_string()),
        "renewNum": 0,
        "domainType": if certificate.wildcard() { "WILDCARD" } else { "SINGLE" },
        "domainName": certificate.names.join(","),
        "encryptionStandard": "INTERNATIONAL",
        "encryptionAlgorithm": algorithm,
    })
}

fn detail(certificate: &Certificate) -> Value {
    let mut detail = row(certificate);
    detail["brand"] = json!("TrustAsia");
    detail["csrId"] = Value::Null;
    detail["contactName"] = json!("张三");
    detail["email"] = json!("ops@ccms.ctyun.example");
    detail
}

fn export(certificate: &Certificate) -> Reply {
    let material = match certificate.material() {
        Some(material) if !certificate.is(Trouble::DownloadRefused) => material,
        _ => return error("CCMS_100000067", "证书状态不允许导出", "not allowed in this status"),
    };
    if certificate.is(Trouble::ContentNull) || certificate.is(Trouble::AllNull) {
        return success(
            &json!({"entireCertificate": null, "certificate": null, "certificateChain": null, "privateKey": null}),
        );
    }
    success(&json!({
        "entireCertificate": material.fullchain(),
        "certificate": material.leaf,
        "certificateChain": material.chain_pem(),
        "privateKey": material.key,
        "encCertificate": null,
        "encPrivateKey": null,
    }))
}

fn status(certificate: &Certificate) -> &'static str {
    match certificate.status {
        Status::Issued if certificate.label == "expiring" => "EXPIRING",
        Status::Issued => "ISSUED",
        Status::Expired => "EXPIRED",
        Status::Revoked => "REVOKED",
        Status::Pending => "APPLYAUDITING",
        Status::Failed => "AUDITFAILED",
        Status::Canceled => "CANCELED",
        Status::Odd => "QUANTUM",
    }
}

fn success(inner: &Value) -> Reply {
    Reply::json(200, &json!({"statusCode": 200, "message": "success", "requestId": request_id(), "returnObj": inner}))
}

/// Business errors come with HTTP 200 here.
fn error(code: &str, message: &str, english: &str) -> Reply {
    Reply::json(200, &json!({"statusCode": 900, "error": code, "errorMessage": english, "message": message}))
}
