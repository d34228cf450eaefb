//! One run at a time.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use certctl::store::{Name, Outcome, StoreError};

use super::{
    NAME, assert_holds, child, files, identity, install, names, options, possible, put, runs, scratch, tree_with_times,
    try_install,
};

#[test]
fn a_lock_that_is_held_too_long_is_an_error() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    let held = File::open(&certificate).unwrap();
    held.lock().unwrap();
    let before = tree_with_times(dir.path());
    let mut impatient = options();
    impatient.patience.timeout = Duration::from_millis(300);
    let started = Instant::now();
    let error = put(dir.path(), &identity("b"), &files("b"), &impatient).unwrap_err();
    assert!(started.elapsed() >= impatient.patience.timeout && started.elapsed() < Duration::from_secs(10));
    assert!(matches!(&error, StoreError::Locked { path, .. } if *path == certificate), "{error}");
    impatient.patience.timeout = Duration::ZERO;
    let started = Instant::now();
    assert!(put(dir.path(), &identity("b"), &files("b"), &impatient).is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn a_lock_that_is_given_back_is_waited_for() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    let held = File::open(&certificate).unwrap();
    held.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| install(dir.path(), "b"));
        thread::sleep(Duration::from_millis(200));
        assert!(!waiting.is_finished());
        drop(held);
        assert_eq!(waiting.join().unwrap().outcome, Outcome::Updated);
    });
    assert_holds(&certificate, "b");
}

#[test]
fn the_lock_is_on_the_directory_that_is_there() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    let held = File::open(&certificate).unwrap();
    held.lock().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| install(dir.path(), "a"));
        thread::sleep(Duration::from_millis(200));
        fs::rename(&certificate, dir.path().join("moved")).unwrap();
        drop(held);
        assert_eq!(waiting.join().unwrap().outcome, Outcome::Created);
    });
    assert_holds(&certificate, "a");
    assert_holds(&dir.path().join("moved"), "a");
}

#[test]
fn a_process_holds_it_against_another() {
    let dir = scratch();
    let mut child = child::command(&[], dir.path(), child::FOREVER).spawn().unwrap();
    let certificate = dir.path().join(NAME);
    let waited = Instant::now();
    while !certificate.join("current").exists() && waited.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(5));
    }
    let results: Vec<_> = (0..20).map(|_| try_install(dir.path(), "a")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    for result in results {
        result.unwrap();
    }
    install(dir.path(), "a");
    assert_holds(&certificate, "a");
}

#[test]
fn many_at_once_in_a_directory_that_nobody_has_made() {
    for round in 0..20 {
        let dir = scratch();
        let certs = dir.path().join("new/certs");
        let together = Barrier::new(8);
        thread::scope(|scope| {
            for label in ["a", "b", "fails", "a", "b", "fails", "a", "b"] {
                let (certs, together) = (&certs, &together);
                scope.spawn(move || {
                    together.wait();
                    if label == "fails" { fail(certs, NAME) } else { drop(install(certs, label)) }
                });
            }
        });
        assert_eq!(names(&certs), [NAME], "round {round}");
        install(&certs, "a");
        assert_holds(&certs.join(NAME), "a");
    }
}

/// As if another run had failed and taken back the directories it had made, just before this one uses them.
#[test]
fn directories_that_vanish_on_the_way_are_made_again() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    for (when, gone) in [(2, &["new"][..]), (3, &["new/certs", "new"]), (3, &["new/certs"])] {
        let dir = scratch();
        let inject = format!("inject=mkdirat:delay_enter=500000:when={when}");
        let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=mkdirat", "-e", &inject];
        thread::scope(|scope| {
            let waiting = scope.spawn(|| child::result(&wrapper, &dir.path().join("new/certs"), "a"));
            while fs::remove_dir(dir.path().join(gone[0])).is_err() && !waiting.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            for more in &gone[1..] {
                fs::remove_dir(dir.path().join(more)).unwrap();
            }
            assert_eq!(waiting.join().unwrap(), "Created", "{gone:?}");
        });
        assert_holds(&dir.path().join("new/certs").join(NAME), "a");
    }
}

/// An install that the system refuses after the directories are made: it has two files of one name.
fn fail(certs: &Path, name: &str) {
    let mut identity = identity("c");
    identity.name = Name::parse(name).unwrap();
    let twice = [files("c"), files("c")].into_iter().flatten().collect::<Vec<_>>();
    let error = put(certs, &identity, &twice, &options()).unwrap_err().to_string();
    assert!(error.contains("File exists"), "{error}");
}
