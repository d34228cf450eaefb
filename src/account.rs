//! The accounts that a run works with.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use certctl::account::{Account, Reach};
//! use certctl::environment::Environment;
//! use certctl::http::Client;
//! use certctl::provider::REGISTRY;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // From the environment's variables, else the official tools' files.
//! let environment = Environment::of_process();
//! let reach = Reach::new(Client::new(Duration::from_secs(30))?);
//! for registration in REGISTRY {
//!     match Account::implicit(registration, &reach, &environment) {
//!         Ok(account) => println!("{}: {} certificates", account.name, account.cloud.list().await?.len()),
//!         Err(error) => println!("{}: {error}", registration.name),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;

use thiserror::Error;

use crate::config::{AccountConfig, Config, Source};
use crate::credential::{COMMAND_TIMEOUT, CredentialError, Credentials, Found, Place, from_command};
use crate::environment::Environment;
use crate::http::{Client, Endpoint, EndpointError, Retries};
use crate::provider::{Link, Provider, Registration, SettingError, Settings, credential_variables};
use crate::stop::Stop;

/// One account at one cloud, ready to be asked.
pub struct Account {
    /// Its name; without a config file, its provider's.
    pub name: String,
    /// Its provider's name.
    pub provider: &'static str,
    /// The cloud.
    pub cloud: Box<dyn Provider>,
    /// How many certificates are asked for at the same time.
    pub jobs: usize,
}

/// How many certificates are asked for at the same time, where nothing says otherwise.
pub const JOBS: u16 = 8;

/// How accounts reach their clouds.
#[derive(Debug)]
pub struct Reach {
    /// Sends the requests.
    pub client: Client,
    /// How often a call is tried again.
    pub retries: Retries,
    /// What the command line says instead of each cloud's own endpoint.
    pub endpoint: Option<String>,
    /// What the command line says instead of each account's own number of jobs.
    pub jobs: Option<u16>,
    /// Ends a credentials command early.
    pub stop: Stop,
    /// The variables that no credentials command gets to see: see [`withheld`].
    pub withheld: Vec<String>,
}

impl Reach {
    /// With the defaults of the command: three more tries, each cloud's own endpoint, [`JOBS`] at the same time.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let (stop, withheld) = (Stop::default(), withheld(None));
        Self { client, retries: Retries::new(3), endpoint: None, jobs: None, stop, withheld }
    }
}

/// The variables that may hold a credential, and those that the config says do: no command gets to see them.
#[must_use]
pub fn withheld(config: Option<&Config>) -> Vec<String> {
    let named = config.into_iter().flat_map(Config::secret_variables).map(str::to_owned);
    credential_variables().map(str::to_owned).chain(named).collect()
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
        let settings = Settings::read(registration, |variable| environment.variable(variable))?;
        Plan { registration, name: registration.name, found, settings, config: None }.connect(reach, environment)
    }

    /// An account of the config file. What it leaves out comes from the environment.
    ///
    /// # Errors
    /// When its credentials are not where the config says, or something about the account is not right.
    pub fn configured(config: &AccountConfig, reach: &Reach, environment: &Environment) -> Result<Self, AccountError> {
        let registration = config.provider;
        let found = credentials(config, environment, reach)?;
        // The variables of a cloud's own tools, a project's id say, belong to the credentials beside them.
        let is_ambient = matches!(config.source, Source::Ambient);
        let settings = Settings::read(registration, |variable| {
            let setting = registration.settings.iter().find(|setting| setting.variable == variable);
            let own = setting.and_then(|setting| config.settings.get(setting.key)).map(String::as_str);
            own.or_else(|| environment.variable(variable).filter(|_| is_ambient || variable.starts_with("CERTCTL_")))
        })?;
        Plan { registration, name: &config.name, found, settings, config: Some(config) }.connect(reach, environment)
    }
}

/// An account before it is connected to its cloud.
struct Plan<'a> {
    registration: &'static Registration,
    name: &'a str,
    found: Found,
    settings: Settings,
    config: Option<&'a AccountConfig>,
}

impl Plan<'_> {
    fn connect(self, reach: &Reach, environment: &Environment) -> Result<Account, AccountError> {
        let Found { credentials, settings, place } = self.found;
        tracing::info!("{}: credentials from {place}", self.name);
        let settings = self.settings.or(settings);
        let endpoint = endpoint(self.registration, &settings, self.config, reach, environment)?;
        let link = Link {
            client: reach.client.clone(),
            endpoint,
            credentials,
            environment: environment.clone(),
            retries: reach.retries,
            requests_per_second: self.config.and_then(|config| config.requests_per_second),
        };
        let cloud = (self.registration.connect)(link, settings);
        let jobs = reach.jobs.or_else(|| self.config?.jobs).unwrap_or(JOBS);
        Ok(Account { name: self.name.to_owned(), provider: self.registration.name, cloud, jobs: jobs.into() })
    }
}

/// The endpoint that the command line gives, else the config, else the environment, else the cloud's own.
fn endpoint(
    registration: &Registration,
    settings: &Settings,
    config: Option<&AccountConfig>,
    reach: &Reach,
    environment: &Environment,
) -> Result<Endpoint, AccountError> {
    let variable = format!("CERTCTL_{}_ENDPOINT", registration.name.to_uppercase());
    let of_config = || Some(("the config".to_owned(), config?.endpoint.clone()?));
    let of_environment = || Some((variable.clone(), environment.variable(&variable)?.to_owned()));
    let given = reach.endpoint.clone().map(|given| ("--endpoint".to_owned(), given));
    let (origin, text) = given
        .or_else(of_config)
        .or_else(of_environment)
        .unwrap_or_else(|| (registration.name.to_owned(), (registration.endpoint)(settings)));
    Endpoint::parse(&text).map_err(|error| AccountError::Endpoint { origin, error })
}

/// The credentials of an account of the config file, from the one source that it names.
fn credentials(config: &AccountConfig, environment: &Environment, reach: &Reach) -> Result<Found, CredentialError> {
    let sources = config.provider.credentials;
    let found = match &config.source {
        Source::Keys { access_key, secret_key, session_token } => {
            let (token, mfa) = (session_token.as_ref(), config.mfa.as_ref());
            let credentials = Credentials::resolve(access_key, secret_key, token, mfa, environment)?;
            return Ok(Found { credentials, settings: Vec::new(), place: Place::Configuration });
        }
        Source::Ambient => sources.find(config.provider.name, environment)?,
        Source::Profile(profile) => sources.profile(profile, environment)?,
        Source::Command(command) => from_command(
            &command.argv(),
            COMMAND_TIMEOUT,
            &reach.withheld.iter().map(String::as_str).collect::<Vec<_>>(),
            environment,
            &reach.stop,
        )?,
    };
    let mfa = config.mfa.as_ref().map(|mfa| mfa.resolve(environment)).transpose()?;
    let credentials = Credentials { mfa: mfa.or(found.credentials.mfa), ..found.credentials };
    Ok(Found { credentials, ..found })
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("name", &self.name).field("provider", &self.provider).finish_non_exhaustive()
    }
}
