//! The `[accounts.NAME]` tables.

use std::collections::BTreeMap;

use super::model::{AccountConfig, Source};
use super::section::{Section, Text, shown};
use super::suggest::listed;
use super::value::Literal;
use crate::credential::SecretSource;
use crate::http::Endpoint;
use crate::provider::{REGISTRY, Registration};
use crate::store::Name;

/// What the tables hold.
pub(super) struct Accounts {
    /// Those in order.
    pub(super) known: Vec<AccountConfig>,
    /// The names of all, so that a mistake in a table does not make its name unknown.
    pub(super) names: Vec<String>,
}

pub(super) fn read(root: &Section<'_>) -> Accounts {
    let tables = root.named_tables("accounts", |name| format!("account {}", shown(name)));
    let names = tables.iter().map(|(name, _)| name.text.to_owned()).collect();
    Accounts { known: tables.iter().filter_map(|(name, table)| read_one(*name, table)).collect(), names }
}

fn read_one(name: Text<'_>, table: &Section<'_>) -> Option<AccountConfig> {
    if let Err(error) = Name::parse(name.text) {
        table.say(name.at, &format!("{error}; give the account another name"));
    }
    let provider = provider(table);
    let endpoint = table.text("endpoint").filter(|endpoint| is_endpoint(table, *endpoint));
    let settings = settings(table, provider);
    let source = source(table);
    let mfa = table.sourced("mfa", Literal::Secret);
    let requests_per_second = table.integer("requests_per_second", 1, 10_000);
    let jobs = table.integer("jobs", 1, 256).and_then(|jobs| u16::try_from(jobs).ok());
    table.finish();
    let provider = provider?;
    unused(table, provider, "mfa", provider.credentials.variables.iter().any(|set| set.mfa.is_some()));
    let has_token = provider.credentials.variables.iter().any(|set| !set.session_token.is_empty());
    unused(table, provider, "session_token", has_token);
    Some(AccountConfig {
        name: name.text.to_owned(),
        provider,
        endpoint: endpoint.map(|endpoint| endpoint.text.to_owned()),
        settings,
        source: source?,
        mfa,
        requests_per_second,
        jobs,
    })
}

fn provider(table: &Section<'_>) -> Option<&'static Registration> {
    let names: Vec<_> = REGISTRY.iter().map(|registration| registration.name).collect();
    if !table.has("provider") {
        table.missing("provider", &format!("it can be {}", listed(&names)));
    }
    let name = table.word("provider", table.text("provider")?, &names)?;
    REGISTRY.iter().find(|registration| registration.name == name).copied()
}

fn is_endpoint(table: &Section<'_>, Text { text, at }: Text<'_>) -> bool {
    let outcome = Endpoint::parse(text);
    if let Err(error) = &outcome {
        table.say(at, &format!("`endpoint`: {error}"));
    }
    outcome.is_ok()
}

/// The provider's own settings. Where the provider is not known, those of all: their words cannot be judged.
fn settings(table: &Section<'_>, provider: Option<&'static Registration>) -> BTreeMap<&'static str, String> {
    let mut settings = BTreeMap::new();
    let registrations: Vec<_> =
        REGISTRY.iter().filter(|known| provider.is_none_or(|one| one.name == known.name)).collect();
    for setting in registrations.iter().flat_map(|registration| registration.settings) {
        let Some(text) = table.text(setting.key) else { continue };
        let is_judged = provider.is_some() && !setting.values.is_empty();
        if !is_judged || table.word(setting.key, text, setting.values).is_some() {
            settings.insert(setting.key, text.text.to_owned());
        }
    }
    settings
}

/// Notes a key that means nothing to this provider: who writes it expects something of it.
fn unused(table: &Section<'_>, provider: &Registration, key: &str, is_used: bool) {
    if table.has(key) && !is_used {
        table.say(table.at_key(key), &format!("{} has no {}; leave it out", provider.name, shown(key)));
    }
}

/// Where the credentials come from. One source only.
fn source(table: &Section<'_>) -> Option<Source> {
    let access_key = table.sourced("access_key", Literal::Public);
    let secret_key = table.sourced("secret_key", Literal::Secret);
    let session_token = table.sourced("session_token", Literal::Secret);
    let profile = table.text("profile");
    let command = table.command("credentials_command");
    let has_keys = ["access_key", "secret_key", "session_token"].iter().any(|key| table.has(key));
    let given: Vec<_> = [("access_key", has_keys), ("profile", table.has("profile"))]
        .into_iter()
        .chain([("credentials_command", table.has("credentials_command"))])
        .filter(|(_, is_given)| *is_given)
        .collect();
    if let [_, (second, _), ..] = given[..] {
        let what = "credentials have one source: keys, a profile or a command; keep one of them";
        table.say(table.at_key(second), what);
        return None;
    }
    if has_keys {
        for key in ["access_key", "secret_key"].into_iter().filter(|key| !table.has(key)) {
            let other = if key == "access_key" { "secret_key" } else { "access_key" };
            table.missing(key, &format!("give it together with `{other}`"));
        }
        return keys(access_key, secret_key, session_token);
    }
    if table.has("profile") {
        return profile.map(|profile| Source::Profile(profile.text.to_owned()));
    }
    if table.has("credentials_command") {
        return command.map(Source::Command);
    }
    Some(Source::Ambient)
}

fn keys(
    access_key: Option<SecretSource>,
    secret_key: Option<SecretSource>,
    session_token: Option<SecretSource>,
) -> Option<Source> {
    Some(Source::Keys { access_key: access_key?, secret_key: secret_key?, session_token })
}
