//! Material taken apart: every piece told by its content, the certificates and keys in it collected.

use zeroize::Zeroizing;

use super::archive;
use super::certificate::Certificate;
use super::key::{Parsed, PrivateKey};
use super::material::Material;
use super::{BundleError, pem};
use crate::der::{self, Reader};
use crate::keystore;

/// Different certificates, and different keys, of one material. Bounds how often a key may have to be matched and a
/// signature verified.
const MAX_DIFFERENT: usize = 100;

/// What the material holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Each once, in the order they came.
    certificates: Vec<Certificate>,
    /// Keys that are not encrypted, each once in each form.
    keys: Vec<PrivateKey>,
    /// Where an encrypted key was seen.
    encrypted_key: Option<String>,
    /// Where a keystore (JKS, PKCS#12) was seen.
    keystore: Option<String>,
}

/// Where a piece was found; archives are not opened inside archives, nor base64 inside base64.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Piece,
    Decoded,
    Entry,
    DecodedEntry,
}

impl Contents {
    /// Opens every piece. What is no certificate, key or archive is passed over: CSRs, passwords, notes.
    pub(super) fn of(material: &Material) -> Result<Self, BundleError> {
        let mut contents = Self::default();
        for part in material.parts() {
            contents.take_in(&part.origin, &part.bytes, Depth::Piece)?;
        }
        Ok(contents)
    }

    /// The keys, of which there is at least one, with at least one certificate.
    pub(super) fn into_parts(self) -> Result<(Vec<PrivateKey>, Vec<Certificate>), BundleError> {
        let Self { certificates, keys, encrypted_key, keystore } = self;
        match (keys.is_empty(), encrypted_key) {
            _ if certificates.is_empty() => Err(BundleError::NoCertificate { keystore }),
            (true, Some(origin)) => Err(BundleError::EncryptedKey { origin }),
            (true, None) => Err(BundleError::NoKey { keystore }),
            (false, _) => Ok((keys, certificates)),
        }
    }

    fn take_in(&mut self, origin: &str, bytes: &[u8], depth: Depth) -> Result<(), BundleError> {
        if let Some(kind) = archive::kind(bytes) {
            return self.open(origin, kind, bytes, depth);
        }
        if keystore::Kind::of(bytes).is_some() {
            self.keystore.get_or_insert_with(|| origin.to_owned());
            return Ok(());
        }
        if Reader::whole(der::SEQUENCE, bytes).is_some() {
            return self.take_der(origin, bytes);
        }
        // The resource forks in which macOS archives repeat every file.
        if bytes.starts_with(&[0x00, 0x05, 0x16, 0x07]) {
            return Ok(());
        }
        if pem::is_pem(bytes) {
            return self.take_pem(origin, bytes);
        }
        match (depth, base64(bytes)) {
            (Depth::Piece, Some(decoded)) => self.take_in(origin, &decoded, Depth::Decoded),
            (Depth::Entry, Some(decoded)) => self.take_in(origin, &decoded, Depth::DecodedEntry),
            _ => Ok(()),
        }
    }

    fn open(&mut self, origin: &str, kind: archive::Kind, bytes: &[u8], depth: Depth) -> Result<(), BundleError> {
        let refused = |fault| BundleError::Archive { origin: origin.to_owned(), fault };
        if matches!(depth, Depth::Entry | Depth::DecodedEntry) {
            return Err(refused(archive::ArchiveError::Nested));
        }
        for entry in archive::entries(kind, bytes).map_err(refused)? {
            self.take_in(&format!("{origin}: {}", entry.name), &entry.bytes, Depth::Entry)?;
        }
        Ok(())
    }

    fn take_pem(&mut self, origin: &str, text: &[u8]) -> Result<(), BundleError> {
        let origin = || origin.to_owned();
        for block in pem::blocks(text) {
            let block = block.map_err(|pem::Fault { label, reason }| BundleError::MalformedPem {
                origin: origin(),
                label: label.to_owned(),
                reason,
            })?;
            if !block.is_certificate() && !block.is_private_key() {
                continue;
            }
            if block.is_encrypted() {
                self.encrypted_key.get_or_insert_with(origin);
                continue;
            }
            let label = || block.label.to_owned();
            let reason = "its body is not base64";
            let der =
                block.der().ok_or_else(|| BundleError::MalformedPem { origin: origin(), label: label(), reason })?;
            if block.is_certificate() {
                let certificate = Certificate::parse_first(&der);
                self.add(certificate.ok_or_else(|| BundleError::MalformedCertificate { origin: origin() })?)?;
            } else {
                match PrivateKey::parse(&der) {
                    Some(Parsed::Key(key)) => self.add_key(key)?,
                    Some(Parsed::Encrypted) => drop(self.encrypted_key.get_or_insert_with(origin)),
                    None => return Err(BundleError::MalformedKey { origin: origin(), label: label() }),
                }
            }
        }
        Ok(())
    }

    /// DER without a label: a certificate, a key, or something that is passed over.
    fn take_der(&mut self, origin: &str, der: &[u8]) -> Result<(), BundleError> {
        if let Some(certificate) = Certificate::parse(der) {
            return self.add(certificate);
        }
        match PrivateKey::parse(der) {
            Some(Parsed::Key(key)) => self.add_key(key)?,
            Some(Parsed::Encrypted) => drop(self.encrypted_key.get_or_insert_with(|| origin.to_owned())),
            None => {}
        }
        Ok(())
    }

    fn add(&mut self, certificate: Certificate) -> Result<(), BundleError> {
        add(&mut self.certificates, certificate, "certificates")
    }

    fn add_key(&mut self, key: PrivateKey) -> Result<(), BundleError> {
        add(&mut self.keys, key, "private keys")
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, new: T, what: &'static str) -> Result<(), BundleError> {
    if list.contains(&new) {
        return Ok(());
    }
    if list.len() == MAX_DIFFERENT {
        return Err(BundleError::TooMany { what, limit: MAX_DIFFERENT });
    }
    list.push(new);
    Ok(())
}

/// The bytes behind text that is base64 from end to end.
fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_ascii();
    if text.is_empty() { None } else { pem::decode(text) }
}
