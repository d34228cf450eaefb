//! `certctl.toml`: where it is found, what it may say, and what is said about its mistakes.

mod good;
mod locate;
mod mistakes;
mod starter;
mod trust;

use std::io;
use std::path::{Path, PathBuf};

use certctl::config::{Config, ConfigError, Host, Location, Problem, Program};

/// A machine with just these users, groups and programs.
pub(crate) struct Small;

impl Host for Small {
    fn user(&self, name: &str) -> io::Result<Option<u32>> {
        Ok((name == "root").then_some(0))
    }

    fn group(&self, name: &str) -> io::Result<Option<u32>> {
        match name {
            "nginx" => Ok(Some(101)),
            "directory-is-down" => Err(io::Error::other("no answer")),
            _ => Ok(None),
        }
    }

    fn program(&self, program: &str) -> Program {
        match program {
            "nginx" | "systemctl" | "vault-login" | "/usr/local/bin/maintenance" | "/usr/local/bin/page" => {
                Program::Runnable
            }
            "/etc/hosts" => Program::NotExecutable,
            _ => Program::Missing,
        }
    }
}

/// Reads a config of this text, in a file of this mode.
pub(crate) fn load_as(text: &[u8], mode: u32) -> (Result<Config, ConfigError>, PathBuf) {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("certctl.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (load_at(&path), path)
}

pub(crate) fn load_at(path: &Path) -> Result<Config, ConfigError> {
    Config::load(&Location { path: path.to_owned(), is_named: true }, &Small)
}

#[track_caller]
pub(crate) fn good(text: &str) -> Config {
    load_as(text.as_bytes(), 0o600).0.unwrap_or_else(|error| panic!("{error}"))
}

/// The mistakes in a config: line and words.
#[track_caller]
pub(crate) fn bad(text: &str) -> Vec<(usize, String)> {
    match load_as(text.as_bytes(), 0o600).0 {
        Ok(_) => Vec::new(),
        Err(ConfigError::Mistakes(mistakes)) => {
            mistakes.into_iter().map(|Problem { line, what, .. }| (line, what)).collect()
        }
        Err(other) => panic!("{other}"),
    }
}
