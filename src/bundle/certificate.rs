//! One X.509 certificate, owned, with the facts that the rest of certctl asks for.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, X509Name, X509Version};

use super::algorithm::{Curve, PublicKey, SM2_WITH_SM3, bit_length, signature_name};
use super::{pem, printable, sm2, visible};
use crate::der;
use crate::digest::{hex, sha1_hex, sha256_hex};

/// A parsed certificate. Its texts come from outside: control characters in them are replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The dNSName entries of its subject alternative name, as they stand.
    pub dns_names: Vec<String>,
    /// The iPAddress entries of its subject alternative name.
    pub ip_addresses: Vec<IpAddr>,
    /// The last common name of its subject.
    pub common_name: Option<String>,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity.
    pub not_after: Timestamp,
    /// Serial number in lower-case hex, two digits a byte, without leading zero bytes.
    pub serial: String,
    /// Issuer on one line, in the order of the certificate.
    pub issuer: String,
    /// Subject on one line, in the order of the certificate.
    pub subject: String,
    /// SHA-1 of the DER in lower-case hex.
    pub fingerprint_sha1: String,
    /// SHA-256 of the DER in lower-case hex.
    pub fingerprint_sha256: String,
    /// `RSA 2048`, `EC P-256`, `EC P-384`, `EC P-521`, `Ed25519`, `SM2`, else the object identifier.
    pub key_algorithm: String,
    /// `SHA256-RSA`, `ECDSA-SHA384`, `Ed25519` and the like, else the object identifier.
    pub signature_algorithm: String,
    der: Vec<u8>,
    spki: Vec<u8>,
    has_alternative_names: bool,
    authority: Authority,
    usage: Option<Usage>,
    subject_key: Option<Vec<u8>>,
    authority_key: Option<Vec<u8>>,
}

/// What basicConstraints says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Authority {
    /// Not a CA.
    None,
    /// X.509 version 1 has no basicConstraints; only roots may still do without.
    Unsaid,
    /// A CA, and how many intermediates it allows below itself.
    Ca { path_length: Option<u32> },
}

/// What keyUsage lets the key do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    signs: bool,
    encrypts: bool,
}

impl Certificate {
    /// Reads one DER certificate; `None` if it is not one, or if something follows it.
    #[must_use]
    pub fn parse(der: &[u8]) -> Option<Self> {
        Self::parse_first(der).filter(|certificate| certificate.der.len() == der.len())
    }

    /// Like [`Self::parse`], but whatever follows is ignored, as in OpenSSL's TRUSTED CERTIFICATE.
    pub(super) fn parse_first(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let raw = parsed.as_raw();
        let spki = parsed.public_key().raw;
        let validity = parsed.validity();
        let mut certificate = Self {
            dns_names: Vec::new(),
            ip_addresses: Vec::new(),
            common_name: parsed.subject().iter_common_name().last().map(value),
            not_before: timestamp(validity.not_before)?,
            not_after: timestamp(validity.not_after)?,
            serial: hex(der::without_leading_zeros(parsed.raw_serial())),
            issuer: one_line(parsed.issuer()),
            subject: one_line(parsed.subject()),
            fingerprint_sha1: sha1_hex(raw),
            fingerprint_sha256: sha256_hex(raw),
            key_algorithm: PublicKey::from_spki(spki)?.name(),
            signature_algorithm: signature_name(&parsed.signature_algorithm.algorithm),
            der: raw.to_vec(),
            spki: spki.to_vec(),
            has_alternative_names: false,
            authority: if parsed.version() == X509Version::V1 { Authority::Unsaid } else { Authority::None },
            usage: None,
            subject_key: None,
            authority_key: None,
        };
        parsed.extensions().iter().for_each(|extension| certificate.take_in(extension.parsed_extension()));
        Some(certificate)
    }

    /// The leaf in a PEM text, as far as that can be told without its key: the first certificate that is not a CA's,
    /// or the only one. What cannot be read is passed over.
    #[must_use]
    pub fn leaf_in_pem(text: &[u8]) -> Option<Self> {
        let blocks = pem::blocks(text).map_while(Result::ok).filter(pem::Block::is_certificate);
        let mut found: Vec<_> = blocks.filter_map(|block| Self::parse_first(&block.der()?)).collect();
        match found.iter().position(|certificate| !certificate.is_ca()) {
            Some(leaf) => Some(found.swap_remove(leaf)),
            None => found.pop().filter(|_| found.is_empty()),
        }
    }

    fn take_in(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                self.has_alternative_names = true;
                for name in &names.general_names {
                    match name {
                        // Whole: it is compared, and names a directory.
                        GeneralName::DNSName(name) => self.dns_names.push(visible(name)),
                        GeneralName::IPAddress(octets) => self.ip_addresses.extend(address(octets)),
                        _ => {}
                    }
                }
            }
            ParsedExtension::BasicConstraints(constraints) if constraints.ca => {
                self.authority = Authority::Ca { path_length: constraints.path_len_constraint };
            }
            ParsedExtension::KeyUsage(usage) => {
                self.usage = Some(Usage {
                    signs: usage.digital_signature() || usage.non_repudiation(),
                    encrypts: usage.key_encipherment() || usage.data_encipherment() || usage.key_agreement(),
                });
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            _ => {}
        }
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as one PEM block: 64 columns, LF, a final newline.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // What comes from the encoder is ASCII.
        String::from_utf8_lossy(&pem::encode("CERTIFICATE", &self.der)).into_owned()
    }

    /// The names that [`crate::domain::covers`] should look at: DNS names and addresses; the common name only where
    /// there is no subject alternative name at all (RFC 6125, section 6.4.4).
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        if !self.has_alternative_names {
            return self.common_name.iter().cloned().collect();
        }
        let addresses = self.ip_addresses.iter().map(ToString::to_string);
        self.dns_names.iter().cloned().chain(addresses).collect()
    }

    /// Whether it is an SM2 certificate of an end entity that may encrypt and not sign: half of a dual certificate.
    pub(super) fn is_for_sm2_encryption(&self) -> bool {
        self.is_of_sm2_entity() && self.usage.is_some_and(|usage| usage.encrypts && !usage.signs)
    }

    /// Whether it is an SM2 certificate of an end entity that may sign.
    pub(super) fn is_for_sm2_signing(&self) -> bool {
        self.is_of_sm2_entity() && self.usage.is_none_or(|usage| usage.signs)
    }

    fn is_of_sm2_entity(&self) -> bool {
        matches!(self.public_key(), Some(PublicKey::Ec { curve: Curve::Sm2, .. })) && !self.is_ca()
    }

    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    pub(super) fn public_key(&self) -> Option<PublicKey<'_>> {
        PublicKey::from_spki(&self.spki)
    }

    /// Whether it may sign certificates. A version 1 certificate cannot say so; it is believed if it is a root.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        match self.authority {
            Authority::None => false,
            Authority::Unsaid => self.is_self_signed(),
            Authority::Ca { .. } => true,
        }
    }

    /// Whether its path length constraint lets that many intermediates be below it.
    pub(super) fn allows_below(&self, intermediates: usize) -> bool {
        match self.authority {
            Authority::Ca { path_length: Some(most) } => u32::try_from(intermediates).is_ok_and(|count| count <= most),
            _ => true,
        }
    }

    pub(super) fn is_in_date(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    pub(super) fn is_self_signed(&self) -> bool {
        self.names_as_issuer(self) && self.is_signed_by(self)
    }

    /// Whether `issuer` has the name that this certificate gives as its issuer.
    ///
    /// The texts are compared, since some CAs encode one name in two string types; the signature decides.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        self.issuer == issuer.subject
    }

    /// Whether the key of `issuer` signed this certificate. Where the algorithm cannot be verified here (P-521, RSA
    /// below 2048 bits, SM2 without SM3), the key identifiers must not contradict it.
    pub(super) fn is_signed_by(&self, issuer: &Self) -> bool {
        match self.verify(issuer) {
            Ok(()) => true,
            Err(X509Error::SignatureUnsupportedAlgorithm) => match (&self.authority_key, &issuer.subject_key) {
                (Some(wanted), Some(held)) => wanted == held,
                _ => true,
            },
            Err(_) => false,
        }
    }

    fn verify(&self, issuer: &Self) -> Result<(), X509Error> {
        // The sizes that ring verifies; it does not tell another size from a wrong signature.
        if let Some(PublicKey::Rsa { modulus, .. }) = issuer.public_key()
            && !(2048..=8192).contains(&bit_length(modulus))
        {
            return Err(X509Error::SignatureUnsupportedAlgorithm);
        }
        let read = |der| X509Certificate::from_der(der).map_err(|_| X509Error::InvalidCertificate);
        let ((_, child), (_, parent)) = (read(&self.der)?, read(&issuer.der)?);
        let is_sm2_with_sm3 = child.signature_algorithm.algorithm.to_id_string() == SM2_WITH_SM3;
        if let (true, Some(PublicKey::Ec { curve: Curve::Sm2, point })) = (is_sm2_with_sm3, issuer.public_key()) {
            let is_signed = sm2::is_signed_by(point, child.tbs_certificate.as_ref(), &child.signature_value.data);
            return if is_signed { Ok(()) } else { Err(X509Error::SignatureVerificationError) };
        }
        child.verify_signature(Some(parent.public_key()))
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("fingerprint_sha256", &self.fingerprint_sha256)
            .finish_non_exhaustive()
    }
}

fn timestamp(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// `C=CN, O=Example, CN=www.example.com`
fn one_line(name: &X509Name<'_>) -> String {
    let mut line = String::new();
    for attribute in name.iter_attributes() {
        let separator = if line.is_empty() { "" } else { ", " };
        let kind = oid2abbrev(attribute.attr_type(), oid_registry())
            .map_or_else(|_| attribute.attr_type().to_id_string(), ToOwned::to_owned);
        // Writing to a String does not fail.
        let _ = write!(line, "{separator}{kind}={}", printable(&value(attribute)));
    }
    line
}

fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let any = attribute.attr_value();
    match any.tag() {
        Tag::BmpString => {
            let units =
                any.data.chunks_exact(2).map(|unit| unit.iter().fold(0, |unit, &byte| (unit << 8) | u16::from(byte)));
            visible(&String::from_utf16_lossy(&units.collect::<Vec<_>>()))
        }
        _ => visible(&String::from_utf8_lossy(any.data)),
    }
}
