//! The hashes that key stores and encrypted keys name.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::digest::block_api::EagerHash;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// A hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// Bytes of a block.
    pub(super) const fn block_length(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha224 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// Of all pieces, one after the other.
    pub(super) fn digest(self, pieces: &[&[u8]]) -> Zeroizing<Vec<u8>> {
        self.repeated(pieces, 1)
    }

    /// The hash of the hash … of all pieces: so many hashes, at least one.
    pub(super) fn repeated(self, pieces: &[&[u8]], times: u32) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Md5 => repeated::<Md5>(pieces, times),
            Self::Sha1 => repeated::<Sha1>(pieces, times),
            Self::Sha224 => repeated::<Sha224>(pieces, times),
            Self::Sha256 => repeated::<Sha256>(pieces, times),
            Self::Sha384 => repeated::<Sha384>(pieces, times),
            Self::Sha512 => repeated::<Sha512>(pieces, times),
        }
    }

    /// HMAC (RFC 2104).
    pub(super) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => hmac::<Md5>(key, data),
            Self::Sha1 => hmac::<Sha1>(key, data),
            Self::Sha224 => hmac::<Sha224>(key, data),
            Self::Sha256 => hmac::<Sha256>(key, data),
            Self::Sha384 => hmac::<Sha384>(key, data),
            Self::Sha512 => hmac::<Sha512>(key, data),
        }
    }
}

fn repeated<D: Digest>(pieces: &[&[u8]], times: u32) -> Zeroizing<Vec<u8>> {
    let mut first = D::new();
    pieces.iter().for_each(|piece| first.update(piece));
    let last = (1..times).fold(first.finalize(), |hash, _| D::digest(&hash));
    Zeroizing::new(last.to_vec())
}

fn hmac<D: EagerHash>(key: &[u8], data: &[u8]) -> Vec<u8>
where
    Hmac<D>: KeyInit + Mac,
{
    // HMAC is defined for keys of every length; the type's error exists for other MACs.
    let Ok(mut mac) = <Hmac<D> as KeyInit>::new_from_slice(key) else { unreachable!("HMAC takes a key of any length") };
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}
