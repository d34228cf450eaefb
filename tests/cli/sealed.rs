//! Keys and key stores under a password, from the cloud to the disk: whose password opens them, and what is said and
//! left where none does.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Certctl, Run, snapshot};
use crate::oracle;
use crate::sandbox::sealed::PASSWORD;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// With a password in each of its secrets.
const WRONG: &str = "wr0ngwr0ngwr0ng";

/// The clouds, their certificates under a password, and a directory.
struct Scene {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
}

impl Scene {
    /// `None` where a tool is missing that makes such material.
    fn new() -> Option<Self> {
        let is_there = oracle::has("openssl") && oracle::has("keytool");
        is_there.then(|| Self { sandbox: Sandbox::start(Options::default()), directory: tempfile::tempdir().unwrap() })
    }

    fn held(&self, cloud: Cloud, label: &str) -> Certificate {
        self.sandbox.certificate(cloud, Account::Sealed, label)
    }

    fn certs(&self) -> PathBuf {
        self.directory.path().join("certs")
    }

    fn path_of(&self, certificate: &Certificate) -> PathBuf {
        self.certs().join(&certificate.domain)
    }

    fn secret(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    }

    fn certctl(&self) -> Certctl {
        Certctl::of(&self.sandbox, Account::Sealed)
            .env("CERTCTL_HUAWEI_API", "v2")
            .env("RIGHT", PASSWORD)
            .env("WRONG", WRONG)
    }

    fn download(&self, provider: &str, what: &str, more: &[&str]) -> Run {
        let certctl = self.certctl().args(["download", "-p", provider, "-o", "json", "-d"]).args([self.certs()]);
        certctl.args(more).args(["--", what]).run()
    }

    /// What is on disk is this certificate with its key, and nothing of it is encrypted.
    fn is_installed(&self, certificate: &Certificate) {
        let directory = self.path_of(certificate);
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
        let issued = certificate.issued.as_ref().unwrap();
        assert_eq!(read("cert.pem"), issued.leaf, "{}", certificate.label);
        assert!(!read("privkey.pem").contains("ENCRYPTED"), "{}", certificate.label);
        assert_eq!(fs::metadata(directory.join("privkey.pem")).unwrap().permissions().mode() & 0o777, 0o600);
        oracle::verifies(&directory, &self.sandbox.root_path());
        let given = directory.parent().unwrap().join("given.pem");
        fs::write(&given, &issued.key).unwrap();
        let public = |file: &Path| oracle::run("openssl", &["pkey", "-in", &file.display().to_string(), "-pubout"]);
        assert_eq!(public(&directory.join("privkey.pem")), public(&given), "{}", certificate.label);
        fs::remove_file(given).unwrap();
    }
}

/// No password is in what a run says.
fn is_silent(run: Run) -> Run {
    for secret in [PASSWORD, WRONG] {
        assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{}{}", run.stdout, run.stderr);
    }
    run
}

const CLOUDS: [(&str, Cloud, bool); 4] = [
    ("jdcloud", Cloud::Jdcloud, true),
    ("tencent", Cloud::Tencent, true),
    ("huawei", Cloud::Huawei, true),
    // Its replies have no place for a password, nor for a key store.
    ("ctyun", Cloud::Ctyun, false),
];

#[test]
fn what_the_cloud_tells_opens_it() {
    let Some(scene) = Scene::new() else { return };
    for (provider, cloud, tells) in CLOUDS.into_iter().filter(|(.., tells)| *tells) {
        assert!(tells);
        for label in ["plain", "pkcs8", "traditional", "pfx", "jks"] {
            let certificate = scene.held(cloud, label);
            is_silent(scene.download(provider, &certificate.id, &["-v", "-v"])).exits(0);
            scene.is_installed(&certificate);
            // A wrong password of the user's does not matter then.
            let run = scene.download(provider, &certificate.id, &["--key-password-env", "WRONG"]).exits(0);
            assert_eq!(run.json()["results"][0]["outcome"], "unchanged", "{provider} {label}");
        }
    }
}

#[test]
fn what_the_user_gives_opens_it() {
    let Some(scene) = Scene::new() else { return };
    let file = scene.secret("password", &format!("{PASSWORD}\n"), 0o600);
    for (provider, cloud, has_stores) in CLOUDS {
        let mut labels = vec!["pkcs8 untold", "traditional untold"];
        labels.extend(has_stores.then_some(["pfx untold", "jks untold"]).into_iter().flatten());
        for (n, label) in labels.into_iter().enumerate() {
            let certificate = scene.held(cloud, label);
            let what = if n > 1 { "key store" } else { "private key" };
            for (more, said) in [
                (&[][..], "is under a password, and none is known"),
                (&["--key-password-env", "WRONG"], "is under another password than yours"),
            ] {
                let run = is_silent(scene.download(provider, &certificate.id, more));
                let run = run.exits(6).says(&[provider, &certificate.id, said, what, "--key-password-file"]);
                let error = &run.json()["results"][0]["error"];
                assert_eq!((&error["code"], &error["exit_code"]), (&"encrypted_key".into(), &6.into()));
                assert!(!scene.path_of(&certificate).exists(), "{provider} {label}");
            }
            let more = [["--key-password-file", &file], ["--key-password-env", "RIGHT"]][n % 2];
            is_silent(scene.download(provider, &certificate.id, &more)).exits(0);
            scene.is_installed(&certificate);
        }
    }
}

#[test]
fn a_password_that_cannot_be_had() {
    let Some(scene) = Scene::new() else { return };
    let certificate = scene.held(Cloud::Jdcloud, "pkcs8 untold");
    let open_to_all = scene.secret("open", PASSWORD, 0o644);
    let empty = scene.secret("empty", "\n", 0o600);
    let absent = scene.directory.path().join("absent").display().to_string();
    for (more, said) in [
        (["--key-password-file", &open_to_all], "chmod"),
        (["--key-password-file", &empty], &empty),
        (["--key-password-file", &absent], &absent),
        (["--key-password-env", "NOWHERE"], "NOWHERE"),
    ] {
        is_silent(scene.download("jdcloud", &certificate.id, &more))
            .exits(3)
            .says(&["no password for encrypted private keys: ", said]);
    }
    let both = ["--key-password-file", &open_to_all, "--key-password-env", "RIGHT"];
    scene.download("jdcloud", &certificate.id, &both).exits(2);
    assert!(!scene.certs().exists());
    let asked = scene.sandbox.requests(Cloud::Jdcloud);
    assert!(asked.is_empty(), "a password that is not there is known before the cloud is asked");
}

/// Which of two certificates is the newer only the certificate itself tells, and that may be in a key store.
#[test]
fn a_domain_whose_certificates_are_under_a_password() {
    let Some(scene) = Scene::new() else { return };
    for label in ["pkcs8 untold", "jks untold"] {
        let old = scene.held(Cloud::Huawei, label);
        let new = scene.sandbox.renew(Cloud::Huawei, Account::Sealed, &old.id);
        scene.download("huawei", &old.domain, &[]).exits(6).says(&["is under a password, and none is known"]);
        scene.download("huawei", &old.domain, &["--key-password-env", "RIGHT"]).exits(0);
        scene.is_installed(&new);
    }
}

#[test]
fn all_of_an_account() {
    let Some(scene) = Scene::new() else { return };
    let all = |more: &[&str]| {
        let args = ["download", "--all", "-p", "jdcloud", "-o", "json", "-d"];
        let run = scene.certctl().args(args).args([scene.certs()]).args(more).run();
        let report = run.json();
        let rows = report["results"].as_array().unwrap().clone();
        (run, rows.iter().filter(|row| row["outcome"] == "failed").count(), rows.len())
    };
    let (run, failed, total) = all(&[]);
    assert_eq!((failed, total), (4, 9), "those whose password is not told");
    run.exits(6);
    let (run, failed, _) = all(&["--key-password-env", "RIGHT"]);
    assert_eq!(failed, 0);
    run.exits(0);
}

#[test]
fn describe_keeps_the_password_to_itself() {
    let Some(scene) = Scene::new() else { return };
    for (provider, cloud, _) in CLOUDS {
        for label in ["pkcs8", "traditional"] {
            let id = scene.held(cloud, label).id;
            for output in ["json", "table"] {
                let run = scene.certctl().args(["describe", "-p", provider, "-o", output, "--", &id]).run();
                let run = is_silent(run.exits(0));
                assert!(!run.stdout.contains("PRIVATE KEY"), "{}", run.stdout);
            }
        }
    }
}

#[test]
fn a_sync_with_key_passwords() {
    let Some(scene) = Scene::new() else { return };
    let file = scene.secret("password", PASSWORD, 0o600);
    let labels = [
        (Cloud::Jdcloud, "jd", "pkcs8 untold", "{ env = 'RIGHT' }".to_owned()),
        (Cloud::Jdcloud, "jd", "jks", String::new()),
        (Cloud::Tencent, "tx", "pfx untold", format!("{{ file = '{file}' }}")),
        (Cloud::Huawei, "hw", "jks untold", "{ env = 'RIGHT' }".to_owned()),
        (Cloud::Ctyun, "ct", "traditional untold", format!("{{ file = '{file}' }}")),
    ];
    let held: Vec<_> = labels.iter().map(|(cloud, _, label, _)| scene.held(*cloud, label)).collect();
    let configure = |password: &dyn Fn(&str) -> String| {
        let mut tables = vec![format!("dir = '{}'", scene.certs().display())];
        for (name, provider, more) in [
            ("jd", "jdcloud", ""),
            ("tx", "tencent", ""),
            ("hw", "huawei", "api = 'v2'\nregion = 'cn-north-4'\n"),
            ("ct", "ctyun", ""),
        ] {
            tables.push(format!("[accounts.{name}]\nprovider = '{provider}'\nrequests_per_second = 1000\n{more}"));
        }
        for ((_, account, _, own), certificate) in labels.iter().zip(&held) {
            tables.push(format!("[[certificates]]\nname = '{}'\naccount = '{account}'", certificate.domain));
            let password = password(own);
            if !password.is_empty() {
                tables.push(format!("key_password = {password}"));
            }
        }
        scene.secret("certctl.toml", &tables.join("\n"), 0o600)
    };
    let sync = |config: &str| scene.certctl().args(["sync", "-o", "json", "-c", config]).run();
    let outcomes = |run: &Run| -> Vec<Value> {
        run.json()["results"].as_array().unwrap().iter().map(|row| row["outcome"].clone()).collect()
    };

    let run = is_silent(sync(&configure(&|own| if own.is_empty() { "" } else { "{ env = 'WRONG' }" }.to_owned())));
    let run = run.exits(6);
    assert_eq!(outcomes(&run), ["failed", "created", "failed", "failed", "failed"]);
    assert_eq!(run.errors().iter().filter(|line| line.contains("is under another password than yours")).count(), 4);
    held.iter().enumerate().for_each(|(n, held)| assert_eq!(scene.path_of(held).join("current").exists(), n == 1));

    let config = configure(&|own| own.to_owned());
    let run = is_silent(sync(&config)).exits(0);
    assert_eq!(outcomes(&run), ["created", "unchanged", "created", "created", "created"], "{}", run.stderr);
    held.iter().for_each(|certificate| scene.is_installed(certificate));

    let clouds = [Cloud::Jdcloud, Cloud::Tencent, Cloud::Huawei, Cloud::Ctyun];
    let seen = clouds.map(|cloud| scene.sandbox.requests(cloud).len());
    let directories = || held.iter().map(|held| snapshot(&scene.path_of(held))).collect::<Vec<_>>();
    let before = directories();
    let run = sync(&config).exits(0);
    assert_eq!(outcomes(&run), ["unchanged"; 5]);
    assert!(directories() == before, "nothing is written when nothing has changed");
    for (cloud, seen) in clouds.into_iter().zip(seen) {
        let tally = scene.sandbox.tally(cloud, seen);
        assert!(
            tally.keys().all(|operation| operation.to_lowercase().contains("list")
                || operation == "describeCerts"
                || operation == "DescribeCertificates"),
            "{tally:?}"
        );
    }
}
