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
    rejected
        .is_some_and(|rejected| age_of(row) <= age(Some(rejected.not_before), Some(rejected.not_after), &rejected.id))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::path::PathBuf;

    use jiff::Timestamp;

    use super::{Choice, Offer, ages_matter, choose};
    use crate::config::{CertificateConfig, Selector};
    use crate::provider::{Certificate, Status};
    use crate::store::{Identity, Name, Rejected, Standing, State};

    /// A day of 2026.
    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + day * 86_400).unwrap()
    }

    fn row(id: &str, from: Option<i64>, to: i64) -> Certificate {
        let named = Certificate::new(id.to_owned()).named(Some("www.example.com".to_owned()), []);
        Certificate { status: Status::Issued, not_before: from.map(day), not_after: Some(day(to)), ..named }
    }

    fn installed(id: &str, from: i64, to: i64) -> Identity {
        Identity {
            name: Name::parse("www").unwrap(),
            provider: "tencent".to_owned(),
            account: "tx".to_owned(),
            id: id.to_owned(),
            domains: vec!["www.example.com".to_owned()],
            not_before: day(from),
            not_after: day(to),
            serial: String::new(),
            issuer: String::new(),
            fingerprint_sha256: String::new(),
            key_algorithm: String::new(),
        }
    }

    fn standing(identity: Option<Identity>, is_intact: bool, rejected: Option<(&str, i64, i64)>) -> Standing {
        let rejected = rejected.map(|(id, from, to)| Rejected {
            version: String::new(),
            id: id.to_owned(),
            not_before: day(from),
            not_after: day(to),
        });
        Standing { identity, version: None, is_intact, state: State { unfinished: None, rejected } }
    }

    fn wanting(selector: Selector) -> CertificateConfig {
        CertificateConfig { selector, ..CertificateConfig::unlisted(Name::parse("www").unwrap(), PathBuf::new()) }
    }

    /// What is chosen: a word, and the id taken; or the failure's code.
    fn chosen(config: &CertificateConfig, rows: &[Certificate], standing: Option<&Standing>, force: bool) -> String {
        let offers: Vec<_> = rows.iter().map(|row| Offer { place: 0, provider: "tencent", row }).collect();
        match choose(config, &offers, standing, force) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(Choice::Keep)) => "keep".to_owned(),
            Ok(Some(Choice::Pinned(id))) => format!("pinned {id}"),
            Ok(Some(Choice::Take { id, .. })) => format!("take {id}"),
            Err(failure) => failure.code().to_owned(),
        }
    }

    #[test]
    fn the_newest_by_start_of_validity() {
        let config = wanting(Selector::Domains(vec!["www.example.com".to_owned()]));
        let (old, new, twin) = (row("a", Some(0), 300), row("b", Some(100), 200), row("c", Some(100), 200));
        let at = |id, from, to| standing(Some(installed(id, from, to)), true, None);
        let damaged = |id, from, to| standing(Some(installed(id, from, to)), false, None);
        let both = [old.clone(), new.clone()];
        for (rows, standing, force, want) in [
            (&[][..], None, false, "nothing"),
            // The renewal ends before its predecessor and is taken all the same.
            (&both, None, false, "take b"),
            (&both, Some(at("a", 0, 300)), false, "take b"),
            (&both, Some(at("b", 100, 200)), false, "keep"),
            (&both, Some(damaged("b", 100, 200)), false, "take b"),
            (&[new.clone(), twin], Some(at("b", 100, 200)), false, "take c"),
            // Only older ones are left.
            (&both[..1], Some(at("b", 100, 200)), false, "keep"),
            (&both[..1], Some(at("b", 100, 200)), true, "take a"),
            (&both[..1], Some(damaged("b", 100, 200)), false, "older"),
            // Nothing that can be told is in place.
            (&both, Some(standing(None, false, None)), false, "take b"),
        ] {
            assert_eq!(chosen(&config, rows, standing.as_ref(), force), want, "{rows:?} {standing:?}");
        }
        let more = wanting(Selector::Domains(vec!["www.example.com".to_owned(), "api.example.com".to_owned()]));
        assert_eq!(chosen(&more, &[old], Some(&at("b", 100, 200)), false), "older", "it does not cover the other");
    }

    #[test]
    fn a_pinned_id() {
        let config = wanting(Selector::Id("a".to_owned()));
        let there = [row("a", Some(0), 300)];
        let revoked = [Certificate { status: Status::Revoked, ..row("a", Some(0), 300) }];
        let other = standing(Some(installed("b", 100, 200)), true, None);
        let same = standing(Some(installed("a", 0, 300)), true, None);
        assert_eq!(chosen(&config, &there, None, false), "take a");
        assert_eq!(chosen(&config, &there, Some(&other), false), "take a");
        assert_eq!(chosen(&config, &there, Some(&same), false), "keep");
        assert_eq!(chosen(&config, &revoked, Some(&other), false), "not_downloadable");
        assert_eq!(chosen(&config, &revoked, Some(&same), false), "keep");
    }

    #[test]
    fn what_was_rolled_back_stays_away() {
        let config = wanting(Selector::Domains(vec!["www.example.com".to_owned()]));
        let back = standing(Some(installed("a", 0, 300)), true, Some(("b", 100, 200)));
        let (old, rejected, newer) = (row("a", Some(0), 300), row("b", Some(100), 200), row("c", Some(150), 250));
        assert_eq!(chosen(&config, &[old.clone(), rejected.clone()], Some(&back), false), "pinned b");
        assert_eq!(chosen(&config, std::slice::from_ref(&old), Some(&back), false), "pinned a");
        assert_eq!(chosen(&config, &[old.clone(), rejected.clone()], Some(&back), true), "take b");
        assert_eq!(chosen(&config, &[old, rejected, newer], Some(&back), false), "take c");
    }

    #[test]
    fn ages_are_asked_for_only_where_they_decide() {
        let rows = [row("a", None, 300), row("b", None, 200)];
        let offers: Vec<_> = rows.iter().map(|row| Offer { place: 0, provider: "tencent", row }).collect();
        let at = |id| standing(Some(installed(id, 0, 300)), true, None);
        assert!(ages_matter(&offers, None));
        assert!(!ages_matter(&offers[..1], None));
        assert!(!ages_matter(&offers[..1], Some(&at("a"))));
        assert!(ages_matter(&offers[..1], Some(&at("b"))));
        assert!(ages_matter(&offers[..1], Some(&standing(None, false, Some(("b", 0, 1))))));
    }
}
