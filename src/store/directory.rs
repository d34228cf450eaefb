//! One certificate directory, locked: changes that can be taken back until they are approved of.

use std::path::Path;

use super::copies::{self, Copies};
use super::dir::Dir;
use super::error::shown;
use super::inspect::{Current, Need, Survey};
use super::layout::{VERSIONS, Wanted};
use super::lock::Locked;
use super::state::{self, STATE, Unfinished};
use super::step::{Content, Step, unfinished};
use super::sweep::{self, Keep};
use super::version::VersionName;
use super::{Identity, Install, Name, Options, Outcome, Patience, Rejected, State, StoreError};
use crate::format::FileImage;

/// What a certificate directory and the paths beside it are to hold.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Which certificate.
    pub identity: &'a Identity,
    /// Its files, with their modes. Their names differ from each other and from the store's own: `current`, `versions`,
    /// `metadata.json`.
    pub files: &'a [FileImage],
    /// Copies of some of them at fixed paths.
    pub installs: &'a [Install],
    /// How.
    pub options: &'a Options,
    /// Whether something is to be run after a change: then the change is remembered as unfinished until
    /// [`Directory::finish`], and nothing that it replaced is removed before [`Directory::approve`].
    pub is_followed: bool,
}

impl<'a> Wish<'a> {
    /// The certificate directory alone, and nothing is run after the change.
    #[must_use]
    pub fn alone(identity: &'a Identity, files: &'a [FileImage], options: &'a Options) -> Self {
        Self { identity, files, installs: &[], options, is_followed: false }
    }
}

/// A change that was made, and can still be taken back.
#[derive(Debug)]
pub struct Applied {
    /// What was done; a copy that was missing or wrong counts as updated.
    pub outcome: Outcome,
    /// The version now in place.
    pub version: String,
    /// The certificate now in place.
    pub identity: Identity,
}

/// A certificate directory that this run alone may change, as long as this lives.
#[derive(Debug)]
pub struct Directory {
    locked: Locked,
}

impl Directory {
    /// Reaches `<dir>/<name>`, making what is missing, and waits for the lock. This blocks. A directory that was made
    /// and into which nothing was put is removed again when the value is dropped.
    ///
    /// # Errors
    /// When it cannot be reached, is not certctl's, or another certctl holds the lock for too long.
    pub fn lock(dir: &Path, name: &Name, patience: &Patience) -> Result<Self, StoreError> {
        let locked = Locked::enter(dir, name, patience)?;
        if state::load(&locked.certificate)?.is_none() {
            let path = locked.certificate.path().join(STATE);
            tracing::warn!("{} is damaged: the hook is run again, and no rollback is known of any more", shown(&path));
        }
        Ok(Self { locked })
    }

    /// `<dir>/<name>`, as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.certificate().path()
    }

    /// What is remembered about it. A damaged file is taken for a change whose hook is still to come: a hook that runs
    /// once too often does no harm.
    ///
    /// # Errors
    /// When it cannot be read, which says nothing about it: a change may still have to pass its check.
    pub fn state(&self) -> Result<State, StoreError> {
        state::read(self.certificate())
    }

    /// What [`Directory::apply`] would come to. Writes nothing.
    ///
    /// # Errors
    /// As for [`Directory::apply`], as far as they show without writing.
    pub fn preview(&self, wish: &Wish<'_>) -> Result<Outcome, StoreError> {
        preview(self.certificate(), wish)
    }

    /// Makes the directory and the installed copies hold what is wished for.
    ///
    /// # Errors
    /// Every error leaves directory and copies as they were before, but for what an earlier run that died had left.
    pub fn apply(&self, wish: &Wish<'_>) -> Result<Applied, StoreError> {
        let Wish { identity, files, options, .. } = *wish;
        let certificate = self.certificate();
        let before = state::read(certificate)?;
        let wanted = Wanted::new(identity, files, options.now, options.ownership);
        let names = wanted.names();
        let survey = Survey::of(certificate, &names)?;
        let copies = plan(certificate, wish)?;
        sweep::leftovers(certificate, &survey, &keep(options.keep, &before));
        sweep::warn(copies.remove_leftovers(before.unchecked().is_some()));
        let need = survey.need(certificate, &wanted, options.force)?;
        let outcome = outcome(&need, &survey.current, &copies);
        let applied = |version: &VersionName| Applied {
            outcome,
            version: version.to_string(),
            identity: wanted.metadata.identity.clone(),
        };
        let content = match &need {
            Need::Nothing(version) if outcome == Outcome::Unchanged => {
                sweep::stale_links(certificate, &names);
                return Ok(applied(version));
            }
            Need::Nothing(version) | Need::Links(version) => Content::Old(version),
            Need::Version => Content::New(&wanted, options),
        };
        let previous = survey.open_current()?.map(|(name, _)| name.clone());
        let after = wish.is_followed.then(|| State {
            unfinished: Some(unfinished(&before, previous.as_ref(), &copies)),
            rejected: before.rejected.clone(),
        });
        let mut step = Step { certificate, before: &before, after, copies };
        let version = step.take(survey, &content)?;
        if step.after.is_none() {
            if before.unchecked().is_none() {
                step.copies.forget_old();
            }
            sweep_old(certificate, previous.as_ref(), &version, &keep(options.keep, &before));
        }
        sweep::stale_links(certificate, &names);
        Ok(applied(&version))
    }

    /// The check was passed: what the change replaced goes, the hook is still to come.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn approve(&self, installs: &[Install], options: &Options) -> Result<(), StoreError> {
        let certificate = self.certificate();
        let mut state = state::read(certificate)?;
        let Some(change) = state.unfinished.replace(Unfinished::pending()) else {
            return Ok(());
        };
        let current = Survey::of(certificate, &[])?.current;
        let current = current.version();
        // A rollback that died before its switch rejects nothing.
        let is_in_place = |rejected: &Rejected| current.is_some_and(|current| current.as_str() == rejected.version);
        state.rejected = state.rejected.filter(|rejected| !is_in_place(rejected));
        state::write(certificate, &state)?;
        copies::forget_old(installs, &change);
        if let Some(current) = current {
            let previous = change.previous_version();
            sweep_old(certificate, previous.as_ref(), current, &keep(options.keep, &state));
        }
        Ok(())
    }

    /// Nothing is to follow any more.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn finish(&self) -> Result<(), StoreError> {
        let state = state::read(self.certificate())?;
        state::write(self.certificate(), &State { unfinished: None, ..state })
    }

    /// Whatever was rejected may be installed again. Its version goes, unless it is the current one: it is not what one
    /// would go back to.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn unpin(&self) -> Result<(), StoreError> {
        let mut state = state::read(self.certificate())?;
        let Some(rejected) = state.rejected.take() else {
            return Ok(());
        };
        state::write(self.certificate(), &state)?;
        let survey = Survey::of(self.certificate(), &[])?;
        if let (Some(versions), Some(current), None) = (&survey.versions, survey.current.version(), state.unchecked()) {
            sweep::rejected(versions, &rejected.version, current);
        }
        Ok(())
    }

    pub(super) fn certificate(&self) -> &Dir {
        &self.locked.certificate
    }
}

/// What [`Directory::apply`] would come to, in a directory that need not be locked.
pub(super) fn preview(certificate: &Dir, wish: &Wish<'_>) -> Result<Outcome, StoreError> {
    state::read(certificate)?;
    let wanted = Wanted::new(wish.identity, wish.files, wish.options.now, wish.options.ownership);
    let survey = Survey::of(certificate, &wanted.names())?;
    let copies = plan(certificate, wish)?;
    Ok(outcome(&survey.need(certificate, &wanted, wish.options.force)?, &survey.current, &copies))
}

fn plan<'a>(certificate: &Dir, wish: &Wish<'a>) -> Result<Copies<'a>, StoreError> {
    let files = wish.files;
    let contents = |name: &str| files.iter().find(|file| file.name == name).map(|file| file.bytes.as_slice());
    Copies::plan(wish.installs, contents, wish.options.ownership, certificate.path())
}

fn outcome(need: &Need, current: &Current, copies: &Copies<'_>) -> Outcome {
    match (need, current) {
        (Need::Nothing(_), _) if copies.are_right() => Outcome::Unchanged,
        (Need::Version, Current::Absent) => Outcome::Created,
        _ => Outcome::Updated,
    }
}

/// Which versions stay, whatever is done.
pub(super) fn keep(count: usize, state: &State) -> Keep {
    Keep { count, always: state.versions() }
}

fn sweep_old(certificate: &Dir, previous: Option<&VersionName>, current: &VersionName, keep: &Keep) {
    match certificate.open(VERSIONS) {
        Ok(versions) => sweep::old_versions(&versions, previous, current, keep),
        Err(error) => sweep::warn(Err(error)),
    }
}
