//! The disk is brought to what the clouds hold: everything that a config names.
//!
//! One listing for each account; a choice for each certificate; what is not in place is fetched, written, checked;
//! hooks follow when all is written. One certificate's trouble stops no other.

mod change;
mod choose;
mod command;
mod facts;
mod follow;
mod item;
mod listing;
mod made;
mod passed_over;
mod plan;
mod sources;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;

pub(super) use change::{Workshop, ownership, subject};
pub(super) use command::Commands;

use super::{blocking, in_order};
use crate::account::Reach;
use crate::config::{CertificateConfig, Config};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::run::outcome::Row;
use crate::store::{Options, Ownership, Patience, RunLock};
use item::{Carried, Item, Work};
use plan::Plan;

/// How many certificates are looked at or mended at the same time.
const AT_ONCE: usize = 64;

/// What is to be synced, and how.
pub struct Order<'a> {
    /// The config.
    pub config: &'a Config,
    /// Of its certificates, those that are meant.
    pub certificates: Vec<Arc<CertificateConfig>>,
    /// Where the run's lock and what it remembers are.
    pub home: Option<PathBuf>,
    /// How accounts are reached.
    pub reach: &'a Reach,
    /// The clock and the variables.
    pub environment: &'a Environment,
    /// The time now.
    pub now: Timestamp,
    /// How long to wait before anything is done.
    pub delay: Duration,
    /// Whether older certificates may replace newer ones, and rollbacks are undone.
    pub force: bool,
    /// Whether nothing is to be written or run.
    pub dry_run: bool,
    /// How long to wait for another certctl, and what ends this run early.
    pub patience: Patience,
    /// Called whenever a certificate is done.
    pub progress: &'a dyn Fn(),
}

impl fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("certificates", &self.certificates.len()).finish_non_exhaustive()
    }
}

/// What became of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// A row for each certificate, in the config's order.
    pub rows: Vec<Row>,
    /// What went wrong and is no certificate's own: with the provider and the account that it is about, if any.
    pub errors: Vec<(Option<&'static str>, Option<String>, Arc<Failure>)>,
    /// All that went wrong, each once: whom it is about, and why.
    pub problems: Vec<Problem>,
}

/// One thing that went wrong.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Whom it is about, for messages.
    pub subject: String,
    /// What happened.
    pub failure: Arc<Failure>,
    /// Who else is concerned: added to the message.
    pub concerns: Option<String>,
}

/// Brings the disk to what the clouds hold.
pub async fn sync(mut order: Order<'_>) -> Report {
    let begun = begin(&order).await;
    // Only now: the wait may have been long.
    order.now = order.environment.now();
    let order = &order;
    let look = |certificate| Item::look(certificate, order);
    let items = in_order(order.certificates.iter().cloned(), AT_ONCE, look).await;
    let mut report = Report::default();
    match begun {
        Ok(_lock) => bring_about(order, &items, &mut report).await,
        Err(failure) => {
            report.rows = items.iter().map(|item| item.failed(order, None, Arc::clone(&failure))).collect();
            follow::tell(&mut report);
        }
    }
    follow::warn_of_expiry(&report.rows, order);
    report
}

/// The delay, then the lock: one run at a time for a config.
async fn begin(order: &Order<'_>) -> Result<Option<RunLock>, Arc<Failure>> {
    let stop = &order.patience.stop;
    stop.unless_asked(tokio::time::sleep(order.delay)).await.ok_or_else(|| Failure::Bug.unless_stopped(stop))?;
    let Some(home) = order.home.clone().filter(|_| !order.dry_run) else { return Ok(None) };
    let patience = order.patience.clone();
    let lock = blocking(move || Ok(RunLock::take(&home, &patience)?)).await;
    Ok(Some(lock.map_err(|failure| failure.unless_stopped(stop))?))
}

async fn bring_about(order: &Order<'_>, items: &[Item], report: &mut Report) {
    let sources = sources::open(order, items, report);
    let plans = plan::plan(order, items, &sources, report).await;
    let changes = |plan: &Result<Plan<'_>, _>| matches!(plan, Ok(Plan::Take { .. } | Plan::Mend { .. }));
    let to_change = items.iter().zip(&plans).filter(|(_, plan)| changes(plan));
    let to_change = to_change.map(|(item, _)| item.certificate.name.to_string()).collect();
    let workshop = Arc::new(Workshop {
        commands: Commands::new(Some(order.config), order.environment, &order.patience.stop, to_change),
        options: Options {
            keep: order.config.keep,
            force: order.force,
            patience: order.patience.clone(),
            now: order.now,
            ownership: Ownership::default(),
        },
        gate: RwLock::new(()),
    });
    let carried = carry_out(order, items, plans, &workshop).await;
    let (rows, are_due): (Vec<_>, Vec<_>) = carried.into_iter().map(|carried| (carried.row, carried.is_due)).unzip();
    report.rows = rows;
    follow::tell(report);
    if !order.dry_run {
        follow::hooks(report, &are_due, order, &workshop).await;
    }
}

/// Each plan, as many downloads at a time as each account allows; in the items' order.
///
/// Accounts do not wait for each other: one that is slow holds up no certificate of another.
async fn carry_out<'p>(
    order: &Order<'_>,
    items: &[Item],
    plans: Vec<Result<Plan<'p>, Arc<Failure>>>,
    workshop: &Arc<Workshop>,
) -> Vec<Carried> {
    let mut lanes: BTreeMap<&str, (usize, Vec<_>)> = BTreeMap::new();
    for (number, (item, plan)) in items.iter().zip(plans).enumerate() {
        // Some are written while others are fetched, but not so many that their keys fill the memory.
        let (lane, at_once) = match &plan {
            Ok(Plan::Take { source, .. } | Plan::Mend { source: Some(source), .. }) => {
                (source.config.name.as_str(), source.jobs.saturating_mul(4))
            }
            _ => ("", AT_ONCE),
        };
        lanes.entry(lane).or_insert((at_once, Vec::new())).1.push((number, item, plan));
    }
    let one = |(number, item, plan)| async move {
        let carried = Work { order, item, workshop }.carry_out(plan).await;
        (order.progress)();
        (number, carried)
    };
    let lanes = lanes.into_values().map(|(at_once, lane)| in_order(lane, at_once, one));
    let mut carried: Vec<(usize, Carried)> = join_all(lanes).await.into_iter().flatten().collect();
    carried.sort_by_key(|(number, _)| *number);
    carried.into_iter().map(|(_, carried)| carried).collect()
}
