//! What the scripts are told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use super::{CONFIG, Home, VERSIONS};

impl Home {
    /// The values offered behind these words, and which paths.
    fn offers(&self, words: &[&str]) -> (String, Vec<String>) {
        let (word, before) = words.split_last().unwrap();
        let mut command = self.command("certctl");
        let output = command.args(["__words", &format!("--word={word}"), "--"]).args(before).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        (lines.next().unwrap(), lines.collect())
    }
}

#[test]
fn every_word_that_can_follow() {
    let home = Home::new();
    let names = ["www.example.com", "_.wild.example", "two words", "*.star.example", "it's $HOME;reboot"];
    let unlisted = home.path().join("certs/unlisted.example").display().to_string();
    let with_unlisted: Vec<_> = names.into_iter().chain([unlisted.as_str()]).collect();
    let providers = &["jdcloud", "tencent", "huawei", "ctyun"][..];
    let listed = "certs/www.example.com";
    for (words, paths, values) in [
        (&["config", ""][..], "none", &["init", "check", "show", "help"][..]),
        (&["help", "config", ""], "none", &["init", "check", "show"]),
        (&["list", "-p", ""], "none", providers),
        (&["list", "-p", "tencent", "-p", ""], "none", &["jdcloud", "huawei", "ctyun"]),
        (&["-vo", ""], "none", &["table", "json"]),
        (&["list", "--output="], "none", &["--output=table", "--output=json"]),
        (
            &["download", "--format", "pem,jk"],
            "none",
            &["pem,combined", "pem,pkcs12", "pem,pkcs12-legacy", "pem,jks", "pem,der", "pem,k8s-secret"],
        ),
        (&["list", "--account", ""], "none", &["jd prod:1", "key", "tx", "北京"]),
        (&["list", "-ptencent", "--account", ""], "none", &["tx"]),
        (&["list", "--account="], "none", &["--account=jd prod:1", "--account=key", "--account=tx", "--account=北京"]),
        (&["sync", "--dry-run", ""], "none", &names),
        (&["sync", "two words", "*.star.example", "it's $HOME;reboot", "_.wild.example", ""], "none", &names[..1]),
        (&["check", ""], "directories", &with_unlisted),
        (&["rollback", ""], "directories", &with_unlisted),
        (&["rollback", "www.example.com", ""], "none", &[]),
        (&["rollback", "www.example.com", "--to", ""], "none", &VERSIONS[1..]),
        (&["rollback", listed, "--to", ""], "none", &VERSIONS[1..]),
        (&["rollback", "no.such", "--to", ""], "none", &[]),
        (&["download", "-d", "certs", "--name", ""], "none", &["unlisted.example", "www.example.com"]),
        (&["download", "--name", ""], "none", &["unlisted.example", "www.example.com"]),
        (&["describe", ""], "none", &["*.star.example", "*.wild.example", "wild.example", "www.example.com"]),
        (&["download", "--dir", ""], "directories", &[]),
        (&["sync", "--report", ""], "files", &[]),
        (&["list", "--timeout", ""], "none", &[]),
        (&["completions", ""], "none", &["bash", "zsh", "fish", "elvish", "powershell"]),
        (&["completions", "bash", ""], "none", &[]),
        (&["sync", "--", "--"], "none", &names),
        (&["check", "--starttls", ""], "none", &["smtp", "imap", "postgres"]),
        (
            &["nonsense", ""],
            "none",
            &["list", "describe", "download", "sync", "check", "rollback", "config", "completions", "help"],
        ),
        (&["list", "nonsense", "--what", ""], "none", &[]),
    ] {
        let offers = home.offers(words);
        assert_eq!(
            (offers.0.as_str(), offers.1),
            (paths, values.iter().map(ToString::to_string).collect()),
            "{words:?}"
        );
    }
    let (_, options) = home.offers(&["list", "-q", "-p"]);
    assert!(["-p", "--account", "--provider", "--help"].iter().all(|option| options.contains(&(*option).to_owned())));
    assert!(!options.contains(&"--quiet".to_owned()) && !options.contains(&"--word".to_owned()), "{options:?}");
    home.is_untouched();
}

/// No config, or one that cannot or must not be read: what certctl knows by itself, without a word and at once.
#[test]
fn a_config_that_cannot_be_read() {
    let home = Home::new();
    let own = ["jdcloud", "tencent", "huawei", "ctyun"];
    let config = home.config();
    let pipe = home.path().join("pipe");
    crate::oracle::run("mkfifo", &[pipe.to_str().unwrap()]);
    let missing = home.path().join("missing").display().to_string();
    let since = Instant::now();
    for given in [pipe.to_str().unwrap(), missing.as_str(), "/", "/dev/zero", ""] {
        assert_eq!(home.offers(&["list", "-c", given, "--account", ""]).1, own, "{given}");
    }
    for bytes in [&b"\xff\xfe accounts"[..], b"[[[", b"accounts = 1\ncertificates = \"x\"", b"[accounts]\nx = 3\n"] {
        fs::write(&config, bytes).unwrap();
        home.offers(&["sync", ""]);
        home.offers(&["list", "--account", ""]);
    }
    fs::write(&config, CONFIG).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(home.offers(&["list", "--account", ""]).1, own, "everybody can write to it");
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
}

/// `~` stands in the line as it was typed; a name that a terminal would act on is not shown.
#[test]
fn paths_and_names_from_outside() {
    let home = Home::new();
    fs::write(home.path().join("other.toml"), "[accounts.\"a\\u001b[31mb\"]\n[accounts.c]\n[accounts.\"d\\ne\"]\n")
        .unwrap();
    assert_eq!(home.offers(&["list", "-c", "~/other.toml", "--account", ""]).1, ["c"]);
    assert_eq!(home.offers(&["list", "--config=other.toml", "--account", ""]).1, ["c"]);
}

/// The environment alone never makes certctl print anything but what it was asked for.
#[test]
fn no_variable_turns_a_command_into_a_completion() {
    let home = Home::new();
    let plain = home.command("certctl").arg("--version").output().unwrap().stdout;
    for name in ["COMPLETE", "CERTCTL_COMPLETE", "_CERTCTL_COMPLETE", "COMP_LINE"] {
        let output = home.command("certctl").env(name, "bash").arg("--version").output().unwrap();
        assert_eq!(output.stdout, plain, "{name}");
    }
}
