//! Things that certctl did not put there.

use std::fs;
use std::os::unix::fs::{chown, lchown, symlink};
use std::path::Path;

use certctl::store::{self, Outcome, StoreError};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{
    NAME, assert_holds, files, identity, install, is_root, options, possible, scratch, tree_with_times, try_install,
};

/// A name in a certificate directory, and what is planted there.
type Plant = (&'static str, fn(&Path));

const PLANTS: &[Plant] = &[
    ("cert.pem", |path| fs::write(path, "planted").unwrap()),
    ("privkey.pem", |path| fs::create_dir(path).unwrap()),
    ("metadata.json", |path| mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap()),
    ("current", |path| fs::create_dir(path).unwrap()),
    ("current", |path| fs::write(path, "").unwrap()),
    ("versions", |path| fs::write(path, "").unwrap()),
    ("versions", |path| symlink("elsewhere", path).unwrap()),
    (".current.new", |path| fs::create_dir(path).unwrap()),
];

/// The same by another user.
const FOREIGN_PLANTS: &[Plant] = &[
    ("cert.pem", |path| foreign_link("/etc/passwd", path)),
    ("current", |path| foreign_link("/etc", path)),
    ("current", |path| foreign_link("versions/../versions", path)),
    (".current.new", |path| foreign_link("versions", path)),
    ("versions", |path| {
        fs::create_dir(path).unwrap();
        chown(path, Some(12345), None).unwrap();
    }),
    ("", |path| chown(path, Some(12345), None).unwrap()),
];

#[test]
fn what_is_planted_is_refused_and_nothing_is_changed() {
    refused(PLANTS);
}

/// What certbot has in `live`: its links have certctl's names, and are its own.
#[test]
fn a_directory_of_certbots_is_refused_and_nothing_is_changed() {
    let dir = scratch();
    let certificate = dir.path().join(NAME);
    fs::create_dir(&certificate).unwrap();
    for name in ["cert", "chain", "fullchain", "privkey"] {
        symlink(format!("../../archive/{NAME}/{name}1.pem"), certificate.join(format!("{name}.pem"))).unwrap();
    }
    let before = tree_with_times(dir.path());
    let refused = try_install(dir.path(), "a").unwrap_err();
    assert!(matches!(&refused, StoreError::Foreign { path, .. } if *path == certificate.join("cert.pem")), "{refused}");
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn what_another_user_planted_is_refused_and_nothing_is_changed() {
    if possible("changing owners (root)", is_root()) {
        refused(FOREIGN_PLANTS);
    }
}

fn refused(plants: &[Plant]) {
    for (name, plant) in plants {
        for installed in [false, true] {
            let dir = scratch();
            let certificate = dir.path().join(NAME);
            fs::create_dir(&certificate).unwrap();
            if installed {
                install(dir.path(), "a");
                let path = certificate.join(name);
                if !name.is_empty() {
                    let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
                }
            }
            plant(&certificate.join(name));
            // What an earlier run has left waits too.
            if certificate.join("versions").is_dir() {
                fs::create_dir(certificate.join("versions/.new-x")).unwrap();
            }
            let before = tree_with_times(dir.path());
            for error in [
                try_install(dir.path(), "b").unwrap_err(),
                store::preview(dir.path(), &identity("b"), &files("b"), &options()).unwrap_err(),
            ] {
                assert!(matches!(&error, StoreError::Foreign { .. }), "{name} {error}");
                let path = certificate.join(name).display().to_string();
                assert!(error.to_string().starts_with(path.trim_end_matches('/')), "{error}");
                assert!(!error.to_string().contains('\n'), "{error}");
            }
            assert_eq!(tree_with_times(dir.path()), before, "{name}");
        }
    }
}

#[test]
fn a_certificate_directory_that_is_a_link_or_a_file_is_refused() {
    let dir = scratch();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    symlink("elsewhere", dir.path().join(NAME)).unwrap();
    let before = tree_with_times(dir.path());
    assert!(matches!(try_install(dir.path(), "a"), Err(StoreError::Foreign { .. })));
    assert_eq!(tree_with_times(dir.path()), before);
    fs::remove_file(dir.path().join(NAME)).unwrap();
    fs::write(dir.path().join(NAME), "").unwrap();
    assert!(matches!(try_install(dir.path(), "a"), Err(StoreError::Foreign { .. })));
}

#[test]
fn a_current_astray_is_never_followed() {
    let dir = scratch();
    let outside = scratch();
    let certificate = install(dir.path(), "a").path;
    fs::rename(certificate.join("versions"), outside.path().join("versions")).unwrap();
    let version = fs::read_link(certificate.join("current")).unwrap();
    fs::remove_file(certificate.join("current")).unwrap();
    symlink(outside.path().join(version), certificate.join("current")).unwrap();
    let before = tree_with_times(outside.path());
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Updated);
    assert_holds(&certificate, "a");
    assert_eq!(tree_with_times(outside.path()), before);
}

#[test]
fn removal_never_follows_a_link() {
    let dir = scratch();
    let outside = scratch();
    fs::write(outside.path().join("precious"), "data").unwrap();
    let certificate = install(dir.path(), "a").path;
    let versions = certificate.join("versions");
    symlink(outside.path(), versions.join(".old-20260101T000000Z-00000000")).unwrap();
    fs::create_dir_all(versions.join(".new-20260101T000000Z-00000000/deep/deeper")).unwrap();
    symlink(outside.path(), versions.join(".new-20260101T000000Z-00000000/deep/link")).unwrap();
    symlink(outside.path(), versions.join("20990101T000000Z-00000000")).unwrap();
    fs::write(versions.join("README"), "the user's own").unwrap();
    let before = tree_with_times(outside.path());
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Unchanged);
    assert_eq!(tree_with_times(outside.path()), before);
    assert_eq!(
        super::names(&versions),
        ["20261122T020304Z-61616161", "20990101T000000Z-00000000", "README"],
        "what is not a version stays"
    );
}

fn foreign_link(target: &str, path: &Path) {
    symlink(target, path).unwrap();
    lchown(path, Some(12345), None).unwrap();
}
