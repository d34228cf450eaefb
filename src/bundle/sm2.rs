//! SM2 (GB/T 32918, GM/T 0003): what ring does not know of.

use sm2::dsa::signature::Verifier as _;
use sm2::dsa::{Signature, VerifyingKey};
use sm2::{PublicKey, SecretKey};

use crate::der::{self, Reader};

/// Who signed, as the signer's identity goes into the hash: everybody, by GM/T 0009. OpenSSL leaves it empty unless it
/// is told otherwise, so that home-made certificates have no other.
const IDENTITIES: [&str; 2] = ["1234567812345678", ""];
/// Bytes of each of the two numbers of a signature.
const NUMBER: usize = 32;

/// Whether the scalar times the curve's generator is the point, which may be compressed.
pub(super) fn is_scalar_of(scalar: &[u8], point: &[u8]) -> bool {
    let derived = SecretKey::from_slice(scalar).map(|secret| secret.public_key());
    derived.is_ok_and(|derived| PublicKey::from_sec1_bytes(point).is_ok_and(|wanted| wanted == derived))
}

/// Whether the key at `point` made this signature with SM3: `SEQUENCE { INTEGER, INTEGER }` in DER.
pub(super) fn is_signed_by(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Some(signature) = numbers(signature).and_then(|numbers| Signature::from_slice(&numbers).ok()) else {
        return false;
    };
    let is_of = |identity: &str| {
        let key = VerifyingKey::from_sec1_bytes(identity, point);
        key.is_ok_and(|key| key.verify(message, &signature).is_ok())
    };
    IDENTITIES.into_iter().any(is_of)
}

/// Both numbers at their full length, one behind the other.
fn numbers(signature: &[u8]) -> Option<[u8; 2 * NUMBER]> {
    let mut fields = Reader::whole(der::SEQUENCE, signature)?;
    let mut numbers = [0; 2 * NUMBER];
    for place in numbers.chunks_exact_mut(NUMBER) {
        let number = fields.unsigned()?;
        let start = NUMBER.checked_sub(number.len())?;
        place.get_mut(start..)?.copy_from_slice(number);
    }
    fields.is_empty().then_some(numbers)
}
