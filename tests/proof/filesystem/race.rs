//! A component swapped between check and use: a directory and a link of another user change places as fast as they can
//! while certctl runs again and again.

use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::ground::{Ground, NAME, STRANGER, copy, facts, run, uproot};
use crate::proof;

/// So often is each place attacked.
fn rounds() -> usize {
    if proof::is_long() { 2_000 } else { 45 }
}

/// Where the directory is; what is swapped with it stands beside it.
const PLACES: [&str; 5] = ["certs", "certs/www.example.com", "certs/www.example.com/versions", "certs/.certctl", "etc"];

#[test]
fn exchanged_as_fast_as_can_be() {
    let Some(ground) = Ground::new() else { return };
    ground.configure_installed("");
    let mut certificate = ground.issue();
    assert_eq!(ground.sync().code, 0);
    // Whoever plants a link plants it to where certctl would find what it looks for.
    copy(&ground.path("certs"), &ground.path("victim/certs"));
    copy(&ground.path("certs").join(NAME).join("versions"), &ground.path("victim/versions"));
    copy(&ground.path("certs").join(NAME), &ground.path("victim").join(NAME));
    let (mut cases, swaps) = (0, AtomicUsize::new(0));
    for place in PLACES {
        let (path, decoy) = (ground.path(place), ground.path(&format!("{place}-decoy")));
        let target = match place {
            "certs/.certctl" => ground.path("victim/certs/.certctl"),
            "certs" => ground.path("victim/certs"),
            "etc" => ground.path("victim"),
            place => ground.path("victim").join(Path::new(place).file_name().unwrap()),
        };
        symlink(target, &decoy).unwrap();
        lchown(&decoy, Some(STRANGER), Some(STRANGER)).unwrap();
        let victim = ground.victim();
        for round in 0..rounds() {
            certificate = if round % 3 == 0 { ground.renew(&certificate) } else { certificate };
            let run = while_swapping(&path, &decoy, &swaps, || ground.sync());
            let context = format!("{place}, round {round}: {}", run.stderr);
            assert_eq!(ground.victim(), victim, "{context}");
            assert!(matches!(run.code, 0 | 7), "{context}");
            cases += 1;
        }
        // Wherever it stopped, the directory goes back, and the next run puts all in order.
        if path.symlink_metadata().unwrap().is_symlink() {
            exchange(&path, &decoy);
        }
        uproot(&decoy);
        assert_eq!(ground.sync().code, 0, "{place}");
        ground.is_sound_installed(&certificate, place);
    }
    let swaps = swaps.into_inner();
    assert!(swaps > 20 * cases, "{swaps} swaps in {cases} runs");
    proof::held("filesystem::race::exchanged_as_fast_as_can_be", cases);
}

/// The same with another user's directory, at the moment when certctl makes the certificate directory in one that is this
/// user's: nothing is put into what is not certctl's own.
#[test]
fn what_was_just_made_is_replaced() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let mut cases = 0;
    for _ in 0..2 * rounds() {
        let [made, theirs] = [ground.path("open").join(NAME), ground.path("spare")];
        for path in [&ground.path("open"), &theirs] {
            uproot(path);
            fs::create_dir(path).unwrap();
            lchown(path, Some(STRANGER), Some(STRANGER)).unwrap();
        }
        let victim = ground.victim();
        let command = ground.download(&certificate, ground.path("open"));
        let run = while_swapping(&made, &theirs, &AtomicUsize::new(0), || run(command));
        assert!(matches!(run.code, 0 | 7), "{run:?}");
        assert_eq!(ground.victim(), victim);
        for (path, _, mode, owner, ..) in facts(&ground.path("")) {
            if path.file_name().is_some_and(|name| name == "privkey.pem") && mode & 0o170_000 == 0o100_000 {
                assert_eq!((owner, mode & 0o7777), (0, 0o600), "{}", path.display());
            }
        }
        for path in [made, theirs] {
            let found = facts(&path);
            let is_strange = found.first().is_some_and(|(_, _, _, owner, ..)| *owner == STRANGER);
            assert!(!is_strange || found.len() == 1, "written into a stranger's: {found:?}");
        }
        cases += 1;
    }
    proof::held("filesystem::race::what_was_just_made_is_replaced", cases);
}

fn exchange(one: &Path, other: &Path) -> bool {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

fn while_swapping<T>(one: &Path, other: &Path, swaps: &AtomicUsize, work: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                if exchange(one, other) {
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        done
    })
}
