//! A new version: written aside, synced, then switched to by one rename; or taken back whole.

use jiff::Timestamp;

use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::inspect::{Current, Survey};
use crate::store::layout::{self, CURRENT, METADATA_MODE, NEXT_LINK, STAGED, VERSIONS, Wanted};
use crate::store::metadata::METADATA;
use crate::store::sweep;
use crate::store::version::VersionName;

/// Makes and switches to a new version, named by `now`, and removes the old ones beyond `keep`.
///
/// # Errors
/// Up to the switch, nothing of the attempt is left on disk.
pub(super) fn commit(
    certificate: &Dir,
    survey: Survey,
    wanted: &Wanted<'_>,
    now: Timestamp,
    keep: usize,
) -> Result<VersionName, StoreError> {
    let (versions, made_versions) = match survey.versions {
        Some(versions) => (versions, false),
        None => match certificate.make(VERSIONS, 0o755)? {
            Some(versions) => (versions, true),
            None => (certificate.open(VERSIONS)?, false),
        },
    };
    let mut attempt = Attempt { certificate, versions, made_versions, made_version: None, made_links: Vec::new() };
    match attempt.up_to_the_switch(wanted, &survey.current, &survey.broken_links, now) {
        Err(error) => {
            attempt.undo();
            Err(error)
        }
        Ok(version) => {
            certificate.sync()?;
            sweep::stale_links(certificate, wanted);
            sweep::old_versions(&attempt.versions, &version, keep);
            Ok(version)
        }
    }
}

/// Puts links in place that are missing or point elsewhere, each by one rename.
pub(super) fn repair_links(certificate: &Dir, broken: &[&str]) -> Result<(), StoreError> {
    for name in broken {
        put_link(certificate, name)?;
    }
    certificate.sync()
}

/// What has been made on disk so far.
struct Attempt<'a> {
    certificate: &'a Dir,
    versions: Dir,
    made_versions: bool,
    made_version: Option<VersionName>,
    made_links: Vec<&'static str>,
}

impl Attempt<'_> {
    fn up_to_the_switch(
        &mut self,
        wanted: &Wanted<'_>,
        current: &Current,
        broken_links: &[&'static str],
        now: Timestamp,
    ) -> Result<VersionName, StoreError> {
        if self.made_versions {
            self.certificate.sync()?;
        }
        let mut taken = sweep::versions_in(&self.versions)?;
        if let Current::Version(current) = current {
            taken.push(current.clone()); // Even if it is gone: making it anew would be a switch before its time.
        }
        let newest = taken.iter().max();
        let version = VersionName::after(newest, now, &wanted.metadata.identity.fingerprint_sha256);
        self.made_version = Some(version.clone());
        self.write(&version, wanted)?;
        for name in broken_links {
            if self.certificate.entry(name)?.is_none() {
                self.made_links.push(name);
            }
            put_link(self.certificate, name)?;
        }
        if !broken_links.is_empty() {
            self.certificate.sync()?;
        }
        replace_link(self.certificate, &layout::current_target(&version), CURRENT)?;
        Ok(version)
    }

    fn write(&self, version: &VersionName, wanted: &Wanted<'_>) -> Result<(), StoreError> {
        let staged_name = format!("{STAGED}{version}");
        let Some(staged) = self.versions.make(&staged_name, 0o700)? else {
            let path = self.versions.path().join(staged_name);
            return Err(StoreError::io("create directory", path, rustix::io::Errno::EXIST));
        };
        for file in wanted.files {
            staged.write(file.name, &file.bytes, file.mode)?;
        }
        let metadata = wanted.metadata.to_bytes();
        let metadata = metadata.map_err(|reason| StoreError::io("write", staged.path().join(METADATA), reason))?;
        staged.write(METADATA, &metadata, METADATA_MODE)?;
        staged.set_mode(0o755)?;
        staged.sync()?;
        self.versions.rename(&staged_name, version.as_str())?;
        self.versions.sync()
    }

    fn undo(&self) {
        for name in &self.made_links {
            sweep::warn(self.certificate.remove_tree(name));
        }
        if let Some(version) = &self.made_version {
            sweep::warn(self.versions.remove_tree(format!("{STAGED}{version}")));
            sweep::warn(self.versions.remove_tree(version.as_str()));
        }
        if self.made_versions {
            sweep::warn(self.certificate.remove_empty(VERSIONS));
        }
    }
}

fn put_link(certificate: &Dir, name: &str) -> Result<(), StoreError> {
    replace_link(certificate, &format!("{CURRENT}/{name}"), name)
}

/// A link of that name and target at once, whatever link was there before.
fn replace_link(certificate: &Dir, target: &str, name: &str) -> Result<(), StoreError> {
    certificate.link(target, NEXT_LINK)?;
    let replaced = certificate.rename(NEXT_LINK, name);
    if replaced.is_err() {
        sweep::warn(certificate.unlink(NEXT_LINK));
    }
    replaced
}
