//! Each kind of damage is found and repaired.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;

use certctl::store::Outcome;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{assert_holds, install, is_root, possible, scratch, tree_with_times};

/// Something that happens to a certificate directory.
type Damage = (&'static str, fn(&Path));

/// Damage to the version in place: only a new version helps.
const TO_THE_VERSION: &[Damage] = &[
    ("a byte changed", |c| {
        let path = c.join("current/cert.pem");
        let mut bytes = fs::read(&path).unwrap();
        bytes[7] ^= 1;
        fs::write(path, bytes).unwrap();
    }),
    ("truncated", |c| fs::write(c.join("current/privkey.pem"), "").unwrap()),
    ("grown", |c| {
        let path = c.join("current/chain.pem");
        let bytes = [fs::read(&path).unwrap(), b"\n".to_vec()].concat();
        fs::write(path, bytes).unwrap();
    }),
    ("a wider key mode", |c| set_mode(&c.join("current/privkey.pem"), 0o644)),
    ("a narrower mode", |c| set_mode(&c.join("current/cert.pem"), 0o600)),
    ("a set-user-id bit", |c| set_mode(&c.join("current/cert.pem"), 0o4644)),
    ("the metadata's mode", |c| set_mode(&c.join("current/metadata.json"), 0o600)),
    ("the version's mode", |c| set_mode(&c.join("current"), 0o700)),
    ("a file missing", |c| fs::remove_file(c.join("current/fullchain.pem")).unwrap()),
    ("the metadata missing", |c| fs::remove_file(c.join("current/metadata.json")).unwrap()),
    ("the metadata no JSON", |c| fs::write(c.join("current/metadata.json"), "\0garbage").unwrap()),
    ("the metadata empty", |c| fs::write(c.join("current/metadata.json"), "").unwrap()),
    ("the metadata of another schema", |c| {
        let path = c.join("current/metadata.json");
        let text = fs::read_to_string(&path).unwrap().replace("metadata/v1", "metadata/v2");
        fs::write(path, text).unwrap();
    }),
    ("the metadata of another certificate", |c| {
        let path = c.join("current/metadata.json");
        let text = fs::read_to_string(&path).unwrap().replace("id-a", "id-b");
        fs::write(path, text).unwrap();
    }),
    ("an extra file", |c| fs::write(c.join("current/extra"), "").unwrap()),
    ("a second name", |c| fs::hard_link(c.join("current/privkey.pem"), c.join("second-name")).unwrap()),
    ("a FIFO for a file", |c| {
        fs::remove_file(c.join("current/cert.pem")).unwrap();
        mknodat(CWD, c.join("current/cert.pem"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    }),
    ("a FIFO for the metadata", |c| {
        fs::remove_file(c.join("current/metadata.json")).unwrap();
        mknodat(CWD, c.join("current/metadata.json"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
    }),
    ("a link for a file", |c| {
        fs::rename(c.join("current/privkey.pem"), c.join("moved")).unwrap();
        symlink(c.join("moved"), c.join("current/privkey.pem")).unwrap();
    }),
    ("a directory for a file", |c| {
        fs::remove_file(c.join("current/cert.pem")).unwrap();
        fs::create_dir(c.join("current/cert.pem")).unwrap();
    }),
    ("the version missing", |c| fs::remove_dir_all(c.join(fs::read_link(c.join("current")).unwrap())).unwrap()),
    ("the version a file", |c| {
        let version = c.join(fs::read_link(c.join("current")).unwrap());
        fs::remove_dir_all(&version).unwrap();
        fs::write(version, "").unwrap();
    }),
    ("the version a link", |c| {
        let version = c.join(fs::read_link(c.join("current")).unwrap());
        fs::rename(&version, c.join("moved")).unwrap();
        symlink(c.join("moved"), version).unwrap();
    }),
    ("all versions missing", |c| fs::remove_dir_all(c.join("versions")).unwrap()),
    ("current astray", |c| relink(c, "current", "/etc")),
    ("current outside", |c| relink(c, "current", "versions/../../elsewhere")),
    ("current to the versions", |c| relink(c, "current", "versions")),
];

/// Damage to the links: they are put back, the version stays.
const TO_THE_LINKS: &[Damage] = &[
    ("a link missing", |c| fs::remove_file(c.join("privkey.pem")).unwrap()),
    ("a link astray", |c| relink(c, "cert.pem", "/etc/passwd")),
    ("a link to another file", |c| relink(c, "cert.pem", "current/privkey.pem")),
    ("an absolute link", |c| relink(c, "chain.pem", c.join("current/chain.pem").to_str().unwrap())),
    ("all links missing", |c| {
        for name in ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem", "metadata.json"] {
            fs::remove_file(c.join(name)).unwrap();
        }
    }),
];

#[test]
fn damage_to_the_version_makes_a_new_one() {
    for (what, damage) in TO_THE_VERSION {
        let dir = scratch();
        let first = install(dir.path(), "a");
        damage(&first.path);
        let again = install(dir.path(), "a");
        assert_eq!(again.outcome, Outcome::Updated, "{what}");
        assert_ne!(again.version, first.version, "{what}");
        for added in ["second-name", "moved"] {
            let path = again.path.join(added);
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
        let _ = fs::remove_file(again.path.join("versions").join(&first.version)); // Where the damage was to make it a file.
        assert_holds(&again.path, "a");
        let before = tree_with_times(dir.path());
        assert_eq!(install(dir.path(), "a").outcome, Outcome::Unchanged, "{what}");
        assert_eq!(tree_with_times(dir.path()), before, "{what}");
    }
}

#[test]
fn damage_to_links_is_repaired_in_place() {
    for (what, damage) in TO_THE_LINKS {
        let dir = scratch();
        let first = install(dir.path(), "a");
        damage(&first.path);
        let again = install(dir.path(), "a");
        assert_eq!((again.outcome, again.version), (Outcome::Updated, first.version), "{what}");
        assert_holds(&first.path, "a");
        assert_eq!(install(dir.path(), "a").outcome, Outcome::Unchanged, "{what}");
    }
}

#[test]
fn without_current_it_is_a_first_install_again() {
    let dir = scratch();
    let first = install(dir.path(), "a");
    fs::remove_file(first.path.join("current")).unwrap();
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Created);
    assert_holds(&first.path, "a");
    assert_eq!(fs::read_dir(first.path.join("versions")).unwrap().count(), 1, "the lone version was a leftover");

    install(dir.path(), "b");
    fs::remove_file(first.path.join("current")).unwrap();
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Created);
    assert_eq!(fs::read_dir(first.path.join("versions")).unwrap().count(), 3, "old versions of a lost current stay");
}

#[test]
fn a_foreign_owner_is_repaired() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    for (what, damage) in [
        ("the key's", (|c| chown(c.join("current/privkey.pem"), Some(12345), None).unwrap()) as fn(&Path)),
        ("the metadata's", |c| chown(c.join("current/metadata.json"), Some(12345), None).unwrap()),
        ("the version's", |c| chown(c.join("current"), Some(12345), None).unwrap()),
    ] {
        let dir = scratch();
        let first = install(dir.path(), "a");
        damage(&first.path);
        assert_eq!(install(dir.path(), "a").outcome, Outcome::Updated, "{what}");
        assert_holds(&first.path, "a");
    }
    // Whoever owns a link that is right: it is right.
    let dir = scratch();
    let first = install(dir.path(), "a");
    lchown(first.path.join("cert.pem"), Some(12345), None).unwrap();
    assert_eq!(install(dir.path(), "a").outcome, Outcome::Unchanged);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn relink(certificate: &Path, name: &str, target: &str) {
    fs::remove_file(certificate.join(name)).unwrap();
    symlink(target, certificate.join(name)).unwrap();
}
