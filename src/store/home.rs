//! `<dir>/.certctl`: the lock of a whole run, and facts that are safe to delete; and whole files elsewhere.

use std::path::Path;

use zeroize::Zeroizing;

use super::{Patience, StoreError};

/// The directory in `<dir>` that is certctl's own.
#[expect(dead_code, reason = "not built yet")]
pub(super) const HOME: &str = ".certctl";

/// One run at a time: the kernel's lock on `<dir>/.certctl/lock`, which holds the process id of the last holder.
#[derive(Debug)]
pub struct RunLock {}

impl RunLock {
    /// Waits for the lock. This blocks, but not for long once the run is told to stop.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's process id, and when the disk does not let it.
    pub fn take(dir: &Path, patience: &Patience) -> Result<Self, StoreError> {
        let _ = (dir, patience);
        todo!()
    }
}

/// The bytes of `<dir>/.certctl/<file>`; `None` if there is no such file, or it is not certctl's.
///
/// # Errors
/// When it cannot be read.
pub fn recall(dir: &Path, file: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let _ = (dir, file);
    todo!()
}

/// Replaces `<dir>/.certctl/<file>` by one rename, mode 0644.
///
/// # Errors
/// When the disk does not let it; the file is as it was then.
pub fn remember(dir: &Path, file: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let _ = (dir, file, bytes);
    todo!()
}

/// Replaces the file at `path` by one rename; its directory must be there.
///
/// # Errors
/// When the disk does not let it; the file is as it was then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let _ = (path, bytes, mode);
    todo!()
}

/// Whether certificate directories could be made in `dir` and copies placed at these paths, as far as shows without
/// writing: every parent of a copy is a directory, and nothing on the way is read-only or closed to this user.
///
/// # Errors
/// The first that could not.
pub fn is_writable(dir: &Path, installs: &[super::Install]) -> Result<(), StoreError> {
    let _ = (dir, installs);
    todo!()
}
