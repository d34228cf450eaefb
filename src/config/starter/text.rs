//! The file's text.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Discovered, Discovery, LeftOut, Offer};
use crate::config::{AccountConfig, Source};
use crate::credential::SecretSource;
use crate::environment::Environment;
use crate::http::Endpoint;
use crate::provider::{REGISTRY, Registration, Setting};
use crate::text::is_acted_on;

const HEAD: &str = r"# certctl.toml: the accounts that certctl asks, and the certificates that belong on this machine.
#
#   certctl config check            is everything in here right?
#   certctl config check --online   and do the clouds answer?
#   certctl config show             what certctl makes of it, secrets hidden
#   certctl list                    which certificates there are
#   certctl sync --dry-run          what would be installed
#
# Unknown keys are refused. All paths are absolute. Durations: 60s, 30m, 12h, 14d.
";

const ACCOUNTS: &str = r#"
# keep = 3                      # old versions kept
# warn_before = "14d"           # warn if the installed certificate ends so soon and there is no newer one

# Accounts. Credentials come from one of:
#   access_key and secret_key (and session_token): { env = "NAME" }, { file = "/path" }, or a string if nobody else
#     can read this file;
#   profile = "NAME": the official tool's own file, below the home directory of who runs certctl;
#   credentials_command = ["program", "argument"]: prints {"access_key", "secret_key"} as JSON;
#   none of these: the cloud's usual environment variables, then its tool's file.
# Also: endpoint = "https://…", requests_per_second = 10, jobs = 8.
"#;

const CERTIFICATES: &str = r#"
# Certificates that belong on this machine: the newest issued one that covers the domains.
#
# [[certificates]]
# name = "www.example.com"                # the directory's name
# account = "NAME"                        # or accounts = ["NAME", "OTHER"]; may be left out if there is only one
# domains = ["www.example.com"]           # default: the name; or id = "…" to pin one
# formats = ["pem"]                       # pem, combined, pkcs12, pkcs12-legacy, jks, der, k8s-secret
# owner = "root"
# group = "nginx"
# key_mode = "0640"                       # default 0600; cert_mode: 0644
# install = [
#   { file = "fullchain.pem", to = "/etc/nginx/ssl/www.crt" },
#   { file = "privkey.pem", to = "/etc/nginx/ssl/www.key", mode = "0600" },
# ]
# check = ["nginx", "-t"]
# hook = ["systemctl", "reload", "nginx"]
# hook_timeout = "60s"
"#;

const HOOKS: &str = r#"
# Commands around a whole run: a list, or one string for /bin/sh -c.
#
# [hooks]
# before = ["/usr/local/bin/maintenance", "on"]
# after = ["/usr/local/bin/maintenance", "off"]
# failed = ["/usr/local/bin/page", "certctl"]
"#;

/// A commented config: the accounts that were found, those that could be as comments, and as comments, too, the
/// certificates on offer. A key is on no machine unless somebody has said that it belongs there.
#[must_use]
pub fn text(discovery: &Discovery, offers: &[Offer], dir: &Path, environment: &Environment) -> String {
    let dir = string(&dir.display().to_string());
    let dir = format!("\n{:<31} # where certificate directories go", format!("dir = {dir}"));
    let accounts = REGISTRY.iter().map(|registration| of_provider(registration, discovery, environment));
    let accounts = accounts.collect::<String>();
    let offers = on_offer(offers, environment.now());
    format!("{HEAD}{dir}{ACCOUNTS}{accounts}{CERTIFICATES}{offers}{HOOKS}")
}

/// The tables of one provider: what was found, what was left out; if neither, one to fill in.
fn of_provider(registration: &'static Registration, discovery: &Discovery, environment: &Environment) -> String {
    let is_of = |provider: &Registration| provider.name == registration.name;
    let found = discovery.accounts.iter().filter(|found| is_of(found.config.provider));
    let found = found.map(|Discovered { config, place }| {
        format!("\n{}{}{}", above(config, place), table(config), commented(&unset(config, environment)))
    });
    let left_out = discovery.left_out.iter().filter(|left_out| is_of(left_out.provider));
    let left_out = left_out.map(|LeftOut { why, account, .. }| {
        let table = account.as_ref().map(|account| commented(&table(account))).unwrap_or_default();
        format!("\n# Left out: {why}\n{table}")
    });
    let text: String = found.chain(left_out).collect();
    if text.is_empty() {
        let name = registration.name;
        let settings = registration.settings.iter().map(setting).collect::<String>();
        return format!("\n{}", commented(&format!("[accounts.{name}]\nprovider = {}\n{settings}", string(name))));
    }
    text
}

/// Where the keys are; of variables, what else a nightly run needs.
fn above(config: &AccountConfig, place: &str) -> String {
    let Source::Keys { session_token, .. } = &config.source else { return format!("# {place}\n") };
    let name = &config.name;
    let temporary = match session_token {
        Some(_) => {
            "# With a session token they are for some hours only: a nightly run needs lasting ones, or a\n# credentials_command.\n"
        }
        None => "",
    };
    format!(
        "# {place}, as it was when this was written.\n\
         # cron and systemd have no such variables. For these put each value into a file of its own, mode 0600, and write\n\
         #   access_key = {{ file = \"/etc/certctl/{name}.id\" }}\n\
         #   secret_key = {{ file = \"/etc/certctl/{name}.key\" }}\n{temporary}"
    )
}

fn table(config: &AccountConfig) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let name = if config.name.chars().all(is_bare) { config.name.clone() } else { string(&config.name) };
    let (profile, keys) = match &config.source {
        Source::Profile(profile) => (Some(string(profile)), [None; 3]),
        Source::Keys { access_key, secret_key, session_token } => {
            (None, [Some(access_key), Some(secret_key), session_token.as_ref()])
        }
        Source::Command(_) | Source::Ambient => (None, [None; 3]),
    };
    let names = ["access_key", "secret_key", "session_token", "mfa"];
    let secrets = names.into_iter().zip(keys.into_iter().chain([config.mfa.as_ref()]));
    let secrets = secrets.filter_map(|(key, source)| Some((key, variable(source?)?)));
    let settings = config.settings.iter().map(|(key, value)| (*key, string(value)));
    let lines = profile.map(|profile| ("profile", profile)).into_iter().chain(secrets).chain(settings);
    let lines = lines.map(|(key, value)| format!("{key} = {value}\n")).collect::<String>();
    format!("[accounts.{name}]\nprovider = {}\n{lines}", string(config.provider.name))
}

/// What else could be said of the account.
fn unset(config: &AccountConfig, environment: &Environment) -> String {
    let registration = config.provider;
    let settings = registration.settings.iter().filter(|setting| !config.settings.contains_key(setting.key));
    let endpoint = format!("CERTCTL_{}_ENDPOINT", registration.name.to_uppercase());
    let given = environment.variable(&endpoint).filter(|url| Endpoint::parse(url).is_ok());
    let given = given.map(|url| format!("endpoint = {}   # {endpoint} said so\n", string(url)));
    settings.map(setting).chain(given).collect()
}

fn setting(setting: &Setting) -> String {
    let others = setting.values.get(1..).unwrap_or_default().join(", ");
    let note = if others.is_empty() { String::new() } else { format!("   # or {others}") };
    format!("{} = \"{}\"{note}\n", setting.key, setting.values.first().unwrap_or(&"…"))
}

fn on_offer(offers: &[Offer], now: Timestamp) -> String {
    if offers.is_empty() {
        return String::new();
    }
    let date = |time: Timestamp| time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string();
    let tables = offers.iter().map(|Offer { name, accounts, domains, not_after }| {
        let until = not_after.map(|end| format!("   # until {}", date(end))).unwrap_or_default();
        let accounts = match &accounts[..] {
            [one] => format!("account = {}", string(one)),
            several => format!("accounts = {}", strings(several)),
        };
        // The directory's name says it, where there is one.
        let domains = Some(domains).filter(|domains| domains.len() > 1);
        let domains = domains.map(|domains| format!("domains = {}\n", strings(domains))).unwrap_or_default();
        let table = format!("[[certificates]]\nname = {}{until}\n{accounts}\n{domains}", string(name.as_str()));
        format!("#\n{}", commented(&table))
    });
    format!(
        "\n# What the accounts held on {}, the newest of each name. Take away the `# ` in front of what belongs on this\n\
         # machine: `certctl sync` writes it, with its private key.\n{}",
        date(now),
        tables.collect::<String>()
    )
}

fn commented(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

fn variable(source: &SecretSource) -> Option<String> {
    match source {
        SecretSource::Env(variable) => Some(format!("{{ env = {} }}", string(variable))),
        SecretSource::Literal(_) | SecretSource::File(_) => None,
    }
}

fn strings(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| string(text)).collect::<Vec<_>>().join(", "))
}

/// A TOML string on one line.
fn string(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if is_acted_on(c) => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
