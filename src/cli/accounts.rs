//! Which accounts a command asks.

use super::Scene;
use super::args::AccountArgs;
use crate::account::{Account, AccountError, Reach};
use crate::config::{AccountConfig, Config, nearest};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::provider::{REGISTRY, Registration};

/// An account that can be asked, before it is known whether it has credentials.
#[derive(Clone, Copy)]
pub(super) enum Candidate<'a> {
    /// A provider's own, without a config.
    Implicit(&'static Registration),
    /// One of the config.
    Configured(&'a AccountConfig),
}

impl<'a> Candidate<'a> {
    pub(super) fn name(self) -> &'a str {
        match self {
            Candidate::Implicit(registration) => registration.name,
            Candidate::Configured(config) => &config.name,
        }
    }

    pub(super) fn provider(self) -> &'static str {
        match self {
            Candidate::Implicit(registration) => registration.name,
            Candidate::Configured(config) => config.provider.name,
        }
    }

    /// Who this is, for messages: `NAME (PROVIDER)`.
    pub(super) fn subject(self) -> String {
        subject(self.name(), self.provider())
    }

    pub(super) fn open(self, reach: &Reach, environment: &Environment) -> Result<Account, AccountError> {
        match self {
            Candidate::Implicit(registration) => Account::implicit(registration, reach, environment),
            Candidate::Configured(config) => Account::configured(config, reach, environment),
        }
    }
}

/// An account, for messages: `NAME (PROVIDER)`, or the provider alone where the account is called like it.
pub(super) fn subject(name: &str, provider: &str) -> String {
    if name == provider { provider.to_owned() } else { format!("{name} ({provider})") }
}

/// Every account that there is: those of the config; without any there, one a provider.
pub(super) fn all(config: Option<&Config>) -> Vec<Candidate<'_>> {
    match config {
        Some(config) if !config.accounts.is_empty() => config.accounts.iter().map(Candidate::Configured).collect(),
        _ => REGISTRY.iter().copied().map(Candidate::Implicit).collect(),
    }
}

/// The accounts of these providers and names; an empty list is no wish.
pub(super) fn picked<'a>(
    config: Option<&'a Config>,
    providers: &[String],
    names: &[String],
) -> Result<Vec<Candidate<'a>>, Failure> {
    let all = all(config);
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|candidate| candidate.name() == *name)) {
        let known: Vec<&str> = all.iter().map(|candidate| candidate.name()).collect();
        let meant = nearest(unknown, &known).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
        return Err(Failure::Usage(format!("there is no account `{unknown}`{meant}; there are {}", listed(&all))));
    }
    let is_in = |wanted: &[String], word: &str| wanted.is_empty() || wanted.iter().any(|given| given == word);
    let is_picked =
        |candidate: &Candidate<'_>| is_in(providers, candidate.provider()) && is_in(names, candidate.name());
    let picked: Vec<_> = all.iter().copied().filter(is_picked).collect();
    if picked.is_empty() {
        let what = "no account is of the provider named with -p";
        return Err(Failure::Usage(format!("{what}; there are {}", listed(&all))));
    }
    Ok(picked)
}

/// The one account that a command for one is about.
pub(super) fn picked_one<'a>(args: &AccountArgs, scene: &'a Scene<'_>) -> Result<Candidate<'a>, Failure> {
    let picked = picked(scene.config.as_ref(), args.provider.as_slice(), args.account.as_slice())?;
    match picked[..] {
        [one] => Ok(one),
        _ => {
            let what = "several accounts are of this provider; choose one with --account";
            Err(Failure::Usage(format!("{what}: {}", listed(&picked))))
        }
    }
}

fn listed(candidates: &[Candidate<'_>]) -> String {
    candidates.iter().map(|candidate| candidate.subject()).collect::<Vec<_>>().join(", ")
}
