//! A Java key store is opened.

use super::{CERTIFICATE, HASH_LENGTH, MAGIC, PRIVATE_KEY, VERSION, X509, integrity, protect, text};
use crate::keystore::password::utf16;
use crate::keystore::{KeystoreError, Opened, OpenedKey};

/// The version before the current one; it does not tell of what kind certificates are.
const VERSION_ONE: u32 = 1;
const DAMAGED: KeystoreError = KeystoreError::Damaged { what: "the key store" };

pub(in crate::keystore) fn open(bytes: &[u8], password: &str) -> Result<Opened, KeystoreError> {
    let (protected, hash) = bytes.split_last_chunk::<HASH_LENGTH>().ok_or(DAMAGED)?;
    let password = utf16(password);
    // Read before the hash is looked at, which is wrong for another password and for damage alike.
    let entries = Fields { rest: protected }.entries().ok_or(DAMAGED)?;
    if integrity(&password, protected).as_slice() != hash {
        return Err(KeystoreError::WrongPassword);
    }
    let mut opened = Opened::default();
    for entry in entries {
        if let Some(key) = entry.key {
            opened.keys.push(OpenedKey { alias: Some(entry.alias), der: protect::recover(key, &password)? });
        }
        opened.certificates.extend(entry.certificates);
    }
    Ok(opened)
}

/// A key with its chain, or a certificate alone.
struct Found<'a> {
    alias: String,
    key: Option<&'a [u8]>,
    certificates: Vec<Vec<u8>>,
}

/// Reads what `java.io.DataOutput` writes; every failure is `None`.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Everything, to the end.
    fn entries(mut self) -> Option<Vec<Found<'a>>> {
        self.rest = self.rest.strip_prefix(MAGIC)?;
        let version = self.number()?;
        if ![VERSION_ONE, VERSION].contains(&version) {
            return None;
        }
        let count = self.number()?;
        // As it goes: a number that is told may be of any size.
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(self.entry(version)?);
        }
        self.rest.is_empty().then_some(entries)
    }

    fn entry(&mut self, version: u32) -> Option<Found<'a>> {
        let tag = self.number()?;
        let alias = self.text()?;
        let _created: &[u8; 8] = self.bytes()?;
        let (key, count) = match tag {
            PRIVATE_KEY => (Some(self.block()?), self.number()?),
            CERTIFICATE => (None, 1),
            _ => return None,
        };
        let mut certificates = Vec::new();
        for _ in 0..count {
            let is_x509 = version == VERSION_ONE || self.text()? == X509;
            let certificate = self.block()?;
            if is_x509 {
                certificates.push(certificate.to_vec());
            }
        }
        Some(Found { alias, key, certificates })
    }

    fn bytes<const LENGTH: usize>(&mut self) -> Option<&'a [u8; LENGTH]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u32> {
        self.bytes().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn block(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.slice(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        let length = u16::from_be_bytes(*self.bytes()?);
        text::decode(self.slice(length.into())?)
    }
}
