//! What a run says in words, and its exit code.

use std::fs;
use std::path::PathBuf;

use super::{ACCOUNTS, Fixture, certificate};
use crate::cli::Certctl;
use crate::sandbox::{Cloud, Fault};

#[test]
fn words_for_changes_and_silence_for_the_rest() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example", "c.example"];
    let certificates = names.map(|name| fixture.issue(Cloud::Tencent, name, (-10, 80)));
    fixture.configure(&names.map(|name| certificate(name, "tx", "")).concat());
    let line = |n: usize, certificate: &crate::sandbox::Certificate, outcome: &str| {
        let day = certificate.validity.unwrap().1.strftime("%Y-%m-%d");
        let path = fixture.home(names[n]).display().to_string();
        format!("{} (tencent {}): {outcome}, valid until {day}, {path}", names[n], certificate.id)
    };
    let lines = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let run = fixture.sync(&["--dry-run"]).exits(0);
    let expected: Vec<_> = (0..3).map(|n| line(n, &certificates[n], "would be created")).collect();
    assert_eq!((lines(&run.stdout), run.stderr.as_str()), (expected, ""));
    let run = fixture.sync(&["--detailed-exitcode"]).exits(10);
    let expected: Vec<_> = (0..3).map(|n| line(n, &certificates[n], "created")).collect();
    assert_eq!((lines(&run.stdout), run.stderr.as_str()), (expected, ""));
    fixture.sync(&["--detailed-exitcode"]).exits(0);
    fixture.is_quiet();

    let new = fixture.renew(Cloud::Tencent, &certificates[1].id);
    let run = fixture.sync(&["--dry-run"]).exits(0);
    assert_eq!(lines(&run.stdout), [line(1, &new, "would be updated")]);
    // Some that changed, and one that failed: no 10.
    fixture.sandbox.renew_with(Cloud::Tencent, fixture.account, &certificates[2].id, crate::sandbox::Trouble::WrongKey);
    let run = fixture.sync(&["--detailed-exitcode"]).exits(6).says(&["c.example (tencent "]);
    assert_eq!(lines(&run.stdout), [line(1, &new, "updated")]);
    // Quiet: errors only, and not a word if there are none.
    let new = fixture.renew(Cloud::Tencent, &new.id);
    let run = fixture.sync(&["-q"]).exits(6).says(&["c.example (tencent "]);
    assert_eq!(run.stdout, "");
    fixture.holds("b.example", &new);
}

/// NAMEs on the command line: only these, and an unknown one is a mistake before anything is asked.
#[test]
fn some_of_them() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example"];
    for name in names {
        fixture.issue(Cloud::Tencent, name, (-10, 80));
    }
    fixture.issue(Cloud::Huawei, "c.example", (-10, 80));
    let tables = names.map(|name| certificate(name, "tx", "")).concat() + &certificate("c.example", "hw", "");
    fixture.configure(&tables);
    let run = fixture.sync(&["b.example"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(!fixture.home("a.example").exists() && fixture.home("b.example").exists());
    assert_eq!(fixture.sandbox.requests(Cloud::Huawei).len(), 0, "nobody there is concerned");
    let marks = fixture.marks();
    let run = fixture.sync(&["a.example", "a.exmaple"]).exits(2).says(&["a.exmaple", "a.example"]);
    assert_eq!(run.stdout, "");
    assert_eq!(fixture.marks(), marks);
    assert!(!fixture.home("a.example").exists());
    // Once is enough.
    let run = fixture.sync(&["a.example", "a.example"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn wrong_configs_are_refused_before_anybody_is_asked() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, "a.example", (-10, 80));
    let nobody = || assert!(ACCOUNTS.iter().all(|(_, _, cloud, _)| fixture.sandbox.requests(*cloud).is_empty()));
    // None at all.
    let environment: Vec<_> = fixture.environment().into_iter().filter(|(name, _)| name != "CERTCTL_CONFIG").collect();
    let home = fixture.text("");
    for command in [["sync", "--dry-run"], ["sync", "-q"]] {
        let certctl = Certctl::with(environment.clone()).env("HOME", &home).directory(fixture.directory.path());
        if fs::exists("/etc/certctl/certctl.toml").unwrap() {
            break;
        }
        certctl.args(command).run().exits(2).says(&["no config", "`certctl config init`"]);
    }
    for (more, words) in [
        ("formats = ['pem', 'pkcs13']", &["pkcs13", "pkcs12"][..]),
        ("formats = ['pkcs12', 'pkcs12-legacy']", &["keystore.p12", "one of them"]),
        ("kubernetes = { name = 'shop' }", &["k8s-secret"]),
        ("hook = ['no-such-program-anywhere']", &["no-such-program-anywhere"]),
        ("group = 'no-such-group-anywhere'", &["no-such-group-anywhere"]),
        ("nonsense = 1", &["nonsense"]),
    ] {
        fixture.configure(&certificate("a.example", "tx", more));
        let run = fixture.sync(&[]).exits(2).says(words);
        assert_eq!(run.stdout, "", "{more}");
        assert!(!fixture.path("certs").exists(), "{more}");
        nobody();
    }
    fixture.configure("");
    let run = fixture.sync(&[]);
    assert!([0, 2].contains(&run.code) && run.stdout.is_empty(), "{run:?}");
    nobody();
}

/// What cannot be written is told of that certificate; the others are not kept from theirs.
#[test]
fn a_place_that_is_not_there() {
    let fixture = Fixture::new();
    let names = ["a.example", "b.example", "c.example"];
    let certificates = names.map(|name| fixture.issue(Cloud::Tencent, name, (-10, 80)));
    let install = format!("install = [{{ file = 'cert.pem', to = '{}' }}]", fixture.text("no/such/a.crt"));
    fs::write(fixture.path("file"), "").unwrap();
    let tables = [
        certificate(names[0], "tx", &install),
        certificate(names[1], "tx", &format!("dir = '{}'", fixture.text("file/below"))),
        certificate(names[2], "tx", &format!("hook = {}", fixture.notes("hook", &["NAMES"]))),
    ];
    fixture.configure(&tables.concat());
    for n in 0..2 {
        let marks = fixture.marks();
        let run = fixture.sync(&[]).exits(7);
        assert_eq!(fixture.asked_since(&marks).values().sum::<usize>(), 1 - n, "what has no place is not fetched");
        let errors = run.errors();
        assert_eq!(errors.len(), 2, "{}", run.stderr);
        assert!(errors[0].contains("a.example") && errors[0].contains(&fixture.text("no/such")), "{}", errors[0]);
        assert!(errors[1].contains("b.example") && errors[1].contains(&fixture.text("file")), "{}", errors[1]);
        assert_eq!(run.stdout.lines().count(), usize::from(n == 0), "{}", run.stdout);
        fixture.holds("c.example", &certificates[2]);
        assert!(!fixture.home("a.example").join("current").exists() && !fixture.path("no").exists());
    }
    assert_eq!(fixture.take_log(), ["hook c.example"]);
    fs::create_dir_all(fixture.path("no/such")).unwrap();
    let run = fixture.sync(&[]).exits(7).says(&["b.example"]);
    assert_eq!(run.stdout.lines().count(), 1);
}

#[test]
fn failures_of_several_kinds() {
    let fixture = Fixture::new();
    let good = fixture.issue(Cloud::Jdcloud, "jd.example", (-10, 80));
    fixture.issue(Cloud::Tencent, "tx.example", (-10, 80));
    let tables: String =
        ["jd", "tx", "hw", "ct"].map(|account| certificate(&format!("{account}.example"), account, "")).concat();
    fixture.configure(&tables);
    fixture.sandbox.fault(Cloud::Tencent, Fault::Status(401));
    fixture.sandbox.fault(Cloud::Ctyun, Fault::Refused);
    let run = fixture.sync(&["--retries", "0"]).exits(9);
    let errors = run.errors();
    assert_eq!(errors.len(), 3, "{}", run.stderr);
    for words in [
        ["certctl: error: tx (tencent): ", "check access key", "tx.example"],
        ["certctl: error: ct (ctyun): ", "refused", "ct.example"],
        ["certctl: error: hw.example (huawei", "hw.example", "; "],
    ] {
        assert!(errors.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?} in {errors:?}");
    }
    assert_eq!(run.stdout.lines().count(), 1);
    fixture.holds("jd.example", &good);
    // A variable that is not set is an account's failure.
    fixture.sandbox.clear(Cloud::Tencent);
    let run = fixture.certctl("sync", &["tx.example"]).without("TX_KEY").run().exits(3);
    run.says(&["tx (tencent)", "TX_KEY", "tx.example"]);
}

#[test]
fn what_expires_without_a_successor() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Tencent, "a.example", (-80, 9));
    fixture.issue(Cloud::Tencent, "b.example", (-80, 20));
    let tables = certificate("a.example", "tx", "") + &certificate("b.example", "tx", "");
    fixture.configure(&tables);
    let warning = |run: &crate::cli::Run, name: &str| {
        run.stderr.lines().filter(|line| line.starts_with(&format!("certctl: warning: {name}: expires in "))).count()
    };
    for _ in 0..2 {
        let run = fixture.sync(&[]).exits(0);
        assert_eq!((warning(&run, "a.example"), run.stderr.lines().count()), (1, 1), "{}", run.stderr);
        let day = old.validity.unwrap().1.strftime("%Y-%m-%d").to_string();
        assert!(run.stderr.contains(&day) && run.stderr.contains("tx"), "{}", run.stderr);
    }
    fixture.configure_with("warn_before = '30d'\n", &tables);
    let run = fixture.sync(&[]).exits(0);
    assert_eq!((warning(&run, "a.example"), warning(&run, "b.example")), (1, 1), "{}", run.stderr);
    assert_eq!(fixture.sync(&["-q"]).exits(0).stderr, "");
    fixture.configure_with("warn_before = '2d'\n", &tables);
    fixture.is_quiet();
    // Renewed, there is nothing to warn about.
    fixture.configure(&tables);
    fixture.sandbox.issue(Cloud::Tencent, fixture.account, &["a.example"], (-1, 60));
    let run = fixture.sync(&[]).exits(0);
    assert_eq!(run.stderr, "");
    fixture.is_quiet();
}

#[test]
fn a_dry_run_writes_nothing_and_takes_no_lock() {
    let fixture = Fixture::new();
    fixture.issue(Cloud::Ctyun, "a.example", (-10, 80));
    fs::create_dir(fixture.path("ssl")).unwrap();
    let install = format!("install = [{{ file = 'cert.pem', to = '{}' }}]", fixture.text("ssl/a.crt"));
    let more = format!("check = {}\nhook = {}\n{install}", fixture.notes("check", &[]), fixture.notes("hook", &[]));
    fixture.configure(&certificate("a.example", "ct", &more));
    let before = crate::cli::snapshot(fixture.directory.path());
    fixture.sync(&["--dry-run"]).exits(0);
    let after = crate::cli::snapshot(fixture.directory.path());
    assert_eq!(super::changes(&before, &after), Vec::<PathBuf>::new(), "not even a directory");
    fixture.sync(&[]).exits(0);
    let fact = fixture.metadata("a.example")["id"].as_str().unwrap().to_owned();
    fixture.renew(Cloud::Ctyun, &fact);
    let before = crate::cli::snapshot(fixture.directory.path());
    fixture.sync(&["--dry-run"]).exits(0);
    assert_eq!(super::changes(&before, &crate::cli::snapshot(fixture.directory.path())), Vec::<PathBuf>::new());
}

#[test]
fn an_older_one_needs_force() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Tencent, "a.example", (-50, 80));
    let new = fixture.issue(Cloud::Tencent, "a.example", (-10, 60));
    let pinned = |id: &str| fixture.configure(&certificate("a.example", "tx", &format!("id = '{id}'")));
    pinned(&new.id);
    fixture.sync(&[]).exits(0);
    pinned(&old.id);
    for dry in [&[][..], &["--dry-run"]] {
        fixture.sync(dry).exits(6).says(&["a.example (tencent ", "--force"]);
        fixture.holds("a.example", &new);
    }
    fixture.sync(&["--force"]).exits(0);
    fixture.holds("a.example", &old);
    fixture.is_quiet();
}

/// People at a terminal see that all is in order; a job's mail stays empty.
#[test]
fn a_terminal_sees_what_is_unchanged() {
    if !crate::oracle::has("script") {
        return;
    }
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, "a.example", (-10, 80));
    fixture.configure(&certificate("a.example", "tx", ""));
    fixture.sync(&[]).exits(0);
    let line = format!("'{}' sync -c '{}'", env!("CARGO_BIN_EXE_certctl"), fixture.text("certctl.toml"));
    let mut command = std::process::Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env_clear().envs(fixture.environment());
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("a.example (tencent ") && text.contains("unchanged"), "{text}");
    assert!(!text.contains("certctl: "), "{text}");
}
