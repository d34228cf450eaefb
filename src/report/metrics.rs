//! A run as a Prometheus text file, for node_exporter's textfile collector.

use jiff::Timestamp;

use crate::failure::Exit;
use crate::run::outcome::Row;

/// The metrics of a run, in the text exposition format.
///
/// `last_success` is when the last run that did not fail ended, this one included.
#[must_use]
pub fn text(rows: &[Row], exit: Exit, finished_at: Timestamp, last_success: Option<Timestamp>) -> String {
    let _ = (rows, exit, finished_at, last_success);
    todo!()
}

/// The last success that an earlier run's metrics tell of; `None` if they are damaged or tell of none.
#[must_use]
pub fn last_success(text: &str) -> Option<Timestamp> {
    let _ = text;
    todo!()
}
