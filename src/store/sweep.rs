//! What is of no more use in a certificate directory goes: old versions, and what a run that died has left.

use std::ffi::{OsStr, OsString};

use rustix::fs::FileType;

use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::inspect::{self, Current, Survey};
use crate::store::layout::{DISCARDED, NEXT_LINK, STAGED, Wanted};
use crate::store::version::VersionName;

/// Removes what a run that died has left, and the versions beyond the `keep` youngest old ones.
///
/// What cannot be removed is warned about and stays: it must not keep a renewed certificate from being installed.
pub(super) fn leftovers(certificate: &Dir, survey: &Survey, keep: usize) {
    warn(remove_next_link(certificate));
    if let Some(versions) = &survey.versions {
        warn(discard_versions(versions, &survey.current, keep));
    }
}

/// Removes the versions beyond the `keep` youngest that are older than the `current` one.
pub(super) fn old_versions(versions: &Dir, current: &VersionName, keep: usize) {
    warn(discard_versions(versions, &Current::Version(current.clone()), keep));
}

/// Removes the links to files that the version in place does not have.
pub(super) fn stale_links(certificate: &Dir, wanted: &Wanted<'_>) {
    warn(inspect::stale_links(certificate, wanted).and_then(|stale| {
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

fn remove_next_link(certificate: &Dir) -> Result<(), StoreError> {
    if certificate.entry(NEXT_LINK)?.is_some() { certificate.unlink(NEXT_LINK) } else { Ok(()) }
}

fn discard_versions(versions: &Dir, current: &Current, keep: usize) -> Result<(), StoreError> {
    let mut found = versions_in(versions)?;
    found.retain(|name| matches!(versions.entry(name.as_str()), Ok(Some(entry)) if entry.kind == FileType::Directory));
    let useless = useless(found, current, keep);
    for version in &useless {
        versions.rename(version.as_str(), &format!("{DISCARDED}{version}"))?;
    }
    if !useless.is_empty() {
        // Before any file of them goes: a version under its own name is always whole.
        versions.sync()?;
    }
    let half = |name: &OsString| starts_with(name, STAGED) || starts_with(name, DISCARDED);
    versions.names()?.iter().filter(|name| half(name)).try_for_each(|name| versions.remove_tree(name))
}

/// Of the versions found, oldest first, those to remove.
fn useless(mut found: Vec<VersionName>, current: &Current, keep: usize) -> Vec<VersionName> {
    match current {
        Current::Version(current) => {
            // What is younger than the current one was never switched to.
            let younger = found.split_off(found.partition_point(|name| name <= current));
            found.retain(|name| name != current);
            found.truncate(found.len().saturating_sub(keep));
            found.into_iter().chain(younger).collect()
        }
        // A lone version is a first install that died before its switch.
        Current::Absent if found.len() == 1 => found,
        // Several mean that `current` was lost: they are what the user has left.
        Current::Absent | Current::Astray => Vec::new(),
    }
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
