//! Who else can read and write the file, and that no secret in it is ever shown.

use std::os::unix::fs::chown;

use certctl::config::{Config, ConfigError, Location};

use super::{Small, bad, load_as, load_at};

const CANARY: &str = "canary-in-the-coal-mine";

fn with_secret() -> String {
    format!(
        "[accounts.jd]\nprovider = 'jdcloud'\naccess_key = 'JDC'\nsecret_key = '{CANARY}'\nsession_token = '{CANARY}'\nmfa = '{CANARY}'\n"
    )
}

#[test]
fn a_secret_that_others_can_read_is_refused_and_the_groups_warned_about() {
    for (mode, mistakes, warnings) in [(0o600, 0, 0), (0o400, 0, 0), (0o640, 0, 1), (0o644, 1, 0), (0o604, 1, 0)] {
        let (outcome, path) = load_as(with_secret().as_bytes(), mode);
        let chmod = format!("chmod 600 {}", path.display());
        let told = match outcome {
            Ok(config) => {
                assert_eq!(config.warnings.len(), warnings, "{mode:o}");
                config.warnings
            }
            Err(ConfigError::Mistakes(told)) => {
                assert_eq!(told.len(), mistakes, "{mode:o}");
                told
            }
            Err(other) => panic!("{other}"),
        };
        for problem in told {
            assert_eq!(problem.line, 4, "{problem}");
            assert!(problem.what.contains(&chmod) && !problem.what.contains(CANARY), "{problem}");
        }
    }
    // Only a secret makes it a secret file: an access key is its public half.
    let public = "[accounts.tx]\nprovider = 'tencent'\naccess_key = 'AKID'\nsecret_key = { env = 'TX' }\n";
    assert!(load_as(public.as_bytes(), 0o644).0.unwrap().warnings.is_empty());
}

#[test]
fn what_others_can_write_is_not_trusted() {
    for mode in [0o666, 0o602] {
        let error = load_as(b"", mode).0.unwrap_err();
        assert!(matches!(error, ConfigError::Untrusted { .. }) && error.to_string().contains("chmod o-w"), "{error}");
    }
    assert!(load_at(std::path::Path::new("/dev/null")).is_ok(), "no config at all, in one word");
}

#[test]
fn a_strangers_file_is_only_read_where_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("certctl.toml");
    std::fs::write(&path, "").unwrap();
    if chown(&path, Some(12_345), None).is_err() {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let load = |is_named| Config::load(&Location { path: path.clone(), is_named }, &Small);
    let error = load(false).unwrap_err().to_string();
    assert!(error.contains("12345") && error.contains("-c"), "{error}");
    assert!(load(true).is_ok());
}

#[test]
fn no_secret_is_shown() {
    let (outcome, _) = load_as(with_secret().as_bytes(), 0o600);
    let config = outcome.unwrap();
    let shown = [format!("{config:?}"), format!("{config:#?}"), toml::to_string(&config.shown()).unwrap()];
    for text in shown {
        assert!(!text.contains(CANARY), "{text}");
    }
    assert!(toml::to_string(&config.shown()).unwrap().contains("secret_key = \"***\""));
    // However it is written wrongly.
    for wrong in [
        format!("secret_key = {CANARY}"),
        format!("secret_key = '{CANARY}"),
        format!("secret_key = \"{CANARY}\\q\""),
        format!("secret_key = '{CANARY}' '{CANARY}'"),
        format!("secret_key == '{CANARY}'"),
        format!("secret_key = ['{CANARY}']"),
        format!("secret_key = '{CANARY} x'"),
        format!("secret_key = {{ enf = '{CANARY}' }}"),
        format!("secret_key '{CANARY}'"),
        format!("secret_key = '''{CANARY}\n"),
    ] {
        let text = format!("[accounts.tx]\nprovider = 'tencent'\naccess_key = 'x'\n{wrong}\n");
        let mistakes = bad(&text);
        assert!(!mistakes.is_empty(), "{wrong}");
        assert!(!format!("{mistakes:?}").contains(CANARY), "{mistakes:?}");
    }
}
