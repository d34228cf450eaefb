//! RAR 4 and RAR 5, through the crate `rars`, which stays inside this file.

use rars::{ArchiveMember, ArchiveReadOptions, ArchiveReader, AttrSource, Error};
use zeroize::Zeroizing;

use super::{
    ArchiveError, Entry, MAX_ENTRIES, MAX_ENTRY_BYTES, MAX_TOTAL_BYTES, checked_name, inflated_limit, printable,
    too_large,
};

/// Bytes of all headers together.
const MAX_HEADER_BYTES: u64 = 1024 * 1024;
/// The dictionary an entry may ask for; WinRAR's default is 32 MiB.
const MAX_DICTIONARY_BYTES: u64 = 64 * 1024 * 1024;
/// What the decoder may hold at once, dictionary included.
const MAX_WORKSPACE_BYTES: u64 = 128 * 1024 * 1024;

pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
    // Main and end headers, comments and the like count too.
    let headers = u64::try_from(MAX_ENTRIES).unwrap_or(u64::MAX).saturating_add(16);
    let options = ArchiveReadOptions::new()
        .with_max_header_count(headers)
        .with_max_header_bytes(MAX_HEADER_BYTES)
        .with_max_member_output_bytes(MAX_ENTRY_BYTES)
        .with_max_total_output_bytes(MAX_TOTAL_BYTES)
        .with_rar50_dictionary_size_limit(MAX_DICTIONARY_BYTES)
        .with_max_reader_workspace_bytes(MAX_WORKSPACE_BYTES);
    let archive = ArchiveReader::read_owned_with_options(bytes.to_vec(), options).map_err(|error| refused(&error))?;
    let members: Vec<ArchiveMember> = archive.members().take(MAX_ENTRIES + 1).collect();
    if members.len() > MAX_ENTRIES {
        return Err(ArchiveError::TooManyEntries { limit: MAX_ENTRIES });
    }
    let mut files = Vec::new();
    for (index, member) in members.iter().enumerate() {
        if let Some(name) = checked_file(member)? {
            files.push((index, name, inflated_limit(member.meta.packed_size)));
        }
    }
    let indices: Vec<usize> = files.iter().map(|(index, ..)| *index).collect();
    let contents = archive.read_members_at_with_options(&indices, options).map_err(|error| refused(&error))?;
    let mut entries = Vec::new();
    for ((_, name, limit), content) in files.into_iter().zip(contents) {
        let bytes = Zeroizing::new(content.unwrap_or_default());
        if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) && !archive.is_solid() {
            return Err(too_large(name, limit));
        }
        entries.push(Entry { name, bytes });
    }
    Ok(entries)
}

/// The name of a member that is a file to read; `None` for a directory.
fn checked_file(member: &ArchiveMember) -> Result<Option<String>, ArchiveError> {
    let meta = &member.meta;
    let entry = checked_name(&meta.name)?;
    let is_unix_link = meta.attr_source() == AttrSource::Unix && meta.file_attr & 0o170_000 == 0o120_000;
    match () {
        () if meta.is_redirection || is_unix_link => Err(ArchiveError::Link { entry }),
        () if meta.is_directory => Ok(None),
        () if meta.is_encrypted => Err(ArchiveError::Encrypted { entry }),
        () if meta.is_split_before || meta.is_split_after => Err(ArchiveError::Split { entry }),
        () if meta.unpacked_size > MAX_ENTRY_BYTES => {
            Err(ArchiveError::EntryTooLarge { entry, limit: MAX_ENTRY_BYTES })
        }
        () => Ok(Some(entry)),
    }
}

fn refused(error: &Error) -> ArchiveError {
    let entry = || match error.entry_context() {
        Some((name, _)) => printable(&String::from_utf8_lossy(name)),
        None => "?".to_owned(),
    };
    let reason = printable(&error.to_string());
    let mut cause = error;
    while let Error::AtEntry { source, .. } | Error::AtArchiveOffset { source, .. } = cause {
        cause = source;
    }
    match cause {
        Error::NeedPassword => ArchiveError::Encrypted { entry: entry() },
        // The only feature that reading can miss here: even the names are encrypted.
        Error::FeatureDisabled { .. } => {
            ArchiveError::Unreadable { kind: "RAR", reason: "its headers are encrypted".to_owned() }
        }
        Error::HeaderCountLimitExceeded { .. } => ArchiveError::TooManyEntries { limit: MAX_ENTRIES },
        Error::MemberOutputLimitExceeded { limit, .. } => ArchiveError::EntryTooLarge { entry: entry(), limit: *limit },
        Error::TotalOutputLimitExceeded { limit, .. } => ArchiveError::TotalTooLarge { limit: *limit },
        _ => ArchiveError::Unreadable { kind: "RAR", reason },
    }
}
