//! Every command at every verbosity, in success and in each failure.

use std::fs;

use super::scene::{ACCOUNTS, Scene, every_verbosity, exists};
use crate::proof::held;
use crate::sandbox::{Account, Fault, Options};

/// Every format that can be written to stdout.
const FORMATS: [&str; 7] = ["pem", "combined", "pkcs12", "pkcs12-legacy", "jks", "der", "k8s-secret"];

#[test]
fn every_command_at_every_verbosity() {
    let scene = Scene::new();
    let name = &scene.held[0].domain;
    let (report, metrics) = (scene.text("report.json"), scene.text("metrics.prom"));
    let written = ["--report", &report, "--metrics-file", &metrics];
    let address = scene.sandbox.address(ACCOUNTS[0].2).to_string();
    let mut cases = 0;
    for more in every_verbosity() {
        let run = |args: &[&str], code: i32| {
            let found = scene.run(scene.certctl(&[args, &more].concat()));
            assert_eq!(found, code, "{args:?} {more:?}");
            1
        };
        scene.forget();
        cases += run(&["sync", "--dry-run"], 0);
        cases += run(&[&["sync"][..], &written].concat(), 0);
        cases += run(&["sync", "-o", "json"], 0);
        cases += run(&["sync", "--force", "-o", "json"], 0);
        cases += run(&["check", "-o", "json"], 0);
        cases += run(&["check", name, "--connect", &address], 5);
        cases += run(&["check", "--within", "9999d", "--metrics-file", &metrics], 11);
        cases += run(&["config", "check"], 0);
        cases += run(&["config", "check", "--online"], 0);
        cases += run(&["config", "show"], 0);
        cases += run(&["config", "show", "-o", "json"], 0);
        cases += run(&["config", "init"], 2);
        cases += run(&["config", "init", "-c", &scene.text("new.toml")], 0);
        fs::remove_file(scene.path("new.toml")).unwrap();
        cases += run(&["list"], 0);
        cases += run(&["list", "-o", "json", "--expiring", "9999d", "--detailed-exitcode"], 11);
        for (account, ..) in ACCOUNTS {
            let held = scene.held.iter().zip(ACCOUNTS).find(|(_, (other, ..))| *other == account).unwrap().0;
            cases += run(&["describe", "--account", account, &held.id], 0);
            cases += run(&["describe", "--account", account, &held.domain, "-o", "json"], 0);
        }
        cases += run(&["--help"], 0);
        cases += run(&["sync", "--help"], 0);
        cases += scene.search_files();
    }
    assert!(!exists(&scene.path("seen/keylog")), "TLS secrets were written");
    cases += scene.search_requests();
    held("secrets::outputs::every_command_at_every_verbosity", cases);
}

#[test]
fn every_format() {
    let scene = Scene::new();
    let mut cases = 0;
    for ((account, ..), certificate) in ACCOUNTS.iter().zip(&scene.held) {
        for format in FORMATS {
            let certs = scene.text("certs");
            let download = ["download", "--account", account, &certificate.domain, "-vvv"];
            let has_password = matches!(format, "pkcs12" | "pkcs12-legacy" | "jks");
            let password: &[&str] = if has_password { &["--keystore-password-env", "STORE_PASSWORD"] } else { &[] };
            let to_disk = ["--force", "-d", &certs, "--format", format];
            assert_eq!(scene.run(scene.certctl(&[&download[..], &to_disk, password].concat())), 0, "{format}");
            let alone = [&download[..], &to_disk, &["--name", "own", "-o", "json"]].concat();
            assert_eq!(scene.run(scene.certctl(&alone)), 0, "{format}");
            let to_stdout = [&download[..], &["--stdout", format], password].concat();
            assert_eq!(scene.run_for_the_key(scene.certctl(&to_stdout)), 0, "{format}");
            cases += 3;
        }
        let rollback = scene.run(scene.certctl(&["rollback", &scene.text("certs/own"), "-vvv"]));
        assert!(matches!(rollback, 0 | 8 | 4), "{rollback}");
        cases += 1 + scene.search_files();
        scene.forget();
    }
    cases += scene.search_requests();
    held("secrets::outputs::every_format", cases);
}

/// What the clouds and the network can do, and the exit codes that come of it.
#[test]
fn every_fault() {
    let scene = Scene::new();
    let names: Vec<_> = scene.held.iter().map(|certificate| certificate.domain.as_str()).collect();
    let (report, metrics) = (scene.text("report.json"), scene.text("metrics.prom"));
    let faults = [
        Fault::Status(400),
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(404),
        Fault::Status(408),
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::RetryAfter(503, 1),
        Fault::Busy,
        Fault::Refused,
        Fault::Reset,
        Fault::ResetMidReply,
        Fault::Truncated,
        Fault::WrongKey,
        Fault::MissingIntermediate,
        Fault::Endless,
        Fault::Drip,
        Fault::Hang,
        Fault::Html,
        Fault::Empty,
        Fault::InvalidUtf8,
        Fault::DeepJson,
        Fault::Status(302),
        Fault::Skew(86_400),
        Fault::Gzip,
    ];
    let mut cases = 0;
    let mut codes = std::collections::BTreeSet::new();
    for fault in faults {
        ACCOUNTS.iter().for_each(|(_, _, cloud, _)| scene.sandbox.fault(*cloud, fault.clone()));
        let patient = ["--retries", "0", "--timeout", "1s"];
        let runs: [&[&str]; 4] = [
            &["sync", "-vvv", "--log-format", "json", "-o", "json", "--report", &report, "--metrics-file", &metrics],
            &["sync", "-q"],
            &["list", "-vvv"],
            &["describe", "--account", "hw", names[2], "-vvv", "-o", "json"],
        ];
        for args in runs {
            let code = scene.run(scene.certctl(&[args, &patient].concat()));
            // An unharmed list under a fault that only a download meets.
            assert!(code != 1 && code >= 0, "{fault:?} {args:?}: {code}");
            codes.insert(code);
            cases += 1;
        }
        cases += scene.search_files();
        ACCOUNTS.iter().for_each(|(_, _, cloud, _)| scene.sandbox.clear(*cloud));
        scene.forget();
    }
    cases += scene.search_requests();
    for code in [3, 5, 6] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    held("secrets::outputs::every_fault", cases);
}

/// What goes wrong on this machine, and with what the user says.
#[test]
fn every_other_failure() {
    let mut scene = Scene::new();
    let mut cases = 0;
    let wrong = "a-wrong-key-canary-4c1d9a7e";
    scene.needles.text("WRONG", wrong);
    let [wrong_id, wrong_token] = ["a-wrong-id-canary-93b7e2f1", "a-wrong-token-canary-6d0f8a52"];
    scene.needles.text("WRONG TOKEN", wrong_id);
    scene.needles.text("WRONG TOKEN", wrong_token);
    for more in [&["-q"][..], &["-vvv"], &["-vvv", "--log-format", "json", "-o", "json"]] {
        let mut fails =
            |scene: &Scene, code: i32, args: &[&str], change: &dyn Fn(crate::cli::Certctl) -> crate::cli::Certctl| {
                let found = scene.run(change(scene.certctl(&[args, more].concat())));
                assert_eq!(found, code, "{args:?} {more:?}");
                cases += 1 + scene.search_files();
            };
        let same = |certctl| certctl;
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.env("TX_KEY", wrong));
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.env("TX_TOKEN", wrong_token));
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.env("TX_ID", wrong_id));
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.without("TX_KEY"));
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.env("TX_KEY", &format!("{wrong}\n{wrong}")));
        fails(&scene, 3, &["list", "--account", "tx"], &|certctl| certctl.env("TX_KEY", &format!("{wrong} é")));
        fails(&scene, 4, &["describe", "--account", "ct", "999999"], &same);
        fails(&scene, 4, &["download", "--account", "jd", "no.such.example"], &same);
        fails(&scene, 2, &["sync", "no-such-name"], &same);
        fails(&scene, 2, &["list", "--retries", "many"], &same);
        // The directory of certificates is a file.
        scene.write("certs", "");
        fails(&scene, 7, &["sync"], &same);
        fs::remove_file(scene.path("certs")).unwrap();
        for word in ["check", "hook", "before"] {
            scene.write(&format!("refuse-{word}"), "");
            fails(&scene, 8, &["sync"], &same);
            fs::remove_file(scene.path(&format!("refuse-{word}"))).unwrap();
            scene.forget();
        }
        scene.write("refuse-vault", "");
        fails(&scene, 3, &["sync"], &same);
        scene.sandbox.fault(ACCOUNTS[1].2, Fault::Html);
        fails(&scene, 9, &["sync", "--retries", "0"], &same);
        scene.sandbox.clear(ACCOUNTS[1].2);
        fs::remove_file(scene.path("refuse-vault")).unwrap();
        scene.forget();
        fails(&scene, 10, &["sync", "--detailed-exitcode"], &same);
        fails(&scene, 6, &["check", scene.held[0].domain.as_str()], &|certctl| {
            fs::write(scene.path("certs").join(&scene.held[0].domain).join("chain.pem"), "").unwrap();
            certctl
        });
        // What others could read is refused, and what is written on a full disk cannot be.
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |name: &str, mode| fs::set_permissions(scene.path(name), fs::Permissions::from_mode(mode)).unwrap();
        mode("ct.key", 0o644);
        fails(&scene, 3, &["list", "--account", "ct"], &same);
        mode("ct.key", 0o600);
        mode("certctl.toml", 0o644);
        fails(&scene, 2, &["config", "check"], &same);
        mode("certctl.toml", 0o600);
        fails(&scene, 7, &["sync", "--force", "--report", "/dev/full/report"], &same);
        scene.forget();
    }
    cases += scene.search_requests();
    held("secrets::outputs::every_other_failure", cases);
}

/// Over TLS too, and with variables that make TLS libraries write their secrets.
#[test]
fn over_tls() {
    let scene = Scene::with(Options { tls: true, ..Options::default() });
    let mut cases = 0;
    for more in every_verbosity() {
        scene.forget();
        assert_eq!(scene.run(scene.certctl(&[&["sync"][..], &more].concat())), 0);
        let stranger = scene.certctl(&[&["list", "--retries", "0"][..], &more].concat());
        assert_eq!(scene.run(stranger.env("SSL_CERT_FILE", &scene.text("ct.key"))), 5);
        cases += 2 + scene.search_files();
    }
    assert!(!exists(&scene.path("seen/keylog")), "TLS secrets were written");
    assert!(!scene.credential(Account::Session, "TENCENTCLOUD_TOKEN").is_empty());
    held("secrets::outputs::over_tls", cases + scene.search_requests());
}
