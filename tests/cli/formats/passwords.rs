//! Passwords of the user's own for key stores.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::Ground;
use crate::oracle;
use crate::sandbox::Cloud;

const PASSWORD: &str = "correct horse 电池";

#[test]
fn from_a_file_or_a_variable() {
    let ground = Ground::new();
    let file = ground.write("pass", &format!("{PASSWORD}\n"));
    ground.comes_to("created", &["--format", "pkcs12,jks", "--keystore-password-file", &file]);
    assert!(!ground.home().join("keystore.pass").exists(), "the password is the user's to keep");
    let before = ground.snapshot();
    // The same password from elsewhere is no change.
    let args = ["--keystore-password-env", "STORE_PASS", "-o", "json"];
    let run = ground.download(&args).env("STORE_PASS", PASSWORD).run().exits(0);
    assert_eq!(run.json()["results"][0]["outcome"], "unchanged");
    assert_eq!(ground.snapshot(), before);
    let run = ground.download(&args).env("STORE_PASS", "another").run().exits(0);
    assert_eq!(run.json()["results"][0]["outcome"], "updated");
    if oracle::has("openssl") {
        let store = ground.home().join("keystore.p12").display().to_string();
        let another = ground.write("another", "another\n");
        let text = oracle::run("openssl", &["pkcs12", "-in", &store, "-passin", &format!("file:{another}"), "-nodes"]);
        assert!(text.contains("BEGIN PRIVATE KEY"), "{text}");
    }
}

/// Made anew with a password that nobody knows, the servers' would not fit any more.
#[test]
fn one_that_is_not_given_again() {
    let mut ground = Ground::new();
    let file = ground.write("pass", PASSWORD);
    ground.comes_to("created", &["--format", "jks", "--keystore-password-file", &file]);
    ground.renew();
    let before = ground.snapshot();
    let run = ground.download(&[]).run().exits(2);
    run.says(&[super::NAME, "has a password of yours", "--keystore-password-file", "--format"]);
    assert_eq!(ground.snapshot(), before);
    ground.comes_to("updated", &["--keystore-password-file", &file]);
    // Whoever names the format takes what it gives by itself.
    ground.comes_to("updated", &["--format", "jks"]);
    assert_eq!(ground.mode("keystore.pass"), 0o600);
}

#[test]
fn ones_that_cannot_be_had() {
    let ground = Ground::new();
    let (file, open) = (ground.write("pass", PASSWORD), ground.write("open", PASSWORD));
    let empty = ground.write("empty", "\n");
    let lines = ground.write("lines", "horse\nbattery\n");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = ground.path("missing").display().to_string();
    for (args, code, words) in [
        (&["--keystore-password-file", &missing][..], 3, &["no password for key stores: ", "missing"][..]),
        (&["--keystore-password-file", &open], 3, &["open", "chmod"]),
        (&["--keystore-password-file", &empty], 3, &["empty"]),
        (&["--keystore-password-file", &lines], 3, &["lines holds a line break inside", "one line"]),
        (&["--keystore-password-env", "NOT_SET"], 3, &["NOT_SET"]),
        (&["--keystore-password-file", &file, "--keystore-password-env", "X"], 2, &["cannot be used with"]),
    ] {
        let run = ground.download(&["--format", "jks"]).args(args).run().exits(code);
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("horse"), "{}", run.stderr);
    }
    assert!(!ground.home().exists() && ground.sandbox.requests(Cloud::Tencent).is_empty());
}

/// Java refuses such a password for PKCS#12 without saying so; OpenSSL and .NET take it.
#[test]
fn one_that_java_does_not_take() {
    let ground = Ground::new();
    let file = ground.write("pass", PASSWORD);
    let args = ["--keystore-password-file", &file];
    // Whether the one line there is says so.
    let told = |more: &[&str]| {
        let output = ground.download(&args).args(more).into_command().output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.lines().count() <= 1, "{stderr}");
        assert_eq!(stderr.is_empty(), !stderr.contains("Java opens no PKCS#12 key store"), "{stderr}");
        !stderr.is_empty()
    };
    assert!(!told(&["--format", "jks"]));
    for format in ["pkcs12", "pkcs12-legacy"] {
        assert!(told(&["--format", format, "--dry-run"]));
        assert!(told(&["--format", format]));
        assert!(!told(&[]), "once, when it is written");
        assert!(told(&["--stdout", format]));
    }
}

/// Several at the same time make one password between them: whoever comes later takes what is there.
#[test]
fn first_downloads_at_the_same_time() {
    let ground = Ground::new();
    let runs: Vec<_> = (0..6)
        .map(|_| {
            let mut command = ground.download(&["--format", "pkcs12,jks", "-q"]).into_command();
            command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let versions: Vec<_> = fs::read_dir(ground.home().join("versions")).unwrap().collect();
    assert_eq!(versions.len(), 1, "{versions:?}");
}
