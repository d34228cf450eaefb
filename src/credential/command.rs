//! Credentials that a program prints.

use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use zeroize::Zeroizing;

use super::{CommandProblem, CredentialError, Found, Names, Object, Place};
use crate::environment::Environment;

/// How long a command may take, unless somebody says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that a command may print, in bytes.
const MOST_OUTPUT: usize = 64 * 1024;
/// How long a command that took too long may still tidy up.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is seen whether it has ended.
const POLL: Duration = Duration::from_millis(10);

/// What the command prints, on stdout.
const NAMES: Names =
    Names { access_key: "access_key", secret_key: "secret_key", session_token: &["session_token"], mfa: None };

/// Runs a program, without a shell, and reads `{"access_key","secret_key","session_token","expires_at"}` from what it
/// prints; the last two may be null or missing, other keys are passed over.
///
/// The program gets `environment` less the variables in `withheld`, an empty stdin, and stderr as it is. If it does
/// not end in time, or prints too much, its process group is ended. This blocks.
///
/// # Errors
/// When it cannot be run, fails, does not end in `limit`, prints something else, or credentials that have expired.
pub fn from_command(
    command: &[String],
    limit: Duration,
    withheld: &[&str],
    environment: &Environment,
) -> Result<Found, CredentialError> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = |problem| CredentialError::Command { program: program.to_owned(), problem };
    let arguments = command.iter().skip(1);
    tracing::debug!("running the credentials command `{program}`");
    let mut running = Command::new(program);
    running.args(arguments).env_clear().envs(environment.without(withheld));
    let output = run(&mut running, limit).map_err(failed)?;
    let text = std::str::from_utf8(&output).map_err(|_| failed(CommandProblem::NotText))?;
    read(Place::Command(program.to_owned()), text, environment.now())
}

fn read(place: Place, text: &str, now: Timestamp) -> Result<Found, CredentialError> {
    let object = Object::parse(place, text)?;
    let place = object.place().clone();
    let Some(credentials) = NAMES.credentials(&place, |name| object.text(name))? else {
        return Err(CredentialError::Lacking { place, missing: "access_key" });
    };
    if let Some(at) = object.text("expires_at")? {
        let at: Timestamp = at.parse().map_err(|_| object.not("expires_at", "an RFC 3339 time"))?;
        if at <= now {
            return Err(CredentialError::Expired { place, at, renew: "see why the command prints old ones" });
        }
    }
    Ok(Found { credentials, settings: Vec::new(), place })
}

/// What the command prints, if it succeeds in time.
fn run(command: &mut Command, limit: Duration) -> Result<Zeroizing<Vec<u8>>, CommandProblem> {
    let not_started = |error: io::Error| CommandProblem::NotStarted(error.kind());
    let since = Instant::now();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(not_started)?;
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        // Nobody waits for this thread: a grandchild that outlives its group may hold the pipe open for ever.
        thread::spawn(move || sender.send(read_all(stdout)));
    }
    let left = || limit.saturating_sub(since.elapsed());
    let output = match receiver.recv_timeout(left()) {
        Ok(Ok(output)) if output.len() <= MOST_OUTPUT => Ok(output),
        Ok(Ok(_)) => Err(CommandProblem::TooMuch),
        Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(CommandProblem::NotText),
        Err(RecvTimeoutError::Timeout) => Err(CommandProblem::TimedOut(limit)),
    };
    let output = output.and_then(|output| match wait(&child, left()) {
        true => Ok(output),
        false => Err(CommandProblem::TimedOut(limit)),
    });
    if output.is_err() {
        end(&child);
    }
    let status: ExitStatus = child.wait().map_err(not_started)?;
    match output {
        Ok(_) if !status.success() => Err(CommandProblem::Failed(status)),
        output => output,
    }
}

/// One byte more than may be, so that too much is noticed; the room is taken at once, so that no copy stays behind.
fn read_all(stdout: ChildStdout) -> io::Result<Zeroizing<Vec<u8>>> {
    let most = MOST_OUTPUT.saturating_add(1);
    let mut output = Zeroizing::new(Vec::with_capacity(most.saturating_add(32)));
    stdout.take(most as u64).read_to_end(&mut output)?;
    Ok(output)
}

/// Whether the child ends in `limit`. It stays a zombie, so that nobody else gets its process group's number.
fn wait(child: &Child, limit: Duration) -> bool {
    let since = Instant::now();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        if !matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(None)) {
            return true;
        }
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            return false;
        }
        thread::sleep(left.min(POLL));
    }
}

/// Ends the child's process group: first it is asked.
fn end(child: &Child) {
    let group = Pid::from_child(child);
    // What does not go is gone already.
    let _ = kill_process_group(group, Signal::TERM);
    wait(child, GRACE);
    let _ = kill_process_group(group, Signal::KILL);
}
