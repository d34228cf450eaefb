//! One certificate at a cloud: what is known of it, and what is handed out.

use std::sync::Arc;

use jiff::Timestamp;

use crate::sandbox::pki::{Authority, Issued, KeyKind, Wanted};
use crate::sandbox::sealed::Seal;
use crate::sandbox::sm2;

/// Where a certificate stands in its life; each cloud has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Issued,
    Expired,
    Revoked,
    Pending,
    Failed,
    Canceled,
    /// A word or number that no document knows.
    Odd,
}

/// What is wrong with a certificate of the troubled account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    NoKey,
    WrongKey,
    MissingIntermediate,
    NotAZip,
    ZipSlip,
    AbsoluteEntry,
    Bomb,
    EncryptedZip,
    /// The download is refused; Tencent's Detail has it all the same.
    DownloadRefused,
    ContentNull,
    BrokenBase64,
    NotPem,
    /// Every field but the id is null, in every reply.
    AllNull,
    /// The list's row is null.
    NullRow,
    /// Of an SM2 certificate, only the signing half was ever issued.
    NoEncryptionHalf,
    /// The encryption half's key comes in a digital envelope.
    Enveloped,
    /// The same, and there is no signing key, as the user made the CSR.
    OwnCsr,
    /// The encryption half comes with another key.
    WrongEncryptionKey,
    /// Tencent's archive leaves the encryption half out.
    HalfArchive,
}

/// Order and completeness of the chain as it is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disorder {
    None,
    Reversed,
    RootIncluded,
    Doubled,
}

/// A certificate in an account.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) id: String,
    /// CCMS's second id, which its export wants.
    pub(crate) resource_id: String,
    /// What it is there for, for tests to find it by.
    pub(crate) label: &'static str,
    pub(crate) alias: String,
    pub(crate) description: Option<String>,
    /// The main domain and all domains, as the cloud says they are.
    pub(crate) domain: String,
    pub(crate) names: Vec<String>,
    pub(crate) status: Status,
    /// None before it is issued.
    pub(crate) validity: Option<(Timestamp, Timestamp)>,
    pub(crate) key: KeyKind,
    /// What it was issued for.
    pub(super) wanted: Option<Wanted>,
    pub(crate) issued: Option<Issued>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) disorder: Disorder,
    pub(crate) uploaded: bool,
    /// What of it is under a password.
    pub(crate) seal: Option<Arc<Seal>>,
    /// Turns through the forms that a cloud has for the same thing.
    pub(crate) variant: usize,
}

/// What is handed out: PEM with LF line ends.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    pub(crate) leaf: String,
    pub(crate) chain: Vec<String>,
    pub(crate) key: Option<String>,
    pub(crate) csr: String,
    /// Of an SM2 dual certificate; its key may be an envelope.
    pub(crate) encryption: Option<sm2::Half>,
}

impl Certificate {
    /// Whether the cloud hands it out: it was issued and stands.
    pub(crate) fn downloadable(&self) -> bool {
        matches!(self.status, Status::Issued | Status::Expired) && self.issued.is_some()
    }

    pub(crate) fn in_date(&self) -> bool {
        self.validity.is_some_and(|(from, to)| (from..to).contains(&Timestamp::now()))
    }

    pub(crate) fn has_key(&self) -> bool {
        self.downloadable() && !matches!(self.trouble, Some(Trouble::NoKey | Trouble::OwnCsr))
    }

    pub(crate) fn wildcard(&self) -> bool {
        self.names.iter().any(|name| name.starts_with("*."))
    }

    pub(crate) fn is(&self, trouble: Trouble) -> bool {
        self.trouble == Some(trouble)
    }

    /// Whether this is one of every `n`: for what the clouds do now so, now otherwise.
    pub(crate) fn every(&self, n: usize) -> bool {
        self.variant.is_multiple_of(n)
    }

    /// None if it is not handed out at all.
    pub(crate) fn material(&self) -> Option<Material> {
        let issued = self.issued.clone().filter(|_| self.downloadable())?;
        let mut chain = issued.chain;
        if self.is(Trouble::MissingIntermediate) && !chain.is_empty() {
            chain.remove(0);
        }
        match self.disorder {
            Disorder::None => {}
            Disorder::Reversed => chain.reverse(),
            Disorder::RootIncluded => chain.push(issued.root),
            Disorder::Doubled => chain = chain.iter().flat_map(|pem| [pem.clone(), pem.clone()]).collect(),
        }
        let mut key = Some(issued.key);
        match self.trouble {
            Some(Trouble::NoKey | Trouble::OwnCsr) => key = None,
            Some(Trouble::WrongKey) => key = Some(Authority::stranger()),
            Some(Trouble::NotPem) => {
                key = Some("-----BEGIN PRIVATE KEY-----\n***\n-----END PRIVATE KEY-----\n".to_owned());
            }
            _ => {}
        }
        if let Some(seal) = &self.seal {
            key = key.map(|key| seal.key(key));
        }
        let mut encryption = issued.encryption.filter(|_| !self.is(Trouble::NoEncryptionHalf));
        if let Some(half) = &mut encryption {
            match self.trouble {
                Some(Trouble::Enveloped | Trouble::OwnCsr) => half.key = sm2::envelope(),
                Some(Trouble::WrongEncryptionKey) => half.key = sm2::stranger(),
                _ => {}
            }
        }
        Some(Material { leaf: issued.leaf, chain, key, csr: issued.csr, encryption })
    }
}

impl Material {
    pub(crate) fn chain_pem(&self) -> String {
        self.chain.concat()
    }

    pub(crate) fn fullchain(&self) -> String {
        format!("{}{}", self.leaf, self.chain_pem())
    }
}
