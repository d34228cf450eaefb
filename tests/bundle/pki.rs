//! A certificate authority in memory, and private keys in every form.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, PublicKeyData, SignatureAlgorithm, date_time_ymd,
};

/// What a certificate should be like.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) params: CertificateParams,
}

impl Wish {
    /// An end-entity certificate; its first domain is its common name.
    pub(crate) fn leaf(domains: &[&str]) -> Self {
        let domains: Vec<String> = domains.iter().map(|&domain| domain.to_owned()).collect();
        let mut wish = Self { params: CertificateParams::new(domains.clone()).unwrap() }.days(-1, 90);
        wish.params.distinguished_name = Default::default();
        wish.params.distinguished_name.push(DnType::CommonName, domains.first().map_or("nameless", String::as_str));
        wish
    }

    /// A CA certificate.
    pub(crate) fn ca(name: &str) -> Self {
        let mut wish = Self { params: CertificateParams::default() }.days(-100, 1000);
        wish.params.distinguished_name = Default::default();
        wish.params.distinguished_name.push(DnType::CommonName, name);
        wish.params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        wish
    }

    pub(crate) fn path_length(mut self, most: u8) -> Self {
        self.params.is_ca = IsCa::Ca(BasicConstraints::Constrained(most));
        self
    }

    pub(crate) fn not_a_ca(mut self) -> Self {
        self.params.is_ca = IsCa::ExplicitNoCa;
        self
    }

    /// Valid from so many days from now until so many days from now.
    pub(crate) fn days(mut self, from: i64, until: i64) -> Self {
        let day = |days: i64| {
            let seconds = jiff::Timestamp::now().as_second() + days * 86_400;
            date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap())
        };
        (self.params.not_before, self.params.not_after) = (day(from), day(until));
        self
    }
}

/// A certificate with its key.
pub(crate) struct Node {
    pub(crate) key: KeyPair,
    pub(crate) der: Vec<u8>,
    params: CertificateParams,
}

impl Node {
    pub(crate) fn root(name: &str) -> Self {
        Self::self_signed(Wish::ca(name), KeyPair::generate().unwrap())
    }

    pub(crate) fn self_signed(wish: Wish, key: KeyPair) -> Self {
        let der = wish.params.self_signed(&key).unwrap().der().to_vec();
        Self { key, der, params: wish.params }
    }

    /// A certificate with a new P-256 key, signed by this one.
    pub(crate) fn issue(&self, wish: Wish) -> Self {
        self.issue_for(wish, KeyPair::generate().unwrap())
    }

    pub(crate) fn issue_for(&self, mut wish: Wish, key: KeyPair) -> Self {
        wish.params.use_authority_key_identifier_extension = true;
        let der = self.sign(&wish, &key);
        Self { key, der, params: wish.params }
    }

    /// The DER of a certificate for a key of which only the public half is at hand.
    pub(crate) fn sign(&self, wish: &Wish, key: &impl PublicKeyData) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        wish.params.signed_by(key, &issuer).unwrap().der().to_vec()
    }

    /// The same name and key, certified by another CA.
    pub(crate) fn cross_signed_by(&self, other: &Self, wish: &Wish) -> Vec<u8> {
        assert_eq!(wish.params.distinguished_name, self.params.distinguished_name);
        other.sign(wish, &self.key)
    }

    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    /// The key as PKCS#8 PEM.
    pub(crate) fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.serialized_der())
    }
}

/// A root, an intermediate and a leaf for `www.example.com`, P-256 all.
pub(crate) struct Pki {
    pub(crate) root: Node,
    pub(crate) intermediate: Node,
    pub(crate) leaf: Node,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root = Node::root("Root");
        let intermediate = root.issue(Wish::ca("Intermediate"));
        let leaf = intermediate.issue(Wish::leaf(&["www.example.com", "example.com"]));
        Self { root, intermediate, leaf }
    }

    /// What a cloud sends: leaf and intermediate in one text.
    pub(crate) fn fullchain(&self) -> String {
        self.leaf.pem() + &self.intermediate.pem()
    }

    /// A leaf of the intermediate for another key.
    pub(crate) fn leaf_for(&self, key: &impl PublicKeyData) -> Vec<u8> {
        self.intermediate.sign(&Wish::leaf(&["www.example.com"]), key)
    }
}

/// The public half of an RSA key of any size.
pub(crate) struct RsaPublic {
    der: Vec<u8>,
}

impl PublicKeyData for RsaPublic {
    fn der_bytes(&self) -> &[u8] {
        &self.der
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// A fixture of tests/keys, PKCS#8, with its public half.
pub(crate) fn rsa(name: &str) -> (Vec<u8>, RsaPublic) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let pkcs8 = STANDARD.decode(body).unwrap();
    let numbers = fields(&fields(&rsa_pkcs1(&pkcs8))[0].1);
    let der = tlv(0x30, &[&tlv(0x02, &[&numbers[1].1]), &tlv(0x02, &[&numbers[2].1])]);
    (pkcs8, RsaPublic { der })
}

/// The PKCS#1 key inside a PKCS#8 one.
pub(crate) fn rsa_pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    fields(&fields(pkcs8)[0].1)[2].1.clone()
}

/// The parts of an elliptic curve key from ring's PKCS#8: scalar and point.
pub(crate) fn ec_parts(pkcs8: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let sec1 = fields(&fields(&fields(&fields(pkcs8)[0].1)[2].1)[0].1);
    let point = fields(&sec1.last().unwrap().1)[0].1[1..].to_vec();
    (sec1[1].1.clone(), point)
}

pub(crate) const OID_P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const OID_P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// A SEC1 key with or without its optional fields.
pub(crate) fn sec1(scalar: &[u8], curve: Option<&[u8]>, point: Option<&[u8]>) -> Vec<u8> {
    let curve = curve.map(|oid| tlv(0xa0, &[&tlv(0x06, &[oid])])).unwrap_or_default();
    let point = point.map(|point| tlv(0xa1, &[&tlv(0x03, &[&[0], point])])).unwrap_or_default();
    tlv(0x30, &[&[2, 1, 1], &tlv(0x04, &[scalar]), &curve, &point])
}

/// A PKCS#8 key around an inner one.
pub(crate) fn pkcs8(algorithm: &[&[u8]], inner: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, 0], &tlv(0x30, algorithm), &tlv(0x04, &[inner])])
}

pub(crate) fn tlv(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = content.len().to_be_bytes();
    let mut out = vec![tag];
    if content.len() < 128 {
        out.push(content.len() as u8);
    } else {
        let digits: Vec<u8> = length.into_iter().skip_while(|&digit| digit == 0).collect();
        out.push(0x80 | digits.len() as u8);
        out.extend(digits);
    }
    out.extend(content);
    out
}

/// Tags and contents of the values in `der`.
pub(crate) fn fields(mut der: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut out = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let digits = if first & 0x80 == 0 { 0 } else { usize::from(first & 0x7f) };
        let length = match digits {
            0 => usize::from(*first),
            _ => rest[..digits].iter().fold(0, |length, &digit| length << 8 | usize::from(digit)),
        };
        out.push((*tag, rest[digits..digits + length].to_vec()));
        der = &rest[digits + length..];
    }
    out
}

/// A PEM block written independently of the code under test.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub(crate) fn key_pair(algorithm: &str) -> KeyPair {
    let algorithm = match algorithm {
        "EC P-256" => &PKCS_ECDSA_P256_SHA256,
        "EC P-384" => &PKCS_ECDSA_P384_SHA384,
        "Ed25519" => &PKCS_ED25519,
        other => panic!("no generator for {other}"),
    };
    KeyPair::generate_for(algorithm).unwrap()
}

/// Without subject key identifier, so that only names tell certificates apart.
pub(crate) fn without_key_identifier(mut wish: Wish) -> Wish {
    wish.params.key_identifier_method = KeyIdMethod::PreSpecified(Vec::new());
    wish
}
