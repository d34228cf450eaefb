//! Java's own key store.

use zeroize::Zeroizing;

use super::{Entry, KeystoreError, Opened};

/// A key store with one entry; its password is the key's, too.
///
/// # Errors
/// When the entry cannot be written in this form.
pub fn jks(_entry: &Entry<'_>, _password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "JKS".to_owned() })
}

pub(super) fn open(_bytes: &[u8], _password: &str) -> Result<Opened, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "JKS".to_owned() })
}
