//! Several accounts in one run: what one does not do is told of it, once, and holds up no other.

use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::{Fixture, certificate, ended, until};
use crate::sandbox::{Account, Cloud, Fault, Options};

/// More than are in work at the same time, of an account that does not answer.
const MANY: usize = 70;
/// Longer than anything here is waited for.
const TRY: [&str; 4] = ["--timeout", "120s", "--retries", "0"];

/// Tencent's certificates are in place while Huawei's are all still waited for.
#[test]
fn one_that_does_not_answer_holds_up_no_other() {
    let fixture = Fixture::with(Options { bulk: MANY, ..Options::default() }, Account::Bulk);
    let names = |cloud, most| {
        let held = fixture.sandbox.certificates(cloud, Account::Bulk);
        held.into_iter().take(most).map(|held| held.domain).collect::<Vec<_>>()
    };
    let tables =
        |names: &[String], account: &str| names.iter().map(|name| certificate(name, account, "")).collect::<String>();
    let (hanging, others) = (names(Cloud::Huawei, MANY), names(Cloud::Tencent, 20));
    fixture.configure(&(tables(&hanging, "hw") + &tables(&others, "tx")));
    fixture.sandbox.fault(Cloud::Huawei, Fault::Hang.on("ExportCertificate"));
    let (child, since) = (fixture.spawn(&TRY), Instant::now());
    until("Tencent's certificates", || others.iter().all(|name| fixture.home(name).join("current").exists()));
    assert!(fixture.sandbox.tally(Cloud::Huawei, 0).contains_key("ExportCertificate"));
    assert!(hanging.iter().all(|name| !fixture.home(name).join("current").exists()));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    ended(child, since).exits(143);
}

/// As many at the same time as were asked for.
#[test]
fn many_jobs() {
    let fixture = Fixture::with(Options { bulk: MANY, ..Options::default() }, Account::Bulk);
    let held = fixture.sandbox.certificates(Cloud::Huawei, Account::Bulk);
    fixture.configure(&held.iter().map(|held| certificate(&held.domain, "hw", "")).collect::<String>());
    fixture.sandbox.fault(Cloud::Huawei, Fault::Hang.on("ExportCertificate"));
    let (child, since) = (fixture.spawn(&[&TRY[..], &["-j", &MANY.to_string()]].concat()), Instant::now());
    until("the last of them", || fixture.sandbox.tally(Cloud::Huawei, 0).get("ExportCertificate") == Some(&MANY));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    ended(child, since).exits(143);
}

/// Those that an account does not describe are one line, with their ids, and are passed over.
#[test]
fn what_could_not_be_described() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Ctyun, "a.example", (-30, 60));
    fixture.configure(&certificate("a.example", "ct", ""));
    fixture.sync(&[]).exits(0);
    let others = ["b.example", "c.example"].map(|name| fixture.issue(Cloud::Ctyun, name, (-10, 80)));
    let new = fixture.renew(Cloud::Ctyun, &old.id);
    fixture.sandbox.fault(Cloud::Ctyun, Fault::Status(503).on("getCertificate"));
    let ids = [&others[0].id, &others[1].id, &new.id];
    for _ in 0..2 {
        let marks = fixture.marks();
        let run = fixture.sync(&["--retries", "0", "-o", "json"]).exits(5);
        let run = run.says(&["ct (ctyun)", "passed over, 3 in all: ", ids[0], ids[1], ids[2]]);
        assert_eq!(fixture.asked_since(&marks)["getCertificate"], 3, "each once");
        let report = run.json();
        assert_eq!(report["results"][0]["outcome"], "unchanged", "{report}");
        let errors = report["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{report}");
        assert_eq!((&errors[0]["provider"], &errors[0]["account"]), (&"ctyun".into(), &"ct".into()));
        assert_eq!(errors[0]["exit_code"], 5);
        fixture.holds("a.example", &old);
    }
    fixture.sandbox.clear(Cloud::Ctyun);
    fixture.sync(&[]).exits(0);
    fixture.holds("a.example", &new);
    fixture.is_quiet();
}

/// At -v, a line for each that covers the name and is not taken, with the reason.
#[test]
fn what_was_passed_over() {
    let fixture = Fixture::with(Options::default(), Account::Healthy);
    let name = "revoked.tencent.example";
    let id = |days| fixture.sandbox.issue(Cloud::Tencent, Account::Healthy, &[name], days).id;
    let labelled = |label: &str| fixture.sandbox.certificate(Cloud::Tencent, Account::Healthy, label).id;
    let passed_over = [
        (id((-40, 60)), "older"),
        (labelled("wildcard"), "older"),
        (id((-100, -1)), "expired"),
        (id((2, 90)), "not yet valid"),
        (labelled("revoked"), "revoked"),
    ];
    let taken = id((-5, 80));
    fixture.configure(&certificate(name, "tx", ""));
    for _ in 0..2 {
        let run = fixture.sync(&["-v"]).exits(0);
        for (id, why) in &passed_over {
            let lines: Vec<_> = run.stderr.lines().filter(|line| line.contains(id.as_str())).collect();
            assert_eq!(lines.len(), 1, "{id}: {}", run.stderr);
            let is_told = lines[0].contains(name) && (lines[0].contains(why) || lines[0].contains("not issued"));
            assert!(is_told, "{why}: {}", lines[0]);
        }
        assert_eq!(fixture.metadata(name)["id"], taken);
    }
    fixture.is_quiet();
}

/// The certificates of an account that failed are at the end of its line.
#[test]
fn whom_it_concerns() {
    let fixture = Fixture::new();
    let tables = ["a.example", "b.example"].map(|name| certificate(name, "tx", "")).concat();
    fixture.configure(&tables);
    fixture.sandbox.fault(Cloud::Tencent, Fault::Refused);
    let run = fixture.sync(&["--retries", "0"]).exits(5);
    let run = run.says(&["certctl: error: tx (tencent): ", "; "]);
    assert!(run.errors()[0].ends_with(" (certificates: a.example, b.example)"), "{}", run.stderr);
}
