//! What is in place in a certificate directory. Takes no lock and writes nothing.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use rustix::process::geteuid;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::audit::{Examined, Examiner};
use super::inspect::{self, Survey};
use super::layout::{self, CURRENT, METADATA_MODE, VERSIONS};
use super::metadata::Metadata;
use super::version::VersionName;
use super::{Identity, Install, Name, Ownership, State, StoreError, lock, state, walk, whole};
use crate::format::{KEYSTORE_PASSWORD, Settings, password_in_file};

/// What is in place.
#[derive(Debug)]
pub struct Standing {
    /// Which certificate, by its metadata; `None` if there is none or it cannot be told.
    pub identity: Option<Identity>,
    /// The version's name.
    pub version: Option<String>,
    /// Whether every file and copy is there with the recorded bytes, the mode and the owner that are expected, no
    /// other file, and nothing that a run that died has left.
    pub is_intact: bool,
    /// What is remembered about the directory.
    pub state: State,
}

/// What is expected to be in place, whichever certificate it is.
#[derive(Debug)]
pub struct Expected<'a> {
    /// Name and permission bits of each file but metadata.json.
    pub files: &'a [(&'static str, u32)],
    /// The same of files that may be there: those of them that are recorded.
    pub may_be: &'a [(&'static str, u32)],
    /// Copies at fixed paths.
    pub installs: &'a [Install],
    /// Whose the files are.
    pub ownership: Ownership,
}

impl Expected<'_> {
    /// The files that a version of this metadata is to have.
    pub(super) fn among(&self, metadata: Option<&Metadata>) -> Vec<(&'static str, u32)> {
        let is_recorded =
            |(name, _): &(&'static str, u32)| metadata.is_some_and(|metadata| metadata.files.contains_key(*name));
        self.files.iter().chain(self.may_be.iter().filter(|file| is_recorded(file))).copied().collect()
    }
}

/// Looks at `<dir>/<name>`; `None` if there is no such directory.
///
/// # Errors
/// When it cannot be read, or is not certctl's.
pub fn look(dir: &Path, name: &Name, expected: &Expected<'_>) -> Result<Option<Standing>, StoreError> {
    let Some(base) = walk::find(dir)? else { return Ok(None) };
    let Some(certificate) = lock::open_certificate(&base, name)? else { return Ok(None) };
    let state = state::read(&certificate)?;
    let mut examiner = Examiner::new(&certificate, geteuid().as_raw());
    let Examined { metadata, version, .. } = examiner.examine(name, Some(expected), &state)?;
    let Examiner { findings, refused, denied, .. } = examiner;
    if let Some(error) = refused.into_iter().next() {
        return Err(error);
    }
    let is_intact = findings.is_empty() && denied.is_none();
    Ok(Some(Standing { identity: metadata.map(|metadata| metadata.identity), version, is_intact, state }))
}

/// Whether the directory at `path` looks like one of certctl's, whatever has become of it: its links or its versions are
/// there.
#[must_use]
pub fn is_certificate_directory(path: &Path) -> bool {
    let target = |name: &OsStr| fs::read_link(path.join(name)).ok();
    let has_current = target(OsStr::new(CURRENT)).is_some_and(|target| target.starts_with(VERSIONS));
    let names =
        |path: &Path| fs::read_dir(path).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.file_name());
    let is_version = |name: OsString| VersionName::parse(&name).is_some();
    let is_link = |name: OsString| target(&name).is_some_and(|target| target.as_os_str() == layout::link_target(&name));
    has_current || names(&path.join(VERSIONS)).any(is_version) || names(path).any(is_link)
}

/// The versions in the certificate directory at `path` that are not in place, the newest first; none where it cannot be
/// read.
#[must_use]
pub fn other_versions(path: &Path) -> Vec<String> {
    let current = fs::read_link(path.join(CURRENT)).ok().and_then(|target| layout::version_in(target.as_os_str()));
    let entries = fs::read_dir(path.join(VERSIONS)).into_iter().flatten().filter_map(Result::ok);
    let versions = entries.filter_map(|entry| VersionName::parse(&entry.file_name()));
    let mut others: Vec<_> = versions.filter(|version| Some(version) != current.as_ref()).collect();
    others.sort_unstable_by(|one, other| other.cmp(one));
    others.iter().map(ToString::to_string).collect()
}

/// These files of the version in place, in this order, if their bytes are those that its metadata records, whatever
/// their modes and owners; `None` if any is not.
///
/// # Errors
/// When the directory cannot be read, or is not certctl's.
pub fn contents(dir: &Path, name: &Name, files: &[&str]) -> Result<Option<Vec<Zeroizing<Vec<u8>>>>, StoreError> {
    let Some(base) = walk::find(dir)? else { return Ok(None) };
    let Some(certificate) = lock::open_certificate(&base, name)? else { return Ok(None) };
    let survey = Survey::of(&certificate, &[])?;
    let Some((_, version)) = survey.open_current()? else { return Ok(None) };
    let metadata = whole::metadata(&version).filter(|(_, file)| file.is_sound(METADATA_MODE, Ownership::default()));
    Ok(metadata.and_then(|(metadata, _)| files.iter().map(|name| whole::bytes(&version, &metadata, name)).collect()))
}

/// How the files in place were made, by their metadata, and the password that was written beside a key store.
#[derive(Debug, Default)]
pub struct Made {
    /// Its files, and what is recorded of each; of a version without metadata, nothing.
    pub files: Vec<(String, Settings)>,
    /// certctl's own password. It is found without metadata, too: servers are configured with it.
    pub password: Option<SecretString>,
}

/// How what is in place in `<dir>/<name>` was made; nothing if there is nothing.
///
/// # Errors
/// When the directory cannot be read, or is not certctl's.
pub fn made(dir: &Path, name: &Name) -> Result<Made, StoreError> {
    let Some(base) = walk::find(dir)? else { return Ok(Made::default()) };
    let Some(certificate) = lock::open_certificate(&base, name)? else { return Ok(Made::default()) };
    let survey = Survey::of(&certificate, &[])?;
    let Some((_, version)) = survey.open_current()? else { return Ok(Made::default()) };
    let files = match whole::metadata(&version) {
        Some((metadata, _)) => metadata.files.into_iter().map(|(name, record)| (name, record.settings)).collect(),
        None => {
            version.names()?.into_iter().filter_map(|name| Some((name.into_string().ok()?, Settings::new()))).collect()
        }
    };
    let file = version.read(KEYSTORE_PASSWORD, inspect::LONGEST).ok().flatten();
    // What everybody may have written is no secret to build on. Its group may, by the user's `key_mode`.
    let password = file.filter(|file| file.mode & 0o002 == 0).and_then(|file| password_in_file(&file.bytes));
    let password = password.filter(|password| !password.expose_secret().is_empty());
    Ok(Made { files, password })
}
