//! The config says something new: it is done without a new certificate, and then there is quiet.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::{Fixture, certificate};
use crate::oracle;
use crate::sandbox::Cloud;

const NAME: &str = "site.example";

/// One certificate in place under a first config; a hook that notes each change.
struct Ground {
    fixture: Fixture,
    certificate: crate::sandbox::Certificate,
}

impl Ground {
    fn new(more: &str) -> Self {
        let fixture = Fixture::new();
        let certificate = fixture.issue(Cloud::Tencent, NAME, (-10, 80));
        let ground = Self { fixture, certificate };
        ground.says(more);
        ground.fixture.sync(&[]).exits(0);
        ground.fixture.is_quiet();
        ground.fixture.take_log();
        ground
    }

    fn says(&self, more: &str) {
        let (check, hook) = (self.fixture.notes("check", &["NAME"]), self.fixture.notes("hook", &["NAME"]));
        self.fixture.configure(&certificate(NAME, "tx", &format!("check = {check}\nhook = {hook}\n{more}")));
    }

    /// The next run makes it so, with check and hook, and the one after it has nothing to do.
    #[track_caller]
    fn becomes(&self, more: &str) {
        self.says(more);
        let run = self.fixture.sync(&[]).exits(0);
        let subject = format!("{NAME} (tencent {}): updated, ", self.certificate.id);
        assert!(run.stdout.starts_with(&subject) && run.stdout.lines().count() == 1, "{}", run.stdout);
        assert_eq!(run.stderr, "");
        assert_eq!(self.fixture.take_log(), ["check site.example", "hook site.example"], "{more}");
        self.fixture.is_quiet();
        self.fixture.holds(NAME, &self.certificate);
    }

    fn mode(&self, file: &str) -> u32 {
        self.fixture.home(NAME).join(file).metadata().unwrap().mode() & 0o7777
    }
}

#[test]
fn modes() {
    let ground = Ground::new("");
    assert_eq!((ground.mode("privkey.pem"), ground.mode("cert.pem")), (0o600, 0o644));
    ground.becomes("key_mode = '0640'");
    assert_eq!((ground.mode("privkey.pem"), ground.mode("cert.pem")), (0o640, 0o644));
    ground.becomes("key_mode = '0640'\ncert_mode = '0444'");
    assert_eq!((ground.mode("privkey.pem"), ground.mode("cert.pem")), (0o640, 0o444));
    ground.becomes("");
    assert_eq!((ground.mode("privkey.pem"), ground.mode("cert.pem")), (0o600, 0o644));
}

#[test]
fn owner_and_group() {
    if !is_root() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let ground = Ground::new("");
    let ids = |file: &str| {
        let metadata = ground.fixture.home(NAME).join(file).metadata().unwrap();
        (metadata.uid(), metadata.gid())
    };
    ground.becomes("group = 'daemon'");
    let (_, daemon) = ids("privkey.pem");
    assert_ne!(daemon, 0);
    ground.becomes("owner = 'daemon'\ngroup = 'daemon'");
    let (owner, group) = ids("privkey.pem");
    assert!(owner != 0 && group == daemon);
    assert_eq!(ids("cert.pem"), (owner, group));
    ground.becomes("");
    assert_eq!(ids("privkey.pem").0, 0);
}

/// A mode that somebody changed by hand is as wrong as one that the config changed.
#[test]
fn a_repair() {
    let ground = Ground::new("");
    let key = ground.fixture.home(NAME).join("privkey.pem");
    let repaired = |what: &str| {
        ground.becomes("");
        assert_eq!((ground.mode("privkey.pem"), what), (0o600, what));
    };
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    repaired("mode");
    fs::write(&key, "").unwrap();
    repaired("bytes");
    fs::remove_file(fs::canonicalize(&key).unwrap()).unwrap();
    repaired("missing");
    fs::remove_file(ground.fixture.home(NAME).join("chain.pem")).unwrap();
    repaired("link");
}

#[test]
fn formats() {
    let ground = Ground::new("");
    ground.becomes("formats = ['pem', 'combined']");
    let home = ground.fixture.home(NAME);
    let read = |file: &str| fs::read(home.join(file)).unwrap();
    assert_eq!(read("combined.pem"), [read("fullchain.pem"), read("privkey.pem")].concat());
    assert_eq!(ground.mode("combined.pem"), 0o600);
    ground.becomes("formats = ['combined', 'der']");
    assert_eq!(ground.mode("privkey.der"), 0o600);
    if oracle::has("openssl") {
        let text = |file: &str| home.join(file).display().to_string();
        let leaf = oracle::run("openssl", &["x509", "-inform", "DER", "-in", &text("cert.der")]);
        assert_eq!(leaf.as_bytes(), read("cert.pem"));
        let of =
            |file: &str, form: &str| oracle::run("openssl", &["pkey", "-inform", form, "-in", &text(file), "-pubout"]);
        assert_eq!(of("privkey.der", "DER"), of("privkey.pem", "PEM"));
    }
    ground.becomes("");
    assert!(!home.join("combined.pem").exists() && !home.join("cert.der").exists());
    assert!(home.join("cert.der").symlink_metadata().is_err(), "no link to nowhere");
}

/// Nothing of these shows in a hash.
#[test]
fn names_in_a_kubernetes_secret() {
    let ground = Ground::new("formats = ['k8s-secret']");
    let text = || fs::read_to_string(ground.fixture.home(NAME).join("secret.yaml")).unwrap();
    assert!(text().contains("  name: \"site.example\"\ndata:\n"), "{}", text());
    ground.becomes("formats = ['k8s-secret']\nkubernetes = { name = 'shop', namespace = 'web' }");
    assert!(text().contains("  name: \"shop\"\n  namespace: \"web\"\ndata:\n"), "{}", text());
    ground.becomes("formats = ['k8s-secret']\nkubernetes = { name = 'shop' }");
    assert!(text().contains("  name: \"shop\"\ndata:\n"), "{}", text());
}

#[test]
fn alias_and_password_of_key_stores() {
    let formats = "formats = ['pkcs12', 'jks']";
    let ground = Ground::new(formats);
    let home = ground.fixture.home(NAME);
    let read = |file: &str| fs::read(home.join(file)).unwrap();
    let stores = || (read("keystore.p12"), read("keystore.jks"));
    let (password, first) = (read("keystore.pass"), stores());
    ground.becomes(&format!("{formats}\nkeystore_alias = 'tomcat'"));
    assert_eq!(read("keystore.pass"), password, "servers know it");
    let second = stores();
    assert!(second.0 != first.0 && second.1 != first.1);
    ground.becomes(formats);
    assert_eq!(stores(), first, "the same that was there before, to the byte");
    // A password of the user's own, and then another in the same file.
    ground.fixture.write("store.pass", "correct horse\n");
    let with_password = format!("{formats}\nkeystore_password = {{ file = '{}' }}", ground.fixture.text("store.pass"));
    ground.becomes(&with_password);
    assert!(!home.join("keystore.pass").exists());
    let third = stores();
    ground.fixture.write("store.pass", "battery staple\n");
    ground.becomes(&with_password);
    let fourth = stores();
    assert_ne!(fourth, third);
    // One that Java does not take for PKCS#12 is spoken of when it is written, and not again.
    ground.fixture.write("store.pass", "batterie agrafée\n");
    let run = ground.fixture.sync(&[]).exits(0);
    assert!(run.stderr.contains("Java opens no PKCS#12 key store"), "{}", run.stderr);
    assert_ne!(stores(), fourth);
    ground.fixture.is_quiet();
    ground.fixture.take_log();
    // Nothing would read one of two lines as it stands.
    ground.fixture.write("store.pass", "battery\nstaple\n");
    ground.fixture.sync(&[]).exits(3).says(&[NAME, "no password for key stores: ", "store.pass holds a line break"]);
    // A password file that is gone stops nothing but this certificate, and nothing is lost.
    ground.fixture.remove("store.pass");
    let before = ground.fixture.snapshot();
    ground.fixture.sync(&[]).exits(3).says(&[NAME, "store.pass"]);
    assert_eq!(super::changes(&before, &ground.fixture.snapshot()), Vec::<std::path::PathBuf>::new());
    ground.becomes(&format!("{formats}\nkeystore_alias = 'tomcat'"));
    assert_ne!(read("keystore.pass"), password, "the old one is gone");
}

/// The group that `key_mode` lets write keystore.pass is trusted with it, too.
#[test]
fn a_password_that_a_group_may_write() {
    let ground = Ground::new("formats = ['pkcs12']\nkey_mode = '0660'");
    let password = || fs::read(ground.fixture.home(NAME).join("keystore.pass")).unwrap();
    let before = password();
    ground.becomes("formats = ['pkcs12']\nkey_mode = '0660'\nkeystore_alias = 'tomcat'");
    assert_eq!((password(), ground.mode("keystore.pass")), (before, 0o660));
}

#[test]
fn installed_copies() {
    let ground = Ground::new("");
    let fixture = &ground.fixture;
    fs::create_dir(fixture.path("ssl")).unwrap();
    let install = |copies: &[(&str, &str, &str)]| {
        let copy = |(file, to, mode): &(&str, &str, &str)| {
            let to = fixture.text(&format!("ssl/{to}"));
            let mode = if mode.is_empty() { String::new() } else { format!(", mode = '{mode}'") };
            format!("{{ file = '{file}', to = '{to}'{mode} }}")
        };
        format!("install = [{}]", copies.iter().map(copy).collect::<Vec<_>>().join(", "))
    };
    let is_copied = |file: &str, to: &str, mode: u32| {
        let copy = fixture.path("ssl").join(to);
        assert_eq!(fs::read(&copy).unwrap(), fs::read(fixture.home(NAME).join(file)).unwrap(), "{to}");
        assert_eq!(copy.symlink_metadata().unwrap().mode() & 0o177_777, 0o100_000 | mode, "a file, not a link");
    };
    let both = install(&[("fullchain.pem", "www.crt", ""), ("privkey.pem", "www.key", "")]);
    ground.becomes(&both);
    is_copied("fullchain.pem", "www.crt", 0o644);
    is_copied("privkey.pem", "www.key", 0o600);
    ground.becomes(&install(&[("fullchain.pem", "www.crt", ""), ("privkey.pem", "www.key", "0640")]));
    is_copied("privkey.pem", "www.key", 0o640);
    // Another path; the copy at the old one stays where it is.
    ground.becomes(&install(&[("fullchain.pem", "new.crt", ""), ("privkey.pem", "www.key", "")]));
    is_copied("fullchain.pem", "new.crt", 0o644);
    is_copied("fullchain.pem", "www.crt", 0o644);
    // It is right, so naming it again changes nothing.
    ground.says(&both);
    fixture.is_quiet();
    // Damaged, missing, or with too open a mode: repaired.
    let key = fixture.path("ssl/www.key");
    let damages: [&dyn Fn(&Path); 3] =
        [&|key| fs::write(key, "x").unwrap(), &|key| fs::remove_file(key).unwrap(), &|key| {
            fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
        }];
    for damage in damages {
        damage(&key);
        ground.becomes(&both);
        is_copied("privkey.pem", "www.key", 0o600);
    }
    // An entry that is removed leaves its copy where it is, and nothing is to be done.
    ground.says("");
    fixture.is_quiet();
    assert!(fixture.path("ssl/www.crt").exists());
    let names: Vec<_> = fs::read_dir(fixture.path("ssl")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "no file of certctl's own: {names:?}");
}

/// What is written beside them does not stay there.
#[test]
fn another_directory() {
    let ground = Ground::new("");
    let fixture = &ground.fixture;
    ground.says(&format!("dir = '{}'", fixture.text("elsewhere")));
    let run = fixture.sync(&[]).exits(0);
    assert!(run.stdout.contains(": created, "), "{}", run.stdout);
    assert_eq!(fixture.take_log(), ["check site.example", "hook site.example"]);
    fixture.is_quiet();
    let there = |dir: &str| fs::read(fixture.path(dir).join(NAME).join("privkey.pem")).unwrap();
    assert_eq!(there("elsewhere"), there("certs"), "what is in the old directory is the user's to remove");

    // The top of the file says it for all.
    let (check, hook) = (fixture.notes("check", &["NAME"]), fixture.notes("hook", &["NAME"]));
    let top = format!("dir = '{}'", fixture.text("third"));
    fixture.configure_with(&top, &certificate(NAME, "tx", &format!("check = {check}\nhook = {hook}\n")));
    fixture.sync(&[]).exits(0);
    fixture.is_quiet();
    assert_eq!(there("third"), there("certs"));
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
