//! What is to be made of a certificate, by its config, and whether that is what was made of the one in place.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::config::CertificateConfig;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::format::{Modes, Password};
use crate::run::making::{self, Making};
use crate::run::parcel::{self, Packed, Wanted};
use crate::store::{self, Identity};

/// The passwords of key stores, and of a key that comes encrypted.
pub(super) type Secrets = (Option<SecretString>, Option<SecretString>);

pub(super) fn secrets(certificate: &CertificateConfig, environment: &Environment) -> Result<Secrets, Failure> {
    let CertificateConfig { keystore_password, key_password, .. } = certificate;
    Ok((
        making::keystore_password(keystore_password.as_ref(), environment)?,
        making::key_password(key_password.as_ref(), environment)?,
    ))
}

pub(super) fn making(certificate: &CertificateConfig, password: Option<SecretString>) -> Making {
    let kubernetes = certificate.kubernetes.clone().unwrap_or_default();
    Making {
        formats: Some(certificate.formats.clone()),
        modes: Modes { key: certificate.key_mode, cert: certificate.cert_mode },
        alias: certificate.keystore_alias.clone(),
        password,
        kubernetes_name: kubernetes.name,
        kubernetes_namespace: kubernetes.namespace,
        keeps: false,
    }
}

/// Whether the files in place were made as they would be made today: a hash does not tell of another alias or password.
/// What cannot be told, or made again, stays as it is. This blocks.
pub(super) fn is_as_wanted(
    certificate: &CertificateConfig,
    installed: &Identity,
    making: &Making,
    now: Timestamp,
) -> Result<bool, Failure> {
    let CertificateConfig { dir, name, .. } = certificate;
    if !certificate.formats.iter().any(|format| format.has_options()) {
        return Ok(true);
    }
    let made = store::made(dir, name)?;
    let recipe = making.recipe_beside(&made, dir, name)?;
    if !recipe.is_of(made.files.iter().map(|(name, settings)| (name.as_str(), settings))) {
        return Ok(false);
    }
    // certctl's own password lies beside the key store, and both were written together.
    if !matches!(recipe.password, Some(Password::Given(_))) {
        return Ok(true);
    }
    let wanted = Wanted {
        id: installed.id.clone(),
        domains: Vec::new(),
        name: Some(name.clone()),
        dir: dir.clone(),
        making: making.clone(),
        passwords: Vec::new(),
        now,
    };
    let Ok(Some(parcel)) = parcel::remake(installed, wanted) else { return Ok(true) };
    let Packed { files, .. } = parcel.pack()?;
    let names: Vec<_> = files.iter().map(|file| file.name).collect();
    let in_place = store::contents(dir, name, &names)?;
    Ok(in_place.is_some_and(|in_place| files.iter().zip(in_place).all(|(file, bytes)| *file.bytes == *bytes)))
}
