//! What is to be checked: a certificate of the config, or what a path leads to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::pem::Directory;
use super::row::Row;
use super::{Checked, Judge, own, plain};
use crate::config::CertificateConfig;
use crate::failure::Failure;
use crate::store::{Name, is_certificate_directory};
use crate::text::shown;

/// What is to be checked.
#[derive(Debug, Clone)]
pub enum Target {
    /// A certificate of the config.
    Certificate(Arc<CertificateConfig>),
    /// A directory, by its whole path without links.
    Directory(PathBuf),
}

/// What a target turned out to be.
pub(super) enum Looked {
    /// Certificates, each in a row.
    Rows(Vec<Checked>),
    /// No more than a place for these directories.
    Parent(Vec<PathBuf>),
}

impl Target {
    /// What it is called, and where it is.
    pub(super) fn place(&self) -> (String, PathBuf) {
        match self {
            Self::Certificate(certificate) => {
                (certificate.name.to_string(), certificate.dir.join(certificate.name.as_str()))
            }
            Self::Directory(path) => (named(path), path.clone()),
        }
    }

    /// Looks at it. This blocks.
    pub(super) fn look(&self, judge: &Judge) -> Looked {
        match self {
            Self::Certificate(certificate) => Looked::Rows(vec![own::configured(certificate, judge)]),
            Self::Directory(path) => directory(path, judge),
        }
    }
}

/// A certificate directory, a directory of PEM files, or a parent of several of these.
fn directory(path: &Path, judge: &Judge) -> Looked {
    if let Some(checked) = certificate_directory(path, judge) {
        return Looked::Rows(vec![checked]);
    }
    match Directory::read(path) {
        Ok(read) => {
            let rows = plain::rows(&read, judge);
            if rows.is_empty() {
                Looked::Parent(read.directories.iter().map(|name| path.join(name)).collect())
            } else {
                Looked::Rows(rows)
            }
        }
        Err(reason) => {
            Looked::Rows(vec![Row::failed(named(path), path.to_owned(), plain::closed(path, reason)).into()])
        }
    }
}

/// A directory in another. What has nothing to do with certificates is passed over. This blocks.
pub(super) fn child(path: &Path, judge: &Judge) -> Vec<Checked> {
    match directory(path, judge) {
        Looked::Rows(rows) => rows,
        Looked::Parent(_) => Vec::new(),
    }
}

/// A parent of no certificate.
pub(super) fn nothing_in(name: String, path: PathBuf) -> Row {
    let what = "holds no certificate, nor does any directory in it";
    let failure = Failure::Usage(format!("{} {what}; give the directory of one", shown(&path)));
    Row::failed(name, path, failure)
}

/// What a directory is called.
pub(super) fn named(path: &Path) -> String {
    path.file_name().map_or_else(|| shown(path), |name| name.to_string_lossy().into_owned())
}

/// A certificate directory of certctl's: as the config wants it, if it is there.
fn certificate_directory(path: &Path, judge: &Judge) -> Option<Checked> {
    let (dir, name) = (path.parent()?, path.file_name()?.to_str()?);
    let name = Name::parse(name).ok()?;
    if let Some(certificate) = judge.certificates.iter().find(|certificate| certificate.is_at(path)) {
        return Some(own::configured(certificate, judge));
    }
    is_certificate_directory(path).then(|| own::unlisted(dir, &name, judge))
}
