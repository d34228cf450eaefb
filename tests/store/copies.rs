//! Copies at fixed paths.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;

use certctl::store::{Install, Outcome, StoreError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::changes::Scene;
use super::{child, files, is_root, names, possible, runs, scratch, tree_with_times};

/// Something that happens to the copies.
type Damage = (&'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("missing", |etc| fs::remove_file(etc.join("www.key")).unwrap()),
    ("other bytes", |etc| fs::write(etc.join("www.crt"), "other").unwrap()),
    ("a byte more", |etc| {
        fs::write(etc.join("www.crt"), [&*fs::read(etc.join("www.crt")).unwrap(), b"\n"].concat()).unwrap();
    }),
    ("a wider mode", |etc| fs::set_permissions(etc.join("www.key"), Permissions::from_mode(0o644)).unwrap()),
    ("a link", |etc| {
        fs::rename(etc.join("www.key"), etc.join("../moved")).unwrap();
        symlink("../moved", etc.join("www.key")).unwrap();
    }),
    ("a link to nowhere", |etc| {
        fs::remove_file(etc.join("www.key")).unwrap();
        symlink("nowhere", etc.join("www.key")).unwrap();
    }),
    ("a second name", |etc| fs::hard_link(etc.join("www.key"), etc.join("../second")).unwrap()),
];

#[test]
fn each_kind_of_damage_is_found_repaired_and_put_back_as_it_was() {
    for (what, damage) in DAMAGES {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        let before = tree_with_times(dir.path());
        assert_eq!(scene.apply("a").outcome, Outcome::Unchanged);
        assert!(scene.is_intact());
        assert_eq!(tree_with_times(dir.path()), before);

        damage(&scene.etc());
        assert!(!scene.is_intact(), "{what}");
        let copies = scene.copies();
        assert_eq!(scene.apply("a").outcome, Outcome::Updated, "{what}");
        scene.restore();
        assert_eq!(scene.copies(), copies, "{what}");
        assert_eq!(scene.try_apply("a", false).unwrap().outcome, Outcome::Updated, "{what}");
        scene.assert_holds("a");
    }
}

#[test]
fn a_link_at_the_path_is_replaced_and_never_followed() {
    for is_followed in [false, true] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        fs::write(dir.path().join("precious"), "data").unwrap();
        fs::remove_file(scene.etc().join("www.key")).unwrap();
        symlink("../precious", scene.etc().join("www.key")).unwrap();
        scene.try_apply("a", is_followed).unwrap();
        if is_followed {
            scene.approve();
        }
        scene.assert_copies("a");
        assert_eq!(fs::read_to_string(dir.path().join("precious")).unwrap(), "data");
    }
}

#[test]
fn what_is_no_file_is_refused_and_nothing_is_changed() {
    for plant in [(|path| fs::create_dir(path).unwrap()) as fn(&Path), |path| {
        mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    }] {
        for is_followed in [false, true] {
            let dir = scratch();
            let scene = Scene::new(dir.path());
            scene.establish("a");
            fs::remove_file(scene.etc().join("www.key")).unwrap();
            plant(&scene.etc().join("www.key"));
            let before = tree_with_times(dir.path());
            let error = scene.try_apply("b", is_followed).unwrap_err();
            assert!(matches!(&error, StoreError::NotAFile { path, .. } if path.ends_with("www.key")), "{error}");
            assert!(!scene.is_intact());
            assert_eq!(tree_with_times(dir.path()), before);
        }
    }
}

#[test]
fn the_parent_must_be_there_and_be_a_directory() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.establish("a");
    for (parent, is_missing) in [("nowhere", true), ("etc/www.crt", false)] {
        scene.installs[0].to = dir.path().join(parent).join("www.key");
        let before = tree_with_times(dir.path());
        let error = scene.try_apply("a", true).unwrap_err();
        assert_eq!(matches!(&error, StoreError::NoParent { .. }), is_missing, "{error}");
        assert_eq!(matches!(&error, StoreError::NotADirectory { .. }), !is_missing, "{error}");
        assert!(!scene.is_intact());
        assert_eq!(tree_with_times(dir.path()), before);
    }
}

#[test]
fn only_trusted_links_lead_to_the_parent() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    symlink("etc", dir.path().join("link")).unwrap();
    for install in &mut scene.installs {
        install.to = dir.path().join("link").join(install.to.file_name().unwrap());
    }
    scene.establish("a");
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    lchown(dir.path().join("link"), Some(12345), None).unwrap();
    let before = tree_with_times(dir.path());
    let error = scene.try_apply("b", true).unwrap_err();
    assert!(matches!(&error, StoreError::Foreign { owner: 12345, .. }), "{error}");
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn a_file_that_the_certificate_does_not_have() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    let (file, to) = ("combined.pem".to_owned(), scene.etc().join("both.pem"));
    scene.installs.push(Install { file, to, mode: 0o600 });
    let before = scene.copies();
    let error = scene.try_apply("a", true).unwrap_err();
    assert!(matches!(&error, StoreError::NothingToCopy { .. }), "{error}");
    assert!(error.to_string().contains("combined.pem") && error.to_string().contains("/etc/both.pem"), "{error}");
    assert_eq!(scene.copies(), before);
    assert!(!scene.certs().exists());
}

#[test]
fn two_copies_cannot_have_one_place() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    symlink("etc", dir.path().join("link")).unwrap();
    scene.installs[1].to = dir.path().join("link/www.key");
    let before = scene.copies();
    let error = scene.try_apply("a", true).unwrap_err().to_string();
    assert!(error.contains("File exists"), "{error}");
    assert_eq!(scene.copies(), before);
}

#[test]
fn what_a_run_that_died_has_left_is_removed() {
    let leftovers = [".www.key.certctl-new", ".www.key.certctl-old", ".www.crt.certctl-half"];
    for label in ["a", "b"] {
        for is_followed in [false, true] {
            let dir = scratch();
            let scene = Scene::new(dir.path());
            scene.establish("a");
            for name in leftovers {
                fs::write(scene.etc().join(name), "left").unwrap();
            }
            assert!(!scene.is_intact());
            scene.try_apply(label, is_followed).unwrap();
            if is_followed {
                scene.approve();
                scene.finish();
            }
            scene.assert_holds(label);
            assert!(scene.is_intact());
        }
    }
    // While a change is unfinished, what it replaced is no leftover.
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.apply("a");
    assert!(scene.is_intact());
    assert_eq!(scene.apply("a").outcome, Outcome::Unchanged);
    scene.restore();
    assert_eq!(fs::read_to_string(scene.etc().join("www.key")).unwrap(), "old www.key");
}

/// What is taken out of the config while a change is unfinished is part of that change all the same.
#[test]
fn a_path_that_the_config_has_lost() {
    let lose: [fn(&mut Scene); 3] = [
        |scene| scene.installs.clear(),
        |scene| drop(scene.installs.remove(0)),
        // Another change comes, too, before the check of the first.
        |scene| {
            scene.installs.truncate(1);
            scene.apply("c");
        },
    ];
    for (number, lose) in lose.iter().enumerate() {
        for is_good in [false, true] {
            let dir = scratch();
            let mut scene = Scene::new(dir.path());
            for name in ["leaf.pem", "gone/leaf.pem"] {
                let (file, to) = ("cert.pem".to_owned(), scene.etc().join(name));
                scene.installs.push(Install { file, to, mode: 0o644 });
            }
            let copies = scene.copies();
            fs::create_dir(scene.etc().join("gone")).unwrap();
            scene.apply("b");
            fs::remove_dir_all(scene.etc().join("gone")).unwrap();
            lose(&mut scene);
            if is_good {
                scene.approve();
                assert_eq!(names(&scene.etc()), ["leaf.pem", "www.crt", "www.key"], "{number}");
            } else {
                scene.restore();
                assert_eq!(scene.copies(), copies, "{number}");
            }
            scene.finish();
            assert_eq!(scene.lock().state().unwrap(), Default::default(), "{number}");
        }
    }
}

#[test]
fn what_is_beside_a_path_and_cannot_go_is_refused() {
    for name in [".www.key.certctl-new", ".www.key.certctl-old"] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        fs::create_dir(scene.etc().join(name)).unwrap();
        let before = scene.tree();
        let error = scene.try_apply("b", true).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("File exists"), "{error}");
        assert_eq!(scene.tree(), before);
    }
}

#[test]
fn no_umask_changes_a_mode_and_no_key_is_ever_readable() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    for umask in ["000", "077"] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        let log = dir.path().join("log");
        let set = format!("umask {umask}; exec \"$0\" \"$@\"");
        let wrapper = ["strace", "-f", "-e", "trace=openat,fchmod", "-o", log.to_str().unwrap(), "sh", "-c", &set];
        assert_eq!(child::follow(&wrapper, dir.path(), "apply a, approve, finish"), "done");
        scene.assert_holds("a");
        let log = fs::read_to_string(log).unwrap();
        let made: Vec<_> = log.lines().filter(|line| line.contains("O_CREAT") && line.contains("certctl")).collect();
        assert_eq!(made.len(), 4, "two copies, two states: {log}");
        for line in made {
            assert!(line.contains("O_EXCL") && line.contains(", 0600)"), "{line}");
        }
    }
}

/// Certificates and keys of one name change one right after the other.
#[test]
fn a_certificate_and_its_key_are_neighbours() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    fs::create_dir(scene.etc().join("sub")).unwrap();
    let copy = |file: &str, to: &str, mode| Install { file: file.to_owned(), to: scene.etc().join(to), mode };
    scene.installs = vec![
        copy("privkey.pem", "b.a", 0o644),
        copy("chain.pem", "sub/b.pem", 0o644),
        copy("cert.pem", "a.key", 0o600),
        copy("fullchain.pem", "b.z", 0o644),
        copy("chain.pem", "a.pem", 0o644),
    ];
    let order = ["a.pem", "a.key", "b.z", "b.a", "b.pem"];
    let log = dir.path().join("log");
    let wrapper = ["strace", "-f", "-e", "trace=renameat", "-o", log.to_str().unwrap()];
    let list = scene.installs.iter().map(|install| {
        format!("copy {}={}={:o}", install.file, install.to.strip_prefix(scene.etc()).unwrap().display(), install.mode)
    });
    let script = format!("no_copies, {}, apply a", list.collect::<Vec<_>>().join(", "));
    assert_eq!(child::follow(&wrapper, dir.path(), &script), "done");
    let log = fs::read_to_string(log).unwrap();
    let renamed: Vec<_> =
        log.lines().filter(|line| line.contains("certctl-new")).filter_map(|line| line.split('"').nth(3)).collect();
    assert_eq!(renamed, order, "{log}");
}

#[test]
fn copies_have_the_owner_and_group_asked_for() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.options.ownership.owner = Some(12345);
    scene.options.ownership.group = Some(23456);
    scene.establish("a");
    let owners = || scene.installs.iter().map(|install| fs::metadata(&install.to).unwrap()).map(|m| (m.uid(), m.gid()));
    assert!(owners().all(|owner| owner == (12345, 23456)));
    for (owner, group) in [(Some(0), None), (None, Some(0))] {
        chown(scene.etc().join("www.key"), owner, group).unwrap();
        assert!(!scene.is_intact());
        assert_eq!(scene.apply("a").outcome, Outcome::Updated);
        scene.approve();
        assert!(owners().all(|owner| owner == (12345, 23456)));
    }
    scene.finish();
    assert!(scene.is_intact());
    // What is kept by a copy has the owner it had.
    let before = scene.tree();
    if possible("strace", runs(&["strace", "-f", "true"])) {
        let wrapper =
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e", "inject=linkat:error=EPERM"];
        assert_eq!(child::follow(&wrapper, dir.path(), "apply b, restore"), "done");
        assert_eq!(scene.tree(), before);
    }
    assert_eq!(files("a").len() + 1, names(&scene.certificate().join("current")).len());
}
