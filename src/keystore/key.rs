//! Single private keys under a password.

use zeroize::Zeroizing;

use super::KeystoreError;

/// The PKCS#8 in an EncryptedPrivateKeyInfo (RFC 5958, section 3).
///
/// # Errors
/// When the password is not the one, the DER is damaged, or the encryption is not known.
pub fn open_key(_der: &[u8], _password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "an encrypted key".to_owned() })
}

/// The DER in the body of a PEM block with `Proc-Type: 4,ENCRYPTED`; `dek_info` is what its `DEK-Info` says, for
/// example `AES-128-CBC,0123456789ABCDEF0123456789ABCDEF`.
///
/// # Errors
/// As for [`open_key`].
pub fn open_legacy_key(_dek_info: &str, _body: &[u8], _password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "an encrypted key".to_owned() })
}
