//! One certificate directory, locked: changes that can be taken back until they are approved of.

use std::path::{Path, PathBuf};

use super::{Identity, Install, Name, Options, Outcome, Patience, State, StoreError};
use crate::format::FileImage;

/// What a certificate directory and the paths beside it are to hold.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Which certificate.
    pub identity: &'a Identity,
    /// Its files, with their modes.
    pub files: &'a [FileImage],
    /// Copies of some of them at fixed paths.
    pub installs: &'a [Install],
    /// How.
    pub options: &'a Options,
    /// Whether something is to be run after a change: then the change is remembered as unfinished until
    /// [`Directory::finish`], and nothing that it replaced is removed before [`Directory::approve`].
    pub is_followed: bool,
}

/// A change that was made, and can still be taken back.
#[derive(Debug)]
pub struct Applied {
    /// What was done; a copy that was missing or wrong counts as updated.
    pub outcome: Outcome,
    /// The version now in place.
    pub version: String,
    /// Which certificate it holds.
    pub identity: Identity,
}

/// A certificate directory that this run alone may change, as long as this lives.
#[derive(Debug)]
pub struct Directory {}

impl Directory {
    /// Reaches `<dir>/<name>`, making what is missing, and waits for the lock. This blocks.
    ///
    /// # Errors
    /// When it cannot be reached, is not certctl's, or another certctl holds the lock for too long.
    pub fn lock(dir: &Path, name: &Name, patience: &Patience) -> Result<Self, StoreError> {
        let _ = (dir, name, patience);
        todo!()
    }

    /// `<dir>/<name>`, as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        todo!()
    }

    /// What is remembered about it. A damaged file is warned about and taken for an unfinished change: a hook that
    /// runs once too often does no harm.
    #[must_use]
    pub fn state(&self) -> State {
        todo!()
    }

    /// What [`Directory::apply`] would come to. Writes nothing.
    ///
    /// # Errors
    /// As for [`Directory::apply`], as far as they show without writing.
    pub fn preview(&self, wish: &Wish<'_>) -> Result<Outcome, StoreError> {
        let _ = wish;
        todo!()
    }

    /// Makes the directory and the installed copies hold what is wished for.
    ///
    /// # Errors
    /// Every error leaves directory and copies as they were before.
    pub fn apply(&self, wish: &Wish<'_>) -> Result<Applied, StoreError> {
        let _ = wish;
        todo!()
    }

    /// Switches to the version that was current before the present one, or to `to`, and places its copies.
    ///
    /// # Errors
    /// When there is no such version or it is damaged; every error leaves all as it was.
    pub fn roll_back(&self, to: Option<&str>, installs: &[Install], options: &Options) -> Result<Applied, StoreError> {
        let _ = (to, installs, options);
        todo!()
    }

    /// Takes back what was applied, in this run or in one that died: the version and the copies that it replaced are
    /// in place again, byte for byte; where there was none, none is.
    ///
    /// # Errors
    /// When the disk does not let it; what could be restored is.
    pub fn restore(&self, installs: &[Install], options: &Options) -> Result<(), StoreError> {
        let _ = (installs, options);
        todo!()
    }

    /// The check was passed: what the change replaced goes, the hook is still to come.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn approve(&self, installs: &[Install], options: &Options) -> Result<(), StoreError> {
        let _ = (installs, options);
        todo!()
    }

    /// Nothing is to follow any more.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn finish(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Whatever was rejected may be installed again.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn unpin(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// The same, as is.
    #[must_use]
    pub fn into_path(self) -> PathBuf {
        todo!()
    }
}
