//! Whose the files are.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use certctl::store::{self, Outcome, Ownership};

use super::changes::Scene;
use super::{child, files, identity, install, is_root, options, possible, put, runs, scratch, tree_with_times};

#[test]
fn files_have_the_owner_and_group_asked_for() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    for (owner, group) in [(None, None), (Some(12345), None), (None, Some(23456)), (Some(12345), Some(23456))] {
        let dir = scratch();
        let mut options = options();
        options.ownership = Ownership { owner, group };
        let install = || put(dir.path(), &identity("a"), &files("a"), &options).unwrap();
        let certificate = install().path;
        let (uid, gid) = (owner.unwrap_or(0), group.unwrap_or(0));
        for image in files("a") {
            let found = fs::metadata(certificate.join(image.name)).unwrap();
            assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (uid, gid, image.mode), "{}", image.name);
        }
        for name in ["", "versions", "current/", "metadata.json"] {
            let found = fs::metadata(certificate.join(name)).unwrap();
            assert_eq!((found.uid(), found.gid()), (0, 0), "{name}: certctl's own");
        }
        let before = tree_with_times(dir.path());
        assert_eq!(install().outcome, Outcome::Unchanged);
        assert_eq!(tree_with_times(dir.path()), before);

        // Another owner is a repair; another group only where one is asked for.
        chown(certificate.join("privkey.pem"), Some(34567), None).unwrap();
        assert_eq!(install().outcome, Outcome::Updated);
        chown(certificate.join("privkey.pem"), None, Some(34567)).unwrap();
        let wanted = if group.is_some() { Outcome::Updated } else { Outcome::Unchanged };
        assert_eq!(install().outcome, wanted);
    }
}

#[test]
fn another_owner_asked_for_is_another_version() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    let dir = scratch();
    install(dir.path(), "a");
    let mut theirs = options();
    theirs.ownership.owner = Some(12345);
    let preview = store::preview(dir.path(), &identity("a"), &files("a"), &theirs).unwrap();
    assert_eq!(preview, Outcome::Updated);
    let installed = put(dir.path(), &identity("a"), &files("a"), &theirs).unwrap();
    assert_eq!(installed.outcome, Outcome::Updated);
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Updated);
}

/// The owner is set while nobody else can read the file, and the mode only then.
#[test]
fn the_owner_comes_before_the_mode() {
    if !possible("changing owners (root), strace", is_root() && runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let log = dir.path().join("log");
    let wrapper = ["strace", "-f", "-y", "-e", "trace=fchown,fchmod,fsync", "-o", log.to_str().unwrap()];
    assert_eq!(child::follow(&wrapper, dir.path(), "owner 12345, apply a"), "done");
    let log = fs::read_to_string(log).unwrap();
    for name in ["privkey.pem", ".www.key.certctl-new"] {
        let calls: Vec<_> = log
            .lines()
            .filter(|line| line.contains(&format!("/{name}>")))
            .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('(').map(|(call, _)| call))
            .collect();
        assert_eq!(calls, ["fchown", "fchmod", "fsync"], "{log}");
    }
    assert!(scene.certificate().join("privkey.pem").exists());
}

#[test]
fn only_root_gives_files_away() {
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let binary = std::env::current_exe().unwrap();
    let list = [&nobody[..], &[binary.to_str().unwrap(), "--list"]].concat();
    if !possible("running as another user", is_root() && runs(&list)) {
        return;
    }
    for what in ["owner 12345", "group 12345"] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        for path in [dir.path().to_owned(), scene.etc(), scene.etc().join("www.crt"), scene.etc().join("www.key")] {
            chown(path, Some(65534), Some(65534)).unwrap();
        }
        let before = scene.tree();
        let said = child::follow(&nobody, dir.path(), &format!("{what}, apply a"));
        assert!(said.starts_with("error: cannot set the owner of ") && said.contains("only root may"), "{said}");
        assert!(said.contains("leave out `owner` and `group`"), "{said}");
        assert_eq!(scene.tree(), before);
        // What is one's own anyway needs no right.
        assert_eq!(child::follow(&nobody, dir.path(), "owner 65534, group 65534, apply a"), "done");
    }
}
