//! One certificate directory, locked: changes that can be taken back until they are approved of.

use std::ffi::OsStr;
use std::path::Path;

use super::commit::Change;
use super::copies::{self, Copies};
use super::dir::Dir;
use super::error::shown;
use super::inspect::{Current, Need, Survey};
use super::layout::{VERSIONS, Wanted};
use super::lock::Locked;
use super::state::{self, STATE, Unfinished};
use super::sweep::{self, Keep};
use super::version::VersionName;
use super::whole;
use super::{Identity, Install, Name, Options, Outcome, Patience, Rejected, State, StoreError};
use crate::format::FileImage;

/// What a certificate directory and the paths beside it are to hold.
#[derive(Debug)]
pub struct Wish<'a> {
    /// Which certificate.
    pub identity: &'a Identity,
    /// Its files, with their modes.
    pub files: &'a [FileImage],
    /// Copies of some of them at fixed paths.
    pub installs: &'a [Install],
    /// How.
    pub options: &'a Options,
    /// Whether something is to be run after a change: then the change is remembered as unfinished until
    /// [`Directory::finish`], and nothing that it replaced is removed before [`Directory::approve`].
    pub is_followed: bool,
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

    /// What is remembered about it. A damaged file is warned about and taken for a change whose hook is still to come:
    /// a hook that runs once too often does no harm.
    #[must_use]
    pub fn state(&self) -> State {
        state::read(self.certificate()).unwrap_or_else(|error| {
            tracing::warn!("{error}");
            state::damaged()
        })
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
        let previous = survey.open_current().map(|(name, _)| name.clone());
        let after = wish.is_followed.then(|| State {
            unfinished: Some(unfinished(&before, previous.as_ref(), &copies)),
            rejected: before.rejected.clone(),
        });
        let mut step = Step { certificate, before: &before, after, copies };
        let version = step.take(survey, &content)?;
        if step.after.is_none() {
            step.copies.forget_old();
            sweep_old(certificate, previous.as_ref(), &version, &keep(options.keep, &before));
        }
        sweep::stale_links(certificate, &names);
        Ok(applied(&version))
    }

    /// Switches to the version that was current before the present one, or to `to`, and places its copies. What it
    /// takes away is remembered as rejected, unless something newer was; going forward to that one ends it.
    ///
    /// # Errors
    /// When there is no such version or it is damaged; every error leaves all as it was.
    pub fn roll_back(&self, to: Option<&str>, installs: &[Install], options: &Options) -> Result<Applied, StoreError> {
        let certificate = self.certificate();
        let path = || certificate.path().to_owned();
        let before = state::read(certificate)?;
        let survey = Survey::of(certificate, &[])?;
        // Only what was never switched to: the version to go back to may be beyond those that are kept.
        sweep::leftovers(certificate, &survey, &keep(usize::MAX, &before));
        let Some(versions) = &survey.versions else {
            return Err(StoreError::NoOlderVersion { path: path() });
        };
        let target = target(certificate, versions, survey.current.version(), to)?;
        let damaged = |what| StoreError::Damaged { path: path(), version: target.to_string(), what };
        let version = versions.open(target.as_str()).map_err(|_| damaged("it cannot be opened".to_owned()))?;
        let metadata = whole::metadata(&version).map(|(metadata, _)| metadata);
        let metadata = metadata.ok_or_else(|| damaged("its metadata.json cannot be read".to_owned()))?;
        let files = whole::files(&version, &metadata).map_err(damaged)?;
        let contents = |name: &str| files.iter().find(|(file, _)| file == name).map(|(_, file)| file.bytes.as_slice());
        let copies = Copies::plan(installs, contents, options.ownership, certificate.path())?;
        sweep::warn(copies.remove_leftovers(before.unchecked().is_some()));
        let names = whole::names(&metadata);
        let survey = Survey::of(certificate, &names)?;
        let is_current = survey.current.version() == Some(&target);
        let applied = |outcome| Applied { outcome, version: target.to_string(), identity: metadata.identity.clone() };
        if is_current && survey.broken_links.is_empty() && copies.are_right() {
            sweep::stale_links(certificate, &names);
            return Ok(applied(Outcome::Unchanged));
        }
        let current = survey.open_current().map(|(name, version)| (name.clone(), whole::metadata(&version)));
        let previous = current.as_ref().map(|(name, _)| name);
        let after = State {
            unfinished: Some(unfinished(&before, previous, &copies)),
            rejected: if is_current { before.rejected.clone() } else { rejected(&before, current.as_ref(), &target) },
        };
        let mut step = Step { certificate, before: &before, after: Some(after), copies };
        step.take(survey, &Content::Old(&target))?;
        sweep::stale_links(certificate, &names);
        Ok(applied(Outcome::Updated))
    }

    /// Takes back what was applied, in this run or in one that died: the version and the copies that it replaced are
    /// in place again, byte for byte; where there was none, none is. Nothing is done without such a change.
    ///
    /// # Errors
    /// When the disk does not let it; what could be restored is.
    pub fn restore(&self, installs: &[Install], options: &Options) -> Result<(), StoreError> {
        let certificate = self.certificate();
        let state = state::read(certificate)?;
        let Some(change) = state.unchecked() else {
            return Ok(());
        };
        let previous = change.previous.as_ref().and_then(|name| VersionName::parse(OsStr::new(name)));
        let copies = copies::restore(installs, &change.new_copies);
        let version = || {
            let survey = Survey::of(certificate, &[])?;
            sweep::leftovers(certificate, &survey, &keep(usize::MAX, &state));
            match &previous {
                Some(previous) => switch_back(certificate, previous),
                None => remove_all(certificate),
            }
        };
        copies::first(version(), copies)?;
        let before =
            State { unfinished: change.was_pending.then(Unfinished::pending), rejected: change.was_rejected.clone() };
        let survey = Survey::of(certificate, &[])?;
        sweep::leftovers(certificate, &survey, &keep(options.keep, &before));
        if survey.versions.is_some() && previous.is_none() {
            // One that is not empty stays.
            let _ = certificate.remove_empty(VERSIONS);
        }
        state::write(certificate, &before)
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
        copies::forget_old(installs);
        if let Some(current) = current {
            let previous = change.previous.as_ref().and_then(|name| VersionName::parse(OsStr::new(name)));
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

    fn certificate(&self) -> &Dir {
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

fn keep(count: usize, state: &State) -> Keep {
    Keep { count, always: state.versions() }
}

/// What is to be remembered of a change before it begins. One that has not passed its check is not what the next one
/// may go back to.
fn unfinished(before: &State, previous: Option<&VersionName>, copies: &Copies<'_>) -> Unfinished {
    let mut change = before.unchecked().cloned().unwrap_or_else(|| Unfinished {
        previous: previous.map(ToString::to_string),
        was_rejected: before.rejected.clone(),
        was_pending: before.unfinished.is_some(),
        ..Unfinished::default()
    });
    for path in copies.absent() {
        if !change.new_copies.contains(&path) {
            change.new_copies.push(path);
        }
    }
    change
}

/// What a version is to be switched to.
enum Content<'a> {
    /// It is there.
    Old(&'a VersionName),
    /// It is to be written.
    New(&'a Wanted<'a>, &'a Options),
}

/// A change of everything at once, or of nothing.
struct Step<'a> {
    certificate: &'a Dir,
    before: &'a State,
    /// What is remembered before anything changes.
    after: Option<State>,
    copies: Copies<'a>,
}

impl Step<'_> {
    fn take(&mut self, survey: Survey, content: &Content<'_>) -> Result<VersionName, StoreError> {
        let mut change = Change::begin(self.certificate, survey.versions, survey.current);
        let taken = self.go(&mut change, &survey.broken_links, content);
        if taken.is_err() {
            self.copies.undo();
            change.undo();
            if self.after.is_some() {
                sweep::warn(state::write(self.certificate, self.before));
            }
        }
        taken
    }

    fn go(
        &mut self,
        change: &mut Change<'_>,
        broken_links: &[String],
        content: &Content<'_>,
    ) -> Result<VersionName, StoreError> {
        if let Some(after) = &self.after {
            state::write(self.certificate, after)?;
        }
        self.copies.prepare(self.before.unchecked())?;
        let version = match content {
            Content::Old(version) => (*version).clone(),
            Content::New(wanted, options) => change.write_version(wanted, options.now)?,
        };
        change.put_links(broken_links)?;
        change.switch(&version)?;
        self.copies.switch()?;
        change.sync()?;
        self.copies.sync()?;
        Ok(version)
    }
}

/// The version to go back to.
fn target(
    certificate: &Dir,
    versions: &Dir,
    current: Option<&VersionName>,
    to: Option<&str>,
) -> Result<VersionName, StoreError> {
    let known = sweep::versions_in(versions)?;
    let path = certificate.path().to_owned();
    match to {
        Some(wanted) => known.iter().find(|name| name.as_str() == wanted).cloned().ok_or_else(|| {
            let known = known.iter().map(ToString::to_string).collect();
            StoreError::NoSuchVersion { path, wanted: wanted.to_owned(), known }
        }),
        None => known
            .into_iter()
            .rfind(|name| current.is_some_and(|current| name < current))
            .ok_or(StoreError::NoOlderVersion { path }),
    }
}

/// The newest certificate that was rejected, once the current one is, too. Going forward to it ends that.
fn rejected(
    before: &State,
    current: Option<&(VersionName, Option<(super::metadata::Metadata, super::dir::FileFound)>)>,
    target: &VersionName,
) -> Option<Rejected> {
    let current = current.and_then(|(version, metadata)| {
        let Some((metadata, _)) = metadata else {
            tracing::warn!("{version}: its metadata.json is damaged, so nothing keeps sync from installing it again");
            return None;
        };
        let Identity { id, not_before, not_after, .. } = metadata.identity.clone();
        Some(Rejected { version: version.to_string(), id, not_before, not_after })
    });
    let age = |rejected: &Rejected| (rejected.not_before, rejected.not_after, rejected.id.clone());
    let newest = before.rejected.clone().into_iter().chain(current).max_by_key(age);
    newest.filter(|rejected| rejected.version != target.as_str())
}

/// Makes `previous` the current version again.
fn switch_back(certificate: &Dir, previous: &VersionName) -> Result<(), StoreError> {
    let survey = Survey::of(certificate, &[])?;
    let version = survey.versions.as_ref().and_then(|versions| versions.open(previous.as_str()).ok());
    let Some(version) = version else {
        let (path, version) = (certificate.path().to_owned(), previous.to_string());
        return Err(StoreError::Damaged { path, version, what: "it is gone".to_owned() });
    };
    let names = version.names()?.into_iter().filter_map(|name| name.into_string().ok());
    let names: Vec<_> = names.filter(|name| super::layout::is_file_name(name)).collect();
    let survey = Survey::of(certificate, &names)?;
    let mut change = Change::begin(certificate, survey.versions, survey.current);
    change.put_links(&survey.broken_links)?;
    change.switch(previous)?;
    change.sync()?;
    sweep::stale_links(certificate, &names);
    Ok(())
}

/// Removes the current version and all that leads to it.
fn remove_all(certificate: &Dir) -> Result<(), StoreError> {
    let survey = Survey::of(certificate, &[])?;
    if survey.current.target().is_some() {
        certificate.unlink(super::layout::CURRENT)?;
        certificate.sync()?;
    }
    sweep::stale_links(certificate, &[]);
    match (&survey.versions, survey.current.version()) {
        (Some(versions), Some(version)) => versions.remove_tree(version.as_str()),
        _ => Ok(()),
    }
}

fn sweep_old(certificate: &Dir, previous: Option<&VersionName>, current: &VersionName, keep: &Keep) {
    if let Ok(versions) = certificate.open(VERSIONS) {
        sweep::old_versions(&versions, previous, current, keep);
    }
}
