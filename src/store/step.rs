//! One change of everything at once: what is remembered, the version, the copies.

use std::path::PathBuf;

use super::Options;
use super::commit::Change;
use super::copies::Copies;
use super::dir::Dir;
use super::error::StoreError;
use super::inspect::Survey;
use super::layout::Wanted;
use super::state::{self, State, Unfinished};
use super::sweep;
use super::version::VersionName;

/// What is to be remembered of a change before it begins. One that has not passed its check is not what the next one
/// may go back to.
pub(super) fn unfinished(before: &State, previous: Option<&VersionName>, copies: &Copies<'_>) -> Unfinished {
    let mut change = before.unchecked().cloned().unwrap_or_else(|| Unfinished {
        previous: previous.map(ToString::to_string),
        was_rejected: before.rejected.clone(),
        was_pending: before.unfinished.is_some(),
        ..Unfinished::default()
    });
    change.rollback_to = None;
    add(&mut change.copies, copies.wrong());
    add(&mut change.new_copies, copies.absent());
    change
}

fn add(known: &mut Vec<PathBuf>, more: impl Iterator<Item = PathBuf>) {
    for path in more {
        if !known.contains(&path) {
            known.push(path);
        }
    }
}

/// What a version is to be switched to.
pub(super) enum Content<'a> {
    /// It is there.
    Old(&'a VersionName),
    /// It is to be written.
    New(&'a Wanted<'a>, &'a Options),
}

/// A change of everything at once, or of nothing.
pub(super) struct Step<'a> {
    pub(super) certificate: &'a Dir,
    pub(super) before: &'a State,
    /// What is remembered before anything changes.
    pub(super) after: Option<State>,
    pub(super) copies: Copies<'a>,
}

impl Step<'_> {
    /// All of it is done, or nothing.
    pub(super) fn take(&mut self, survey: Survey, content: &Content<'_>) -> Result<VersionName, StoreError> {
        let mut change = Change::begin(self.certificate, survey.versions, survey.current);
        let taken = self.go(&mut change, &survey.broken_links, content);
        if taken.is_err() {
            self.copies.undo();
            // What cannot be undone now stays unfinished, for the next run to take back.
            let is_remembered = self.after.is_some();
            sweep::warn(
                change
                    .undo()
                    .and_then(|()| if is_remembered { state::write(self.certificate, self.before) } else { Ok(()) }),
            );
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
