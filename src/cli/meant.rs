//! What NAME or PATH on the command line means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{CertificateConfig, Config, nearest};
use crate::failure::Failure;
use crate::text::shown;

/// What is meant.
pub(super) enum Meant<'c> {
    /// The certificate of that name in the config.
    Certificate(&'c Arc<CertificateConfig>),
    /// The directory at that path, however the path is written: `.`, with a slash at its end, through links.
    Directory(PathBuf),
}

impl<'c> Meant<'c> {
    /// A name of the config comes before a path.
    pub(super) fn of(text: &str, config: Option<&'c Config>) -> Result<Self, Failure> {
        let configured = config.map(|config| config.certificates.as_slice()).unwrap_or_default();
        if let Some(certificate) = configured.iter().find(|certificate| certificate.name.as_str() == text) {
            return Ok(Self::Certificate(certificate));
        }
        let path = Path::new(text);
        if path.is_dir() {
            let path = path.canonicalize().map_err(|error| Failure::Usage(format!("{text}: {error}")))?;
            return Ok(Self::Directory(path));
        }
        if path.is_file() {
            let parent =
                path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
            let parent = shown(parent);
            return Err(Failure::Usage(format!(
                "{} is a file; give the directory that it is in: {parent}",
                shown(path)
            )));
        }
        let known: Vec<&str> = configured.iter().map(|certificate| certificate.name.as_str()).collect();
        let meant = nearest(text, &known).map(|word| format!("; did you mean `{word}`?")).unwrap_or_default();
        let what = "is neither a certificate of the config nor a directory";
        Err(Failure::Usage(format!("`{text}` {what}{meant}")))
    }
}
