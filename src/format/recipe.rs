//! What is to be made of a bundle, and what was.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use super::KEYSTORE_PASSWORD;
use super::kind::{Format, Given};
use super::kubernetes::Kubernetes;

/// What is to be made of a bundle.
#[derive(Debug, Clone, Default)]
pub struct Recipe {
    /// The formats beside the PEM files.
    pub formats: Vec<Format>,
    /// Permission bits.
    pub modes: Modes,
    /// What the key is called in key stores.
    pub alias: String,
    /// The password of key stores; needed only for those.
    pub password: Option<Password>,
    /// What the Kubernetes secret is called.
    pub kubernetes: Kubernetes,
}

/// The password of key stores.
#[derive(Debug, Clone)]
pub enum Password {
    /// The user's.
    Given(SecretString),
    /// certctl's own: it is written beside the key store.
    Own(SecretString),
}

impl Password {
    /// The password itself.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        match self {
            Self::Given(secret) | Self::Own(secret) => secret,
        }
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
    /// Those of a file.
    #[must_use]
    pub fn of(self, given: Given) -> u32 {
        if given.is_secret { self.key } else { self.cert }
    }
}

/// How a file was made: what metadata.json records of it beside its hash and mode.
pub type Settings = BTreeMap<String, String>;

/// The formats in the order they are written, each once, the PEM files first.
pub(super) fn in_order(formats: &[Format]) -> impl Iterator<Item = Format> {
    Format::ALL.into_iter().filter(|format| *format == Format::Pem || formats.contains(format))
}

const FORMAT: &str = "format";
const ALIAS: &str = "alias";
const NAME: &str = "name";
const NAMESPACE: &str = "namespace";

impl Recipe {
    /// What [`Self::is_alias`] asks for, for people.
    pub const ALIASES: &'static str = "use 1 to 255 bytes, without control characters";

    /// Whether `text` can be what a key is called in key stores.
    #[must_use]
    pub fn is_alias(text: &str) -> bool {
        (1..=255).contains(&text.len()) && !text.chars().any(char::is_control)
    }

    /// What whoever takes these files should know.
    #[must_use]
    pub fn caveat(&self) -> Option<&'static str> {
        let has_pkcs12 = self.formats.iter().any(|format| matches!(format, Format::Pkcs12 | Format::Pkcs12Legacy));
        let is_ascii = self.password.as_ref().is_none_or(|password| password.secret().expose_secret().is_ascii());
        (has_pkcs12 && !is_ascii)
            .then_some("the password is not in ASCII alone, and Java opens no PKCS#12 key store with such a one")
    }

    /// Whether files of which this is recorded were made by this recipe, but for the password, of which nothing is.
    pub fn is_of<'a>(&self, files: impl IntoIterator<Item = (&'a str, &'a Settings)>) -> bool {
        files.into_iter().all(|(name, settings)| {
            let is_of = |format: Format| format.file(name).is_some() && self.settings(format) == *settings;
            in_order(&self.formats).any(is_of)
        })
    }

    /// How the files of a format are made. Nothing for the PEM files, which every version has.
    pub(super) fn settings(&self, format: Format) -> Settings {
        let mut settings = Settings::new();
        let mut set = |key: &str, value: &str| settings.insert(key.to_owned(), value.to_owned());
        if format != Format::Pem {
            set(FORMAT, format.as_str());
        }
        if format.is_keystore() {
            set(ALIAS, &self.alias);
        }
        if format == Format::K8sSecret {
            set(NAME, &self.kubernetes.name);
            self.kubernetes.namespace.as_deref().map(|namespace| set(NAMESPACE, namespace));
        }
        settings
    }
}

/// How the files that are in place were made, by what is recorded of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The formats beside the PEM files.
    pub formats: Vec<Format>,
    /// What the key is called in key stores.
    pub alias: Option<String>,
    /// The Kubernetes secret's name.
    pub name: Option<String>,
    /// The Kubernetes secret's namespace.
    pub namespace: Option<String>,
}

impl Kept {
    /// Of the names of all files and what is recorded of each. What is not known is passed over; a file of which nothing
    /// is recorded is taken to be of the format that gives such a file.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a Settings)>) -> Self {
        let mut kept = Self::default();
        for (name, settings) in files {
            let recorded = |key: &str| settings.get(key).cloned();
            let gives = |format: &Format| *format != Format::Pem && format.file(name).is_some();
            let format = match settings.get(FORMAT) {
                Some(word) => Format::parse(word),
                None => Format::ALL.into_iter().find(gives).filter(|_| name != KEYSTORE_PASSWORD),
            };
            kept.formats.extend(format.filter(|format| !kept.formats.contains(format)));
            kept.alias = kept.alias.or_else(|| recorded(ALIAS));
            kept.name = kept.name.or_else(|| recorded(NAME));
            kept.namespace = kept.namespace.or_else(|| recorded(NAMESPACE));
        }
        kept
    }
}
