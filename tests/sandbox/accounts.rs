//! The accounts of each cloud: their keys, how they list, and what they hold.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Cloud;
use super::catalogue::{self, Certificate, Trouble};
use super::pki::Authority;
use super::signature::{Key, Token};

/// An account of a cloud, by what is peculiar about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Account {
    /// Dozens of certificates; every issued, in-date one can be downloaded.
    Healthy,
    /// One certificate for every way in which a cloud or its user can get it wrong.
    Troubled,
    /// Temporary credentials with a session token. CTyun has none.
    Session,
    /// Temporary credentials whose token has expired.
    ExpiredSession,
    /// No certificates at all.
    Empty,
    /// JD Cloud's operation protection: a download needs a code.
    Mfa,
    /// The list promises more than it has.
    Liar,
    /// The list gives its first page again and again, and promises more.
    Repeating,
    /// Keys that are encrypted, and certificates that only a key store holds.
    Sealed,
    /// SM2 certificates with two halves, at the clouds that hand out both; they need `openssl` on this machine.
    Sm2,
    /// As many certificates as [`super::Options::bulk`] says, all alike.
    Bulk,
}

impl Account {
    pub(crate) const ALL: [Self; 11] = [
        Self::Healthy,
        Self::Troubled,
        Self::Session,
        Self::ExpiredSession,
        Self::Empty,
        Self::Mfa,
        Self::Liar,
        Self::Repeating,
        Self::Sealed,
        Self::Sm2,
        Self::Bulk,
    ];

    /// Whether the cloud knows such accounts.
    pub(crate) fn exists_at(self, cloud: Cloud) -> bool {
        match self {
            Self::Session | Self::ExpiredSession => cloud.keys_of() != Cloud::Ctyun,
            Self::Mfa => cloud == Cloud::Jdcloud,
            Self::Sm2 => matches!(cloud, Cloud::Tencent | Cloud::Huawei),
            _ => true,
        }
    }
}

/// An account as the simulator holds it.
pub(crate) struct Holder {
    cloud: Cloud,
    pub(crate) account: Account,
    pub(crate) key: Key,
    /// Huawei's; 32 hex digits.
    pub(crate) project_id: String,
    pub(crate) domain_id: String,
    authority: Arc<Authority>,
    bulk: usize,
    /// Issued when they are first looked at: most tests look at one account.
    held: Mutex<Option<Held>>,
}

/// What an account holds now.
struct Held {
    certificates: Arc<Vec<Certificate>>,
    /// How many it ever held: an id is never given twice.
    made: usize,
}

impl Holder {
    pub(crate) fn new(cloud: Cloud, account: Account, authority: Arc<Authority>, bulk: usize) -> Self {
        let token = matches!(account, Account::Session | Account::ExpiredSession).then(|| Token {
            // As long and as odd as the clouds' own.
            value: format!("{}/+==", letters(300)),
            expired: account == Account::ExpiredSession,
        });
        let (access_key, secret_key) = match cloud.keys_of() {
            Cloud::Jdcloud => (format!("JDC_{}", hex(28).to_uppercase()), hex(32).to_uppercase()),
            Cloud::Tencent => (format!("AKID{}", letters(32)), letters(32)),
            Cloud::Huawei => (letters(20).to_uppercase(), letters(40)),
            Cloud::Ctyun | Cloud::Ccms => (hex(32), hex(32)),
        };
        let mfa = (account == Account::Mfa).then(|| format!("{:06}", fastrand::u32(..1_000_000)));
        let key = Key { access_key, secret_key, token, mfa };
        let (project_id, domain_id) = (hex(32), hex(32));
        Self { cloud, account, key, project_id, domain_id, authority, bulk, held: Mutex::default() }
    }

    /// As they are now; a later change is not seen.
    pub(crate) fn certificates(&self) -> Arc<Vec<Certificate>> {
        self.change(|held| Arc::clone(&held.certificates))
    }

    /// Another certificate for the same names under a new id: its validity starts later and, as lifetimes shrink, ends
    /// earlier than its predecessor's, which stays.
    pub(crate) fn renew(&self, id: &str, from: Option<Timestamp>, trouble: Option<Trouble>) -> Certificate {
        self.change(|held| {
            let old = held.certificates.iter().find(|certificate| certificate.id == id);
            let old = old.unwrap_or_else(|| panic!("{:?} {:?} has no {id}", self.cloud, self.account));
            let new = catalogue::renewal(self.cloud, &self.authority, old, held.made, from, trouble);
            held.add(new)
        })
    }

    /// Another certificate, for these names.
    pub(crate) fn issue(&self, names: &[&str], days: (i64, i64)) -> Certificate {
        self.change(|held| {
            let new = catalogue::single(self.cloud, &self.authority, names, days, held.made);
            held.add(new)
        })
    }

    pub(crate) fn issue_without_names(&self, common_name: &str) -> Certificate {
        self.change(|held| {
            let new = catalogue::nameless(self.cloud, &self.authority, common_name, held.made);
            held.add(new)
        })
    }

    pub(crate) fn withdraw(&self, id: &str) {
        self.change(|held| Arc::make_mut(&mut held.certificates).retain(|certificate| certificate.id != id));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        change(held.get_or_insert_with(|| {
            let certificates = self.first();
            Held { made: certificates.len(), certificates: Arc::new(certificates) }
        }))
    }

    fn first(&self) -> Vec<Certificate> {
        match self.account {
            Account::Healthy => catalogue::healthy(self.cloud, &self.authority),
            Account::Troubled => catalogue::troubled(self.cloud, &self.authority),
            Account::Empty => Vec::new(),
            Account::Sealed => catalogue::sealed(self.cloud, &self.authority),
            Account::Sm2 => catalogue::sm2(self.cloud, &self.authority),
            Account::Bulk => catalogue::bulk(self.cloud, &self.authority, self.bulk),
            Account::Session | Account::ExpiredSession | Account::Mfa | Account::Liar | Account::Repeating => {
                catalogue::small(self.cloud, &self.authority)
            }
        }
    }

    /// One page of what the account lists, and the total that it names.
    pub(crate) fn page<'c>(
        &self,
        listed: &[&'c Certificate],
        offset: usize,
        limit: usize,
    ) -> (Vec<&'c Certificate>, usize) {
        let offset = if self.account == Account::Repeating { 0 } else { offset };
        let page = listed.iter().skip(offset).take(limit).copied().collect();
        let lie = if matches!(self.account, Account::Liar | Account::Repeating) { 100 } else { 0 };
        (page, listed.len() + lie)
    }
}

impl Held {
    fn add(&mut self, certificate: Certificate) -> Certificate {
        Arc::make_mut(&mut self.certificates).push(certificate.clone());
        self.made += 1;
        certificate
    }
}

fn letters(count: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(count).collect()
}

pub(crate) fn hex(count: usize) -> String {
    std::iter::repeat_with(|| fastrand::digit(16)).take(count).collect()
}
