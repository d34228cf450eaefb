//! The four clouds behind one trait: a signed call becomes listing rows, a description or raw material.
//!
//! Every cloud is a folder of the same four files: `mod.rs` (its operations and registration), `sign.rs` (its
//! signer, pure), `api.rs` (what is on the wire, and what its error codes mean) and `credential.rs` (where its own
//! tools keep access keys).

mod canonical;
mod certificate;
mod error;
pub mod lenient;
mod paging;
mod redact;
mod session;

pub mod ctyun;
pub mod huawei;
pub mod jdcloud;
pub mod tencent;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use thiserror::Error;

pub use certificate::{Certificate, Description, Status};
pub use error::{Meaning, ProviderError, Refusal};
pub use session::{Link, Seal, Session, Signed};

use crate::bundle::Material;
use crate::credential::{Names, Sources};

/// What every cloud can do.
pub trait Provider: Send + Sync {
    /// Every certificate of the account, all pages.
    fn list(&self) -> BoxFuture<'_, Result<Vec<Certificate>, ProviderError>>;

    /// All that the cloud says of one certificate, its secrets left out.
    fn describe<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Description, ProviderError>>;

    /// Key and certificates of one certificate, as the cloud hands them over.
    fn download<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Material, ProviderError>>;
}

/// One cloud, as the rest of certctl knows it.
#[derive(Debug)]
pub struct Registration {
    /// Its name on the command line.
    pub name: &'static str,
    /// Where its credentials are; the first found win.
    pub credentials: &'static Sources,
    /// What else can be set about an account of it.
    pub settings: &'static [Setting],
    /// Where its API is, under these settings.
    pub endpoint: fn(&Settings) -> String,
    /// Makes the provider.
    pub connect: fn(Link, Settings) -> Box<dyn Provider>,
}

/// Something about an account that is not a credential.
#[derive(Debug)]
pub struct Setting {
    /// Its key, for example `site`.
    pub key: &'static str,
    /// The environment variable that gives it.
    pub variable: &'static str,
    /// The words that it may have; empty if any will do. The first is the default.
    pub values: &'static [&'static str],
}

/// Every cloud that certctl knows: the one list.
pub const REGISTRY: &[&Registration] =
    &[&jdcloud::REGISTRATION, &tencent::REGISTRATION, &huawei::REGISTRATION, &ctyun::REGISTRATION];

/// Every environment variable that may hold a credential: not for the programs that certctl runs.
pub fn credential_variables() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().flat_map(|registration| registration.credentials.variables).flat_map(Names::all)
}

/// The settings of one account, checked against its [`Registration`].
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<&'static str, String>);

/// A setting with a word that it may not have.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{variable} is `{value}`; it can be {}", .values.join(" or "))]
pub struct SettingError {
    /// Where the value was.
    pub variable: &'static str,
    /// The value.
    pub value: String,
    /// What would be right.
    pub values: &'static [&'static str],
}

impl Settings {
    /// Reads every setting of `registration` with `value_of`, which is given a variable's name.
    ///
    /// # Errors
    /// When one has a word that it may not have.
    pub fn read<'a>(
        registration: &'static Registration,
        value_of: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, SettingError> {
        let mut settings = BTreeMap::new();
        for Setting { key, variable, values } in registration.settings {
            let Some(value) = value_of(variable) else { continue };
            if !values.is_empty() && !values.contains(&value) {
                return Err(SettingError { variable, value: value.to_owned(), values });
            }
            settings.insert(*key, value.to_owned());
        }
        Ok(Self(settings))
    }

    /// These, and of `others` those that are not among them.
    #[must_use]
    pub fn or(mut self, others: Vec<(&'static str, String)>) -> Self {
        for (key, value) in others {
            self.0.entry(key).or_insert(value);
        }
        self
    }

    /// A setting's value, if it was given.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}
