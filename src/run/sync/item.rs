//! One certificate of a run: what is in place, and its plan carried out.

use std::sync::Arc;

use super::Order;
use super::change::{Done, Workshop, ownership};
use super::plan::Plan;
use super::sources::Source;
use crate::config::{CertificateConfig, Selector};
use crate::failure::Failure;
use crate::format::{self, Modes};
use crate::run::blocking;
use crate::run::outcome::{Outcome, Row};
use crate::run::parcel::{self, Parcel, Wanted};
use crate::store::{self, Expected, Identity, Standing};

/// One certificate of the run.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) certificate: Arc<CertificateConfig>,
    /// What is in place.
    pub(super) standing: Option<Standing>,
    /// Why nothing could be put there.
    pub(super) trouble: Option<Arc<Failure>>,
}

impl Item {
    /// Looks at what is in place, and whether something could be put there.
    pub(super) async fn look(certificate: Arc<CertificateConfig>) -> Self {
        let looked = Arc::clone(&certificate);
        let look = move || {
            let files = format::names(&looked.formats, modes(&looked))?;
            let expected = Expected { files: &files, installs: &looked.install, ownership: ownership(&looked) };
            store::is_writable(&looked.dir, &looked.install)?;
            Ok(store::look(&looked.dir, &looked.name, &expected)?)
        };
        match blocking(look).await {
            Ok(standing) => Self { certificate, standing, trouble: None },
            Err(failure) => Self { certificate, standing: None, trouble: Some(failure.into()) },
        }
    }

    fn installed(&self) -> Option<&Identity> {
        self.standing.as_ref()?.identity.as_ref()
    }

    /// A row of what is in place.
    fn row(&self, identity: Identity, outcome: Outcome) -> Row {
        let path = self.certificate.dir.join(self.certificate.name.as_str());
        let version = self.standing.as_ref().and_then(|standing| standing.version.clone());
        let installed = Some(identity.clone());
        Row { path: Some(path), version, installed, ..Row::of(identity, outcome) }
    }
}

fn modes(certificate: &CertificateConfig) -> Modes {
    Modes { key: certificate.key_mode, cert: certificate.cert_mode }
}

/// An item in its run.
pub(super) struct Work<'w> {
    pub(super) order: &'w Order<'w>,
    pub(super) item: &'w Item,
    pub(super) workshop: &'w Arc<Workshop>,
}

impl Work<'_> {
    /// Does what was planned.
    pub(super) async fn carry_out(&self, plan: Result<Plan<'_>, Arc<Failure>>) -> Row {
        let row = match &plan {
            Ok(Plan::Keep) => self.keep().await,
            Ok(Plan::Resume(outcome)) => self.resume(*outcome).await,
            Ok(Plan::Pinned(id)) => self.pinned(id),
            Ok(Plan::Take { source, id }) => self.take(source, id).await,
            Err(failure) => Err(Arc::clone(failure)),
        };
        row.unwrap_or_else(|failure| self.failed(plan.ok(), failure))
    }

    async fn keep(&self) -> Result<Row, Arc<Failure>> {
        let installed = self.item.installed().ok_or(Failure::Bug)?.clone();
        let is_rejected = self.item.standing.as_ref().is_some_and(|standing| standing.state.rejected.is_some());
        if is_rejected && !self.order.dry_run {
            self.beside(|workshop, certificate| Ok(workshop.unpin(certificate)?)).await?;
        }
        Ok(self.item.row(installed, Outcome::Unchanged))
    }

    fn pinned(&self, id: &str) -> Result<Row, Arc<Failure>> {
        let name = &self.item.certificate.name;
        tracing::warn!("{name}: pinned by a rollback: {id} is not newer than the one rejected; --force installs it");
        Ok(self.item.row(self.item.installed().ok_or(Failure::Bug)?.clone(), Outcome::Pinned))
    }

    async fn resume(&self, outcome: Outcome) -> Result<Row, Arc<Failure>> {
        let installed = self.item.installed().ok_or(Failure::Bug)?.clone();
        let row = self.item.row(installed.clone(), outcome);
        if self.order.dry_run {
            return Ok(Row { is_pending: true, ..row });
        }
        let done = self.beside(move |workshop, certificate| workshop.resume(certificate, &installed)).await?;
        Ok(Row { is_pending: done.is_followed, ..row })
    }

    async fn take(&self, source: &Source<'_>, id: &str) -> Result<Row, Arc<Failure>> {
        let parcel = self.fetch(source, id).await?;
        let identity = parcel.identity.clone();
        if self.order.dry_run {
            self.beside(move |workshop, certificate| workshop.preview(certificate, &parcel)).await?;
            return Ok(self.item.row(identity, self.would_be()));
        }
        let done = self.beside(move |workshop, certificate| workshop.change(certificate, &parcel)).await?;
        let Done { outcome, path, version, is_followed } = done;
        let row = self.item.row(identity, outcome.into());
        Ok(Row { path: Some(path), version: Some(version), is_pending: is_followed, ..row })
    }

    async fn fetch(&self, source: &Source<'_>, id: &str) -> Result<Parcel, Failure> {
        let certificate = &self.item.certificate;
        let account = source.account.as_ref().map_err(|_| Failure::Bug)?;
        let wanted = Wanted {
            id: id.to_owned(),
            domains: match &certificate.selector {
                Selector::Domains(domains) => domains.clone(),
                Selector::Id(_) => Vec::new(),
            },
            name: Some(certificate.name.clone()),
            formats: certificate.formats.clone(),
            modes: modes(certificate),
            now: self.workshop.options.now,
        };
        let fetch = async {
            let _turn = source.turns.acquire().await;
            parcel::fetch(account, wanted).await
        };
        let stop = &self.order.patience.stop;
        stop.unless_asked(fetch).await.unwrap_or_else(|| Err(stop.signal().map_or(Failure::Bug, Failure::Stopped)))
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

    /// A row of what could not be done, and of what is in place all the same.
    fn failed(&self, plan: Option<Plan<'_>>, failure: Arc<Failure>) -> Row {
        let certificate = &self.item.certificate;
        let (provider, account, id) = match plan {
            Some(Plan::Take { source, id }) => (source.config.provider.name, source.config.name.clone(), Some(id)),
            _ => {
                let of_first = certificate.accounts.first().and_then(|name| self.order.config.account(name));
                let provider = of_first.map_or("", |account| account.provider.name);
                let id = match &certificate.selector {
                    Selector::Id(id) => Some(id.clone()),
                    Selector::Domains(_) => None,
                };
                (provider, certificate.accounts.join(", "), id)
            }
        };
        let state = self.item.standing.as_ref().map(|standing| &standing.state);
        Row {
            path: Some(certificate.dir.join(certificate.name.as_str())),
            installed: self.item.installed().cloned(),
            is_pending: state.is_some_and(|state| state.unfinished.is_some()),
            ..Row::failed(provider, &account, id, Some(certificate.name.to_string()), failure)
        }
    }
}
