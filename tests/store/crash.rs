//! Death at any moment: by hand-made leftovers, by a trace that kills at each system call, and by chance.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread;
use std::time::Duration;

use certctl::store::Outcome;

use super::{
    NAME, assert_holds, child, files, identity, install, names, options, possible, put, runs, scratch, tree_with_times,
};

/// Something that a run that died has left.
type Leftover = (&'static str, fn(&Path));

const OLD: &str = "20260101T000000Z-00000000";
const NEW: &str = "20990101T000000Z-00000000";

#[test]
fn leftovers_of_each_step_are_removed_by_the_next_run() {
    let leftovers: &[Leftover] = &[
        ("an empty stage", |c| fs::create_dir(c.join(format!("versions/.new-{NEW}"))).unwrap()),
        ("a half-written stage", |c| half_version(c, &format!(".new-{NEW}"))),
        ("a version never switched to", |c| half_version(c, NEW)),
        ("a half-removed version", |c| half_version(c, &format!(".old-{OLD}"))),
        ("a link not yet renamed", |c| symlink(format!("versions/{NEW}"), c.join(".current.new")).unwrap()),
        ("a link of a file to come", |c| symlink("current/combined.pem", c.join("combined.pem")).unwrap()),
        ("versions beyond those to keep", |c| {
            for day in 1..=9 {
                half_version(c, &format!("2026010{day}T000000Z-00000000"));
            }
        }),
    ];
    for (what, leave) in leftovers {
        for next in ["a", "b"] {
            let dir = scratch();
            let first = install(dir.path(), "a");
            leave(&first.path);
            let again = install(dir.path(), next);
            let unchanged = next == "a";
            assert_eq!(again.outcome == Outcome::Unchanged, unchanged, "{what}");
            assert_eq!(again.version == first.version, unchanged, "{what}");
            assert_holds(&first.path, next);
            let versions = names(&first.path.join("versions"));
            assert!(versions.len() <= 4 && versions.last() == Some(&again.version), "{what} {versions:?}");
            let before = tree_with_times(dir.path());
            assert_eq!(install(dir.path(), next).outcome, Outcome::Unchanged);
            assert_eq!(tree_with_times(dir.path()), before, "{what}");
        }
    }
}

#[test]
fn a_first_install_that_died_leaves_nothing_after_the_next() {
    let dir = scratch();
    let certificate = dir.path().join(NAME);
    fs::create_dir_all(certificate.join("versions")).unwrap();
    half_version(&certificate, OLD);
    half_version(&certificate, &format!(".new-{OLD}"));
    symlink("current/cert.pem", certificate.join("cert.pem")).unwrap();
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Created);
    assert_holds(&certificate, "a");
    assert_eq!(names(&certificate.join("versions")).len(), 1);
}

/// Dies at every single call that changes the disk, on a first install and on a renewal.
#[test]
fn death_at_every_system_call() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let mut deaths = 0;
    for installed in [false, true] {
        for call in ["mkdirat", "openat", "write", "fchmod", "fsync", "renameat", "symlinkat", "unlinkat"] {
            for when in 1.. {
                let dir = scratch();
                if installed {
                    for label in ["b", "a", "b", "a"] {
                        install(dir.path(), label);
                    }
                }
                let inject = format!("inject={call}:signal=KILL:when={when}");
                let trace = format!("trace={call}");
                let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
                let result = child::result(&wrapper, dir.path(), "b");
                let certificate = dir.path().join(NAME);
                assert_whole_or_absent(&certificate, installed);
                if !result.is_empty() {
                    break;
                }
                deaths += 1;
                let next = install(dir.path(), "b");
                assert!(installed || next.outcome != Outcome::Updated, "{call} {when}");
                assert_holds(&certificate, "b");
                assert!(names(&certificate.join("versions")).len() <= if installed { 4 } else { 1 }, "{call} {when}");
            }
        }
    }
    assert!(deaths > 60, "{deaths}");
}

/// Death of the machine: everything is synced before the name that leads to it is put in place.
#[test]
fn what_is_named_is_synced_first() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let files = ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json"];
    let staged: Vec<_> = files.iter().map(|file| format!("fsync www/versions/.new-V/{file}")).collect();
    let links: Vec<_> = files.iter().map(|file| format!("rename www .current.new {file}")).collect();
    let version = ["fsync www/versions/.new-V", "rename www/versions .new-V V", "fsync www/versions"].map(String::from);
    let switch = ["rename www .current.new current", "fsync www"].map(String::from);
    let made = ["fsync .", "fsync www"].map(String::from);
    let linked = ["fsync www"].map(String::from);

    let dir = scratch();
    assert_eq!(traced(dir.path(), "a"), [&made[..], &staged, &version, &links, &linked, &switch].concat());
    assert_eq!(traced(dir.path(), "b"), [&staged[..], &version, &switch].concat());
    fs::remove_file(dir.path().join(NAME).join("cert.pem")).unwrap();
    assert_eq!(traced(dir.path(), "b"), ["rename www .current.new cert.pem", "fsync www"]);
    assert_eq!(traced(dir.path(), "b"), [""; 0]);
}

/// The syncs and renames of an install, with short names.
fn traced(dir: &Path, label: &str) -> Vec<String> {
    let scratch = scratch();
    let log = scratch.path().join("log");
    let wrapper = ["strace", "-f", "-y", "-s", "200", "-e", "trace=fsync,renameat", "-o", log.to_str().unwrap()];
    assert_ne!(child::result(&wrapper, dir, label), "");
    let log = fs::read_to_string(log).unwrap();
    let log = log.replace(&format!("{}/{NAME}", dir.display()), "www").replace(&dir.display().to_string(), ".");
    let short = |path: &str| {
        let words = path.split_inclusive('/').map(|word| match word.find("2026") {
            Some(at) => format!("{}V{}", &word[..at], word.get(at + 25..).unwrap_or_default()),
            None => word.to_owned(),
        });
        words.collect::<String>()
    };
    let event = |line: &str| {
        let (call, arguments) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        let path = arguments.split(['<', '>']).nth(1)?;
        let quoted: Vec<_> = arguments.split('"').skip(1).step_by(2).map(short).collect();
        match (call, quoted.as_slice()) {
            ("fsync", []) => Some(format!("fsync {}", short(path))),
            ("renameat", [from, to]) => Some(format!("rename {} {from} {to}", short(path))),
            _ => None,
        }
    };
    log.lines().filter_map(event).collect()
}

#[test]
fn death_at_random_moments() {
    let dir = scratch();
    let certificate = dir.path().join(NAME);
    let mut options = options();
    options.keep = 2;
    let mut switched = 0;
    for round in 0..100 {
        let mut child = child::command(&[], dir.path(), child::FOREVER)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(fastrand::u64(3_000..60_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_whole_or_absent(&certificate, round > 0);
        let label = if round % 2 == 0 { "a" } else { "b" };
        let installed = put(dir.path(), &identity(label), &files(label), &options).unwrap();
        switched += usize::from(installed.outcome == Outcome::Updated);
        assert_holds(&certificate, label);
        assert!(names(&certificate.join("versions")).len() <= 3);
    }
    assert!(switched > 10, "{switched}");
}

/// `current` leads to a whole version, or, where none was installed yet, to nothing at all.
fn assert_whole_or_absent(certificate: &Path, must_be_there: bool) {
    let Ok(current) = fs::read_link(certificate.join("current")) else {
        assert!(!must_be_there);
        return;
    };
    let version = certificate.join(current);
    let label = String::from_utf8(fs::read(version.join("privkey.pem")).unwrap()).unwrap();
    for image in files(label.get(..1).unwrap()) {
        assert_eq!(fs::read(version.join(image.name)).unwrap(), *image.bytes);
        assert_eq!(fs::read(certificate.join(image.name)).unwrap(), *image.bytes);
    }
}

fn half_version(certificate: &Path, name: &str) {
    let version = certificate.join("versions").join(name);
    fs::create_dir(&version).unwrap();
    fs::write(version.join("privkey.pem"), "").unwrap();
}
