//! What the user wants made of a certificate, by the flags.

use std::path::Path;

use secrecy::SecretString;

use super::args::{DownloadArgs, MakingArgs};
use crate::credential::SecretSource;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::format::{Format, Modes};
use crate::run::making::{self, Making};

/// What is made of each certificate; what the flags leave open is as it is in its directory.
pub(super) fn making(args: &DownloadArgs, environment: &Environment) -> Result<Making, Failure> {
    if let Some(what) = Format::clash(&args.format) {
        return Err(Failure::Usage(format!("--format: {what}")));
    }
    if args.making.kubernetes_name.is_some() && (args.all || args.certificates.len() > 1) {
        // Applied, each would take the place of the one before.
        return Err(Failure::Usage("--kubernetes-name is for one certificate; leave it out, or name one".to_owned()));
    }
    let MakingArgs { keystore_password_file, keystore_password_env, .. } = &args.making;
    let source = source(keystore_password_file.as_deref(), keystore_password_env.as_deref());
    let making = Making {
        formats: Some(args.format.clone()).filter(|formats| !formats.is_empty()),
        modes: Modes::default(),
        alias: args.making.keystore_alias.clone(),
        password: making::keystore_password(source.as_ref(), environment)?,
        kubernetes_name: args.making.kubernetes_name.clone(),
        kubernetes_namespace: args.making.kubernetes_namespace.clone(),
        keeps: true,
    };
    let written = args.stdout.map(|format| vec![format]).or_else(|| making.formats.clone());
    match written.and_then(|formats| making.unused(&formats)) {
        Some((what, of)) => {
            Err(Failure::Usage(format!("{what} is given, but {of} is not written; add it, or leave that out")))
        }
        None => Ok(making),
    }
}

/// What may open an encrypted key.
pub(super) fn key_password(args: &MakingArgs, environment: &Environment) -> Result<Vec<SecretString>, Failure> {
    let source = source(args.key_password_file.as_deref(), args.key_password_env.as_deref());
    Ok(making::key_password(source.as_ref(), environment)?.into_iter().collect())
}

/// A file, or a variable.
fn source(file: Option<&Path>, variable: Option<&str>) -> Option<SecretSource> {
    let of_file = file.map(|path| SecretSource::File(path.to_owned()));
    of_file.or_else(|| variable.map(|variable| SecretSource::Env(variable.to_owned())))
}
