//! Any directory of PEM files: what belongs together is told by content, never by names alone. Links are followed here:
//! certbot's files are links.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

use crate::bundle::audit::PemFile;
use crate::bundle::{Certificate, PrivateKey};
use crate::format::{CHAIN, FULLCHAIN, KEY, LEAF};
use crate::text::shown;

/// No longer file is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// What a directory holds of certificates and keys.
#[derive(Default)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    /// By name. Files with neither a certificate nor a key are passed over.
    pub(super) files: BTreeMap<String, Found>,
    /// Links that lead nowhere, and where.
    pub(super) dangling: BTreeMap<String, PathBuf>,
    /// Files that are called like certificates, and have no PEM in them.
    pub(super) no_pem: Vec<String>,
    /// Files that this user may not read.
    pub(super) denied: Vec<(String, io::Error)>,
    /// Whether some of certbot's four files is a link into its archive.
    pub(super) is_certbots: bool,
    /// The directories in it.
    pub(super) directories: Vec<String>,
}

/// A file.
pub(super) struct Found {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) pem: PemFile,
}

impl Found {
    /// Whether it is about a certificate for servers, not only about authorities. A self-signed one often says that it
    /// is an authority: then its key tells.
    pub(super) fn leaf(&self, keys: &[(&str, &PrivateKey)]) -> Option<&Certificate> {
        let certificates = &self.pem.certificates;
        let is_of_key = |certificate: &&Certificate| {
            certificates.len() == 1 && keys.iter().any(|(_, key)| matches!(key.matches(certificate), Ok(true)))
        };
        certificates.iter().find(|certificate| !certificate.is_ca()).or_else(|| certificates.first().filter(is_of_key))
    }
}

impl Directory {
    /// Reads every file in it whose name does not hide it.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut directory = Self { path: path.to_owned(), ..Self::default() };
        for entry in fs::read_dir(path)? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if !name.starts_with('.') {
                directory.take_in(name);
            }
        }
        directory.directories.sort();
        directory.denied.sort_by(|(one, _), (other, _)| one.cmp(other));
        directory.no_pem.sort();
        Ok(directory)
    }

    fn take_in(&mut self, name: String) {
        let path = self.path.join(&name);
        let target = fs::read_link(&path).ok();
        if is_certbot_name(&name) && target.as_ref().is_some_and(|target| target.starts_with("../../archive")) {
            self.is_certbots = true;
        }
        match (contents(&path), target) {
            (Ok(Contents::File(bytes)), _) => {
                let pem = PemFile::read(&shown(&path), &bytes);
                // Of these it is known what they are to be; elsewhere, dashes may be anything.
                if is_certbot_name(&name) || !pem.is_empty() && (pem.is_material() || is_certificate_name(&name)) {
                    self.files.insert(name, Found { bytes, pem });
                } else if is_certificate_name(&name) && !name.ends_with(".key") && !is_other(&bytes) {
                    self.no_pem.push(name);
                }
            }
            (Ok(Contents::Directory), _) => self.directories.push(name),
            (Ok(Contents::Other(what)), _) => tracing::info!("{}: passed over: {what}", shown(&path)),
            (Err(error), Some(target)) if error.kind() == io::ErrorKind::NotFound => {
                self.dangling.insert(name, target);
            }
            // It went away meanwhile.
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => {}
            (Err(error), _) => self.denied.push((name, error)),
        }
    }

    /// Every key that is not encrypted, with the name of its file.
    pub(super) fn keys(&self) -> Vec<(&str, &PrivateKey)> {
        self.files.iter().flat_map(|(name, found)| found.pem.keys.iter().map(|key| (name.as_str(), key))).collect()
    }

    /// Whether it has one certificate under certbot's names.
    pub(super) fn is_one(&self) -> bool {
        self.has_four() || self.files.contains_key(FULLCHAIN) && self.files.contains_key(KEY)
    }

    /// Whether all four of certbot's files are to be there: it made some of them, or no more than one is missing.
    pub(super) fn has_four(&self) -> bool {
        self.is_certbots || CERTBOTS.iter().filter(|name| self.files.contains_key(**name)).count() >= 3
    }

    /// Whether nothing in it has to do with certificates.
    pub(super) fn is_foreign(&self) -> bool {
        self.files.is_empty() && self.no_pem.is_empty() && !self.is_certbots
    }
}

/// What a path leads to.
enum Contents {
    File(Zeroizing<Vec<u8>>),
    Directory,
    Other(&'static str),
}

/// Opening a device can set it off, and a FIFO would wait: only regular files are opened.
fn contents(path: &Path) -> io::Result<Contents> {
    let found = fs::metadata(path)?;
    if found.is_dir() {
        return Ok(Contents::Directory);
    }
    if !found.is_file() {
        return Ok(Contents::Other("it is no regular file"));
    }
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or_default();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.len() > LONGEST {
        return Ok(Contents::Other("it is longer than 1 MiB"));
    }
    // Room for all of it, so that no copy of a key is left behind by growing.
    let length = usize::try_from(found.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(found.len()).read_to_end(&mut bytes)?;
    Ok(Contents::File(bytes))
}

/// The names of the four files that certbot makes, and certctl too.
pub(super) const CERTBOTS: [&str; 4] = [LEAF, CHAIN, FULLCHAIN, KEY];

fn is_certbot_name(name: &str) -> bool {
    CERTBOTS.contains(&name)
}

/// Whether a file is called like one that holds a certificate or a key.
pub(super) fn is_certificate_name(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["pem", "crt", "cer", "key"].contains(&ending.to_ascii_lowercase().as_str()))
}

/// Whether a file without a certificate or key is something else all the same: DER, a CSR, parameters.
fn is_other(bytes: &[u8]) -> bool {
    let has_block = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    has_block || Certificate::parse(bytes).is_some() || PrivateKey::of_der(bytes).is_some()
}
