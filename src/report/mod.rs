//! What the user and the scripts see.

pub mod json;
pub mod log;
pub mod metrics;
pub mod progress;
pub mod table;

use std::io::{self, Write as _};

/// How many columns stdout has, where it is a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Writes a result to stdout. A reader that has gone (`| head`) is not an error.
///
/// # Errors
/// When stdout cannot be written for any other reason, a full disk say.
pub fn print(result: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(result).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
