//! A run as a Prometheus text file, for node_exporter's textfile collector.

use jiff::Timestamp;

use crate::failure::Exit;
use crate::run::outcome::{Outcome, Row};
use crate::store::Identity;

const SUCCESS: &str = "certctl_run_success_timestamp_seconds";

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

/// The last success that an earlier run's metrics tell of; `None` if they are damaged or tell of none.
#[must_use]
pub fn last_success(text: &str) -> Option<Timestamp> {
    let value = text.lines().find_map(|line| line.strip_prefix(SUCCESS)?.strip_prefix(' '))?;
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
