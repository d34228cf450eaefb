//! `certctl config`: `check` and `show`

use futures_util::future::join_all;
use serde::Serialize;

use super::accounts::{Candidate, all};
use super::args::{ConfigCommand, Global, Output};
use super::{init, load};
use crate::account::Reach;
use crate::config::show::Shown;
use crate::config::{Config, ConfigError};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::provider::Certificate;
use crate::report::json;

pub(super) async fn run(command: &ConfigCommand, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init { online } => init::run(*online, global, environment).await,
        ConfigCommand::Check { online } => check(*online, global, environment).await,
        ConfigCommand::Show => show(global, environment),
    }
}

async fn check(online: bool, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let config = needed(global, environment)?;
    let exit = if online { ask(&config, global, environment).await? } else { Exit::Done };
    if exit == Exit::Done && !global.quiet {
        let accounts = counted(config.accounts.len(), "account");
        let certificates = counted(config.certificates.len(), "certificate");
        super::print(&format!("{}: {accounts}, {certificates}: in order\n", config.file.display()))?;
    }
    Ok(exit)
}

/// One listing of each account; an error line for each that fails.
async fn ask(config: &Config, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let reach = super::reach(global, Some(config))?;
    let candidates = if config.accounts.is_empty() { Vec::new() } else { all(Some(config)) };
    let mut exits = Vec::new();
    for (candidate, outcome) in candidates.iter().zip(listings(&candidates, &reach, environment).await) {
        match outcome {
            Ok(rows) => tracing::info!("{}: {}", candidate.subject(), counted(rows.len(), "certificate")),
            Err(failure) => {
                tracing::error!("{}: {}", candidate.subject(), failure.line());
                exits.push(failure.exit());
            }
        }
    }
    Ok(of_batch(exits))
}

/// One listing of each account, all at the same time.
pub(super) async fn listings(
    candidates: &[Candidate<'_>],
    reach: &Reach,
    environment: &Environment,
) -> Vec<Result<Vec<Certificate>, Failure>> {
    let ask = |candidate: &Candidate<'_>| {
        let opened = candidate.open(reach, environment);
        async move { Ok(opened?.cloud.list().await?) }
    };
    join_all(candidates.iter().map(ask)).await
}

/// `certctl.config/v1`
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: String,
    config: Shown<'a>,
}

fn show(global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let config = needed(global, environment)?;
    let shown = config.shown();
    let file = config.file.display().to_string();
    super::print(&match global.output {
        Output::Json => {
            json::to_text(&Document { schema: "certctl.config/v1", file, config: shown }).map_err(|_| Failure::Bug)?
        }
        Output::Table => toml::to_string(&shown).map_err(|_| Failure::Bug)?,
    })?;
    Ok(Exit::Done)
}

fn needed(global: &Global, environment: &Environment) -> Result<Config, Failure> {
    Ok(load(global, environment)?.ok_or(ConfigError::NoneFound)?)
}

pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
