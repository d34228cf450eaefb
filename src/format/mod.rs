//! A bundle becomes files in memory. Pure: no I/O, no randomness.
//!
//! ```
//! use certctl::format::{self, Format, Password, Recipe};
//!
//! # use certctl::bundle::{Bundle, Material, Requirements};
//! # let made = rcgen::generate_simple_self_signed(["www.example.com".to_owned()])?;
//! # let material = Material::default().with("key", made.signing_key.serialize_pem()).with("cert", made.cert.pem());
//! # let now = certctl::jiff::Timestamp::now();
//! # let bundle = Bundle::assemble(&material, &Requirements { now, domains: &[], passwords: &[] })?;
//! // The PEM files are always among them.
//! let recipe = Recipe {
//!     formats: vec![Format::Pkcs12],
//!     alias: "www.example.com".to_owned(),
//!     password: Some(Password::Given("correct horse".into())),
//!     ..Recipe::default()
//! };
//! let files = format::files(&bundle, &recipe)?;
//! let names: Vec<_> = files.iter().map(|file| file.name).collect();
//! assert_eq!(names, ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "keystore.p12"]);
//! assert_eq!((files[3].mode, files[3].bytes.starts_with(b"-----BEGIN PRIVATE KEY-----")), (0o600, true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod kind;
mod kubernetes;
mod pem;
mod recipe;

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

pub use kind::{Format, Given, When};
pub use kubernetes::Kubernetes;
pub use pem::{CHAIN, ENC_KEY, ENC_LEAF, FULLCHAIN, KEY, LEAF, SIGN_KEY, SIGN_LEAF};
pub use recipe::{Kept, Modes, Password, Recipe, Settings};

use crate::bundle::{Bundle, Certificate};
use crate::keystore::{self, Entry, KeystoreError, Strength};

/// The file that holds a key store's password, where that is certctl's own.
pub const KEYSTORE_PASSWORD: &str = "keystore.pass";

/// One file of a version: what [`crate::store`] writes.
pub struct FileImage {
    /// Its name inside the version, for example `cert.pem`.
    pub name: &'static str,
    /// Its permission bits, for example `0o600`.
    pub mode: u32,
    /// Its content; wiped when dropped, since it may hold a key.
    pub bytes: Zeroizing<Vec<u8>>,
    /// How it was made, to be read again by [`Kept`]. No secrets.
    pub settings: Settings,
}

impl fmt::Debug for FileImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileImage").field("name", &self.name).field("mode", &self.mode).finish_non_exhaustive()
    }
}

/// Why a format cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A key store needs a password, and there is none.
    #[error("the format `{0}` needs a password")]
    NoPassword(Format),
    /// What is to go into a key store does not fit there.
    #[error("the format `{format}` cannot be written: {error}")]
    Keystore {
        /// The format.
        format: Format,
        /// Why not.
        error: KeystoreError,
    },
}

/// Name and permission bits of the files that formats give, whatever the bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// For every bundle.
    pub always: Vec<(&'static str, u32)>,
    /// For SM2 dual certificates; the encryption half's key only where that came.
    pub dual: Vec<(&'static str, u32)>,
}

/// What [`files`] gives for these formats, known before there is a bundle; with a password of the user's own for key
/// stores, or without.
#[must_use]
pub fn names(formats: &[Format], modes: Modes, has_password: bool) -> Names {
    let mut names = Names::default();
    for given in recipe::in_order(formats).flat_map(Format::files) {
        let list = match given.when {
            When::Always => &mut names.always,
            When::Dual => &mut names.dual,
            When::OwnPassword if has_password => continue,
            When::OwnPassword => &mut names.always,
        };
        let file = (given.name, modes.of(*given));
        if !list.contains(&file) {
            list.push(file);
        }
    }
    names
}

/// The files of a recipe; the PEM files are always the first.
///
/// # Errors
/// When a format cannot be written.
pub fn files(bundle: &Bundle, recipe: &Recipe) -> Result<Vec<FileImage>, FormatError> {
    let mut files: Vec<FileImage> = Vec::new();
    for format in recipe::in_order(&recipe.formats) {
        for (name, bytes) in contents(format, bundle, recipe)? {
            // Two kinds of key store share one password.
            if files.iter().any(|file| file.name == name) {
                continue;
            }
            let mode = format.file(name).map_or(recipe.modes.key, |given| recipe.modes.of(given));
            files.push(FileImage { name, mode, bytes, settings: recipe.settings(format) });
        }
    }
    Ok(files)
}

/// One format alone, as one run of bytes: for a pipe.
///
/// # Errors
/// When the format cannot be written.
pub fn stream(bundle: &Bundle, format: Format, recipe: &Recipe) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let contents = match format {
        // Every certificate and the key once.
        Format::Pem => return Ok(pem::combined(bundle)),
        _ => contents(format, bundle, recipe)?,
    };
    let contents: Vec<_> = contents.into_iter().filter(|(name, _)| *name != KEYSTORE_PASSWORD).collect();
    let mut bytes = Zeroizing::new(Vec::with_capacity(contents.iter().map(|(_, bytes)| bytes.len()).sum()));
    contents.iter().for_each(|(_, more)| bytes.extend_from_slice(more));
    Ok(bytes)
}

/// What each file of a format holds.
type Contents = Vec<(&'static str, Zeroizing<Vec<u8>>)>;

fn contents(format: Format, bundle: &Bundle, recipe: &Recipe) -> Result<Contents, FormatError> {
    Ok(match format {
        Format::Pem => pem::contents(bundle),
        Format::Combined => vec![("combined.pem", pem::combined(bundle))],
        Format::Der => vec![
            ("cert.der", Zeroizing::new(bundle.leaf().der().to_vec())),
            ("privkey.der", Zeroizing::new(bundle.key().der().to_vec())),
        ],
        Format::K8sSecret => vec![("secret.yaml", kubernetes::secret(bundle, &recipe.kubernetes))],
        Format::Pkcs12 => keystore(format, "keystore.p12", bundle, recipe, |entry, password| {
            keystore::pkcs12(entry, password, Strength::Modern)
        })?,
        Format::Pkcs12Legacy => keystore(format, "keystore.p12", bundle, recipe, |entry, password| {
            keystore::pkcs12(entry, password, Strength::Legacy)
        })?,
        Format::Jks => keystore(format, "keystore.jks", bundle, recipe, keystore::jks)?,
    })
}

fn keystore(
    format: Format,
    file: &'static str,
    bundle: &Bundle,
    recipe: &Recipe,
    make: impl FnOnce(&Entry<'_>, &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError>,
) -> Result<Contents, FormatError> {
    let password = recipe.password.as_ref().ok_or(FormatError::NoPassword(format))?;
    let key = bundle.key().to_pkcs8();
    let chain: Vec<&[u8]> = [bundle.leaf()].into_iter().chain(bundle.chain()).map(Certificate::der).collect();
    let entry = Entry { alias: &recipe.alias, key: &key, chain: &chain, created: bundle.leaf().not_before };
    let made = make(&entry, password.secret().expose_secret());
    let mut contents = vec![(file, made.map_err(|error| FormatError::Keystore { format, error })?)];
    if let Password::Own(password) = password {
        contents.push((KEYSTORE_PASSWORD, password_file(password)));
    }
    Ok(contents)
}

/// A password on a line of its own, as `openssl -passin file:` and `keytool -storepass:file` read it.
fn password_file(password: &SecretString) -> Zeroizing<Vec<u8>> {
    let password = password.expose_secret().as_bytes();
    let mut line = Zeroizing::new(Vec::with_capacity(password.len().saturating_add(1)));
    line.extend_from_slice(password);
    line.push(b'\n');
    line
}

/// The password in such a file; `None` if it is no text.
#[must_use]
pub fn password_in_file(bytes: &[u8]) -> Option<SecretString> {
    Some(SecretString::from(std::str::from_utf8(bytes).ok()?.trim_end_matches(['\r', '\n'])))
}
