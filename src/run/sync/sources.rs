//! The accounts of a run.

use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;

use super::item::Item;
use super::{Order, Problem, Report};
use crate::account::Account;
use crate::config::AccountConfig;
use crate::failure::Failure;

/// An account of the run.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) config: &'a AccountConfig,
    /// Or why it cannot be asked.
    pub(super) account: Result<Account, Arc<Failure>>,
    /// How many certificates are asked for at the same time.
    pub(super) jobs: usize,
    /// Whoever downloads from it takes one of these.
    pub(super) turns: Semaphore,
}

/// The accounts of all certificates that could be put in place, ready to be asked or not.
pub(super) fn open<'a>(order: &Order<'a>, items: &[Item], report: &mut Report) -> Vec<Source<'a>> {
    let is_asked = |account: &&AccountConfig| {
        let is_its = |item: &Item| item.trouble.is_none() && item.certificate.accounts.contains(&account.name);
        items.iter().any(is_its)
    };
    let configs: Vec<_> = order.config.accounts.iter().filter(is_asked).collect();
    let accounts: Vec<Result<Account, Failure>> = thread::scope(|scope| {
        // A credentials command may take its time: all of them at once.
        let (reach, environment) = (order.reach, order.environment);
        let open = |config| move || Ok(Account::configured(config, reach, environment)?);
        let opened: Vec<_> = configs.iter().map(|config| scope.spawn(open(*config))).collect();
        opened.into_iter().map(|thread| thread.join().unwrap_or(Err(Failure::Bug))).collect()
    });
    let mut sources = Vec::new();
    for (config, account) in configs.into_iter().zip(accounts) {
        let account = account.map_err(|failure| {
            let failure = Arc::new(failure);
            failed(order, config, &failure, report);
            failure
        });
        let jobs = account.as_ref().map_or(1, |account| account.jobs);
        sources.push(Source { config, account, jobs, turns: Semaphore::new(jobs) });
    }
    sources
}

/// An account that failed is one line, which names its certificates.
pub(super) fn failed(order: &Order<'_>, config: &AccountConfig, failure: &Arc<Failure>, report: &mut Report) {
    let of_it = order.certificates.iter().filter(|certificate| certificate.accounts.contains(&config.name));
    let names: Vec<&str> = of_it.map(|certificate| certificate.name.as_str()).collect();
    troubled(config, failure, format!("certificates: {}", names.join(", ")), report);
}

/// Something went wrong with an account, and concerns these.
pub(super) fn troubled(config: &AccountConfig, failure: &Arc<Failure>, concerns: String, report: &mut Report) {
    report.problems.push(Problem {
        subject: format!("{} ({})", config.name, config.provider.name),
        failure: Arc::clone(failure),
        concerns: Some(concerns),
    });
    report.errors.push((Some(config.provider.name), Some(config.name.clone()), Arc::clone(failure)));
}
