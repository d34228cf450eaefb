//! `certctl list` with credentials in the official tools' files alone.

use super::Home;
use crate::cli::Certctl;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// Each tool's file, by the cloud, its variables of the sandbox and a template that they fill.
const FILES: [(&str, Cloud, [&str; 2], &str, &str); 6] = [
    (
        "tencent",
        Cloud::Tencent,
        ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
        ".tccli/default.credential",
        r#"{"secretId": "<AK>", "secretKey": "<SK>"}"#,
    ),
    (
        "tencent",
        Cloud::Tencent,
        ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"],
        ".tencentcloud/credentials",
        "[default]\nsecret_id = <AK>\nsecret_key = <SK>\n",
    ),
    (
        "jdcloud",
        Cloud::Jdcloud,
        ["JDCLOUD_ACCESS_KEY_ID", "JDCLOUD_SECRET_ACCESS_KEY"],
        ".jdc/config",
        "[default]\naccess_key = <AK>\nsecret_key = <SK>\nregion_id = cn-north-1\nendpoint = www.jdcloud-api.com\n",
    ),
    (
        "huawei",
        Cloud::Huawei,
        ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
        ".huaweicloud/credentials",
        "[basic]\nak = <AK>\nsk = <SK>\nproject_id = <PROJECT>\n",
    ),
    (
        "huawei",
        Cloud::Huawei,
        ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
        ".hcloud/config.json",
        r#"{"current": "x", "authEncrypt": "false", "profiles": [{"name": "x", "mode": "AKSK", "accessKeyId": "<AK>", "secretAccessKey": "<SK>", "projectId": "<PROJECT>"}]}"#,
    ),
    (
        "ctyun",
        Cloud::Ctyun,
        ["CTYUN_AK", "CTYUN_SK"],
        ".ctyun/credential",
        "[default]\naccessKey = <AK>\nsecretKey = <SK>\n",
    ),
];

/// The sandbox's variables without those that make an account: its endpoints.
fn endpoints(sandbox: &Sandbox) -> Vec<(String, String)> {
    sandbox.environment().into_iter().filter(|(name, _)| name.ends_with("_ENDPOINT")).collect()
}

fn put(home: &Home, sandbox: &Sandbox, [access_key, secret_key]: [&str; 2], path: &str, template: &str) {
    let variables = sandbox.environment();
    let value = |name: &str| &variables.iter().find(|(variable, _)| variable == name).unwrap().1;
    let fill = [("<AK>", access_key), ("<SK>", secret_key), ("<PROJECT>", "HUAWEICLOUD_SDK_PROJECT_ID")];
    home.put(path, fill.iter().fold(template.to_owned(), |text, (hole, name)| text.replace(hole, value(name))));
}

#[test]
fn each_file_alone_will_do() {
    // Huawei's older API names the project in its paths: it must come from the file.
    let sandbox = Sandbox::start(Options { huawei_v3: false, ..Options::default() });
    for (provider, cloud, variables, path, template) in FILES {
        let home = Home::new();
        put(&home, &sandbox, variables, path, template);
        let list = |args: &[&str]| {
            let certctl = Certctl::with(endpoints(&sandbox)).env("HOME", home.path("").to_str().unwrap());
            certctl.args(["list", "-o", "json"].iter().chain(args)).run()
        };
        for args in [&["-p", provider][..], &[]] {
            let run = list(args).exits(0);
            let rows = run.json()["certificates"].as_array().unwrap().clone();
            assert_eq!(rows.len(), sandbox.certificates(cloud, Account::Healthy).len(), "{path}");
            assert!(rows.iter().all(|row| row["provider"] == provider), "only {provider} has credentials");
            assert_eq!(run.stderr, "", "{path}");
        }
        let told = list(&["-v"]).exits(0).stderr;
        assert!(told.contains(&format!("{provider}: credentials from {}", home.path(path).display())), "{told}");
    }
}

#[test]
fn all_files_together_and_a_broken_one() {
    let sandbox = Sandbox::start(Options::default());
    let home = Home::new();
    for (_, _, variables, path, template) in FILES {
        put(&home, &sandbox, variables, path, template);
    }
    let list = || {
        let certctl = Certctl::with(endpoints(&sandbox)).env("HOME", home.path("").to_str().unwrap());
        certctl.args(["list", "-o", "json"]).run()
    };
    let clouds = |run: &crate::cli::Run| {
        let mut clouds: Vec<_> =
            run.json()["certificates"].as_array().unwrap().iter().map(|row| row["provider"].to_string()).collect();
        clouds.sort();
        clouds.dedup();
        clouds.len()
    };
    assert_eq!(clouds(&list().exits(0)), 4);
    let path = home.put_as(".jdc/config", "[default]\naccess_key = a\nsecret_key = canary\n", 0o644);
    let run = list().exits(3).says(&["jdcloud: ", &format!("run `chmod 600 {}`", path.display())]);
    assert_eq!(clouds(&run), 3, "the others are asked all the same");
    assert_eq!(run.json()["errors"][0]["provider"], "jdcloud");
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("canary"));
}

#[test]
fn where_nothing_is_it_says_where_it_looked() {
    let home = Home::new();
    let certctl = || Certctl::with(Vec::new()).env("HOME", home.path("").to_str().unwrap());
    certctl().args(["list", "-p", "jdcloud"]).run().exits(3).says(&[
        "no credentials for jdcloud",
        "JDCLOUD_ACCESS_KEY_ID",
        "~/.jdc/config",
    ]);
    let run = certctl().args(["list"]).run().exits(3).says(&["any provider", "config init"]);
    for word in ["CTYUN_AK", "~/.tccli/PROFILE.credential", "~/.hcloud/config.json"] {
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
    }
    assert!(Certctl::with(Vec::new()).args(["list"]).run().exits(3).stderr.contains("needs HOME to be set"));
}
