//! What the user types, and what comes of it.

mod args;
mod describe;
mod download;
mod duration;
mod list;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::filter::LevelFilter;

use self::args::{Cli, Color, Command, Global, LogFormat};
use crate::account::{Account, Reach};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::http::{Client, Retries};
use crate::provider::{REGISTRY, Registration};
use crate::report;
use crate::report::log::Style;
use crate::run::outcome::Row;
use crate::text::one_line;

/// The whole command: parses, runs, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Where even stderr is closed, the exit code still tells.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { Exit::Done as u8 });
        }
    };
    report::log::start(style(&cli.global, environment));
    report::log::hush_panics();
    // One thread: certctl waits for clouds and disks, it does not compute.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run = || match runtime {
        Ok(runtime) => runtime.block_on(run(&cli, environment)),
        Err(_) => Err(Failure::Bug),
    };
    let exit = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Failure::Bug)).unwrap_or_else(|failure| {
        tracing::error!("{}", failure.line());
        failure.exit()
    });
    ExitCode::from(exit as u8)
}

async fn run(cli: &Cli, environment: &Environment) -> Result<Exit, Failure> {
    match &cli.command {
        Command::List(args) => list::run(args, &cli.global, environment).await,
        Command::Describe(args) => describe::run(args, &cli.global, environment).await,
        Command::Download(args) => download::run(args, &cli.global, environment).await,
    }
}

fn style(global: &Global, environment: &Environment) -> Style {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let color = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => environment.variable("NO_COLOR").is_none() && io::stderr().is_terminal(),
    };
    Style { level, json: global.log_format == LogFormat::Json, color }
}

/// How accounts are reached, by the flags that every command takes.
fn reach(global: &Global) -> Result<Reach, Failure> {
    let client = Client::new(global.timeout)?;
    Ok(Reach { client, retries: Retries::new(global.retries), endpoint: global.endpoint.clone() })
}

/// The one account of a provider.
fn account(
    registration: &'static Registration,
    global: &Global,
    environment: &Environment,
) -> Result<Account, Failure> {
    Ok(Account::implicit(registration, &reach(global)?, environment)?)
}

/// The provider that `-p` names.
fn registration(provider: &str) -> Result<&'static Registration, Failure> {
    let found = REGISTRY.iter().find(|registration| registration.name == provider).copied();
    found.ok_or_else(|| Failure::Usage(format!("there is no provider `{provider}`")))
}

/// The one error line of a row that failed, and its exit code.
fn tell(row: &Row) -> Exit {
    let Some(failure) = &row.failure else { return Exit::Done };
    tracing::error!("{}: {}", one_line(&row.subject(), 300), failure.line());
    failure.exit()
}

/// Prints a result.
fn print(text: &str) -> Result<(), Failure> {
    report::print(text).map_err(Failure::Output)
}
