//! The commands of a whole run: when they are run, in which order, and what they can stop.

use super::{Fixture, certificate, toml};
use crate::sandbox::{Cloud, Fault};

/// Two certificates and the commands of a run, each of which notes that it ran and whom it is told of.
struct Ground {
    fixture: Fixture,
}

impl Ground {
    fn new() -> Self {
        let fixture = Fixture::new();
        for name in ["a.example", "b.example"] {
            fixture.issue(Cloud::Tencent, name, (-10, 80));
        }
        let ground = Self { fixture };
        ground.configure("true");
        ground
    }

    /// With a `before` that ends like this.
    fn configure(&self, before: &str) {
        let fixture = &self.fixture;
        let refuse = format!("{}; ! test -e '{}'", fixture.noting("check", &[]), fixture.text("refuse"));
        let more = format!("check = {}\nhook = {}", toml(&refuse), fixture.notes("hook", &["NAMES"]));
        let before = toml(&format!("{}; {before}", fixture.noting("before", &["NAMES"])));
        let (after, failed) = (fixture.notes("after", &["NAMES"]), fixture.notes("failed", &[]));
        let tables = ["a.example", "b.example"].map(|name| certificate(name, "tx", &more)).concat();
        fixture.configure(&format!("{tables}[hooks]\nbefore = {before}\nafter = {after}\nfailed = {failed}\n"));
    }

    fn renew(&self, n: usize) {
        let held = self.fixture.sandbox.certificates(Cloud::Tencent, self.fixture.account);
        let name = ["a.example", "b.example"][n];
        let newest = held.iter().rfind(|certificate| certificate.domain == name).unwrap();
        self.fixture.renew(Cloud::Tencent, &newest.id);
    }

    /// The words of the log, in order.
    fn words(&self) -> Vec<String> {
        let first = |line: String| line.split(' ').next().unwrap_or_default().to_owned();
        self.fixture.take_log().into_iter().map(first).collect()
    }
}

#[test]
fn the_order_of_a_night() {
    let ground = Ground::new();
    ground.fixture.sync(&[]).exits(0);
    assert_eq!(ground.words(), ["before", "check", "check", "hook", "after"]);
    ground.fixture.is_quiet();
    assert_eq!(ground.words(), Vec::<String>::new(), "nothing changed: none of them");
    ground.renew(1);
    ground.fixture.sync(&[]).exits(0);
    let log = ground.fixture.log();
    assert_eq!(ground.words(), ["before", "check", "hook", "after"]);
    let names = |word: &str| log.iter().find_map(|line| line.strip_prefix(word)).unwrap_or_default().to_owned();
    assert!(names("before ").contains("b.example") && names("after ").contains("b.example"), "{log:?}");
}

#[test]
fn before_may_forbid_it() {
    let ground = Ground::new();
    ground.configure("echo maintenance >&2; exit 4");
    let run = ground.fixture.sync(&[]).exits(8);
    assert_eq!(run.stdout, "");
    let errors = run.errors();
    assert!(
        errors.iter().any(|line| line.contains("before") && line.contains("exit status: 4): maintenance")),
        "{}",
        run.stderr
    );
    assert!(!ground.fixture.home("a.example").join("current").exists());
    assert!(!ground.fixture.home("b.example").join("current").exists());
    let words = ground.words();
    assert_eq!(words.iter().filter(|word| *word == "before").count(), 1, "once a run: {words:?}");
    assert!(!words.iter().any(|word| word == "check" || word == "hook"), "{words:?}");
    assert_eq!(words.last().unwrap(), "failed");

    // With something in place it stays, to the last byte.
    ground.configure("true");
    ground.fixture.sync(&[]).exits(0);
    ground.words();
    ground.renew(0);
    ground.configure("exit 1");
    let before = super::snapshot(&ground.fixture.home("a.example"));
    ground.fixture.sync(&[]).exits(8);
    assert_eq!(
        super::changes(&before, &super::snapshot(&ground.fixture.home("a.example"))),
        [] as [std::path::PathBuf; 0]
    );
    ground.configure("true");
    ground.words();
    let run = ground.fixture.sync(&[]).exits(0);
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn after_whatever_happened_and_failed_where_something_did() {
    let ground = Ground::new();
    ground.fixture.write("refuse", "");
    ground.fixture.sync(&[]).exits(8);
    assert_eq!(ground.words(), ["before", "check", "check", "after", "failed"], "no hook");
    // Nothing to change, and a cloud that is down: only the last of them.
    std::fs::remove_file(ground.fixture.path("refuse")).unwrap();
    ground.fixture.sync(&[]).exits(0);
    ground.words();
    ground.fixture.sandbox.fault(Cloud::Tencent, Fault::Status(503));
    ground.fixture.sync(&["--retries", "0"]).exits(5);
    assert_eq!(ground.words(), ["failed"]);
    ground.fixture.sandbox.clear(Cloud::Tencent);
    ground.fixture.is_quiet();
}

#[test]
fn after_and_failed_may_fail_themselves() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Tencent, "a.example", (-10, 80));
    let fails = |word: &str| toml(&format!("{}; exit 1", fixture.noting(word, &[])));
    fixture.configure(&format!(
        "{}[hooks]\nafter = {}\nfailed = {}\n",
        certificate("a.example", "tx", ""),
        fails("after"),
        fails("failed")
    ));
    let run = fixture.sync(&[]).exits(8);
    assert!(run.errors().iter().any(|line| line.contains("after")), "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 1);
    assert_eq!(fixture.take_log(), ["after", "failed"]);
    fixture.holds("a.example", &old);
    // It is in place, so there is nothing that `after` would be for.
    fixture.is_quiet();
}

/// A hook that is owed is run without `before` and `after`: nothing is switched.
#[test]
fn a_dry_run_runs_nothing() {
    let ground = Ground::new();
    let run = ground.fixture.sync(&["--dry-run"]).exits(0);
    assert_eq!(run.stdout.matches("would be created").count(), 2, "{}", run.stdout);
    assert_eq!(ground.words(), Vec::<String>::new());
    assert!(!ground.fixture.path("certs").exists());
    ground.fixture.sync(&[]).exits(0);
    ground.words();
    ground.renew(0);
    let before = ground.fixture.snapshot();
    let run = ground.fixture.sync(&["--dry-run", "--detailed-exitcode"]);
    assert!(run.stdout.contains("a.example (tencent ") && run.stdout.contains("): would be updated"), "{}", run.stdout);
    assert_eq!((run.stdout.lines().count(), ground.words()), (1, Vec::new()));
    assert_eq!(super::changes(&before, &ground.fixture.snapshot()), [] as [std::path::PathBuf; 0]);
}
