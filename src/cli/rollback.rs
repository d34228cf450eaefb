//! `certctl rollback`

use std::sync::Arc;

use super::Scene;
use super::args::{Output, RollbackArgs};
use super::meant::Meant;
use crate::config::{CertificateConfig, Config, KEEP};
use crate::failure::{Exit, Failure, of_signal};
use crate::report::{json, table};
use crate::run::outcome::Row;
use crate::run::rollback::Rollback;
use crate::stop::Stop;
use crate::store::{Name, Patience};

pub(super) async fn run(args: &RollbackArgs, scene: &Scene<'_>) -> Result<Exit, Failure> {
    let Scene { config, global, environment } = scene;
    let certificate = meant(&args.certificate, config.as_ref())?;
    let stop = Stop::on_signals().map_err(|_| Failure::Bug)?;
    let started_at = environment.now();
    let rollback = Rollback {
        certificate: Arc::clone(&certificate),
        to: args.to.clone(),
        config: config.as_ref(),
        environment,
        keep: config.as_ref().map_or(KEEP, |config| config.keep),
        patience: Patience { timeout: args.lock_timeout, stop: stop.clone() },
    };
    let row = rollback.run().await.unwrap_or_else(|failure| {
        let of_config = certificate.accounts.first().and_then(|name| config.as_ref()?.account(name));
        let provider = of_config.map_or("", |account| account.provider.name);
        Row::failed(provider, &certificate.accounts.join(", "), None, Some(certificate.name.to_string()), failure)
    });
    let exit = super::tell(&row);
    let exit = stop.signal().map_or(exit, of_signal);
    let is_changed = global.detailed_exitcode && row.outcome.is_change();
    let exit = if exit == Exit::Done && is_changed { Exit::Changed } else { exit };
    let rows = [row];
    match global.output {
        Output::Json => {
            let run = json::Run::new(started_at, environment.now(), exit, &rows, &[]);
            super::print(&json::to_text(&run).map_err(|_| Failure::Bug)?)?;
        }
        Output::Table if global.quiet => {}
        Output::Table => super::print(&table::changes(&rows, false))?,
    }
    Ok(exit)
}

/// The certificate of that name in the config, or the directory at that path, with what the config says of it.
fn meant(text: &str, config: Option<&Config>) -> Result<Arc<CertificateConfig>, Failure> {
    let path = match Meant::of(text, config)? {
        Meant::Certificate(certificate) => return Ok(Arc::clone(certificate)),
        Meant::Directory(path) => path,
    };
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (name, dir) = (Name::parse(name)?, path.parent().unwrap_or(&path));
    let mut configured = config.into_iter().flat_map(|config| &config.certificates);
    let configured = configured.find(|certificate| certificate.is_at(&path)).cloned();
    Ok(configured.unwrap_or_else(|| Arc::new(CertificateConfig::unlisted(name, dir.to_owned()))))
}
