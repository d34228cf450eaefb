//! A bundle becomes files in memory. Pure: no I/O.

mod kind;
mod pem;

use std::fmt;

use zeroize::Zeroizing;

pub use kind::{Format, Given};
pub use pem::{FULLCHAIN, KEY, LEAF};

use crate::bundle::Bundle;

/// One file of a version: what [`crate::store`] writes.
pub struct FileImage {
    /// Its name inside the version, for example `cert.pem`.
    pub name: &'static str,
    /// Its permission bits, for example `0o600`.
    pub mode: u32,
    /// Its content; wiped when dropped, since it may hold a key.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for FileImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileImage").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    /// Of files that hold a key or a password.
    pub key: u32,
    /// Of the others.
    pub cert: u32,
}

impl Default for Modes {
    fn default() -> Self {
        Self { key: 0o600, cert: 0o644 }
    }
}

impl Modes {
    fn of(self, given: Given) -> u32 {
        if given.is_secret { self.key } else { self.cert }
    }
}

/// A format that a config may name, and that certctl cannot write yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the format `{0}` cannot be written yet; take it out of `formats`")]
pub struct NotBuilt(pub Format);

/// The PEM files with their usual modes.
#[must_use]
pub fn pem(bundle: &Bundle) -> Vec<FileImage> {
    images(Format::Pem, pem::contents(bundle), Modes::default()).collect()
}

/// The files of these formats; the PEM files are always the first.
///
/// # Errors
/// The first format that cannot be written yet.
pub fn files(bundle: &Bundle, formats: &[Format], modes: Modes) -> Result<Vec<FileImage>, NotBuilt> {
    let mut files = Vec::new();
    for (format, writer) in writers(formats)? {
        files.extend(images(format, writer(bundle), modes));
    }
    Ok(files)
}

/// The name and mode of each file that [`files`] gives, whatever the bundle.
///
/// # Errors
/// As for [`files`].
pub fn names(formats: &[Format], modes: Modes) -> Result<Vec<(&'static str, u32)>, NotBuilt> {
    let given = writers(formats)?.into_iter().flat_map(|(format, _)| format.usual_files());
    Ok(given.map(|given| (given.name, modes.of(given))).collect())
}

/// Gives the contents of a format's usual files, in their order.
type Writer = fn(&Bundle) -> Vec<Zeroizing<Vec<u8>>>;

fn writers(formats: &[Format]) -> Result<Vec<(Format, Writer)>, NotBuilt> {
    let wanted = Format::ALL.into_iter().filter(|format| *format == Format::Pem || formats.contains(format));
    wanted.map(|format| Ok((format, writer(format).ok_or(NotBuilt(format))?))).collect()
}

fn writer(format: Format) -> Option<Writer> {
    match format {
        Format::Pem => Some(pem::contents),
        Format::Combined => Some(|bundle| vec![pem::combined(bundle)]),
        Format::Der => Some(der),
        Format::Pkcs12 | Format::Pkcs12Legacy | Format::Jks | Format::K8sSecret => None,
    }
}

fn der(bundle: &Bundle) -> Vec<Zeroizing<Vec<u8>>> {
    [bundle.leaf().der(), bundle.key().der()].map(|der| Zeroizing::new(der.to_vec())).into()
}

fn images(format: Format, contents: Vec<Zeroizing<Vec<u8>>>, modes: Modes) -> impl Iterator<Item = FileImage> {
    let given = format.usual_files();
    given.zip(contents).map(move |(given, bytes)| FileImage { name: given.name, mode: modes.of(given), bytes })
}
