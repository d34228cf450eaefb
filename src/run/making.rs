//! What the user wants made of a certificate, and what that comes to in its directory.

use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::SecretString;

use crate::credential::SecretSource;
use crate::digest::hex;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::format::{Format, KEYSTORE_PASSWORD, Kept, Kubernetes, Modes, Password, Recipe};
use crate::store::{self, Made, Name};

/// The password of key stores that the user has there.
///
/// # Errors
/// When it cannot be had, or cannot be one.
pub fn keystore_password(
    source: Option<&SecretSource>,
    environment: &Environment,
) -> Result<Option<SecretString>, Failure> {
    let password = source.map(|source| source.resolve_password(environment)).transpose();
    password.map_err(|error| Failure::Password { of: "key stores", error })
}

/// The password that the user has there for a private key that comes encrypted.
///
/// # Errors
/// When it cannot be had.
pub fn key_password(source: Option<&SecretSource>, environment: &Environment) -> Result<Option<SecretString>, Failure> {
    let password = source.map(|source| source.resolve(environment)).transpose();
    password.map_err(|error| Failure::Password { of: "encrypted private keys", error })
}

/// What the user wants made of a certificate.
#[derive(Debug, Clone, Default)]
pub struct Making {
    /// The formats; `None`: those that the directory has.
    pub formats: Option<Vec<Format>>,
    /// Permission bits.
    pub modes: Modes,
    /// The key's name in key stores.
    pub alias: Option<String>,
    /// The password of key stores; `None`: certctl's own.
    pub password: Option<SecretString>,
    /// The Kubernetes secret's name.
    pub kubernetes_name: Option<String>,
    /// The Kubernetes secret's namespace.
    pub kubernetes_namespace: Option<String>,
    /// Whether what the user does not say stays as it is in the directory.
    pub keeps: bool,
}

impl Making {
    /// What the user says that none of these formats uses, and the formats that would.
    #[must_use]
    pub fn unused(&self, formats: &[Format]) -> Option<(&'static str, &'static str)> {
        const KEYSTORES: &str = "pkcs12 or jks";
        let has_keystore = formats.iter().any(|format| format.is_keystore());
        let has_manifest = formats.contains(&Format::K8sSecret);
        let said = [
            (self.password.is_some() && !has_keystore, ("a password of key stores", KEYSTORES)),
            (self.alias.is_some() && !has_keystore, ("--keystore-alias", KEYSTORES)),
            (self.kubernetes_name.is_some() && !has_manifest, ("--kubernetes-name", "k8s-secret")),
            (self.kubernetes_namespace.is_some() && !has_manifest, ("--kubernetes-namespace", "k8s-secret")),
        ];
        said.into_iter().find_map(|(is_unused, what)| is_unused.then_some(what))
    }

    /// What it comes to for the certificate directory `<dir>/<name>`. A key store's own password stays what it was. This
    /// blocks.
    ///
    /// # Errors
    /// When the directory cannot be read, or has a key store whose password is not known.
    pub fn recipe(&self, dir: &Path, name: &Name) -> Result<Recipe, Failure> {
        let is_simple =
            self.formats.as_deref().is_some_and(|formats| !formats.iter().any(|format| format.has_options()));
        self.recipe_beside(&if is_simple { Made::default() } else { store::made(dir, name)? }, dir, name)
    }

    /// The same where it is known how what is in place was made.
    ///
    /// # Errors
    /// When there is a key store whose password is not known.
    pub fn recipe_beside(&self, made: &Made, dir: &Path, name: &Name) -> Result<Recipe, Failure> {
        let files = made.files.iter().map(|(name, settings)| (name.as_str(), settings));
        let kept = if self.keeps { Kept::of(files) } else { Kept::default() };
        let formats = self.formats.clone().unwrap_or_else(|| kept.formats.clone());
        // Where formats are named it is known before, and refused.
        if let (None, Some((what, of))) = (&self.formats, self.unused(&formats)) {
            tracing::warn!("{name}: {what} is given, but {of} is not written there; add it with --format");
        }
        let has_keystore = formats.iter().any(|format| format.is_keystore());
        // Where it was certctl's own and is lost, the key store is of no use, and is made anew with another.
        let had_own = made.files.iter().any(|(file, _)| file == KEYSTORE_PASSWORD);
        let password = match (&self.password, &made.password) {
            _ if !has_keystore => None,
            (Some(given), _) => Some(Password::Given(given.clone())),
            (None, Some(own)) => Some(Password::Own(own.clone())),
            (None, None) if self.formats.is_none() && !had_own => {
                return Err(Failure::NoKeystorePassword { path: dir.join(name.as_str()) });
            }
            (None, None) => Some(Password::Own(random_password()?)),
        };
        Ok(self.recipe_of(name, formats, kept, password))
    }

    /// The same for a pipe, with no directory to look at.
    #[must_use]
    pub fn recipe_without_directory(&self, name: &Name) -> Recipe {
        let formats = self.formats.clone().unwrap_or_default();
        self.recipe_of(name, formats, Kept::default(), self.password.clone().map(Password::Given))
    }

    fn recipe_of(&self, name: &Name, formats: Vec<Format>, kept: Kept, password: Option<Password>) -> Recipe {
        let called = self.kubernetes_name.clone().or(kept.name);
        Recipe {
            formats,
            modes: self.modes,
            alias: self.alias.clone().or(kept.alias).unwrap_or_else(|| name.to_string()),
            password,
            kubernetes: Kubernetes {
                name: called.unwrap_or_else(|| Kubernetes::name_for(name.as_str())),
                namespace: self.kubernetes_namespace.clone().or(kept.namespace),
            },
        }
    }
}

/// 160 bits, in digits that no shell, XML file or keyboard makes trouble about.
fn random_password() -> Result<SecretString, Failure> {
    let mut bytes = [0; 20];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Failure::Bug)?;
    Ok(SecretString::from(hex(&bytes)))
}
