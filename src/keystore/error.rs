//! Why something under a password cannot be opened. No variant ever holds a password or key material.

use thiserror::Error;

/// Why a key store or an encrypted key cannot be opened or made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeystoreError {
    /// It is another password that opens it; or it is damaged, which most forms do not let tell.
    #[error("the password is wrong, or it is damaged")]
    WrongPassword,
    /// It is cut off, or not what its first bytes promise.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What cannot be read.
        what: &'static str,
    },
    /// An algorithm or a form that certctl does not know.
    #[error("it uses {what}, which certctl does not support")]
    Unsupported {
        /// Its name or object identifier.
        what: String,
    },
    /// Trying a password on it, after all that was tried before, would take far longer than on any that is meant to be
    /// opened.
    #[error("it asks for {iterations} iterations where {left} are left of {limit}, the most that are done at one time")]
    TooManyIterations {
        /// How many it asks for.
        iterations: u64,
        /// How many are left.
        left: u64,
        /// How many are done for all that came together.
        limit: u64,
    },
    /// Its scrypt needs more memory than any that is meant to be opened.
    #[error("its scrypt asks for more than {limit} bytes of memory")]
    TooMuchMemory {
        /// How much it may be.
        limit: u64,
    },
}
