//! A verified certificate, ready to be written.

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::blocking;
use super::making::Making;
use crate::account::Account;
use crate::bundle::{Bundle, Material, Requirements};
use crate::failure::Failure;
use crate::format::{self, FileImage, Format, Recipe};
use crate::store::{self, Identity, Name};

/// One certificate to fetch, and what is to be made of it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its id.
    pub(super) id: String,
    /// The domains that it must cover.
    pub(super) domains: Vec<String>,
    /// The certificate directory's name, where it is not the certificate's own.
    pub(super) name: Option<Name>,
    /// The directory of its certificate directory.
    pub(super) dir: PathBuf,
    /// The files to make of it.
    pub(super) making: Making,
    /// What may open an encrypted key.
    pub(super) passwords: Vec<SecretString>,
    /// The time by which it is judged.
    pub(super) now: Timestamp,
}

/// Which certificate it is, and what its files are made of.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) identity: Identity,
    bundle: Bundle,
    dir: PathBuf,
    making: Making,
}

/// The files of a parcel.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) files: Vec<FileImage>,
    /// What is to be said when they are written.
    pub(super) caveat: Option<&'static str>,
}

impl Parcel {
    /// Makes the files. What is in place tells how: whoever writes them does this under the directory's lock, else two
    /// at the same time would each make a password of their own. This blocks.
    pub(super) fn pack(&self) -> Result<Packed, Failure> {
        let recipe = self.making.recipe(&self.dir, &self.identity.name)?;
        Ok(Packed { files: format::files(&self.bundle, &recipe)?, caveat: recipe.caveat() })
    }
}

/// Downloads and verifies.
pub(super) async fn fetch(account: &Account, wanted: Wanted) -> Result<Parcel, Failure> {
    let (name, provider) = (account.name.clone(), account.provider.to_owned());
    let make = move |bundle: Bundle, wanted: Wanted| {
        let parcel = parcel(bundle, wanted, &name, &provider)?;
        if parcel.bundle.dual().is_some_and(|dual| dual.key.is_none()) {
            let Identity { name, provider, id, .. } = &parcel.identity;
            tracing::warn!(
                "{name} ({provider} {id}): the encryption key came in a digital envelope, which only the key that the \
                 CSR was made with opens, or not at all; {} is not written",
                format::ENC_KEY
            );
        }
        Ok(parcel)
    };
    unpack(account, wanted, make).await
}

/// Downloads, verifies, and makes one format of it, whatever is on disk.
pub(super) async fn stream(account: &Account, wanted: Wanted, format: Format) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let make = move |bundle: Bundle, wanted: Wanted| {
        let name = name(&bundle, wanted.name)?;
        let recipe = Recipe { formats: vec![format], ..wanted.making.recipe_without_directory(&name) };
        let bytes = format::stream(&bundle, format, &recipe)?;
        if let Some(caveat) = recipe.caveat() {
            tracing::warn!("{name}: {caveat}");
        }
        Ok(bytes)
    };
    unpack(account, wanted, make).await
}

async fn unpack<T: Send + 'static>(
    account: &Account,
    wanted: Wanted,
    make: impl FnOnce(Bundle, Wanted) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let material = account.cloud.download(&wanted.id).await?;
    // Unpacking and verifying is the processor's work; meanwhile other certificates' replies are read.
    blocking(move || make(assemble(&material, &wanted)?, wanted)).await
}

fn assemble(material: &Material, wanted: &Wanted) -> Result<Bundle, Failure> {
    let requirements = Requirements { now: wanted.now, domains: &wanted.domains, passwords: &wanted.passwords };
    Ok(Bundle::assemble(material, &requirements)?)
}

/// The certificate directory's name: the one given, else the certificate's own.
fn name(bundle: &Bundle, given: Option<Name>) -> Result<Name, Failure> {
    let leaf = bundle.leaf();
    given.map_or_else(|| Ok(Name::for_certificate(&leaf.dns_names, leaf.common_name.as_deref())?), Ok)
}

/// The same from the files of a version that is in place. This blocks.
pub(super) fn remake(installed: &Identity, wanted: Wanted) -> Result<Option<Parcel>, Failure> {
    let made = store::made(&wanted.dir, &installed.name)?;
    let is_recorded = |name: &&str| made.files.iter().any(|(file, _)| file == name);
    // What is recorded must be there: without its files the encryption half would be gone for good.
    let names: Vec<_> = [format::KEY, format::FULLCHAIN]
        .into_iter()
        .chain([format::ENC_LEAF, format::ENC_KEY].into_iter().filter(is_recorded))
        .collect();
    let Some(files) = store::contents(&wanted.dir, &installed.name, &names)? else { return Ok(None) };
    let with = |material: Material, (name, bytes): (&str, Zeroizing<Vec<u8>>)| material.with(name, bytes.to_vec());
    let material = names.into_iter().zip(files).fold(Material::default(), with);
    let bundle = assemble(&material, &wanted)?;
    parcel(bundle, wanted, &installed.account, &installed.provider).map(Some)
}

fn parcel(bundle: Bundle, wanted: Wanted, account: &str, provider: &str) -> Result<Parcel, Failure> {
    let identity = Identity::of(&bundle, name(&bundle, wanted.name)?, [provider, account, &wanted.id]);
    Ok(Parcel { identity, bundle, dir: wanted.dir, making: wanted.making })
}
