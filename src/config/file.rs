//! The config file as bytes: how much is read, and who else can read and write it.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::problem::{At, Problems};
use super::{ConfigError, Location, Problem};

/// Ten thousand certificates fit.
const LONGEST: u64 = 4 << 20;

/// A config file's text and what the system says of the file.
pub(super) struct File {
    /// Wiped when dropped, since it may hold secrets.
    pub(super) text: Zeroizing<String>,
    /// Permission bits; none of what is not a file on disk, a pipe say.
    mode: u32,
}

impl File {
    /// Reads the file, unless somebody else decides what is in it: it says what is run.
    pub(super) fn read(location: &Location) -> Result<Self, ConfigError> {
        let path = &location.path;
        let unreadable = |reason| ConfigError::Unreadable { path: path.clone(), reason };
        let untrusted = |why| ConfigError::Untrusted { path: path.clone(), why };
        let stranger = |metadata: &fs::Metadata| {
            let owner = metadata.uid();
            let is_strange = !location.is_named && owner != 0 && owner != geteuid().as_raw();
            is_strange.then(|| untrusted(format!("it belongs to user {owner}; if it is meant, name it with -c")))
        };
        let mut options = fs::OpenOptions::new();
        if !location.is_named {
            // A pipe that is named is read as it comes, `-c <(...)` say; one that was put where a config is looked for
            // would be waited for, and a link lead anywhere.
            if let Some(error) = stranger(&path.symlink_metadata().map_err(unreadable)?) {
                return Err(error);
            }
            if !path.metadata().map_err(unreadable)?.is_file() {
                return Err(untrusted("it is not a regular file; if it is meant, name it with -c".to_owned()));
            }
            options.custom_flags(i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default());
        }
        let file = options.read(true).open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mode = if metadata.is_file() { metadata.mode() & 0o777 } else { 0 };
        if mode & 0o002 != 0 {
            return Err(untrusted(format!("everybody can write to it; run chmod o-w {}", path.display())));
        }
        if let Some(error) = stranger(&metadata) {
            return Err(error);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > LONGEST {
            return Err(unreadable(io::Error::other("it is larger than 4 MiB")));
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Ok(Self { text: Zeroizing::new(text.to_owned()), mode }),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let problems = Problems::new(path, &String::from_utf8_lossy(good));
                problems.say(At(good.len()), "this is not UTF-8 text; save the file as UTF-8");
                Err(problems.none().err().unwrap_or(ConfigError::NoneFound))
            }
        }
    }

    /// Secrets that stand in a file which others can read are a mistake; where its group can, a warning.
    pub(super) fn judge(&self, literal: &Cell<Option<At>>, problems: &Problems) -> Vec<Problem> {
        let Some(at) = literal.get() else { return Vec::new() };
        let readers = match self.mode {
            mode if mode & 0o004 != 0 => "everybody",
            mode if mode & 0o040 != 0 => "its group",
            _ => return Vec::new(),
        };
        let what = format!(
            "there is a secret here, and {readers} can read this file; run chmod 600 {}, or name an environment variable or a file instead",
            problems.file().display()
        );
        if self.mode & 0o004 != 0 {
            problems.say(at, &what);
            return Vec::new();
        }
        vec![problems.problem(at, &what)]
    }
}
