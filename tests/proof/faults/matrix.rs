//! Every fault in every command.

use super::scene::{COMMANDS, Call, Command, SINGLE, shown};
use super::{at_every_cloud, in_lanes};
use crate::proof::held;
use crate::sandbox::broken::{Packing, Wire};
use crate::sandbox::edit::Edit;
use crate::sandbox::{Cloud, Fault};

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
const BROKE: &[&str] = &["the connection to 127.0.0.1:", "broke off", "try again later"];
const NOT_JSON: &[&str] = &["not JSON", ELSEWHERE];
/// Sandboxes beside each other.
const LANES: usize = 3;

fn case(fault: impl Into<Fault>, code: i32, again: bool, words: &'static [&'static str]) -> Case {
    Case { fault: fault.into(), code, words, again }
}

/// What goes wrong below HTTP, and in it.
fn of_the_connection() -> Vec<Case> {
    vec![
        case(Fault::Refused, 5, true, &["cannot connect to 127.0.0.1:", "refused", "check the network, the endpoint"]),
        case(Fault::Reset, 5, true, &["the connection to 127.0.0.1:", "try again later"]),
        case(Fault::ResetMidReply, 5, true, BROKE),
        case(Fault::Truncated, 5, true, BROKE),
        case(Wire::Nothing, 5, true, BROKE),
        case(Wire::NotHttp, 5, true, BROKE),
        case(Wire::LengthTooShort, 5, false, &["cut off after ", ELSEWHERE]),
        case(Wire::LengthIsNoNumber, 5, true, BROKE),
        case(Wire::LengthsDiffer, 5, true, BROKE),
        case(Wire::ChunkSizeIsNoNumber, 5, true, BROKE),
        case(Wire::ChunksCutOff, 5, true, BROKE),
        case(Wire::ChunkTooLong, 5, true, BROKE),
        case(Wire::HeadersWithoutEnd, 5, true, BROKE),
        case(Wire::HugeHeader, 5, true, BROKE),
        case(Wire::ThousandsOfHeaders, 5, true, BROKE),
    ]
}

/// What is no error of the cloud's and no reply of its either.
fn of_the_body() -> Vec<Case> {
    let instead = |text: &[u8]| Edit::Instead(text.into());
    vec![
        case(Fault::Endless, 5, false, &["sent more than 16777216 bytes", "check the endpoint and any proxy"]),
        case(Fault::Html, 5, false, &["an HTML page, as a captive portal or proxy sends", ELSEWHERE]),
        case(Fault::Page(502), 5, true, &["HTTP 502", "try again later"]),
        case(Fault::Empty, 5, false, &["the reply (HTTP 200) is empty", ELSEWHERE]),
        case(Fault::InvalidUtf8, 5, false, NOT_JSON),
        case(Edit::Before(b"\xef\xbb\xbf".as_slice().into()), 5, false, NOT_JSON),
        case(Fault::DeepJson, 5, false, NOT_JSON),
        case(instead("{\"a\":".repeat(100_000).as_bytes()), 5, false, NOT_JSON),
        case(Fault::Gzip, 5, false, NOT_JSON),
        case(Fault::Bomb(Packing::Gzip), 5, false, NOT_JSON),
        case(Fault::Bomb(Packing::Deflate), 5, false, NOT_JSON),
        case(Fault::Bomb(Packing::Br), 5, false, NOT_JSON),
    ]
}

fn of_the_status() -> Vec<Case> {
    let again = |status, words| case(Fault::Status(status), 5, true, words);
    let mut cases = vec![
        case(Fault::Status(401), 3, false, &["check access key, secret key and session token"]),
        again(408, &["try again later"]),
        again(429, &["try again later, or with a smaller -j"]),
        again(500, &["try again later"]),
        again(502, &["try again later"]),
        again(503, &["try again later"]),
        again(504, &["try again later"]),
        case(Fault::Busy, 5, true, &["try again later, or with a smaller -j"]),
    ];
    for status in [300, 301, 302, 303, 304, 307, 308] {
        let words = &["a redirect (HTTP 30", "check the endpoint; a captive portal redirects, too"];
        cases.push(case(Fault::Status(status), 5, false, words));
    }
    cases
}

#[test]
fn every_fault_in_every_command() {
    let cases = in_lanes(LANES, |scene, lane| {
        let all = of_the_connection().into_iter().chain(of_the_body()).chain(of_the_status());
        let mut count = 0;
        for Case { fault, code, words, again } in all.skip(lane).step_by(LANES) {
            for command in COMMANDS {
                if fault == Fault::Refused && matches!(command, Command::Sync(_, Call::Download)) {
                    continue;
                }
                let (_, requests) = scene.fails(&fault, command, &["--retries", "1"], code, words);
                let tries = if again { 2 } else { 1 };
                let seen = if fault == Fault::Refused { 0 } else { tries };
                assert_eq!(requests.len(), seen, "{} {} {command:?}", scene.provider, shown(&fault));
                count += 1;
            }
        }
        scene.heals();
        count
    });
    held("faults::matrix::every_fault_in_every_command", cases);
}

#[test]
fn what_is_not_permitted() {
    let cases = at_every_cloud(|scene| {
        for command in COMMANDS {
            let mfa = scene.cloud == Cloud::Jdcloud && command.downloads();
            let words: &[&str] = if mfa { &["CERTCTL_JDCLOUD_MFA"] } else { &["allow this access key to call "] };
            let (_, requests) = scene.fails(&Fault::Status(403), command, &[], 3, words);
            assert_eq!(requests.len(), 1, "not retried");
        }
        scene.heals();
        COMMANDS.len()
    });
    held("faults::matrix::what_is_not_permitted", cases);
}

/// A path that is not there is no certificate that is not there, unless the cloud itself says so.
#[test]
fn what_is_not_found() {
    let cases = at_every_cloud(|scene| {
        for (fault, is_page) in [(Fault::Status(404), scene.cloud == Cloud::Tencent), (Fault::Page(404), true)] {
            for command in COMMANDS {
                let is_gateway = is_page || command.lists();
                let (code, words) =
                    if is_gateway { (5, "check the endpoint") } else { (4, "`certctl list` shows what there is") };
                let (_, requests) = scene.fails(&fault, command, &[], code, &[words]);
                let forms = match scene.cloud {
                    Cloud::Tencent => 1,
                    Cloud::Jdcloud if command.downloads() => 3,
                    Cloud::Jdcloud => 1,
                    _ => 2,
                };
                assert_eq!(requests.len(), forms, "every form once, none again: {requests:?}");
            }
        }
        scene.heals();
        2 * COMMANDS.len()
    });
    held("faults::matrix::what_is_not_found", cases);
}

#[test]
fn what_is_handed_out_is_wrong() {
    let cases = at_every_cloud(|scene| {
        let mut count = 0;
        for (fault, words) in [
            (
                Fault::WrongKey,
                &["the private key", "belongs to none of the certificates", "nothing on disk was changed"],
            ),
            (Fault::MissingIntermediate, &["the chain", "which is missing", "nothing on disk was changed"]),
        ] {
            for command in COMMANDS.into_iter().filter(|command| command.downloads()) {
                scene.fails(&fault, command, &[], 6, words);
                count += 1;
            }
        }
        scene.heals();
        count
    });
    held("faults::matrix::what_is_handed_out_is_wrong", cases);
}

/// Packed or endless, a reply takes no more memory than it may.
#[test]
fn memory_stays_flat() {
    const MOST: u64 = 64 << 10;
    let cases = at_every_cloud(|scene| {
        let faults = [
            Fault::Endless,
            Fault::Bomb(Packing::Gzip),
            Fault::Bomb(Packing::Deflate),
            Fault::Bomb(Packing::Br),
            Wire::HeadersWithoutEnd.into(),
            Wire::HugeHeader.into(),
            Fault::DeepJson,
        ];
        for fault in &faults {
            for command in SINGLE {
                scene.fault(fault, command);
                let (run, peak) = scene.certctl(command, &["--retries", "0"]).run_measured();
                scene.sandbox.clear(scene.cloud);
                assert_eq!(run.code, 5, "{} {}: {}", scene.provider, shown(fault), run.stderr);
                assert!((1..MOST).contains(&peak), "{} {}: {peak} KiB", scene.provider, shown(fault));
            }
        }
        faults.len() * SINGLE.len()
    });
    held("faults::matrix::memory_stays_flat", cases);
}
