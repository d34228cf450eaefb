//! The files in real hands: nginx serves them, OpenSSL shakes hands, keytool and bsdtar read.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Certctl;
use crate::sandbox::archive::{self, Kind};
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};
use crate::{daemon, oracle};

const PROVIDERS: [(&str, Cloud); 4] =
    [("jdcloud", Cloud::Jdcloud), ("tencent", Cloud::Tencent), ("huawei", Cloud::Huawei), ("ctyun", Cloud::Ctyun)];

/// One certificate of each kind of key, in each form that clouds hand out.
const KEYS: [&str; 6] = ["rsa 2048 pkcs1", "rsa 2048 pkcs8", "rsa 4096", "p256 sec1", "p384", "ed25519"];

#[test]
fn nginx_serves_every_kind_of_key_of_every_provider() {
    if !oracle::has("nginx") || !oracle::has("openssl") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let mut installed = Vec::new();
    for (provider, cloud) in PROVIDERS {
        let wanted: Vec<_> = KEYS.map(|key| sandbox.certificate(cloud, Account::Healthy, key)).into();
        download(&sandbox, provider, &wanted, directory.path(), &[]);
        installed.extend(wanted.into_iter().map(|certificate| certificate.domain));
    }
    let nginx = daemon::nginx(directory.path(), &installed, "fullchain.pem");
    let (root, address) = (sandbox.root_path().display().to_string(), format!("127.0.0.1:{}", nginx.port));
    let mut leaves = HashSet::new();
    for name in &installed {
        let words = ["s_client", "-connect", &address, "-servername", name, "-verify_hostname", name];
        let more = ["-verify_return_error", "-CAfile", &root, "-showcerts"];
        let said = oracle::run("openssl", &[words.as_slice(), &more].concat());
        assert!(said.contains("Verify return code: 0 (ok)"), "{name}: {said}");
        let fullchain = fs::read_to_string(directory.path().join(name).join("fullchain.pem")).unwrap();
        assert_eq!(blocks(&said), fullchain, "{name}");
        leaves.insert(fullchain);
    }
    assert_eq!(leaves.len(), PROVIDERS.len() * KEYS.len());
    eprintln!("{} handshakes", leaves.len());
}

#[test]
fn keytool_reads_the_chains() {
    if !oracle::has("keytool") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let wanted: Vec<_> = ["deep chain", "ed25519", "root issued"]
        .map(|label| sandbox.certificate(Cloud::Huawei, Account::Healthy, label))
        .into();
    download(&sandbox, "huawei", &wanted, directory.path(), &[]);
    for certificate in wanted {
        let file = directory.path().join(certificate.domain).join("fullchain.pem");
        let said = oracle::run("keytool", &["-printcert", "-file", &file.display().to_string()]);
        assert_eq!(said.matches("Owner: ").count(), 1 + certificate.issued.unwrap().chain.len(), "{said}");
    }
}

/// What another program unpacks is what certctl has written.
#[test]
fn bsdtar_unpacks_the_same_from_every_archive() {
    if !oracle::has("bsdtar") {
        return;
    }
    for kind in [Kind::Zip, Kind::Rar4, Kind::Rar5] {
        let sandbox = Sandbox::start(Options { huawei_v2_archive: kind, ..Options::default() });
        let directory = tempfile::tempdir().unwrap();
        let wanted: Vec<_> = KEYS.map(|key| sandbox.certificate(Cloud::Huawei, Account::Healthy, key)).into();
        download(&sandbox, "huawei", &wanted, directory.path(), &[("CERTCTL_HUAWEI_API", "v2")]);
        for certificate in wanted {
            let archive = archive::huawei(&certificate, &certificate.material().unwrap(), kind);
            let file = directory.path().join("archive");
            fs::write(&file, archive).unwrap();
            let unpacked = |member: &str| {
                let said = oracle::run("bsdtar", &["-xOf", &file.display().to_string(), member]);
                said.replace("\r\n", "\n").trim_end().to_owned() + "\n"
            };
            let written =
                |name: &str| fs::read_to_string(directory.path().join(&certificate.domain).join(name)).unwrap();
            assert_eq!(unpacked("*_Nginx/*_server.crt"), written("fullchain.pem"), "{kind:?} {}", certificate.label);
            assert_eq!(unpacked("*_Nginx/*_server.key"), written("privkey.pem"), "{kind:?} {}", certificate.label);
        }
    }
}

fn download(sandbox: &Sandbox, provider: &str, wanted: &[Certificate], dir: &Path, environment: &[(&str, &str)]) {
    let certctl = environment.iter().fold(Certctl::new(sandbox), |certctl, (name, value)| certctl.env(name, value));
    let certctl = certctl.args(["download", "-p", provider, "-o", "json", "-d"]).args([dir]);
    let run = certctl.args(wanted.iter().map(|certificate| &certificate.id)).run().exits(0).json();
    let names: Vec<_> = run["results"].as_array().unwrap().iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, wanted.iter().map(|certificate| &certificate.domain).collect::<Vec<_>>());
    assert!(run["results"].as_array().unwrap().iter().all(|row| row["error"] == Value::Null));
}

/// The PEM blocks in a text, as certctl writes them.
fn blocks(text: &str) -> String {
    const END: &str = "-----END CERTIFICATE-----";
    let block = |part: &str| part.find("-----BEGIN CERTIFICATE-----").map(|start| format!("{}{END}\n", &part[start..]));
    text.split(END).filter_map(block).collect()
}
