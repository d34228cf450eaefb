//! What there is at the clouds and in the config, and what the disk is to hold by that.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use sha2::{Digest as _, Sha256};

use crate::oracle;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox};

/// Every account: its name in the config, the provider, and where it is in the sandbox.
pub(super) const ACCOUNTS: [(&str, &str, Cloud, Account); 8] = [
    ("jd-1", "jdcloud", Cloud::Jdcloud, Account::Empty),
    ("tx-1", "tencent", Cloud::Tencent, Account::Empty),
    ("hw-1", "huawei", Cloud::Huawei, Account::Empty),
    ("ct-1", "ctyun", Cloud::Ctyun, Account::Empty),
    ("jd-2", "jdcloud", Cloud::Jdcloud, Account::Bulk),
    ("tx-2", "tencent", Cloud::Tencent, Account::Bulk),
    ("hw-2", "huawei", Cloud::Huawei, Account::Bulk),
    ("ct-2", "ctyun", Cloud::Ctyun, Account::Bulk),
];

/// How many certificates of a name stay at a cloud.
const HELD: usize = 3;

pub(super) type Hash = [u8; 32];

/// What makes one certificate newer than another: start, end, id.
pub(super) type Age = (i64, i64, String);

/// A certificate that was issued, as the files have to hold it.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) account: usize,
    pub(super) age: Age,
    pub(super) leaf: Hash,
    pub(super) fullchain: Hash,
    pub(super) key: Hash,
}

/// A `[[certificates]]` table.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    /// As the config has them.
    pub(super) domains: Vec<String>,
    pub(super) accounts: Vec<usize>,
    pub(super) is_by_id: bool,
    /// The id in the config.
    pub(super) id: Option<String>,
    pub(super) formats: Vec<&'static str>,
    /// Whether the key stores' password is the user's.
    pub(super) has_password: bool,
    pub(super) key_mode: u32,
    /// File, path, mode.
    pub(super) copies: Vec<(&'static str, PathBuf, u32)>,
    pub(super) has_check: bool,
    pub(super) hook: Hook,
    /// What the clouds have.
    pub(super) held: Vec<Issued>,
    /// All that was ever issued, by the leaf.
    pub(super) ever: HashMap<Hash, Issued>,
    /// The newest that a rollback took away.
    pub(super) rejected: Option<Age>,
    /// What was in place when its check was passed last: a check that says no brings it back.
    pub(super) approved: Option<Age>,
    /// Whether a hook is still to run.
    pub(super) is_owed: bool,
    /// Whether the disk was damaged and no run has succeeded since.
    pub(super) is_damaged: bool,
    /// The versions that were damaged: replaced by better ones, they stay as old ones, and rollback refuses them.
    pub(super) spoilt: HashSet<String>,
    /// How many versions there may be.
    pub(super) most_versions: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    None,
    Shared,
    Own,
}

impl Entry {
    /// What the config asks for, if there is such a one.
    pub(super) fn offered(&self) -> Option<&Issued> {
        match &self.id {
            Some(id) => self.held.iter().find(|held| held.age.2 == *id),
            None => self.held.iter().max_by(|one, other| one.age.cmp(&other.age)),
        }
    }

    /// What a run that succeeds leaves in place, where this was before.
    pub(super) fn expected(&self, installed: Option<&Age>) -> Option<Age> {
        let offered = self.offered().map(|offered| offered.age.clone());
        match (&self.rejected, offered) {
            (_, None) => installed.cloned(),
            (Some(rejected), Some(offered)) if offered <= *rejected && installed.is_some() => installed.cloned(),
            (_, Some(offered)) => {
                Some(installed.map_or_else(|| offered.clone(), |installed| installed.max(&offered).clone()))
            }
        }
    }

    fn add(&mut self, account: usize, certificate: &Certificate) {
        let (from, to) = certificate.validity.unwrap();
        let material = certificate.material().unwrap();
        let hash = |text: &str| Hash::from(Sha256::digest(text.as_bytes()));
        let issued = Issued {
            account,
            age: (from.as_second(), to.as_second(), certificate.id.clone()),
            leaf: hash(&material.leaf),
            fullchain: hash(&material.fullchain()),
            key: hash(&material.key.unwrap()),
        };
        self.ever.insert(issued.leaf, issued.clone());
        self.held.push(issued);
    }
}

pub(super) struct World {
    pub(super) sandbox: Sandbox,
    pub(super) directory: tempfile::TempDir,
    pub(super) entries: Vec<Entry>,
    pub(super) keep: usize,
    pub(super) rng: Rng,
    /// How many descriptors a command has that this process starts: it may have inherited more than three itself.
    pub(super) descriptors: String,
    /// Whether the last run came to its end: one that was killed beside a hook has it run once more.
    pub(super) was_undisturbed: bool,
    /// How many certificates there ever were.
    made: usize,
}

impl World {
    pub(super) fn new(count: usize, seed: u64) -> Self {
        let sandbox = Sandbox::start(Options::default());
        // A slow disk would hide how many runs there can be; what survives a power cut is attacked elsewhere.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let rng = Rng::with_seed(seed);
        let descriptors = oracle::run("/bin/sh", &["-c", "set -- /proc/$$/fd/*; echo $#"]).trim().to_owned();
        let mut world =
            Self { sandbox, directory, entries: Vec::new(), keep: 3, rng, descriptors, was_undisturbed: true, made: 0 };
        for made in ["ssl", "out"] {
            fs::create_dir(world.path(made)).unwrap();
        }
        world.write("store.pass", "a password of the user's\n");
        for _ in 0..count {
            world.add();
        }
        world.configure();
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn home(&self, name: &str) -> PathBuf {
        self.path("certs").join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Another certificate, at the clouds and in the config.
    pub(super) fn add(&mut self) {
        let n = self.made;
        self.made += 1;
        let account = n % ACCOUNTS.len();
        let host = format!("n{n}.soak.example");
        let ssl = |file: &str| self.path("ssl").join(format!("{n}-{file}"));
        let mut entry = Entry {
            name: host.clone(),
            domains: vec![host.clone()],
            accounts: vec![account],
            is_by_id: false,
            id: None,
            formats: vec!["pem"],
            has_password: false,
            key_mode: 0o600,
            copies: Vec::new(),
            has_check: false,
            hook: Hook::None,
            held: Vec::new(),
            ever: HashMap::new(),
            rejected: None,
            approved: None,
            is_owed: false,
            is_damaged: false,
            spoilt: HashSet::new(),
            most_versions: self.keep + 1,
        };
        let mut names = vec![host.clone()];
        // Not in step with the accounts.
        match n / 3 % 12 {
            0 => (entry.formats, entry.hook) = (vec!["pem", "pkcs12"], Hook::Shared),
            1 => {
                (entry.formats, entry.hook) = (vec!["pem", "jks"], Hook::Own);
                entry.copies =
                    vec![("fullchain.pem", ssl("fullchain.pem"), 0o644), ("privkey.pem", ssl("privkey.pem"), 0o600)];
            }
            2 => {
                (entry.formats, entry.hook) = (vec!["pem", "combined", "der"], Hook::Shared);
                entry.has_check = true;
            }
            3 => {
                names = vec![format!("*.{host}")];
                (entry.name, entry.domains) = (format!("_.{host}"), vec![format!("*.{host}")]);
                entry.formats = vec!["pem", "k8s-secret"];
            }
            4 => {
                names = vec![format!("xn--fsqu00a.{host}")];
                (entry.name, entry.domains) = (format!("例子.{host}"), vec![format!("例子.{host}")]);
                entry.hook = Hook::Own;
            }
            5 => {
                (entry.is_by_id, entry.hook) = (true, Hook::Shared);
                entry.copies = vec![("cert.pem", ssl("cert.pem"), 0o644)];
            }
            6 => {
                names.push(format!("www.{host}"));
                entry.domains = names.clone();
                (entry.key_mode, entry.hook) = (0o640, Hook::Own);
            }
            7 => {
                (entry.formats, entry.has_password) = (vec!["pem", "pkcs12"], n.is_multiple_of(2));
                entry.hook = Hook::Shared;
            }
            8 => {
                // The newest across two clouds.
                entry.accounts.push((account + 1) % ACCOUNTS.len());
                entry.hook = Hook::Shared;
            }
            9 => {
                entry.formats = vec!["pem", "combined"];
                entry.copies = vec![("combined.pem", ssl("combined.pem"), 0o600)];
                (entry.has_check, entry.hook) = (true, Hook::Own);
            }
            10 => entry.formats = vec!["pem", "pkcs12-legacy"],
            _ => {}
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for (nth, account) in entry.accounts.clone().into_iter().enumerate() {
            let days = (-40 + nth as i64, 150 + n as i64 % 40);
            let (.., cloud, holder) = ACCOUNTS[account];
            let certificate = self.sandbox.issue(cloud, holder, &names, days);
            entry.add(account, &certificate);
        }
        entry.id = entry.is_by_id.then(|| entry.held[0].age.2.clone());
        self.entries.push(entry);
    }

    /// A new certificate under a new id; one that is asked for by its id is asked for by that.
    pub(super) fn renew(&mut self, number: usize) {
        let lineage = self.rng.choice(self.entries[number].accounts.clone()).unwrap();
        let entry = &mut self.entries[number];
        let of_it = entry.held.iter().filter(|held| held.account == lineage);
        let Some(old) = of_it.max_by(|one, other| one.age.cmp(&other.age)) else { return };
        let (.., cloud, holder) = ACCOUNTS[lineage];
        let certificate = self.sandbox.renew(cloud, holder, &old.age.2);
        entry.add(lineage, &certificate);
        if entry.is_by_id {
            entry.id = Some(certificate.id);
        }
        while entry.held.len() > HELD {
            let oldest = entry.held.iter().enumerate().min_by_key(|(_, held)| held.age.clone()).unwrap().0;
            let gone = entry.held.remove(oldest);
            let (.., cloud, holder) = ACCOUNTS[gone.account];
            self.sandbox.withdraw(cloud, holder, &gone.age.2);
        }
    }

    /// The clouds have nothing for it any more.
    pub(super) fn withdraw(&mut self, number: usize) {
        for gone in std::mem::take(&mut self.entries[number].held) {
            let (.., cloud, holder) = ACCOUNTS[gone.account];
            self.sandbox.withdraw(cloud, holder, &gone.age.2);
        }
    }

    /// What was withdrawn is issued anew, though its validity starts before that of what is installed.
    pub(super) fn reissue(&mut self, number: usize) {
        let entry = &mut self.entries[number];
        let names: Vec<String> = entry.domains.iter().map(|domain| domain.replace("例子", "xn--fsqu00a")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for account in entry.accounts.clone() {
            let (.., cloud, holder) = ACCOUNTS[account];
            let certificate = self.sandbox.issue(cloud, holder, &names, (0, 120));
            entry.add(account, &certificate);
        }
    }

    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("CERTCTL_CONFIG".to_owned(), "/dev/null".to_owned()),
        ];
        for (name, provider, _, account) in ACCOUNTS {
            for (variable, value) in self.sandbox.environment_of(account) {
                if let Some(what) = kept(provider, &variable) {
                    variables.push((format!("{}_{what}", variable_of(name)), value));
                }
            }
        }
        variables
    }

    /// Writes the config.
    pub(super) fn configure(&self) {
        let text = self.config(&self.path("certs"), true);
        self.write("certctl.toml", &text);
    }

    /// The config, perhaps for another directory and without anything outside of it.
    pub(super) fn config(&self, dir: &Path, is_whole: bool) -> String {
        let mut text = format!("dir = '{}'\nkeep = {}\n", dir.display(), self.keep);
        for (name, provider, cloud, account) in ACCOUNTS {
            let (url, variable) = (self.sandbox.url(cloud), variable_of(name));
            writeln!(
                text,
                "[accounts.{name}]\nprovider = '{provider}'\nendpoint = '{url}'\nrequests_per_second = 1000\n\
                 access_key = {{ env = '{variable}_ID' }}\nsecret_key = {{ env = '{variable}_KEY' }}"
            )
            .unwrap();
            let project = self.sandbox.environment_of(account);
            let project = project.into_iter().find(|(name, _)| name == "HUAWEICLOUD_SDK_PROJECT_ID");
            if let Some((_, id)) = project.filter(|_| provider == "huawei") {
                writeln!(text, "project_id = '{id}'").unwrap();
            }
        }
        for entry in &self.entries {
            text += &self.table(entry, is_whole);
        }
        text
    }

    fn table(&self, entry: &Entry, is_whole: bool) -> String {
        let accounts: Vec<_> = entry.accounts.iter().map(|account| ACCOUNTS[*account].0).collect();
        let mut text = format!("[[certificates]]\nname = '{}'\naccounts = {accounts:?}\n", entry.name);
        match &entry.id {
            Some(id) => writeln!(text, "id = '{id}'").unwrap(),
            None => writeln!(text, "domains = {:?}", entry.domains).unwrap(),
        }
        writeln!(text, "formats = {:?}\nkey_mode = '{:04o}'", entry.formats, entry.key_mode).unwrap();
        if entry.has_password {
            writeln!(text, "keystore_password = {{ file = '{}' }}", self.path("store.pass").display()).unwrap();
        }
        if !is_whole {
            return text;
        }
        let copy = |(file, to, mode): &(&str, PathBuf, u32)| {
            format!("{{ file = '{file}', to = '{}', mode = '{mode:04o}' }}", to.display())
        };
        let copies: Vec<_> = entry.copies.iter().map(copy).collect();
        writeln!(text, "install = [{}]", copies.join(", ")).unwrap();
        if entry.has_check {
            writeln!(text, "check = \"! test -e '{}'\"", self.path("refuse").display()).unwrap();
        }
        let own = if entry.hook == Hook::Own { entry.name.as_str() } else { "shared" };
        let log = self.path("log");
        if entry.hook != Hook::None {
            writeln!(
                text,
                "hook = ['/bin/sh', '-c', 'set -- /proc/$$/fd/*; echo \"$# $CERTCTL_NAMES\" >> {}', '{own}']",
                log.display()
            )
            .unwrap();
        }
        text
    }
}

fn variable_of(account: &str) -> String {
    format!("SOAK_{}", account.replace('-', "_").to_uppercase())
}

/// Whether one of the sandbox's variables is an access key or a secret key of the provider's.
fn kept(provider: &str, variable: &str) -> Option<&'static str> {
    match (provider, variable) {
        ("jdcloud", "JDCLOUD_ACCESS_KEY_ID")
        | ("tencent", "TENCENTCLOUD_SECRET_ID")
        | ("huawei", "HUAWEICLOUD_SDK_AK")
        | ("ctyun", "CTYUN_AK") => Some("ID"),
        ("jdcloud", "JDCLOUD_SECRET_ACCESS_KEY")
        | ("tencent", "TENCENTCLOUD_SECRET_KEY")
        | ("huawei", "HUAWEICLOUD_SDK_SK")
        | ("ctyun", "CTYUN_SK") => Some("KEY"),
        _ => None,
    }
}
