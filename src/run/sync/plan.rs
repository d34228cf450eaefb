//! What is to be done about each certificate, by what the accounts list and what is in place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;

use super::choose::{Choice, Offer, ages_matter, choose};
use super::facts::Facts;
use super::item::Item;
use super::listing::Listing;
use super::passed_over;
use super::sources::{self, Source};
use super::{Order, Report};
use crate::config::{CertificateConfig, Selector};
use crate::failure::Failure;

/// What is to be done about a certificate.
#[derive(Debug)]
pub(super) enum Plan<'s> {
    /// What is there stays.
    Keep,
    /// What is there stays: the certificate of this id was rejected, or is older than one that was.
    Pinned(String),
    /// What is there stays, but is not as it is to be.
    Mend {
        /// Where it is still offered.
        source: Option<&'s Source<'s>>,
        /// As for [`Plan::Pinned`]
        pinned: Option<String>,
    },
    /// The certificate of this id is to be in place.
    Take {
        /// Where it is.
        source: &'s Source<'s>,
        /// Its id there.
        id: String,
        /// Whether a rollback is over with it.
        unpins: bool,
    },
}

/// By account, one listing or why there is none.
pub(super) type Listings<'s> = Vec<Result<Listing<'s>, Arc<Failure>>>;

/// A plan for each item, in their order.
pub(super) async fn plan<'s>(
    order: &Order<'_>,
    items: &[Item],
    sources: &'s [Source<'s>],
    report: &mut Report,
) -> Vec<Result<Plan<'s>, Arc<Failure>>> {
    let remembered = order.home.as_deref().map(Facts::recall).unwrap_or_default();
    let taken = take_listings(order, sources, &remembered, report);
    let Some(mut listings) = order.patience.stop.unless_asked(taken).await else {
        return items.iter().map(|_| Err(stopped(order))).collect();
    };
    let asked = learn_starts(items, &mut listings, order.now);
    if order.patience.stop.unless_asked(asked).await.is_none() {
        return items.iter().map(|_| Err(stopped(order))).collect();
    }
    let mut facts = remembered;
    let mut has_learned = false;
    for (listing, source) in listings.iter().zip(sources) {
        let Ok(listing) = listing else { continue };
        has_learned |= listing.teach(&mut facts);
        if let Some((_, failure)) = listing.failures.first() {
            let ids: Vec<&str> = listing.failures.iter().map(|(id, _)| id.as_str()).collect();
            let concerns = format!("passed over, {} in all: {}", ids.len(), ids.join(", "));
            sources::troubled(source.config, failure, concerns, report);
        }
    }
    if let Some(home) = order.home.as_deref().filter(|_| has_learned && !order.dry_run) {
        facts.remember(home);
    }
    items.iter().map(|item| decide(order, item, sources, &listings)).collect()
}

fn stopped(order: &Order<'_>) -> Arc<Failure> {
    Arc::new(Failure::Bug.unless_stopped(&order.patience.stop))
}

async fn take_listings<'s>(
    order: &Order<'_>,
    sources: &'s [Source<'s>],
    facts: &Facts,
    report: &mut Report,
) -> Listings<'s> {
    let take = |source: &'s Source<'s>| async move {
        let account = source.account.as_ref().map_err(Arc::clone)?;
        let by_domain = |certificate: &Arc<CertificateConfig>| {
            certificate.accounts.contains(&account.name) && matches!(certificate.selector, Selector::Domains(_))
        };
        let names_matter = order.certificates.iter().any(by_domain);
        let taken = Listing::take(account, facts, names_matter, order.now).await;
        taken.map_err(|error| Arc::new(Failure::from(error)))
    };
    let listings: Listings<'s> = join_all(sources.iter().map(take)).await;
    for (listing, source) in listings.iter().zip(sources) {
        if let (Err(failure), Ok(_)) = (listing, &source.account) {
            sources::failed(order, source.config, failure, report);
        }
    }
    listings
}

/// Where several certificates could be the newest, the start of validity of each.
async fn learn_starts(items: &[Item], listings: &mut Listings<'_>, now: Timestamp) {
    let mut wanted: HashMap<usize, (HashSet<String>, Vec<SecretString>)> = HashMap::new();
    for item in items {
        let offers = offers(&item.certificate, listings, now);
        if ages_matter(&offers, item.standing.as_ref()) {
            for offer in offers {
                let (ids, passwords) = wanted.entry(offer.place).or_default();
                ids.insert(offer.row.id.clone());
                passwords.extend(item.key_password.clone());
            }
        }
    }
    let learn = listings.iter_mut().enumerate().filter_map(|(place, listing)| {
        let (ids, passwords) = wanted.remove(&place)?;
        let ids: Vec<String> = ids.into_iter().collect();
        let listing = listing.as_mut().ok()?;
        Some(async move { listing.learn_starts(&ids, &passwords, now).await })
    });
    join_all(learn).await;
}

/// What the accounts of a certificate have to offer for it. For a pinned id, whatever its state.
fn offers<'l>(certificate: &CertificateConfig, listings: &'l Listings<'_>, now: Timestamp) -> Vec<Offer<'l>> {
    let of_it = listings.iter().enumerate().filter_map(|(place, listing)| Some((place, listing.as_ref().ok()?)));
    let of_it = of_it.filter(|(_, listing)| certificate.accounts.contains(&listing.account.name));
    let offers = of_it.flat_map(|(place, listing)| {
        let rows = match &certificate.selector {
            Selector::Id(id) => listing.row(id).into_iter().collect(),
            Selector::Domains(domains) => listing.covering(domains),
        };
        rows.into_iter().map(move |row| Offer { place, provider: listing.account.provider, row })
    });
    let is_meant = |offer: &Offer<'_>| matches!(certificate.selector, Selector::Id(_)) || offer.row.is_usable(now);
    offers.filter(is_meant).collect()
}

fn decide<'s>(
    order: &Order<'_>,
    item: &Item,
    sources: &'s [Source<'s>],
    listings: &Listings<'_>,
) -> Result<Plan<'s>, Arc<Failure>> {
    if let Some(failure) = &item.trouble {
        return Err(Arc::clone(failure));
    }
    let certificate = &item.certificate;
    let offers = offers(certificate, listings, order.now);
    let standing = item.standing.as_ref();
    let chosen = choose(certificate, &offers, standing, order.force);
    if tracing::enabled!(tracing::Level::INFO) {
        passed_over::tell(certificate, &offers, chosen.as_ref().ok().and_then(Option::as_ref), listings, order.now);
    }
    let Some(choice) = chosen? else {
        return Err(nothing(certificate, sources, listings));
    };
    Ok(match choice {
        Choice::Keep => Plan::Keep,
        Choice::Pinned(id) => Plan::Pinned(id),
        Choice::Mend { place, pinned } => Plan::Mend { source: place.and_then(|place| sources.get(place)), pinned },
        Choice::Take { place, id, unpins } => {
            Plan::Take { source: sources.get(place).ok_or(Failure::Bug)?, id, unpins }
        }
    })
}

/// Why nothing is offered: an account failed, as a whole or for certificates of which one may be the one, or has nothing.
fn nothing(certificate: &CertificateConfig, sources: &[Source<'_>], listings: &Listings<'_>) -> Arc<Failure> {
    let is_its = |source: &Source<'_>| certificate.accounts.contains(&source.config.name);
    let of_it = || listings.iter().zip(sources).filter(|(_, source)| is_its(source)).map(|(listing, _)| listing);
    if let Some(Err(failure)) = of_it().find(|listing| listing.is_err()) {
        return Arc::clone(failure);
    }
    let passed_over = of_it().flatten().find_map(|listing| listing.failures.first());
    if let (Selector::Domains(_), Some((_, failure))) = (&certificate.selector, passed_over) {
        return Arc::clone(failure);
    }
    Arc::new(match &certificate.selector {
        Selector::Id(id) => Failure::NotListed { id: id.clone() },
        Selector::Domains(domains) => {
            let listed = of_it().flatten().map(Listing::len).sum();
            let unusable = of_it().flatten().map(|listing| listing.covering(domains).len()).sum();
            Failure::NotCovered { domain: domains.join(", "), listed, unusable }
        }
    })
}
