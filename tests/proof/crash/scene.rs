//! What certctl is doing when it is struck: the disk before, the command, and the disk after a run that nobody disturbs.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::judge::{Judge, Stand, settled};
use super::trace::{self, CHANGING, Call};
use super::tree::Tree;
use crate::sandbox::{Account, Options, Sandbox};

/// A certificate directory's name in the scenes of `sync`.
pub(super) const NAME: &str = "a.example";

/// strace says nothing itself.
const QUIET: &str = "quiet=attach,path-resolution";

/// One command on one disk.
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) sandbox: Sandbox,
    account: Account,
    directory: tempfile::TempDir,
    arguments: Vec<String>,
    /// What is run after it has died: the same again, unless this is something else.
    healing: Vec<Vec<String>>,
    pub(super) before: Tree,
    pub(super) after: Tree,
    /// Whether a check and a hook follow a change.
    pub(super) is_followed: bool,
    pub(super) judge: Judge,
}

/// What a run came to.
pub(super) struct Ended {
    /// None if it was killed.
    pub(super) code: Option<i32>,
    pub(super) stderr: String,
    pub(super) calls: Vec<Call>,
}

impl Ended {
    /// The lines that tell of an error.
    pub(super) fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("certctl: error: ")).collect()
    }
}

/// A scene that is being set.
pub(super) struct Stage {
    scene: Scene,
}

impl Stage {
    pub(super) fn new(title: &'static str, account: Account) -> Self {
        // Where there is one, in memory: what a power cut takes is not what is asked here.
        let fast = Path::new("/dev/shm");
        let directory = if fast.is_dir() { tempfile::tempdir_in(fast) } else { tempfile::tempdir() }.unwrap();
        let scene = Scene {
            title,
            sandbox: Sandbox::start(Options::default()),
            account,
            directory,
            arguments: Vec::new(),
            healing: Vec::new(),
            before: Tree::default(),
            after: Tree::default(),
            is_followed: false,
            judge: Judge::default(),
        };
        for name in ["disk/certs", "disk/ssl", "disk/out"] {
            fs::create_dir_all(scene.path(name)).unwrap();
        }
        Self { scene }
    }

    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.scene.sandbox
    }

    pub(super) fn disk(&self) -> PathBuf {
        self.scene.disk()
    }

    /// Writes the config of one certificate. Check and hook note that they were run.
    pub(super) fn configure(&mut self, top: &str, account: &str, name: &str, more: &str, copies: &[&str]) {
        let (dir, log) = (self.disk().join("certs"), self.scene.path("log"));
        let (dir, log) = (dir.display(), log.display());
        let provider = match account {
            "tx" => "tencent",
            "ct" => "ctyun",
            _ => "huawei",
        };
        let to = |copy: &&str| format!("{{ file = '{}', to = '{}/ssl/{copy}' }}", source(copy), self.disk().display());
        let install = copies.iter().map(to).collect::<Vec<_>>().join(", ");
        let config = format!(
            "dir = '{dir}'\n{top}\n[accounts.{account}]\nprovider = '{provider}'\nrequests_per_second = 1000\n\
             [[certificates]]\nname = '{name}'\naccount = '{account}'\ninstall = [{install}]\n\
             check = \"echo check >> '{log}'; test ! -e '{log}-check' || . '{log}-check'\"\n\
             hook = \"echo hook >> '{log}'; test ! -e '{log}-hook' || . '{log}-hook'\"\n{more}\n",
        );
        fs::write(self.scene.path("certctl.toml"), config).unwrap();
        self.scene.is_followed = true;
        self.scene.judge = Judge::of(&format!("certs/{name}"), copies.iter().map(|copy| format!("ssl/{copy}")));
    }

    /// A directory without a config.
    pub(super) fn alone(&mut self, home: &str) {
        self.scene.judge = Judge::of(home, std::iter::empty());
    }

    /// A run that nobody disturbs, before the one that is attacked.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) {
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let ended = self.scene.run(&arguments);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    pub(super) fn sync(&self) -> Vec<String> {
        let path = |name: &str| self.scene.path(name).display().to_string();
        let words = ["sync", "-c", &path("certctl.toml"), "--report", &path("disk/out/report.json"), "--metrics-file"];
        words.into_iter().map(str::to_owned).chain([path("disk/out/certctl.prom")]).collect()
    }

    pub(super) fn config(&self) -> String {
        self.scene.path("certctl.toml").display().to_string()
    }

    /// Some files have other bytes in every run: a password that is made up, and what is under it.
    pub(super) fn is_random(&mut self) {
        self.scene.judge.is_random = true;
    }

    /// What is run after this was struck, instead of the same again.
    pub(super) fn heal_with(&mut self, arguments: Vec<String>) {
        self.scene.healing.push(arguments);
    }

    /// What is on the disk now is what was before, and this is what is attacked.
    #[track_caller]
    pub(super) fn ready(mut self, arguments: Vec<String>) -> Scene {
        let scene = &mut self.scene;
        scene.before = Tree::read(&scene.disk());
        scene.arguments = arguments;
        if scene.healing.is_empty() {
            scene.healing.push(scene.arguments.clone());
        }
        scene.reset();
        let ended = scene.run(&scene.arguments);
        assert_eq!((ended.code, ended.errors()), (Some(0), Vec::new()), "{}: {}", scene.title, ended.stderr);
        let expected: &[&str] = if scene.is_followed { &["check", "hook"] } else { &[] };
        assert_eq!(scene.log(), expected, "{}", scene.title);
        scene.after = Tree::read(&scene.disk());
        scene.judge.learn(&scene.before, &scene.after);
        self.scene
    }
}

/// Which of a certificate's files is copied to this name.
fn source(copy: &str) -> &'static str {
    match copy.rsplit_once('.').unwrap().1 {
        "crt" => "fullchain.pem",
        "key" => "privkey.pem",
        "p12" => "keystore.p12",
        _ => "chain.pem",
    }
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where everything is that certctl writes.
    pub(super) fn disk(&self) -> PathBuf {
        self.path("disk")
    }

    /// What check and hook have noted.
    pub(super) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn forget_log(&self) {
        drop(fs::remove_file(self.path("log")));
    }

    /// All is as it was before.
    pub(super) fn reset(&self) {
        self.before.put(&self.disk());
        self.forget_log();
    }

    /// What the check or the hook does from now on, as a shell has it.
    pub(super) fn booby_trap(&self, word: &str, line: &str) {
        fs::write(self.path(&format!("log-{word}")), line).unwrap();
    }

    pub(super) fn disarm(&self, word: &str) {
        fs::remove_file(self.path(&format!("log-{word}"))).unwrap();
    }

    /// The command, undisturbed by strace.
    pub(super) fn run_once(&self) -> Ended {
        self.run(&self.arguments)
    }

    /// Under a mask that hides nothing: modes are certctl's own doing. `wrapper` goes before the command.
    fn command(&self, wrapper: &[String], arguments: &[String]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "umask 0; exec \"$@\"", "sh"]).args(wrapper).arg(env!("CARGO_BIN_EXE_certctl"));
        command.args(arguments).env_clear().envs(self.sandbox.environment_of(self.account));
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").current_dir("/").stdin(Stdio::null());
        command
    }

    fn ended(mut command: Command, trace: &Path) -> Ended {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().filter(|_| output.status.signal().is_none());
        let calls = fs::read_to_string(trace).map(|text| trace::parse(&text)).unwrap_or_default();
        Ended { code, stderr: text(output.stderr), calls }
    }

    fn run(&self, arguments: &[String]) -> Ended {
        Self::ended(self.command(&[], arguments), Path::new("/nonexistent"))
    }

    /// Runs the command under strace with these further options; only what it says of `calls` is recorded. The
    /// commands that certctl runs are let go.
    pub(super) fn traced(&self, calls: &str, options: &[String]) -> Ended {
        let trace = self.path("trace");
        drop(fs::remove_file(&trace));
        let mut wrapper: Vec<String> =
            ["strace", "-f", "-b", "execve", "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e", QUIET, "-o"]
                .map(str::to_owned)
                .into();
        wrapper.extend([trace.display().to_string(), "-e".to_owned(), format!("trace={calls}")]);
        wrapper.extend(options.iter().cloned());
        Self::ended(self.command(&wrapper, &self.arguments), &trace)
    }

    /// Every call that can change a disk, of a run that nobody disturbs, and the programs that it starts.
    #[track_caller]
    pub(super) fn recorded(&self) -> Vec<Call> {
        self.reset();
        let ended = self.traced(&format!("{CHANGING},clone,?clone3,?vfork,?fork"), &[]);
        assert_eq!(ended.code, Some(0), "{}: {}", self.title, ended.stderr);
        ended.calls
    }

    /// The path on the disk without what differs from run to run; None if it is elsewhere.
    pub(super) fn plain(&self, path: &str) -> Option<String> {
        Some(self.template(path.strip_prefix(self.disk().to_str().unwrap())?))
    }

    /// What the versions that a run makes end in.
    pub(super) fn fingerprint(&self) -> &str {
        self.judge.fingerprint()
    }

    /// The path without what differs from run to run.
    pub(super) fn template(&self, path: &str) -> String {
        let words = path.split('/').map(|word| match word.rsplit_once(".certctl-") {
            Some((stem, id)) if id.bytes().all(|b| b.is_ascii_digit()) => format!("{stem}.certctl-PID"),
            _ => super::judge::plain_version(word, &self.before),
        });
        words.collect::<Vec<_>>().join("/")
    }

    /// The next run makes all good, and the one after it finds nothing to do.
    #[track_caller]
    pub(super) fn heals(&self, turn: usize, what: &str) {
        let runs: &[&str] = if self.is_followed { &["check", "hook"] } else { &[] };
        self.heals_and_runs(turn, runs, what);
    }

    /// The same after a power cut: where all was done before it, nothing has to be run any more.
    #[track_caller]
    pub(super) fn heals_after_cut(&self, turn: usize, stand: Stand, what: &str) {
        let runs: &[&str] = if self.is_followed && (stand.is_owed || !stand.is_done) { &["hook"] } else { &[] };
        self.heals_and_runs(turn, runs, what);
    }

    #[track_caller]
    fn heals_and_runs(&self, turn: usize, runs: &[&str], what: &str) {
        self.age_leftovers();
        let healing = &self.healing[turn % self.healing.len()];
        let ended = self.run(healing);
        assert_eq!((ended.code, ended.errors()), (Some(0), Vec::new()), "{what}: {}", ended.stderr);
        let found = self.judge.without_older(Tree::read(&self.disk()));
        let (found, wanted) = (settled(&found, &self.judge), settled(&self.after, &self.judge));
        assert_eq!(found.differences(&wanted), Vec::<String>::new(), "{what}: not healed\n{}", ended.stderr);
        let log = self.log();
        for word in runs {
            assert!(log.iter().any(|line| line == word), "{what}: no {word} was run: {log:?}");
        }
        if let Some(last) = runs.last() {
            assert_eq!(log.last().map(String::as_str), Some(*last), "{what}: {log:?}");
        }
        self.forget_log();
        // What it costs to look is spent on every other.
        if turn.is_multiple_of(2) || crate::proof::is_long() {
            let still = |tree: Vec<(PathBuf, u64, u32, i64, i64, Vec<u8>)>| {
                let is_in = |path: &Path| !path.starts_with(self.path("disk/out")) && !path.ends_with(".certctl/lock");
                tree.into_iter().filter(|entry| is_in(&entry.0)).collect::<Vec<_>>()
            };
            let before = still(crate::cli::snapshot(&self.disk()));
            let ended = self.run(healing);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{what}: not quiet");
            assert!(still(crate::cli::snapshot(&self.disk())) == before, "{what}: not quiet on disk");
            assert_eq!(self.log(), Vec::<String>::new(), "{what}: not quiet");
        }
    }

    /// What lies beside report and metrics is another run's, perhaps, until it is an hour old.
    fn age_leftovers(&self) {
        let Ok(entries) = fs::read_dir(self.path("disk/out")) else { return };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.file_name().unwrap().to_str().unwrap().contains(".certctl-") {
                let file = fs::File::options().write(true).open(&path).unwrap();
                file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
            }
        }
    }
}
