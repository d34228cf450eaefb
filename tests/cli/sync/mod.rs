//! `certctl sync` and `certctl rollback`, night after night: what is asked of the clouds, what is on disk, what is
//! run, and what is said.

mod accounts;
mod config_change;
mod crash;
mod hooks;
mod locked;
mod many;
mod mends;
mod nginx;
mod outputs;
mod owed;
mod renewal;
mod reports;
mod rollback;
mod run_hooks;
mod signals;
mod sm2;
mod told;
mod twice;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Certctl, Run, snapshot};
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// The accounts of every config here: name, provider, cloud, and the operation that lists.
const ACCOUNTS: [(&str, &str, Cloud, &str); 4] = [
    ("jd", "jdcloud", Cloud::Jdcloud, "describeCerts"),
    ("tx", "tencent", Cloud::Tencent, "DescribeCertificates"),
    ("hw", "huawei", Cloud::Huawei, "ListCertificates"),
    ("ct", "ctyun", Cloud::Ctyun, "listCertificate"),
];

/// A path with what [`snapshot`] says of it.
type Facts = (PathBuf, u64, u32, i64, i64, Vec<u8>);

/// Long enough for a loaded machine: what is waited for comes at once, or never.
const PATIENCE: Duration = Duration::from_secs(60);

/// The clouds, and a directory with a config, certificates and all that commands leave.
struct Fixture {
    sandbox: Sandbox,
    account: Account,
    directory: tempfile::TempDir,
}

impl Fixture {
    /// With accounts that hold what the test gives them.
    fn new() -> Self {
        Self::with(Options::default(), Account::Empty)
    }

    fn with(options: Options, account: Account) -> Self {
        let fixture = Self { sandbox: Sandbox::start(options), account, directory: tempfile::tempdir().unwrap() };
        fixture.write("ct.key", &fixture.variable("CTYUN_SK"));
        fixture
    }

    /// A path beside the config.
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The same as a text.
    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A certificate directory.
    fn home(&self, name: &str) -> PathBuf {
        self.path("certs").join(name)
    }

    fn variable(&self, name: &str) -> String {
        let variables = self.sandbox.environment_of(self.account);
        variables.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).unwrap_or_default()
    }

    /// Credentials from every kind of place: Tencent's from variables that the config names, CTyun's from one and a
    /// file, and the others' from the usual variables.
    fn environment(&self) -> Vec<(String, String)> {
        let mut variables = self.sandbox.environment_of(self.account);
        for (name, _) in &mut variables {
            let own =
                [("TENCENTCLOUD_SECRET_ID", "TX_ID"), ("TENCENTCLOUD_SECRET_KEY", "TX_KEY"), ("CTYUN_AK", "CT_AK")];
            if let Some((_, own)) = own.iter().find(|(usual, _)| usual == name) {
                *name = (*own).to_owned();
            }
        }
        variables.retain(|(name, _)| name != "CTYUN_SK");
        variables.push(("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()));
        variables
    }

    /// Writes the config: these tables, and the accounts.
    fn configure(&self, tables: &str) {
        self.configure_with("", tables);
    }

    /// The same, with more keys at the top.
    fn configure_with(&self, top: &str, tables: &str) {
        let url = |cloud| self.sandbox.url(cloud);
        let (tencent, ctyun) = (url(Cloud::Tencent), url(Cloud::Ctyun));
        let file = toml(&self.text("ct.key"));
        let accounts = format!(
            "[accounts.jd]\nprovider = 'jdcloud'\n[accounts.hw]\nprovider = 'huawei'\n\
             [accounts.tx]\nprovider = 'tencent'\nendpoint = '{tencent}'\nrequests_per_second = 1000\n\
             access_key = {{ env = 'TX_ID' }}\nsecret_key = {{ env = 'TX_KEY' }}\n\
             [accounts.ct]\nprovider = 'ctyun'\nendpoint = '{ctyun}'\n\
             access_key = {{ env = 'CT_AK' }}\nsecret_key = {{ file = {file} }}\n"
        );
        let dir = if top.contains("dir = ") { String::new() } else { format!("dir = {}\n", toml(&self.text("certs"))) };
        self.write("certctl.toml", &format!("{dir}{top}\n{accounts}{tables}"));
    }

    fn certctl(&self, command: &str, args: &[&str]) -> Certctl {
        Certctl::with(self.environment()).args([command, "-c"]).args([self.path("certctl.toml")]).args(args)
    }

    fn sync(&self, args: &[&str]) -> Run {
        self.certctl("sync", args).run()
    }

    /// A sync that may be disturbed.
    fn spawn(&self, args: &[&str]) -> Child {
        let mut command = self.certctl("sync", args).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn issue(&self, cloud: Cloud, name: &str, days: (i64, i64)) -> Certificate {
        self.sandbox.issue(cloud, self.account, &[name], days)
    }

    fn renew(&self, cloud: Cloud, id: &str) -> Certificate {
        self.sandbox.renew(cloud, self.account, id)
    }

    fn withdraw(&self, cloud: Cloud, id: &str) {
        self.sandbox.withdraw(cloud, self.account, id);
    }

    /// A command, as the config has it, that adds a line to the log: a word and the values of these variables.
    fn notes(&self, word: &str, variables: &[&str]) -> String {
        toml(&self.noting(word, variables))
    }

    /// The same as a shell has it.
    fn noting(&self, word: &str, variables: &[&str]) -> String {
        let values: String = variables.iter().map(|name| format!(" $CERTCTL_{name}")).collect();
        format!("echo \"{word}{values}\" >> '{}'", self.text("log"))
    }

    /// The lines of the log.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The lines of the log, which is emptied.
    fn take_log(&self) -> Vec<String> {
        let lines = self.log();
        drop(fs::remove_file(self.path("log")));
        lines
    }

    /// A command, as the config has it, that notes the word and then waits as long as there is a file `gate-WORD`; it
    /// fails if there is a file `refuse-WORD` then.
    fn gated(&self, word: &str) -> String {
        let (gate, refuse) = (self.text(&format!("gate-{word}")), self.text(&format!("refuse-{word}")));
        let wait = format!("while test -e '{gate}'; do sleep 0.01; done; ! test -e '{refuse}'");
        toml(&format!("{}; {wait}", self.noting(word, &[])))
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Every file with all that a write would change, but for the lock, which has its last holder's number.
    fn snapshot(&self) -> Vec<Facts> {
        let mut found = snapshot(self.directory.path());
        found.retain(|(path, ..)| !path.ends_with(".certctl/lock"));
        found
    }

    /// How many requests each cloud has had.
    fn marks(&self) -> Vec<usize> {
        ACCOUNTS.iter().map(|(_, _, cloud, _)| self.sandbox.requests(*cloud).len()).collect()
    }

    /// What was asked of the clouds since, but for lists.
    fn asked_since(&self, marks: &[usize]) -> BTreeMap<String, usize> {
        let tallies = ACCOUNTS.iter().zip(marks).flat_map(|((_, _, cloud, list), mark)| {
            let tally = self.sandbox.tally(*cloud, *mark);
            tally.into_iter().filter(move |(operation, _)| operation != list)
        });
        tallies.collect()
    }

    /// A sync that finds nothing to do: not a word, not a byte, not a request but for lists, and nothing is run.
    #[track_caller]
    fn is_quiet(&self) {
        let (before, marks) = (self.snapshot(), self.marks());
        let run = self.sync(&[]).exits(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        assert_eq!(self.asked_since(&marks), BTreeMap::new());
        assert_eq!(changes(&before, &self.snapshot()), Vec::<PathBuf>::new());
    }

    fn metadata(&self, name: &str) -> Value {
        let text = fs::read(self.home(name).join("metadata.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Asserts that this certificate, and nothing else, is in place under `name`.
    #[track_caller]
    fn holds(&self, name: &str, certificate: &Certificate) {
        let read = |file: &str| fs::read_to_string(self.home(name).join(file)).unwrap();
        let material = certificate.material().unwrap();
        assert_eq!(self.metadata(name)["id"], certificate.id, "{name}");
        assert_eq!((read("cert.pem"), read("fullchain.pem")), (material.leaf.clone(), material.fullchain()), "{name}");
        crate::oracle::verifies(&self.home(name), &self.sandbox.root_path());
    }

    /// Of what replaced versions and dead runs have left, no more than this stays.
    #[track_caller]
    fn is_tidy(&self, name: &str, most: usize) {
        let versions = fs::read_dir(self.home(name).join("versions")).unwrap().count();
        assert!(versions <= most, "{versions} versions of {name}");
    }
}

/// A `[[certificates]]` table.
fn certificate(name: &str, account: &str, more: &str) -> String {
    format!("[[certificates]]\nname = '{name}'\naccount = '{account}'\n{more}\n")
}

/// A text as TOML has it.
fn toml(text: &str) -> String {
    ::toml::Value::from(text).to_string()
}

/// The paths that are not as they were.
fn changes(before: &[Facts], after: &[Facts]) -> Vec<PathBuf> {
    let gone = before.iter().filter(|entry| !after.contains(entry));
    let come = after.iter().filter(|entry| !before.contains(entry));
    gone.chain(come).map(|entry| entry.0.clone()).collect()
}

/// Waits for what comes at once, unless something is broken.
#[track_caller]
fn until(what: &str, mut has_come: impl FnMut() -> bool) {
    let since = Instant::now();
    while !has_come() {
        assert!(since.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a run that was started came to; it must come to its end.
#[track_caller]
fn ended(mut child: Child, since: Instant) -> Run {
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("certctl did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Run::of(child.wait_with_output().unwrap(), since)
}
