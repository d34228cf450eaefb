//! `certctl check`

use std::sync::Arc;

use jiff::Timestamp;

use super::Scene;
use super::args::{CheckArgs, Global, Output};
use super::meant::Meant;
use crate::config::{Config, ConfigError};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch, of_signal};
use crate::report::{self, json, metrics, table};
use crate::run::check::{self, Judge, Row, Server, Target};
use crate::served::Roots;
use crate::stop::Stop;
use crate::text::one_line;

pub(super) async fn run(args: &CheckArgs, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let checked_at = environment.now();
    let ended = attempt(args, global, environment, checked_at).await;
    // Whoever watches the files learns of a check that could not even begin, too.
    let (rows, exit) = match &ended {
        Ok((rows, exit)) => (rows.as_slice(), *exit),
        Err(failure) => (&[][..], failure.exit()),
    };
    let finished_at = environment.now();
    let told = tell(rows, exit, (checked_at, finished_at), args, global);
    ended.map(|_| told)
}

/// What was found, unless the check could not begin.
async fn attempt(
    args: &CheckArgs,
    global: &Global,
    environment: &Environment,
    now: Timestamp,
) -> Result<(Vec<Row>, Exit), Failure> {
    let Scene { config, .. } = Scene::new(global, environment)?;
    let targets = targets(&args.targets, config.as_ref())?;
    let server = args.connect.as_ref().map(|address| Server {
        address: address.clone(),
        name: args.server_name.clone(),
        starttls: args.starttls.map(Into::into),
        timeout: global.timeout,
    });
    let certificates = config.map(|config| config.certificates).unwrap_or_default();
    let judge = Judge {
        certificates,
        environment: environment.clone(),
        now,
        within: args.within,
        server,
        roots: if args.trust { Some(Roots::system()?) } else { None },
    };
    let stop = Stop::on_signals().map_err(|_| Failure::Bug)?;
    let rows = check::check(targets, judge, &stop).await;
    for row in &rows {
        let name = one_line(&row.name, 300);
        for problem in &row.problems {
            tracing::error!("{name}: {}", one_line(&format!("{}; {}", problem.message, problem.hint), 2_000));
        }
        match &row.failure {
            Some(Failure::Stopped(_)) | None => {}
            Some(failure) => tracing::error!("{name}: {}", failure.line()),
        }
    }
    let Some(signal) = stop.signal() else {
        let exit = check::exit(&rows);
        return Ok((rows, exit));
    };
    // Once, however much is not done.
    tracing::error!("{}", Failure::Stopped(signal).line());
    Ok((rows, of_signal(signal)))
}

/// What is meant by each word; everything of the config without any.
fn targets(words: &[String], config: Option<&Config>) -> Result<Vec<Target>, Failure> {
    if !words.is_empty() {
        let target = |word: &String| match Meant::of(word, config)? {
            Meant::Certificate(certificate) => Ok(Target::Certificate(Arc::clone(certificate))),
            Meant::Directory(path) => Ok(Target::Directory(path)),
        };
        return words.iter().map(target).collect();
    }
    let Some(config) = config else {
        return Err(Failure::Usage(format!("{}; or give the directory to check", ConfigError::NoneFound)));
    };
    if config.certificates.is_empty() {
        let file = config.file.display();
        return Err(Failure::Usage(format!("{file} names no certificates; give the directory to check")));
    }
    Ok(config.certificates.iter().cloned().map(Target::Certificate).collect())
}

/// Metrics and output. Both are tried.
fn tell(
    rows: &[Row],
    exit: Exit,
    (checked_at, finished_at): (Timestamp, Timestamp),
    args: &CheckArgs,
    global: &Global,
) -> Exit {
    let measured = args.metrics_file.as_ref().map_or(Ok(()), |path| {
        let success = (exit == Exit::Done).then_some(finished_at);
        super::measure(path, success, metrics::last_check_success, |last_success| {
            metrics::check(rows, exit, finished_at, last_success)
        })
    });
    let printed = match global.output {
        Output::Json => json::to_text(&json::Check::new(checked_at, exit, rows))
            .map_err(|_| Failure::Bug)
            .and_then(|document| super::print(&document)),
        Output::Table if global.quiet || rows.is_empty() => Ok(()),
        Output::Table => super::print(&table::check(rows, checked_at, report::columns())),
    };
    let failures: Vec<Failure> =
        [measured.map_err(Failure::from), printed].into_iter().filter_map(Result::err).collect();
    failures.iter().for_each(|failure| tracing::error!("{}", failure.line()));
    let own = match exit {
        Exit::Done | Exit::Expiring => None,
        Exit::Interrupted | Exit::Terminated => return exit,
        failed => Some(failed),
    };
    if failures.is_empty() { exit } else { of_batch(own.into_iter().chain(failures.iter().map(Failure::exit))) }
}
