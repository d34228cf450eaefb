//! Where the config file is.

use std::io;
use std::path::{Path, PathBuf};

use super::ConfigError;
use crate::environment::Environment;

/// The file's name.
pub const FILE: &str = "certctl.toml";
/// Names the file where `-c` does not.
const VARIABLE: &str = "CERTCTL_CONFIG";

/// The directories that are searched, in this order.
#[derive(Debug, Clone)]
pub struct Roots {
    /// For `certctl.toml`; the empty path is the current directory.
    pub current: PathBuf,
    /// For `certctl/certctl.toml`, if the user has such a directory.
    pub user: Option<PathBuf>,
    /// For `certctl/certctl.toml`.
    pub system: PathBuf,
}

impl Roots {
    /// The current directory, `$XDG_CONFIG_HOME` or `~/.config`, and `/etc`.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        // A relative XDG_CONFIG_HOME is to be ignored, says the XDG Base Directory Specification.
        let absolute = |variable| environment.variable(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || absolute("HOME").map(|home| home.join(".config"));
        Self { current: PathBuf::new(), user: absolute("XDG_CONFIG_HOME").or_else(home), system: "/etc".into() }
    }

    fn files(&self) -> Vec<PathBuf> {
        let below = [self.user.as_ref(), Some(&self.system)].into_iter().flatten();
        let below = below.map(|directory| directory.join("certctl").join(FILE));
        std::iter::once(self.current.join(FILE)).chain(below).collect()
    }
}

/// A config file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Where.
    pub path: PathBuf,
    /// Whether the user named it. One that was found could have been put there by anybody.
    pub is_named: bool,
}

/// The file that `-c` or `CERTCTL_CONFIG` names, whether it is there or not, and which of the two did.
#[must_use]
pub fn named(given: Option<&Path>, environment: &Environment) -> Option<(&'static str, PathBuf)> {
    let by_variable = || Some((VARIABLE, PathBuf::from(environment.variable(VARIABLE)?)));
    given.map(|path| ("-c", path.to_owned())).or_else(by_variable)
}

/// The config file to use: the one that is named, else the first that is there; `None` if none is.
///
/// # Errors
/// When the one that is named is not there, or one cannot be looked at: passing over it could mean to do something
/// quite different from what is wanted.
pub fn locate(given: Option<&Path>, environment: &Environment, roots: &Roots) -> Result<Option<Location>, ConfigError> {
    if let Some((origin, path)) = named(given, environment) {
        let is_there = is_there(&path)?;
        let missing = || ConfigError::NotFound { origin, path: path.clone() };
        return if is_there { Ok(Some(Location { path, is_named: true })) } else { Err(missing()) };
    }
    for path in roots.files() {
        if is_there(&path)? {
            return Ok(Some(Location { path, is_named: false }));
        }
    }
    Ok(None)
}

fn is_there(path: &Path) -> Result<bool, ConfigError> {
    match path.metadata() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(reason) => Err(ConfigError::Unreadable { path: path.to_owned(), reason }),
    }
}
