//! What a config file names, for those who only want to offer its words: read leniently, judged by nobody.

use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::Location;
use super::file::File;

/// The words of a config file, whatever else is wrong with it.
#[derive(Debug, Default)]
pub struct Glance {
    /// Where certificate directories go.
    pub dir: Option<PathBuf>,
    /// The accounts, each with its provider's word.
    pub accounts: Vec<(String, Option<String>)>,
    /// The certificates.
    pub certificates: Vec<GlancedCertificate>,
}

/// One certificate of a [`Glance`].
#[derive(Debug)]
pub struct GlancedCertificate {
    /// Its name.
    pub name: String,
    /// Where its certificate directory goes.
    pub dir: Option<PathBuf>,
    /// What it is to cover; its name, where the file says nothing.
    pub domains: Vec<String>,
}

impl Glance {
    /// What can be made out in the file; nothing of one that cannot be read or must not be trusted. Asks nobody for
    /// users, groups or programs, and waits for no pipe.
    #[must_use]
    pub fn at(location: &Location) -> Self {
        if !location.path.is_file() {
            return Self::default();
        }
        File::read(location).map(|file| read(DeTable::parse_recoverable(&file.text).0.get_ref())).unwrap_or_default()
    }
}

fn read(root: &DeTable<'_>) -> Glance {
    let dir = text(root, "dir").map(PathBuf::from);
    let accounts = root.get("accounts").and_then(|accounts| accounts.get_ref().as_table());
    let accounts = accounts.into_iter().flatten();
    let account = |(name, table): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = name.get_ref();
        (name.to_string(), table.get_ref().as_table().and_then(|table| text(table, "provider")))
    };
    let certificates = root.get("certificates").and_then(|tables| tables.get_ref().as_array());
    let tables = certificates.into_iter().flat_map(|tables| tables.iter());
    let certificate = |table: &toml::Spanned<DeValue<'_>>| {
        let table = table.get_ref().as_table()?;
        let name = text(table, "name")?;
        let domains = table.get("domains").and_then(|domains| domains.get_ref().as_array());
        let domains =
            domains.map(|domains| domains.iter().filter_map(|domain| Some(domain.get_ref().as_str()?.to_owned())));
        let domains = domains.map_or_else(|| vec![name.clone()], Iterator::collect);
        Some(GlancedCertificate { dir: text(table, "dir").map(PathBuf::from).or_else(|| dir.clone()), name, domains })
    };
    Glance {
        accounts: accounts.map(account).collect(),
        certificates: tables.filter_map(certificate).collect(),
        dir: dir.clone(),
    }
}

fn text(table: &DeTable<'_>, key: &str) -> Option<String> {
    Some(table.get(key)?.get_ref().as_str()?.to_owned())
}
