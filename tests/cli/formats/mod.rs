//! `certctl download` in every format: what is written, what stays, and what goes to a pipe.

mod keep;
mod passwords;
mod stdout;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

use serde_json::Value;

use super::{Certctl, snapshot};
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

const NAME: &str = "site.example";

/// One certificate at a cloud, and a directory to download it into.
struct Ground {
    sandbox: Sandbox,
    certificate: Certificate,
    directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let sandbox = Sandbox::start(Options::default());
        let certificate = sandbox.issue(Cloud::Tencent, Account::Empty, &[NAME], (-10, 80));
        Self { sandbox, certificate, directory: tempfile::tempdir().unwrap() }
    }

    /// `certctl download` of the domain.
    fn download(&self, args: &[&str]) -> Certctl {
        let command = Certctl::of(&self.sandbox, Account::Empty).args(["download", "-p", "tencent", NAME]);
        command.args(args).directory(self.directory.path())
    }

    /// The same, into the directory: its outcome.
    #[track_caller]
    fn comes_to(&self, outcome: &str, args: &[&str]) {
        let run = self.download(args).args(["-o", "json"]).run().exits(0);
        assert_eq!(run.json()["results"][0]["outcome"], outcome, "{args:?}: {}", run.stderr);
    }

    /// The cloud has a newer one.
    fn renew(&mut self) {
        self.certificate = self.sandbox.renew(Cloud::Tencent, Account::Empty, &self.certificate.id);
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn home(&self) -> PathBuf {
        self.path(NAME)
    }

    fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.home().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn mode(&self, file: &str) -> u32 {
        self.home().join(file).metadata().unwrap().mode() & 0o7777
    }

    /// The names in the certificate directory that are files of the version.
    fn files(&self) -> Vec<String> {
        let versions: Vec<_> = fs::read_dir(self.home().join("current/")).unwrap().collect();
        let mut names: Vec<_> =
            versions.into_iter().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn recorded(&self, file: &str) -> Value {
        let metadata: Value = serde_json::from_slice(&self.read("metadata.json")).unwrap();
        crate::schema::holds(&metadata);
        metadata["files"][file].clone()
    }

    /// Writes a file that only its owner can read.
    fn write(&self, file: &str, text: &str) -> String {
        let path = self.path(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    }

    /// All that a write in the certificate directory would change.
    fn snapshot(&self) -> Vec<(PathBuf, u64, u32, i64, i64, Vec<u8>)> {
        snapshot(&self.home())
    }
}

const PEM: [&str; 5] = ["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "privkey.pem"];

#[test]
fn every_format_has_its_files() {
    for (format, files) in [
        ("pem", &[][..]),
        ("combined", &["combined.pem"]),
        ("der", &["cert.der", "privkey.der"]),
        ("k8s-secret", &["secret.yaml"]),
        ("pkcs12", &["keystore.p12", "keystore.pass"]),
        ("pkcs12-legacy", &["keystore.p12", "keystore.pass"]),
        ("jks", &["keystore.jks", "keystore.pass"]),
        ("pem,jks,pkcs12,combined", &["combined.pem", "keystore.jks", "keystore.p12", "keystore.pass"]),
    ] {
        let ground = Ground::new();
        ground.comes_to("created", &["--format", format]);
        let mut wanted: Vec<_> = PEM.iter().chain(files).map(|&file| file.to_owned()).collect();
        wanted.sort();
        assert_eq!(ground.files(), wanted, "{format}");
        for file in wanted {
            let is_public = ["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "cert.der"];
            let mode = if is_public.contains(&file.as_str()) { 0o644 } else { 0o600 };
            assert_eq!(ground.mode(&file), mode, "{file}");
            let link = fs::read_link(ground.home().join(&file)).unwrap();
            assert_eq!(link, PathBuf::from("current").join(&file));
        }
        let before = ground.snapshot();
        ground.comes_to("unchanged", &["--format", format]);
        ground.comes_to("unchanged", &[]);
        assert_eq!(ground.snapshot(), before, "{format}");
    }
}

#[test]
fn one_kind_of_pkcs12_only() {
    let ground = Ground::new();
    let run = ground.download(&["--format", "pkcs12,pkcs12-legacy"]).run().exits(2);
    run.says(&["pkcs12", "pkcs12-legacy", "keystore.p12", "one of them"]);
    assert!(!ground.home().exists());
}

#[test]
fn no_such_format() {
    let ground = Ground::new();
    let run = ground.download(&["--format", "pkcs13"]).run().exits(2);
    assert!(run.stderr.contains("pkcs12-legacy") && run.stderr.contains("k8s-secret"), "{}", run.stderr);
}
