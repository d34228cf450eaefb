//! `certctl config init`

use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::accounts::Candidate;
use super::args::Global;
use super::config::{counted, listings};
use crate::config::starter::{self, Discovery, Offer, offers};
use crate::config::{ConfigError, FILE, Roots, locate, named};
use crate::environment::Environment;
use crate::failure::{Exit, Failure, of_batch};
use crate::text::{shell_word, shown};

/// Writes a config with all that can be found out. Nobody is asked, and no cloud unless `online` says so.
pub(super) async fn run(online: bool, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let path = named(global.config.as_deref(), environment).map_or_else(|| PathBuf::from(FILE), |(_, path)| path);
    if path.symlink_metadata().is_ok() {
        return Err(ConfigError::Exists { path }.into());
    }
    let discovery = Discovery::of(environment);
    discovery.accounts.iter().for_each(|found| tracing::info!("{}: {}", found.config.name, found.place));
    for left_out in &discovery.left_out {
        match left_out.is_wrong {
            true => tracing::warn!("left out: {}", left_out.why),
            false => tracing::info!("left out: {}", left_out.why),
        }
    }
    let (offers, exit) =
        if online { on_offer(&discovery, global, environment).await? } else { (Vec::new(), Exit::Done) };
    let text = starter::text(&discovery, &offers, &directory_beside(&path), environment);
    starter::write(&path, &text)?;
    if !global.quiet {
        let counts = [(discovery.accounts.len(), "account"), (offers.len(), "certificate")];
        let counts = counts.into_iter().filter(|(count, what)| online || *what == "account" || *count > 0);
        let counts = counts.map(|(count, what)| counted(count, what)).collect::<Vec<_>>().join(", ");
        super::print(&format!("{}: written, {counts}\n", shown(&path)))?;
    }
    tracing::info!("{}", next(&path, &discovery, !offers.is_empty(), environment));
    Ok(exit)
}

/// What the accounts hold; an error line for each that does not answer.
async fn on_offer(
    discovery: &Discovery,
    global: &Global,
    environment: &Environment,
) -> Result<(Vec<Offer>, Exit), Failure> {
    let reach = super::reach(global, None)?;
    let candidates: Vec<_> = discovery.accounts.iter().map(|found| Candidate::Configured(&found.config)).collect();
    let (mut held, mut exits) = (Vec::new(), Vec::new());
    for (candidate, outcome) in candidates.iter().zip(listings(&candidates, &reach, environment).await) {
        match outcome {
            Ok(rows) => held.push((candidate.name(), rows)),
            Err(failure) => {
                tracing::error!("{}: {}", candidate.subject(), failure.line());
                exits.push(failure.exit());
            }
        }
    }
    Ok((offers(&held, environment.now()), of_batch(exits)))
}

/// Where certificate directories go: below `/etc` if this is root, else beside the config, where the user can write.
fn directory_beside(config: &Path) -> PathBuf {
    let beside = || Some(std::path::absolute(config).ok()?.parent()?.join("certs"));
    let system = || PathBuf::from("/etc/certctl/certs");
    if geteuid().is_root() { system() } else { beside().unwrap_or_else(system) }
}

/// What the user does now.
fn next(path: &Path, discovery: &Discovery, has_offers: bool, environment: &Environment) -> String {
    let found = locate(None, environment, &Roots::of(environment)).ok().flatten();
    let is_found = found.is_some_and(|found| same_file(&found.path, path));
    let file = shell_word(&path.to_string_lossy());
    let certctl = |command: &str| {
        if is_found { format!("`certctl {command}`") } else { format!("`certctl {command} -c {file}`") }
    };
    if discovery.accounts.is_empty() {
        let check = certctl("config check --online");
        return format!("no credentials were found; next: fill in an account in {}, then {check}", shown(path));
    }
    let dry_run = certctl("sync --dry-run");
    if has_offers {
        format!("next: take away the `# ` in front of what belongs on this machine in {}, then {dry_run}", shown(path))
    } else {
        let list = certctl("list");
        format!("next: {list}, name what belongs on this machine in {}, then {dry_run}", shown(path))
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
