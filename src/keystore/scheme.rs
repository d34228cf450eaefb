//! Encryption under a password, as an AlgorithmIdentifier tells it: PBES2 and PBES1 (RFC 8018), and what PKCS#12 has of
//! its own (RFC 7292, appendix C).

use std::num::NonZeroU32;

use ring::pbkdf2;
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::derive::{self, Budget, Purpose};
use super::hash::Hash;
use super::password::Password;
use super::{KeystoreError, oid};
use crate::der::{self, Reader};

/// A way to encrypt. Its work is paid for: no scheme is read that asks for too much.
pub(super) struct Scheme<'a> {
    cipher: Cipher,
    derivation: Derivation<'a>,
}

/// Wiped when dropped.
type Secret = Zeroizing<Vec<u8>>;

enum Derivation<'a> {
    Pbkdf2 {
        prf: pbkdf2::Algorithm,
        salt: &'a [u8],
        iterations: NonZeroU32,
        iv: &'a [u8],
    },
    Scrypt {
        parameters: scrypt::Params,
        salt: &'a [u8],
        iv: &'a [u8],
    },
    /// Key and vector are one hash.
    Pbkdf1 {
        hash: Hash,
        salt: &'a [u8],
        iterations: NonZeroU32,
    },
    /// With SHA-1.
    Pkcs12 {
        salt: &'a [u8],
        iterations: NonZeroU32,
    },
}

const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "how it is encrypted" };

impl<'a> Scheme<'a> {
    /// Reads an AlgorithmIdentifier.
    pub(super) fn read(fields: &mut Reader<'a>, budget: &mut Budget) -> Result<Self, KeystoreError> {
        let (algorithm, mut fields) = algorithm(fields)?;
        let (cipher, hash) = match algorithm {
            oid::PBES2 => return Self::read_pbes2(fields, budget),
            oid::PBE_MD5_DES => (Cipher::Des, Some(Hash::Md5)),
            oid::PBE_SHA1_DES => (Cipher::Des, Some(Hash::Sha1)),
            oid::PBE_MD5_RC2 => (Cipher::Rc2(8), Some(Hash::Md5)),
            oid::PBE_SHA1_RC2 => (Cipher::Rc2(8), Some(Hash::Sha1)),
            oid::PKCS12_3DES => (Cipher::TripleDes, None),
            oid::PKCS12_3DES_2 => (Cipher::TripleDes2, None),
            oid::PKCS12_RC2_128 => (Cipher::Rc2(16), None),
            oid::PKCS12_RC2_40 => (Cipher::Rc2(5), None),
            _ => return Err(oid::unsupported(algorithm)),
        };
        let mut parameters = sequence(&mut fields)?;
        let salt = parameters.expect(der::OCTET_STRING).ok_or(DAMAGED)?;
        let iterations = budget.iterations(parameters.unsigned().ok_or(DAMAGED)?)?;
        let derivation = match hash {
            Some(hash) => Derivation::Pbkdf1 { hash, salt, iterations },
            None => Derivation::Pkcs12 { salt, iterations },
        };
        Ok(Self { cipher, derivation })
    }

    fn read_pbes2(mut fields: Reader<'a>, budget: &mut Budget) -> Result<Self, KeystoreError> {
        let mut both = sequence(&mut fields)?;
        let (derivation, mut parameters) = algorithm(&mut both)?;
        let (cipher, iv) = read_cipher(&mut both)?;
        let mut derived = sequence(&mut parameters)?;
        let salt = derived.expect(der::OCTET_STRING).ok_or(DAMAGED)?;
        let mut number = || derived.unsigned().ok_or(DAMAGED);
        let derivation = match derivation {
            oid::PBKDF2 => {
                let iterations = budget.iterations(number()?)?;
                check_length(&mut derived, cipher)?;
                Derivation::Pbkdf2 { prf: read_prf(&mut derived)?, salt, iterations, iv }
            }
            oid::SCRYPT => {
                let parameters = budget.scrypt([number()?, number()?, number()?])?;
                check_length(&mut derived, cipher)?;
                Derivation::Scrypt { parameters, salt, iv }
            }
            _ => return Err(oid::unsupported(derivation)),
        };
        Ok(Self { cipher, derivation })
    }

    /// What was encrypted. Wrong passwords are told by the padding alone, which one in 256 of them pass.
    pub(super) fn decrypt(&self, data: &[u8], password: &Password<'_>) -> Result<Secret, KeystoreError> {
        let (key, iv) = self.key_and_iv(password).ok_or(DAMAGED)?;
        if data.is_empty() || !data.len().is_multiple_of(self.cipher.block_length()) {
            return Err(KeystoreError::Damaged { what: "what is encrypted" });
        }
        self.cipher.decrypt(&key, &iv, data).ok_or(KeystoreError::WrongPassword)
    }

    /// Encrypts.
    pub(super) fn encrypt(&self, data: &[u8], password: &Password<'_>) -> Result<Secret, KeystoreError> {
        let (key, iv) = self.key_and_iv(password).ok_or(DAMAGED)?;
        self.cipher.encrypt(&key, &iv, data).ok_or(DAMAGED)
    }

    fn key_and_iv(&self, password: &Password<'_>) -> Option<(Secret, Secret)> {
        let (length, block) = (self.cipher.key_length(), self.cipher.block_length());
        let given = |iv: &[u8]| (iv.len() == block).then(|| Zeroizing::new(iv.to_vec()));
        Some(match &self.derivation {
            Derivation::Pbkdf2 { prf, salt, iterations, iv } => {
                let iv = given(iv)?;
                (derive::pbkdf2(*prf, password.utf8, salt, *iterations, length), iv)
            }
            Derivation::Scrypt { parameters, salt, iv } => {
                let iv = given(iv)?;
                (derive::scrypt(parameters, password.utf8, salt, length)?, iv)
            }
            Derivation::Pbkdf1 { hash, salt, iterations } => {
                let both = derive::pbkdf1(*hash, password.utf8, salt, *iterations);
                let (key, rest) = both.split_at_checked(length)?;
                (Zeroizing::new(key.to_vec()), Zeroizing::new(rest.get(..block)?.to_vec()))
            }
            Derivation::Pkcs12 { salt, iterations } => {
                let derive = |purpose, length| {
                    derive::pkcs12(Hash::Sha1, purpose, &password.terminated, salt, *iterations, length)
                };
                (derive(Purpose::Key, length), derive(Purpose::Iv, block))
            }
        })
    }
}

fn sequence<'a>(fields: &mut Reader<'a>) -> Result<Reader<'a>, KeystoreError> {
    fields.expect(der::SEQUENCE).map(Reader::new).ok_or(DAMAGED)
}

/// An AlgorithmIdentifier: the algorithm, and what is left to read of it.
pub(super) fn algorithm<'a>(fields: &mut Reader<'a>) -> Result<(&'a [u8], Reader<'a>), KeystoreError> {
    let mut fields = sequence(fields)?;
    let algorithm = fields.expect(der::OBJECT_IDENTIFIER).ok_or(DAMAGED)?;
    Ok((algorithm, fields))
}

/// A cipher and its initialization vector.
fn read_cipher<'a>(fields: &mut Reader<'a>) -> Result<(Cipher, &'a [u8]), KeystoreError> {
    let (algorithm, mut parameters) = algorithm(fields)?;
    let cipher = match algorithm {
        oid::AES_128 => Cipher::Aes128,
        oid::AES_192 => Cipher::Aes192,
        oid::AES_256 => Cipher::Aes256,
        oid::TRIPLE_DES => Cipher::TripleDes,
        oid::DES => Cipher::Des,
        oid::RC2 => {
            parameters = sequence(&mut parameters)?;
            // The effective bits of the key (RFC 8018, appendix B.2.3).
            match parameters.unsigned() {
                Some([58]) => Cipher::Rc2(16),
                Some([120]) => Cipher::Rc2(8),
                Some([160]) => Cipher::Rc2(5),
                _ => return Err(KeystoreError::Unsupported { what: "RC2 with an unusual key".to_owned() }),
            }
        }
        _ => return Err(oid::unsupported(algorithm)),
    };
    Ok((cipher, parameters.expect(der::OCTET_STRING).ok_or(DAMAGED)?))
}

/// The length of the key, where it is told, is the cipher's.
fn check_length(parameters: &mut Reader<'_>, cipher: Cipher) -> Result<(), KeystoreError> {
    let told = parameters.unsigned();
    let length = cipher.key_length().to_be_bytes();
    if told.is_none_or(|told| told == der::without_leading_zeros(&length)) { Ok(()) } else { Err(DAMAGED) }
}

/// The pseudorandom function of PBKDF2; HMAC with SHA-1 where none is told.
fn read_prf(parameters: &mut Reader<'_>) -> Result<pbkdf2::Algorithm, KeystoreError> {
    if parameters.is_empty() {
        return Ok(pbkdf2::PBKDF2_HMAC_SHA1);
    }
    match algorithm(parameters)? {
        (oid::HMAC_SHA1, _) => Ok(pbkdf2::PBKDF2_HMAC_SHA1),
        (oid::HMAC_SHA256, _) => Ok(pbkdf2::PBKDF2_HMAC_SHA256),
        (oid::HMAC_SHA384, _) => Ok(pbkdf2::PBKDF2_HMAC_SHA384),
        (oid::HMAC_SHA512, _) => Ok(pbkdf2::PBKDF2_HMAC_SHA512),
        (other, _) => Err(oid::unsupported(other)),
    }
}
