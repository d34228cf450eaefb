//! `certctl check`: what is damaged is found, and what is not is not.

mod connect;
mod damages;
mod dual;
mod outputs;
mod own;
mod plain;
mod signals;
mod sound;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;

use super::{Certctl, Run, snapshot};
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

const NAME: &str = "www.example.com";

/// A directory with a config, certificates and what else a test makes.
struct Ground {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        Self { sandbox: Sandbox::start(Options::default()), directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The certificate directory of that name.
    fn home(&self, name: &str) -> PathBuf {
        self.path("certs").join(name)
    }

    fn issue(&self, name: &str) -> Certificate {
        self.sandbox.issue(Cloud::Tencent, Account::Empty, &[name], (-30, 60))
    }

    fn certctl(&self, command: &str, args: &[&str]) -> Certctl {
        let environment = self.sandbox.environment_of(Account::Empty);
        let usual = ("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        let certctl =
            Certctl::with(environment).env(&usual.0, &usual.1).args([command]).directory(self.directory.path());
        let certctl = if self.path("certctl.toml").exists() {
            certctl.args(["-c"]).args([self.path("certctl.toml")])
        } else {
            certctl
        };
        certctl.args(args)
    }

    /// Downloads a new certificate of that name in these formats.
    fn download(&self, name: &str, formats: &str) -> Certificate {
        let certificate = self.issue(name);
        let args = ["-p", "tencent", &certificate.id, "-d", &self.text("certs"), "--name", name, "--format", formats];
        self.certctl("download", &args).run().exits(0);
        certificate
    }

    /// A config with these `[[certificates]]` tables.
    fn configure(&self, tables: &str) {
        let dir = ::toml::Value::from(self.text("certs")).to_string();
        let text = format!("dir = {dir}\n[accounts.tx]\nprovider = 'tencent'\n{tables}");
        fs::write(self.path("certctl.toml"), text).unwrap();
        set_mode(&self.path("certctl.toml"), 0o600);
    }

    fn check(&self, args: &[&str]) -> Run {
        self.certctl("check", args).run()
    }

    /// The codes of every problem in a JSON document, with how often each is there.
    #[track_caller]
    fn problems(&self, target: &str, code: i32) -> Vec<(String, String)> {
        let run = self.check(&[target, "-o", "json"]).exits(code);
        problems(&run.json())
    }
}

/// Code and message of every problem.
fn problems(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = document["results"].as_array().unwrap().iter();
    let found = rows.flat_map(|row| row["problems"].as_array().unwrap());
    found.map(|problem| (text(&problem["code"]), text(&problem["message"]))).collect()
}

fn codes(problems: &[(String, String)]) -> BTreeSet<&str> {
    problems.iter().map(|(code, _)| code.as_str()).collect()
}

/// A `[[certificates]]` table.
fn table(name: &str, more: &str) -> String {
    format!("[[certificates]]\nname = '{name}'\naccount = 'tx'\n{more}\n")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The same tree again, to the owner, mode and link.
fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

/// So many days from now, as rcgen has it.
macro_rules! day {
    ($days:expr) => {{
        let seconds = jiff::Timestamp::now().as_second() + $days * 86_400;
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds.try_into().unwrap())
    }};
}

/// An authority with an intermediate, and leaves of it.
struct Pki {
    root: Made,
    intermediate: Made,
}

struct Made {
    params: CertificateParams,
    key: KeyPair,
    pem: String,
}

impl Made {
    fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

impl Pki {
    fn new() -> Self {
        Self::of((-1000, 1000))
    }

    /// Valid from so many days from now until so many days from now.
    fn of(days: (i64, i64)) -> Self {
        let root = made(authority("Check Root", days), None);
        let intermediate = made(authority("Check Intermediate", days), Some(&root));
        Self { root, intermediate }
    }

    /// Valid from so many days from now until so many days from now.
    fn leaf(&self, name: &str, days: (i64, i64)) -> Made {
        self.leaf_with(KeyPair::generate().unwrap(), name, days)
    }

    fn leaf_with(&self, key: KeyPair, name: &str, days: (i64, i64)) -> Made {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (day!(days.0), day!(days.1));
        made_with(key, params, Some(&self.intermediate))
    }

    /// What a server sends.
    fn fullchain(&self, leaf: &Made) -> String {
        leaf.pem.clone() + &self.intermediate.pem
    }
}

fn authority(name: &str, days: (i64, i64)) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = Default::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (day!(days.0), day!(days.1));
    params
}

fn made(params: CertificateParams, issuer: Option<&Made>) -> Made {
    made_with(KeyPair::generate().unwrap(), params, issuer)
}

fn made_with(key: KeyPair, params: CertificateParams, issuer: Option<&Made>) -> Made {
    let certificate = match issuer {
        None => params.self_signed(&key),
        Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)),
    };
    let pem = certificate.unwrap().pem();
    Made { params, key, pem }
}
