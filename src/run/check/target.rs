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

impl Target {
    /// Checks it. This blocks.
    pub(super) fn check(&self, judge: &Judge) -> Vec<Checked> {
        match self {
            Self::Certificate(certificate) => vec![own::configured(certificate, judge)],
            Self::Directory(path) => directory(path, judge),
        }
    }
}

/// A certificate directory, a directory of PEM files, or a parent of several of these.
fn directory(path: &Path, judge: &Judge) -> Vec<Checked> {
    if let Some(checked) = certificate_directory(path, judge) {
        return vec![checked];
    }
    let named = || path.file_name().map_or_else(|| shown(path), |name| name.to_string_lossy().into_owned());
    let failed = |failure| vec![Row::failed(named(), path.to_owned(), failure).into()];
    let read = match Directory::read(path) {
        Ok(read) => read,
        Err(reason) => return failed(plain::closed(path, reason)),
    };
    let rows = plain::rows(&read, judge);
    if !rows.is_empty() {
        return rows;
    }
    let rows: Vec<_> = read.directories.iter().flat_map(|name| child(&path.join(name), judge)).collect();
    if rows.is_empty() {
        let what = "holds no certificate, nor does any directory in it";
        return failed(Failure::Usage(format!("{} {what}; give the directory of one", shown(path))));
    }
    rows
}

/// A directory in another. What has nothing to do with certificates is passed over.
fn child(path: &Path, judge: &Judge) -> Vec<Checked> {
    if let Some(checked) = certificate_directory(path, judge) {
        return vec![checked];
    }
    match Directory::read(path) {
        Ok(read) => plain::rows(&read, judge),
        Err(reason) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            vec![Row::failed(name, path.to_owned(), plain::closed(path, reason)).into()]
        }
    }
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
