//! What is on the wire at Tencent Cloud, and what its error codes mean.

use serde::Deserialize;
use serde_json::Value;

use crate::bundle::Material;
use crate::provider::lenient::{Count, Names, Rows, Text, Time, read};
use crate::provider::redact::redact;
use crate::provider::session::Complaint;
use crate::provider::{Certificate, Description, Meaning, Status};

pub(super) const LIST: &str = "DescribeCertificates";
pub(super) const DESCRIBE: &str = "DescribeCertificate";
pub(super) const DETAIL: &str = "DescribeCertificateDetail";
pub(super) const DOWNLOAD: &str = "DownloadCertificate";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct List {
    pub(super) total_count: Count,
    pub(super) certificates: Rows,
}

/// A certificate, in the listing and in its description.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Row {
    certificate_id: Text,
    alias: Text,
    domain: Text,
    subject_alt_name: Names,
    #[serde(rename = "CertSANs")]
    cert_sans: Names,
    status: Text,
    cert_begin_time: Time,
    cert_end_time: Time,
    product_zh_name: Text,
    package_type_name: Text,
    encrypt_algorithm: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Download {
    /// A zip archive in base64.
    pub(super) content: Text,
}

/// What stands in for the archive. Everything else of it is like [`Row`].
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Detail {
    status: Text,
    certificate_public_key: Text,
    certificate_private_key: Text,
    /// Of SM2 certificates alone, as is the next: the encryption half.
    encrypt_cert: Text,
    encrypt_private_key: Text,
    /// A [`RootCert`], or null.
    root_cert: Value,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RootCert {
    standard: Text,
    /// Of SM2 certificates, as is the next.
    sign: Text,
    encrypt: Text,
}

impl Row {
    pub(super) fn certificate(self) -> Certificate {
        let others = self.subject_alt_name.0.into_iter().chain(self.cert_sans.0);
        Certificate {
            alias: self.alias.0,
            status: status(self.status.as_str()),
            provider_status: self.status.0,
            not_before: self.cert_begin_time.0,
            not_after: self.cert_end_time.0,
            ..Certificate::new(self.certificate_id.0.unwrap_or_default())
        }
        .named(self.domain.0, others)
    }
}

impl Detail {
    /// Key and certificate; `None` where the cloud holds neither, or the certificate must not be used.
    pub(super) fn material(self) -> Option<Material> {
        // The detail of a revoked certificate still shows its key.
        let withdrawn = !matches!(status(self.status.as_str()), Status::Issued | Status::Expired | Status::Unknown);
        // The root alone is nothing to install.
        let is_there = self.certificate_private_key.0.is_some() || self.certificate_public_key.0.is_some();
        Some(self).filter(|_| is_there && !withdrawn).map(|detail| detail.beside(Material::default()))
    }

    /// Everything that it holds beside what came already.
    pub(super) fn beside(self, material: Material) -> Material {
        let roots: RootCert = read(self.root_cert);
        [
            ("CertificatePrivateKey", self.certificate_private_key),
            ("CertificatePublicKey", self.certificate_public_key),
            ("EncryptPrivateKey", self.encrypt_private_key),
            ("EncryptCert", self.encrypt_cert),
            ("RootCert.Standard", roots.standard),
            ("RootCert.Sign", roots.sign),
            ("RootCert.Encrypt", roots.encrypt),
        ]
        .into_iter()
        .fold(material, |material, (name, text)| material.with(name, text.0.unwrap_or_default()))
    }
}

pub(super) fn describe(reply: Value) -> Description {
    let row: Row = read(reply.clone());
    let issuer = row.product_zh_name.0.clone();
    let kind = row.package_type_name.0.clone();
    let key_algorithm = row.encrypt_algorithm.0.clone();
    Description { issuer, kind, key_algorithm, ..Description::new(row.certificate(), redact(reply)) }
}

/// Status 0 to 15, as DescribeCertificates has them.
fn status(code: &str) -> Status {
    match code {
        "1" => Status::Issued,
        "3" => Status::Expired,
        "9" | "10" | "12" => Status::Revoked,
        "0" | "4" | "5" | "8" | "11" | "13" | "15" => Status::Pending,
        "2" => Status::Failed,
        "6" | "7" | "14" => Status::Canceled,
        _ => Status::Unknown,
    }
}

/// Takes the payload, or the error, out of `{"Response": {...}}`. The HTTP status is 200 either way.
pub(super) fn open(status: u16, mut reply: Value) -> Result<Value, Complaint> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Failure {
        code: Text,
        message: Text,
    }
    let mut response = reply.get_mut("Response").map(Value::take).unwrap_or_default();
    let request_id = read::<Text>(response.get("RequestId").cloned().unwrap_or_default()).0;
    match response.get_mut("Error").map(Value::take) {
        Some(error) if !error.is_null() => {
            let Failure { code, message } = read(error);
            Err(Complaint { code: code.0, message: message.0.unwrap_or_default(), request_id })
        }
        _ if status >= 400 => Err(Complaint { request_id, ..Complaint::default() }),
        _ => Ok(response),
    }
}

pub(super) fn meaning(code: &str) -> Option<Meaning> {
    Some(match code {
        "AuthFailure.SignatureExpire" => Meaning::Clock,
        "AuthFailure.MFAFailure" => Meaning::Mfa(None),
        "AuthFailure.UnauthorizedOperation"
        | "FailedOperation.AuthError"
        | "FailedOperation.CAMAuthorizedFail"
        | "FailedOperation.NoProjectPermission"
        | "FailedOperation.NoRealNameAuth"
        | "IpNotInWhitelist"
        | "IpInBlacklist" => Meaning::Permission,
        "FailedOperation.CertificateNotFound" | "InvalidParameter.ContainsInvalidCertificateId" => Meaning::NotFound,
        "FailedOperation.CertificateNotAllowDownload"
        | "FailedOperation.CertificateStatusNotAllowDownload"
        | "FailedOperation.CertificateDownloadServiceTypeNotSupport"
        | "FailedOperation.CertificateNotAvailable"
        | "FailedOperation.InvalidCertificateStatusCode" => Meaning::NotDownloadable,
        "LimitExceeded.RateLimitExceeded" => Meaning::RateLimited,
        "FailedOperation.NetworkError" | "FailedOperation.SystemError" | "FailedOperation.CannotGetOrder" => {
            Meaning::Busy
        }
        _ if is_in(code, "AuthFailure") => Meaning::Credentials,
        _ if is_in(code, "UnauthorizedOperation") => Meaning::Permission,
        _ if is_in(code, "ResourceNotFound") => Meaning::NotFound,
        _ if is_in(code, "RequestLimitExceeded") => Meaning::RateLimited,
        _ if is_in(code, "InternalError") || is_in(code, "ServiceUnavailable") => Meaning::Busy,
        _ => return None,
    })
}

/// Whether a code is this one or a finer one of its kind: `InternalError`, `InternalError.DbError`.
fn is_in(code: &str, kind: &str) -> bool {
    code.split('.').next() == Some(kind)
}
