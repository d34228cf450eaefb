//! What is on the wire at CTyun, and what its error codes mean.

use serde::Deserialize;
use serde_json::Value;

use crate::bundle::Material;
use crate::provider::lenient::{Count, Names, Rows, Text, Time, material, read};
use crate::provider::redact::redact;
use crate::provider::session::Complaint;
use crate::provider::{Certificate, Description, Meaning, Status};

pub(super) const ECX_LIST: &str = "listCertificate";
pub(super) const ECX_GET: &str = "getCertificate";
pub(super) const CCMS_LIST: &str = "/v1/certificate/list";
pub(super) const CCMS_DETAIL: &str = "/v1/certificate/detail";
pub(super) const CCMS_EXPORT: &str = "/v1/certificate/export";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EcxList {
    pub(super) cert_list: Rows,
    pub(super) total: Count,
}

/// A certificate of the edge cloud, in the listing and alone. Only alone it has names, start of validity and key.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EcxRow {
    pub(super) id: Text,
    cert_name: Text,
    common_name: Text,
    cert_state: Text,
    cert_type: Text,
    expires_time: Time,
    issue_time: Time,
    /// The subject's alternative names; the API's spelling of SANs.
    scans: Option<Names>,
    signature_algorithm: Text,
    public_key_algorithm: Text,
    public_key_bit: Text,
    fingerprint: Text,
    description: Text,
    key: Text,
    certs: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CcmsList {
    pub(super) list: Rows,
    pub(super) total_size: Count,
}

/// A certificate of the certificate service, in the listing and in its detail.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CcmsRow {
    pub(super) id: Text,
    pub(super) resource_id: Text,
    name: Text,
    status: Text,
    #[serde(rename = "type")]
    kind: Text,
    brand: Text,
    issue_time: Time,
    expire_time: Time,
    domain_name: Names,
    encryption_algorithm: Text,
    fingerprint: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CcmsExport {
    entire_certificate: Text,
    certificate: Text,
    certificate_chain: Text,
    private_key: Text,
}

impl EcxRow {
    pub(super) fn certificate(self) -> Certificate {
        Certificate {
            alias: self.cert_name.0,
            domains_complete: self.scans.is_some(),
            status: match self.cert_state.as_str().to_ascii_lowercase().as_str() {
                "validity" | "2" => Status::Issued,
                "expired" | "1" => Status::Expired,
                _ => Status::Unknown,
            },
            provider_status: self.cert_state.0,
            not_before: self.issue_time.0,
            not_after: self.expires_time.0,
            ..Certificate::new(self.id.0.unwrap_or_default())
        }
        .named(self.common_name.0, self.scans.unwrap_or_default().0)
    }

    /// Key and certificates; `None` where the cloud holds neither.
    pub(super) fn material(self) -> Option<Material> {
        material([("key", self.key), ("certs", self.certs)])
    }
}

impl CcmsRow {
    pub(super) fn certificate(self) -> Certificate {
        let mut names = self.domain_name.0.into_iter();
        Certificate {
            alias: self.name.0,
            status: match self.status.as_str().to_ascii_uppercase().as_str() {
                // Expiring is in force still.
                "ISSUED" | "EXPIRING" => Status::Issued,
                "EXPIRED" => Status::Expired,
                "REVOKED" | "REVOKEAUDITING" => Status::Revoked,
                "PREAPPLY" | "APPLYAUDITING" => Status::Pending,
                "AUDITFAILED" => Status::Failed,
                _ => Status::Unknown,
            },
            provider_status: self.status.0,
            not_before: self.issue_time.0,
            not_after: self.expire_time.0,
            ..Certificate::new(self.id.0.unwrap_or_default())
        }
        .named(names.next(), names)
    }
}

impl CcmsExport {
    /// Key and certificates; `None` where the cloud holds neither.
    pub(super) fn material(self) -> Option<Material> {
        material([
            ("privateKey", self.private_key),
            ("entireCertificate", self.entire_certificate),
            ("certificate", self.certificate),
            ("certificateChain", self.certificate_chain),
        ])
    }
}

pub(super) fn describe_ecx(reply: Value) -> Description {
    let row: EcxRow = read(reply.clone());
    let algorithm = [&row.public_key_algorithm, &row.public_key_bit].map(Text::as_str).join(" ").trim().to_owned();
    let (kind, signature) = (row.cert_type.0.clone(), row.signature_algorithm.0.clone());
    let (fingerprint, description, pem) = (row.fingerprint.0.clone(), row.description.0.clone(), row.certs.0.clone());
    let mut certificate = row.certificate();
    certificate.domains_complete = true;
    Description {
        kind,
        description,
        signature_algorithm: signature,
        key_algorithm: Some(algorithm).filter(|algorithm| !algorithm.is_empty()),
        fingerprint_sha1: fingerprint.map(|fingerprint| fingerprint.to_ascii_lowercase()),
        ..Description::new(certificate, redact(reply))
    }
    .with_pem(pem.as_deref())
}

pub(super) fn describe_ccms(reply: Value) -> Description {
    let row: CcmsRow = read(reply.clone());
    let (kind, brand, algorithm) = (row.kind.0.clone(), row.brand.0.clone(), row.encryption_algorithm.0.clone());
    let fingerprint = row.fingerprint.0.as_deref().map(str::to_ascii_lowercase);
    let certificate = row.certificate();
    Description {
        kind,
        issuer: brand,
        key_algorithm: algorithm,
        fingerprint_sha1: fingerprint,
        ..Description::new(certificate, redact(reply))
    }
}

/// Takes the payload, or the error, out of any of the three envelopes: ecx v1 (`status`, `data`), ecx v3 and ccms
/// (`statusCode`, `returnObj`), and the gateway's own errors.
pub(super) fn open(status: u16, mut reply: Value) -> Result<Value, Complaint> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Outcome {
        /// Success is 200, as a number or a text.
        status_code: Text,
        error: Text,
        error_code: Text,
        code: Text,
        message: Text,
        error_message: Text,
        request_id: Text,
    }
    /// Success is "Success".
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct V1Status {
        code: Text,
        message: Text,
    }
    let v1: V1Status = read(reply.get("status").cloned().unwrap_or_default());
    let outcome: Outcome = read(reply.clone());
    let error = outcome.error.0.or(outcome.error_code.0);
    if status < 400 && v1.code.as_str().eq_ignore_ascii_case("success") {
        return Ok(reply.get_mut("data").map(Value::take).unwrap_or_default());
    }
    if status < 400 && error.is_none() && outcome.status_code.as_str() == "200" {
        return Ok(reply.get_mut("returnObj").map(Value::take).unwrap_or_default());
    }
    let code = error.or(outcome.code.0).or(v1.code.0).or(outcome.status_code.0);
    let message = outcome.message.0.or(outcome.error_message.0).or(v1.message.0).unwrap_or_default();
    Err(Complaint { code, message, request_id: outcome.request_id.0 })
}

pub(super) fn meaning(code: &str) -> Option<Meaning> {
    Some(match code.trim_start_matches("CTAPI_") {
        "10009" | "10002" => Meaning::Credentials,
        "CTIAM_0005" | "CTIAM_1044" => Meaning::Permission,
        // Some replies have an HTTP status where others have a code.
        status => return status.parse().ok().map(Meaning::of_status).filter(|meaning| *meaning != Meaning::Other),
    })
}
