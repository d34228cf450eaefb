//! The layout, to the byte.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use certctl::store::Outcome;

use super::{
    NAME, assert_holds, child, file, files, identity, install, names, options, possible, put, runs, scratch,
    tree_with_times,
};

#[test]
fn a_first_install() {
    let dir = scratch();
    let installed = install(&dir.path().join("deep/er"), "a");
    let certificate = dir.path().join("deep/er").join(NAME);
    assert_eq!(installed.outcome, Outcome::Created);
    assert_eq!(installed.path, certificate);
    assert_eq!(installed.version, "20261122T020304Z-61616161");
    assert_holds(&certificate, "a");
    assert_eq!(
        fs::read_link(certificate.join("current")).unwrap().to_str(),
        Some("versions/20261122T020304Z-61616161")
    );
    for path in ["deep", "deep/er", "deep/er/www.example.com", "deep/er/www.example.com/versions"] {
        assert_eq!(fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o7777, 0o755, "{path}");
    }
}

#[test]
fn metadata_says_what_and_where_from() {
    let dir = scratch();
    let path = install(dir.path(), "a").path.join("metadata.json");
    let mut text = fs::read_to_string(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
    for image in files("a") {
        let sha256 = sha256sum(&path.with_file_name(image.name));
        assert!(text.contains(&sha256), "{}", image.name);
        text = text.replace(&sha256, &format!("<{}>", image.name));
    }
    let wanted = r#"{
  "schema": "certctl.metadata/v1",
  "name": "www.example.com",
  "provider": "tencent",
  "account": "tencent",
  "id": "id-a",
  "domains": [
    "www.example.com",
    "例子.中国"
  ],
  "not_before": "2026-11-01T00:00:00Z",
  "not_after": "2027-02-01T00:00:00Z",
  "serial": "0a0b",
  "issuer": "CN=Test \"CA\"",
  "fingerprint_sha256": "6161616161616161616161616161616161616161616161616161616161616161",
  "key_algorithm": "EC P-256",
  "files": {
    "cert.pem": {
      "sha256": "<cert.pem>",
      "mode": "0644"
    },
    "chain.pem": {
      "sha256": "<chain.pem>",
      "mode": "0644"
    },
    "fullchain.pem": {
      "sha256": "<fullchain.pem>",
      "mode": "0644"
    },
    "privkey.pem": {
      "sha256": "<privkey.pem>",
      "mode": "0600"
    }
  },
  "downloaded_at": "2026-11-22T02:03:04Z"
}
"#;
    assert_eq!(text, wanted);
}

/// By coreutils where there are any: not by the code under test.
fn sha256sum(path: &std::path::Path) -> String {
    let output = std::process::Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn no_umask_changes_a_mode() {
    for umask in ["000", "022", "077", "0277"] {
        let dir = scratch();
        let set = format!("umask {umask}; exec \"$0\" \"$@\"");
        let target = dir.path().join("certs");
        assert_eq!(child::result(&["sh", "-c", &set], &target, "a"), "Created", "{umask}");
        assert_holds(&target.join(NAME), "a");
        for path in ["", NAME, "www.example.com/versions", "www.example.com/current"] {
            let mode = fs::metadata(target.join(path)).unwrap().mode();
            assert_eq!(mode & 0o7777, 0o755, "{umask} {path}");
        }
        assert_eq!(child::result(&["sh", "-c", &set], &target, "a"), "Unchanged", "{umask}");
    }
}

#[test]
fn the_key_is_nobody_elses_from_birth() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let dir = scratch();
    let log = dir.path().join("log");
    let wrapper = ["strace", "-f", "-e", "trace=%file,fchmod", "-o", log.to_str().unwrap()];
    let wrapper = [&wrapper[..], &["sh", "-c", "umask 000; exec \"$0\" \"$@\""]].concat();
    assert_eq!(child::result(&wrapper, &dir.path().join("certs"), "a"), "Created");
    let log = fs::read_to_string(log).unwrap();
    let made: Vec<_> = log.lines().filter(|line| line.contains(".pem") && line.contains("O_CREAT")).collect();
    assert_eq!(made.len(), 4, "{log}");
    for line in made {
        assert!(line.contains("O_EXCL") && line.contains(", 0600)"), "{line}");
    }
    for line in log.lines().filter(|line| line.contains("mkdirat(")) {
        // At once the mode that it is to have, so that a run that dies then leaves no other.
        let mode = if line.contains(".new-") { ", 0700)" } else { ", 0755)" };
        assert!(line.contains(mode), "{line}");
    }
    // One file of five is 0600 at the end, and no mode is ever wider than the one asked for.
    let mut modes: Vec<_> =
        log.lines().filter_map(|line| line.split("fchmod(").nth(1)?.split([',', ')']).nth(1)).collect();
    modes.sort_unstable();
    assert_eq!(modes, [" 0600", " 0644", " 0644", " 0644", " 0644", " 0700", " 0755", " 0755", " 0755", " 0755"]);
}

#[test]
fn a_second_install_touches_nothing() {
    let dir = scratch();
    let first = install(dir.path(), "a");
    let before = tree_with_times(dir.path());
    let mut later = options();
    later.now = "2026-12-24T00:00:00Z".parse().unwrap();
    later.force = true;
    for options in [options(), later] {
        let second = put(dir.path(), &identity("a"), &files("a"), &options).unwrap();
        assert_eq!((second.outcome, &second.version), (Outcome::Unchanged, &first.version));
    }
    assert_eq!(tree_with_times(dir.path()), before);
}

#[test]
fn another_set_of_files_is_another_version() {
    let dir = scratch();
    let certificate = install(dir.path(), "a").path;
    fs::write(certificate.join("notes.txt"), "the user's own").unwrap();
    std::os::unix::fs::symlink("current/fullchain.pem", certificate.join("server.crt")).unwrap();

    let mut more = files("a");
    more.push(file("combined.pem", 0o600, "both"));
    let wider = put(dir.path(), &identity("a"), &more, &options()).unwrap();
    assert_eq!(wider.outcome, Outcome::Updated);
    assert_eq!(fs::read(certificate.join("combined.pem")).unwrap(), b"both");
    assert_eq!(fs::read_link(certificate.join("combined.pem")).unwrap().to_str(), Some("current/combined.pem"));

    assert_eq!(install(dir.path(), "a").outcome, Outcome::Updated);
    assert!(fs::symlink_metadata(certificate.join("combined.pem")).is_err(), "no link to a file that is no more");
    assert_eq!(fs::read(certificate.join("notes.txt")).unwrap(), b"the user's own");
    assert_eq!(fs::read_link(certificate.join("server.crt")).unwrap().to_str(), Some("current/fullchain.pem"));
    assert_eq!(names(&certificate.join("versions")).len(), 3);

    let mut readable = files("a");
    readable.last_mut().unwrap().mode = 0o640;
    let regrouped = put(dir.path(), &identity("a"), &readable, &options()).unwrap();
    assert_eq!(regrouped.outcome, Outcome::Updated);
    assert_eq!(fs::metadata(certificate.join("privkey.pem")).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn the_same_files_of_another_id_are_another_version() {
    let dir = scratch();
    install(dir.path(), "a");
    let mut renamed = identity("a");
    renamed.id = "another".to_owned();
    let installed = put(dir.path(), &renamed, &files("a"), &options()).unwrap();
    assert_eq!(installed.outcome, Outcome::Updated);
    assert!(fs::read_to_string(installed.path.join("metadata.json")).unwrap().contains("\"id\": \"another\""));
}
