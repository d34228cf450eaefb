//! What a config refers to on the machine: users, groups and programs.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use nix::unistd::{Group, User};
use rustix::fs::{Access, access};

use crate::environment::Environment;

/// The machine that a config is for.
pub trait Host {
    /// A user's number, `None` if there is none of that name.
    ///
    /// # Errors
    /// When the machine's databases cannot be asked.
    fn user(&self, name: &str) -> io::Result<Option<u32>>;

    /// A group's number, `None` if there is none of that name.
    ///
    /// # Errors
    /// When the machine's databases cannot be asked.
    fn group(&self, name: &str) -> io::Result<Option<u32>>;

    /// Whether a program can be run: an absolute path, or a name to be looked up in PATH.
    fn program(&self, program: &str) -> Program;
}

/// What became of looking for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// It can be run.
    Runnable,
    /// There is no such file.
    Missing,
    /// There is one that cannot be run.
    NotExecutable,
}

/// This machine.
#[derive(Debug)]
pub struct Machine {
    search: OsString,
}

impl Machine {
    /// This machine, with the PATH of `environment`.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        // The PATH that execvp falls back on.
        Self { search: environment.variable("PATH").unwrap_or("/bin:/usr/bin").into() }
    }
}

impl Host for Machine {
    fn user(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(User::from_name(name)?.map(|user| user.uid.as_raw()))
    }

    fn group(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(Group::from_name(name)?.map(|group| group.gid.as_raw()))
    }

    fn program(&self, program: &str) -> Program {
        if program.contains('/') {
            return look_at(Path::new(program));
        }
        let found = std::env::split_paths(&self.search).map(|directory| look_at(&directory.join(program)));
        found.reduce(best).unwrap_or(Program::Missing)
    }
}

fn look_at(path: &Path) -> Program {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() && access(path, Access::EXEC_OK).is_ok() => Program::Runnable,
        Ok(_) => Program::NotExecutable,
        Err(_) => Program::Missing,
    }
}

/// A program that can be run is found even behind one that cannot.
fn best(one: Program, other: Program) -> Program {
    match (one, other) {
        (Program::Runnable, _) | (_, Program::Runnable) => Program::Runnable,
        (Program::NotExecutable, _) | (_, Program::NotExecutable) => Program::NotExecutable,
        _ => Program::Missing,
    }
}
