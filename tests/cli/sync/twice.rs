//! Two runs at the same time: one waits for the other, or says who is at it.

use std::fs;
use std::time::Instant;

use super::{Fixture, certificate, ended, until};
use crate::sandbox::Cloud;

const ROUNDS: usize = 50;

#[test]
fn fifty_times_two_at_once() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example", "c.example"];
    let mut newest = names.map(|name| fixture.issue(Cloud::Jdcloud, name, (-10, 80)));
    fs::create_dir(fixture.path("ssl")).unwrap();
    let tables = names.map(|name| {
        let copy =
            |file: &str| format!("{{ file = '{file}', to = '{}' }}", fixture.text(&format!("ssl/{name}-{file}")));
        let install = format!("install = [{}, {}]", copy("cert.pem"), copy("privkey.pem"));
        let check = fixture.notes("check", &["NAME"]);
        certificate(name, "jd", &format!("check = {check}\nhook = {}\n{install}", fixture.notes("hook", &["NAMES"])))
    });
    fixture.configure(&tables.concat());
    let mut shared = 0;
    for round in 0..ROUNDS {
        if round > 0 {
            newest = newest.map(|certificate| fixture.renew(Cloud::Jdcloud, &certificate.id));
        }
        let since = Instant::now();
        let runs = [fixture.spawn(&[]), fixture.spawn(&[])].map(|child| ended(child, since).exits(0));
        let lines: usize = runs.iter().map(|run| run.stdout.lines().count()).sum();
        assert_eq!(lines, names.len(), "each change is made once: {runs:?}");
        shared += usize::from(runs.iter().all(|run| !run.stdout.is_empty()));
        let mut log = fixture.take_log();
        assert_eq!(log.pop().unwrap(), "hook a.example,b.example,c.example", "once for all: {log:?}");
        log.sort();
        assert_eq!(log, names.map(|name| format!("check {name}")));
        for (name, certificate) in names.iter().zip(&newest) {
            let read = |path: std::path::PathBuf| fs::read_to_string(path).unwrap();
            assert_eq!(fixture.metadata(name)["id"], certificate.id);
            for file in ["cert.pem", "privkey.pem"] {
                let copy = read(fixture.path("ssl").join(format!("{name}-{file}")));
                assert_eq!(copy, read(fixture.home(name).join(file)));
            }
            fixture.is_tidy(name, 4);
        }
        assert_eq!(fs::read_dir(fixture.path("ssl")).unwrap().count(), 2 * names.len());
    }
    assert_eq!(shared, 0, "one of the two does all of it");
    names.iter().zip(&newest).for_each(|(name, certificate)| fixture.holds(name, certificate));
    fixture.is_quiet();
}

#[test]
fn who_does_not_want_to_wait_is_told_who_is_at_it() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Jdcloud, "a.example", (-10, 80));
    fixture.configure(&certificate("a.example", "jd", &format!("check = {}", fixture.gated("check"))));
    fixture.write("gate-check", "");
    let first = fixture.spawn(&[]);
    let (number, since) = (first.id(), Instant::now());
    until("the check", || fixture.log() == ["check"]);
    let marks = fixture.marks();
    for wait in ["0s", "1s"] {
        let run = fixture.sync(&["--lock-timeout", wait]).exits(7);
        let run = run.says(&[&number.to_string(), &fixture.text("certs")]);
        assert_eq!(run.stdout, "");
    }
    assert_eq!(fixture.marks(), marks, "nothing was asked of a cloud");
    // A dry run takes no lock and does not wait.
    let run = fixture.sync(&["--dry-run", "--lock-timeout", "0s"]).exits(0);
    assert_eq!(run.errors(), Vec::<&str>::new());
    // One that waits goes on where the other has ended, and finds all done.
    let second = fixture.spawn(&[]);
    fixture.remove("gate-check");
    ended(first, since).exits(0);
    let run = ended(second, since).exits(0);
    assert_eq!((run.stdout.as_str(), fixture.take_log()), ("", vec!["check".to_owned()]));

    // A holder that was killed holds nothing.
    fixture.renew(Cloud::Jdcloud, fixture.metadata("a.example")["id"].as_str().unwrap());
    fixture.write("gate-check", "");
    let mut first = fixture.spawn(&[]);
    until("the check", || fixture.log() == ["check"]);
    first.kill().unwrap();
    first.wait().unwrap();
    fixture.remove("gate-check");
    fixture.sync(&["--lock-timeout", "0s"]).exits(0);
}

/// Two configs with different directories have nothing to do with each other.
#[test]
fn another_directory_is_another_lock() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Jdcloud, "a.example", (-10, 80));
    fixture.configure(&certificate("a.example", "jd", &format!("check = {}", fixture.gated("check"))));
    fixture.write("gate-check", "");
    let (first, since) = (fixture.spawn(&[]), Instant::now());
    until("the check", || fixture.log() == ["check"]);
    fixture.configure_with(&format!("dir = '{}'\n", fixture.text("other")), &certificate("a.example", "jd", ""));
    fixture.sync(&["--lock-timeout", "0s"]).exits(0);
    fixture.remove("gate-check");
    ended(first, since).exits(0);
}
