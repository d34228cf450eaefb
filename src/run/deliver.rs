//! Certificates, from their ids to the disk.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::making::Making;
use super::outcome::{Outcome, Row};
use super::parcel::{self, Packed, Parcel, Wanted};
use super::select::{Age, age};
use super::{blocking, in_order};
use crate::account::Account;
use crate::failure::Failure;
use crate::format::Format;
use crate::store::{self, Directory, Identity, Name, Options, Wish};

/// One certificate to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its id.
    pub id: String,
    /// The domains that it was chosen for; it must cover them.
    pub domains: Vec<String>,
}

/// How certificates are delivered.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Where certificate directories go.
    pub dir: PathBuf,
    /// The certificate directory's name, where it is not the certificate's own.
    pub name: Option<Name>,
    /// What is made of each.
    pub making: Making,
    /// What may open an encrypted key.
    pub passwords: Vec<SecretString>,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// How they are installed.
    pub options: Options,
}

/// Downloads, verifies and installs, `jobs` certificates at a time; a row for each target, in their order.
///
/// Where several have the same name, the newest is installed and the others are superseded. The names are those of
/// the verified certificates, so this is known only once all of them have come. `progress` is called for each that has.
pub async fn deliver(
    account: &Account,
    targets: Vec<Target>,
    delivery: &Arc<Delivery>,
    jobs: usize,
    progress: &dyn Fn(),
) -> Vec<Row> {
    let fetch = |target: Target| async move {
        let fetched = fetch(account, &target, delivery).await;
        progress();
        (target, fetched)
    };
    let fetched = in_order(targets, jobs, fetch).await;
    let newest = newest_of_each_name(fetched.iter().filter_map(|(_, fetched)| fetched.as_ref().ok()));
    let install = |(target, fetched): (Target, Result<Parcel, Failure>)| {
        let newest = &newest;
        async move {
            match fetched {
                Ok(parcel) if newest.get(&parcel.identity.name) != Some(&parcel.identity.id) => superseded(parcel),
                Ok(parcel) => install(parcel, account, delivery).await,
                Err(failure) => failed(account, target.id, target.domains.first().cloned(), failure),
            }
        }
    };
    in_order(fetched, jobs, install).await
}

/// Downloads, verifies, and gives one format of the certificate; nothing is read from disk or written.
///
/// # Errors
/// When it cannot be had, is not sound, or cannot be written in this format.
pub async fn stream(
    account: &Account,
    target: &Target,
    format: Format,
    delivery: &Delivery,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    parcel::stream(account, wanted(target, delivery), format).await
}

async fn fetch(account: &Account, target: &Target, delivery: &Delivery) -> Result<Parcel, Failure> {
    parcel::fetch(account, wanted(target, delivery)).await
}

fn wanted(target: &Target, delivery: &Delivery) -> Wanted {
    Wanted {
        id: target.id.clone(),
        domains: target.domains.clone(),
        name: delivery.name.clone(),
        dir: delivery.dir.clone(),
        making: delivery.making.clone(),
        passwords: delivery.passwords.clone(),
        now: delivery.options.now,
    }
}

fn newest_of_each_name<'a>(parcels: impl Iterator<Item = &'a Parcel>) -> HashMap<Name, String> {
    let mut newest: HashMap<&Name, &Identity> = HashMap::new();
    for Parcel { identity, .. } in parcels {
        let held = newest.entry(&identity.name).or_insert(identity);
        if age_of(held) < age_of(identity) {
            *held = identity;
        }
    }
    newest.into_iter().map(|(name, identity)| (name.clone(), identity.id.clone())).collect()
}

fn age_of(identity: &Identity) -> Age<'_> {
    age(Some(identity.not_before), Some(identity.not_after), &identity.id)
}

async fn install(parcel: Parcel, account: &Account, delivery: &Arc<Delivery>) -> Row {
    let (id, name) = (parcel.identity.id.clone(), parcel.identity.name.to_string());
    let delivery = Arc::clone(delivery);
    match blocking(move || write(parcel, &delivery)).await {
        Ok(row) => row,
        Err(failure) => failed(account, id, Some(name), failure),
    }
}

fn write(parcel: Parcel, delivery: &Delivery) -> Result<Row, Failure> {
    let Delivery { dir, options, .. } = delivery;
    let identity = &parcel.identity;
    let (outcome, version, caveat) = if delivery.dry_run {
        let Packed { files, caveat } = parcel.pack()?;
        let outcome = match store::preview(dir, identity, &files, options)? {
            store::Outcome::Created => Outcome::WouldCreate,
            store::Outcome::Updated => Outcome::WouldUpdate,
            store::Outcome::Unchanged => Outcome::Unchanged,
        };
        (outcome, None, caveat)
    } else {
        let directory = Directory::lock(dir, &identity.name, &options.patience)?;
        let Packed { files, caveat } = parcel.pack()?;
        let applied = directory.apply(&Wish::alone(identity, &files, options))?;
        (applied.outcome.into(), Some(applied.version), caveat)
    };
    if let (Some(caveat), true) = (caveat, outcome != Outcome::Unchanged) {
        tracing::warn!("{}: {caveat}", identity.name);
    }
    let path = Some(dir.join(identity.name.as_str()));
    Ok(Row { path, version, ..Row::of(parcel.identity, outcome) })
}

fn superseded(parcel: Parcel) -> Row {
    let Identity { name, id, provider, .. } = &parcel.identity;
    tracing::info!("{name} ({provider} {id}): superseded by a newer certificate of this name");
    Row::of(parcel.identity, Outcome::Superseded)
}

fn failed(account: &Account, id: String, name: Option<String>, failure: Failure) -> Row {
    Row::failed(account.provider, &account.name, Some(id), name, failure)
}
