//! The `[[certificates]]` tables.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::account::Accounts;
use super::install;
use super::model::{CertificateConfig, Identity, Kubernetes, Selector};
use super::problem::At;
use super::section::{Section, Text, advice, shown};
use super::suggest::listed;
use super::value::Literal;
use crate::credential::SecretSource;
use crate::domain;
use crate::format::{self, Format, Recipe};
use crate::store::Name;

/// How long a command may take, where nothing says otherwise.
const HOOK_TIMEOUT: Duration = Duration::from_secs(60);

/// What a certificate may leave out: the keys that can also stand at the top of the file.
#[derive(Clone)]
pub(super) struct Defaults {
    pub(super) dir: Option<PathBuf>,
    /// Whether there is a `dir`, even if it is not right.
    has_dir: bool,
    pub(super) formats: Vec<Format>,
    owner: Option<Identity>,
    group: Option<Identity>,
    pub(super) key_mode: u32,
    pub(super) cert_mode: u32,
    pub(super) hook_timeout: Duration,
}

impl Defaults {
    /// What the top of the file says, else what certctl does by itself.
    pub(super) fn of_file(root: &Section<'_>) -> Self {
        let built_in = Self {
            dir: None,
            has_dir: false,
            formats: vec![Format::Pem],
            owner: None,
            group: None,
            key_mode: 0o600,
            cert_mode: 0o644,
            hook_timeout: HOOK_TIMEOUT,
        };
        built_in.overridden(root)
    }

    fn overridden(self, table: &Section<'_>) -> Self {
        Self {
            dir: table.absolute_path("dir").or(self.dir),
            has_dir: self.has_dir || table.has("dir"),
            formats: formats(table).unwrap_or(self.formats),
            owner: table.user("owner").or(self.owner),
            group: table.group("group").or(self.group),
            key_mode: table.secret_mode("key_mode").unwrap_or(self.key_mode),
            cert_mode: table.mode("cert_mode").unwrap_or(self.cert_mode),
            hook_timeout: table
                .duration("hook_timeout")
                .filter(|time| is_some_time(table, *time))
                .unwrap_or(self.hook_timeout),
        }
    }
}

fn is_some_time(table: &Section<'_>, time: Duration) -> bool {
    if time.is_zero() {
        table.say(table.at_key("hook_timeout"), "`hook_timeout` is no time at all; write 60s, for example");
    }
    !time.is_zero()
}

/// What the certificates of a file must not share.
#[derive(Default)]
pub(super) struct Taken {
    names: HashMap<String, At>,
    pub(super) paths: HashMap<PathBuf, At>,
}

pub(super) fn read(root: &Section<'_>, defaults: &Defaults, accounts: &Accounts) -> Vec<Arc<CertificateConfig>> {
    let mut taken = Taken::default();
    let tables = root.tables("certificates", |number| format!("certificate {number}"));
    tables.into_iter().filter_map(|table| read_one(table, defaults, accounts, &mut taken)).map(Arc::new).collect()
}

fn read_one(
    table: Section<'_>,
    defaults: &Defaults,
    accounts: &Accounts,
    taken: &mut Taken,
) -> Option<CertificateConfig> {
    if !table.has("name") {
        table.missing("name", "it is the name of the certificate's directory");
    }
    let text = table.text("name");
    let table = match text {
        Some(name) => table.called(format!("certificate {}", shown(name.text))),
        None => table,
    };
    let name = text.and_then(|text| name(&table, text, taken));
    let own = defaults.clone().overridden(&table);
    if !own.has_dir {
        table.missing("dir", "give it here, or one for all at the top of the file");
    }
    let accounts = account_names(&table, accounts);
    let selector = selector(&table, text, accounts.as_deref());
    let (keystore_password, keystore_alias, kubernetes) = extras(&table, &own.formats);
    let install = install::read(&table, &own, name.as_ref(), keystore_password.is_some(), taken);
    let check = table.command("check");
    let hook = table.command("hook");
    let key_password = table.sourced("key_password", Literal::Refused);
    table.finish();
    Some(CertificateConfig {
        name: name?,
        accounts: accounts?,
        selector: selector?,
        dir: own.dir?,
        formats: own.formats,
        owner: own.owner,
        group: own.group,
        key_mode: own.key_mode,
        cert_mode: own.cert_mode,
        install,
        check,
        hook,
        hook_timeout: own.hook_timeout,
        keystore_password,
        keystore_alias,
        kubernetes,
        key_password,
    })
}

fn name(table: &Section<'_>, Text { text, at }: Text<'_>, taken: &mut Taken) -> Option<Name> {
    if let Some(first) = taken.names.get(text) {
        let line = table.context.problems.line(*first);
        table.say(at, &format!("two certificates are called {}, the other on line {line}; rename one", shown(text)));
    }
    taken.names.entry(text.to_owned()).or_insert(at);
    Name::parse(text).map_err(|error| table.say(at, &format!("`name`: {error}; choose another"))).ok()
}

/// `account`, `accounts`, or the only one that there is.
fn account_names(table: &Section<'_>, accounts: &Accounts) -> Option<Vec<String>> {
    let one = table.text("account");
    let several = table.texts("accounts");
    let named = match (table.has("account"), table.has("accounts")) {
        (true, true) => {
            table.say(table.at_key("accounts"), "both `account` and `accounts` are given; keep one of them");
            return None;
        }
        (true, false) => vec![one?],
        (false, true) => several?,
        (false, false) => return only_account(table, accounts),
    };
    let mut names: Vec<String> = Vec::new();
    for Text { text, at } in &named {
        if !accounts.names.iter().any(|name| name == text) {
            let what_to_do = match &accounts.names[..] {
                [] => "add it, in a table [accounts.NAME]".to_owned(),
                names => advice(text, names),
            };
            table.say(*at, &format!("there is no account {}; {what_to_do}", shown(text)));
        } else if names.iter().any(|name| name == text) {
            table.say(*at, &format!("account {} is named twice; keep one", shown(text)));
        } else {
            names.push((*text).to_owned());
        }
    }
    Some(names).filter(|names| names.len() == named.len())
}

fn only_account(table: &Section<'_>, accounts: &Accounts) -> Option<Vec<String>> {
    match &accounts.names[..] {
        [one] => return Some(vec![one.clone()]),
        [] => table.missing("account", "add one, in a table [accounts.NAME]"),
        names => table.missing("account", &format!("there are several; it can be {}", listed(names))),
    }
    None
}

/// `id`, `domains`, or the domain that the certificate is called by.
fn selector(table: &Section<'_>, name: Option<Text<'_>>, accounts: Option<&[String]>) -> Option<Selector> {
    let id = table.text("id");
    let domains = table.texts("domains");
    match (table.has("id"), table.has("domains")) {
        (true, true) => {
            table.say(table.at_key("id"), "both `id` and `domains` are given; keep one of them");
            None
        }
        (true, false) => {
            if accounts.is_some_and(|accounts| accounts.len() > 1) {
                table.say(table.at_key("id"), "an `id` is of one account, but several are named; keep that account");
            }
            Some(Selector::Id(id?.text.to_owned()))
        }
        (false, true) => {
            let domains: Vec<_> = domains?.into_iter().map(|domain| checked_domain(table, domain)).collect();
            domains.into_iter().collect::<Option<_>>().map(Selector::Domains)
        }
        (false, false) => {
            let Text { text, at } = name?;
            // The directory of a wildcard certificate is called so (design section 5).
            let domain = text.strip_prefix("_.").map_or_else(|| text.to_owned(), |parent| format!("*.{parent}"));
            if !domain.contains('.') || !is_domain(&domain) {
                table.say(at, &format!("`name` is {}, which is no domain; add `domains` or `id`", shown(text)));
                return None;
            }
            Some(Selector::Domains(vec![domain]))
        }
    }
}

fn checked_domain(table: &Section<'_>, Text { text, at }: Text<'_>) -> Option<String> {
    if !is_domain(text) {
        table.say(at, &format!("`domains` has {}, which is no domain; write it like www.example.com", shown(text)));
        return None;
    }
    Some(text.to_owned())
}

/// Whether a certificate can be for this name: host names, `*.` before one, and IP addresses.
fn is_domain(text: &str) -> bool {
    let name = domain::normalize(text);
    let host = name.strip_prefix("*.").unwrap_or(&name);
    domain::is_host(host) || name.parse::<std::net::IpAddr>().is_ok()
}

/// The formats by their words, each once; `None` where they are not given or not right.
fn formats(table: &Section<'_>) -> Option<Vec<Format>> {
    let texts = table.texts("formats")?;
    let words = Format::ALL.map(Format::as_str);
    let mut formats = Vec::new();
    for text in &texts {
        let word = table.word("formats", *text, &words);
        let format = word.and_then(Format::parse);
        formats.extend(format.filter(|format| !formats.contains(format)));
    }
    if let Some(what) = Format::clash(&formats) {
        table.say(table.at_key("formats"), what);
    }
    // The PEM files are always written, whether they are named or not.
    if !formats.contains(&Format::Pem) {
        formats.insert(0, Format::Pem);
    }
    Some(formats)
}

type Extras = (Option<SecretSource>, Option<String>, Option<Kubernetes>);

/// What only some formats use.
fn extras(table: &Section<'_>, formats: &[Format]) -> Extras {
    let keystore_password = table.sourced("keystore_password", Literal::Refused);
    let keystore_alias = checked(table, "keystore_alias", Recipe::is_alias, Recipe::ALIASES);
    let kubernetes = table.table("kubernetes").map(|table| kubernetes(&table));
    let has_keystore = formats.iter().any(|format| format.is_keystore());
    let uses = [
        ("keystore_password", has_keystore, "`pkcs12` or `jks`"),
        ("keystore_alias", has_keystore, "`pkcs12` or `jks`"),
        ("kubernetes", formats.contains(&Format::K8sSecret), "`k8s-secret`"),
    ];
    for (key, _, formats) in uses.into_iter().filter(|(key, is_used, _)| table.has(key) && !is_used) {
        table.say(
            table.at_key(key),
            &format!("`{key}` is for a format that is not written; add {formats} to `formats`"),
        );
    }
    (keystore_password, keystore_alias, kubernetes)
}

fn kubernetes(table: &Section<'_>) -> Kubernetes {
    let kubernetes = Kubernetes {
        name: checked(table, "name", format::Kubernetes::is_name, format::Kubernetes::NAMES),
        namespace: checked(table, "namespace", format::Kubernetes::is_namespace, format::Kubernetes::NAMESPACES),
    };
    table.finish();
    kubernetes
}

/// A text that the format takes.
fn checked(table: &Section<'_>, key: &'static str, is_sound: fn(&str) -> bool, what: &str) -> Option<String> {
    let Text { text, at } = table.text(key)?;
    if !is_sound(text) {
        table.say(at, &format!("`{key}` is {}; {what}", shown(text)));
    }
    Some(text.to_owned())
}
