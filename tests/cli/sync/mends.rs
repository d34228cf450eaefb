//! What stays in place is kept as the config wants it: from what is on disk where that is whole.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::SignedDuration;

use super::{ACCOUNTS, Fixture, certificate};
use crate::sandbox::{Account, Certificate, Cloud, Options};

const NAME: &str = "a.example";

/// Why what is in place stays there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stays {
    Newest,
    /// The cloud has only an older one.
    NewerThanAll,
    /// The newer one was taken away by a rollback.
    Pinned,
}

/// A certificate that is in place and stays, with a check and a hook.
struct Ground {
    fixture: Fixture,
    stays: Stays,
    held: Certificate,
    /// The one that a rollback took away.
    rejected: Option<Certificate>,
}

impl Ground {
    fn new(stays: Stays) -> Self {
        let fixture = Fixture::new();
        let old = fixture.issue(Cloud::Tencent, NAME, (-30, 60));
        let mut ground = Self { fixture, stays, held: old, rejected: None };
        ground.says("");
        let Self { fixture, held, rejected, .. } = &mut ground;
        fixture.sync(&[]).exits(0);
        if stays != Stays::Newest {
            let new = fixture.renew(Cloud::Tencent, &held.id);
            fixture.sync(&[]).exits(0);
            if stays == Stays::Pinned {
                fixture.certctl("rollback", &[NAME]).run().exits(0);
                *rejected = Some(new);
            } else {
                fixture.withdraw(Cloud::Tencent, &new.id);
                *held = new;
            }
        }
        fixture.take_log();
        ground.is_settled();
        ground
    }

    fn says(&self, more: &str) {
        let (check, hook) = (self.fixture.notes("check", &["ID"]), self.fixture.notes("hook", &["ID"]));
        self.fixture.configure(&certificate(NAME, "tx", &format!("check = {check}\nhook = {hook}\n{more}")));
    }

    /// It is in place, a run leaves it there, and a pin is one still.
    #[track_caller]
    fn is_settled(&self) {
        self.fixture.holds(NAME, &self.held);
        if self.stays == Stays::Pinned {
            let run = self.fixture.sync(&["-o", "json"]).exits(0);
            assert_eq!(run.json()["results"][0]["outcome"], "pinned", "{}", run.stdout);
            assert_eq!(self.fixture.log(), Vec::<String>::new());
        } else {
            self.fixture.is_quiet();
        }
    }

    /// The next run sets right what is wrong, followed by check and hook; it asks for so many downloads.
    #[track_caller]
    fn is_mended(&self, what: &str, downloads: usize) {
        let marks = self.fixture.marks();
        let run = self.fixture.sync(&[]).exits(0);
        let line = format!("{NAME} (tencent {}): updated, ", self.held.id);
        assert!(run.stdout.starts_with(&line) && run.stdout.lines().count() == 1, "{what}: {run:?}");
        assert_eq!(run.errors(), Vec::<&str>::new());
        let asked: usize = self.fixture.asked_since(&marks).values().sum();
        assert_eq!(asked, downloads, "{what}: {:?}", self.fixture.asked_since(&marks));
        let id = &self.held.id;
        assert_eq!(self.fixture.take_log(), [format!("check {id}"), format!("hook {id}")], "{what}");
        self.is_settled();
    }

    fn mode(&self, file: &str) -> u32 {
        self.fixture.home(NAME).join(file).metadata().unwrap().permissions().mode() & 0o7777
    }

    fn damage(&self) {
        fs::write(self.fixture.home(NAME).join("privkey.pem"), "x").unwrap();
    }
}

#[test]
fn from_what_is_on_disk() {
    for stays in [Stays::Newest, Stays::NewerThanAll, Stays::Pinned] {
        let ground = Ground::new(stays);
        let fixture = &ground.fixture;
        let home = fixture.home(NAME);
        ground.says("key_mode = '0640'");
        ground.is_mended("mode", 0);
        assert_eq!(ground.mode("privkey.pem"), 0o640);
        ground.says("");
        ground.is_mended("mode again", 0);
        assert_eq!(ground.mode("privkey.pem"), 0o600);
        fs::set_permissions(home.join("privkey.pem"), fs::Permissions::from_mode(0o644)).unwrap();
        ground.is_mended("mode by hand", 0);
        assert_eq!(ground.mode("privkey.pem"), 0o600);

        ground.says("formats = ['pem', 'combined', 'der']");
        ground.is_mended("formats", 0);
        let read = |path: &Path| fs::read(path).unwrap();
        let both = [read(&home.join("fullchain.pem")), read(&home.join("privkey.pem"))].concat();
        assert_eq!(read(&home.join("combined.pem")), both);
        assert!(home.join("privkey.der").exists());

        fs::create_dir(fixture.path("ssl")).unwrap();
        let copy = fixture.path("ssl/a.key");
        let install = format!("install = [{{ file = 'privkey.pem', to = '{}' }}]", copy.display());
        ground.says(&install);
        ground.is_mended("copies, and a format less", 0);
        assert!(!home.join("combined.pem").exists());
        fs::write(&copy, "x").unwrap();
        ground.is_mended("a copy that was damaged", 0);
        assert_eq!(read(&copy), read(&home.join("privkey.pem")));

        if rustix::process::geteuid().is_root() {
            ground.says(&format!("group = 'daemon'\n{install}"));
            ground.is_mended("group", 0);
            let group = |path: &Path| std::os::unix::fs::MetadataExt::gid(&path.metadata().unwrap());
            assert!(group(&copy) != 0 && group(&copy) == group(&home.join("privkey.pem")));
        }
    }
}

/// Bytes that are damaged come from the cloud again, where it has them.
#[test]
fn damaged_bytes() {
    for stays in [Stays::Newest, Stays::Pinned] {
        let ground = Ground::new(stays);
        ground.damage();
        ground.is_mended("bytes", 1);
    }
    let ground = Ground::new(Stays::NewerThanAll);
    ground.damage();
    for _ in 0..2 {
        let run = ground.fixture.sync(&["-o", "json"]).exits(6).says(&[NAME, &ground.held.id, "--force"]);
        assert_eq!(run.json()["results"][0]["error"]["code"], "older", "{}", run.stdout);
        assert_eq!(ground.fixture.metadata(NAME)["id"], ground.held.id);
        assert_eq!(ground.fixture.log(), Vec::<String>::new());
    }
}

/// Of what was rolled back to nothing can be told any more.
#[test]
fn pinned_and_nobody_knows_what() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 3] = [
        ("metadata", |home| fs::write(home.join("metadata.json"), "{").unwrap()),
        ("metadata gone", |home| fs::remove_file(fs::canonicalize(home.join("metadata.json")).unwrap()).unwrap()),
        ("current", |home| fs::remove_file(home.join("current")).unwrap()),
    ];
    for (what, damage) in damages {
        // The newest that was not rejected is installed, and what was rejected stays so.
        let ground = Ground::new(Stays::Pinned);
        let fixture = &ground.fixture;
        damage(&fixture.home(NAME));
        let run = fixture.sync(&[]).exits(0);
        assert_eq!(run.errors(), Vec::<&str>::new(), "{what}");
        fixture.take_log();
        ground.is_settled();

        // Nothing else is there: it is the user's to say.
        let ground = Ground::new(Stays::Pinned);
        let (fixture, rejected) = (&ground.fixture, ground.rejected.as_ref().unwrap());
        damage(&fixture.home(NAME));
        fixture.withdraw(Cloud::Tencent, &ground.held.id);
        for _ in 0..2 {
            let run = fixture.sync(&[]).exits(6).says(&[NAME, &rejected.id, "--force"]);
            assert_eq!((run.stdout.as_str(), fixture.log()), ("", Vec::new()), "{what}");
        }
        fixture.sync(&["--force"]).exits(0);
        fixture.holds(NAME, rejected);
        fixture.take_log();
        fixture.is_quiet();
    }
}

/// A cloud may tell other dates than the certificate itself has: what was rejected is rejected all the same.
#[test]
fn the_rejected_one_is_not_newer_than_itself() {
    let clouds = ACCOUNTS.map(|(_, _, cloud, _)| cloud);
    for late in [SignedDuration::from_hours(1), SignedDuration::from_hours(-1)] {
        let options = Options { late_dates: clouds.map(|cloud| (cloud, late)).to_vec(), ..Options::default() };
        let fixture = Fixture::with(options, Account::Empty);
        for (account, _, cloud, _) in ACCOUNTS {
            let old = fixture.issue(cloud, NAME, (-30, 60));
            let dir = fixture.text(account);
            fixture.configure(&certificate(NAME, account, &format!("dir = '{dir}'")));
            fixture.sync(&[]).exits(0);
            // Of today's, the dates that are told may be in the future still.
            let from = old.validity.unwrap().0 + SignedDuration::from_hours(24);
            fixture.sandbox.renew_from(cloud, fixture.account, &old.id, from);
            fixture.sync(&[]).exits(0);
            fixture.certctl("rollback", &[NAME]).run().exits(0);
            for _ in 0..2 {
                let run = fixture.sync(&["-o", "json"]).exits(0);
                let row = &run.json()["results"][0];
                assert_eq!((&row["outcome"], &row["id"]), (&"pinned".into(), &old.id.clone().into()), "{account}");
            }
        }
    }
}
