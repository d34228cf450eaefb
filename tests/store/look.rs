//! What is in place, without a lock and without a trace.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::Path;

use certctl::store::{self, Expected, Name, StoreError};

use super::changes::Scene;
use super::{NAME, child, identity, install, is_root, possible, runs, scratch, tree_with_times};

/// Something that happens to a certificate directory.
type Damage = (&'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("a byte changed", |c| fs::write(c.join("current/cert.pem"), "other").unwrap()),
    ("a wider key mode", |c| set_mode(&c.join("current/privkey.pem"), 0o644)),
    ("a narrower mode", |c| set_mode(&c.join("current/chain.pem"), 0o600)),
    ("the metadata's mode", |c| set_mode(&c.join("current/metadata.json"), 0o600)),
    ("the version's mode", |c| set_mode(&c.join("current"), 0o700)),
    ("a file missing", |c| fs::remove_file(c.join("current/fullchain.pem")).unwrap()),
    ("the metadata missing", |c| fs::remove_file(c.join("current/metadata.json")).unwrap()),
    ("the metadata no JSON", |c| fs::write(c.join("current/metadata.json"), "{").unwrap()),
    ("the metadata of another name", |c| edit(c, NAME, "other.example.com")),
    ("another mode recorded", |c| edit(c, "0600", "0640")),
    ("another hash recorded", |c| edit(c, "\"sha256\": \"", "\"sha256\": \"00")),
    ("a file more", |c| fs::write(c.join("current/extra"), "").unwrap()),
    ("a second name", |c| fs::hard_link(c.join("current/privkey.pem"), c.join("second")).unwrap()),
    ("a link missing", |c| fs::remove_file(c.join("cert.pem")).unwrap()),
    ("a link astray", |c| {
        fs::remove_file(c.join("cert.pem")).unwrap();
        symlink("current/chain.pem", c.join("cert.pem")).unwrap();
    }),
    ("a link of ours too many", |c| symlink("current/combined.pem", c.join("combined.pem")).unwrap()),
    ("a half-written version", |c| fs::create_dir(c.join("versions/.new-x")).unwrap()),
    ("a half-removed version", |c| fs::create_dir(c.join("versions/.old-x")).unwrap()),
    ("a version never switched to", |c| fs::create_dir(c.join("versions/20990101T000000Z-00000000")).unwrap()),
    ("a link not yet renamed", |c| symlink("versions/x", c.join(".current.new")).unwrap()),
    ("a state not yet renamed", |c| fs::write(c.join(".certctl.json.new"), "").unwrap()),
];

#[test]
fn each_kind_of_damage_is_seen_and_repaired() {
    for (what, damage) in DAMAGES {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        assert!(scene.is_intact());
        damage(&scene.certificate());
        let before = tree_with_times(dir.path());
        assert!(!scene.is_intact(), "{what}");
        assert_eq!(tree_with_times(dir.path()), before, "{what}");
        scene.try_apply("a", false).unwrap();
        assert!(scene.is_intact(), "{what}");
    }
}

#[test]
fn a_foreign_owner_is_seen() {
    if !possible("changing owners (root)", is_root()) {
        return;
    }
    for name in ["current/privkey.pem", "current/metadata.json", "current"] {
        let dir = scratch();
        let scene = Scene::new(dir.path());
        scene.establish("a");
        chown(scene.certificate().join(name), Some(12345), None).unwrap();
        assert!(!scene.is_intact(), "{name}");
    }
}

#[test]
fn what_is_there_is_told() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    assert!(scene.look().is_none());
    fs::create_dir_all(scene.certificate()).unwrap();
    let standing = scene.look().unwrap();
    assert_eq!((standing.identity, standing.version, standing.is_intact), (None, None, false));

    let version = scene.apply("a").version;
    let standing = scene.look().unwrap();
    assert_eq!((standing.identity, standing.version.as_ref()), (Some(identity("a")), Some(&version)));
    assert!(
        standing.is_intact && standing.state == scene.lock().state().unwrap() && standing.state.unfinished.is_some()
    );

    fs::write(scene.certificate().join("current/cert.pem"), "other").unwrap();
    let standing = scene.look().unwrap();
    assert_eq!((standing.identity, standing.is_intact), (Some(identity("a")), false), "its metadata still tells");
    fs::remove_dir_all(scene.certificate().join("versions")).unwrap();
    let standing = scene.look().unwrap();
    assert_eq!((standing.identity, standing.version, standing.is_intact), (None, Some(version), false));
}

#[test]
fn what_is_expected_decides() {
    let dir = scratch();
    install(dir.path(), "a");
    let usual = [("cert.pem", 0o644), ("chain.pem", 0o644), ("fullchain.pem", 0o644), ("privkey.pem", 0o600)];
    let is_intact = |files: &[(&'static str, u32)], ownership| {
        let expected = Expected { files, may_be: &[], installs: &[], ownership };
        store::look(dir.path(), &Name::parse(NAME).unwrap(), &expected).unwrap().unwrap().is_intact
    };
    let anyone = store::Ownership::default();
    assert!(is_intact(&usual, anyone));
    assert!(!is_intact(&usual[1..], anyone), "fewer files");
    assert!(!is_intact(&[&usual[..], &[("combined.pem", 0o600)]].concat(), anyone), "more files");
    let group_key = [&usual[..3], &[("privkey.pem", 0o640)]].concat();
    assert!(!is_intact(&group_key, anyone), "another mode");
    assert!(!is_intact(&usual, store::Ownership { owner: Some(12345), group: None }), "another owner");
    assert!(!is_intact(&usual, store::Ownership { owner: None, group: Some(12345) }), "another group");
}

/// Of files that may be there, those are expected that are recorded.
#[test]
fn what_may_be_there_is_expected_where_it_was_written() {
    let dir = scratch();
    install(dir.path(), "a");
    let [always, may_be] =
        [[("cert.pem", 0o644), ("chain.pem", 0o644)], [("fullchain.pem", 0o644), ("privkey.pem", 0o600)]];
    let more = [("enc-cert.pem", 0o644), ("enc-privkey.pem", 0o600)];
    let is_intact = |may_be: &[(&'static str, u32)]| {
        let ownership = store::Ownership::default();
        let expected = Expected { files: &always, may_be, installs: &[], ownership };
        store::look(dir.path(), &Name::parse(NAME).unwrap(), &expected).unwrap().unwrap().is_intact
    };
    assert!(is_intact(&may_be), "all of them");
    assert!(is_intact(&[may_be, more].concat()), "some of them");
    assert!(!is_intact(&more), "others, and two files too many");
    assert!(!is_intact(&[("fullchain.pem", 0o600), ("privkey.pem", 0o600)]), "another mode");
    fs::remove_file(dir.path().join(NAME).join("current/privkey.pem")).unwrap();
    assert!(!is_intact(&[may_be, more].concat()), "one is recorded and missing");
}

#[test]
fn it_waits_for_no_lock() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    let held = File::open(scene.certificate()).unwrap();
    held.lock().unwrap();
    assert!(scene.is_intact());
}

#[test]
fn what_is_not_certctls_is_refused() {
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    fs::remove_file(scene.certificate().join("cert.pem")).unwrap();
    fs::write(scene.certificate().join("cert.pem"), "mine").unwrap();
    assert!(matches!(scene.try_look(), Err(StoreError::Foreign { .. })));
    fs::remove_dir_all(scene.certs()).unwrap();
    fs::create_dir(scene.certs()).unwrap();
    symlink("elsewhere", scene.certificate()).unwrap();
    assert!(matches!(scene.try_look(), Err(StoreError::Foreign { .. })));
    if possible("changing owners (root)", is_root()) {
        fs::remove_file(scene.certificate()).unwrap();
        symlink("certs", dir.path().join("link")).unwrap();
        lchown(dir.path().join("link"), Some(12345), None).unwrap();
        let expected = Expected { files: &[], may_be: &[], installs: &[], ownership: store::Ownership::default() };
        let look = store::look(&dir.path().join("link"), &Name::parse(NAME).unwrap(), &expected);
        assert!(matches!(look, Err(StoreError::Foreign { owner: 12345, .. })));
    }
}

/// It runs over all of a host's directories every night.
#[test]
fn it_is_cheap() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let scene = Scene::new(dir.path());
    scene.establish("a");
    let log = dir.path().join("log");
    let calls = |looks: usize| {
        let wrapper = ["strace", "-f", "-o", log.to_str().unwrap()];
        assert_eq!(child::follow(&wrapper, dir.path(), &vec!["look"; looks].join(", ")), "done");
        fs::read_to_string(&log).unwrap().lines().count()
    };
    let each = (calls(101) - calls(1)) / 100;
    assert!((50..200).contains(&each), "{each} system calls, five files and two copies");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn edit(certificate: &Path, from: &str, to: &str) {
    let path = certificate.join("current/metadata.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}
