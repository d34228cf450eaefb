//! `certctl download`

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::Scene;
use super::accounts::picked_one;
use super::args::{DownloadArgs, Global, Output};
use super::making;
use crate::account::Account;
use crate::config::KEEP;
use crate::failure::{Exit, Failure, of_batch};
use crate::format::Format;
use crate::provider::{Certificate, Status};
use crate::report::progress::Progress;
use crate::report::{self, json, table};
use crate::run::deliver::{self, Delivery, Target, deliver};
use crate::run::inventory;
use crate::run::outcome::Row;
use crate::run::select::Wanted;
use crate::stop::Stop;
use crate::store::{Name, Options, Ownership, Patience};

pub(super) async fn run(args: &DownloadArgs, scene: &Scene<'_>) -> Result<Exit, Failure> {
    if args.name.is_some() && args.certificates.len() > 1 {
        return Err(Failure::Usage("--name is for one certificate; leave it out, or name one".to_owned()));
    }
    let name = args.name.as_deref().map(Name::parse).transpose()?;
    if let Some(format) = args.stdout {
        may_stream(format, args, scene.global)?;
    }
    let Scene { config, global, environment } = scene;
    let candidate = picked_one(&args.account, scene)?;
    let dir = args.dir.clone().or_else(|| config.as_ref()?.dir.clone()).unwrap_or_else(|| ".".into());
    let keep = config.as_ref().map_or(KEEP, |config| config.keep);
    let now = environment.now();
    let patience = Patience { timeout: args.lock_timeout, stop: Stop::default() };
    let delivery = Arc::new(Delivery {
        dir,
        name,
        making: making::making(args, environment)?,
        passwords: making::key_password(&args.making, environment)?,
        dry_run: args.dry_run,
        options: Options { keep, force: args.force, patience, now, ownership: Ownership::default() },
    });
    let rows = match super::reach(global, config.as_ref()).and_then(|reach| Ok(candidate.open(&reach, environment)?)) {
        Ok(account) => {
            let (targets, mut rows) = targets(args, &account, &delivery.passwords, now).await;
            if let (Some(format), [target]) = (args.stdout, targets.as_slice()) {
                return stream(&account, target, format, &delivery).await;
            }
            let is_batch = targets.len() > 1;
            let progress = Progress::new(targets.len(), is_batch && super::shows_progress(global, environment));
            rows.extend(deliver(&account, targets, &delivery, account.jobs, &|| progress.advance()).await);
            rows
        }
        Err(failure) => vec![Row::failed(candidate.provider(), candidate.name(), None, all_names(args), failure)],
    };
    let failed = rows.iter().filter(|row| row.failure.is_some());
    let exit = of_batch(failed.map(super::tell).collect::<Vec<_>>());
    let has_changed = global.detailed_exitcode && rows.iter().any(|row| row.outcome.is_change());
    let exit = if exit == Exit::Done && has_changed { Exit::Changed } else { exit };
    match global.output {
        // What stands there is for the pipe alone.
        _ if args.stdout.is_some() => {}
        Output::Json => {
            let run = json::Run::new(now, environment.now(), exit, &rows, &[]);
            super::print(&json::to_text(&run).map_err(|_| Failure::Bug)?)?;
        }
        Output::Table if global.quiet || rows.is_empty() => {}
        Output::Table => super::print(&table::run(&rows, report::columns()))?,
    }
    Ok(exit)
}

/// Whether one certificate may go to stdout in this format.
fn may_stream(format: Format, args: &DownloadArgs, global: &Global) -> Result<(), Failure> {
    let refused = |what: &str| Err(Failure::Usage(format!("--stdout {format} {what}")));
    let has_password = args.making.keystore_password_file.is_some() || args.making.keystore_password_env.is_some();
    match args.certificates.as_slice() {
        [_] if global.output == Output::Json => refused("prints the certificate itself; leave out -o json"),
        [_] if format.is_keystore() && !has_password => {
            refused("needs a password that you know; give --keystore-password-file or --keystore-password-env")
        }
        // Every format holds the key.
        [_] if io::stdout().is_terminal() && !args.force => {
            refused("would show the private key on the terminal; send it to a pipe or a file, or add --force")
        }
        [_] => Ok(()),
        _ => refused("is for one certificate; name one"),
    }
}

/// One format of one certificate goes to stdout: all of it, or nothing.
async fn stream(account: &Account, target: &Target, format: Format, delivery: &Delivery) -> Result<Exit, Failure> {
    match deliver::stream(account, target, format, delivery).await {
        Ok(bytes) => report::print(&bytes).map(|()| Exit::Done).map_err(Failure::Output),
        Err(failure) => {
            let (id, name) = (target.id.clone(), target.domains.first().cloned());
            Ok(super::tell(&Row::failed(account.provider, &account.name, Some(id), name, failure)))
        }
    }
}

/// The certificates that are meant, each once, and a row for each that was not found.
async fn targets(
    args: &DownloadArgs,
    account: &Account,
    passwords: &[SecretString],
    now: Timestamp,
) -> (Vec<Target>, Vec<Row>) {
    let (mut targets, mut rows) = (Vec::new(), Vec::new());
    let wanted: Vec<_> = args.certificates.iter().map(|text| Wanted::parse(text)).collect();
    // One listing serves all domains; ids need none.
    let needs_listing = args.all || wanted.iter().any(|wanted| matches!(wanted, Wanted::Domain(_)));
    let listing = if needs_listing { account.cloud.list().await } else { Ok(Vec::new()) };
    let listing = match listing {
        Ok(listing) => listing,
        Err(error) => {
            rows.push(Row::failed(account.provider, &account.name, None, all_names(args), Failure::from(error)));
            return (targets, rows);
        }
    };
    if args.all {
        for row in
            listing.iter().filter(|row| row.status == Status::Unknown && row.not_after.is_some_and(|end| now < end))
        {
            let word = row.provider_status.as_deref().unwrap_or("none");
            tracing::warn!("{}: passed over, since its status ({word}) does not tell whether it stands", row.id);
        }
        let usable = listing.iter().filter(|row| row.is_usable(now));
        targets.extend(usable.map(|row| Target { id: row.id.clone(), domains: Vec::new() }));
    }
    for wanted in wanted {
        match find(wanted, &listing, account, passwords, now).await {
            Ok(target) => add(&mut targets, target),
            Err(row) => rows.push(*row),
        }
    }
    (targets, rows)
}

/// What to call all that was asked for, where none of it can be had; with `--all` that has no name.
fn all_names(args: &DownloadArgs) -> Option<String> {
    Some(args.certificates.join(", ")).filter(|names| !names.is_empty())
}

async fn find(
    wanted: Wanted,
    listing: &[Certificate],
    account: &Account,
    passwords: &[SecretString],
    now: Timestamp,
) -> Result<Target, Box<Row>> {
    match wanted {
        Wanted::Id(id) => Ok(Target { id, domains: Vec::new() }),
        Wanted::Domain(domain) => {
            match inventory::find(account, listing, &domain, passwords, now, account.jobs).await {
                Ok(id) => Ok(Target { id, domains: vec![domain] }),
                Err(failure) => {
                    Err(Box::new(Row::failed(account.provider, &account.name, None, Some(domain), failure)))
                }
            }
        }
    }
}

/// One certificate that covers several of the domains is downloaded once.
fn add(targets: &mut Vec<Target>, target: Target) {
    match targets.iter_mut().find(|known| known.id == target.id) {
        Some(known) => known.domains.extend(target.domains),
        None => targets.push(target),
    }
}
