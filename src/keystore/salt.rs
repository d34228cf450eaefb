//! Salts and initialization vectors without randomness.
//!
//! A key store is to have the same bytes whenever it is made of the same things, so that a run in which nothing changed
//! changes nothing. Salts have to be unique and, for CBC, not to be guessed beforehand. Both hold for the output of a
//! pseudorandom function whose key nobody else has and whose input is everything that goes into the key store: HMAC with
//! SHA-256 under the private key that is put in. Where any input differs, every salt does; where all are the same, the
//! plaintext is, too, and so what is seen twice tells only that. RFC 6979 makes the nonces of ECDSA in the same way.
//!
//! The password goes in stretched. Otherwise whoever has the private key, but not the password, could try passwords
//! against a salt at the speed of a single HMAC, and it may be a password that opens other things.

use zeroize::Zeroizing;

use super::Entry;
use super::derive::{self, OWN_ITERATIONS};
use crate::digest::hmac_sha256;

/// The salts of one key store.
pub(super) struct Salts {
    seed: Zeroizing<[u8; 32]>,
}

impl Salts {
    /// Of the kind of key store and all that goes into it.
    pub(super) fn new(kind: &str, entry: &Entry<'_>, password: &str) -> Self {
        let created = entry.created.as_nanosecond().to_be_bytes();
        let mut input = Vec::new();
        let pieces = [b"certctl key store", kind.as_bytes(), entry.alias.as_bytes(), &created];
        for piece in pieces.iter().chain(entry.chain) {
            // Each with its length, so that no two lists of pieces give the same input.
            input.extend_from_slice(&piece.len().to_be_bytes());
            input.extend_from_slice(piece);
        }
        let context = hmac_sha256(entry.key, &input);
        let prf = ring::pbkdf2::PBKDF2_HMAC_SHA256;
        let stretched = derive::pbkdf2(prf, password.as_bytes(), &context, OWN_ITERATIONS, 32);
        let mut input = Zeroizing::new([0; 64]);
        input.iter_mut().zip(context.iter().chain(stretched.iter())).for_each(|(to, from)| *to = *from);
        Self { seed: Zeroizing::new(hmac_sha256(entry.key, input.as_slice())) }
    }

    /// The salt for one purpose: no two have the same label.
    pub(super) fn get<const LENGTH: usize>(&self, label: &str) -> [u8; LENGTH] {
        const { assert!(LENGTH <= 32) };
        let all = hmac_sha256(self.seed.as_slice(), label.as_bytes());
        all.first_chunk().copied().unwrap_or([0; LENGTH])
    }
}
