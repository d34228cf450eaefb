//! Which certificates could have been chosen and were not, and why: for those who ask with `-v`.

use jiff::Timestamp;

use super::choose::{Choice, Offer};
use super::plan::Listings;
use crate::config::{CertificateConfig, Selector};
use crate::provider::{Certificate, Status};

/// A line for each certificate that covers the domains and is not the one chosen.
pub(super) fn tell(
    certificate: &CertificateConfig,
    offers: &[Offer<'_>],
    chosen: Option<&Choice>,
    listings: &Listings<'_>,
    now: Timestamp,
) {
    let Selector::Domains(domains) = &certificate.selector else { return };
    let newest = match chosen {
        Some(Choice::Take { id, .. }) => Some(id.as_str()),
        _ => {
            offers.iter().max_by_key(|offer| (offer.row.not_before, offer.row.not_after)).map(|one| one.row.id.as_str())
        }
    };
    let of_it = listings.iter().flatten().filter(|listing| certificate.accounts.contains(&listing.account.name));
    for listing in of_it {
        let account = &listing.account.name;
        for row in listing.covering(domains).into_iter().filter(|row| Some(row.id.as_str()) != newest) {
            tracing::info!("{}: {} ({account}) is passed over: {}", certificate.name, row.id, why(row, now));
        }
    }
}

fn why(row: &Certificate, now: Timestamp) -> String {
    let is_over = row.not_after.is_some_and(|end| end <= now);
    let is_to_come = row.not_before.is_some_and(|start| start > now);
    match row.status {
        Status::Issued if is_over => "it has expired".to_owned(),
        Status::Issued if is_to_come => "it is not yet valid".to_owned(),
        Status::Issued => "it is older".to_owned(),
        status => format!("it is {}, not issued", status.as_str()),
    }
}
