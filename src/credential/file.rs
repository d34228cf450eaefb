//! Files that hold secrets, read without waiting for anybody and kept from others.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::{CredentialError, FileProblem};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

/// The text of a file that may hold secrets.
pub struct SecretFile {
    path: PathBuf,
    mode: u32,
    text: Zeroizing<String>,
}

impl SecretFile {
    /// Reads a file; `None` if it is not there. A pipe in its place is not waited for.
    ///
    /// # Errors
    /// When it is not a regular file of at most 1 MiB of UTF-8, or cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, CredentialError> {
        Self::read(path).map_err(|problem| CredentialError::File { path: path.to_owned(), problem })
    }

    fn read(path: &Path) -> Result<Option<Self>, FileProblem> {
        let file = match open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
        {
            Ok(file) => File::from(file),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            // What the system says of a socket.
            Err(Errno::NXIO) => return Err(FileProblem::NotAFile),
            Err(reason) => return Err(FileProblem::Unreadable(reason.kind())),
        };
        let unreadable = |error: io::Error| FileProblem::Unreadable(error.kind());
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(FileProblem::NotAFile);
        }
        if metadata.len() > LARGEST {
            return Err(FileProblem::TooLarge);
        }
        let length = usize::try_from(metadata.len()).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        file.take(LARGEST.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
            return Err(FileProblem::TooLarge);
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| FileProblem::NotText)?;
        let text = Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned());
        Ok(Some(Self { path: path.to_owned(), mode: metadata.permissions().mode() & 0o7777, text }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// To be called once it is known that there are secrets in it. Warns if its group can get at them.
    ///
    /// # Errors
    /// When everybody can.
    pub fn guard(&self) -> Result<(), CredentialError> {
        let Self { path, mode, .. } = self;
        if mode & 0o007 != 0 {
            return Err(CredentialError::Exposed { path: path.clone(), mode: *mode });
        }
        if mode & 0o070 != 0 {
            let path = path.display();
            tracing::warn!("{path} holds secrets, and its mode {mode:04o} lets its group at it; `chmod 600 {path}`");
        }
        Ok(())
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretFile").field("path", &self.path).field("mode", &self.mode).finish_non_exhaustive()
    }
}
