//! certctl's own directories: each kind of damage, alone and together, by the config and by metadata.json.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{chown, symlink};

use rustix::process::geteuid;

use super::damages::DAMAGES;
use super::{Ground, NAME, codes, copy, set_mode, table};
use crate::sandbox::{Account, Cloud};

const FORMATS: &str = "pem,combined,pkcs12,jks,der,k8s-secret";

/// By metadata.json alone, and by the config that wants the same.
#[test]
fn each_kind_of_damage() {
    let ground = Ground::new();
    ground.download(NAME, FORMATS);
    fs::rename(ground.path("certs"), ground.path("sound")).unwrap();
    let formats: Vec<_> = FORMATS.split(',').collect();
    let config = table(NAME, &format!("formats = {formats:?}"));
    for (what, damage, wanted, words) in DAMAGES {
        copy(&ground.path("sound"), &ground.path("certs"));
        damage(&ground.home(NAME));
        for is_configured in [false, true] {
            // By its path without a config, and by its name in one.
            let target = if is_configured {
                ground.configure(&config);
                NAME.to_owned()
            } else {
                drop(fs::remove_file(ground.path("certctl.toml")));
                ground.home(NAME).display().to_string()
            };
            // The config names the right domains, whatever the metadata says.
            let is_right = is_configured && *wanted == ["name"];
            let (wanted, words): (BTreeSet<_>, _) = match is_right {
                true => (BTreeSet::new(), &[][..]),
                false => (wanted.iter().copied().collect(), *words),
            };
            let before = super::snapshot(ground.directory.path());
            let run = ground.check(&[&target, "-o", "json"]).exits(if is_right { 0 } else { 6 });
            assert_eq!(super::snapshot(ground.directory.path()), before, "{what}: nothing is written");
            let found = super::problems(&run.json());
            assert_eq!(codes(&found), wanted, "{what} {is_configured}: {found:#?}");
            for word in words {
                assert!(found.iter().any(|(_, message)| message.contains(word)), "{what}: {word} in {found:#?}");
            }
            assert_eq!(run.errors().len(), found.len(), "{what}: a line each\n{}", run.stderr);
            for (_, message) in &found {
                assert!(run.stderr.contains(&format!("certctl: error: {NAME}: {message}; ")), "{what}: {message}");
            }
        }
        fs::remove_dir_all(ground.path("certs")).unwrap();
    }
}

#[test]
fn owners() {
    if !crate::oracle::is_there(geteuid().is_root(), "root, to give files away,") {
        return;
    }
    let ground = Ground::new();
    ground.download(NAME, "pem");
    let target = ground.home(NAME).display().to_string();
    for name in ["current/privkey.pem", "current/metadata.json", "current"] {
        copy(&ground.path("certs"), &ground.path("sound"));
        chown(ground.home(NAME).join(name), Some(12345), None).unwrap();
        let found = ground.problems(&target, 6);
        assert_eq!(codes(&found), ["owner"].into(), "{name}");
        assert!(found[0].1.contains("belongs to uid 12345 instead of 0"), "{found:?}");
        fs::remove_dir_all(ground.path("certs")).unwrap();
        fs::rename(ground.path("sound"), ground.path("certs")).unwrap();
    }
    // Another user's certctl made it: what is theirs alike is right, whoever looks.
    let all = std::process::Command::new("chown").args(["-hR", "12345"]).arg(ground.path("certs")).status().unwrap();
    assert!(all.success());
    assert_eq!(ground.problems(&target, 0), []);
}

/// What only the config knows: owners, modes, formats, domains, copies, a key store's password.
#[test]
fn what_the_config_wants() {
    let ground = Ground::new();
    ground.issue(NAME);
    fs::create_dir(ground.path("ssl")).unwrap();
    fs::write(ground.path("password"), "changeit\n").unwrap();
    set_mode(&ground.path("password"), 0o600);
    let install = format!(
        "install = [{{ file = 'fullchain.pem', to = '{0}/www.crt' }}, {{ file = 'privkey.pem', to = '{0}/www.key' }}]\n",
        ground.text("ssl")
    );
    let password = format!("keystore_password = {{ file = '{}' }}\n", ground.text("password"));
    let usual = format!("formats = ['pkcs12']\n{install}{password}");
    ground.configure(&table(NAME, &usual));
    let nothing = ground.check(&[]).exits(6).says(&["is not there: nothing was ever installed", "`certctl sync"]);
    assert!(nothing.stdout.contains("damaged"), "{}", nothing.stdout);
    ground.certctl("sync", &[]).run().exits(0);
    assert_eq!(ground.problems(NAME, 0), []);
    for (what, more, wanted, words) in [
        ("modes", "key_mode = '0640'\n", "mode", "privkey.pem has mode 0600 instead of 0640"),
        ("a format more", "", "missing_file", "combined.pem is missing"),
        ("domains", "domains = ['www.example.com', 'api.example.com']\n", "name", "does not cover api.example.com"),
        ("another id", "id = 'LtIaSxlb'\n", "name", "the config wants LtIaSxlb"),
    ] {
        let usual =
            if what == "a format more" { usual.replace("'pkcs12'", "'pkcs12', 'combined'") } else { usual.clone() };
        ground.configure(&table(NAME, &format!("{more}{usual}")));
        let found = ground.problems(NAME, 6);
        assert!(codes(&found).contains(wanted), "{what}: {found:?}");
        assert!(found.iter().any(|(_, message)| message.contains(words)), "{what}: {found:?}");
    }
    if geteuid().is_root() {
        ground.configure(&table(NAME, &format!("owner = 'daemon'\ngroup = 'daemon'\n{usual}")));
        let found = ground.problems(NAME, 6);
        assert!(codes(&found).contains("owner"), "{found:?}");
        assert!(found.iter().any(|(_, message)| message.contains("instead of")), "{found:?}");
    }
    ground.configure(&table(NAME, &usual));
    fs::write(ground.path("password"), "another\n").unwrap();
    assert_eq!(codes(&ground.problems(NAME, 6)), ["keystore"].into());
    fs::remove_file(ground.path("password")).unwrap();
    ground.check(&[NAME]).exits(3).says(&[NAME]);
    // By its path the same config counts; without the config nobody knows the password, and that is no problem.
    ground.check(&[&ground.home(NAME).display().to_string()]).exits(3);
    fs::remove_file(ground.path("certctl.toml")).unwrap();
    assert_eq!(ground.problems(&ground.home(NAME).display().to_string(), 0), []);
}

#[test]
fn copies_at_fixed_paths() {
    let ground = Ground::new();
    ground.issue(NAME);
    fs::create_dir(ground.path("ssl")).unwrap();
    let copy = ground.path("ssl/www.key");
    ground.configure(&table(NAME, &format!("install = [{{ file = 'privkey.pem', to = '{}' }}]", copy.display())));
    ground.certctl("sync", &[]).run().exits(0);
    assert_eq!(ground.problems(NAME, 0), []);
    let damages: [(&dyn Fn(), &str); 6] = [
        (&|| fs::write(&copy, "x").unwrap(), "does not hold the same bytes"),
        (&|| set_mode(&copy, 0o644), "has mode 0644 instead of 0600"),
        (&|| fs::remove_file(&copy).unwrap(), "is missing"),
        (&|| symlink("/etc/passwd", &copy).unwrap(), "is not a file, or has another length"),
        (&|| fs::write(ground.path("ssl/.www.key.certctl-new"), "x").unwrap(), "has beside it what a run that died"),
        (&|| fs::remove_dir_all(ground.path("ssl")).unwrap(), "is not there"),
    ];
    for (damage, words) in damages {
        damage();
        let found = ground.problems(NAME, 6);
        assert_eq!(codes(&found), ["install"].into(), "{words}");
        assert!(found.iter().any(|(_, message)| message.contains(words)), "{words}: {found:?}");
        drop(fs::remove_file(&copy));
        if ground.path("ssl").exists() {
            ground.certctl("sync", &[]).run().exits(0);
            drop(fs::remove_file(&copy).and_then(|()| fs::copy(ground.home(NAME).join("privkey.pem"), &copy)));
            set_mode(&copy, 0o600);
            assert_eq!(ground.problems(NAME, 0), [], "{words}: again");
            if words == "is missing" {
                fs::remove_file(&copy).unwrap();
            }
        }
    }
}

/// What metadata.json says is a word of the command that is shown, not more.
#[test]
fn hints_can_be_pasted() {
    let ground = Ground::new();
    ground.download(NAME, "pem");
    let home = ground.home(NAME);
    let metadata = home.join("current/metadata.json");
    let text =
        fs::read_to_string(&metadata).unwrap().replace("\"account\": \"tencent\"", "\"account\": \"x'; reboot\"");
    fs::write(&metadata, text).unwrap();
    set_mode(&home.join("current/privkey.pem"), 0o644);
    let run = ground.check(&[&home.display().to_string(), "-o", "json"]).exits(6);
    let hint = run.json()["results"][0]["problems"][0]["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains(r"--account 'x'\''; reboot' "), "{hint}");
}

/// What sync calls pinned is no damage, and no sync would set it right; another id is, still.
#[test]
fn an_id_that_was_rolled_back() {
    let ground = Ground::new();
    let old = ground.issue(NAME);
    ground.configure(&table(NAME, &format!("id = '{}'", old.id)));
    ground.certctl("sync", &[]).run().exits(0);
    let new = ground.sandbox.renew(Cloud::Tencent, Account::Empty, &old.id);
    ground.configure(&table(NAME, &format!("id = '{}'", new.id)));
    ground.certctl("sync", &[]).run().exits(0);
    ground.certctl("rollback", &[NAME]).run().exits(0);
    let run = ground.certctl("sync", &["-o", "json"]).run().exits(0);
    assert_eq!(run.json()["results"][0]["outcome"], "pinned");
    assert_eq!(ground.problems(NAME, 0), []);
    ground.configure(&table(NAME, "id = 'LtIaSxlb'"));
    assert_eq!(codes(&ground.problems(NAME, 6)), ["name"].into());
    // Once it is installed again, the old one is damage if it is there.
    ground.configure(&table(NAME, &format!("id = '{}'", new.id)));
    ground.certctl("sync", &["--force"]).run().exits(0);
    ground.configure(&table(NAME, &format!("id = '{}'", old.id)));
    assert_eq!(codes(&ground.problems(NAME, 6)), ["name"].into());
}

/// No file is wrong yet, but anybody could make it so.
#[test]
fn a_directory_that_anybody_may_write_to() {
    let ground = Ground::new();
    ground.download(NAME, "pem");
    let home = ground.home(NAME);
    let path = home.display().to_string();
    set_mode(&home, 0o775);
    assert_eq!(ground.problems(&path, 0), [], "a group may be meant to");
    set_mode(&home, 0o777);
    let found = ground.problems(&path, 6);
    assert_eq!(codes(&found), ["mode"].into());
    assert!(found[0].1.contains("mode 0777"), "{found:?}");
    ground.check(&[&path]).exits(6).says(&["chmod o-w", &path]);
}
