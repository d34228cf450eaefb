//! Credentials that a program prints.

use std::process::Command;
use std::time::{Duration, Instant};

use certctl::credential::{CredentialError, Found, from_command};
use certctl::environment::Environment;
use certctl::provider::credential_variables;
use certctl::stop::Stop;

use super::{Home, environment, found, no_canary, says, told};
use crate::process::is_gone;

const KEYS: &str = r#"{"access_key": "a", "secret_key": "canary"}"#;
const PATH: (&str, &str) = ("PATH", "/usr/bin:/bin");

/// A shell script as the credentials command. Its text is an argument, and no argument may be shown either.
fn script(script: &str, limit: Duration, environment: &Environment) -> Result<Found, CredentialError> {
    let command = ["sh", "-c", script, "sh", "canary"].map(ToOwned::to_owned);
    from_command(&command, limit, &credential_variables().collect::<Vec<_>>(), environment, &Stop::default())
}

fn run(text: &str) -> (Result<Vec<String>, String>, String) {
    told(|| script(text, Duration::from_secs(20), &environment(&[PATH])))
}

fn prints(output: &str) -> (Result<Vec<String>, String>, String) {
    let home = Home::new();
    let path = home.put("output", output);
    run(&format!("cat {}", path.display()))
}

#[test]
fn what_it_prints() {
    for (output, parts) in [
        (KEYS, &["a", "canary"][..]),
        (
            r#" {"access_key":"a","secret_key":"canary","session_token":null,"expires_at":null,"Version":1} "#,
            &["a", "canary"],
        ),
        (
            r#"{"access_key":"a","secret_key":"canary","session_token":"canary-t","expires_at":"2026-11-22T08:00:01+08:00"}"#,
            &["a", "canary", "canary-t"],
        ),
    ] {
        found(&prints(output), parts);
    }
    for (output, words) in [
        ("", "the output of `sh` is not a JSON object (line 1, column 0)"),
        ("canary", "is not a JSON object"),
        (r#"{"access_key":"a","secret_key":"canary"} canary"#, "is not a JSON object (line 1, column 42)"),
        (r#"["canary"]"#, "is not a JSON object"),
        ("{}", "the output of `sh` has no access_key"),
        (r#"{"access_key":"a"}"#, "the output of `sh` has access_key, but no secret_key; add secret_key"),
        (r#"{"access_key":"a","secret_key":["canary"]}"#, "secret_key in the output of `sh` is not a string"),
        (r#"{"access_key":"a","secret_key":"canary canary"}"#, "secret_key in the output of `sh` holds"),
        (
            r#"{"access_key":"a","secret_key":"canary","expires_at":"2026-11-22T00:00:00Z"}"#,
            "the credentials in the output of `sh` expired at 2026-11-22T00:00:00Z",
        ),
        (
            r#"{"access_key":"a","secret_key":"canary","expires_at":"canary"}"#,
            "expires_at in the output of `sh` is not an RFC 3339 time",
        ),
        (
            r#"{"access_key":"a","secret_key":"canary","expires_at":1795305600}"#,
            "expires_at in the output of `sh` is not a string",
        ),
    ] {
        says(&prints(output), &[words]);
    }
}

#[test]
fn how_it_ends() {
    for (text, words) in [
        (format!("echo '{KEYS}'; exit 3"), "the credentials command `sh` failed (exit status: 3)"),
        (format!("echo '{KEYS}'; kill -9 $$"), "`sh` failed (signal: 9 (SIGKILL))"),
        ("printf '\\377canary'".to_owned(), "`sh` printed something that is not text"),
    ] {
        says(&run(&text), &[words]);
    }
    for program in ["/nowhere/canary-not/login", "", "/", "a\0b"] {
        let outcome = from_command(
            &[program.to_owned(), "canary".to_owned()],
            Duration::from_secs(5),
            &[],
            &environment(&[PATH]),
            &Stop::default(),
        );
        let message = outcome.unwrap_err().to_string();
        assert!(message.starts_with(&format!("the credentials command `{program}` cannot be run: ")), "{message}");
    }
    let nothing = from_command(&[], Duration::from_secs(5), &[], &environment(&[PATH]), &Stop::default());
    assert!(nothing.unwrap_err().to_string().contains("cannot be run"));
}

/// Asked to go, and made to; its children too, and whatever of it waits or holds the output open.
#[test]
fn it_is_not_waited_for_longer_than_the_limit() {
    let cases = [
        ("sleeps", "sleep 60 & echo $! >child; wait", 1),
        ("sleeps and hears nothing", "trap '' TERM; sleep 60 & echo $! >child; wait; sleep 60", 3),
        ("ends, but its child has the output open", "sleep 60 & echo $! >child", 1),
        ("has closed the output", "sleep 60 & echo $! >child; exec >&-; wait", 1),
        ("prints without end", "sh -c 'echo $$ >child; while :; do printf canary%5000s; done' & wait", 1),
    ];
    let check = |(what, text, most): (&str, &str, u64)| {
        let home = Home::new();
        let text = format!("cd {}; {text}", home.path("").display());
        let since = Instant::now();
        let outcome = told(|| script(&text, Duration::from_secs(2), &environment(&[PATH])));
        let took = since.elapsed();
        says(&outcome, &["the credentials command `sh` ", " and was ended"]);
        assert!(took < Duration::from_secs(most + 5), "{what}: {took:?}");
        is_gone(&home.path("child"));
    };
    std::thread::scope(|scope| cases.map(|case| scope.spawn(move || check(case))).map(|run| run.join().unwrap()));
}

#[test]
fn its_end_may_tidy_up() {
    let home = Home::new();
    let text = format!("trap 'sleep 0.3; : >{}; exit' TERM; sleep 60 & wait", home.path("tidied").display());
    says(
        &told(|| script(&text, Duration::from_secs(2), &environment(&[PATH]))),
        &["did not end within 2s and was ended"],
    );
    assert!(home.path("tidied").exists());
}

#[test]
fn too_much_output() {
    let most = 64 * 1024 - KEYS.len();
    found(&prints(&format!("{KEYS}{}", " ".repeat(most))), &["a", "canary"]);
    says(&prints(&format!("{KEYS}{}", " ".repeat(most + 1))), &["printed more than 64 KiB and was ended"]);
    // More than a pipe holds, written at leisure.
    says(&run("head -c 10000000 /dev/zero"), &["printed more than 64 KiB and was ended"]);
}

/// It gets the environment less every credential, nothing on stdin, its arguments as they are.
#[test]
fn what_it_is_given() {
    let home = Home::new();
    let (out, odd) = (home.path("out").display().to_string(), "a b\n$HOME '\"*");
    let variables: Vec<_> = credential_variables().map(|name| (name, "canary")).collect();
    assert!(variables.len() >= 14, "{variables:?}");
    let environment =
        environment(&[&variables[..], &[PATH, ("VAULT_ADDR", " https://vault "), ("MINE", "canary")]].concat());
    let text = format!("env >{out}; cat >>{out}; printf '%s' \"$1\" >{out}.1; echo '{KEYS}'");
    let command = ["sh", "-c", &text, "sh", odd].map(ToOwned::to_owned);
    let withheld: Vec<_> = credential_variables().chain(["MINE"]).collect();
    found(
        &told(|| from_command(&command, Duration::from_secs(20), &withheld, &environment, &Stop::default())),
        &["a", "canary"],
    );
    let seen = std::fs::read_to_string(&out).unwrap();
    assert!(seen.contains("VAULT_ADDR= https://vault \n") && seen.contains("PATH=/usr/bin:/bin\n"), "{seen}");
    no_canary(&seen);
    assert!(!seen.contains("CARGO"), "the process's own environment: {seen}");
    assert_eq!(std::fs::read_to_string(format!("{out}.1")).unwrap(), odd);
}

const CHILD: &str = "CERTCTL_TEST_CREDENTIAL_COMMAND";

/// The other side of [`stderr_is_passed_through`]. Does nothing in an ordinary run.
#[test]
fn complain() {
    if std::env::var_os(CHILD).is_some() {
        let outcome =
            script("echo 'vault: sealed' >&2; echo canary; exit 1", Duration::from_secs(20), &environment(&[PATH]));
        eprintln!("{}", outcome.unwrap_err());
    }
}

#[test]
fn stderr_is_passed_through() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "credential::command::complain", "--nocapture", "--test-threads=1"]).env(CHILD, "1");
    let output = command.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("vault: sealed\n") && stderr.contains("`sh` failed (exit status: 1)"), "{stderr}");
    assert!(!stderr.contains("canary") && !String::from_utf8_lossy(&output.stdout).contains("canary"));
}
