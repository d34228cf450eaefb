//! Going back, and forward again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use certctl::store::{Install, Outcome, Rejected, StoreError, Wish};

use super::changes::Scene;
use super::{file, files, identity, names, scratch, tree_with_times};

fn done(scene: &Scene) {
    scene.approve();
    scene.finish();
}

#[test]
fn back_and_forward() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.options.keep = 1;
    let first = scene.establish("a");
    let second = scene.establish("b");
    // Fewer are to be kept than there are: the version to go back to is there all the same.
    scene.options.keep = 0;
    let applied = scene.try_roll_back(None).unwrap();
    assert_eq!((applied.outcome, &applied.version, applied.identity), (Outcome::Updated, &first, identity("a")));
    let state = scene.lock().state().unwrap();
    assert_eq!(state.unfinished.unwrap().previous, Some(second.clone()));
    let b = identity("b");
    let (id, not_before, not_after) = (b.id, b.not_before, b.not_after);
    assert_eq!(state.rejected, Some(Rejected { version: second.clone(), id, not_before, not_after }));
    done(&scene);
    fs::remove_file(scene.certificate().join(".certctl.json")).unwrap();
    scene.assert_holds("a");
    assert_eq!(names(&scene.certificate().join("versions")), [first.clone(), second.clone()]);
}

#[test]
fn the_rejected_version_stays_and_ends_the_pin_when_it_is_gone_to() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.options.keep = 0;
    scene.establish("a");
    scene.options.keep = 3;
    let second = scene.establish("b");
    scene.options.keep = 0;
    scene.try_roll_back(None).unwrap();
    done(&scene);
    assert_eq!(scene.apply("a").outcome, Outcome::Unchanged);
    let applied = scene.try_roll_back(Some(&second)).unwrap();
    assert_eq!((applied.outcome, &applied.version), (Outcome::Updated, &second));
    assert_eq!(scene.lock().state().unwrap().rejected, None);
    done(&scene);
    scene.assert_holds("b");
    assert_eq!(names(&scene.certificate().join("versions")), [second]);
}

#[test]
fn several_steps_back() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let versions: Vec<_> = ["a", "b", "c"].iter().map(|label| scene.establish(label)).collect();
    for label in ["b", "a"] {
        scene.try_roll_back(None).unwrap();
        done(&scene);
        scene.assert_copies(label);
        assert_eq!(scene.lock().state().unwrap().rejected.unwrap().version, versions[2], "the newest of them");
        assert_eq!(names(&scene.certificate().join("versions")), versions, "all of them were in place once");
    }
    let error = scene.try_roll_back(None).unwrap_err();
    assert!(matches!(&error, StoreError::NoOlderVersion { path } if *path == scene.certificate()), "{error}");
    // Half the way forward: the newest is still rejected.
    scene.try_roll_back(Some(&versions[1])).unwrap();
    done(&scene);
    scene.assert_copies("b");
    assert_eq!(scene.lock().state().unwrap().rejected.unwrap().version, versions[2]);
    // What is in place already is left alone.
    let before = tree_with_times(dir.path());
    assert_eq!(scene.try_roll_back(Some(&versions[1])).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(tree_with_times(dir.path()), before);

    // A newer certificate comes: what was rolled back from is not what one would go back to.
    for unpinned_first in [true, false] {
        let fourth = scene.apply("d").version;
        if unpinned_first {
            scene.lock().unpin().unwrap();
            assert!(names(&scene.certificate().join("versions")).contains(&versions[2]), "the check may fail yet");
        }
        scene.approve();
        scene.lock().unpin().unwrap();
        scene.finish();
        scene.assert_holds("d");
        let kept = names(&scene.certificate().join("versions"));
        assert_eq!(kept, [versions[0].clone(), versions[1].clone(), fourth]);
        if unpinned_first {
            // The same once more, from the first step.
            scene.try_roll_back(None).unwrap();
            done(&scene);
            scene.assert_copies("b");
        }
    }
}

#[test]
fn a_check_that_fails_brings_the_old_pin_back() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    for label in ["a", "b", "c"] {
        scene.establish(label);
    }
    let (before, copies) = (scene.tree(), scene.copies());
    scene.try_roll_back(None).unwrap();
    scene.restore();
    assert_eq!(scene.tree(), before, "no pin");
    assert_eq!(scene.copies(), copies);

    scene.try_roll_back(None).unwrap();
    done(&scene);
    let (before, copies) = (scene.tree(), scene.copies());
    for to in [None, Some(names(&scene.certificate().join("versions"))[2].clone())] {
        scene.try_roll_back(to.as_deref()).unwrap();
        scene.restore();
        assert_eq!(scene.tree(), before, "{to:?}");
        assert_eq!(scene.copies(), copies);
    }
}

#[test]
fn a_rollback_that_died_before_its_switch_rejects_nothing() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    scene.establish("b");
    let current = fs::read_link(scene.certificate().join("current")).unwrap();
    scene.try_roll_back(None).unwrap();
    fs::remove_file(scene.certificate().join("current")).unwrap();
    std::os::unix::fs::symlink(current, scene.certificate().join("current")).unwrap();
    scene.approve();
    assert_eq!(scene.lock().state().unwrap().rejected, None);
}

/// A rollback that died before its check is completed by the next one: that one goes no further back.
#[test]
fn one_that_died_is_completed() {
    for (is_switched, to) in [(true, None), (false, None), (true, Some(1)), (true, Some(0)), (true, Some(2))] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        let versions: Vec<_> = ["a", "b", "c"].iter().map(|label| scene.establish(label)).collect();
        let current = fs::read_link(scene.certificate().join("current")).unwrap();
        scene.try_roll_back(None).unwrap();
        if !is_switched {
            fs::remove_file(scene.certificate().join("current")).unwrap();
            std::os::unix::fs::symlink(current, scene.certificate().join("current")).unwrap();
        }
        let to = to.map(|number: usize| versions[number].as_str());
        let applied = scene.try_roll_back(to).unwrap();
        let wanted = to.unwrap_or(&versions[1]);
        assert_eq!((applied.outcome, applied.version.as_str()), (Outcome::Updated, wanted), "to be checked: {to:?}");
        assert_eq!(scene.lock().state().unwrap().unfinished.unwrap().previous.as_ref(), Some(&versions[2]));
        done(&scene);
        let rejected = scene.lock().state().unwrap().rejected.map(|rejected| rejected.version);
        assert_eq!(rejected.as_ref(), Some(&versions[2]).filter(|version| *version != wanted));
        // One whose check was passed is complete.
        if to.is_none() {
            assert_eq!(scene.try_roll_back(None).unwrap().version, versions[0]);
        }
    }
    // What sync has put in its place since is gone back from.
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    let second = scene.establish("b");
    scene.try_roll_back(None).unwrap();
    scene.apply("c");
    assert_eq!(scene.try_roll_back(None).unwrap().version, second);
}

#[test]
fn the_newest_of_several_versions_of_one_certificate_stays() {
    for is_checked in [true, false] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        let mut versions = vec![scene.establish("a"), scene.establish("b")];
        let more = [files("b"), vec![file("combined.pem", 0o600, "both")]].into_iter().flatten().collect::<Vec<_>>();
        let (b, options) = (identity("b"), scene.options.clone());
        let wish =
            Wish { identity: &b, files: &more, installs: &scene.installs, options: &options, is_followed: false };
        versions.push(scene.lock().apply(&wish).unwrap().version);
        scene.try_roll_back(None).unwrap();
        if is_checked {
            done(&scene);
        }
        scene.try_roll_back(Some(&versions[0])).unwrap();
        done(&scene);
        scene.assert_copies("a");
        assert_eq!(scene.lock().state().unwrap().rejected.unwrap().version, versions[2]);
        assert_eq!(names(&scene.certificate().join("versions")), versions);
    }
}

#[test]
fn a_version_that_is_not_there() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    assert!(matches!(scene.try_roll_back(None), Err(StoreError::NoOlderVersion { .. })));
    let first = scene.establish("a");
    let before = tree_with_times(dir.path());
    assert!(matches!(scene.try_roll_back(None), Err(StoreError::NoOlderVersion { .. })));
    for wanted in ["20200101T000000Z-00000000", "../versions", "", "current"] {
        let error = scene.try_roll_back(Some(wanted)).unwrap_err();
        assert!(matches!(&error, StoreError::NoSuchVersion { known, .. } if *known == [first.clone()]), "{error}");
        assert!(error.to_string().contains(&first), "{error}");
    }
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn a_version_that_is_damaged_is_not_gone_back_to() {
    for (damage, words) in [
        ((|v| fs::write(v.join("cert.pem"), "other").unwrap()) as fn(&std::path::Path), "cert.pem has other bytes"),
        (|v| fs::remove_file(v.join("chain.pem")).unwrap(), "other files"),
        (|v| fs::write(v.join("extra"), "").unwrap(), "other files"),
        (|v| fs::write(v.join("metadata.json"), "{}").unwrap(), "metadata.json cannot be read"),
        (|v| fs::set_permissions(v.join("privkey.pem"), Permissions::from_mode(0o644)).unwrap(), "another mode"),
        (
            |v| {
                fs::remove_file(v.join("cert.pem")).unwrap();
                fs::create_dir(v.join("cert.pem")).unwrap();
            },
            "cert.pem cannot be read",
        ),
        (
            |v| {
                let text = fs::read_to_string(v.join("metadata.json")).unwrap();
                fs::write(v.join("metadata.json"), text.replace("\"cert.pem\"", "\"current\"")).unwrap();
                fs::rename(v.join("cert.pem"), v.join("current")).unwrap();
            },
            "no file can be called",
        ),
    ] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        let first = scene.establish("a");
        scene.establish("b");
        damage(&scene.certificate().join("versions").join(&first));
        let before = tree_with_times(dir.path());
        let error = scene.try_roll_back(None).unwrap_err();
        assert!(matches!(&error, StoreError::Damaged { version, .. } if *version == first), "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(tree_with_times(dir.path()), before);
    }
}

#[test]
fn links_and_copies_are_those_of_the_version_gone_back_to() {
    let dir = scratch();
    let mut scene = Scene::new(dir.path());
    scene.establish("a");
    let more = [files("b"), vec![file("combined.pem", 0o600, "both")]].into_iter().flatten().collect::<Vec<_>>();
    let (b, options) = (identity("b"), scene.options.clone());
    let wish = Wish { identity: &b, files: &more, installs: &scene.installs, options: &options, is_followed: false };
    scene.lock().apply(&wish).unwrap();
    scene.try_roll_back(None).unwrap();
    done(&scene);
    fs::remove_file(scene.certificate().join(".certctl.json")).unwrap();
    scene.assert_holds("a");

    scene.lock().apply(&wish).unwrap();
    scene.installs.push(Install { file: "combined.pem".to_owned(), to: scene.etc().join("combined.pem"), mode: 0o600 });
    let before = tree_with_times(dir.path());
    let error = scene.try_roll_back(None).unwrap_err();
    assert!(matches!(&error, StoreError::NothingToCopy { file, .. } if file == "combined.pem"), "{error}");
    assert_eq!(tree_with_times(dir.path()), before);
}
