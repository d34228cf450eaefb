//! The certctl command.

use std::process::ExitCode;

use certctl::environment::Environment;

fn main() -> ExitCode {
    certctl::cli::main(std::env::args_os(), &Environment::of_process())
}
