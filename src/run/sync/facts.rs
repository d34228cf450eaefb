//! Facts that listings leave out and that never change for an id: asked once, remembered in `<dir>/.certctl/`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::provider::Certificate;
use crate::store;

/// The file in `<dir>/.certctl/`. No secret is in it, and it is safe to delete.
const FILE: &str = "facts.json";
/// Its form.
const SCHEMA: &str = "certctl.facts/v1";

/// What is known of certificates, by account and id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    schema: String,
    accounts: BTreeMap<String, BTreeMap<String, Fact>>,
}

/// What is known of one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fact {
    /// All of its names.
    domains: Vec<String>,
    /// Start of its validity, in seconds since 1970.
    not_before: Option<i64>,
    /// Its end.
    not_after: Option<i64>,
}

impl Facts {
    /// Those of earlier runs. What cannot be read is asked for again.
    pub(super) fn recall(dir: &Path) -> Self {
        let bytes = store::recall(dir, FILE).unwrap_or_else(|error| {
            tracing::warn!("{error}; what it remembers is asked for again");
            None
        });
        let facts = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        facts.filter(|facts| facts.schema == SCHEMA).unwrap_or_default()
    }

    /// Writes them down for the next run.
    pub(super) fn remember(mut self, dir: &Path) {
        self.accounts.retain(|_, known| !known.is_empty());
        SCHEMA.clone_into(&mut self.schema);
        let written = serde_json::to_vec(&self).map(|bytes| store::remember(dir, FILE, &bytes));
        if let Ok(Err(error)) = written {
            tracing::warn!("{error}; the same is asked again by the next run");
        }
    }

    /// Completes a row of a listing by what is known of it.
    pub(super) fn complete(&self, account: &Account, row: Certificate) -> Certificate {
        let known = self.accounts.get(&key(account)).and_then(|known| known.get(&row.id));
        match known {
            Some(fact) => fact.complete(row),
            None => row,
        }
    }

    /// What was learned of a row.
    pub(super) fn learn(&mut self, account: &Account, row: &Certificate) {
        let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
        let fact = Fact {
            domains: row.domains.clone(),
            not_before: seconds(row.not_before),
            not_after: seconds(row.not_after),
        };
        self.accounts.entry(key(account)).or_default().insert(row.id.clone(), fact);
    }

    /// Forgets what the account does not hold any more.
    pub(super) fn prune(&mut self, account: &Account, rows: &[Certificate]) {
        let held: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        if let Some(known) = self.accounts.get_mut(&key(account)) {
            known.retain(|id, _| held.contains(id.as_str()));
        }
    }
}

impl Fact {
    fn complete(&self, row: Certificate) -> Certificate {
        let time = |seconds: Option<i64>| seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let (not_before, not_after) =
            (row.not_before.or_else(|| time(self.not_before)), row.not_after.or_else(|| time(self.not_after)));
        Certificate { domains: self.domains.clone(), domains_complete: true, not_before, not_after, ..row }
    }
}

/// The account's name alone would do, but for a config in which it becomes another cloud's.
fn key(account: &Account) -> String {
    format!("{}/{}", account.provider, account.name)
}
