//! What one account holds: listed once, shared by all certificates of the run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::facts::Facts;
use crate::account::Account;
use crate::domain;
use crate::failure::Failure;
use crate::provider::{Certificate, ProviderError};
use crate::run::{in_order, inventory};

/// One account's listing, to be looked up by name and id.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    pub(super) account: &'a Account,
    /// Each id once.
    rows: Vec<Certificate>,
    by_id: HashMap<String, usize>,
    /// The rows that have a name, in the one form that comparisons use.
    by_name: HashMap<String, Vec<usize>>,
    /// The rows of which more was learned than the listing tells.
    learned: Vec<usize>,
    /// The rows of which nothing more is to be learned: they are gone, or could not be asked for.
    passed_over: HashSet<usize>,
    /// Certificates that could not be asked for: they are passed over.
    pub(super) failures: Vec<(String, Arc<Failure>)>,
}

impl<'a> Listing<'a> {
    /// Asks for all pages, and, where names matter, for the names that the listing leaves out.
    pub(super) async fn take(
        account: &'a Account,
        facts: &Facts,
        names_matter: bool,
        now: Timestamp,
    ) -> Result<Self, ProviderError> {
        let mut listing = Self {
            account,
            rows: Vec::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            learned: Vec::new(),
            passed_over: HashSet::new(),
            failures: Vec::new(),
        };
        for row in account.cloud.list().await? {
            let place = listing.rows.len();
            if !listing.by_id.contains_key(&row.id) {
                listing.by_id.insert(row.id.clone(), place);
                listing.rows.push(facts.complete(account, row));
            }
        }
        if names_matter {
            let is_vague = |row: &Certificate| !row.domains_complete && row.is_usable(now);
            let vague = (0..listing.rows.len()).filter(|place| listing.rows.get(*place).is_some_and(is_vague));
            let vague = vague.collect();
            listing.describe(vague).await;
        }
        for (place, row) in listing.rows.iter().enumerate() {
            for name in &row.domains {
                listing.by_name.entry(domain::normalize(name)).or_default().push(place);
            }
        }
        Ok(listing)
    }

    /// The rows that cover all of the domains, whatever their state.
    pub(super) fn covering(&self, domains: &[String]) -> Vec<&Certificate> {
        let Some((first, others)) = domains.split_first() else { return Vec::new() };
        let names = domain::covering_names(first);
        let mut places: Vec<_> = names.iter().filter_map(|name| self.by_name.get(name)).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        // What was passed over since has no names any more.
        let rows = places.into_iter().filter_map(|place| self.rows.get(place)).filter(|row| !row.domains.is_empty());
        rows.filter(|row| others.iter().all(|other| domain::covers(&row.domains, other))).collect()
    }

    pub(super) fn row(&self, id: &str) -> Option<&Certificate> {
        self.by_id.get(id).and_then(|place| self.rows.get(*place))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Learns the start of validity of these certificates, where it is not known.
    pub(super) async fn learn_starts(&mut self, ids: &[String], passwords: &[SecretString], now: Timestamp) {
        let unknown = |listing: &Self| -> Vec<usize> {
            let places = ids.iter().filter_map(|id| listing.by_id.get(id)).copied();
            places.filter(|place| listing.rows.get(*place).is_some_and(|row| row.not_before.is_none())).collect()
        };
        self.describe(unknown(self)).await;
        let account = self.account;
        let look = |row| async move { inventory::look_inside(account, row, passwords, now).await.map(Some) };
        self.learn(unknown(self), look).await;
    }

    /// Adds what this run has learned to the facts, if anything, and takes out what the account does not hold any more.
    pub(super) fn teach(&self, facts: &mut Facts) -> bool {
        facts.prune(self.account, &self.rows);
        for row in self.learned.iter().filter_map(|place| self.rows.get(*place)) {
            facts.learn(self.account, row);
        }
        !self.learned.is_empty()
    }

    async fn describe(&mut self, places: Vec<usize>) {
        let account = self.account;
        let ask = |row| async move { inventory::describe(account, row).await.map_err(Failure::from) };
        self.learn(places, ask).await;
    }

    /// Replaces these rows by what `ask` makes of each; one that is gone by now covers nothing any more. What has been
    /// passed over stays so: without its names it must not be remembered.
    async fn learn<F>(&mut self, places: Vec<usize>, ask: impl Fn(Certificate) -> F)
    where
        F: Future<Output = Result<Option<Certificate>, Failure>>,
    {
        let ask = |place: usize| {
            let asked = self.rows.get(place).cloned().map(&ask);
            async move {
                match asked {
                    Some(asked) => (place, asked.await),
                    None => (place, Ok(None)),
                }
            }
        };
        let places = places.into_iter().filter(|place| !self.passed_over.contains(place)).collect::<Vec<_>>();
        let answers = in_order(places, self.account.jobs, ask).await;
        for (place, answer) in answers {
            let Some(row) = self.rows.get_mut(place) else { continue };
            match answer {
                Ok(Some(told)) if told == *row => {}
                Ok(Some(told)) => {
                    *row = told;
                    self.learned.push(place);
                }
                Ok(None) => {
                    self.passed_over.insert(place);
                    row.domains.clear();
                }
                Err(failure) => {
                    self.passed_over.insert(place);
                    self.failures.push((row.id.clone(), Arc::new(failure)));
                    row.domains.clear();
                }
            }
        }
    }
}
