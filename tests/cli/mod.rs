//! The built `certctl` against the sandbox: what users see, command by command.

mod concurrent;
mod conformance;
mod history;
mod kill;
mod servers;
mod signers;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::sandbox::Sandbox;

/// One run of the built command, with the sandbox's environment and nothing of the machine's.
pub(crate) struct Certctl {
    command: Command,
}

/// What a run came to.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Certctl {
    /// With exactly these variables.
    pub(crate) fn with(environment: Vec<(String, String)>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_certctl"));
        command.env_clear().envs(environment);
        Self { command }
    }

    /// With the healthy accounts of all clouds.
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        Self::with(sandbox.environment())
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn run(mut self) -> Run {
        let Output { status, stdout, stderr } = self.command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Run {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr is one error line that has all of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        let errors: Vec<_> = self.stderr.lines().filter(|line| line.starts_with("certctl: error: ")).collect();
        assert_eq!(errors.len(), 1, "one error line\n{}", self.stderr);
        for word in words {
            assert!(errors[0].contains(word), "`{word}` in {}", errors[0]);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Every path below a directory with all that a write would change, but for access times.
pub(crate) fn snapshot(directory: &Path) -> Vec<(PathBuf, u64, u32, i64, i64, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let metadata = path.symlink_metadata().unwrap();
        let bytes = if metadata.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        let facts = (path.clone(), metadata.ino(), metadata.mode(), metadata.mtime(), metadata.mtime_nsec(), bytes);
        found.push(facts);
        if metadata.is_dir() {
            found.extend(snapshot(&path));
        }
    }
    found.sort();
    found
}
