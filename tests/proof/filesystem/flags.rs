//! Immutable and append-only files and directories.

use std::path::PathBuf;

use super::ground::{Ground, NAME, facts};
use crate::{oracle, proof};

/// Takes the flag away again, whatever happens: what has it could not be removed.
struct Flag(PathBuf, char);

impl Flag {
    fn set(path: PathBuf, flag: char) -> Option<Self> {
        let set = std::process::Command::new("chattr").arg(format!("+{flag}")).arg(&path).output().unwrap();
        set.status.success().then_some(Self(path, flag))
    }
}

impl Drop for Flag {
    fn drop(&mut self) {
        drop(std::process::Command::new("chattr").arg(format!("-{}", self.1)).arg(&self.0).output());
    }
}

/// A renewed certificate waits while something is immutable, or may only grow: it is in place as a whole, or refused with
/// one line and what was there serves on; once the flag is gone, the next run puts everything in order.
#[test]
fn immutable_and_append_only() {
    let Some(ground) = Ground::new().filter(|_| oracle::has("chattr")) else { return };
    ground.configure_installed("");
    let mut certificate = ground.issue();
    assert_eq!(ground.sync().code, 0);
    let (mut cases, mut refused) = (0, 0);
    for place in [
        "certs",
        "certs/.certctl",
        "certs/.certctl/lock",
        "certs/NAME",
        "certs/NAME/versions",
        "certs/NAME/current/",
        "certs/NAME/current/privkey.pem",
        "etc",
        "etc/www.key",
        "etc/www.crt",
    ] {
        for flag in ['i', 'a'] {
            let path = ground.path(&place.replace("NAME", NAME)).canonicalize().unwrap();
            let Some(set) = Flag::set(path, flag) else {
                oracle::is_there(false, "a file system with immutable files");
                return;
            };
            let old = certificate;
            certificate = ground.renew(&old);
            let victim = ground.victim();
            let run = ground.sync();
            let context = format!("+{flag} {place}: {}", run.stderr);
            assert!(matches!(run.code, 0 | 7), "{context}");
            if run.code == 7 {
                let material = old.material().unwrap();
                let run = run.says(&["Operation not permitted", "; "]);
                let chain = std::fs::read_to_string(ground.home().join("fullchain.pem")).unwrap();
                assert_eq!(chain, material.fullchain(), "{context}: the old one serves on");
                let of_copy = std::fs::read_to_string(ground.path("etc/www.crt")).unwrap();
                assert_eq!(of_copy, chain, "{context}: and its copies do");
                drop(run);
                refused += 1;
            } else {
                assert_eq!(
                    std::fs::read_to_string(ground.home().join("fullchain.pem")).unwrap(),
                    certificate.material().unwrap().fullchain(),
                    "{context}"
                );
            }
            drop(set);
            assert_eq!(ground.sync().code, 0, "{context}");
            ground.is_sound_installed(&certificate, &context);
            assert_eq!(ground.victim(), victim, "{context}");
            let quiet = facts(&ground.path("etc"));
            assert_eq!(ground.sync().code, 0, "{context}");
            assert_eq!(facts(&ground.path("etc")), quiet, "{context}");
            cases += 1;
        }
    }
    assert!(refused >= 8, "{refused} of {cases} refused");
    proof::held("filesystem::flags::immutable_and_append_only", cases);
}
