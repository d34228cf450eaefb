//! What is wrong is told, not only whether something is; nothing that is planted is followed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;

use certctl::store::{self, Audit, Fault, Name, StoreError};

use super::{NAME, identity, install, is_root, possible, scratch};

fn audit(dir: &Path) -> Option<Audit> {
    store::audit(dir, &Name::parse(NAME).unwrap(), None).unwrap()
}

#[test]
fn what_is_there_is_told() {
    let dir = scratch();
    assert!(audit(dir.path()).is_none());
    let version = install(dir.path(), "a").version;
    let found = audit(dir.path()).unwrap();
    assert_eq!((found.identity, found.version, found.findings), (Some(identity("a")), Some(version), Vec::new()));
    let files: BTreeSet<_> = found.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem"].into());
    assert!(found.denied.is_none());
}

/// Neither the directory itself nor anything in it leads elsewhere.
#[test]
fn links_are_not_followed() {
    let dir = scratch();
    install(dir.path(), "a");
    let certificate = dir.path().join(NAME);
    fs::rename(certificate.join("current/privkey.pem"), dir.path().join("elsewhere")).unwrap();
    symlink(dir.path().join("elsewhere"), certificate.join("current/privkey.pem")).unwrap();
    let found = audit(dir.path()).unwrap();
    assert!(!found.files.contains_key("privkey.pem"));
    assert_eq!(found.findings.iter().map(|finding| finding.fault).collect::<Vec<_>>(), [Fault::Layout]);

    fs::rename(&certificate, dir.path().join("moved")).unwrap();
    symlink("moved", &certificate).unwrap();
    let found = audit(dir.path()).unwrap();
    assert!(found.files.is_empty() && found.identity.is_none());
    assert!(found.findings[0].what.ends_with("is a symbolic link, not a directory"), "{:?}", found.findings);
    if possible("changing owners (root)", is_root()) {
        symlink(".", dir.path().join("link")).unwrap();
        lchown(dir.path().join("link"), Some(12345), None).unwrap();
        let found = store::audit(&dir.path().join("link"), &Name::parse(NAME).unwrap(), None);
        assert!(matches!(found, Err(StoreError::Foreign { owner: 12345, .. })));
    }
}

/// A name in metadata.json may not lead out of the version.
#[test]
fn recorded_names_lead_nowhere() {
    let dir = scratch();
    install(dir.path(), "a");
    let path = dir.path().join(NAME).join("current/metadata.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"cert.pem\"", "\"../../../secret\"")).unwrap();
    fs::write(dir.path().join("secret"), "x").unwrap();
    let found = audit(dir.path()).unwrap();
    assert!(!found.files.keys().any(|name| name.contains("secret")), "{:?}", found.files.keys());
    assert!(found.findings.iter().any(|finding| finding.what.contains("no file can be called so")));
}
