//! A change of a certificate directory: a new version, written aside and synced, then switched to by one rename; or
//! all of it taken back.

use std::ffi::{OsStr, OsString};

use jiff::Timestamp;

use crate::store::Ownership;
use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::inspect::Current;
use crate::store::layout::{self, CURRENT, METADATA_MODE, NEXT_LINK, STAGED, VERSIONS, Wanted};
use crate::store::metadata::METADATA;
use crate::store::sweep;
use crate::store::version::VersionName;

/// What has been changed on disk so far.
pub(super) struct Change<'a> {
    certificate: &'a Dir,
    versions: Option<Dir>,
    made_versions: bool,
    made_version: Option<VersionName>,
    /// The links put in place, with where each pointed before.
    links: Vec<(String, Option<OsString>)>,
    current: Current,
    is_switched: bool,
}

impl<'a> Change<'a> {
    /// Nothing yet.
    pub(super) fn begin(certificate: &'a Dir, versions: Option<Dir>, current: Current) -> Self {
        let links = Vec::new();
        Self { certificate, versions, made_versions: false, made_version: None, links, current, is_switched: false }
    }

    /// Writes a new version, named by `now`.
    pub(super) fn write_version(&mut self, wanted: &Wanted<'_>, now: Timestamp) -> Result<VersionName, StoreError> {
        let versions = match self.versions.take() {
            Some(versions) => versions,
            None => match self.certificate.make(VERSIONS, 0o755)? {
                Some(versions) => {
                    self.made_versions = true;
                    self.certificate.sync()?;
                    versions
                }
                None => self.certificate.open(VERSIONS)?,
            },
        };
        let versions = self.versions.insert(versions);
        let mut taken = sweep::versions_in(versions)?;
        // Even if it is gone: making it anew would be a switch before its time.
        taken.extend(self.current.version().cloned());
        let newest = taken.iter().max();
        let version = VersionName::after(newest, now, &wanted.metadata.identity.fingerprint_sha256);
        self.made_version = Some(version.clone());
        write(versions, &version, wanted)?;
        Ok(version)
    }

    /// Puts links in place that are missing or point elsewhere, each by one rename.
    pub(super) fn put_links(&mut self, broken: &[String]) -> Result<(), StoreError> {
        for name in broken {
            let before = match self.certificate.entry(name)? {
                Some(_) => Some(self.certificate.link_target(name)?),
                None => None,
            };
            self.links.push((name.clone(), before));
            replace_link(self.certificate, layout::link_target(name.as_ref()), name)?;
        }
        if broken.is_empty() { Ok(()) } else { self.certificate.sync() }
    }

    /// The switch, unless that version is the current one. It is not synced.
    pub(super) fn switch(&mut self, version: &VersionName) -> Result<(), StoreError> {
        if self.current.version() == Some(version) {
            return Ok(());
        }
        replace_link(self.certificate, layout::current_target(version), CURRENT)?;
        self.is_switched = true;
        Ok(())
    }

    /// Makes the switch survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        if self.is_switched { self.certificate.sync() } else { Ok(()) }
    }

    /// Puts everything back. An error means that the new version is still the current one; anything else that cannot be
    /// put back is warned about.
    pub(super) fn undo(&self) -> Result<(), StoreError> {
        if self.is_switched {
            put_back(self.certificate, self.current.target(), CURRENT)?;
        }
        for (name, before) in self.links.iter().rev() {
            sweep::warn(put_back(self.certificate, before.clone(), name));
        }
        if let (Some(versions), Some(version)) = (&self.versions, &self.made_version) {
            sweep::warn(versions.remove_tree(format!("{STAGED}{version}")));
            sweep::warn(versions.remove_tree(version.as_str()));
        }
        if self.made_versions {
            sweep::warn(self.certificate.remove_empty(VERSIONS));
        }
        Ok(())
    }
}

fn write(versions: &Dir, version: &VersionName, wanted: &Wanted<'_>) -> Result<(), StoreError> {
    let staged_name = format!("{STAGED}{version}");
    let Some(staged) = versions.make(&staged_name, 0o700)? else {
        let path = versions.path().join(staged_name);
        return Err(StoreError::io("create directory", path, rustix::io::Errno::EXIST));
    };
    for file in wanted.files {
        staged.write(file.name, &file.bytes, file.mode, wanted.ownership)?;
    }
    let metadata = wanted.metadata.to_bytes();
    let metadata = metadata.map_err(|reason| StoreError::io("write", staged.path().join(METADATA), reason))?;
    staged.write(METADATA, &metadata, METADATA_MODE, Ownership::default())?;
    staged.set_mode(0o755)?;
    staged.sync()?;
    versions.rename(&staged_name, version.as_str())?;
    versions.sync()
}

/// Makes a link point where it did before; `None`: it was not there.
fn put_back(certificate: &Dir, before: Option<OsString>, name: &str) -> Result<(), StoreError> {
    match before {
        Some(target) => replace_link(certificate, target, name),
        None => sweep::remove_if_there(certificate, name),
    }
}

/// A link of that name and target at once, whatever link was there before.
fn replace_link(certificate: &Dir, target: impl AsRef<OsStr>, name: &str) -> Result<(), StoreError> {
    certificate.link(target, NEXT_LINK)?;
    let replaced = certificate.rename(NEXT_LINK, name);
    if replaced.is_err() {
        sweep::warn(certificate.unlink(NEXT_LINK));
    }
    replaced
}
