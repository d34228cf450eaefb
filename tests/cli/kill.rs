//! Whole downloads killed at random moments, with a reader looking on all the time.

#![allow(clippy::use_debug, reason = "a test that says what it has measured")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::sandbox::{Account, Cloud, Options, Sandbox};

const DOWNLOADS: usize = 200;
const FIRST_DOWNLOADS: usize = 30;

const NAME: &str = "x";
/// The current version, and the old ones that certctl keeps.
const MOST_VERSIONS: usize = 1 + 3;
const FILES: [&str; 5] = ["cert.pem", "chain.pem", "fullchain.pem", "metadata.json", "privkey.pem"];

/// Two certificates that are downloaded by turns, so that each download switches.
struct Ground {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
    turns: [Turn; 2],
}

/// One of them: its id, and what a download that nobody disturbed has made of it.
struct Turn {
    id: String,
    pems: BTreeMap<&'static str, Vec<u8>>,
}

/// How far a download had come when it was killed, told by what it has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// Nothing is changed.
    NotToTheStore,
    /// The new version is being written.
    Staged,
    /// The new version is whole, and the old one still in place.
    BeforeTheSwitch,
    /// The new version is in place, and old ones that are of no more use are still there.
    BeforeTheSweep,
    /// All is done.
    ToItsEnd,
}

#[test]
fn a_reader_sees_one_whole_version_whenever_a_download_dies() {
    let ground = Ground::new();
    let certificate = ground.certificate();
    let mut pace = ground.pace(|| is_staging(&certificate));
    let done = AtomicBool::new(false);
    let mut came = BTreeMap::new();
    let (reads, walks) = thread::scope(|scope| {
        let reader = scope.spawn(|| until(&done, || read_once(&certificate, &ground.turns)));
        let guard = scope.spawn(|| until(&done, || assert_keys_are_private(&certificate)));
        let end = SetOnDrop(&done);
        for round in 0..DOWNLOADS {
            let before = State::of(&certificate);
            let next = 1 - ground.held();
            let mut child = ground.spawn(&ground.turns[next].id);
            kill(&mut child, round % 2 == 0, &pace, || is_staging(&certificate));
            *came.entry(before.came_to(&State::of(&certificate))).or_insert(0) += 1;
            assert_keys_are_private(&certificate);
            read_once(&certificate, &ground.turns);

            let next = 1 - ground.held();
            pace.whole = ground.download(&ground.turns[next].id);
            assert_whole(&certificate, &ground.turns, MOST_VERSIONS);
            assert_eq!(ground.held(), next);
        }
        drop(end);
        (reader.join().unwrap(), guard.join().unwrap())
    });
    eprintln!("{DOWNLOADS} downloads killed, {pace:?}: {came:?}; {reads} reads, {walks} walks");
    let times = |wanted: &[Came]| wanted.iter().filter_map(|came_to| came.get(came_to)).sum::<usize>();
    let midway = times(&[Came::Staged, Came::BeforeTheSwitch, Came::BeforeTheSweep]);
    assert!(midway >= DOWNLOADS / 5, "too few died in the midst of it: {came:?}");
    assert!(times(&[Came::NotToTheStore]) >= DOWNLOADS / 20, "too few died early: {came:?}");
    assert!(reads > 10 * DOWNLOADS && walks > 10 * DOWNLOADS, "{reads} reads, {walks} walks");
}

#[test]
fn a_first_download_that_dies_leaves_all_or_nothing_in_place() {
    let ground = Ground::new();
    let certificate = ground.certificate();
    let mut pace = ground.pace(|| is_staging(&certificate));
    let (mut absent, mut in_place) = (0, 0);
    for round in 0..FIRST_DOWNLOADS {
        fs::remove_dir_all(&certificate).unwrap();
        let mut child = ground.spawn(&ground.turns[0].id);
        kill(&mut child, round % 4 == 0, &pace, || certificate.exists());
        assert_keys_are_private(&certificate);
        if certificate.join("current").symlink_metadata().is_ok() {
            in_place += 1;
            read_once(&certificate, &ground.turns);
        } else {
            absent += 1;
        }
        pace.whole = ground.download(&ground.turns[0].id);
        assert_whole(&certificate, &ground.turns, 1);
    }
    eprintln!("{FIRST_DOWNLOADS} first downloads killed: {absent} left nothing in place, {in_place} all of it");
    assert!(absent > 0, "none died before the switch");
}

/// How long a download takes: always the last one's time, since other tests come and go.
#[derive(Debug)]
struct Pace {
    whole: Duration,
    /// The part of it from when it has begun to write.
    writing: f64,
}

impl Ground {
    /// Both certificates downloaded once, the second in place.
    fn new() -> Self {
        let sandbox = Sandbox::start(Options::default());
        let directory = tempfile::tempdir().unwrap();
        let turns = ["p256 sec1", "p384"].map(|label| Turn {
            id: sandbox.certificate(Cloud::Jdcloud, Account::Healthy, label).id,
            pems: BTreeMap::new(),
        });
        let mut ground = Self { sandbox, directory, turns };
        for turn in [0, 1] {
            ground.download(&ground.turns[turn].id);
            let certificate = ground.certificate();
            crate::oracle::verifies(&certificate, &ground.sandbox.root_path());
            let pems = FILES.into_iter().filter(|name| name.ends_with(".pem"));
            ground.turns[turn].pems = pems.map(|name| (name, fs::read(certificate.join(name)).unwrap())).collect();
        }
        for name in ["privkey.pem", "cert.pem"] {
            assert_ne!(ground.turns[0].pems[name], ground.turns[1].pems[name]);
        }
        ground
    }

    fn certificate(&self) -> PathBuf {
        self.directory.path().join(NAME)
    }

    /// A download under a mask that hides nothing: modes are certctl's own doing.
    fn command(&self, id: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "umask 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_certctl")]);
        command.args(["download", "-p", "jdcloud", "--name", NAME, "--force", id, "-d"]).arg(self.directory.path());
        command.env_clear().envs(self.sandbox.environment());
        command
    }

    fn spawn(&self, id: &str) -> Child {
        self.command(id).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// A download that nobody disturbs; returns how long it took.
    fn download(&self, id: &str) -> Duration {
        let started = Instant::now();
        let output = self.command(id).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said, "", "nothing to complain of, leftovers included");
        started.elapsed()
    }

    /// Which of the two is in place.
    fn held(&self) -> usize {
        read_once(&self.certificate(), &self.turns)
    }

    /// The median of a few undisturbed downloads.
    fn pace(&self, has_begun: impl Fn() -> bool) -> Pace {
        let mut paces: Vec<_> = (0..7).map(|_| self.one_pace(&has_begun)).collect();
        paces.sort();
        let (whole, writing) = paces[paces.len() / 2];
        Pace { whole, writing: writing.as_secs_f64() / whole.as_secs_f64() }
    }

    fn one_pace(&self, has_begun: &impl Fn() -> bool) -> (Duration, Duration) {
        let started = Instant::now();
        let mut child = self.spawn(&self.turns[1 - self.held()].id);
        wait_for(&mut child, has_begun);
        let begun = started.elapsed();
        assert!(child.wait().unwrap().success());
        (started.elapsed(), started.elapsed() - begun)
    }
}

/// Kills it at any moment of its life, or at any moment from when it has begun to write.
fn kill(child: &mut Child, at_any_moment: bool, pace: &Pace, has_begun: impl Fn() -> bool) {
    if at_any_moment {
        thread::sleep(pace.whole.mul_f64(fastrand::f64() * 1.1));
    } else {
        wait_for(child, &has_begun);
        thread::sleep(pace.whole.mul_f64(pace.writing * fastrand::f64()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until something has happened or the child has ended.
fn wait_for(child: &mut Child, has_happened: &impl Fn() -> bool) {
    while !has_happened() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(100));
    }
}

fn is_staging(certificate: &Path) -> bool {
    names(&certificate.join("versions")).iter().any(|name| name.starts_with(".new-"))
}

/// The names that tell how far a download has come.
#[derive(Debug, PartialEq, Eq)]
struct State {
    current: PathBuf,
    links: Vec<String>,
    versions: Vec<String>,
}

impl State {
    fn of(certificate: &Path) -> Self {
        Self {
            current: fs::read_link(certificate.join("current")).unwrap(),
            links: names(certificate),
            versions: names(&certificate.join("versions")),
        }
    }

    fn came_to(&self, after: &Self) -> Came {
        if self == after {
            Came::NotToTheStore
        } else if after.versions.iter().any(|name| name.starts_with(".new-")) {
            Came::Staged
        } else if self.current == after.current {
            Came::BeforeTheSwitch
        } else if after.versions.len() > MOST_VERSIONS || after.versions.iter().any(|name| name.starts_with(".old-")) {
            Came::BeforeTheSweep
        } else {
            Came::ToItsEnd
        }
    }
}

/// Reads as a server would that resolves `current` once, and returns whose files they are.
fn read_once(certificate: &Path, turns: &[Turn; 2]) -> usize {
    loop {
        let current = fs::read_link(certificate.join("current")).expect("current is always there");
        let version = certificate.join(&current);
        let files: io::Result<Vec<_>> = FILES.iter().map(|name| fs::read(version.join(name))).collect();
        let files = match files {
            Ok(files) => files,
            // Put to sleep for so long that the version was replaced, and swept as one of the oldest.
            Err(error) => {
                let now = fs::read_link(certificate.join("current")).unwrap();
                assert!(error.kind() == io::ErrorKind::NotFound && now != current, "{error} in {current:?}");
                continue;
            }
        };
        let files: BTreeMap<_, _> = FILES.into_iter().zip(files).collect();
        let whose = turns.iter().position(|turn| turn.pems["privkey.pem"] == files["privkey.pem"]);
        let whose = whose.expect("a key is always whole");
        for (name, bytes) in &turns[whose].pems {
            assert!(files[name] == *bytes, "{name} does not go with the key beside it");
        }
        let metadata: serde_json::Value = serde_json::from_slice(&files["metadata.json"]).unwrap();
        assert_eq!(metadata["id"], *turns[whose].id);
        for name in FILES {
            // By the links: whole too, if perhaps of the next version.
            let linked = fs::read(certificate.join(name)).expect("every link always leads somewhere");
            assert!(!linked.is_empty());
        }
        return whose;
    }
}

/// No key, staged ones included, is for others to read, at this moment.
fn assert_keys_are_private(directory: &Path) {
    for name in names(directory) {
        let path = directory.join(&name);
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            assert_keys_are_private(&path);
        } else if name == "privkey.pem" && metadata.is_file() {
            assert_eq!(metadata.permissions().mode() & 0o7777, 0o600, "{}", path.display());
        }
    }
}

/// Every file of every version is there and goes with the others, and nothing else is.
fn assert_whole(certificate: &Path, turns: &[Turn; 2], most: usize) {
    let mut links = FILES.map(str::to_owned).to_vec();
    links.extend(["current", "versions"].map(str::to_owned));
    links.sort();
    assert_eq!(names(certificate), links);
    let versions = names(&certificate.join("versions"));
    assert!((1..=most).contains(&versions.len()), "{versions:?}");
    for version in versions {
        assert!(!version.starts_with('.'), "left over: {version}");
        let path = certificate.join("versions").join(version);
        assert_eq!(names(&path), FILES);
        let read = |name: &str| fs::read(path.join(name)).unwrap();
        let is_whole = |turn: &Turn| turn.pems.iter().all(|(name, bytes)| read(name) == *bytes);
        assert!(turns.iter().any(is_whole), "{}", path.display());
    }
}

/// The names in a directory, sorted; none where it is not there.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    // A directory that is removed while it is read may end in an error.
    let names = entries.map_while(Result::ok).map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Does it again and again; returns how often.
fn until<T>(done: &AtomicBool, mut work: impl FnMut() -> T) -> usize {
    let mut count = 0;
    while !done.load(Ordering::Relaxed) {
        work();
        count += 1;
        // The machine may have no more than two cores, and the download needs one.
        thread::sleep(Duration::from_millis(1));
    }
    count
}

/// So that a round that fails does not leave the others looking on for ever.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
