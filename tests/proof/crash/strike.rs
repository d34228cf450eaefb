//! The calls at which a command can be struck, and striking it there.

use std::collections::HashMap;
use std::fmt;

use super::aim::Aim;
use super::scene::{Ended, Scene};
use super::trace::{ATTACKED, Argument, Call, Outcome};
use super::tree::Tree;

/// How often the same call is aimed at before it is given up.
const TRIES: usize = 12;
/// The same for a call after which the disk looks as before it.
const FEW_TRIES: usize = 3;

/// A call of a run: what it does, and how many of the same came before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Point {
    pub(super) call: String,
    /// Paths on the disk, without what differs from run to run.
    pub(super) path: String,
    repeats: usize,
    /// Whether it may change what is on disk, or make it lasting.
    pub(super) changes: bool,
}

impl Point {
    /// Whether the disk looks different after it.
    fn shows(&self) -> bool {
        self.changes && !["fsync", "flock"].contains(&self.call.as_str())
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({}) {}", self.call, self.path, self.repeats)
    }
}

/// The calls on the disk, each with its place in the run.
pub(super) fn points(scene: &Scene, calls: &[Call]) -> Vec<(Point, usize)> {
    let mut seen: HashMap<(String, String, bool), usize> = HashMap::new();
    let mut points = Vec::new();
    for (place, call) in calls.iter().enumerate().filter(|(_, call)| !call.is_of_processes()) {
        let Some(path) = call.path() else { continue };
        let Some(mut path_there) = scene.plain(&path) else {
            // Nothing beside the disk is written, but for what is printed.
            let is_harmless = !call.changes() || call.name == "write" || path.starts_with("/dev/");
            assert!(is_harmless, "{} on {path}", call.name);
            continue;
        };
        assert!(ATTACKED.contains(&call.name.as_str()), "{} is not attacked: {path}", call.name);
        if let Some(second) = call.second_path() {
            path_there = format!("{path_there} -> {}", scene.plain(&second).unwrap());
        }
        if call.arguments.get(1) == Some(&Argument::Text(b".".to_vec())) {
            // The same directory by another name, which is all that strace goes by.
            path_there.push_str("/.");
        }
        let changes = call.changes();
        let repeats = seen.entry((call.name.clone(), path_there.clone(), changes)).or_insert(0);
        *repeats += 1;
        points.push((Point { call: call.name.clone(), path: path_there, repeats: *repeats, changes }, place));
    }
    points
}

/// Strikes the command at each of these points with what `inject` says for it. `judge` looks at every run, also at
/// those in which another call was hit. Returns how many runs there were.
#[track_caller]
pub(super) fn strike_all(
    scene: &Scene,
    wanted: impl Fn(usize, &Point) -> Option<String>,
    judge: impl Fn(usize, &Ended, Option<&Point>),
) -> usize {
    let mut recorded = scene.recorded();
    let targets = points(scene, &recorded);
    let (mut cases, mut missed) = (0, Vec::new());
    let succeeded: Vec<_> =
        targets.iter().map(|(_, place)| matches!(recorded[*place].outcome, Outcome::Returned(_))).collect();
    for (number, (point, _)) in targets.iter().enumerate() {
        let Some(inject) = wanted(number, point) else { continue };
        let shows = succeeded[number] && point.shows();
        let tries = if shows { TRIES } else { FEW_TRIES };
        let mut is_hit = false;
        for turn in 0..tries {
            if turn > 0 {
                recorded = scene.recorded();
            }
            let place = points(scene, &recorded).into_iter().find(|(known, _)| known == point).map(|(_, place)| place);
            let aim = place.and_then(|place| Aim::at(scene, &recorded, place));
            let aim = aim.unwrap_or_else(|| panic!("{}: {point} is in one run and not in another", scene.title));
            scene.reset();
            let ended = scene.traced(&ATTACKED.join(","), &aim.options(scene, &point.call, &inject));
            let hit = hit(scene, &ended, &point.call, inject.starts_with("signal"));
            judge(number, &ended, hit.as_ref());
            cases += 1;
            is_hit = hit.as_ref() == Some(point);
            if is_hit {
                break;
            }
        }
        if !is_hit {
            assert!(!shows, "{}: {point} was never hit", scene.title);
            missed.push(point.to_string());
        }
    }
    eprintln!("{}: struck {cases} times; missed: {}", scene.title, missed.join(", "));
    cases
}

/// Which call was struck.
fn hit(scene: &Scene, ended: &Ended, name: &str, is_deadly: bool) -> Option<Point> {
    let found = points(scene, &ended.calls);
    let is_struck = |place: usize| match ended.calls[place].outcome {
        Outcome::Returned(_) | Outcome::Failed => false,
        Outcome::Injected => !is_deadly,
        Outcome::Died => is_deadly,
    };
    found.into_iter().find(|(point, place)| point.call == name && is_struck(*place)).map(|(point, _)| point)
}

/// What has changed, but for what a run may always leave: its lock and facts, the directory of both, and what it says
/// of itself.
pub(super) fn changes(scene: &Scene, found: &Tree) -> Vec<String> {
    let is_out = |path: &str| path.starts_with("out/") || path.starts_with("certs/.certctl");
    scene.before.clone().without(is_out).differences(&found.clone().without(is_out))
}
