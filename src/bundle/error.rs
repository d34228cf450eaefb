//! Why material does not become a bundle. Every rule has its own variant, and no variant ever holds key material.

use jiff::Timestamp;
use thiserror::Error;

use super::ArchiveError;
use crate::keystore::KeystoreError;

/// What was wrong with the material of a certificate. Texts from outside are cleaned of control characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleError {
    /// A PEM block is cut off or not base64.
    #[error("{origin}: the PEM block {label:?} cannot be read: {reason}")]
    MalformedPem {
        /// The piece.
        origin: String,
        /// What the block's BEGIN line says.
        label: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A CERTIFICATE block holds something else.
    #[error("{origin}: a CERTIFICATE block holds no X.509 certificate that can be read")]
    MalformedCertificate {
        /// The piece.
        origin: String,
    },
    /// A PRIVATE KEY block holds something else.
    #[error("{origin}: the block {label:?} holds no PKCS#8, PKCS#1 or SEC1 key that can be read")]
    MalformedKey {
        /// The piece.
        origin: String,
        /// What the block's BEGIN line says.
        label: String,
    },
    /// An archive is damaged or not to be trusted.
    #[error("{origin}: {fault}")]
    Archive {
        /// The piece.
        origin: String,
        /// What is wrong with it.
        fault: ArchiveError,
    },
    /// More than any download has.
    #[error("the material holds more than {limit} different {what}")]
    TooMany {
        /// For example `certificates` or `private keys`.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Nothing in the material is a certificate.
    #[error("the material holds no certificate")]
    NoCertificate,
    /// The cloud holds no private key for the certificate.
    #[error("the cloud hands out no private key for this certificate; if the CSR was made elsewhere, the key is there")]
    NoKey,
    /// Of an SM2 dual certificate, the cloud hands out the encryption half's key and not the signing half's.
    #[error(
        "{subject:?} (serial {serial}) is the encryption half of an SM2 dual certificate; the signing half's private key is missing"
    )]
    NoSigningKey {
        /// Subject of the encryption half.
        subject: String,
        /// Its serial number.
        serial: String,
    },
    /// The only private key is in a digital envelope, as that of an SM2 certificate's encryption half may be.
    #[error(
        "{origin}: the private key is in a digital envelope, which only the key that the CSR was made with opens; that one the cloud does not have"
    )]
    EnvelopedKey {
        /// The piece.
        origin: String,
    },
    /// The only private key is encrypted, or in a key store, and there is no password to try.
    #[error("{origin}: the {what} is under a password, and none is known")]
    NoPassword {
        /// The piece.
        origin: String,
        /// `private key` or `key store`.
        what: &'static str,
    },
    /// The same, and no password that is known opens it.
    #[error("{origin}: the {what} is under another password than {}", .tried.join(" or "))]
    WrongPassword {
        /// The piece.
        origin: String,
        /// `private key` or `key store`.
        what: &'static str,
        /// Where the passwords came from that were tried: `yours`, `the cloud's` or a file of an archive.
        tried: Vec<String>,
    },
    /// The same, and no password would help.
    #[error("{origin}: the {what} cannot be opened: {fault}")]
    Sealed {
        /// The piece.
        origin: String,
        /// `private key` or `key store`.
        what: &'static str,
        /// Why.
        fault: KeystoreError,
    },
    /// No certificate has the public half of the key.
    #[error("the private key ({key}) belongs to none of the certificates that came with it: {}", .certificates.join("; "))]
    KeyMismatch {
        /// The key's algorithm and size.
        key: String,
        /// Subject, algorithm and serial number of the certificates.
        certificates: Vec<String>,
    },
    /// The key is of an algorithm that certctl does not know.
    #[error("unsupported key algorithm {algorithm}")]
    UnsupportedKey {
        /// Its name or object identifier.
        algorithm: String,
    },
    /// The key file lacks the public half, and certctl cannot derive it for this algorithm.
    #[error("the {algorithm} private key came without its public half and cannot be checked against the certificate")]
    UncheckableKey {
        /// The algorithm.
        algorithm: String,
    },
    /// The public half of the key is right, the private part does not fit to it.
    #[error("the {algorithm} private key is damaged: its private part does not fit its public half")]
    DamagedKey {
        /// The algorithm.
        algorithm: String,
    },
    /// Two keys, each with its certificate, and both would do.
    #[error("the material holds several certificates with a key each, and no rule chooses: {}", .leaves.join("; "))]
    Ambiguous {
        /// Subject, algorithm and serial number of each.
        leaves: Vec<String>,
    },
    /// The leaf's validity is over.
    #[error("the certificate {subject:?} expired at {not_after}")]
    Expired {
        /// Its subject.
        subject: String,
        /// End of its validity.
        not_after: Timestamp,
    },
    /// The leaf's validity has not begun.
    #[error("the certificate {subject:?} is not valid before {not_before}; if that is past, the local clock is wrong")]
    NotYetValid {
        /// Its subject.
        subject: String,
        /// Start of its validity.
        not_before: Timestamp,
    },
    /// The leaf does not cover a domain that was asked for.
    #[error("the certificate does not cover {domain}; it covers {}", .names.join(", "))]
    DomainNotCovered {
        /// The domain.
        domain: String,
        /// What the certificate covers.
        names: Vec<String>,
    },
    /// The certificate that signed the leaf is not there.
    #[error("the chain is incomplete: {subject:?} was issued by {issuer:?}, which is missing")]
    MissingIssuer {
        /// The certificate at which the chain ends.
        subject: String,
        /// What it names as its issuer.
        issuer: String,
    },
    /// A certificate of the issuer's name is there, but its key did not sign the leaf.
    #[error("the chain is broken: {subject:?} was not signed by the {issuer:?} that came with it")]
    WrongIssuer {
        /// The certificate at which the chain ends.
        subject: String,
        /// What it names as its issuer.
        issuer: String,
    },
    /// A CA certificate is there that can only belong further up, so a link between is missing.
    #[error("the chain has a gap: {subject:?} was issued by {issuer:?}, which is missing, while {above:?} is there")]
    Gap {
        /// The certificate at which the chain ends.
        subject: String,
        /// What it names as its issuer.
        issuer: String,
        /// The CA above the gap.
        above: String,
    },
    /// The two halves of an SM2 dual certificate have different intermediates.
    #[error(
        "the encryption certificate {subject:?} (serial {serial}) has other intermediates than the signing certificate"
    )]
    OtherChain {
        /// Subject of the encryption half.
        subject: String,
        /// Its serial number.
        serial: String,
    },
    /// The issuer is not a certificate authority.
    #[error("{issuer:?} signed {subject:?} but is not a CA certificate")]
    NotACa {
        /// The certificate it signed.
        subject: String,
        /// The issuer.
        issuer: String,
    },
    /// An intermediate's validity is over, and there is no other.
    #[error("the intermediate {subject:?} expired at {not_after}, and the material holds no other")]
    IntermediateExpired {
        /// Its subject.
        subject: String,
        /// End of its validity.
        not_after: Timestamp,
    },
    /// An intermediate's validity has not begun, and there is no other.
    #[error("the intermediate {subject:?} is not valid before {not_before}, and the material holds no other")]
    IntermediateNotYetValid {
        /// Its subject.
        subject: String,
        /// Start of its validity.
        not_before: Timestamp,
    },
}
