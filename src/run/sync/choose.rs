//! Which certificate is to be in place. Pure.

use crate::config::{CertificateConfig, Selector};
use crate::domain;
use crate::failure::Failure;
use crate::provider::{Certificate, Status};
use crate::run::select::{Age, age};
use crate::store::{Identity, Rejected, Standing};

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
    /// Nothing, since the user rolled back and the newest, of this id, is not newer than the one rejected.
    Pinned(String),
    /// What is in place stays, but is not as it is to be.
    Mend {
        /// The place of the account that still has it.
        place: Option<usize>,
        /// As for [`Choice::Pinned`]
        pinned: Option<String>,
    },
    /// This certificate is to be in place.
    Take {
        /// The account's place.
        place: usize,
        /// The certificate's id there.
        id: String,
        /// Whether a rollback is over with it.
        unpins: bool,
    },
}

/// Chooses among usable offers that cover all the domains, or, for a pinned id, takes the one offer as it is; `None`
/// if there is none.
///
/// # Errors
/// When what is wanted could only be installed by force, or is not issued.
pub(super) fn choose(
    certificate: &CertificateConfig,
    offers: &[Offer<'_>],
    standing: Option<&Standing>,
    force: bool,
) -> Result<Option<Choice>, Failure> {
    let Some(newest) = newest(offers.iter()) else { return Ok(None) };
    let rejected = standing.and_then(|standing| standing.state.rejected.as_ref()).filter(|_| !force);
    let Some((standing, installed)) = standing.and_then(|standing| Some((standing, standing.identity.as_ref()?)))
    else {
        return first(offers, rejected).map(Some);
    };
    let keep = |pinned: Option<&Offer<'_>>| {
        let pinned = pinned.map(|offer| offer.row.id.clone());
        if !standing.is_intact {
            let offered = offers.iter().find(|offer| is_same(installed, offer));
            return Choice::Mend { place: offered.map(|offer| offer.place), pinned };
        }
        pinned.map_or(Choice::Keep, Choice::Pinned)
    };
    Ok(Some(match &certificate.selector {
        _ if rejected.is_some_and(|rejected| is_rejected(newest.row, rejected)) => keep(Some(newest)),
        _ if is_same(installed, newest) => keep(None),
        Selector::Id(id) if newest.row.status != Status::Issued => {
            return Err(Failure::NotUsable { id: id.clone(), status: newest.row.status });
        }
        // Whether it may replace the installed one is the store's to say.
        Selector::Id(_) => take(newest, rejected),
        Selector::Domains(_) if force || age_of_installed(installed) < age_of(newest.row) => take(newest, rejected),
        Selector::Domains(domains) if domains.iter().all(|domain| domain::covers(&installed.domains, domain)) => {
            keep(None)
        }
        Selector::Domains(_) => {
            return Err(Failure::OnlyOlder { installed: installed.id.clone(), newest: newest.row.id.clone() });
        }
    }))
}

/// Where nothing that can be told is in place: the newest, but never what the user rejected.
fn first(offers: &[Offer<'_>], rejected: Option<&Rejected>) -> Result<Choice, Failure> {
    let is_welcome = |offer: &&Offer<'_>| rejected.is_none_or(|rejected| offer.row.id != rejected.id);
    match (newest(offers.iter().filter(is_welcome)), rejected) {
        (Some(newest), _) => Ok(take(newest, rejected)),
        (None, Some(rejected)) => Err(Failure::OnlyRejected { id: rejected.id.clone() }),
        (None, None) => Err(Failure::Bug),
    }
}

fn newest<'o, 'l: 'o>(offers: impl Iterator<Item = &'o Offer<'l>>) -> Option<&'o Offer<'l>> {
    offers.max_by(|one, other| age_of(one.row).cmp(&age_of(other.row)))
}

fn take(offer: &Offer<'_>, rejected: Option<&Rejected>) -> Choice {
    let unpins = rejected.is_none_or(|rejected| !is_rejected(offer.row, rejected));
    Choice::Take { place: offer.place, id: offer.row.id.clone(), unpins }
}

/// Whether the ages of the offers decide anything, so that each must be known.
pub(super) fn ages_matter(offers: &[Offer<'_>], standing: Option<&Standing>) -> bool {
    let Some(standing) = standing else { return offers.len() > 1 };
    let differs = |installed: &Identity| offers.iter().any(|offer| !is_same(installed, offer));
    offers.len() > 1 || standing.state.rejected.is_some() || standing.identity.as_ref().is_some_and(differs)
}

/// By its id, too: listings and leaves may disagree about dates.
fn is_rejected(row: &Certificate, rejected: &Rejected) -> bool {
    let age_of_rejected = age(Some(rejected.not_before), Some(rejected.not_after), &rejected.id);
    row.id == rejected.id || age_of(row) <= age_of_rejected
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
            Ok(Some(Choice::Mend { place, pinned })) => {
                let pinned = pinned.map(|id| format!(" pinned {id}")).unwrap_or_default();
                format!("mend{}{pinned}", if place.is_some() { " offered" } else { "" })
            }
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
            (&both, Some(damaged("b", 100, 200)), false, "mend offered"),
            (&[new.clone(), twin], Some(at("b", 100, 200)), false, "take c"),
            // Only older ones are left.
            (&both[..1], Some(at("b", 100, 200)), false, "keep"),
            (&both[..1], Some(at("b", 100, 200)), true, "take a"),
            (&both[..1], Some(damaged("b", 100, 200)), false, "mend"),
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
        assert_eq!(chosen(&config, &[old.clone(), rejected.clone(), newer], Some(&back), false), "take c");
        // A listing that dates it later than the leaf does.
        assert_eq!(chosen(&config, &[row("b", Some(101), 200)], Some(&back), false), "pinned b");
        // The files of what was gone back to are not as they are to be, or it cannot be told any more.
        let both = [old.clone(), rejected.clone()];
        let damaged = Standing { is_intact: false, ..standing(back.identity.clone(), false, Some(("b", 100, 200))) };
        assert_eq!(chosen(&config, &both, Some(&damaged), false), "mend offered pinned b");
        assert_eq!(chosen(&config, std::slice::from_ref(&rejected), Some(&damaged), false), "mend pinned b");
        let lost = standing(None, false, Some(("b", 100, 200)));
        assert_eq!(chosen(&config, &both, Some(&lost), false), "take a");
        assert_eq!(chosen(&config, &both, Some(&lost), true), "take b");
        assert_eq!(chosen(&config, &[rejected], Some(&lost), false), "rejected");
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
