//! What does not end in time.

use std::time::Duration;

use super::in_lanes;
use super::scene::{COMMANDS, Call, Command};
use crate::proof::held;
use crate::sandbox::Fault;
use crate::sandbox::broken::Wire;

#[test]
fn a_reply_that_does_not_end_in_time() {
    let faults = [Fault::Hang, Fault::Drip, Wire::LengthTooLong.into()];
    let faults = &faults;
    let cases = in_lanes(faults.len(), |scene, lane| {
        let fault = &faults[lane];
        for command in COMMANDS {
            // One command shows that a try after a timeout has its whole time again.
            let tries = if command == Command::Download { 2 } else { 1 };
            // Where calls that are well come before, they have to be done within the same time on a busy machine.
            let seconds = if matches!(command, Command::Sync(_, Call::Download)) { 4 } else { 1 };
            let (timeout, told) = (format!("{seconds}s"), format!("did not answer within {seconds} s"));
            let more = ["--timeout", &timeout, "--retries", if tries == 2 { "1" } else { "0" }];
            let words = [&told, "try again later, or give a longer --timeout"];
            let (run, requests) = scene.fails(fault, command, &more, 5, &words);
            assert_eq!(requests.len(), tries, "{fault:?}");
            let least = Duration::from_secs(tries as u64 * seconds);
            assert!(run.took >= least && run.took < least + Duration::from_secs(10), "{fault:?}: {:?}", run.took);
        }
        COMMANDS.len()
    });
    held("faults::slow::a_reply_that_does_not_end_in_time", cases);
}
