//! Listings that lie: how many certificates there are, which, and when it is over.

use super::scene::{ACCOUNT, Call, Command, Home, Scene};
use crate::cli::PROVIDERS;
use crate::proof::{held, is_long};
use crate::sandbox::edit::Lie;
use crate::sandbox::{Cloud, Fault, Options, Sandbox};

/// Rows on a page, and certificates: two of the scene's, three more.
const CAP: usize = 2;
const HELD: usize = 5;

/// Runs the same for every provider, whose listings have several pages.
fn at_every_cloud(test: impl Fn(&Scene<'_>) -> usize + Sync) -> usize {
    let page_caps = Cloud::ALL.map(|cloud| (cloud, CAP)).to_vec();
    let sandbox = Sandbox::start(Options { page_caps, ..Options::default() });
    let (sandbox, test) = (&sandbox, &test);
    std::thread::scope(|scope| {
        let spawn = |(provider, cloud): (&'static str, Cloud)| {
            scope.spawn(move || {
                let scene = Scene::new(sandbox, provider, cloud);
                for name in ["x", "y", "z"] {
                    sandbox.issue(cloud, ACCOUNT, &[&format!("{name}.{}", cloud.domain())], (-10, 80));
                }
                test(&scene)
            })
        };
        let threads = PROVIDERS.map(spawn);
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// The ids that `list` shows, and how many pages were asked for.
fn list(scene: &Scene<'_>, lie: Lie, warnings: &[&str]) -> (usize, usize) {
    let seen = scene.sandbox.seen(scene.cloud);
    scene.fault(&lie.into(), Command::List);
    let run = scene.certctl(Command::List, &["-o", "json"]).run();
    scene.sandbox.clear(scene.cloud);
    let run = run.exits(0);
    let told: Vec<_> = run.stderr.lines().filter(|line| line.contains("warning: ")).collect();
    assert_eq!(told.len(), warnings.len(), "{} {lie:?}: {}", scene.provider, run.stderr);
    assert!(told.iter().zip(warnings).all(|(line, words)| line.contains(words)), "{}", run.stderr);
    let ids: Vec<String> =
        run.json()["certificates"].as_array().unwrap().iter().map(|row| row["id"].to_string()).collect();
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{} {lie:?}", scene.provider);
    (ids.len(), scene.sandbox.seen(scene.cloud) - seen)
}

/// Whatever a listing says of itself, no certificate is listed twice and none that came is lost, and a sync finds the
/// newest.
#[test]
fn what_is_there_is_found() {
    let cases = at_every_cloud(|scene| {
        let mut count = 0;
        for (lie, pages, warnings) in [
            (Lie::Twice, HELD, &[][..]),
            // Of five rows, every page after the first brings one that is new.
            (Lie::Overlaps, 4, &[]),
            (Lie::PromisesMore, 4, &["5 of 105 certificates came, then an empty page"]),
            (Lie::PromisesOne, 4, &[]),
        ] {
            let (listed, asked) = list(scene, lie, warnings);
            assert_eq!(listed, HELD, "{} {lie:?}", scene.provider);
            assert_eq!(asked, pages, "{} {lie:?}", scene.provider);
            for home in [Home::Nothing, Home::Older] {
                let before = scene.on_disk();
                scene.fault(&lie.into(), Command::Sync(home, Call::List));
                let run = scene.sync(home, &["--dry-run", "-o", "json"]).run().exits(0);
                scene.sandbox.clear(scene.cloud);
                assert_eq!(run.json()["results"][0]["id"], scene.new.id, "{} {lie:?}", scene.provider);
                scene.is_as_before(&before, &run.stderr);
            }
            count += 3;
        }
        scene.heals();
        count
    });
    held("faults::listings::what_is_there_is_found", cases);
}

/// The first page for ever: seen at the second.
#[test]
fn a_listing_that_repeats_itself() {
    let cases = at_every_cloud(|scene| {
        let commands =
            [Command::List, Command::Sync(Home::Nothing, Call::List), Command::Sync(Home::Older, Call::List)];
        for command in commands {
            let words = ["page 2 brings nothing new, though 2 of 105 certificates have come", "try again later"];
            let (_, requests) = scene.fails(&Lie::Repeats.into(), command, &[], 5, &words);
            assert_eq!(requests.len(), 2);
        }
        scene.heals();
        commands.len()
    });
    held("faults::listings::a_listing_that_repeats_itself", cases);
}

/// New certificates on every page, or a million of them: given up after so many, in little memory.
#[test]
fn a_listing_without_end() {
    const MOST: u64 = 128 << 10;
    let lies: &[(Lie, usize)] = if is_long() {
        &[(Lie::NeverEnds(1_000), 101), (Lie::Holds(1_000_000), 101), (Lie::NeverEnds(10), 2_000)]
    } else {
        &[(Lie::Holds(1_000_000), 101)]
    };
    let cases = at_every_cloud(|scene| {
        for (lie, pages) in lies {
            let command = Command::Sync(Home::Older, Call::List);
            let (seen, before) = (scene.sandbox.seen(scene.cloud), scene.on_disk());
            scene.fault(&Fault::from(*lie), command);
            let (run, peak) = scene.certctl(command, &[]).run_measured();
            scene.sandbox.clear(scene.cloud);
            let run = run.exits(5).says(&["the listing has no end; given up after ", "try again later"]);
            assert_eq!(scene.sandbox.seen(scene.cloud) - seen, *pages, "{} {lie:?}", scene.provider);
            assert!((1..MOST).contains(&peak), "{} {lie:?}: {peak} KiB", scene.provider);
            eprintln!("{}: {peak} KiB, {} ms", scene.provider, run.took.as_millis());
            scene.is_as_before(&before, &run.stderr);
        }
        scene.heals();
        lies.len()
    });
    held("faults::listings::a_listing_without_end", cases);
}
