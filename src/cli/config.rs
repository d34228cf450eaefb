//! `certctl config init`, `check` and `show`

use std::path::PathBuf;

use futures_util::future::join_all;
use serde::Serialize;

use super::accounts::{Candidate, all};
use super::args::{ConfigCommand, Global, Output};
use super::load;
use crate::config::show::Shown;
use crate::config::{Config, ConfigError, named, starter};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::report::json;

pub(super) async fn run(command: &ConfigCommand, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Init => init(global, environment),
        ConfigCommand::Check { online } => check(*online, global, environment).await,
        ConfigCommand::Show => show(global, environment),
    }
}

fn init(global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let named = named(global.config.as_deref(), environment);
    let path = named.map_or_else(|| PathBuf::from("certctl.toml"), |(_, path)| path);
    starter::write(&path, &starter::text(environment))?;
    if !global.quiet {
        super::print(&format!("{}: written; fill it in, then run `certctl config check`\n", path.display()))?;
    }
    Ok(Exit::Done)
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

/// One listing of each account, all at the same time; an error line for each that fails.
async fn ask(config: &Config, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let reach = super::reach(global, Some(config))?;
    let ask = |candidate: Candidate<'_>| {
        let opened = candidate.open(&reach, environment);
        async move { Ok(opened?.cloud.list().await?.len()) }
    };
    let candidates = if config.accounts.is_empty() { Vec::new() } else { all(Some(config)) };
    let outcomes: Vec<Result<usize, Failure>> = join_all(candidates.iter().copied().map(ask)).await;
    let mut exits = Vec::new();
    for (candidate, outcome) in candidates.iter().zip(outcomes) {
        match outcome {
            Ok(count) => tracing::info!("{}: {}", candidate.subject(), counted(count, "certificate")),
            Err(failure) => {
                tracing::error!("{}: {}", candidate.subject(), failure.line());
                exits.push(failure.exit());
            }
        }
    }
    Ok(of_batch(exits))
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

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
