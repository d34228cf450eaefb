//! The user's commands in a run.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::account::withheld;
use crate::config::{Command, Config, Hooks};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::hook::{Concern, Hook, HookError, Role};
use crate::stop::Stop;

/// Runs the commands of one run.
#[derive(Debug)]
pub(in crate::run) struct Commands {
    environment: Environment,
    /// The variables that no command gets to see.
    withheld: Vec<String>,
    hooks: Hooks,
    limit: Duration,
    stop: Stop,
    /// The certificates that are about to change, for `before`.
    to_change: Concern,
    /// What became of `before`, once it is known that something changes.
    before: OnceLock<Option<Arc<Failure>>>,
}

impl Commands {
    pub(in crate::run) fn new(
        config: Option<&Config>,
        environment: &Environment,
        stop: &Stop,
        to_change: Vec<String>,
    ) -> Self {
        Self {
            environment: environment.clone(),
            withheld: withheld(config),
            hooks: config.map(|config| config.hooks.clone()).unwrap_or_default(),
            limit: config.map(|config| config.hook_timeout).unwrap_or_default(),
            stop: stop.clone(),
            to_change: Concern::named(to_change),
            before: OnceLock::new(),
        }
    }

    /// Runs one. This blocks.
    pub(in crate::run) fn run(
        &self,
        role: Role,
        command: &Command,
        limit: Duration,
        concern: &Concern,
    ) -> Result<(), HookError> {
        self.run_until(role, command, limit, concern, &self.stop)
    }

    fn run_until(
        &self,
        role: Role,
        command: &Command,
        limit: Duration,
        concern: &Concern,
        stop: &Stop,
    ) -> Result<(), HookError> {
        let withheld: Vec<&str> = self.withheld.iter().map(String::as_str).collect();
        Hook { role, command, limit, concern }.run(&self.environment, &withheld, stop)
    }

    /// Just before the first change: `before`, once. Whoever else is about to change something waits for it. This
    /// blocks.
    pub(super) fn before(&self) -> Result<(), Arc<Failure>> {
        let run = || {
            let command = self.hooks.before.as_ref()?;
            self.run(Role::Before, command, self.limit, &self.to_change)
                .err()
                .map(|error| Arc::new(Failure::Hook(error)))
        };
        self.before.get_or_init(run).clone().map_or(Ok(()), Err)
    }

    /// At the end of a run in which the moment of `before` came, whatever became of it: `after`. This blocks.
    ///
    /// A run that was told to stop begins nothing new, but what `before` has begun it ends.
    pub(super) fn after(&self, changed: &Concern) -> Result<(), HookError> {
        match self.hooks.after.as_ref().filter(|_| self.before.get().is_some()) {
            Some(command) => self.run_until(Role::After, command, self.limit, changed, &Stop::default()),
            None => Ok(()),
        }
    }

    /// At the end of a run that failed: `failed`. This blocks.
    pub(super) fn failed(&self, failed: &Concern) -> Result<(), HookError> {
        match &self.hooks.failed {
            Some(command) => self.run(Role::Failed, command, self.limit, failed),
            None => Ok(()),
        }
    }
}
