//! What can go wrong on disk.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rustix::io::Errno;

pub(super) use crate::text::shown;

/// What is tried when a file is given another owner or group.
pub(super) const SET_OWNER: &str = "set the owner of";

/// What is tried when a file is only looked at.
pub(super) const READ: &str = "read";

/// Why a certificate directory was not written.
///
/// Every one of them leaves the disk as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {action} {}: {reason}{}", shown(path), advice(action, reason))]
    Io {
        /// What was tried, as a verb: `write`, `rename`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's own reason.
        reason: io::Error,
    },
    /// A component of the directory given is something else, a file for example.
    #[error("{} is {found}, not a directory; give another with -d or in the config", shown(path))]
    NotADirectory {
        /// The component.
        path: PathBuf,
        /// What it is: `a regular file`.
        found: &'static str,
    },
    /// Something stands where certctl writes that certctl did not put there, or that another user may change.
    #[error(
        "{} is {found} of uid {owner} where certctl expects {expected}; nothing was changed; look at it, move it away and run again",
        shown(path)
    )]
    Foreign {
        /// Where.
        path: PathBuf,
        /// What is there: `a regular file`.
        found: &'static str,
        /// The user who owns it.
        owner: u32,
        /// What may be there.
        expected: &'static str,
    },
    /// Another certctl holds the lock, and held it for as long as this one was willing to wait.
    #[error(
        "another certctl{} holds the lock on {} (waited {}); run again later or give a longer --lock-timeout",
        process(*holder),
        shown(path),
        seconds(*waited)
    )]
    Locked {
        /// The certificate directory, or the lock file of a whole run.
        path: PathBuf,
        /// The other's process id, where the lock file tells.
        holder: Option<u32>,
        /// How long this run waited.
        waited: Duration,
    },
    /// The installed certificate started to be valid after the new one. Not a fault of the disk: the certificate is
    /// refused.
    #[error(
        "the certificate in {} is valid from {installed_not_before}, the new one from {new_not_before}: not replaced by an older one; --force replaces it",
        shown(path)
    )]
    Older {
        /// The certificate directory.
        path: PathBuf,
        /// Start of the installed certificate's validity.
        installed_not_before: Timestamp,
        /// Start of the validity of the one refused.
        new_not_before: Timestamp,
    },
    /// The directory of an install path is not there.
    #[error("{} is not there, and a file is to be written in it; create it, or correct the path", shown(path))]
    NoParent {
        /// The directory.
        path: PathBuf,
    },
    /// A file is to be replaced that is none.
    #[error("{} is {found}, not a regular file; move it away or choose another path", shown(path))]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What is there: `a directory`.
        found: &'static str,
    },
    /// A copy is to be made of a file that the version does not have.
    #[error("{} has no {file} to copy to {}; correct that entry of `install`", shown(path), shown(to))]
    NothingToCopy {
        /// The certificate directory.
        path: PathBuf,
        /// The file.
        file: String,
        /// The copy's path.
        to: PathBuf,
    },
    /// No version is older than the current one.
    #[error("{} has no version older than the current one to go back to", shown(path))]
    NoOlderVersion {
        /// The certificate directory.
        path: PathBuf,
    },
    /// There is no version of that name.
    #[error("{} has no version {wanted:?}; {}", shown(path), listed(known))]
    NoSuchVersion {
        /// The certificate directory.
        path: PathBuf,
        /// What was asked for.
        wanted: String,
        /// The versions that there are, oldest first.
        known: Vec<String>,
    },
    /// A version to go back to is not what its metadata.json says.
    #[error("version {version} in {} is damaged: {what}; choose another version", shown(path))]
    Damaged {
        /// The certificate directory.
        path: PathBuf,
        /// The version.
        version: String,
        /// What is wrong with it.
        what: String,
    },
}

impl StoreError {
    /// A file or directory that is only looked at cannot be read.
    #[must_use]
    pub fn unreadable(path: PathBuf, reason: io::Error) -> Self {
        Self::Io { action: READ, path, reason }
    }

    pub(super) fn io(action: &'static str, path: PathBuf, reason: impl Into<io::Error>) -> Self {
        Self::Io { action, path, reason: reason.into() }
    }

    /// Whether a directory on the way was gone: another run that failed has removed what it had made.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Io { reason, .. } if reason.kind() == io::ErrorKind::NotFound)
    }
}

fn process(holder: Option<u32>) -> String {
    holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) }
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs_f64().round())
}

/// What the user can do about the common reasons.
fn advice(action: &str, reason: &io::Error) -> &'static str {
    match Errno::from_io_error(reason) {
        Some(Errno::PERM | Errno::ACCESS) if action == SET_OWNER => {
            "; only root may give files away: run certctl as root, or leave out `owner` and `group`"
        }
        Some(Errno::NOSPC) => "; free some space and run again",
        Some(Errno::DQUOT) => "; free some space or raise the quota, and run again",
        Some(Errno::ACCESS) if action == READ => "; run certctl as root, or as the user who owns it",
        Some(Errno::ACCESS) => {
            "; run certctl as a user who may write there, or give another directory with -d or in the config"
        }
        Some(Errno::PERM) => "; the file system forbids it (another owner, an immutable file, no symbolic links?)",
        Some(Errno::ROFS) => {
            "; mount it for writing, or give another directory with -d or in the config; in a systemd service, add it to ReadWritePaths="
        }
        Some(Errno::IO) => "; the kernel log says more about the device",
        Some(Errno::LOOP) => "; correct the link, or give another directory with -d or in the config",
        Some(Errno::NOENT) if action == "create directory" => {
            "; nothing can be made there, or it is gone: give another directory with -d or in the config"
        }
        Some(Errno::BUSY) if action == "rename to" => {
            "; a single file that is mounted cannot be replaced: mount the directory that it is in"
        }
        Some(Errno::FBIG) if action == "write" => "; raise the limit of file sizes (ulimit -f)",
        Some(Errno::MFILE | Errno::NFILE) => "; raise the limit of open files (ulimit -n) or lower -j",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use rustix::io::Errno;

    use super::StoreError;

    #[test]
    fn messages_are_one_line_and_say_what_to_do() {
        let full = StoreError::io("write", PathBuf::from("/c/w\nw/cert.pem"), Errno::NOSPC).to_string();
        assert!(full.starts_with("cannot write /c/w\\nw/cert.pem: No space left on device"), "{full}");
        assert!(full.ends_with("free some space and run again"), "{full}");
        let locked =
            StoreError::Locked { path: PathBuf::from("/c/www"), holder: None, waited: Duration::from_secs(30) };
        let locked = locked.to_string();
        assert!(locked.contains("lock on /c/www (waited 30s)") && locked.contains("--lock-timeout"), "{locked}");
    }
}
