//! What the system lets this process have, put right where it can be, before anything is begun.

use std::io;
use std::sync::Arc;
use std::thread;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;
use thiserror::Error;

/// So many files are open at once with many connections; as many systems allow by default.
const ENOUGH_FILES: u64 = 1024;
/// So many suffice for a change of one certificate and its connections, and to take it back.
const FEWEST_FILES: u64 = 64;

/// Why a run cannot even begin.
#[derive(Debug, Error)]
pub enum LimitError {
    /// In the middle of a change, what was begun could not be taken back.
    #[error("only {allowed} files may be open at once, and {FEWEST_FILES} are needed; raise the limit (ulimit -n)")]
    Files {
        /// How many the system allows.
        allowed: u64,
    },
    /// Clouds and disks are waited for in threads.
    #[error("no thread can be started: {0}; raise the limit of processes or of memory (ulimit -u, ulimit -v)")]
    Threads(#[source] io::Error),
}

/// To be called before there is a second thread. What the commands that certctl runs inherit is no narrower afterwards.
///
/// # Errors
/// When the system gives too little to end what is begun.
pub fn prepare() -> Result<(), LimitError> {
    // A file that grows too long is then an error like any other, not the end without a word. Commands have the
    // default again.
    let _ = flag::register(SIGXFSZ, Arc::default());
    // Without the owner's bits, not even the owner could enter a directory that was just made.
    let mask = umask(Mode::RWXU | Mode::RWXG | Mode::RWXO);
    umask(mask - Mode::RWXU);
    let allowed = files();
    if allowed < FEWEST_FILES {
        return Err(LimitError::Files { allowed });
    }
    match thread::Builder::new().spawn(|| {}) {
        Ok(thread) => {
            let _ = thread.join();
            Ok(())
        }
        Err(error) => Err(LimitError::Threads(error)),
    }
}

/// How many files may be open at once, raised to what is enough if that is allowed.
fn files() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None`: as many as one likes.
    let Some(soft) = current else { return u64::MAX };
    let wanted = maximum.unwrap_or(ENOUGH_FILES).min(ENOUGH_FILES);
    let is_raised = soft < wanted && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok();
    if is_raised { wanted } else { soft }
}
