//! Waiting for a lock that another certctl holds.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::store::Patience;
use crate::store::error::StoreError;

/// How often a lock that another run holds is tried.
const POLL: Duration = Duration::from_millis(50);

/// A wait that has begun.
pub(super) struct Wait<'a> {
    since: Instant,
    patience: &'a Patience,
}

impl<'a> Wait<'a> {
    pub(super) fn begin(patience: &'a Patience) -> Self {
        Self { since: Instant::now(), patience }
    }

    /// Takes the kernel's lock on an open file or directory. `false` if another holds it for too long, or the run is
    /// to end.
    pub(super) fn lock(&self, file: &File, path: &Path) -> Result<bool, StoreError> {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(true),
                Err(TryLockError::Error(reason)) => return Err(StoreError::io("lock", path.to_owned(), reason)),
                Err(TryLockError::WouldBlock) => {}
            }
            let left = self.patience.timeout.saturating_sub(self.since.elapsed());
            if left.is_zero() || self.patience.stop.is_asked() {
                return Ok(false);
            }
            thread::sleep(left.min(POLL));
        }
    }

    /// Another held the lock for too long.
    pub(super) fn exhausted(&self, path: PathBuf, holder: Option<u32>) -> StoreError {
        StoreError::Locked { path, holder, waited: self.since.elapsed() }
    }
}
