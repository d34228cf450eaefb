//! This test binary, started again to install in a process of its own: one with another umask or user, one that is
//! traced, or one that is killed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use certctl::store;

use super::changes::Scene;
use super::{files, identity, options};

const DIR: &str = "CERTCTL_TEST_STORE_DIR";
const LABEL: &str = "CERTCTL_TEST_STORE_LABEL";
const SCRIPT: &str = "CERTCTL_TEST_STORE_SCRIPT";

/// The label that stands for installing `a` and `b` by turns until killed.
pub(crate) const FOREVER: &str = "forever";

/// The child's side. Does nothing in an ordinary run.
#[test]
fn install_as_told() {
    let (Ok(dir), Ok(label)) = (env::var(DIR), env::var(LABEL)) else { return };
    let dir = PathBuf::from(dir);
    let mut options = options();
    options.keep = 2;
    if label == FOREVER {
        for label in ["a", "b"].iter().cycle() {
            store::install(&dir, &identity(label), &files(label), &options).unwrap();
        }
    }
    match store::install(&dir, &identity(&label), &files(&label), &options) {
        Ok(installed) => eprintln!("RESULT {:?}", installed.outcome),
        Err(error) => eprintln!("RESULT error: {error}"),
    }
}

/// A command that installs `label`, behind `wrapper` (which runs its arguments).
pub(crate) fn command(wrapper: &[&str], dir: &Path, label: &str) -> Command {
    let mut command = run(wrapper, "store::child::install_as_told");
    command.env(DIR, dir).env(LABEL, label);
    command
}

/// Runs it to its end and returns what it came to: `Created`, `error: …`, or nothing if it died.
pub(crate) fn result(wrapper: &[&str], dir: &Path, label: &str) -> String {
    said(&mut command(wrapper, dir, label))
}

fn run(wrapper: &[&str], test: &str) -> Command {
    let binary = env::current_exe().unwrap();
    let mut words = wrapper.iter().map(std::ffi::OsString::from).collect::<Vec<_>>();
    words.push(binary.into());
    words.extend(["--exact", test, "--nocapture", "--test-threads=1"].map(Into::into));
    let mut command = Command::new(words.remove(0));
    command.args(words);
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().find_map(|line| line.strip_prefix("RESULT ")).unwrap_or_default().to_owned()
}

/// The child's side of [`follow`]. Does nothing in an ordinary run.
#[test]
fn follow_as_told() {
    let (Ok(dir), Ok(script)) = (env::var(DIR), env::var(SCRIPT)) else { return };
    match Scene::at(Path::new(&dir)).follow(&script) {
        Ok(()) => eprintln!("RESULT done"),
        Err(error) => eprintln!("RESULT error: {error}"),
    }
}

/// Follows a script of [`Scene`] in a process of its own, behind `wrapper`: `done`, `error: …`, or nothing if it died.
pub(crate) fn follow(wrapper: &[&str], dir: &Path, script: &str) -> String {
    let mut command = run(wrapper, "store::child::follow_as_told");
    said(command.env(DIR, dir).env(SCRIPT, script))
}
