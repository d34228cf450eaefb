//! `certctl list`

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::Scene;
use super::accounts::{self, Candidate};
use super::args::{ListArgs, Output};
use crate::account::{Account, AccountError, Reach};
use crate::credential::CredentialError;
use crate::domain;
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::provider::{Certificate, Status};
use crate::report::{json, table};
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
    let mut rows = Vec::new();
    let listings = accounts.iter().map(|account| inventory::list(account, args.domain.is_some(), account.jobs));
    for (account, outcome) in accounts.iter().zip(join_all(listings).await) {
        match outcome {
            Ok(listed) => {
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
        Output::Table if rows.is_empty() => {}
        Output::Table => super::print(&table::list(&rows, now))?,
    }
    let exit = of_batch(failures.iter().map(|(_, _, failure)| failure.exit()));
    let is_expiring = global.detailed_exitcode && args.expiring.is_some() && !rows.is_empty();
    Ok(if exit == Exit::Done && is_expiring { Exit::Expiring } else { exit })
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
    let (mut unset, mut absent) = (Vec::new(), Vec::new());
    for candidate in asked {
        let is_optional = !is_named && matches!(candidate, Candidate::Implicit(_));
        match candidate.open(reach, environment) {
            Ok(account) => accounts.push(account),
            Err(AccountError::Credential(CredentialError::Missing { variables, files, .. })) if is_optional => {
                unset.extend(variables);
                absent.extend(files);
            }
            Err(error) => failures.push((candidate.provider(), candidate.name(), Failure::from(error))),
        }
    }
    if accounts.is_empty() && failures.is_empty() {
        let missing = CredentialError::Missing {
            provider: "any provider",
            variables: unset,
            files: absent,
            has_home: environment.home().is_some(),
        };
        return Err(Failure::Account(missing.into()));
    }
    Ok((accounts, failures))
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
