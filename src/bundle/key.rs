//! One private key, in the form it came, and whether it belongs to a certificate.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use super::algorithm::{Algorithm, Curve, PublicKey, oid};
use super::certificate::Certificate;
use super::{BundleError, pem, sm2};
use crate::der::{self, Reader};

/// A private key that is not encrypted. Wiped when dropped, never shown. Two are equal if they are so byte for byte.
#[derive(PartialEq, Eq)]
pub struct PrivateKey {
    der: Zeroizing<Vec<u8>>,
    form: Form,
}

/// How a key is wrapped; also the order of preference where one key came in several forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// RFC 5958: any algorithm.
    Pkcs8,
    /// RFC 8017, appendix A.1.2: RSA.
    Pkcs1,
    /// RFC 5915: elliptic curves.
    Sec1,
}

/// What is inside, without the wrapping.
enum Secret<'a> {
    Rsa { modulus: &'a [u8], exponent: &'a [u8], pkcs1: &'a [u8] },
    Ec { curve: Option<Curve>, scalar: &'a [u8], point: Option<&'a [u8]> },
    Ed25519 { seed: &'a [u8] },
    Unsupported(String),
}

/// What DER that should be a private key turns out to be.
pub(super) enum Parsed {
    Key(PrivateKey),
    /// A PKCS#8 EncryptedPrivateKeyInfo.
    Encrypted,
}

impl PrivateKey {
    /// Told by its structure, whatever its label said; `None` if it is no private key.
    pub(super) fn parse(der: &[u8]) -> Option<Parsed> {
        if is_encrypted(der) {
            return Some(Parsed::Encrypted);
        }
        let form = [Form::Pkcs8, Form::Pkcs1, Form::Sec1].into_iter().find(|form| form.secret(der).is_some())?;
        Some(Parsed::Key(Self { der: Zeroizing::new(der.to_vec()), form }))
    }

    /// The key in DER of any form; `None` if it is no private key, or an encrypted one.
    #[must_use]
    pub fn of_der(der: &[u8]) -> Option<Self> {
        match Self::parse(der)? {
            Parsed::Key(key) => Some(key),
            Parsed::Encrypted => None,
        }
    }

    /// The key's DER, in the form it came.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key as one PEM block in the form it came: 64 columns, LF, a final newline.
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<Vec<u8>> {
        pem::encode(self.form.label(), &self.der)
    }

    /// The key's DER as PKCS#8, whatever form it came in.
    #[must_use]
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        match (self.form, self.form.secret(&self.der)) {
            (Form::Pkcs1, _) => pkcs8(oid::RSA, &der::encode(der::NULL, &[]), &self.der),
            (Form::Sec1, Some(Secret::Ec { curve: Some(curve), .. })) => ec_pkcs8(curve, &self.der),
            _ => self.der.clone(),
        }
    }

    /// Whether this is the key of `certificate`: its public half, derived from the private part wherever that can be
    /// done, is the certificate's.
    ///
    /// # Errors
    /// [`BundleError::UnsupportedKey`] for another algorithm than RSA, P-256, P-384, P-521, SM2 and Ed25519,
    /// [`BundleError::UncheckableKey`] for a P-521 key without its public half,
    /// [`BundleError::DamagedKey`] if the public half fits and the private part does not.
    pub fn matches(&self, certificate: &Certificate) -> Result<bool, BundleError> {
        let Some(secret) = self.form.secret(&self.der) else { return Ok(false) };
        match (secret, certificate.public_key()) {
            (Secret::Unsupported(algorithm), _) => Err(BundleError::UnsupportedKey { algorithm }),
            (Secret::Rsa { modulus, exponent, pkcs1 }, Some(public)) => {
                if (PublicKey::Rsa { modulus, exponent }) != public {
                    return Ok(false);
                }
                if is_consistent_rsa(pkcs1) { Ok(true) } else { Err(damaged(certificate)) }
            }
            (Secret::Ec { curve, scalar, point }, Some(PublicKey::Ec { curve: wanted_curve, point: wanted })) => {
                let is_other_curve = curve.is_some_and(|curve| curve != wanted_curve);
                if is_other_curve || point.is_some_and(|point| !is_same_point(point, wanted)) {
                    return Ok(false);
                }
                match (is_scalar_of(scalar, wanted_curve, wanted), point) {
                    (Some(true), _) => Ok(true),
                    (Some(false), Some(_)) => Err(damaged(certificate)),
                    (Some(false), None) => Ok(false),
                    (None, Some(_)) => Ok(true),
                    (None, None) => Err(BundleError::UncheckableKey { algorithm: wanted_curve.name().to_owned() }),
                }
            }
            (Secret::Ed25519 { seed }, Some(PublicKey::Ed25519(public))) => {
                Ok(Ed25519KeyPair::from_seed_and_public_key(seed, public).is_ok())
            }
            _ => Ok(false),
        }
    }

    /// The algorithm, with the size where that is public: `RSA 2048`, `EC P-256`.
    #[must_use]
    pub fn algorithm(&self) -> String {
        match self.form.secret(&self.der) {
            Some(Secret::Rsa { modulus, exponent, .. }) => PublicKey::Rsa { modulus, exponent }.name(),
            Some(Secret::Ec { curve, .. }) => curve.map_or("EC", Curve::name).to_owned(),
            Some(Secret::Ed25519 { .. }) => "Ed25519".to_owned(),
            Some(Secret::Unsupported(name)) => name,
            None => "unknown".to_owned(),
        }
    }

    /// The key as servers can load it. A SEC1 key may leave its curve to a block beside it, which is not written, so
    /// the curve and the public half are put in from the certificate it belongs to; a PKCS#8 key may name SM2 in the
    /// algorithm's place.
    pub(super) fn completed_for(&self, certificate: &Certificate) -> Self {
        let der = match (self.form, self.form.secret(&self.der), certificate.public_key()) {
            (Form::Sec1, Some(Secret::Ec { curve: None, scalar, .. }), Some(PublicKey::Ec { curve, point })) => {
                sec1(curve, scalar, point)
            }
            // OpenSSL wants the curve in its own place.
            (Form::Pkcs8, Some(Secret::Ec { scalar, .. }), Some(PublicKey::Ec { curve: Curve::Sm2, point }))
                if !names_ec(&self.der) =>
            {
                ec_pkcs8(Curve::Sm2, &sec1(Curve::Sm2, scalar, point))
            }
            _ => self.der.clone(),
        };
        Self { der, form: self.form }
    }

    /// Which of several keys that belong to one certificate is taken, whatever order they came in.
    pub(super) fn rank(&self) -> impl Ord + '_ {
        (self.form, self.der.as_slice())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

impl Form {
    const fn label(self) -> &'static str {
        match self {
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Sec1 => "EC PRIVATE KEY",
        }
    }

    /// What is inside `der`, or `None` if it has another form.
    fn secret(self, der: &[u8]) -> Option<Secret<'_>> {
        match self {
            Self::Pkcs8 => pkcs8_secret(der),
            Self::Pkcs1 => pkcs1_secret(der),
            Self::Sec1 => sec1_secret(der, None),
        }
    }
}

fn pkcs8_secret(der: &[u8]) -> Option<Secret<'_>> {
    let mut fields = Reader::whole(der::SEQUENCE, der)?;
    let (b"" | b"\x01") = fields.unsigned()? else { return None };
    let algorithm = Algorithm::from_identifier(fields.expect(der::SEQUENCE)?)?;
    let inner = fields.expect(der::OCTET_STRING)?;
    match algorithm {
        Algorithm::Rsa => pkcs1_secret(inner),
        Algorithm::Ec(curve) => sec1_secret(inner, curve),
        Algorithm::Ed25519 => Reader::whole(der::OCTET_STRING, inner).map(|seed| Secret::Ed25519 { seed: seed.rest() }),
        Algorithm::Unsupported(name) => Some(Secret::Unsupported(name)),
    }
}

fn pkcs1_secret(der: &[u8]) -> Option<Secret<'_>> {
    /// Private exponent, two primes, two exponents, one coefficient.
    const PRIVATE_NUMBERS: usize = 6;
    let mut fields = Reader::whole(der::SEQUENCE, der)?;
    let (b"" | b"\x01") = fields.unsigned()? else { return None };
    let (modulus, exponent) = (fields.unsigned()?, fields.unsigned()?);
    (0..PRIVATE_NUMBERS).try_for_each(|_| fields.unsigned().map(drop))?;
    Some(Secret::Rsa { modulus, exponent, pkcs1: der })
}

fn sec1_secret(der: &[u8], curve: Option<Curve>) -> Option<Secret<'_>> {
    let mut fields = Reader::whole(der::SEQUENCE, der)?;
    let b"\x01" = fields.unsigned()? else { return None };
    let scalar = der::without_leading_zeros(fields.expect(der::OCTET_STRING)?);
    let curve = match (curve, fields.expect(der::context(0))) {
        (None, Some(parameters)) => match Reader::new(parameters).expect(der::OBJECT_IDENTIFIER) {
            Some(curve) => match Algorithm::from_curve(curve) {
                Algorithm::Ec(curve) => curve,
                Algorithm::Unsupported(name) => return Some(Secret::Unsupported(name)),
                Algorithm::Rsa | Algorithm::Ed25519 => return None,
            },
            None => return Some(Secret::Unsupported("EC with parameters of its own".to_owned())),
        },
        (curve, _) => curve,
    };
    let point = match fields.expect(der::context(1)) {
        Some(public) => Some(Reader::new(public).expect(der::BIT_STRING)?.strip_prefix(&[0])?),
        None => None,
    };
    Some(Secret::Ec { curve, scalar, point })
}

/// `EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { OBJECT IDENTIFIER, … }, OCTET STRING }`
fn is_encrypted(der: &[u8]) -> bool {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, der)?;
        Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)?;
        fields.expect(der::OCTET_STRING)?;
        Some(fields.is_empty())
    };
    read().unwrap_or(false)
}

/// `ECPrivateKey` with everything in it.
fn sec1(curve: Curve, scalar: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    let scalar = padded(scalar, curve.bytes());
    let parameters = der::encode(der::context(0), &[&der::encode(der::OBJECT_IDENTIFIER, &[curve.oid()])]);
    let public = der::encode(der::context(1), &[&der::encode(der::BIT_STRING, &[&[0], point])]);
    let version = der::encode(der::INTEGER, &[&[1]]);
    der::encode(der::SEQUENCE, &[&version, &der::encode(der::OCTET_STRING, &[&scalar]), &parameters, &public])
}

/// `PrivateKeyInfo` around a key of another form.
fn pkcs8(algorithm: &[u8], parameters: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = der::encode(der::OBJECT_IDENTIFIER, &[algorithm]);
    let algorithm = der::encode(der::SEQUENCE, &[&algorithm, parameters]);
    let version = der::encode(der::INTEGER, &[&[0]]);
    der::encode(der::SEQUENCE, &[&version, &algorithm, &der::encode(der::OCTET_STRING, &[key])])
}

fn ec_pkcs8(curve: Curve, sec1: &[u8]) -> Zeroizing<Vec<u8>> {
    pkcs8(oid::EC, &der::encode(der::OBJECT_IDENTIFIER, &[curve.oid()]), sec1)
}

/// Whether a PKCS#8 key says that it is of an elliptic curve, whichever that is.
fn names_ec(pkcs8: &[u8]) -> bool {
    let read = || {
        let mut fields = Reader::whole(der::SEQUENCE, pkcs8)?;
        fields.unsigned()?;
        Some(Reader::new(fields.expect(der::SEQUENCE)?).expect(der::OBJECT_IDENTIFIER)? == oid::EC)
    };
    read().unwrap_or(false)
}

/// Signs with the key, which checks every part of it that signing uses. What ring does not take (below 2048 bits,
/// above 4096, more than two primes) passes.
fn is_consistent_rsa(pkcs1: &[u8]) -> bool {
    match RsaKeyPair::from_der(pkcs1) {
        Ok(pair) => {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"certctl", &mut signature).is_ok()
        }
        Err(rejected) => rejected.to_string() != "InconsistentComponents",
    }
}

/// Whether the scalar times the curve's generator is the point; `None` where that cannot be computed here.
fn is_scalar_of(scalar: &[u8], curve: Curve, point: &[u8]) -> Option<bool> {
    let scalar = padded(scalar, curve.bytes());
    let is_of = |algorithm: &'static EcdsaSigningAlgorithm| {
        EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, point, &SystemRandom::new()).is_ok()
    };
    match curve {
        Curve::P256 => Some(is_of(&ECDSA_P256_SHA256_ASN1_SIGNING)),
        Curve::P384 => Some(is_of(&ECDSA_P384_SHA384_ASN1_SIGNING)),
        Curve::P521 => None,
        Curve::Sm2 => Some(sm2::is_scalar_of(&scalar, point)),
    }
}

/// Whether two encodings are one point; either may be compressed.
fn is_same_point(one: &[u8], other: &[u8]) -> bool {
    match (one.first(), other.first()) {
        (Some(4), Some(4)) => one == other,
        _ => compressed(one).is_some_and(|one| compressed(other) == Some(one)),
    }
}

/// A point's first coordinate, and whether its second one is odd (SEC1, section 2.3.3).
fn compressed(point: &[u8]) -> Option<(&[u8], bool)> {
    match point.split_first()? {
        (sign @ (2 | 3), x) => Some((x, *sign == 3)),
        (4, both) => Some((both.get(..both.len() / 2)?, both.last()? & 1 == 1)),
        _ => None,
    }
}

fn padded(number: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(vec![0; length.saturating_sub(number.len())]);
    out.reserve_exact(number.len());
    out.extend_from_slice(number);
    out
}

fn damaged(certificate: &Certificate) -> BundleError {
    BundleError::DamagedKey { algorithm: certificate.key_algorithm.clone() }
}
