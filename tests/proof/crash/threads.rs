//! Threads that nobody waits for, at the end of a command.

use std::fs;
use std::path::Path;

use crate::cli::{Certctl, PROVIDERS};
use crate::oracle::{has, run};
use crate::proof::held;
use crate::sandbox::{Account, Fault, Options, Sandbox};

/// What crashed, once in tens of thousands of runs on a busy machine: glibc's `pthread_detach` of a thread that ends at
/// that moment reads memory which the thread has given back.
const NEVER: &str = "#include <pthread.h>\n#include <stdlib.h>\nint pthread_detach(pthread_t thread) { abort(); }\n";

#[test]
fn no_thread_is_detached() {
    if !has("cc") {
        return;
    }
    let ground = tempfile::tempdir().unwrap();
    let (source, library) = (ground.path().join("never.c"), ground.path().join("never.so"));
    fs::write(&source, NEVER).unwrap();
    let text = |path: &Path| path.display().to_string();
    run("cc", &["-shared", "-fPIC", "-o", &text(&library), &text(&source)]);
    let sandbox = Sandbox::start(Options::default());
    let config = text(&ground.path().join("certctl.toml"));
    let accounts = PROVIDERS.map(|(name, _)| format!("[accounts.{name}]\nprovider = '{name}'\n")).concat();
    let certificate = sandbox.certificates(PROVIDERS[0].1, Account::Healthy).remove(0);
    // A daemon keeps the hook's output open.
    let hook = format!("account = 'jdcloud'\nid = '{}'\nhook = 'sleep 2 & true'", certificate.id);
    let tables = format!("{accounts}[[certificates]]\nname = 'a.example'\n{hook}\n");
    fs::write(&config, format!("dir = '{}'\n{tables}", text(&ground.path().join("synced")))).unwrap();
    let dir = text(ground.path());
    let commands: [(&[&str], &[i32]); 5] = [
        (&["list"], &[0, 5]),
        (&["download", "-p", "jdcloud", "--all", "--force", "-d", &dir], &[0, 5]),
        (&["sync", "-c", &config, "--force"], &[0, 5]),
        (&["check", &dir, "--connect", "localhost:1"], &[5]),
        (&["check", &dir, "--connect", "no-such-host.invalid:1"], &[5]),
    ];
    let mut cases = 0;
    for is_hanging in [false, true] {
        if is_hanging {
            PROVIDERS.iter().for_each(|(_, cloud)| sandbox.fault(*cloud, Fault::Hang));
        }
        for (args, codes) in commands {
            let certctl = Certctl::new(&sandbox).env("LD_PRELOAD", &text(&library)).env("PATH", "/usr/bin:/bin");
            let ended = certctl.args(args).args(["--retries", "0", "--timeout", "2s"]).run();
            assert!(codes.contains(&ended.code), "{args:?}: {}\n{}", ended.code, ended.stderr);
            cases += 1;
        }
    }
    held("crash::threads::no_thread_is_detached", cases);
}
