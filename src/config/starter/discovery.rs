//! Every account for which there are credentials, each with a name.

use std::collections::{BTreeMap, HashSet};

use crate::config::{AccountConfig, Source};
use crate::credential::{CredentialError, Found, Names, Origin, SecretSource, Sighting};
use crate::environment::Environment;
use crate::provider::{REGISTRY, Registration};
use crate::text::one_line;

/// The longest part of an account's name that a profile gives, in characters.
const LONGEST_LABEL: usize = 40;
/// The longest reason that is repeated, in characters: profiles' names come out of files.
const LONGEST_REASON: usize = 400;

/// What there is to begin with.
#[derive(Debug, Default)]
pub struct Discovery {
    /// Accounts whose credentials were found, in the clouds' order.
    pub accounts: Vec<Discovered>,
    /// What was found and is not used.
    pub left_out: Vec<LeftOut>,
}

/// An account whose credentials were found.
#[derive(Debug)]
pub struct Discovered {
    /// As the config file will have it.
    pub config: AccountConfig,
    /// Where its credentials are, for the user.
    pub place: String,
}

/// Credentials that are not used.
#[derive(Debug)]
pub struct LeftOut {
    /// Whose they are.
    pub provider: &'static Registration,
    /// Why, and what to do.
    pub why: String,
    /// The account that there would be, where something is wrong that the user can repair.
    pub account: Option<AccountConfig>,
    /// Whether it is likely that the user wants to know.
    pub is_wrong: bool,
}

impl Discovery {
    /// Looks in the environment and in the official tools' files. No cloud is asked.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let mut discovery = Self::default();
        for registration in REGISTRY {
            Search { registration, environment, kept: Vec::new(), left_out: Vec::new() }.run(&mut discovery);
        }
        discovery
    }
}

/// One cloud's.
struct Search<'a> {
    registration: &'static Registration,
    environment: &'a Environment,
    kept: Vec<Kept>,
    left_out: Vec<Dropped>,
}

/// Credentials that are used.
struct Kept {
    origin: Origin,
    place: String,
    access_key: String,
}

/// Credentials that are not.
struct Dropped {
    why: String,
    profile: Option<String>,
    is_wrong: bool,
}

impl Search<'_> {
    fn run(mut self, discovery: &mut Discovery) {
        let sightings = self.registration.credentials.survey(self.environment);
        // Of two with the same key the file is kept: the variables of this shell no cron job has.
        let (variables, files): (Vec<_>, Vec<_>) =
            sightings.into_iter().partition(|sighting| matches!(sighting.origin, Origin::Variables(_)));
        let mut claimed = HashSet::new();
        for sighting in files.into_iter().chain(variables) {
            self.judge(sighting, &mut claimed);
        }
        let mut names = HashSet::new();
        let is_only = self.kept.len() == 1;
        for Kept { origin, place, .. } in &self.kept {
            let label = if is_only { String::new() } else { label(origin) };
            let config = self.account(unique(self.registration.name, &label, &mut names), origin);
            discovery.accounts.push(Discovered { config, place: place.clone() });
        }
        for Dropped { why, profile, is_wrong } in &self.left_out {
            let account = profile.as_ref().map(|profile| {
                let origin = Origin::Profile(profile.clone());
                self.account(unique(self.registration.name, &label(&origin), &mut names), &origin)
            });
            let (provider, why) = (self.registration, one_line(why, LONGEST_REASON));
            discovery.left_out.push(LeftOut { provider, why, account, is_wrong: *is_wrong });
        }
    }

    /// `claimed` are the profiles that a file asked before has: in a config their names stand for those.
    fn judge(&mut self, Sighting { origin, outcome }: Sighting, claimed: &mut HashSet<String>) {
        let found = match outcome {
            Ok(found) => found,
            Err(error) => return self.drop_broken(origin, &error, claimed),
        };
        let place = place(&origin, &found);
        let access_key = found.credentials.access_key;
        let profile = if let Origin::Profile(profile) = &origin { Some(profile) } else { None };
        let is_hidden = profile.is_some_and(|profile| !claimed.insert(profile.clone()));
        if let Some(same) = self.kept.iter().find(|kept| kept.access_key == access_key) {
            let why = format!("{place}: the access key is that of {}", same.place);
            self.left_out.push(Dropped { why, profile: None, is_wrong: false });
        } else if is_hidden {
            let why = format!("{place}: a file that is asked before has a profile of this name, too; rename one");
            self.left_out.push(Dropped { why, profile: None, is_wrong: true });
        } else {
            self.kept.push(Kept { origin, place, access_key });
        }
    }

    fn drop_broken(&mut self, origin: Origin, error: &CredentialError, claimed: &mut HashSet<String>) {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        // What has no keys was never filled in: the tools make such profiles.
        let is_wrong = !matches!(error, CredentialError::Lacking { .. });
        let profile = match origin {
            Origin::Profile(profile) if is_wrong => claimed.insert(profile.clone()).then_some(profile),
            _ => None,
        };
        self.left_out.push(Dropped { why: format!("{error}{hint}"), profile, is_wrong });
    }

    fn account(&self, name: String, origin: &Origin) -> AccountConfig {
        let is_set = |variable: &&'static str| self.environment.variable(variable).is_some();
        let env = |variable: &'static str| SecretSource::Env(variable.to_owned());
        let source = match origin {
            Origin::Variables(Names { access_key, secret_key, session_token, .. }) => Source::Keys {
                access_key: env(access_key),
                secret_key: env(secret_key),
                session_token: session_token.iter().copied().find(is_set).map(env),
            },
            Origin::Profile(profile) => Source::Profile(profile.clone()),
            Origin::File => Source::Ambient,
        };
        let mfa = self.registration.credentials.variables.iter().find_map(|names| names.mfa.filter(is_set));
        AccountConfig {
            name,
            provider: self.registration,
            endpoint: None,
            settings: self.settings(matches!(origin, Origin::Variables(_))),
            source,
            mfa: mfa.map(env),
            requests_per_second: None,
            jobs: None,
        }
    }

    /// What this shell says of the account. The variables of the cloud's own tools belong to the keys beside them.
    fn settings(&self, with_all: bool) -> BTreeMap<&'static str, String> {
        let settings = self.registration.settings.iter();
        let settings = settings.filter(|setting| with_all || setting.variable.starts_with("CERTCTL_"));
        let given = settings.filter_map(|setting| {
            let value = self.environment.variable(setting.variable)?;
            let is_right = setting.values.is_empty() || setting.values.contains(&value);
            is_right.then(|| (setting.key, value.to_owned()))
        });
        given.collect()
    }
}

fn place(origin: &Origin, found: &Found) -> String {
    match origin {
        Origin::Variables(names) => format!("{} and {} in the environment", names.access_key, names.secret_key),
        Origin::Profile(_) | Origin::File => one_line(&found.place.to_string(), LONGEST_REASON),
    }
}

/// What tells an account from the cloud's others.
fn label(origin: &Origin) -> String {
    let Origin::Profile(profile) = origin else { return "environment".to_owned() };
    let plain = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
    let label: String = profile.to_lowercase().chars().map(plain).take(LONGEST_LABEL).collect();
    label.trim_matches('-').to_owned()
}

/// `provider-label`, with a number behind it if that is taken.
fn unique(provider: &str, label: &str, taken: &mut HashSet<String>) -> String {
    let name = if label.is_empty() { provider.to_owned() } else { format!("{provider}-{label}") };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name);
    taken.insert(free.clone());
    free
}
