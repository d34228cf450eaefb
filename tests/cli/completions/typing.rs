//! A shell at whose keyboard somebody sits.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Home;

/// How long a shell may take for what it does at once, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// An interactive shell on a terminal, whose start-up file makes Ctrl-X append the line to the file `line` and empty it.
pub(super) struct Shell {
    child: Child,
    line: std::path::PathBuf,
}

impl Shell {
    /// Begins with this command line; ready once the file `ready` is there.
    pub(super) fn start(home: &Home, command: &str) -> Self {
        let mut script = home.command("script");
        script.args(["--quiet", "--flush", "--command", &format!("stty cols 100 rows 40; {command}"), "/dev/null"]);
        let log = File::create(home.path().join("screen")).unwrap();
        let child = script.stdin(Stdio::piped()).stdout(log).spawn().unwrap();
        let mut shell = Self { child, line: home.path().join("line") };
        let ready = home.path().join("ready");
        shell.wait(|| ready.exists().then_some(()));
        // Until it reads keys itself, the terminal would act on some of them.
        assert_eq!(shell.types(""), "");
        shell
    }

    /// What stands in the line after these keys.
    pub(super) fn types(&mut self, keys: &str) -> String {
        let _ = fs::remove_file(&self.line);
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(format!("{keys}\x18").as_bytes()).unwrap();
        input.flush().unwrap();
        let whole = || fs::read_to_string(&self.line).ok()?.strip_suffix('\n').map(str::to_owned);
        self.wait(whole)
    }

    fn wait<T>(&self, there: impl Fn() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = there() {
                return found;
            }
            if since.elapsed() > PATIENCE {
                let screen = fs::read_to_string(self.line.with_file_name("screen")).unwrap_or_default();
                panic!("the shell does not answer: {screen:?}");
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // The terminal goes with it, and the shell hangs up.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
