//! The sandbox tested by itself, by other people's tools, and by the clouds' own clients.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests: a failure is a panic, and a skipped test says so"
)]

mod api;
mod archive;
mod broken;
mod change;
mod client;
mod fault;
mod pki;
mod sdk;
mod signature;

/// Whether other people's tool is here. If not, the test is skipped with a note, unless
/// `CERTCTL_REQUIRE_ORACLES` forbids it.
fn oracle(found: bool, name: &str) -> bool {
    if !found {
        assert!(std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(), "{name} is required and not here");
        eprintln!("skipped: {name} is not here");
    }
    found
}

/// Whether a program of this name can be started.
fn program(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    oracle(std::env::split_paths(&path).any(|directory| directory.join(name).is_file()), name)
}
