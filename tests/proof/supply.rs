//! What certctl is built of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::held;
use crate::oracle;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn cargo(args: &[&str]) -> String {
    let output = crate::sandbox::cargo(env!("CARGO").as_ref()).args(args).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The crates of the Linux binary, as `Cargo.lock` has them: those that certctl names, or all of them.
fn crates(more: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = cargo(&[&tree[..], &["--target", "x86_64-unknown-linux-gnu"], more].concat());
    let name = |line: &str| line.split(' ').next().unwrap().to_owned();
    tree.lines().map(name).filter(|name| name != "certctl" && !name.is_empty()).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn every_crate_is_listed_with_its_reason() {
    let text = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let (table, rest) = text.split_once("\nShared by several of these:\n").unwrap();
    let shared = rest.split_once("\nFor the tests alone:").unwrap().0;
    let (mut direct, mut all) = (BTreeSet::new(), quoted(shared).collect::<BTreeSet<_>>());
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let [_, name, why, brings, _] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
        assert!(why.trim().len() > 3, "{row}");
        direct.extend(quoted(name));
        all.extend(quoted(brings));
    }
    assert_eq!(direct, crates(&["--depth", "1"]));
    all.extend(direct);
    let built = crates(&[]);
    let (unlisted, gone) = (built.difference(&all).collect::<Vec<_>>(), all.difference(&built).collect::<Vec<_>>());
    assert!(unlisted.is_empty() && gone.is_empty(), "not listed: {unlisted:?}; no longer there: {gone:?}");
    held("supply::every_crate_is_listed_with_its_reason", built.len());
}

/// Licences, sources, second versions, crates that are not wanted and build scripts that nobody has looked at; known
/// vulnerabilities are `.ci/run`'s to ask for, where the network lets it.
#[test]
fn what_cargo_deny_says() {
    if !oracle::has("cargo-deny") {
        return;
    }
    let output = Command::new("cargo-deny")
        .args(["--locked", "check", "-D", "warnings", "bans", "licenses", "sources"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    held("supply::what_cargo_deny_says", crates(&["--all-features"]).len());
}

/// The compiler forbids it in the package; here it is looked for in every file, whoever compiles it.
#[test]
fn no_unsafe_code() {
    let forbid = "unsafe_code = \"forbid\"";
    assert!(fs::read_to_string(root().join("Cargo.toml")).unwrap().contains(forbid));
    let files = ["src", "tests"].map(|folder| sources(&root().join(folder))).concat();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(line.split_whitespace().all(|word| word != "unsafe"), "{}: {line}", file.display());
            assert!(!line.contains(concat!("allow(unsafe", "_code")), "{}: {line}", file.display());
        }
    }
    held("supply::no_unsafe_code", files.len());
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| {
        if path.is_dir() {
            sources(&path)
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            vec![path]
        } else {
            Vec::new()
        }
    };
    entries.flat_map(below).collect()
}
