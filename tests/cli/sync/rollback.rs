//! Back to the version before: what it puts in place, what it runs, and how long it lasts.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Fixture, certificate, snapshot, toml};
use crate::cli::Run;
use crate::sandbox::{Certificate, Cloud};

const NAME: &str = "a.example";

/// Two certificates, one after the other in place, with an installed copy, a check and a hook.
struct Ground {
    fixture: Fixture,
    old: Certificate,
    new: Certificate,
}

impl Ground {
    fn new() -> Self {
        let fixture = Fixture::new();
        let old = fixture.issue(Cloud::Tencent, NAME, (-30, 60));
        fs::create_dir(fixture.path("ssl")).unwrap();
        let install = format!("install = [{{ file = 'privkey.pem', to = '{}' }}]", fixture.text("ssl/a.key"));
        let check = format!("{}; ! test -e '{}'", fixture.noting("check", &["ID"]), fixture.text("refuse"));
        let hook = fixture.notes("hook", &["NAMES", "ID"]);
        fixture.configure(&certificate(NAME, "tx", &format!("check = {}\nhook = {hook}\n{install}", toml(&check))));
        fixture.sync(&[]).exits(0);
        let new = fixture.renew(Cloud::Tencent, &old.id);
        fixture.sync(&[]).exits(0);
        fixture.take_log();
        Self { fixture, old, new }
    }

    fn rollback(&self, args: &[&str]) -> Run {
        self.fixture.certctl("rollback", args).run()
    }

    #[track_caller]
    fn is_in_place(&self, certificate: &Certificate) {
        self.fixture.holds(NAME, certificate);
        let key = |path| fs::read(path).unwrap();
        assert_eq!(key(self.fixture.path("ssl/a.key")), key(self.fixture.home(NAME).join("privkey.pem")));
    }

    fn versions(&self) -> Vec<String> {
        let entries = fs::read_dir(self.fixture.home(NAME).join("versions")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn current(&self) -> String {
        let link = fs::read_link(self.fixture.home(NAME).join("current")).unwrap();
        link.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// A sync that leaves it alone, and says so.
    #[track_caller]
    fn is_pinned(&self) {
        let before = self.fixture.snapshot();
        let run = self.fixture.sync(&["-o", "json"]).exits(0);
        assert_eq!(run.json()["results"][0]["outcome"], "pinned", "{}", run.stdout);
        let run = self.fixture.sync(&[]).exits(0);
        assert!(run.stderr.contains("certctl: warning: a.example: pinned by a rollback"), "{}", run.stderr);
        assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1));
        assert_eq!(super::changes(&before, &self.fixture.snapshot()), Vec::<std::path::PathBuf>::new());
        assert_eq!(self.fixture.log(), Vec::<String>::new());
    }
}

#[test]
fn back_and_pinned_until_there_is_a_newer_one() {
    let ground = Ground::new();
    let Ground { fixture, old, new } = &ground;
    let run = ground.rollback(&[NAME]).exits(0);
    let line = format!("a.example (tencent {}): updated, valid until ", old.id);
    assert!(run.stdout.starts_with(&line) && run.stderr.is_empty(), "{run:?}");
    assert_eq!(fixture.take_log(), [format!("check {}", old.id), format!("hook a.example {}", old.id)]);
    ground.is_in_place(old);
    ground.is_pinned();
    ground.is_pinned();
    // What is rejected is kept, however many versions come and go.
    assert_eq!(ground.versions().len(), 2);
    let newer = fixture.renew(Cloud::Tencent, &new.id);
    let run = fixture.sync(&[]).exits(0);
    assert!(run.stdout.contains(&format!("(tencent {}): updated", newer.id)) && run.stderr.is_empty(), "{run:?}");
    ground.is_in_place(&newer);
    fixture.take_log();
    fixture.is_quiet();
}

#[test]
fn force_ends_it() {
    let ground = Ground::new();
    let Ground { fixture, new, .. } = &ground;
    ground.rollback(&[NAME]).exits(0);
    fixture.take_log();
    let run = fixture.sync(&["--dry-run", "--force"]).exits(0);
    assert!(run.stdout.contains("would be updated"), "{run:?}");
    ground.is_pinned();
    fixture.sync(&["--force"]).exits(0);
    ground.is_in_place(new);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id), format!("hook a.example {}", new.id)]);
    fixture.is_quiet();
    // And back again: not to another version of what is in place.
    ground.rollback(&[NAME]).exits(0);
    ground.is_in_place(&ground.old);
}

/// To the one rejected: it is rejected no more.
#[test]
fn forward_again() {
    let ground = Ground::new();
    let Ground { fixture, new, old } = &ground;
    let newest = ground.current();
    ground.rollback(&[NAME]).exits(0);
    let oldest = ground.current();
    fixture.take_log();
    ground.rollback(&[NAME, "--to", &newest]).exits(0);
    assert_eq!(fixture.take_log(), [format!("check {}", new.id), format!("hook a.example {}", new.id)]);
    ground.is_in_place(new);
    fixture.is_quiet();
    // And to a named one, back.
    ground.rollback(&[NAME, "--to", &oldest]).exits(0);
    ground.is_in_place(old);
    fixture.take_log();
    ground.is_pinned();
}

#[test]
fn several_steps_back() {
    let ground = Ground::new();
    let Ground { fixture, old, new } = &ground;
    let newer = fixture.renew(Cloud::Tencent, &new.id);
    fixture.sync(&[]).exits(0);
    ground.is_in_place(&newer);
    let all = ground.versions();
    assert_eq!(all.len(), 3);
    ground.rollback(&[NAME]).exits(0);
    ground.is_in_place(new);
    // One more step: the newest that was rejected stays the measure.
    ground.rollback(&[NAME]).exits(0);
    ground.is_in_place(old);
    fixture.take_log();
    ground.is_pinned();
    assert_eq!(ground.versions(), all);
    let run = ground.rollback(&[NAME]).exits(4);
    run.says(&["a.example", "; "]);
    ground.is_in_place(old);
}

#[test]
fn what_there_is_not() {
    let ground = Ground::new();
    let before = ground.fixture.snapshot();
    let unchanged =
        || assert_eq!(super::changes(&before, &ground.fixture.snapshot()), Vec::<std::path::PathBuf>::new());
    for to in ["20200101T000000Z-00000000", "../..", "nonsense"] {
        ground.rollback(&[NAME, "--to", to]).exits(2).says(&[to]);
        unchanged();
    }
    ground.rollback(&["a.exmaple"]).exits(2).says(&["a.exmaple", "a.example"]);
    ground.rollback(&[]).exits(2);
    unchanged();
    // One version only.
    let fixture = Fixture::new();
    fixture.issue(Cloud::Tencent, NAME, (-30, 60));
    fixture.configure(&certificate(NAME, "tx", ""));
    fixture.certctl("rollback", &[NAME]).run().exits(4).says(&[NAME]);
    fixture.sync(&[]).exits(0);
    let before = fixture.snapshot();
    let run = fixture.certctl("rollback", &[NAME, "-o", "json"]).run().exits(4);
    assert_eq!(run.json()["results"][0]["outcome"], "failed");
    assert_eq!(super::changes(&before, &fixture.snapshot()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_target_that_is_damaged() {
    let ground = Ground::new();
    let newest = ground.current();
    let target = ground.versions().into_iter().find(|version| *version != newest).unwrap();
    let file = |name: &str| ground.fixture.home(NAME).join("versions").join(&target).join(name);
    let good = fs::read(file("privkey.pem")).unwrap();
    let damages: [&dyn Fn(&Path); 3] =
        [&|path| fs::write(path, "x").unwrap(), &|path| fs::write(path, "").unwrap(), &|path| {
            fs::remove_file(path).unwrap();
        }];
    for damage in damages {
        damage(&file("privkey.pem"));
        let before = ground.fixture.snapshot();
        for args in [&[NAME][..], &[NAME, "--to", &target]] {
            ground.rollback(args).exits(6).says(&[NAME, &target]);
            ground.is_in_place(&ground.new);
        }
        assert_eq!(super::changes(&before, &ground.fixture.snapshot()), Vec::<std::path::PathBuf>::new());
        assert_eq!(ground.fixture.log(), Vec::<String>::new());
    }
    fs::write(file("privkey.pem"), good).unwrap();
    fs::set_permissions(file("privkey.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    ground.rollback(&[NAME]).exits(0);
    ground.is_in_place(&ground.old);
}

#[test]
fn a_check_that_says_no() {
    let ground = Ground::new();
    ground.fixture.write("refuse", "");
    let before = snapshot(&ground.fixture.path("ssl"));
    let current = ground.current();
    let run = ground.rollback(&[NAME]).exits(8).says(&[NAME, "check `", "the version before was restored"]);
    assert_eq!(run.stdout, "");
    ground.is_in_place(&ground.new);
    assert_eq!((ground.current(), snapshot(&ground.fixture.path("ssl"))), (current, before));
    assert_eq!(ground.fixture.take_log(), [format!("check {}", ground.old.id)]);
    // And nothing is pinned by it.
    ground.fixture.remove("refuse");
    ground.fixture.is_quiet();
}

#[test]
fn by_path() {
    let ground = Ground::new();
    let Ground { fixture, old, .. } = &ground;
    let path = fixture.home(NAME).display().to_string();
    // The config's entry for that directory is heeded.
    let run = ground.rollback(&[&path, "-o", "json"]).exits(0);
    assert_eq!(run.json()["results"][0]["name"], json!(NAME));
    assert_eq!(run.json()["results"][0]["outcome"], "updated");
    assert_eq!(fixture.take_log(), [format!("check {}", old.id), format!("hook a.example {}", old.id)]);
    ground.is_in_place(old);
    ground.is_pinned();

    // Without any config: the directory alone.
    let environment = vec![("CERTCTL_CONFIG".to_owned(), "/dev/null".to_owned())];
    for variables in [environment, Vec::new()] {
        let ground = Ground::new();
        let path = ground.fixture.home(NAME).display().to_string();
        let certctl = crate::cli::Certctl::with(variables).directory(ground.fixture.directory.path());
        fs::rename(ground.fixture.path("certctl.toml"), ground.fixture.path("aside")).unwrap();
        let has_own = fs::exists("/etc/certctl/certctl.toml").unwrap();
        let run = certctl.env("HOME", "/nonexistent").args(["rollback", path.trim_end_matches('/')]).run();
        fs::rename(ground.fixture.path("aside"), ground.fixture.path("certctl.toml")).unwrap();
        if has_own {
            return;
        }
        run.exits(0);
        ground.fixture.holds(NAME, &ground.old);
        assert_eq!(ground.fixture.log(), Vec::<String>::new());
    }
    // A path that is no certificate directory is left alone.
    for path in [ground.fixture.text("certs"), ground.fixture.text("ssl"), ground.fixture.text("nowhere/x")] {
        let run = ground.rollback(&[&path]);
        assert!([2, 4, 7].contains(&run.code) && run.errors().len() == 1, "{path}: {run:?}");
    }
}

/// Killed between the switch and the check, or with a hook that fails: sync makes up for it, and stays where it is.
#[test]
fn a_hook_that_fails_after_a_rollback() {
    let fixture = Fixture::new();
    let old = fixture.issue(Cloud::Tencent, NAME, (-30, 60));
    let hook = format!("{}; ! test -e '{}'", fixture.noting("hook", &["ID"]), fixture.text("refuse"));
    fixture.configure(&certificate(NAME, "tx", &format!("hook = {}", toml(&hook))));
    fixture.sync(&[]).exits(0);
    fixture.renew(Cloud::Tencent, &old.id);
    fixture.sync(&[]).exits(0);
    fixture.take_log();
    fixture.write("refuse", "");
    fixture.certctl("rollback", &[NAME]).run().exits(8).says(&[NAME, "hook `"]);
    fixture.holds(NAME, &old);
    fixture.sync(&[]).exits(8).says(&["hook `"]);
    fixture.remove("refuse");
    let run = fixture.sync(&["-o", "json"]).exits(0);
    assert_eq!(run.json()["results"][0]["outcome"], "pinned");
    assert_eq!(
        fixture.take_log(),
        [format!("hook {}", old.id), format!("hook {}", old.id), format!("hook {}", old.id)]
    );
    fixture.sync(&[]).exits(0);
    assert_eq!(fixture.log(), Vec::<String>::new());
    fixture.holds(NAME, &old);
}
