//! Material taken apart: every piece told by its content, the certificates and keys in it collected.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::archive;
use super::certificate::Certificate;
use super::key::{Parsed, PrivateKey};
use super::material::Material;
use super::sealed::{Password, Passwords, Sealed};
use super::{BundleError, dual, pem};
use crate::der::{self, Reader};
use crate::keystore;

/// Different certificates, and different keys, of one material. Bounds how often a key may have to be matched and a
/// signature verified.
const MAX_DIFFERENT: usize = 100;
/// How often a password is tried on something.
const MAX_TRIES: usize = 64;

/// What the material holds.
#[derive(Default)]
pub(super) struct Contents {
    /// Each once, in the order they came.
    certificates: Vec<Certificate>,
    /// Keys that are not encrypted, each once in each form.
    keys: Vec<PrivateKey>,
    /// What is under a password.
    sealed: Vec<Sealed>,
    /// Single lines of text in archives, of which one may be the password.
    lines: Vec<Password>,
    /// Where a key in a digital envelope was seen.
    enveloped_key: Option<String>,
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
    ///
    /// What lies open wins. An encrypted key is opened only where no other belongs to a certificate, a key store only
    /// where there is no key or no certificate outside: archives have the same material in every server's form.
    pub(super) fn into_parts(
        mut self,
        of_cloud: &[SecretString],
        of_user: &[SecretString],
    ) -> Result<(Vec<PrivateKey>, Vec<Certificate>), BundleError> {
        let mut passwords = Passwords::new(of_cloud, of_user, std::mem::take(&mut self.lines));
        let (stores, keys): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sealed).into_iter().partition(Sealed::is_store);
        let mut shut = None;
        if !keys.is_empty() && self.lacks_key() {
            shut = self.unseal(&keys, &mut passwords)?;
        }
        if !stores.is_empty() && (self.keys.is_empty() || self.certificates.is_empty()) {
            shut = shut.or(self.unseal(&stores, &mut passwords)?);
        }
        match shut {
            Some(error) if self.lacks_key() => Err(error),
            _ if self.certificates.is_empty() => Err(BundleError::NoCertificate),
            _ if self.keys.is_empty() => Err(match self.enveloped_key {
                Some(origin) => BundleError::EnvelopedKey { origin },
                None => BundleError::NoKey,
            }),
            _ => Ok((self.keys, self.certificates)),
        }
    }

    /// Whether a key is still missing: that of the certificate, or of an SM2 certificate's encryption half.
    fn lacks_key(&self) -> bool {
        let encrypts = self.certificates.iter().any(Certificate::is_for_sm2_encryption);
        !self.has_pair() || (encrypts && self.lacks_encryption_half())
    }

    /// Whether a key belongs to a certificate. One of which that cannot be told counts as well, so that it is named.
    fn has_pair(&self) -> bool {
        let mut pairs = self.keys.iter().flat_map(|key| self.certificates.iter().map(move |leaf| (key, leaf)));
        pairs.any(|(key, leaf)| !matches!(key.matches(leaf), Ok(false)))
    }

    /// Takes in what can be opened; why the rest cannot, if there is a rest.
    fn unseal(&mut self, sealed: &[Sealed], passwords: &mut Passwords) -> Result<Option<BundleError>, BundleError> {
        if sealed.len().saturating_mul(passwords.len()) > MAX_TRIES {
            return Err(BundleError::TooMany { what: "ways to open what is under a password", limit: MAX_TRIES });
        }
        let mut shut = None;
        for sealed in sealed {
            match sealed.open(passwords) {
                Ok((keys, certificates)) => {
                    keys.into_iter().try_for_each(|key| self.add_key(key))?;
                    certificates.into_iter().try_for_each(|certificate| self.add(certificate))?;
                }
                // What the user can do something about is said first.
                Err(error) => match &shut {
                    Some(BundleError::NoPassword { .. } | BundleError::WrongPassword { .. }) => {}
                    Some(_) if matches!(error, BundleError::Sealed { .. }) => {}
                    _ => shut = Some(error),
                },
            }
        }
        Ok(shut)
    }

    fn set_aside(&mut self, sealed: Sealed) {
        let alike = self.sealed.iter().filter(|known| known.is_store() == sealed.is_store()).count();
        // One more than are opened is enough to know that they are too many.
        if alike <= MAX_TRIES && !self.sealed.iter().any(|known| known.is_same(&sealed)) {
            self.sealed.push(sealed);
        }
    }

    /// Whether there is an SM2 certificate to sign with, and not both a certificate and a key for the other half.
    pub(super) fn lacks_encryption_half(&self) -> bool {
        const BOTH: usize = 2;
        let encrypts = self.certificates.iter().any(Certificate::is_for_sm2_encryption);
        self.certificates.iter().any(Certificate::is_for_sm2_signing) && (!encrypts || self.keys.len() < BOTH)
    }

    fn take_in(&mut self, origin: &str, bytes: &[u8], depth: Depth) -> Result<(), BundleError> {
        if let Some(kind) = archive::kind(bytes) {
            return self.open(origin, kind, bytes, depth);
        }
        if let Some(kind) = keystore::Kind::of(bytes) {
            self.set_aside(Sealed::store(origin, kind, bytes));
            return Ok(());
        }
        if dual::is_envelope(bytes) {
            self.enveloped_key.get_or_insert_with(|| origin.to_owned());
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
        // A password often is base64, too.
        let decoded = base64(bytes).filter(|decoded| is_known(decoded));
        match (depth, decoded) {
            (Depth::Piece, Some(decoded)) => self.take_in(origin, &decoded, Depth::Decoded),
            (Depth::Entry, Some(decoded)) => self.take_in(origin, &decoded, Depth::DecodedEntry),
            (Depth::Entry, None) => {
                self.lines.extend(Password::in_file(origin, bytes));
                Ok(())
            }
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

    fn take_pem(&mut self, at: &str, text: &[u8]) -> Result<(), BundleError> {
        let origin = || at.to_owned();
        for block in pem::blocks(text) {
            let malformed =
                |label: &str, reason| BundleError::MalformedPem { origin: origin(), label: label.to_owned(), reason };
            let block = block.map_err(|pem::Fault { label, reason }| malformed(label, reason))?;
            if !block.is_certificate() && dual::is_envelope(&block.der().unwrap_or_default()) {
                self.enveloped_key.get_or_insert_with(origin);
                continue;
            }
            if !block.is_certificate() && !block.is_private_key() {
                continue;
            }
            if block.is_encrypted() {
                let (dek_info, body) = block.encrypted().map_err(|reason| malformed(block.label, reason))?;
                self.set_aside(Sealed::legacy_key(at, dek_info, body));
                continue;
            }
            let der = block.der().ok_or_else(|| malformed(block.label, "its body is not base64"))?;
            if block.is_certificate() {
                let certificate = Certificate::parse_first(&der);
                self.add(certificate.ok_or_else(|| BundleError::MalformedCertificate { origin: origin() })?)?;
            } else {
                match PrivateKey::parse(&der) {
                    Some(Parsed::Key(key)) => self.add_key(key)?,
                    Some(Parsed::Encrypted) => self.set_aside(Sealed::key(at, der)),
                    None => return Err(BundleError::MalformedKey { origin: origin(), label: block.label.to_owned() }),
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
            Some(Parsed::Encrypted) => self.set_aside(Sealed::key(origin, Zeroizing::new(der.to_vec()))),
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

/// Whether they are something that [`Contents::take_in`] reads.
fn is_known(bytes: &[u8]) -> bool {
    archive::kind(bytes).is_some()
        || keystore::Kind::of(bytes).is_some()
        || dual::is_envelope(bytes)
        || Reader::whole(der::SEQUENCE, bytes).is_some()
        || pem::is_pem(bytes)
}

/// The bytes behind text that is base64 from end to end.
fn base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_ascii();
    if text.is_empty() { None } else { pem::decode(text) }
}
