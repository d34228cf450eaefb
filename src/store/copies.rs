//! Copies of a certificate's files at fixed paths, for servers that read them there.
//!
//! A copy is written beside its path as `.NAME.certctl-new`; what stood at the path stays as `.NAME.certctl-old` until
//! the change is approved of; then one rename puts the copy in place. All copies of a certificate are prepared before
//! the first rename, and the renames come back to back, a certificate next to its key.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::store::dir::FileFound;
use crate::store::error::{StoreError, shown};
use crate::store::place::{HALF, NEW, OLD, Place};
use crate::store::state::Unfinished;
use crate::store::sweep;
use crate::store::{Install, Ownership};

/// One copy, and whether it has to be made.
struct Copy<'a> {
    place: Place<'a>,
    bytes: &'a [u8],
    mode: u32,
    ownership: Ownership,
    is_right: bool,
    /// What is wrong with it, each as the end of a sentence about it.
    flaws: Vec<String>,
    is_absent: bool,
}

/// All copies of a certificate, in the order in which they are put in place.
pub(super) struct Copies<'a> {
    copies: Vec<Copy<'a>>,
    /// Whether each has something kept beside it since this change, or has nothing to keep.
    kept: Vec<bool>,
    /// How many have been put in place.
    renamed: usize,
}

impl<'a> Copies<'a> {
    /// Looks at what is there. `contents` gives the bytes of each of the certificate's files.
    ///
    /// # Errors
    /// When a copy cannot be placed, as far as that shows without writing. `certificate` is for the message.
    pub(super) fn plan(
        installs: &'a [Install],
        contents: impl Fn(&str) -> Option<&'a [u8]>,
        ownership: Ownership,
        certificate: &Path,
    ) -> Result<Self, StoreError> {
        let mut ordered: Vec<_> = installs.iter().collect();
        ordered.sort_by(|one, other| order(one, other));
        let plan = |install: &&'a Install| {
            let Some(bytes) = contents(&install.file) else {
                let (path, file, to) = (certificate.to_owned(), install.file.clone(), install.to.clone());
                return Err(StoreError::NothingToCopy { path, file, to });
            };
            let place = Place::find(&install.to)?;
            let is_absent = place.entry()?.is_none();
            let flaws = if is_absent {
                vec!["is missing".to_owned()]
            } else {
                match place.parent.read(place.name, bytes.len()) {
                    Ok(Some(found)) => flaws(&found, bytes, install.mode, ownership),
                    Ok(None) => vec!["is not a file, or has another length".to_owned()],
                    Err(reason) => vec![format!("cannot be read: {reason}")],
                }
            };
            Ok(Copy { place, bytes, mode: install.mode, ownership, is_right: flaws.is_empty(), flaws, is_absent })
        };
        let copies = ordered.iter().map(plan).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { kept: vec![false; copies.len()], copies, renamed: 0 })
    }

    /// Whether none has to be made.
    pub(super) fn are_right(&self) -> bool {
        self.copies.iter().all(|copy| copy.is_right)
    }

    /// What is wrong with those that have to be made: path, and the end of a sentence about it.
    pub(super) fn flaws(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.copies.iter().flat_map(|copy| copy.flaws.iter().map(|flaw| (copy.place.path, flaw.as_str())))
    }

    /// The paths of those to be made, in their order.
    pub(super) fn wrong(&self) -> impl Iterator<Item = PathBuf> {
        self.copies.iter().filter(|copy| !copy.is_right).map(|copy| copy.place.path.to_owned())
    }

    /// The paths of those to be made at which nothing stands.
    pub(super) fn absent(&self) -> impl Iterator<Item = PathBuf> {
        self.copies.iter().filter(|copy| copy.is_absent).map(|copy| copy.place.path.to_owned())
    }

    /// Whether a run that died has left something beside a path; what was kept counts unless it `may_be_kept`.
    pub(super) fn have_leftovers(&self, may_be_kept: bool) -> Result<bool, StoreError> {
        for copy in &self.copies {
            for what in leftovers(may_be_kept) {
                if copy.place.has(what)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Removes what a run that died has left.
    pub(super) fn remove_leftovers(&self, may_be_kept: bool) -> Result<(), StoreError> {
        self.copies
            .iter()
            .try_for_each(|copy| leftovers(may_be_kept).iter().try_for_each(|what| copy.place.remove(what)))
    }

    /// Writes each copy that has to be made beside its path, and keeps what stands there. Where an earlier change is
    /// `unfinished`, what stood there before that one is kept already, and what it has put there is not.
    pub(super) fn prepare(&mut self, unfinished: Option<&Unfinished>) -> Result<(), StoreError> {
        self.copies.retain(|copy| !copy.is_right);
        self.kept = vec![false; self.copies.len()];
        for copy in &self.copies {
            copy.place.parent.write(copy.place.beside(NEW), copy.bytes, copy.mode, copy.ownership)?;
        }
        for (copy, kept) in self.copies.iter().zip(&mut self.kept) {
            if let Some(change) = unfinished
                && (change.new_copies.iter().any(|path| path == copy.place.path) || copy.place.has(OLD)?)
            {
                continue;
            }
            if let Some(entry) = copy.place.entry()? {
                copy.place.keep(&entry)?;
            }
            *kept = true;
        }
        self.sync()
    }

    /// Puts the copies in place. It is not synced.
    pub(super) fn switch(&mut self) -> Result<(), StoreError> {
        for Copy { place, .. } in &self.copies {
            place.parent.rename(place.beside(NEW), place.name)?;
            self.renamed += 1;
        }
        Ok(())
    }

    /// Makes the names survive a power cut.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        sync(self.copies.iter().map(|copy| &copy.place))
    }

    /// Puts everything back.
    pub(super) fn undo(&self) {
        for (number, (copy, kept)) in self.copies.iter().zip(&self.kept).enumerate().rev() {
            let place = &copy.place;
            let is_renamed = number < self.renamed;
            match (*kept, is_renamed) {
                (true, true) => sweep::warn(match place.put_back() {
                    Ok(false) => place.parent.unlink(place.name),
                    put_back => put_back.map(|_| ()),
                }),
                (true, false) => sweep::warn(place.remove(OLD)),
                (false, true) => {
                    tracing::warn!("{} was replaced; the next run puts the right one in place", shown(place.path));
                }
                (false, false) => {}
            }
            for what in [NEW, HALF] {
                sweep::warn(place.remove(what));
            }
        }
        sweep::warn(self.sync());
    }

    /// Removes what was kept.
    pub(super) fn forget_old(&self) {
        for copy in &self.copies {
            sweep::warn(copy.place.remove(OLD));
        }
        sweep::warn(self.sync());
    }
}

fn flaws(found: &FileFound, bytes: &[u8], mode: u32, ownership: Ownership) -> Vec<String> {
    let differs = (*found.bytes != *bytes).then(|| "does not hold the same bytes".to_owned());
    differs.into_iter().chain(found.flaws(Some(mode), ownership).into_iter().map(|flaw| flaw.to_string())).collect()
}

/// Puts back what stood at each path before the unfinished `change`.
///
/// # Errors
/// The first of what the disk does not let it; everything else is put back.
pub(super) fn restore(installs: &[Install], change: &Unfinished) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    let mut places = Vec::new();
    for path in paths(installs, change) {
        let restored = find(path).and_then(|place| {
            let Some(place) = place else { return Ok(()) };
            if !place.put_back()? && change.new_copies.contains(path) && place.entry()?.is_some() {
                place.parent.unlink(place.name)?;
            }
            [NEW, HALF].iter().try_for_each(|what| place.remove(what))?;
            places.push(place);
            Ok(())
        });
        outcome = first(outcome, restored);
    }
    first(outcome, sync(places.iter()))
}

/// Removes whatever was kept beside the paths.
pub(super) fn forget_old(installs: &[Install], change: &Unfinished) {
    for path in paths(installs, change) {
        sweep::warn(find(path).and_then(|place| {
            let Some(place) = place else { return Ok(()) };
            leftovers(false).iter().try_for_each(|what| place.remove(what))?;
            sync([&place].into_iter())
        }));
    }
}

/// The paths that the change concerns: the config may have lost some of them since, and gained others.
fn paths<'p>(installs: &'p [Install], change: &'p Unfinished) -> Vec<&'p PathBuf> {
    let mut installs: Vec<_> = installs.iter().filter(|install| !change.copies.contains(&install.to)).collect();
    installs.sort_by(|one, other| order(one, other));
    change.copies.iter().chain(installs.into_iter().map(|install| &install.to)).collect()
}

/// The place; `None` if its directory is gone, and what was kept there with it.
fn find(path: &Path) -> Result<Option<Place<'_>>, StoreError> {
    match Place::find(path) {
        Err(StoreError::NoParent { .. }) => Ok(None),
        place => place.map(Some),
    }
}

/// The first error; another is warned about.
pub(super) fn first(one: Result<(), StoreError>, other: Result<(), StoreError>) -> Result<(), StoreError> {
    if one.is_err() {
        sweep::warn(other);
        one
    } else {
        other
    }
}

fn leftovers(may_be_kept: bool) -> &'static [&'static str] {
    if may_be_kept { &[NEW, HALF] } else { &[NEW, HALF, OLD] }
}

/// Syncs the parents, one that several share once.
fn sync<'p>(places: impl Iterator<Item = &'p Place<'p>>) -> Result<(), StoreError> {
    let mut done: Option<&Path> = None;
    for Place { parent, .. } in places {
        if done != Some(parent.path()) {
            parent.sync()?;
        }
        done = Some(parent.path());
    }
    Ok(())
}

/// By directory, then by name without its ending, certificates before keys: so that `www.crt` and `www.key` change
/// one right after the other.
fn order(one: &Install, other: &Install) -> Ordering {
    let key = |install: &Install| {
        let (parent, stem) = (install.to.parent().map(Path::to_owned), install.to.file_stem().map(OsStr::to_owned));
        (parent, stem, is_key(install), install.to.clone())
    };
    key(one).cmp(&key(other))
}

/// Whether it holds a key: others may not read it, or its name says so.
fn is_key(install: &Install) -> bool {
    let names = ["privkey", "keystore", "combined", "secret"];
    install.mode & 0o004 == 0 || names.iter().any(|name| install.file.starts_with(name))
}
