//! Which certificate is to be in place. Pure.

use crate::config::{CertificateConfig, Selector};
use crate::domain;
use crate::failure::Failure;
use crate::provider::{Certificate, Status};
use crate::run::select::{Age, age};
use crate::store::{Identity, Standing};

/// A certificate that an account has to offer, with the account's place among those of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<'a> {
    pub(super) place: usize,
    pub(super) provider: &'static str,
    pub(super) row: &'a Certificate,
}

/// What is to be done about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// Nothing: the newest one is in place, or there are only older ones than that.
    Keep,
    /// Nothing, since the user rolled back and this one, of that id, is not newer than the one rejected.
    Pinned(String),
    /// This certificate is to be in place.
    Take {
        /// The account's place.
        place: usize,
        /// The certificate's id there.
        id: String,
    },
}

/// Chooses among usable offers that cover all the domains, or, for a pinned id, takes the one offer as it is.
///
/// # Errors
/// When what is wanted is not there, or could only replace what is installed by force.
pub(super) fn choose(
    certificate: &CertificateConfig,
    offers: &[Offer<'_>],
    standing: Option<&Standing>,
    force: bool,
) -> Result<Option<Choice>, Failure> {
    let newest = offers.iter().max_by(|one, other| age_of(one.row).cmp(&age_of(other.row)));
    let Some(newest) = newest else { return Ok(None) };
    let installed = standing.and_then(|standing| standing.identity.as_ref());
    let take = || Choice::Take { place: newest.place, id: newest.row.id.clone() };
    let is_intact = standing.is_some_and(|standing| standing.is_intact);
    if is_rejected(newest.row, standing) && !force {
        return Ok(Some(Choice::Pinned(newest.row.id.clone())));
    }
    let Some(installed) = installed else { return Ok(Some(take())) };
    if is_same(installed, newest) {
        return Ok(Some(if is_intact { Choice::Keep } else { take() }));
    }
    match &certificate.selector {
        Selector::Id(id) if newest.row.status != Status::Issued => {
            Err(Failure::NotUsable { id: id.clone(), status: newest.row.status })
        }
        // Whether it may replace the installed one is the store's to say.
        Selector::Id(_) => Ok(Some(take())),
        Selector::Domains(_) if force || age_of_installed(installed) < age_of(newest.row) => Ok(Some(take())),
        Selector::Domains(domains) => {
            let covers = domains.iter().all(|domain| domain::covers(&installed.domains, domain));
            if covers && is_intact {
                tracing::info!(
                    "{}: {} is older than the installed {}: it stays",
                    certificate.name,
                    newest.row.id,
                    installed.id
                );
                return Ok(Some(Choice::Keep));
            }
            let why = if covers { "is damaged, or not as the config wants it" } else { "does not cover all domains" };
            Err(Failure::OnlyOlder { installed: installed.id.clone(), why, newest: newest.row.id.clone() })
        }
    }
}

/// Whether the ages of the offers decide anything, so that each must be known.
pub(super) fn ages_matter(offers: &[Offer<'_>], standing: Option<&Standing>) -> bool {
    let Some(standing) = standing else { return offers.len() > 1 };
    let differs = |installed: &Identity| offers.iter().any(|offer| !is_same(installed, offer));
    offers.len() > 1 || standing.state.rejected.is_some() || standing.identity.as_ref().is_some_and(differs)
}

fn is_rejected(row: &Certificate, standing: Option<&Standing>) -> bool {
    let rejected = standing.and_then(|standing| standing.state.rejected.as_ref());
    rejected.is_some_and(|rejected| {
        age_of(row) <= age(Some(rejected.not_before), Some(rejected.not_after), &rejected.id)
    })
}

fn is_same(installed: &Identity, offer: &Offer<'_>) -> bool {
    installed.id == offer.row.id && installed.provider == offer.provider
}

fn age_of(row: &Certificate) -> Age<'_> {
    age(row.not_before, row.not_after, &row.id)
}

fn age_of_installed(installed: &Identity) -> Age<'_> {
    age(Some(installed.not_before), Some(installed.not_after), &installed.id)
}
