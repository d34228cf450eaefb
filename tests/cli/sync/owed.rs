//! What an earlier run owes is made up for by the next one, whatever the cloud is like then.

use std::fs;

use super::{Fixture, certificate, toml, until};
use crate::cli::Run;
use crate::sandbox::{Certificate, Cloud, Fault};

const NAME: &str = "a.example";

/// One certificate, whose check and hook note which certificate they are told of, and can be made to fail.
struct Ground {
    fixture: Fixture,
    held: Certificate,
}

impl Ground {
    fn new() -> Self {
        let fixture = Fixture::new();
        let held = fixture.issue(Cloud::Tencent, NAME, (-10, 80));
        let command = |word: &str| {
            let refuse = fixture.text(&format!("refuse-{word}"));
            toml(&format!("{}; ! test -e '{refuse}'", fixture.noting(word, &["ID"])))
        };
        let more = format!("check = {}\nhook = {}", command("check"), command("hook"));
        fixture.configure(&certificate(NAME, "tx", &more));
        Self { fixture, held }
    }

    /// In place, and its hook has failed.
    fn owing() -> Self {
        let ground = Self::new();
        ground.fixture.write("refuse-hook", "");
        ground.fixture.sync(&[]).exits(8);
        ground.fixture.remove("refuse-hook");
        ground.fixture.take_log();
        ground
    }

    /// A run that fails in its own way, and runs the hook that is due all the same.
    #[track_caller]
    fn makes_up(&self, code: i32, error: &str) {
        let Self { fixture, held } = self;
        let metrics = fixture.text("certctl.prom");
        let run: Run = fixture.sync(&["--retries", "0", "-o", "json", "--metrics-file", &metrics]).exits(code);
        assert_eq!(run.errors().len(), 1, "{}", run.stderr);
        let row = &run.json()["results"][0];
        assert_eq!((&row["outcome"], &row["error"]["exit_code"]), (&"failed".into(), &code.into()), "{row}");
        assert_eq!(row["error"]["code"], error, "{row}");
        assert_eq!(fixture.take_log(), [format!("hook {}", held.id)]);
        let text = fs::read_to_string(&metrics).unwrap();
        assert!(text.contains("certctl_hook_pending{name=\"a.example\"} 0\n"), "{text}");
        fixture.holds(NAME, held);
        // Once is enough.
        let run = fixture.sync(&["--retries", "0"]).exits(code);
        assert_eq!((run.stdout.as_str(), fixture.take_log()), ("", Vec::new()));
    }
}

#[test]
fn a_hook_is_run_though_the_cloud_is_down() {
    let ground = Ground::owing();
    ground.fixture.sandbox.fault(Cloud::Tencent, Fault::Status(503));
    ground.makes_up(5, "unavailable");
    ground.fixture.sandbox.clear(Cloud::Tencent);
    ground.fixture.is_quiet();
}

#[test]
fn a_hook_is_run_though_the_certificate_is_gone_there() {
    let ground = Ground::owing();
    ground.fixture.withdraw(Cloud::Tencent, &ground.held.id);
    ground.makes_up(4, "not_found");
}

#[test]
fn a_hook_is_run_though_the_renewal_cannot_be_fetched() {
    let ground = Ground::owing();
    ground.fixture.renew(Cloud::Tencent, &ground.held.id);
    ground.fixture.sandbox.fault(Cloud::Tencent, Fault::Status(503).on("DownloadCertificate"));
    ground.makes_up(5, "unavailable");
}

#[test]
fn a_hook_is_run_though_the_renewal_is_no_good() {
    let ground = Ground::owing();
    let Ground { fixture, held } = &ground;
    fixture.sandbox.renew_with(Cloud::Tencent, fixture.account, &held.id, crate::sandbox::Trouble::WrongKey);
    ground.makes_up(6, "key_mismatch");
}

/// What a run that died has switched to is judged, and followed by its hook, though the cloud is down.
#[test]
fn what_nobody_has_judged_yet() {
    for is_good in [true, false] {
        let fixture = Fixture::new();
        let old = fixture.issue(Cloud::Tencent, NAME, (-10, 80));
        let more = format!("check = {}\nhook = {}", fixture.gated("check"), fixture.gated("hook"));
        fixture.configure(&certificate(NAME, "tx", &more));
        fixture.sync(&[]).exits(0);
        fixture.take_log();
        let new = fixture.renew(Cloud::Tencent, &old.id);
        fixture.write("gate-check", "");
        let mut child = fixture.spawn(&[]);
        until("the check", || fixture.log() == ["check"]);
        child.kill().unwrap();
        child.wait().unwrap();
        fixture.remove("gate-check");
        fixture.take_log();

        fixture.sandbox.fault(Cloud::Tencent, Fault::Status(503));
        if is_good {
            fixture.sync(&["--retries", "0"]).exits(5).says(&["tx (tencent)"]);
            assert_eq!(fixture.take_log(), ["check", "hook"]);
            fixture.holds(NAME, &new);
        } else {
            fixture.write("refuse-check", "");
            let run = fixture.sync(&["--retries", "0"]);
            assert!([5, 8, 9].contains(&run.code), "{run:?}");
            assert_eq!(fixture.take_log(), ["check"]);
            fixture.holds(NAME, &old);
            fixture.remove("refuse-check");
        }
        fixture.sandbox.clear(Cloud::Tencent);
        fixture.sync(&[]).exits(0);
        fixture.take_log();
        fixture.holds(NAME, &new);
        fixture.is_quiet();
    }
}

/// Back to the version before, whose hook is still due: it runs in that same run, and no more after it.
#[test]
fn the_hook_of_a_version_that_was_restored() {
    let ground = Ground::owing();
    let Ground { fixture, held } = &ground;
    let new = fixture.renew(Cloud::Tencent, &held.id);
    fixture.write("refuse-check", "");
    fixture.sync(&[]).exits(8).says(&["check `", "the version before was restored"]);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id), format!("hook {}", held.id)]);
    fixture.holds(NAME, held);
    fixture.sync(&[]).exits(8).says(&["check `"]);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id)]);
    fixture.remove("refuse-check");
    fixture.sync(&[]).exits(0);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id), format!("hook {}", new.id)]);
    fixture.holds(NAME, &new);
    fixture.is_quiet();
}
