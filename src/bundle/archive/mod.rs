//! Archives in memory: zip, RAR 4 and RAR 5, told by their first bytes.
//!
//! Nothing an archive says about itself is believed: every entry is read up to a limit, whatever size it claims.

mod rar;
mod zip;

use thiserror::Error;
use zeroize::Zeroizing;

use super::printable;

/// Entries of one archive, directories included. The largest archive a cloud sends has about twenty.
const MAX_ENTRIES: usize = 1_000;
/// Bytes of one entry. Keys, chains and keystores are a few KiB.
const MAX_ENTRY_BYTES: u64 = 1024 * 1024;
/// Bytes of all entries of one archive together.
const MAX_TOTAL_BYTES: u64 = 8 * 1024 * 1024;
/// How often an entry may be larger than its compressed form, once it is larger than [`FREE_BYTES`].
const MAX_RATIO: u64 = 100;
/// Up to here no ratio is suspicious.
const FREE_BYTES: u64 = 64 * 1024;

/// The archive formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Zip,
    Rar,
}

/// One file of an archive.
pub(super) struct Entry {
    /// Its name for messages, with nothing in it that a terminal obeys.
    pub(super) name: String,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Why an archive is refused. Names in it are cleaned of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ArchiveError {
    /// It is damaged, cut off, or no archive at all behind its first bytes.
    #[error("the {kind} archive cannot be read: {reason}")]
    Unreadable {
        /// `zip` or `RAR`.
        kind: &'static str,
        /// What the reader found.
        reason: String,
    },
    /// An entry's name is absolute, climbs with `..`, names a drive or holds a NUL.
    #[error("archive entry {entry:?} has a name that leaves the archive")]
    UnsafeName {
        /// The entry.
        entry: String,
    },
    /// More entries than any certificate download has.
    #[error("the archive has more than {limit} entries")]
    TooManyEntries {
        /// How many are allowed.
        limit: usize,
    },
    /// One entry is too large.
    #[error("archive entry {entry:?} is larger than {limit} bytes")]
    EntryTooLarge {
        /// The entry.
        entry: String,
        /// How many bytes are allowed.
        limit: u64,
    },
    /// The entries together are too large.
    #[error("the archive's entries are larger than {limit} bytes together")]
    TotalTooLarge {
        /// How many bytes are allowed.
        limit: u64,
    },
    /// An entry inflates like a bomb.
    #[error("archive entry {entry:?} inflates to more than {limit} times its compressed size")]
    Bomb {
        /// The entry.
        entry: String,
        /// The ratio that is allowed.
        limit: u64,
    },
    /// An entry is encrypted.
    #[error("archive entry {entry:?} is encrypted")]
    Encrypted {
        /// The entry.
        entry: String,
    },
    /// An entry is a link.
    #[error("archive entry {entry:?} is a link, not a file")]
    Link {
        /// The entry.
        entry: String,
    },
    /// An entry is an archive itself.
    #[error("an archive inside the archive is not opened")]
    Nested,
    /// Entries share bytes or a name, so that two programs would read two different archives.
    #[error("the archive has entries that overlap or share a name")]
    Overlapping,
    /// One volume of several.
    #[error("archive entry {entry:?} continues in another volume")]
    Split {
        /// The entry.
        entry: String,
    },
}

/// The archive format that `bytes` begin with.
pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
    const RAR: [&[u8]; 2] = [b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"];
    let begins = |magics: [&[u8]; 2]| magics.iter().any(|magic| bytes.starts_with(magic));
    match () {
        () if begins(ZIP) => Some(Kind::Zip),
        () if begins(RAR) => Some(Kind::Rar),
        () => None,
    }
}

/// The files of an archive, in its order. All of them or an error.
pub(super) fn entries(kind: Kind, bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
    match kind {
        Kind::Zip => zip::entries(bytes),
        Kind::Rar => rar::entries(bytes),
    }
}

/// A name that stays inside the archive, cleaned for messages. Names in a Chinese code page are fine.
fn checked_name(raw: &[u8]) -> Result<String, ArchiveError> {
    let entry = printable(&String::from_utf8_lossy(raw));
    // Windows programs write `\` between folders.
    let mut folders = raw.split(|&byte| byte == b'/' || byte == b'\\');
    let is_absolute = matches!(raw.first(), None | Some(b'/' | b'\\'));
    let has_drive = raw.first().is_some_and(u8::is_ascii_alphabetic) && raw.get(1) == Some(&b':');
    if is_absolute || has_drive || raw.contains(&0) || folders.any(|folder| folder == b"..") {
        return Err(ArchiveError::UnsafeName { entry });
    }
    Ok(entry)
}

/// What one entry may inflate to: the lesser of its size limit and its ratio limit.
fn inflated_limit(compressed: u64) -> u64 {
    compressed.saturating_mul(MAX_RATIO).clamp(FREE_BYTES, MAX_ENTRY_BYTES)
}

/// The error for an entry that is larger than `limit`, which came from [`inflated_limit`].
fn too_large(entry: String, limit: u64) -> ArchiveError {
    match limit {
        MAX_ENTRY_BYTES.. => ArchiveError::EntryTooLarge { entry, limit: MAX_ENTRY_BYTES },
        _ => ArchiveError::Bomb { entry, limit: MAX_RATIO },
    }
}
