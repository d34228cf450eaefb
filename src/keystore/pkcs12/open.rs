//! A PKCS#12 key store is opened: its MAC, then what it protects (RFC 7292, section 5.2).

use zeroize::Zeroizing;

use super::bag::Bags;
use crate::der::{self, Reader};
use crate::keystore::derive::{self, Budget, Purpose};
use crate::keystore::hash::Hash;
use crate::keystore::password::Password;
use crate::keystore::scheme::{Scheme, algorithm};
use crate::keystore::{KeystoreError, Opened, ber, oid};

const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "the key store" };

pub(in crate::keystore) fn open(bytes: &[u8], password: &str, budget: &mut Budget) -> Result<Opened, KeystoreError> {
    let der = ber::to_der(bytes).ok_or(DAMAGED)?;
    Password::try_forms(password, |password| open_der(&der, password, budget))
}

fn open_der(der: &[u8], password: &Password<'_>, budget: &mut Budget) -> Result<Opened, KeystoreError> {
    let mut fields = Reader::whole(der::SEQUENCE, der).ok_or(DAMAGED)?;
    let Some([3]) = fields.unsigned() else { return Err(DAMAGED) };
    let protected = match content(&mut fields).ok_or(DAMAGED)? {
        (oid::DATA, mut content) => content.expect(der::OCTET_STRING).ok_or(DAMAGED)?,
        (oid::SIGNED_DATA, _) => return Err(unsupported("a signature in place of a password")),
        (other, _) => return Err(oid::unsupported(other)),
    };
    if !fields.is_empty() {
        check_mac(&mut fields, protected, password, budget)?;
    }
    let safe = ber::to_der(protected).ok_or(DAMAGED)?;
    let mut contents = Reader::whole(der::SEQUENCE, &safe).ok_or(DAMAGED)?;
    let mut bags = Bags::new(password, budget);
    while !contents.is_empty() {
        match content(&mut contents).ok_or(DAMAGED)? {
            (oid::DATA, mut content) => {
                let bytes = content.expect(der::OCTET_STRING).ok_or(DAMAGED)?;
                bags.add_all(&ber::to_der(bytes).ok_or(DAMAGED)?)?;
            }
            (oid::ENCRYPTED_DATA, mut content) => {
                let mut content = encrypted_content(&mut content).ok_or(DAMAGED)?;
                let scheme = Scheme::read(&mut content, bags.budget)?;
                let data = encrypted_bytes(&mut content).ok_or(DAMAGED)?;
                let decrypted = scheme.decrypt(&data, password)?;
                // A wrong password may pass the padding by chance.
                bags.add_all(&ber::to_der(&decrypted).ok_or(KeystoreError::WrongPassword)?)?;
            }
            (oid::ENVELOPED_DATA, _) => return Err(unsupported("a public key in place of a password")),
            (other, _) => return Err(oid::unsupported(other)),
        }
    }
    Ok(bags.opened)
}

fn unsupported(what: &str) -> KeystoreError {
    KeystoreError::Unsupported { what: what.to_owned() }
}

/// `ContentInfo ::= SEQUENCE { OBJECT IDENTIFIER, [0] content }`
fn content<'a>(fields: &mut Reader<'a>) -> Option<(&'a [u8], Reader<'a>)> {
    let mut fields = Reader::new(fields.expect(der::SEQUENCE)?);
    let kind = fields.expect(der::OBJECT_IDENTIFIER)?;
    Some((kind, Reader::new(fields.expect(der::context(0))?)))
}

/// `EncryptedData ::= SEQUENCE { INTEGER 0, SEQUENCE { OBJECT IDENTIFIER data, AlgorithmIdentifier, [0] data } }`: what
/// comes after the object identifier.
fn encrypted_content<'a>(fields: &mut Reader<'a>) -> Option<Reader<'a>> {
    let mut fields = Reader::new(fields.expect(der::SEQUENCE)?);
    fields.unsigned()?;
    let mut content = Reader::new(fields.expect(der::SEQUENCE)?);
    content.expect(der::OBJECT_IDENTIFIER)?;
    Some(content)
}

/// `[0] IMPLICIT OCTET STRING`, which BER may have in pieces.
fn encrypted_bytes(fields: &mut Reader<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match fields.value()? {
        (0x80, bytes) => Some(Zeroizing::new(bytes.to_vec())),
        (0xa0, pieces) => ber::joined(pieces),
        _ => None,
    }
}

/// `MacData ::= SEQUENCE { SEQUENCE { AlgorithmIdentifier, OCTET STRING mac }, OCTET STRING salt, INTEGER iterations }`
fn check_mac(
    fields: &mut Reader<'_>,
    protected: &[u8],
    password: &Password<'_>,
    budget: &mut Budget,
) -> Result<(), KeystoreError> {
    let mut fields = Reader::new(fields.expect(der::SEQUENCE).ok_or(DAMAGED)?);
    let mut told = Reader::new(fields.expect(der::SEQUENCE).ok_or(DAMAGED)?);
    let (hash, length) = match algorithm(&mut told)? {
        (oid::SHA1, _) => (Hash::Sha1, 20),
        (oid::SHA224, _) => (Hash::Sha224, 28),
        (oid::SHA256, _) => (Hash::Sha256, 32),
        (oid::SHA384, _) => (Hash::Sha384, 48),
        (oid::SHA512, _) => (Hash::Sha512, 64),
        (other, _) => return Err(oid::unsupported(other)),
    };
    let told = told.expect(der::OCTET_STRING).ok_or(DAMAGED)?;
    let salt = fields.expect(der::OCTET_STRING).ok_or(DAMAGED)?;
    // Left out where it is one.
    let iterations = if fields.is_empty() { &[1] } else { fields.unsigned().ok_or(DAMAGED)? };
    let iterations = budget.iterations(iterations)?;
    let key = derive::pkcs12(hash, Purpose::Mac, &password.terminated, salt, iterations, length);
    if hash.hmac(&key, protected) == told { Ok(()) } else { Err(KeystoreError::WrongPassword) }
}
