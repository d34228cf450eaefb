//! One run at a time.

use std::fs::File;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use certctl::store::{self, Outcome, StoreError};

use super::{
    NAME, assert_holds, child, files, identity, install, names, options, scratch, tree_with_times, try_install,
};

#[test]
fn a_lock_that_is_held_too_long_is_an_error() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    let held = File::open(&certificate).unwrap();
    held.lock().unwrap();
    let before = tree_with_times(dir.path());
    let mut impatient = options();
    impatient.lock_timeout = Duration::from_millis(300);
    let started = Instant::now();
    let error = store::install(dir.path(), &identity("b"), &files("b"), &impatient).unwrap_err();
    assert!(started.elapsed() >= impatient.lock_timeout && started.elapsed() < Duration::from_secs(10));
    assert!(matches!(&error, StoreError::Locked { path, .. } if *path == certificate), "{error}");
    impatient.lock_timeout = Duration::ZERO;
    let started = Instant::now();
    assert!(store::install(dir.path(), &identity("b"), &files("b"), &impatient).is_err());
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
        std::fs::rename(&certificate, dir.path().join("moved")).unwrap();
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

/// Also those that fail, and take back the directories they have made from under the others.
#[test]
fn many_at_once_in_a_directory_that_nobody_has_made() {
    for round in 0..20 {
        let dir = scratch();
        let certs = dir.path().join("new/certs");
        let together = Arc::new(Barrier::new(8));
        thread::scope(|scope| {
            for thread in 0..8 {
                let (certs, together) = (&certs, Arc::clone(&together));
                scope.spawn(move || {
                    together.wait();
                    match thread % 4 {
                        0 => {
                            // Refused by the system, after the directories are made: two files of one name.
                            let mut twice = files("c");
                            twice.extend(files("c"));
                            let mut other = identity("c");
                            other.name = store::Name::parse(if thread == 0 { "other" } else { NAME }).unwrap();
                            store::install(certs, &other, &twice, &options()).unwrap_err();
                        }
                        1 => drop(install(certs, "b")),
                        _ => drop(install(certs, "a")),
                    }
                });
            }
        });
        assert_eq!(names(&certs), [NAME], "round {round}");
        install(&certs, "a");
        assert_holds(&certs.join(NAME), "a");
    }
}
