//! What follows a change of a certificate: its check, its hook, and what happens where one of them fails.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use super::{Fixture, certificate, snapshot, toml, until};
use crate::sandbox::{Certificate, Cloud};

/// So many certificates, renewed all at once.
fn several(fixture: &Fixture, names: &[&str]) -> Vec<Certificate> {
    names.iter().map(|name| fixture.issue(Cloud::Tencent, name, (-10, 80))).collect()
}

#[test]
fn one_reload_for_all_that_want_the_same() {
    let fixture = Fixture::new();
    let certificates = several(&fixture, &["a.example", "b.example", "c.example", "d.example"]);
    let shared = fixture.notes("reload", &["NAMES", "NAME", "ID"]);
    let tables = ["a.example", "b.example", "c.example"].map(|name| {
        certificate(name, "tx", &format!("check = {}\nhook = {shared}", fixture.notes("check", &["NAME"])))
    });
    let own = certificate("d.example", "tx", &format!("hook = {}", fixture.notes("own", &["NAMES", "NAME"])));
    fixture.configure(&(tables.concat() + &own));
    let night = |all: &[&str]| {
        fixture.sync(&[]).exits(0);
        let log = fixture.take_log();
        let of =
            |word: &str| -> BTreeSet<String> { log.iter().filter(|line| line.starts_with(word)).cloned().collect() };
        let checks: BTreeSet<_> = all.iter().map(|name| format!("check {name}")).collect();
        assert_eq!(of("check "), checks);
        let reloads = of("reload ");
        let names = reloads.first().and_then(|line| line.strip_prefix("reload ")).unwrap_or_default().trim();
        let named: BTreeSet<&str> = names.split(' ').next().unwrap_or_default().split(',').collect();
        assert_eq!((reloads.len(), named), (1, all.iter().copied().collect()), "{log:?}");
        let last_check = log.iter().rposition(|line| line.starts_with("check ")).unwrap();
        let reload = log.iter().position(|line| line.starts_with("reload ")).unwrap();
        assert!(last_check < reload, "all are in place before: {log:?}");
        (log.len(), names.to_owned())
    };
    let (lines, names) = night(&["a.example", "b.example", "c.example"]);
    assert!(lines == 5 && !names.contains(' '), "nothing of one certificate where it is about three: {names}");
    fixture.is_quiet();
    // Two of them.
    fixture.renew(Cloud::Tencent, &certificates[0].id);
    fixture.renew(Cloud::Tencent, &certificates[2].id);
    night(&["a.example", "c.example"]);
    // One, whose facts are told then.
    let new = fixture.renew(Cloud::Tencent, &certificates[1].id);
    let (_, names) = night(&["b.example"]);
    assert_eq!(names, format!("b.example b.example {}", new.id));
    fixture.is_quiet();
}

#[test]
fn no_command_sees_a_credential() {
    let fixture = Fixture::new();
    several(&fixture, &["a.example"]);
    let print = |to: &str| toml(&format!("env > '{}'", fixture.text(to)));
    let more = format!("check = {}\nhook = {}", print("check"), print("hook"));
    let hooks = format!("[hooks]\nbefore = {}\nafter = {}\n", print("before"), print("after"));
    fixture.configure(&(certificate("a.example", "tx", &more) + &hooks));
    let extra = [("TENCENTCLOUD_SECRET_KEY", "canary-1"), ("CTYUN_SK", "canary-2"), ("HW_SECRET_KEY", "canary-3")];
    let certctl = fixture.certctl("sync", &[]).env("JDCLOUD_SESSION_TOKEN", "canary-4").env("KEEP_ME", "kept");
    extra.iter().fold(certctl, |certctl, (name, value)| certctl.env(name, value)).run().exits(0);
    for file in ["check", "hook", "before", "after"] {
        let seen = fs::read_to_string(fixture.path(file)).unwrap();
        assert!(seen.contains("KEEP_ME=kept") && seen.contains("PATH=/usr/sbin:"), "{file}: {seen}");
        assert!(seen.contains("CERTCTL_NAMES=a.example"), "{file}: {seen}");
        assert!(!seen.contains("canary-"), "{file}: {seen}");
        for (name, value) in fixture.environment() {
            let is_credential = ["TX_ID", "TX_KEY", "CT_AK"].contains(&name.as_str())
                || ["ACCESS_KEY", "SECRET_KEY", "_AK", "_SK", "TOKEN"].iter().any(|end| name.ends_with(end));
            assert!(!(is_credential && seen.contains(&value)), "{file} has {name}");
        }
    }
}

#[test]
fn a_check_that_fails_brings_the_old_version_back() {
    let fixture = Fixture::new();
    let old = several(&fixture, &["a.example"]).remove(0);
    fs::create_dir(fixture.path("ssl")).unwrap();
    let install = format!("install = [{{ file = 'privkey.pem', to = '{}' }}]", fixture.text("ssl/a.key"));
    let note = fixture.noting("check", &["ID"]);
    let refuse = format!("{note}; if test -e '{}'; then echo told; echo why >&2; exit 3; fi", fixture.text("refuse"));
    let hook = fixture.notes("hook", &["ID"]);
    let more = format!("check = {}\nhook = {hook}\n{install}", toml(&refuse));
    fixture.configure(&certificate("a.example", "tx", &more));
    fixture.sync(&[]).exits(0);
    fixture.take_log();
    let in_place = || {
        let inode = |path: &std::path::Path| path.metadata().unwrap().ino();
        let home = fixture.home("a.example");
        (
            fs::read_link(home.join("current")).unwrap(),
            inode(&home.join("privkey.pem")),
            fs::read(home.join("privkey.pem")).unwrap(),
            inode(&fixture.path("ssl/a.key")),
            fs::read(fixture.path("ssl/a.key")).unwrap(),
        )
    };
    let before = in_place();
    fixture.write("refuse", "");
    let new = fixture.renew(Cloud::Tencent, &old.id);
    for _ in 0..2 {
        let subject = format!("a.example (tencent {}): check `", new.id);
        let run = fixture.sync(&[]).exits(8);
        let run = run.says(&[&subject, "failed (exit status: 3): why; ", "the version before was restored"]);
        assert_eq!(run.stdout, "", "nothing has changed");
        assert_eq!(in_place(), before);
        fixture.holds("a.example", &old);
        assert_eq!(fixture.take_log(), [format!("check {}", new.id)], "no hook, and the next night tries again");
    }
    assert_eq!(fs::read_dir(fixture.path("ssl")).unwrap().count(), 1);
    fixture.is_tidy("a.example", 2);
    fs::remove_file(fixture.path("refuse")).unwrap();
    fixture.sync(&[]).exits(0);
    fixture.holds("a.example", &new);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id), format!("hook {}", new.id)]);
    fixture.is_quiet();
}

#[test]
fn a_first_install_whose_check_fails_leaves_what_was_there() {
    let fixture = Fixture::new();
    let certificates = several(&fixture, &["a.example", "b.example"]);
    fs::create_dir(fixture.path("ssl")).unwrap();
    fs::write(fixture.path("ssl/a.crt"), "the admin's own").unwrap();
    let before = snapshot(&fixture.path("ssl"));
    let copy = |file: &str, to: &str| format!("{{ file = '{file}', to = '{}' }}", fixture.text(&format!("ssl/{to}")));
    let install = format!("install = [{}, {}]", copy("cert.pem", "a.crt"), copy("privkey.pem", "a.key"));
    let fails = format!("check = {}\nhook = {}\n{install}", toml("exit 1"), fixture.notes("hook-a", &[]));
    let other = format!("check = ['true']\nhook = {}", fixture.notes("hook-b", &[]));
    fixture.configure(&(certificate("a.example", "tx", &fails) + &certificate("b.example", "tx", &other)));
    let run = fixture.sync(&[]).exits(8).says(&["a.example (tencent ", "check `", "exit status: 1"]);
    assert_eq!(run.stdout.lines().count(), 1, "the other is there: {}", run.stdout);
    assert_eq!(fixture.take_log(), ["hook-b"]);
    assert!(fixture.home("a.example").join("current").symlink_metadata().is_err());
    assert!(!fixture.home("a.example").join("privkey.pem").exists());
    assert_eq!(snapshot(&fixture.path("ssl")), before, "byte for byte, the very same file");
    fixture.holds("b.example", &certificates[1]);
}

#[test]
fn a_hook_that_fails_is_run_until_it_succeeds() {
    let fixture = Fixture::new();
    let old = several(&fixture, &["a.example", "b.example"]);
    let line = format!("{}; ! test -e '{}'", fixture.noting("hook", &["NAMES"]), fixture.text("refuse"));
    let more = format!("check = {}\nhook = {}", fixture.notes("check", &["NAME"]), toml(&line));
    fixture.configure(&["a.example", "b.example"].map(|name| certificate(name, "tx", &more)).concat());
    fixture.write("refuse", "");
    let run = fixture.sync(&[]).exits(8);
    let run =
        run.says(&["certctl: error: a.example, b.example: hook `", "exit status: 1", "it runs again at the next sync"]);
    assert_eq!(run.stdout.lines().count(), 2, "they are in place: {}", run.stdout);
    assert_eq!(fixture.take_log().len(), 3);
    // Nothing is new, and it is run again: it alone, for what it owes.
    for _ in 0..2 {
        let run = fixture.sync(&[]).exits(8).says(&["it runs again"]);
        assert_eq!(run.stdout, "");
        assert_eq!(fixture.take_log(), ["hook a.example,b.example"]);
    }
    fixture.holds("a.example", &old[0]);
    // A new certificate meanwhile is the same hook's affair.
    let new = fixture.renew(Cloud::Tencent, &old[1].id);
    fs::remove_file(fixture.path("refuse")).unwrap();
    fixture.sync(&[]).exits(0);
    assert_eq!(fixture.take_log(), ["check b.example", "hook a.example,b.example"]);
    fixture.holds("b.example", &new);
    fixture.is_quiet();
}

#[test]
fn a_hook_that_does_not_end() {
    let fixture = Fixture::new();
    several(&fixture, &["a.example"]);
    // A child and a grandchild, both deaf to a request to end.
    let script = format!(
        "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ > '{0}'; while :; do sleep 1; done\" & echo $$ > '{1}'; wait; wait",
        fixture.text("grandchild"),
        fixture.text("child")
    );
    let more = format!("hook = {}\nhook_timeout = '1s'", toml(&script));
    fixture.configure(&certificate("a.example", "tx", &more));
    let run = fixture.sync(&[]).exits(8).says(&["a.example: hook `", "did not end within 1s"]);
    assert!(run.took >= Duration::from_secs(3), "a second, and two to end by itself: {:?}", run.took);
    for file in ["grandchild", "child"] {
        let number = fs::read_to_string(fixture.path(file)).unwrap();
        let status = format!("/proc/{}/status", number.trim());
        // Killed, it may wait a little for its parent to take note.
        until("the end of the hook's processes", || {
            fs::read_to_string(&status).is_ok_and(|text| text.contains("State:\tZ")) || !fs::exists(&status).unwrap()
        });
    }
    // The same for a check, which is a check that failed.
    let fixture = Fixture::new();
    several(&fixture, &["a.example"]);
    fixture.configure(&certificate("a.example", "tx", "check = ['sleep', '600']\nhook_timeout = '1s'"));
    fixture.sync(&[]).exits(8).says(&["a.example (tencent ", "check `sleep 600` did not end within 1s"]);
    assert!(!fixture.home("a.example").join("current").exists());
}

#[test]
fn a_list_is_no_shells_and_a_string_is() {
    let fixture = Fixture::new();
    several(&fixture, &["a.example", "b.example"]);
    fixture.write("show", "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$0.log\"\n");
    let show = fixture.path("show");
    fs::set_permissions(&show, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let list = format!("hook = [{}, '$HOME', 'a b', ';', '*', '$(true)']", toml(&fixture.text("show")));
    let line =
        format!("hook = {}", toml(&format!("test $((1 + 1)) = 2 && echo shell | cat > '{}'", fixture.text("out"))));
    fixture.configure(&(certificate("a.example", "tx", &list) + &certificate("b.example", "tx", &line)));
    fixture.sync(&[]).exits(0);
    assert_eq!(fs::read_to_string(fixture.path("show.log")).unwrap(), "$HOME\na b\n;\n*\n$(true)\n");
    assert_eq!(fs::read_to_string(fixture.path("out")).unwrap(), "shell\n");
}

/// What a command says is for -v; of a failed one the last line is in the error.
#[test]
fn what_commands_say() {
    let fixture = Fixture::new();
    let certificate_a = several(&fixture, &["a.example"]).remove(0);
    // The command itself is in the error, too, so it does not spell out what it says.
    let chatty = |word: &str, code: i32| toml(&format!("w={word}; echo $w-out; echo $w-err >&2; exit {code}"));
    let config = |code| {
        fixture.configure(&certificate(
            "a.example",
            "tx",
            &format!("check = {}\nhook = {}", chatty("check", 0), chatty("hook", code)),
        ));
    };
    config(0);
    let run = fixture.sync(&[]).exits(0);
    assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""));
    fixture.renew(Cloud::Tencent, &certificate_a.id);
    let run = fixture.sync(&["-v"]).exits(0);
    for word in ["check-out", "check-err", "hook-out", "hook-err"] {
        assert!(run.stderr.contains(word) && !run.stdout.contains(word), "{}", run.stderr);
    }
    config(1);
    let first = fixture.sandbox.certificates(Cloud::Tencent, fixture.account)[1].clone();
    fixture.renew(Cloud::Tencent, &first.id);
    let run = fixture.sync(&[]).exits(8).says(&["hook-err"]);
    assert!(!run.stderr.contains("hook-out") && !run.stderr.contains("check-"), "{}", run.stderr);
    // What a terminal acts on never gets there.
    let evil = toml("printf '\\033[2Jevil\\rcertctl: error: not so\\n\\033]0;x\\007last\\n'; exit 1");
    fixture.configure(&certificate("a.example", "tx", &format!("hook = {evil}")));
    fixture.sync(&["-v"]).exits(8).says(&["last"]).prints_plainly();
}
