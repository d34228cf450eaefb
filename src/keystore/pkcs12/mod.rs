//! PKCS#12 (RFC 7292).

mod bag;
mod make;
mod open;

pub use make::pkcs12;
pub(super) use open::open;

use super::ber;
use crate::der::{self, Reader};

/// Which algorithms a key store is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// AES-256 and PBKDF2 with HMAC-SHA-256.
    Modern,
    /// 3DES and SHA-1, for software that knows nothing better.
    Legacy,
}

/// `SEQUENCE { INTEGER 3, SEQUENCE { OBJECT IDENTIFIER … } … }`
pub(super) fn is_pkcs12(bytes: &[u8]) -> bool {
    let read = |bytes: &[u8]| {
        let mut fields = Reader::whole(der::SEQUENCE, bytes)?;
        let version = fields.unsigned()?;
        Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)?;
        Some(version == [3])
    };
    let is_sequence = bytes.first() == Some(&der::SEQUENCE);
    let in_ber = || ber::to_der(bytes).and_then(|bytes| read(&bytes));
    read(bytes).or_else(|| if is_sequence { in_ber() } else { None }).unwrap_or(false)
}
