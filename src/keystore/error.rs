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
    /// Opening it would take far longer than any key store that is meant to be opened.
    #[error("it asks for {iterations} iterations, of which at most {limit} are done")]
    TooManyIterations {
        /// How many it asks for.
        iterations: u64,
        /// How many are done.
        limit: u64,
    },
}
