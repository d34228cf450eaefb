//! Whether a version is what its own metadata.json says.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;

use zeroize::Zeroizing;

use crate::digest::sha256_hex;
use crate::store::dir::{Dir, FileFound};
use crate::store::error::{READ, StoreError};
use crate::store::inspect::LONGEST;
use crate::store::layout;
use crate::store::metadata::{FileRecord, METADATA, Metadata};

/// Why a version is not what its metadata.json says.
pub(super) enum Unfit {
    /// What is wrong with it, as a sentence about it.
    Damaged(String),
    /// The system did not let it be read, which says nothing about it.
    Unread(StoreError),
}

/// The metadata of a version, and the file it is in; `None` if it is damaged or cannot be read.
pub(super) fn metadata(version: &Dir) -> Option<(Metadata, FileFound)> {
    read_metadata(version).ok().flatten()
}

/// The metadata of a version, and the file it is in; `None` if it is damaged.
///
/// # Errors
/// When the system does not let it be read.
pub(super) fn read_metadata(version: &Dir) -> Result<Option<(Metadata, FileFound)>, StoreError> {
    let file = read(version, METADATA)?;
    Ok(file.and_then(|file| Metadata::parse(&file.bytes).map(|metadata| (metadata, file))))
}

/// A file of a version; `None` if it is not there or is none of certctl's.
fn read(version: &Dir, name: &str) -> Result<Option<FileFound>, StoreError> {
    match version.read(name, LONGEST) {
        Err(reason) if reason.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io(READ, version.path().join(name), reason))
        }
        found => Ok(found.ok().flatten()),
    }
}

/// The names of a version's files, by its metadata.
pub(super) fn names(metadata: &Metadata) -> Vec<String> {
    metadata.files.keys().cloned().chain([METADATA.to_owned()]).collect()
}

/// The bytes of one of a version's files, if they are as its metadata says.
pub(super) fn bytes(version: &Dir, metadata: &Metadata, name: &str) -> Option<Zeroizing<Vec<u8>>> {
    let record = metadata.files.get(name)?;
    let file = version.read(name, LONGEST).ok()??;
    (sha256_hex(&file.bytes) == record.sha256).then_some(file.bytes)
}

/// The files of a version, each as its metadata says, by name.
///
/// # Errors
/// The first that is not.
pub(super) fn files(version: &Dir, metadata: &Metadata) -> Result<Vec<(String, FileFound)>, Unfit> {
    let found: HashSet<_> = version.names().map_err(Unfit::Unread)?.into_iter().collect();
    if found != names(metadata).into_iter().map(OsString::from).collect() {
        return Err(Unfit::Damaged("it has other files than its metadata.json says".to_owned()));
    }
    let damaged = |what: String| Err(Unfit::Damaged(what));
    let read = |(name, record): (&String, &FileRecord)| {
        if !layout::is_file_name(name) {
            return damaged(format!("no file can be called {name:?}"));
        }
        let Some(file) = read(version, name).map_err(Unfit::Unread)? else {
            return damaged(format!("{name} cannot be read"));
        };
        if sha256_hex(&file.bytes) != record.sha256 {
            return damaged(format!("{name} has other bytes than its metadata.json says"));
        }
        if Some(file.mode) != record.mode() {
            return damaged(format!("{name} has another mode than its metadata.json says"));
        }
        Ok((name.clone(), file))
    };
    metadata.files.iter().map(read).collect()
}
