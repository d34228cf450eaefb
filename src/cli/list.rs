//! `certctl list`

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::args::{Global, ListArgs, Output};
use crate::account::{Account, AccountError, Reach};
use crate::credential::CredentialError;
use crate::domain;
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::provider::{Certificate, REGISTRY, Registration, Status};
use crate::report::{json, table};
use crate::run::inventory;

pub(super) async fn run(args: &ListArgs, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let asked = asked(args)?;
    if global.endpoint.is_some() && asked.len() != 1 {
        return Err(Failure::Usage("--endpoint is for one provider; name it with -p".to_owned()));
    }
    let reach = super::reach(global)?;
    let is_named = !args.provider.is_empty() || !args.account.is_empty();
    let (accounts, mut failures) = accounts(&asked, is_named, &reach, environment)?;
    let now = environment.now();
    let mut rows = Vec::new();
    let list = |account| inventory::list(account, args.domain.is_some(), global.jobs.into());
    for (account, outcome) in accounts.iter().zip(join_all(accounts.iter().map(list)).await) {
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
    for (provider, _, failure) in &failures {
        tracing::error!("{provider}: {}", failure.line());
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

/// The providers to ask: those named, else all.
fn asked(args: &ListArgs) -> Result<Vec<&'static Registration>, Failure> {
    for account in &args.account {
        if !REGISTRY.iter().any(|registration| registration.name == account) {
            let names = REGISTRY.iter().map(|registration| registration.name).collect::<Vec<_>>().join(", ");
            return Err(Failure::Usage(format!("there is no account `{account}`; there are {names}")));
        }
    }
    let is_in = |names: &[String], name: &str| names.is_empty() || names.iter().any(|given| given == name);
    let is_asked = |registration: &&&Registration| {
        is_in(&args.provider, registration.name) && is_in(&args.account, registration.name)
    };
    let asked: Vec<_> = REGISTRY.iter().filter(is_asked).copied().collect();
    if asked.is_empty() {
        return Err(Failure::Usage("no account is of the provider named with -p".to_owned()));
    }
    Ok(asked)
}

type Failed<'a> = Vec<(&'static str, &'a str, Failure)>;

/// Every account that can be asked, and why the others cannot. One without credentials counts only where it is named,
/// or where there is no other.
fn accounts<'a>(
    asked: &[&'static Registration],
    is_named: bool,
    reach: &Reach,
    environment: &Environment,
) -> Result<(Vec<Account>, Failed<'a>), Failure> {
    let (mut accounts, mut failures) = (Vec::new(), Vec::new());
    let (mut unset, mut absent) = (Vec::new(), Vec::new());
    for registration in asked {
        match Account::implicit(registration, reach, environment) {
            Ok(account) => accounts.push(account),
            Err(AccountError::Credential(CredentialError::Missing { variables, files, .. })) if !is_named => {
                unset.extend(variables);
                absent.extend(files);
            }
            Err(error) => failures.push((registration.name, registration.name, Failure::from(error))),
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
