//! The certctl command.

use std::alloc::System;
use std::process::ExitCode;

use certctl::environment::Environment;
use certctl::process;
use zeroizing_alloc::ZeroAlloc;

/// Whatever has been on the heap is wiped when it is freed, also what the HTTP, TLS and JSON libraries had there.
#[global_allocator]
static WIPED: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    process::keep_memory_private();
    certctl::cli::main(std::env::args_os(), &Environment::of_process())
}
