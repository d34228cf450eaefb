//! What passes by itself, and what asks for patience.

use std::time::Duration;

use jiff::SignedDuration;

use super::scene::{COMMANDS, Command};
use super::{at_every_cloud, header, seals};
use crate::cli::Certctl;
use crate::proof::held;
use crate::sandbox::{Account, Cloud, Fault, Options, Request, Sandbox};

/// Whatever is asked, twice there is no answer, and the third time there is.
#[test]
fn a_fault_that_passes() {
    let cases = at_every_cloud(|scene| {
        let mut count = 0;
        for fault in [Fault::Status(503), Fault::Busy, Fault::Reset, Fault::Truncated] {
            for command in COMMANDS {
                let seen = scene.sandbox.seen(scene.cloud);
                scene.sandbox.fault(scene.cloud, fault.clone().times(2));
                let dry: &[&str] = if command.syncs() { &["--dry-run"] } else { &[] };
                scene.certctl(command, dry).run().exits(0);
                let requests = scene.sandbox.requests_since(scene.cloud, seen);
                assert!(requests.len() >= 3 && requests[2].fault.is_none(), "{requests:?}");
                assert!(requests.iter().all(|request| request.verdict.is_ok()), "{requests:?}");
                assert_eq!(seals(&requests).len(), requests.len(), "{requests:?}");
                count += 1;
            }
        }
        count
    });
    held("faults::passing::a_fault_that_passes", cases);
}

#[test]
fn the_cloud_says_when_to_come_back() {
    let cases = at_every_cloud(|scene| {
        for status in [429, 503] {
            let seen = scene.sandbox.seen(scene.cloud);
            scene.sandbox.fault(scene.cloud, Fault::RetryAfter(status, 1).times(1));
            scene.certctl(Command::Describe, &[]).run().exits(0);
            let requests = scene.sandbox.requests_since(scene.cloud, seen);
            assert!(requests[1].at.duration_since(requests[0].at) >= SignedDuration::from_secs(1), "{requests:?}");
            assert_ne!(signature(&requests[0]), signature(&requests[1]));
        }
        for command in COMMANDS {
            let (run, requests) = scene.fails(&Fault::RetryAfter(429, 3_600), command, &[], 5, &["3600 s"]);
            assert_eq!(requests.len(), 1);
            assert!(run.took < Duration::from_secs(20), "not worth waiting for: {:?}", run.took);
        }
        2 + COMMANDS.len()
    });
    held("faults::passing::the_cloud_says_when_to_come_back", cases);
}

fn signature(request: &Request) -> String {
    ["authorization", "eop-authorization"].iter().find_map(|name| header(request, name)).unwrap()
}

/// Tencent publishes its rates and the sandbox enforces them: none of many downloads at once is one too many.
#[test]
fn tencent_is_never_asked_too_often() {
    for jobs in ["8", "64"] {
        let sandbox = Sandbox::start(Options { rates: true, ..Options::default() });
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().to_str().unwrap();
        let run = Certctl::new(&sandbox)
            .args(["download", "-p", "tencent", "--all", "-d", dir, "-j", jobs, "-v"])
            .run()
            .exits(0);
        assert!(!run.stderr.contains("RequestLimitExceeded"), "{}", run.stderr);
        let requests = sandbox.requests(Cloud::Tencent);
        let downloads = requests.iter().filter(|request| request.operation == "DownloadCertificate").count();
        let usable = sandbox.certificates(Cloud::Tencent, Account::Healthy);
        let usable = usable.iter().filter(|held| held.downloadable() && held.in_date()).count();
        assert!(usable > 30 && downloads == usable, "{downloads} downloads of {usable}: {}", run.stderr);
    }
}
