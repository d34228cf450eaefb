//! One certificate is changed on disk, and what has to follow: checked, approved of or taken back.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use super::command::Commands;
use crate::config::CertificateConfig;
use crate::failure::Failure;
use crate::format::FileImage;
use crate::hook::{Concern, Role, Subject};
use crate::run::parcel::{Packed, Parcel};
use crate::store::{self, Directory, Identity, Options, Outcome, Ownership, Wish};

/// What the changes of one run share.
#[derive(Debug)]
pub(in crate::run) struct Workshop {
    pub(in crate::run) commands: Commands,
    /// All but the owner, which is each certificate's own.
    pub(in crate::run) options: Options,
    /// Whoever has a check changes alone: another's switch must not make it fail.
    pub(in crate::run) gate: RwLock<()>,
}

/// A certificate that is in place.
#[derive(Debug)]
pub(in crate::run) struct Done {
    pub(in crate::run) outcome: Outcome,
    pub(in crate::run) path: PathBuf,
    pub(in crate::run) version: String,
    /// Whether its hook is to run.
    pub(in crate::run) is_due: bool,
}

impl Workshop {
    pub(in crate::run) fn options(&self, certificate: &CertificateConfig) -> Options {
        Options { ownership: ownership(certificate), ..self.options.clone() }
    }

    /// Makes the disk hold the parcel, if it does not. This blocks.
    /// What was rolled back may come again then, if it `unpins`.
    pub(super) fn change(
        &self,
        certificate: &CertificateConfig,
        parcel: &Parcel,
        unpins: bool,
    ) -> Result<Done, Arc<Failure>> {
        self.alone_if_checked(certificate, || self.change_now(certificate, parcel, unpins))
    }

    /// Whether the store would take the parcel. This blocks.
    pub(super) fn preview(&self, certificate: &CertificateConfig, parcel: &Parcel) -> Result<(), Arc<Failure>> {
        let options = self.options(certificate);
        let files = packed(parcel)?;
        let outcome = store::preview(&certificate.dir, &parcel.identity, &files, &options);
        Ok(outcome.map(|_| ()).map_err(Failure::from)?)
    }

    /// Checks what a run that died has left unchecked. Whether the hook is to run. This blocks.
    pub(super) fn resume(&self, certificate: &CertificateConfig, installed: &Identity) -> Result<bool, Arc<Failure>> {
        self.alone_if_checked(certificate, || {
            let directory = self.enter(certificate)?;
            let Some(unfinished) = directory.state().map_err(Failure::from)?.unfinished else { return Ok(false) };
            if !unfinished.is_checked {
                self.check(certificate, &directory, installed)?;
            }
            self.is_due(certificate, &directory)
        })
    }

    fn change_now(&self, certificate: &CertificateConfig, parcel: &Parcel, unpins: bool) -> Result<Done, Arc<Failure>> {
        let options = self.options(certificate);
        let directory = self.enter(certificate)?;
        let files = packed(parcel)?;
        let wish = Wish {
            identity: &parcel.identity,
            files: &files,
            installs: &certificate.install,
            options: &options,
            is_followed: certificate.check.is_some() || certificate.hook.is_some(),
        };
        let before = directory.state().map_err(Failure::from)?;
        if directory.preview(&wish).map_err(Failure::from)? != Outcome::Unchanged {
            self.commands.before()?;
        }
        let applied = directory.apply(&wish).map_err(Failure::from)?;
        let is_followed = before.unfinished.is_some() || applied.outcome != Outcome::Unchanged;
        if is_followed {
            self.check(certificate, &directory, &parcel.identity)?;
        }
        if unpins && before.rejected.is_some() {
            directory.unpin().map_err(Failure::from)?;
        }
        let is_due = is_followed && self.is_due(certificate, &directory)?;
        Ok(Done { outcome: applied.outcome, path: directory.path().to_owned(), version: applied.version, is_due })
    }

    /// Judges what was switched to, and takes it back if it is no good.
    pub(in crate::run) fn check(
        &self,
        certificate: &CertificateConfig,
        directory: &Directory,
        identity: &Identity,
    ) -> Result<(), Arc<Failure>> {
        let options = self.options(certificate);
        if let Some(command) = &certificate.check {
            let concern = Concern::of(vec![subject(certificate, identity)]);
            if let Err(error) = self.commands.run(Role::Check, command, certificate.hook_timeout, &concern) {
                let unfinished = directory.state().ok().and_then(|state| state.unfinished);
                let had_version = unfinished.is_some_and(|change| change.previous.is_some());
                let restored = directory.restore(&certificate.install, &options);
                let is_restored =
                    restored.inspect_err(|error| tracing::error!("{}: {error}", certificate.name)).is_ok();
                return Err(Failure::Check { error, had_version, is_restored }.into());
            }
        }
        Ok(directory.approve(&certificate.install, &options).map_err(Failure::from)?)
    }

    /// Whether there is a hook to run. Without one there is nothing more to follow.
    fn is_due(&self, certificate: &CertificateConfig, directory: &Directory) -> Result<bool, Arc<Failure>> {
        if certificate.hook.is_none() {
            directory.finish().map_err(Failure::from)?;
        }
        Ok(certificate.hook.is_some())
    }

    /// Its hook has succeeded. This blocks.
    pub(in crate::run) fn finish(&self, certificate: &CertificateConfig) -> Result<(), Failure> {
        Ok(self.enter(certificate)?.finish()?)
    }

    /// The user's force undoes a rollback, though there is nothing to install. This blocks.
    pub(super) fn unpin(&self, certificate: &CertificateConfig) -> Result<(), Failure> {
        Ok(self.enter(certificate)?.unpin()?)
    }

    pub(in crate::run) fn enter(&self, certificate: &CertificateConfig) -> Result<Directory, Failure> {
        let patience = &self.options.patience;
        if let Some(signal) = patience.stop.signal() {
            return Err(Failure::Stopped(signal));
        }
        let locked = Directory::lock(&certificate.dir, &certificate.name, patience);
        locked.map_err(|error| Failure::from(error).unless_stopped(&patience.stop))
    }

    fn alone_if_checked<T>(&self, certificate: &CertificateConfig, work: impl FnOnce() -> T) -> T {
        if certificate.check.is_some() {
            let _alone = self.gate.write().unwrap_or_else(PoisonError::into_inner);
            work()
        } else {
            let _among_others = self.gate.read().unwrap_or_else(PoisonError::into_inner);
            work()
        }
    }
}

/// The parcel's files; what is to be said of them is said.
fn packed(parcel: &Parcel) -> Result<Vec<FileImage>, Failure> {
    let Packed { files, caveat } = parcel.pack()?;
    if let Some(caveat) = caveat {
        tracing::warn!("{}: {caveat}", parcel.identity.name);
    }
    Ok(files)
}

/// Whose a certificate's files are. The group is always given: what an earlier config gave to another is taken back.
pub(in crate::run) fn ownership(certificate: &CertificateConfig) -> Ownership {
    let group = certificate.group.as_ref().map(|group| group.id);
    let own = || rustix::process::getegid().as_raw();
    Ownership { owner: certificate.owner.as_ref().map(|owner| owner.id), group: Some(group.unwrap_or_else(own)) }
}

/// A certificate, as its commands are told of it.
pub(in crate::run) fn subject(certificate: &CertificateConfig, identity: &Identity) -> Subject {
    Subject {
        name: certificate.name.to_string(),
        path: certificate.dir.join(certificate.name.as_str()),
        domains: identity.domains.clone(),
        provider: identity.provider.clone(),
        account: identity.account.clone(),
        id: identity.id.clone(),
        not_after: identity.not_after,
        fingerprint_sha256: identity.fingerprint_sha256.clone(),
    }
}
