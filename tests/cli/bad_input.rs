//! What users, clouds and attackers hand to certctl that it must not take: the exit code, the one line that says what
//! to do, and an untouched disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;

use super::{Certctl, PROVIDERS, Run, snapshot};
use crate::sandbox::catalogue::Status;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// A tree in which nothing may change but what lies below the directory that is named with `-d`.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("etc/certs")).unwrap();
        fs::write(tree.path().join("etc/x"), "not to be touched").unwrap();
        Self(tree)
    }

    fn dir(&self) -> PathBuf {
        self.0.path().join("etc/certs")
    }

    fn download(&self, certctl: Certctl, provider: &str, args: &[&str]) -> Run {
        let dir = self.dir();
        let args = ["download", "-p", provider, "-d", dir.to_str().unwrap()].into_iter().chain(args.iter().copied());
        certctl.current_dir(self.0.path()).args(args).run().prints_plainly()
    }
}

/// What the troubled account's certificates come to when they are downloaded by id: exit code, and words of the line.
fn verdict(cloud: Cloud, certificate: &Certificate) -> (i32, &'static [&'static str]) {
    const UNCHANGED: &str = "nothing on disk was changed";
    match certificate.label {
        // Tencent names the archive's entries after what it lists.
        "evil listing" if cloud == Cloud::Tencent => (6, &["has a name that leaves the archive", UNCHANGED]),
        "plain" | "evil listing" | "evil alias" | "evil id" | "duplicate" | "null row" => (0, &[]),
        // Only archives have such troubles, and version 3 of Huawei's API has none.
        "not a zip" | "zip slip" | "absolute entry" | "bomb" | "encrypted zip" | "broken base64"
            if cloud != Cloud::Tencent =>
        {
            (0, &[])
        }
        "content null" | "download refused" if cloud == Cloud::Tencent => (0, &[]),
        "content null" | "all null" => (4, &["hands out nothing", "`certctl describe` shows its state"]),
        "download refused" => (4, &["was refused", "`certctl describe` shows its state"]),
        "no key" => (4, &["hands out no private key for this certificate"]),
        "wrong key" => (6, &["the private key (", "belongs to none of the certificates", UNCHANGED]),
        "missing intermediate" => (6, &["the chain", "which is missing", UNCHANGED]),
        "not a zip" => (6, &["Content", UNCHANGED]),
        "zip slip" => (6, &["..", UNCHANGED]),
        "absolute entry" => (6, &["/etc/x", UNCHANGED]),
        "bomb" => (6, &["is larger than", UNCHANGED]),
        "encrypted zip" => (6, &["encrypted", UNCHANGED]),
        "broken base64" => (6, &["holds no certificate", UNCHANGED]),
        "not pem" => (6, &["PRIVATE KEY", "cannot be read", UNCHANGED]),
        "not yet valid" => (6, &["is not valid before", "the local clock is wrong", UNCHANGED]),
        "expired but issued" => (6, &["expired at", UNCHANGED]),
        // Tencent names the archive's entries after it, and some of them are worse there.
        "evil name" if cloud == Cloud::Tencent => (6, &["name"]),
        "evil name" => (6, &["cannot be a directory name", "give another with --name NAME"]),
        label => panic!("{label} has no verdict"),
    }
}

#[test]
fn every_trouble_by_id() {
    let sandbox = Sandbox::start(Options::default());
    std::thread::scope(|scope| {
        for (provider, cloud) in PROVIDERS {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for certificate in sandbox.certificates(cloud, Account::Troubled) {
                    troubled(sandbox, provider, cloud, &certificate);
                }
            });
        }
    });
}

fn troubled(sandbox: &Sandbox, provider: &str, cloud: Cloud, certificate: &Certificate) {
    let tree = Tree::new();
    let before = snapshot(tree.0.path());
    let (code, words) = verdict(cloud, certificate);
    let run = tree.download(Certctl::of(sandbox, Account::Troubled), provider, &["--", &certificate.id]);
    let about =
        format!("{provider} {} {:?}: {}{}", certificate.label, certificate.names.first(), run.stdout, run.stderr);
    assert_eq!(run.code, code, "{about}");
    if code == 0 {
        assert_eq!(fs::read_dir(tree.dir()).unwrap().count(), 1, "{about}");
        let outside = |path: &Path| !path.starts_with(tree.dir());
        let outside = |all: Vec<_>| {
            all.into_iter().filter(|(path, ..): &(PathBuf, _, _, _, _, _)| outside(path)).collect::<Vec<_>>()
        };
        assert_eq!(outside(snapshot(tree.0.path())), outside(before), "{about}");
    } else {
        run.says(words).says(&[provider, &certificate.id]);
        assert_eq!(snapshot(tree.0.path()), before, "{about}");
    }
}

/// Huawei's older API hands out archives, too, and those of its troubled account are as bad as Tencent's.
#[test]
fn every_troubled_archive_of_huaweis_older_api() {
    let sandbox = Sandbox::start(Options { huawei_v3: false, ..Options::default() });
    for certificate in sandbox.certificates(Cloud::Huawei, Account::Troubled) {
        let words: &[&str] = match certificate.label {
            "not a zip" => &["cert_file"],
            "zip slip" => &[".."],
            "absolute entry" => &["/etc/x"],
            "bomb" => &["is larger than"],
            "encrypted zip" => &["encrypted"],
            _ => continue,
        };
        let tree = Tree::new();
        let before = snapshot(tree.0.path());
        let run = tree.download(Certctl::of(&sandbox, Account::Troubled), "huawei", &["--", &certificate.id]);
        run.exits(6).says(words).says(&["nothing on disk was changed"]);
        assert_eq!(snapshot(tree.0.path()), before, "{}", certificate.label);
    }
}

#[test]
fn a_bomb_takes_no_memory() {
    let sandbox = Sandbox::start(Options::default());
    let bomb = sandbox.certificate(Cloud::Tencent, Account::Troubled, "bomb");
    let tree = Tree::new();
    let args = ["download", "-p", "tencent", "-d", tree.0.path().to_str().unwrap(), "--", &bomb.id];
    let (run, peak) = Certctl::of(&sandbox, Account::Troubled).args(args).run_measured();
    run.exits(6);
    assert!((1..96 << 10).contains(&peak), "{peak} KiB");
}

#[test]
fn an_evil_name_can_be_replaced_but_not_by_another() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        let evil: Vec<_> = sandbox.certificates(cloud, Account::Troubled);
        // Tencent names the archive's entries after it, and an archive with such entries is refused whatever its
        // directory is to be called.
        let spared = |name: &String| provider != "tencent" || !name.contains(['/', '\\', '\0']) && name != "..";
        let evil = evil.iter().filter(|certificate| certificate.label == "evil name");
        for certificate in evil.filter(|certificate| certificate.names.iter().all(spared)).take(4) {
            let tree = Tree::new();
            let download = |name: &str| {
                let name = format!("--name={name}");
                tree.download(Certctl::of(&sandbox, Account::Troubled), provider, &[&name, "--", &certificate.id])
            };
            download("good").exits(0);
            assert!(tree.dir().join("good/privkey.pem").exists());
            let before = snapshot(tree.0.path());
            if certificate.names.first().is_some_and(|name| name == "../../etc/x") {
                for name in ["../x", "", "a/b", "..", ".", "/etc/x", "-x", "a\nb", "a\u{1b}[31mb", "a\u{202e}b"] {
                    download(name).exits(2).says(&["cannot be a directory name"]);
                }
            }
            assert_eq!(snapshot(tree.0.path()), before);
        }
    }
}

/// What is on disk stays when the cloud hands out something worse.
#[test]
fn what_is_installed_stays() {
    let sandbox = Sandbox::start(Options::default());
    let [good, bad] = ["plain", "wrong key"].map(|label| sandbox.certificate(Cloud::Tencent, Account::Troubled, label));
    let tree = Tree::new();
    let download =
        |id: &str| tree.download(Certctl::of(&sandbox, Account::Troubled), "tencent", &["--name=www", "--", id]);
    download(&good.id).exits(0);
    let before = snapshot(tree.0.path());
    download(&bad.id).exits(6);
    assert_eq!(snapshot(tree.0.path()), before);
}

#[test]
fn all_of_a_troubled_account() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        let tree = Tree::new();
        let run = tree.download(Certctl::of(&sandbox, Account::Troubled), provider, &["--all", "-o", "json"]);
        let run = run.exits(9);
        let report = run.json();
        assert_eq!(report["exit_code"], 9);
        let held = sandbox.certificates(cloud, Account::Troubled);
        let held: BTreeMap<&str, &Certificate> = held.iter().map(|held| (held.id.as_str(), held)).collect();
        let mut failures = 0;
        for row in report["results"].as_array().unwrap() {
            let certificate = held[row["id"].as_str().unwrap()];
            let (code, _) = verdict(cloud, certificate);
            let exit_code = row["error"]["exit_code"].as_i64().unwrap_or(0);
            assert_eq!(exit_code, i64::from(code), "{provider} {}: {row}", certificate.label);
            failures += usize::from(code != 0);
            if code == 0 {
                let path = row["path"].as_str().unwrap();
                assert!(Path::new(path).join("privkey.pem").exists(), "{row}");
            }
        }
        assert_eq!(run.errors().len(), failures, "one line each: {}", run.stderr);
        assert!(failures > 15, "{failures}");
        // The good ones: all that are listed, in date, and fine.
        let good = held.values().filter(|held| verdict(cloud, held).0 == 0 && held.label != "null row").count();
        assert_eq!(fs::read_dir(tree.dir()).unwrap().count(), good, "{provider}: {}", run.stdout);
        assert_eq!(fs::read_to_string(tree.0.path().join("etc/x")).unwrap(), "not to be touched");
    }
}

#[test]
fn what_is_not_issued_is_not_handed_out() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        for status in [Status::Revoked, Status::Pending, Status::Failed, Status::Canceled] {
            let held = sandbox.certificates(cloud, Account::Healthy);
            let certificate = held.iter().find(|certificate| certificate.status == status).unwrap();
            let tree = Tree::new();
            let by_id = tree.download(Certctl::new(&sandbox), provider, &["--", &certificate.id]);
            by_id.exits(4).says(&[provider, &certificate.id, "; `certctl describe` shows its state"]);
            assert_eq!(fs::read_dir(tree.dir()).unwrap().count(), 0);
        }
        let expired = sandbox.certificate(cloud, Account::Healthy, "expired");
        let tree = Tree::new();
        tree.download(Certctl::new(&sandbox), provider, &["--", &expired.id]).exits(6).says(&["expired at"]);
        for label in ["not yet valid", "expired but issued"] {
            let domain = sandbox.certificate(cloud, Account::Troubled, label).domain;
            let run = tree.download(Certctl::of(&sandbox, Account::Troubled), provider, &[&domain]);
            // Huawei's listing does not tell the start of validity.
            if cloud == Cloud::Huawei && label == "not yet valid" {
                run.exits(6).says(&[&domain, "is not valid before"]);
            } else {
                run.exits(4).says(&[&domain, "1 of the ", "`certctl list` shows what there is"]);
            }
        }
        assert_eq!(fs::read_dir(tree.dir()).unwrap().count(), 0);
    }
}

/// Listings that lie: how they end is in the contract, and nothing in them stops the others.
#[test]
fn odd_listings() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        let list = |account| {
            Certctl::of(&sandbox, account).args(["list", "-p", provider, "-o", "json"]).run().prints_plainly()
        };
        let ids = |run: &Run| run.json()["certificates"].as_array().unwrap().len();

        let run = list(Account::Empty).exits(0);
        assert_eq!((ids(&run), run.stderr.as_str()), (0, ""), "{provider}");

        let run = list(Account::Liar).exits(0);
        assert_eq!(ids(&run), 3, "{provider}");
        assert!(
            run.stderr.contains("warning: ") && run.stderr.contains("3 of 103 certificates came"),
            "{}",
            run.stderr
        );

        let run =
            list(Account::Repeating).exits(5).says(&[provider, "brings nothing new", "3 of 103", "try again later"]);
        assert_eq!((ids(&run), run.json()["errors"][0]["code"].clone()), (0, "paging".into()), "{provider}");

        // One row is null, one is there twice, one has nothing but its id.
        let run = list(Account::Troubled).exits(0);
        let held = sandbox.certificates(cloud, Account::Troubled);
        assert_eq!(ids(&run), held.len() - 2, "{provider}");
        assert!(run.stderr.contains("a row that is null or has no id was passed over"), "{}", run.stderr);
        let document = run.json();
        let id = &held.iter().find(|held| held.label == "all null").unwrap().id;
        let bare = document["certificates"].as_array().unwrap().iter().find(|row| row["id"] == **id).unwrap();
        assert_eq!(
            (&bare["status"], &bare["not_after"], &bare["domains"]),
            (&"unknown".into(), &Value::Null, &Value::Array(Vec::new()))
        );
        Certctl::of(&sandbox, Account::Troubled).args(["list", "-p", provider]).run().prints_plainly().exits(0);

        // And by the same listings certificates are chosen.
        let tree = Tree::new();
        tree.download(Certctl::of(&sandbox, Account::Empty), provider, &["--all"]).exits(0);
        let domain = format!("one.{}", cloud.domain());
        tree.download(Certctl::of(&sandbox, Account::Empty), provider, &[&domain]).exits(4).says(&[&domain]);
        tree.download(Certctl::of(&sandbox, Account::Repeating), provider, &[&domain]).exits(5).says(&[&domain]);
        assert_eq!(fs::read_dir(tree.dir()).unwrap().count(), 0);
        tree.download(Certctl::of(&sandbox, Account::Liar), provider, &[&domain]).exits(0);
    }
}

/// Everything that describe shows of the troubled account, for a terminal and for a script.
#[test]
fn nothing_that_a_terminal_acts_on() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        for certificate in sandbox.certificates(cloud, Account::Troubled) {
            if !matches!(certificate.label, "evil name" | "evil alias" | "evil id" | "all null" | "null row") {
                continue;
            }
            for form in ["table", "json"] {
                let args = ["describe", "-p", provider, "-o", form, "-vv", "--", &certificate.id];
                Certctl::of(&sandbox, Account::Troubled).args(args).run().prints_plainly().exits(0);
            }
        }
    }
}

#[test]
fn directories_that_cannot_be_written() {
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Ctyun, Account::Liar)[0].id.clone();
    let download = |dir: &str| {
        Certctl::of(&sandbox, Account::Liar).args(["download", "-p", "ctyun", "-d", dir, "--", &id]).run().exits(7)
    };
    let tree = Tree::new();
    let before = snapshot(tree.0.path());
    let at = |path: &str| tree.0.path().join(path).display().to_string();
    for dir in [at("etc/x"), at("etc/x/certs"), at("etc/x/../certs")] {
        download(&dir).says(&[&at("etc/x"), "is a regular file, not a directory; give another with -d"]);
    }
    download("/proc/certs").says(&["cannot ", "/proc"]);
    download(&at(&"a".repeat(300))).says(&["cannot ", "aaa"]);
    let dry = ["download", "-p", "ctyun", "--dry-run", "-d", &at("etc/x"), "--", &id];
    Certctl::of(&sandbox, Account::Liar).args(dry).run().exits(7).says(&["is a regular file"]);
    assert_eq!(snapshot(tree.0.path()), before);
}

#[test]
fn a_directory_that_this_user_may_not_write() {
    if !crate::oracle::has("setpriv") || !is_root() {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Ctyun, Account::Liar)[0].id.clone();
    let tree = Tree::new();
    fs::set_permissions(tree.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The build directory need not be open to everyone.
    let binary = tree.0.path().join("certctl");
    fs::copy(env!("CARGO_BIN_EXE_certctl"), &binary).unwrap();
    let before = snapshot(tree.0.path());
    let dir = tree.dir();
    let setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups", binary.to_str().unwrap()];
    let args = ["download", "-p", "ctyun", "-d", dir.to_str().unwrap(), "--", &id];
    let run = run_other("setpriv", sandbox.environment_of(Account::Liar), setpriv.iter().chain(&args).copied());
    let words = ["Permission denied", "; run certctl as a user who may write there, or give another directory with -d"];
    run.exits(7).says(&words).says(&[&id, dir.to_str().unwrap()]);
    assert_eq!(snapshot(tree.0.path()), before);
}

#[test]
fn a_read_only_file_system() {
    let tree = Tree::new();
    let dir = tree.dir().display().to_string();
    let mount = "mount -t tmpfs none \"$1\" && mount -o remount,ro \"$1\"";
    let unshare = |script: &str, more: &[&str], environment| {
        let args = ["--mount", "sh", "-c", script, "sh", &dir];
        run_other("unshare", environment, args.iter().chain(more).copied())
    };
    if !is_root() || !crate::oracle::has("unshare") || unshare(mount, &[], Vec::new()).code != 0 {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Ctyun, Account::Liar)[0].id.clone();
    let script = format!("{mount} && exec \"$2\" download -p ctyun -d \"$1\" -- \"$3\"");
    let run = unshare(&script, &[env!("CARGO_BIN_EXE_certctl"), &id], sandbox.environment_of(Account::Liar));
    run.exits(7).says(&["Read-only file system", "; mount it for writing, or give another directory with -d"]);
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can become another");
    }
    root
}

fn run_other<'a>(program: &str, environment: Vec<(String, String)>, args: impl Iterator<Item = &'a str>) -> Run {
    let since = Instant::now();
    let path = std::env::var("PATH").unwrap();
    let mut command = std::process::Command::new(program);
    Run::of(command.env_clear().env("PATH", path).envs(environment).args(args).output().unwrap(), since)
}
