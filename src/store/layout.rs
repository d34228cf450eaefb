//! The names in a certificate directory, and what a version is to hold.

use std::ffi::{OsStr, OsString};

use jiff::Timestamp;

use crate::format::FileImage;
use crate::store::Ownership;
use crate::store::metadata::{Identity, METADATA, Metadata};
use crate::store::version::VersionName;

/// The link that says which version counts. Replacing it is the switch.
pub(super) const CURRENT: &str = "current";
/// The directory of the versions.
pub(super) const VERSIONS: &str = "versions";
/// A link that is about to replace another one.
pub(super) const NEXT_LINK: &str = ".current.new";
/// A version that is being written is called this and its name.
pub(super) const STAGED: &str = ".new-";
/// A version that is being removed is called this and its name.
pub(super) const DISCARDED: &str = ".old-";
/// The mode of metadata.json.
pub(super) const METADATA_MODE: u32 = 0o644;

/// What a certificate directory is to hold.
pub(super) struct Wanted<'a> {
    pub(super) files: &'a [FileImage],
    pub(super) metadata: Metadata,
    pub(super) ownership: Ownership,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(identity: &Identity, files: &'a [FileImage], now: Timestamp, ownership: Ownership) -> Self {
        Self { files, metadata: Metadata::new(identity, files, now), ownership }
    }

    /// The names of the version's files; each has a link of the same name.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.iter().map(|file| file.name).chain([METADATA]).map(str::to_owned).collect()
    }
}

/// Whether a file of a version may be called so: nothing of certctl's own has this name.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains('/') && name != CURRENT && name != VERSIONS
}

/// Where the link of a file points.
pub(super) fn link_target(name: &OsStr) -> OsString {
    let mut target = OsString::from("current/");
    target.push(name);
    target
}

/// Where `current` points.
pub(super) fn current_target(version: &VersionName) -> String {
    format!("{VERSIONS}/{version}")
}

/// The version that `current` names, if it points where only certctl would have it point.
pub(super) fn version_in(target: &OsStr) -> Option<VersionName> {
    VersionName::parse(OsStr::new(target.to_str()?.strip_prefix(VERSIONS)?.strip_prefix('/')?))
}
