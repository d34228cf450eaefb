//! How a key is encrypted in Java's own key store (`sun.security.provider.KeyProtector`): added to the stream of
//! SHA-1 hashes that password and salt start, with a hash of password and key behind it.

use zeroize::Zeroizing;

use super::HASH_LENGTH;
use crate::der::{self, Reader, encode};
use crate::keystore::hash::Hash;
use crate::keystore::key::is_private_key;
use crate::keystore::scheme::algorithm;
use crate::keystore::{KeystoreError, oid};

const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "the encrypted key" };

/// The EncryptedPrivateKeyInfo of a private key; the password is in UTF-16.
pub(super) fn protect(key: &[u8], password: &[u8], salt: [u8; HASH_LENGTH]) -> Zeroizing<Vec<u8>> {
    let encrypted = with_stream(key, password, &salt);
    let check = Hash::Sha1.digest(&[password, key]);
    let data = encode(der::OCTET_STRING, &[&salt, &encrypted, &check]);
    let algorithm = encode(der::OBJECT_IDENTIFIER, &[oid::JAVA_KEY_PROTECTOR]);
    let algorithm = encode(der::SEQUENCE, &[&algorithm, &encode(der::NULL, &[])]);
    encode(der::SEQUENCE, &[&algorithm, &data])
}

/// The private key in an EncryptedPrivateKeyInfo.
pub(super) fn recover(der: &[u8], password: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let mut fields = Reader::whole(der::SEQUENCE, der).ok_or(DAMAGED)?;
    let (algorithm, _) = algorithm(&mut fields)?;
    if algorithm != oid::JAVA_KEY_PROTECTOR {
        return Err(oid::unsupported(algorithm));
    }
    let data = fields.expect(der::OCTET_STRING).filter(|_| fields.is_empty()).ok_or(DAMAGED)?;
    let parts = data.split_first_chunk::<HASH_LENGTH>();
    let parts = parts.and_then(|(salt, rest)| Some((salt, rest.split_last_chunk::<HASH_LENGTH>()?)));
    let (salt, (encrypted, check)) = parts.ok_or(DAMAGED)?;
    let key = with_stream(encrypted, password, salt);
    let is_whole = Hash::Sha1.digest(&[password, &key]).as_slice() == check;
    if is_whole && is_private_key(&key) { Ok(key) } else { Err(KeystoreError::WrongPassword) }
}

/// Encrypts and decrypts.
fn with_stream(data: &[u8], password: &[u8], salt: &[u8; HASH_LENGTH]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(data.to_vec());
    let mut block = Zeroizing::new(salt.to_vec());
    for chunk in out.chunks_mut(HASH_LENGTH) {
        block = Hash::Sha1.digest(&[password, &block]);
        chunk.iter_mut().zip(block.iter()).for_each(|(byte, key)| *byte ^= key);
    }
    out
}
