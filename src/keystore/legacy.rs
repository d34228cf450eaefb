//! OpenSSL's own encryption of private keys in PEM, from before PKCS#8: the headers of RFC 1421, and a key for the cipher
//! that is one round of MD5 away from the password.

use zeroize::Zeroizing;

use super::KeystoreError;
use super::cipher::Cipher;
use super::derive::Budget;
use super::hash::Hash;
use crate::der::{self, Reader};

/// As many bytes of the initialization vector are the salt.
const SALT_BYTES: usize = 8;

/// The DER in the body of a PEM block with `Proc-Type: 4,ENCRYPTED`; `dek_info` is what its `DEK-Info` says, for
/// example `AES-128-CBC,0123456789ABCDEF0123456789ABCDEF`.
///
/// # Errors
/// As for [`open_key`](super::open_key).
pub fn open_legacy_key(
    dek_info: &str,
    body: &[u8],
    password: &str,
    budget: &mut Budget,
) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    budget.bytes(body)?;
    let (name, vector) = dek_info.split_once(',').ok_or(KeystoreError::Damaged { what: "its DEK-Info" })?;
    let cipher = cipher(name.trim())?;
    let vector = unhex(vector.trim()).filter(|vector| vector.len() == cipher.block_length());
    let vector = vector.ok_or(KeystoreError::Damaged { what: "the initialization vector in its DEK-Info" })?;
    if body.is_empty() || !body.len().is_multiple_of(cipher.block_length()) {
        return Err(KeystoreError::Damaged { what: "what is encrypted" });
    }
    let key = derive(password, vector.get(..SALT_BYTES).unwrap_or_default(), cipher.key_length());
    // Padding comes out right by chance once in 256 times, a key does not.
    cipher.decrypt(&key, &vector, body).filter(|plain| is_key(plain)).ok_or(KeystoreError::WrongPassword)
}

fn cipher(name: &str) -> Result<Cipher, KeystoreError> {
    match name.to_ascii_uppercase().as_str() {
        "DES-EDE3-CBC" => Ok(Cipher::TripleDes),
        "DES-CBC" => Ok(Cipher::Des),
        "AES-128-CBC" => Ok(Cipher::Aes128),
        "AES-192-CBC" => Ok(Cipher::Aes192),
        "AES-256-CBC" => Ok(Cipher::Aes256),
        _ => {
            let what = name.chars().filter(char::is_ascii_graphic).take(40).collect::<String>();
            Err(KeystoreError::Unsupported { what: format!("the cipher {what}") })
        }
    }
}

/// `EVP_BytesToKey` with MD5 and one round: each digest is of the one before, the password and the salt.
fn derive(password: &str, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let first = Hash::Md5.digest(&[password.as_bytes(), salt]);
    let second = Hash::Md5.digest(&[&first, password.as_bytes(), salt]);
    // No cipher here has a longer key than both.
    let mut key = Zeroizing::new(Vec::with_capacity(length));
    key.extend(first.iter().chain(second.iter()).take(length));
    key
}

/// Whether it is what each form of a private key begins with: a sequence whose first member is a version.
fn is_key(der: &[u8]) -> bool {
    Reader::whole(der::SEQUENCE, der).and_then(|mut fields| fields.unsigned()).is_some_and(|version| version.len() <= 1)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
