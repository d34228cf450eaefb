//! The store: what is on disk after an install, after a refusal, and after a death.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::use_debug,
    reason = "tests fail by panicking, and say what they skip"
)]

mod audit;
mod changes;
mod child;
mod copies;
mod crash;
mod deaths;
mod directory;
mod faults;
mod history;
mod home;
mod hostile;
mod layout;
mod lock;
mod look;
mod ownership;
mod preview;
mod reader;
mod repair;
mod rollback;
mod state;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use certctl::format::{FileImage, Settings};
use certctl::stop::Stop;
use certctl::store::{Applied, Directory, Identity, Name, Options, Outcome, Ownership, Patience, StoreError, Wish};
use zeroize::Zeroizing;

/// Runs a command to which the scratch directory is mounted read-only.
const READ_ONLY: [&str; 5] = [
    "unshare",
    "-m",
    "sh",
    "-c",
    "mount -o bind \"$CERTCTL_TEST_STORE_DIR\" \"$CERTCTL_TEST_STORE_DIR\" \
     && mount -o remount,ro,bind \"$CERTCTL_TEST_STORE_DIR\" && exec \"$0\" \"$@\"",
];

/// The directory's name in all of these tests.
const NAME: &str = "www.example.com";

/// A certificate, told from others by its label: `a`, `b` ...
fn identity(label: &str) -> Identity {
    Identity {
        name: Name::parse(NAME).unwrap(),
        provider: "tencent".to_owned(),
        account: "tencent".to_owned(),
        id: format!("id-{label}"),
        domains: vec![NAME.to_owned(), "例子.中国".to_owned()],
        not_before: "2026-11-01T00:00:00Z".parse().unwrap(),
        not_after: "2027-02-01T00:00:00Z".parse().unwrap(),
        serial: "0a0b".to_owned(),
        issuer: "CN=Test \"CA\"".to_owned(),
        fingerprint_sha256: format!("{:02x}", label.as_bytes().first().unwrap()).repeat(32),
        key_algorithm: "EC P-256".to_owned(),
    }
}

/// The same files as a real bundle has. Longer than a page, so that a torn one would show.
fn files(label: &str) -> Vec<FileImage> {
    [("cert.pem", 0o644), ("chain.pem", 0o644), ("fullchain.pem", 0o644), ("privkey.pem", 0o600)]
        .map(|(name, mode)| file(name, mode, &format!("{label} {name}\n").repeat(600)))
        .into()
}

fn file(name: &'static str, mode: u32, text: &str) -> FileImage {
    FileImage { name, mode, bytes: Zeroizing::new(text.as_bytes().to_vec()), settings: Settings::new() }
}

fn options() -> Options {
    Options {
        keep: 3,
        force: false,
        patience: Patience { timeout: Duration::from_secs(30), stop: Stop::default() },
        now: "2026-11-22T02:03:04Z".parse().unwrap(),
        ownership: Ownership::default(),
    }
}

/// What is in place after an install.
#[derive(Debug, PartialEq, Eq)]
struct Installed {
    outcome: Outcome,
    path: PathBuf,
    version: String,
}

/// Makes `<dir>/<name>` hold exactly these files, as `download` does.
fn put(dir: &Path, identity: &Identity, files: &[FileImage], options: &Options) -> Result<Installed, StoreError> {
    let directory = Directory::lock(dir, &identity.name, &options.patience)?;
    let Applied { outcome, version, .. } = directory.apply(&Wish::alone(identity, files, options))?;
    Ok(Installed { outcome, path: dir.join(identity.name.as_str()), version })
}

fn try_install(dir: &Path, label: &str) -> Result<Installed, StoreError> {
    put(dir, &identity(label), &files(label), &options())
}

fn install(dir: &Path, label: &str) -> Installed {
    try_install(dir, label).unwrap()
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Everything below a directory, link targets and contents included: what "the disk is as before" is measured by.
fn tree(dir: &Path) -> BTreeMap<PathBuf, String> {
    describe(dir, false)
}

/// As [`tree`], with inodes and times: what "not touched" is measured by.
fn tree_with_times(dir: &Path) -> BTreeMap<PathBuf, String> {
    describe(dir, true)
}

fn describe(dir: &Path, times: bool) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(path) = todo.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let kind = metadata.file_type();
        let content = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "directory".to_owned()
        } else if kind.is_file() {
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
        } else {
            format!("fifo {}", kind.is_fifo())
        };
        let mut text = format!("{:o} {} {content}", metadata.mode(), metadata.uid());
        if times {
            let (seconds, nanos) = (metadata.mtime(), metadata.mtime_nsec());
            text =
                format!("{text} {} {seconds}.{nanos} {}.{}", metadata.ino(), metadata.ctime(), metadata.ctime_nsec());
        }
        found.insert(path.strip_prefix(dir).unwrap().to_owned(), text);
    }
    found
}

/// The names in a directory, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| String::from_utf8_lossy(entry.unwrap().file_name().as_bytes()).into_owned())
        .collect();
    names.sort();
    names
}

/// Asserts that the directory holds the certificate `label`, whole, and nothing that is not certctl's.
fn assert_holds(certificate: &Path, label: &str) {
    let links = ["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "privkey.pem"];
    let mut wanted: Vec<_> = links.to_vec();
    wanted.extend(["current", "versions"]);
    wanted.sort_unstable();
    assert_eq!(names(certificate), wanted);
    for link in links {
        assert_eq!(fs::read_link(certificate.join(link)).unwrap(), Path::new("current").join(link));
    }
    let current = fs::read_link(certificate.join("current")).unwrap();
    let version = current.strip_prefix("versions").unwrap().to_str().unwrap();
    assert!(is_version_name(version), "{version}");
    assert_eq!(names(&certificate.join(&current)), links);
    for image in files(label) {
        let path = certificate.join(image.name);
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o7777, image.mode, "{path:?}");
        assert_eq!(metadata.nlink(), 1);
        assert_eq!(fs::read(&path).unwrap(), *image.bytes, "{path:?}");
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&fs::read(certificate.join("metadata.json")).unwrap()).unwrap();
    assert_eq!(metadata["id"], format!("id-{label}"));
    for name in names(&certificate.join("versions")) {
        assert!(is_version_name(&name), "left over: {name}");
    }
}

fn is_version_name(name: &str) -> bool {
    let shape: String = name
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'a'..='f' => 'x',
            other => other,
        })
        .collect();
    shape.get(..17) == Some("99999999T999999Z-") && name.len() == 25
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether a test can run here; if not, it says so, and fails where nothing may be skipped.
fn possible(what: &str, is_possible: bool) -> bool {
    if !is_possible {
        assert!(std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(), "needed, but not possible here: {what}");
        eprintln!("skipped, not possible here: {what}");
    }
    is_possible
}

fn runs(command: &[&str]) -> bool {
    let (program, arguments) = command.split_first().unwrap();
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
