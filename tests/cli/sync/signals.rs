//! SIGTERM and SIGINT at every stage: an end at once, with report and metrics, and a sound state.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Fixture, certificate, ended, until};
use crate::sandbox::{Certificate, Cloud, Fault};

const NAME: &str = "a.example";
const SIGNALS: [(Signal, i32); 2] = [(Signal::TERM, 143), (Signal::INT, 130)];
/// An end at once is within a second. On a machine where other tests keep all cores busy it may be more; what did not
/// heed the signal would take half a minute or more, as all that is waited for here does.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A certificate that was renewed, with a check and a hook that can be made to wait.
struct Ground {
    fixture: Fixture,
    new: Certificate,
}

impl Ground {
    fn new() -> Self {
        let fixture = Fixture::new();
        let old = fixture.issue(Cloud::Huawei, NAME, (-10, 80));
        let more = format!("check = {}\nhook = {}", fixture.gated("check"), fixture.gated("hook"));
        fixture.configure(&certificate(NAME, "hw", &more));
        fixture.sync(&[]).exits(0);
        fixture.take_log();
        let new = fixture.renew(Cloud::Huawei, &old.id);
        Self { fixture, new }
    }

    /// A run that gets the signal once it is where it should be.
    fn interrupted(&self, args: &[&str], signal: Signal, code: i32, is_there: impl Fn(&Child) -> bool) {
        let fixture = &self.fixture;
        let (report, metrics) = (fixture.text("report.json"), fixture.text("metrics.prom"));
        let mut child = fixture.spawn(&[args, &["--report", &report, "--metrics-file", &metrics]].concat());
        until("the moment", || is_there(&child) || has_ended(&mut child));
        let since = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let run = ended(child, since).exits(code);
        assert!(run.took < AT_ONCE, "{:?}", run.took);

        let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        crate::schema::holds(&report);
        assert_eq!((&report["schema"], report["exit_code"].as_i64()), (&"certctl.run/v1".into(), Some(code.into())));
        let row = &report["results"][0];
        assert_eq!(row["name"], NAME, "{report}");
        if row["outcome"] == "failed" {
            assert_eq!(
                (&row["error"]["code"], row["error"]["exit_code"].as_i64()),
                (&"interrupted".into(), Some(code.into()))
            );
        }
        let text = fs::read_to_string(&metrics).unwrap();
        assert!(text.contains(&format!("certctl_run_exit_code {code}\n")), "{text}");
        assert_eq!(fs::metadata(&metrics).unwrap().permissions().mode() & 0o777, 0o644);
        // What is in place is one certificate, whole.
        crate::oracle::verifies(&fixture.home(NAME), &fixture.sandbox.root_path());
    }

    /// The next run, which nobody disturbs, does all that is left.
    fn goes_on(&self) {
        self.fixture.sandbox.clear(Cloud::Huawei);
        for file in ["gate-check", "gate-hook"] {
            drop(fs::remove_file(self.fixture.path(file)));
        }
        let run = self.fixture.sync(&[]).exits(0);
        assert_eq!(run.errors(), Vec::<&str>::new());
        self.fixture.holds(NAME, &self.new);
        let log = self.fixture.take_log();
        assert!(log.iter().any(|line| line == "check") && log.last().is_some_and(|line| line == "hook"), "{log:?}");
        self.fixture.is_tidy(NAME, 2);
        self.fixture.is_quiet();
    }
}

fn has_ended(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_some()
}

/// Whether the process has come to listening to signals, at its very start.
fn listens(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    let both = 1 << (15 - 1) | 1 << (2 - 1);
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & both == both)
}

#[test]
fn while_a_cloud_does_not_answer() {
    for (signal, code) in SIGNALS {
        for operation in ["ListCertificates", "ExportCertificate"] {
            let ground = Ground::new();
            ground.fixture.sandbox.fault(Cloud::Huawei, Fault::Hang.on(operation));
            let has_come = |request: &crate::sandbox::Request| {
                request.operation == operation && request.fault == Some(Fault::Hang)
            };
            ground.interrupted(&["--timeout", "60s"], signal, code, |_| {
                ground.fixture.sandbox.requests(Cloud::Huawei).iter().any(has_come)
            });
            ground.goes_on();
        }
    }
}

#[test]
fn while_a_command_runs() {
    for (signal, code) in SIGNALS {
        for word in ["check", "hook"] {
            let ground = Ground::new();
            ground.fixture.write(&format!("gate-{word}"), "");
            ground.interrupted(&[], signal, code, |_| ground.fixture.log().last().is_some_and(|line| line == word));
            ground.goes_on();
        }
    }
}

#[test]
fn while_it_waits_for_the_lock() {
    for (signal, code) in SIGNALS {
        let ground = Ground::new();
        ground.fixture.write("gate-check", "");
        let (first, since) = (ground.fixture.spawn(&[]), Instant::now());
        until("the check", || ground.fixture.log() == ["check"]);
        ground.interrupted(&["--lock-timeout", "60s"], signal, code, |child| listens(child) && opens_the_lock(child));
        ground.fixture.remove("gate-check");
        ended(first, since).exits(0);
        ground.goes_on_after_another();
    }
}

impl Ground {
    fn goes_on_after_another(&self) {
        self.fixture.holds(NAME, &self.new);
        assert_eq!(self.fixture.take_log(), ["check", "hook"]);
        self.fixture.is_quiet();
    }
}

pub(super) fn opens_the_lock(child: &Child) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    files.flatten().filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file.ends_with(".certctl/lock"))
}

#[test]
fn while_it_puts_off_its_start() {
    for (signal, code) in SIGNALS {
        let ground = Ground::new();
        let marks = ground.fixture.marks();
        ground.interrupted(&["--jitter", "24h"], signal, code, listens);
        assert_eq!(ground.fixture.marks(), marks, "nobody was asked");
        ground.goes_on();
    }
}

/// Of several certificates those that are done are told as done, and the others as not.
#[test]
fn in_the_midst_of_several() {
    for (signal, code) in SIGNALS {
        let fixture = Fixture::new();
        let done = fixture.issue(Cloud::Huawei, NAME, (-10, 80));
        fixture.issue(Cloud::Jdcloud, "b.example", (-10, 80));
        let hook = format!("hook = {}", fixture.gated("hook"));
        fixture.configure(&(certificate(NAME, "hw", &hook) + &certificate("b.example", "jd", &hook)));
        fixture.sandbox.fault(Cloud::Jdcloud, Fault::Hang.on("downloadCert"));
        let ground = Ground { fixture, new: done };
        ground.interrupted(&["--timeout", "60s"], signal, code, |_| {
            ground.fixture.home(NAME).join("current").exists()
                && ground.fixture.sandbox.tally(Cloud::Jdcloud, 0).contains_key("downloadCert")
        });
        let report: Value = serde_json::from_slice(&fs::read(ground.fixture.path("report.json")).unwrap()).unwrap();
        let outcomes: Vec<_> =
            report["results"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["created", "failed"], "{report}");
        ground.fixture.sandbox.clear(Cloud::Jdcloud);
        let run = ground.fixture.sync(&[]).exits(0);
        assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
        assert_eq!(ground.fixture.take_log(), ["hook"], "one for both, the one owed and the new one");
        ground.fixture.is_quiet();
    }
}
