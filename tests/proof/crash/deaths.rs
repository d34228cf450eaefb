//! Killed at every call that can change the disk.

use super::scene::Scene;
use super::strike::{Point, strike_all};
use super::tree::Tree;
use super::{has_strace, scenes};
use crate::proof::{held, is_long};

/// Kills the command at each of the calls, or at every so manieth; returns how many times.
fn deaths(scene: &Scene, every: usize) -> usize {
    let every = if is_long() { 1 } else { every };
    let wanted = |number: usize, point: &Point| {
        (point.changes && number.is_multiple_of(every)).then(|| "signal=KILL".to_owned())
    };
    strike_all(scene, wanted, |number, ended, hit| {
        let what = format!("{}: killed at {}", scene.title, hit.map(ToString::to_string).unwrap_or_default());
        assert_eq!(ended.code.is_none(), hit.is_some(), "{what}: {}", ended.stderr);
        let stand = scene.judge.look(&Tree::read(&scene.disk())).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
        let log = scene.log();
        if scene.is_followed && stand.is_begun && !log.contains(&"hook".to_owned()) {
            assert!(stand.is_owed, "{what}: changed, and nobody will run the hook");
        }
        assert!(log.is_empty() || stand.is_done, "{what}: announced and not done");
        scene.heals(number, &what);
    })
}

#[test]
fn a_first_download() {
    if has_strace() {
        held("crash::deaths::a_first_download", deaths(&scenes::first_download(), 1));
    }
}

#[test]
fn a_renewal() {
    if has_strace() {
        held("crash::deaths::a_renewal", deaths(&scenes::renewal(), 1));
    }
}

#[test]
fn a_rollback() {
    if has_strace() {
        held("crash::deaths::a_rollback", deaths(&scenes::rollback(), 1));
    }
}

#[test]
fn other_changes() {
    if !has_strace() {
        return;
    }
    let scenes = [scenes::first_sync, scenes::download_again, scenes::repair, scenes::other_formats];
    let usual: usize = scenes.iter().map(|scene| deaths(&scene(), 5)).sum();
    let dual = scenes::dual().map_or(0, |scene| deaths(&scene, 7));
    held("crash::deaths::other_changes", usual + dual);
}
