//! The way to `<dir>`.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};
use std::path::Path;

use certctl::store::{self, Outcome, StoreError};

use super::{
    NAME, READ_ONLY, assert_holds, child, files, identity, install, is_root, options, possible, runs, scratch, tree,
    try_install,
};

#[test]
fn links_of_ones_own_are_followed() {
    let dir = scratch();
    fs::create_dir_all(dir.path().join("real/deep")).unwrap();
    fs::create_dir_all(dir.path().join("links")).unwrap();
    symlink(dir.path().join("links/relative"), dir.path().join("absolute")).unwrap();
    symlink("../real/./deep/", dir.path().join("links/relative")).unwrap();
    install(&dir.path().join("absolute/new/../new"), "a");
    assert_holds(&dir.path().join("real/deep/new").join(NAME), "a");
}

#[test]
fn links_that_lead_in_a_circle_are_not_followed_for_ever() {
    let dir = scratch();
    symlink("b", dir.path().join("a")).unwrap();
    symlink("a", dir.path().join("b")).unwrap();
    let error = try_install(&dir.path().join("a"), "a").unwrap_err().to_string();
    assert!(error.contains("ymbolic link"), "{error}");
}

#[test]
fn another_users_link_is_not_followed() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    let dir = scratch();
    fs::create_dir(dir.path().join("real")).unwrap();
    symlink("real", dir.path().join("link")).unwrap();
    lchown(dir.path().join("link"), Some(12345), None).unwrap();
    let before = tree(dir.path());
    for path in ["link", "link/certs", "real/../link"] {
        let error = try_install(&dir.path().join(path), "a").unwrap_err();
        assert!(matches!(&error, StoreError::Foreign { owner: 12345, .. }), "{error}");
        assert!(error.to_string().contains("/link is a symbolic link of uid 12345"), "{error}");
        let preview = store::preview(&dir.path().join(path), &identity("a"), &files("a"), &options());
        assert!(matches!(preview, Err(StoreError::Foreign { .. })));
    }
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn a_file_is_not_a_directory() {
    let dir = scratch();
    fs::write(dir.path().join("file"), "text").unwrap();
    symlink("file", dir.path().join("link")).unwrap();
    let before = tree(dir.path());
    for path in ["file", "file/certs", "link/certs"] {
        let error = try_install(&dir.path().join(path), "a").unwrap_err();
        assert!(matches!(&error, StoreError::NotADirectory { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("/file is a regular file, not a directory") && message.contains("-d"), "{message}");
    }
    assert_eq!(tree(dir.path()), before);
}

#[test]
fn a_relative_directory_starts_here() {
    let dir = scratch();
    let run = format!("cd '{}' && exec \"$0\" \"$@\"", dir.path().display());
    for (at, path) in [("sub/certs", "sub/certs"), (".", ""), ("./x/../y", "y")] {
        assert_eq!(child::result(&["sh", "-c", &run], Path::new(at), "a"), "Created");
        assert_holds(&dir.path().join(path).join(NAME), "a");
    }
}

#[test]
fn a_directory_on_the_way_may_be_closed_to_reading() {
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    let binary = env::current_exe().unwrap();
    let list = [&nobody[..], &[binary.to_str().unwrap(), "--list"]].concat();
    if !possible("running as another user", is_root() && runs(&list)) {
        return;
    }
    let dir = scratch();
    let closed = dir.path().join("closed");
    fs::create_dir_all(closed.join("theirs")).unwrap();
    lchown(closed.join("theirs"), Some(65534), Some(65534)).unwrap();
    for path in [dir.path(), &closed] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o711)).unwrap();
    }
    assert_eq!(child::result(&nobody, &closed.join("theirs/certs"), "a"), "Created");
    assert_eq!(child::result(&nobody, &closed.join("theirs/certs"), "a"), "Unchanged");

    let before = tree(dir.path());
    let error = child::result(&nobody, &closed.join("certs"), "a");
    assert!(error.contains("closed/certs: Permission denied") && error.contains("as a user who may write"), "{error}");
    let error = child::result(&nobody, &closed, "a");
    assert!(error.contains("Permission denied"), "{error}");
    assert_eq!(tree(dir.path()), before);

    // A directory that another user owns is theirs to change: root does not install there.
    let error = try_install(&closed.join("theirs/certs"), "b").unwrap_err();
    assert!(matches!(error, StoreError::Foreign { owner: 65534, .. }), "{error}");
}

#[test]
fn a_read_only_directory_that_is_right_is_no_error() {
    if !possible("a mount namespace (root)", is_root() && runs(&["unshare", "-m", "true"])) {
        return;
    }
    let dir = scratch();
    install(dir.path(), "a");
    let before = tree(dir.path());
    assert_eq!(child::result(&READ_ONLY, dir.path(), "a"), "Unchanged");
    let error = child::result(&READ_ONLY, dir.path(), "b");
    assert!(error.contains("Read-only file system") && error.contains("mount it for writing"), "{error}");
    assert_eq!(tree(dir.path()), before);
    // The lock is held while it fails, and given back.
    File::open(dir.path().join(NAME)).unwrap().try_lock().unwrap();
    assert_eq!(install(dir.path(), "b").outcome, Outcome::Updated);
}
