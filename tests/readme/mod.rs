//! Every command in the README and in docs/ is run, in the sandbox, as the reader would, and prints what it says there;
//! and what the documents list is what there is.

mod alike;
mod reference;
mod session;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The commands of a document, block by block: what stands between "```sh" and "```".
fn blocks(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|rest| rest.split_once("```").unwrap_or_else(|| panic!("{document}: a block without end")).0.to_owned())
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All documents, by their paths.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root(), root().join("docs")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && folder != root() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_first_command_shows_it_work_and_the_second_runs_the_tests() {
    let blocks = blocks("README.md");
    assert_eq!([blocks[0].trim(), blocks[1].trim()], ["cargo run --example sandbox", "cargo test"]);
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in ["cargo test --locked\n", "cargo install --locked --path . "] {
        assert!(ci.contains(command), "CI runs `{command}`");
    }
    let directory = tempfile::tempdir().unwrap();
    let output = cargo(&["run", "--quiet", "--example", "sandbox"]).env("TMPDIR", directory.path()).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}{}", String::from_utf8_lossy(&output.stderr));
    for cloud in ["jdcloud", "tencent", "huawei", "ctyun"] {
        let tree = stdout.split(&format!("0755  www.{cloud}.example/\n")).nth(1).unwrap_or_else(|| panic!("{stdout}"));
        assert!(tree.contains("privkey.pem -> current/privkey.pem") && tree.contains("0600"), "{stdout}");
    }
}

/// The words that one looks for are the program's.
#[test]
fn troubleshooting_quotes_real_messages() {
    let mut words: Vec<String> = Vec::new();
    let text = std::fs::read_to_string(root().join("docs/troubleshooting.md")).unwrap();
    for cell in text.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split(" | ").next()) {
        words.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    assert!(words.len() > 20, "{words:?}");
    let source = source(&root().join("src"));
    for word in words {
        assert!(source.contains(&word), "no message has `{word}`");
    }
}

/// The code, without comments, of all files in a folder.
fn source(folder: &Path) -> String {
    let below = |path: PathBuf| {
        if path.is_dir() {
            return source(&path);
        }
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    std::fs::read_dir(folder).unwrap().map(|entry| below(entry.unwrap().path())).collect()
}

/// What a reader copies is the same in both languages: every block, and the tables' first column.
#[test]
fn the_chinese_readme_has_the_same_content() {
    let content = |document: &str| {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let parts: Vec<_> = text.split("```").map(str::to_owned).collect();
        let blocks: Vec<_> = parts.iter().skip(1).step_by(2).cloned().collect();
        let prose = parts.iter().step_by(2).flat_map(|part| part.lines());
        let first = |line: &str| line.strip_prefix("| ")?.split(" |").next().map(str::to_owned);
        let rows: Vec<_> = prose.clone().filter_map(first).filter(|cell| cell.is_ascii()).collect();
        let headings = prose.clone().filter(|line| line.starts_with('#')).count();
        let items = prose.filter(|line| line.starts_with("- ")).count();
        (blocks, rows, headings, items)
    };
    let (blocks, rows, headings, items) = content("README.zh-CN.md");
    let english = content("README.md");
    assert_eq!((blocks, headings, items), (english.0, english.2, english.3));
    // The heading of a table is translated.
    let heads = ["tool", "provider", "code"];
    let known: Vec<_> = english.1.into_iter().filter(|cell| !heads.contains(&cell.as_str())).collect();
    assert_eq!(rows, known);
}

/// A test for each document with commands in it.
macro_rules! run_documents {
    ($($test:ident $document:literal)*) => {
        const RUN: &[&str] = &[$($document),*];
        mod commands {
            $(#[test] fn $test() { super::session::run($document) })*
        }
    };
}

run_documents! {
    readme "README.md"
    check "docs/check.md"
    configuration "docs/configuration.md"
    exit_codes "docs/exit-codes.md"
    formats "docs/formats.md"
    layout "docs/layout.md"
    providers "docs/providers.md"
    sandbox "docs/sandbox.md"
    schemas "docs/schemas/README.md"
    sync "docs/sync.md"
    troubleshooting "docs/troubleshooting.md"
    usage "docs/usage.md"
}

#[test]
fn no_command_stands_where_none_is_run() {
    for document in RUN {
        for block in read(document).split("```").skip(1).step_by(2) {
            let (info, body) = block.split_once('\n').unwrap();
            let is_run = info == "sh" || info == "console" || info.contains(' ');
            let command = body.lines().find(|line| line.starts_with("certctl ") || line.starts_with("$ "));
            assert!(is_run || command.is_none(), "{document}: {command:?}");
        }
    }
}

/// Documents that the list above does not have. The README in Chinese has the blocks of the English one.
#[test]
fn the_commands_of_all_other_documents() {
    let others = documents().into_iter().filter(|document| !RUN.contains(&document.as_str()));
    for document in others.filter(|document| document != "README.zh-CN.md") {
        session::run(&document);
    }
}

#[test]
fn every_command_on_the_sandbox_works() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = root().join("Cargo.toml");
    let mut run = 0;
    for document in ["README.md", "docs/sandbox.md"] {
        for command in blocks(document).iter().flat_map(|block| block.lines()) {
            // What the next commands read.
            if command.starts_with("printf ") {
                assert!(Command::new("sh").args(["-c", command]).current_dir(&directory).status().unwrap().success());
            }
            let Some(rest) = command.strip_prefix("cargo run --example sandbox -- ") else { continue };
            let mut cargo =
                cargo(&["run", "--quiet", "--manifest-path", manifest.to_str().unwrap(), "--example", "sandbox", "--"]);
            let output = cargo.args(rest.split_whitespace()).current_dir(&directory).output().unwrap();
            assert!(output.status.success(), "{document}: {command}: {}", String::from_utf8_lossy(&output.stderr));
            run += 1;
        }
    }
    assert!(run >= 8, "only {run} commands found");
}

/// The cargo that runs the tests, with the same target directory and no input.
fn cargo(args: &[&str]) -> Command {
    let mut cargo = crate::sandbox::cargo(env!("CARGO").as_ref());
    let target = Path::new(env!("CARGO_BIN_EXE_certctl")).ancestors().nth(2).unwrap();
    cargo.args(args).env("CARGO_TARGET_DIR", target).stdin(std::process::Stdio::null());
    cargo
}
