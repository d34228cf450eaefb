//! One certificate of a run: what is in place, and its plan carried out.

use std::sync::Arc;

use secrecy::SecretString;

use super::Order;
use super::change::{Done, Workshop, ownership};
use super::made;
use super::plan::Plan;
use super::sources::Source;
use crate::config::{CertificateConfig, Selector};
use crate::failure::Failure;
use crate::format::{self, Modes};
use crate::run::blocking;
use crate::run::making::Making;
use crate::run::outcome::{Outcome, Row};
use crate::run::parcel::{self, Parcel, Wanted};
use crate::store::{self, Expected, Identity, Standing};

/// A row, and what is still to follow.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) row: Row,
    /// Whether its hook is to run in this run.
    pub(super) is_due: bool,
}

/// One certificate of the run.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) certificate: Arc<CertificateConfig>,
    /// What is to be made of it.
    making: Making,
    /// What may open its key, if that comes encrypted.
    pub(super) key_password: Option<SecretString>,
    /// What is in place.
    pub(super) standing: Option<Standing>,
    /// Why nothing could be put there.
    pub(super) trouble: Option<Arc<Failure>>,
}

impl Item {
    /// Looks at what is in place, and whether something could be put there.
    pub(super) async fn look(certificate: Arc<CertificateConfig>, order: &Order<'_>) -> Self {
        let (making, key_password, unknown) = match made::secrets(&certificate, order.environment) {
            Ok((password, key_password)) => (made::making(&certificate, password), key_password, None),
            Err(failure) => (made::making(&certificate, None), None, Some(failure)),
        };
        let (looked, stop, now) = (Arc::clone(&certificate), order.patience.stop.clone(), order.now);
        let known = unknown.is_none().then(|| making.clone());
        let look = move || {
            if let Some(signal) = stop.signal() {
                return Err(Failure::Stopped(signal));
            }
            let modes = Modes { key: looked.key_mode, cert: looked.cert_mode };
            let names = format::names(&looked.formats, modes, looked.keystore_password.is_some());
            let expected = Expected {
                files: &names.always,
                may_be: &names.dual,
                installs: &looked.install,
                ownership: ownership(&looked),
            };
            let mut standing = store::look(&looked.dir, &looked.name, &expected)?;
            if let (Some(Standing { identity: Some(installed), is_intact: is_intact @ true, .. }), Some(making)) =
                (&mut standing, &known)
            {
                *is_intact = made::is_as_wanted(&looked, installed, making, now)?;
            }
            Ok((standing, store::is_writable(&looked.dir, &looked.install)))
        };
        let (standing, trouble) = match blocking(look).await {
            Ok((standing, writable)) => (standing, writable.err().map(Failure::from)),
            Err(failure) => (None, Some(failure)),
        };
        Self { certificate, making, key_password, standing, trouble: unknown.or(trouble).map(Arc::new) }
    }

    fn installed(&self) -> Option<&Identity> {
        self.standing.as_ref()?.identity.as_ref()
    }

    /// A row of what could not be done, and of what is in place all the same.
    pub(super) fn failed(&self, order: &Order<'_>, plan: Option<Plan<'_>>, failure: Arc<Failure>) -> Row {
        let certificate = &self.certificate;
        let (provider, account, id) = match plan {
            Some(Plan::Take { source, id, .. }) => (source.config.provider.name, source.config.name.clone(), Some(id)),
            _ => {
                let of_first = certificate.accounts.first().and_then(|name| order.config.account(name));
                let provider = of_first.map_or("", |account| account.provider.name);
                let id = match &certificate.selector {
                    Selector::Id(id) => Some(id.clone()),
                    Selector::Domains(_) => None,
                };
                (provider, certificate.accounts.join(", "), id)
            }
        };
        let state = self.standing.as_ref().map(|standing| &standing.state);
        // A check that fails takes back what would have followed.
        let is_taken_back = matches!(*failure, Failure::Check { is_restored: true, .. });
        let is_pending = !is_taken_back && state.is_some_and(|state| state.unfinished.is_some());
        Row {
            path: Some(certificate.dir.join(certificate.name.as_str())),
            installed: self.installed().cloned(),
            is_pending,
            ..Row::failed(provider, &account, id, Some(certificate.name.to_string()), failure)
        }
    }

    /// A row of what is in place.
    fn row(&self, identity: Identity, outcome: Outcome) -> Row {
        let path = self.certificate.dir.join(self.certificate.name.as_str());
        let version = self.standing.as_ref().and_then(|standing| standing.version.clone());
        let installed = Some(identity.clone());
        Row { path: Some(path), version, installed, ..Row::of(identity, outcome) }
    }
}

/// An item in its run.
pub(super) struct Work<'w> {
    pub(super) order: &'w Order<'w>,
    pub(super) item: &'w Item,
    pub(super) workshop: &'w Arc<Workshop>,
}

impl Work<'_> {
    /// Does what was planned; whatever comes of it, also what an earlier run has left to do.
    pub(super) async fn carry_out(&self, plan: Result<Plan<'_>, Arc<Failure>>) -> Carried {
        let done = match &plan {
            Ok(Plan::Keep) => self.keep().await,
            Ok(Plan::Pinned(id)) => self.pinned(id).await,
            Ok(Plan::Mend { source, pinned }) => self.mend(*source, pinned.as_deref()).await,
            Ok(Plan::Take { source, id, unpins }) => self.take(source, id, *unpins).await,
            Err(failure) => Err(Arc::clone(failure)),
        };
        match done {
            Ok(carried) => carried,
            Err(failure) => {
                let row = self.item.failed(self.order, plan.ok(), failure);
                // What went wrong is no reason to leave servers without the reload that they wait for.
                match self.resume(row).await {
                    Ok(carried) => carried,
                    Err((row, failure)) => {
                        tracing::info!("{}: what was left to do is left again: {failure}", self.item.certificate.name);
                        Carried { row, is_due: false }
                    }
                }
            }
        }
    }

    async fn keep(&self) -> Result<Carried, Arc<Failure>> {
        let installed = self.item.installed().ok_or(Failure::Bug)?.clone();
        let is_rejected = self.item.standing.as_ref().is_some_and(|standing| standing.state.rejected.is_some());
        if is_rejected && !self.order.dry_run {
            self.beside(|workshop, certificate| Ok(workshop.unpin(certificate)?)).await?;
        }
        self.resume(self.item.row(installed, Outcome::Unchanged)).await.map_err(|(_, failure)| failure)
    }

    async fn pinned(&self, id: &str) -> Result<Carried, Arc<Failure>> {
        self.say_pinned(id);
        let installed = self.item.installed().ok_or(Failure::Bug)?.clone();
        self.resume(self.item.row(installed, Outcome::Pinned)).await.map_err(|(_, failure)| failure)
    }

    fn say_pinned(&self, id: &str) {
        let name = &self.item.certificate.name;
        tracing::warn!("{name}: pinned by a rollback: {id} is not newer than the one rejected; --force installs it");
    }

    /// Checks and hooks that an earlier run has left.
    async fn resume(&self, row: Row) -> Result<Carried, (Row, Arc<Failure>)> {
        let is_unfinished = self.item.standing.as_ref().is_some_and(|standing| standing.state.unfinished.is_some());
        let Some(installed) = self.item.installed().filter(|_| is_unfinished && !self.order.dry_run).cloned() else {
            return Ok(Carried { row, is_due: false });
        };
        match self.beside(move |workshop, certificate| workshop.resume(certificate, &installed)).await {
            Ok(is_due) => Ok(Carried { row: Row { is_pending: is_due, ..row }, is_due }),
            Err(failure) => Err((row, failure)),
        }
    }

    /// What is in place is made anew from its own bytes, else from what the account offers.
    async fn mend(&self, source: Option<&Source<'_>>, pinned: Option<&str>) -> Result<Carried, Arc<Failure>> {
        let installed = self.item.installed().ok_or(Failure::Bug)?.clone();
        if let Some(id) = pinned {
            self.say_pinned(id);
        }
        let (of_disk, wanted) = (installed.clone(), self.wanted(&installed.id));
        let remade = self.beside(move |_, _| Ok(parcel::remake(&of_disk, wanted)?)).await;
        let parcel = match (remade, source) {
            (Ok(Some(parcel)), _) => parcel,
            (_, Some(source)) => self.fetch(source, &installed.id).await?,
            (Err(failure), None) => return Err(failure),
            (Ok(None), None) => return Err(Failure::Irreparable { installed: installed.id }.into()),
        };
        self.change(parcel, pinned.is_none()).await
    }

    async fn take(&self, source: &Source<'_>, id: &str, unpins: bool) -> Result<Carried, Arc<Failure>> {
        let parcel = self.fetch(source, id).await?;
        self.change(parcel, unpins).await
    }

    async fn change(&self, parcel: Parcel, unpins: bool) -> Result<Carried, Arc<Failure>> {
        let identity = parcel.identity.clone();
        if self.order.dry_run {
            self.beside(move |workshop, certificate| workshop.preview(certificate, &parcel)).await?;
            return Ok(Carried { row: self.item.row(identity, self.would_be()), is_due: false });
        }
        let done = self.beside(move |workshop, certificate| workshop.change(certificate, &parcel, unpins)).await?;
        let Done { outcome, path, version, is_due } = done;
        let row = self.item.row(identity, outcome.into());
        Ok(Carried { row: Row { path: Some(path), version: Some(version), is_pending: is_due, ..row }, is_due })
    }

    async fn fetch(&self, source: &Source<'_>, id: &str) -> Result<Parcel, Failure> {
        let account = source.account.as_ref().map_err(|_| Failure::Bug)?;
        let wanted = self.wanted(id);
        let fetch = async {
            let _turn = source.turns.acquire().await;
            parcel::fetch(account, wanted).await
        };
        let stop = &self.order.patience.stop;
        stop.unless_asked(fetch).await.unwrap_or_else(|| Err(Failure::Bug.unless_stopped(stop)))
    }

    fn wanted(&self, id: &str) -> Wanted {
        let certificate = &self.item.certificate;
        Wanted {
            id: id.to_owned(),
            domains: match &certificate.selector {
                Selector::Domains(domains) => domains.clone(),
                Selector::Id(_) => Vec::new(),
            },
            name: Some(certificate.name.clone()),
            dir: certificate.dir.clone(),
            making: self.item.making.clone(),
            passwords: self.item.key_password.iter().cloned().collect(),
            now: self.workshop.options.now,
        }
    }

    fn would_be(&self) -> Outcome {
        if self.item.installed().is_some() { Outcome::WouldUpdate } else { Outcome::WouldCreate }
    }

    /// Works on the disk, beside the reactor.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Workshop, &CertificateConfig) -> Result<T, Arc<Failure>> + Send + 'static,
    ) -> Result<T, Arc<Failure>> {
        let (workshop, certificate) = (Arc::clone(self.workshop), Arc::clone(&self.item.certificate));
        blocking(move || Ok(work(&workshop, &certificate))).await?
    }
}
