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
/// When the password is not the one, the DER is damaged, the encryption is not known, or it asks for too much work.
pub fn open_key(der: &[u8], password: &str, budget: &mut Budget) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    budget.bytes(der)?;
    Password::try_forms(password, |password| decrypt(der, password, budget))
}

/// `EncryptedPrivateKeyInfo ::= SEQUENCE { AlgorithmIdentifier, OCTET STRING }`, decrypted. A wrong password that passes
/// the padding by chance does not give a private key.
pub(super) fn decrypt(
    der: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "the encrypted key" };
    let mut fields = Reader::whole(der::SEQUENCE, der).ok_or(DAMAGED)?;
    let scheme = Scheme::read(&mut fields, budget)?;
    let data = fields.expect(der::OCTET_STRING).filter(|_| fields.is_empty()).ok_or(DAMAGED)?;
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

/// A private key as the first version of PKCS#8 has it, without the public half that the second may add: OpenSSL 3.0 and
/// older Java do not read key stores where it is there.
pub(super) fn first_version(der: &[u8]) -> Zeroizing<Vec<u8>> {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, der)?;
        let Some([1]) = fields.unsigned() else { return None };
        let algorithm = fields.expect(der::SEQUENCE)?;
        let key = fields.expect(der::OCTET_STRING)?;
        let (version, algorithm) = (der::encode(der::INTEGER, &[&[0]]), der::encode(der::SEQUENCE, &[algorithm]));
        Some(der::encode(der::SEQUENCE, &[&version, &algorithm, &der::encode(der::OCTET_STRING, &[key])]))
    };
    read().unwrap_or_else(|| Zeroizing::new(der.to_vec()))
}
