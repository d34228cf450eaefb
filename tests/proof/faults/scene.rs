//! One provider, what is asked of it, and what must stay as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::seals;
use crate::cli::{Certctl, Run, snapshot};
use crate::sandbox::{Account, Certificate, Cloud, Fault, Plan, Request, Sandbox};

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    List,
    Describe,
    Download,
    /// With this installed before, and the call that fails.
    Sync(Home, Call),
}

/// What a sync finds on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    Nothing,
    /// The certificate that a newer one is to replace.
    Older,
}

/// Which of a sync's calls is the first that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    List,
    Download,
}

pub(super) const SINGLE: [Command; 3] = [Command::List, Command::Describe, Command::Download];

const SYNCS: [Command; 4] = [
    Command::Sync(Home::Nothing, Call::List),
    Command::Sync(Home::Older, Call::List),
    Command::Sync(Home::Nothing, Call::Download),
    Command::Sync(Home::Older, Call::Download),
];

pub(super) const COMMANDS: [Command; 7] = [SINGLE[0], SINGLE[1], SINGLE[2], SYNCS[0], SYNCS[1], SYNCS[2], SYNCS[3]];

/// Those of which the very first call fails, as it does where all calls would.
pub(super) const FIRST_CALLS: [Command; 5] = [SINGLE[0], SINGLE[1], SINGLE[2], SYNCS[0], SYNCS[1]];

impl Command {
    /// Whether the call that fails is one for a certificate's material.
    pub(super) fn downloads(self) -> bool {
        matches!(self, Self::Download | Self::Sync(_, Call::Download))
    }

    pub(super) fn lists(self) -> bool {
        matches!(self, Self::List | Self::Sync(_, Call::List))
    }

    pub(super) fn syncs(self) -> bool {
        matches!(self, Self::Sync(..))
    }
}

/// One provider with an account that has a certificate and a newer one for the same name.
pub(super) struct Scene<'s> {
    pub(super) sandbox: &'s Sandbox,
    pub(super) provider: &'static str,
    pub(super) cloud: Cloud,
    pub(super) old: Certificate,
    pub(super) new: Certificate,
    directory: tempfile::TempDir,
}

/// Whose certificates the scenes are about.
pub(super) const ACCOUNT: Account = Account::Empty;

impl<'s> Scene<'s> {
    pub(super) fn new(sandbox: &'s Sandbox, provider: &'static str, cloud: Cloud) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let name = format!("www.{}", cloud.domain());
        let old = sandbox.issue(cloud, ACCOUNT, &[&name], (-30, 60));
        for home in ["nothing", "older"] {
            let path = directory.path().join(home);
            fs::create_dir(&path).unwrap();
            let certs = path.join("certs");
            let config = format!(
                "dir = '{}'\n[accounts.it]\nprovider = '{provider}'\nrequests_per_second = 1000\n\
                 [[certificates]]\nname = '{name}'\naccount = 'it'\n",
                certs.display()
            );
            fs::write(path.join("certctl.toml"), config).unwrap();
            fs::set_permissions(path.join("certctl.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        }
        let scene = Self { sandbox, provider, cloud, new: old.clone(), old, directory };
        scene.sync(Home::Older, &[]).run().exits(0);
        let new = sandbox.renew(cloud, ACCOUNT, &scene.old.id);
        // What only a description tells is learned before anything is made to fail on purpose.
        sandbox.fault(cloud, Fault::WrongKey);
        for home in [Home::Nothing, Home::Older] {
            scene.sync(home, &[]).run().exits(6);
        }
        sandbox.clear(cloud);
        Self { new, ..scene }
    }

    fn home(&self, home: Home) -> PathBuf {
        self.directory.path().join(if home == Home::Nothing { "nothing" } else { "older" })
    }

    pub(super) fn certificate_directory(&self, home: Home) -> PathBuf {
        self.home(home).join("certs").join(&self.new.domain)
    }

    /// Where downloads go.
    pub(super) fn downloads(&self) -> PathBuf {
        self.directory.path().join("downloads")
    }

    pub(super) fn sync(&self, home: Home, more: &[&str]) -> Certctl {
        let config = self.home(home).join("certctl.toml");
        self.run_with(&["sync", "-c"]).args([config]).args(more)
    }

    fn run_with(&self, args: &[&str]) -> Certctl {
        Certctl::of(self.sandbox, ACCOUNT).args(args)
    }

    pub(super) fn certctl(&self, command: Command, more: &[&str]) -> Certctl {
        let (provider, id) = (self.provider, self.new.id.as_str());
        let dir = self.downloads();
        let dir = dir.to_str().unwrap();
        let args: &[&str] = match command {
            Command::List => &["list", "-p", provider],
            // An id may start with a hyphen, so it comes last.
            Command::Describe => &["describe", "-p", provider, "--", id],
            Command::Download => &["download", "-p", provider, "-d", dir, "--", id],
            Command::Sync(home, _) => return self.sync(home, more),
        };
        self.run_with(more).args(args)
    }

    /// The operations that a fault is for, as the sandbox calls them; all of them, if none is named.
    fn operations(&self, command: Command) -> &'static [&'static str] {
        match (command, self.cloud) {
            (Command::Sync(_, Call::Download), Cloud::Jdcloud) => {
                &["downloadCert", "downloadCert (POST)", "downloadCert (POST, slash)"]
            }
            (Command::Sync(_, Call::Download), Cloud::Tencent) => &["DownloadCertificate", "DescribeCertificateDetail"],
            (Command::Sync(_, Call::Download), Cloud::Huawei) => &["ExportCertificate", "v2 cert_file"],
            (Command::Sync(_, Call::Download), _) => &["getCertificate", "v3 getCertificate"],
            _ => &[],
        }
    }

    /// Makes that call of the command fail.
    pub(super) fn fault(&self, fault: &Fault, command: Command) {
        let operations = self.operations(command);
        if operations.is_empty() {
            self.sandbox.fault(self.cloud, fault.clone());
        }
        for operation in operations {
            self.sandbox.fault(self.cloud, Plan::from(fault.clone()).on(operation));
        }
    }

    /// The requests of that call since.
    fn failed_since(&self, seen: usize, command: Command) -> Vec<Request> {
        let mut requests = self.sandbox.requests_since(self.cloud, seen);
        let operations = self.operations(command);
        if !operations.is_empty() {
            requests.retain(|request| operations.contains(&request.operation.as_str()));
        }
        requests
    }

    /// Runs the command under the fault, whose every effect but the exit code is the same: one line, nothing on disk,
    /// and these many requests, none of them twice.
    #[track_caller]
    pub(super) fn fails(
        &self,
        fault: &Fault,
        command: Command,
        more: &[&str],
        code: i32,
        words: &[&str],
    ) -> (Run, Vec<Request>) {
        let (seen, before) = (self.sandbox.seen(self.cloud), self.on_disk());
        self.fault(fault, command);
        let run = self.certctl(command, more).run();
        self.sandbox.clear(self.cloud);
        let about = format!("{} {} {command:?}: {} {}", self.provider, shown(fault), run.code, run.stderr);
        assert_eq!(run.code, code, "{about}");
        if !command.syncs() {
            assert_eq!(run.stdout.lines().count(), usize::from(command == Command::Download) * 2, "{about}");
        }
        let errors = run.errors();
        assert_eq!(errors.len(), 1, "one error line: {about}");
        for word in words.iter().chain(&[self.provider, "; "]) {
            assert!(errors[0].contains(word), "`{word}`: {about}");
        }
        let run = run.prints_plainly();
        self.is_as_before(&before, &about);
        let requests = self.failed_since(seen, command);
        assert_eq!(seals(&requests).len(), requests.len(), "every try is signed anew: {about}");
        (run, requests)
    }

    /// All that is on disk, but for the run's own lock and what it remembers.
    pub(super) fn on_disk(&self) -> Vec<Facts> {
        on_disk(self.directory.path())
    }

    /// Asserts that nothing on disk has changed, and that nothing was left behind.
    #[track_caller]
    pub(super) fn is_as_before(&self, before: &[Facts], about: &str) {
        let after = self.on_disk();
        assert!(after == before, "{about}\nbefore: {:?}\nafter: {:?}", paths(before), paths(&after));
    }

    /// Asserts that a sync brings the newer certificate, now that nothing is wrong any more.
    #[track_caller]
    pub(super) fn heals(&self) {
        for home in [Home::Nothing, Home::Older] {
            self.sync(home, &[]).run().exits(0);
            is_whole(&self.certificate_directory(home), &self.new);
            self.sync(home, &["--detailed-exitcode"]).run().exits(0);
        }
    }
}

/// What [`snapshot`] says of a path.
pub(super) type Facts = (PathBuf, u64, u32, i64, i64, Vec<u8>);

/// The run's own directory has a lock, with its last holder's number, and what it remembers: nothing else. It comes with
/// the first run, and with it changes the directory that it is in.
pub(super) fn on_disk(directory: &Path) -> Vec<Facts> {
    let mut found = snapshot(directory);
    let own = |path: &Path| path.components().any(|part| part.as_os_str() == ".certctl");
    let known = [".certctl", ".certctl/lock", ".certctl/facts.json"];
    found.retain(|(path, ..)| !(own(path) && known.iter().any(|known| path.ends_with(known))));
    found
}

fn paths(facts: &[Facts]) -> Vec<&Path> {
    facts.iter().map(|(path, ..)| path.as_path()).collect()
}

/// Asserts that the certificate directory holds this certificate, complete and closed to others.
#[track_caller]
pub(super) fn is_whole(path: &Path, certificate: &Certificate) {
    let read = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let material = certificate.material().unwrap();
    assert_eq!((read("cert.pem"), read("fullchain.pem")), (material.leaf.replace("\r\n", "\n"), material.fullchain()));
    let metadata: serde_json::Value = serde_json::from_str(&read("metadata.json")).unwrap();
    assert_eq!(metadata["id"], certificate.id);
    assert!(read("privkey.pem").contains("PRIVATE KEY-----\n"));
    assert_eq!(fs::metadata(path.join("privkey.pem")).unwrap().permissions().mode() & 0o7777, 0o600);
    let versions: Vec<_> = fs::read_dir(path.join("versions")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for version in versions {
        assert_eq!(fs::read_dir(&version).unwrap().count(), 5, "{}", version.display());
    }
}

/// A fault without the megabytes that it may hold.
pub(super) fn shown(fault: &Fault) -> String {
    format!("{fault:?}").chars().take(200).collect()
}
