//! What is wrong in a certificate directory, and where. Takes no lock and writes nothing.
//!
//! [`super::look`] asks the same, and whether the answer is "nothing".

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::slice;

use rustix::fs::FileType;
use zeroize::Zeroizing;

use super::copies::Copies;
use super::dir::{Dir, FileFound, Flaw};
use super::error::{READ, shown};
use super::inspect::{self, Current, DIRECTORY_MODE, LONGEST, Survey};
use super::layout::{self, CURRENT, METADATA_MODE};
use super::metadata::{METADATA, Metadata};
use super::{Expected, Identity, Name, Ownership, State, StoreError, state, sweep, walk, whole};
use crate::digest::sha256_hex;
use crate::format::Format;

/// What is in place, and all that is wrong with it.
#[derive(Debug)]
pub struct Audit {
    /// Which certificate, by its metadata; `None` if it cannot be told.
    pub identity: Option<Identity>,
    /// The version's name.
    pub version: Option<String>,
    /// The files of the version that can be read, whatever is wrong with them.
    pub files: BTreeMap<String, Zeroizing<Vec<u8>>>,
    /// All that is wrong.
    pub findings: Vec<Finding>,
    /// The id of the certificate that a rollback took away, and that stays away until force.
    pub rejected: Option<String>,
    /// What this user may not look at: of it, nothing is known.
    pub denied: Option<StoreError>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub fault: Fault,
    /// What is not as it should be, if it is one thing.
    pub path: Option<PathBuf>,
    /// A sentence about it, with the path.
    pub what: String,
}

/// What kind of thing is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A file is missing.
    Missing,
    /// A file has other bytes than metadata.json says.
    Hash,
    /// A file or directory has another mode.
    Mode,
    /// A file or directory belongs to somebody else.
    Owner,
    /// Links, versions or metadata.json are not as certctl makes them, or something is left over.
    Layout,
    /// A copy at a fixed path is missing or another.
    Install,
}

/// Looks at `<dir>/<name>`; `None` if there is nothing of that name. Without an expectation the version's own metadata
/// says what is to be there.
///
/// It is judged as the user would who owns the directory: what root or that user owns is trusted.
///
/// # Errors
/// When the way to it cannot be gone.
pub fn audit(dir: &Path, name: &Name, expected: Option<&Expected<'_>>) -> Result<Option<Audit>, StoreError> {
    attempt(dir, name, expected).map_err(reading)
}

fn attempt(dir: &Path, name: &Name, expected: Option<&Expected<'_>>) -> Result<Option<Audit>, StoreError> {
    let Some(base) = walk::find(dir)? else { return Ok(None) };
    let path = base.path().join(name.as_str());
    let Some(entry) = base.entry(name.as_str())? else { return Ok(None) };
    if entry.kind != FileType::Directory {
        let what = format!("{} is {}, not a directory", shown(&path), entry.kind_in_words());
        let findings = vec![Finding { fault: Fault::Layout, path: None, what }];
        let nothing =
            Audit { identity: None, version: None, files: BTreeMap::new(), findings, rejected: None, denied: None };
        return Ok(Some(nothing));
    }
    let certificate = base.open(name.as_str())?;
    let owner = certificate.itself()?.owner;
    let mut examiner = Examiner::new(&certificate, owner);
    let state = examiner.state();
    let examined = examiner.examine(name, expected, &state)?;
    examiner.tell_refused();
    let Examiner { findings, denied, .. } = examiner;
    let files = examined.files.into_iter().map(|(name, file)| (name, file.bytes)).collect();
    let identity = examined.metadata.map(|metadata| metadata.identity);
    let rejected = state.rejected.map(|rejected| rejected.id);
    Ok(Some(Audit { identity, version: examined.version, files, findings, rejected, denied }))
}

/// What is in a certificate directory.
pub(super) struct Examined {
    pub(super) metadata: Option<Metadata>,
    pub(super) version: Option<String>,
    pub(super) files: Vec<(String, FileFound)>,
}

/// Looks at a certificate directory as its `owner` would.
pub(super) struct Examiner<'a> {
    pub(super) certificate: &'a Dir,
    pub(super) owner: u32,
    pub(super) findings: Vec<Finding>,
    /// What is in the way of certctl's own names.
    pub(super) refused: Vec<StoreError>,
    /// The first thing that cannot be looked at.
    pub(super) denied: Option<StoreError>,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(certificate: &'a Dir, owner: u32) -> Self {
        Self { certificate, owner, findings: Vec::new(), refused: Vec::new(), denied: None }
    }

    fn state(&mut self) -> State {
        match state::load_as(self.certificate, self.owner) {
            Ok(Some(state)) => return state,
            Ok(None) => self.found(Fault::Layout, &self.path(state::STATE), "is damaged"),
            Err(error) => self.refused.push(error),
        }
        state::damaged()
    }

    /// All of the directory.
    pub(super) fn examine(
        &mut self,
        name: &Name,
        expected: Option<&Expected<'_>>,
        state: &State,
    ) -> Result<Examined, StoreError> {
        let (survey, _) = Survey::seen_by(self.certificate, &[], self.owner);
        let version = survey.open_current().ok().flatten().map(|(_, version)| version);
        let (metadata, metadata_file) = version.as_ref().and_then(whole::metadata).unzip();
        let wanted = wanted(expected, metadata.as_ref(), version.as_ref());
        let names: Vec<_> = wanted.iter().map(|(name, _)| name.clone()).chain([METADATA.to_owned()]).collect();
        let (survey, refused) = Survey::seen_by(self.certificate, &names, self.owner);
        self.refused.extend(refused);
        let Some((version_name, version)) = survey.open_current().ok().flatten() else {
            self.no_version(&survey);
            let version = survey.current.version().map(ToString::to_string);
            return Ok(Examined { metadata: None, version, files: Vec::new() });
        };
        self.links(&survey, &names)?;
        for path in sweep::found_leftovers(self.certificate, &survey, state.versions())? {
            self.found(Fault::Layout, &self.certificate.path().join(path), "was left by a run that died");
        }
        self.version_directory(&version);
        self.metadata_file(&version, metadata.as_ref().zip(metadata_file.as_ref()), name);
        let files = self.files(&version, &wanted, metadata.as_ref());
        let ownership = self.ownership(expected, &files);
        for (name, file) in &files {
            let mode = wanted.iter().find(|(wanted, _)| wanted == name).and_then(|(_, mode)| *mode);
            self.file(name, file, mode, ownership);
        }
        if let Some(expected) = expected {
            self.copies(expected, ownership, &files, state);
        }
        Ok(Examined { metadata, version: Some(version_name.to_string()), files })
    }

    fn no_version(&mut self, survey: &Survey) {
        let path = self.path(CURRENT);
        match &survey.current {
            Current::Absent => self.found(Fault::Layout, &path, "is missing: no version is in place"),
            Current::Astray(target) => {
                let what = format!("points to {}, which is no version", shown(Path::new(target)));
                self.found(Fault::Layout, &path, &what);
            }
            Current::Version(version) => match survey.versions.as_ref().map(|versions| versions.open(version.as_str()))
            {
                Some(Err(error)) if is_denied(&error) => self.denied(error),
                _ => self.found(Fault::Layout, &path, &format!("points to versions/{version}, which is not there")),
            },
        }
    }

    fn links(&mut self, survey: &Survey, names: &[String]) -> Result<(), StoreError> {
        for name in &survey.broken_links {
            let right = layout::link_target(OsStr::new(name));
            let what = match self.certificate.entry(name)? {
                None => format!("is missing: it is to be a link to {}", shown(Path::new(&right))),
                // What is not certctl's is told already.
                Some(entry) if entry.kind != FileType::Symlink || !entry.is_trusted_by(self.owner) => continue,
                Some(_) => {
                    let target = self.certificate.link_target(name)?;
                    format!("points to {} instead of {}", shown(Path::new(&target)), shown(Path::new(&right)))
                }
            };
            self.found(Fault::Layout, &self.path(name), &what);
        }
        for name in inspect::stale_links(self.certificate, names, self.owner)? {
            self.found(Fault::Layout, &self.path(&name), "is a link to a file that is not to be there");
        }
        Ok(())
    }

    fn version_directory(&mut self, version: &Dir) {
        let path = version.path().to_owned();
        match version.mode_and_owner() {
            Ok((mode, owner)) => {
                if mode != DIRECTORY_MODE {
                    self.flaw(&path, Flaw::Mode { found: mode, expected: DIRECTORY_MODE });
                }
                if owner != self.owner {
                    self.flaw(&path, Flaw::Owner { found: owner, expected: self.owner });
                }
            }
            Err(reason) => self.denied(StoreError::io(READ, path, reason)),
        }
    }

    /// Only a file that does not hold metadata is read once more, to tell why.
    fn metadata_file(&mut self, version: &Dir, recorded: Option<(&Metadata, &FileFound)>, name: &Name) {
        let path = self.path(METADATA);
        let flaws = |file: &FileFound, examiner: &mut Self| {
            let ownership = Ownership { owner: Some(examiner.owner), group: None };
            file.flaws(Some(METADATA_MODE), ownership).into_iter().for_each(|flaw| examiner.flaw(&path, flaw));
        };
        let Some((metadata, file)) = recorded else {
            let Some(file) = self.read(version, METADATA) else { return };
            flaws(&file, self);
            self.found(Fault::Layout, &path, "is damaged: it is no metadata that certctl wrote");
            return;
        };
        flaws(file, self);
        if metadata.identity.name != *name {
            let what = format!("is of the certificate directory {}", metadata.identity.name);
            self.found(Fault::Layout, &path, &what);
        }
    }

    /// The files of the version; what is wrong with their names and bytes is noted.
    fn files(
        &mut self,
        version: &Dir,
        wanted: &[(String, Option<u32>)],
        metadata: Option<&Metadata>,
    ) -> Vec<(String, FileFound)> {
        let present: BTreeSet<OsString> = match version.names() {
            Ok(names) => names.into_iter().filter(|name| name != METADATA).collect(),
            Err(error) => {
                self.denied(error);
                return Vec::new();
            }
        };
        let recorded = |name: &str| metadata.and_then(|metadata| metadata.files.get(name));
        let is_wanted = |name: &OsStr| wanted.iter().any(|(wanted, _)| wanted.as_str() == name);
        for name in present.iter().filter(|name| !is_wanted(name)) {
            self.found(Fault::Layout, &version.path().join(name), "is not to be there");
        }
        let strays = metadata.into_iter().flat_map(|metadata| metadata.files.keys());
        for name in strays.filter(|name| !is_wanted(OsStr::new(name)) && !present.contains(OsStr::new(name))) {
            let what = format!("lists {}, which is neither there nor to be there", name.escape_debug());
            self.found(Fault::Layout, &self.path(METADATA), &what);
        }
        let mut files = Vec::new();
        for (name, _) in wanted {
            if !layout::is_file_name(name) {
                let what = format!("lists {:?}, and no file can be called so", name);
                self.found(Fault::Layout, &self.path(METADATA), &what);
                continue;
            }
            let Some(file) = self.read(version, name) else { continue };
            let path = self.path(name);
            match (recorded(name), metadata) {
                (Some(record), _) if sha256_hex(&file.bytes) != record.sha256 => {
                    self.found(Fault::Hash, &path, "has other bytes than metadata.json says");
                }
                (Some(record), _) if record.mode() != Some(file.mode) && self.agrees(wanted, name, file.mode) => {
                    self.found(Fault::Mode, &path, "has another mode than metadata.json says");
                }
                (None, Some(_)) => self.found(Fault::Layout, &path, "is not listed in metadata.json"),
                _ => {}
            }
            files.push((name.clone(), file));
        }
        files
    }

    /// Whether the mode is the one that is expected, or none is: then only its record can be wrong.
    fn agrees(&self, wanted: &[(String, Option<u32>)], name: &str, found: u32) -> bool {
        wanted.iter().any(|(wanted, mode)| wanted == name && mode.is_none_or(|mode| mode == found))
    }

    fn file(&mut self, name: &str, file: &FileFound, mode: Option<u32>, ownership: Ownership) {
        let path = self.path(name);
        file.flaws(mode, ownership).into_iter().for_each(|flaw| self.flaw(&path, flaw));
    }

    /// Whose the files are to be. Metadata does not tell: without an expectation, that of the directory's owner or, if
    /// none of them is, of whom most are.
    fn ownership(&self, expected: Option<&Expected<'_>>, files: &[(String, FileFound)]) -> Ownership {
        if let Some(expected) = expected {
            return Ownership { owner: Some(expected.ownership.owner.unwrap_or(self.owner)), ..expected.ownership };
        }
        let mut owners: BTreeMap<u32, usize> = BTreeMap::new();
        files.iter().for_each(|(_, file)| *owners.entry(file.owner).or_default() += 1);
        let most = owners.iter().max_by_key(|(owner, count)| (**count, **owner == self.owner)).map(|(owner, _)| *owner);
        Ownership { owner: most.or(Some(self.owner)), group: None }
    }

    fn copies(&mut self, expected: &Expected<'_>, ownership: Ownership, files: &[(String, FileFound)], state: &State) {
        let contents = |name: &str| files.iter().find(|(file, _)| file == name).map(|(_, file)| file.bytes.as_slice());
        // What cannot be read is told already.
        for install in expected.installs.iter().filter(|install| contents(&install.file).is_some()) {
            let planned = Copies::plan(slice::from_ref(install), contents, ownership, self.certificate.path());
            let copies = match planned {
                Ok(copies) => copies,
                Err(error) if is_denied(&error) => {
                    self.denied(error);
                    continue;
                }
                Err(error) => {
                    self.findings.push(Finding { fault: Fault::Install, path: None, what: error.to_string() });
                    continue;
                }
            };
            for (path, flaw) in copies.flaws() {
                self.found(Fault::Install, path, &format!("{flaw}: it is to be a copy of {}", install.file));
            }
            match copies.have_leftovers(state.unchecked().is_some()) {
                Ok(false) => {}
                Ok(true) => self.found(Fault::Install, &install.to, "has beside it what a run that died has left"),
                Err(error) => self.denied(error),
            }
        }
    }

    /// A file of the version; if it cannot be read, why is noted.
    fn read(&mut self, version: &Dir, name: &str) -> Option<FileFound> {
        let path = self.path(name);
        match version.read(name, LONGEST) {
            Ok(Some(file)) => return Some(file),
            Ok(None) => {
                let kind = version.entry(name).ok().flatten().map(|entry| (entry.kind, entry.kind_in_words()));
                match kind {
                    Some((FileType::RegularFile, _)) => {
                        self.found(Fault::Hash, &path, "is longer than any file of certctl's");
                    }
                    Some((_, kind)) => self.found(Fault::Layout, &path, &format!("is {kind}, not a regular file")),
                    None => self.found(Fault::Missing, &path, "is missing"),
                }
            }
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => self.found(Fault::Missing, &path, "is missing"),
            Err(reason) => self.denied(StoreError::io(READ, path, reason)),
        }
        None
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.certificate.path().join(name)
    }

    fn flaw(&mut self, path: &Path, flaw: Flaw) {
        let fault = match flaw {
            Flaw::Mode { .. } => Fault::Mode,
            Flaw::Owner { .. } | Flaw::Group { .. } => Fault::Owner,
            Flaw::SecondName => Fault::Layout,
        };
        self.found(fault, path, &flaw.to_string());
    }

    fn found(&mut self, fault: Fault, path: &Path, what: &str) {
        let what = format!("{} {what}", shown(path));
        self.findings.push(Finding { fault, path: Some(path.to_owned()), what });
    }

    fn denied(&mut self, error: StoreError) {
        self.denied.get_or_insert_with(|| reading(error));
    }

    /// What the store would not touch is told with the rest.
    fn tell_refused(&mut self) {
        for error in std::mem::take(&mut self.refused) {
            match error {
                StoreError::Foreign { path, found, owner, expected } => {
                    self.found(Fault::Layout, &path, &format!("is {found} of uid {owner} where {expected} is to be"));
                }
                error => self.denied(error),
            }
        }
    }
}

/// The files that are to be there, with their modes where those are known.
fn wanted(
    expected: Option<&Expected<'_>>,
    metadata: Option<&Metadata>,
    version: Option<&Dir>,
) -> Vec<(String, Option<u32>)> {
    match (expected, metadata) {
        (Some(expected), metadata) => {
            expected.among(metadata).into_iter().map(|(name, mode)| (name.to_owned(), Some(mode))).collect()
        }
        (None, Some(metadata)) => metadata.files.iter().map(|(name, record)| (name.clone(), record.mode())).collect(),
        // Every version has the PEM files; what else there was nobody knows.
        (None, None) => {
            let always = crate::format::names(&[Format::Pem], crate::format::Modes::default(), false).always;
            let found = version.and_then(|version| version.names().ok()).unwrap_or_default();
            let found = found.into_iter().filter_map(|name| name.into_string().ok());
            let found = found.filter(|name| name != METADATA && layout::is_file_name(name));
            let names: BTreeSet<_> = always.into_iter().map(|(name, _)| name.to_owned()).chain(found).collect();
            names.into_iter().map(|name| (name, None)).collect()
        }
    }
}

/// Whatever the system would not let it do, it was done in order to read.
fn reading(error: StoreError) -> StoreError {
    match error {
        StoreError::Io { path, reason, .. } if reason.kind() == io::ErrorKind::PermissionDenied => {
            StoreError::io(READ, path, reason)
        }
        error => error,
    }
}

fn is_denied(error: &StoreError) -> bool {
    matches!(error, StoreError::Io { reason, .. } if reason.kind() == io::ErrorKind::PermissionDenied)
}
