//! A run as a Prometheus text file, for node_exporter's textfile collector.

use jiff::Timestamp;

use crate::failure::Exit;
use crate::run::check::{self, Code};
use crate::run::outcome::{Outcome, Row};
use crate::store::Identity;

const SUCCESS: &str = "certctl_run_success_timestamp_seconds";
/// A run and a check may write files beside each other, and node_exporter refuses one series from two files.
const CHECK_SUCCESS: &str = "certctl_check_success_timestamp_seconds";

/// Every word that a run can have for a certificate: a series that comes and goes cannot be alerted on.
const OUTCOMES: [Outcome; 8] = [
    Outcome::Created,
    Outcome::Updated,
    Outcome::Unchanged,
    Outcome::Superseded,
    Outcome::Pinned,
    Outcome::WouldCreate,
    Outcome::WouldUpdate,
    Outcome::Failed,
];

/// The metrics of a run, in the text exposition format. Times are seconds since 1970.
///
/// `last_success` is when the last run that did not fail ended, this one included.
#[must_use]
pub fn text(rows: &[Row], exit: Exit, finished_at: Timestamp, last_success: Option<Timestamp>) -> String {
    let installed = |time: fn(&Identity) -> Timestamp| {
        rows.iter().filter_map(move |row| {
            let identity = row.installed.as_ref()?;
            // Not the name in the metadata: a directory that somebody copied has another's, and no series may come twice.
            let name = row.name.as_deref().unwrap_or(identity.name.as_str());
            let origin = [("provider", &*identity.provider), ("account", &identity.account), ("id", &identity.id)];
            let labels = [("name", name)].into_iter().chain(origin).collect::<Vec<_>>();
            Some(sample(&labels, time(identity).as_second()))
        })
    };
    let pending = rows.iter().filter_map(|row| Some(sample(&[("name", row.name.as_deref()?)], row.is_pending.into())));
    let outcomes = OUTCOMES.map(|outcome| {
        let count = rows.iter().filter(|row| row.outcome == outcome).count();
        sample(&[("outcome", outcome.as_str())], i64::try_from(count).unwrap_or(i64::MAX))
    });
    let of_run = |value: i64| [sample(&[], value)];
    [
        family(
            "certctl_certificate_not_after_timestamp_seconds",
            "When the certificate in place ends to be valid.",
            installed(|identity| identity.not_after),
        ),
        family(
            "certctl_certificate_not_before_timestamp_seconds",
            "When the certificate in place began to be valid.",
            installed(|identity| identity.not_before),
        ),
        family("certctl_hook_pending", "Whether a check or hook of the certificate is still to succeed.", pending),
        family("certctl_certificates", "How many certificates the last run had of each outcome.", outcomes),
        family("certctl_run_timestamp_seconds", "When the last run ended.", of_run(finished_at.as_second())),
        family(
            SUCCESS,
            "When the last run that did not fail ended.",
            last_success.map(|at| sample(&[], at.as_second())),
        ),
        family("certctl_run_exit_code", "The exit code of the last run.", of_run(i64::from(exit as u8))),
    ]
    .concat()
}

/// The metrics of a check. Of what could be checked, there is a number for each code: a series that comes and goes cannot
/// be alerted on.
///
/// `last_success` is when the last check that found nothing ended, this one included.
#[must_use]
pub fn check(rows: &[check::Row], exit: Exit, finished_at: Timestamp, last_success: Option<Timestamp>) -> String {
    let paths: Vec<_> = rows.iter().map(|row| row.path.display().to_string()).collect();
    let rows = || rows.iter().zip(&paths).map(|(row, path)| (row, [("name", row.name.as_str()), ("path", path)]));
    let not_after = rows().filter_map(|(row, labels)| Some(sample(&labels, row.not_after?.as_second())));
    let problems = rows().flat_map(|(row, [name, path])| {
        Code::ALL.into_iter().filter_map(move |code| {
            let count = row.problems.iter().filter(|problem| problem.code == code).count();
            // Of what could not be checked it is not known that nothing is wrong.
            let is_known = row.failure.is_none() || count > 0;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            is_known.then(|| sample(&[name, path, ("code", code.as_str())], count))
        })
    });
    let of_check = |value: i64| [sample(&[], value)];
    [
        family(
            "certctl_check_certificate_not_after_timestamp_seconds",
            "When the certificate that is on disk ends to be valid.",
            not_after,
        ),
        family("certctl_check_problems", "How many problems of each kind the last check has found.", problems),
        family("certctl_check_timestamp_seconds", "When the last check ended.", of_check(finished_at.as_second())),
        family(
            CHECK_SUCCESS,
            "When the last check that found nothing ended.",
            last_success.map(|at| sample(&[], at.as_second())),
        ),
        family("certctl_check_exit_code", "The exit code of the last check.", of_check(i64::from(exit as u8))),
    ]
    .concat()
}

/// The last success that an earlier run's metrics tell of; `None` if they are damaged or tell of none.
#[must_use]
pub fn last_success(text: &str) -> Option<Timestamp> {
    time(text, SUCCESS)
}

/// The same of an earlier check's.
#[must_use]
pub fn last_check_success(text: &str) -> Option<Timestamp> {
    time(text, CHECK_SUCCESS)
}

fn time(text: &str, metric: &str) -> Option<Timestamp> {
    let value = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '))?;
    Timestamp::from_second(value.parse().ok()?).ok()
}

/// All of one metric; nothing at all without a sample.
fn family(name: &str, help: &str, samples: impl IntoIterator<Item = String>) -> String {
    let samples: String = samples.into_iter().map(|sample| format!("{name}{sample}\n")).collect();
    if samples.is_empty() { samples } else { format!("# HELP {name} {help}\n# TYPE {name} gauge\n{samples}") }
}

/// What follows a metric's name: labels and value.
fn sample(labels: &[(&str, &str)], value: i64) -> String {
    let labels = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect::<Vec<_>>();
    if labels.is_empty() { format!(" {value}") } else { format!("{{{}}} {value}", labels.join(",")) }
}

/// As a label's value is written.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
