//! What a bug in certctl would say: where it is, never what it had in its hands.

use std::env;
use std::process::{Command, Stdio};

use super::needles::Needles;
use super::scene::Scene;
use crate::proof::held;

const KIND: &str = "CERTCTL_TEST_PANIC";
const CANARY: &str = "panic-canary-0b9f4d27ac61e835";
const KINDS: [&str; 7] = ["text", "format", "any", "thread", "blocking", "unwrap", "logged"];

/// The child's side, which panics. Does nothing in an ordinary run.
#[test]
fn panic_as_told() {
    let Ok(kind) = env::var(KIND) else { return };
    let canary = env::var("CANARY").unwrap();
    certctl::report::log::hush_panics();
    match kind.as_str() {
        "text" => panic!("panic-canary-0b9f4d27ac61e835"),
        "format" => panic!("{canary}"),
        "any" => std::panic::panic_any(canary),
        "thread" => drop(std::thread::spawn(move || panic!("{canary}")).join()),
        "blocking" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let joined = runtime.block_on(async { tokio::task::spawn_blocking(move || panic!("{canary}")).await });
            drop(joined);
        }
        "unwrap" => canary.parse::<u32>().map(drop).map_err(|_| canary).unwrap(),
        _ => {
            let style = certctl::report::log::Style {
                level: tracing_subscriber::filter::LevelFilter::DEBUG,
                json: true,
                color: false,
                is_journal: false,
            };
            certctl::report::log::start(style);
            panic!("{canary}");
        }
    }
}

#[test]
fn a_panic_tells_its_place_only() {
    let mut needles = Needles::default();
    needles.text("CANARY", CANARY);
    let name = module_path!().split_once("::").unwrap().1;
    let mut cases = 0;
    for kind in KINDS {
        for backtrace in ["0", "1", "full"] {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", &format!("{name}::panic_as_told"), "--nocapture", "--test-threads=1"]);
            command.env(KIND, kind).env("CANARY", CANARY).env("RUST_BACKTRACE", backtrace);
            let output = command.env("RUST_LIB_BACKTRACE", backtrace).stdin(Stdio::null()).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            needles.absent(&text, kind);
            let text = String::from_utf8_lossy(&text);
            assert!(text.contains("a bug at ") && text.contains("panics.rs"), "{kind}: {text}");
            assert!(!text.contains("begin_unwind"), "{kind}: a backtrace\n{text}");
            cases += 1;
        }
    }
    held("secrets::panics::a_panic_tells_its_place_only", cases);
}

/// Where nothing can be said, the exit code still tells, and no second panic ends it all.
#[test]
fn without_stderr() {
    let scene = Scene::new();
    let mut cases = 0;
    let commands: [(&[&str], i32); 5] = [
        (&["list", "--retries", "many"], 2),
        (&["sync", "no-such-name"], 2),
        (&["describe", "--account", "ct", "999999", "-vvv"], 4),
        (&["list", "-vvv"], 0),
        (&["sync", "-vvv", "--log-format", "json"], 0),
    ];
    for (args, code) in commands {
        for stderr in ["2>&-", "2>/dev/full", "2>&1 >/dev/null | true", "2>/dev/full >&-", "<&- >/dev/full"] {
            let certctl = scene.certctl(args).into_command();
            let mut command = Command::new("bash");
            command.args(["-c", &format!("set -o pipefail; \"$@\" {stderr}"), "bash"]);
            command.arg(certctl.get_program()).args(certctl.get_args()).current_dir(scene.directory.path());
            command.env_clear().envs(certctl.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = command.stdin(Stdio::null()).output().unwrap();
            let is_full = stderr.ends_with(">/dev/full") && stderr.starts_with('<');
            let found = output.status.code().unwrap_or(-1);
            assert!(found == code || is_full && found == 7, "{args:?} {stderr}: {found}, not {code}");
            scene.needles.absent(&[output.stdout, output.stderr].concat(), stderr);
            cases += 1;
        }
    }
    held("secrets::panics::without_stderr", cases + scene.search_files());
}
