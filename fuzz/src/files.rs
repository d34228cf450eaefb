//! Files that certctl reads: its config, the official tools' credentials, and what it has written itself.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use certctl::config::{Config, ConfigError, Host, Location, Program};
use certctl::credential::CredentialError;
use certctl::environment::Environment;
use certctl::provider::REGISTRY;
use certctl::store::{self, Expected, Install, Name, Ownership};
use tempfile::TempDir;

use super::BETWEEN;
use super::judge::{NOW, message, tells_nothing};

thread_local! {
    static DESK: TempDir = tempfile::tempdir().unwrap();
}

/// A machine that has all.
struct Any;

impl Host for Any {
    fn user(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(u32::try_from(name.len()).ok())
    }

    fn group(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(u32::try_from(name.len()).ok())
    }

    fn program(&self, _: &str) -> Program {
        Program::Runnable
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A config. What it is understood as is a config that is understood as the same.
pub fn config(data: &[u8]) {
    DESK.with(|desk| {
        let path = desk.path().join("certctl.toml");
        let Some(once) = loaded(&path, data) else { return };
        let twice = loaded(&path, once.as_bytes()).unwrap_or_else(|| panic!("is not understood again:\n{once}"));
        assert_eq!(once, twice);
    });
}

fn loaded(path: &Path, text: &[u8]) -> Option<String> {
    write(path, text);
    match Config::load(&Location { path: path.to_owned(), is_named: true }, &Any) {
        Ok(config) => {
            tells_nothing(&format!("{config:?}"));
            let shown = toml::to_string(&config.shown()).unwrap();
            tells_nothing(&shown);
            Some(shown)
        }
        Err(ConfigError::Mistakes(mistakes)) => {
            assert!(!mistakes.is_empty());
            mistakes.iter().for_each(|mistake| message(mistake.what.as_str()));
            None
        }
        Err(error) => {
            message(&error);
            None
        }
    }
}

/// First byte: the cloud. Then its tools' files, in their order, with the one that names the profile last.
pub fn credentials(data: &[u8]) {
    let [choice, rest @ ..] = data else { return };
    let registration = REGISTRY[usize::from(choice % 4)];
    DESK.with(|desk| {
        let home = desk.path().join("home");
        let _ = fs::remove_dir_all(&home);
        let paths = registration.credentials.files.iter().map(|file| file.path.replace("PROFILE", "default"));
        let paths = paths.chain([".jdc/current".to_owned()]);
        for (path, bytes) in paths.zip(rest.split(|byte| *byte == BETWEEN)) {
            write(&home.join(path.trim_start_matches("~/")), bytes);
        }
        let environment = Environment::new([("HOME".to_owned(), home.display().to_string())], || NOW);
        let sources = registration.credentials;
        for found in [sources.find(registration.name, &environment), sources.profile("default", &environment)] {
            match found {
                Ok(found) => {
                    tells_nothing(&format!("{found:?}"));
                    let key = &found.credentials.access_key;
                    assert!(!key.is_empty() && !key.contains(|c: char| c.is_control() || c == ' '), "{key:?}");
                }
                Err(error) => {
                    message(&error);
                    error.hint().iter().for_each(|hint| message(hint.as_str()));
                    assert!(!matches!(error, CredentialError::NotSet { .. }), "{error}");
                }
            }
        }
    });
}

/// What certctl wrote down in a certificate directory: metadata.json, .certctl.json, and a file of the version.
pub fn state(data: &[u8]) {
    const VERSION: &str = "versions/20261122T020304Z-9bfe606b";
    DESK.with(|desk| {
        let base = desk.path().join("certs");
        let at = base.join("www.example.com");
        let _ = fs::remove_dir_all(&at);
        fs::create_dir_all(at.join(VERSION)).unwrap();
        let mut pieces = data.split(|byte| *byte == BETWEEN);
        for name in ["metadata.json", ".certctl.json", "cert.pem"] {
            let Some(bytes) = pieces.next().filter(|bytes| !bytes.is_empty()) else { continue };
            let path = at.join(if name.starts_with('.') { "" } else { VERSION }).join(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        symlink(VERSION, at.join("current")).unwrap();
        symlink("current/cert.pem", at.join("cert.pem")).unwrap();
        let before = listing(&at);
        read_back(&base);
        assert_eq!(listing(&at), before, "reading changes nothing");
        assert!(store::is_certificate_directory(&at));
    });
}

fn read_back(base: &Path) {
    let name = Name::parse("www.example.com").unwrap();
    let install = Install { file: "cert.pem".to_owned(), to: base.join("copy.crt"), mode: 0o644 };
    let expected = Expected {
        files: &[("cert.pem", 0o644)],
        may_be: &[("privkey.pem", 0o600), ("keystore.p12", 0o600)],
        installs: &[install],
        ownership: Ownership::default(),
    };
    match store::look(base, &name, &expected) {
        Ok(standing) => assert!(!standing.expect("the directory is there").is_intact, "privkey.pem is missing"),
        Err(error) => message(&error),
    }
    for expected in [None, Some(&expected)] {
        match store::audit(base, &name, expected) {
            Ok(audit) => {
                let audit = audit.expect("the directory is there");
                audit.findings.iter().for_each(|finding| message(finding.what.as_str()));
                assert!(audit.files.keys().all(|name| !name.contains('/')), "{:?}", audit.files.keys());
            }
            Err(error) => message(&error),
        }
    }
    let _ = store::made(base, &name).map_err(|error| message(&error));
    match store::contents(base, &name, &["cert.pem"]) {
        Ok(Some(files)) => assert_eq!(files.len(), 1),
        Ok(None) => {}
        Err(error) => message(&error),
    }
}

fn listing(at: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(at).unwrap().map(|entry| entry.unwrap().path()).collect();
    let inner: Vec<PathBuf> = found.iter().filter(|path| path.is_dir() && !path.is_symlink()).cloned().collect();
    found.extend(inner.iter().flat_map(|path| listing(path)));
    found.sort();
    found
}
