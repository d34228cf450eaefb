//! A certificate goes back to a version that was in place before.

use std::sync::{Arc, RwLock};

use super::blocking;
use super::outcome::Row;
use super::sync::{Commands, Workshop, subject};
use crate::config::{CertificateConfig, Config};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::hook::{Concern, Role};
use crate::store::{self, Options, Ownership, Patience, RunLock};

/// Which certificate goes back, and to what.
#[derive(Debug)]
pub struct Rollback<'a> {
    /// Where it is, whose its files are, and what is run.
    pub certificate: Arc<CertificateConfig>,
    /// The version; `None`: the one before.
    pub to: Option<String>,
    /// The config, if there is one.
    pub config: Option<&'a Config>,
    /// The clock and the variables.
    pub environment: &'a Environment,
    /// Old versions that stay.
    pub keep: usize,
    /// How long to wait for another certctl, and what ends this run early.
    pub patience: Patience,
}

impl Rollback<'_> {
    /// Switches back, checks, and runs the hook. What was in place is pinned: `sync` does not install it again.
    ///
    /// # Errors
    /// When there is no such version, or the check failed; then all is as it was.
    pub async fn run(self) -> Result<Row, Arc<Failure>> {
        let workshop = Workshop {
            commands: Commands::new(self.config, self.environment, &self.patience.stop, Vec::new()),
            options: Options {
                keep: self.keep,
                force: true,
                patience: self.patience,
                now: self.environment.now(),
                ownership: Ownership::default(),
            },
            gate: RwLock::new(()),
        };
        let (certificate, to) = (self.certificate, self.to);
        let home = self.config.and_then(super::home);
        let work = move || {
            // A sync under way must not switch, check or run hooks meanwhile.
            let patience = &workshop.options.patience;
            let lock = home.map(|home| RunLock::take(&home, patience)).transpose();
            let _lock = lock.map_err(|error| Failure::from(error).unless_stopped(&patience.stop))?;
            Ok(roll_back(&workshop, &certificate, to.as_deref()))
        };
        blocking(work).await?
    }
}

fn roll_back(workshop: &Workshop, certificate: &CertificateConfig, to: Option<&str>) -> Result<Row, Arc<Failure>> {
    let directory = workshop.enter(certificate)?;
    let options = workshop.options(certificate);
    let applied = directory.roll_back(to, &certificate.install, &options).map_err(Failure::from)?;
    let identity = applied.identity;
    let row = Row {
        path: Some(directory.path().to_owned()),
        version: Some(applied.version),
        installed: Some(identity.clone()),
        ..Row::of(identity.clone(), applied.outcome.into())
    };
    let is_checked = match applied.outcome {
        // One that died after its check owes the hook alone.
        store::Outcome::Unchanged => match directory.state().map_err(Failure::from)?.unfinished {
            Some(change) => change.is_checked,
            None => return Ok(row),
        },
        _ => false,
    };
    if !is_checked {
        workshop.check(certificate, &directory, &identity)?;
    }
    if let Some(command) = &certificate.hook {
        let concern = Concern::of(vec![subject(certificate, &identity)]);
        if let Err(error) = workshop.commands.run(Role::Hook, command, certificate.hook_timeout, &concern) {
            return Ok(Row { failure: Some(Failure::Hook(error).into()), is_pending: true, ..row });
        }
    }
    directory.finish().map_err(Failure::from)?;
    Ok(row)
}
