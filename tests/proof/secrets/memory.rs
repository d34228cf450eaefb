//! The memory of certctl at work: what is done with is wiped. And what becomes of it when certctl is killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use super::scene::{ACCOUNTS, Scene, exists};
use crate::oracle::is_there;
use crate::proof::held;
use crate::sandbox::{Fault, Options};

/// Long enough for a loaded machine: what is waited for comes at once, or never.
const PATIENCE: Duration = Duration::from_secs(60);

fn is_root() -> bool {
    is_there(geteuid().is_root(), "root")
}

/// All that the process can write to: heap, stacks, and what is mapped for itself. The regions by name.
fn memory(process: u32) -> Vec<(String, Vec<u8>)> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let region = |line: &str| {
        let mut words = line.split_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let [from, to] = [from, to].map(|number| u64::from_str_radix(number, 16).unwrap());
        words.next().filter(|rights| rights.starts_with("rw"))?;
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        memory.read_exact_at(&mut bytes, from).ok()?;
        Some((words.nth(3).unwrap_or("anonymous").to_owned(), bytes))
    };
    maps.lines().filter_map(region).collect()
}

/// How often each secret is in the memory, and where.
fn found(scene: &Scene, process: u32) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let memory = memory(process);
    assert!(memory.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 1 << 20, "hardly any memory was read");
    for (region, bytes) in memory {
        for (offset, what) in scene.needles.find(&bytes) {
            found.entry(what).or_default().push(format!("{region} at {offset:#x}"));
        }
    }
    found
}

fn spawn(scene: &Scene, args: &[&str]) -> Child {
    let mut command = scene.certctl(args).into_command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a probe of this word has started.
fn wait_for(scene: &Scene, word: &str) {
    let since = Instant::now();
    let is_seen = || {
        let mut names = fs::read_dir(scene.path("seen")).unwrap().map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_string_lossy().starts_with(word))
    };
    while !is_seen() {
        assert!(since.elapsed() < PATIENCE, "{word} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asserts that no private key is left, and no more copies of a credential than are needed. A request that is under
/// way has some more of what is sent. Returns the cases.
fn is_wiped(scene: &Scene, process: u32, under_way: usize) -> usize {
    let found = found(scene, process);
    for (what, places) in &found {
        assert!(!what.starts_with("the key of"), "{what} is still in memory: {places:?}\n{found:#?}");
        // In the initial environment, which is on the stack; in the table of variables; as one account's credential;
        // and as the config's own value. A password is each certificate's.
        let most = if what.starts_with("KEYSTORE") || what.starts_with("PASSWORD") { 3 + ACCOUNTS.len() } else { 4 };
        assert!(places.len() <= most + under_way, "{what} is in memory {} times: {places:?}", places.len());
    }
    assert!(found.keys().any(|what| what.starts_with("TENCENTCLOUD_SECRET_KEY")), "the search finds nothing at all");
    ACCOUNTS.len() + found.len()
}

fn has_key(scene: &Scene, process: u32) -> bool {
    found(scene, process).keys().any(|what| what.starts_with("the key of"))
}

/// All keys have been fetched, unpacked, converted and written when a hook runs.
#[test]
fn no_key_while_a_hook_runs() {
    if !is_root() {
        return;
    }
    let mut cases = 0;
    for tls in [false, true] {
        let scene = Scene::with(Options { tls, ..Options::default() });
        scene.write("gate-after", "");
        // Made, and then found unchanged: the keys have been read from the disk again.
        for args in [["sync", "-q"], ["sync", "--force"]] {
            for name in &scene.held {
                let _ = fs::remove_file(scene.path("certs").join(&name.domain).join("current"));
            }
            fs::remove_dir_all(scene.path("seen")).unwrap();
            fs::create_dir(scene.path("seen")).unwrap();
            scene.write("gate-after", "");
            let child = spawn(&scene, &args);
            wait_for(&scene, "after");
            // Connections may be used again for a moment.
            let since = Instant::now();
            while since.elapsed() < Duration::from_secs(10) && has_key(&scene, child.id()) {
                std::thread::sleep(Duration::from_millis(50));
            }
            cases += is_wiped(&scene, child.id(), 0);
            fs::remove_file(scene.path("gate-after")).unwrap();
            assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
        }
    }
    held("secrets::memory::no_key_while_a_hook_runs", cases);
}

/// Three keys are on disk while the fourth is waited for: the run goes on, what it is done with is gone.
#[test]
fn no_key_while_another_is_waited_for() {
    if !is_root() {
        return;
    }
    let mut cases = 0;
    for tls in [false, true] {
        let scene = Scene::with(Options { tls, ..Options::default() });
        let (_, _, cloud, _) = ACCOUNTS[1];
        scene.sandbox.fault(cloud, Fault::Hang.on("DownloadCertificate"));
        let mut child = spawn(&scene, &["sync", "--timeout", "100s"]);
        let key = |place: usize| scene.path("certs").join(&scene.held[place].domain).join("privkey.pem");
        let is_asked = || scene.sandbox.tally(cloud, 0).contains_key("DownloadCertificate");
        let since = Instant::now();
        // Between its last byte and the end of the delivery there is a moment.
        while !([0, 2, 3].iter().all(|place| key(*place).exists()) && is_asked() && !has_key(&scene, child.id())) {
            if since.elapsed() > PATIENCE {
                is_wiped(&scene, child.id(), 6);
                panic!("the other keys never came");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        cases += is_wiped(&scene, child.id(), 6);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    held("secrets::memory::no_key_while_another_is_waited_for", cases);
}

/// A program that runs with core dumps allowed, in a directory.
fn dumping(scene: &Scene, args: &[&str]) -> Command {
    let certctl = scene.certctl(args).into_command();
    // Whoever started the tests may have had them ignore some signals.
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal", "/bin/sh", "-c", "ulimit -c unlimited && exec \"$@\"", "sh"]);
    command.arg(certctl.get_program()).args(certctl.get_args()).current_dir(scene.directory.path()).env_clear();
    command.envs(certctl.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The first of some signals finds a handler that looks whether a stack has run over, and then lets the next one kill.
fn killed(mut child: Child, signal: Signal) -> std::process::Output {
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < PATIENCE, "{signal:?} does not kill");
        let _ = kill_process(Pid::from_child(&child), signal);
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

const DEADLY: [Signal; 9] = [
    Signal::SEGV,
    Signal::ABORT,
    Signal::QUIT,
    Signal::BUS,
    Signal::ILL,
    Signal::FPE,
    Signal::TRAP,
    Signal::SYS,
    Signal::XCPU,
];

#[test]
fn no_core_dump() {
    // Otherwise it proves nothing that there is none.
    let mut control = Command::new("/bin/sh");
    control.args(["-c", "ulimit -c unlimited && echo ready && exec sleep 60"]).stdout(Stdio::piped());
    let elsewhere = tempfile::tempdir().unwrap();
    let mut control = control.current_dir(&elsewhere).spawn().unwrap();
    control.stdout.take().unwrap().read_exact(&mut [0; 5]).unwrap();
    kill_process(Pid::from_child(&control), Signal::SEGV).unwrap();
    let can_dump = control.wait().unwrap().core_dumped();
    if !is_there(can_dump, "a kernel that dumps core") {
        return;
    }
    let scene = Scene::new();
    let mut cases = 0;
    for signal in DEADLY {
        scene.forget();
        let _ = fs::remove_dir_all(scene.path("seen"));
        fs::create_dir(scene.path("seen")).unwrap();
        scene.write("gate-hook", "");
        let child = dumping(&scene, &["sync", "-q"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(&scene, "hook");
        let output = killed(child, signal);
        assert_eq!(output.status.signal(), Some(signal.as_raw()), "{signal:?}");
        assert!(!output.status.core_dumped(), "{signal:?}");
        scene.needles.absent(&output.stderr, "stderr");
        fs::remove_file(scene.path("gate-hook")).unwrap();
        let entries = fs::read_dir(scene.directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(!entries.into_iter().any(|name| name.to_string_lossy().starts_with("core")), "{signal:?}");
        cases += 1;
    }
    // While a cloud does not answer, too.
    let (_, _, cloud, _) = ACCOUNTS[1];
    scene.sandbox.fault(cloud, Fault::Hang);
    for signal in DEADLY {
        let mark = scene.sandbox.requests(cloud).len();
        let child = dumping(&scene, &["list", "--account", "tx"]).stdin(Stdio::null()).spawn().unwrap();
        let since = Instant::now();
        while scene.sandbox.requests(cloud).len() == mark && since.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = killed(child, signal).status;
        assert!(!status.core_dumped() && status.signal() == Some(signal.as_raw()), "{signal:?} {status}");
        cases += 1;
    }
    assert!(!exists(&scene.path("core")));
    held("secrets::memory::no_core_dump", cases);
}

/// The limits with which certctl runs end it in the middle of anything: too little memory, too small a stack.
#[test]
fn no_word_of_it_at_a_sudden_end() {
    let scene = Scene::new();
    let mut cases = 0;
    let limits = (0..30).map(|step| format!("ulimit -v {}", 12_000 + step * 6_000));
    let stacks = [16, 32, 64, 96, 128, 192, 256, 512, 1024].map(|size| format!("ulimit -s {size}"));
    let files = [3, 4, 5, 6, 8, 10, 12].map(|count| format!("ulimit -n {count}"));
    for limit in limits.chain(stacks).chain(files) {
        scene.forget();
        let mut command = dumping(&scene, &["sync", "-vvv", "-o", "json", "--retries", "0", "--timeout", "5s"]);
        let script = format!("ulimit -c unlimited; {limit} && exec \"$@\"");
        let args: Vec<_> = command.get_args().skip(2).map(ToOwned::to_owned).collect();
        let variables: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command = Command::new("/bin/sh");
        command.arg("-c").arg(&script).args(args).env_clear().envs(variables).current_dir(scene.directory.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        scene.needles.absent(&output.stdout, &format!("stdout under {limit}"));
        scene.needles.absent(&output.stderr, &format!("stderr under {limit}"));
        assert!(!output.status.core_dumped() || output.status.code().is_some(), "{limit}: {}", output.status);
        cases += 1 + scene.search_files();
    }
    held("secrets::memory::no_word_of_it_at_a_sudden_end", cases);
}
