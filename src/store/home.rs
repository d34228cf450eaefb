//! `<dir>/.certctl`: the lock of a whole run, and facts that are safe to delete; and whole files elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process;

use rustix::fs::FileType;
use zeroize::Zeroizing;

use super::dir::Dir;
use super::sweep;
use super::wait::Wait;
use super::walk::{self, Made};
use super::{Install, Patience, StoreError};

/// The directory in `<dir>` that is certctl's own.
const HOME: &str = ".certctl";
/// The file in it that a run locks.
const LOCK: &str = "lock";

/// No file of certctl's own is longer, in bytes.
const LONGEST: usize = 64 << 20;

/// One run at a time: the kernel's lock on `<dir>/.certctl/lock`, which holds the process id of the last holder. It is
/// gone when the value is dropped or the process dies.
#[derive(Debug)]
pub struct RunLock {
    /// Open, and locked as long as it is.
    _file: File,
}

impl RunLock {
    /// Waits for the lock. This blocks, but not for long once the run is told to stop.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's process id, and when the disk does not let it.
    pub fn take(dir: &Path, patience: &Patience) -> Result<Self, StoreError> {
        let wait = Wait::begin(patience);
        let path = dir.join(HOME).join(LOCK);
        loop {
            let home = make_home(dir)?;
            let Some(mut file) = home.open_file(LOCK, 0o644)? else { continue };
            if !wait.lock(&file, &path)? {
                return Err(wait.exhausted(path, holder(&home)));
            }
            // It is safe to delete: another run may have made it anew in the meantime.
            if !home.is_at(&file, LOCK)? {
                continue;
            }
            // A second name: what is written into it would be written into whatever that is. Only who has the lock
            // takes the name away, so whoever waits for it finds another file there.
            if Dir::has_second_name(&file).map_err(|reason| StoreError::io("look at", path.clone(), reason))? {
                home.unlink(LOCK)?;
                continue;
            }
            let note = file.set_len(0).and_then(|()| writeln!(file, "{}", process::id()));
            note.map_err(|reason| StoreError::io("write", path, reason))?;
            return Ok(Self { _file: file });
        }
    }
}

/// The process id in the lock file.
fn holder(home: &Dir) -> Option<u32> {
    let file = home.read(LOCK, 32).ok()??;
    std::str::from_utf8(&file.bytes).ok()?.trim_end().parse().ok()
}

/// The bytes of `<dir>/.certctl/<file>`; `None` if there is no such file, or it is not certctl's.
///
/// # Errors
/// When it cannot be read.
pub fn recall(dir: &Path, file: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(base) = walk::find(dir)? else { return Ok(None) };
    let is_ours = |within: &Dir, name: &str, kind| {
        Ok(within.entry(name)?.is_some_and(|entry| entry.kind == kind && entry.is_trusted()))
    };
    if !is_ours(&base, HOME, FileType::Directory)? {
        return Ok(None);
    }
    let home = base.enter(HOME)?;
    if !is_ours(&home, file, FileType::RegularFile)? {
        return Ok(None);
    }
    let found = home.read(file, LONGEST).map_err(|reason| StoreError::io("read", home.path().join(file), reason))?;
    Ok(found.map(|found| found.bytes))
}

/// Replaces `<dir>/.certctl/<file>` by one rename, mode 0644. Only one run at a time may do so: see [`RunLock`].
///
/// # Errors
/// When the disk does not let it; the file is as it was then.
pub fn remember(dir: &Path, file: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let home = make_home(dir)?;
    check_file(&home, OsStr::new(file))?;
    home.replace(OsStr::new(file), &OsString::from(format!(".{file}.new")), bytes, 0o644)
}

/// The bytes of the file at `path`, which is not waited for and not followed if it is anything but a regular file of a
/// size that certctl writes; `None` then, or if it is not there.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let Some(parent) = walk::find(parent)? else { return Ok(None) };
    match parent.read(name, LONGEST) {
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found
            .map(|found| found.map(|found| found.bytes))
            .map_err(|reason| StoreError::unreadable(path.to_owned(), reason)),
    }
}

/// Replaces the file at `path` by one rename; its directory must be there. What is no regular file is not replaced.
/// What a run that died has left beside it goes once it is old enough.
///
/// # Errors
/// When the disk does not let it; the file is as it was then.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(StoreError::NotAFile { path: path.to_owned(), found: "a directory" });
    };
    let parent = walk::find(parent)?.ok_or_else(|| StoreError::NoParent { path: parent.to_owned() })?;
    check_file(&parent, name)?;
    let mut aside = OsString::from(".");
    aside.push(name);
    aside.push(".certctl-");
    let prefix = aside.clone();
    // Other runs may write the same file, and no lock is held.
    aside.push(process::id().to_string());
    parent.replace(name, &aside, bytes, mode)?;
    sweep::warn(remove_abandoned(&parent, name, &prefix));
    Ok(())
}

/// Removes what runs that died have left: what is called `prefix` and a process id and is much older than `name`, which
/// has just been written. By its age, since a process of another container may be at work though it cannot be seen.
fn remove_abandoned(parent: &Dir, name: &OsStr, prefix: &OsStr) -> Result<(), StoreError> {
    let Some(written) = parent.entry(name)? else { return Ok(()) };
    // Opened anew, since a handle that only looks names up cannot list them.
    for found in parent.open(".")?.names()? {
        let id = found.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        if !id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit)) {
            continue;
        }
        if let Some(entry) = parent.entry(&found)?
            && entry.kind == FileType::RegularFile
            && entry.is_trusted()
            && entry.is_an_hour_older_than(&written)
        {
            sweep::remove_if_there(parent, &found)?;
        }
    }
    Ok(())
}

/// Whether certificate directories could be made in `dir` and copies placed at these paths, as far as shows without
/// writing: every parent of a copy is a directory, and nothing on the way is read-only or closed to this user.
///
/// # Errors
/// The first that could not.
pub fn is_writable(dir: &Path, installs: &[Install]) -> Result<(), StoreError> {
    walk::nearest(dir)?.check_writable()?;
    for Install { to, .. } in installs {
        let parent = to.parent().unwrap_or(to);
        let found = walk::find(parent)?.ok_or_else(|| StoreError::NoParent { path: parent.to_owned() })?;
        found.check_writable()?;
    }
    Ok(())
}

fn check_file(parent: &Dir, name: &OsStr) -> Result<(), StoreError> {
    match parent.entry(name)? {
        Some(entry) if entry.kind != FileType::RegularFile => {
            Err(StoreError::NotAFile { path: parent.path().join(name), found: entry.kind_in_words() })
        }
        _ => Ok(()),
    }
}

/// `<dir>/.certctl`, made if it is missing.
fn make_home(dir: &Path) -> Result<Dir, StoreError> {
    let base = walk::reach(dir, &mut Made::default())?;
    if let Some(home) = base.make(HOME, 0o755)? {
        base.sync()?;
        return Ok(home);
    }
    let expected = "a directory that root or this user owns";
    match base.entry(HOME)? {
        Some(entry) if entry.kind != FileType::Directory || !entry.is_trusted() => {
            return Err(entry.foreign(base.path().join(HOME), expected));
        }
        _ => {}
    }
    let home = base.open(HOME)?;
    let itself = home.itself()?;
    // Another one's may have come in its place since it was looked at.
    if itself.is_trusted() { Ok(home) } else { Err(itself.foreign(base.path().join(HOME), expected)) }
}
