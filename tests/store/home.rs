//! The run's lock, what is remembered beside the certificates, and files that are replaced whole.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use certctl::stop::Stop;
use certctl::store::{Install, Patience, RunLock, StoreError, is_writable, recall, remember, replace};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::{READ_ONLY, child, is_root, names, possible, runs, scratch, tree, tree_with_times};

fn patience(timeout: Duration) -> Patience {
    Patience { timeout, stop: Stop::default() }
}

#[test]
fn one_run_at_a_time() {
    let dir = scratch();
    let certs = dir.path().join("new/certs");
    let lock = RunLock::take(&certs, &patience(Duration::ZERO)).unwrap();
    let path = certs.join(".certctl/lock");
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(fs::metadata(certs.join(".certctl")).unwrap().mode() & 0o7777, 0o755);

    let error = RunLock::take(&certs, &patience(Duration::from_millis(200))).unwrap_err();
    let holder = Some(std::process::id());
    assert!(matches!(&error, StoreError::Locked { holder: found, .. } if *found == holder), "{error}");
    let words = format!("another certctl (pid {}) holds the lock on {}", std::process::id(), path.display());
    assert!(error.to_string().starts_with(&words), "{error}");
    thread::scope(|scope| {
        let waiting = scope.spawn(|| RunLock::take(&certs, &patience(Duration::from_secs(60))));
        drop(lock);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn the_note_in_the_lock_file_is_only_a_note() {
    for note in ["", "4194304000000\n", "12 34\n", "\0\0", "999999999999999999999999999999999999999999999999999\n"] {
        let dir = scratch();
        fs::create_dir(dir.path().join(".certctl")).unwrap();
        let path = dir.path().join(".certctl/lock");
        fs::write(&path, note).unwrap();
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let error = RunLock::take(dir.path(), &patience(Duration::ZERO)).unwrap_err();
        assert!(matches!(&error, StoreError::Locked { holder: None, .. }), "{error}");
        drop(held);
        let _lock = RunLock::take(dir.path(), &patience(Duration::ZERO)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
    }
}

#[test]
fn the_lock_is_on_the_file_that_is_there() {
    let dir = scratch();
    let lock = RunLock::take(dir.path(), &patience(Duration::ZERO)).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| RunLock::take(dir.path(), &patience(Duration::from_secs(60))));
        thread::sleep(Duration::from_millis(200));
        fs::remove_dir_all(dir.path().join(".certctl")).unwrap();
        drop(lock);
        let _taken = waiting.join().unwrap().unwrap();
        assert!(RunLock::take(dir.path(), &patience(Duration::ZERO)).is_err());
    });
}

#[test]
fn a_wait_ends_when_the_run_is_told_to_stop() {
    let dir = scratch();
    assert_eq!(child::wait_and_be_told_to_stop(dir.path()), "ended early, ended early");
}

#[test]
fn facts_are_remembered() {
    let dir = scratch();
    let certs = dir.path().join("certs");
    assert!(recall(&certs, "facts.json").unwrap().is_none());
    assert!(!certs.exists());
    for text in ["one", "two"] {
        remember(&certs, "facts.json", text.as_bytes()).unwrap();
        assert_eq!(*recall(&certs, "facts.json").unwrap().unwrap(), text.as_bytes());
        assert_eq!(fs::metadata(certs.join(".certctl/facts.json")).unwrap().mode() & 0o7777, 0o644);
        assert_eq!(names(&certs.join(".certctl")), ["facts.json"]);
    }
    // What a run that died has left is no obstacle.
    fs::write(certs.join(".certctl/.facts.json.new"), "half").unwrap();
    remember(&certs, "facts.json", b"three").unwrap();
    assert_eq!(names(&certs.join(".certctl")), ["facts.json"]);
    // What is somebody else's is not believed.
    fs::remove_file(certs.join(".certctl/facts.json")).unwrap();
    symlink("/etc/passwd", certs.join(".certctl/facts.json")).unwrap();
    assert!(recall(&certs, "facts.json").unwrap().is_none());
    assert!(matches!(remember(&certs, "facts.json", b""), Err(StoreError::NotAFile { .. })));
    if possible("changing owners (root)", is_root()) {
        fs::remove_file(certs.join(".certctl/facts.json")).unwrap();
        remember(&certs, "facts.json", b"theirs").unwrap();
        chown(certs.join(".certctl/facts.json"), Some(12345), None).unwrap();
        assert!(recall(&certs, "facts.json").unwrap().is_none());
    }
}

#[test]
fn what_is_planted_in_its_place_is_refused() {
    let mut plants: Vec<fn(&Path)> = vec![
        |home| symlink("/etc", home).unwrap(),
        |home| fs::write(home, "").unwrap(),
        |home| {
            fs::create_dir(home).unwrap();
            symlink("../elsewhere", home.join("lock")).unwrap();
        },
        |home| fs::create_dir_all(home.join("lock")).unwrap(),
        |home| {
            fs::create_dir(home).unwrap();
            mknodat(CWD, home.join("lock"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
        },
    ];
    if possible("changing owners (root)", is_root()) {
        plants.push(|home| {
            fs::create_dir(home).unwrap();
            chown(home, Some(12345), None).unwrap();
        });
        plants.push(|home| {
            fs::create_dir(home).unwrap();
            fs::write(home.join("lock"), "").unwrap();
            chown(home.join("lock"), Some(12345), None).unwrap();
        });
    }
    for (number, plant) in plants.iter().enumerate() {
        let dir = scratch();
        plant(&dir.path().join(".certctl"));
        let before = tree_with_times(dir.path());
        let error = RunLock::take(dir.path(), &patience(Duration::ZERO)).unwrap_err();
        assert!(matches!(&error, StoreError::Foreign { .. }), "{number} {error}");
        assert_eq!(tree_with_times(dir.path()), before, "{number}");
        if [0, 1, 5].contains(&number) {
            assert!(recall(dir.path(), "facts.json").unwrap().is_none());
            assert!(matches!(remember(dir.path(), "facts.json", b""), Err(StoreError::Foreign { .. })));
            assert_eq!(tree_with_times(dir.path()), before, "{number}");
        }
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let dir = scratch();
    let path = dir.path().join("certctl.prom");
    for (text, mode) in [("one", 0o644), ("two", 0o600)] {
        replace(&path, text.as_bytes(), mode).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        assert_eq!(names(dir.path()), ["certctl.prom"]);
    }
    let error = replace(&dir.path().join("nowhere/x"), b"", 0o644).unwrap_err();
    assert!(matches!(&error, StoreError::NoParent { .. }) && error.to_string().contains("create it"), "{error}");

    fs::create_dir(dir.path().join("directory")).unwrap();
    symlink("certctl.prom", dir.path().join("link")).unwrap();
    mknodat(CWD, dir.path().join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    // As /dev/stdout is, which a defect here must not cost.
    symlink("/proc/self/fd/1", dir.path().join("stdout")).unwrap();
    let mut names = vec!["directory", "link", "fifo", "stdout", "..", "/"];
    if possible("making devices (root)", is_root()) {
        mknodat(CWD, dir.path().join("null"), FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(1, 3))
            .unwrap();
        names.push("null");
    }
    let before = tree_with_times(dir.path());
    for name in names {
        let error = replace(&dir.path().join(name), b"", 0o644).unwrap_err();
        assert!(matches!(&error, StoreError::NotAFile { .. }), "{name} {error}");
    }
    assert_eq!(tree_with_times(dir.path()), before);
}

/// A run that is about to replace the file has one beside it, too, but not for an hour.
#[test]
fn what_a_run_that_died_has_left_beside_a_file_goes() {
    let dir = scratch();
    let hours_old = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3600 + 60);
    let others = [".x.prom.certctl-old", ".x.prom.certctl-", ".x.prom.certctl-1x", ".y.prom.certctl-1", "x.prom.old"];
    let (young, old) = (".x.prom.certctl-1", [".x.prom.certctl-4194304", ".x.prom.certctl-7"]);
    for name in others.iter().chain(&old).chain([&young]) {
        let file = File::create(dir.path().join(name)).unwrap();
        file.set_modified(hours_old(if *name == young { 0 } else { 1 })).unwrap();
    }
    symlink("nowhere", dir.path().join(".x.prom.certctl-2")).unwrap();
    replace(&dir.path().join("x.prom"), b"text", 0o644).unwrap();
    let mut left: Vec<_> = [&others[..], &[young, ".x.prom.certctl-2", "x.prom"]].concat();
    left.sort_unstable();
    assert_eq!(names(dir.path()), left);

    // What is left by a death is what is looked for.
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:signal=KILL"];
    assert_eq!(child::follow(&wrapper, dir.path(), "replace 644"), "");
    let left = names(dir.path());
    assert!(left.len() == 1 && left[0].starts_with(".replaced.certctl-"), "{left:?}");
    File::options().write(true).open(dir.path().join(&left[0])).unwrap().set_modified(hours_old(1)).unwrap();
    replace(&dir.path().join("replaced"), b"text", 0o644).unwrap();
    assert_eq!(names(dir.path()), ["replaced"]);
}

#[test]
fn no_umask_changes_the_mode_of_a_file_replaced() {
    for umask in ["000", "077"] {
        let dir = scratch();
        let set = format!("umask {umask}; exec \"$0\" \"$@\"");
        assert_eq!(child::follow(&["sh", "-c", &set], dir.path(), "replace 644, run_lock"), "done");
        for (path, mode) in [("replaced", 0o644), ("certs/.certctl", 0o755), ("certs/.certctl/lock", 0o644)] {
            assert_eq!(fs::metadata(dir.path().join(path)).unwrap().mode() & 0o7777, mode, "{umask} {path}");
        }
    }
}

#[test]
fn what_cannot_be_written_shows_before() {
    let dir = scratch();
    let install = |to: &str| Install { file: "cert.pem".to_owned(), to: dir.path().join(to), mode: 0o644 };
    fs::write(dir.path().join("file"), "").unwrap();
    let before = tree(dir.path());
    is_writable(dir.path(), &[install("www.crt")]).unwrap();
    is_writable(&dir.path().join("new/certs"), &[]).unwrap();
    assert!(matches!(is_writable(&dir.path().join("file/x"), &[]), Err(StoreError::NotADirectory { .. })));
    assert!(matches!(is_writable(dir.path(), &[install("new/x")]), Err(StoreError::NoParent { .. })));
    assert!(matches!(is_writable(dir.path(), &[install("file/x")]), Err(StoreError::NotADirectory { .. })));
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn a_read_only_mount_shows_before_even_to_root() {
    if !possible("a mount namespace (root)", is_root() && runs(&["unshare", "-m", "true"])) {
        return;
    }
    let dir = scratch();
    fs::create_dir(dir.path().join("etc")).unwrap();
    for script in ["writable", "no_copies, writable"] {
        assert_eq!(child::follow(&[], dir.path(), script), "done");
        let said = child::follow(&READ_ONLY, dir.path(), script);
        assert!(said.contains("cannot write in") && said.contains("Read-only file system"), "{said}");
    }
}

#[test]
fn what_is_closed_to_this_user_shows_before() {
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let binary = std::env::current_exe().unwrap();
    let list = [&nobody[..], &[binary.to_str().unwrap(), "--list"]].concat();
    if !possible("running as another user", is_root() && runs(&list)) {
        return;
    }
    let dir = scratch();
    for name in ["certs", "etc"] {
        fs::create_dir(dir.path().join(name)).unwrap();
        chown(dir.path().join(name), Some(65534), None).unwrap();
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(child::follow(&nobody, dir.path(), "writable"), "done");
    for name in ["certs", "etc"] {
        chown(dir.path().join(name), Some(0), None).unwrap();
        let said = child::follow(&nobody, dir.path(), "writable");
        assert!(said.contains(name) && said.contains("Permission denied"), "{said}");
        chown(dir.path().join(name), Some(65534), None).unwrap();
    }
}
