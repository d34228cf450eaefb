//! What may stand in the place of a file with secrets, and who may read it: the same for every tool's file.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Home, found, registration, says, told};

/// Each tool's file with what its keys look like in it.
const FILES: [(&str, &str, &str); 6] = [
    ("tencent", ".tccli/default.credential", r#"{"secretId": "a", "secretKey": "canary"}"#),
    ("tencent", ".tencentcloud/credentials", "[default]\nsecret_id = a\nsecret_key = canary\n"),
    ("jdcloud", ".jdc/config", "[default]\naccess_key = a\nsecret_key = canary\n"),
    ("huawei", ".huaweicloud/credentials", "[basic]\nak = a\nsk = canary\n"),
    (
        "huawei",
        ".hcloud/config.json",
        r#"{"authEncrypt": "false", "profiles": [{"name": "default", "accessKeyId": "a", "secretAccessKey": "canary"}]}"#,
    ),
    ("ctyun", ".ctyun/credential", "[default]\naccessKey = a\nsecretKey = canary\n"),
];

type Told = (Result<Vec<String>, String>, String);

/// For each tool: puts something in its file's place, and looks.
fn everywhere(put: impl Fn(&Home, &str, &str), judge: impl Fn(&Told, &Path)) {
    for (provider, path, content) in FILES {
        let home = Home::new();
        std::fs::create_dir_all(home.path(path).parent().unwrap()).unwrap();
        put(&home, path, content);
        let environment = home.environment(&[]);
        judge(&told(|| registration(provider).credentials.find(provider, &environment)), &home.path(path));
    }
}

#[test]
fn whoever_else_can_get_at_it() {
    for mode in [0o600, 0o400, 0o700, 0o4600] {
        everywhere(
            |home, path, content| drop(home.put_as(path, content, mode)),
            |told, _| {
                found(told, &["a", "canary"]);
                assert!(!told.1.contains("WARN"), "{}", told.1);
            },
        );
    }
    for mode in [0o640, 0o660, 0o620] {
        everywhere(
            |home, path, content| drop(home.put_as(path, content, mode)),
            |told, path| {
                found(told, &["a", "canary"]);
                let warning = format!("WARN certctl::credential::file: {} holds secrets", path.display());
                assert!(told.1.contains(&warning) && told.1.contains(&format!("mode {mode:04o}")), "{}", told.1);
            },
        );
    }
    for mode in [0o644, 0o604, 0o606, 0o602, 0o777] {
        everywhere(
            |home, path, content| drop(home.put_as(path, content, mode)),
            |told, path| {
                says(
                    told,
                    &[&format!("mode {mode:04o} lets others at it"), &format!("; run `chmod 600 {}`", path.display())],
                );
            },
        );
    }
}

#[test]
fn what_stands_in_its_place() {
    let elsewhere = Home::new();
    everywhere(
        |home, path, content| symlink(elsewhere.put(&path.replace('/', "-"), content), home.path(path)).unwrap(),
        |told, _| found(told, &["a", "canary"]),
    );
    everywhere(
        |home, path, content| {
            symlink(elsewhere.put_as(&path.replace('/', "-"), content, 0o644), home.path(path)).unwrap();
        },
        |told, _| says(told, &["lets others at it"]),
    );
    everywhere(
        |home, path, _| symlink("nowhere", home.path(path)).unwrap(),
        |told, _| says(told, &["no credentials for"]),
    );
    everywhere(
        |home, path, _| symlink(home.path(path), home.path(path)).unwrap(),
        |told, path| says(told, &[&format!("{} cannot be read", path.display())]),
    );
    let not_a_file = |told: &Told, path: &Path| says(told, &[&format!("{} is not a regular file", path.display())]);
    everywhere(|home, path, _| mknodat(CWD, home.path(path), FileType::Fifo, Mode::RWXU, 0).unwrap(), not_a_file);
    everywhere(|home, path, _| std::fs::create_dir(home.path(path)).unwrap(), not_a_file);
    everywhere(|home, path, _| drop(UnixListener::bind(home.path(path)).unwrap()), not_a_file);
    everywhere(|home, path, _| symlink("/dev/zero", home.path(path)).unwrap(), not_a_file);
}

#[test]
fn what_is_in_it() {
    let mut most = vec![b' '; 1024 * 1024];
    most.extend(b"canary");
    everywhere(
        |home, path, _| drop(home.put(path, &most)),
        |told, path| says(told, &[&format!("{} is larger than 1 MiB", path.display())]),
    );
    everywhere(
        |home, path, content| drop(home.put(path, format!("{content}{}", " ".repeat(1024 * 1024 - content.len())))),
        |told, _| found(told, &["a", "canary"]),
    );
    everywhere(
        |home, path, content| drop(home.put(path, [content.as_bytes(), b"\xff"].concat())),
        |told, path| says(told, &[&format!("{} is not UTF-8 text", path.display())]),
    );
    everywhere(
        |home, path, content| drop(home.put(path, format!("\u{feff}{}", content.replace('\n', "\r\n")))),
        |told, _| found(told, &["a", "canary"]),
    );
    everywhere(
        |home, path, content| drop(home.put(path, content.replace("canary", "canary\\u00e9é"))),
        |told, _| says(told, &["outside ASCII"]),
    );
    everywhere(|home, path, _| drop(home.put(path, "\0canary\0")), |told, _| assert!(told.0.is_err()));
}

/// A directory that is closed to this user hides whether there is a file. For root nothing is closed.
#[test]
fn closed_doors() {
    let closed = |directory: bool| {
        let home = Home::new();
        let path = home.put(".ctyun/credential", "[default]\naccessKey = a\nsecretKey = canary\n");
        let shut = if directory { path.parent().unwrap() } else { &path };
        std::fs::set_permissions(shut, PermissionsExt::from_mode(0o000)).unwrap();
        let environment = home.environment(&[]);
        let outcome = told(|| registration("ctyun").credentials.find("ctyun", &environment));
        std::fs::set_permissions(shut, PermissionsExt::from_mode(0o700)).unwrap();
        outcome
    };
    if rustix::process::geteuid().is_root() {
        found(&closed(false), &["a", "canary"]);
        return;
    }
    says(&closed(false), &["credential cannot be read: permission denied"]);
    let outcome = closed(true);
    says(&outcome, &["no credentials for"]);
    assert!(outcome.1.contains("passed over"), "{}", outcome.1);
}
