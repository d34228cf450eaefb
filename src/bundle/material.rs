//! What a cloud handed over, before anything is believed about it.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::contents::Contents;

/// The pieces of one certificate, as the cloud gave them. They hold private keys: wiped when dropped, never shown.
#[derive(Default)]
pub struct Material {
    parts: Vec<Part>,
    passwords: Vec<SecretString>,
}

/// One piece: the text of a JSON field, or the bytes of an archive.
pub struct Part {
    /// Where it came from, for messages: a field of the reply (`keyFile`) or an archive's entry.
    pub origin: String,
    /// The bytes as they came.
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Material {
    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, origin: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.parts.push(Part { origin: origin.into(), bytes: Zeroizing::new(bytes.into()) });
        self
    }

    /// Adds a password that came along, for whatever in the material is encrypted. An empty one is none.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<SecretString>) -> Self {
        let password = password.into();
        if !password.expose_secret().is_empty() {
            self.passwords.push(password);
        }
        self
    }

    /// The passwords that came along.
    #[must_use]
    pub fn passwords(&self) -> &[SecretString] {
        &self.passwords
    }

    /// The pieces in the order they came.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether it holds an SM2 certificate to sign with, and not what would be the other half of a dual certificate.
    /// Material that is damaged lacks nothing: [`Bundle::assemble`](super::Bundle::assemble) tells what is wrong with it.
    #[must_use]
    pub fn lacks_encryption_half(&self) -> bool {
        Contents::of(self).is_ok_and(|contents| contents.lacks_encryption_half())
    }

    /// Whether the cloud handed over nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.bytes.trim_ascii().is_empty())
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.parts).finish()
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("origin", &self.origin).field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}
