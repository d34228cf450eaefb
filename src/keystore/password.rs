//! A password as the bytes that keys are derived from.

use zeroize::Zeroizing;

use super::KeystoreError;

/// A password in the forms that the ways to derive keys ask for.
pub(super) struct Password<'a> {
    /// As PKCS#5 takes it.
    pub(super) utf8: &'a [u8],
    /// As PKCS#12 takes it: big-endian UTF-16 and two zero bytes (RFC 7292, appendix B.1).
    pub(super) terminated: Zeroizing<Vec<u8>>,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut terminated = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(2).saturating_add(2)));
        terminated.extend(text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes));
        Self { utf8: text.as_bytes(), terminated }
    }

    /// Tries to open something, and again in the ways that some software has with particular passwords, if the password
    /// seems wrong.
    pub(super) fn try_forms<T>(
        text: &'a str,
        mut open: impl FnMut(&Self) -> Result<T, KeystoreError>,
    ) -> Result<T, KeystoreError> {
        let usual = Self::new(text);
        let tried = open(&usual);
        match (tried, other_form(text)) {
            (Err(KeystoreError::WrongPassword), Some(terminated)) => open(&Self { terminated, ..usual }),
            (tried, _) => tried,
        }
    }
}

fn other_form(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.is_empty() {
        // Some write no password at all where it is empty, not even the zero bytes.
        return Some(Zeroizing::default());
    }
    // OpenSSL before 1.1 takes every byte of UTF-8 for a character.
    let bytes = text.bytes().chain([0]);
    let widened = || Zeroizing::new(bytes.flat_map(|byte| u16::from(byte).to_be_bytes()).collect());
    (!text.is_ascii()).then(widened)
}

/// Big-endian UTF-16 without an end: as Java's own key store takes it, and as names are written.
pub(super) fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(2)));
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}
