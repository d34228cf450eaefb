//! The bar of a long run, and the messages above it: on a real terminal, as `script` makes one.

use std::process::{Command, Stdio};
use std::thread;

use certctl::report::log::{self, Style};
use certctl::report::progress::Progress;
use tracing_subscriber::filter::LevelFilter;

use crate::oracle;

const CHILD: &str = "CERTCTL_TEST_PROGRESS";
const SHOWN: &str = "report::progress::shown";
/// Each of two threads says so much.
const MESSAGES: usize = 50;

/// The other side of the tests here: a run that says much, from two sides. Does nothing in an ordinary run.
#[test]
fn shown() {
    let Some(what) = std::env::var_os(CHILD) else { return };
    log::start(Style { level: LevelFilter::WARN, json: false, color: false, is_journal: false });
    let bar = Progress::new(2 * MESSAGES, what != "hidden");
    let say = |who: &str| {
        for number in 1..=MESSAGES {
            tracing::warn!(target: "certctl::test", "{}", message(who, number));
            bar.advance();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| say("one"));
        say("two");
    });
    drop(bar);
    tracing::warn!(target: "certctl::test", "the end");
}

fn message(who: &str, number: usize) -> String {
    format!("{who} {number} of {}", "x".repeat(number))
}

/// All that such a run writes to its terminal.
fn terminal(what: &str) -> String {
    let suite = std::env::current_exe().unwrap().display().to_string();
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command"]);
    script.arg(format!("'{suite}' --exact {SHOWN} --nocapture --test-threads=1")).arg("/dev/null");
    let output = script.env(CHILD, what).env("TERM", "xterm").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The lines that a terminal shows in the end.
fn screen(written: &str) -> Vec<String> {
    let (mut lines, mut column) = (vec![String::new()], 0);
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let line = lines.last_mut().unwrap();
        rest = match c {
            '\r' => {
                column = 0;
                &rest[1..]
            }
            '\n' => {
                lines.push(" ".repeat(column));
                &rest[1..]
            }
            '\x1b' => {
                line.clear();
                line.push_str(&" ".repeat(column));
                rest.strip_prefix("\x1b[2K").unwrap_or_else(|| panic!("another escape sequence: {rest:?}"))
            }
            c => {
                let mut cells: Vec<char> = line.chars().collect();
                cells.resize(cells.len().max(column + 1), ' ');
                cells[column] = c;
                *line = cells.into_iter().collect();
                column += 1;
                &rest[c.len_utf8()..]
            }
        };
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Each message is there, whole, once, on a line of its own, and nothing is left of the bar.
#[track_caller]
fn is_whole(written: &str) {
    let screen = screen(written);
    // The test harness begins the first line.
    let lines: Vec<_> = screen.iter().filter_map(|line| Some(line.split_once("certctl: warning: ")?.1)).collect();
    let mut expected: Vec<_> =
        ["one", "two"].iter().flat_map(|who| (1..=MESSAGES).map(|number| message(who, number))).collect();
    expected.push("the end".to_owned());
    assert_eq!(lines.last(), Some(&"the end"), "{screen:#?}");
    let mut sorted = lines.clone();
    sorted.sort_unstable();
    expected.sort();
    assert_eq!(sorted, expected);
    assert!(screen.iter().all(|line| !line.contains("certificates, ") && !line.contains('[')), "{screen:#?}");
}

#[test]
fn messages_stand_whole_above_the_bar() {
    if !oracle::has("script") {
        return;
    }
    let written = terminal("bar");
    let is_drawn = |done: usize| written.contains(&format!("] {done}/100 certificates, 00:0"));
    assert!(is_drawn(0) && (98..=100).any(is_drawn), "{written:?}");
    is_whole(&written);
}

/// Where nobody would see it, nothing of it is written.
#[test]
fn no_terminal_no_bar() {
    let mut suite = Command::new(std::env::current_exe().unwrap());
    suite.args(["--exact", SHOWN, "--nocapture", "--test-threads=1"]).env(CHILD, "pipe");
    let written = String::from_utf8(suite.output().unwrap().stderr).unwrap();
    is_whole(&written);
    assert!(!written.contains(['\r', '\x1b']), "{written:?}");
    if oracle::has("script") {
        let written = terminal("hidden");
        is_whole(&written);
        assert!(!written.contains('\x1b'), "{written:?}");
    }
}
