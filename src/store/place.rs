//! One fixed path for a copy, and the files beside it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::store::Ownership;
use crate::store::dir::{Dir, Entry};
use crate::store::error::StoreError;
use crate::store::sweep;
use crate::store::walk;

/// A copy that is being written.
pub(super) const NEW: &str = "new";
/// What stood at the path before.
pub(super) const OLD: &str = "old";
/// What stood at the path, where it has to be copied to be kept.
pub(super) const HALF: &str = "half";

/// Longest file that is copied to be kept, in bytes: whatever stands at the path may be no certificate at all.
const LONGEST: usize = 64 << 20;

/// A path, by its open parent directory.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) parent: Dir,
    pub(super) name: &'a OsStr,
}

impl<'a> Place<'a> {
    pub(super) fn find(path: &'a Path) -> Result<Self, StoreError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(StoreError::NotAFile { path: path.to_owned(), found: "a directory" });
        };
        match walk::find(parent)? {
            Some(parent) => Ok(Self { path, parent, name }),
            None => Err(StoreError::NoParent { path: parent.to_owned() }),
        }
    }

    /// What stands there, if a copy may replace it.
    pub(super) fn entry(&self) -> Result<Option<Entry>, StoreError> {
        match self.parent.entry(self.name)? {
            Some(entry) if !matches!(entry.kind, FileType::RegularFile | FileType::Symlink) => {
                Err(StoreError::NotAFile { path: self.path.to_owned(), found: entry.kind_in_words() })
            }
            entry => Ok(entry),
        }
    }

    /// The name of a file beside it.
    pub(super) fn beside(&self, what: &str) -> OsString {
        let mut name = OsString::from(".");
        name.push(self.name);
        name.push(".certctl-");
        name.push(what);
        name
    }

    pub(super) fn has(&self, what: &str) -> Result<bool, StoreError> {
        Ok(self.parent.entry(self.beside(what))?.is_some())
    }

    pub(super) fn remove(&self, what: &str) -> Result<(), StoreError> {
        sweep::remove_if_there(&self.parent, self.beside(what))
    }

    /// Keeps what stands there under a second name.
    pub(super) fn keep(&self, entry: &Entry) -> Result<(), StoreError> {
        let old = self.beside(OLD);
        match self.parent.hard_link(self.name, &old) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(StoreError::io("create the link", self.parent.path().join(old), Errno::EXIST)),
            // Not every file system has hard links, and some forbid them for others' files.
            Err(_) => self.keep_a_copy(entry).and_then(|()| self.parent.rename(self.beside(HALF), old)),
        }
    }

    fn keep_a_copy(&self, entry: &Entry) -> Result<(), StoreError> {
        let half = self.beside(HALF);
        if entry.kind == FileType::Symlink {
            return self.parent.link(self.parent.link_target(self.name)?, half);
        }
        let failed = |reason| StoreError::io("read", self.path.to_owned(), reason);
        let found = self.parent.read(self.name, LONGEST).map_err(failed)?;
        let found = found.ok_or_else(|| failed(Errno::FBIG.into()))?;
        let ownership = Ownership { owner: Some(found.owner), group: Some(found.group) };
        self.parent.write(half, &found.bytes, found.mode, ownership)
    }

    /// Puts back what stood there, if it was kept. Whether it was.
    pub(super) fn put_back(&self) -> Result<bool, StoreError> {
        let old = self.beside(OLD);
        let Some(kept) = self.parent.entry(&old)? else {
            return Ok(false);
        };
        match self.entry()? {
            // Two names of one file: a rename would leave both.
            Some(entry) if entry.is_same_as(&kept) => self.parent.unlink(&old)?,
            _ => self.parent.rename(&old, self.name)?,
        }
        Ok(true)
    }
}
