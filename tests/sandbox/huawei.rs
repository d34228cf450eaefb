//! Huawei Cloud SCM: versions 3 and 2, and as much of IAM as the official SDK asks for.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Value, json};

use super::Service;
use super::archive;
use super::catalogue::{Certificate, Status, Trouble};
use super::edit::Shape;
use super::server::Call;
use super::signature::Refusal;
use super::signature::huawei::verify;
use super::wire::{Received, Reply, request_id};

pub(crate) const SERVICE: Service = Service {
    operation,
    verify,
    refuse,
    answer,
    failure,
    busy: || error(429, "APIGW.0308", "The throttling threshold has been reached: policy user over ratelimit"),
    listing: Shape { rows: "/certificates", id: "id", total: "/total_count" },
    per_second: |_| None,
};

fn operation(request: &Received) -> String {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let name = match (request.method.as_str(), &segments[..]) {
        ("GET", ["v3", "scm", "certificates"]) => "ListCertificates",
        ("GET", ["v3", "scm", "certificates", _]) => "ShowCertificate",
        ("POST", ["v3", "scm", "certificates", _, "export"]) => "ExportCertificate",
        ("GET", ["v2", _, "scm", "certlist"]) => "v2 certlist",
        ("GET", ["v2", _, "scm", "cert", _]) => "v2 cert",
        ("GET", ["v2", _, "scm", "cert", _, "cert_file"]) => "v2 cert_file",
        ("GET", ["v3", "projects"]) => "KeystoneListProjects",
        ("GET", ["v3", "auth", "domains"]) => "KeystoneListAuthDomains",
        _ => "",
    };
    name.to_owned()
}

fn answer(call: &Call<'_>) -> Reply {
    let segments = call.request.segments();
    let segment = |index: usize| segments.get(index).map_or("", String::as_str);
    for (header, own) in [("x-project-id", &call.holder.project_id), ("x-domain-id", &call.holder.domain_id)] {
        if call.request.header(header).is_some_and(|sent| sent != *own) {
            return error(403, "SCM.0002", "The tenant or project is not the caller's.");
        }
    }
    if call.operation.starts_with("v2") && segment(1) != call.holder.project_id {
        return error(403, "SCM.0002", "The tenant or project is not the caller's.");
    }
    let found = |index: usize| call.certificate(segment(index));
    let unknown = || error(400, "SCM.0020", "The certificate does not exist.");
    let scm = matches!(call.operation, "ListCertificates" | "ShowCertificate" | "ExportCertificate");
    match call.operation {
        _ if scm && !call.options.huawei_v3 => not_published(),
        "ListCertificates" => list(call),
        "ShowCertificate" => found(3).map_or_else(unknown, |certificate| show(&certificate)),
        "ExportCertificate" => found(3).map_or_else(unknown, |certificate| export(&certificate)),
        "v2 certlist" => v2_list(call),
        "v2 cert" => found(4).map_or_else(unknown, |certificate| v2_show(&certificate)),
        "v2 cert_file" => found(4).map_or_else(unknown, |certificate| v2_file(call, &certificate)),
        "KeystoneListProjects" => {
            let region = call.request.parameter("name").unwrap_or_else(|| "cn-north-4".into());
            success(&json!({"links": {"self": null, "previous": null, "next": null}, "projects": [{
                "id": call.holder.project_id, "name": region, "domain_id": call.holder.domain_id, "enabled": true,
                "is_domain": false, "parent_id": call.holder.domain_id, "description": "", "links": {"self": ""}}]}))
        }
        "KeystoneListAuthDomains" => success(&json!({"domains": [{"id": call.holder.domain_id, "name": "sandbox",
            "enabled": true, "description": "", "links": {"self": ""}}], "links": {"self": null}})),
        _ => not_published(),
    }
}

/// What every list of both versions wants of its query: a page, and which certificates.
fn page<'c>(call: &'c Call<'_>, status_name: &str) -> Result<(Vec<&'c Certificate>, usize), Reply> {
    let number = |name: &str, default| match call.request.parameter(name) {
        Some(value) => value.parse().ok(),
        None => Some(default),
    };
    let invalid = || error(400, "SCM.0005", "The request parameter is not valid.");
    let cap = call.page_cap(50);
    let limit: usize = number("limit", 10).filter(|limit| (1..=50).contains(limit)).ok_or_else(invalid)?;
    let offset: usize = number("offset", 0).ok_or_else(invalid)?;
    let wanted_status = call.request.parameter(status_name).unwrap_or_else(|| "ALL".into());
    let content = call.request.parameter("content").unwrap_or_default();
    let wanted = |certificate: &&Certificate| {
        (wanted_status == "ALL" || status(certificate) == wanted_status)
            && (content.is_empty() || certificate.domain.contains(&content) || certificate.alias.contains(&content))
    };
    let listed: Vec<&Certificate> = call.certificates.iter().filter(wanted).collect();
    Ok(call.page(&listed, offset, limit.min(cap)))
}

fn list(call: &Call<'_>) -> Reply {
    match page(call, "status") {
        Err(reply) => reply,
        // No certificates: the array is not empty but null.
        Ok((rows, 0)) if rows.is_empty() => success(&json!({"certificates": null, "total_count": 0})),
        Ok((rows, total)) => {
            success(&json!({"certificates": rows.into_iter().map(row).collect::<Vec<_>>(), "total_count": total}))
        }
    }
}

fn row(certificate: &Certificate) -> Value {
    if certificate.is(Trouble::NullRow) {
        return Value::Null;
    }
    if certificate.is(Trouble::AllNull) {
        return json!({"id": certificate.id, "name": null, "domain": null, "sans": null, "expire_time": null,
            "status": null, "type": null, "brand": null, "domain_count": null, "description": null});
    }
    let mut row = facts(certificate);
    row["expire_time"] = json!(certificate.validity.map(|(_, to)| time(to)));
    row["deploy_support"] = json!(certificate.downloadable());
    row["domain_id"] = json!("d1a2b3c4");
    row["tags"] = json!([]);
    row["field_of_next_year"] = json!({"a": [1, null]});
    row
}

/// What list and description have in common. The names are one string.
fn facts(certificate: &Certificate) -> Value {
    json!({
        "id": certificate.id,
        "name": certificate.alias,
        "domain": certificate.domain,
        "sans": certificate.names.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(";"),
        "signature_algorithm": "SHA256withRSA",
        "type": "DV_SSL_CERT",
        "brand": "GEOTRUST",
        "domain_type": if certificate.wildcard() { "WILDCARD" } else { "SINGLE_DOMAIN" },
        "validity_period": 12,
        "status": status(certificate),
        "domain_count": certificate.names.len(),
        "wildcard_count": usize::from(certificate.wildcard()),
        "description": certificate.description,
        "enterprise_project_id": "0",
    })
}

fn show(certificate: &Certificate) -> Reply {
    if certificate.is(Trouble::AllNull) {
        return success(
            &json!({"id": certificate.id, "not_before": null, "not_after": null, "domain": null, "status": null}),
        );
    }
    let mut shown = facts(certificate);
    let issued = certificate.issued.as_ref();
    shown["order_id"] = json!("CS2211221530");
    shown["push_support"] = json!("ON");
    shown["revoke_reason"] = Value::Null;
    shown["issue_time"] = json!(certificate.validity.map(|(from, _)| time(from)));
    shown["not_before"] = json!(certificate.validity.map(|(from, _)| time(from)));
    shown["not_after"] = json!(certificate.validity.map(|(_, to)| time(to)));
    shown["validation_method"] = json!("DNS");
    shown["multi_domain_type"] = Value::Null;
    shown["fingerprint"] = json!(issued.map(|issued| issued.sha1.to_uppercase()));
    shown["shared"] = json!(false);
    shown["authentification"] = json!([]);
    // Misspelt until 2024, and still so in some regions.
    if certificate.every(2) {
        shown["signature_algrithm"] = shown["signature_algorithm"].take();
        shown.as_object_mut().unwrap().remove("signature_algorithm");
    }
    success(&shown)
}

fn export(certificate: &Certificate) -> Reply {
    if certificate.is(Trouble::ContentNull) || certificate.is(Trouble::AllNull) {
        return success(&json!({"entire_certificate": null, "certificate": null, "certificate_chain": null,
            "private_key": null, "enc_certificate": null, "enc_private_key": null}));
    }
    let material = match certificate.material() {
        Some(material) if !certificate.is(Trouble::DownloadRefused) => material,
        _ => return error(400, "SCM.0010", "The operation is not allowed in this type or status."),
    };
    let mut exported = json!({"certificate": material.leaf, "certificate_chain": material.chain_pem()});
    if let Some(key) = &material.key {
        exported["private_key"] = json!(key);
    }
    // Older regions have three fields; the newer ones' fourth is glued without line ends between the blocks.
    if !certificate.every(3) {
        let blocks = [&material.leaf].into_iter().chain(&material.chain);
        exported["entire_certificate"] = json!(blocks.map(|pem| pem.trim_end()).collect::<String>());
        exported["enc_certificate"] = Value::Null;
        exported["enc_private_key"] = Value::Null;
    }
    if let Some(encryption) = &material.encryption {
        exported["enc_certificate"] = json!(encryption.certificate);
        exported["enc_private_key"] = json!(encryption.key);
    }
    success(&exported)
}

fn v2_list(call: &Call<'_>) -> Reply {
    let (rows, total) = match page(call, "order_status") {
        Err(reply) => return reply,
        Ok(page) => page,
    };
    let row = |certificate: &Certificate| match certificate.trouble {
        Some(Trouble::NullRow) => Value::Null,
        Some(Trouble::AllNull) => {
            json!({"cert_id": certificate.id, "cert_name": null, "domain": null, "expired_time": null})
        }
        _ => json!({
            "cert_id": certificate.id,
            "cert_name": certificate.alias,
            "domain": certificate.domain,
            "cert_type": "DV_SSL_CERT",
            "cert_brand": "GEOTRUST",
            "domain_type": "SINGLE_DOMAIN",
            "purchase_period": 12,
            "expired_time": certificate.validity.map(|(_, to)| time(to)),
            // The table's name for it, and the example's.
            (if certificate.every(2) { "order_status" } else { "order_state" }): status(certificate),
            "domain_num": certificate.names.len(),
            "wildcard_number": usize::from(certificate.wildcard()),
            "cert_des": certificate.description,
        }),
    };
    success(&json!({"total": total, "free_remain": "19", "order_list": rows.into_iter().map(row).collect::<Vec<_>>()}))
}

fn v2_show(certificate: &Certificate) -> Reply {
    success(&json!({
        "cert_id": certificate.id,
        "order_id": "CS2211221530",
        "cert_name": certificate.alias,
        "cert_type": "DV_SSL_CERT",
        "cert_brand": "GEOTRUST",
        "domain_type": if certificate.names.len() > 1 { "MUILT_DOMAIN" } else { "SINGLE_DOMAIN" },
        "domain_name": certificate.names.join(";"),
        "domain_number": certificate.names.len(),
        "cert_describe": certificate.description,
        "push_support": "ON",
        "revoke_reason": null,
        "status": status(certificate),
        "encrypt_type": "SHA256withRSA",
        "country": "CN",
        "organization_unit": null,
        "DNS_push_status": "OFF",
        "auth": [],
    }))
}

fn v2_file(call: &Call<'_>, certificate: &Certificate) -> Reply {
    match certificate.material() {
        Some(material) if !certificate.is(Trouble::DownloadRefused) => {
            let bytes = archive::huawei(certificate, &material, call.options.huawei_v2_archive);
            Reply::new(200, "application/octet-stream", bytes)
                .with("content-disposition", format!("attachment; filename={}.rar", certificate.id))
                .with("x-request-id", request_id())
        }
        // The document's sample section has the error under status 200.
        _ => Reply::json(200, &json!({"error_code": "SCM.0007", "error_msg": "Failed to download the certificate."})),
    }
}

fn status(certificate: &Certificate) -> &'static str {
    match certificate.status {
        Status::Issued if certificate.uploaded => "UPLOAD",
        Status::Issued => "ISSUED",
        Status::Expired => "EXPIRED",
        Status::Revoked => "REVOKED",
        Status::Pending => ["PAID", "CHECKING", "CHECKING_DOMAIN"][certificate.variant % 3],
        Status::Failed => "UNPASSED",
        Status::Canceled => "CANCELCHECKING",
        Status::Odd => "HIBERNATING",
    }
}

/// No zone is named; it is UTC+8.
fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::fixed(Offset::constant(8))).strftime("%Y-%m-%d %H:%M:%S.0").to_string()
}

fn refuse(refusal: &Refusal) -> Reply {
    let reason = match refusal {
        Refusal::Missing(name) => format!("{name} not found"),
        Refusal::Malformed(name) => format!("{name} is invalid"),
        Refusal::Unsigned(name) => format!("{name} is not signed"),
        Refusal::Scope(scope) => format!("{scope} is invalid"),
        Refusal::UnknownKey(key) => format!("Get secretKey failed,ak:{key},err:ak not exist"),
        Refusal::Clock(_) => "The signature has expired: x-sdk-date differs by more than 15 minutes".into(),
        Refusal::Signature(_) | Refusal::Replayed => "verify aksk signature fail".into(),
        Refusal::Body => "x-sdk-content-sha256 does not match the body".into(),
        Refusal::TokenMissing | Refusal::TokenWrong => "verify security token fail".into(),
        Refusal::TokenExpired => "the security token has expired".into(),
    };
    error(401, "APIGW.0301", &format!("Incorrect IAM authentication information: {reason}"))
}

fn not_published() -> Reply {
    error(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
}

fn failure(status: u16) -> Reply {
    match status {
        401 => error(401, "APIGW.0301", "Incorrect IAM authentication information: Unauthorized"),
        403 => error(403, "SCM.4002", "No permission."),
        404 => not_published(),
        429 => (SERVICE.busy)(),
        500 => error(500, "SCM.0007", "Failed to download the certificate."),
        _ => error(status, "APIGW.0201", "Backend timeout or unavailable"),
    }
}

fn success(body: &Value) -> Reply {
    Reply::json(200, body).with("x-request-id", request_id())
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let id = request_id();
    Reply::json(status, &json!({"error_code": code, "error_msg": message, "request_id": id})).with("x-request-id", id)
}
