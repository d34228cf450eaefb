//! The official tools' variables and files, cloud by cloud.

use super::{Home, environment, found, registration, says, told};

/// One cloud, with these files (`path` and content) and variables: what is found, or the words of the error.
struct Case {
    what: &'static str,
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    profile: Option<&'static str>,
    expected: Result<&'static [&'static str], &'static [&'static str]>,
}

/// No files, no variables, nothing found.
const CASE: Case =
    Case { what: "nothing", files: &[], variables: &[], profile: None, expected: Err(&["no credentials for"]) };

fn check(provider: &'static str, cases: &[Case]) {
    for case in cases {
        let home = Home::new();
        for (path, content) in case.files {
            home.put(path, content);
        }
        let environment = home.environment(case.variables);
        let registration = registration(provider);
        let outcome = told(|| match case.profile {
            Some(profile) => registration.credentials.profile(profile, &environment),
            None => registration.credentials.find(provider, &environment),
        });
        eprintln!("{provider}: {}", case.what);
        match case.expected {
            Ok(parts) => found(&outcome, parts),
            Err(words) => says(&outcome, words),
        }
    }
}

#[test]
fn tencent() {
    const CLI: &str = ".tccli/default.credential";
    const SDK: &str = ".tencentcloud/credentials";
    const CLI_KEYS: &str = r#"{"secretId": "cli-id", "secretKey": "canary-cli"}"#;
    const SDK_KEYS: &str = "[default]\nsecret_id = sdk-id\nsecret_key = canary-sdk\n[prod]\nsecret_id = prod-id\nsecret_key = canary-prod\n";
    const CLI_FOUND: Result<&[&str], &[&str]> = Ok(&["cli-id", "canary-cli"]);
    const SDK_FOUND: Result<&[&str], &[&str]> = Ok(&["sdk-id", "canary-sdk"]);
    const EXPIRED: &str =
        r#"{"type": "oauth", "secretId": "id", "secretKey": "canary", "token": "canary", "expiresAt": 1795305600}"#;
    check(
        "tencent",
        &[
            Case {
                expected: Err(&[
                    "TENCENTCLOUD_SECRET_ID and",
                    "~/.tccli/PROFILE.credential or ~/.tencentcloud/credentials",
                ]),
                ..CASE
            },
            Case { what: "tccli", files: &[(CLI, CLI_KEYS)], expected: CLI_FOUND, ..CASE },
            Case { what: "the SDKs'", files: &[(SDK, SDK_KEYS)], expected: SDK_FOUND, ..CASE },
            Case {
                what: "tccli before the SDKs",
                files: &[(SDK, SDK_KEYS), (CLI, CLI_KEYS)],
                expected: CLI_FOUND,
                ..CASE
            },
            Case {
                what: "the environment before both",
                files: &[(SDK, SDK_KEYS), (CLI, "{")],
                variables: &[("TENCENTCLOUD_SECRET_ID", "env"), ("TENCENTCLOUD_SECRET_KEY", "canary-env")],
                expected: Ok(&["env", "canary-env"]),
                ..CASE
            },
            Case {
                what: "half an environment",
                files: &[(CLI, CLI_KEYS)],
                variables: &[("TENCENTCLOUD_SECRET_ID", "env")],
                expected: Err(&[
                    "the environment has TENCENTCLOUD_SECRET_ID, but no TENCENTCLOUD_SECRET_KEY; set TENCENTCLOUD_SECRET_KEY",
                ]),
                ..CASE
            },
            Case {
                what: "a token, nulls, unknown fields and a byte order mark",
                files: &[(
                    CLI,
                    "\u{feff}{\"secretId\":\"id\",\r\n\"secretKey\":\" canary \",\"token\":\"canary-token\",\"expiresAt\":null,\"oauth\":{}}\r\n",
                )],
                expected: Ok(&["id", "canary", "canary-token"]),
                ..CASE
            },
            Case {
                what: "a login in time",
                files: &[(
                    CLI,
                    r#"{"type": "sso", "secretId": "id", "secretKey": "canary", "token": "canary-t", "expiresAt": 1795305601}"#,
                )],
                expected: Ok(&["id", "canary", "canary-t"]),
                ..CASE
            },
            Case {
                what: "a login that is over",
                files: &[(CLI, EXPIRED), (SDK, SDK_KEYS)],
                expected: Err(&["default.credential expired at 2026-11-22T00:00:00Z; run `tccli auth login`"]),
                ..CASE
            },
            Case {
                what: "a login that ends at an odd time",
                files: &[(CLI, r#"{"type": "oauth", "secretId": "id", "secretKey": "canary", "expiresAt": "canary"}"#)],
                expected: Err(&["expiresAt in", "not a time in Unix seconds"]),
                ..CASE
            },
            Case {
                what: "the machine's role is not for us",
                files: &[(CLI, r#"{"type": "cvm-role"}"#), (SDK, SDK_KEYS)],
                expected: SDK_FOUND,
                ..CASE
            },
            Case {
                what: "nor is one to assume",
                files: &[
                    (CLI, r#"{"secretId": "id", "secretKey": "canary", "role-arn": "qcs::cam"}"#),
                    (SDK, SDK_KEYS),
                ],
                expected: SDK_FOUND,
                ..CASE
            },
            Case { what: "an empty object", files: &[(CLI, "{}"), (SDK, SDK_KEYS)], expected: SDK_FOUND, ..CASE },
            Case {
                what: "an empty file",
                files: &[(CLI, "")],
                expected: Err(&["default.credential is not a JSON object (line 1, column 0)"]),
                ..CASE
            },
            Case {
                what: "broken JSON",
                files: &[(CLI, "{\"secretKey\": \"canary\"\n canary"), (SDK, SDK_KEYS)],
                expected: Err(&["is not a JSON object (line 2, column 2)"]),
                ..CASE
            },
            Case { what: "a list", files: &[(CLI, r#"["canary"]"#)], expected: Err(&["is not a JSON object"]), ..CASE },
            Case {
                what: "a number",
                files: &[(CLI, r#"{"secretId": 4711, "secretKey": "canary"}"#)],
                expected: Err(&["secretId in", "is not a string"]),
                ..CASE
            },
            Case {
                what: "half",
                files: &[(CLI, r#"{"secretId": "id", "secretKey": ""}"#), (SDK, SDK_KEYS)],
                expected: Err(&["default.credential has secretId, but no secretKey; add secretKey"]),
                ..CASE
            },
            Case {
                what: "the other half",
                files: &[(SDK, "[default]\nsecret_key=canary\n")],
                expected: Err(&["credentials [default] has secret_key, but no secret_id"]),
                ..CASE
            },
            Case {
                what: "not ASCII",
                files: &[(CLI, r#"{"secretId": "id", "secretKey": "canary密"}"#)],
                expected: Err(&["secretKey in", "outside ASCII"]),
                ..CASE
            },
            Case {
                what: "a header's end",
                files: &[(CLI, r#"{"secretId": "id\r\nx-a: canary", "secretKey": "canary"}"#)],
                expected: Err(&["secretId in", "a line break"]),
                ..CASE
            },
            Case {
                what: "a profile of the user's",
                files: &[(CLI, CLI_KEYS), (".tccli/生产.credential", r#"{"secretId": "p", "secretKey": "canary-p"}"#)],
                variables: &[("TCCLI_PROFILE", "生产")],
                expected: Ok(&["p", "canary-p"]),
                ..CASE
            },
            Case {
                what: "a profile of the user's that is not there",
                files: &[(CLI, CLI_KEYS), (SDK, SDK_KEYS)],
                variables: &[("TCCLI_PROFILE", "prod")],
                expected: Err(&["TCCLI_PROFILE names the profile `prod`, but ~/.tccli/prod.credential has no keys"]),
                ..CASE
            },
            Case {
                what: "a profile that climbs",
                files: &[("x.credential", CLI_KEYS)],
                variables: &[("TCCLI_PROFILE", "../x")],
                expected: Err(&["`../x`"]),
                ..CASE
            },
            Case {
                what: "a profile asked for is asked for in both files, and nowhere else",
                files: &[(CLI, CLI_KEYS), (SDK, SDK_KEYS)],
                variables: &[
                    ("TENCENTCLOUD_SECRET_ID", "env"),
                    ("TENCENTCLOUD_SECRET_KEY", "k"),
                    ("TCCLI_PROFILE", "x"),
                ],
                profile: Some("prod"),
                expected: Ok(&["prod-id", "canary-prod"]),
            },
            Case {
                what: "a profile asked for that is not there",
                files: &[(CLI, CLI_KEYS), (SDK, SDK_KEYS)],
                profile: Some("test"),
                expected: Err(&[
                    "the configuration names the profile `test`, but ~/.tccli/PROFILE.credential or ~/.tencentcloud/credentials has no",
                ]),
                ..CASE
            },
            Case {
                what: "a profile asked for that has no keys",
                files: &[(CLI, r#"{"type": "cvm-role"}"#), (SDK, SDK_KEYS)],
                profile: Some("default"),
                expected: Err(&["default.credential cannot be used: its type has no keys", "credentials_command"]),
                ..CASE
            },
        ],
    );
}

#[test]
fn jdcloud() {
    const FILE: &str = ".jdc/config";
    const CURRENT: &str = ".jdc/current";
    const KEYS: &str = "[default]\r\naccess_key = a\r\nsecret_key = canary%%2=\r\nendpoint = www.jdcloud-api.com\r\n\r\n[prod]\r\naccess_key: p\r\nsecret_key: \"canary#;p\"\r\n[empty]\naccess_key =\nsecret_key =\n";
    check(
        "jdcloud",
        &[
            Case { expected: Err(&["JDCLOUD_ACCESS_KEY_ID and JDCLOUD_SECRET_ACCESS_KEY", "~/.jdc/config"]), ..CASE },
            Case { what: "without current", files: &[(FILE, KEYS)], expected: Ok(&["a", "canary%2="]), ..CASE },
            Case {
                what: "a blank current",
                files: &[(FILE, KEYS), (CURRENT, "\n")],
                expected: Ok(&["a", "canary%2="]),
                ..CASE
            },
            Case {
                what: "current",
                files: &[(FILE, KEYS), (CURRENT, "prod")],
                expected: Ok(&["p", "canary#;p"]),
                ..CASE
            },
            Case {
                what: "current with a line end",
                files: &[(FILE, KEYS), (CURRENT, "prod\r\n")],
                expected: Ok(&["p", "canary#;p"]),
                ..CASE
            },
            Case {
                what: "current names nothing",
                files: &[(FILE, KEYS), (CURRENT, "test")],
                expected: Err(&["~/.jdc/current names the profile `test`", ".jdc/config has no keys"]),
                ..CASE
            },
            Case { what: "current alone", files: &[(CURRENT, "test")], ..CASE },
            Case {
                what: "current has keys no more",
                files: &[(FILE, KEYS), (CURRENT, "empty")],
                expected: Err(&["names the profile `empty`"]),
                ..CASE
            },
            Case { what: "no default", files: &[(FILE, "[prod]\naccess_key = a\nsecret_key = canary")], ..CASE },
            Case {
                what: "as the tool makes it",
                files: &[(FILE, "[default]\naccess_key = \nsecret_key = \n")],
                ..CASE
            },
            Case {
                what: "asked for",
                files: &[(FILE, KEYS), (CURRENT, "test")],
                profile: Some("prod"),
                expected: Ok(&["p", "canary#;p"]),
                ..CASE
            },
            Case {
                what: "asked for in vain",
                files: &[(FILE, KEYS)],
                profile: Some("test"),
                expected: Err(&["the configuration names the profile `test`, but ~/.jdc/config has"]),
                ..CASE
            },
            Case {
                what: "half",
                files: &[(FILE, "[default]\naccess_key = a\n")],
                expected: Err(&[".jdc/config [default] has access_key, but no secret_key"]),
                ..CASE
            },
            Case {
                what: "not INI",
                files: &[(FILE, "[default]\ncanary\n")],
                expected: Err(&[".jdc/config, line 2: neither a section"]),
                ..CASE
            },
            Case {
                what: "a comment behind the key",
                files: &[(FILE, "[default]\naccess_key = a\nsecret_key = canary # mine")],
                expected: Err(&["secret_key in", "a blank"]),
                ..CASE
            },
            Case {
                what: "twice",
                files: &[(FILE, "[default]\naccess_key = a\nsecret_key = canary\nsecret_key = canary2")],
                expected: Err(&["line 4: its section has this key already"]),
                ..CASE
            },
        ],
    );
}

#[test]
fn the_second_factor_comes_from_the_environment_whatever_the_keys_come_from() {
    let home = Home::new();
    home.put(".jdc/config", "[default]\naccess_key = a\nsecret_key = canary\n");
    let environment = home.environment(&[("CERTCTL_JDCLOUD_MFA", "123456")]);
    let found = registration("jdcloud").credentials.find("jdcloud", &environment).unwrap();
    assert_eq!(found.credentials.scrub("123456"), "***");
}

#[test]
fn huawei() {
    const SDK: &str = ".huaweicloud/credentials";
    const CLI: &str = ".hcloud/config.json";
    const SDK_KEYS: &str = "[basic]\nak = a\nsk = canary\nsecurity_token = canary-t\nproject_id = 0123\n[global]\nak=g\nsk=canary-g\ndomain_id=45\n";
    const GLOBAL: &str = "[global]\nak=g\nsk=canary-g\ndomain_id=45\niam_endpoint=https://iam\n";
    const CLI_KEYS: &str = r#"{"language": "en", "current": "prod", "authEncrypt": "false", "profiles": [null, {"mode": "AKSK"},
        {"name": "default", "mode": "AKSK", "accessKeyId": "d", "secretAccessKey": "canary-d", "securityToken": "", "region": "cn-north-4", "projectId": "77", "domainId": ""},
        {"name": "prod", "accessKeyId": "p", "secretAccessKey": "canary-p", "securityToken": "canary-t", "projectId": null, "domainId": "88"},
        {"name": "role", "mode": "ecsAgency", "accessKeyId": "old", "secretAccessKey": "canary-old"}]}"#;
    const ENCRYPTED: &str = r#"{"current": "default", "authEncrypt": "true", "profiles": [{"name": "default", "accessKeyId": "canary", "secretAccessKey": "canary"}]}"#;
    const UNSAID: &str = r#"{"profiles": [{"name": "default", "accessKeyId": "canary", "secretAccessKey": "canary"}]}"#;
    check(
        "huawei",
        &[
            Case {
                expected: Err(&[
                    "HW_ACCESS_KEY and HW_SECRET_KEY",
                    "~/.huaweicloud/credentials or ~/.hcloud/config.json",
                ]),
                ..CASE
            },
            Case {
                what: "basic",
                files: &[(SDK, SDK_KEYS)],
                expected: Ok(&["a", "canary", "canary-t", "project_id=0123"]),
                ..CASE
            },
            Case { what: "global", files: &[(SDK, GLOBAL)], expected: Ok(&["g", "canary-g", "domain_id=45"]), ..CASE },
            Case {
                what: "global asked for",
                files: &[(SDK, SDK_KEYS)],
                profile: Some("global"),
                expected: Ok(&["g", "canary-g", "domain_id=45"]),
                ..CASE
            },
            Case {
                what: "half of basic",
                files: &[(SDK, "[basic]\nak=a\n[global]\nak=g\nsk=canary")],
                expected: Err(&["[basic] has ak, but no sk"]),
                ..CASE
            },
            Case {
                what: "a setting that no header can carry",
                files: &[(SDK, "[basic]\nak=a\nsk=canary\nproject_id=a b")],
                expected: Err(&["project_id in"]),
                ..CASE
            },
            Case {
                what: "the SDKs before hcloud",
                files: &[(SDK, GLOBAL), (CLI, CLI_KEYS)],
                expected: Ok(&["g", "canary-g", "domain_id=45"]),
                ..CASE
            },
            Case {
                what: "hcloud",
                files: &[(CLI, CLI_KEYS)],
                expected: Ok(&["p", "canary-p", "canary-t", "domain_id=88"]),
                ..CASE
            },
            Case {
                what: "hcloud, asked for",
                files: &[(CLI, CLI_KEYS), (SDK, SDK_KEYS)],
                profile: Some("default"),
                expected: Ok(&["d", "canary-d", "project_id=77"]),
                ..CASE
            },
            Case {
                what: "hcloud, asked for in vain",
                files: &[(CLI, CLI_KEYS)],
                profile: Some("test"),
                expected: Err(&["the profile `test`"]),
                ..CASE
            },
            Case {
                what: "hcloud, another mode",
                files: &[(CLI, CLI_KEYS)],
                profile: Some("role"),
                expected: Err(&["config.json [role] cannot be used: its mode is not AKSK"]),
                ..CASE
            },
            Case { what: "hcloud, encrypted", files: &[(CLI, ENCRYPTED)], ..CASE },
            Case { what: "hcloud, encrypted unless said otherwise", files: &[(CLI, UNSAID)], ..CASE },
            Case {
                what: "hcloud, encrypted and asked for",
                files: &[(CLI, ENCRYPTED)],
                profile: Some("default"),
                expected: Err(&["[default] cannot be used: its keys are encrypted", "--cli-auth-encrypt=false"]),
                ..CASE
            },
            Case {
                what: "hcloud, current names nothing",
                files: &[(CLI, r#"{"current": "x", "profiles": []}"#)],
                expected: Err(&["`current` in the same file names the profile `x`"]),
                ..CASE
            },
            Case { what: "hcloud, nothing yet", files: &[(CLI, "{}")], ..CASE },
            Case {
                what: "hcloud, profiles of another kind",
                files: &[(CLI, r#"{"profiles": {"name": "default"}}"#)],
                ..CASE
            },
            Case {
                what: "hcloud, a key of another kind",
                files: &[(
                    CLI,
                    r#"{"authEncrypt": false, "profiles": [{"name": "default", "accessKeyId": ["canary"]}]}"#,
                )],
                expected: Err(&["accessKeyId in", "is not a string"]),
                ..CASE
            },
            Case {
                what: "hcloud, broken",
                files: &[(CLI, "{\"profiles\": canary}")],
                expected: Err(&["config.json is not a JSON object (line 1"]),
                ..CASE
            },
        ],
    );
}

#[test]
fn encrypted_keys_are_passed_over_with_a_word() {
    let home = Home::new();
    // Whoever can read it, there is no secret in it.
    home.put_as(".hcloud/config.json", r#"{"profiles": [{"name": "default", "accessKeyId": "x"}]}"#, 0o644);
    let environment = home.environment(&[]);
    let (outcome, log) = told(|| registration("huawei").credentials.find("huawei", &environment));
    assert!(outcome.is_err());
    assert!(log.contains("INFO") && log.contains("hcloud configure set --cli-auth-encrypt=false"), "{log}");
}

#[test]
fn ctyun() {
    const FILE: &str = ".ctyun/credential";
    const KEYS: &str =
        "; made by hand\n[default]\naccessKey=a\nsecretKey = 'canary'\n[prod]\naccesskey = p\nSECRETKEY = canary-p\n";
    check(
        "ctyun",
        &[
            Case {
                expected: Err(&["set CTYUN_AK and CTYUN_SK, or have the cloud's own tool write ~/.ctyun/credential"]),
                ..CASE
            },
            Case { what: "default", files: &[(FILE, KEYS)], expected: Ok(&["a", "canary"]), ..CASE },
            Case {
                what: "asked for",
                files: &[(FILE, KEYS)],
                profile: Some("prod"),
                expected: Ok(&["p", "canary-p"]),
                ..CASE
            },
            Case {
                what: "asked for in vain",
                files: &[(FILE, KEYS)],
                profile: Some("DEFAULT"),
                expected: Err(&["profile `DEFAULT`"]),
                ..CASE
            },
            Case {
                what: "the environment first",
                files: &[(FILE, KEYS)],
                variables: &[("CTYUN_AK", "e"), ("CTYUN_SK", "canary-e")],
                expected: Ok(&["e", "canary-e"]),
                ..CASE
            },
            Case { what: "an empty file", files: &[(FILE, "")], ..CASE },
            Case {
                what: "no section",
                files: &[(FILE, "accessKey=a\nsecretKey=canary")],
                expected: Err(&["line 1: a value before the first section"]),
                ..CASE
            },
        ],
    );
}

#[test]
fn without_a_home_there_are_no_files() {
    for home in [None, Some(" "), Some("relative/home")] {
        let environment = environment(&home.map(|home| ("HOME", home)).into_iter().collect::<Vec<_>>());
        for provider in ["jdcloud", "tencent", "huawei", "ctyun"] {
            let sources = registration(provider).credentials;
            says(
                &told(|| sources.find(provider, &environment)),
                &["no credentials for", "(which needs HOME to be set)"],
            );
            says(&told(|| sources.profile("prod", &environment)), &["HOME is not set"]);
        }
    }
}
