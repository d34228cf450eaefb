//! OpenSSL on the sandbox's certificates and keys.

use std::fs;
use std::process::{Command, Stdio};

use x509_parser::extensions::GeneralName;

use super::program;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

#[test]
fn openssl_accepts_every_chain_and_key() {
    if !program("openssl") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    assert!(sandbox.root_pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let root = sandbox.root_path().display().to_string();
    let mut seen = 0;
    for certificate in sandbox.certificates(Cloud::Jdcloud, Account::Healthy) {
        let Some(material) = certificate.material().filter(|_| certificate.in_date()) else { continue };
        fs::write(path("leaf.pem"), &material.leaf).unwrap();
        fs::write(path("chain.pem"), material.chain_pem()).unwrap();
        fs::write(path("key.pem"), material.key.unwrap()).unwrap();
        openssl(&["verify", "-CAfile", &root, "-untrusted", &path("chain.pem"), &path("leaf.pem")]);
        let public = openssl(&["x509", "-noout", "-pubkey", "-in", &path("leaf.pem")]);
        assert_eq!(public, openssl(&["pkey", "-pubout", "-in", &path("key.pem")]), "{}", certificate.label);
        seen += 1;
    }
    assert!(seen > 40, "{seen} certificates");
}

#[test]
fn evil_names_are_in_the_certificates() {
    let sandbox = Sandbox::start(Options::default());
    let names = |pem: &str| {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
        let [GeneralName::DNSName(name)] = names[..] else { panic!("{names:?}") };
        name.to_owned()
    };
    for cloud in Cloud::ALL {
        let evil = sandbox.certificates(cloud, Account::Troubled);
        let evil: Vec<_> = evil.iter().filter(|certificate| certificate.label == "evil name").collect();
        assert!(evil.iter().any(|certificate| certificate.names == ["../../etc/x"]), "{cloud:?}");
        for certificate in evil {
            assert_eq!([names(&certificate.material().unwrap().leaf)], certificate.names[..], "{cloud:?}");
        }
    }
}

#[test]
fn tls_is_signed_by_the_same_root() {
    if !program("curl") {
        return;
    }
    let sandbox = Sandbox::start(Options { tls: true, ..Options::default() });
    let curl = |more: &[&str]| {
        let url = sandbox.url(Cloud::Huawei);
        let command = &mut Command::new("curl");
        command.args(["--silent", "--noproxy", "*", "--write-out", "%{http_code}", "--output", "/dev/null", &url]);
        String::from_utf8(command.args(more).output().unwrap().stdout).unwrap()
    };
    assert_eq!(curl(&["--cacert", &sandbox.root_path().display().to_string()]), "401");
    assert_eq!(curl(&[]), "000", "nobody else trusts it");
}
