//! The vectors that Python's cryptography is tested with, a package of their own: certificates, keys, key stores and
//! messages, good ones and bad ones. Each gives a clean answer; and of what both can open, both get the same key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use certctl::bundle::audit::PemFile;
use certctl::bundle::{Certificate, Material, PrivateKey};
use certctl::keystore::{Budget, Kind, open_key};
use secrecy::SecretString;
use serde_json::Value;

use super::targets::judge::{assemble, message};
use super::targets::{chains, keys};
use crate::oracle;
use crate::proof::held;

/// The passwords that the vectors' own tests use.
const PASSWORDS: [&str; 12] = [
    "password",
    "cryptography",
    "foobar",
    "baz",
    "a123456",
    "123456",
    "1234",
    "foo",
    "asdf",
    "Red Hat Enterprise Linux 7.4",
    "!",
    "tést",
];

/// What is no material: programs, and numbers to be signed, as text.
const OTHERS: [&str; 5] = ["py", "pyc", "txt", "rsp", "md"];

/// Opens each of these files with each password by Python's cryptography; prints the private keys, PKCS#8 in hex.
const PEER: &str = r#"
import json, sys, warnings
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.serialization import pkcs12
warnings.simplefilter("ignore")
files, passwords = json.load(sys.stdin)
found = {}
for path in files:
    data = open(path, "rb").read()
    loads = [s.load_pem_private_key] if b"-----BEGIN" in data else [s.load_der_private_key]
    if path.endswith(".p12"):
        loads = [pkcs12.load_key_and_certificates]
    for load, password in ((load, password) for load in loads for password in [None, *passwords]):
        try:
            key = load(data, password and password.encode())
            key = key[0] if isinstance(key, tuple) else key
            der = key.private_bytes(s.Encoding.DER, s.PrivateFormat.PKCS8, s.NoEncryption())
            found[path] = {"password": password, "key": der.hex()}
            break
        except Exception:
            pass
json.dump(found, sys.stdout)
"#;

fn python() -> String {
    std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into())
}

/// Where the vectors are; None where they are not.
fn vectors() -> Option<PathBuf> {
    let where_at = "import cryptography, cryptography_vectors; print(list(cryptography_vectors.__path__)[0])";
    let output = Command::new(python()).args(["-c", where_at]).output().ok().filter(|output| output.status.success());
    oracle::is_there(output.is_some(), "Python's cryptography_vectors");
    Some(PathBuf::from(String::from_utf8(output?.stdout).unwrap().trim()))
}

fn files(at: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_none_or(|ending| !OTHERS.iter().any(|other| ending == *other)) {
            found.push(path);
        }
    }
    found.sort();
}

/// Those of the rooms that hold what a cloud might send.
fn relevant() -> Option<Vec<PathBuf>> {
    let at = vectors()?;
    let mut found = Vec::new();
    for room in ["asymmetric", "pkcs12", "pkcs7", "x509"] {
        files(&at.join(room), &mut found);
    }
    Some(found)
}

#[test]
fn every_file_gives_a_clean_answer() {
    let Some(files) = relevant() else { return };
    let passwords = PASSWORDS.map(SecretString::from);
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let _ = assemble(&Material::default().with(name, bytes.clone()), &passwords);
        chains::audit(&bytes);
        keys::key(&bytes);
        let text = PemFile::read("file", &bytes);
        for (certificate, key) in text.certificates.iter().zip(&text.keys) {
            let _ = key.matches(certificate).map_err(|error| message(&error));
        }
        for kind in [Kind::Pkcs12, Kind::Jks] {
            let _ = kind.open(&bytes, "password", &mut Budget::default()).map_err(|error| message(&error));
        }
        let _ = open_key(&bytes, "password", &mut Budget::default()).map_err(|error| message(&error));
        let _ = Certificate::parse(&bytes);
    }
    held("material::vectors::every_file_gives_a_clean_answer", files.len());
}

/// What Python's cryptography gets out of a key store or an encrypted key, and certctl does not, on purpose.
fn is_not_promised(why: &str) -> bool {
    // Old or rare ciphers and hashes, each named; and keys that no server's certificate has.
    why.contains("certctl does not support") || why.contains("unsupported key algorithm")
}

#[test]
fn what_both_open_is_the_same_key() {
    let Some(files) = relevant() else { return };
    let is_sealed = |path: &&PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        path.extension().is_some_and(|ending| ending == "p12") || String::from_utf8_lossy(&bytes).contains("ENCRYPTED")
    };
    // Four hundred of them differ in their certificates alone.
    let is_alike = |path: &Path| path.to_string_lossy().contains("PKITS_data/pkcs12");
    let (alike, others): (Vec<_>, Vec<_>) = files.iter().filter(is_sealed).partition(|path| is_alike(path));
    let files: Vec<&PathBuf> = others.into_iter().chain(alike.into_iter().step_by(20)).collect();
    let found = asked(&files);
    let (mut opened, mut passed_over) = (0, Vec::new());
    for (path, theirs) in &found {
        let bytes = std::fs::read(path).unwrap();
        let password = theirs["password"].as_str();
        match keys_in(&bytes, password) {
            Ok(keys) => {
                assert!(keys.iter().any(|key| is_same(key, theirs["key"].as_str().unwrap())), "{path}: another key");
                opened += 1;
            }
            Err(why) if is_not_promised(&why) => passed_over.push(format!("{path}: {why}")),
            Err(why) => panic!("{path} with {password:?}: {why}"),
        }
    }
    passed_over.iter().for_each(|line| eprintln!("{line}"));
    held("material::vectors::what_both_open_is_the_same_key", opened);
}

fn asked(files: &[&PathBuf]) -> BTreeMap<String, Value> {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child =
        Command::new(python()).args(["-c", PEER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&(files, PASSWORDS)).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The private keys that certctl finds. Without a certificate a bundle is none, so the rooms below are asked.
fn keys_in(bytes: &[u8], password: Option<&str>) -> Result<Vec<PrivateKey>, String> {
    let text = PemFile::read("file", bytes);
    if !text.keys.is_empty() {
        return Ok(text.keys);
    }
    let word = password.unwrap_or_default();
    if let Some(kind) = Kind::of(bytes) {
        let opened = kind.open(bytes, word, &mut Budget::default()).map_err(|error| error.to_string())?;
        return Ok(opened.keys.iter().filter_map(|key| PrivateKey::of_der(&key.der)).collect());
    }
    if let Some(key) = PrivateKey::of_der(bytes) {
        return Ok(vec![key]);
    }
    let body = der_of(bytes).unwrap_or_else(|| bytes.to_vec());
    if String::from_utf8_lossy(bytes).contains("DEK-Info:") {
        return legacy(bytes, word);
    }
    let der = open_key(&body, word, &mut Budget::default()).map_err(|error| error.to_string())?;
    PrivateKey::of_der(&der).map(|key| vec![key]).ok_or_else(|| "what is in it is no key".to_owned())
}

fn legacy(bytes: &[u8], password: &str) -> Result<Vec<PrivateKey>, String> {
    let text = String::from_utf8_lossy(bytes);
    let dek_info = text.lines().find_map(|line| line.strip_prefix("DEK-Info: ")).unwrap();
    let body: String =
        text.lines().skip_while(|line| !line.is_empty()).filter(|line| !line.starts_with("-----")).collect();
    let body = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body.trim()).unwrap();
    let opened = certctl::keystore::open_legacy_key(dek_info, &body, password, &mut Budget::default());
    let der = opened.map_err(|error| error.to_string())?;
    PrivateKey::of_der(&der).map(|key| vec![key]).ok_or_else(|| "unsupported key algorithm".to_owned())
}

/// The DER of the first block.
fn der_of(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.split_once("-----BEGIN ")?.1.split_once("-----\n")?.1.split_once("-----END")?.0;
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body.replace(['\n', '\r'], "")).ok()
}

/// Whether it is this key, whatever form it came in: the same PKCS#8, or the same numbers in it.
fn is_same(key: &PrivateKey, theirs: &str) -> bool {
    let theirs: Vec<u8> =
        (0..theirs.len() / 2).map(|at| u8::from_str_radix(&theirs[2 * at..2 * at + 2], 16).unwrap()).collect();
    if key.to_pkcs8().as_slice() == theirs {
        return true;
    }
    // A key of an elliptic curve may or may not have its public half beside it, and its curve.
    let octets = |der: &[u8]| PrivateKey::of_der(der).map(|key| (key.algorithm(), secret(&key.to_pkcs8())));
    octets(key.der()).is_some_and(|ours| octets(&theirs) == Some(ours))
}

/// The scalar of an elliptic curve key in PKCS#8, without leading zeros; of others, all of the inner key.
fn secret(pkcs8: &[u8]) -> Vec<u8> {
    use crate::bundle::pki::fields;
    let inner = fields(&fields(pkcs8)[0].1)[2].1.clone();
    match fields(&inner).first() {
        Some((0x30, content)) if matches!(fields(content).get(1), Some((4, _))) => {
            fields(content)[1].1.iter().copied().skip_while(|digit| *digit == 0).collect()
        }
        _ => inner,
    }
}
