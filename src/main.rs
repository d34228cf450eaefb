//! The certctl command.

use std::process::ExitCode;

use certctl::environment::Environment;
use certctl::process;

fn main() -> ExitCode {
    process::keep_memory_private();
    certctl::cli::main(std::env::args_os(), &Environment::of_process())
}
