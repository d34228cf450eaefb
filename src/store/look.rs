//! What is in place in a certificate directory. Takes no lock and writes nothing.

use std::path::Path;

use super::{Identity, Install, Name, Ownership, State, StoreError};

/// What is in place.
#[derive(Debug)]
pub struct Standing {
    /// Which certificate, by its metadata; `None` if there is none or it cannot be told.
    pub identity: Option<Identity>,
    /// The version's name.
    pub version: Option<String>,
    /// Whether every file and copy is there with the recorded bytes, the mode and the owner that are expected, and no
    /// other file.
    pub is_intact: bool,
    /// What is remembered about the directory.
    pub state: State,
}

/// What is expected to be in place, whichever certificate it is.
#[derive(Debug)]
pub struct Expected<'a> {
    /// Name and permission bits of each file but metadata.json.
    pub files: &'a [(&'static str, u32)],
    /// Copies at fixed paths.
    pub installs: &'a [Install],
    /// Whose the files are.
    pub ownership: Ownership,
}

/// Looks at `<dir>/<name>`; `None` if there is no such directory.
///
/// # Errors
/// When it cannot be read, or is not certctl's.
pub fn look(dir: &Path, name: &Name, expected: &Expected<'_>) -> Result<Option<Standing>, StoreError> {
    let _ = (dir, name, expected);
    todo!()
}
