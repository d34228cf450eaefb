//! The programs that certctl runs: each in a process group of its own, that ends in time.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::stop::{Signal, Stop};

/// One program to run.
#[derive(Debug)]
pub struct Task<'a> {
    /// The program and its arguments; not empty. No shell is involved.
    pub argv: &'a [String],
    /// Its whole environment.
    pub variables: Vec<(&'a str, &'a str)>,
    /// How long it may take.
    pub limit: Duration,
    /// What of its output is read.
    pub capture: Capture,
}

/// What of a program's output is read; stdin is always empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capture {
    /// Its stdout, all of it; its stderr is certctl's own. More than `most` bytes are an error.
    Stdout {
        /// In bytes.
        most: usize,
    },
    /// Both, as they come; what is beyond the first `most` bytes is passed over.
    Both {
        /// In bytes.
        most: usize,
    },
}

/// A program that ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// How.
    pub status: ExitStatus,
    /// What it printed.
    pub output: Zeroizing<Vec<u8>>,
}

/// Why a program did not end by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot be run: {0}")]
    NotStarted(io::ErrorKind),
    /// It took too long; its process group was ended.
    #[error("did not end within {}", crate::duration::format(*.0))]
    TimedOut(Duration),
    /// It printed too much; its process group was ended.
    #[error("printed more than {0} bytes")]
    TooMuch(usize),
    /// certctl itself is to end; its process group was ended.
    #[error("was ended, as certctl was told to stop")]
    Stopped(Signal),
}

/// Runs a program to its end. This blocks, but not for long once `stop` is asked for.
///
/// # Errors
/// When it could not be started, or had to be ended.
pub fn run(task: &Task<'_>, stop: &Stop) -> Result<Ended, ProcessError> {
    let _ = (task, stop);
    todo!()
}
