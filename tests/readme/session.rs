//! The commands of a document, run as its reader would, in a sandbox and a directory of their own, and what they print
//! compared with what the document shows.
//!
//! - A block `console` is a session: `$ ` begins a command, `> ` goes on with it, and what follows is what it prints. A
//!   command that fails is followed by `$ echo $?`. `console troubled` is one with that account of the sandbox.
//! - A block with a file's name, such as `toml certctl.toml`, is that file from then on.
//! - A command on certctl in a block `sh` has to succeed.
//!
//! With `CERTCTL_WRITE_DOCUMENTS` set, what is printed is put into the document instead.
//!
//! Not by trycmd or snapbox: those start one registered program without a shell, so no pipe, `openssl` or `nginx`; and
//! what varies would be a placeholder in the document, where a reader wants to see a date.

use std::collections::BTreeSet;
use std::io::{Read as _, Seek as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum as _;

use super::alike::{self, Ids};
use crate::oracle;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// Directories as the documents name them; here they are below the session's own.
const PLACES: [&str; 4] = ["/tmp/tour", "/etc/certctl", "/etc/letsencrypt", "/var/lib/prometheus"];
/// The port of a server in the documents; here it is one that is free.
const PORT: &str = "8443";
/// What a machine may lack.
const TOOLS: [&str; 5] = ["curl", "keytool", "nginx", "openssl", "tree"];

/// Runs everything in a document.
pub(super) fn run(document: &str) {
    let path = super::root().join(document);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut parts: Vec<String> = text.split("```").map(str::to_owned).collect();
    let consoles: String = parts.iter().filter(|part| part.starts_with("console")).cloned().collect();
    let mut words = consoles.split(|c: char| !c.is_ascii_alphanumeric());
    if words.any(|word| TOOLS.contains(&word) && !oracle::has(word)) {
        return;
    }
    let mut session = Session::start();
    for block in parts.iter_mut().skip(1).step_by(2) {
        let (info, body) = block.split_once('\n').unwrap();
        match info.split_once(' ').unwrap_or((info, "")) {
            ("console", account) => *block = format!("{info}\n{}", session.converse(body, account)),
            ("sh", "") => body.lines().filter(|line| line.starts_with("certctl ")).for_each(|line| {
                let said = session.run(line, Account::Healthy);
                session.expect(session.status == 0, format!("{line}\n{said}"));
            }),
            (_, "") => {}
            (_, file) => session.write(file, body),
        }
    }
    if std::env::var_os("CERTCTL_WRITE_DOCUMENTS").is_some() {
        std::fs::write(path, parts.join("```")).unwrap();
    }
    assert!(session.mistakes.is_empty(), "{document}:\n\n{}", session.mistakes.join("\n"));
}

struct Session {
    sandbox: Sandbox,
    /// What the documents call `/`.
    root: tempfile::TempDir,
    port: u16,
    ids: Ids,
    config: Option<PathBuf>,
    /// Of the command before.
    status: i32,
    mistakes: Vec<String>,
}

impl Session {
    fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        for place in PLACES.into_iter().chain(["/root"]) {
            std::fs::create_dir_all(below(root.path(), place)).unwrap();
        }
        // Below the ports that the system gives to whoever asks for any, so that it stays free.
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let port = std::iter::repeat_with(|| fastrand::u16(20_000..30_000)).find(is_free).unwrap();
        let sandbox = Sandbox::start(Options { tls: true, ..Options::default() });
        Self { sandbox, root, port, ids: Ids::new(), config: None, status: 0, mistakes: Vec::new() }
    }

    fn directory(&self) -> PathBuf {
        below(self.root.path(), PLACES[0])
    }

    fn expect(&mut self, is_so: bool, otherwise: String) {
        if !is_so {
            self.mistakes.push(otherwise);
        }
    }

    /// Runs a block of commands; what it should look like.
    fn converse(&mut self, body: &str, account: &str) -> String {
        let account = if account.is_empty() { Account::Healthy } else { Account::from_str(account, false).unwrap() };
        let mut shown = String::new();
        let mut lines = body.lines().peekable();
        while let Some(line) = lines.next() {
            let Some(first) = line.strip_prefix("$ ") else { panic!("no command before {line}") };
            let mut command = first.to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with("> ")) {
                command = format!("{command}\n{}", &more[2..]);
            }
            self.expect(self.status == 0 || first == "echo $?", format!("no `$ echo $?` before `{first}`"));
            let told: Vec<&str> = std::iter::from_fn(|| lines.next_if(|line| !line.starts_with("$ "))).collect();
            let said = self.run(&command, account);
            let real: Vec<&str> = said.lines().map(str::trim_end).collect();
            let known = self.known(account);
            let agree = alike::lines(&told, &real, &known, &mut self.ids);
            if !agree {
                // What is written now is what the rest of the document is to have, too.
                let new = |id: &&String| said.contains(id.as_str()) && !self.ids.values().any(|taken| taken == *id);
                let new: Vec<_> = known.iter().filter(new).cloned().collect();
                self.ids.extend(new.into_iter().map(|id| (id.clone(), id)));
            }
            let right = if agree { told.join("\n") } else { alike::apparently(&real.join("\n"), &self.ids) };
            self.expect(agree, format!("$ {command}\n{right}\n\n  and not\n\n{}\n", told.join("\n")));
            for line in [&format!("$ {}", command.replace('\n', "\n> ")), &right] {
                shown += line;
                shown += if line.is_empty() { "" } else { "\n" };
            }
        }
        self.expect(self.status == 0, "no `$ echo $?` at the end of a block".to_owned());
        self.status = 0;
        shown
    }

    /// The ids of all certificates that the account holds now, without those that are short numbers: they are the same
    /// each time, and the same as other numbers.
    fn known(&self, account: Account) -> BTreeSet<String> {
        let held = Cloud::ALL.into_iter().flat_map(|cloud| self.sandbox.certificates(cloud, account));
        held.map(|certificate| certificate.id).filter(|id| id.len() >= 8).collect()
    }

    /// What a command prints on stdout and stderr.
    fn run(&mut self, command: &str, account: Account) -> String {
        // A file, not a pipe, since a server that the command starts keeps it open.
        let mut output = tempfile::tempfile().unwrap();
        let certctl = Path::new(env!("CARGO_BIN_EXE_certctl")).parent().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(format!("(exit {})\n{}", self.status, self.really(&alike::really(command, &self.ids))))
            .current_dir(self.directory())
            .env_clear()
            .envs(self.sandbox.environment_of(account))
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", certctl.display()))
            .env("HOME", below(self.root.path(), "/root"))
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output.try_clone().unwrap());
        if let Some(config) = &self.config {
            shell.env("CERTCTL_CONFIG", config);
        }
        let status = shell.status().unwrap();
        self.status = status.code().unwrap();
        let mut said = String::new();
        output.rewind().unwrap();
        output.read_to_string(&mut said).unwrap();
        said.replace(&self.root.path().display().to_string(), "")
            .replace(&format!(":{}", self.port), &format!(":{PORT}"))
    }

    /// With this session's places and port.
    fn really(&self, text: &str) -> String {
        let within =
            |text: String, place: &str| text.replace(place, &below(self.root.path(), place).display().to_string());
        PLACES.into_iter().fold(text.replace(PORT, &self.port.to_string()), within)
    }

    fn write(&mut self, file: &str, text: &str) {
        let path = if file.starts_with('/') { below(self.root.path(), file) } else { self.directory().join(file) };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, self.really(text)).unwrap();
        // The sandbox keeps certctl from finding one by itself.
        if file == "/etc/certctl/certctl.toml" {
            self.config = Some(path);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A server that a failed test has left.
        if let Ok(pid) = std::fs::read_to_string(self.directory().join("nginx.pid")) {
            drop(Command::new("kill").arg(pid.trim()).status());
        }
    }
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}
