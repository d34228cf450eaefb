//! Public keys as certificates and private keys name them, and the names that people use.

use x509_parser::der_parser::oid::Oid;

use crate::der::{self, Reader};

/// Object identifiers, as DER content.
pub(super) mod oid {
    pub(in crate::bundle) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    pub(in crate::bundle) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    pub(in crate::bundle) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
    pub(in crate::bundle) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    pub(in crate::bundle) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
    pub(in crate::bundle) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
    pub(in crate::bundle) const SM2: &[u8] = &[0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
}

/// The curves that are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
    Sm2,
}

impl Curve {
    pub(super) const fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => oid::P256,
            Self::P384 => oid::P384,
            Self::P521 => oid::P521,
            Self::Sm2 => oid::SM2,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "EC P-256",
            Self::P384 => "EC P-384",
            Self::P521 => "EC P-521",
            Self::Sm2 => "SM2",
        }
    }

    /// Bytes of a private scalar, and of each coordinate of a point.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::P256 | Self::Sm2 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// An AlgorithmIdentifier of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    /// No curve where a SEC1 key leaves it out.
    Ec(Option<Curve>),
    Ed25519,
    /// Its name, or its object identifier.
    Unsupported(String),
}

impl Algorithm {
    /// Reads the content of an AlgorithmIdentifier (RFC 5280, section 4.1.1.2).
    pub(super) fn from_identifier(content: &[u8]) -> Option<Self> {
        let mut fields = Reader::new(content);
        Some(match fields.expect(der::OBJECT_IDENTIFIER)? {
            oid::RSA => Self::Rsa,
            oid::ED25519 => Self::Ed25519,
            oid::EC => match fields.expect(der::OBJECT_IDENTIFIER) {
                Some(curve) => Self::from_curve(curve),
                None => Self::Unsupported("EC with parameters of its own".to_owned()),
            },
            // Some Chinese programs name the curve in the algorithm's place.
            oid::SM2 => Self::Ec(Some(Curve::Sm2)),
            other => Self::Unsupported(dotted(other)),
        })
    }

    /// An elliptic curve by the content of its object identifier.
    pub(super) fn from_curve(curve: &[u8]) -> Self {
        match [Curve::P256, Curve::P384, Curve::P521, Curve::Sm2].into_iter().find(|known| known.oid() == curve) {
            Some(curve) => Self::Ec(Some(curve)),
            None => Self::Unsupported(format!("EC {}", dotted(curve))),
        }
    }
}

/// A SubjectPublicKeyInfo, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey<'a> {
    /// Both without leading zeros.
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    /// The point as it is encoded, nearly always uncompressed.
    Ec {
        curve: Curve,
        point: &'a [u8],
    },
    Ed25519(&'a [u8]),
    /// The algorithm's name, or its object identifier.
    Unsupported(String),
}

impl<'a> PublicKey<'a> {
    /// Reads the DER of a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    pub(super) fn from_spki(spki: &'a [u8]) -> Option<Self> {
        let mut fields = Reader::whole(der::SEQUENCE, spki)?;
        let algorithm = Algorithm::from_identifier(fields.expect(der::SEQUENCE)?)?;
        let bits = fields.expect(der::BIT_STRING)?.strip_prefix(&[0])?;
        Some(match algorithm {
            Algorithm::Rsa => {
                let mut key = Reader::whole(der::SEQUENCE, bits)?;
                Self::Rsa { modulus: key.unsigned()?, exponent: key.unsigned()? }
            }
            Algorithm::Ec(curve) => Self::Ec { curve: curve?, point: bits },
            Algorithm::Ed25519 => Self::Ed25519(bits),
            Algorithm::Unsupported(name) => Self::Unsupported(name),
        })
    }

    /// `RSA 2048`, `EC P-256`, `Ed25519`, `SM2`, else the object identifier.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Rsa { modulus, .. } => format!("RSA {}", bit_length(modulus)),
            Self::Ec { curve, .. } => curve.name().to_owned(),
            Self::Ed25519(_) => "Ed25519".to_owned(),
            Self::Unsupported(name) => name.clone(),
        }
    }
}

/// Bits of an unsigned number in its shortest form.
pub(super) fn bit_length(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    (number.len() * 8).saturating_sub(unused)
}

/// The one signature algorithm that SM2 certificates have.
pub(super) const SM2_WITH_SM3: &str = "1.2.156.10197.1.501";

/// The name of a signature algorithm, else its object identifier.
pub(super) fn signature_name(algorithm: &Oid<'_>) -> String {
    let dotted = algorithm.to_id_string();
    let name = match dotted.as_str() {
        "1.2.840.113549.1.1.4" => "MD5-RSA",
        "1.2.840.113549.1.1.5" => "SHA1-RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "SHA256-RSA",
        "1.2.840.113549.1.1.12" => "SHA384-RSA",
        "1.2.840.113549.1.1.13" => "SHA512-RSA",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        SM2_WITH_SM3 => "SM3-SM2",
        _ => return dotted,
    };
    name.to_owned()
}

fn dotted(oid: &[u8]) -> String {
    Oid::new(oid.into()).to_id_string()
}
