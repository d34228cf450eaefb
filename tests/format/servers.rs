//! The files in real hands: HAProxy serves combined.pem, nginx the PEM files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use certctl::served::{self, Roots, Target, Untrusted};
use jiff::Timestamp;

use crate::cli::Certctl;
use crate::daemon::{self, Daemon};
use crate::oracle;
use crate::sandbox::{Account, Cloud, Options, Sandbox};
use crate::served::certificates;

/// One certificate of each kind of key, and one with a long chain.
const LABELS: [&str; 7] =
    ["rsa 2048 pkcs1", "rsa 2048 pkcs8", "rsa 4096", "p256 sec1", "p384", "ed25519", "deep chain"];

/// Downloads one certificate of each label and returns their names.
fn download(sandbox: &Sandbox, dir: &Path, formats: &str) -> Vec<String> {
    let wanted = LABELS.map(|label| sandbox.certificate(Cloud::Huawei, Account::Healthy, label));
    let certctl = Certctl::new(sandbox).args(["download", "-p", "huawei", "--format", formats, "-d"]).args([dir]);
    certctl.args(wanted.iter().map(|certificate| &certificate.id)).run().exits(0);
    wanted.into_iter().map(|certificate| certificate.domain).collect()
}

fn served(port: u16, name: &str) -> Vec<Vec<u8>> {
    let timeout = Duration::from_secs(60);
    served::chain(&Target { host: "127.0.0.1", port, server_name: name, starttls: None, timeout }).unwrap()
}

fn pem(path: &Path) -> Vec<Vec<u8>> {
    certificates(&fs::read_to_string(path).unwrap())
}

fn roots(sandbox: &Sandbox) -> Roots {
    let roots = certificates(sandbox.root_pem());
    Roots::of(roots.iter().map(Vec::as_slice))
}

#[test]
fn haproxy_serves_the_combined_file() {
    if !oracle::has("haproxy") || !oracle::has("openssl") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let dir = tempfile::tempdir().unwrap();
    let names = download(&sandbox, dir.path(), "combined");
    let haproxy = Daemon::start("haproxy", |port, scratch| {
        let mut text = format!(
            "global\ndefaults\nmode http\ntimeout connect 60s\ntimeout client 60s\ntimeout server 60s\n\
             frontend tls\nhttp-request return status 204\nbind 127.0.0.1:{port} ssl"
        );
        for name in &names {
            write!(text, " crt {}", dir.path().join(name).join("combined.pem").display()).unwrap();
        }
        let config = scratch.join("haproxy.cfg");
        fs::write(&config, text + "\n").unwrap();
        vec!["-db".to_owned(), "-f".to_owned(), config.display().to_string()]
    });
    let (root, address) = (sandbox.root_path().display().to_string(), format!("127.0.0.1:{}", haproxy.port));
    for name in &names {
        let chain = served(haproxy.port, name);
        assert_eq!(chain, pem(&dir.path().join(name).join("fullchain.pem")), "{name}");
        assert_eq!(roots(&sandbox).verify(&chain, Some(name), Timestamp::now()), Ok(()), "{name}");
        let words = ["s_client", "-connect", &address, "-servername", name, "-verify_hostname", name];
        let said = oracle::run("openssl", &[words.as_slice(), &["-verify_return_error", "-CAfile", &root]].concat());
        assert!(said.contains("Verify return code: 0 (ok)"), "{name}: {said}");
    }
}

#[test]
fn nginx_serves_the_whole_chain_or_what_it_is_given() {
    if !oracle::has("nginx") {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let dir = tempfile::tempdir().unwrap();
    let names = download(&sandbox, dir.path(), "pem");
    // A mistake that people make: the leaf alone.
    for (file, is_whole) in [("fullchain.pem", true), ("cert.pem", false)] {
        let nginx = daemon::nginx(dir.path(), &names, file);
        for name in &names {
            let chain = served(nginx.port, name);
            assert_eq!(chain, pem(&dir.path().join(name).join(file)), "{name}");
            let verdict = roots(&sandbox).verify(&chain, Some(name), Timestamp::now());
            assert_eq!(verdict, if is_whole { Ok(()) } else { Err(Untrusted::UnknownIssuer) }, "{name}");
        }
    }
}
