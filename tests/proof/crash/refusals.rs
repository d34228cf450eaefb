//! The system refuses at every call on the disk.

use super::judge::settled;
use super::scene::{Ended, Scene};
use super::strike::{Point, changes, strike_all};
use super::trace::Outcome;
use super::tree::{Node, Tree};
use super::{has_strace, scenes};
use crate::proof::{held, is_long};

/// What the system can answer to a call, and how certctl says it.
const REASONS: [(&str, &str); 9] = [
    ("ENOSPC", "No space left on device"),
    ("EIO", "Input/output error"),
    ("EDQUOT", "Disk quota exceeded"),
    ("EROFS", "Read-only file system"),
    ("EACCES", "Permission denied"),
    ("EMFILE", "Too many open files"),
    ("EINTR", "Interrupted system call"),
    ("EPERM", "Operation not permitted"),
    ("ENOLCK", "No locks available"),
];

/// The answers that there can be to a call.
fn answers(point: &Point) -> &'static [&'static str] {
    match (point.call.as_str(), point.changes) {
        ("openat", true) => &["ENOSPC", "EDQUOT", "EROFS", "EMFILE", "EACCES", "EIO", "EINTR"],
        ("openat", false) => &["EMFILE", "EIO", "EACCES", "EINTR"],
        ("write" | "fsync", _) => &["EIO", "ENOSPC", "EDQUOT", "EINTR"],
        ("flock", _) => &["ENOLCK", "EINTR"],
        ("fchmod" | "fchown" | "ftruncate", _) => &["EPERM", "EIO", "EROFS", "EINTR"],
        _ => &["ENOSPC", "EIO", "EDQUOT", "EROFS", "EACCES", "EINTR"],
    }
}

/// Refuses each of the calls, or every so manieth, once; in the long form for each of the reasons.
fn refusals(scene: &Scene, every: usize) -> usize {
    if !is_long() {
        return refused(scene, every, 0);
    }
    (0..7).map(|turn| refused(scene, 1, turn)).sum()
}

fn refused(scene: &Scene, every: usize, turn: usize) -> usize {
    let wanted = |number: usize, point: &Point| {
        let answers = answers(point);
        let is_new = turn < answers.len();
        let answer = answers[(number / every + turn) % answers.len()];
        (number.is_multiple_of(every) && is_new).then(|| format!("error={answer}"))
    };
    strike_all(scene, wanted, |number, ended, hit| {
        let what = format!("{}: refused at {}", scene.title, hit.map(ToString::to_string).unwrap_or_default());
        came_to_what_it_says(scene, ended, hit, &what);
        scene.heals(number, &what);
    })
}

/// Either nothing was changed, and one line says why; or all is done, and what could not be tidied up is told of.
#[track_caller]
fn came_to_what_it_says(scene: &Scene, ended: &Ended, hit: Option<&Point>, what: &str) {
    let said = &ended.stderr;
    let found = Tree::read(&scene.disk());
    let stand = scene.judge.look(&found).unwrap_or_else(|wrong| panic!("{what}: {wrong}\n{said}"));
    let is_reason = |line: &&str| REASONS.iter().any(|(_, words)| line.contains(words));
    match ended.code {
        Some(0) => {
            assert_eq!(ended.errors(), Vec::<&str>::new(), "{what}");
            assert!(stand.is_done, "{what}: exit 0 and not done\n{said}");
            let (found, wanted) = (settled(&found, &scene.judge), settled(&scene.after, &scene.judge));
            let left = found.differences(&wanted);
            assert!(
                left.is_empty() || said.lines().any(|line| is_reason(&line)),
                "{what}: not a word of {left:?}\n{said}"
            );
        }
        Some(7) => {
            assert!(hit.is_some(), "{what}: {said}");
            let errors = ended.errors();
            // Where another thread has made as many calls, it is refused too.
            let most = ended.calls.iter().filter(|call| call.outcome == Outcome::Injected).count();
            let is_short = (1..=most).contains(&errors.len());
            assert!(is_short && errors.iter().all(is_reason), "{what}: one line that says why\n{said}");
            // What follows the check's approval is not taken back: the hook is owed.
            if !scene.log().contains(&"check".to_owned()) && !said.contains("/disk/out") {
                // Without the lock nothing may be taken back: an empty directory may stay.
                let is_locking = hit.is_some_and(|point| point.call == "flock");
                let mut changes = changes(scene, &found);
                changes.retain(|path| !is_locking || !matches!(found.0.get(path), Some(Node::Directory { .. })));
                assert_eq!(changes, Vec::<String>::new(), "{what}: {said}");
            } else {
                assert!(stand.is_done, "{what}: {said}");
            }
        }
        code => panic!("{what}: exit {code:?}\n{said}"),
    }
}

#[test]
fn a_first_download() {
    if has_strace() {
        held("crash::refusals::a_first_download", refusals(&scenes::first_download(), 1));
    }
}

#[test]
fn a_renewal() {
    if has_strace() {
        held("crash::refusals::a_renewal", refusals(&scenes::renewal(), 3));
    }
}

#[test]
fn a_rollback() {
    if has_strace() {
        held("crash::refusals::a_rollback", refusals(&scenes::rollback(), 2));
    }
}

#[test]
fn other_changes() {
    if !has_strace() {
        return;
    }
    let scenes = [scenes::first_sync, scenes::download_again, scenes::repair, scenes::other_formats];
    let usual: usize = scenes.iter().map(|scene| refusals(&scene(), 11)).sum();
    let dual = scenes::dual().map_or(0, |scene| refusals(&scene, 13));
    held("crash::refusals::other_changes", usual + dual);
}
