//! Random keys and chains, in every format, read back by another implementation: Python's cryptography and pyjks.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use certctl::bundle::{Bundle, Material, Requirements};
use certctl::digest::hex;
use certctl::format::{self, Format, Kubernetes, Password, Recipe};
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
use serde_json::json;

use super::bytes;
use crate::oracle;

const CASES: usize = 24;
/// What `openssl genpkey` is told.
const KEYS: &[&str] = &[
    "RSA -pkeyopt rsa_keygen_bits:2048",
    "RSA -pkeyopt rsa_keygen_bits:3072",
    "EC -pkeyopt ec_paramgen_curve:P-256",
    "EC -pkeyopt ec_paramgen_curve:P-384",
    "ED25519",
];
/// Characters of aliases and passwords. No control characters, which a line of a file cannot hold, and none beyond
/// U+FFFF, which neither of the two readers takes in a name (Java does).
const CHARACTERS: &str = "abcXYZ0189 ~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}äßłЖ密码";

/// One key and chain with what they are to be written as.
#[derive(Debug)]
struct Case {
    algorithm: &'static str,
    /// Whether the key comes as PKCS#1 or SEC1, where its algorithm has such a form.
    is_traditional: bool,
    intermediates: usize,
    alias: String,
    password: String,
}

impl Case {
    fn random(random: &mut fastrand::Rng) -> Self {
        let characters: Vec<char> = CHARACTERS.chars().collect();
        let mut text = |most| (0..random.usize(1..=most)).map(|_| *random.choice(&characters).unwrap()).collect();
        let (alias, password) = (text(40), text(100));
        Self {
            algorithm: random.choice(KEYS).unwrap(),
            is_traditional: random.bool(),
            intermediates: random.usize(0..=3),
            alias,
            password,
        }
    }

    /// The key in PKCS#8, and in the form of this case.
    fn key(&self) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem").display().to_string();
        let mut arguments = vec!["genpkey", "-out", &path, "-algorithm"];
        arguments.extend(self.algorithm.split(' '));
        oracle::run("openssl", &arguments);
        let plain = fs::read_to_string(&path).unwrap();
        let given = match self.is_traditional && self.algorithm != "ED25519" {
            true => oracle::run("openssl", &["pkey", "-traditional", "-in", &path]),
            false => plain.clone(),
        };
        (plain, given)
    }

    /// Leaf first; and the root.
    fn chain(&self, plain_key: &str) -> (Vec<rcgen::Certificate>, rcgen::Certificate) {
        let params = |name: &str| {
            let mut params = CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.use_authority_key_identifier_extension = true;
            params
        };
        let ca = |name: &str| {
            let mut params = params(name);
            params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params
        };
        let mut chain = Vec::new();
        let root_key = KeyPair::generate().unwrap();
        let root = ca("root").self_signed(&root_key).unwrap();
        let mut issuer = Issuer::new(ca("root"), root_key);
        for number in 0..self.intermediates {
            let (params, key) = (ca(&format!("intermediate {number}")), KeyPair::generate().unwrap());
            chain.push(params.signed_by(&key, &issuer).unwrap());
            issuer = Issuer::new(params, key);
        }
        let key = match self.algorithm.starts_with("RSA") {
            true => KeyPair::from_pem_and_sign_algo(plain_key, &PKCS_RSA_SHA256),
            false => KeyPair::from_pem(plain_key),
        };
        chain.push(params("leaf").signed_by(&key.unwrap(), &issuer).unwrap());
        chain.reverse();
        (chain, root)
    }

    fn recipe(&self, formats: &[Format]) -> Recipe {
        Recipe {
            formats: formats.to_vec(),
            alias: self.alias.clone(),
            password: Some(Password::Own(self.password.clone().into())),
            kubernetes: Kubernetes { name: "www.example.com".to_owned(), namespace: None },
            ..Recipe::default()
        }
    }

    /// Writes every format to a directory, and says what should be found there.
    fn write(&self, directory: &Path) -> serde_json::Value {
        let (plain, given) = self.key();
        let (chain, root) = self.chain(&plain);
        // Without it a leaf that the root itself issued would be taken for one whose intermediate is missing.
        let mut material = Material::default().with("key", given.as_bytes()).with("root", root.pem().as_bytes());
        for (number, certificate) in chain.iter().enumerate() {
            material = material.with(format!("certificate {number}"), certificate.pem().as_bytes());
        }
        let requirements = Requirements { now: Timestamp::now(), domains: &[], passwords: &[] };
        let bundle = Bundle::assemble(&material, &requirements).unwrap();
        let old = format::files(&bundle, &self.recipe(&[Format::Pkcs12Legacy])).unwrap();
        fs::create_dir(directory).unwrap();
        fs::write(directory.join("legacy.p12"), bytes(&old, "keystore.p12")).unwrap();
        let others = Format::ALL.map(|format| if format == Format::Pkcs12Legacy { Format::Pem } else { format });
        for file in format::files(&bundle, &self.recipe(&others)).unwrap() {
            fs::write(directory.join(file.name), &file.bytes).unwrap();
        }
        let chain: Vec<_> = chain.iter().map(|certificate| hex(certificate.der())).collect();
        let (alias, password) = (&self.alias, &self.password);
        json!({ "directory": directory, "alias": alias, "password": password, "key": given, "chain": chain })
    }
}

#[test]
fn every_format_reads_back() {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import cryptography, jks"]).output();
    if !oracle::has("openssl")
        || !oracle::is_there(found.is_ok_and(|output| output.status.success()), "Python's cryptography and pyjks")
    {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::new();
    let cases: Vec<_> = (0..CASES).map(|_| Case::random(&mut random)).collect();
    let written: Vec<_> =
        cases.iter().enumerate().map(|(number, case)| case.write(&dir.path().join(number.to_string()))).collect();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format/read_back.py");
    let mut python = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // All of it is read before anything is printed.
    python.stdin.take().unwrap().write_all(&serde_json::to_vec(&written).unwrap()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let complaints: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(complaints.is_empty(), "{complaints:#?}\n{cases:#?}");
}
