//! `certctl sync`

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Scene;
use super::args::{Global, Output, SyncArgs};
use crate::account::Reach;
use crate::config::{CertificateConfig, Config, ConfigError, nearest};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch, of_signal};
use crate::report::progress::Progress;
use crate::report::{json, metrics, table};
use crate::run;
use crate::run::sync::{Order, Report, sync};
use crate::stop::Stop;
use crate::store::{self, Patience};
use crate::text::one_line;

/// A cron job that waits for longer would meet the next one.
const MOST_JITTER: Duration = Duration::from_secs(86_400);

pub(super) async fn run(args: &SyncArgs, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let started_at = environment.now();
    let ended = attempt(args, global, environment, started_at).await;
    // Whoever watches the files learns of a run that could not even begin, too.
    let (report, exit) = match &ended {
        Ok((report, exit)) => (report, *exit),
        Err(failure) => (&Report::default(), failure.exit()),
    };
    let times = (started_at, environment.now());
    let told = tell(report, exit, times, args, global);
    ended.and(told)
}

/// What became of the run, unless it could not begin.
async fn attempt(
    args: &SyncArgs,
    global: &Global,
    environment: &Environment,
    now: Timestamp,
) -> Result<(Report, Exit), Failure> {
    let Scene { config, .. } = Scene::new(global, environment)?;
    let config = config.ok_or(ConfigError::NoneFound)?;
    let certificates = picked(&config, &args.names)?;
    let stop = Stop::on_signals().map_err(|_| Failure::Bug)?;
    let reach = Reach { stop: stop.clone(), ..super::reach(global, Some(&config))? };
    let is_watched = io::stderr().is_terminal();
    let progress = Progress::new(certificates.len(), super::shows_progress(global, environment));
    let order = Order {
        config: &config,
        certificates,
        home: run::home(&config),
        reach: &reach,
        environment,
        now,
        delay: if is_watched { Duration::ZERO } else { args.jitter.min(MOST_JITTER).mul_f64(fastrand::f64()) },
        force: args.force,
        dry_run: args.dry_run,
        patience: Patience { timeout: args.lock_timeout, stop: stop.clone() },
        progress: &|| progress.advance(),
    };
    let report = sync(order).await;
    drop(progress);
    for problem in &report.problems {
        let concerns = problem.concerns.as_ref().map(|concerns| format!(" ({})", one_line(concerns, 2_000)));
        let (subject, concerns) = (one_line(&problem.subject, 2_000), concerns.unwrap_or_default());
        tracing::error!("{subject}: {}{concerns}", problem.failure.line());
    }
    let exit = match stop.signal() {
        Some(signal) => of_signal(signal),
        None => of_batch(report.problems.iter().map(|problem| problem.failure.exit())),
    };
    let has_changed = global.detailed_exitcode && report.rows.iter().any(|row| row.outcome.is_change());
    let exit = if exit == Exit::Done && has_changed { Exit::Changed } else { exit };
    Ok((report, exit))
}

/// The certificates of those names, in the config's order; all of them without names.
fn picked(config: &Config, names: &[String]) -> Result<Vec<Arc<CertificateConfig>>, Failure> {
    let known: Vec<&str> = config.certificates.iter().map(|certificate| certificate.name.as_str()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let file = config.file.display();
        let meant = nearest(unknown, &known).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
        return Err(Failure::Usage(format!("there is no certificate `{unknown}` in {file}{meant}")));
    }
    if known.is_empty() {
        let file = config.file.display();
        return Err(Failure::Usage(format!("{file} names no certificates; add a table [[certificates]]")));
    }
    let is_picked = |certificate: &&Arc<CertificateConfig>| {
        names.is_empty() || names.iter().any(|name| name == certificate.name.as_str())
    };
    Ok(config.certificates.iter().filter(is_picked).cloned().collect())
}

/// Report, metrics and output. All of them are tried; the first that fails is told.
fn tell(
    report: &Report,
    exit: Exit,
    (started_at, finished_at): (Timestamp, Timestamp),
    args: &SyncArgs,
    global: &Global,
) -> Result<Exit, Failure> {
    let errors: Vec<_> =
        report.errors.iter().map(|(provider, account, failure)| (*provider, account.as_deref(), &**failure)).collect();
    let document = json::Run::new(started_at, finished_at, exit, &report.rows, &errors);
    let document = json::to_text(&document).map_err(|_| Failure::Bug)?;
    let written = match &args.report {
        Some(path) if !args.dry_run => store::replace(path, document.as_bytes(), 0o644),
        _ => Ok(()),
    };
    let measured = match &args.metrics_file {
        Some(path) if !args.dry_run => {
            let is_success = matches!(exit, Exit::Done | Exit::Changed);
            super::measure(path, is_success.then_some(finished_at), metrics::last_success, |last_success| {
                metrics::text(&report.rows, exit, finished_at, last_success)
            })
        }
        _ => Ok(()),
    };
    let printed = match global.output {
        Output::Json => super::print(&document),
        Output::Table if global.quiet => Ok(()),
        Output::Table => super::print(&table::changes(&report.rows, io::stdout().is_terminal())),
    };
    let failures: Vec<Failure> = [written.map_err(Failure::from), measured.map_err(Failure::from), printed]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    failures.iter().for_each(|failure| tracing::error!("{}", failure.line()));
    let own = match exit {
        // What the files could not tell, the signal does.
        Exit::Interrupted | Exit::Terminated => return Ok(exit),
        Exit::Done | Exit::Changed => None,
        failed => Some(failed),
    };
    Ok(if failures.is_empty() { exit } else { of_batch(own.into_iter().chain(failures.iter().map(Failure::exit))) })
}
