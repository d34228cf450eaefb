//! The way to `<dir>`: component by component, so that only links of trusted owners are followed.

use std::ffi::OsString;
use std::mem;
use std::path::{Component, Path};

use rustix::fs::FileType;
use rustix::io::Errno;

use crate::store::dir::{Dir, Entry};
use crate::store::error::StoreError;

/// How many links are followed on one way, as many as Linux does.
const MOST_LINKS: usize = 40;

/// The directory at `path`, `None` if it is not there.
pub(super) fn find(path: &Path) -> Result<Option<Dir>, StoreError> {
    let mut walk = Walk::to(path)?;
    match walk.advance()? {
        None => Ok(Some(walk.at.called(path))),
        Some(_missing) => Ok(None),
    }
}

/// The directory at `path` if it is there, else the last on the way to it that is.
pub(super) fn nearest(path: &Path) -> Result<Dir, StoreError> {
    let mut walk = Walk::to(path)?;
    walk.advance()?;
    Ok(walk.at)
}

/// The directory at `path`. What is missing on the way is made, and added to `made`.
pub(super) fn reach(path: &Path, made: &mut Made) -> Result<Dir, StoreError> {
    let mut walk = Walk::to(path)?;
    while let Some(missing) = walk.advance()? {
        walk.make(missing, made)?;
    }
    Ok(walk.at.called(path))
}

/// The directories that a run has made, each with its parent, outermost first.
#[derive(Debug, Default)]
pub(super) struct Made(Vec<(Dir, OsString)>);

impl Made {
    /// Notes that `name` was made in `parent`, and makes it survive a power cut.
    pub(super) fn record(&mut self, parent: Dir, name: impl Into<OsString>) -> Result<(), StoreError> {
        self.0.push((parent, name.into()));
        self.0.last().map_or(Ok(()), |(parent, _)| parent.sync())
    }

    /// Removes them again. One that another run has put something into stays.
    pub(super) fn undo(&self) {
        for (parent, name) in self.0.iter().rev() {
            if parent.remove_empty(name).is_err() {
                break;
            }
        }
    }
}

struct Walk {
    at: Dir,
    /// The components still to go, the next one last.
    ahead: Vec<OsString>,
    links_followed: usize,
}

impl Walk {
    fn to(path: &Path) -> Result<Self, StoreError> {
        let at = Dir::start(if path.is_absolute() { Path::new("/") } else { Path::new("") })?;
        Ok(Self { at, ahead: components(path), links_followed: 0 })
    }

    /// Goes on to the end, or to the first component that is missing.
    fn advance(&mut self) -> Result<Option<OsString>, StoreError> {
        while let Some(name) = self.ahead.pop() {
            match self.at.entry(&name)? {
                None => return Ok(Some(name)),
                Some(entry) if entry.kind == FileType::Directory => self.at = self.at.enter(&name)?,
                Some(entry) if entry.kind == FileType::Symlink => self.follow(name, &entry)?,
                Some(entry) => {
                    return Err(StoreError::NotADirectory {
                        path: self.at.path().join(name),
                        found: entry.kind_in_words(),
                    });
                }
            }
        }
        Ok(None)
    }

    fn follow(&mut self, name: OsString, link: &Entry) -> Result<(), StoreError> {
        let path = self.at.path().join(&name);
        if !link.is_trusted() {
            return Err(link.foreign(path, "a directory, or a link that root or this user owns"));
        }
        self.links_followed += 1;
        if self.links_followed > MOST_LINKS {
            return Err(StoreError::io("follow the link", path, Errno::LOOP));
        }
        let target = self.at.link_target(&name)?;
        if !self.at.entry(&name)?.is_some_and(|entry| entry.is_same_as(link)) {
            // Replaced since its owner was looked at: the target may be another one's.
            self.ahead.push(name);
            return Ok(());
        }
        let target = Path::new(&target);
        if target.is_absolute() {
            self.at = Dir::start(Path::new("/"))?;
        }
        self.ahead.extend(components(target));
        Ok(())
    }

    fn make(&mut self, name: OsString, made: &mut Made) -> Result<(), StoreError> {
        match self.at.make(&name, 0o755)? {
            Some(child) => made.record(mem::replace(&mut self.at, child), name),
            // Another run was faster.
            None => {
                self.ahead.push(name);
                Ok(())
            }
        }
    }
}

/// The components of a path, the last one first.
fn components(path: &Path) -> Vec<OsString> {
    let named = |component: &Component<'_>| matches!(component, Component::Normal(_) | Component::ParentDir);
    path.components().filter(named).map(|component| component.as_os_str().to_owned()).rev().collect()
}
