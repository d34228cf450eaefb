//! packaging/docker/Dockerfile. There is no engine to build it with: a linter reads it, and what it names has to exist.

use std::fs;
use std::process::Command;

use super::{root, text, tool};

/// The instructions, with continued lines as one, without comments.
fn instructions() -> Vec<(String, String)> {
    let text = text("packaging/docker/Dockerfile");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()));
    joined.lines().filter_map(instruction).collect()
}

fn of(word: &str) -> Vec<String> {
    let instructions = instructions().into_iter().filter(|(known, _)| known == word);
    instructions.map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn a_linter_has_nothing_to_say() {
    let Some(hadolint) = tool("hadolint") else { return };
    let output = Command::new(hadolint).arg(root().join("packaging/docker/Dockerfile")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn the_base_is_pinned_and_can_build_it() {
    let [build, last] = &of("FROM")[..] else { panic!("two stages") };
    assert_eq!(last, "scratch");
    let version = build.strip_prefix("rust:").and_then(|rest| rest.split('-').next()).unwrap();
    let parts = |version: &str| version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    assert_eq!(parts(version).len(), 3, "{version}");
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    assert!(parts(version) >= parts(manifest["package"]["rust-version"].as_str().unwrap()));
}

/// What is copied is there, and is all that cargo and the compiler read.
#[test]
fn what_is_copied_is_what_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let copies = of("COPY").into_iter().filter(|rest| !rest.starts_with("--from="));
    let sources = |rest: String| {
        let mut words: Vec<_> = rest.split(' ').map(str::to_owned).collect();
        words.pop();
        words
    };
    for source in copies.flat_map(sources) {
        let copied = Command::new("cp").arg("-r").arg(root().join(&source)).arg(directory.path()).status().unwrap();
        assert!(copied.success(), "{source}");
    }
    let mut cargo = crate::sandbox::cargo(env!("CARGO").as_ref());
    cargo.args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);
    let output = cargo.current_dir(&directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = metadata["packages"][0]["targets"].as_array().unwrap();
    let is_there = |kind: &str| {
        let target = targets.iter().find(|target| target["kind"][0] == kind).unwrap();
        assert!(fs::exists(target["src_path"].as_str().unwrap()).unwrap(), "{target}");
    };
    is_there("lib");
    is_there("bin");
    // Nothing outside is compiled in.
    let outside = ["-rnE", r#"include(_str|_bytes)?!\("\.\./\.\."#, "src"];
    let output = Command::new("grep").args(outside).current_dir(root()).output().unwrap();
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn it_is_built_as_the_package_is_and_runs_as_nobody() {
    let build = of("RUN").into_iter().find(|command| command.starts_with("cargo build")).unwrap();
    let build = build.replace("\"$(uname -m)-", "x86_64-").replace('"', "");
    assert_eq!(build, "cargo build --locked --release --target x86_64-unknown-linux-musl");
    // The static binary of the packages, where they are built.
    if let Ok(check) = fs::read_to_string(root().join("packaging/check")) {
        assert!(check.contains(&build), "packaging/check builds it otherwise");
    }
    let user = of("USER").pop().unwrap();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    assert_eq!(of("ENTRYPOINT"), [r#"["/usr/bin/certctl"]"#]);
    assert!(of("RUN").iter().any(|command| command.contains("/image/usr/bin/certctl")), "what the entry point names");
    assert_eq!(of("COPY").pop().unwrap(), "--from=build /image /");
    // What is copied from the document is today's.
    for name in ["certctl:", "certctl_"] {
        let document = text("docs/fleet.md");
        let versions = document.split(name).skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let stale: Vec<_> = versions.filter(|rest| !rest.starts_with(env!("CARGO_PKG_VERSION"))).collect();
        assert!(stale.is_empty(), "{stale:?}");
    }
    // No secret goes in, by whatever door.
    assert!(of("ARG").is_empty() && of("ENV").is_empty() && of("ADD").is_empty());
}
