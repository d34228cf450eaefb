//! The clouds' own clients, unchanged, against the sandbox: tests/sdk/*.py with the packages of its requirements.txt.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::oracle;
use crate::sandbox::{AMBIENT, Account, Cloud, Options, Sandbox};

fn python(sandbox: &Sandbox, account: Account, arguments: &[&str]) -> std::io::Result<Output> {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&python);
    command.args(arguments).env("SANDBOX_CCMS_ENDPOINT", sandbox.url(Cloud::Ccms));
    for name in AMBIENT {
        command.env_remove(name);
    }
    command.envs(sandbox.environment_of(account)).env("NO_PROXY", "*");
    if account == Account::Mfa {
        command.env("CERTCTL_JDCLOUD_MFA", sandbox.mfa());
    }
    command.output()
}

/// What the script says that it saw; none if the SDK is not installed.
fn run(sandbox: &Sandbox, account: Account, script: &str, package: &str) -> Option<Value> {
    // Where there is no Python at all, there is no package either.
    let found = python(sandbox, account, &["-c", &format!("import {package}")]);
    if !oracle(found.is_ok_and(|output| output.status.success()), &format!("the Python package {package}")) {
        return None;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(script);
    let output = python(sandbox, account, &[&path.display().to_string()]).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}", text(&output.stderr));
    Some(serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap())
}

/// All certificates listed, five downloaded, the one found that was searched for, and a wrong secret refused.
fn check(cloud: Cloud, script: &str, package: &str, searched: (Cloud, &str), refused: &str) {
    let sandbox = Sandbox::start(Options::default());
    let Some(seen) = run(&sandbox, Account::Healthy, script, package) else { return };
    let ids: Vec<String> =
        sandbox.certificates(cloud, Account::Healthy).into_iter().map(|certificate| certificate.id).collect();
    assert_eq!(seen["listed"], json!(ids), "{script}");
    assert_eq!(seen["downloaded"].as_array().unwrap().len(), 5, "{script}");
    assert_eq!(seen["refused"], refused, "{script}");
    assert_eq!(seen["searched"], json!([sandbox.certificate(searched.0, Account::Healthy, searched.1).id]), "{script}");

    if Account::Session.exists_at(cloud) {
        let seen = run(&sandbox, Account::Session, script, package).unwrap();
        assert_eq!(seen["listed"].as_array().unwrap().len(), 3, "{script} with a session token");
    }
}

#[test]
fn tencent() {
    check(
        Cloud::Tencent,
        "tencent.py",
        "tencentcloud.ssl.v20191205",
        (Cloud::Tencent, "non-ascii"),
        "AuthFailure.SignatureFailure",
    );
}

#[test]
fn jdcloud() {
    check(Cloud::Jdcloud, "jdcloud.py", "jdcloud_sdk", (Cloud::Jdcloud, "wildcard only"), "UNAUTHENTICATED");
}

#[test]
fn jdcloud_with_operation_protection() {
    let sandbox = Sandbox::start(Options::default());
    let Some(seen) = run(&sandbox, Account::Mfa, "jdcloud.py", "jdcloud_sdk") else { return };
    assert_eq!(seen["downloaded"].as_array().unwrap().len(), 3);
}

#[test]
fn huawei() {
    check(Cloud::Huawei, "huawei.py", "huaweicloudsdkscm", (Cloud::Huawei, "non-ascii"), "APIGW.0301");
}

#[test]
fn ctyun() {
    check(Cloud::Ctyun, "ctyun.py", "ctyun_python_sdk_core", (Cloud::Ccms, "non-ascii"), "CTAPI_10009");
}
