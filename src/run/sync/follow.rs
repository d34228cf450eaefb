//! What follows when every certificate had its turn: problems gathered, hooks, warnings.

use std::sync::Arc;

use jiff::SignedDuration;

use super::change::{Workshop, subject};
use super::{Order, Problem, Report};
use crate::config::{CertificateConfig, Command};
use crate::failure::Failure;
use crate::hook::{Concern, HookError, Role};
use crate::run::blocking;
use crate::run::outcome::{Outcome, Row};
use crate::text::one_line;

/// Every failure of a row that no account's problem has told of already; one that several rows share is told once.
pub(super) fn tell(report: &mut Report) {
    let is_told = |failure: &Arc<Failure>| report.errors.iter().any(|(_, _, told)| Arc::ptr_eq(told, failure));
    let failed = report.rows.iter().filter_map(|row| Some((row, row.failure.as_ref()?)));
    let mut problems: Vec<Problem> = Vec::new();
    for (row, failure) in failed.filter(|(_, failure)| !is_told(failure)) {
        match problems.iter_mut().find(|problem| is_one(&problem.failure, failure)) {
            Some(problem) => {
                let name = row.name.as_deref().unwrap_or_default();
                problem.subject = format!("{}, {name}", problem.subject);
            }
            None if is_shared(&report.rows, failure) => problems.push(Problem {
                subject: row.name.clone().unwrap_or_default(),
                failure: Arc::clone(failure),
                concerns: None,
            }),
            None => problems.push(Problem { subject: row.subject(), failure: Arc::clone(failure), concerns: None }),
        }
    }
    report.problems.extend(problems);
}

fn is_shared(rows: &[Row], failure: &Arc<Failure>) -> bool {
    rows.iter().filter(|row| row.failure.as_ref().is_some_and(|other| is_one(other, failure))).count() > 1
}

/// Whether it is the same event: what one account or command came to, or the signal that ended the run.
fn is_one(one: &Arc<Failure>, other: &Arc<Failure>) -> bool {
    Arc::ptr_eq(one, other) || matches!((&**one, &**other), (Failure::Stopped(_), Failure::Stopped(_)))
}

/// Each distinct hook once, with all the certificates that wait for it; then `after` and `failed`.
pub(super) async fn hooks(report: &mut Report, are_due: &[bool], order: &Order<'_>, workshop: &Arc<Workshop>) {
    for group in groups(are_due, order) {
        match order.patience.stop.signal() {
            Some(signal) => put_off(&group, Failure::HookPutOff(signal), report),
            None => run(group, report, order, workshop).await,
        }
    }
    let changed = report.rows.iter().zip(&order.certificates).filter(|(row, _)| row.outcome.is_change());
    let changed = changed.filter_map(|(row, certificate)| Some(subject(certificate, row.installed.as_ref()?)));
    let changed = Concern::of(changed.collect());
    let ended = beside(workshop, move |workshop| workshop.commands.after(&changed)).await;
    of_the_run(ended, report);
    if report.problems.is_empty() || order.patience.stop.is_asked() {
        return;
    }
    let failed = report.rows.iter().filter(|row| row.failure.is_some()).filter_map(|row| row.name.clone()).collect();
    let failed = Concern::named(failed);
    let ended = beside(workshop, move |workshop| workshop.commands.failed(&failed)).await;
    of_the_run(ended, report);
}

/// Certificates, by their place in the run, that wait for the same command.
struct Group {
    command: Command,
    places: Vec<usize>,
}

/// In the order of the config.
fn groups(are_due: &[bool], order: &Order<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, (is_due, certificate)) in are_due.iter().zip(&order.certificates).enumerate() {
        let Some(command) = certificate.hook.as_ref().filter(|_| *is_due) else { continue };
        match groups.iter_mut().find(|group| group.command == *command) {
            Some(group) => group.places.push(place),
            None => groups.push(Group { command: command.clone(), places: vec![place] }),
        }
    }
    groups
}

async fn run(group: Group, report: &mut Report, order: &Order<'_>, workshop: &Arc<Workshop>) {
    let certificates: Vec<Arc<CertificateConfig>> =
        group.places.iter().filter_map(|place| order.certificates.get(*place)).cloned().collect();
    let rows = group.places.iter().filter_map(|place| report.rows.get(*place));
    let subjects =
        rows.zip(&certificates).filter_map(|(row, certificate)| Some(subject(certificate, row.installed.as_ref()?)));
    let concern = Concern::of(subjects.collect());
    let limit = certificates.iter().map(|certificate| certificate.hook_timeout).max().unwrap_or_default();
    let command = group.command.clone();
    let finished = beside(workshop, move |workshop| {
        workshop.commands.run(Role::Hook, &command, limit, &concern)?;
        Ok(certificates.iter().map(|certificate| workshop.finish(certificate)).collect::<Vec<_>>())
    });
    match finished.await {
        Ok(finished) => {
            for (place, finished) in group.places.into_iter().zip(finished) {
                let Some(row) = report.rows.get_mut(place) else { continue };
                match finished {
                    Ok(()) => row.is_pending = false,
                    Err(failure) => {
                        let failure = Arc::new(failure);
                        row.failure.get_or_insert_with(|| Arc::clone(&failure));
                        report.problems.push(Problem { subject: row.subject(), failure, concerns: None });
                    }
                }
            }
        }
        Err(failure) => put_off(&group, failure, report),
    }
}

/// The hook is still to run, at the next sync.
fn put_off(group: &Group, failure: Failure, report: &mut Report) {
    let failure = Arc::new(failure);
    let mut names = Vec::new();
    for place in &group.places {
        let Some(row) = report.rows.get_mut(*place) else { continue };
        row.failure.get_or_insert_with(|| Arc::clone(&failure));
        names.extend(row.name.clone());
    }
    report.problems.push(Problem { subject: names.join(", "), failure, concerns: None });
}

/// A command of the whole run has ended.
fn of_the_run(ended: Result<(), Failure>, report: &mut Report) {
    if let Err(failure) = ended {
        let failure = Arc::new(failure);
        report.errors.push((None, None, Arc::clone(&failure)));
        report.problems.push(Problem { subject: "sync".to_owned(), failure, concerns: None });
    }
}

async fn beside<T: Send + 'static>(
    workshop: &Arc<Workshop>,
    work: impl FnOnce(&Workshop) -> Result<T, HookError> + Send + 'static,
) -> Result<T, Failure> {
    let workshop = Arc::clone(workshop);
    blocking(move || work(&workshop).map_err(Failure::Hook)).await
}

/// What is in place and ends soon, since nothing newer came.
pub(super) fn warn_of_expiry(rows: &[Row], order: &Order<'_>) {
    let soon = SignedDuration::try_from(order.config.warn_before).unwrap_or(SignedDuration::MAX);
    for (row, certificate) in rows.iter().zip(&order.certificates) {
        let Some(installed) = &row.installed else { continue };
        let left = installed.not_after.duration_since(order.now);
        if left > soon {
            continue;
        }
        let (name, date) = (&certificate.name, installed.not_after.strftime("%Y-%m-%d"));
        let when = match left.as_hours() {
            _ if !left.is_positive() => "has expired".to_owned(),
            ..48 => format!("expires in {} hours", left.as_hours()),
            hours => format!("expires in {} days", hours / 24),
        };
        let why = match row.failure {
            Some(_) => "a newer one could not be installed".to_owned(),
            None if row.outcome == Outcome::Pinned => "is pinned by a rollback".to_owned(),
            None => format!("{} has no newer one", certificate.accounts.join(", ")),
        };
        tracing::warn!("{}", one_line(&format!("{name}: {when} ({date}) and {why}"), 1_000));
    }
}
