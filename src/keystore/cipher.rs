//! Block ciphers in CBC mode with the padding of PKCS#7: the only mode that key stores and encrypted keys use.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _};
use cbc::cipher::{KeyInit, KeyIvInit as _};
use zeroize::Zeroizing;

/// A block cipher in CBC mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    Des,
    /// Triple DES whose third key is the first.
    TripleDes2,
    TripleDes,
    /// With a key of so many bytes, all of them effective.
    Rc2(usize),
}

impl Cipher {
    /// Bytes of the key.
    pub(super) const fn key_length(self) -> usize {
        match self {
            Self::Aes128 | Self::TripleDes2 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Des => 8,
            Self::Rc2(length) => length,
        }
    }

    /// Bytes of a block, and so of the initialization vector.
    pub(super) const fn block_length(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::Des | Self::TripleDes2 | Self::TripleDes | Self::Rc2(_) => 8,
        }
    }

    /// `None` if key, vector or data have not the length they need, or the padding is wrong, as it is nearly always
    /// with a wrong key.
    pub(super) fn decrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => decrypt::<aes::Aes128>(key, iv, data),
            Self::Aes192 => decrypt::<aes::Aes192>(key, iv, data),
            Self::Aes256 => decrypt::<aes::Aes256>(key, iv, data),
            Self::Des => decrypt::<des::Des>(key, iv, data),
            Self::TripleDes2 => decrypt::<des::TdesEde2>(key, iv, data),
            Self::TripleDes => decrypt::<des::TdesEde3>(key, iv, data),
            Self::Rc2(_) => decrypt::<rc2::Rc2>(key, iv, data),
        }
    }

    /// `None` if key or vector have not the length they need.
    pub(super) fn encrypt(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Aes128 => encrypt::<aes::Aes128>(key, iv, data),
            Self::Aes192 => encrypt::<aes::Aes192>(key, iv, data),
            Self::Aes256 => encrypt::<aes::Aes256>(key, iv, data),
            Self::Des => encrypt::<des::Des>(key, iv, data),
            Self::TripleDes2 => encrypt::<des::TdesEde2>(key, iv, data),
            Self::TripleDes => encrypt::<des::TdesEde3>(key, iv, data),
            Self::Rc2(_) => encrypt::<rc2::Rc2>(key, iv, data),
        }
    }
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let mut buffer = Zeroizing::new(data.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
    // Room for the padding, too.
    let room = data.len().saturating_add(C::block_size());
    let mut buffer = Zeroizing::new(Vec::with_capacity(room));
    buffer.extend_from_slice(data);
    buffer.resize(room, 0);
    let length = cipher.encrypt_padded::<Pkcs7>(&mut buffer, data.len()).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}
