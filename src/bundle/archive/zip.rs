//! Zip, through the crate `zip`, which stays inside this file.

use std::io::{self, Cursor, Read as _};

use zeroize::Zeroizing;
use zip::ZipArchive;
use zip::result::ZipError;

use super::{ArchiveError, Entry, MAX_ENTRIES, MAX_TOTAL_BYTES, checked_name, inflated_limit, printable, too_large};

pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(ArchiveError::TooManyEntries { limit: MAX_ENTRIES });
    }
    if archive.has_duplicate_names() || archive.has_overlapping_entries().map_err(|error| unreadable(&error))? {
        return Err(ArchiveError::Overlapping);
    }
    let mut entries = Vec::new();
    let mut total = 0_u64;
    for index in 0..archive.len() {
        if let Some(entry) = entry(&mut archive, index)? {
            total = total.saturating_add(u64::try_from(entry.bytes.len()).unwrap_or(u64::MAX));
            if total > MAX_TOTAL_BYTES {
                return Err(ArchiveError::TotalTooLarge { limit: MAX_TOTAL_BYTES });
            }
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// One entry; `None` for a directory.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Option<Entry>, ArchiveError> {
    let described = archive.by_index_data(index).map_err(|error| unreadable(&error))?;
    let name = checked_name(described.name_raw())?;
    if described.is_dir() {
        return Ok(None);
    }
    if described.is_symlink() {
        return Err(ArchiveError::Link { entry: name });
    }
    if described.encrypted() {
        return Err(ArchiveError::Encrypted { entry: name });
    }
    let limit = inflated_limit(described.compressed_size());
    let claimed = described.size();
    if claimed > limit {
        return Err(too_large(name, limit));
    }
    // A buffer that grows leaves copies of the key behind; a claim that is wrong costs only that.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(claimed).unwrap_or_default()));
    let file = archive.by_index(index).map_err(|error| unreadable(&error))?;
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(|error| damaged(&name, &error))?;
    if u64::try_from(content.len()).is_ok_and(|length| length > limit) {
        return Err(too_large(name, limit));
    }
    Ok(Some(Entry { name, bytes: content }))
}

fn damaged(name: &str, error: &io::Error) -> ArchiveError {
    ArchiveError::Unreadable { kind: "zip", reason: format!("entry {name:?}: {error}") }
}

fn unreadable(error: &ZipError) -> ArchiveError {
    ArchiveError::Unreadable { kind: "zip", reason: printable(&error.to_string()) }
}
