//! What `config init` makes of whatever there is.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use certctl::config::starter::{Discovery, Offer, offers, text};
use certctl::config::{Config, Source};
use certctl::environment::Environment;
use certctl::provider::{Certificate, Status};
use jiff::{SignedDuration, Timestamp};

use super::good;

/// Places of credentials, each a file or variables, and how many accounts it makes.
const SOURCES: [(&str, &str, usize); 10] = [
    (".tccli/default.credential", r#"{"secretId": "t1", "secretKey": "canary"}"#, 1),
    (".tccli/生产 \"2\".credential", r#"{"secretId": "t2", "secretKey": "canary"}"#, 1),
    (".tencentcloud/credentials", "[dev]\nsecret_id = t3\nsecret_key = canary\n[empty]\nsecret_id =\n", 1),
    (".jdc/config", "[default]\naccess_key = j1\nsecret_key = canary\n[PROD]\naccess_key = j2\nsecret_key = canary", 2),
    (".huaweicloud/credentials", "[basic]\nak = h1\nsk = canary\n[global]\nak = h1\nsk = canary\n", 1),
    (
        ".hcloud/config.json",
        r#"{"authEncrypt": "false", "profiles": [{"name": "a\n[accounts.evil]\n", "accessKeyId": "h2", "secretAccessKey": "canary"},
            {"name": "role", "mode": "ecsAgency", "accessKeyId": "h4", "secretAccessKey": "canary"}]}"#,
        1,
    ),
    (
        ".ctyun/credential",
        "[default]\naccessKey = c1\nsecretKey = canary\n[ ]\naccessKey = c2\nsecretKey = canary\n",
        1,
    ),
    (
        "",
        "TENCENTCLOUD_SECRET_ID=t4 TENCENTCLOUD_SECRET_KEY=canary TENCENTCLOUD_TOKEN=canary CERTCTL_TENCENT_SITE=intl",
        1,
    ),
    ("", "JDCLOUD_ACCESS_KEY_ID=j4 JDCLOUD_SECRET_ACCESS_KEY=canary CERTCTL_JDCLOUD_MFA=canary", 1),
    (
        "",
        "HUAWEICLOUD_SDK_AK=h5 HUAWEICLOUD_SDK_SK=canary HUAWEICLOUD_SDK_PROJECT_ID=77 HW_ACCESS_KEY=h6 HW_SECRET_KEY=canary",
        2,
    ),
];

const NOW: Timestamp = Timestamp::constant(1_795_305_600, 0);

/// A home directory with these files, and an environment with these variables.
fn world(home: &Path, sources: &[(&str, &str)]) -> Environment {
    let mut variables = vec![("HOME".to_owned(), home.to_str().unwrap().to_owned())];
    for (path, content) in sources {
        if path.is_empty() {
            let pairs = content.split(' ').map(|pair| pair.split_once('=').unwrap());
            variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        } else {
            let path = home.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    Environment::new(variables, || NOW)
}

fn made(discovery: &Discovery, environment: &Environment) -> (Config, String) {
    let text = text(discovery, &[], Path::new("/etc/certctl/certs"), environment);
    assert!(!text.contains("canary"), "a secret is copied: {text}");
    (good(&text), text)
}

#[test]
fn every_combination_gives_a_config_whose_accounts_have_their_credentials() {
    // Every combination of one cloud's, with none and with all of the others'.
    let all = (1_u32 << SOURCES.len()) - 1;
    let clouds = ["t", "j", "h", "c"].map(|cloud| {
        let is_of =
            |(_, text, _): &(&str, &str, usize)| (1..=6).any(|number| text.contains(&format!("{cloud}{number}")));
        SOURCES.iter().enumerate().filter(|(_, source)| is_of(source)).map(|(bit, _)| 1 << bit).sum::<u32>()
    });
    assert_eq!(clouds.iter().sum::<u32>(), all);
    let subsets = clouds.into_iter().flat_map(|mask| {
        (0..=mask).filter(move |chosen| chosen & !mask == 0).flat_map(move |chosen| [chosen, chosen | (all & !mask)])
    });
    for chosen in subsets {
        let home = tempfile::tempdir().unwrap();
        let sources: Vec<_> =
            SOURCES.iter().enumerate().filter(|(bit, _)| chosen & (1 << bit) != 0).map(|(_, source)| source).collect();
        let environment = world(home.path(), &sources.iter().map(|(path, text, _)| (*path, *text)).collect::<Vec<_>>());
        let discovery = Discovery::of(&environment);
        let (config, text) = made(&discovery, &environment);
        assert_eq!(config.accounts.len(), sources.iter().map(|(_, _, accounts)| accounts).sum::<usize>(), "{text}");
        let mut keys = BTreeSet::new();
        for account in &config.accounts {
            let found = match &account.source {
                Source::Profile(profile) => account.provider.credentials.profile(profile, &environment).unwrap(),
                Source::Keys { access_key, .. } => {
                    use secrecy::ExposeSecret as _;
                    assert!(keys.insert(access_key.resolve(&environment).unwrap().expose_secret().to_owned()));
                    continue;
                }
                other => panic!("{other:?}: what is meant depends on the shell"),
            };
            assert!(keys.insert(found.credentials.access_key), "one account twice: {text}");
        }
        let of = |provider: &str| {
            let of = config.accounts.iter().filter(|account| account.provider.name == provider);
            of.map(|account| account.name.as_str()).collect::<Vec<_>>()
        };
        for provider in ["jdcloud", "tencent", "huawei", "ctyun"] {
            match of(provider)[..] {
                [] => {}
                [one] => assert_eq!(one, provider, "the only one"),
                ref several => {
                    assert!(several.iter().all(|name| name.starts_with(&format!("{provider}-"))), "{several:?}");
                }
            }
        }
    }
}

#[test]
fn what_is_written_of_each() {
    let home = tempfile::tempdir().unwrap();
    let all: Vec<_> = SOURCES.iter().map(|(path, text, _)| (*path, *text)).collect();
    let environment = world(home.path(), &all);
    let (config, text) = made(&Discovery::of(&environment), &environment);
    let mut names: Vec<_> = config.accounts.iter().map(|account| account.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "ctyun",
            "huawei-a--accounts-evil",
            "huawei-basic",
            "huawei-environment",
            "huawei-environment-2",
            "jdcloud-default",
            "jdcloud-environment",
            "jdcloud-prod",
            "tencent-default",
            "tencent-dev",
            "tencent-environment",
            "tencent-生产--2",
        ]
    );
    for line in [
        "profile = \"生产 \\\"2\\\"\"",
        "profile = \"PROD\"",
        "site = \"intl\"",
        "project_id = \"77\"",
        "session_token = { env = \"TENCENTCLOUD_TOKEN\" }",
        "mfa = { env = \"CERTCTL_JDCLOUD_MFA\" }",
        "access_key = { env = \"HW_ACCESS_KEY\" }",
        "#   secret_key = { file = \"/etc/certctl/tencent-environment.key\" }",
        "# Left out: ~/.tencentcloud/credentials [empty] has no keys",
        "# profile = \"role\"",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
    let global = format!(
        "# Left out: {0} [global]: the access key is that of {0} [basic]\n",
        home.path().join(".huaweicloud/credentials").display()
    );
    assert!(text.contains(&global), "{global}{text}");
}

#[test]
fn what_cannot_be_used_is_left_out_with_its_reason() {
    let id = |id: &str| format!(r#"{{"secretId": "{id}", "secretKey": "canary"}}"#);
    for (path, content, mode, why) in [
        (
            ".hcloud/config.json",
            r#"{"profiles": [{"name": "x", "accessKeyId": "a", "secretAccessKey": "canary"}]}"#.to_owned(),
            0o600,
            "keys are encrypted; `hcloud configure",
        ),
        (".tccli/x.credential", id("a"), 0o644, "run `chmod 600 "),
        (".tccli/x.credential", id(""), 0o600, "has secretKey, but no secretId"),
        (".tccli/x.credential", "{".to_owned(), 0o600, "is not a JSON object"),
        (
            ".tccli/x.credential",
            id("a").replace('}', r#", "type": "oauth", "expiresAt": 1}"#),
            0o600,
            "run `tccli auth login`",
        ),
        (".jdc/config", "[x]\naccess_key".to_owned(), 0o600, "line 2: neither a section"),
        (".jdc/config", String::new(), 0o600, "~/.jdc/config has no profiles"),
        (
            ".jdc/config",
            "[default]\naccess_key =\nsecret_key =\n".to_owned(),
            0o600,
            "~/.jdc/config [default] has no keys",
        ),
        (".tencentcloud/credentials/x", String::new(), 0o600, "is not a regular file"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let environment = world(home.path(), &[(path, &content)]);
        std::fs::set_permissions(home.path().join(path), std::fs::Permissions::from_mode(mode)).unwrap();
        let discovery = Discovery::of(&environment);
        let (config, text) = made(&discovery, &environment);
        assert!(config.accounts.is_empty(), "{path}: {text}");
        let [left_out] = &discovery.left_out[..] else { panic!("{path}: {discovery:?}") };
        assert!(left_out.why.contains(why), "{why}: {}", left_out.why);
        assert!(text.contains(&format!("# Left out: {}\n", left_out.why)), "{text}");
        let is_empty = why.ends_with("has no keys") || why.ends_with("has no profiles");
        assert_eq!(left_out.is_wrong, !is_empty, "{why}");
    }
}

#[test]
fn of_two_profiles_of_one_name_the_config_means_the_first_and_init_says_so() {
    let home = tempfile::tempdir().unwrap();
    let (cli, sdk) =
        (r#"{"secretId": "one", "secretKey": "canary"}"#, "[default]\nsecret_id = two\nsecret_key = canary\n");
    let environment = world(home.path(), &[(".tccli/default.credential", cli), (".tencentcloud/credentials", sdk)]);
    let discovery = Discovery::of(&environment);
    assert_eq!(made(&discovery, &environment).0.accounts.len(), 1);
    assert!(discovery.left_out[0].is_wrong && discovery.left_out[0].why.ends_with("rename one"), "{discovery:?}");
    // The same key twice is nothing to warn about; a file is better than what this shell alone has.
    let variables = "TENCENTCLOUD_SECRET_ID=one TENCENTCLOUD_SECRET_KEY=canary";
    let home = tempfile::tempdir().unwrap();
    let environment = world(home.path(), &[(".tccli/default.credential", cli), ("", variables)]);
    let discovery = Discovery::of(&environment);
    let (config, _) = made(&discovery, &environment);
    assert!(matches!(&config.accounts[..], [one] if matches!(&one.source, Source::Profile(name) if name == "default")));
    assert!(!discovery.left_out[0].is_wrong, "{discovery:?}");
}

#[test]
fn the_newest_of_each_name_is_on_offer() {
    let day = |days: i64| Some(NOW + SignedDuration::from_hours(24 * days));
    let row = |id: &str, names: &[&str], status, from: i64, to: i64| {
        let row = Certificate::new(id.to_owned()).named(None, names.iter().map(ToString::to_string));
        Certificate { status, not_before: day(from), not_after: day(to), ..row }
    };
    let tx = vec![
        row("1", &["www.example.com"], Status::Issued, -90, 9),
        row("2", &["WWW.example.com", "example.com"], Status::Issued, -1, 5),
        row("3", &["*.example.com"], Status::Issued, -1, 90),
        row("4", &["old.example.com"], Status::Issued, -90, -1),
        row("5", &["new.example.com"], Status::Pending, -1, 90),
        row("6", &["Example Code Signing"], Status::Issued, -1, 90),
        row("7", &[], Status::Issued, -1, 90),
        row("8", &["../../etc/passwd"], Status::Issued, -1, 90),
    ];
    let jd = vec![row("9", &["www.example.com"], Status::Issued, -30, 30)];
    let offered = offers(&[("tx", tx), ("jd", jd)], NOW);
    let summary: Vec<_> = offered
        .iter()
        .map(|Offer { name, accounts, domains, .. }| (name.as_str(), accounts.len(), domains.len()))
        .collect();
    assert_eq!(summary, [("_.example.com", 1, 1), ("www.example.com", 2, 2)]);
    assert_eq!(offered[1].not_after, day(5), "the newest, not the one that lasts longest");
}
