//! The power goes at any moment of a command: what it had recorded is replayed in the model of a disk.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::model::{Model, Rest};
use super::scene::Scene;
use super::trace::Call;
use super::tree::{Node, Tree};
use super::{has_strace, scenes};
use crate::proof::{held, is_long};

/// How many arbitrary parts of what may be lost are tried at each moment.
const ARBITRARY: usize = 12;

/// What has been announced at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Announced {
    Nothing,
    /// The check has been started.
    Check,
    /// The hook has been started.
    Hook,
    /// certctl has ended.
    End,
}

/// What is wrong after a cut, and what it was that survived.
type Wrong = String;

/// Cuts the power before and after every call. Returns how many different disks were looked at.
///
/// `dropped` is an fsync that does nothing, and `kept` gets some of the disks.
fn cuts(scene: &Scene, calls: &[Call], dropped: Option<usize>, mut kept: impl FnMut(Tree)) -> Result<usize, Wrong> {
    let root = scene.disk().display().to_string();
    let mut model = Model::new(&root, &scene.before);
    let mut random = fastrand::Rng::with_seed(5);
    let mut announced = Announced::Nothing;
    let mut seen = HashSet::new();
    for place in 0..=calls.len() {
        let what =
            || calls.get(place).map_or_else(|| "the end".to_owned(), |call| format!("{} {:?}", call.name, call.path()));
        if place == calls.len() {
            announced = Announced::End;
        }
        if calls.get(place).is_some_and(Call::starts_a_program) && scene.is_followed {
            announced = if announced == Announced::Nothing { Announced::Check } else { Announced::Hook };
        }
        // Until then it is as it was without.
        let survivors = match dropped {
            Some(dropped) if place < dropped => Vec::new(),
            dropped => survivors(&model, &mut random, dropped.is_some()),
        };
        for (survivors, rest) in survivors {
            let tree = model.after_cut(|number| survivors.contains(&number), |id| rest[id % rest.len()]);
            let mut hasher = DefaultHasher::new();
            (hash(&tree), announced as u8).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            look(scene, &tree, announced)
                .map_err(|wrong| format!("{}: power cut before {}: {wrong}", scene.title, what()))?;
            kept(tree);
        }
        if let Some(call) = calls.get(place) {
            model.make(call, dropped == Some(place));
        }
    }
    Ok(seen.len())
}

/// Old or new as a whole, and what was announced is lasting.
fn look(scene: &Scene, tree: &Tree, announced: Announced) -> Result<(), Wrong> {
    let stand = scene.judge.look(tree)?;
    if announced > Announced::Nothing && !stand.is_done {
        return Err(format!("{announced:?} before it was lasting"));
    }
    let is_over = announced >= Announced::Hook;
    if scene.is_followed && stand.is_begun && !is_over && !stand.is_owed {
        return Err("changed, and nobody will run the hook".to_owned());
    }
    if announced == Announced::End && stand.is_owed {
        return Err("the hook was run, and will be again".to_owned());
    }
    Ok(())
}

/// Which changes of names survive, and what of the files: nothing, all, each alone, all but each, all up to each, and
/// some arbitrary ones.
fn survivors(model: &Model, random: &mut fastrand::Rng, is_short: bool) -> Vec<(HashSet<usize>, Vec<Rest>)> {
    let pending = model.pending();
    let all: HashSet<usize> = pending.iter().copied().collect();
    let mut sets = vec![HashSet::new(), all.clone()];
    for (place, number) in pending.iter().enumerate() {
        sets.push(HashSet::from([*number]));
        sets.push(all.iter().copied().filter(|other| other != number).collect());
        if !is_short {
            sets.push(pending[..place].iter().copied().collect());
        }
    }
    let rests: &[Rest] =
        if model.has_unsynced() { &[Rest::Lost, Rest::Half, Rest::Zeros, Rest::Kept] } else { &[Rest::Kept] };
    let mut found: Vec<_> =
        sets.into_iter().flat_map(|set| rests.iter().map(move |rest| (set.clone(), vec![*rest]))).collect();
    let arbitrary = if is_short {
        0
    } else if is_long() {
        20 * ARBITRARY
    } else {
        ARBITRARY
    };
    if pending.len() > 1 {
        found.extend((0..arbitrary).map(|_| {
            let set = pending.iter().copied().filter(|_| random.bool()).collect();
            (set, (0..7).map(|_| rests[random.usize(..rests.len())]).collect())
        }));
    }
    found
}

/// Two disks that have the same are one. Of a file's bytes a few tell it from all others that it can be.
fn hash(tree: &Tree) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (path, node) in &tree.0 {
        path.hash(&mut hasher);
        match node {
            Node::File { bytes, mode } => {
                let middle = bytes.len() / 2;
                (bytes.len(), bytes.get(middle..middle + 8), bytes.last(), mode).hash(&mut hasher);
            }
            other => other.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// The power is cut everywhere, and after some of the cuts the next run is made to heal a real disk.
fn withstands(scene: &Scene, healed: usize) -> usize {
    let calls = scene.recorded();
    let (mut disks, mut met) = (Vec::new(), HashSet::new());
    let cases = cuts(scene, &calls, None, |tree| {
        if met.insert(hash(&tree)) {
            disks.push(tree);
        }
    });
    let cases = cases.unwrap_or_else(|wrong| panic!("{wrong}"));
    let step = if is_long() { 1 } else { (disks.len() / healed).max(1) };
    let mut count = 0;
    for (number, disk) in disks.iter().enumerate().step_by(step) {
        scene.forget_log();
        disk.put(&scene.disk());
        // Where all was done already, or the hook has been run, nobody has to run it again.
        let stand = scene.judge.look(disk).unwrap();
        scene.heals_after_cut(number, stand, &format!("{}: power cut, disk {number}", scene.title));
        count += 1;
    }
    eprintln!("{}: {cases} disks after a power cut, {count} of them healed", scene.title);
    cases
}

#[test]
fn a_download() {
    if has_strace() {
        let cases = withstands(&scenes::first_download(), 20) + withstands(&scenes::download_again(), 20);
        held("crash::replay::a_download", cases);
    }
}

#[test]
fn a_sync() {
    if has_strace() {
        let mut scenes: Vec<fn() -> Scene> = vec![scenes::first_sync, scenes::small_renewal];
        if is_long() {
            scenes.extend([scenes::renewal as fn() -> Scene, scenes::repair, scenes::other_formats]);
        }
        held("crash::replay::a_sync", scenes.iter().map(|scene| withstands(&scene(), 20)).sum());
    }
}

#[test]
fn a_rollback() {
    if has_strace() {
        held("crash::replay::a_rollback", withstands(&scenes::rollback(), 20));
    }
}

/// Without any one of the calls that make things lasting the attack succeeds, but for a few: what they guard is not
/// looked at here. That is what a check that fails after the cut goes back to, that neither the check nor a removal is
/// done once more, and the name of a report; and a directory's that is synced with others later.
#[test]
fn every_fsync_is_needed() {
    if !has_strace() {
        return;
    }
    let mut cases = 0;
    for (scene, most) in [(scenes::small_download(), 1), (scenes::small_renewal(), 6)] {
        let calls = scene.recorded();
        let mut spare = Vec::new();
        for (place, call) in calls.iter().enumerate().filter(|(_, call)| call.name == "fsync") {
            let path = scene.plain(&call.path().unwrap()).unwrap();
            let is_taken = cuts(&scene, &calls, Some(place), |_| {}).is_err();
            if is_taken { cases += 1 } else { spare.push(path) }
        }
        eprintln!("{}: not needed: {}", scene.title, spare.join(", "));
        assert!(spare.len() <= most, "{}: not needed: {spare:?}", scene.title);
    }
    held("crash::replay::every_fsync_is_needed", cases);
}
