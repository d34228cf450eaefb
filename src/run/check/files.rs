//! What certificates, keys and key stores hold, and whether they belong together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::problem::{Code, Problem};
use crate::bundle::audit::{self, ChainFault, PemFile};
use crate::bundle::{BundleError, Certificate, PrivateKey};
use crate::format::{
    CHAIN, ENC_KEY, ENC_LEAF, FULLCHAIN, KEY, KEYSTORE_PASSWORD, LEAF, SIGN_KEY, SIGN_LEAF, password_in_file,
};
use crate::keystore::{Budget, Kind};
use crate::text::shown;

/// PEM files that belong to one certificate, by certbot's names.
#[derive(Debug)]
pub(super) struct Files<'a> {
    /// Their directory.
    pub(super) path: &'a Path,
    /// The bytes of those that are there.
    pub(super) bytes: BTreeMap<&'a str, &'a [u8]>,
    /// Whether fullchain.pem is known to be what was once verified: then a root that was not written is above it.
    pub(super) was_verified: bool,
    /// What the user can do about damage.
    pub(super) repair: &'a str,
}

/// The certificate that the files hold.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) leaf: Certificate,
    /// What a server would send, the leaf first.
    pub(super) fullchain: Vec<Certificate>,
    /// All certificates of the chain that are known.
    pub(super) known: Vec<Certificate>,
}

/// What of the files was read, and what is wrong with it.
struct Reading<'a> {
    files: &'a Files<'a>,
    now: Timestamp,
    problems: Vec<Problem>,
}

impl Files<'_> {
    /// What the files hold, as far as it can be told, and all that is wrong with it. `password` opens key stores.
    pub(super) fn judge(&self, now: Timestamp, password: Option<&SecretString>) -> (Option<Held>, Vec<Problem>) {
        let mut reading = Reading { files: self, now, problems: Vec::new() };
        let held = reading.certificates();
        let key = reading.key(KEY, held.as_ref().map(|held| &held.leaf));
        reading.duals();
        if let Some(held) = &held {
            reading.combined(held);
            reading.der(held);
            reading.secret(held);
            for name in ["keystore.p12", "keystore.jks"] {
                reading.keystore(name, held, key.as_ref(), password);
            }
        }
        (held, reading.problems)
    }
}

impl Reading<'_> {
    fn certificates(&mut self) -> Option<Held> {
        let cert = self.read(LEAF);
        let fullchain = self.read(FULLCHAIN);
        let chain = self.read(CHAIN);
        for (name, file) in [(LEAF, &cert), (FULLCHAIN, &fullchain)] {
            if file.as_ref().is_some_and(|file| file.certificates.is_empty() && file.faults.is_empty()) {
                self.found(Code::NotPem, name, "holds no certificate");
            }
        }
        let is_blank = self.bytes(CHAIN).is_none_or(|bytes| bytes.trim_ascii().is_empty());
        let is_no_chain = chain.as_ref().is_some_and(|file| file.certificates.is_empty() && file.faults.is_empty());
        if is_no_chain && !is_blank {
            self.found(Code::NotPem, CHAIN, "holds no certificate");
        }
        // Of what can be read in part only that is told.
        let is_whole = |file: &PemFile| file.faults.is_empty();
        let has_fullchain = fullchain.as_ref().is_some_and(|file| is_whole(file) && !file.certificates.is_empty());
        let has_chain = chain.as_ref().is_some_and(is_whole) && (is_blank || !is_no_chain);
        let certificates = |file: Option<PemFile>| file.map(|file| file.certificates).unwrap_or_default();
        let (cert, fullchain, chain) = (certificates(cert), certificates(fullchain), certificates(chain));
        let of_fullchain = fullchain.iter().find(|certificate| !certificate.is_ca()).or_else(|| fullchain.first());
        let leaf = of_fullchain.or_else(|| cert.first())?.clone();
        if let Some(other) = cert.first().filter(|other| **other != leaf) {
            let what = format!("holds {}, and {FULLCHAIN} {}", told(other), told(&leaf));
            self.found(Code::ChainOrder, LEAF, &what);
        }
        let of_chain: Vec<_> = [leaf.clone()].into_iter().chain(chain.iter().cloned()).collect();
        let known = fullchain.iter().chain(&chain).cloned().collect();
        let held = Held { leaf, fullchain: if has_fullchain { fullchain } else { of_chain.clone() }, known };
        let fault = self.chain(&held, &held.fullchain).filter(|_| has_fullchain);
        let of_chain = self.chain(&held, &of_chain).filter(|_| has_chain);
        // That there is no chain at all is told once.
        let is_told = fault == of_chain && chain.is_empty();
        for (name, fault) in [(FULLCHAIN, fault), (CHAIN, of_chain.filter(|_| !is_told))] {
            if let Some(fault) = fault {
                self.found_in(chain_code(&fault), name, &fault.to_string());
            }
        }
        Some(held)
    }

    /// What is wrong with certificates as the chain of what is held.
    fn chain(&self, held: &Held, listed: &[Certificate]) -> Option<ChainFault> {
        let fault = audit::chain(&held.leaf, listed, &held.known, judged_at(&held.leaf, self.now)).err()?;
        let is_root_above = matches!(fault, ChainFault::Broken(BundleError::MissingIssuer { .. }));
        (!is_root_above || !self.files.was_verified).then_some(fault)
    }

    /// The key in a file; it must be that of the leaf.
    fn key(&mut self, name: &'static str, leaf: Option<&Certificate>) -> Option<PrivateKey> {
        let mut file = self.read(name)?;
        if file.keys.is_empty() {
            if file.has_encrypted_key {
                tracing::info!("{}: the key is encrypted, and not looked at", self.path(name).display());
            } else if file.faults.is_empty() {
                self.found(Code::NotPem, name, "holds no private key");
            }
            return None;
        }
        let key = file.keys.swap_remove(0);
        if let Some(leaf) = leaf
            && let Some(what) = mismatch(&key, leaf)
        {
            self.found(Code::KeyMismatch, name, &what);
        }
        Some(key)
    }

    /// The halves of an SM2 dual certificate, each a certificate with its key.
    fn duals(&mut self) {
        for (cert, key) in [(SIGN_LEAF, SIGN_KEY), (ENC_LEAF, ENC_KEY)] {
            let Some(file) = self.read(cert) else {
                continue;
            };
            if file.certificates.is_empty() && file.faults.is_empty() {
                self.found(Code::NotPem, cert, "holds no certificate");
            }
            self.key(key, file.certificates.first());
        }
    }

    fn combined(&mut self, held: &Held) {
        const NAME: &str = "combined.pem";
        if let Some(file) = self.read(NAME) {
            self.same(NAME, &file, held);
        }
    }

    fn der(&mut self, held: &Held) {
        if self.bytes("cert.der").is_some_and(|der| der != held.leaf.der()) {
            self.found(Code::Keystore, "cert.der", &format!("does not hold {}", told(&held.leaf)));
        }
        if let Some(der) = self.bytes("privkey.der") {
            let flaw = match PrivateKey::of_der(der) {
                Some(key) => mismatch(&key, &held.leaf),
                None => Some("holds no private key".to_owned()),
            };
            if let Some(what) = flaw {
                self.found(Code::Keystore, "privkey.der", &what);
            }
        }
    }

    fn secret(&mut self, held: &Held) {
        const NAME: &str = "secret.yaml";
        let Some(text) = self.bytes(NAME) else { return };
        let field = |field: &str| {
            let mut lines = std::str::from_utf8(text).ok()?.lines();
            let value = lines.find_map(|line| line.trim_start().strip_prefix(field)?.strip_prefix(": "))?;
            STANDARD.decode(value.trim()).ok().map(Zeroizing::new)
        };
        let (Some(certificates), Some(private)) = (field("tls.crt"), field("tls.key")) else {
            self.found(Code::Keystore, NAME, "has no `tls.crt` and `tls.key` that can be read");
            return;
        };
        let origin = self.path(NAME).display().to_string();
        let mut file = PemFile::read(&origin, &certificates);
        file.keys = PemFile::read(&origin, &private).keys;
        self.same(NAME, &file, held);
    }

    /// A file with key and chain must be of the same certificate.
    fn same(&mut self, name: &'static str, file: &PemFile, held: &Held) {
        if file.certificates.first() != Some(&held.leaf) {
            self.found(Code::Keystore, name, &format!("does not begin with {}", told(&held.leaf)));
        } else if let Some(fault) = self.chain(held, &file.certificates) {
            self.found_in(Code::Keystore, name, &fault.to_string());
        }
        let flaw = match file.keys.first() {
            None => Some("holds no private key".to_owned()),
            Some(key) => mismatch(key, &held.leaf),
        };
        if let Some(what) = flaw {
            self.found(Code::Keystore, name, &what);
        }
    }

    fn keystore(&mut self, name: &'static str, held: &Held, key: Option<&PrivateKey>, password: Option<&SecretString>) {
        let Some(bytes) = self.bytes(name) else { return };
        let Some(kind) = Kind::of(bytes) else {
            self.found(Code::Keystore, name, "is no key store");
            return;
        };
        let Some(password) = password else {
            let path = self.path(name);
            tracing::info!("{}: not opened, as its password is neither in the config nor beside it", path.display());
            return;
        };
        let opened = match kind.open(bytes, password.expose_secret(), &mut Budget::default()) {
            Ok(opened) => opened,
            Err(error) => {
                self.found(Code::Keystore, name, &format!("does not open with its password: {error}"));
                return;
            }
        };
        let keys: Vec<_> = opened.keys.iter().filter_map(|key| PrivateKey::of_der(&key.der)).collect();
        let flaw = match &keys[..] {
            [] => Some("holds no private key".to_owned()),
            // What cannot be compared with the leaf can be with the key beside it.
            [only] => match (only.matches(&held.leaf), key) {
                (Ok(true), _) => None,
                (Err(BundleError::UnsupportedKey { .. }), Some(key)) if *only.to_pkcs8() == *key.to_pkcs8() => None,
                (Err(BundleError::UnsupportedKey { .. }), None) => None,
                _ => Some(format!("holds another key than that of {}", told(&held.leaf))),
            },
            several => Some(format!("holds {} private keys", several.len())),
        };
        if let Some(what) = flaw {
            self.found(Code::Keystore, name, &what);
        }
        let certificates = opened.certificates.iter().filter_map(|der| Certificate::parse(der));
        let (leaf, above): (Vec<_>, Vec<_>) = certificates.partition(|certificate| *certificate == held.leaf);
        let listed: Vec<_> = leaf.into_iter().chain(above).collect();
        if listed.first() != Some(&held.leaf) {
            self.found(Code::Keystore, name, &format!("does not hold {}", told(&held.leaf)));
        } else if let Some(fault) = self.chain(held, &listed).filter(|fault| !fault.is_order()) {
            self.found_in(Code::Keystore, name, &fault.to_string());
        }
    }

    /// Reads a PEM file; what of it cannot be read is noted.
    fn read(&mut self, name: &'static str) -> Option<PemFile> {
        let file = PemFile::read(&shown(&self.path(name)), self.bytes(name)?);
        for fault in &file.faults {
            self.problems.push(Problem::new(Code::NotPem, fault.to_string(), self.files.repair));
        }
        Some(file)
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.files.bytes.get(name).copied()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path.join(name)
    }

    /// `what` is the end of a sentence about the file.
    fn found(&mut self, code: Code, name: &str, what: &str) {
        let message = format!("{} {what}", shown(&self.path(name)));
        self.problems.push(Problem::new(code, message, self.files.repair));
    }

    /// `what` is a sentence of its own.
    fn found_in(&mut self, code: Code, name: &str, what: &str) {
        let message = format!("{}: {what}", shown(&self.path(name)));
        self.problems.push(Problem::new(code, message, self.files.repair));
    }
}

pub(super) fn chain_code(fault: &ChainFault) -> Code {
    if fault.is_order() { Code::ChainOrder } else { Code::ChainIncomplete }
}

/// Why a key is not the certificate's, as the end of a sentence about its file. A key that cannot be compared is taken
/// to be right.
pub(super) fn mismatch(key: &PrivateKey, leaf: &Certificate) -> Option<String> {
    match key.matches(leaf) {
        Ok(false) => Some(format!("is not the key of {}", told(leaf))),
        Err(error @ BundleError::DamagedKey { .. }) => Some(format!("is no good: {error}")),
        Ok(true) | Err(_) => None,
    }
}

/// When a chain is judged: that a certificate has expired is told once, not again of all that issued it.
pub(super) fn judged_at(leaf: &Certificate, now: Timestamp) -> Timestamp {
    now.min(leaf.not_after).max(leaf.not_before)
}

/// A certificate in words that tell it from others.
pub(super) fn told(certificate: &Certificate) -> String {
    format!("the certificate {:?} with serial number {}", certificate.subject, certificate.serial)
}

/// certctl's own password beside a key store.
pub(super) fn own_password(files: &BTreeMap<String, Zeroizing<Vec<u8>>>) -> Option<SecretString> {
    password_in_file(files.get(KEYSTORE_PASSWORD)?)
}
