//! Killed or refused at every system call that touches the disk, and the power cut.
//!
//! - `tree`: a directory with all that is in it, in memory.
//! - `trace`: what strace has written.
//! - `scene` and `scenes`: what certctl is doing when it is struck.
//! - `judge`: whether what a reader sees is whole.
//! - `aim` and `strike`: the calls of a command, and striking it there.
//! - `deaths` and `refusals`: killed at each of them, and refused.
//! - `children`: killed while a check or a hook runs.
//! - `model` and `replay`: the power cut.
//! - `threads`: what still runs when a command ends.

mod aim;
mod children;
mod deaths;
mod judge;
mod model;
mod refusals;
mod replay;
mod scene;
mod scenes;
mod strike;
mod threads;
mod trace;
mod tree;

use crate::oracle::is_there;

/// Whether this machine has an strace that can let go of the programs that a program runs.
fn has_strace() -> bool {
    let mut strace = std::process::Command::new("strace");
    let tried = strace.args(["-f", "-b", "execve", "-o", "/dev/null", "true"]).output();
    is_there(tried.is_ok_and(|output| output.status.success()), "strace that knows -b")
}
