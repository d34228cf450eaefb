//! The first five minutes: `config init`, and `list` where nothing is set up yet.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use super::{Certctl, Run, snapshot};
use crate::oracle;
use crate::sandbox::{Account, Cloud, Fault, Options, Sandbox};

/// A user at a machine: a home directory, and the sandbox's endpoints.
struct User<'a> {
    sandbox: &'a Sandbox,
    home: tempfile::TempDir,
}

impl<'a> User<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, home: tempfile::tempdir().unwrap() }
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// tccli's file of a profile, with the keys of this account.
    fn tccli(&self, profile: &str, account: Account) {
        let variables = self.sandbox.environment_of(account);
        let value = |name: &str| &variables.iter().find(|(variable, _)| variable == name).unwrap().1;
        let (id, key) = (value("TENCENTCLOUD_SECRET_ID"), value("TENCENTCLOUD_SECRET_KEY"));
        let content = format!(r#"{{"secretId": "{id}", "secretKey": "{key}"}}"#);
        self.put(&format!(".tccli/{profile}.credential"), &content);
    }

    /// certctl in the home directory, without any of the sandbox's variables that have keys.
    fn certctl(&self, args: &[&str]) -> Certctl {
        let endpoints = self.sandbox.environment().into_iter().filter(|(name, _)| name.ends_with("_ENDPOINT"));
        let certctl = Certctl::with(endpoints.collect()).env("HOME", self.home.path().to_str().unwrap());
        certctl.args(args).current_dir(self.home.path())
    }

    fn run(&self, args: &[&str]) -> Run {
        self.certctl(args).run()
    }

    fn config(&self) -> String {
        std::fs::read_to_string(self.home.path().join("certctl.toml")).unwrap()
    }
}

#[test]
fn several_profiles_one_of_which_the_cloud_refuses() {
    let sandbox = Sandbox::start(Options::default());
    let user = User::new(&sandbox);
    user.tccli("default", Account::Healthy);
    user.tccli("Shop", Account::Empty);
    user.put(".tccli/old.credential", r#"{"secretId": "AKIDold", "secretKey": "canary-old"}"#);
    user.put(".jdc/config", "[default]\naccess_key =\nsecret_key =\n");
    user.put(
        ".hcloud/config.json",
        r#"{"profiles": [{"name": "x", "accessKeyId": "a", "secretAccessKey": "canary"}]}"#,
    );
    let init = user.run(&["config", "init"]).exits(0).prints_plainly();
    assert_eq!(init.stdout, "certctl.toml: written, 3 accounts\n");
    let lines: Vec<_> = init.stderr.lines().collect();
    let home = user.home.path().display();
    assert_eq!(lines.len(), 6, "{}", init.stderr);
    for (line, wanted) in lines.iter().zip([
        format!("certctl: tencent-shop: {home}/.tccli/Shop.credential"),
        format!("certctl: tencent-default: {home}/.tccli/default.credential"),
        format!("certctl: tencent-old: {home}/.tccli/old.credential"),
        "certctl: left out: ~/.jdc/config [default] has no keys".to_owned(),
        format!("certctl: warning: left out: {home}/.hcloud/config.json [x] cannot be used: its keys are encrypted; "),
        "certctl: next: `certctl list`, name what belongs on this machine in certctl.toml, then `certctl sync"
            .to_owned(),
    ]) {
        assert!(line.starts_with(&wanted), "{wanted}\n{line}");
    }
    assert!(sandbox.requests(Cloud::Tencent).is_empty(), "no cloud is asked");
    user.run(&["config", "check"]).exits(0);
    let list = user.run(&["list", "-o", "json"]).exits(3).says(&["tencent-old (tencent): ", "SecretIdNotFound"]);
    let rows = list.json()["certificates"].as_array().unwrap().clone();
    assert_eq!(rows.len(), sandbox.certificates(Cloud::Tencent, Account::Healthy).len());
    assert!(rows.iter().all(|row| row["account"] == "tencent-default"));
    assert!(!format!("{}{}{}{}", init.stderr, list.stderr, list.stdout, user.config()).contains("canary"));
    assert_eq!(user.run(&["config", "init", "-q", "-c", "quiet.toml"]).exits(0).stderr, "");
}

#[test]
fn online_puts_the_certificates_in_as_comments() {
    let sandbox = Sandbox::start(Options::default());
    let user = User::new(&sandbox);
    user.tccli("default", Account::Healthy);
    let elsewhere = ["config", "init", "--online", "-c", "other.toml"];
    let init = user.run(&elsewhere).exits(0);
    let held = sandbox.certificates(Cloud::Tencent, Account::Healthy);
    let usable = held.iter().filter(|one| one.status == crate::sandbox::catalogue::Status::Issued && one.in_date());
    let names: BTreeSet<_> = usable.map(|one| one.domain.replace("*.", "_.").to_lowercase()).collect();
    assert_eq!(init.stdout, format!("other.toml: written, 1 account, {} certificates\n", names.len()));
    assert!(init.stderr.contains("then `certctl sync --dry-run -c other.toml`"), "{}", init.stderr);
    let path = user.home.path().join("other.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let dry_run = || user.run(&["sync", "--dry-run", "-o", "json", "-c", "other.toml"]);
    dry_run().exits(2).says(&["names no certificates"]);
    // The user takes them all.
    let (before, offered) = text.split_once("# machine: `certctl sync` writes it").unwrap();
    let taken = offered.lines().skip(1).map(|line| line.strip_prefix("# ").unwrap_or(line));
    let taken = taken.take_while(|line| !line.starts_with("Commands around")).collect::<Vec<_>>().join("\n");
    std::fs::write(&path, format!("{before}\n{taken}\n")).unwrap();
    let document = dry_run().exits(0).json();
    let rows = document["results"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["outcome"] == "would_create"), "{document}");
    let shown: BTreeSet<_> = rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, names);
    // A cloud that is down: what was found is written all the same.
    sandbox.fault(Cloud::Tencent, Fault::Status(500));
    user.run(&["config", "init", "--online", "--retries", "0"]).exits(5).says(&["tencent: "]);
    assert!(user.config().contains("[accounts.tencent]"));
}

#[test]
fn a_list_without_credentials_says_what_to_do() {
    let sandbox = Sandbox::start(Options::default());
    let user = User::new(&sandbox);
    user.put(".jdc/config", "[prod]\naccess_key = a\nsecret_key = canary\n");
    user.put(
        ".hcloud/config.json",
        r#"{"profiles": [{"name": "default", "accessKeyId": "a", "secretAccessKey": "canary"}]}"#,
    );
    let list = user.run(&["list"]).exits(3).says(&["no credentials for any provider; set", "`certctl config init`"]);
    assert_eq!((list.stdout.as_str(), list.stderr.lines().count()), ("", 7));
    for words in [
        "warning: no credentials for tencent; set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, or have",
        "/.jdc/config [prod]: has keys, but is not the default profile; `certctl config init` makes an account of it",
        "/.hcloud/config.json [default] cannot be used: its keys are encrypted; `hcloud configure set",
    ] {
        assert!(list.stderr.contains(words), "{words}\n{}", list.stderr);
    }
}

#[test]
fn nothing_to_show_is_said_to_somebody_who_looks_on_and_to_no_script() {
    let sandbox = Sandbox::start(Options::default());
    let user = User::new(&sandbox);
    user.tccli("default", Account::Empty);
    let piped = user.run(&["list"]).exits(0);
    assert_eq!((piped.stdout.as_str(), piped.stderr.as_str()), ("", ""));
    if !oracle::has("script") {
        return;
    }
    let on_a_terminal = |flags: &str| {
        let command = user.certctl(&[]).into_command();
        let mut script = std::process::Command::new("script");
        let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        script.env_clear().envs(environment).args(["--quiet", "--return", "--command"]);
        let line = format!("'{}' list {flags}", env!("CARGO_BIN_EXE_certctl"));
        let output = script.arg(line).arg("/dev/null").stdin(std::process::Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(on_a_terminal("--color never").starts_with("certctl: warning: no certificates in tencent"));
    assert_eq!((on_a_terminal("-q").as_str(), on_a_terminal("-o json").lines().count()), ("", 5));
    user.tccli("default", Account::Healthy);
    assert!(
        on_a_terminal("--domain nowhere.example.org").contains("certificates in tencent is one of those asked for")
    );
}

#[test]
fn init_writes_a_config_that_check_takes_and_replaces_none() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::start(Options::default());
    let environment: Vec<_> = sandbox
        .environment()
        .into_iter()
        .filter(|(name, _)| name.contains("HUAWEI") || name.contains("CTYUN"))
        .collect();
    let path = directory.path().join("new.toml");
    let certctl =
        |args: &[&str]| Certctl::with(environment.clone()).args(args).args(["-c", path.to_str().unwrap()]).run();
    certctl(&["config", "init"]).exits(0);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    for (_, value) in environment.iter().filter(|(name, _)| name.ends_with("_SK")) {
        assert!(!text.contains(value.as_str()), "no secret is copied");
    }
    let tables: Vec<_> = text.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(tables, ["[accounts.huawei]", "[accounts.ctyun]"], "those with credentials");
    assert!(certctl(&["config", "check", "--online"]).exits(0).stdout.contains("2 accounts"));
    let before = snapshot(directory.path());
    certctl(&["config", "init"]).exits(2).says(&["new.toml is there already"]);
    assert_eq!(before, snapshot(directory.path()));
    // Every line that is commented out is right, too.
    let all: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|line| is_toml(line)).unwrap_or(line))
        .map(|line| format!("{line}\n"))
        .collect();
    let all = all.replace("region = \"cn-north-4\"", "region = \"eu-west-101\"");
    std::fs::write(&path, &all).unwrap();
    let said = certctl(&["config", "check"]).stderr;
    let is_expected = |line: &str| {
        ["there is no group", "there is no program", "there is no account", "is a certificate"]
            .iter()
            .any(|word| line.contains(word))
    };
    assert!(said.lines().all(is_expected), "{said}");

    let below = Certctl::with(Vec::new()).args(["config", "init"]).directory(directory.path());
    below.run().exits(0);
    assert!(directory.path().join("certctl.toml").exists(), "./certctl.toml without -c");
    let found = Certctl::with(Vec::new()).args(["config", "check"]).directory(directory.path()).run().exits(0);
    assert!(found.stdout.starts_with("certctl.toml: 0 accounts"), "{}", found.stdout);
    let nowhere = directory.path().join("no/such/directory.toml");
    Certctl::with(Vec::new())
        .args(["config", "init", "-c", nowhere.to_str().unwrap()])
        .run()
        .exits(7)
        .says(&["run `mkdir -p "]);
}

fn is_toml(line: &str) -> bool {
    let key = line.split_once(" = ").map(|(key, _)| key);
    let is_key = key.is_some_and(|key| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    is_key || line.starts_with(['[', ']']) || line.starts_with("  {")
}
