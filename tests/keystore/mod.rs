//! Key stores and encrypted keys: what other software writes is opened, and what is written here opens elsewhere.

mod crafted;
mod damage;
mod java;
mod keys;
mod openssl;
mod stable;

use std::path::Path;

use certctl::keystore::{Entry, Opened};
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};

use crate::oracle;

/// Where the tests' own keys are.
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

/// When all that is made here was made.
const CREATED: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);

/// Makes openssl write its `-out`; the arguments are separated by blanks, `@` stands for `directory`.
fn openssl(directory: &Path, arguments: &str) -> String {
    let at = directory.display().to_string();
    let arguments: Vec<_> = arguments.split_whitespace().map(|argument| argument.replace('@', &at)).collect();
    oracle::run("openssl", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Some DER, its content in pieces.
fn tlv(tag: u8, pieces: &[&[u8]]) -> Vec<u8> {
    let content = pieces.concat();
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|&&digit| digit == 0).count()..];
    match content.len() {
        length @ 0..=0x7f => [&[tag, length.try_into().unwrap()], content.as_slice()].concat(),
        _ => [&[tag, 0x80 | u8::try_from(digits.len()).unwrap()], digits, &content].concat(),
    }
}

/// A key with its chain.
struct Owner {
    key: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Owner {
    /// With a leaf and so many intermediates.
    fn new(key: &KeyPair, intermediates: usize) -> Self {
        let params = |name: String| {
            let mut params = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let mut chain = Vec::new();
        let mut issuer = Issuer::new(params("root".to_owned()), KeyPair::generate().unwrap());
        for number in 0..intermediates {
            let mut ca = params(format!("intermediate {number}"));
            ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().unwrap();
            chain.push(ca.signed_by(&key, &issuer).unwrap().der().to_vec());
            issuer = Issuer::new(ca, key);
        }
        chain.push(params("leaf".to_owned()).signed_by(key, &issuer).unwrap().der().to_vec());
        chain.reverse();
        Self { key: key.serialize_der(), chain }
    }

    fn ec() -> Self {
        Self::new(&KeyPair::generate().unwrap(), 2)
    }

    fn rsa() -> Self {
        let pem = std::fs::read_to_string(format!("{KEYS}/rsa-2048.pem")).unwrap();
        Self::new(&KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).unwrap(), 2)
    }

    /// Calls `with` with everything as an entry.
    fn entry<T>(&self, alias: &str, with: impl FnOnce(&Entry<'_>) -> T) -> T {
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        with(&Entry { alias, key: &self.key, chain: &chain, created: CREATED })
    }

    /// The key as every software reads it. That of Ed25519 comes in the second version of PKCS#8, with its public half
    /// behind the 32 bytes of the private one; the first ends there.
    fn plain_key(&self) -> Vec<u8> {
        match self.key.as_slice() {
            [0x30, 0x51, 0x02, 0x01, 0x01, rest @ ..] => [&[0x30, 0x2e, 0x02, 0x01, 0x00], &rest[..43]].concat(),
            key => key.to_vec(),
        }
    }

    /// Exactly this, whatever it is called.
    fn is_in(&self, opened: &Opened) -> bool {
        let mut keys = opened.keys.iter().map(|key| key.der.as_slice());
        keys.next() == Some(&self.plain_key()) && keys.next().is_none() && opened.certificates == self.chain
    }
}
