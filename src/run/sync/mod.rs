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
mod plan;
mod sources;

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::Timestamp;

pub(super) use change::{Workshop, subject};
pub(super) use command::Commands;

use super::{blocking, in_order};
use crate::account::Reach;
use crate::config::{CertificateConfig, Config};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::run::outcome::Row;
use crate::store::{Options, Ownership, Patience, RunLock};
use item::{Item, Work};
use plan::Plan;

/// How many certificates are in some state of work at the same time: enough that some are written while others are
/// fetched, and not so many that their keys fill the memory.
const AT_ONCE: usize = 64;

/// What is to be synced, and how.
pub struct Order<'a> {
    /// The config.
    pub config: &'a Config,
    /// Of its certificates, those that are meant.
    pub certificates: Vec<Arc<CertificateConfig>>,
    /// How accounts are reached.
    pub reach: &'a Reach,
    /// The clock and the variables.
    pub environment: &'a Environment,
    /// When the run began.
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
    /// The accounts that could not be asked: provider, name, why.
    pub accounts: Vec<(&'static str, String, Arc<Failure>)>,
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
pub async fn sync(order: &Order<'_>) -> Report {
    let mut report = Report::default();
    let lock = begin(order).await;
    let items = in_order(order.certificates.iter().cloned(), AT_ONCE, Item::look).await;
    let sources;
    let (_lock, plans) = match lock {
        Ok(lock) => {
            sources = sources::open(order, &items, &mut report);
            (lock, plan::plan(order, &items, &sources, &mut report).await)
        }
        Err(failure) => (None, items.iter().map(|_| Err(Arc::clone(&failure))).collect()),
    };
    let to_change = items.iter().zip(&plans).filter(|(_, plan)| matches!(plan, Ok(Plan::Take { .. })));
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
    report.rows = carry_out(order, &items, plans, &workshop).await;
    follow::tell(&mut report);
    if !order.dry_run {
        follow::hooks(&mut report, order, &workshop).await;
    }
    follow::warn_of_expiry(&report.rows, order);
    report
}

/// The delay, then the lock: one run at a time for a config.
async fn begin(order: &Order<'_>) -> Result<Option<RunLock>, Arc<Failure>> {
    let stop = &order.patience.stop;
    let stopped = || stop.signal().map_or(Failure::Bug, Failure::Stopped);
    stop.unless_asked(tokio::time::sleep(order.delay)).await.ok_or_else(stopped)?;
    let Some(home) = order.config.home().filter(|_| !order.dry_run) else { return Ok(None) };
    let (home, patience) = (home.to_owned(), order.patience.clone());
    let lock = blocking(move || Ok(RunLock::take(&home, &patience)?)).await;
    Ok(Some(lock.map_err(|failure| if stop.is_asked() { stopped() } else { failure })?))
}

/// Each plan, as many downloads at a time as each account allows; a row for each, in their order.
async fn carry_out(
    order: &Order<'_>,
    items: &[Item],
    plans: Vec<Result<Plan<'_>, Arc<Failure>>>,
    workshop: &Arc<Workshop>,
) -> Vec<Row> {
    let one = |(item, plan)| async move {
        let row = Work { order, item, workshop }.carry_out(plan).await;
        (order.progress)();
        row
    };
    in_order(items.iter().zip(plans), AT_ONCE, one).await
}
