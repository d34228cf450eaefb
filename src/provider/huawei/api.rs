//! What is on the wire at Huawei Cloud SCM, and what its error codes mean.

use serde::Deserialize;
use serde_json::Value;

use crate::bundle::Material;
use crate::provider::lenient::{Count, Names, Rows, Text, Time, material, read};
use crate::provider::redact::redact;
use crate::provider::session::Complaint;
use crate::provider::{Certificate, Description, Meaning, Status};

pub(super) const LIST: &str = "ListCertificates";
pub(super) const DESCRIBE: &str = "ShowCertificate";
pub(super) const DOWNLOAD: &str = "ExportCertificate";
pub(super) const LIST_V2: &str = "GET certlist";
pub(super) const DESCRIBE_V2: &str = "GET cert";
pub(super) const DOWNLOAD_V2: &str = "GET cert_file";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct List {
    pub(super) certificates: Rows,
    pub(super) total_count: Count,
}

/// A certificate, in the listing and in its description. Only the description has the start of validity.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    id: Text,
    name: Text,
    domain: Text,
    sans: Option<Names>,
    domain_count: Count,
    wildcard_count: Count,
    status: Text,
    #[serde(rename = "type")]
    kind: Text,
    expire_time: Time,
    not_before: Time,
    not_after: Time,
    signature_algorithm: Text,
    /// What older replies call it.
    signature_algrithm: Text,
    fingerprint: Text,
    brand: Text,
    description: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Export {
    entire_certificate: Text,
    certificate: Text,
    certificate_chain: Text,
    private_key: Text,
    /// Of SM2 certificates alone, as is the next.
    enc_certificate: Text,
    /// Where the user made the CSR, a digital envelope.
    enc_private_key: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListV2 {
    pub(super) order_list: Rows,
    pub(super) total: Count,
}

/// A certificate of the older API, in the listing and in its description.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RowV2 {
    cert_id: Text,
    cert_name: Text,
    cert_type: Text,
    cert_brand: Text,
    expired_time: Time,
    domain_num: Count,
    wildcard_number: Count,
    // The listing's names, and the description's for the same.
    domain: Names,
    domain_name: Names,
    cert_des: Text,
    cert_describe: Text,
    // The listing's name, the one in its example, and the description's.
    order_status: Text,
    order_state: Text,
    status: Text,
}

impl Row {
    pub(super) fn certificate(self) -> Certificate {
        let count = self.domain_count.0.unwrap_or_default().saturating_add(self.wildcard_count.0.unwrap_or_default());
        Certificate {
            alias: self.name.0,
            // Some listings count the names and leave them out.
            domains_complete: self.sans.is_some() || count <= 1,
            status: status(self.status.as_str()),
            provider_status: self.status.0,
            not_before: self.not_before.0,
            not_after: self.not_after.0.or(self.expire_time.0),
            ..Certificate::new(self.id.0.unwrap_or_default())
        }
        .named(self.domain.0, self.sans.unwrap_or_default().0)
    }
}

impl RowV2 {
    pub(super) fn certificate(self) -> Certificate {
        let count = self.domain_num.0.unwrap_or_default().saturating_add(self.wildcard_number.0.unwrap_or_default());
        let told = self.domain.0.len().saturating_add(self.domain_name.0.len()) as u64;
        let mut names = self.domain.0.into_iter().chain(self.domain_name.0);
        let word = self.order_status.0.or(self.order_state.0).or(self.status.0);
        Certificate {
            alias: self.cert_name.0,
            domains_complete: told >= count,
            status: status(word.as_deref().unwrap_or_default()),
            provider_status: word,
            not_after: self.expired_time.0,
            ..Certificate::new(self.cert_id.0.unwrap_or_default())
        }
        .named(names.next(), names)
    }
}

impl Export {
    /// Key and certificates; `None` where the cloud holds neither.
    pub(super) fn material(self) -> Option<Material> {
        material([
            ("private_key", self.private_key),
            ("entire_certificate", self.entire_certificate),
            ("certificate", self.certificate),
            ("certificate_chain", self.certificate_chain),
            ("enc_private_key", self.enc_private_key),
            ("enc_certificate", self.enc_certificate),
        ])
    }
}

pub(super) fn describe(reply: Value) -> Description {
    let row: Row = read(reply.clone());
    Description {
        issuer: row.brand.0.clone(),
        kind: row.kind.0.clone(),
        signature_algorithm: row.signature_algorithm.0.clone().or_else(|| row.signature_algrithm.0.clone()),
        fingerprint_sha1: row.fingerprint.0.as_deref().map(str::to_ascii_lowercase),
        description: row.description.0.clone(),
        ..Description::new(row.certificate(), redact(reply))
    }
}

pub(super) fn describe_v2(reply: Value) -> Description {
    let row: RowV2 = read(reply.clone());
    Description {
        issuer: row.cert_brand.0.clone(),
        kind: row.cert_type.0.clone(),
        description: row.cert_describe.0.clone().or_else(|| row.cert_des.0.clone()),
        ..Description::new(row.certificate(), redact(reply))
    }
}

/// The words of both generations; the documents' own examples have more, and misspell one.
fn status(word: &str) -> Status {
    match word.to_ascii_uppercase().as_str() {
        "ISSUED" | "UPLOAD" => Status::Issued,
        "EXPIRED" => Status::Expired,
        "REVOKED" | "REVOKING" | "CANCLEREVOKING" | "CANCELREVOKING" => Status::Revoked,
        "PAID" | "ISSUING" | "CHECKING" | "CHECKING_ORG" | "CHECKING_DOMAIN" | "SUPPLEMENTCHECKING" => Status::Pending,
        "UNPASSED" => Status::Failed,
        "CANCELCHECKING" | "CANCELSUPPLEMENTING" | "CANCELED" => Status::Canceled,
        _ => Status::Unknown,
    }
}

/// The reply is the payload itself, unless it has an error's code.
pub(super) fn open(status: u16, reply: Value) -> Result<Value, Complaint> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Failure {
        error_code: Text,
        #[serde(rename = "errorCode")]
        error_code_camel: Text,
        code: Text,
        error_msg: Text,
        #[serde(rename = "errorMsg")]
        error_msg_camel: Text,
        message: Text,
        request_id: Text,
    }
    // IAM nests its error one level deeper than SCM and the gateway do.
    let outer = reply.get("error").filter(|error| error.is_object()).unwrap_or(&reply);
    let failure: Failure = read(outer.clone());
    let code = failure.error_code.0.or(failure.error_code_camel.0).or(failure.code.0);
    if status < 400 && code.is_none() {
        return Ok(reply);
    }
    let message = failure.error_msg.0.or(failure.error_msg_camel.0).or(failure.message.0).unwrap_or_default();
    Err(Complaint { code, message, request_id: failure.request_id.0 })
}

pub(super) fn meaning(code: &str) -> Option<Meaning> {
    Some(match code {
        "SCM.0003" | "SCM.4002" | "SCM.1009" | "SCM.1010" | "SCM.0002" => Meaning::Permission,
        "SCM.0006" | "SCM.0008" | "SCM.0020" => Meaning::NotFound,
        "SCM.0010" | "SCM.0059" => Meaning::NotDownloadable,
        "SCM.1000" | "SCM.1004" => Meaning::Credentials,
        "SCM.0007" | "SCM.0037" | "SCM.0038" | "SCM.4001" => Meaning::Busy,
        "APIGW.0101" => Meaning::NoSuchApi,
        "APIGW.0301" | "APIGW.0303" | "APIGW.0305" | "APIGW.0307" => Meaning::Credentials,
        "APIGW.0302" | "APIGW.0304" | "APIGW.0306" => Meaning::Permission,
        "APIGW.0308" => Meaning::RateLimited,
        "APIGW.0201" | "APIGW.0202" | "APIGW.0203" | "APIGW.0611" => Meaning::Busy,
        _ => return None,
    })
}
