//! The programs that certctl runs: each in a process group of its own, that ends in time.

use std::io::{self, PipeReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process_group, waitid};
use zeroize::Zeroizing;

use crate::stop::{Signal, Stop};

/// How long a program that took too long may still tidy up.
const GRACE: Duration = Duration::from_secs(2);
/// The same where certctl itself is to end, and within a second.
const SHORT_GRACE: Duration = Duration::from_millis(400);
/// How long the end of the output is waited for once the program has ended: whoever else has the pipe may keep it.
const LINGER: Duration = Duration::from_millis(100);
/// How often it is seen whether something has ended.
const POLL: Duration = Duration::from_millis(10);
/// So many bytes are read at once.
const CHUNK: usize = 4096;

/// From now on the kernel writes no core dump of this process, and no other process of the same user can read its
/// memory, its environment or its open files: there may be private keys and credentials in them. Root still can.
///
/// A limit on the size of core dumps would be inherited by the programs that certctl runs, and by the servers that
/// these start again; this is not.
pub fn keep_memory_private() {
    // A kernel that does not know this has no other way either.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// One program to run.
#[derive(Debug)]
pub struct Task<'a> {
    /// The program and its arguments. No shell is involved.
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
    /// Its stdout, to the end, whoever holds it open; its stderr is certctl's own. More than `most` bytes are an error.
    Stdout {
        /// In bytes.
        most: usize,
    },
    /// Both, as they come, until the program has ended; of more than `most` bytes the last ones.
    Both {
        /// In bytes.
        most: usize,
    },
}

/// What became of a program.
#[derive(Debug)]
#[must_use]
pub struct Ended {
    /// How it ended by itself, or why it did not.
    pub status: Result<ExitStatus, ProcessError>,
    /// What it printed until then.
    pub output: Zeroizing<Vec<u8>>,
}

/// Why a program did not end by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("cannot be run: {0}")]
    NotStarted(Errno),
    /// It took too long; its process group was ended.
    #[error("did not end within {} and was ended", crate::duration::format(*.0))]
    TimedOut(Duration),
    /// It printed too much; its process group was ended.
    #[error("printed more than {} KiB and was ended", .0 / 1024)]
    TooMuch(usize),
    /// certctl itself is to end; its process group was ended, or it was not even started.
    #[error("was ended, as certctl was told to stop")]
    Stopped(Signal),
}

/// Runs a program to its end, in a process group of its own. This blocks, but not for long once `stop` is asked for.
///
/// A program that has to be ended is asked first (SIGTERM), and its group killed a moment later. What a program that
/// ended by itself leaves running, a daemon say, is left alone; what that prints is read and thrown away.
pub fn run(task: &Task<'_>, stop: &Stop) -> Ended {
    if let Some(signal) = stop.signal() {
        return Ended { status: Err(ProcessError::Stopped(signal)), output: Zeroizing::default() };
    }
    let (mut child, output) = match start(task) {
        Ok(started) => started,
        Err(error) => return Ended { status: Err(not_started(&error)), output: Zeroizing::default() },
    };
    let status = match watch(&child, &output, task.limit, stop) {
        Ok(()) => child.wait().map_err(|error| not_started(&error)),
        Err(error) => {
            end(&mut child, stop);
            Err(error)
        }
    };
    until(LINGER, || output.is_closed());
    Ended { status, output: output.take() }
}

fn not_started(error: &io::Error) -> ProcessError {
    // Without a number of its own: an argument with a NUL byte.
    ProcessError::NotStarted(Errno::from_io_error(error).unwrap_or(Errno::INVAL))
}

fn start(task: &Task<'_>) -> io::Result<(Child, Output)> {
    let mut command = Command::new(task.argv.first().map(String::as_str).unwrap_or_default());
    command.args(task.argv.iter().skip(1)).env_clear().envs(task.variables.iter().copied());
    command.stdin(Stdio::null()).process_group(0);
    let (reader, writer) = io::pipe()?;
    if let Capture::Both { .. } = task.capture {
        command.stderr(writer.try_clone()?);
    }
    command.stdout(writer);
    let output = Output::read(reader, task.capture)?;
    // The command holds the pipe open, and goes with the end of this function.
    Ok((command.spawn()?, output))
}

/// Waits until the program has ended, and its output if all of it is wanted.
fn watch(child: &Child, output: &Output, limit: Duration, stop: &Stop) -> Result<(), ProcessError> {
    let since = Instant::now();
    loop {
        let is_done = has_ended(child) && (!output.is_awaited() || output.is_closed());
        if let Some(most) = output.is_exceeded() {
            return Err(ProcessError::TooMuch(most));
        }
        if is_done {
            return Ok(());
        }
        if let Some(signal) = stop.signal() {
            return Err(ProcessError::Stopped(signal));
        }
        let left = limit.saturating_sub(since.elapsed());
        if left.is_zero() {
            return Err(ProcessError::TimedOut(limit));
        }
        thread::sleep(left.min(POLL));
    }
}

/// Whether the child has ended. It stays a zombie, so that nobody else gets its process group's number.
fn has_ended(child: &Child) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(Pid::from_child(child)), options), Ok(None))
}

/// Ends the child's process group: first it is asked. Others of the group may need the whole grace, so it is given
/// even if the child itself goes at once.
fn end(child: &mut Child, stop: &Stop) {
    let (group, since) = (Pid::from_child(child), Instant::now());
    // What does not go is gone already.
    let _ = kill_process_group(group, rustix::process::Signal::TERM);
    until(GRACE, || stop.is_asked() && since.elapsed() >= SHORT_GRACE);
    let _ = kill_process_group(group, rustix::process::Signal::KILL);
    // One that hangs in the kernel, on a dead NFS server say, is not waited for.
    if until(LINGER, || has_ended(child)) {
        let _ = child.wait();
    }
}

/// Whether it comes true in `limit`.
fn until(limit: Duration, is_true: impl Fn() -> bool) -> bool {
    let since = Instant::now();
    while !is_true() {
        if since.elapsed() >= limit {
            return false;
        }
        thread::sleep(POLL);
    }
    true
}

/// What a program prints. Nobody waits for the thread that reads it: it ends with the last who has the pipe open.
struct Output {
    capture: Capture,
    kept: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    /// There until the output is dropped.
    reading: Option<JoinHandle<()>>,
}

impl Output {
    fn read(reader: PipeReader, capture: Capture) -> io::Result<Self> {
        // The room is taken at once, so that no copy of a secret stays behind.
        let kept = Arc::new(Mutex::new(Zeroizing::new(Vec::with_capacity(capture.most().saturating_add(CHUNK)))));
        let weak = Arc::downgrade(&kept);
        let reading = thread::Builder::new().spawn(move || drain(reader, capture, &weak))?;
        Ok(Self { capture, kept, reading: Some(reading) })
    }

    /// Whether the program has not ended before its output has.
    fn is_awaited(&self) -> bool {
        matches!(self.capture, Capture::Stdout { .. })
    }

    fn is_closed(&self) -> bool {
        self.reading.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// How much may be printed, if that was more.
    fn is_exceeded(&self) -> Option<usize> {
        let most = self.capture.most();
        let length = self.kept.lock().unwrap_or_else(PoisonError::into_inner).len();
        (length > most).then_some(most)
    }

    fn take(self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.reading.take().into_iter().for_each(leave);
    }
}

/// Waits no longer for a thread. One that still runs is not detached: glibc's `pthread_detach` reads what belongs to the
/// thread, and where the thread ends at that very moment, that may be gone.
pub(crate) fn leave(thread: JoinHandle<()>) {
    if thread.is_finished() {
        // Nothing is left to be told, also not that it panicked.
        let _ = thread.join();
    } else {
        std::mem::forget(thread);
    }
}

impl Capture {
    fn most(self) -> usize {
        match self {
            Self::Stdout { most } | Self::Both { most } => most,
        }
    }
}

/// Reads to the end, and keeps what is wanted for as long as somebody wants it.
fn drain(mut reader: PipeReader, capture: Capture, kept: &Weak<Mutex<Zeroizing<Vec<u8>>>>) {
    let mut chunk = Zeroizing::new([0; CHUNK]);
    loop {
        let read = match reader.read(&mut chunk[..]) {
            Ok(0) => return,
            Ok(count) => chunk.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let Some(kept) = kept.upgrade() else { continue };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(read);
        let surplus = kept.len().saturating_sub(capture.most());
        match capture {
            Capture::Stdout { .. } if surplus > 0 => return,
            Capture::Stdout { .. } => {}
            Capture::Both { .. } => drop(kept.drain(..surplus)),
        }
    }
}
