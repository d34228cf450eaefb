//! A run that is killed between the switch and what has to follow it: the next one makes up for it.

use std::fs;

use super::{Fixture, certificate, until};
use crate::sandbox::{Certificate, Cloud};

const NAME: &str = "a.example";

/// One certificate with an installed copy, whose check and hook can be made to wait.
struct Ground {
    fixture: Fixture,
    old: Certificate,
}

impl Ground {
    fn new() -> Self {
        let fixture = Fixture::new();
        let old = fixture.issue(Cloud::Tencent, NAME, (-10, 80));
        fs::create_dir(fixture.path("ssl")).unwrap();
        let install = format!("install = [{{ file = 'privkey.pem', to = '{}' }}]", fixture.text("ssl/a.key"));
        let more = format!("check = {}\nhook = {}\n{install}", fixture.gated("check"), fixture.gated("hook"));
        fixture.configure(&certificate(NAME, "tx", &more));
        Self { fixture, old }
    }

    /// With something in place already.
    fn with_one() -> Self {
        let ground = Self::new();
        ground.fixture.sync(&[]).exits(0);
        assert_eq!(ground.fixture.take_log(), ["check", "hook"]);
        ground
    }

    fn renew(&self) -> Certificate {
        self.fixture.renew(Cloud::Tencent, &self.old.id)
    }

    /// A run that is killed while this command waits, which then goes on without it and ends.
    fn killed_at(&self, word: &str) {
        let gate = format!("gate-{word}");
        self.fixture.write(&gate, "");
        let mut child = self.fixture.spawn(&[]);
        until(word, || self.fixture.log().last().is_some_and(|line| line == word));
        child.kill().unwrap();
        child.wait().unwrap();
        self.fixture.remove(&gate);
        self.fixture.take_log();
    }

    #[track_caller]
    fn is_in_place(&self, certificate: &Certificate) {
        self.fixture.holds(NAME, certificate);
        let key = |path| fs::read(path).unwrap();
        assert_eq!(key(self.fixture.path("ssl/a.key")), key(self.fixture.home(NAME).join("privkey.pem")));
        assert_eq!(fs::read_dir(self.fixture.path("ssl")).unwrap().count(), 1);
    }
}

#[test]
fn killed_before_the_check_has_spoken() {
    for is_first in [true, false] {
        let ground = if is_first { Ground::new() } else { Ground::with_one() };
        let new = if is_first { ground.old.clone() } else { ground.renew() };
        ground.killed_at("check");
        let marks = ground.fixture.marks();
        let run = ground.fixture.sync(&[]).exits(0);
        assert_eq!(run.errors(), Vec::<&str>::new());
        assert_eq!(ground.fixture.take_log(), ["check", "hook"], "first: {is_first}");
        assert!(ground.fixture.asked_since(&marks).len() <= 1, "what is in place is not asked for again");
        ground.is_in_place(&new);
        ground.fixture.is_tidy(NAME, 2);
        ground.fixture.is_quiet();
    }
}

/// Nobody has approved of it, and the check says no: what was there before is there again.
#[test]
fn killed_before_the_check_and_the_check_says_no() {
    let ground = Ground::with_one();
    let before = fs::read_link(ground.fixture.home(NAME).join("current")).unwrap();
    let new = ground.renew();
    ground.killed_at("check");
    ground.fixture.write("refuse-check", "");
    for _ in 0..2 {
        let run = ground.fixture.sync(&[]).exits(8).says(&[NAME, "check `", "the version before was restored"]);
        assert_eq!(run.stdout, "");
        assert_eq!(ground.fixture.take_log(), ["check"]);
        ground.is_in_place(&ground.old);
        assert_eq!(fs::read_link(ground.fixture.home(NAME).join("current")).unwrap(), before);
    }
    ground.fixture.remove("refuse-check");
    ground.fixture.sync(&[]).exits(0);
    assert_eq!(ground.fixture.take_log(), ["check", "hook"]);
    ground.is_in_place(&new);
    ground.fixture.is_quiet();

    // The same where there was nothing before.
    let ground = Ground::new();
    fs::write(ground.fixture.path("ssl/a.key"), "the admin's own").unwrap();
    ground.killed_at("check");
    ground.fixture.write("refuse-check", "");
    ground.fixture.sync(&[]).exits(8).says(&["check `"]);
    assert!(ground.fixture.home(NAME).join("current").symlink_metadata().is_err());
    assert_eq!(fs::read_to_string(ground.fixture.path("ssl/a.key")).unwrap(), "the admin's own");
    assert_eq!(fs::read_dir(ground.fixture.path("ssl")).unwrap().count(), 1);
}

#[test]
fn killed_during_the_hook() {
    for is_first in [true, false] {
        let ground = if is_first { Ground::new() } else { Ground::with_one() };
        let new = if is_first { ground.old.clone() } else { ground.renew() };
        ground.killed_at("hook");
        let marks = ground.fixture.marks();
        let run = ground.fixture.sync(&[]).exits(0);
        assert_eq!(run.errors(), Vec::<&str>::new());
        assert_eq!(ground.fixture.take_log(), ["hook"], "the check was passed; first: {is_first}");
        assert_eq!(ground.fixture.asked_since(&marks).len(), 0);
        ground.is_in_place(&new);
        ground.fixture.is_quiet();
    }
}

/// A further renewal before the hook of the first could run: one check and one hook, for the newest.
#[test]
fn killed_during_the_hook_and_renewed_again() {
    let ground = Ground::with_one();
    let new = ground.renew();
    ground.killed_at("hook");
    let newer = ground.fixture.renew(Cloud::Tencent, &new.id);
    ground.fixture.sync(&[]).exits(0);
    assert_eq!(ground.fixture.take_log(), ["check", "hook"]);
    ground.is_in_place(&newer);
    ground.fixture.is_quiet();

    // Killed before the check, renewed, and that one is refused: back to the last that was approved of.
    let newest = ground.fixture.renew(Cloud::Tencent, &newer.id);
    ground.killed_at("check");
    ground.fixture.renew(Cloud::Tencent, &newest.id);
    ground.fixture.write("refuse-check", "");
    ground.fixture.sync(&[]).exits(8).says(&["the version before was restored"]);
    ground.is_in_place(&newer);
    ground.fixture.take_log();
    ground.fixture.remove("refuse-check");
    ground.fixture.sync(&[]).exits(0);
    ground.fixture.is_quiet();
}

/// Killed at any moment of its life, again and again: each time the next run brings it to its end.
#[test]
fn killed_at_any_moment() {
    const ROUNDS: usize = 40;
    let ground = Ground::with_one();
    let mut newest = ground.old.clone();
    // As long as one takes that is not disturbed.
    let mut whole = std::time::Duration::ZERO;
    let mut owed = 0;
    for _ in 0..ROUNDS {
        newest = ground.fixture.renew(Cloud::Tencent, &newest.id);
        let mut child = ground.fixture.spawn(&[]);
        std::thread::sleep(whole.mul_f64(fastrand::f64() * 1.1));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = ground.fixture.sync(&[]).exits(0);
        whole = run.took;
        ground.is_in_place(&newest);
        owed += usize::from(run.stdout.is_empty());
        let log = ground.fixture.take_log();
        assert!(["check", "hook"].iter().all(|word| log.iter().any(|line| line == word)), "{log:?}");
        // One more than is kept, where it died just before that one's end.
        ground.fixture.is_tidy(NAME, 5);
        ground.fixture.is_quiet();
    }
    eprintln!("{ROUNDS} runs killed, {owed} of them after the switch");
}
