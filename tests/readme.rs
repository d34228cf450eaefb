//! Every command in the README and in docs/ is run: in the sandbox, as the reader would.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Options, Sandbox};

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

#[test]
fn every_command_on_certctl_works_in_the_sandbox() {
    let sandbox = Sandbox::start(Options::default());
    let directory = tempfile::tempdir().unwrap();
    let certctl = Path::new(env!("CARGO_BIN_EXE_certctl")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", certctl.display());
    let mut run = 0;
    for document in [
        "README.md",
        "docs/usage.md",
        "docs/configuration.md",
        "docs/sync.md",
        "docs/formats.md",
        "docs/check.md",
        "docs/layout.md",
        "docs/providers.md",
        "docs/sandbox.md",
    ] {
        for command in
            blocks(document).iter().flat_map(|block| block.lines()).filter(|line| line.starts_with("certctl "))
        {
            let mut shell = Command::new("sh");
            shell
                .args(["-c", command])
                .current_dir(&directory)
                .env_clear()
                .envs(sandbox.environment())
                .env("PATH", &path);
            let output = shell.output().unwrap();
            assert!(output.status.success(), "{document}: {command}: {}", String::from_utf8_lossy(&output.stderr));
            run += 1;
        }
    }
    assert!(run >= 8, "only {run} commands found");
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
