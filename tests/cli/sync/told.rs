//! What a run says of its own commands, of signals, of what is in place, and of a config that will not do.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Fixture, certificate, ended, until};
use crate::cli::Run;
use crate::sandbox::{Cloud, Fault};

const NAME: &str = "a.example";

/// What the run came to that got this signal.
fn stopped(child: Child, signal: Signal) -> Run {
    let since = Instant::now();
    kill_process(Pid::from_child(&child), signal).unwrap();
    ended(child, since)
}

/// What failed beside a certificate is in the report's errors; it has no account.
#[test]
fn commands_of_the_run_in_the_report() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, NAME, (-10, 80));
    let hooks = "[hooks]\nafter = 'echo spoiled >&2; exit 3'\nfailed = 'exit 4'\n";
    fixture.configure(&(certificate(NAME, "tx", "") + hooks));
    let report = fixture.text("report.json");
    let run = fixture.sync(&["-o", "json", "--report", &report]).exits(8);
    let written: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    crate::schema::holds(&written);
    for report in [run.json(), written] {
        assert_eq!(report["results"][0]["outcome"], "created", "{report}");
        let errors = report["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 2, "{report}");
        for (error, status) in errors.iter().zip(["exit status: 3): spoiled", "exit status: 4"]) {
            assert_eq!((&error["provider"], &error["account"]), (&Value::Null, &Value::Null), "{error}");
            assert_eq!((&error["code"], &error["exit_code"]), (&json!("hook_failed"), &json!(8)), "{error}");
            assert!(error["message"].as_str().unwrap().contains(status), "{error}");
        }
    }
}

/// A signal between the switch and the hooks: whose hooks are still to run is one line, and the next run runs them.
#[test]
fn a_signal_before_the_hooks() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let fixture = Fixture::new();
        for (cloud, name) in [(Cloud::Huawei, NAME), (Cloud::Huawei, "b.example"), (Cloud::Jdcloud, "c.example")] {
            fixture.issue(cloud, name, (-10, 80));
        }
        let hook = format!("hook = {}", fixture.notes("hook", &["NAMES"]));
        let tables = [(NAME, "hw"), ("b.example", "hw"), ("c.example", "jd")];
        fixture.configure(&tables.map(|(name, account)| certificate(name, account, &hook)).concat());
        fixture.sandbox.fault(Cloud::Jdcloud, Fault::Hang.on("downloadCert"));
        let child = fixture.spawn(&["--timeout", "120s", "-o", "json"]);
        until("two of them", || {
            [NAME, "b.example"].iter().all(|name| fixture.home(name).join("current").exists())
                && fixture.sandbox.tally(Cloud::Jdcloud, 0).contains_key("downloadCert")
        });
        let run = stopped(child, signal).exits(code);
        let owed: Vec<_> = run.errors().into_iter().filter(|line| line.contains("hook")).collect();
        assert_eq!(owed.len(), 1, "{}", run.stderr);
        assert!(owed[0].contains(NAME) && owed[0].contains("b.example") && !owed[0].contains("c.example"), "{owed:?}");
        let report = run.json();
        for row in report["results"].as_array().unwrap() {
            let is_cut_off = row["name"] == "c.example";
            assert_eq!(row["outcome"], if is_cut_off { "failed" } else { "created" }, "{row}");
            let told = &row["error"]["code"];
            assert!(*told == "interrupted" || told.is_null() && !is_cut_off, "{row}");
        }
        assert_eq!(fixture.take_log(), Vec::<String>::new());
        fixture.sandbox.clear(Cloud::Jdcloud);
        fixture.sync(&[]).exits(0);
        assert_eq!(fixture.take_log(), [format!("hook {NAME},b.example,c.example")]);
        fixture.is_quiet();
    }
}

/// What a signal ends in its midst is interrupted, not failed.
#[test]
fn a_signal_during_a_command() {
    for word in ["check", "hook"] {
        let fixture = Fixture::new();
        fixture.issue(Cloud::Tencent, NAME, (-10, 80));
        let more = format!("check = {}\nhook = {}", fixture.gated("check"), fixture.gated("hook"));
        fixture.configure(&certificate(NAME, "tx", &more));
        fixture.write(&format!("gate-{word}"), "");
        let child = fixture.spawn(&["-o", "json"]);
        until(word, || fixture.log().last().is_some_and(|line| line == word));
        let run = stopped(child, Signal::TERM).exits(143);
        let error = &run.json()["results"][0]["error"];
        assert_eq!((&error["code"], &error["exit_code"]), (&json!("interrupted"), &json!(143)), "{word}: {error}");
    }
}

#[test]
fn a_signal_during_a_rollback() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        for word in ["check", "hook"] {
            let fixture = Fixture::new();
            let old = fixture.issue(Cloud::Tencent, NAME, (-30, 60));
            let more = format!("check = {}\nhook = {}", fixture.gated("check"), fixture.gated("hook"));
            fixture.configure(&certificate(NAME, "tx", &more));
            fixture.sync(&[]).exits(0);
            let new = fixture.renew(Cloud::Tencent, &old.id);
            fixture.sync(&[]).exits(0);
            fixture.take_log();
            fixture.write(&format!("gate-{word}"), "");
            let mut command = fixture.certctl("rollback", &[NAME]).into_command();
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = command.spawn().unwrap();
            until(word, || fixture.log().last().is_some_and(|line| line == word));
            let run = stopped(child, signal).exits(code);
            assert_eq!(run.errors().len(), 1, "{}", run.stderr);
            fixture.holds(NAME, if word == "check" { &new } else { &old });
            // A check that did not speak rejects nothing; a hook that did not end runs again.
            fixture.remove(&format!("gate-{word}"));
            fixture.take_log();
            fixture.sync(&[]).exits(0);
            assert_eq!(fixture.take_log(), if word == "check" { vec![] } else { vec!["hook"] });
        }
    }
}

/// A certificate whose place is gone is in place all the same: metrics and warnings tell of it.
#[test]
fn what_has_no_place_any_more() {
    let fixture = Fixture::new();
    let held = fixture.issue(Cloud::Tencent, NAME, (-80, 5));
    fs::create_dir(fixture.path("ssl")).unwrap();
    let install = format!("install = [{{ file = 'cert.pem', to = '{}' }}]", fixture.text("ssl/a.crt"));
    fixture.configure(&certificate(NAME, "tx", &install));
    fixture.sync(&[]).exits(0);
    fs::remove_dir_all(fixture.path("ssl")).unwrap();
    let metrics = fixture.text("certctl.prom");
    let run = fixture.sync(&["--metrics-file", &metrics]).exits(7).says(&[NAME, &fixture.text("ssl")]);
    assert!(run.stderr.contains("certctl: warning: a.example: expires in "), "{}", run.stderr);
    let text = fs::read_to_string(&metrics).unwrap();
    let labels = format!("{{name=\"{NAME}\",provider=\"tencent\",account=\"tx\",id=\"{}\"}}", held.id);
    let line =
        format!("certctl_certificate_not_after_timestamp_seconds{labels} {}\n", held.validity.unwrap().1.as_second());
    assert!(text.contains(&line) && text.contains("certctl_hook_pending{name=\"a.example\"} 0\n"), "{text}");
}

#[test]
fn a_config_that_will_not_do() {
    let fixture = Fixture::new();
    fixture.configure("");
    let marks = fixture.marks();
    let run = fixture.sync(&[]).exits(2).says(&["certctl.toml", "[[certificates]]"]);
    assert_eq!((run.stdout.as_str(), fixture.marks()), ("", marks.clone()));
    let tables = ["a.example", "b.example"]
        .map(|name| certificate(name, "tx", if name == NAME { "" } else { "formats = ['pem', 'pkcs13']" }));
    fixture.configure(&tables.concat());
    let run = fixture.sync(&[]).exits(2).says(&["certctl.toml", "pkcs13"]);
    assert_eq!((run.stdout.as_str(), fixture.marks()), ("", marks));
}

/// A certificate that has ended within the hour, and one that is pinned and ends soon.
#[test]
fn ends() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Tencent, NAME, (-30, 5));
    fixture.configure(&certificate(NAME, "tx", ""));
    fixture.sync(&[]).exits(0);
    let warned = || {
        let run = fixture.sync(&[]).exits(0);
        let lines = run.stderr.lines().filter(|line| line.starts_with("certctl: warning: a.example: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    fixture.renew(Cloud::Tencent, &old.id);
    fixture.sync(&[]).exits(0);
    fixture.certctl("rollback", &[NAME]).run().exits(0);
    let lines = warned();
    assert!(lines.iter().any(|line| line.contains("expires in ") && line.contains("pinned")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("has no newer one")), "{lines:?}");

    // Nobody can wait for the end of one that was in date when it was installed.
    fixture.sync(&["--force"]).exits(0);
    let path = fs::canonicalize(fixture.home(NAME).join("metadata.json")).unwrap();
    let mut metadata = fixture.metadata(NAME);
    let ended = Timestamp::now() - SignedDuration::from_mins(10);
    metadata["not_after"] = json!(ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    fs::write(path, serde_json::to_vec_pretty(&metadata).unwrap()).unwrap();
    let lines = warned();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("a.example: has expired ("), "{lines:?}");
}
