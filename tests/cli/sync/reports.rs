//! What a run tells scripts and monitoring: JSON, the report, metrics, logs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use serde_json::{Value, json};

use super::{Fixture, certificate};
use crate::sandbox::{Cloud, Fault};

const ROW: [&str; 10] =
    ["name", "provider", "account", "id", "outcome", "path", "version", "not_after", "fingerprint_sha256", "error"];
const PROBLEM: [&str; 5] = ["code", "exit_code", "message", "hint", "request_id"];

#[track_caller]
fn has_members(value: &Value, members: &[&str]) {
    let found: BTreeSet<&str> =
        value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect();
    let missing: Vec<_> = members.iter().filter(|member| !found.contains(*member)).collect();
    assert!(missing.is_empty(), "{missing:?} in {value}");
}

/// Asserts the form of a report, and returns its rows by name.
#[track_caller]
fn rows(report: &Value, code: i32) -> Vec<Value> {
    has_members(report, &["schema", "started_at", "finished_at", "exit_code", "results", "errors"]);
    assert_eq!((&report["schema"], &report["exit_code"]), (&json!("certctl.run/v1"), &json!(code)));
    for time in ["started_at", "finished_at"] {
        assert!(report[time].as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()), "{report}");
    }
    let mut rows = report["results"].as_array().unwrap().clone();
    for row in &rows {
        has_members(row, &ROW);
        if row["error"] != Value::Null {
            has_members(&row["error"], &PROBLEM);
        }
    }
    for error in report["errors"].as_array().unwrap() {
        has_members(error, &["provider", "account"]);
        has_members(error, &PROBLEM);
    }
    rows.sort_by_key(|row| row["name"].as_str().unwrap_or_default().to_owned());
    rows
}

#[test]
fn every_outcome_as_json() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example", "c.example", "d.example"];
    let certificates = names.map(|name| fixture.issue(Cloud::Tencent, name, (-10, 80)));
    let refuse = |word: &str| super::toml(&format!("! test -e '{}'", fixture.text(word)));
    let tables = [
        certificate(names[0], "tx", ""),
        certificate(names[1], "tx", &format!("check = {}", refuse("refuse-check"))),
        certificate(names[2], "tx", &format!("hook = {}", refuse("refuse-hook"))),
        certificate(names[3], "tx", ""),
        certificate("gone.example", "hw", ""),
    ];
    fixture.configure(&tables.concat());
    let outcomes = |rows: &[Value]| -> Vec<String> {
        rows.iter().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect()
    };
    let dry = fixture.sync(&["-o", "json", "--dry-run"]).exits(4);
    assert_eq!(outcomes(&rows(&dry.json(), 4))[..4], ["would_create"; 4]);
    let run = fixture.sync(&["-o", "json"]).exits(4);
    let all = rows(&run.json(), 4);
    assert_eq!(outcomes(&all), ["created", "created", "created", "created", "failed"]);
    let row = &all[0];
    let metadata = fixture.metadata(names[0]);
    assert_eq!((&row["provider"], &row["account"]), (&json!("tencent"), &json!("tx")));
    assert_eq!((&row["id"], &row["name"]), (&json!(certificates[0].id), &json!(names[0])));
    assert_eq!(row["path"], json!(fixture.home(names[0]).display().to_string()));
    let version = fs::read_link(fixture.home(names[0]).join("current")).unwrap();
    assert_eq!(row["version"], json!(version.file_name().unwrap().to_str().unwrap()));
    assert_eq!(
        (&row["not_after"], &row["fingerprint_sha256"]),
        (&metadata["not_after"], &metadata["fingerprint_sha256"])
    );
    let error = &all[4]["error"];
    assert_eq!((&error["exit_code"], &error["code"]), (&json!(4), &json!("not_found")), "{error}");
    assert!(run.stderr.contains(error["message"].as_str().unwrap()));

    fixture.write("refuse-check", "");
    fixture.write("refuse-hook", "");
    (1..3).for_each(|n| drop(fixture.renew(Cloud::Tencent, &certificates[n].id)));
    fixture.sandbox.fault(Cloud::Huawei, Fault::Status(503));
    let run = fixture.sync(&["-o", "json", "--retries", "0"]).exits(9);
    let report = run.json();
    let all = rows(&report, 9);
    assert_eq!(outcomes(&all)[..4], ["unchanged", "failed", "updated", "unchanged"], "{report}");
    let codes: Vec<_> =
        all[..4].iter().map(|row| (row["error"]["code"].as_str(), row["error"]["exit_code"].as_i64())).collect();
    assert_eq!(codes[..3], [(None, None), (Some("check_failed"), Some(8)), (Some("hook_failed"), Some(8))]);
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{report}");
    assert_eq!((&errors[0]["account"], &errors[0]["provider"]), (&json!("hw"), &json!("huawei")));
    assert_eq!(errors[0]["exit_code"], 5);
    fixture.sandbox.clear(Cloud::Huawei);
    // The hook is owed, though nothing is new.
    let run = fixture.sync(&["-o", "json", names[2]]).exits(8);
    let all = rows(&run.json(), 8);
    assert_eq!((&all[0]["outcome"], &all[0]["error"]["code"]), (&json!("unchanged"), &json!("hook_failed")));
    fixture.remove("refuse-hook");
    let run = fixture.sync(&["-o", "json", names[2]]).exits(0);
    let all = rows(&run.json(), 0);
    assert_eq!((&all[0]["outcome"], &all[0]["error"]), (&json!("unchanged"), &Value::Null));
    assert_eq!(run.stderr, "");
}

/// The report is written whatever is printed, and whatever happens.
#[test]
fn the_report() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, "a.example", (-10, 80));
    fixture.configure(&certificate("a.example", "tx", ""));
    let file = fixture.text("report.json");
    let read = || -> Value { serde_json::from_slice(&fs::read(&file).unwrap()).unwrap() };
    let run = fixture.sync(&["--report", &file]).exits(0);
    assert!(run.stdout.starts_with("a.example (tencent "));
    assert_eq!(rows(&read(), 0)[0]["outcome"], "created");
    fixture.sync(&["--report", &file, "-q"]).exits(0);
    assert_eq!(rows(&read(), 0)[0]["outcome"], "unchanged");
    let run = fixture.sync(&["--report", &file, "-o", "json"]).exits(0);
    assert_eq!(rows(&run.json(), 0)[0]["outcome"], rows(&read(), 0)[0]["outcome"]);
    let inode = fs::metadata(&file).unwrap().ino();
    fixture.sandbox.fault(Cloud::Tencent, Fault::Status(503));
    fixture.sync(&["--report", &file, "--retries", "0"]).exits(5);
    let report = read();
    rows(&report, 5);
    assert_eq!(report["errors"][0]["account"], "tx");
    assert_ne!(fs::metadata(&file).unwrap().ino(), inode, "replaced as a whole: a reader never sees half of it");
    fixture.sandbox.clear(Cloud::Tencent);
    // One that cannot be written is a failure, and what was to be done is done.
    let new = fixture.renew(Cloud::Tencent, fixture.metadata("a.example")["id"].as_str().unwrap());
    let nowhere = fixture.text("no/such/report.json");
    fixture.sync(&["--report", &nowhere, "--detailed-exitcode"]).exits(7).says(&[&fixture.text("no/such"), "; "]);
    fixture.holds("a.example", &new);
}

/// One sample's value; the labels are named in order.
fn sample(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics() {
    let fixture = Fixture::new();
    let held = fixture.issue(Cloud::Tencent, "a.example", (-10, 80));
    let hook = format!("hook = {}", super::toml(&format!("! test -e '{}'", fixture.text("refuse"))));
    fixture.configure(&(certificate("a.example", "tx", &hook) + &certificate("b.example", "hw", "")));
    let file = fixture.text("certctl.prom");
    let run = |code: i32| {
        fixture.sync(&["--metrics-file", &file, "--retries", "0"]).exits(code);
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("certctl_") && value.parse::<f64>().is_ok(), "{line}");
        }
        assert_eq!(sample(&text, "certctl_run_exit_code"), Some(f64::from(code)), "{text}");
        text
    };
    let labels = |id: &str| format!("{{name=\"a.example\",provider=\"tencent\",account=\"tx\",id=\"{id}\"}}");
    fixture.issue(Cloud::Huawei, "b.example", (-10, 80));
    let text = run(0);
    let (from, to) = held.validity.unwrap();
    for (name, time) in [("before", from), ("after", to)] {
        let name = format!("certctl_certificate_not_{name}_timestamp_seconds{}", labels(&held.id));
        assert_eq!(sample(&text, &name), Some(time.as_second() as f64), "{name} in {text}");
    }
    assert_eq!(sample(&text, "certctl_certificates{outcome=\"created\"}"), Some(2.0), "{text}");
    assert_eq!(sample(&text, "certctl_hook_pending{name=\"a.example\"}"), Some(0.0), "{text}");
    let (ended, success) = ("certctl_run_timestamp_seconds", "certctl_run_success_timestamp_seconds");
    let first = sample(&text, success).unwrap();
    assert_eq!(sample(&text, ended), Some(first));

    // A failure keeps the time of the last success, and what is installed is told all the same.
    fixture.write("refuse", "");
    let new = fixture.renew(Cloud::Tencent, &held.id);
    fixture.sandbox.fault(Cloud::Huawei, Fault::Status(503));
    for _ in 0..2 {
        let text = run(9);
        assert_eq!(sample(&text, success), Some(first), "{text}");
        assert!(sample(&text, ended).unwrap() >= first);
        assert_eq!(sample(&text, "certctl_hook_pending{name=\"a.example\"}"), Some(1.0), "{text}");
        assert!(text.contains(&labels(&new.id)) && text.contains("name=\"b.example\""), "{text}");
    }
    fixture.remove("refuse");
    fixture.sandbox.clear(Cloud::Huawei);
    let text = run(0);
    assert!(sample(&text, success).unwrap() >= first);
    assert_eq!(sample(&text, "certctl_hook_pending{name=\"a.example\"}"), Some(0.0), "{text}");
    // Damaged by somebody, it is written anew.
    fs::write(&file, "\u{0}nonsense").unwrap();
    run(0);
    let beside: Vec<_> =
        fs::read_dir(fixture.directory.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains("prom") && name != "certctl.prom"), "{beside:?}");
}

#[test]
fn logs_as_json() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, "a.example", (-80, 5));
    let more = "check = 'echo said'\nhook = 'echo said; exit 1'";
    fixture.configure(&(certificate("a.example", "tx", more) + &certificate("b.example", "hw", "")));
    for verbosity in [&[][..], &["-v"], &["-vv"]] {
        let run = fixture.sync(&[&["--log-format", "json"], verbosity].concat()).exits(9);
        let mut levels = BTreeSet::new();
        for line in run.stderr.lines() {
            let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(entry["fields"]["message"].is_string() && entry["timestamp"].is_string(), "{entry}");
            levels.insert(entry["level"].as_str().unwrap().to_owned());
        }
        assert!(levels.contains("ERROR") && levels.contains("WARN"), "{levels:?}");
    }
}
