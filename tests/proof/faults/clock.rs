//! The machine's clock is not the cloud's.

use jiff::SignedDuration;

use super::at_every_cloud;
use super::scene::FIRST_CALLS;
use crate::proof::held;
use crate::sandbox::Fault;

#[test]
fn a_clock_that_is_off() {
    let cases = at_every_cloud(|scene| {
        let mut count = 0;
        for (ahead, word) in [(1_200, "behind"), (-1_200, "ahead of"), (86_400, "behind"), (-86_400, "ahead of")] {
            for command in FIRST_CALLS {
                let words = ["the local clock is ", word, "; set the local clock"];
                let (run, requests) = scene.fails(&Fault::Skew(ahead), command, &[], 3, &words);
                let line = run.errors()[0];
                let told =
                    line.split_once("the local clock is ").and_then(|(_, rest)| rest.split_once(&format!(" {word} ")));
                let told: SignedDuration =
                    told.and_then(|(told, _)| told.parse().ok()).unwrap_or_else(|| panic!("{line}"));
                assert!((told.as_secs() - i64::abs(ahead)).abs() <= 5, "{ahead} s: {line}");
                assert_eq!(requests.len(), 1, "not retried");
                count += 1;
            }
        }
        scene.heals();
        count
    });
    held("faults::clock::a_clock_that_is_off", cases);
}
