//! What can be wrong with a certificate on disk or served, in the words that scripts rely on.

use crate::failure::Exit;
use crate::store::{Fault, Finding};

/// The kind of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A file that is to be there is not.
    MissingFile,
    /// A file's bytes are not those that metadata.json records.
    Hash,
    /// A file's permission bits are others.
    Mode,
    /// A file is somebody else's.
    Owner,
    /// Links, versions or metadata.json are not as certctl makes them.
    Layout,
    /// A file is no PEM that can be read.
    NotPem,
    /// The private key is not the certificate's.
    KeyMismatch,
    /// A certificate that clients need is missing in the chain, or no good.
    ChainIncomplete,
    /// The chain is out of order.
    ChainOrder,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate expires within the time given.
    Expiring,
    /// The certificate is for other names, or another one than is wanted.
    Name,
    /// A key store, or another format, does not open or holds something else.
    Keystore,
    /// A copy at a fixed path is missing or another.
    Install,
    /// A server serves another certificate.
    ServedLeaf,
    /// A server serves an incomplete chain.
    ServedChain,
    /// The system does not trust the chain.
    Trust,
}

impl Code {
    /// Every one.
    pub const ALL: [Self; 18] = [
        Self::MissingFile,
        Self::Hash,
        Self::Mode,
        Self::Owner,
        Self::Layout,
        Self::NotPem,
        Self::KeyMismatch,
        Self::ChainIncomplete,
        Self::ChainOrder,
        Self::Expired,
        Self::NotYetValid,
        Self::Expiring,
        Self::Name,
        Self::Keystore,
        Self::Install,
        Self::ServedLeaf,
        Self::ServedChain,
        Self::Trust,
    ];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingFile => "missing_file",
            Self::Hash => "hash",
            Self::Mode => "mode",
            Self::Owner => "owner",
            Self::Layout => "layout",
            Self::NotPem => "not_pem",
            Self::KeyMismatch => "key_mismatch",
            Self::ChainIncomplete => "chain_incomplete",
            Self::ChainOrder => "chain_order",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Expiring => "expiring",
            Self::Name => "name",
            Self::Keystore => "keystore",
            Self::Install => "install",
            Self::ServedLeaf => "served_leaf",
            Self::ServedChain => "served_chain",
            Self::Trust => "trust",
        }
    }

    /// What it makes of the exit code: nothing is damaged where only time has passed.
    #[must_use]
    pub fn exit(self) -> Exit {
        match self {
            Self::Expired | Self::Expiring => Exit::Expiring,
            _ => Exit::Verification,
        }
    }
}

impl From<Fault> for Code {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::MissingFile,
            Fault::Hash => Self::Hash,
            Fault::Mode => Self::Mode,
            Fault::Owner => Self::Owner,
            Fault::Layout => Self::Layout,
            Fault::Install => Self::Install,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub code: Code,
    /// What and where, and what was seen.
    pub message: String,
    /// What the user can do.
    pub hint: String,
}

impl Problem {
    pub(super) fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: hint.into() }
    }

    pub(super) fn of(finding: Finding, hint: &str) -> Self {
        Self::new(finding.fault.into(), finding.what, hint)
    }
}
