//! The sandbox's own certificate authority, fresh at each start.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType, SerialNumber,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha1::{Digest as _, Sha1};
use tokio_rustls::TlsAcceptor;

use super::sm2;

/// As rcgen wants it: a type of the `time` crate, which is reached through rcgen alone.
macro_rules! instant {
    ($time:expr) => {
        date_time_ymd(1970, 1, 1) + Duration::from_secs($time.as_second().unsigned_abs())
    };
}

/// ring cannot generate RSA keys.
const RSA_2048_A: &str = include_str!("../keys/sandbox-rsa2048-a.pem");
const RSA_2048_B: &str = include_str!("../keys/sandbox-rsa2048-b.pem");
const RSA_4096: &str = include_str!("../keys/sandbox-rsa4096.pem");

/// PKCS#8 of an Ed25519 key, up to the 32 bytes of the key itself.
const ED25519_PKCS8: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A leaf's key: algorithm and the PEM form that the cloud hands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa2048Pkcs1,
    Rsa2048Pkcs8,
    Rsa4096Pkcs1,
    P256Sec1,
    P256Pkcs8,
    P384Sec1,
    P384Pkcs8,
    Ed25519,
    /// Two keys, of a dual certificate.
    Sm2,
}

impl KeyKind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Rsa2048Pkcs1,
        Self::P256Sec1,
        Self::Rsa2048Pkcs8,
        Self::P384Sec1,
        Self::P256Pkcs8,
        Self::Rsa4096Pkcs1,
        Self::Ed25519,
        Self::P384Pkcs8,
    ];

    /// Algorithm and bits, as the clouds name them.
    pub(crate) fn algorithm(self) -> (&'static str, u32) {
        match self {
            Self::Rsa2048Pkcs1 | Self::Rsa2048Pkcs8 => ("RSA", 2048),
            Self::Rsa4096Pkcs1 => ("RSA", 4096),
            Self::P256Sec1 | Self::P256Pkcs8 => ("ECC", 256),
            Self::P384Sec1 | Self::P384Pkcs8 => ("ECC", 384),
            Self::Ed25519 => ("ED25519", 256),
            Self::Sm2 => ("SM2", 256),
        }
    }

    /// A new key; none for RSA and SM2, whose keys ring cannot generate.
    fn generate(self) -> Option<KeyPair> {
        let algorithm = match self {
            Self::Rsa2048Pkcs1 | Self::Rsa2048Pkcs8 | Self::Rsa4096Pkcs1 | Self::Sm2 => return None,
            Self::P256Sec1 | Self::P256Pkcs8 => &PKCS_ECDSA_P256_SHA256,
            Self::P384Sec1 | Self::P384Pkcs8 => &PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &PKCS_ED25519,
        };
        Some(KeyPair::generate_for(algorithm).unwrap())
    }

    fn pem(self, key: &KeyPair) -> String {
        let pkcs8 = key.serialize_der();
        match self {
            // After version, AlgorithmIdentifier and the OCTET STRING's header: the PKCS#1 structure.
            Self::Rsa2048Pkcs1 | Self::Rsa4096Pkcs1 => pem("RSA PRIVATE KEY", &pkcs8[26..]),
            Self::P256Sec1 => pem("EC PRIVATE KEY", &sec1(&pkcs8, key, 32, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])),
            Self::P384Sec1 => pem("EC PRIVATE KEY", &sec1(&pkcs8, key, 48, &[0x2b, 0x81, 4, 0, 34])),
            // ring writes the newer structure with the public key in it, which OpenSSL 3.0 does not read.
            Self::Ed25519 => pem("PRIVATE KEY", &[ED25519_PKCS8, &pkcs8[16..48]].concat()),
            Self::Rsa2048Pkcs8 | Self::P256Pkcs8 | Self::P384Pkcs8 | Self::Sm2 => pem("PRIVATE KEY", &pkcs8),
        }
    }
}

/// How many intermediates stand between a leaf and the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Root,
    One,
    Two,
    Four,
}

/// What a leaf is to say.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) common_name: String,
    pub(crate) names: Vec<String>,
    pub(crate) validity: (Timestamp, Timestamp),
    pub(crate) key: KeyKind,
    pub(crate) depth: Depth,
}

/// A leaf with everything that was issued with it; PEM with LF line ends.
#[derive(Debug, Clone)]
pub(crate) struct Issued {
    pub(crate) leaf: String,
    /// The leaf's issuer first, without the root.
    pub(crate) chain: Vec<String>,
    pub(crate) root: String,
    pub(crate) key: String,
    pub(crate) csr: String,
    /// Lower-case hex.
    pub(crate) sha1: String,
    pub(crate) issuer: String,
    /// Of an SM2 dual certificate; the leaf is the signing half.
    pub(crate) encryption: Option<sm2::Half>,
}

/// What is wrong with the certificate that HTTPS is served with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    Good,
    OtherName,
    Expired,
    NotYetValid,
}

struct Intermediate {
    name: String,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// The root, and a line of intermediates for every [`Depth`], the root's neighbour first.
pub(crate) struct Authority {
    root_pem: String,
    root: Issuer<'static, KeyPair>,
    lines: [Vec<Intermediate>; 3],
    rsa_2048: KeyPair,
    rsa_4096: KeyPair,
    /// One for all: nobody reads it.
    csr: String,
    sm2: OnceLock<Option<sm2::Authority>>,
}

impl Authority {
    pub(crate) fn new(now: Timestamp) -> Self {
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let validity = (years(now, -5), years(now, 20));
        let params = ca("Sandbox Root CA", validity);
        let root_key = key();
        let root_pem = normalized(&params.self_signed(&root_key).unwrap());
        let root = Issuer::new(params, root_key);

        let names: [&[&str]; 3] = [
            &["Sandbox DV TLS RSA CA"],
            &["Sandbox Global CA G2", "Sandbox OV TLS Pro CA G2"],
            &["Sandbox Cross CA", "Sandbox Policy CA", "Sandbox Region CA", "Sandbox Deep Issuing CA"],
        ];
        let lines = names.map(|names| {
            let mut line: Vec<Intermediate> = Vec::new();
            for name in names {
                let own = if name.contains("RSA") { KeyPair::from_pem(RSA_2048_B).unwrap() } else { key() };
                let params = ca(name, (years(now, -3), years(now, 10)));
                let above = line.last().map_or(&root, |intermediate| &intermediate.issuer);
                let pem = normalized(&params.signed_by(&own, above).unwrap());
                line.push(Intermediate { name: (*name).to_owned(), pem, issuer: Issuer::new(params, own) });
            }
            line
        });
        let mut params = CertificateParams::new(["www.example.com".to_owned()]).unwrap();
        params.distinguished_name = named("www.example.com");
        let csr = params.serialize_request(&key()).unwrap().pem().unwrap().replace('\r', "");
        let [rsa_2048, rsa_4096] = [RSA_2048_A, RSA_4096].map(|pem| KeyPair::from_pem(pem).unwrap());
        Self { root_pem, root, lines, rsa_2048, rsa_4096, csr, sm2: OnceLock::new() }
    }

    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Made when it is first asked for; none where this machine cannot.
    pub(crate) fn sm2(&self) -> Option<&sm2::Authority> {
        self.sm2.get_or_init(|| sm2::Authority::new(Timestamp::now())).as_ref()
    }

    pub(crate) fn issue(&self, wanted: &Wanted) -> Issued {
        if wanted.key == KeyKind::Sm2 {
            return self.sm2().unwrap().issue(wanted);
        }
        let line: &[Intermediate] = match wanted.depth {
            Depth::Root => &[],
            Depth::One => &self.lines[0],
            Depth::Two => &self.lines[1],
            Depth::Four => &self.lines[2],
        };
        let fresh = wanted.key.generate();
        let key = match wanted.key {
            KeyKind::Rsa4096Pkcs1 => &self.rsa_4096,
            _ => fresh.as_ref().unwrap_or(&self.rsa_2048),
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&wanted.common_name);
        params.subject_alt_names = wanted.names.iter().map(|name| subject(name)).collect();
        (params.not_before, params.not_after) = (instant!(wanted.validity.0), instant!(wanted.validity.1));
        params.serial_number = Some(serial());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let above = line.last().map_or(&self.root, |intermediate| &intermediate.issuer);
        let leaf = params.signed_by(key, above).unwrap();
        Issued {
            leaf: normalized(&leaf),
            chain: line.iter().rev().map(|intermediate| intermediate.pem.clone()).collect(),
            root: self.root_pem.clone(),
            key: wanted.key.pem(key),
            csr: self.csr.clone(),
            sha1: super::signature::hex(&Sha1::digest(leaf.der())),
            issuer: line.last().map_or("Sandbox Root CA", |intermediate| &intermediate.name).to_owned(),
            encryption: None,
        }
    }

    /// For HTTPS on loopback.
    pub(crate) fn acceptor(&self, server: Server) -> TlsAcceptor {
        let line = &self.lines[0][0];
        let names: &[&str] = if server == Server::OtherName {
            &["elsewhere.example"]
        } else {
            &["127.0.0.1", "localhost", "sandbox.example"]
        };
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        let now = Timestamp::now();
        let (from, to) = match server {
            Server::Good | Server::OtherName => (-1, 1),
            Server::Expired => (-2, -1),
            Server::NotYetValid => (1, 2),
        };
        (params.not_before, params.not_after) = (instant!(years(now, from)), instant!(years(now, to)));
        params.distinguished_name = named("sandbox");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &line.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![leaf.der().clone(), CertificateDer::from_pem_slice(line.pem.as_bytes()).unwrap()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// A key that no certificate of the sandbox has.
    pub(crate) fn stranger() -> String {
        KeyKind::P256Pkcs8.pem(&KeyPair::generate().unwrap())
    }
}

fn ca(name: &str, validity: (Timestamp, Timestamp)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.distinguished_name.push(DnType::OrganizationName, "certctl sandbox");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (instant!(validity.0), instant!(validity.1));
    params.serial_number = Some(serial());
    params.use_authority_key_identifier_extension = true;
    params
}

/// A name that is an address is certified as one.
fn subject(name: &str) -> SanType {
    match name.parse() {
        Ok(address) => SanType::IpAddress(address),
        Err(_) => SanType::DnsName(name.try_into().unwrap()),
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// RSA leaves share a key, and rcgen's default serial is the key's hash.
fn serial() -> SerialNumber {
    let mut bytes = fastrand::u128(..).to_be_bytes();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&bytes)
}

fn years(from: Timestamp, years: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_hours(years * 365 * 24)).unwrap()
}

fn normalized(certificate: &Certificate) -> String {
    certificate.pem().replace('\r', "")
}

/// PEM with LF line ends, 64 characters a line.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// ECPrivateKey (RFC 5915) with the curve's name and the public key, as openssl writes it.
fn sec1(pkcs8: &[u8], key: &KeyPair, size: usize, curve: &[u8]) -> Vec<u8> {
    // INTEGER 1, then the private key's OCTET STRING; the outer structure's version is 0, so this is found once.
    let start = pkcs8.windows(5).position(|window| window == [2, 1, 1, 4, size as u8]).unwrap() + 5;
    let private = der(0x04, &[&pkcs8[start..start + size]]);
    let curve = der(0xa0, &[&der(0x06, &[curve])]);
    let public = der(0xa1, &[&der(0x03, &[&[0], key.public_key_raw()])]);
    der(0x30, &[&[2, 1, 1], &private, &curve, &public])
}

pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).unwrap();
    let header = if length < 128 { vec![tag, length] } else { vec![tag, 0x81, length] };
    [header, content].concat()
}

/// PKCS#12 and JKS are not what certctl reads; only their first bytes are right.
pub(crate) fn dummy(magic: &[u8]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(std::iter::repeat_with(|| fastrand::u8(..)).take(900));
    bytes
}
