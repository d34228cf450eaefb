//! OpenSSL's own encryption of private keys in PEM, from before PKCS#8: the headers of RFC 1421, and a key for the cipher
//! that is one round of MD5 away from the password.

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use des::{Des, TdesEde3};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::KeystoreError;
use crate::der::{self, Reader};

/// As many bytes of the initialization vector are the salt.
const SALT_BYTES: usize = 8;
/// What one MD5 gives.
const DIGEST_BYTES: usize = 16;
/// The longest key that a cipher here has.
const KEY_BYTES: usize = 32;

/// Decrypts in place; `None` if key or vector are not as long as the cipher's.
type Decrypt = fn(&[u8], &[u8], &mut [u8]) -> Option<()>;

/// The DER in the body of a PEM block with `Proc-Type: 4,ENCRYPTED`; `dek_info` is what its `DEK-Info` says, for
/// example `AES-128-CBC,0123456789ABCDEF0123456789ABCDEF`.
///
/// # Errors
/// As for [`open_key`](super::open_key).
pub fn open_legacy_key(dek_info: &str, body: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>, KeystoreError> {
    let (name, vector) = dek_info.split_once(',').ok_or(damaged("its DEK-Info"))?;
    let (key_bytes, decrypt) = cipher(name.trim())?;
    let vector = unhex(vector.trim()).ok_or(damaged("the initialization vector in its DEK-Info"))?;
    let key = derive(password, vector.get(..SALT_BYTES).ok_or(damaged("the initialization vector in its DEK-Info"))?);
    let mut plain = Zeroizing::new(body.to_vec());
    let key = key.get(..key_bytes).unwrap_or_default();
    decrypt(key, &vector, &mut plain).ok_or(damaged("its vector or its length does not fit its cipher"))?;
    let length = without_padding(&plain).ok_or(KeystoreError::WrongPassword)?;
    plain.truncate(length);
    // Padding comes out right by chance once in 256 times, a key does not.
    if is_key(&plain) { Ok(plain) } else { Err(KeystoreError::WrongPassword) }
}

/// The cipher of that name, with the length of its key.
fn cipher(name: &str) -> Result<(usize, Decrypt), KeystoreError> {
    match name.to_ascii_uppercase().as_str() {
        "DES-EDE3-CBC" => Ok((24, decrypt::<Decryptor<TdesEde3>>)),
        "DES-CBC" => Ok((8, decrypt::<Decryptor<Des>>)),
        "AES-128-CBC" => Ok((16, decrypt::<Decryptor<Aes128>>)),
        "AES-192-CBC" => Ok((24, decrypt::<Decryptor<Aes192>>)),
        "AES-256-CBC" => Ok((32, decrypt::<Decryptor<Aes256>>)),
        _ => {
            let what = name.chars().filter(char::is_ascii_graphic).take(40).collect::<String>();
            Err(KeystoreError::Unsupported { what: format!("the cipher {what}") })
        }
    }
}

fn decrypt<D: KeyIvInit + BlockModeDecrypt>(key: &[u8], vector: &[u8], text: &mut [u8]) -> Option<()> {
    let mut decryptor = D::new_from_slices(key, vector).ok()?;
    let (blocks, rest) = Array::slice_as_chunks_mut(text);
    decryptor.decrypt_blocks(blocks);
    (rest.is_empty() && !blocks.is_empty()).then_some(())
}

/// `EVP_BytesToKey` with MD5 and one round: each digest is of the one before, the password and the salt.
fn derive(password: &str, salt: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let mut digest = Zeroizing::new([0; DIGEST_BYTES]);
    for (index, part) in key.chunks_exact_mut(DIGEST_BYTES).enumerate() {
        let before = if index == 0 { &[][..] } else { digest.as_slice() };
        let hash = Md5::new().chain_update(before).chain_update(password).chain_update(salt);
        hash.finalize_into((&mut *digest).into());
        part.copy_from_slice(digest.as_slice());
    }
    key
}

/// How long `text` is without the padding of PKCS#7.
fn without_padding(text: &[u8]) -> Option<usize> {
    let (&last, _) = text.split_last()?;
    let length = text.len().checked_sub(usize::from(last))?;
    let is_padding = (1..=16).contains(&last) && text.get(length..)?.iter().all(|&byte| byte == last);
    is_padding.then_some(length)
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

const fn damaged(what: &'static str) -> KeystoreError {
    KeystoreError::Damaged { what }
}
