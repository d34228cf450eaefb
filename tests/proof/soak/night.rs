//! One run, what happens to it, and whether what it says and leaves may be.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::disk::{self, Seen};
use super::world::{ACCOUNTS, Age, Hook, World};
use crate::cli::{Certctl, Run};
use crate::sandbox::{Cloud, Fault};

/// The library that gives a program another clock.
pub(super) const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What happens to a run.
#[derive(Debug, Default, Clone)]
pub(super) struct Night {
    /// So many requests of the cloud, or all.
    pub(super) faults: Vec<(Cloud, Fault, Option<u32>)>,
    /// A signal, at this part of a usual run's time.
    pub(super) kill: Option<(&'static str, f64)>,
    /// Whether another one runs at the same time.
    pub(super) has_twin: bool,
    /// How far certctl's clock is off, in seconds, and whether the clouds' are, too.
    pub(super) clock: Option<(i64, bool)>,
    /// No file may be longer than so many blocks of 512 bytes.
    pub(super) blocks: Option<u32>,
    /// Whether every check says no.
    pub(super) refuses: bool,
    /// What is renewed while it runs.
    pub(super) renewed_meanwhile: Vec<usize>,
}

/// What a run came to.
pub(super) struct Came {
    pub(super) runs: Vec<Run>,
    pub(super) is_killed: bool,
}

impl Night {
    /// Which exit codes there may be, but for 9, which several of them make.
    fn codes(&self, world: &World) -> BTreeSet<i32> {
        let mut codes = BTreeSet::from([0]);
        for (_, fault, _) in &self.faults {
            codes.extend(codes_of(fault));
        }
        match self.clock {
            Some((_, false)) => codes.extend([3]),
            // Some are not valid yet, some no more.
            Some((_, true)) => codes.extend([4, 6]),
            None => {}
        }
        codes.extend(self.blocks.map(|_| [7, 8]).into_iter().flatten());
        codes.extend(self.refuses.then_some(8));
        codes.extend(world.entries.iter().any(|entry| entry.offered().is_none()).then_some(4));
        match self.kill {
            Some(("KILL", _)) => codes.extend([-1]),
            Some(("TERM", _)) => codes.extend([143, -1]),
            Some(_) => codes.extend([130, -1]),
            None => {}
        }
        codes
    }

    pub(super) fn run(&self, world: &mut World, usual: Duration) -> Came {
        let before: Vec<Option<Seen>> = look_at_all(world);
        let wanted: Vec<Option<Age>> = expectations(world, &before);
        let codes = self.codes(world);
        for (cloud, fault, times) in &self.faults {
            let plan = times.map_or_else(|| fault.clone().into(), |times| fault.clone().times(times));
            world.sandbox.fault(*cloud, plan);
        }
        if let Some((seconds, true)) = self.clock {
            ACCOUNTS[..4].iter().for_each(|(_, _, cloud, _)| world.sandbox.fault(*cloud, Fault::Skew(seconds)));
        }
        if self.refuses {
            world.write("refuse", "");
        }
        let came = self.carry_out(world, usual);
        ACCOUNTS[..4].iter().for_each(|(_, _, cloud, _)| world.sandbox.clear(*cloud));
        drop(fs::remove_file(world.path("refuse")));
        for run in &came.runs {
            self.judge(run, &codes, world);
        }
        let afterwards = expectations(world, &before);
        self.compare(world, &came, &before, [&wanted, &afterwards]);
        came
    }

    fn carry_out(&self, world: &mut World, usual: Duration) -> Came {
        let since = Instant::now();
        let count = if self.has_twin { 2 } else { 1 };
        let mut children: Vec<Child> = (0..count).map(|_| self.spawn(world)).collect();
        for number in &self.renewed_meanwhile {
            world.renew(*number);
        }
        let mut is_killed = false;
        if let Some((signal, part)) = self.kill {
            thread::sleep(usual.mul_f64(part).saturating_sub(since.elapsed()));
            for child in &mut children {
                if child.try_wait().unwrap().is_none() {
                    is_killed = true;
                    let id = child.id().to_string();
                    // It may have ended by itself just now.
                    drop(Command::new("/bin/kill").args(["-s", signal, &id]).stderr(Stdio::null()).status());
                }
            }
        }
        let runs = children.into_iter().map(|child| ended(child, since)).collect();
        Came { runs, is_killed }
    }

    fn spawn(&self, world: &World) -> Child {
        let mut args = vec!["sync".to_owned(), "-o".to_owned(), "json".to_owned()];
        for (option, file) in [("-c", "certctl.toml"), ("--report", "out/report"), ("--metrics-file", "out/metrics")] {
            args.extend([option.to_owned(), world.path(file).display().to_string()]);
        }
        if !self.faults.is_empty() {
            args.extend(["--timeout", "2s", "--retries", "1"].map(str::to_owned));
        }
        let mut command = match self.blocks {
            None => Certctl::with(world.environment()).into_command(),
            Some(blocks) => {
                // So a write fails, as on a disk that is full, and no signal comes.
                let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &script, env!("CARGO_BIN_EXE_certctl")]);
                shell.env_clear().envs(world.environment());
                shell
            }
        };
        if let Some((seconds, _)) = self.clock {
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME", format!("{seconds:+}"));
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        }
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The exit code may be, and the report says the same.
    fn judge(&self, run: &Run, codes: &BTreeSet<i32>, world: &World) {
        let tell = || format!("{self:?}\n{:?}\n{}\n{}", run.code, run.stderr, tail(&run.stdout));
        let is_several = run.code == 9 && codes.iter().filter(|code| (1..100).contains(*code)).count() > 1;
        assert!(codes.contains(&run.code) || is_several, "the exit code is none of {codes:?}: {}", tell());
        for word in ["panicked", "a bug in certctl"] {
            assert!(!run.stderr.contains(word), "{}", tell());
        }
        if run.code == -1 {
            return;
        }
        let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", tell()));
        // That it could not be written, a report cannot say.
        let is_told = self.blocks.is_some() && run.stderr.contains("/out/.");
        assert!(is_told || report["exit_code"] == run.code, "{}", tell());
        let results = report["results"].as_array().unwrap();
        assert_eq!(results.len(), world.entries.len(), "{}", tell());
        let errors = results.iter().chain(report["errors"].as_array().unwrap()).map(|row| &row["error"]);
        let told: BTreeSet<i64> = errors.filter_map(|error| error["exit_code"].as_i64()).collect();
        if run.code < 100 && self.blocks.is_none() {
            let derived = match told.iter().collect::<Vec<_>>()[..] {
                [] => 0,
                [one] => *one,
                _ => 9,
            };
            assert_eq!(derived, i64::from(run.code), "by its rows: {}", tell());
        }
    }

    /// Nothing but what was there before or what was wanted is in place, whole; and after success, what was wanted.
    fn compare(&self, world: &mut World, came: &Came, before: &[Option<Seen>], wanted: [&[Option<Age>]; 2]) {
        let has_succeeded = came.runs.iter().all(|run| run.code == 0);
        let has_own_clock = self.clock.is_some();
        let updated: BTreeSet<String> = came.runs.iter().flat_map(changed).collect();
        let log = fs::read_to_string(world.path("log")).unwrap_or_default();
        drop(fs::remove_file(world.path("log")));
        let mut told = BTreeSet::new();
        for line in log.lines() {
            let (descriptors, names) = line.split_once(' ').unwrap_or_else(|| panic!("{line} in the log"));
            // The library for another clock has one of its own.
            if !has_own_clock {
                assert_eq!(descriptors, world.descriptors, "descriptors of a hook; {line}");
            }
            told.extend(names.split(',').map(str::to_owned));
        }
        for number in 0..world.entries.len() {
            let entry = &world.entries[number];
            let name = entry.name.clone();
            let tell = || {
                let outputs: Vec<_> = came.runs.iter().map(|run| (run.code, &run.stderr)).collect();
                format!("{name} after {self:?}: {outputs:?}\nbefore {:?}, {:?}", before[number], entry.rejected)
            };
            let after = match disk::look(world, entry) {
                Ok(after) => after,
                Err(_) if entry.is_damaged && !has_succeeded => continue,
                Err(what) => panic!("{what}: {}", tell()),
            };
            let age = after.as_ref().map(|seen| seen.age.clone());
            let was = before[number].as_ref().map(|seen| seen.age.clone());
            // Of a run that died before its check, the check is made up for.
            let approved = if self.refuses && entry.has_check { &entry.approved } else { &was };
            let may = [&was, &wanted[0][number], &wanted[1][number], approved];
            if !has_own_clock && !entry.is_damaged {
                assert!(may.contains(&&age), "{age:?} is none of {may:?}: {}", tell());
            }
            if has_succeeded && !has_own_clock {
                assert!(may[1..3].contains(&&age), "{age:?} is none of {:?}: {}", &may[1..3], tell());
            }
            if let (Some(after), Some(was)) = (&age, &was) {
                let is_back = age == *approved;
                assert!(after >= was || is_back || entry.is_damaged, "it went back to {after:?}: {}", tell());
            }
            let has_changed = updated.contains(&name)
                || after.as_ref().map(|seen| &seen.version) != before[number].as_ref().map(|seen| &seen.version);
            let may_run = has_changed || entry.is_owed || entry.is_damaged || !has_succeeded || !world.was_undisturbed;
            assert!(may_run || !told.contains(&name), "a hook for nothing: {}", tell());
            let is_owed = entry.hook != Hook::None && (entry.is_owed || has_changed) && !told.contains(&name);
            assert!(!(is_owed && has_succeeded), "its hook did not run: {}", tell());
            let keep = world.keep;
            let entry = &mut world.entries[number];
            entry.is_owed = is_owed;
            if has_succeeded || told.contains(&name) {
                entry.approved = age.clone();
            }
            entry.is_damaged &= !has_succeeded;
            if has_changed {
                // What is beyond goes with the change, unless that died first.
                let left = entry.most_versions + 1;
                entry.most_versions = if has_succeeded { keep + 1 } else { left.max(keep + 1) };
            }
            if age.is_some() && age > entry.rejected {
                entry.rejected = None;
            }
        }
        world.was_undisturbed = has_succeeded && !came.is_killed;
    }
}

fn look_at_all(world: &World) -> Vec<Option<Seen>> {
    world.entries.iter().map(|entry| disk::look(world, entry).unwrap_or_default()).collect()
}

fn expectations(world: &World, seen: &[Option<Seen>]) -> Vec<Option<Age>> {
    let of = |(entry, seen): (&super::world::Entry, &Option<Seen>)| entry.expected(seen.as_ref().map(|seen| &seen.age));
    world.entries.iter().zip(seen).map(of).collect()
}

/// The certificates that a run says it has changed.
pub(super) fn changed(run: &Run) -> Vec<String> {
    let Ok(report) = serde_json::from_str::<Value>(&run.stdout) else { return Vec::new() };
    let rows = report["results"].as_array().cloned().unwrap_or_default();
    let changed = rows.into_iter().filter(|row| row["outcome"] == "created" || row["outcome"] == "updated");
    changed.filter_map(|row| Some(row["name"].as_str()?.to_owned())).collect()
}

fn codes_of(fault: &Fault) -> &'static [i32] {
    match fault {
        Fault::Status(401 | 403) => &[3],
        Fault::Status(404) => &[4, 5],
        Fault::WrongKey | Fault::MissingIntermediate => &[6],
        _ => &[5],
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| line.contains("\"message\"") || line.contains("code")).collect();
    lines.into_iter().take(12).collect::<Vec<_>>().join("\n")
}

fn ended(mut child: Child, since: Instant) -> Run {
    // Its output is read while it runs: a report is longer than a pipe.
    let reader = thread::spawn({
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        move || {
            let errors = thread::spawn(move || read(&mut stderr));
            (read(&mut stdout), errors.join().unwrap())
        }
    });
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if since.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("certctl did not end");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let (stdout, stderr) = reader.join().unwrap();
    let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
        Ok(text) => text,
        // Killed while it printed, perhaps within a letter.
        Err(error) if status.code().is_none() => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => panic!("printed what is not UTF-8: {}", String::from_utf8_lossy(error.as_bytes())),
    };
    Run { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr), took: since.elapsed() }
}

fn read(from: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}
