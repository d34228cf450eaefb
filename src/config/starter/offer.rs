//! Which certificates could be installed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain;
use crate::provider::Certificate;
use crate::store::Name;

/// A certificate that a config may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What its directory would be called.
    pub name: Name,
    /// The accounts that hold one of that name.
    pub accounts: Vec<String>,
    /// All names of the newest.
    pub domains: Vec<String>,
    /// The newest's end of validity.
    pub not_after: Option<Timestamp>,
}

/// What the accounts, each by its name, hold that is issued and in date: the newest of each name.
#[must_use]
pub fn offers(held: &[(&str, Vec<Certificate>)], now: Timestamp) -> Vec<Offer> {
    let mut newest: BTreeMap<String, (&Certificate, Offer)> = BTreeMap::new();
    for (account, row) in held.iter().flat_map(|(account, rows)| rows.iter().map(move |row| (*account, row))) {
        let Some(offer) = offer(account, row, now) else { continue };
        let entry = newest.entry(offer.name.to_string()).or_insert_with(|| (row, offer.clone()));
        let (known, known_offer) = entry;
        if !known_offer.accounts.iter().any(|name| name == account) {
            known_offer.accounts.push(account.to_owned());
        }
        if (row.not_before, row.not_after) > (known.not_before, known.not_after) {
            let accounts = std::mem::take(&mut known_offer.accounts);
            *entry = (row, Offer { accounts, ..offer });
        }
    }
    newest.into_values().map(|(_, offer)| offer).collect()
}

fn offer(account: &str, row: &Certificate, now: Timestamp) -> Option<Offer> {
    // Some are not for hosts, but for signing code or mail.
    let is_host = |name: &String| {
        let name = domain::normalize(name);
        domain::is_host(name.strip_prefix("*.").unwrap_or(&name))
    };
    if !row.is_usable(now) || row.domains.is_empty() || !row.domains.iter().all(is_host) {
        return None;
    }
    let name = Name::for_certificate(&row.domains, None).ok()?;
    let (accounts, domains) = (vec![account.to_owned()], row.domains.clone());
    Some(Offer { name, accounts, domains, not_after: row.not_after })
}
