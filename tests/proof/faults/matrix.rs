//! What goes wrong at a cloud or on the way to it, at every cloud and in every command: the exit code, the one line
//! that says what to do, an untouched disk, and no more requests than can help.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::{Certctl, PROVIDERS, Run, snapshot};
use crate::sandbox::{Account, Certificate, Cloud, Fault, Options, Request, Sandbox};

/// What a fault comes to.
struct Case {
    fault: Fault,
    code: i32,
    /// In the error line: what happened, and what to do.
    words: &'static [&'static str],
    /// Whether it may pass by itself.
    again: bool,
}

const ELSEWHERE: &str = "check the endpoint and any proxy in between, then try again";

fn cases() -> Vec<Case> {
    let case = |fault, code, again, words| Case { fault, code, words, again };
    vec![
        case(Fault::Status(401), 3, false, &["check access key, secret key and session token"]),
        case(Fault::Status(408), 5, true, &["try again later"]),
        case(Fault::Status(429), 5, true, &["try again later, or with a smaller -j"]),
        case(Fault::Status(500), 5, true, &["try again later"]),
        case(Fault::Status(502), 5, true, &["try again later"]),
        case(Fault::Status(503), 5, true, &["try again later"]),
        case(Fault::Status(504), 5, true, &["try again later"]),
        case(Fault::Busy, 5, true, &["try again later, or with a smaller -j"]),
        case(Fault::Refused, 5, true, &["cannot connect to 127.0.0.1:", "refused", "check the network, the endpoint"]),
        case(Fault::Reset, 5, true, &["the connection to 127.0.0.1:", "try again later"]),
        case(Fault::ResetMidReply, 5, true, &["the connection to 127.0.0.1:", "broke off", "try again later"]),
        case(Fault::Truncated, 5, true, &["the connection to 127.0.0.1:", "broke off", "try again later"]),
        case(Fault::Endless, 5, false, &["sent more than 16777216 bytes", "check the endpoint and any proxy"]),
        case(Fault::Html, 5, false, &["an HTML page, as a captive portal or proxy sends", ELSEWHERE]),
        case(Fault::Empty, 5, false, &["the reply (HTTP 200) is empty", ELSEWHERE]),
        case(Fault::InvalidUtf8, 5, false, &["not JSON", ELSEWHERE]),
        case(Fault::DeepJson, 5, false, &["not JSON", ELSEWHERE]),
        case(Fault::Gzip, 5, false, &["not JSON", ELSEWHERE]),
        case(
            Fault::Redirect,
            5,
            false,
            &["a redirect (HTTP 302)", "check the endpoint; a captive portal redirects, too"],
        ),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    List,
    Describe,
    Download,
}

const COMMANDS: [Command; 3] = [Command::List, Command::Describe, Command::Download];

/// One provider with a certificate to ask for and a directory that must stay as it is.
struct Scene<'s> {
    sandbox: &'s Sandbox,
    provider: &'static str,
    cloud: Cloud,
    certificate: Certificate,
    directory: tempfile::TempDir,
}

impl<'s> Scene<'s> {
    fn new(sandbox: &'s Sandbox, provider: &'static str, cloud: Cloud) -> Self {
        let certificate = sandbox.certificate(cloud, Account::Healthy, "deep chain");
        Self { sandbox, provider, cloud, certificate, directory: tempfile::tempdir().unwrap() }
    }

    fn certctl(&self, command: Command, more: &[&str]) -> Certctl {
        let (provider, id) = (self.provider, self.certificate.id.as_str());
        let dir = self.directory.path().to_str().unwrap();
        let args: &[&str] = match command {
            Command::List => &["list", "-p", provider],
            Command::Describe => &["describe", "-p", provider, "--", id],
            Command::Download => &["download", "-p", provider, "-d", dir, "--", id],
        };
        // An id may start with a hyphen, so it comes last.
        Certctl::new(self.sandbox).args(more).args(args)
    }

    /// Runs the command under the fault, whose every effect but the exit code is the same: one line, nothing on disk,
    /// and these many requests, none of them twice.
    #[track_caller]
    fn fails(&self, fault: &Fault, command: Command, more: &[&str], code: i32, words: &[&str]) -> (Run, Vec<Request>) {
        let before = self.sandbox.requests(self.cloud).len();
        self.sandbox.fault(self.cloud, fault.clone());
        let run = self.certctl(command, more).run();
        self.sandbox.clear(self.cloud);
        let about = format!("{} {fault:?} {command:?}: {} {}", self.provider, run.code, run.stderr);
        assert_eq!(run.code, code, "{about}");
        assert_eq!(run.stdout.lines().count(), usize::from(command == Command::Download) * 2, "{about}");
        let run = run.prints_plainly().says(words).says(&[self.provider, "; "]);
        assert_eq!(snapshot(self.directory.path()), [], "{about}");
        let requests = self.sandbox.requests(self.cloud).split_off(before);
        assert_eq!(seals(&requests).len(), requests.len(), "every try is signed anew: {about}");
        (run, requests)
    }
}

/// What may never come twice: JD Cloud's nonce and CTyun's request id. The other two sign the time, in seconds; that
/// each try has its own shows where tries are a second apart.
fn seals(requests: &[Request]) -> HashSet<String> {
    let seal = |(n, request): (usize, &Request)| {
        let nonce = ["x-jdcloud-nonce", "ctyun-eop-request-id"].iter().find_map(|name| header(request, name));
        nonce.unwrap_or_else(|| n.to_string())
    };
    requests.iter().enumerate().map(seal).collect()
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Runs the same for every provider, at the same time: nearly all of it is waiting.
fn at_every_cloud(sandbox: &Sandbox, test: impl Fn(&Scene<'_>) + Sync) {
    std::thread::scope(|scope| {
        for (provider, cloud) in PROVIDERS {
            let test = &test;
            scope.spawn(move || test(&Scene::new(sandbox, provider, cloud)));
        }
    });
}

#[test]
fn every_fault_in_every_command() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for Case { fault, code, words, again } in cases() {
            for command in COMMANDS {
                let (_, requests) = scene.fails(&fault, command, &["--retries", "1"], code, words);
                let tries = if again { 2 } else { 1 };
                let seen = if fault == Fault::Refused { 0 } else { tries };
                assert_eq!(requests.len(), seen, "{} {fault:?} {command:?}: {requests:?}", scene.provider);
            }
        }
    });
}

#[test]
fn what_is_not_permitted() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for command in COMMANDS {
            let mfa = scene.cloud == Cloud::Jdcloud && command == Command::Download;
            let words: &[&str] = if mfa { &["CERTCTL_JDCLOUD_MFA"] } else { &["allow this access key to call "] };
            let (_, requests) = scene.fails(&Fault::Status(403), command, &[], 3, words);
            assert_eq!(requests.len(), 1, "not retried");
        }
    });
}

/// A path that is not there is no certificate that is not there, unless the cloud itself says so.
#[test]
fn what_is_not_found() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for command in COMMANDS {
            let is_page = command == Command::List || scene.cloud == Cloud::Tencent;
            let (code, words) =
                if is_page { (5, "check the endpoint") } else { (4, "`certctl list` shows what there is") };
            let (_, requests) = scene.fails(&Fault::Status(404), command, &[], code, &[words]);
            let forms = match (scene.cloud, command) {
                (Cloud::Tencent, _) | (Cloud::Jdcloud, Command::List | Command::Describe) => 1,
                (Cloud::Jdcloud, Command::Download) => 3,
                _ => 2,
            };
            assert_eq!(requests.len(), forms, "every form once, none again: {requests:?}");
        }
    });
}

#[test]
fn a_reply_that_does_not_end_in_time() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for fault in [Fault::Hang, Fault::Drip] {
            for command in COMMANDS {
                let more = ["--timeout", "1s", "--retries", if command == Command::Download { "1" } else { "0" }];
                let words = ["did not answer within 1 s", "try again later, or give a longer --timeout"];
                let (run, requests) = scene.fails(&fault, command, &more, 5, &words);
                let tries = if command == Command::Download { 2 } else { 1 };
                assert_eq!(requests.len(), tries, "{fault:?}");
                let most = Duration::from_millis(tries as u64 * 1_000 + 3_000);
                assert!(run.took >= Duration::from_secs(tries as u64) && run.took < most, "{fault:?}: {:?}", run.took);
            }
        }
    });
}

#[test]
fn memory_stays_flat_under_a_reply_without_end() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        sandbox.fault(scene.cloud, Fault::Endless);
        let (run, peak) = scene.certctl(Command::Download, &[]).run_measured();
        sandbox.clear(scene.cloud);
        assert_eq!(run.code, 5, "{}", run.stderr);
        assert!((1..64 << 10).contains(&peak), "{}: {peak} KiB", scene.provider);
    });
}

#[test]
fn a_fault_that_passes() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for fault in [Fault::Status(503), Fault::Busy, Fault::Reset, Fault::Truncated] {
            for command in COMMANDS {
                let before = sandbox.requests(scene.cloud).len();
                sandbox.fault(scene.cloud, fault.clone().times(2));
                scene.certctl(command, &[]).run().exits(0);
                let requests = sandbox.requests(scene.cloud).split_off(before);
                assert!(requests.len() >= 3 && requests[2].fault.is_none(), "{requests:?}");
                assert!(requests.iter().all(|request| request.verdict.is_ok()), "{requests:?}");
                assert_eq!(seals(&requests).len(), requests.len(), "{requests:?}");
            }
        }
    });
}

#[test]
fn the_cloud_says_when_to_come_back() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for status in [429, 503] {
            let before = sandbox.requests(scene.cloud).len();
            sandbox.fault(scene.cloud, Fault::RetryAfter(status, 1).times(1));
            scene.certctl(Command::Describe, &[]).run().exits(0);
            let times: Vec<_> = sandbox.requests(scene.cloud)[before..].iter().map(|request| request.at).collect();
            assert!(times[1].duration_since(times[0]) >= SignedDuration::from_secs(1), "{times:?}");
            assert_ne!(signature(&sandbox, scene.cloud, before), signature(&sandbox, scene.cloud, before + 1));
        }
        let (run, requests) = scene.fails(&Fault::RetryAfter(429, 3_600), Command::List, &[], 5, &["3600 s"]);
        assert_eq!(requests.len(), 1);
        assert!(run.took < Duration::from_secs(3), "not worth waiting for: {:?}", run.took);
    });
}

fn signature(sandbox: &Sandbox, cloud: Cloud, n: usize) -> String {
    let request = &sandbox.requests(cloud)[n];
    ["authorization", "eop-authorization"].iter().find_map(|name| header(request, name)).unwrap()
}

#[test]
fn a_clock_that_is_off() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for (ahead, word) in [(1_200, "behind"), (-1_200, "ahead of"), (86_400, "behind"), (-86_400, "ahead of")] {
            for command in COMMANDS {
                let before = sandbox.requests(scene.cloud).len();
                sandbox.fault(scene.cloud, Fault::Skew(ahead));
                let run = scene.certctl(command, &[]).run();
                sandbox.clear(scene.cloud);
                let run = run.exits(3).says(&["the local clock is ", word, "; set the local clock"]);
                let line = run.errors()[0];
                let told =
                    line.split_once("the local clock is ").and_then(|(_, rest)| rest.split_once(&format!(" {word} ")));
                let told: SignedDuration =
                    told.and_then(|(told, _)| told.parse().ok()).unwrap_or_else(|| panic!("{line}"));
                assert!((told.as_secs() - i64::abs(ahead)).abs() <= 2, "{ahead} s: {line}");
                assert_eq!(sandbox.requests(scene.cloud).len(), before + 1, "not retried");
            }
        }
        assert_eq!(snapshot(scene.directory.path()), []);
    });
}

/// Within what the clouds tolerate nothing is said of the clock; a wrong key is a wrong key.
#[test]
fn a_wrong_key_is_not_a_wrong_clock() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        let secret = match scene.cloud {
            Cloud::Jdcloud => "JDCLOUD_SECRET_ACCESS_KEY",
            Cloud::Tencent => "TENCENTCLOUD_SECRET_KEY",
            Cloud::Huawei => "HUAWEICLOUD_SDK_SK",
            _ => "CTYUN_SK",
        };
        for command in COMMANDS {
            let before = sandbox.requests(scene.cloud).len();
            let run = scene.certctl(command, &[]).env(secret, "not-the-secret-key").run();
            let run = run.exits(3).says(&["check access key, secret key and session token"]);
            assert!(!run.stderr.contains("clock") && !run.stderr.contains("not-the-secret-key"), "{}", run.stderr);
            assert_eq!(sandbox.requests(scene.cloud).len(), before + 1, "not retried");
        }
    });
}

#[test]
fn what_is_handed_out_is_wrong() {
    let sandbox = Sandbox::start(Options::default());
    at_every_cloud(&sandbox, |scene| {
        for (fault, words) in [
            (
                Fault::WrongKey,
                &["the private key", "belongs to none of the certificates", "nothing on disk was changed"],
            ),
            (Fault::MissingIntermediate, &["the chain", "which is missing", "nothing on disk was changed"]),
        ] {
            scene.fails(&fault, Command::Download, &[], 6, words);
        }
    });
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

#[test]
fn jd_clouds_operation_protection() {
    let sandbox = Sandbox::start(Options::default());
    let id = sandbox.certificates(Cloud::Jdcloud, Account::Mfa)[0].id.clone();
    let directory = tempfile::tempdir().unwrap();
    let dir = directory.path().to_str().unwrap();
    let download = |mfa: Option<&str>| {
        let certctl = Certctl::of(&sandbox, Account::Mfa).args(["download", "-p", "jdcloud", &id, "-d", dir]);
        mfa.iter().fold(certctl, |certctl, mfa| certctl.env("CERTCTL_JDCLOUD_MFA", mfa)).run()
    };
    Certctl::of(&sandbox, Account::Mfa).args(["list", "-p", "jdcloud"]).run().exits(0);
    Certctl::of(&sandbox, Account::Mfa).args(["describe", "-p", "jdcloud", &id]).run().exits(0);
    for wrong in [None, Some("no-such-code")] {
        let before = sandbox.requests(Cloud::Jdcloud).len();
        download(wrong).exits(3).says(&["operation protection", "set CERTCTL_JDCLOUD_MFA to its current value"]);
        assert_eq!(sandbox.requests(Cloud::Jdcloud).len(), before + 1, "neither retried nor tried in another form");
    }
    assert_eq!(snapshot(directory.path()), []);
    download(Some(&sandbox.mfa())).exits(0);
}

#[test]
fn temporary_credentials() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, cloud) in PROVIDERS {
        if !Account::Session.exists_at(cloud) {
            continue;
        }
        for (account, code) in [(Account::Session, 0), (Account::ExpiredSession, 3)] {
            let id = sandbox.certificates(cloud, account)[0].id.clone();
            let directory = tempfile::tempdir().unwrap();
            let dir = directory.path().to_str().unwrap();
            for args in [vec!["list"], vec!["describe", &id], vec!["download", &id, "-d", dir]] {
                let before = sandbox.requests(cloud).len();
                let run = Certctl::of(&sandbox, account).args(&args).args(["-p", provider]).run().exits(code);
                if code == 3 {
                    run.says(&["check access key, secret key and session token"]);
                    assert_eq!(sandbox.requests(cloud).len(), before + 1, "not retried");
                }
            }
            assert_eq!(snapshot(directory.path()).is_empty(), code == 3, "{provider}");
        }
    }
}
