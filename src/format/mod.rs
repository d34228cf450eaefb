//! A bundle becomes files in memory. Pure: no I/O.

mod pem;

use std::fmt;

use zeroize::Zeroizing;

pub use pem::{LEAF, pem};

/// One file of a version: what [`crate::store`] writes.
pub struct FileImage {
    /// Its name inside the version, for example `cert.pem`.
    pub name: &'static str,
    /// Its permission bits, for example `0o600`.
    pub mode: u32,
    /// Its content; wiped when dropped, since it may hold a key.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for FileImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileImage").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}
