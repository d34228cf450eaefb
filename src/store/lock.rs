//! One run at a time in a certificate directory.

use std::fs::TryLockError;
use std::mem;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FileType;

use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::name::Name;
use crate::store::walk::{self, Made};

/// How often a lock that another run holds is tried.
const POLL: Duration = Duration::from_millis(50);

/// How often the way is walked anew because other, failing runs removed what they had made on it.
const MOST_WALKS: usize = 100;

/// A certificate directory that this run alone may change. The lock is the kernel's, on the directory itself: it is
/// gone when the value is dropped or the process dies, and leaves nothing behind.
pub(super) struct Locked {
    pub(super) certificate: Dir,
    made: Made,
}

impl Locked {
    /// Reaches `<dir>/<name>`, making what is missing, and waits for the lock.
    pub(super) fn enter(dir: &Path, name: &Name, timeout: Duration) -> Result<Self, StoreError> {
        let patience = Patience { since: Instant::now(), timeout };
        let mut made = Made::default();
        for walk in 1..=MOST_WALKS {
            match try_enter(dir, name, &patience, &mut made) {
                Ok(Some(certificate)) => return Ok(Self { certificate, made }),
                Ok(None) => {}
                Err(error) => {
                    mem::take(&mut made).undo();
                    if !error.is_gone() || walk == MOST_WALKS {
                        return Err(error);
                    }
                }
            }
        }
        Err(patience.exhausted(dir.join(name.as_str())))
    }

    /// Removes the directories this run has made, those that are empty.
    pub(super) fn undo(&self) {
        self.made.undo();
    }
}

/// The certificate directory in `base`, if it is one and nobody else can have made it.
pub(super) fn open_certificate(base: &Dir, name: &Name) -> Result<Option<Dir>, StoreError> {
    let foreign = "a directory that root or this user owns";
    let path = base.path().join(name.as_str());
    match base.entry(name.as_str())? {
        None => return Ok(None),
        Some(entry) if entry.kind != FileType::Directory => return Err(entry.foreign(path, foreign)),
        Some(_) => {}
    }
    let certificate = base.open(name.as_str())?;
    let itself = certificate.itself()?;
    if itself.is_trusted() { Ok(Some(certificate)) } else { Err(itself.foreign(path, foreign)) }
}

/// `None` if the directory was removed or replaced while this run waited for it.
fn try_enter(dir: &Path, name: &Name, patience: &Patience, made: &mut Made) -> Result<Option<Dir>, StoreError> {
    let base = walk::reach(dir, made)?;
    let (certificate, is_new) = match open_certificate(&base, name)? {
        Some(certificate) => (certificate, false),
        None => match base.make(name.as_str(), 0o755)? {
            Some(certificate) => (certificate, true),
            None => return Ok(None),
        },
    };
    patience.lock(&certificate)?;
    let itself = certificate.itself()?;
    if !base.entry(name.as_str())?.is_some_and(|there| there.is_same_as(&itself)) {
        return Ok(None);
    }
    if is_new {
        // Only now: without the lock, undoing it could take it from under another run.
        made.record(base, name.as_str())?;
    }
    Ok(Some(certificate))
}

/// How long a run waits for the lock.
struct Patience {
    since: Instant,
    timeout: Duration,
}

impl Patience {
    fn lock(&self, certificate: &Dir) -> Result<(), StoreError> {
        loop {
            match certificate.file().try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(reason)) => {
                    return Err(StoreError::io("lock", certificate.path().to_owned(), reason));
                }
                Err(TryLockError::WouldBlock) => {}
            }
            let left = self.timeout.saturating_sub(self.since.elapsed());
            if left.is_zero() {
                return Err(self.exhausted(certificate.path().to_owned()));
            }
            thread::sleep(left.min(POLL));
        }
    }

    fn exhausted(&self, path: PathBuf) -> StoreError {
        StoreError::Locked { path, waited: self.timeout }
    }
}
