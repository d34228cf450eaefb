//! `certctl.toml`: what the user wants, checked as a whole before anything is asked of a cloud.
//!
//! [`locate`] finds the file, [`Config::load`] reads it. A file with mistakes yields all of them, each with its line;
//! what is read but not a mistake is a [`Config`], with every default filled in.

mod account;
mod certificate;
mod file;
mod glance;
mod host;
mod install;
mod locate;
mod model;
mod problem;
mod section;
pub mod show;
pub mod starter;
mod suggest;
mod value;

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

pub use glance::{Glance, GlancedCertificate};
pub use host::{Host, Machine, Program};
pub use locate::{FILE, Location, Roots, locate, named};
pub use model::{AccountConfig, CertificateConfig, Command, Config, Hooks, Identity, Kubernetes, Selector, Source};
pub use problem::{ConfigError, Problem};
pub use suggest::nearest;

pub use crate::format::Format;
pub use crate::store::KEEP;
use certificate::Defaults;
use file::File;
use problem::Problems;
use section::{Context, Section};

/// How long before its end an installed certificate is warned about, where nothing says otherwise.
const WARN_BEFORE: Duration = Duration::from_secs(14 * 86_400);

impl Config {
    /// Reads the file that is there.
    ///
    /// # Errors
    /// When it cannot be read or must not be trusted, and all of the mistakes in it.
    pub fn load(location: &Location, host: &dyn Host) -> Result<Self, ConfigError> {
        let path = &location.path;
        let file = File::read(location)?;
        let problems = Problems::new(path, &file.text);
        let tree = problems.parse(&file.text)?;
        let context = Context { problems: &problems, host, literal: Cell::new(None) };
        let config = read(path, &Section::root(&tree, &context));
        let warnings = file.judge(&context.literal, &problems);
        problems.none()?;
        Ok(Self { warnings, ..config })
    }
}

fn read(path: &Path, root: &Section<'_>) -> Config {
    let keep = root.integer("keep", 0, 1_000).and_then(|keep| usize::try_from(keep).ok()).unwrap_or(KEEP);
    let warn_before = root.duration("warn_before").unwrap_or(WARN_BEFORE);
    let defaults = Defaults::of_file(root);
    let accounts = account::read(root);
    let certificates = certificate::read(root, &defaults, &accounts);
    let hooks = root.table("hooks").map(|hooks| read_hooks(&hooks)).unwrap_or_default();
    root.finish();
    Config {
        file: path.to_owned(),
        dir: defaults.dir,
        keep,
        warn_before,
        hook_timeout: defaults.hook_timeout,
        accounts: accounts.known,
        certificates,
        hooks,
        warnings: Vec::new(),
    }
}

fn read_hooks(table: &Section<'_>) -> Hooks {
    let hooks =
        Hooks { before: table.command("before"), after: table.command("after"), failed: table.command("failed") };
    table.finish();
    hooks
}
