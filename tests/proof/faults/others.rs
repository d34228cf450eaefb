//! What is about another certificate, and what goes wrong beside clouds that are well.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::scene::{ACCOUNT, Command, Home, is_whole, on_disk};
use crate::cli::{Certctl, PROVIDERS};
use crate::proof::held;
use crate::sandbox::broken::Wire;
use crate::sandbox::edit::Lie;
use crate::sandbox::{Certificate, Cloud, Fault, Options, Sandbox};

/// A cache or a proxy that mixes up replies. Where the reply says whose it is that is seen; where it does not, the
/// domains tell.
#[test]
fn a_reply_about_another_certificate() {
    let cases = super::at_every_cloud(|scene| {
        let others = ["other-one", "other-two"].map(|name| format!("{name}.{}", scene.cloud.domain()));
        for name in &others {
            scene.sandbox.issue(scene.cloud, ACCOUNT, &[name], (-10, 80));
        }
        let about = "about another certificate";
        let words = [about, "check the endpoint and any proxy in between"];
        let (_, requests) = scene.fails(&Fault::Another, Command::Describe, &[], 5, &words);
        assert_eq!(requests.len(), 1, "not retried");
        let mut count = 1;
        if matches!(scene.cloud, Cloud::Jdcloud | Cloud::Ctyun) {
            scene.fails(&Fault::Another, Command::Download, &[], 5, &words);
            count += 1;
        }
        // Of those whose download does not say whose it is, by domain.
        for home in [Home::Nothing, Home::Older] {
            let before = scene.on_disk();
            scene.sandbox.fault(scene.cloud, Fault::Another);
            let run = scene.sync(home, &["--force"]).run();
            scene.sandbox.clear(scene.cloud);
            assert!(matches!(run.code, 5 | 6), "{} {}", run.code, run.stderr);
            // One of the certificate; where those that were never asked for before are described, one of them.
            let lines = run.errors();
            let is_told =
                |line: &&str| line.contains("; ") && (line.contains(about) || line.contains("does not cover"));
            assert!((1..=2).contains(&lines.len()) && lines.iter().all(is_told), "{}", run.stderr);
            scene.is_as_before(&before, &run.stderr);
            count += 1;
        }
        // Nothing of it was remembered: not even of a certificate that was never asked for before.
        scene.heals();
        for name in &others {
            let before = scene.on_disk();
            let args = ["download", "-p", scene.provider, "--dry-run", "-o", "json", name];
            let run = Certctl::of(scene.sandbox, ACCOUNT).args(args).run().exits(0);
            assert_eq!(run.json()["results"][0]["name"], **name);
            scene.is_as_before(&before, name);
        }
        count
    });
    held("faults::others::a_reply_about_another_certificate", cases);
}

/// Nothing is installed, nothing is known yet, and of the only certificate the names cannot be had: that is why, and not
/// that there is none.
#[test]
fn what_cannot_be_described() {
    let cases = super::at_every_cloud(|scene| {
        let operations: &[&str] = match scene.cloud {
            Cloud::Ctyun => &["getCertificate", "v3 getCertificate"],
            // The others' listings tell the names; of several, Huawei's descriptions tell the age.
            Cloud::Huawei => &["ShowCertificate", "v2 cert"],
            _ => return 0,
        };
        let home = scene.certificate_directory(Home::Nothing);
        fs::remove_file(home.with_file_name(".certctl").join("facts.json")).unwrap();
        let before = scene.on_disk();
        for operation in operations {
            scene.sandbox.fault(scene.cloud, Fault::Status(503).on(operation));
        }
        let run = scene.sync(Home::Nothing, &["--retries", "0"]).run();
        scene.sandbox.clear(scene.cloud);
        let words = ["it (", "try again later", "(passed over, 2 in all: ", &scene.new.id, &scene.old.id];
        let run = run.exits(5).says(&words);
        scene.is_as_before(&before, &run.stderr);
        scene.heals();
        1
    });
    held("faults::others::what_cannot_be_described", cases);
}

/// Certificates of each cloud in one config.
const EACH: usize = 6;

/// A config with an account of each cloud, and its certificates.
struct Night {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
    certificates: Vec<(Cloud, Vec<Certificate>)>,
}

impl Night {
    fn new() -> Self {
        let sandbox = Sandbox::start(Options::default());
        let directory = tempfile::tempdir().unwrap();
        let mut config = vec![format!("dir = '{}'", directory.path().join("certs").display())];
        let mut tables = Vec::new();
        let mut certificates = Vec::new();
        for (provider, cloud) in PROVIDERS {
            config.push(format!("[accounts.{provider}]\nprovider = '{provider}'\nrequests_per_second = 1000"));
            let names = (0..EACH).map(|n| format!("n{n}.{}", cloud.domain()));
            let held: Vec<_> = names.map(|name| sandbox.issue(cloud, ACCOUNT, &[&name], (-10, 80))).collect();
            let table =
                |held: &Certificate| format!("[[certificates]]\nname = '{}'\naccount = '{provider}'", held.domain);
            tables.extend(held.iter().map(table));
            certificates.push((cloud, held));
        }
        let config = [config, tables].concat().join("\n");
        let path = directory.path().join("certctl.toml");
        fs::write(&path, config).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Self { sandbox, directory, certificates }
    }

    fn sync(&self, more: &[&str]) -> Certctl {
        let config = self.directory.path().join("certctl.toml");
        Certctl::of(&self.sandbox, ACCOUNT).args(["sync", "-c"]).args([config]).args(more)
    }
}

/// Three clouds' certificates are renewed and installed whatever the fourth does; its own stay as they are, and the
/// whole of it is one line.
#[test]
fn one_cloud_under_fault() {
    let faults: [(Fault, &str); 10] = [
        (Fault::Refused, "cannot connect"),
        (Fault::Reset, "the connection to"),
        (Fault::Truncated, "broke off"),
        (Fault::Hang, "did not answer"),
        (Fault::Status(503), "try again later"),
        (Fault::Html, "HTML"),
        (Fault::Endless, "sent more than"),
        (Wire::LengthsDiffer.into(), "broke off"),
        (Lie::Repeats.into(), "brings nothing new"),
        (Fault::Status(302), "a redirect"),
    ];
    let faults = &faults;
    let one = |(provider, cloud): (&'static str, Cloud)| {
        let mut night = Night::new();
        for (fault, words) in faults {
            let before: Vec<_> = on_disk(&night.directory.path().join("certs"));
            let of_it = |path: &std::path::Path| path.to_string_lossy().contains(&format!(".{}", cloud.domain()));
            night.sandbox.fault(cloud, fault.clone());
            // The healthy ones have to answer within the same time, on a machine that may be busy.
            let timeout = if *fault == Fault::Hang { "15s" } else { "60s" };
            let run = night.sync(&["--retries", "0", "--timeout", timeout, "-o", "json"]).run();
            night.sandbox.clear(cloud);
            let run = run.exits(5).says(&[provider, words, "; ", "(certificates: "]);
            for (of, held) in &night.certificates {
                for certificate in held {
                    let row = row(&run.json(), &certificate.domain);
                    assert_eq!(row["outcome"] == "failed", *of == cloud, "{fault:?}: {row}");
                    if *of != cloud {
                        is_whole(&night.directory.path().join("certs").join(&certificate.domain), certificate);
                    }
                }
            }
            let mine = |facts: Vec<super::scene::Facts>| {
                facts.into_iter().filter(|(path, ..)| of_it(path)).collect::<Vec<_>>()
            };
            assert!(mine(before) == mine(on_disk(&night.directory.path().join("certs"))), "{fault:?}");
            // The cloud is well again; then everything is renewed, for the next fault.
            night.sync(&[]).run().exits(0);
            for (cloud, held) in &mut night.certificates {
                for certificate in held {
                    *certificate = night.sandbox.renew(*cloud, ACCOUNT, &certificate.id);
                }
            }
        }
        faults.len()
    };
    let cases = std::thread::scope(|scope| {
        let threads = PROVIDERS.map(|provider| scope.spawn(move || one(provider)));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    held("faults::others::one_cloud_under_fault", cases);
}

fn row(report: &serde_json::Value, name: &str) -> serde_json::Value {
    let rows = report["results"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no {name} in {report}")).clone()
}
