//! Death, and a system that refuses, at any moment of a change with copies: another process finishes it or takes it
//! back.

use std::fs;
use std::path::Path;
use std::thread;

use super::changes::Scene;
use super::{child, files, names, possible, runs, scratch};

/// Every call that changes the disk.
const CALLS: [&str; 10] =
    ["mkdirat", "openat", "write", "fchmod", "fchown", "fsync", "renameat", "symlinkat", "linkat", "unlinkat"];

/// What was installed before, what happened then, and what a process is in the middle of.
const STORIES: [(&str, &str, &str); 7] = [
    ("", "", "apply b"),
    ("", "apply b", "restore"),
    ("a", "", "apply b"),
    ("a", "apply b", "restore"),
    ("a", "apply b", "approve, finish"),
    ("b, a", "", "roll_back"),
    ("b, a", "roll_back", "restore"),
];

#[test]
fn death_at_every_system_call_of_a_change() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let deaths: usize = thread::scope(|scope| {
        let stories = STORIES.map(|story| scope.spawn(move || deaths_in(story)));
        stories.map(|story| story.join().unwrap()).iter().sum()
    });
    assert!(deaths > 150, "{deaths}");
}

fn deaths_in((before, then, story): (&str, &str, &str)) -> usize {
    let mut deaths = 0;
    for call in CALLS {
        for when in 1.. {
            let dir = scratch();
            let mut scene = begin(dir.path(), before);
            scene.follow(then).unwrap();
            let inject = format!("inject={call}:signal=KILL:when={when}");
            let said = traced(call, &inject, dir.path(), story);
            let what = format!("{before}; {then}; {story}: {call} {when}");
            if !said.is_empty() {
                assert_eq!(said, "done", "{what}");
                break;
            }
            deaths += 1;
            assert_whole(&scene, before, &what);
            let is_unchecked = scene.lock().state().unwrap().unfinished.is_some_and(|change| !change.is_checked);
            // By turns, since each has to do for all of these moments.
            if story == "roll_back" && deaths % 2 == 1 {
                rolled_back(&scene, &what);
            } else if deaths % 2 == 0 && (is_unchecked || story == "restore") {
                taken_back(&scene, before, &what);
            }
            finished(&scene, &what);
        }
    }
    deaths
}

#[test]
fn an_error_at_every_system_call_of_a_change() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let mut failures = 0;
    for (script, before) in [("apply b", ""), ("apply b", "a"), ("place b", "a"), ("roll_back", "b, a")] {
        for (call, errno) in [
            ("mkdirat", "ENOSPC"),
            ("write", "ENOSPC"),
            ("fchmod", "EPERM"),
            ("fsync", "EIO"),
            ("renameat", "EIO"),
            ("symlinkat", "ENOSPC"),
        ] {
            for when in 1.. {
                let dir = scratch();
                let scene = begin(dir.path(), before);
                let (tree, copies) = (scene.tree(), scene.copies());
                let said = traced(call, &format!("inject={call}:error={errno}:when={when}"), dir.path(), script);
                if said == "done" {
                    break;
                }
                let what = format!("{script} after {before}: {call} {errno} {when}: {said}");
                failures += 1;
                // Without words the test harness itself has failed.
                if !said.is_empty() {
                    assert!(said.starts_with("error: cannot "), "{what}");
                    assert_eq!(scene.tree(), tree, "{what}");
                    assert_eq!(scene.copies(), copies, "{what}");
                }
            }
        }
    }
    assert!(failures > 100, "{failures}");
}

/// Where there are no hard links, what was there is copied.
#[test]
fn without_hard_links_copies_come_back_all_the_same() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    for story in ["apply b, restore", "apply b, approve"] {
        let dir = scratch();
        let scene = begin(dir.path(), "a");
        let before = scene.tree();
        assert_eq!(traced("linkat", "inject=linkat:error=EPERM", dir.path(), story), "done");
        if story.ends_with("restore") {
            assert_eq!(scene.tree(), before);
        } else {
            scene.assert_copies("b");
        }
    }
    let mut deaths = 0;
    for call in ["openat", "write", "fchown", "fchmod", "renameat", "unlinkat"] {
        for when in 1.. {
            let dir = scratch();
            let scene = begin(dir.path(), "a");
            let inject = format!("inject={call}:signal=KILL:when={when}");
            let trace = format!("trace=linkat,{call}");
            let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", "inject=linkat:error=EPERM"];
            let wrapper = [&wrapper[..], &["-e", &inject]].concat();
            let what = format!("{call} {when}");
            if !child::follow(&wrapper, dir.path(), "apply b, restore").is_empty() {
                break;
            }
            deaths += 1;
            assert_whole(&scene, "a", &what);
            taken_back(&scene, "a", &what);
        }
    }
    assert!(deaths > 50, "{deaths}");
}

/// The renames of a change come after everything else is on disk, and its copies' one right after the other.
#[test]
fn everything_is_synced_before_the_renames() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let scene = begin(dir.path(), "a");
    let log = dir.path().join("log");
    let wrapper = ["strace", "-f", "-y", "-e", "trace=fsync,renameat,linkat", "-o", log.to_str().unwrap()];
    assert_eq!(child::follow(&wrapper, dir.path(), "apply b"), "done");
    let log = fs::read_to_string(log).unwrap();
    let at = |words: &[&str]| {
        let found = log.lines().position(|line| words.iter().all(|word| line.contains(word)));
        found.unwrap_or_else(|| panic!("{words:?} in {log}"))
    };
    let state = at(&["renameat", "\".certctl.json\""]);
    let [new_crt, new_key] = ["www.crt", "www.key"].map(|name| at(&["fsync", &format!(".{name}.certctl-new>")]));
    let [old_crt, old_key] = ["www.crt", "www.key"].map(|name| at(&["linkat", &format!("\".{name}.certctl-old\"")]));
    let switch = at(&["renameat", "\"current\""]);
    let [crt, key] = ["www.crt", "www.key"].map(|name| at(&["renameat", &format!("\"{name}\"")]));
    let etc = "fsync(".to_string();
    let parents: Vec<_> = log
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains(&etc) && line.contains(&format!("{}>", scene.etc().display())))
        .map(|(number, _)| number)
        .collect();
    assert!(state < new_crt && new_crt.max(new_key) < old_crt.min(old_key), "{log}");
    assert!(parents.len() == 2 && old_crt.max(old_key) < parents[0] && parents[0] < switch, "{log}");
    assert_eq!((crt, key), (switch + 1, switch + 2), "{log}");
    assert!(parents[1] > key, "{log}");
}

/// A scene in which these certificates were installed, one after the other.
fn begin(root: &Path, labels: &str) -> Scene {
    let scene = Scene::new(root);
    for label in labels.split(", ").filter(|label| !label.is_empty()) {
        scene.establish(label);
    }
    scene
}

fn traced(call: &str, inject: &str, dir: &Path, script: &str) -> String {
    let trace = format!("trace={call}");
    child::follow(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", inject], dir, script)
}

/// `current` leads to a whole version, each copy is whole, and no key is readable by others.
fn assert_whole(scene: &Scene, before: &str, what: &str) {
    scene.assert_keys_are_secret();
    let certificate = scene.certificate();
    match fs::read_link(certificate.join("current")) {
        Err(_) => assert!(before.is_empty(), "{what}"),
        Ok(current) => {
            let key = String::from_utf8(fs::read(certificate.join(&current).join("privkey.pem")).unwrap()).unwrap();
            for image in files(key.get(..1).unwrap()) {
                let found = fs::read(certificate.join(&current).join(image.name)).unwrap();
                assert!(found == *image.bytes, "{what}: {}", image.name);
            }
        }
    }
    for install in &scene.installs {
        let found = fs::read_to_string(&install.to).unwrap();
        let is_whole =
            |label| files(label).iter().any(|image| image.name == install.file && *image.bytes == *found.as_bytes());
        assert!(is_whole("a") || is_whole("b") || found.starts_with("old "), "{what}: {install:?}");
    }
}

/// Another process finds that the check of an unfinished change fails.
fn taken_back(scene: &Scene, before: &str, what: &str) {
    scene.restore();
    assert_eq!(scene.lock().state().unwrap(), Default::default(), "{what}");
    if before.is_empty() {
        assert!(fs::read_link(scene.certificate().join("current")).is_err(), "{what}");
        for name in ["www.crt", "www.key"] {
            assert_eq!(fs::read_to_string(scene.etc().join(name)).unwrap(), format!("old {name}"), "{what}");
        }
        assert_eq!(names(&scene.etc()), ["www.crt", "www.key"], "{what}");
        return;
    }
    // Nothing is left to do but to sweep, which the next run does.
    let label = before.rsplit(", ").next().unwrap();
    let version = fs::read_link(scene.certificate().join("current")).unwrap();
    scene.assert_copies(label);
    scene.try_apply(label, false).unwrap();
    scene.assert_holds(label);
    assert_eq!(fs::read_link(scene.certificate().join("current")).unwrap(), version, "{what}");
}

/// Another process is told to roll back, too: it goes where the first one was to go.
fn rolled_back(scene: &Scene, what: &str) {
    let applied = scene.try_roll_back(None).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(applied.identity.id, "id-b", "{what}");
    scene.approve();
    scene.finish();
    scene.assert_copies("b");
}

/// Another process makes the change anew, and the check is passed.
fn finished(scene: &Scene, what: &str) {
    scene.apply("b");
    scene.approve();
    scene.lock().unpin().unwrap();
    scene.finish();
    scene.assert_holds("b");
    assert!(names(&scene.certificate().join("versions")).len() <= 4, "{what}");
    assert!(scene.is_intact(), "{what}");
}
