//! Where certctl is started, with which surroundings, and what goes away under it.

use std::fs;
use std::os::unix::fs::chown;

use super::ground::{Ground, NAME, USER, as_user, facts, run, uproot};
use crate::proof;

/// Relative directories, none at all, and ones in which nothing can be made.
#[test]
fn directories_given() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let mut cases = 0;
    for (dir, at, code) in [
        ("certs", "here/certs", 0),
        (".", "here", 0),
        ("./", "here", 0),
        ("", "", 2),
        ("..", "", 0),
        ("a/../b", "here/b", 0),
        ("../../../../../../../../../../../..", "", 7),
        ("/", "", 7),
        ("//", "", 7),
        ("/proc", "", 7),
        ("/proc/self/cwd", "here", 7),
        ("/proc/1/root/tmp", "", 7),
        ("/dev/fd", "", 7),
        ("/dev/stdout", "", 7),
        ("/sys", "", 7),
    ] {
        uproot(&ground.path("here"));
        fs::create_dir(ground.path("here")).unwrap();
        for name in ["here", ""] {
            chown(ground.path(name), Some(USER), Some(USER)).unwrap();
        }
        let mut command = ground.download(&certificate, dir);
        command.current_dir(ground.path("here"));
        let victim = ground.victim();
        let run = run(as_user(command));
        assert_eq!(ground.victim(), victim);
        // Of /proc/self/cwd the owner is this user: such a link is followed, and it may lead back here.
        let is_fine = run.code == code || dir == "/proc/self/cwd" && run.code == 0;
        assert!(is_fine, "-d {dir:?}: {run:?}");
        if run.code == 0 {
            assert!(ground.path(at).join(NAME).join("privkey.pem").exists(), "-d {dir:?}");
            uproot(&ground.path(at).join(NAME));
        } else {
            assert!(code == 2 || run.errors().len() == 1 && run.stderr.contains("; "), "-d {dir:?}: {run:?}");
            assert_eq!(facts(&ground.path("here")).len(), 1, "-d {dir:?}");
        }
        cases += 1;
    }
    proof::held("filesystem::places::directories_given", cases);
}

/// Variables that lie, are missing, or are not text; and a current directory that is gone.
#[test]
fn surroundings() {
    let Some(ground) = Ground::new() else { return };
    ground.configure_installed("hook = ['true']");
    let certificate = ground.issue();
    let config = ground.text("certctl.toml");
    let victim = ground.victim();
    let mut cases = 0;
    let lies: [(&str, &str); 14] = [
        ("HOME", ""),
        ("HOME", "relative"),
        ("HOME", "/nonexistent"),
        ("HOME", "/dev/null"),
        ("XDG_CONFIG_HOME", "relative"),
        ("XDG_CONFIG_HOME", "/dev/null"),
        ("TMPDIR", "/nonexistent"),
        ("TMPDIR", "/dev/null"),
        ("TMPDIR", "victim"),
        ("LANG", "zh_CN.GB18030"),
        ("LC_ALL", "../../../etc/passwd"),
        ("TZ", "../../../../etc/shadow"),
        ("TZ", ":/dev/zero"),
        ("NO_COLOR", "\u{1b}[31m"),
    ];
    for (name, value) in lies {
        for args in [&["sync", "--force", "-c", &config][..], &["check", "-c", &config], &["list", "-p", "ctyun"]] {
            let mut command = ground.certctl(args);
            command.env(name, value);
            assert_eq!(run(command).code, 0, "{name}={value:?} {args:?}");
            assert_eq!(ground.victim(), victim);
            cases += 1;
        }
    }
    // Without a PATH the hook is looked for in vain, and said so before anything is asked.
    let mut command = ground.certctl(["sync", "--force", "-c", &config]);
    command.args(["-q"]).env("PATH", "/nonexistent");
    run(absolute(&command)).exits(2).says(&["`true`"]);
    // In a directory that is gone, what is named in full is done, and the rest refused.
    for (dir, code) in [(ground.text("full"), 0), (".".to_owned(), 7), ("x".to_owned(), 7)] {
        let mut command = ground.below(&["sh", "-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"", "sh"]);
        command.args(["download", "-p", "ctyun", &certificate.id, "-d", &dir]);
        let run = run(command);
        assert_eq!(run.code, code, "{dir}: {run:?}");
        if code == 7 {
            run.says(&["No such file or directory"]);
        }
        assert!(!ground.path("gone").exists() && !ground.path("x").exists());
        cases += 1;
    }
    proof::held("filesystem::places::surroundings", cases + 1);
}

/// `timeout` itself is looked for, too.
fn absolute(command: &std::process::Command) -> std::process::Command {
    let mut absolute = std::process::Command::new("/usr/bin/timeout");
    absolute.args(command.get_args()).env_clear();
    absolute.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    absolute.current_dir(command.get_current_dir().unwrap()).stdin(std::process::Stdio::null());
    absolute
}

/// The user's own check takes things away, or puts others in their place, and then agrees or not: nothing is written
/// where a link leads, and the next run puts everything in order.
#[test]
fn what_goes_away_during_the_run() {
    let Some(ground) = Ground::new() else { return };
    let mut certificate = ground.issue();
    let mut cases = 0;
    for away in [
        "mv certs/NAME moved",
        "rm -rf certs/NAME",
        "mv certs moved",
        "rm -rf certs",
        "rm -rf certs/.certctl",
        "rm certs/NAME/current",
        "rm -rf certs/NAME/versions",
        "rm -f certs/NAME/.certctl.json",
        "mv certs/NAME moved; ln -s ../victim certs/NAME; chown -h 12345 certs/NAME",
        "mv certs moved; ln -s victim certs; chown -h 12345 certs",
        "mv certs/NAME/versions moved; ln -s ../../victim certs/NAME/versions",
        "mv etc moved; ln -s victim etc; chown -h 12345 etc",
        "mv etc moved",
        "rm -f etc/.www.key.certctl-old",
        "rm -f etc/.www.key.certctl-old; ln victim/passwd etc/.www.key.certctl-old",
        "rm -f etc/www.key; ln -s ../victim/passwd etc/www.key",
        "rm -f etc/www.key; mkdir etc/www.key",
        "chmod 000 certs certs/NAME etc",
    ] {
        for then in ["true", "false"] {
            let script = format!("cd '{}'; {}; {then}", ground.text(""), away.replace("NAME", NAME));
            ground.configure_installed("");
            assert_eq!(ground.sync().code, 0, "{away}");
            certificate = ground.renew(&certificate);
            ground.configure_installed(&format!("check = {}", ::toml::Value::from(script.as_str())));
            let victim = ground.victim();
            let run = ground.sync();
            let context = format!("{away}; {then}: {} {}", run.code, run.stderr);
            assert!(matches!(run.code, 0 | 7 | 8 | 9), "{context}");
            assert!(then == "true" || run.code != 0, "{context}");
            assert_eq!(ground.victim(), victim, "{context}");
            for place in ["certs", "etc", &format!("certs/{NAME}"), &format!("certs/{NAME}/versions"), "etc/www.key"] {
                let path = ground.path(place);
                let planted = match path.symlink_metadata() {
                    Ok(found) if place == "etc/www.key" => !found.is_file(),
                    Ok(found) => found.is_symlink(),
                    Err(_) => false,
                };
                if planted {
                    uproot(&path);
                }
            }
            uproot(&ground.path("moved"));
            fs::create_dir_all(ground.path("etc")).unwrap();
            for place in ["certs", "etc"] {
                if ground.path(place).exists() {
                    fs::set_permissions(ground.path(place), std::os::unix::fs::PermissionsExt::from_mode(0o755))
                        .unwrap();
                }
            }
            if ground.home().exists() {
                fs::set_permissions(ground.home(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
            }
            ground.configure_installed("");
            let healed = ground.sync();
            assert_eq!(healed.code, 0, "{context}\nthen: {healed:?}");
            ground.is_sound_installed(&certificate, &context);
            assert_eq!(ground.victim(), victim, "{context}");
            cases += 1;
        }
    }
    proof::held("filesystem::places::what_goes_away_during_the_run", cases);
}
