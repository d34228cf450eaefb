//! PKCS#12 (RFC 7292).

use zeroize::Zeroizing;

use super::{Entry, KeystoreError, Opened};
use crate::der::{self, Reader};

/// Which algorithms a key store is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// AES-256 and PBKDF2 with HMAC-SHA-256.
    Modern,
    /// 3DES and SHA-1, for software that knows nothing better.
    Legacy,
}

/// A key store with one entry; its password is the key's, too.
///
/// # Errors
/// When the entry cannot be written in this form.
pub fn pkcs12(_entry: &Entry<'_>, _password: &str, _strength: Strength) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "PKCS#12".to_owned() })
}

pub(super) fn open(_bytes: &[u8], _password: &str) -> Result<Opened, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "PKCS#12".to_owned() })
}

/// `SEQUENCE { INTEGER 3, SEQUENCE { OBJECT IDENTIFIER … } … }`
pub(super) fn is_pkcs12(bytes: &[u8]) -> bool {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, bytes)?;
        let version = fields.unsigned()?;
        Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)?;
        Some(version == [3])
    };
    read().unwrap_or(false)
}
