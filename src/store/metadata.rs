//! metadata.json: what a version holds and where it came from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::format::FileImage;
use crate::store::name::Name;

/// The file's name inside a version.
pub const METADATA: &str = "metadata.json";

/// The form of the file that this module reads and writes.
const SCHEMA: &str = "certctl.metadata/v1";

/// Which certificate it is and where it came from: what the caller knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The certificate directory's name.
    pub name: Name,
    /// The cloud, for example `tencent`.
    pub provider: String,
    /// The account's name.
    pub account: String,
    /// The certificate's id at the cloud.
    pub id: String,
    /// The DNS names, in the leaf's order.
    pub domains: Vec<String>,
    /// Start of the leaf's validity, UTC.
    #[serde(with = "whole_seconds")]
    pub not_before: Timestamp,
    /// End of the leaf's validity, UTC.
    #[serde(with = "whole_seconds")]
    pub not_after: Timestamp,
    /// The leaf's serial number.
    pub serial: String,
    /// The leaf's issuer.
    pub issuer: String,
    /// SHA-256 of the leaf's DER, in lower-case hexadecimal digits.
    pub fingerprint_sha256: String,
    /// The key's algorithm.
    pub key_algorithm: String,
}

/// The whole of metadata.json, its fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    schema: String,
    /// Which certificate the version holds.
    #[serde(flatten)]
    pub identity: Identity,
    /// Every file of the version, by name, but metadata.json itself.
    pub files: BTreeMap<String, FileRecord>,
    /// When the version was made, UTC.
    #[serde(with = "whole_seconds")]
    pub downloaded_at: Timestamp,
}

/// What metadata.json says of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its permission bits in octal digits, for example `0644`.
    pub mode: String,
}

impl Metadata {
    pub(super) fn new(identity: &Identity, files: &[FileImage], downloaded_at: Timestamp) -> Self {
        let files = files.iter().map(|file| (file.name.to_owned(), FileRecord::of(file))).collect();
        Self { schema: SCHEMA.to_owned(), identity: identity.clone(), files, downloaded_at }
    }

    /// The file's bytes as metadata; `None` if they are damaged or of another schema.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|metadata: &Self| metadata.schema == SCHEMA)
    }

    /// The file's bytes: indented, since people read it, and with a final newline.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Whether both describe the same certificate in the same files, whenever each was downloaded.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        self.identity == other.identity && self.files == other.files
    }
}

impl FileRecord {
    fn of(file: &FileImage) -> Self {
        let sha256 = Sha256::digest(file.bytes.as_slice()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { sha256, mode: format!("{:04o}", file.mode) }
    }
}

/// A time as RFC 3339, UTC, without a fraction: `2026-11-22T02:03:04Z`.
mod whole_seconds {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de, ser};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_second(time.as_second()).map_err(ser::Error::custom)?;
        serializer.collect_str(&time)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
