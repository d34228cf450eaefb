//! What is shipped beside the program, and the documents that a fleet is set up by: each policy, manifest and playbook
//! is read by what will read it, and does in the sandbox what is said of it.

mod ansible;
mod cloud_init;
mod clouds;
mod docker;
mod kubernetes;
mod migrating;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::oracle;
use crate::sandbox::{Account, Sandbox};

/// The access key and secret key of each cloud, as the sandbox names them, and the files of the documents' accounts.
const KEYS: [(&str, &str); 8] = [
    ("TENCENTCLOUD_SECRET_ID", "tx.id"),
    ("TENCENTCLOUD_SECRET_KEY", "tx.key"),
    ("JDCLOUD_ACCESS_KEY_ID", "jd.id"),
    ("JDCLOUD_SECRET_ACCESS_KEY", "jd.key"),
    ("HUAWEICLOUD_SDK_AK", "hw.id"),
    ("HUAWEICLOUD_SDK_SK", "hw.key"),
    ("CTYUN_AK", "ct.id"),
    ("CTYUN_SK", "ct.key"),
];

/// A file of the repository.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// What stands between fences with this word.
fn fenced(document: &str, word: &str) -> Vec<String> {
    let fence = format!("```{word}\n");
    let blocks = document.split(fence.as_str()).skip(1);
    blocks.map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// A section of a document, without its heading.
fn section<'d>(document: &'d str, heading: &str) -> &'d str {
    let rest = document.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}")).1;
    rest.split("\n## ").next().unwrap()
}

/// What stands in backquotes in the first column of a section's tables, and the second column.
fn rows(section: &str) -> Vec<(Vec<String>, String)> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let words = cells.next().unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (words, cells.next().unwrap().to_owned())
    };
    lines.map(row).collect()
}

/// For its owner alone, as credentials and configs are.
fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The variables of an account, by name.
fn variables(sandbox: &Sandbox, account: Account) -> BTreeMap<String, String> {
    sandbox.environment_of(account).into_iter().collect()
}

/// Writes every cloud's access key where the documents' configs have it.
fn write_keys(sandbox: &Sandbox, directory: &Path) {
    let variables = variables(sandbox, Account::Healthy);
    for (variable, file) in KEYS {
        write(&directory.join(file), &variables[variable], 0o600);
    }
}

/// The Python that has the packages of tests/sdk/requirements.txt, if it has this one.
fn python(package: &str) -> Option<PathBuf> {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", &format!("import {package}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    oracle::is_there(found, &format!("the Python package {package}")).then(|| python.into())
}

/// A program that such a package brings.
fn tool(name: &str) -> Option<PathBuf> {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let path = Path::new(&python).with_file_name(name);
    oracle::is_there(path.is_file(), name).then_some(path)
}

/// The documents in a YAML file, as PyYAML reads them.
fn yaml(text: &str) -> Option<Vec<Value>> {
    use std::io::Write as _;
    let script = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))";
    let mut command = Command::new(python("yaml")?);
    let mut child = command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{text}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
