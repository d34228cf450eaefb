//! Programs, run to their end or to the end of their time.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use certctl::process::{Capture, Ended, ProcessError, Task, run};
use certctl::stop::{Signal, Stop};
use rustix::process::{Pid, kill_process};

const BOTH: Capture = Capture::Both { most: 1_000 };
/// Longer than anything here takes.
const AGES: Duration = Duration::from_secs(60);
/// Long enough for a shell to say what it is about to do.
const MOMENT: Duration = Duration::from_secs(2);

fn program(argv: &[&str], capture: Capture) -> Ended {
    let argv: Vec<_> = argv.iter().map(ToString::to_string).collect();
    run(&Task { argv: &argv, variables: vec![("PATH", "/usr/bin:/bin")], limit: AGES, capture }, &Stop::default())
}

/// A shell script that works in `directory`.
fn script(text: &str, directory: &Path, limit: Duration, stop: &Stop) -> Ended {
    let argv = ["sh", "-c", &format!("cd {}; {text}", directory.display())].map(ToOwned::to_owned);
    run(&Task { argv: &argv, variables: vec![("PATH", "/usr/bin:/bin")], limit, capture: BOTH }, stop)
}

fn output(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.output).into_owned()
}

/// Waits until it is so; how long that takes is the machine's affair.
#[track_caller]
pub(crate) fn becomes(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < AGES, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process of this number is there that is more than a zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    assert!(pid.parse::<u32>().is_ok(), "{pid:?} is not a process id");
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        return stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'));
    }
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap().stdout;
    !state.is_empty() && !state.starts_with(b"Z")
}

/// The process whose number was written to `file` is gone, or will be at once.
#[track_caller]
pub(crate) fn is_gone(file: &Path) {
    let pid = fs::read_to_string(file).unwrap();
    becomes(&format!("{} is gone", file.display()), || !is_alive(pid.trim()));
}

#[test]
fn what_it_prints_and_how_it_ends() {
    let text = "echo out; echo err >&2; echo more; cat; exit 3";
    let ended = program(&["sh", "-c", text], BOTH);
    assert_eq!((ended.status.clone().unwrap().code(), output(&ended).as_str()), (Some(3), "out\nerr\nmore\n"));
    let ended = program(&["sh", "-c", "echo out; echo err >&2; echo more; exit 3"], Capture::Stdout { most: 9 });
    assert_eq!((ended.status.clone().unwrap().code(), output(&ended).as_str()), (Some(3), "out\nmore\n"));
    let ended = program(&["sh", "-c", "printf 'a\\377\\0b'; kill -9 $$"], BOTH);
    assert_eq!((ended.status.clone().unwrap().signal(), ended.output.as_slice()), (Some(9), &b"a\xff\0b"[..]));
}

#[test]
fn it_gets_these_arguments_and_this_environment() {
    let odd = ["$HOME", "a  b", "'\"`", "; exit 9", "*", "", "-n", "\\n", "\n", "证书"];
    let ended = program(&[&["printf", "<%s>"], &odd[..]].concat(), BOTH);
    assert_eq!(output(&ended), odd.map(|word| format!("<{word}>")).concat());
    let variables = vec![("PATH", "/usr/bin:/bin"), ("ODD", " $PATH 'x' "), ("EMPTY", "")];
    let task = Task { argv: &["env".to_owned()], variables, limit: AGES, capture: BOTH };
    let ended = run(&task, &Stop::default());
    let mut seen: Vec<_> = output(&ended).lines().map(ToOwned::to_owned).collect();
    seen.sort();
    assert_eq!(seen, ["EMPTY=", "ODD= $PATH 'x' ", "PATH=/usr/bin:/bin"]);
}

#[test]
fn it_has_a_process_group_of_its_own() {
    let ended = program(&["sh", "-c", "kill -s 0 -- -$$"], BOTH);
    assert!(ended.status.clone().unwrap().success(), "{ended:?}");
}

#[test]
fn what_cannot_be_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, mode| {
        let path = directory.path().join(name);
        fs::write(&path, "not a program").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let (closed, strange) = (file("closed", 0o644), file("strange", 0o755));
    for (argv, reason) in [
        (vec!["/nowhere/program"], "No such file or directory"),
        (vec!["certctl-no-such-program"], "No such file or directory"),
        (vec![""], "No such file or directory"),
        (vec![], "No such file or directory"),
        (vec!["/"], "Permission denied"),
        (vec![closed.as_str()], "Permission denied"),
        (vec![strange.as_str()], "Exec format error"),
        (vec!["echo", "a\0b"], "Invalid argument"),
    ] {
        let ended = program(&argv, BOTH);
        let error = ended.status.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot be run: {reason}")), "{argv:?}: {error}");
        assert!(matches!(error, ProcessError::NotStarted(_)) && ended.output.is_empty(), "{error:?}");
    }
}

#[test]
fn of_much_output_the_end_is_kept() {
    let most = 1_000;
    let ended = program(&["seq", "1", "300000"], Capture::Both { most });
    let all: String = (1..=300_000).map(|number| format!("{number}\n")).collect();
    assert!(ended.status.clone().unwrap().success());
    assert_eq!(output(&ended), all[all.len() - most..]);
    // The first byte of many that come one by one.
    let ended = program(&["sh", "-c", "echo first; seq 1 20 | while read n; do echo $n >&2; done"], BOTH);
    assert!(output(&ended).starts_with("first\n1\n2\n") && output(&ended).ends_with("\n20\n"), "{ended:?}");
}

#[test]
fn of_stdout_too_much_is_an_error() {
    let most = 10_000;
    let ended = program(&["head", "-c", "10000", "/dev/zero"], Capture::Stdout { most });
    assert_eq!((ended.status.unwrap().code(), ended.output.len()), (Some(0), most));
    for count in ["10001", "50000000"] {
        let ended = program(&["head", "-c", count, "/dev/zero"], Capture::Stdout { most });
        assert_eq!(ended.status.unwrap_err(), ProcessError::TooMuch(most), "{count}");
    }
}

/// Asked to go, and made to: all of the group, and what it said until then is known.
#[test]
fn a_group_that_takes_too_long_is_ended() {
    let cases = [
        ("it waits", "sleep 600 & echo $! >child; echo $$ >own; echo said; wait"),
        ("it hears nothing", "trap '' TERM; sleep 600 & echo $! >child; echo $$ >own; echo said; wait; sleep 600"),
        (
            "it goes, its child hears nothing",
            "(trap '' TERM; sleep 600) & echo $! >child; echo $$ >own; echo said; wait",
        ),
        ("it prints without end", "sh -c 'echo $$ >child; while :; do echo said; done' & echo $$ >own; wait"),
    ];
    let check = |(what, text): (&str, &str)| {
        let directory = tempfile::tempdir().unwrap();
        let ended = script(text, directory.path(), MOMENT, &Stop::default());
        assert_eq!(ended.status.clone().unwrap_err(), ProcessError::TimedOut(MOMENT), "{what}");
        assert!(output(&ended).ends_with("said\n"), "{what}: {ended:?}");
        for file in ["own", "child"] {
            is_gone(&directory.path().join(file));
        }
    };
    thread::scope(|scope| cases.map(|case| scope.spawn(move || check(case))).map(|run| run.join().unwrap()));
    let message = ProcessError::TimedOut(Duration::from_secs(120)).to_string();
    assert_eq!(message, "did not end within 2m and was ended");
}

/// SIGKILL comes later, and not only to those who have gone by then.
#[test]
fn its_end_may_tidy_up() {
    let directory = tempfile::tempdir().unwrap();
    let tidy = |name: &str, meanwhile: &str| format!("trap 'sleep 0.2; : >{name}; exit' TERM; {meanwhile}");
    // The child holds nothing open and outlives its parent, which goes at the first word.
    let child = format!("({} sleep 600 & wait) >/dev/null 2>&1 &", tidy("child", ""));
    let ended = script(&format!("{child} exec sleep 600"), directory.path(), MOMENT, &Stop::default());
    assert!(ended.status.is_err() && directory.path().join("child").exists());
    let ended = script(&tidy("own", "sleep 600 & wait"), directory.path(), MOMENT, &Stop::default());
    assert!(ended.status.is_err() && directory.path().join("own").exists());
}

/// What a hook starts may stay, whatever it holds open; and it may go on to print.
#[test]
fn a_daemon_that_it_leaves_behind_lives_on() {
    let directory = tempfile::tempdir().unwrap();
    let daemon = "while [ ! -e go ]; do sleep 0.02; done; head -c 1000000 /dev/zero && : >printed; exec sleep 600";
    let ended = script(&format!("sh -c '{daemon}' & echo $!"), directory.path(), AGES, &Stop::default());
    assert!(ended.status.clone().unwrap().success(), "{ended:?}");
    let pid = output(&ended);
    assert!(is_alive(pid.trim()));
    fs::write(directory.path().join("go"), "").unwrap();
    becomes("the daemon has printed all", || directory.path().join("printed").exists());
    assert!(is_alive(pid.trim()));
    kill_process(Pid::from_raw(pid.trim().parse().unwrap()).unwrap(), rustix::process::Signal::KILL).unwrap();
}

/// A credentials command's output, in contrast, has to be whole.
#[test]
fn stdout_is_awaited_whoever_holds_it_open() {
    let argv = ["sh", "-c", "sleep 600 & echo $!"].map(ToOwned::to_owned);
    let variables = vec![("PATH", "/usr/bin:/bin")];
    let task = Task { argv: &argv, variables, limit: MOMENT, capture: Capture::Stdout { most: 100 } };
    let ended = run(&task, &Stop::default());
    assert_eq!(ended.status.clone().unwrap_err(), ProcessError::TimedOut(MOMENT));
    becomes("the child is gone", || !is_alive(output(&ended).trim()));
}

const CHILD: &str = "CERTCTL_TEST_PROCESS_STOP";
const SLOW: &str = "CERTCTL_TEST_PROCESS_SLOW";
/// It hears no SIGTERM, nor does its child.
const STUBBORN: &str = "trap '' TERM; sleep 600 & echo $! >child; echo $$ >own; echo said; : >ready; wait; sleep 600";

/// The other side of [`a_signal_ends_it_soon`]. Does nothing in an ordinary run.
#[test]
fn stopped() {
    let Some(directory) = std::env::var_os(CHILD) else { return };
    let (directory, stop) = (Path::new(&directory), Stop::on_signals().unwrap());
    let ended = script(STUBBORN, directory, AGES, &stop);
    let first = format!("{:?} {}", ended.status, output(&ended));
    // One that is there would be ended before it could do anything.
    let argv = ["/nowhere/program".to_owned()];
    let not_started = run(&Task { argv: &argv, variables: Vec::new(), limit: AGES, capture: BOTH }, &stop);
    fs::write(directory.join("told"), format!("{first}{:?}", not_started.status)).unwrap();
}

#[test]
fn a_signal_ends_it_soon() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| directory.path().join(name);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::stopped", "--test-threads=1"])
        .env(CHILD, directory.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    becomes("the program is under way", || path("ready").exists());
    let since = Instant::now();
    kill_process(Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let took = since.elapsed();
    let stopped = ProcessError::Stopped(Signal::Terminate);
    assert_eq!(fs::read_to_string(path("told")).unwrap(), format!("Err({stopped:?}) said\nErr({stopped:?})"));
    is_gone(&path("own"));
    is_gone(&path("child"));
    // Sooner than for one that takes too long, which has time to tidy up.
    let since = Instant::now();
    let ended = script(STUBBORN, other.path(), Duration::from_millis(1), &Stop::default());
    assert!(ended.status.is_err() && took * 3 / 2 < since.elapsed(), "{took:?}");
}

/// The other side of [`a_second_signal_ends_certctl_itself_at_once`]. Does nothing in an ordinary run.
#[test]
fn slow_to_stop() {
    let Some(directory) = std::env::var_os(SLOW) else { return };
    let (directory, stop) = (Path::new(&directory), Stop::on_signals().unwrap());
    fs::write(directory.join("listens"), "").unwrap();
    becomes("a signal has come", || stop.is_asked());
    fs::write(directory.join("asked"), "").unwrap();
    thread::sleep(AGES);
}

#[test]
fn a_second_signal_ends_certctl_itself_at_once() {
    use rustix::process::Signal;
    for first in [Signal::INT, Signal::TERM] {
        for second in [Signal::INT, Signal::TERM] {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name);
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "process::slow_to_stop", "--test-threads=1"])
                .env(SLOW, directory.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let pid = Pid::from_child(&child);
            becomes("it listens", || path("listens").exists());
            kill_process(pid, first).unwrap();
            becomes("the first signal is heard", || path("asked").exists());
            kill_process(pid, second).unwrap();
            let status = child.wait().unwrap();
            assert_eq!(status.signal(), Some(second.as_raw()), "{first:?} {second:?}: {status}");
        }
    }
}
