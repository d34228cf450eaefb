//! What the system allows a process, and what it is started without.

use std::fs;

use super::ground::{Ground, NAME, as_user, facts, run};
use crate::cli::Run;
use crate::{oracle, proof};

/// Each limit as low as it goes: done all the same, or one line, exit code 7, and nothing but the lock file is there.
#[test]
fn resource_limits() {
    let Some(ground) = Ground::new().filter(|_| oracle::has("prlimit")) else { return };
    ground.issue();
    ground.configure_installed("formats = ['pem', 'pkcs12', 'jks']");
    let config = ground.text("certctl.toml");
    let mut cases = 0;
    let files = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 24, 32, 48, 63, 64, 65, 80, 100];
    let sizes = [0, 1, 5, 6, 100, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000];
    let limits = files.map(|n| ("nofile", n)).into_iter().chain(sizes.map(|n| ("fsize", n)));
    for (limit, value) in limits {
        let victim = ground.victim();
        let (before, set) = (certs(&ground), format!("--{limit}={value}:{value}"));
        // The loader needs some files, too.
        if limit == "nofile" && value < 4 {
            continue;
        }
        let mut command = ground.below(&["prlimit", &set]);
        command.args(["sync", "-c", &config, "--report", &ground.text("out/report.json")]);
        let run = run(command);
        let context = format!("{set}: {} {}", run.code, run.stderr);
        assert_eq!(ground.victim(), victim, "{context}");
        assert!(matches!(run.code, 0 | 7 | 9), "{context}");
        if run.code == 7 || run.code == 9 {
            let errors = run.errors();
            assert!(!errors.is_empty() && errors.len() <= 2, "{context}");
            assert!(errors.iter().all(|line| line.contains("ulimit -")), "{context}");
            assert_eq!(certs(&ground), before, "{context}");
        }
        cases += 1;
        if run.code == 0 && limit == "nofile" {
            fs::remove_dir_all(ground.home()).unwrap();
            for name in ["etc/www.key", "etc/www.crt"] {
                fs::remove_file(ground.path(name)).unwrap();
            }
        }
    }
    proof::held("filesystem::limits::resource_limits", cases);
}

/// All but the lock and what is remembered.
fn certs(ground: &Ground) -> Vec<String> {
    let found = [facts(&ground.path("certs")), facts(&ground.path("etc"))].concat();
    let found = found.into_iter().map(|(path, ..)| path.display().to_string());
    let mut found: Vec<_> = found.filter(|path| !path.contains("/.certctl") && *path != ground.text("certs")).collect();
    found.sort();
    found
}

/// An ordinary user who may start no thread.
#[test]
fn no_thread_can_be_started() {
    let Some(ground) = Ground::new().filter(|_| oracle::has("prlimit") && oracle::has("setpriv")) else { return };
    let certificate = ground.issue();
    fs::create_dir(ground.path("theirs")).unwrap();
    std::os::unix::fs::chown(ground.path("theirs"), Some(super::ground::USER), None).unwrap();
    let dir = ground.text("theirs/certs");
    let mut cases = 0;
    for args in [
        &["list", "-p", "ctyun"][..],
        &["download", "-p", "ctyun", &certificate.id, "-d", &dir],
        &["sync", "-c", "/dev/null"],
    ] {
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let mut command = ground.below(&[&["prlimit", "--nproc=0:0", "setpriv"][..], &user].concat());
        command.args(args);
        run(command).exits(7).says(&["no thread can be started", "ulimit -u"]);
        assert!(!ground.path("theirs/certs").exists());
        cases += 1;
    }
    // With leave, they are as good as root.
    assert_eq!(run(as_user(ground.download(&certificate, &dir))).code, 0);
    proof::held("filesystem::limits::no_thread_can_be_started", cases);
}

/// Started with stdin, stdout and stderr closed in every combination: no file that is opened may become one of them, so
/// that a message goes into it.
#[test]
fn closed_from_the_start() {
    let Some(ground) = Ground::new() else { return };
    ground.configure_installed("formats = ['pem', 'combined', 'pkcs12']");
    let mut certificate = ground.issue();
    assert_eq!(ground.sync().code, 0);
    let config = ground.text("certctl.toml");
    let mut cases = 0;
    for bits in 1..8_u8 {
        let closed: String = ["<&-", ">&-", "2>&-"]
            .iter()
            .enumerate()
            .filter(|(n, _)| bits >> n & 1 == 1)
            .map(|(_, word)| format!(" {word}"))
            .collect();
        for args in [
            &["sync", "-vv"][..],
            &["sync", "-vv", "-o", "json", "--force"],
            &["check", "-vv", "-o", "json"],
            &["rollback", "-vv", NAME],
            &["sync", "-vv", "--force"],
            &["sync", "no.such.name"],
        ] {
            certificate = if args[1..].is_empty() { certificate } else { ground.renew(&certificate) };
            let mut command = ground.below(&["sh", "-c", &format!("exec \"$@\"{closed}"), "sh"]);
            command.args([args, &["-c", &config]].concat());
            let run: Run = run(command);
            let fine = [0, 2, 7, 11].contains(&run.code);
            assert!(fine, "{closed} {args:?}: {run:?}");
            for (path, _, _, _, _, _, _, bytes) in facts(&ground.path("")) {
                let name = path.file_name().unwrap().to_str().unwrap();
                if name != "certctl" && !path.starts_with(ground.path("victim")) {
                    let text = String::from_utf8_lossy(&bytes);
                    let mixed = ["certctl: ", "INFO", "DEBUG", "certctl.run/", "certctl.check/"];
                    assert!(!mixed.iter().any(|word| text.contains(word)), "{closed} {args:?}: {}", path.display());
                }
            }
            cases += 1;
        }
        assert_eq!(ground.sync().code, 0);
    }
    proof::held("filesystem::limits::closed_from_the_start", cases);
}
