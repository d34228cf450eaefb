//! Messages on stderr.

use std::fs::{File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use certctl::report::log::is_journal;

/// A cloud that does not answer, and a file that its group can read: a message of every level.
const CONFIG: &str = "[accounts.tx]\nprovider = \"tencent\"\nendpoint = \"http://127.0.0.1:1\"\n\
    access_key = \"a\"\nsecret_key = \"b\"\n";

/// What certctl says to a file, of whose device and inode `JOURNAL_STREAM` is made.
fn said(stream: impl Fn(u64, u64) -> String, more: &[&str]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let (config, path) = (directory.path().join("certctl.toml"), directory.path().join("journal"));
    std::fs::write(&config, CONFIG).unwrap();
    std::fs::set_permissions(&config, Permissions::from_mode(0o640)).unwrap();
    let stderr = File::create(&path).unwrap();
    let metadata = stderr.metadata().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certctl"));
    command.args(["list", "-vv", "--retries", "0", "--color", "always"]).args(more).arg("-c").arg(&config);
    command.env_clear().env("JOURNAL_STREAM", stream(metadata.dev(), metadata.ino())).stderr(stderr);
    assert_eq!(command.output().unwrap().status.code(), Some(5));
    let said = std::fs::read_to_string(path).unwrap();
    said.lines().map(ToOwned::to_owned).collect()
}

#[track_caller]
fn has(said: &[String], start: &str) {
    assert!(said.iter().any(|line| line.starts_with(start)), "{start} in {said:#?}");
}

#[test]
fn the_journal_is_told_how_important_each_line_is() {
    let said = said(|device, inode| format!("{device}:{inode}"), &[]);
    for start in [
        "<3>certctl: error: tx (tencent): ",
        "<4>certctl: warning: ",
        "<6>certctl: tx: credentials from",
        "<7>certctl: debug: the config is ",
    ] {
        has(&said, start);
    }
    assert!(said.iter().all(|line| line.starts_with('<') && !line.contains('\x1b')), "{said:#?}");
}

/// The variable is inherited by those whose stderr is elsewhere.
#[test]
fn elsewhere_lines_are_for_people() {
    let streams: [fn(u64, u64) -> String; 4] = [
        |device, inode| format!("{device}:{}", inode + 1),
        |device, inode| format!("{}:{inode}", device + 1),
        |_, inode| inode.to_string(),
        |_, _| String::new(),
    ];
    for stream in streams {
        let said = said(stream, &[]);
        has(&said, "certctl: \x1b[31merror: \x1b[0mtx (tencent): ");
        assert!(said.iter().all(|line| line.starts_with("certctl: ")), "{said:#?}");
    }
    assert!([None, Some(""), Some(":"), Some("0:0")].iter().all(|value| !is_journal(*value)));
}

/// Whoever asks for JSON takes it apart, wherever it goes.
#[test]
fn json_stays_json() {
    let said = said(|device, inode| format!("{device}:{inode}"), &["--log-format", "json"]);
    assert!(said.len() >= 4 && said.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}
