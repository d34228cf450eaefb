//! One run at a time in a certificate directory.

use std::mem;
use std::path::Path;

use rustix::fs::FileType;

use crate::store::Patience;
use crate::store::dir::Dir;
use crate::store::error::StoreError;
use crate::store::name::Name;
use crate::store::wait::Wait;
use crate::store::walk::{self, Made};

/// How often the way is walked anew because other, failing runs removed what they had made on it.
const MOST_WALKS: usize = 100;

/// A certificate directory that this run alone may change. The lock is the kernel's, on the directory itself: it is
/// gone when the value is dropped or the process dies, and leaves nothing behind. Directories that were made on the way
/// and into which nothing was put go with it.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) certificate: Dir,
    made: Made,
}

impl Locked {
    /// Reaches `<dir>/<name>`, making what is missing, and waits for the lock.
    pub(super) fn enter(dir: &Path, name: &Name, patience: &Patience) -> Result<Self, StoreError> {
        let wait = Wait::begin(patience);
        let mut made = Made::default();
        for walk in 1..=MOST_WALKS {
            match try_enter(dir, name, &wait, &mut made) {
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
        Err(wait.exhausted(dir.join(name.as_str()), None))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
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
fn try_enter(dir: &Path, name: &Name, wait: &Wait<'_>, made: &mut Made) -> Result<Option<Dir>, StoreError> {
    let base = walk::reach(dir, made)?;
    let (certificate, is_new) = match open_certificate(&base, name)? {
        Some(certificate) => (certificate, false),
        None => match base.make(name.as_str(), 0o755)? {
            Some(certificate) => (certificate, true),
            None => return Ok(None),
        },
    };
    if !wait.lock(certificate.file(), certificate.path())? {
        return Err(wait.exhausted(certificate.path().to_owned(), None));
    }
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
