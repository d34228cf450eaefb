//! Going back to an earlier version, or forward again.

use rustix::fs::FileType;

use super::copies::Copies;
use super::dir::Dir;
use super::directory::{self, Applied, Directory};
use super::inspect::Survey;
use super::metadata::Metadata;
use super::state::{self, Rejected, State, Unfinished};
use super::step::{Content, Step, unfinished};
use super::sweep;
use super::version::VersionName;
use super::whole::{self, Unfit};
use super::{Identity, Install, Options, Outcome, StoreError};

impl Directory {
    /// Switches to the version that was current before the present one, or to `to`, and places its copies. What it
    /// takes away is remembered as rejected, unless something newer was; going forward to that one ends it. Without `to`,
    /// one that died before its check is completed; as long as there was no check, the outcome is never unchanged.
    ///
    /// # Errors
    /// When there is no such version or it is damaged; every error leaves all as it was.
    pub fn roll_back(&self, to: Option<&str>, installs: &[Install], options: &Options) -> Result<Applied, StoreError> {
        let certificate = self.certificate();
        let path = || certificate.path().to_owned();
        let before = state::read(certificate)?;
        let survey = Survey::of(certificate, &[])?;
        // Only what was never switched to: the version to go back to may be beyond those that are kept.
        sweep::leftovers(certificate, &survey, &directory::keep(usize::MAX, &before));
        let Some(versions) = &survey.versions else {
            return Err(StoreError::NoOlderVersion { path: path() });
        };
        let begun = before.unchecked().and_then(Unfinished::rollback_target);
        let target = target(certificate, versions, survey.current.version(), to, begun.as_ref())?;
        let damaged = |what| StoreError::Damaged { path: path(), version: target.to_string(), what };
        let version = match versions.entry(target.as_str())? {
            Some(entry) if entry.kind == FileType::Directory => versions.open(target.as_str())?,
            _ => return Err(damaged("it cannot be opened".to_owned())),
        };
        let metadata = whole::read_metadata(&version)?.map(|(metadata, _)| metadata);
        let metadata = metadata.ok_or_else(|| damaged("its metadata.json cannot be read".to_owned()))?;
        let files = whole::files(&version, &metadata).map_err(|unfit| match unfit {
            Unfit::Damaged(what) => damaged(what),
            Unfit::Unread(error) => error,
        })?;
        let contents = |name: &str| files.iter().find(|(file, _)| file == name).map(|(_, file)| file.bytes.as_slice());
        let copies = Copies::plan(installs, contents, options.ownership, certificate.path())?;
        sweep::warn(copies.remove_leftovers(before.unchecked().is_some()));
        let names = whole::names(&metadata);
        let survey = Survey::of(certificate, &names)?;
        let is_current = survey.current.version() == Some(&target);
        let applied = |outcome| Applied { outcome, version: target.to_string(), identity: metadata.identity.clone() };
        if is_current && survey.broken_links.is_empty() && copies.are_right() {
            sweep::stale_links(certificate, &names);
            return Ok(applied(if before.unchecked().is_some() { Outcome::Updated } else { Outcome::Unchanged }));
        }
        let current = match survey.open_current()? {
            Some((name, version)) => {
                Some((name.clone(), whole::read_metadata(&version)?.map(|(metadata, _)| metadata)))
            }
            None => None,
        };
        let previous = current.as_ref().map(|(name, _)| name);
        let after = State {
            unfinished: Some(Unfinished {
                rollback_to: Some(target.to_string()),
                ..unfinished(&before, previous, &copies)
            }),
            rejected: if is_current { before.rejected.clone() } else { rejected(&before, current.as_ref(), &target) },
        };
        let mut step = Step { certificate, before: &before, after: Some(after), copies };
        step.take(survey, &Content::Old(&target))?;
        sweep::stale_links(certificate, &names);
        Ok(applied(Outcome::Updated))
    }
}

/// The version to go back to.
fn target(
    certificate: &Dir,
    versions: &Dir,
    current: Option<&VersionName>,
    to: Option<&str>,
    begun: Option<&VersionName>,
) -> Result<VersionName, StoreError> {
    let known = sweep::versions_in(versions)?;
    let path = certificate.path().to_owned();
    match to {
        Some(wanted) => known.iter().find(|name| name.as_str() == wanted).cloned().ok_or_else(|| {
            let known = known.iter().map(ToString::to_string).collect();
            StoreError::NoSuchVersion { path, wanted: wanted.to_owned(), known }
        }),
        None => {
            let begun = begun.filter(|begun| known.contains(begun)).cloned();
            let before = || known.into_iter().rfind(|name| current.is_some_and(|current| name < current));
            begun.or_else(before).ok_or(StoreError::NoOlderVersion { path })
        }
    }
}

/// The newest certificate that was rejected, once the current one is, too. Going forward to it ends that.
fn rejected(
    before: &State,
    current: Option<&(VersionName, Option<Metadata>)>,
    target: &VersionName,
) -> Option<Rejected> {
    let current = current.and_then(|(version, metadata)| {
        let Some(metadata) = metadata else {
            tracing::warn!("{version}: its metadata.json is damaged, so nothing keeps sync from installing it again");
            return None;
        };
        let Identity { id, not_before, not_after, .. } = metadata.identity.clone();
        Some(Rejected { version: version.to_string(), id, not_before, not_after })
    });
    // Several versions can hold one certificate: the newest is beyond all others that were ever in place.
    let age = |rejected: &Rejected| {
        let Rejected { version, id, not_before, not_after } = rejected.clone();
        (not_before, not_after, id, version)
    };
    let newest = before.rejected.clone().into_iter().chain(current).max_by_key(age);
    newest.filter(|rejected| rejected.version != target.as_str())
}
