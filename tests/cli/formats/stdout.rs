//! `--stdout`: one certificate for a pipe.

use std::process::Stdio;

use super::{Ground, NAME};
use crate::oracle;
use crate::sandbox::Cloud;

const FORMATS: [&str; 7] = ["pem", "combined", "der", "k8s-secret", "pkcs12", "pkcs12-legacy", "jks"];

/// What the pipe gets, byte for byte; nothing else is said.
#[track_caller]
fn piped(ground: &Ground, args: &[&str]) -> Vec<u8> {
    let output = ground.download(args).into_command().stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), told.as_str()), (Some(0), ""), "{args:?}");
    output.stdout
}

#[test]
fn every_format_is_what_a_directory_has() {
    let ground = Ground::new();
    let file = ground.write("pass", "secret");
    for format in FORMATS {
        let (is_keystore, is_manifest) = (format.starts_with("pkcs12") || format == "jks", format == "k8s-secret");
        let password: &[&str] = if is_keystore { &["--keystore-password-file", &file] } else { &[] };
        let bytes = piped(&ground, &[&["--stdout", format], password].concat());
        assert!(!ground.home().exists(), "nothing is written");
        // The PEM files overlap: here all of it comes once.
        let as_directory = if format == "pem" { "combined" } else { format };
        let name = format!("{NAME}-{format}");
        let alias: &[&str] = if is_keystore { &["--keystore-alias", NAME] } else { &[] };
        let kubernetes: &[&str] = if is_manifest { &["--kubernetes-name", NAME] } else { &[] };
        let args = [&["--format", as_directory, "--name", &name], password, alias, kubernetes].concat();
        ground.comes_to("created", &args);
        let files = match format {
            "pem" | "combined" => &["combined.pem"][..],
            "der" => &["cert.der", "privkey.der"],
            "k8s-secret" => &["secret.yaml"],
            "jks" => &["keystore.jks"],
            _ => &["keystore.p12"],
        };
        let written: Vec<_> =
            files.iter().flat_map(|file| std::fs::read(ground.path(&name).join(file)).unwrap()).collect();
        assert!(!written.is_empty() && bytes == written, "{format}");
    }
}

#[test]
fn what_cannot_go_into_a_pipe() {
    let ground = Ground::new();
    for (args, words) in [
        (&["--stdout", "pem", "second.example"][..], &["one certificate"][..]),
        (&["--stdout", "pem", "-o", "json"], &["-o json"]),
        (&["--stdout", "jks"], &["password", "--keystore-password-file", "--keystore-password-env"]),
        (&["--stdout", "pkcs12-legacy"], &["password"]),
        (&["--stdout", "pem", "-d", "."], &["cannot be used with"]),
        (&["--stdout", "pem", "--format", "der"], &["cannot be used with"]),
        (&["--stdout", "pem", "--dry-run"], &["cannot be used with"]),
        (&["--stdout", "bmp"], &["k8s-secret"]),
    ] {
        let run = ground.download(args).run().exits(2);
        assert_eq!(run.stdout, "");
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{args:?}: {}", run.stderr);
    }
    assert!(ground.sandbox.requests(Cloud::Tencent).is_empty(), "told before anything is asked");
}

#[test]
fn nothing_at_all_where_it_fails() {
    let ground = Ground::new();
    let run = ground.download(&["--stdout", "pem"]).env("CERTCTL_TENCENT_ENDPOINT", "http://127.0.0.1:1").run();
    assert_eq!(run.exits(5).stdout, "");
    ground.sandbox.withdraw(Cloud::Tencent, crate::sandbox::Account::Empty, &ground.certificate.id);
    let run = ground.download(&["--stdout", "pem"]).run().exits(4);
    assert_eq!(run.stdout, "");
    run.says(&[NAME]);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let ground = Ground::new();
    let mut command = ground.download(&["--stdout", "pem"]).into_command();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

/// No key is shown by accident, and by force only.
#[test]
fn a_terminal() {
    if !oracle::has("script") {
        return;
    }
    let ground = Ground::new();
    let shown = |args: &str| {
        let command = ground.download(&[]).into_command();
        let mut script = std::process::Command::new("script");
        let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        script.env_clear().envs(environment).args(["--quiet", "--return", "--command"]);
        let line = format!("'{}' download -p tencent {NAME} {args}", env!("CARGO_BIN_EXE_certctl"));
        let output = script.arg(line).arg("/dev/null").stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for format in FORMATS {
        let is_keystore = format.starts_with("pkcs12") || format == "jks";
        let password = if is_keystore { "--keystore-password-env TENCENTCLOUD_SECRET_KEY" } else { "" };
        let (code, text) = shown(&format!("--stdout {format} {password}"));
        assert!(code == Some(2) && text.contains("--force") && !text.contains("PRIVATE"), "{format}: {text}");
    }
    assert!(ground.sandbox.requests(Cloud::Tencent).is_empty());
    let (code, text) = shown("--stdout pem --force");
    assert!(code == Some(0) && text.contains("PRIVATE KEY"), "{text}");
}
