//! metadata.json: what a version holds and where it came from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bundle::Bundle;
use crate::digest::sha256_hex;
use crate::format::{FileImage, Settings};
use crate::store::name::Name;

/// The file's name inside a version.
pub(super) const METADATA: &str = "metadata.json";

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
    #[serde(with = "rfc3339")]
    pub not_before: Timestamp,
    /// End of the leaf's validity, UTC.
    #[serde(with = "rfc3339")]
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

impl Identity {
    /// What the leaf of `bundle` says, called `name`, and where it came from: provider, account and id.
    #[must_use]
    pub fn of(bundle: &Bundle, name: Name, [provider, account, id]: [&str; 3]) -> Self {
        let leaf = bundle.leaf();
        Self {
            name,
            provider: provider.to_owned(),
            account: account.to_owned(),
            id: id.to_owned(),
            domains: leaf.names(),
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            serial: leaf.serial.clone(),
            issuer: leaf.issuer.clone(),
            fingerprint_sha256: leaf.fingerprint_sha256.clone(),
            key_algorithm: leaf.key_algorithm.clone(),
        }
    }
}

/// The whole of metadata.json, its fields in the order they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Metadata {
    schema: String,
    /// Which certificate the version holds.
    #[serde(flatten)]
    pub(super) identity: Identity,
    /// Every file of the version, by name, but metadata.json itself.
    pub(super) files: BTreeMap<String, FileRecord>,
    /// When the version was made, UTC.
    #[serde(with = "rfc3339")]
    downloaded_at: Timestamp,
}

/// What metadata.json says of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileRecord {
    /// SHA-256 of its bytes, in lower-case hexadecimal digits.
    pub(super) sha256: String,
    /// Its permission bits in octal digits, for example `0644`.
    mode: String,
    /// How it was made.
    #[serde(flatten)]
    pub(super) settings: Settings,
}

impl Metadata {
    pub(super) fn new(identity: &Identity, files: &[FileImage], downloaded_at: Timestamp) -> Self {
        let mut identity = identity.clone();
        for time in [&mut identity.not_before, &mut identity.not_after] {
            *time = whole_seconds(*time);
        }
        let files = files.iter().map(|file| (file.name.to_owned(), FileRecord::of(file))).collect();
        Self { schema: SCHEMA.to_owned(), identity, files, downloaded_at: whole_seconds(downloaded_at) }
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
    /// Its permission bits, if they are written as they should be.
    pub(super) fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok().filter(|mode| octal(*mode) == self.mode)
    }

    fn of(file: &FileImage) -> Self {
        Self { sha256: sha256_hex(&file.bytes), mode: octal(file.mode), settings: file.settings.clone() }
    }
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

/// Without the fraction, which no certificate has and the file does not show.
fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A time as RFC 3339, UTC: `2026-11-22T02:03:04Z`.
pub(super) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in crate::store) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(time)
    }

    pub(in crate::store) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
