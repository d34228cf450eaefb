//! `--help`: short, complete, and every example in it works.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Certctl, PROVIDERS};
use crate::oracle;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// The words of every command that has help of its own.
fn commands() -> Vec<Vec<String>> {
    fn add(command: &clap::Command, words: &[String], all: &mut Vec<Vec<String>>) {
        all.push(words.to_vec());
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
        shown.for_each(|command| add(command, &[words, &[command.get_name().to_owned()]].concat(), all));
    }
    let mut all = Vec::new();
    add(&certctl::cli::command(), &[], &mut all);
    all
}

fn help(words: &[String], how: &str) -> String {
    Certctl::with(Vec::new()).args(words).args([how]).run().exits(0).stdout
}

fn examples(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("Examples:\n").unwrap_or_else(|| panic!("no examples: {help}"));
    rest.lines().take_while(|line| !line.is_empty()).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn short_is_short_and_long_is_complete() {
    let commands = commands();
    assert!(commands.len() >= 12, "{commands:?}");
    for words in &commands {
        let (short, long) = (help(words, "-h"), help(words, "--help"));
        assert!(short.lines().count() <= 60 && short.lines().count() < long.lines().count(), "{words:?}: {short}");
        assert!(short.lines().chain(long.lines()).all(|line| line.chars().count() <= 100), "{words:?}: {long}");
        assert_eq!(examples(&short), examples(&long), "{words:?}");
        assert!(!short.contains("--detailed-exitcode") && long.contains("--detailed-exitcode"), "{words:?}");
        // What the command itself takes comes first.
        let at = |heading| short.find(heading).unwrap();
        assert!(at("\nOptions:") < at("\nGlobal options:"), "{short}");
        let by_word = Certctl::with(Vec::new()).args(["help"]).args(words).run().exits(0).stdout;
        assert_eq!(by_word, long, "{words:?}");
    }
    let bare = Certctl::with(Vec::new()).run().exits(2);
    assert_eq!((bare.stderr.as_str(), bare.stdout.as_str()), (help(&[], "-h").as_str(), ""));
    let version = Certctl::with(Vec::new()).args(["--version"]).run().exits(0).stdout;
    assert_eq!(version, format!("certctl {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn slips_are_answered_with_the_word_that_was_meant() {
    let directory = tempfile::tempdir().unwrap();
    let config = "[accounts.production]\nprovider = \"tencent\"\n[[certificates]]\nname = \"www.example.com\"\n";
    fs::write(directory.path().join("certctl.toml"), format!("dir = \"/nowhere\"\n{config}")).unwrap();
    for (args, meant) in [
        (&["lsit"][..], "list"),
        (&["config", "chekc"], "check"),
        (&["list", "--expirng", "30d"], "--expiring"),
        (&["list", "-p", "tencnet"], "tencent"),
        (&["download", "-p", "tencent", "x", "--format", "pkcs21"], "pkcs12"),
        (&["completions", "powershel"], "powershell"),
        (&["list", "-o", "jsno"], "json"),
        (&["list", "--account", "prodcution"], "production"),
        (&["sync", "www.exmaple.com"], "www.example.com"),
        (&["check", "www.exmaple.com"], "www.example.com"),
        (&["rollback", "www.exmaple.com"], "www.example.com"),
    ] {
        let run = Certctl::with(Vec::new()).directory(directory.path()).args(args).run().exits(2);
        let tips: Vec<_> =
            run.stderr.lines().filter(|line| line.contains("similar") || line.contains("did you mean")).collect();
        assert!(tips.len() == 1 && tips[0].contains(meant), "{args:?}: {}", run.stderr);
    }
    // Hidden words are nobody's slip.
    let run = Certctl::with(Vec::new()).args(["complete"]).run().exits(2);
    assert!(!run.stderr.contains("__words"), "{}", run.stderr);
}

/// A machine as the examples take it to be: a config, two versions of one certificate, a server that serves it, kubectl.
struct Machine {
    directory: tempfile::TempDir,
    server: Child,
    port: String,
    older: String,
}

impl Machine {
    fn new(sandbox: &Sandbox) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path);
        for path in [
            "bin",
            "etc/certs",
            "etc/certctl",
            "lib/certctl",
            "lib/node_exporter",
            ".config/certctl",
            ".config/fish/completions",
        ] {
            fs::create_dir_all(at(path)).unwrap();
        }
        let accounts = PROVIDERS.map(|(name, _)| format!("[accounts.{name}]\nprovider = \"{name}\"\n")).concat();
        let dir = at("etc/certs").display().to_string();
        let certificate = "[[certificates]]\nname = \"www.example.com\"\naccount = \"tencent\"\n";
        fs::write(at(".config/certctl/certctl.toml"), format!("dir = \"{dir}\"\n{accounts}{certificate}")).unwrap();
        fs::write(at("bin/kubectl"), "#!/bin/sh\ngrep -q '^kind: Secret'\n").unwrap();
        fs::set_permissions(at("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        // Not at CTyun: it would be older than what is installed, which download --all tells.
        let issue = |cloud| sandbox.issue(cloud, Account::Healthy, &["www.example.com"], (-10, 80)).id;
        let [_, id, _] = [Cloud::Jdcloud, Cloud::Tencent, Cloud::Huawei].map(issue);
        let home = directory.path().to_str().unwrap();
        let sync = || Certctl::new(sandbox).without("CERTCTL_CONFIG").env("HOME", home).args(["sync"]).run().exits(0);
        sync();
        let version = || fs::read_link(at("etc/certs/www.example.com/current")).unwrap();
        let older = version().file_name().unwrap().to_str().unwrap().to_owned();
        sandbox.renew(Cloud::Tencent, Account::Healthy, &id);
        sync();
        assert_ne!(version().file_name().unwrap().to_str(), Some(older.as_str()));
        let file = |name: &str| format!("{dir}/www.example.com/{name}");
        let mut server = Command::new("openssl");
        server.args(["s_server", "-accept", "127.0.0.1:0", "-cert", &file("cert.pem"), "-key", &file("privkey.pem")]);
        server.args(["-cert_chain", &file("chain.pem"), "-naccept", "100"]);
        let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(server.stdout.as_mut().unwrap()).lines();
        let accept =
            |line: std::io::Result<String>| Some(line.unwrap().strip_prefix("ACCEPT ")?.rsplit(':').next()?.to_owned());
        let port = lines.into_iter().find_map(accept).unwrap();
        Self { directory, server, port, older }
    }

    /// As the example stands, but for places that are this machine's.
    fn here(&self, example: &str) -> String {
        let path = |path: &str| self.directory.path().join(path).display().to_string();
        let example = example.replace("/etc/certs", &path("etc/certs")).replace("/etc/certctl/", &path("etc/certctl/"));
        let example = example.replace("/var/lib", &path("lib")).replace("20261122T020304Z-9bfe606b", &self.older);
        // Who waits for a random time is not on a terminal.
        example
            .replace("www.example.com:443", &format!("127.0.0.1:{}", self.port))
            .replace("--jitter 30m", "--jitter 0s")
    }

    /// The certificate directories as they were.
    fn restore(&self, saved: &Path) {
        let certs = self.directory.path().join("etc/certs");
        let _ = fs::remove_dir_all(&certs);
        oracle::run("cp", &["-a", saved.to_str().unwrap(), certs.to_str().unwrap()]);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn every_example_works() {
    if !["openssl", "zsh", "bash"].into_iter().all(oracle::has) {
        return;
    }
    let sandbox = Sandbox::start(Options::default());
    let machine = Machine::new(&sandbox);
    let saved = machine.directory.path().join("saved");
    oracle::run("cp", &["-a", machine.directory.path().join("etc/certs").to_str().unwrap(), saved.to_str().unwrap()]);
    let certctl = Path::new(env!("CARGO_BIN_EXE_certctl")).parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", machine.directory.path().join("bin").display(), certctl.display());
    let mut run = 0;
    for words in commands() {
        for example in examples(&help(&words, "--help")) {
            let here = tempfile::tempdir().unwrap();
            machine.restore(&saved);
            let (shell, before) = if example.contains("zsh") {
                ("zsh", "autoload -Uz compinit; compinit -u -D;")
            } else {
                ("bash", "set -o pipefail;")
            };
            let mut shell = Command::new(shell);
            shell.args(["-c", &format!("{before} {}", machine.here(&example))]).current_dir(here.path());
            shell
                .env_clear()
                .envs(sandbox.environment())
                .env("PATH", &path)
                .env("HOME", machine.directory.path())
                .env_remove("CERTCTL_CONFIG");
            let output = shell.stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{words:?}: {example}: {output:?}");
            run += 1;
        }
    }
    assert!(run >= 25, "only {run} examples");
}
