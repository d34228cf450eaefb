//! Single private keys under a password.

use zeroize::Zeroizing;

use super::KeystoreError;
use super::derive::Budget;
use super::password::Password;
use super::scheme::Scheme;
use crate::der::{self, Reader};

/// The PKCS#8 in an EncryptedPrivateKeyInfo (RFC 5958, section 3).
///
/// # Errors
/// When the password is not the one, the DER is damaged, or the encryption is not known.
pub fn open_key(der: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, der)?;
        let encryption = fields.expect(der::SEQUENCE)?;
        let data = fields.expect(der::OCTET_STRING)?;
        fields.is_empty().then_some((encryption, data))
    };
    let (encryption, data) = read().ok_or(KeystoreError::Damaged { what: "the encrypted key" })?;
    let scheme = Scheme::read(encryption, &mut Budget::new())?;
    Password::try_forms(password, |password| decrypt(&scheme, data, password))
}

/// A decrypted private key. A wrong password that passes the padding by chance does not give one.
pub(super) fn decrypt(
    scheme: &Scheme<'_>,
    data: &[u8],
    password: &Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let key = scheme.decrypt(data, password)?;
    if is_private_key(&key) { Ok(key) } else { Err(KeystoreError::WrongPassword) }
}

/// `PrivateKeyInfo ::= SEQUENCE { INTEGER, SEQUENCE { OBJECT IDENTIFIER, … }, OCTET STRING, … }`
pub(super) fn is_private_key(der: &[u8]) -> bool {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, der)?;
        let version = fields.unsigned()?;
        Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)?;
        fields.expect(der::OCTET_STRING)?;
        Some(matches!(version, b"" | b"\x01"))
    };
    read().unwrap_or(false)
}

/// The DER in the body of a PEM block with `Proc-Type: 4,ENCRYPTED`; `dek_info` is what its `DEK-Info` says, for
/// example `AES-128-CBC,0123456789ABCDEF0123456789ABCDEF`.
///
/// # Errors
/// As for [`open_key`].
pub fn open_legacy_key(_dek_info: &str, _body: &[u8], _password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    Err(KeystoreError::Unsupported { what: "an encrypted key".to_owned() })
}
