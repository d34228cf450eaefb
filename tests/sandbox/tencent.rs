//! Tencent Cloud SSL: actions and replies, version 2019-12-05. Business errors come with HTTP 200.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use serde_json::{Map, Value, json};

use super::Service;
use super::archive;
use super::catalogue::{Certificate, Material, Status, Trouble};
use super::edit::Shape;
use super::pki::KeyKind;
use super::server::Call;
use super::signature::Refusal;
use super::signature::tencent::verify;
use super::sm2;
use super::wire::{Received, Reply, request_id};

pub(crate) const SERVICE: Service = Service {
    operation: |request| request.header("x-tc-action").unwrap_or_default(),
    verify: |request, keys, now| verify(request, keys, "ssl", now),
    refuse,
    answer,
    failure,
    busy: || error("RequestLimitExceeded", "Your current request times exceed the limit per second."),
    listing: Shape { rows: "/Response/Certificates", id: "CertificateId", total: "/Response/TotalCount" },
    per_second: |operation| match operation {
        "DescribeCertificates" | "DownloadCertificate" => Some(20),
        _ => Some(10),
    },
};

fn answer(call: &Call<'_>) -> Reply {
    if call.request.header("x-tc-version").as_deref() != Some("2019-12-05") {
        return error("NoSuchVersion", "The specified version does not exist.");
    }
    let parameters = parameters(call.request);
    let id = parameters["CertificateId"].as_str().unwrap_or_default();
    match call.operation {
        "DescribeCertificates" => list(call, &parameters),
        "DescribeCertificate" | "DescribeCertificateDetail" | "DownloadCertificate" => match call.certificate(id) {
            _ if id.is_empty() => {
                error("MissingParameter", "The request is missing a required parameter `CertificateId`.")
            }
            None => error("FailedOperation.CertificateNotFound", "The certificate does not exist."),
            Some(certificate) if call.operation == "DescribeCertificate" => success(describe(&certificate)),
            Some(certificate) if call.operation == "DescribeCertificateDetail" => success(detail(&certificate)),
            Some(certificate) => download(&certificate),
        },
        "" => error("MissingParameter", "The request is missing a required parameter `Action`."),
        action => error("InvalidAction", &format!("The specified action {action} does not exist.")),
    }
}

/// Of the JSON body, or of the query, where arrays are `Name.0`, `Name.1`.
fn parameters(request: &Received) -> Value {
    if request.method == "POST" {
        return request.json();
    }
    // Forms write a space as a plus sign, and so does the official SDK.
    let form = Received { target: request.target.replace('+', "%20"), ..request.clone() };
    let mut map = Map::new();
    for (name, value) in form.pairs() {
        match name.split_once('.') {
            Some((name, _)) => match map.entry(name).or_insert_with(|| json!([])) {
                Value::Array(values) => values.push(json!(value)),
                _ => continue,
            },
            None => drop(map.insert(name, json!(value))),
        }
    }
    Value::Object(map)
}

fn list(call: &Call<'_>, parameters: &Value) -> Reply {
    let text = |name: &str| parameters[name].as_str().unwrap_or_default().to_owned();
    // The document's examples pass numbers as strings too.
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let count = |name: &str, default: u64| match &parameters[name] {
        Value::Null => Some(default),
        value => number(value),
    };
    let (Some(offset), Some(limit)) = (count("Offset", 0), count("Limit", 10)) else {
        return error("InvalidParameter", "Offset and Limit are integers.");
    };
    let limit = (limit as usize).min(call.page_cap(1000));
    let array = |name: &str| parameters[name].as_array().cloned().unwrap_or_default();
    let ids: Vec<String> = array("CertIds").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    if ids.len() > 50 {
        return error("InvalidParameter.CertificateIdNumberLimit", "At most 50 certificate ids.");
    }
    if ids.iter().any(|id| call.certificate(id).is_none()) {
        return error("InvalidParameter.ContainsInvalidCertificateId", "An id is not valid.");
    }
    let states: Vec<u64> = array("CertificateStatus").iter().filter_map(number).collect();
    let (search, kind, source) = (text("SearchKey"), text("CertificateType"), text("FilterSource"));
    let wanted = |certificate: &&Certificate| {
        let found = |text: &String| text.contains(&search);
        (ids.is_empty() || ids.contains(&certificate.id))
            && (states.is_empty() || states.contains(&status(certificate).0))
            && (search.is_empty() || found(&certificate.id) || found(&certificate.alias) || found(&certificate.domain))
            && kind != "CA"
            && (source.is_empty() || (source == "upload") == certificate.uploaded)
    };
    let mut listed: Vec<&Certificate> = call.certificates.iter().filter(wanted).collect();
    match text("ExpirationSort").as_str() {
        "ASC" => listed.sort_by_key(|certificate| certificate.validity.map(|(_, to)| to)),
        "DESC" => listed.sort_by_key(|certificate| std::cmp::Reverse(certificate.validity.map(|(_, to)| to))),
        _ => {}
    }
    let (rows, total) = call.page(&listed, offset as usize, limit);
    success(json!({"TotalCount": total, "Certificates": rows.into_iter().map(row).collect::<Vec<_>>()}))
}

fn row(certificate: &Certificate) -> Value {
    if certificate.is(Trouble::NullRow) {
        return Value::Null;
    }
    let mut row = describe(certificate);
    if certificate.is(Trouble::AllNull) {
        return row;
    }
    // The list's names have the main domain among them, the description's do not.
    row["SubjectAltName"] = json!(certificate.names);
    row["CertSANs"] = json!(certificate.names);
    row["IsExpiring"] = json!(false);
    row["SupportDownloadType"] = json!({"NGINX": true, "APACHE": true, "TOMCAT": true, "IIS": true, "JKS": true,
        "OTHER": true, "ROOT": true});
    // Both say little: the document's own samples have it false for certificates that can be downloaded.
    row["AllowDownload"] = json!(certificate.every(2));
    row["BoundResource"] = json!([]);
    row["ProjectInfo"] = json!({"ProjectId": "0", "OwnerUin": 0, "ProjectName": "默认项目"});
    row["KeyPasswordCustomFlag"] = Value::Null;
    row["HostingStatus"] = Value::Null;
    row["NewInTheYearAfterNext"] = json!({"Nested": [null, {}, []]});
    row
}

fn describe(certificate: &Certificate) -> Value {
    let (code, name) = status(certificate);
    let (algorithm, bits) = certificate.key.algorithm();
    let (from, to) = times(certificate);
    let mut description = json!({
        "OwnerUin": "100000000001",
        "ProjectId": "0",
        "From": if certificate.uploaded { "upload" } else { "trustasia" },
        "CertificateType": "SVR",
        "PackageType": if certificate.uploaded { Value::Null } else { json!("83") },
        "ProductZhName": if certificate.uploaded { Value::Null } else { json!("TrustAsia C1 DV Free") },
        "Domain": certificate.domain,
        "Alias": certificate.alias,
        "Status": code,
        "StatusName": name,
        "StatusMsg": "",
        "VerifyType": "DNS_AUTO",
        "CertBeginTime": from,
        "CertEndTime": to,
        "ValidityPeriod": "12",
        "InsertTime": time(Timestamp::now()),
    });
    let more = json!({
        "CertificateId": certificate.id,
        "SubjectAltName": certificate.names.iter().skip(1).collect::<Vec<_>>(),
        "PackageTypeName": "TrustAsia C1 DV Free",
        "EncryptAlgorithm": format!("{algorithm} {bits}"),
        "IsVip": false,
        "IsDv": true,
        "IsSM": certificate.key == KeyKind::Sm2,
        "IsWildcard": certificate.wildcard(),
        "RenewAble": true,
        "Deployable": certificate.downloadable(),
        "Tags": if certificate.every(2) { Value::Null } else { json!([{"TagKey": "环境", "TagValue": "prod"}]) },
        "CertificateExtra": {"DomainNumber": "1", "OriginCertificateId": "", "ReplacedBy": "", "ReplacedFor": "",
            "RenewOrder": null, "SMCert": 0},
        "SubmittedData": Value::Null,
        "DvAuthDetail": Value::Null,
    });
    let fields = description.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    if certificate.is(Trouble::AllNull) {
        fields.iter_mut().filter(|(name, _)| *name != "CertificateId").for_each(|(_, value)| *value = Value::Null);
    }
    description
}

/// The description with the material in it; the key is null where the user made the CSR.
fn detail(certificate: &Certificate) -> Value {
    let mut detail = describe(certificate);
    let material = certificate.material().filter(|_| !certificate.is(Trouble::AllNull));
    let issued = certificate.issued.as_ref();
    detail["CertificatePublicKey"] = json!(material.as_ref().map(Material::fullchain));
    let (key, encryption) = material.map(|material| (material.key, material.encryption)).unwrap_or_default();
    detail["CertificatePrivateKey"] = json!(key.map(|key| format!("{}\r\n", key.trim_end())));
    let root = json!(issued.map(|issued| &issued.root));
    match encryption {
        Some(sm2::Half { certificate, key }) => {
            detail["EncryptCert"] = json!(certificate);
            detail["EncryptPrivateKey"] = json!(key);
            detail["RootCert"] = json!({"Standard": "", "Sign": root, "Encrypt": root});
        }
        None => {
            detail["EncryptCert"] = json!("");
            detail["EncryptPrivateKey"] = json!("");
            detail["RootCert"] = json!({"Standard": root, "Sign": "", "Encrypt": ""});
        }
    }
    detail["CertFingerprint"] = json!(issued.map(|issued| issued.sha1.to_uppercase()));
    detail["CertChainInfo"] = json!([{"Issuer": issued.map(|issued| &issued.issuer), "Subject": certificate.domain,
        "Fingerprint": issued.map(|issued| &issued.sha1), "ValidFrom": times(certificate).0, "ValidTo": times(certificate).1}]);
    detail["TypeName"] = json!("TrustAsia C1 DV Free");
    detail["CertType"] = json!("DV");
    detail
}

fn download(certificate: &Certificate) -> Reply {
    let Some(material) = certificate.material() else {
        return error("FailedOperation.CertificateStatusNotAllowDownload", "The status does not allow downloading.");
    };
    match certificate.trouble {
        Some(Trouble::DownloadRefused) => {
            error("FailedOperation.CertificateNotAllowDownload", "The certificate cannot be downloaded.")
        }
        Some(Trouble::ContentNull | Trouble::AllNull) => success(json!({"Content": null, "ContentType": null})),
        Some(Trouble::BrokenBase64) => success(json!({"Content": "UEsD*not*base64", "ContentType": "application/zip"})),
        _ => {
            let content = STANDARD.encode(archive::tencent(certificate, &material));
            success(json!({"Content": content, "ContentType": "application/zip"}))
        }
    }
}

fn status(certificate: &Certificate) -> (u64, &'static str) {
    match certificate.status {
        Status::Pending => ([0, 4, 5, 8][certificate.variant % 4], "审核中"),
        Status::Issued => (1, "证书已颁发"),
        Status::Failed => (2, "审核失败"),
        Status::Expired => (3, "证书已过期"),
        Status::Canceled => (7, "已取消"),
        Status::Revoked => (10, "已吊销"),
        Status::Odd => (99, "未知"),
    }
}

/// Start and end; a certificate that has none has one of the many signs for it.
fn times(certificate: &Certificate) -> (Value, Value) {
    let nothing = [Value::Null, json!(""), json!("--"), json!("0000-00-00 00:00:00")][certificate.variant % 4].clone();
    match certificate.validity {
        Some((from, to)) => (json!(time(from)), json!(time(to))),
        None => (nothing.clone(), nothing),
    }
}

/// No zone is named; it is UTC+8.
fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::fixed(Offset::constant(8))).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn refuse(refusal: &Refusal) -> Reply {
    let (code, message) = match refusal {
        Refusal::Missing(name) => ("AuthFailure.InvalidAuthorization", format!("The header `{name}` is missing.")),
        Refusal::Malformed(name) | Refusal::Unsigned(name) => {
            ("AuthFailure.InvalidAuthorization", format!("The value of header `{name}` is not valid or not signed."))
        }
        Refusal::Scope(scope) => {
            ("AuthFailure.InvalidAuthorization", format!("The credential `{scope}` is not valid."))
        }
        Refusal::UnknownKey(_) => ("AuthFailure.SecretIdNotFound", "The SecretId is not found.".into()),
        Refusal::Clock(off) => (
            "AuthFailure.SignatureExpire",
            format!("The provided signature is {} second(s) off, more than 5 minutes.", off.as_secs()),
        ),
        Refusal::Signature(_) | Refusal::Body | Refusal::Replayed => (
            "AuthFailure.SignatureFailure",
            "The provided credentials could not be validated. Please check your signature is correct.".into(),
        ),
        Refusal::TokenMissing | Refusal::TokenWrong => ("AuthFailure.TokenFailure", "The token is not valid.".into()),
        Refusal::TokenExpired => ("AuthFailure.TokenFailure", "The token has expired.".into()),
    };
    error(code, &message)
}

/// Anything but 200 comes from the gateway before the API.
fn failure(status: u16) -> Reply {
    Reply::new(status, "text/html", format!("<html><head><title>{status}</title></head><body>stgw</body></html>"))
}

fn success(mut response: Value) -> Reply {
    response["RequestId"] = json!(request_id());
    // Without a charset: the official SDK looks for errors in exactly this type and text/plain.
    Reply::new(200, "application/json", json!({"Response": response}).to_string())
}

fn error(code: &str, message: &str) -> Reply {
    success(json!({"Error": {"Code": code, "Message": message}}))
}
