//! The config file, as commands see it.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::{Certctl, Run};
use crate::sandbox::catalogue::Status;
use crate::sandbox::{Account, Cloud, Fault, Options, Request, Sandbox};

/// A sandbox and a config in a directory of its own.
struct Scene {
    sandbox: Sandbox,
    directory: tempfile::TempDir,
    config: String,
}

impl Scene {
    fn new(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = format!("dir = '{}'\n", directory.path().join("certs").display());
        Self { sandbox: Sandbox::start(options), directory, config }
    }

    /// An account with its keys and endpoint in the config, and `extra` lines.
    fn account(mut self, name: &str, provider: &str, account: Account, extra: &str) -> Self {
        let variables = self.sandbox.environment_of(account);
        let prefix = ["JDCLOUD_", "TENCENTCLOUD_", "HUAWEICLOUD_SDK_", "CTYUN_"]
            .into_iter()
            .find(|prefix| prefix.to_lowercase().starts_with(provider))
            .unwrap();
        let value = |endings: &[&str]| {
            let is_it = |name: &String| endings.iter().any(|ending| *name == format!("{prefix}{ending}"));
            variables.iter().find(|(name, _)| is_it(name)).map(|(_, value)| value.clone())
        };
        let access_key = value(&["ACCESS_KEY_ID", "SECRET_ID", "AK"]).unwrap();
        let secret_key = value(&["SECRET_ACCESS_KEY", "SECRET_KEY", "SK"]).unwrap();
        let endpoint = format!("CERTCTL_{}_ENDPOINT", provider.to_uppercase());
        let endpoint = &variables.iter().find(|(name, _)| *name == endpoint).unwrap().1;
        writeln!(self.config, "[accounts.{name}]\nprovider = '{provider}'\naccess_key = '{access_key}'").unwrap();
        writeln!(self.config, "secret_key = '{secret_key}'\nendpoint = '{endpoint}'\n{extra}").unwrap();
        self
    }

    fn with(mut self, text: &str) -> Self {
        self.config += text;
        self
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("certctl.toml")
    }

    /// certctl with the config and nothing else in its environment.
    fn certctl<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Certctl {
        std::fs::write(self.path(), &self.config).unwrap();
        std::fs::set_permissions(self.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
        Certctl::with(Vec::new()).env("CERTCTL_CONFIG", self.path().to_str().unwrap()).args(args)
    }

    fn run(&self, args: &[&str]) -> Run {
        self.certctl(args).run()
    }

    /// The ids of an account's issued certificates in date.
    fn usable(&self, cloud: Cloud, account: Account) -> Vec<String> {
        let held = self.sandbox.certificates(cloud, account).into_iter();
        held.filter(|one| one.status == Status::Issued && one.in_date()).map(|one| one.id).collect()
    }
}

fn two_of_tencent_and_a_bad_one() -> Scene {
    Scene::new(Options::default())
        .account("shop", "tencent", Account::Healthy, "")
        .account("old", "tencent", Account::Session, "session_token = 'wrong'")
        .account("empty", "tencent", Account::Empty, "")
        .account("hw", "huawei", Account::Healthy, "")
}

fn accounts_in(run: &Run) -> Vec<String> {
    let list = run.json();
    let mut names: Vec<_> =
        list["certificates"].as_array().unwrap().iter().map(|row| row["account"].to_string()).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn list_asks_every_account_or_those_that_are_picked() {
    let scene = two_of_tencent_and_a_bad_one();
    let all = scene.run(&["list", "-o", "json"]).exits(3).says(&["old (tencent): "]);
    assert_eq!(accounts_in(&all), ["\"hw\"", "\"shop\""]);
    let errors = all.json()["errors"].clone();
    assert_eq!((&errors[0]["account"], &errors[0]["provider"]), (&"old".into(), &"tencent".into()));
    for (args, wanted) in [
        (&["--account", "shop"][..], &["\"shop\""][..]),
        (&["--account", "shop", "--account", "hw"], &["\"hw\"", "\"shop\""]),
        (&["-p", "huawei"], &["\"hw\""]),
        (&["-p", "tencent", "--account", "empty"], &[]),
    ] {
        let run = scene.certctl(["list", "-o", "json"].iter().chain(args)).run().exits(0);
        assert_eq!(accounts_in(&run), wanted, "{args:?}");
    }
    scene.run(&["list", "--account", "shopp"]).exits(2).says(&["`shopp`", "empty (tencent)", "hw (huawei)"]);
    scene.run(&["list", "-p", "jdcloud"]).exits(2).says(&["there are", "shop (tencent)"]);
    let at = scene.sandbox.url(Cloud::Huawei);
    scene.run(&["list", "--endpoint", &at]).exits(2).says(&["--endpoint is for one account"]);
}

#[test]
fn one_account_is_taken_and_of_several_one_must_be_chosen() {
    let scene = two_of_tencent_and_a_bad_one();
    let tencent = scene.usable(Cloud::Tencent, Account::Healthy).remove(0);
    let huawei = scene.usable(Cloud::Huawei, Account::Healthy).remove(0);
    for command in ["describe", "download"] {
        let choose = ["choose one with --account", "empty (tencent), old (tencent), shop (tencent)"];
        scene.run(&[command, "-p", "tencent", &tencent]).exits(2).says(&choose);
        scene.run(&[command, "-p", "tencent", "--account", "shop", &tencent]).exits(0);
        scene.run(&[command, "--account", "shop", &tencent]).exits(0);
        scene.run(&[command, "-p", "huawei", &huawei]).exits(0);
        scene.run(&[command, "-p", "huawei", "--account", "shop", &huawei]).exits(2).says(&["named with -p"]);
        scene.run(&[command, "-p", "ctyun", "x"]).exits(2).says(&["no account is of the provider"]);
        assert_eq!(scene.run(&[command, &tencent]).code, 2, "neither -p nor --account");
    }
    let run = scene.run(&["download", "-p", "huawei", &huawei, "--name", "x", "-o", "json", "--force"]).exits(0).json();
    assert_eq!((&run["results"][0]["account"], &run["results"][0]["provider"]), (&"hw".into(), &"huawei".into()));
    let path = scene.directory.path().join("certs/x");
    assert_eq!(run["results"][0]["path"], path.to_str().unwrap(), "-d defaults to the config's dir");
    let metadata = std::fs::read_to_string(path.join("metadata.json")).unwrap();
    assert!(metadata.contains("\"account\": \"hw\""), "{metadata}");
    let elsewhere = scene.directory.path().join("elsewhere");
    scene.run(&["download", "-p", "huawei", &huawei, "--name", "x", "-d", elsewhere.to_str().unwrap()]).exits(0);
    assert!(elsewhere.join("x/privkey.pem").exists(), "-d wins");
}

#[test]
fn keep_is_the_configs() {
    let scene = Scene::new(Options::default()).with("keep = 0\n").account("hw", "huawei", Account::Healthy, "");
    for id in scene.usable(Cloud::Huawei, Account::Healthy).iter().take(3) {
        scene.run(&["download", "-p", "huawei", id, "--name", "x", "--force"]).exits(0);
    }
    let versions = scene.directory.path().join("certs/x/versions");
    assert_eq!(std::fs::read_dir(versions).unwrap().count(), 1);
}

#[test]
fn what_the_clouds_want_to_know() {
    // The older API names the project in its paths.
    let scene = Scene::new(Options { huawei_v3: false, ..Options::default() });
    let environment = scene.sandbox.environment();
    let (_, project) = environment.iter().find(|(name, _)| name == "HUAWEICLOUD_SDK_PROJECT_ID").unwrap();
    let settings = format!("api = 'v2'\nproject_id = '{project}'\nregion = 'ap-southeast-1'");
    let scene = scene.account("hw", "huawei", Account::Healthy, &settings).account(
        "without",
        "huawei",
        Account::Healthy,
        "api = 'v2'",
    );
    scene.run(&["list", "--account", "hw"]).exits(0);
    let paths: Vec<_> = scene.sandbox.requests(Cloud::Huawei).into_iter().map(|request| request.path).collect();
    assert!(!paths.is_empty() && paths.iter().all(|path| path.starts_with(&format!("/v2/{project}/"))), "{paths:?}");
    // The project of other credentials is not this account's.
    let run = scene.certctl(["list", "--account", "without"]).env("HUAWEICLOUD_SDK_PROJECT_ID", project).run();
    run.exits(2).says(&["without (huawei)", "project_id"]);

    let scene = Scene::new(Options { ctyun_product: Cloud::Ccms, ..Options::default() });
    let scene = scene.account("ct", "ctyun", Account::Healthy, "product = 'ccms'");
    scene.run(&["list"]).exits(0);
    let requests = scene.sandbox.requests(Cloud::Ccms);
    assert!(!requests.is_empty() && requests.iter().all(|request| request.path.starts_with("/v1/certificate/")));

    // No endpoint of the sandbox's: a proxy that is not there, so that nothing leaves the machine.
    let intl = "[accounts.tx]\nprovider = 'tencent'\nsite = 'intl'\naccess_key = 'a'\nsecret_key = 'b'\n";
    let scene = Scene::new(Options::default()).with(intl);
    let list = scene.certctl(["list", "--retries", "0"]);
    list.env("HTTPS_PROXY", "http://127.0.0.1:1").run().exits(5).says(&["ssl.intl.tencentcloudapi.com"]);
}

#[test]
fn command_line_then_config_then_environment() {
    let scene = Scene::new(Options::default()).account("hw", "huawei", Account::Healthy, "");
    let nowhere = "http://127.0.0.1:1";
    // The environment's endpoint and keys do not reach an account that has its own.
    let with_environment = |args: &[&str], config: &str| {
        let scene = Scene {
            config: config.to_owned(),
            directory: tempfile::tempdir().unwrap(),
            sandbox: Sandbox::start(Options::default()),
        };
        let certctl = scene.certctl(args).env("HUAWEICLOUD_SDK_AK", "wrong").env("HUAWEICLOUD_SDK_SK", "wrong");
        certctl.env("CERTCTL_HUAWEI_ENDPOINT", nowhere).run()
    };
    let list = ["list", "--retries", "0"];
    with_environment(&list, &scene.config).exits(0);
    with_environment(&["list", "--retries", "0", "--endpoint", nowhere], &scene.config).exits(5).says(&["127.0.0.1:1"]);
    // What the config leaves out, the environment says.
    let without_endpoint: String =
        scene.config.lines().filter(|line| !line.starts_with("endpoint")).map(|line| format!("{line}\n")).collect();
    with_environment(&list, &without_endpoint).exits(5).says(&["127.0.0.1:1"]);
    let ambient = format!("[accounts.hw]\nprovider = 'huawei'\nendpoint = '{}'\n", scene.sandbox.url(Cloud::Huawei));
    with_environment(&list, &ambient).exits(3).says(&["hw (huawei)"]);
    let bare = Scene::new(Options::default()).with("[accounts.hw]\nprovider = 'huawei'\n");
    bare.run(&["list"]).exits(3).says(&["no credentials for huawei", "set HUAWEICLOUD_SDK_AK"]);
    // A config without accounts leaves those of the environment.
    let scene = Scene::new(Options::default());
    let environment = scene.sandbox.environment();
    let environment = environment.iter().filter(|(name, _)| name != "CERTCTL_CONFIG");
    let run =
        environment.fold(scene.certctl(["list", "-o", "json"]), |certctl, (name, value)| certctl.env(name, value));
    assert_eq!(accounts_in(&run.run().exits(0)), ["\"ctyun\"", "\"huawei\"", "\"jdcloud\"", "\"tencent\""]);
}

#[test]
fn credentials_from_variables_and_files() {
    let scene = Scene::new(Options::default()).account("jd", "jdcloud", Account::Healthy, "");
    let line = |key: &str| {
        let found = scene.config.lines().find_map(|line| line.strip_prefix(&format!("{key} = '")));
        found.unwrap().trim_end_matches('\'').to_owned()
    };
    let (access_key, secret_key, endpoint) = (line("access_key"), line("secret_key"), line("endpoint"));
    let file = scene.directory.path().join("jd.key");
    std::fs::write(&file, format!("{secret_key}\r\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "[accounts.jd]\nprovider = 'jdcloud'\naccess_key = {{ env = 'MY_JD' }}\nsecret_key = {{ file = '{}' }}\nendpoint = '{endpoint}'\n",
        file.display()
    );
    let scene = Scene { config, ..scene };
    scene.certctl(["list"]).env("MY_JD", &access_key).run().exits(0);
    scene.run(&["list"]).exits(3).says(&["MY_JD is not set", "set MY_JD"]);
    scene.certctl(["describe", "-p", "jdcloud", "x"]).run().exits(3).says(&["MY_JD is not set"]);
    std::fs::write(&file, format!("{secret_key}\n{secret_key}\n")).unwrap();
    let run = scene.certctl(["list"]).env("MY_JD", &access_key).run().exits(3).says(&["secret_key", "jd.key", "copy"]);
    assert!(!run.stderr.contains(&secret_key));
    std::fs::remove_file(&file).unwrap();
    scene.certctl(["list"]).env("MY_JD", &access_key).run().exits(3).says(&["jd.key"]);
}

#[test]
fn credentials_from_a_tools_profile_and_from_a_command() {
    let scene = Scene::new(Options::default()).account("jd", "jdcloud", Account::Healthy, "");
    let line = |key: &str| {
        let found = scene.config.lines().find_map(|line| line.strip_prefix(&format!("{key} = '")));
        found.unwrap().trim_end_matches('\'').to_owned()
    };
    let (access_key, secret_key, endpoint) = (line("access_key"), line("secret_key"), line("endpoint"));
    let home = tempfile::tempdir().unwrap();
    let home_path = home.path().display().to_string();
    std::fs::create_dir(home.path().join(".jdc")).unwrap();
    let file = home.path().join(".jdc/config");
    std::fs::write(&file, format!("[prod]\naccess_key = {access_key}\nsecret_key = {secret_key}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let printed = format!("{{\"access_key\":\"{access_key}\",\"secret_key\":\"{secret_key}\"}}");
    let program = home.path().join("login.json");
    std::fs::write(&program, printed).unwrap();
    for (source, code) in [
        ("profile = 'prod'".to_owned(), 0),
        ("profile = 'test'".to_owned(), 3),
        (format!("credentials_command = ['cat', '{}']", program.display()), 0),
        (format!("credentials_command = 'cat {}'", program.display()), 0),
        ("credentials_command = ['false']".to_owned(), 3),
    ] {
        let config = format!("[accounts.jd]\nprovider = 'jdcloud'\n{source}\nendpoint = '{endpoint}'\n");
        std::fs::write(scene.directory.path().join("certctl.toml"), &config).unwrap();
        let path = std::env::var("PATH").unwrap();
        let args = ["list", "-c", "certctl.toml"];
        let run = Certctl::with(Vec::new()).env("HOME", &home_path).env("PATH", &path).args(args);
        let run = run.current_dir(scene.directory.path()).run();
        assert_eq!(run.code, code, "{source}: {}", run.stderr);
        assert!(!run.stderr.contains(&secret_key), "{source}: {}", run.stderr);
    }
}

#[test]
fn requests_keep_to_the_accounts_rate() {
    let options = Options { page_caps: vec![(Cloud::Tencent, 8)], ..Options::default() };
    let scene = Scene::new(options).account("tx", "tencent", Account::Healthy, "requests_per_second = 5");
    let domain = scene
        .sandbox
        .certificates(Cloud::Tencent, Account::Healthy)
        .into_iter()
        .find(|one| one.label.starts_with("renewed"))
        .unwrap()
        .domain;
    scene.run(&["download", "-p", "tencent", &domain]).exits(0);
    let requests = scene.sandbox.requests(Cloud::Tencent);
    let operations: std::collections::BTreeSet<_> = requests.iter().map(|request| request.operation.as_str()).collect();
    assert!(requests.len() >= 4 && operations.len() >= 2, "several requests of several operations: {operations:?}");
    let span = requests.last().unwrap().at.duration_since(requests[0].at);
    let least = SignedDuration::from_millis(200 * (i64::try_from(requests.len()).unwrap() - 1) - 50);
    assert!(span >= least, "{} requests in {span:#}: {:?}", requests.len(), gaps(&requests));
}

#[test]
fn jobs_are_the_accounts_unless_j_says_otherwise() {
    let scene = Scene::new(Options::default()).account("hw", "huawei", Account::Healthy, "jobs = 1");
    let ids = scene.usable(Cloud::Huawei, Account::Healthy);
    let mut seen = 0;
    let mut gaps_of = |more: &[&str]| {
        scene.sandbox.fault(Cloud::Huawei, Fault::Hang);
        let args = ["download", "-p", "huawei", &ids[0], &ids[1], &ids[2], "--timeout", "1s", "--retries", "0", "-q"];
        scene.certctl(args.iter().chain(more)).run().exits(5);
        scene.sandbox.clear(Cloud::Huawei);
        let requests = scene.sandbox.requests(Cloud::Huawei).split_off(seen);
        seen += requests.len();
        assert_eq!(requests.len(), 3);
        gaps(&requests)
    };
    assert!(gaps_of(&[]).iter().all(|gap| *gap >= SignedDuration::from_millis(900)), "one after the other");
    assert!(gaps_of(&["-j", "3"]).iter().all(|gap| *gap <= SignedDuration::from_millis(800)), "all at once");
}

fn gaps(requests: &[Request]) -> Vec<SignedDuration> {
    requests.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).collect()
}

#[test]
fn check_tells_every_mistake_or_that_all_is_in_order() {
    let certificate = "[[certificates]]\nname = 'www.example.com'\naccount = 'shop'\ncheck = ['true']\n";
    let scene = two_of_tencent_and_a_bad_one().with(certificate);
    let path = scene.path();
    let run = scene.run(&["config", "check"]).exits(0);
    assert_eq!(run.stdout, format!("{}: 4 accounts, 1 certificate: in order\n", path.display()));
    assert_eq!((run.stderr.as_str(), scene.run(&["config", "check", "-q"]).stdout.as_str()), ("", ""));
    assert!(scene.sandbox.requests(Cloud::Tencent).is_empty(), "without --online nobody is asked");

    let online = scene.run(&["config", "check", "--online"]).exits(3).says(&["old (tencent): "]);
    assert_eq!(online.stdout, "");
    let lists = scene.sandbox.requests(Cloud::Tencent);
    assert_eq!(lists.len(), 3, "one list call per account");
    let right = Scene::new(Options::default()).account("hw", "huawei", Account::Empty, "");
    assert!(
        right.run(&["config", "check", "--online"]).exits(0).stdout.ends_with("1 account, 0 certificates: in order\n")
    );
    right.sandbox.fault(Cloud::Huawei, Fault::Status(500));
    right.run(&["config", "check", "--online", "--retries", "0"]).exits(5).says(&["hw (huawei): "]);
    scene.sandbox.fault(Cloud::Huawei, Fault::Status(500));
    assert_eq!(scene.run(&["config", "check", "--online", "--retries", "0"]).code, 9, "in more than one way");

    let wrong = Scene::new(Options::default()).with("kep = 3\n[hooks]\nbefore = ['/no/such/program']\n");
    for command in [&["config", "check"][..], &["config", "show"], &["list"], &["download", "-p", "huawei", "x"]] {
        let run = wrong.run(command).exits(2);
        let at = wrong.path().display().to_string();
        let lines: Vec<_> = run.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", run.stderr);
        assert!(
            lines[0].starts_with(&format!("certctl: error: {at}:2: unknown key `kep`; did you mean `keep`?")),
            "{}",
            lines[0]
        );
        assert!(
            lines[1].starts_with(&format!("certctl: error: {at}:4: `before`: there is no program")),
            "{}",
            lines[1]
        );
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_config_that_is_not_there() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.toml");
    let missing = missing.to_str().unwrap();
    for command in [&["list"][..], &["config", "check"], &["describe", "-p", "huawei", "x"]] {
        Certctl::with(Vec::new())
            .args(command)
            .args(["-c", missing])
            .run()
            .exits(2)
            .says(&["-c: there is no file", missing]);
        let by_variable = Certctl::with(Vec::new()).env("CERTCTL_CONFIG", missing).args(command).run();
        by_variable.exits(2).says(&["CERTCTL_CONFIG: there is no file", missing]);
    }
    let there = directory.path().to_str().unwrap();
    Certctl::with(Vec::new()).args(["list", "-c", there]).run().exits(2).says(&["cannot read", there]);
}

#[test]
fn show_hides_secrets() {
    const CANARY: &str = "canary-in-the-coal-mine";
    let account = format!(
        "[accounts.jd]\nprovider = 'jdcloud'\naccess_key = 'JDC_1'\nsecret_key = '{CANARY}'\nsession_token = {{ env = 'T' }}\nmfa = '{CANARY}'\n"
    );
    let scene = Scene::new(Options::default()).with(&account);
    let toml = scene.run(&["config", "show"]).exits(0);
    let json = scene.run(&["config", "show", "-o", "json", "-vv"]).exits(0);
    for run in [&toml, &json] {
        assert!(!run.stdout.contains(CANARY) && !run.stderr.contains(CANARY), "{}{}", run.stdout, run.stderr);
    }
    for line in ["access_key = \"***\"", "secret_key = \"***\"", "mfa = \"***\"", "keep = 3"] {
        assert!(toml.stdout.lines().any(|shown| shown == line), "{line}\n{}", toml.stdout);
    }
    let document = json.json();
    assert_eq!(document["schema"], "certctl.config/v1");
    let account = &document["config"]["accounts"]["jd"];
    assert_eq!((&account["secret_key"], &account["session_token"]["env"]), (&"***".into(), &"T".into()));
}

#[test]
fn none_is_found_where_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let run = Certctl::with(Vec::new()).args(["config", "show"]).directory(directory.path()).run();
    if !Path::new("/etc/certctl/certctl.toml").exists() {
        run.exits(2).says(&["there is no config file", "config init"]);
    }
}
