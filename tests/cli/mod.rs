//! The built `certctl` against the sandbox: what users see, command by command.

mod bad_input;
mod check;
mod completions;
mod concurrent;
mod config;
mod conformance;
mod first;
mod formats;
mod help;
mod history;
mod kill;
mod man;
mod outputs;
mod sealed;
mod servers;
mod signers;
mod sm2;
mod sync;
mod terminal;
mod tls;
mod usage;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sandbox::{Account, Cloud, Sandbox};
use crate::schema;

/// Every provider, and the cloud of the sandbox that it talks to.
pub(crate) const PROVIDERS: [(&str, Cloud); 4] =
    [("jdcloud", Cloud::Jdcloud), ("tencent", Cloud::Tencent), ("huawei", Cloud::Huawei), ("ctyun", Cloud::Ctyun)];

/// One run of the built command, with the sandbox's environment and nothing of the machine's.
pub(crate) struct Certctl {
    command: Command,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
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

    /// With these accounts of all clouds that have such.
    pub(crate) fn of(sandbox: &Sandbox, account: Account) -> Self {
        Self::with(sandbox.environment_of(account))
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    pub(crate) fn args<S: AsRef<std::ffi::OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    pub(crate) fn run(mut self) -> Run {
        let since = Instant::now();
        Run::of(self.command.stdin(Stdio::null()).output().unwrap(), since)
    }

    /// The most memory that the run held at any time as well, in KiB.
    pub(crate) fn run_measured(mut self) -> (Run, u64) {
        let since = Instant::now();
        let command = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            // Once it has ended the file has no such line; the kernel's figure is a peak itself, so none is missed
            // but what the very last moments add.
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(peak);
            std::thread::sleep(Duration::from_millis(2));
        }
        (Run::of(child.wait_with_output().unwrap(), since), peak)
    }

    /// The command itself, for what only a shell's tricks can do.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}

impl Run {
    pub(crate) fn of(output: Output, since: Instant) -> Self {
        let Output { status, stdout, stderr } = output;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = status.code().unwrap_or(-1);
        Self { code, stdout: text(stdout), stderr: text(stderr), took: since.elapsed() }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Asserts that stderr is one error line that has all of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        let errors = self.errors();
        assert_eq!(errors.len(), 1, "one error line\n{}", self.stderr);
        for word in words {
            assert!(errors[0].contains(word), "`{word}` in {}", errors[0]);
        }
        self
    }

    /// The lines on stderr that tell of a failure.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("certctl: error: ")).collect()
    }

    /// Asserts that nothing a terminal acts on was printed, but for line ends.
    #[track_caller]
    pub(crate) fn prints_plainly(self) -> Self {
        for text in [&self.stdout, &self.stderr] {
            let odd = |c: &char| {
                c.is_control() && *c != '\n'
                    || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert_eq!(text.chars().find(odd), None, "{text:?}");
        }
        self
    }

    /// The document on stdout, which has to be as its schema says.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let document = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr));
        schema::holds(&document);
        document
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
