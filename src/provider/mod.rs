//! The four clouds behind one trait: a signed call becomes listing rows, a description or raw material.
//!
//! Every cloud is a folder of the same four files: `mod.rs` (its operations and registration), `sign.rs` (its
//! signer, pure), `api.rs` (what is on the wire, and what its error codes mean) and `credential.rs` (where its own
//! tools keep access keys).
//!
//! A signer takes the request, the credentials, the time and the nonce, and returns the headers to send; the stages in
//! between (canonical request, string to sign, signing key) are functions of their own:
//!
//! ```
//! use certctl::credential::Credentials;
//! use certctl::http::{Endpoint, Method, Request};
//! use certctl::provider::{Seal, huawei};
//!
//! let endpoint = Endpoint::parse("https://scm.cn-north-4.myhuaweicloud.com")?;
//! let request = Request::new(Method::Get, &endpoint, "/v3/scm/certificates").query(&[("limit", "50")]);
//! let credentials = Credentials::new("AK", "SK");
//! let seal = Seal { credentials: &credentials, now: "2026-11-22T02:03:04Z".parse()?, nonce: "not used here" };
//! let signed = huawei::sign::sign(&request, &seal);
//! assert_eq!(signed.headers[0], ("x-sdk-date", "20261122T020304Z".to_owned()));
//! let (name, value) = &signed.headers[1];
//! assert_eq!(*name, "authorization");
//! assert!(value.starts_with("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature="));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A provider does all of it: signs, keeps to the published rates, tries again, reads all pages. With keys of one's own
//! (an [`Account`](crate::account::Account) finds them instead):
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use certctl::credential::Credentials;
//! use certctl::environment::Environment;
//! use certctl::http::{Client, Endpoint, Retries};
//! use certctl::provider::{Link, Settings, tencent};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = Settings::default();
//! let link = Link {
//!     client: Client::new(Duration::from_secs(30))?,
//!     endpoint: Endpoint::parse(&(tencent::REGISTRATION.endpoint)(&settings))?,
//!     credentials: Credentials::new(std::env::var("MY_ID")?, std::env::var("MY_KEY")?),
//!     environment: Environment::of_process(),
//!     retries: Retries::new(3),
//!     requests_per_second: None,
//! };
//! let cloud = (tencent::REGISTRATION.connect)(link, settings);
//! for certificate in cloud.list().await? {
//!     println!("{} {:?} {:?}", certificate.id, certificate.domains, certificate.not_after);
//! }
//! let description = cloud.describe("LtIaSxlb").await?;
//! let material = cloud.download("LtIaSxlb").await?;
//! # drop((description, material));
//! # Ok(())
//! # }
//! ```

mod canonical;
mod certificate;
mod error;
mod lenient;
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
use session::Session;
pub use session::{Link, Seal, Signed};

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
