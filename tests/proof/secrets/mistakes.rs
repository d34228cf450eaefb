//! A secret where it does not belong: on a broken line of the config, among the arguments, in a URL, in what a
//! credentials command prints.

use std::fs;

use super::scene::Scene;
use crate::proof::held;
use crate::sandbox::{Account, Options};

/// Ways to get a line of the config wrong: `K` is the key, `S` the secret.
const LINES: [&str; 38] = [
    "K = 'S",
    "K = S",
    "K = \"S",
    "K = S'",
    "K = 'S' 'S'",
    "K = 'S'S",
    "K = ['S']",
    "K = ['S'",
    "K = { value = 'S' }",
    "K = { 'S' = 1 }",
    "K = { S }",
    "K = { env = 'S' }",
    "K = { env = 'S=' }",
    "K = { env = ' S' }",
    "K = { env = \"S\\n\" }",
    "K = { file = 'S' }",
    "K = { file = 'S/S' }",
    "K = { file = ['S'] }",
    "K: 'S'",
    "K S",
    "KS",
    "K = \"S\\q\"",
    "K = \"\"\"S",
    "K = 'S\nS'",
    "K = 'S'\nK = 'S'",
    "K = 'S S'",
    "K = 'Sé'",
    "K = \"S\\u0007\"",
    "K = 'S' # 'S'\n= 'S'",
    "K.S = 'S'",
    "K = 'S'\n[K]\nS = 'S'",
    "'S' = 'K'",
    "'S' = 'S'\nS",
    "endpoint = 'https://u:S@h.example'",
    "endpoint = 'https://S@h.example/?a'",
    "endpoint = 'http://h.example/?token=S'",
    "endpoint = 'https://h.example/#S'",
    "endpoint = 'S'",
];

#[test]
fn broken_lines_of_the_config() {
    let mut scene = Scene::new();
    let config = fs::read_to_string(scene.path("certctl.toml")).unwrap();
    let names =
        ["JDCLOUD_ACCESS_KEY_ID", "JDCLOUD_SECRET_ACCESS_KEY", "JDCLOUD_SESSION_TOKEN", "JDCLOUD_SECRET_ACCESS_KEY"];
    let secrets = names.map(|name| scene.credential(Account::Session, name));
    let mut cases = 0;
    for (key, secret) in ["access_key", "secret_key", "session_token", "mfa"].into_iter().zip(&secrets) {
        let line = config.lines().find(|line| line.starts_with(key)).unwrap();
        for (number, broken) in LINES.iter().enumerate() {
            let broken: String = broken.replace('K', key).replace('S', secret);
            scene.own("certctl.toml", &config.replacen(line, &broken, 1));
            let runs: [&[&str]; 4] = [
                &["config", "check", "-vvv"],
                &["config", "show", "-q"],
                &["sync", "--log-format", "json", "-o", "json"],
                &["list", "--account", "jd", "-vvv", "--retries", "0"],
            ];
            // All four once, and one of them for each of the other keys.
            let chosen = if key == "secret_key" { &runs[..] } else { &runs[number % 4..][..1] };
            for args in chosen {
                let code = scene.run(scene.certctl(args));
                assert!(matches!(code, 0 | 2 | 3 | 5 | 9), "{broken}: {code}");
                cases += 1;
            }
        }
        // Bytes that are no text, before the secret and after it.
        for at in [0, line.len()] {
            let mut bytes = config.clone().into_bytes();
            bytes.insert(config.find(line).unwrap() + at, 0xff);
            fs::write(scene.path("certctl.toml"), bytes).unwrap();
            assert_eq!(scene.run(scene.certctl(&["sync", "-vvv"])), 2);
            cases += 1;
        }
    }
    held("secrets::mistakes::broken_lines_of_the_config", cases + scene.search_files());
}

/// The argument parser repeats what it does not understand, an id goes to the cloud, a name into reports.
#[test]
fn secrets_among_the_arguments() {
    let scene = Scene::new();
    let variables = ["HUAWEICLOUD_SDK_SK", "JDCLOUD_SECRET_ACCESS_KEY"];
    let commands: [&[&str]; 24] = [
        &["S"],
        &["--S"],
        &["--secret-key", "S"],
        &["--secret-key=S", "list"],
        &["list", "S"],
        &["list", "-p", "S"],
        &["list", "--account", "S"],
        &["list", "--domain", "S"],
        &["list", "--retries", "S"],
        &["list", "--timeout=S"],
        &["list", "--endpoint", "https://u:S@h.example"],
        &["list", "-c", "S"],
        &["describe", "--account", "jd", "S"],
        &["download", "--account", "jd", "S"],
        &["download", "--account", "jd", "x", "--name", "S"],
        &["download", "--account", "jd", "x", "--format", "S"],
        &["download", "--account", "jd", "x", "--keystore-password-env", "S"],
        &["download", "--account", "jd", "x", "--keystore-password-file", "S"],
        &["download", "--account", "jd", "x", "--key-password-env=S"],
        &["sync", "S"],
        &["check", "S"],
        &["check", ".", "--connect", "S:443"],
        &["rollback", "S", "--to", "S"],
        &["config", "S"],
    ];
    let mut cases = 0;
    for variable in variables {
        let secret = scene.credential(Account::Session, variable);
        for args in commands {
            for more in [&["-vvv"][..], &["--log-format", "json", "-o", "json"]] {
                let args: Vec<String> = args.iter().chain(more).map(|word| word.replace('S', &secret)).collect();
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                assert_eq!(scene.run(scene.certctl(&args)), 2, "{args:?}");
                cases += 1;
            }
        }
    }
    assert_eq!(scene.search_requests(), 0, "a cloud was asked");
    held("secrets::mistakes::secrets_among_the_arguments", cases + scene.search_files());
}

/// A proxy and an endpoint with a password in their URLs.
#[test]
fn passwords_in_urls() {
    let mut scene = Scene::with(Options { tls: true, ..Options::default() });
    let secret = "urlPasswordCanary8e5d21f7b";
    scene.needles.text("URL", secret);
    let closed = "127.0.0.1:1";
    let cloud = scene.sandbox.address(super::scene::ACCOUNTS[0].2);
    let proxies = [
        format!("http://user:{secret}@{closed}"),
        format!("https://user:{secret}@{closed}"),
        format!("socks5://user:{secret}@{closed}"),
        format!("http://user:{secret}@{cloud}"),
        format!("http://{secret}:x@{closed}"),
        format!("http://user:{secret}@"),
        format!("http://user:{secret}@no.such.host.example:99999"),
        format!("http://user:{secret}@[::1"),
        format!("user:{secret}@{closed}"),
        format!("://user:{secret}@{closed}"),
        secret.to_owned(),
    ];
    let mut cases = 0;
    for proxy in &proxies {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"] {
            let args = ["list", "-vvv", "--account", "jd", "--retries", "0", "--timeout", "2s", "-o", "json"];
            scene.run(scene.certctl(&args).env(variable, proxy));
            cases += 1;
        }
        for args in
            [&["list", "--account", "jd", "-vvv"][..], &["sync", "--log-format", "json"], &["list", "-p", "jdcloud"]]
        {
            assert_ne!(scene.run(scene.certctl(&[args, &["--endpoint", proxy, "--retries", "0"]].concat())), 0);
            let variable = scene.certctl(&[args, &["--retries", "0", "--timeout", "2s"]].concat());
            scene.run(variable.env("CERTCTL_JDCLOUD_ENDPOINT", proxy));
            cases += 2;
        }
    }
    // Hooks are given the variables of proxies and endpoints as they are, so their files are not searched.
    held("secrets::mistakes::passwords_in_urls", cases);
}

/// A credentials command that goes wrong after it has printed a secret, or prints something else than it should.
#[test]
fn credentials_commands_that_fail() {
    let mut scene = Scene::new();
    let secret = "vault-canary-d41f8b06c7e93a52";
    scene.needles.text("VAULT", secret);
    let whole = format!(r#"{{"access_key":"{secret}","secret_key":"{secret}","session_token":"{secret}"}}"#);
    let prints = [
        (format!("printf '%s' '{whole}'; exit 1"), 3),
        (format!("printf '%s' '{whole}'; kill -9 $$"), 3),
        (format!("printf '%s' '{}'", &whole[..40]), 3),
        (format!("printf '%s' '{}'", &whole[..whole.len() - 1]), 3),
        (format!("printf '%s' '{secret}'"), 3),
        (format!("printf '%s' '\"{secret}\"'"), 3),
        (format!("printf '%s' '[\"{secret}\"]'"), 3),
        (format!(r#"printf '%s' '{{"{secret}":1}}'"#), 3),
        (format!(r#"printf '%s' '{{"access_key":["{secret}"],"secret_key":"{secret}"}}'"#), 3),
        (format!(r#"printf '%s' '{{"access_key":"{secret}","secret_key":{{"a":"{secret}"}}}}'"#), 3),
        (format!(r#"printf '%s' '{{"access_key":"{secret}"}}'"#), 3),
        (format!(r#"printf '%s' '{{"access_key":"a","secret_key":"{secret} {secret}"}}'"#), 3),
        (format!(r#"printf '%s' '{{"access_key":"a","secret_key":"b","expires_at":"{secret}"}}'"#), 3),
        (format!(r#"printf '\377%s' '{whole}'"#), 3),
        (format!("printf '%s' '{whole}' '{whole}'"), 3),
        (format!("while printf '%s' '{whole}'; do :; done"), 3),
        (format!("printf '%s' '{whole}'; sleep 3"), 3),
        // Credentials that the cloud does not know.
        (format!("printf '%s' '{whole}'"), 3),
    ];
    let mut cases = 0;
    for (number, (script, code)) in prints.iter().enumerate() {
        scene.own("vault.sh", script);
        let sleeps = script.contains("sleep");
        let config = format!(
            "[accounts.hw]\nprovider = 'huawei'\nendpoint = '{}'\ncredentials_command = ['/bin/sh', '{}', '{secret}']\n",
            scene.sandbox.url(super::scene::ACCOUNTS[2].2),
            scene.text("vault.sh")
        );
        scene.own("certctl.toml", &config);
        for args in [&["list", "-vvv"][..], &["list", "-o", "json", "-vv", "--log-format", "json"]] {
            if sleeps {
                // It is not waited for: certctl is ended.
                let timeout = ["-s", "TERM", "1", env!("CARGO_BIN_EXE_certctl")];
                let mut command = std::process::Command::new("timeout");
                command.args(timeout).args(args).env_clear().env("CERTCTL_CONFIG", scene.path("certctl.toml"));
                let output = command.output().unwrap();
                scene.needles.absent(&[output.stdout, output.stderr].concat(), "a run that was ended");
            } else {
                assert_eq!(scene.run(scene.certctl(args)), *code, "{number} {script}");
            }
            cases += 1;
        }
    }
    held("secrets::mistakes::credentials_commands_that_fail", cases + scene.search_files());
}
