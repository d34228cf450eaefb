//! What the user types, and what comes of it.

mod accounts;
mod args;
mod check;
mod completions;
mod config;
mod describe;
mod download;
mod help;
mod init;
mod list;
mod making;
mod meant;
mod rollback;
mod sync;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _};
use jiff::Timestamp;
use tracing_subscriber::filter::LevelFilter;

use self::args::{Cli, Color, Command, ConfigCommand, Global, LogFormat};
use crate::account::{Reach, withheld};
use crate::config::{Config, Machine, Roots, locate};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::http::{Client, Retries};
use crate::limits;
use crate::provider::credential_variables;
use crate::report;
use crate::report::log::Style;
use crate::run::outcome::Row;
use crate::stop::Stop;
use crate::store::{self, StoreError};
use crate::text::one_line;

/// A shorter value of a variable is not looked for in arguments.
const SHORTEST_SECRET: usize = 8;

/// The command line as clap has it, with every command, for manual pages and the like.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole command: parses, runs, and returns the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> ExitCode {
    report::log::hush_panics();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let exit = catch_unwind(AssertUnwindSafe(|| start(&arguments, environment)));
    ExitCode::from(exit.unwrap_or_else(|_| fail(&Failure::Bug)) as u8)
}

fn start(arguments: &[OsString], environment: &Environment) -> Exit {
    let secret = secret_among(arguments, environment);
    let parsed = command().color(colors(arguments)).try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Where even stderr is closed, the exit code still tells.
            let _ = match secret {
                // The parser repeats what it does not understand.
                Some(variable) => writeln!(io::stderr(), "certctl: error: {}", betrayed(variable).line()),
                None => error.print(),
            };
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    report::log::start(style(&cli, environment));
    let ended = match secret {
        Some(variable) => Err(betrayed(variable)),
        None => work(&cli, environment),
    };
    ended.unwrap_or_else(|failure| fail(&failure))
}

fn work(cli: &Cli, environment: &Environment) -> Result<Exit, Failure> {
    limits::prepare()?;
    // One thread: certctl waits for clouds and disks, it does not compute.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| Failure::Bug)?;
    let ended = runtime.block_on(run(cli, environment));
    // What still runs is of no more use: a name that is being looked up, say, can take very long. To shut down would
    // detach threads while they end, which glibc does not always survive; the end of the process ends them as well.
    std::mem::forget(runtime);
    ended
}

/// Says why the whole command failed.
fn fail(failure: &Failure) -> Exit {
    failure.lines().iter().for_each(|line| tracing::error!("{line}"));
    failure.exit()
}

/// The variable whose secret value is in one of the arguments. It would be repeated in messages and reports, and sent
/// to a cloud as an id. A short value may well be there by chance.
fn secret_among(arguments: &[OsString], environment: &Environment) -> Option<&'static str> {
    let is_given = |value: &&str| arguments.iter().any(|argument| argument.to_string_lossy().contains(*value));
    let value = |variable: &&str| environment.variable(variable).filter(|value| value.len() >= SHORTEST_SECRET);
    credential_variables().find(|variable| value(variable).as_ref().is_some_and(is_given))
}

fn betrayed(variable: &str) -> Failure {
    Failure::Usage(format!(
        "an argument has the value of {variable} in it, which is not repeated here; everybody on this machine can see \
         a command line, so leave it in the variable"
    ))
}

async fn run(cli: &Cli, environment: &Environment) -> Result<Exit, Failure> {
    let global = &cli.global;
    let scene = || Scene::new(global, environment);
    match &cli.command {
        Command::List(args) => list::run(args, &scene()?).await,
        Command::Describe(args) => describe::run(args, &scene()?).await,
        Command::Download(args) => download::run(args, &scene()?).await,
        Command::Sync(args) => sync::run(args, global, environment).await,
        Command::Check(args) => check::run(args, global, environment).await,
        Command::Rollback(args) => rollback::run(args, &scene()?).await,
        Command::Config(command) => config::run(command, global, environment).await,
        Command::Completions(args) => print(completions::script(args.shell)).map(|()| Exit::Done),
        Command::Complete(args) => {
            print(&completions::complete(args, &mut command(), environment)).map(|()| Exit::Done)
        }
    }
}

/// What a command works with.
struct Scene<'a> {
    config: Option<Config>,
    global: &'a Global,
    environment: &'a Environment,
}

impl<'a> Scene<'a> {
    /// With the config file, if there is one. All of it is checked, whatever the command needs of it.
    fn new(global: &'a Global, environment: &'a Environment) -> Result<Self, Failure> {
        Ok(Self { config: load(global, environment)?, global, environment })
    }
}

fn load(global: &Global, environment: &Environment) -> Result<Option<Config>, Failure> {
    let Some(location) = locate(global.config.as_deref(), environment, &Roots::of(environment))? else {
        return Ok(None);
    };
    tracing::debug!("the config is {}", location.path.display());
    let config = Config::load(&location, &Machine::new(environment))?;
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(Some(config))
}

fn style(cli: &Cli, environment: &Environment) -> Style {
    let global = &cli.global;
    // What it finds is what the user wants to know.
    let is_talkative = matches!(cli.command, Command::Config(ConfigCommand::Init { .. }));
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) if !is_talkative => LevelFilter::WARN,
        (false, 0 | 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let color = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if environment.variable("NO_COLOR").is_some() => false,
        Color::Auto => is_forced(environment) || (io::stderr().is_terminal() && !is_dumb(environment)),
    };
    let is_journal = report::log::is_journal(environment.variable("JOURNAL_STREAM"));
    Style { level, json: global.log_format == LogFormat::Json, color, is_journal }
}

/// The habit of many tools: colours even where there is no terminal.
fn is_forced(environment: &Environment) -> bool {
    environment.variable("CLICOLOR_FORCE").is_some()
}

/// Whether the terminal shows escape sequences instead of acting on them.
fn is_dumb(environment: &Environment) -> bool {
    environment.variable("TERM") == Some("dumb")
}

/// Whether a batch has a bar on stderr.
fn shows_progress(global: &Global, environment: &Environment) -> bool {
    !global.quiet && io::stderr().is_terminal() && !is_dumb(environment)
}

/// The colours of the parser's own messages, which are written before it is known what else was meant.
fn colors(arguments: &[OsString]) -> ColorChoice {
    let given = |when: &str| {
        let apart = |pair: &[OsString]| matches!(pair, [option, value] if option == "--color" && value == when);
        arguments.windows(2).any(apart) || arguments.iter().any(|argument| *argument == *format!("--color={when}"))
    };
    match (given("never"), given("always")) {
        (true, _) => ColorChoice::Never,
        (false, true) => ColorChoice::Always,
        (false, false) => ColorChoice::Auto,
    }
}

/// How accounts are reached, by the flags that every command takes.
fn reach(global: &Global, config: Option<&Config>) -> Result<Reach, Failure> {
    let client = Client::new(global.timeout)?;
    let retries = Retries::new(global.retries);
    Ok(Reach {
        client,
        retries,
        endpoint: global.endpoint.clone(),
        jobs: global.jobs,
        stop: Stop::default(),
        withheld: withheld(config),
    })
}

/// The one error line of a row that failed, and its exit code.
fn tell(row: &Row) -> Exit {
    let Some(failure) = &row.failure else { return Exit::Done };
    tracing::error!("{}: {}", one_line(&row.subject(), 300), failure.line());
    failure.exit()
}

/// Prints a result.
fn print(text: &str) -> Result<(), Failure> {
    report::print(text.as_bytes()).map_err(Failure::Output)
}

/// Writes metrics. `success` is when this run succeeded; of one that did not, `earlier` reads in the file that is there
/// when the last did.
fn measure(
    path: &Path,
    success: Option<Timestamp>,
    earlier: fn(&str) -> Option<Timestamp>,
    text: impl FnOnce(Option<Timestamp>) -> String,
) -> Result<(), StoreError> {
    let last = || {
        let text = store::read(path).ok()??;
        earlier(str::from_utf8(&text).ok()?)
    };
    store::replace(path, text(success.or_else(last)).as_bytes(), 0o644)
}
