//! The tests of certctl, in one binary; its modules mirror `src`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod bundle;
mod cli;
mod config;
mod credential;
mod daemon;
mod fleet;
mod format;
mod hook;
mod keystore;
mod logged;
mod oracle;
mod package;
mod process;
mod proof;
mod readme;
mod report;
#[allow(dead_code, reason = "what the example alone uses")]
mod sandbox;
#[path = "sandbox/selftest/mod.rs"]
mod sandbox_selftest;
mod schema;
mod served;
mod signature;
mod store;
