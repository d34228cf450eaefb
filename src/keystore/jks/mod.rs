//! Java's own key store, as `sun.security.provider.JavaKeyStore` reads and writes it: entries in the form of
//! `java.io.DataOutput`, each key encrypted by itself, a hash of the password and everything at the end.

mod make;
mod open;
mod protect;
mod text;

pub use make::jks;
pub(super) use open::open;
use zeroize::Zeroizing;

use super::hash::Hash;

const MAGIC: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
const VERSION: u32 = 2;
const PRIVATE_KEY: u32 = 1;
const CERTIFICATE: u32 = 2;
const X509: &str = "X.509";
/// Bytes of SHA-1, the only hash there is.
const HASH_LENGTH: usize = 20;

/// The hash at the end, of everything before it.
fn integrity(password: &[u8], protected: &[u8]) -> Zeroizing<Vec<u8>> {
    Hash::Sha1.digest(&[password, b"Mighty Aphrodite", protected])
}
