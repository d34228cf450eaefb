//! What the user wants made of a certificate, by the flags.

use std::path::Path;

use secrecy::SecretString;

use super::args::{DownloadArgs, MakingArgs};
use crate::credential::SecretSource;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::format::{Format, Modes};
use crate::run::making::Making;

/// What is made of each certificate; what the flags leave open is as it is in its directory.
pub(super) fn making(args: &DownloadArgs, environment: &Environment) -> Result<Making, Failure> {
    if let Some(what) = Format::clash(&args.format) {
        return Err(Failure::Usage(format!("--format: {what}")));
    }
    let MakingArgs { keystore_password_file, keystore_password_env, .. } = &args.making;
    Ok(Making {
        formats: Some(args.format.clone()).filter(|formats| !formats.is_empty()),
        modes: Modes::default(),
        alias: args.making.keystore_alias.clone(),
        password: secret(keystore_password_file.as_deref(), keystore_password_env.as_deref(), environment)?,
        kubernetes_name: args.making.kubernetes_name.clone(),
        kubernetes_namespace: args.making.kubernetes_namespace.clone(),
        keeps: true,
    })
}

/// What may open an encrypted key.
pub(super) fn key_password(args: &MakingArgs, environment: &Environment) -> Result<Vec<SecretString>, Failure> {
    let password = secret(args.key_password_file.as_deref(), args.key_password_env.as_deref(), environment)?;
    Ok(password.into_iter().collect())
}

/// The secret in that file or that variable.
fn secret(
    file: Option<&Path>,
    variable: Option<&str>,
    environment: &Environment,
) -> Result<Option<SecretString>, Failure> {
    let of_file = file.map(|path| SecretSource::File(path.to_owned()));
    let source = of_file.or_else(|| variable.map(|variable| SecretSource::Env(variable.to_owned())));
    let secret = source.map(|source| source.resolve(environment)).transpose();
    secret.map_err(|error| Failure::Account(error.into()))
}
