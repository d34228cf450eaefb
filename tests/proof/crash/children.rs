//! Killed while a check or a hook runs; and the check or the hook is.

use super::scene::Scene;
use super::scenes;
use super::strike::changes;
use super::tree::Tree;
use crate::proof::held;

#[test]
fn certctl_or_its_command_is_killed() {
    let scenes = [scenes::first_sync, scenes::renewal, scenes::repair, scenes::other_formats, scenes::rollback];
    let cases = scenes.iter().map(|scene| strikes(&scene())).sum();
    held("crash::children::certctl_or_its_command_is_killed", cases);
}

fn strikes(scene: &Scene) -> usize {
    let mut cases = 0;
    for word in ["check", "hook"] {
        for (turn, whom) in ["$PPID", "$PPID", "$$", "$$"].into_iter().enumerate() {
            let what = format!("{}: kill {whom} in the {word}", scene.title);
            scene.reset();
            scene.booby_trap(word, &format!("kill -KILL {whom}"));
            let ended = scene.run_once();
            scene.disarm(word);
            let found = Tree::read(&scene.disk());
            let stand = scene.judge.look(&found).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
            let expected = (whom == "$$").then_some(8);
            assert_eq!(ended.code, expected, "{what}: {}", ended.stderr);
            if whom == "$$" {
                let errors = ended.errors();
                assert!(errors.len() == 1 && errors[0].contains("signal: 9"), "{what}: {}", ended.stderr);
            }
            if (word, whom) == ("check", "$$") {
                let mut changes = changes(scene, &found);
                // A name that was missing is mended all the same.
                changes.retain(|path| found.link(path).is_none() && scene.before.link(path).is_none());
                assert_eq!(changes, Vec::<String>::new(), "{what}: not as it was");
            } else {
                assert!(stand.is_done && stand.is_owed, "{what}: {stand:?}");
            }
            scene.heals(turn, &what);
            cases += 1;
        }
    }
    cases
}
