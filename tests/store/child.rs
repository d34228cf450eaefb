//! This test binary, started again to install in a process of its own: one with another umask or user, one that is
//! traced, or one that is killed.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use certctl::stop::Stop;
use certctl::store::{self, Patience, StoreError};
use rustix::process::{Pid, Signal, kill_process};

use super::changes::Scene;
use super::{files, identity, options, put};

const DIR: &str = "CERTCTL_TEST_STORE_DIR";
const LABEL: &str = "CERTCTL_TEST_STORE_LABEL";
const WAIT: &str = "CERTCTL_TEST_STORE_WAIT";
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
            put(&dir, &identity(label), &files(label), &options).unwrap();
        }
    }
    match put(&dir, &identity(&label), &files(&label), &options) {
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

/// The child's side of [`wait_and_be_told_to_stop`]. Does nothing in an ordinary run.
#[test]
fn wait_as_told() {
    let Ok(dir) = env::var(WAIT) else { return };
    let stop = Stop::on_signals().unwrap();
    let mut scene = Scene::at(Path::new(&dir));
    scene.options.patience = Patience { timeout: Duration::from_secs(60), stop };
    eprintln!("READY");
    let word = |locked| match locked {
        Err(StoreError::Locked { waited, .. }) if waited < scene.options.patience.timeout => "ended early",
        _ => "not ended early",
    };
    let run = word(store::RunLock::take(&scene.certs(), &scene.options.patience).map(drop));
    let directory = word(scene.try_lock().map(drop));
    eprintln!("RESULT {run}, {directory}");
}

/// A process that waits for two locks that are held here, and gets a SIGTERM.
pub(crate) fn wait_and_be_told_to_stop(dir: &Path) -> String {
    let scene = Scene::at(dir);
    let _run = store::RunLock::take(&scene.certs(), &scene.options.patience).unwrap();
    let _directory = scene.lock();
    let mut command = run(&[], "store::child::wait_as_told");
    let mut child = command.env(WAIT, dir).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "READY"));
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    let said = lines.find_map(|line| line.strip_prefix("RESULT ").map(str::to_owned)).unwrap_or_default();
    child.wait().unwrap();
    said
}
