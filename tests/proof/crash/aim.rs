//! Striking a command at one of its calls, and at no other.
//!
//! strace counts each thread's calls apart, and certctl writes on threads that come and go: a number alone would hit
//! another thread first, and never the last one. So a blow is aimed by path too, as far as one can be told beforehand.

use jiff::{SignedDuration, Timestamp};

use super::scene::Scene;
use super::trace::{Argument, Call};

/// How long before and after now a version that is made in the next run may be called, in seconds.
const TIMES: std::ops::Range<i64> = -1..7;
/// How many processes may come before that of the next run.
const PROCESSES: u32 = 100;

/// What tells a call from others of the same name.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    path: String,
    ordinal: usize,
}

impl Aim {
    /// At the call of that place in a run.
    pub(super) fn at(scene: &Scene, calls: &[Call], place: usize) -> Option<Self> {
        let call = calls.get(place)?;
        let path = handle(call)?;
        let template = scene.template(&path);
        let is_alike = |other: &&Call| other.thread == call.thread && other.name == call.name && matches(other, &path);
        Some(Self { path: template, ordinal: calls.get(..=place)?.iter().filter(is_alike).count() })
    }

    /// strace's options: what is injected there.
    pub(super) fn options(&self, scene: &Scene, call: &str, inject: &str) -> Vec<String> {
        let paths = paths(&self.path, scene.fingerprint());
        let paths = paths.into_iter().flat_map(|path| ["-P".to_owned(), path]);
        let inject = ["-e".to_owned(), format!("inject={call}:{inject}:when={}", self.ordinal)];
        paths.chain(inject).collect()
    }
}

/// The path by which strace is to know the call: a name as it is given, or that of an open file.
fn handle(call: &Call) -> Option<String> {
    let text = |argument: &Argument| match argument {
        Argument::Text(text) => String::from_utf8(text.clone()).ok().filter(|name| name != "."),
        _ => None,
    };
    let open = |argument: &Argument| match argument {
        Argument::Open(_, path) => Some(path.clone()),
        _ => None,
    };
    let name = (call.name != "write").then(|| call.arguments.iter().rev().find_map(text)).flatten();
    // A process's number can be guessed among a few, but it is in this name alone.
    let name = name.filter(|name| !name.contains(".certctl-") || name.ends_with(|c: char| !c.is_ascii_digit()));
    name.or_else(|| call.arguments.iter().find_map(open))
}

/// Whether strace takes the call to be about that path.
fn matches(call: &Call, path: &str) -> bool {
    let is_it = |argument: &Argument| match argument {
        Argument::Open(_, open) => open == path,
        Argument::Text(text) => call.name != "write" && text == path.as_bytes(),
        Argument::Other(_) => false,
    };
    // strace does not look at what a link is to point to.
    let arguments =
        if call.name == "symlinkat" { call.arguments.get(1..).unwrap_or_default() } else { &call.arguments };
    arguments.iter().any(is_it)
}

/// All that the path may be called in the next run.
fn paths(template: &str, fingerprint: &str) -> Vec<String> {
    if template.contains("VERSION") {
        let now = Timestamp::now();
        let name = |second| (now + SignedDuration::from_secs(second)).strftime("%Y%m%dT%H%M%SZ").to_string();
        TIMES.map(|second| template.replace("VERSION", &format!("{}-{fingerprint}", name(second)))).collect()
    } else if template.ends_with("PID") {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap();
        let last: u32 = load.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        (last..last + PROCESSES).map(|id| template.replace("PID", &id.to_string())).collect()
    } else {
        vec![template.to_owned()]
    }
}
