//! Where the lock of a run is, and what a run that has waited for it knows.

use std::fs;
use std::time::Instant;

use jiff::Timestamp;

use super::signals::opens_the_lock;
use super::{Fixture, certificate, ended, until};
use crate::sandbox::Cloud;

/// A directory that cannot be written keeps nobody else from theirs, and one run at a time it is all the same.
#[test]
fn one_directory_that_cannot_be_written() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example", "c.example"];
    let certificates = names.map(|name| fixture.issue(Cloud::Tencent, name, (-10, 80)));
    fs::write(fixture.path("file"), "").unwrap();
    let (good, more) = (fixture.text("good"), format!("check = {}", fixture.gated("check")));
    let tables = [
        certificate(names[0], "tx", ""),
        certificate(names[1], "tx", &format!("dir = '{good}'\n{more}")),
        certificate(names[2], "tx", &format!("dir = '{}'", fixture.text("other"))),
    ];
    fixture.configure_with(&format!("dir = '{}'\n", fixture.text("file/certs")), &tables.concat());
    fixture.write("gate-check", "");
    let (first, since) = (fixture.spawn(&[]), Instant::now());
    until("the check", || fixture.log() == ["check"]);
    assert!(fixture.path("good/.certctl/lock").exists());
    fixture.sync(&["--lock-timeout", "0s"]).exits(7);
    fixture.remove("gate-check");
    let run = ended(first, since).exits(7).says(&["a.example", &fixture.text("file")]);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    for (dir, name, certificate) in [("good", names[1], &certificates[1]), ("other", names[2], &certificates[2])] {
        let leaf = fs::read_to_string(fixture.path(dir).join(name).join("cert.pem")).unwrap();
        assert_eq!(leaf, certificate.material().unwrap().leaf);
    }
    // What it has learned is there, too, and the next run has only that one line to say.
    let run = fixture.sync(&[]).exits(7).says(&["a.example"]);
    assert_eq!(run.stdout, "");
}

/// It takes what was renewed, and began to be valid, while it waited.
#[test]
fn renewed_while_it_waits() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example"];
    let [first, old] = names.map(|name| fixture.issue(Cloud::Jdcloud, name, (-10, 80)));
    let more = format!("hook = {}", fixture.gated("hook"));
    fixture.configure(&(certificate(names[0], "jd", &more) + &certificate(names[1], "jd", "")));
    fixture.write("gate-hook", "");
    let (holder, since) = (fixture.spawn(&[]), Instant::now());
    until("the hook", || fixture.log() == ["hook"]);
    fixture.holds(names[1], &old);
    let waiting = fixture.spawn(&["--lock-timeout", "60s"]);
    until("the wait", || opens_the_lock(&waiting));
    // Not yet valid when that run began.
    let began = Timestamp::now().as_second();
    until("the next second", || Timestamp::now().as_second() > began);
    let from = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
    let new = fixture.sandbox.renew_from(Cloud::Jdcloud, fixture.account, &old.id, from);
    fixture.remove("gate-hook");
    ended(holder, since).exits(0);
    let run = ended(waiting, since).exits(0);
    assert!(run.stdout.starts_with(&format!("b.example (jdcloud {}): updated", new.id)), "{run:?}");
    fixture.holds(names[0], &first);
    fixture.holds(names[1], &new);
    fixture.take_log();
    fixture.is_quiet();
}
