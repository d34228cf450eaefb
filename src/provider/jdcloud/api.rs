//! What is on the wire at JD Cloud, and what its error codes mean.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::bundle::Material;
use crate::provider::lenient::{Count, Names, Rows, Text, Time, material, read};
use crate::provider::redact::redact;
use crate::provider::session::Complaint;
use crate::provider::{Certificate, Description, Meaning, ProviderError, Status};

pub(super) const LIST: &str = "describeCerts";
pub(super) const DESCRIBE: &str = "describeCert";
pub(super) const DOWNLOAD: &str = "downloadCert";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct List {
    pub(super) cert_list_details: Rows,
    pub(super) total_count: Count,
}

/// A certificate, in the listing and in its description.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Row {
    cert_id: Text,
    cert_name: Text,
    alias_name: Text,
    common_name: Text,
    cert_type: Text,
    issuer: Text,
    start_time: Time,
    end_time: Time,
    dns_names: Names,
    cert_status: Text,
    /// 0 or 1.
    downloadable: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Download {
    /// A list even for one certificate.
    cert_desc: Rows,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DownloadCertDesc {
    cert_id: Text,
    /// The alias.
    cert_name: Text,
    key_file: Text,
    cert_file: Text,
    ca_cert_file: Text,
    /// Of whatever in the files is encrypted.
    #[serde(rename = "certEncryptePassword")]
    password: Text,
}

impl Row {
    /// What the numbers of certStatus mean is not documented. Only what has been issued has a validity, and only what
    /// still stands can be downloaded.
    fn status(&self, now: Timestamp) -> Status {
        match self.end_time.0 {
            Some(end) if end <= now => Status::Expired,
            Some(_) if !matches!(self.downloadable.as_str(), "0" | "false") => Status::Issued,
            _ => Status::Unknown,
        }
    }

    pub(super) fn certificate(self, now: Timestamp) -> Certificate {
        Certificate {
            status: self.status(now),
            alias: self.cert_name.0.or(self.alias_name.0),
            provider_status: self.cert_status.0,
            not_before: self.start_time.0,
            not_after: self.end_time.0,
            ..Certificate::new(self.cert_id.0.unwrap_or_default())
        }
        .named(self.common_name.0, self.dns_names.0)
    }
}

impl Download {
    /// Key and certificates of the certificate `id`; `None` where the cloud holds neither.
    ///
    /// # Errors
    /// [`ProviderError::Reply`] where it is another certificate's.
    pub(super) fn material(self, id: &str) -> Result<Option<Material>, ProviderError> {
        let descriptions = self.cert_desc.0.unwrap_or_default().into_iter().map(read::<DownloadCertDesc>);
        let mut descriptions = descriptions.collect::<Vec<_>>();
        if descriptions.len() > 1 {
            descriptions.retain(|description| description.cert_id.as_str() == id);
        }
        let Some(description) = descriptions.pop() else { return Ok(None) };
        let DownloadCertDesc { cert_id, cert_name, key_file, cert_file, ca_cert_file, password } = description;
        // The call takes an alias for an id.
        ProviderError::unless_about(DOWNLOAD, id, cert_id.as_str(), cert_name.0.as_deref())?;
        let material = material([("keyFile", key_file), ("certFile", cert_file), ("caCertFile", ca_cert_file)]);
        Ok(material.map(|material| material.with_password(password.0.unwrap_or_default())))
    }
}

pub(super) fn describe(mut reply: Value, now: Timestamp) -> Description {
    // The documents nest the fields, the SDKs have them flat.
    if let Some(nested) = reply.get_mut("certDescDetail").filter(|nested| nested.is_object()) {
        reply = nested.take();
    }
    let row: Row = read(reply.clone());
    let (issuer, kind) = (row.issuer.0.clone(), row.cert_type.0.clone());
    Description { issuer, kind, ..Description::new(row.certificate(now), redact(reply)) }
}

/// Takes `result`, or the error, out of the envelope.
pub(super) fn open(status: u16, mut reply: Value) -> Result<Value, Complaint> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Failure {
        /// An HTTP status, in spite of its name.
        code: Text,
        /// The word for it.
        status: Text,
        message: Text,
    }
    let request_id = read::<Text>(reply.get("requestId").cloned().unwrap_or_default()).0;
    match reply.get_mut("error").map(Value::take) {
        Some(error) if !error.is_null() => {
            let Failure { code, status, message } = read(error);
            let words = status.0.into_iter().chain(message.0).collect::<Vec<_>>().join(": ");
            Err(Complaint { code: code.0, message: words, request_id })
        }
        _ if status >= 400 => Err(Complaint { request_id, ..Complaint::default() }),
        _ => Ok(reply.get_mut("result").map(Value::take).unwrap_or_default()),
    }
}

/// The codes are HTTP statuses, wherever the real status is another.
pub(super) fn meaning(code: &str) -> Option<Meaning> {
    code.parse().ok().map(Meaning::of_status).filter(|meaning| *meaning != Meaning::Other)
}
