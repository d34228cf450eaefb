//! Credentials that a program prints.

use std::time::Duration;

use jiff::Timestamp;

use super::{CommandProblem, CredentialError, Found, Names, Object, Place};
use crate::environment::Environment;
use crate::process::{self, Capture, Task};
use crate::stop::Stop;

/// How long a command may take, unless somebody says otherwise.
pub const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that a command may print, in bytes.
const MOST_OUTPUT: usize = 64 * 1024;

/// What the command prints, on stdout.
const NAMES: Names =
    Names { access_key: "access_key", secret_key: "secret_key", session_token: &["session_token"], mfa: None };

/// Runs a program, without a shell, and reads `{"access_key","secret_key","session_token","expires_at"}` from what it
/// prints; the last two may be null or missing, other keys are passed over.
///
/// The program gets `environment` less the variables in `withheld`, an empty stdin, and stderr as it is. If it does
/// not end in time, or prints too much, or `stop` is asked for, its process group is ended. This blocks.
///
/// # Errors
/// When it cannot be run, fails, does not end in `limit`, prints something else, or credentials that have expired.
pub fn from_command(
    command: &[String],
    limit: Duration,
    withheld: &[&str],
    environment: &Environment,
    stop: &Stop,
) -> Result<Found, CredentialError> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let failed = |problem| CredentialError::Command { program: program.to_owned(), problem };
    tracing::debug!("running the credentials command `{program}`");
    let variables = environment.without(withheld).collect();
    let task = Task { argv: command, variables, limit, capture: Capture::Stdout { most: MOST_OUTPUT } };
    let ended = process::run(&task, stop);
    let status = ended.status.map_err(|error| failed(error.into()))?;
    if !status.success() {
        return Err(failed(CommandProblem::Failed(status)));
    }
    let text = std::str::from_utf8(&ended.output).map_err(|_| failed(CommandProblem::NotText))?;
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
