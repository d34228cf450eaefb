//! What is of no more use in a certificate directory goes: old versions, and what a run that died has left.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::process::geteuid;

use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::inspect::{self, Current, Survey};
use crate::store::layout::{DISCARDED, NEXT_LINK, STAGED, VERSIONS};
use crate::store::state::NEXT_STATE;
use crate::store::version::VersionName;

/// Which versions stay beside the current one.
pub(super) struct Keep {
    /// As many old ones, the youngest of them.
    pub(super) count: usize,
    /// These, whatever their age.
    pub(super) always: Vec<VersionName>,
}

/// Removes what a run that died has left, and the old versions that need not be kept.
///
/// What cannot be removed is warned about and stays: it must not keep a renewed certificate from being installed.
pub(super) fn leftovers(certificate: &Dir, survey: &Survey, keep: &Keep) {
    for name in [NEXT_LINK, NEXT_STATE] {
        warn(remove_if_there(certificate, name));
    }
    if let Some(versions) = &survey.versions {
        warn(discard_versions(versions, |found| useless(found, &survey.current, keep)));
    }
}

/// What [`leftovers`] would find of a run that died, by its path in the certificate directory.
pub(super) fn found_leftovers(
    certificate: &Dir,
    survey: &Survey,
    always: Vec<VersionName>,
) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for name in [NEXT_LINK, NEXT_STATE] {
        found.extend(certificate.entry(name)?.map(|_| PathBuf::from(name)));
    }
    if let Some(versions) = &survey.versions {
        let keep = Keep { count: usize::MAX, always };
        let useless = useless(versions_in(versions)?, &survey.current, &keep);
        let halves = versions.names()?.into_iter().filter(|name| is_half(name));
        let names = halves.chain(useless.into_iter().map(|version| version.to_string().into()));
        found.extend(names.map(|name| Path::new(VERSIONS).join(name)));
    }
    Ok(found)
}

/// Removes the old versions that need not be kept once `current` has taken the place of `previous`: what is between
/// the two was rolled back from or never approved of, and is not what one would go back to.
pub(super) fn old_versions(versions: &Dir, previous: Option<&VersionName>, current: &VersionName, keep: &Keep) {
    warn(discard_versions(versions, |found| {
        let is_between = |name: &VersionName| previous.is_some_and(|previous| previous < name) && name < current;
        let (between, rest): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|name| is_between(name) && !keep.always.contains(name));
        between.into_iter().chain(useless(rest, &Current::Version(current.clone()), keep)).collect()
    }));
}

/// Removes a version that was rolled back from, and what else is younger than `current`.
pub(super) fn rejected(versions: &Dir, rejected: &str, current: &VersionName) {
    warn(discard_versions(versions, |mut found| {
        found.retain(|name| name > current || name < current && name.as_str() == rejected);
        found
    }));
}

/// Removes the links to files that the version in place does not have: it has `names`.
pub(super) fn stale_links(certificate: &Dir, names: &[String]) {
    warn(inspect::stale_links(certificate, names, geteuid().as_raw()).and_then(|stale| {
        stale.iter().try_for_each(|name| certificate.unlink(name))?;
        if stale.is_empty() { Ok(()) } else { certificate.sync() }
    }));
}

/// The names of all versions in the directory, oldest first.
pub(super) fn versions_in(versions: &Dir) -> Result<Vec<VersionName>, StoreError> {
    let mut found: Vec<_> = versions.names()?.iter().filter_map(|name| VersionName::parse(name)).collect();
    found.sort();
    Ok(found)
}

/// Removes `name` if it is there.
pub(super) fn remove_if_there(dir: &Dir, name: impl AsRef<OsStr>) -> Result<(), StoreError> {
    if dir.entry(&name)?.is_some() { dir.unlink(name) } else { Ok(()) }
}

fn discard_versions(
    versions: &Dir,
    useless: impl FnOnce(Vec<VersionName>) -> Vec<VersionName>,
) -> Result<(), StoreError> {
    let mut found = versions_in(versions)?;
    found.retain(|name| matches!(versions.entry(name.as_str()), Ok(Some(entry)) if entry.kind == FileType::Directory));
    let useless = useless(found);
    for version in &useless {
        versions.rename(version.as_str(), format!("{DISCARDED}{version}"))?;
    }
    if !useless.is_empty() {
        // Before any file of them goes: a version under its own name is always whole.
        versions.sync()?;
    }
    versions.names()?.iter().filter(|name| is_half(name)).try_for_each(|name| versions.remove_tree(name))
}

/// Of the versions found, oldest first, those to remove.
fn useless(mut found: Vec<VersionName>, current: &Current, keep: &Keep) -> Vec<VersionName> {
    match current {
        Current::Version(current) => {
            // What is younger than all that were ever switched to was not.
            let youngest = keep.always.iter().fold(current, |youngest, name| youngest.max(name));
            let younger = found.split_off(found.partition_point(|name| name <= youngest));
            found.retain(|name| name != current && !keep.always.contains(name));
            found.truncate(found.len().saturating_sub(keep.count));
            found.into_iter().chain(younger).collect()
        }
        // A lone version is a first install that died before its switch.
        Current::Absent if found.len() == 1 => found,
        // Several mean that `current` was lost: they are what the user has left.
        Current::Absent | Current::Astray(_) => Vec::new(),
    }
}

/// Whether a version is being written or removed under this name.
fn is_half(name: &OsStr) -> bool {
    starts_with(name, STAGED) || starts_with(name, DISCARDED)
}

fn starts_with(name: &OsStr, prefix: &str) -> bool {
    name.as_encoded_bytes().starts_with(prefix.as_bytes())
}

/// What failed here is told, and does not stop the run.
pub(super) fn warn(result: Result<(), StoreError>) {
    if let Err(error) = result {
        tracing::warn!("{error}");
    }
}
