//! A change is taken back.

use super::commit::Change;
use super::copies;
use super::dir::Dir;
use super::directory::{self, Directory};
use super::inspect::Survey;
use super::layout::{self, CURRENT, VERSIONS};
use super::state::{self, State, Unfinished};
use super::sweep;
use super::version::VersionName;
use super::{Install, Options, StoreError};

impl Directory {
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
        let previous = change.previous_version();
        let copies = copies::restore(installs, change);
        let version = || {
            let survey = Survey::of(certificate, &[])?;
            sweep::leftovers(certificate, &survey, &directory::keep(usize::MAX, &state));
            match &previous {
                Some(previous) => switch_back(certificate, previous),
                None => remove_all(certificate),
            }
        };
        copies::first(version(), copies)?;
        let before =
            State { unfinished: change.was_pending.then(Unfinished::pending), rejected: change.was_rejected.clone() };
        let survey = Survey::of(certificate, &[])?;
        sweep::leftovers(certificate, &survey, &directory::keep(options.keep, &before));
        if survey.versions.is_some() && previous.is_none() {
            // One that is not empty stays.
            let _ = certificate.remove_empty(VERSIONS);
        }
        state::write(certificate, &before)
    }
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
    let names: Vec<_> = names.filter(|name| layout::is_file_name(name)).collect();
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
        certificate.unlink(CURRENT)?;
        certificate.sync()?;
    }
    sweep::stale_links(certificate, &[]);
    match (&survey.versions, survey.current.version()) {
        (Some(versions), Some(version)) => versions.remove_tree(version.as_str()),
        _ => Ok(()),
    }
}
