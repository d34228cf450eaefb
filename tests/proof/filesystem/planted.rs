//! What another user, root or the running user has put where certctl reads or writes.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, chown, lchown, symlink};

use super::ground::{Facts, Ground, NAME, Plant, STRANGER, USER, as_user, copy, facts, run, uproot};
use crate::proof;

/// A link on the way to `<dir>`, by owner: root's and the running user's are followed, another's never.
#[test]
fn links_on_the_way() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let mut cases = 0;
    for (is_user, owner) in [(false, 0), (false, USER), (false, STRANGER), (true, 0), (true, USER), (true, STRANGER)] {
        let is_followed = owner == 0 || is_user && owner == USER;
        for (target, follows) in [
            ("elsewhere", is_followed),
            ("elsewhere/new", is_followed),
            ("elsewhere/../elsewhere", is_followed),
            ("way", false),
            ("victim/passwd", false),
            ("/dev/null", false),
            ("/proc/self/fd", false),
            ("/proc/self/exe", false),
            ("/sys/kernel", false),
        ] {
            for (dir, sub) in [("way", ""), ("way/certs", "certs"), ("way/a/../certs", "certs"), ("real/../way", "")] {
                for name in ["elsewhere", "real", "way"] {
                    uproot(&ground.path(name));
                }
                for name in ["elsewhere", "real"] {
                    fs::DirBuilder::new().mode(0o755).create(ground.path(name)).unwrap();
                    chown(ground.path(name), Some(if is_user { USER } else { 0 }), None).unwrap();
                }
                symlink(ground.path(target), ground.path("way")).unwrap();
                lchown(ground.path("way"), Some(owner), Some(owner)).unwrap();
                let untouched = |ground: &Ground| [ground.victim(), facts(&ground.path("real"))];
                let before = (untouched(&ground), facts(&ground.path("elsewhere")));
                let command = ground.download(&certificate, ground.path(dir));
                let run = run(if is_user { as_user(command) } else { command });
                let context = format!("uid {owner}'s link to {target}, -d {dir}, user {is_user}: {}", run.stderr);
                assert_eq!(untouched(&ground), before.0, "{context}");
                if follows {
                    assert_eq!(run.code, 0, "{context}");
                    let home = ground.path(target).join(sub).join(NAME);
                    assert!(home.join("privkey.pem").exists(), "{context}");
                } else {
                    run.exits(7).says(&["; "]);
                    assert_eq!(facts(&ground.path("elsewhere")), before.1, "{context}");
                }
                cases += 1;
            }
        }
    }
    proof::held("filesystem::planted::links_on_the_way", cases);
}

/// Everything of certctl's own below `<dir>`, replaced by everything else that there can be, while a renewed certificate
/// waits to be installed.
#[test]
fn in_the_certificate_directory() {
    let Some(ground) = Ground::new() else { return };
    let old = ground.issue();
    ground.sync().exits(0);
    let version = fs::read_link(ground.home().join("current")).unwrap();
    let version = version.to_str().unwrap();
    copy(&ground.path("certs"), &ground.path("template"));
    let new = ground.renew(&old);
    let own = |name: &str| format!("{NAME}/{name}");
    let places = [
        NAME.to_owned(),
        own("current"),
        own("versions"),
        own("privkey.pem"),
        own("metadata.json"),
        own("combined.pem"),
        own(".current.new"),
        own(".certctl.json"),
        own(".certctl.json.new"),
        own(version),
        own(&format!("{version}/privkey.pem")),
        own(&format!("{version}/metadata.json")),
        ".certctl".to_owned(),
        ".certctl/lock".to_owned(),
    ];
    let (mut refused, mut healed) = (0, 0);
    for place in &places {
        for plant in Plant::ALL {
            // What kind it is matters more than whose: both owners of what is not followed anyway come by turns.
            let owner = if (refused + healed) % 2 == 0 { STRANGER } else { 0 };
            uproot(&ground.path("certs"));
            copy(&ground.path("template"), &ground.path("certs"));
            let path = ground.path("certs").join(place);
            plant.put(&path, &ground, owner);
            let (before, victim) = (certs(&ground), ground.victim());
            let run = ground.sync();
            let context = format!("{plant:?} of uid {owner} at {place}: {}", run.stderr);
            assert_eq!(ground.victim(), victim, "{context}");
            if run.code == 0 {
                // It is in nobody's way, and not what certctl would remove: it is warned about.
                if run.stderr.contains("warning: cannot remove ") && place.ends_with(".certctl.json.new") {
                    uproot(&path);
                }
                ground.is_sound(&new, &context);
                healed += 1;
            } else {
                run.exits(7).says(&[NAME]);
                assert_eq!(certs(&ground), before, "{context}");
                uproot(&path);
                assert_eq!(ground.sync().code, 0, "{context}");
                ground.is_sound(&new, &context);
                refused += 1;
            }
            assert_eq!(ground.victim(), victim, "{context}");
        }
    }
    assert!(refused > 60 && healed > 40, "{refused} refused, {healed} healed");
    proof::held("filesystem::planted::in_the_certificate_directory", refused + healed);
}

/// All but the lock, which has its last holder's number, and what is remembered of the cloud.
fn certs(ground: &Ground) -> Facts {
    let mut found = facts(&ground.path("certs"));
    found.retain(|(path, ..)| !path.starts_with(ground.path("certs/.certctl")) && *path != ground.path("certs"));
    found
}

/// Whatever is read or written beside `<dir>`: install paths and what is beside them, report, metrics, secret files.
#[test]
fn in_place_of_files() {
    let Some(ground) = Ground::new() else { return };
    let mut certificate = ground.issue();
    ground.configure_installed("formats = ['pem', 'pkcs12']\nkeystore_password = { file = 'PASSWORD' }");
    let text = fs::read_to_string(ground.path("certctl.toml")).unwrap();
    ground.secret("certctl.toml", &text.replace("PASSWORD", &ground.text("password")));
    ground.secret("password", "correct horse battery staple\n");
    let secret = fs::read_to_string(ground.path("ct.key")).unwrap();
    let sync = || {
        let files = ["certctl.toml", "out/report.json", "out/metrics.prom"].map(|name| ground.text(name));
        let [config, report, metrics] = &files;
        run(ground.certctl(["sync", "-c", config, "--report", report, "--metrics-file", metrics]))
    };
    assert_eq!(sync().code, 0);
    let mut cases = 0;
    for (place, codes) in [
        ("etc/www.key", &[0, 7][..]),
        ("etc/.www.key.certctl-new", &[0, 7]),
        ("etc/.www.key.certctl-old", &[0, 7]),
        ("etc/.www.key.certctl-half", &[0, 7]),
        ("out/report.json", &[0, 7]),
        ("out/metrics.prom", &[0, 7]),
        ("password", &[0, 2, 3]),
        ("ct.key", &[3]),
    ] {
        for plant in Plant::ALL {
            // That the certificate is new makes it write.
            certificate = ground.renew(&certificate);
            let path = ground.path(place);
            plant.put(&path, &ground, if cases % 2 == 0 { STRANGER } else { 0 });
            let victim = ground.victim();
            let run = sync();
            let context = format!("{plant:?} at {place}: {} {}", run.code, run.stderr);
            assert!(codes.contains(&run.code), "{context}");
            assert_eq!(ground.victim(), victim, "{context}");
            if run.code != 0 {
                run.says(&[]);
            }
            uproot(&path);
            match place {
                "password" => ground.secret(place, "correct horse battery staple\n"),
                "ct.key" => ground.secret(place, &secret),
                _ => {}
            }
            assert_eq!(sync().code, 0, "{context}");
            ground.is_sound_installed(&certificate, &context);
            assert_eq!(ground.victim(), victim, "{context}");
            cases += 1;
        }
    }
    proof::held("filesystem::planted::in_place_of_files", cases);
}

/// A run that fails reads the metrics of the last one that did not.
#[test]
fn in_place_of_metrics_after_a_failure() {
    let Some(ground) = Ground::new() else { return };
    ground.issue();
    assert_eq!(ground.sync().code, 0);
    fs::write(ground.home().join("versions/README"), "").unwrap();
    let (config, metrics) = (ground.text("certctl.toml"), ground.text("out/metrics.prom"));
    let mut cases = 0;
    for plant in Plant::ALL {
        for command in ["sync", "check"] {
            plant.put(&ground.path("out/metrics.prom"), &ground, STRANGER);
            let victim = ground.victim();
            let args = if command == "sync" { &["no.such.name"][..] } else { &["--within", "9000d"] };
            let run = run(ground.certctl([&[command, "-c", &config, "--metrics-file", &metrics], args].concat()));
            assert!(matches!(run.code, 2 | 9 | 11 | 7), "{plant:?}: {run:?}");
            assert_eq!(ground.victim(), victim, "{plant:?}");
            cases += 1;
        }
    }
    proof::held("filesystem::planted::in_place_of_metrics_after_a_failure", cases);
}

/// A config that is found, not named, in a directory where others write.
#[test]
fn in_place_of_the_config() {
    let Some(ground) = Ground::new() else { return };
    fs::create_dir(ground.path("here")).unwrap();
    let mut cases = 0;
    for plant in Plant::ALL {
        for owner in [STRANGER, 0] {
            plant.put(&ground.path("here/certctl.toml"), &ground, owner);
            let victim = ground.victim();
            for args in [&["sync"][..], &["list", "-p", "ctyun"], &["check"], &["config", "check"], &["config", "init"]]
            {
                let mut command = ground.certctl(args);
                command.env_remove("CERTCTL_CONFIG").current_dir(ground.path("here"));
                let run = run(command);
                // What leads nowhere is no config: another may be found, or none is needed.
                let passed_over = plant == Plant::Dangling && (run.code == 0 || run.code == 7);
                assert!(run.code == 2 || passed_over, "{plant:?} of {owner}: {args:?} {run:?}");
                assert_eq!(ground.victim(), victim, "{plant:?}: {args:?}");
                cases += 1;
            }
        }
    }
    proof::held("filesystem::planted::in_place_of_the_config", cases);
}
