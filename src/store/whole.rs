//! Whether a version is what its own metadata.json says.

use zeroize::Zeroizing;

use crate::digest::sha256_hex;
use crate::store::dir::{Dir, FileFound};
use crate::store::inspect::{self, LONGEST};
use crate::store::layout;
use crate::store::metadata::{FileRecord, METADATA, Metadata};

/// The metadata of a version, and the file it is in; `None` if it is damaged.
pub(super) fn metadata(version: &Dir) -> Option<(Metadata, FileFound)> {
    let file = version.read(METADATA, LONGEST).ok()??;
    Metadata::parse(&file.bytes).map(|metadata| (metadata, file))
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
/// What is wrong, as a sentence about it.
pub(super) fn files(version: &Dir, metadata: &Metadata) -> Result<Vec<(String, FileFound)>, String> {
    if !inspect::has_names(version, &names(metadata)) {
        return Err("it has other files than its metadata.json says".to_owned());
    }
    let read = |(name, record): (&String, &FileRecord)| {
        if !layout::is_file_name(name) {
            return Err(format!("no file can be called {name:?}"));
        }
        let Ok(Some(file)) = version.read(name, LONGEST) else {
            return Err(format!("{name} cannot be read"));
        };
        if sha256_hex(&file.bytes) != record.sha256 {
            return Err(format!("{name} has other bytes than its metadata.json says"));
        }
        if Some(file.mode) != record.mode() {
            return Err(format!("{name} has another mode than its metadata.json says"));
        }
        Ok((name.clone(), file))
    };
    metadata.files.iter().map(read).collect()
}
