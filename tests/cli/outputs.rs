//! What scripts and people read: JSON forms, which stream has what, exit codes in detail, colours, and never a secret.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Certctl, PROVIDERS, Run, snapshot};
use crate::sandbox::{Account, Cloud, Fault, Options, Sandbox};

/// Asserts that an object has exactly these members, each of the kind named after it: `s`tring, `n`umber, `a`rray,
/// `o`bject; a capital letter where it may be null.
#[track_caller]
fn has_shape(object: &Value, members: &str) {
    let members: Vec<(&str, &str)> = members.split(' ').map(|member| member.split_once(':').unwrap()).collect();
    let found: BTreeSet<&str> =
        object.as_object().unwrap_or_else(|| panic!("{object}")).keys().map(String::as_str).collect();
    assert_eq!(found, members.iter().map(|(name, _)| *name).collect(), "{object}");
    for (name, kind) in members {
        let value = &object[name];
        let is_right = match kind.to_lowercase().as_str() {
            "s" => value.is_string(),
            "n" => value.is_i64(),
            "a" => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            "o" => value.is_object(),
            kind => panic!("{kind}"),
        };
        let may_be_null = kind.chars().all(char::is_uppercase);
        assert!(is_right || may_be_null && value.is_null(), "{name}: {value}");
        if matches!(name, "not_before" | "not_after" | "started_at" | "finished_at") && value.is_string() {
            let text = value.as_str().unwrap();
            assert!(text.ends_with('Z') && text.len() == 20 && text.parse::<jiff::Timestamp>().is_ok(), "{text}");
        }
    }
}

const LISTED: &str = "provider:s account:s id:s alias:S common_name:S domains:a status:s provider_status:S not_before:S \
    not_after:S days_left:N";
const DESCRIBED: &str = "issuer:S serial:S fingerprint_sha1:S fingerprint_sha256:S key_algorithm:S signature_algorithm:S \
    type:S description:S provider_fields:o";
const DELIVERED: &str = "name:S provider:s account:s id:S outcome:s path:S version:S not_after:S fingerprint_sha256:S \
    error:O";
const PROBLEM: &str = "code:s exit_code:n message:s hint:S request_id:S";
const RUN: &str = "schema:s started_at:s finished_at:s exit_code:n results:r errors:r";

#[track_caller]
fn is_run(run: &Run) -> Vec<Value> {
    let report = run.json();
    let results = report["results"].as_array().unwrap().clone();
    let mut head = report.clone();
    head.as_object_mut().unwrap().remove("results");
    assert_eq!(head.as_object_mut().unwrap().remove("errors"), Some(json!([])), "of accounts that sync cannot ask");
    has_shape(&head, RUN.trim_end_matches(" results:r errors:r"));
    assert_eq!((&report["schema"], &report["exit_code"]), (&json!("certctl.run/v1"), &json!(run.code)));
    for row in &results {
        has_shape(row, DELIVERED);
        if row["outcome"] == "failed" {
            has_shape(&row["error"], PROBLEM);
            let message = row["error"]["message"].as_str().unwrap();
            assert!(run.stderr.contains(message), "{message} in {}", run.stderr);
        } else {
            assert_eq!(row["error"], Value::Null);
            assert!(
                ["name", "id", "not_after", "fingerprint_sha256"].iter().all(|name| row[name].is_string()),
                "{row}"
            );
        }
    }
    results
}

#[track_caller]
fn is_list(run: &Run) -> (Vec<Value>, Vec<Value>) {
    let report = run.json();
    let array = |name: &str| report[name].as_array().unwrap().clone();
    assert_eq!(report.as_object().unwrap().len(), 3, "schema, certificates, errors");
    assert_eq!(report["schema"], "certctl.list/v1");
    let (certificates, errors) = (array("certificates"), array("errors"));
    certificates.iter().for_each(|row| has_shape(row, LISTED));
    errors.iter().for_each(|error| has_shape(error, &format!("provider:s account:s {PROBLEM}")));
    assert_eq!(errors.len(), run.errors().len(), "{}", run.stderr);
    (certificates, errors)
}

#[test]
fn every_json_form() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        for account in [Account::Empty, Account::Troubled] {
            let run = Certctl::of(&sandbox, account).args(["list", "-p", provider, "-o", "json"]).run().exits(0);
            let (rows, _) = is_list(&run);
            for row in rows.iter().step_by(8) {
                let id = row["id"].as_str().unwrap();
                let run =
                    Certctl::of(&sandbox, account).args(["describe", "-p", provider, "-o", "json", "--", id]).run();
                if run.code != 0 {
                    assert_eq!(run.stdout, "", "no half of a document");
                    continue;
                }
                let report = run.json();
                assert_eq!(report.as_object().unwrap().len(), 2, "schema, certificate");
                has_shape(&report["certificate"], &format!("{LISTED} {DESCRIBED}"));
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().to_str().unwrap();
        let held = sandbox.certificates(cloud, Account::Liar);
        let domain = &held[0].domain;
        let download = |args: &[&str]| {
            let args = ["download", "-p", provider, "-o", "json", "-d", dir].into_iter().chain(args.iter().copied());
            Certctl::of(&sandbox, Account::Liar).args(args).run()
        };
        let created = is_run(&download(&[domain]).exits(0));
        assert_eq!(created[0]["outcome"], "created");
        assert!(created[0]["path"].is_string() && created[0]["version"].is_string());
        let all = is_run(&download(&["--all", "--dry-run"]).exits(0));
        assert_eq!(all.iter().filter(|row| row["outcome"] == "would_create").count(), 2);
        assert!(all.iter().all(|row| row["path"].is_string()));
        // Each failure is a row: of an id, of a domain, and of an account that cannot be asked at all.
        let failed = is_run(&download(&["nosuchid", "nowhere.example.org", domain]).exits(4));
        let outcomes: Vec<_> = failed.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == "failed").count(), 2, "{outcomes:?}");
        assert!(outcomes.contains(&"unchanged"));
        sandbox.fault(cloud, Fault::Status(401));
        let refused = is_run(&download(&["--all"]).exits(3));
        assert_eq!((refused.len(), &refused[0]["id"], &refused[0]["name"]), (1, &Value::Null, &Value::Null));
        let refused = is_run(&download(&["a.example.org", "b.example.org"]).exits(3));
        assert_eq!((refused.len(), &refused[0]["name"]), (1, &json!("a.example.org, b.example.org")));
        sandbox.clear(cloud);
        let args = ["download", "-p", provider, "-o", "json", "-d", dir, domain];
        let run = Certctl::with(Vec::new()).args(args).run().exits(3);
        let unknown = is_run(&run);
        assert_eq!((unknown.len(), &unknown[0]["error"]["code"]), (1, &json!("credentials_missing")), "{}", run.stderr);
    }
}

#[test]
fn a_list_of_several_accounts() {
    let sandbox = Sandbox::start(Options::default());
    let list = |environment: Vec<(String, String)>| {
        Certctl::with(environment).args(["list", "-o", "json", "--retries", "0"]).run()
    };
    // None at all.
    let endpoints: Vec<_> = sandbox.environment().into_iter().filter(|(name, _)| name.ends_with("_ENDPOINT")).collect();
    let run = list(endpoints).exits(3).says(&["no credentials for any provider", "config init"]);
    assert!(run.stderr.contains("set CTYUN_AK and CTYUN_SK"), "{}", run.stderr);
    assert!(run.stdout.is_empty() || is_list(&run).0.is_empty());
    // Some.
    let two = |(name, _): &(String, String)| !name.contains("JDCLOUD") && !name.contains("CTYUN");
    let run = list(sandbox.environment_of(Account::Liar).into_iter().filter(two).collect()).exits(0);
    let (rows, errors) = is_list(&run);
    assert_eq!((rows.len(), errors.len()), (6, 0));
    // All; what expires first comes first, across the clouds.
    let run = list(sandbox.environment_of(Account::Liar)).exits(0);
    let (rows, errors) = is_list(&run);
    assert_eq!((rows.len(), errors.len()), (12, 0));
    let ends: Vec<_> = rows.iter().map(|row| row["not_after"].as_str().unwrap()).collect();
    assert!(ends.is_sorted());
    // One fails, two fail alike, two fail differently: the rows of the others are there.
    for (faults, code, count) in [
        (&[(Cloud::Huawei, Fault::Status(503))][..], 5, 9),
        (&[(Cloud::Huawei, Fault::Status(503)), (Cloud::Ctyun, Fault::Html)], 5, 6),
        (&[(Cloud::Huawei, Fault::Status(503)), (Cloud::Jdcloud, Fault::Status(401))], 9, 6),
    ] {
        faults.iter().for_each(|(cloud, fault)| sandbox.fault(*cloud, fault.clone()));
        let run = list(sandbox.environment_of(Account::Liar)).exits(code);
        let (rows, errors) = is_list(&run);
        assert_eq!((rows.len(), errors.len()), (count, faults.len()));
        faults.iter().for_each(|(cloud, _)| sandbox.clear(*cloud));
    }
    // Half a pair is no account that is not there.
    let run = list(sandbox.environment_of(Account::Liar).into_iter().filter(|(name, _)| name != "CTYUN_SK").collect());
    let run = run.exits(3).says(&["ctyun: the environment has CTYUN_AK, but no CTYUN_SK"]);
    assert_eq!(is_list(&run).0.len(), 9);
    // By -p and by --account.
    let run = Certctl::of(&sandbox, Account::Liar).args(["list", "-p", "huawei", "-p", "tencent", "-o", "json"]).run();
    assert_eq!(is_list(&run.exits(0)).0.len(), 6);
    let run = Certctl::of(&sandbox, Account::Liar).args(["list", "--account", "huawei", "-o", "json"]).run();
    assert_eq!(is_list(&run.exits(0)).0.len(), 3);
}

#[test]
fn exit_codes_in_detail() {
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    for (provider, cloud) in PROVIDERS {
        let run = |args: &[&str]| {
            let args = args.iter().copied().chain(["-p", provider, "--detailed-exitcode", "-o", "json"]);
            Certctl::new(&sandbox).args(args).run()
        };
        let id = sandbox.certificate(cloud, Account::Healthy, "deep chain").id;
        run(&["download", "-d", dir, "--dry-run", "--", &id]);
        run(&["download", &id, "-d", dir]).exits(10);
        run(&["download", &id, "-d", dir]).exits(0);
        run(&["download", &id, "nosuchid", "-d", dir]).exits(4);
        run(&["list"]).exits(0);
        let expiring = run(&["list", "--expiring", "30d"]).exits(11);
        let (rows, _) = is_list(&expiring);
        let held = sandbox.certificates(cloud, Account::Healthy);
        let soon = held.iter().find(|held| held.label == "expiring").unwrap();
        assert!(
            rows.iter().any(|row| row["id"] == *soon.id && (2..=3).contains(&row["days_left"].as_i64().unwrap())),
            "{}",
            expiring.stdout
        );
        assert!(rows.iter().all(|row| row["days_left"].as_i64().unwrap() < 30 && row["status"] != "revoked"));
        assert!(rows.iter().any(|row| row["days_left"].as_i64().unwrap() < 0), "expired ones are shown as well");
        let plain = Certctl::new(&sandbox).args(["list", "-p", provider, "--expiring", "30d"]).run().exits(0);
        assert_eq!(plain.stdout.lines().count(), rows.len() + 1);
        run(&["list", "--expiring", "30d", "--domain", "www.example.org"]).exits(0);
        let one = Certctl::of(&sandbox, Account::Empty).args([
            "list",
            "-p",
            provider,
            "--expiring",
            "30d",
            "--detailed-exitcode",
        ]);
        one.run().exits(0);
    }
}

#[test]
fn a_reader_that_has_gone() {
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificate(Cloud::Tencent, Account::Healthy, "many domains").id;
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    for args in [
        vec!["list", "-p", "tencent"],
        vec!["list", "-p", "tencent", "-o", "json", "-vv"],
        vec!["describe", "-p", "tencent", "-o", "json", "--", &id],
        vec!["download", "-p", "tencent", "-d", dir, "-vv", "--", &id],
        vec!["--help"],
    ] {
        // Both streams go to a pipe whose other end is closed at once, as in `certctl list 2>&1 | true`.
        for both in [false, true] {
            let mut command = Certctl::new(&sandbox).args(&args).into_command();
            let stderr = if both { Stdio::piped() } else { Stdio::null() };
            let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
            drop((child.stdout.take(), child.stderr.take()));
            assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}, stderr as well: {both}");
        }
    }
    assert!(directory.path().read_dir().unwrap().count() == 1, "and the certificate is there");
}

/// A report that cannot be written is a failure: a script would take what is there for the whole.
#[test]
fn a_full_disk_behind_stdout() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        eprintln!("skipped: there is no /dev/full");
        return;
    };
    let sandbox = Sandbox::start(Options::default());
    let mut command = Certctl::of(&sandbox, Account::Liar).args(["list", "-p", "ctyun", "-o", "json"]).into_command();
    let since = Instant::now();
    let run = Run::of(command.stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap(), since);
    run.exits(7).says(&["cannot write to stdout: No space left on device"]);
}

#[test]
fn which_stream_has_what() {
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Jdcloud, Account::Liar)[0].id.clone();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let download = ["download", "-p", "jdcloud", "-d", dir, "--", &id];
    let run = |more: &[&str], args: &[&str]| Certctl::of(&sandbox, Account::Liar).args(more).args(args).run();
    let list = ["list", "-p", "jdcloud"];
    // The liar's list comes with a warning.
    let plain = run(&[], &list).exits(0);
    assert!(plain.stdout.starts_with("PROVIDER ") && plain.stderr.starts_with("certctl: warning: "), "{plain:?}");
    let quiet = run(&["-q"], &list).exits(0);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (plain.stdout, ""));
    let quiet = run(&["-q"], &download).exits(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "cron has nothing to send");
    let failed = run(&["-q"], &["download", "-p", "jdcloud", "-d", dir, "nosuchid"]).exits(4);
    assert_eq!((failed.stdout.as_str(), failed.stderr.lines().count()), ("", 1));

    assert!(!run(&["-v"], &list).stderr.contains("debug: "));
    let wordy = run(&["-vv"], &list).exits(0);
    assert!(
        wordy.stderr.contains("certctl: debug: GET 127.0.0.1:") && wordy.stderr.contains("/v1/sslCert: HTTP 200, "),
        "{wordy:?}"
    );
    let faulty = || sandbox.fault(Cloud::Jdcloud, Fault::Status(503).times(1));
    faulty();
    let retried = run(&["-v"], &download).exits(0);
    assert!(retried.stderr.contains("; trying again") && retried.stdout.starts_with("OUTCOME "), "{retried:?}");

    for args in [&list[..], &download, &["describe", "-p", "jdcloud", "nosuchid"], &["list", "--account", "nobody"]] {
        faulty();
        let run = run(&["-vv", "--log-format", "json", "--color", "always"], args);
        assert!(run.stderr.lines().count() > 0);
        for line in run.stderr.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(
                entry["level"].is_string() && entry["fields"]["message"].is_string() && entry["timestamp"].is_string(),
                "{entry}"
            );
        }
        sandbox.clear(Cloud::Jdcloud);
    }
}

#[test]
fn colour_only_where_it_is_asked_for() {
    let sandbox = Sandbox::start(Options::default());
    let list = |more: &[&str], no_color: bool| {
        let certctl = Certctl::of(&sandbox, Account::Liar).args(["list", "-p", "jdcloud"]).args(more);
        if no_color { certctl.env("NO_COLOR", "1").run() } else { certctl.run() }
    };
    for (more, no_color, coloured) in [
        (&[][..], false, false),
        (&["--color", "auto"], true, false),
        (&["--color", "never"], false, false),
        (&["--color", "always"], false, true),
        (&["--color", "always"], true, true),
        (&["--color", "always", "-o", "json"], false, true),
    ] {
        let run = list(more, no_color).exits(0);
        assert_eq!(run.stderr.contains("\x1b[33mwarning: \x1b[0m"), coloured, "{more:?} {}", run.stderr);
        assert!(!run.stdout.contains('\x1b'), "results are never coloured");
    }
}

/// Everything that must not be seen in any output, whatever is asked for and whatever goes wrong.
#[test]
fn canaries() {
    let sandbox = Sandbox::start(Options::default());
    std::thread::scope(|scope| {
        for (provider, cloud) in PROVIDERS {
            for account in [Account::Liar, Account::Troubled, Account::Session, Account::Mfa] {
                if account.exists_at(cloud) {
                    let sandbox = &sandbox;
                    scope.spawn(move || keeps_secrets(sandbox, provider, cloud, account));
                }
            }
        }
    });
}

fn keeps_secrets(sandbox: &Sandbox, provider: &str, cloud: Cloud, account: Account) {
    let mut environment = sandbox.environment_of(account);
    environment.push(("CERTCTL_JDCLOUD_MFA".to_owned(), sandbox.mfa()));
    let is_secret = |name: &str| {
        let parts = ["SECRET_ACCESS_KEY", "SECRET_KEY", "_SK", "TOKEN", "MFA"];
        parts.iter().any(|part| name.ends_with(part))
    };
    let mut secrets: Vec<String> =
        environment.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone()).collect();
    assert!(secrets.len() >= 2, "{provider} {account:?}");
    let held = sandbox.certificates(cloud, account);
    // Of each key the first and the last whole line: a key that is shown is shown with these.
    let keys = held.iter().filter_map(|held| held.issued.as_ref());
    let lines = keys.flat_map(|issued| {
        let lines: Vec<_> = issued.key.lines().filter(|line| line.len() == 64).collect();
        [lines.first().copied(), lines.last().copied()].into_iter().flatten()
    });
    secrets.extend(lines.map(str::to_owned));
    let checked = |certctl: Certctl, about: &str| {
        let run = certctl.run();
        for text in [&run.stdout, &run.stderr] {
            let seen = secrets.iter().find(|secret| text.contains(secret.as_str()));
            assert_eq!(seen, None, "{provider} {account:?} {about}");
            assert!(!text.contains("PRIVATE KEY--"), "{provider} {account:?} {about}: {text}");
        }
        run
    };
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    for form in ["table", "json"] {
        let with = |args: &[&str]| Certctl::with(environment.clone()).args(["-vv", "-o", form]).args(args);
        checked(with(&["list", "-p", provider]), "list");
        checked(with(&["download", "-p", provider, "--all", "-d", dir]), "download --all");
        for certificate in held.iter().step_by(if account == Account::Troubled { 4 } else { 3 }) {
            let about = format!("describe {}", certificate.label);
            checked(with(&["describe", "-p", provider, "--", &certificate.id]), &about);
        }
    }
    // Faults are the cloud's, not the account's: one thread makes them, the others' results do not matter here.
    if account == Account::Troubled {
        let id = &held[0].id;
        for fault in [
            Fault::Status(401),
            Fault::Status(403),
            Fault::Status(503),
            Fault::Truncated,
            Fault::Html,
            Fault::InvalidUtf8,
            Fault::Gzip,
            Fault::Skew(86_400),
            Fault::WrongKey,
        ] {
            sandbox.fault(cloud, fault.clone());
            for args in [
                vec!["list", "-p", provider],
                vec!["describe", "-p", provider, "--", id],
                vec!["download", "-p", provider, "-d", dir, "--", id],
            ] {
                let certctl = Certctl::with(environment.clone())
                    .args(["-vv", "--retries", "0", "--log-format", "json"])
                    .args(&args);
                let run = checked(certctl, &format!("{fault:?} {args:?}"));
                assert!(run.code != 0 || fault == Fault::WrongKey, "{fault:?} {args:?}");
            }
            sandbox.clear(cloud);
        }
    }
    assert!(!snapshot(directory.path()).is_empty());
}
