//! What an argument can be given: words that certctl knows, and those of the config and the disk.

use std::path::{Path, PathBuf};

use clap::{Arg, ValueHint};

use super::Candidate;
use super::place::Place;
use crate::config::{Glance, Roots, locate};
use crate::environment::Environment;
use crate::provider::REGISTRY;
use crate::store;

/// Which paths can be given, and which words.
pub(super) fn of(argument: &Arg, place: &Place<'_>, environment: &Environment) -> (&'static str, Vec<Candidate>) {
    let paths = match argument.get_value_hint() {
        ValueHint::FilePath => "files",
        ValueHint::DirPath => "directories",
        _ => "none",
    };
    let possible = argument.get_possible_values();
    let mut candidates = if possible.is_empty() {
        named(argument, place, environment)
    } else {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        shown.map(|value| Candidate::new(value.get_name(), super::help(value.get_help()))).collect()
    };
    candidates.retain(|candidate| !place.has(argument, &candidate.value));
    (paths, candidates)
}

/// The words that only the config and the disk know.
fn named(argument: &Arg, place: &Place<'_>, environment: &Environment) -> Vec<Candidate> {
    let glance = || glance(place, environment);
    match (place.command.get_name(), argument.get_id().as_str()) {
        (_, "account") => accounts(&glance(), place.value("provider")),
        ("sync", "names") => certificates(&glance()),
        ("check", "targets") | ("rollback", "certificate") => {
            let glance = glance();
            let unlisted = unlisted(&glance).into_iter().map(|path| Candidate::new(path, "certificate directory"));
            certificates(&glance).into_iter().chain(unlisted).collect()
        }
        ("rollback", "to") => place.value("certificate").map(|text| versions(text, &glance())).unwrap_or_default(),
        ("download", "name") => {
            let dir = place.value("dir").map(|dir| expanded(dir, environment)).or_else(|| glance().dir);
            directories(&dir.unwrap_or_else(|| ".".into())).map(|name| Candidate::new(name, "")).collect()
        }
        (_, "domain") | ("describe", "certificate") | ("download", "certificates") => domains(&glance()),
        _ => Vec::new(),
    }
}

/// The config file that the command would read.
fn glance(place: &Place<'_>, environment: &Environment) -> Glance {
    let given = place.value("config").map(|path| expanded(path, environment));
    let located = locate(given.as_deref(), environment, &Roots::of(environment));
    located.ok().flatten().map(|location| Glance::at(&location)).unwrap_or_default()
}

/// A path that stands in the line as it was typed.
fn expanded(path: &str, environment: &Environment) -> PathBuf {
    let of_home = path.strip_prefix("~/").and_then(|rest| Some(environment.home()?.join(rest)));
    of_home.unwrap_or_else(|| path.into())
}

/// The config's accounts, of the provider if it is known; without a config, each provider has one of its own name.
fn accounts(glance: &Glance, provider: Option<&str>) -> Vec<Candidate> {
    let own = REGISTRY.iter().map(|registration| (registration.name, Some(registration.name)));
    let configured = glance.accounts.iter().map(|(name, provider)| (name.as_str(), provider.as_deref()));
    let all: Vec<_> = if glance.accounts.is_empty() { own.collect() } else { configured.collect() };
    let fitting = all.into_iter().filter(|(_, of)| provider.is_none() || of.is_none() || *of == provider);
    fitting.map(|(name, provider)| Candidate::new(name, provider.unwrap_or_default())).collect()
}

fn certificates(glance: &Glance) -> Vec<Candidate> {
    glance
        .certificates
        .iter()
        .map(|certificate| Candidate::new(&certificate.name, certificate.domains.join(", ")))
        .collect()
}

fn domains(glance: &Glance) -> Vec<Candidate> {
    let mut domains: Vec<_> = glance.certificates.iter().flat_map(|certificate| &certificate.domains).collect();
    domains.sort_unstable();
    domains.dedup();
    domains.into_iter().filter(|domain| domain.contains('.')).map(|domain| Candidate::new(domain, "")).collect()
}

/// The certificate directories where the config's are, that it does not name.
fn unlisted(glance: &Glance) -> Vec<String> {
    let Some(dir) = &glance.dir else { return Vec::new() };
    let is_unlisted = |name: &String| !glance.certificates.iter().any(|certificate| certificate.name == *name);
    directories(dir).filter(is_unlisted).filter_map(|name| Some(dir.join(name).to_str()?.to_owned())).collect()
}

/// The names of the certificate directories in `dir`.
fn directories(dir: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let certificates = entries.filter(|entry| store::is_certificate_directory(&entry.path()));
    let mut names: Vec<_> = certificates.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.into_iter()
}

/// The versions that can be gone back to, of a certificate of the config or a certificate directory.
fn versions(text: &str, glance: &Glance) -> Vec<Candidate> {
    let configured = glance.certificates.iter().find(|certificate| certificate.name == text);
    let configured = configured.and_then(|certificate| Some(certificate.dir.as_ref()?.join(&certificate.name)));
    let path = configured.unwrap_or_else(|| text.into());
    store::other_versions(&path).into_iter().map(|version| Candidate::new(version, "")).collect()
}
