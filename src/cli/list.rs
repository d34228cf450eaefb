//! `certctl list`

use std::io::{self, IsTerminal as _};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Scene;
use super::accounts::{self, Candidate};
use super::args::{ListArgs, Output};
use crate::account::{Account, AccountError, Reach};
use crate::config::starter::{Discovered, Discovery, LeftOut};
use crate::credential::CredentialError;
use crate::domain;
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::provider::{Certificate, Status};
use crate::report::{self, json, table};
use crate::run::inventory;

pub(super) async fn run(args: &ListArgs, scene: &Scene<'_>) -> Result<Exit, Failure> {
    let Scene { config, global, environment } = scene;
    let asked = accounts::picked(config.as_ref(), &args.provider, &args.account)?;
    if global.endpoint.is_some() && asked.len() != 1 {
        return Err(Failure::Usage("--endpoint is for one account; name it with -p or --account".to_owned()));
    }
    let is_named = !args.provider.is_empty() || !args.account.is_empty();
    let (accounts, mut failures) = open(&asked, is_named, &super::reach(global, config.as_ref())?, environment)?;
    let now = environment.now();
    let (mut rows, mut held) = (Vec::new(), 0);
    let listings = accounts.iter().map(|account| inventory::list(account, args.domain.is_some(), account.jobs));
    for (account, outcome) in accounts.iter().zip(join_all(listings).await) {
        match outcome {
            Ok(listed) => {
                held += listed.len();
                let shown = listed.into_iter().filter(|row| is_shown(row, args, now));
                rows.extend(shown.map(|row| (account.provider, account.name.as_str(), row)));
            }
            Err(error) => failures.push((account.provider, account.name.as_str(), error.into())),
        }
    }
    // What expires first comes first; what has no end yet, last.
    rows.sort_by_key(|(_, _, row)| (row.not_after.is_none(), row.not_after));
    for (provider, name, failure) in &failures {
        tracing::error!("{}: {}", accounts::subject(name, provider), failure.line());
    }
    match global.output {
        Output::Json => {
            super::print(&json::to_text(&json::List::new(&rows, &failures, now)).map_err(|_| Failure::Bug)?)?;
        }
        // A script reads no lines, and cron sends no mail; somebody who looks on would wonder.
        Output::Table if rows.is_empty() => {
            if io::stdout().is_terminal() && failures.is_empty() {
                tracing::warn!("{}", nothing(&accounts, held));
            }
        }
        Output::Table => super::print(&table::list(&rows, now, report::columns()))?,
    }
    let exit = of_batch(failures.iter().map(|(_, _, failure)| failure.exit()));
    let is_expiring = global.detailed_exitcode && args.expiring.is_some() && !rows.is_empty();
    Ok(if exit == Exit::Done && is_expiring { Exit::Expiring } else { exit })
}

/// Why there is nothing to show.
fn nothing(accounts: &[Account], held: usize) -> String {
    let names = accounts.iter().map(|account| accounts::subject(&account.name, account.provider));
    let names = names.collect::<Vec<_>>().join(", ");
    match held {
        0 => format!("no certificates in {names}"),
        held => format!("none of the {held} certificates in {names} is one of those asked for"),
    }
}

type Failed<'a> = Vec<(&'static str, &'a str, Failure)>;

/// Every account that can be asked, and why the others cannot. A provider's own without credentials counts only where
/// it is named, or where there is no other.
fn open<'a>(
    asked: &[Candidate<'a>],
    is_named: bool,
    reach: &Reach,
    environment: &Environment,
) -> Result<(Vec<Account>, Failed<'a>), Failure> {
    let (mut accounts, mut failures) = (Vec::new(), Vec::new());
    let mut without = Vec::new();
    for candidate in asked {
        let is_optional = !is_named && matches!(candidate, Candidate::Implicit(_));
        match candidate.open(reach, environment) {
            Ok(account) => accounts.push(account),
            Err(AccountError::Credential(error @ CredentialError::Missing { .. })) if is_optional => {
                without.push(error);
            }
            Err(error) => failures.push((candidate.provider(), candidate.name(), Failure::from(error))),
        }
    }
    if accounts.is_empty() && failures.is_empty() {
        explain(&without, environment);
        return Err(Failure::Account(CredentialError::NoneAnywhere.into()));
    }
    Ok((accounts, failures))
}

/// What was looked for, and what is there though nothing takes it.
fn explain(missing: &[CredentialError], environment: &Environment) {
    for missing in missing {
        tracing::warn!("{missing}; {}", missing.hint().unwrap_or_default());
    }
    let Discovery { accounts, left_out } = Discovery::of(environment);
    for Discovered { place, .. } in accounts {
        tracing::warn!(
            "{place}: has keys, but is not the default profile; `certctl config init` makes an account of it"
        );
    }
    for LeftOut { why, .. } in left_out.iter().filter(|left_out| left_out.is_wrong) {
        tracing::warn!("{why}");
    }
}

fn is_shown(row: &Certificate, args: &ListArgs, now: Timestamp) -> bool {
    let covers = args.domain.as_ref().is_none_or(|domain| domain::covers(&row.domains, domain));
    covers
        && args
            .expiring
            .is_none_or(|within| is_expiring(row, now, SignedDuration::try_from(within).unwrap_or_default()))
}

/// Certificates that were never issued, or are revoked, do not expire.
fn is_expiring(row: &Certificate, now: Timestamp, within: SignedDuration) -> bool {
    matches!(row.status, Status::Issued | Status::Expired | Status::Unknown)
        && row.not_after.is_some_and(|end| end.duration_since(now) <= within)
}
