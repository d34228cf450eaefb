//! Every system call that changes the disk, as strace tells: where, and with which mode files are made.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::ground::{Ground, NAME, as_user, run};
use crate::{oracle, proof};

const CALLS: &str = "trace=?open,openat,?openat2,?creat,?mkdir,mkdirat,?mknod,mknodat,?rename,renameat,renameat2,?link,linkat,?symlink,\
                     symlinkat,?unlink,unlinkat,?rmdir,?chmod,fchmod,fchmodat,?fchmodat2,?chown,?lchown,fchown,fchownat,\
                     truncate,ftruncate,utimensat,setxattr,fsetxattr,?setxattrat,mount";

/// Whatever the umask: files are made closed to everyone else, as new ones, and all of it within the directories named.
#[test]
fn every_change_lies_within() {
    let Some(ground) = Ground::new().filter(|_| oracle::has("strace")) else { return };
    ground.configure_installed("formats = ['pem', 'combined', 'pkcs12', 'jks', 'der', 'k8s-secret']");
    let certs = ground.path("certs");
    let (mut changes, mut made, mut runs) = (0, 0, 0);
    let mut certificate = ground.issue();
    for umask in ["000", "022", "077", "0777"] {
        for (name, args) in [
            (
                "sync",
                &["sync", "-c", "CONFIG", "--report", "OUT/report.json", "--metrics-file", "OUT/certctl.prom"][..],
            ),
            ("rollback", &["rollback", "-c", "CONFIG", NAME]),
            ("force", &["sync", "-c", "CONFIG", "--force", "--report", "OUT/report.json"]),
            ("check", &["check", "-c", "CONFIG", "--metrics-file", "OUT/check.prom"]),
            ("init", &["config", "init", "-c", "OUT/new.toml"]),
            ("download", &["download", "-p", "ctyun", "-d", "OUT/certs", "ID"]),
        ] {
            if name == "sync" {
                // With something to go back to.
                certificate = ground.renew(&certificate);
                assert_eq!(ground.sync().code, 0);
                certificate = ground.renew(&certificate);
            }
            let (log, script) = (ground.text("strace"), format!("umask {umask}; exec \"$@\""));
            let mut command = ground.below(&[
                "sh", "-c", &script, "sh", "strace", "-f", "-qq", "-y", "-s", "9999", "-e", CALLS, "-o", &log,
            ]);
            let (config, out) = (ground.text("certctl.toml"), ground.text("out"));
            command.args(args.iter().map(|arg| match *arg {
                "CONFIG" => config.clone(),
                "ID" => certificate.id.clone(),
                arg => arg.strip_prefix("OUT").map_or_else(|| arg.to_owned(), |name| format!("{out}{name}")),
            }));
            let victim = ground.victim();
            let run = run(command);
            assert_eq!(run.code, if name == "check" { run.code & 11 } else { 0 }, "{umask} {name}: {run:?}");
            assert_eq!(ground.victim(), victim);
            let allowed = [certs.clone(), ground.path("etc"), ground.path("out")];
            let log = fs::read_to_string(ground.path("strace")).unwrap();
            for call in log.lines().filter_map(|line| Call::parse(line, &ground.path(""))) {
                for path in &call.paths {
                    let is_within = allowed.iter().any(|root| path.starts_with(root));
                    assert!(is_within || *path == ground.path("certs"), "{umask} {name}: {}", call.line);
                }
                changes += 1;
                made += usize::from(call.is_made);
            }
            runs += 1;
        }
        fs::remove_file(ground.path("out/new.toml")).unwrap();
        modes(&ground);
    }
    assert!(changes > 500 && made > 100, "{changes} changes, {made} files made");
    eprintln!("{changes} changes of {runs} runs, {made} files made");
    proof::held("filesystem::trace::every_change_lies_within", changes);
}

/// Exactly the modes that are promised, and an ordinary user's are the same.
#[test]
fn no_umask_changes_a_mode() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let mut cases = 0;
    for umask in ["000", "022", "077", "0277", "0777"] {
        for is_user in [false, true] {
            let dir = format!("{umask}-{is_user}");
            fs::create_dir(ground.path(&dir)).unwrap();
            let script = format!("umask {umask}; exec \"$@\"");
            let mut command = ground.below(&["sh", "-c", &script, "sh"]);
            command.args(["download", "-p", "ctyun", "--format", "pem,pkcs12,combined", &certificate.id, "-d"]);
            command.arg(ground.path(&dir).join("certs"));
            if is_user {
                std::os::unix::fs::chown(ground.path(&dir), Some(super::ground::USER), None).unwrap();
                command = as_user(command);
            }
            assert_eq!(run(command).code, 0, "{dir}");
            cases += exact(&ground.path(&dir).join("certs"));
        }
    }
    proof::held("filesystem::trace::no_umask_changes_a_mode", cases);
}

fn modes(ground: &Ground) {
    let found = exact(&ground.path("certs")) + exact(&ground.path("out/certs"));
    assert!(found > 20, "{found}");
}

/// How many files and directories have been looked at.
fn exact(directory: &Path) -> usize {
    let mut cases = 0;
    for (path, _, mode, ..) in super::ground::facts(directory) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_open = matches!(name, "cert.pem" | "chain.pem" | "fullchain.pem" | "metadata.json" | "cert.der")
            || path.parent().is_some_and(|parent| parent.ends_with(".certctl"));
        let wanted = match mode & 0o170_000 {
            0o040_000 => 0o755,
            0o120_000 => continue,
            _ if is_open => 0o644,
            _ => 0o600,
        };
        assert_eq!(mode & 0o7777, wanted, "{}", path.display());
        cases += 1;
    }
    cases
}

/// A call that changes something.
struct Call<'l> {
    line: &'l str,
    /// What it changes, with links and `..` taken as they are written.
    paths: Vec<PathBuf>,
    is_made: bool,
}

impl<'l> Call<'l> {
    fn parse(line: &'l str, here: &Path) -> Option<Self> {
        let (name, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        if line.contains("resumed>") {
            return None;
        }
        // Of a call that another thread's came in between, how it ended is told later: it is judged by its attempt.
        let rest = rest.split_once(" <unfinished").map_or(rest, |(rest, _)| rest);
        let (arguments, result) = rest.rsplit_once(" = ").unwrap_or((rest, "?"));
        if result.starts_with("-1") {
            return None;
        }
        let mut is_made = false;
        if name.starts_with("open") {
            let flags: BTreeSet<&str> = arguments.split([',', ' ', '|', ')']).collect();
            let writes =
                ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"].iter().any(|flag| flags.contains(flag));
            if !writes || arguments.contains("\"/dev/null\"") {
                return None;
            }
            if flags.contains("O_CREAT") {
                assert!(flags.contains("O_EXCL") && !flags.contains("O_TRUNC"), "{line}");
                // The lock has no secret, and whoever dies after this leaves it as it is to be.
                let mode = if arguments.contains("\"lock\"") { ", 0644" } else { ", 0600" };
                assert!(arguments.trim_end().trim_end_matches(')').ends_with(mode), "{line}");
                is_made = true;
            } else {
                assert!(flags.contains("O_NOFOLLOW"), "{line}");
            }
        }
        if name.starts_with("mkdir") {
            // What is being made is nobody else's to look at.
            let mode = if arguments.contains("\".new-") { ", 0700" } else { ", 0755" };
            assert!(arguments.trim_end().trim_end_matches(')').ends_with(mode), "{line}");
        }
        if name.starts_with("fchmodat") || name == "chmod" || name == "chown" || name == "truncate" || name == "mount" {
            panic!("by name, so whatever is there then: {line}");
        }
        Some(Self { line, paths: paths(name, arguments, here), is_made })
    }
}

/// Each path that a call names, resolved by the directory that strace writes beside the descriptor.
fn paths(name: &str, arguments: &str, here: &Path) -> Vec<PathBuf> {
    let annotation = |text: &str| Some(PathBuf::from(text.split_once('<')?.1.split_once('>')?.0));
    // Of a symbolic link only its own place counts, which comes last.
    let mut base = here.to_owned();
    let mut found = Vec::new();
    for part in arguments.split(", ") {
        if let Some(path) = part.trim_end_matches(')').strip_prefix('"').and_then(|part| part.strip_suffix('"')) {
            found.push(plain(&base.join(path)));
        } else if let Some(directory) = annotation(part) {
            base = directory;
        }
    }
    if name.starts_with("symlink") {
        found = found.split_off(found.len().saturating_sub(1));
    }
    if found.is_empty() { vec![base] } else { found }
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            component => plain.push(component),
        }
    }
    plain
}
