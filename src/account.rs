//! The accounts that a run works with.

use std::fmt;

use thiserror::Error;

use crate::credential::CredentialError;
use crate::environment::Environment;
use crate::http::{Client, Endpoint, EndpointError, Retries};
use crate::provider::{Link, Provider, Registration, SettingError, Settings};

/// One account at one cloud, ready to be asked.
pub struct Account {
    /// Its name; without a config file, its provider's.
    pub name: String,
    /// Its provider's name.
    pub provider: &'static str,
    /// The cloud.
    pub cloud: Box<dyn Provider>,
}

/// How accounts reach their clouds.
#[derive(Debug)]
pub struct Reach {
    /// Sends the requests.
    pub client: Client,
    /// How often a call is tried again.
    pub retries: Retries,
    /// What the command line says instead of each cloud's own endpoint.
    pub endpoint: Option<String>,
}

/// Why an account cannot be used.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Its credentials are missing or broken.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// One of its settings has a word that it may not have.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Its endpoint cannot be used.
    #[error("{origin}: {error}")]
    Endpoint {
        /// The flag or variable that gave it.
        origin: String,
        /// What is wrong with it.
        error: EndpointError,
    },
}

impl Account {
    /// The account that a provider has without a config file: from the environment, and from
    /// the official tools' files what it does not say.
    ///
    /// # Errors
    /// When there are no credentials, or something about the account is not right.
    pub fn implicit(
        registration: &'static Registration,
        reach: &Reach,
        environment: &Environment,
    ) -> Result<Self, AccountError> {
        let found = registration.credentials.find(registration.name, environment)?;
        tracing::info!("{}: credentials from {}", registration.name, found.place);
        let settings = Settings::read(registration, |variable| environment.variable(variable))?.or(found.settings);
        let endpoint = endpoint(registration, &settings, reach, environment)?;
        let link = Link {
            client: reach.client.clone(),
            endpoint,
            credentials: found.credentials,
            environment: environment.clone(),
            retries: reach.retries,
        };
        let cloud = (registration.connect)(link, settings);
        Ok(Self { name: registration.name.to_owned(), provider: registration.name, cloud })
    }
}

/// The endpoint that the command line gives, else the environment, else the cloud's own.
fn endpoint(
    registration: &Registration,
    settings: &Settings,
    reach: &Reach,
    environment: &Environment,
) -> Result<Endpoint, AccountError> {
    let variable = format!("CERTCTL_{}_ENDPOINT", registration.name.to_uppercase());
    let (origin, text) = match (&reach.endpoint, environment.variable(&variable)) {
        (Some(given), _) => ("--endpoint".to_owned(), given.clone()),
        (None, Some(given)) => (variable, given.to_owned()),
        (None, None) => (registration.name.to_owned(), (registration.endpoint)(settings)),
    };
    Endpoint::parse(&text).map_err(|error| AccountError::Endpoint { origin, error })
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("name", &self.name).field("provider", &self.provider).finish_non_exhaustive()
    }
}
