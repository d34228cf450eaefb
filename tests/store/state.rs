//! `.certctl.json`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use certctl::store::{StoreError, Unfinished};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::changes::Scene;
use super::{is_root, possible, scratch, tree_with_times};

#[test]
fn it_says_what_is_still_to_do() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    let first = scene.establish("a");
    let path = scene.certificate().join(".certctl.json");
    assert!(!path.exists());
    fs::remove_file(scene.etc().join("www.crt")).unwrap();
    scene.apply("b");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode(), 0o100644);
    let read = || serde_json::from_str::<serde_json::Value>(&fs::read_to_string(&path).unwrap()).unwrap();
    let (crt, key) = (scene.etc().join("www.crt"), scene.etc().join("www.key"));
    let unfinished =
        serde_json::json!({"previous": first, "is_checked": false, "copies": [crt, key], "new_copies": [crt]});
    assert_eq!(read(), serde_json::json!({"schema": "certctl.state/v1", "unfinished": unfinished, "rejected": null}));
    scene.approve();
    scene.finish();
    assert!(!path.exists());

    scene.try_roll_back(None).unwrap();
    scene.approve();
    scene.finish();
    let rejected = &read()["rejected"];
    assert_eq!((&rejected["id"], &rejected["not_before"]), (&"id-b".into(), &"2026-11-01T00:00:00Z".into()));
    scene.lock().unpin().unwrap();
    assert!(!path.exists());
}

#[test]
fn damaged_it_is_a_hook_to_run_again() {
    let good = r#"{"schema":"certctl.state/v1","unfinished":{"previous":null,"is_checked":false},"rejected":null}"#;
    for damaged in [
        "",
        "\0",
        "{}",
        "[]",
        &good[1..],
        &good.replace("/v1", "/v2"),
        &good.replace("null,\"is", "\"../../etc\",\"is"),
        &good.replace("null,\"is", "7,\"is"),
        r#"{"schema":"certctl.state/v1","rejected":{"version":"x","id":"","not_before":"","not_after":""}}"#,
    ] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        fs::write(scene.certificate().join(".certctl.json"), damaged).unwrap();
        let state = scene.lock().state().unwrap();
        let wanted = Unfinished { is_checked: true, ..Unfinished::default() };
        assert_eq!((state.unfinished, state.rejected), (Some(wanted), None), "{damaged}");
        assert_eq!(scene.look().unwrap().state, scene.lock().state().unwrap());
        scene.restore();
        scene.finish();
        scene.assert_holds("a");
    }
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    fs::write(scene.certificate().join(".certctl.json"), good).unwrap();
    assert!(!scene.lock().state().unwrap().unfinished.unwrap().is_checked, "the good one is read as it is");
}

#[test]
fn what_is_planted_in_its_place_is_refused() {
    let mut plants: Vec<fn(&Path)> = vec![
        |path| symlink("/etc/passwd", path).unwrap(),
        |path| symlink("nowhere", path).unwrap(),
        |path| fs::create_dir(path).unwrap(),
        |path| mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap(),
    ];
    if possible("changing owners (root)", is_root()) {
        plants.push(|path| {
            fs::write(path, "{}").unwrap();
            chown(path, Some(12345), None).unwrap();
        });
    }
    for plant in plants {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        plant(&scene.certificate().join(".certctl.json"));
        let before = tree_with_times(dir.path());
        for refused in [
            scene.try_apply("b", true).map(drop),
            scene.try_apply("b", false).map(drop),
            scene.try_lock().map(drop),
            scene.try_look().map(drop),
            super::try_install(&scene.certs(), "b").map(drop),
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(&error, StoreError::Foreign { path, .. } if path.ends_with(".certctl.json")), "{error}");
        }
        assert_eq!(tree_with_times(dir.path()), before);
    }
}
