//! A dry run: the same answer, and not a byte.

use std::fs;
use std::os::unix::fs::symlink;

use certctl::store::{self, Outcome, StoreError};

use super::{NAME, files, identity, install, options, scratch, tree_with_times};

#[test]
fn it_says_what_an_install_would_do_and_does_nothing() {
    let dir = scratch();
    let preview = |label: &str| {
        let before = tree_with_times(dir.path());
        let outcome = store::preview(&dir.path().join("certs"), &identity(label), &files(label), &options());
        assert_eq!(tree_with_times(dir.path()), before);
        outcome
    };
    assert_eq!(preview("a").unwrap(), Outcome::Created);
    fs::create_dir(dir.path().join("certs")).unwrap();
    assert_eq!(preview("a").unwrap(), Outcome::Created);
    let certificate = dir.path().join("certs").join(NAME);
    fs::create_dir(&certificate).unwrap();
    assert_eq!(preview("a").unwrap(), Outcome::Created);
    install(&dir.path().join("certs"), "a");
    assert_eq!(preview("a").unwrap(), Outcome::Unchanged);
    assert_eq!(preview("b").unwrap(), Outcome::Updated);
    fs::remove_file(certificate.join("cert.pem")).unwrap();
    assert_eq!(preview("a").unwrap(), Outcome::Updated);
    symlink("versions/20990101T000000Z-00000000", certificate.join(".current.new")).unwrap();
    assert_eq!(preview("a").unwrap(), Outcome::Updated);
    fs::write(certificate.join("cert.pem"), "").unwrap();
    assert!(matches!(preview("a"), Err(StoreError::Foreign { .. })));
}

#[test]
fn it_waits_for_no_lock() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    let held = fs::File::open(certificate).unwrap();
    held.lock().unwrap();
    assert_eq!(store::preview(dir.path(), &identity("a"), &files("a"), &options()).unwrap(), Outcome::Unchanged);
}
