//! Changes that are approved of, and changes that are taken back.

use std::fs;
use std::os::unix::fs::symlink;

use certctl::format::FileImage;
use certctl::store::{Directory, Name, Outcome, StoreError, Wish};

use super::changes::Scene;
use super::{NAME, file, files, identity, names, scratch, tree, tree_with_times};

#[test]
fn a_change_that_nothing_follows_leaves_nothing_to_do() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    for (label, outcome) in [("a", Outcome::Created), ("a", Outcome::Unchanged), ("b", Outcome::Updated)] {
        let applied = scene.try_apply(label, false).unwrap();
        assert_eq!((applied.outcome, applied.identity), (outcome, identity(label)));
        scene.assert_holds(label);
        assert_eq!(scene.lock().state().unwrap(), Default::default());
        assert_eq!(scene.lock().path(), scene.certificate());
    }
}

#[test]
fn a_change_is_unfinished_until_its_hook_is_done() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let mut previous = None;
    for label in ["a", "b"] {
        let version = scene.apply(label).version;
        let change = scene.lock().state().unwrap().unfinished.unwrap();
        assert_eq!((&change.previous, change.is_checked), (&previous, false));
        assert!(names(&scene.etc()).contains(&".www.key.certctl-old".to_owned()));

        scene.approve();
        assert!(scene.lock().state().unwrap().unfinished.unwrap().is_checked);
        assert_eq!(names(&scene.etc()), ["www.crt", "www.key"]);
        scene.approve();
        assert!(scene.lock().state().unwrap().unfinished.unwrap().is_checked);

        scene.finish();
        assert_eq!(scene.lock().state().unwrap().unfinished, None);
        scene.assert_holds(label);
        previous = Some(version);
    }
    let before = tree_with_times(dir.path());
    assert_eq!(scene.apply("b").outcome, Outcome::Unchanged);
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn restore_brings_back_what_was_there() {
    for keep in [0, 3] {
        let dir = scratch();
        let mut scene = Scene::new(dir.path());
        scene.options.keep = keep;
        let first = scene.establish("a");
        let (before, copies) = (scene.tree(), scene.copies());
        let second = scene.apply("b").version;
        assert_eq!(names(&scene.certificate().join("versions")), [first, second], "keep {keep}");
        scene.restore();
        assert_eq!(scene.tree(), before);
        assert_eq!(scene.copies(), copies);
        scene.restore();
        assert_eq!(scene.tree(), before);
        // And once more, to be kept.
        scene.establish("b");
        assert_eq!(names(&scene.certificate().join("versions")).len(), if keep == 0 { 1 } else { 2 });
    }
}

#[test]
fn restore_of_a_first_install_leaves_nothing() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.installs.push(certctl::store::Install {
        file: "cert.pem".to_owned(),
        to: scene.etc().join("leaf.pem"),
        mode: 0o644,
    });
    let (before, copies) = (scene.tree(), scene.copies());
    let directory = scene.lock();
    let (identity, files) = (identity("a"), files("a"));
    let wish = Wish {
        identity: &identity,
        files: &files,
        installs: &scene.installs,
        options: &scene.options,
        is_followed: true,
    };
    assert_eq!(directory.preview(&wish).unwrap(), Outcome::Created);
    assert_eq!(directory.apply(&wish).unwrap().outcome, Outcome::Created);
    assert_eq!(directory.preview(&wish).unwrap(), Outcome::Unchanged);
    directory.restore(&scene.installs, &scene.options).unwrap();
    drop(directory);
    assert_eq!(scene.copies(), copies);
    // The directory above was there first as far as a later run knows.
    assert_eq!(scene.tree(), before);

    // The run that made it has died: its directories stay, empty.
    scene.apply("a");
    scene.restore();
    assert_eq!(scene.copies(), copies);
    assert_eq!(names(&scene.certificate()), [""; 0]);
}

#[test]
fn a_directory_that_nothing_was_put_into_goes_again() {
    let dir = scratch();
    let scene = Scene::at(&dir.path().join("deep"));
    drop(scene.lock());
    assert_eq!(names(dir.path()), [""; 0]);
    let error = scene.try_apply("a", true).unwrap_err();
    assert!(matches!(&error, StoreError::NoParent { path } if *path == scene.etc()), "{error}");
    assert!(error.to_string().contains("create it"), "{error}");
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn only_links_or_only_copies_can_be_wrong() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let version = scene.establish("a");
    for damage in [
        (|scene: &Scene| fs::remove_file(scene.certificate().join("cert.pem")).unwrap()) as fn(&Scene),
        |scene| fs::write(scene.etc().join("www.crt"), "by hand").unwrap(),
        |scene| fs::remove_file(scene.etc().join("www.key")).unwrap(),
    ] {
        damage(&scene);
        let copies = scene.copies();
        let applied = scene.apply("a");
        assert_eq!((applied.outcome, &applied.version), (Outcome::Updated, &version));
        assert_eq!(scene.lock().state().unwrap().unfinished.unwrap().previous.as_ref(), Some(&version));
        scene.restore();
        assert_eq!(scene.copies(), copies);
        scene.establish("a");
        assert_eq!(names(&scene.certificate().join("versions")), std::slice::from_ref(&version));
    }
}

#[test]
fn links_follow_the_files_there_and_back() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let apply = |files: &[FileImage]| {
        let identity = identity("a");
        let wish = Wish { identity: &identity, files, installs: &[], options: &scene.options, is_followed: true };
        scene.lock().apply(&wish).unwrap();
    };
    let with =
        |name: &'static str| [files("a"), vec![file(name, 0o600, name)]].into_iter().flatten().collect::<Vec<_>>();
    apply(&with("combined.pem"));
    scene.approve();
    scene.finish();
    let before = scene.tree();
    apply(&with("keystore.jks"));
    assert!(!names(&scene.certificate()).contains(&"combined.pem".to_owned()));
    scene.restore();
    assert_eq!(scene.tree(), before);
}

#[test]
fn an_unapproved_version_is_not_what_is_gone_back_to() {
    for keep in [0, 3] {
        let dir = scratch();
        let mut scene = Scene::new(dir.path());
        scene.options.keep = keep;
        let first = scene.establish("a");
        let (before, copies) = (scene.tree(), scene.copies());
        // The run dies before its check, and by the next one there is another certificate.
        scene.apply("b");
        scene.apply("c");
        assert_eq!(scene.lock().state().unwrap().unfinished.unwrap().previous, Some(first.clone()));
        scene.restore();
        assert_eq!(scene.tree(), before);
        assert_eq!(scene.copies(), copies);

        // A change that nothing follows does not end one that is unfinished.
        scene.apply("b");
        scene.try_apply("c", false).unwrap();
        scene.restore();
        assert_eq!(scene.tree(), before);
        assert_eq!(scene.copies(), copies);

        scene.apply("b");
        let third = scene.apply("c").version;
        scene.approve();
        scene.finish();
        scene.assert_holds("c");
        let kept = names(&scene.certificate().join("versions"));
        assert_eq!(kept, [first, third][if keep == 0 { 1 } else { 0 }..], "b was never approved of");
    }
}

#[test]
fn an_unapproved_copy_is_not_what_is_gone_back_to() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    fs::remove_file(scene.etc().join("www.crt")).unwrap();
    let copies = scene.copies();
    scene.apply("b");
    scene.apply("c");
    scene.restore();
    assert_eq!(scene.copies(), copies, "one path where something stood, and one where nothing did");
}

#[test]
fn a_hook_that_is_still_to_come_is_remembered_through_a_change_that_is_taken_back() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.apply("a");
    scene.approve();
    let state = scene.lock().state().unwrap();
    scene.apply("b");
    scene.restore();
    assert_eq!(scene.lock().state().unwrap(), state);
    assert!(state.unfinished.unwrap().is_checked);
}

#[test]
fn what_nothing_led_to_is_not_gone_back_to() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    fs::remove_dir_all(scene.certificate().join(fs::read_link(scene.certificate().join("current")).unwrap())).unwrap();
    scene.apply("a");
    assert_eq!(scene.lock().state().unwrap().unfinished.unwrap().previous, None);
    scene.restore();
    assert_eq!(names(&scene.certificate()), [""; 0]);
}

#[test]
fn what_is_refused_changes_nothing() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("b");
    scene.apply("b");
    let before = tree_with_times(dir.path());
    let mut older = identity("a");
    older.not_before = "2026-10-01T00:00:00Z".parse().unwrap();
    let files = files("a");
    let wish =
        Wish { identity: &older, files: &files, installs: &scene.installs, options: &scene.options, is_followed: true };
    assert!(matches!(scene.lock().apply(&wish), Err(StoreError::Older { .. })));
    assert!(matches!(scene.lock().preview(&wish), Err(StoreError::Older { .. })));
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn a_version_to_go_back_to_that_is_gone() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let first = scene.establish("a");
    let copies = scene.copies();
    scene.apply("b");
    fs::remove_dir_all(scene.certificate().join("versions").join(&first)).unwrap();
    let error = scene.lock().restore(&scene.installs, &scene.options).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { version, .. } if *version == first), "{error}");
    assert!(error.to_string().contains("it is gone"), "{error}");
    assert_eq!(scene.copies(), copies, "what could be restored is");
    assert!(scene.lock().state().unwrap().unfinished.is_some(), "the next run tries again");
}

#[test]
fn a_lock_holds_back_others_until_it_is_dropped() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    let held = scene.lock();
    scene.options.patience.timeout = std::time::Duration::ZERO;
    let error = scene.try_lock().unwrap_err();
    assert!(matches!(&error, StoreError::Locked { holder: None, .. }), "{error}");
    drop(held);
    drop(scene.lock());
}

#[test]
fn names_of_their_own_are_not_taken() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    fs::create_dir(scene.certs()).unwrap();
    symlink("elsewhere", scene.certificate()).unwrap();
    let before = tree(dir.path());
    let lock = || Directory::lock(&scene.certs(), &Name::parse(NAME).unwrap(), &scene.options.patience);
    assert!(matches!(lock(), Err(StoreError::Foreign { .. })));
    assert_eq!(tree(dir.path()), before);
}
