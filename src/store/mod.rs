//! Files in memory become a certificate directory. The only room that writes.
//!
//! ```text
//! <dir>/<name>/
//!   cert.pem      -> current/cert.pem       and so on, one link for each file of the version
//!   current       -> versions/20261122T020304Z-9bfe606b
//!   versions/20261122T020304Z-9bfe606b/     the files, and metadata.json
//!   .certctl.json                           what is still to be done there, if anything is
//! <dir>/.certctl/                           the lock of a whole run, and facts that are safe to delete
//! ```
//!
//! A version is written aside and synced, and `current` is then replaced by one rename: a reader that resolves
//! `current` once sees one version, whenever the process or the machine dies. All names are looked up relative to
//! directories held open, and links are not followed, so nothing planted on the way leads anywhere else.
//!
//! A change that something is to follow, a check or a hook, is written down before it begins and until all has followed,
//! and what it replaces is kept until it is approved of: so this process or the next one can take it back.
//!
//! ```
//! use certctl::jiff::Timestamp;
//! use certctl::store::{self, Directory, Identity, Name, Options, Outcome, Wish};
//!
//! # use certctl::bundle::{Bundle, Material, Requirements};
//! # let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()])?;
//! # let material = Material::default().with("key", made.signing_key.serialize_pem()).with("cert", made.cert.pem());
//! # let now = certctl::jiff::Timestamp::now();
//! # let bundle = Bundle::assemble(&material, &Requirements { now, domains: &[], passwords: &[] })?;
//! # let files = certctl::format::files(&bundle, &certctl::format::Recipe::default())?;
//! # let temporary = tempfile::tempdir()?;
//! # let dir = temporary.path();
//! let name = Name::parse("www.example.com")?;
//! let identity = Identity::of(&bundle, name.clone(), ["tencent", "tx", "LtIaSxlb"]);
//! let options = Options::new(Timestamp::now());
//! let directory = Directory::lock(dir, &name, &options.patience)?;
//! let wish = Wish::alone(&identity, &files, &options);
//! assert_eq!(directory.apply(&wish)?.outcome, Outcome::Created);
//! assert_eq!(directory.apply(&wish)?.outcome, Outcome::Unchanged);
//! assert!(dir.join("www.example.com/fullchain.pem").exists());
//!
//! // Anybody can look, at any time: no lock is needed.
//! std::fs::write(dir.join("www.example.com/privkey.pem"), "damaged")?;
//! let audit = store::audit(dir, &name, None)?.ok_or("not there")?;
//! assert_eq!(audit.findings.len(), 1);
//! println!("{}", audit.findings[0].what);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod audit;
mod commit;
mod copies;
mod dir;
mod directory;
mod error;
mod home;
mod inspect;
mod layout;
mod lock;
mod look;
mod metadata;
mod name;
mod place;
mod restore;
mod rollback;
mod state;
mod step;
mod sweep;
mod version;
mod wait;
mod walk;
mod whole;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

pub use audit::{Audit, Fault, Finding, audit};
pub use directory::{Applied, Directory, Wish};
pub use error::StoreError;
pub use home::{RunLock, is_writable, read, recall, remember, replace};
pub use look::{Expected, Made, Standing, contents, is_certificate_directory, look, made, other_versions};
pub use metadata::Identity;
pub use name::{Name, NameError};
pub use state::{Rejected, State, Unfinished};

use crate::format::FileImage;
use crate::stop::Stop;

/// Old versions that stay beside the current one, where nothing says otherwise.
pub const KEEP: usize = 3;

/// How an install is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many old versions stay beside the current one. With none, a reader that has just resolved `current` may
    /// find its version gone.
    pub keep: usize,
    /// Whether a certificate may replace one that started to be valid later.
    pub force: bool,
    /// How long to wait for another certctl that is at work in the same certificate directory.
    pub patience: Patience,
    /// The time now; versions are named by it.
    pub now: Timestamp,
    /// Whose the files are.
    pub ownership: Ownership,
}

impl Options {
    /// At this time, with the defaults of the command: [`KEEP`] old versions, no force, the files of the user that runs
    /// this.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { keep: KEEP, force: false, patience: Patience::default(), now, ownership: Ownership::default() }
    }
}

/// Whose files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The user's number; `None`: the user certctl runs as.
    pub owner: Option<u32>,
    /// The group's number; `None`: the system's choice, which is not looked at.
    pub group: Option<u32>,
}

/// How long to wait for another certctl.
#[derive(Clone, Debug)]
pub struct Patience {
    /// At most.
    pub timeout: Duration,
    /// Ends the wait early.
    pub stop: Stop,
}

impl Default for Patience {
    /// Half a minute.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30), stop: Stop::default() }
    }
}

/// A copy of one of a certificate's files, at a fixed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The file's name in the certificate directory.
    pub file: String,
    /// Where the copy goes; absolute. Its parent directory must be there.
    pub to: PathBuf,
    /// The copy's permission bits.
    pub mode: u32,
}

/// What an install comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was no version in place, now there is.
    Created,
    /// Another version is in place, or something damaged was repaired.
    Updated,
    /// All was as it should be; nothing was written.
    Unchanged,
}

/// What [`Directory::apply`] would come to in `<dir>/<name>`, and nothing beside it. Takes no lock and writes nothing.
///
/// # Errors
/// As for [`Directory::apply`], as far as they show without writing.
pub fn preview(dir: &Path, identity: &Identity, files: &[FileImage], options: &Options) -> Result<Outcome, StoreError> {
    let Some(base) = walk::find(dir)? else {
        return Ok(Outcome::Created);
    };
    let Some(certificate) = lock::open_certificate(&base, &identity.name)? else {
        return Ok(Outcome::Created);
    };
    directory::preview(&certificate, &Wish::alone(identity, files, options))
}
