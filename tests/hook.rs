//! The user's own commands: what they are given, and what is told of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use certctl::config::Command;
use certctl::environment::Environment;
use certctl::hook::{Concern, Hook, HookError, HookProblem, Role, Subject};
use certctl::process::ProcessError;
use certctl::stop::Stop;
use jiff::Timestamp;

use crate::logged::logged;

const AGES: Duration = Duration::from_secs(60);

fn subject(name: &str) -> Subject {
    Subject {
        name: name.to_owned(),
        path: format!("/etc/certctl/certs/{name}").into(),
        domains: vec![name.to_owned(), format!("*.{name}")],
        provider: "tencent".to_owned(),
        account: "tx".to_owned(),
        id: "LtIa\0Sxlb".to_owned(),
        not_after: "2027-02-18T07:59:59.5+08:00".parse().unwrap(),
        fingerprint_sha256: "9bfe606b".to_owned(),
    }
}

fn list(words: &[&str]) -> Command {
    Command::Argv(words.iter().map(ToString::to_string).collect())
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().chain(&[("PATH", "/usr/bin:/bin")]);
    Environment::new(variables.map(|(name, value)| (name.to_string(), value.to_string())), || Timestamp::UNIX_EPOCH)
}

/// What comes of it, and what is logged, a line a message: its level and text.
fn run_with(
    command: &Command,
    subjects: &[Subject],
    limit: Duration,
    environment: &Environment,
    withheld: &[&str],
) -> (Result<(), HookError>, String) {
    let concern = Concern::of(subjects.to_vec());
    let hook = Hook { role: Role::Hook, command, limit, concern: &concern };
    logged(|| hook.run(environment, withheld, &Stop::default()))
}

fn run(command: &Command) -> (Result<(), HookError>, String) {
    run_with(command, &[], AGES, &environment(&[]), &[])
}

/// The whole environment that `env` sees, sorted.
fn seen(subjects: &[Subject], environment: &Environment, withheld: &[&str]) -> Vec<String> {
    let (outcome, log) = run_with(&list(&["env"]), subjects, AGES, environment, withheld);
    outcome.unwrap();
    let mut seen: Vec<_> = log.lines().filter_map(|line| Some(line.split_once("env: ")?.1.to_owned())).collect();
    seen.sort();
    seen
}

#[test]
fn the_environment_is_told_of_one_certificate() {
    let environment = environment(&[
        ("HOME", "/root"),
        ("CERTCTL_TENCENT_ENDPOINT", "https://ssl.example"),
        ("CERTCTL_NAME", "of another"),
        ("CERTCTL_NAMES", "of another"),
        ("CERTCTL_ID", "of another"),
        ("TENCENTCLOUD_SECRET_KEY", "canary"),
        ("TX_KEY", "canary"),
    ]);
    let one = seen(&[subject("www.example.com")], &environment, &["TENCENTCLOUD_SECRET_KEY", "TX_KEY"]);
    let expected = [
        "CERTCTL_ACCOUNT=tx",
        "CERTCTL_DOMAINS=www.example.com,*.www.example.com",
        "CERTCTL_FINGERPRINT_SHA256=9bfe606b",
        "CERTCTL_ID=LtIaSxlb",
        "CERTCTL_NAME=www.example.com",
        "CERTCTL_NAMES=www.example.com",
        "CERTCTL_NOT_AFTER=2027-02-17T23:59:59Z",
        "CERTCTL_PATH=/etc/certctl/certs/www.example.com",
        "CERTCTL_PROVIDER=tencent",
        "CERTCTL_TENCENT_ENDPOINT=https://ssl.example",
        "HOME=/root",
        "PATH=/usr/bin:/bin",
    ];
    assert_eq!(one, expected);
}

/// Which of them a fact would be about, nobody could tell.
#[test]
fn of_several_or_none_it_is_told_the_names_only() {
    let inherited = environment(&[("CERTCTL_NAME", "of another"), ("CERTCTL_PATH", "of another")]);
    let two = seen(&[subject("b.example"), subject("a.example")], &inherited, &[]);
    assert_eq!(two, ["CERTCTL_NAMES=b.example,a.example", "PATH=/usr/bin:/bin"]);
    assert_eq!(seen(&[], &inherited, &[]), ["CERTCTL_NAMES=", "PATH=/usr/bin:/bin"]);
}

/// Nothing can be run with a longer variable.
#[test]
fn a_list_that_is_too_long_ends_with_a_whole_name() {
    let names: Vec<_> = (100_000..120_000).map(|number| format!("{number}.example")).collect();
    // A name and its comma are 15 bytes.
    let wanted = names[..6666].join(",");
    let mut one = subject("www.example.com");
    one.domains = names.clone();
    let many = Concern::named(names);
    for (variable, concern) in [("CERTCTL_NAMES", many), ("CERTCTL_DOMAINS", Concern::of(vec![one]))] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("list");
        let command = Command::Shell(format!("printf %s \"${variable}\" >{}", file.display()));
        let hook = Hook { role: Role::Hook, command: &command, limit: AGES, concern: &concern };
        hook.run(&environment(&[]), &[], &Stop::default()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), wanted, "{variable}");
    }
}

#[test]
fn a_list_has_no_shell_and_a_string_has() {
    let (outcome, log) = run(&list(&["printf", "<%s>", "$HOME", "a  b", "'\"", ";", "*", "`id`", "&& false"]));
    outcome.unwrap();
    assert!(log.contains("<$HOME><a b><'\"><;><*><`id`><&& false>"), "{log}");
    let line = Command::Shell("test \"$CERTCTL_NAME\" = www.example && echo $((6 * 7)) | tr 4 9".to_owned());
    let (outcome, log) = run_with(&line, &[subject("www.example")], AGES, &environment(&[]), &[]);
    outcome.unwrap();
    assert!(log.contains(": 92\n"), "{log}");
}

/// What it says is information, whatever comes of it; of one that failed the last line is in the error.
#[test]
fn what_it_says() {
    for (status, is_well) in [("0", true), ("4", false)] {
        let text = format!("echo one; echo two >&2; printf '\\n three \\033[31m\\rfour\\n \\t\\n'; exit {status}");
        let (outcome, log) = run(&Command::Shell(text));
        let messages: Vec<_> = log.lines().map(str::trim_start).collect();
        assert!(messages[0].starts_with("INFO certctl::hook: running the hook `echo one; echo two >&2; "), "{log}");
        let lines: Vec<_> = messages[1..].iter().map(|line| line.rsplit_once(": ").unwrap().1).collect();
        assert_eq!(lines, ["one", "two", "three [31m", "four"]);
        assert!(messages.iter().all(|line| line.starts_with("INFO certctl::hook: ")), "{log}");
        assert_eq!(outcome.is_ok(), is_well);
        if let Err(error) = outcome {
            assert!(error.to_string().ends_with("failed (exit status: 4): four"), "{error}");
        }
    }
}

#[test]
fn how_it_fails() {
    let directory = tempfile::tempdir().unwrap();
    let closed = directory.path().join("closed");
    fs::write(&closed, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o644)).unwrap();
    let closed = closed.display().to_string();
    let shell = |text: &str| Command::Shell(text.to_owned());
    for (command, message) in [
        (list(&["false"]), "hook `false` failed (exit status: 1)".to_owned()),
        (list(&["sh", "-c", "kill -9 $$"]), "hook `sh -c kill -9 $$` failed (signal: 9 (SIGKILL))".to_owned()),
        (shell("echo a\n  exit 2"), "hook `echo a exit 2` failed (exit status: 2): a".to_owned()),
        (
            list(&["/nowhere/program", "x"]),
            "hook `/nowhere/program x` cannot be run: No such file or directory (os error 2)".to_owned(),
        ),
        (list(&[&closed]), format!("hook `{closed}` cannot be run: Permission denied (os error 13)")),
        (
            shell("printf '\\377\\033[0m\\342\\200\\256end'; false"),
            "hook `printf '\\377\\033[0m\\342\\200\\256end'; false` failed (exit status: 1): \u{fffd} [0mend"
                .to_owned(),
        ),
    ] {
        let (outcome, _) = run(&command);
        assert_eq!(outcome.unwrap_err().to_string(), message);
    }
}

/// An error is one line that can be read.
#[test]
fn much_is_cut_short() {
    let (outcome, log) = run(&Command::Shell(format!("seq 1 100000; printf '%0400d' 7; exit 1 # {}", "x".repeat(200))));
    let error = outcome.unwrap_err();
    assert_eq!((error.program.chars().count(), error.said.chars().count()), (101, 301));
    assert!(error.program.starts_with("seq 1 100000; ") && error.said.starts_with("0000"), "{error}");
    // The end of what it said, and no more than 16 KiB of it.
    assert!(log.contains(": 100000\n") && !log.contains(": 90000\n"));
}

#[test]
fn one_that_hangs_has_said_why() {
    let limit = Duration::from_secs(1);
    let command = Command::Shell("echo waiting for the lock; sleep 600".to_owned());
    let (outcome, log) = run_with(&command, &[], limit, &environment(&[]), &[]);
    let error = outcome.unwrap_err();
    assert!(matches!(error.problem, HookProblem::Process(ProcessError::TimedOut(time)) if time == limit), "{error:?}");
    assert!(error.to_string().ends_with("` did not end within 1s and was ended: waiting for the lock"), "{error}");
    assert!(log.contains(": waiting for the lock\n"), "{log}");
}

#[test]
fn each_role_has_its_word() {
    for (role, word) in [
        (Role::Check, "check `false`"),
        (Role::Hook, "hook `false`"),
        (Role::Before, "hook `before` `false`"),
        (Role::After, "hook `after` `false`"),
        (Role::Failed, "hook `failed` `false`"),
    ] {
        let hook = Hook { role, command: &list(&["false"]), limit: AGES, concern: &Concern::default() };
        let error = hook.run(&environment(&[]), &[], &Stop::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("{word} failed (exit status: 1)"));
    }
}
