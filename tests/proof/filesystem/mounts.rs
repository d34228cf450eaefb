//! File systems that are full, layered, or cannot do what others can; and mounts where something of certctl's stands.
//! All of it in a mount namespace of its own.

use std::fs;

use super::ground::{Ground, NAME, copy, run};
use crate::cli::Run;
use crate::{oracle, proof};

/// What the shell says when nothing can be mounted.
const CANNOT: i32 = 99;

impl Ground {
    /// Runs a script in a mount namespace of its own, in the tree. `$CERTCTL` is certctl, `$CONFIG` its config.
    fn mounted(&self, script: &str) -> Run {
        let mut command = std::process::Command::new("timeout");
        command.args(["-s", "KILL", "120", "unshare", "--mount", "sh", "-c", script]);
        command.env_clear().envs(self.sandbox.environment_of(crate::sandbox::Account::Empty));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir(self.path(""));
        command.env("CERTCTL", self.path("certctl")).env("CONFIG", self.path("certctl.toml")).env("NAME", NAME);
        let since = std::time::Instant::now();
        Run::of(command.output().unwrap(), since)
    }

    fn can_mount(&self) -> bool {
        let can = oracle::has("unshare") && self.mounted("mount -t tmpfs none certs || exit 99").code == 0;
        oracle::is_there(can, "a mount namespace")
    }

    /// With a certificate in place, and that directory beside it as `template`, and its successor at the cloud.
    fn with_template() -> Option<Self> {
        let ground = Self::new()?;
        let old = ground.issue();
        assert_eq!(ground.sync().code, 0);
        copy(&ground.path("certs"), &ground.path("template"));
        ground.renew(&old);
        ground.can_mount().then_some(ground)
    }
}

/// First installs into file systems of every size from nothing to enough, in bytes and in inodes.
#[test]
fn a_small_file_system() {
    let Some(ground) = Ground::with_template() else { return };
    let (mut cases, mut done) = (0, 0);
    let sizes = (1..=14).map(|pages| format!("size={}k", 4 * pages));
    for size in sizes.chain((2..=22).map(|inodes| format!("nr_inodes={inodes}"))) {
        let script = format!(
            "mount -t tmpfs -o {size} none certs || exit {CANNOT}; $CERTCTL sync -c $CONFIG; code=$?
             find certs -mindepth 1 -not -path 'certs/.certctl*' > out/tree
             mount -o remount,size=1m,nr_inodes=1000 certs && $CERTCTL sync -q -c $CONFIG && $CERTCTL check -q -c $CONFIG || exit 98
             find certs -name '.[^c]*' >> out/left; exit $code"
        );
        let run = ground.mounted(&script);
        let tree = fs::read_to_string(ground.path("out/tree")).unwrap();
        assert_eq!(fs::read_to_string(ground.path("out/left")).unwrap(), "", "{size}");
        if run.code == 0 {
            done += 1;
        } else {
            let run = run.exits(7).says(&["No space left on device", "free some space"]);
            assert_eq!(tree, "", "{size}: {}", run.stderr);
        }
        cases += 1;
    }
    assert!(done >= 4 && done < cases, "{done} of {cases}");
    proof::held("filesystem::mounts::a_small_file_system", cases);
}

/// A renewed certificate where there is still room for so many pages: the old one stays as it was, or the new one is there.
#[test]
fn a_full_file_system() {
    let Some(ground) = Ground::with_template() else { return };
    let (mut cases, mut done) = (0, 0);
    for pages in 0..16 {
        let script = format!(
            "mount -t tmpfs -o size=256k none certs && cp -a template/. certs || exit {CANNOT}
             find certs/$NAME -printf '%p %i %m %T@ %l\\n' | sort > out/before
             head -c $((4096 * {pages})) /dev/zero > certs/room; cat /dev/zero > certs/fill 2> /dev/null; rm certs/room
             $CERTCTL sync -c $CONFIG; code=$?
             find certs/$NAME -printf '%p %i %m %T@ %l\\n' | sort > out/after
             $CERTCTL check -q -c $CONFIG || exit 97
             rm certs/fill && $CERTCTL sync -q -c $CONFIG && $CERTCTL check -q -c $CONFIG || exit 98; exit $code"
        );
        let run = ground.mounted(&script);
        let [before, after] = ["out/before", "out/after"].map(|name| fs::read_to_string(ground.path(name)).unwrap());
        // Whose names were added and removed again shows in a directory's time alone.
        let names =
            |text: &str| text.lines().filter(|line| !line.contains(" 755 ")).map(str::to_owned).collect::<Vec<_>>();
        if run.code == 0 {
            done += 1;
        } else {
            let run = run.exits(7).says(&["No space left on device", "free some space"]);
            assert_eq!(names(&before), names(&after), "{pages} pages: {}", run.stderr);
        }
        cases += 1;
    }
    assert!(done >= 2 && done < cases, "{done} of {cases}");
    proof::held("filesystem::mounts::a_full_file_system", cases);
}

/// The whole story on other kinds of file systems: renewal, nothing to do, rollback, and back, with copies.
#[test]
fn other_file_systems() {
    let Some(ground) = Ground::with_template() else { return };
    ground.configure_installed("formats = ['pem', 'pkcs12']");
    let story = "version() { readlink certs/$NAME/current; }
        set -e; $CERTCTL sync -c $CONFIG; first=$(version); $CERTCTL check -c $CONFIG; $CERTCTL sync -q -c $CONFIG
        test $(version) = $first; $CERTCTL rollback -c $CONFIG $NAME; test $(version) != $first; $CERTCTL sync -q -c $CONFIG
        test $(version) != $first; $CERTCTL sync --force -q -c $CONFIG; $CERTCTL check -c $CONFIG
        cmp etc/www.key certs/$NAME/privkey.pem; chmod 666 certs/$NAME/privkey.pem; $CERTCTL sync -q -c $CONFIG
        test $(stat -L -c %a certs/$NAME/privkey.pem) = 600; test -z \"$(find certs/$NAME etc -name '.*')\"";
    let mut cases = 0;
    for mount in [
        "mount -t tmpfs none certs && cp -a template/. certs && mount -t tmpfs none etc",
        "mount -t ramfs none certs && cp -a template/. certs && mount -t ramfs none etc",
        "mount -t tmpfs none out && mkdir out/upper out/work out/etc out/work2 \
         && mount -t overlay overlay -o lowerdir=template,upperdir=out/upper,workdir=out/work certs \
         && mount -t overlay overlay -o lowerdir=etc,upperdir=out/etc,workdir=out/work2 etc",
        "mount -t tmpfs none out && mkdir -p out/upper/$NAME out/work && cp -a template/.certctl out/upper \
         && mount -t overlay overlay -o lowerdir=template,upperdir=out/upper,workdir=out/work certs",
        // Each directory of certctl's own a mount of its own.
        "cp -a template/. certs && mount --bind certs/$NAME certs/$NAME && mount --bind certs/$NAME/versions \
         certs/$NAME/versions && mount --bind certs/.certctl certs/.certctl && mount -t tmpfs none etc",
    ] {
        let run = ground.mounted(&format!("({mount}) || exit {CANNOT}\n{story}"));
        if !oracle::is_there(run.code != CANNOT, mount) {
            continue;
        }
        run.exits(0);
        cases += 1;
    }
    proof::held("filesystem::mounts::other_file_systems", cases);
}

/// Single files that are mounted, as containers have them, cannot be replaced by a rename.
#[test]
fn mounted_files() {
    let Some(ground) = Ground::with_template() else { return };
    ground.configure_installed("");
    let mut certificate = ground.issue();
    assert_eq!(ground.sync().code, 0);
    let mut cases = 0;
    for file in [
        "etc/www.key",
        "etc/www.crt",
        "out/report.json",
        "out/metrics.prom",
        "certs/$NAME/current/privkey.pem",
        "certs/.certctl/lock",
    ] {
        certificate = ground.renew(&certificate);
        fs::write(ground.path("out/report.json"), "{}").unwrap();
        fs::write(ground.path("out/metrics.prom"), "").unwrap();
        let script = format!(
            "place=$(readlink -f {file}); mount --bind $place $place || exit {CANNOT}; before=$(sha256sum etc/*)
             $CERTCTL sync --force -c $CONFIG --report out/report.json --metrics-file out/metrics.prom; code=$?
             test $code = 0 -o '{file}' = out/report.json -o '{file}' = out/metrics.prom -o \"$before\" = \"$(sha256sum etc/*)\" || exit 97
             umount $place && $CERTCTL sync -q -c $CONFIG && $CERTCTL check -q -c $CONFIG || exit 98
             test -z \"$(find certs/$NAME etc out -name '.*')\" || exit 96; exit $code"
        );
        let run = ground.mounted(&script);
        if file.starts_with("certs/") {
            run.exits(0);
        } else {
            run.exits(7).says(&["Device or resource busy", ": mount the directory that it is in"]);
        }
        cases += 1;
    }
    proof::held("filesystem::mounts::mounted_files", cases);
}

/// What FAT, NFS and others cannot, by the answers that they give.
#[test]
fn file_systems_that_cannot() {
    let Some(ground) = Ground::new().filter(|_| oracle::has("strace")) else { return };
    ground.configure_installed("");
    let mut certificate = ground.issue();
    let mut cases = 0;
    for is_first in [true, false] {
        for (call, error, code) in [
            ("symlinkat", "EPERM", 7),
            ("symlinkat", "EOPNOTSUPP", 7),
            ("fchmod", "EPERM", 7),
            ("linkat", "EPERM", 0),
            ("linkat", "EOPNOTSUPP", 0),
            ("linkat", "EMLINK", 0),
            ("linkat", "EXDEV", 0),
            ("flock", "ENOLCK", 7),
            ("flock", "EOPNOTSUPP", 7),
            ("mkdirat", "ENAMETOOLONG", 7),
            ("renameat", "EXDEV", 7),
        ] {
            if is_first {
                for name in ["certs", "etc/www.key", "etc/www.crt"] {
                    super::ground::uproot(&ground.path(name));
                }
            } else {
                assert_eq!(ground.sync().code, 0);
                certificate = ground.renew(&certificate);
            }
            let inject = format!("inject={call}:error={error}");
            let before = super::ground::facts(&ground.path("etc"));
            let mut command = ground.below(&[
                "strace",
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &inject,
            ]);
            command.args(["sync", "-c", &ground.text("certctl.toml")]);
            let run = run(command);
            let context = format!("{inject}, first: {is_first}: {}", run.stderr);
            // An old version that is made no more needs no new directory; what is not asked for cannot be refused.
            assert_eq!(run.code, code, "{context}");
            if code == 7 {
                run.says(&[]);
                let now = super::ground::facts(&ground.path("etc"));
                let files = |facts: &super::ground::Facts| facts[1..].to_vec();
                assert_eq!(files(&now), files(&before), "{context}");
            }
            assert_eq!(ground.sync().code, 0, "{context}");
            ground.is_sound_installed(&certificate, &context);
            cases += 1;
        }
    }
    proof::held("filesystem::mounts::file_systems_that_cannot", cases);
}
