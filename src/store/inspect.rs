//! What a certificate directory holds, and what of it is not as it should be. Changes nothing.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use jiff::Timestamp;
use rustix::fs::FileType;
use rustix::process::geteuid;

use crate::bundle::Certificate;
use crate::format::LEAF;
use crate::store::Ownership;
use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::layout::{self, CURRENT, METADATA_MODE, NEXT_LINK, VERSIONS, Wanted};
use crate::store::metadata::{METADATA, Metadata};
use crate::store::version::VersionName;

/// No file of a version is longer, in bytes, as far as certctl has to read it without knowing it.
pub(super) const LONGEST: usize = 1 << 20;

/// The mode of every directory that certctl makes.
pub(super) const DIRECTORY_MODE: u32 = 0o755;

/// A certificate directory's state: that of its own names, not yet of the version in it.
pub(super) struct Survey {
    pub(super) versions: Option<Dir>,
    pub(super) current: Current,
    /// The links that are missing or point elsewhere.
    pub(super) broken_links: Vec<String>,
}

/// What `current` is.
pub(super) enum Current {
    /// Not there: no version was ever switched to.
    Absent,
    /// A link that points to no version, but there. It is never followed.
    Astray(OsString),
    /// A link to this version, which may or may not be there.
    Version(VersionName),
}

impl Current {
    /// The version that it names.
    pub(super) fn version(&self) -> Option<&VersionName> {
        if let Self::Version(version) = self { Some(version) } else { None }
    }

    /// Where the link points.
    pub(super) fn target(&self) -> Option<OsString> {
        match self {
            Self::Absent => None,
            Self::Astray(target) => Some(target.clone()),
            Self::Version(version) => Some(layout::current_target(version).into()),
        }
    }
}

/// What has to be done for the directory to hold what is wanted.
pub(super) enum Need {
    /// Nothing: this version is right.
    Nothing(VersionName),
    /// Some links; this version is right.
    Links(VersionName),
    /// A new version.
    Version,
}

impl Survey {
    /// Looks at all names of certctl's own in the directory; `names` are those of the version's files.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] if something else is at one of them.
    pub(super) fn of(certificate: &Dir, names: &[String]) -> Result<Self, StoreError> {
        let (survey, refused) = Self::seen_by(certificate, names, geteuid().as_raw());
        refused.into_iter().next().map_or(Ok(survey), Err)
    }

    /// The same as the user `owner` would see it, and what is in the way; that is taken to be absent.
    pub(super) fn seen_by(certificate: &Dir, names: &[String], owner: u32) -> (Self, Vec<StoreError>) {
        let mut refused = Vec::new();
        let mut link = |name: &str, is_right: &dyn Fn(&OsString) -> bool| {
            link_at(certificate, name, is_right, owner).unwrap_or_else(|error| {
                refused.push(error);
                None
            })
        };
        let current = match link(CURRENT, &|target| layout::version_in(target).is_some()) {
            None => Current::Absent,
            Some(target) => layout::version_in(&target).map_or(Current::Astray(target), Current::Version),
        };
        link(NEXT_LINK, &|_| false);
        let (mut broken_links, mut astray) = (Vec::new(), Vec::new());
        for name in names {
            let right = layout::link_target(OsStr::new(name));
            let found = link(name, &|target| *target == right);
            if found.as_ref() != Some(&right) {
                broken_links.push(name.clone());
                astray.extend(found.is_some().then_some(name));
            }
        }
        let versions = versions_of(certificate, owner).unwrap_or_else(|error| {
            refused.push(error);
            None
        });
        // Whatever has become of a directory of certctl's, it has one of these; else the links are certbot's, say.
        if matches!(current, Current::Absent) && versions.is_none() {
            let foreign = |name: &String| {
                let entry = certificate.entry(name).ok().flatten()?;
                Some(entry.foreign(certificate.path().join(name), "a link to current/, or nothing"))
            };
            refused.extend(astray.into_iter().filter_map(foreign));
        }
        (Self { versions, current, broken_links }, refused)
    }

    /// The version in place, open; `None` if there is none.
    ///
    /// # Errors
    /// When there is one and the system does not let it be opened: it must not be taken for none.
    pub(super) fn open_current(&self) -> Result<Option<(&VersionName, Dir)>, StoreError> {
        let (Some(versions), Some(name)) = (&self.versions, self.current.version()) else { return Ok(None) };
        match versions.entry(name.as_str())? {
            Some(entry) if entry.kind == FileType::Directory => Ok(Some((name, versions.open(name.as_str())?))),
            _ => Ok(None),
        }
    }

    /// What has to be done, by the state of the version in place.
    ///
    /// # Errors
    /// [`StoreError::Older`] if a certificate that started to be valid later is installed, unless it is to be
    /// replaced by `force`.
    pub(super) fn need(&self, certificate: &Dir, wanted: &Wanted<'_>, force: bool) -> Result<Need, StoreError> {
        let Some((name, version)) = self.open_current()? else {
            return Ok(Need::Version);
        };
        let metadata_file = version.read(METADATA, LONGEST).ok().flatten();
        let installed = metadata_file.as_ref().and_then(|file| Metadata::parse(&file.bytes));
        let of_metadata = installed.as_ref().map(|installed| installed.identity.not_before);
        let installed_not_before = of_metadata.or_else(|| leaf_not_before(&version));
        let new_not_before = wanted.metadata.identity.not_before;
        if let Some(installed_not_before) =
            installed_not_before.filter(|installed| *installed > new_not_before && !force)
        {
            let path = certificate.path().to_owned();
            return Err(StoreError::Older { path, installed_not_before, new_not_before });
        }
        let is_described = installed.is_some_and(|installed| installed.agrees_with(&wanted.metadata))
            && metadata_file.is_some_and(|file| file.is_sound(METADATA_MODE, Ownership::default()));
        Ok(match (is_described && holds_exactly(&version, wanted), self.broken_links.is_empty()) {
            (true, true) => Need::Nothing(name.clone()),
            (true, false) => Need::Links(name.clone()),
            (false, _) => Need::Version,
        })
    }
}

/// The links `current/<name>` under that name to files that the version in place does not have: it has `names`. They
/// are root's or the `owner`'s.
pub(super) fn stale_links(certificate: &Dir, names: &[String], owner: u32) -> Result<Vec<OsString>, StoreError> {
    let mut stale = certificate.names()?;
    stale.retain(|found| !names.iter().any(|name| name.as_str() == found) && is_our_link(certificate, found, owner));
    Ok(stale)
}

fn is_our_link(certificate: &Dir, name: &OsStr, owner: u32) -> bool {
    let is_link = matches!(certificate.entry(name),
        Ok(Some(entry)) if entry.kind == FileType::Symlink && entry.is_trusted_by(owner));
    is_link && certificate.link_target(name).is_ok_and(|target| target == layout::link_target(name))
}

/// The target of the link `name`, `None` if there is nothing. What is not a link, and a link of another user that
/// does not point where it should, is not certctl's.
fn link_at(
    certificate: &Dir,
    name: &str,
    is_right: &dyn Fn(&OsString) -> bool,
    owner: u32,
) -> Result<Option<OsString>, StoreError> {
    let Some(entry) = certificate.entry(name)? else {
        return Ok(None);
    };
    let path = || certificate.path().join(name);
    if entry.kind != FileType::Symlink {
        return Err(entry.foreign(path(), "a symbolic link of its own"));
    }
    let target = certificate.link_target(name)?;
    if entry.is_trusted_by(owner) || is_right(&target) {
        Ok(Some(target))
    } else {
        Err(entry.foreign(path(), "a symbolic link of its own"))
    }
}

/// Start of validity by the installed leaf itself, for where metadata.json is damaged.
fn leaf_not_before(version: &Dir) -> Option<Timestamp> {
    let leaf = version.read(LEAF, LONGEST).ok().flatten()?;
    Certificate::leaf_in_pem(&leaf.bytes).map(|leaf| leaf.not_before)
}

fn versions_of(certificate: &Dir, owner: u32) -> Result<Option<Dir>, StoreError> {
    match certificate.entry(VERSIONS)? {
        None => Ok(None),
        Some(entry) if entry.kind == FileType::Directory && entry.is_trusted_by(owner) => {
            certificate.open(VERSIONS).map(Some)
        }
        Some(entry) => Err(entry.foreign(certificate.path().join(VERSIONS), "a directory that root or this user owns")),
    }
}

/// Whether the version holds the wanted files to the byte, and nothing else.
fn holds_exactly(version: &Dir, wanted: &Wanted<'_>) -> bool {
    is_own_directory(version)
        && has_names(version, &wanted.names())
        && wanted.files.iter().all(|file| {
            matches!(version.read(file.name, file.bytes.len()),
                Ok(Some(found)) if found.is_sound(file.mode, wanted.ownership) && *found.bytes == *file.bytes)
        })
}

/// Whether it has the mode and owner of every directory that certctl makes.
fn is_own_directory(dir: &Dir) -> bool {
    matches!(dir.mode_and_owner(), Ok((DIRECTORY_MODE, owner)) if owner == geteuid().as_raw())
}

/// Whether these names are in it, and no other.
fn has_names(dir: &Dir, names: &[String]) -> bool {
    let names: HashSet<_> = names.iter().map(OsString::from).collect();
    dir.names().is_ok_and(|found| found.into_iter().collect::<HashSet<_>>() == names)
}
