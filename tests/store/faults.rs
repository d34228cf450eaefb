//! The system refuses in the middle: the disk is as before, and the next run succeeds.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{NAME, assert_holds, child, install, is_root, possible, runs, scratch, tree};

/// Fails every single call that changes the disk, with each errno, on a first install and on a renewal.
#[test]
fn an_error_at_every_system_call() {
    if !possible("strace", runs(&["strace", "-f", "true"])) {
        return;
    }
    let mut failures = 0;
    for installed in [false, true] {
        for (call, errno) in [
            ("mkdirat", "ENOSPC"),
            ("write", "ENOSPC"),
            ("write", "EIO"),
            ("fchmod", "EPERM"),
            ("fsync", "EIO"),
            ("fsync", "EDQUOT"),
            ("renameat", "EIO"),
            ("symlinkat", "ENOSPC"),
            ("flock", "ENOLCK"),
        ] {
            for when in 1.. {
                let dir = scratch();
                let certs = dir.path().join("certs");
                if installed {
                    install(&certs, "a");
                }
                let before = tree(dir.path());
                let inject = format!("inject={call}:error={errno}:when={when}");
                let trace = format!("trace={call}");
                // Paths only, so that the test harness's own calls are left alone.
                let wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
                let result = child::result(&wrapper, &certs, "b");
                if result == "Created" || result == "Updated" {
                    break;
                }
                failures += 1;
                if !result.is_empty() {
                    assert!(result.starts_with("error: cannot "), "{call} {errno} {when}: {result}");
                    let after = tree(dir.path());
                    if call == "flock" {
                        // Without the lock nothing may be taken back: an empty directory may stay.
                        assert!(after.len() <= before.len() + 2, "{result}");
                    } else {
                        assert_eq!(after, before, "{call} {errno} {when}: {result}");
                    }
                }
                install(&certs, "b");
                assert_holds(&certs.join(NAME), "b");
            }
        }
    }
    assert!(failures > 60, "{failures}");
}

/// A real file system that is full, at every degree of fullness.
#[test]
fn a_full_disk() {
    if !possible("a mount namespace (root)", is_root() && runs(&["unshare", "-m", "true"])) {
        return;
    }
    let binary = std::env::current_exe().unwrap();
    for limit in ["nr_inodes", "size"] {
        let dir = scratch();
        let mut failures = 0;
        for amount in 1..60 {
            let amount = if limit == "size" { format!("{}k", amount * 4) } else { amount.to_string() };
            let mount = format!("mount -t tmpfs -o {limit}={amount} tmpfs \"$DIR\" && exec \"$@\"");
            let output = Command::new("unshare")
                .args(["-m", "sh", "-c", &mount, "sh"])
                .arg(&binary)
                .args(["--exact", "store::faults::on_a_small_disk", "--nocapture"])
                .env("DIR", dir.path())
                .env("CERTCTL_TEST_SMALL_DISK", dir.path())
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{limit} {amount}: {text}");
            failures += usize::from(text.contains("FULL"));
        }
        assert!(failures > 5, "{limit} {failures}");
    }
}

/// The child's side of [`a_full_disk`]. Does nothing in an ordinary run.
#[test]
fn on_a_small_disk() {
    let Some(dir) = std::env::var_os("CERTCTL_TEST_SMALL_DISK") else { return };
    let dir = Path::new(&dir);
    for (label, installed) in [("a", None), ("b", Some("a"))] {
        let before = tree(dir);
        match super::try_install(&dir.join("certs"), label) {
            Ok(_) => assert_holds(&dir.join("certs").join(NAME), label),
            Err(error) => {
                let message = error.to_string();
                eprintln!("FULL {message}");
                assert!(
                    message.contains("No space left on device") && message.contains("free some space"),
                    "{message}"
                );
                assert_eq!(tree(dir), before);
                if let Some(installed) = installed {
                    assert_holds(&dir.join("certs").join(NAME), installed);
                }
                return;
            }
        }
    }
    fs::write(dir.join("done"), "").ok();
}
