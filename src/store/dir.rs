//! One open directory. Everything the store does on disk is done here, relative to a directory that is held open,
//! and no name is ever followed if it is a symbolic link.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{self, Access, AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::store::Ownership;
use crate::store::error::{SET_OWNER, StoreError};

/// Enough to look names up in it: a directory on the way may be closed to reading.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SEARCH: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEARCH: OFlags = OFlags::RDONLY;

const NO_FOLLOW: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir {
    file: File,
    /// For messages only.
    path: PathBuf,
}

/// What a name stands for.
pub(super) struct Entry {
    pub(super) kind: FileType,
    pub(super) owner: u32,
    stat: Stat,
}

/// What is wrong with a file beside its bytes; shown as the end of a sentence about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("has mode {found:04o} instead of {expected:04o}")]
    Mode { found: u32, expected: u32 },
    #[error("belongs to uid {found} instead of {expected}")]
    Owner { found: u32, expected: u32 },
    #[error("belongs to gid {found} instead of {expected}")]
    Group { found: u32, expected: u32 },
    #[error("has a second name (hard link), by which it can be changed")]
    SecondName,
}

/// A file's bytes and what the system says of it.
pub(super) struct FileFound {
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    pub(super) link_count: u64,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl Dir {
    /// `/`, or the current directory as the empty path.
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        let name = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match fs::openat(CWD, name, SEARCH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => Ok(Self { file: File::from(fd), path: path.to_owned() }),
            Err(reason) => Err(StoreError::io("open", path.to_owned(), reason)),
        }
    }

    /// The directory `name`, to look names up in.
    pub(super) fn enter(&self, name: impl AsRef<OsStr>) -> Result<Self, StoreError> {
        self.open_as(name.as_ref(), SEARCH)
    }

    /// The directory `name`, to list and to lock too.
    pub(super) fn open(&self, name: impl AsRef<OsStr>) -> Result<Self, StoreError> {
        self.open_as(name.as_ref(), OFlags::RDONLY)
    }

    fn open_as(&self, name: &OsStr, access: OFlags) -> Result<Self, StoreError> {
        let fd = fs::openat(&self.file, name, access | OFlags::DIRECTORY | NO_FOLLOW, Mode::empty());
        let fd = fd.map_err(|reason| self.failed("open", name, reason))?;
        Ok(Self { file: File::from(fd), path: self.path.join(name) })
    }

    /// Makes the directory `name` with exactly that mode. `None` if something of that name is there.
    pub(super) fn make(&self, name: impl AsRef<OsStr>, mode: u32) -> Result<Option<Self>, StoreError> {
        let name = name.as_ref();
        // With its mode at once: a run that dies before it can set the mode leaves what the mask allows of it.
        match fs::mkdirat(&self.file, name, Mode::from_raw_mode(mode)) {
            Err(Errno::EXIST) => return Ok(None),
            made => made.map_err(|reason| self.failed("create directory", name, reason))?,
        }
        let made = self.open(name).and_then(|made| {
            let itself = made.itself()?;
            // Whoever may rename in here can have put another directory in its place.
            if itself.owner != geteuid().as_raw() {
                return Err(itself.foreign(self.path.join(name), "the directory that it has just made"));
            }
            made.set_mode(mode).map(|()| made)
        });
        if made.is_err() {
            let _ = self.remove_empty(name);
        }
        made.map(Some)
    }

    pub(super) fn set_mode(&self, mode: u32) -> Result<(), StoreError> {
        let set = self.file.set_permissions(Permissions::from_mode(mode));
        set.map_err(|reason| StoreError::io("set the mode of", self.path.clone(), reason))
    }

    /// What `name` is, links not followed. `None` if there is nothing of that name.
    pub(super) fn entry(&self, name: impl AsRef<OsStr>) -> Result<Option<Entry>, StoreError> {
        match fs::statat(&self.file, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Entry::new(stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(reason) => Err(self.failed("look up", name.as_ref(), reason)),
        }
    }

    /// What the directory itself is.
    pub(super) fn itself(&self) -> Result<Entry, StoreError> {
        fs::fstat(&self.file).map(Entry::new).map_err(|reason| StoreError::io("look at", self.path.clone(), reason))
    }

    /// Its permission bits and owner.
    pub(super) fn mode_and_owner(&self) -> io::Result<(u32, u32)> {
        let metadata = self.file.metadata()?;
        Ok((metadata.mode() & 0o7777, metadata.uid()))
    }

    /// The names in it, in no order.
    pub(super) fn names(&self) -> Result<Vec<OsString>, StoreError> {
        let list = || {
            let mut names = Vec::new();
            for entry in fs::Dir::read_from(&self.file)? {
                names.push(OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned());
            }
            names.retain(|name| name != "." && name != "..");
            Ok(names)
        };
        list().map_err(|reason: Errno| StoreError::io("list", self.path.clone(), reason))
    }

    /// Where the symbolic link `name` points.
    pub(super) fn link_target(&self, name: impl AsRef<OsStr>) -> Result<OsString, StoreError> {
        match fs::readlinkat(&self.file, name.as_ref(), Vec::new()) {
            Ok(target) => Ok(OsString::from_vec(target.into_bytes())),
            Err(reason) => Err(self.failed("read the link", name.as_ref(), reason)),
        }
    }

    pub(super) fn link(&self, target: impl AsRef<OsStr>, name: impl AsRef<OsStr>) -> Result<(), StoreError> {
        let name = name.as_ref();
        fs::symlinkat(target.as_ref(), &self.file, name).map_err(|reason| self.failed("create the link", name, reason))
    }

    /// Gives what is called `name` a second name; a link is not followed.
    pub(super) fn hard_link(&self, name: impl AsRef<OsStr>, second: impl AsRef<OsStr>) -> Result<(), Errno> {
        fs::linkat(&self.file, name.as_ref(), &self.file, second.as_ref(), AtFlags::empty())
    }

    pub(super) fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> Result<(), StoreError> {
        let to = to.as_ref();
        fs::renameat(&self.file, from.as_ref(), &self.file, to).map_err(|reason| self.failed("rename to", to, reason))
    }

    /// Writes a new file, synced: readable by the running user alone until everything is in it, then of that owner
    /// and mode.
    pub(super) fn write(
        &self,
        name: impl AsRef<OsStr>,
        bytes: &[u8],
        mode: u32,
        ownership: Ownership,
    ) -> Result<(), StoreError> {
        let name = name.as_ref();
        let write = || {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | NO_FOLLOW;
            let mut file = File::from(fs::openat(&self.file, name, flags, Mode::RUSR | Mode::WUSR)?);
            file.write_all(bytes)?;
            Ok(file)
        };
        let file = write().map_err(|reason: io::Error| self.failed("write", name, reason))?;
        let owner = ownership.owner.filter(|owner| *owner != geteuid().as_raw());
        if owner.is_some() || ownership.group.is_some() {
            let set = fs::fchown(&file, owner.map(Uid::from_raw), ownership.group.map(Gid::from_raw));
            set.map_err(|reason| self.failed(SET_OWNER, name, reason))?;
        }
        let finish = || {
            file.set_permissions(Permissions::from_mode(mode))?;
            file.sync_all()
        };
        finish().map_err(|reason| self.failed("write", name, reason))
    }

    /// Replaces the file `name` by one rename, synced. It is written as `aside` first; what an earlier run that died
    /// has left there goes.
    pub(super) fn replace(&self, name: &OsStr, aside: &OsStr, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
        if self.entry(aside)?.is_some() {
            self.unlink(aside)?;
        }
        let written = self.write(aside, bytes, mode, Ownership::default()).and_then(|()| self.rename(aside, name));
        if written.is_err() {
            let _ = self.unlink(aside);
        }
        written.and_then(|()| self.sync())
    }

    /// Opens the regular file `name` for reading and writing; makes it, with that mode, if it is not there. `None` if
    /// it went away in between.
    pub(super) fn open_file(&self, name: &str, mode: u32) -> Result<Option<File>, StoreError> {
        let failed = |reason| self.failed("open", name, reason);
        let access = OFlags::RDWR | OFlags::NONBLOCK | NO_FOLLOW;
        let Some(entry) = self.entry(name)? else {
            let flags = access | OFlags::CREATE | OFlags::EXCL;
            let made = fs::openat(&self.file, name, flags, Mode::from_raw_mode(mode));
            return match made.map(File::from) {
                Ok(file) => {
                    let set = file.set_permissions(Permissions::from_mode(mode));
                    set.map(|()| Some(file)).map_err(|reason| self.failed("set the mode of", name, reason))
                }
                Err(Errno::EXIST) => Ok(None),
                Err(reason) => Err(failed(reason)),
            };
        };
        if entry.kind != FileType::RegularFile || !entry.is_trusted() {
            return Err(entry.foreign(self.path.join(name), "a file of its own"));
        }
        let file = match fs::openat(&self.file, name, access, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(reason) => return Err(failed(reason)),
        };
        // Replaced since it was looked at, it may be another one's.
        let opened = fs::fstat(&file).map(Entry::new).map_err(failed)?;
        Ok(opened.is_same_as(&entry).then_some(file))
    }

    /// Whether the open `file` can be reached, and changed, under another name too.
    pub(super) fn has_second_name(file: &File) -> io::Result<bool> {
        Ok(file.metadata()?.nlink() != 1)
    }

    /// Whether the open `file` is the one called `name`.
    pub(super) fn is_at(&self, file: &File, name: &str) -> Result<bool, StoreError> {
        let open = fs::fstat(file).map(Entry::new).map_err(|reason| self.failed("look at", name, reason))?;
        Ok(self.entry(name)?.is_some_and(|there| there.is_same_as(&open)))
    }

    /// Whether names can be put into it.
    pub(super) fn check_writable(&self) -> Result<(), StoreError> {
        let access = fs::accessat(&self.file, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        access.map_err(|reason| StoreError::io("write in", self.path.clone(), reason))
    }

    /// Reads the regular file `name`. `None` if it is anything else or longer than `longest` bytes.
    pub(super) fn read(&self, name: impl AsRef<OsStr>, longest: usize) -> io::Result<Option<FileFound>> {
        let name = name.as_ref();
        // Opening a device can set it off, and not blocking covers a FIFO that comes between the two calls.
        let stat = fs::statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if Entry::new(stat).kind != FileType::RegularFile {
            return Ok(None);
        }
        let file = fs::openat(&self.file, name, OFlags::RDONLY | OFlags::NONBLOCK | NO_FOLLOW, Mode::empty())?;
        let file = File::from(file);
        let metadata = file.metadata()?;
        let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
        if !metadata.is_file() || length > longest {
            return Ok(None);
        }
        // Room for all of it, so that no copy of a key is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        file.take(metadata.len()).read_to_end(&mut bytes)?;
        let (mode, owner, group) = (metadata.mode() & 0o7777, metadata.uid(), metadata.gid());
        Ok(Some(FileFound { mode, owner, group, link_count: metadata.nlink(), bytes }))
    }

    pub(super) fn unlink(&self, name: impl AsRef<OsStr>) -> Result<(), StoreError> {
        let name = name.as_ref();
        fs::unlinkat(&self.file, name, AtFlags::empty()).map_err(|reason| self.failed("remove", name, reason))
    }

    pub(super) fn remove_empty(&self, name: impl AsRef<OsStr>) -> Result<(), StoreError> {
        let name = name.as_ref();
        fs::unlinkat(&self.file, name, AtFlags::REMOVEDIR).map_err(|reason| self.failed("remove", name, reason))
    }

    /// Removes `name`, if it is there, and all that is in it if it is a directory.
    pub(super) fn remove_tree(&self, name: impl AsRef<OsStr>) -> Result<(), StoreError> {
        let name = name.as_ref();
        match self.entry(name)? {
            None => Ok(()),
            Some(entry) if entry.kind == FileType::Directory => {
                let inner = self.open(name)?;
                inner.names()?.iter().try_for_each(|name| inner.remove_tree(name))?;
                self.remove_empty(name)
            }
            Some(_) => self.unlink(name),
        }
    }

    /// Makes the names in it survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        // Opened anew, since a handle that only looks names up cannot be synced.
        let sync =
            || fs::fsync(fs::openat(&self.file, ".", OFlags::RDONLY | OFlags::DIRECTORY | NO_FOLLOW, Mode::empty())?);
        match sync() {
            // Some file systems cannot, and have nothing to lose.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(reason) => Err(StoreError::io("sync", self.path.clone(), reason)),
        }
    }

    /// The handle, to lock.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The same directory, called otherwise in messages.
    pub(super) fn called(self, path: &Path) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    fn failed(&self, action: &'static str, name: impl AsRef<OsStr>, reason: impl Into<io::Error>) -> StoreError {
        StoreError::io(action, self.path.join(name.as_ref()), reason)
    }
}

impl FileFound {
    /// Whether it has that mode and owner, and no second name.
    pub(super) fn is_sound(&self, mode: u32, ownership: Ownership) -> bool {
        self.flaws(Some(mode), ownership).is_empty()
    }

    /// What keeps it from being so; `None`: any mode.
    pub(super) fn flaws(&self, mode: Option<u32>, ownership: Ownership) -> Vec<Flaw> {
        let owner = ownership.owner.unwrap_or_else(|| geteuid().as_raw());
        let flaws = [
            mode.filter(|mode| *mode != self.mode).map(|expected| Flaw::Mode { found: self.mode, expected }),
            (owner != self.owner).then_some(Flaw::Owner { found: self.owner, expected: owner }),
            ownership
                .group
                .filter(|group| *group != self.group)
                .map(|expected| Flaw::Group { found: self.group, expected }),
            (self.link_count != 1).then_some(Flaw::SecondName),
        ];
        flaws.into_iter().flatten().collect()
    }
}

impl Entry {
    fn new(stat: Stat) -> Self {
        Self { kind: FileType::from_raw_mode(stat.st_mode), owner: stat.st_uid, stat }
    }

    /// Whether root or the user certctl runs as owns it: nobody else can have put it there.
    pub(super) fn is_trusted(&self) -> bool {
        self.is_trusted_by(geteuid().as_raw())
    }

    /// The same for a certctl that runs as that user.
    pub(super) fn is_trusted_by(&self, user: u32) -> bool {
        self.owner == 0 || self.owner == user
    }

    /// Whether both are one and the same thing, not two of one name.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.stat.st_dev == other.stat.st_dev && self.stat.st_ino == other.stat.st_ino
    }

    /// Whether it was last written an hour or more before the other.
    pub(super) fn is_an_hour_older_than(&self, other: &Self) -> bool {
        other.stat.st_mtime.saturating_sub(self.stat.st_mtime) >= 3600
    }

    /// What it is, in words.
    pub(super) fn kind_in_words(&self) -> &'static str {
        match self.kind {
            FileType::RegularFile => "a regular file",
            FileType::Directory => "a directory",
            FileType::Symlink => "a symbolic link",
            FileType::Fifo => "a FIFO",
            FileType::Socket => "a socket",
            FileType::CharacterDevice | FileType::BlockDevice => "a device",
            _ => "something else",
        }
    }

    /// The refusal of what stands where something of certctl's belongs.
    pub(super) fn foreign(&self, path: PathBuf, expected: &'static str) -> StoreError {
        StoreError::Foreign { path, found: self.kind_in_words(), owner: self.owner, expected }
    }
}
