//! Requests as they were on the wire, judged by the clouds' own published signers: tests/sdk/judge.py, with the packages
//! of its requirements.txt.

#![allow(clippy::use_debug, reason = "a test that says what it has measured")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::credential::Credentials;
use certctl::http::{self, Client, Endpoint};
use certctl::provider::{Seal, Signed, ctyun, huawei, jdcloud, tencent};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Certctl;
use crate::sandbox::ctyun::Form;
use crate::sandbox::jdcloud::Forms;
use crate::sandbox::{Account, Cloud, Options, Request, Sandbox};

/// Ids in each run of `download`.
const IDS: usize = 20;
/// Requests with random queries, signed and sent by certctl's library.
const QUERIES: usize = 40;

type Sign = fn(&http::Request, &Seal<'_>) -> Signed;

/// A cloud whose requests are judged, and how certctl is told about its accounts.
struct Party {
    cloud: Cloud,
    provider: &'static str,
    /// The Python package with the signer.
    package: &'static str,
    sign: Sign,
    /// Access key, secret key and session token.
    variables: [&'static str; 3],
}

const JDCLOUD: Party = Party {
    cloud: Cloud::Jdcloud,
    provider: "jdcloud",
    package: "jdcloud_sdk",
    sign: jdcloud::sign::sign,
    variables: ["JDCLOUD_ACCESS_KEY_ID", "JDCLOUD_SECRET_ACCESS_KEY", "JDCLOUD_SESSION_TOKEN"],
};
const TENCENT: Party = Party {
    cloud: Cloud::Tencent,
    provider: "tencent",
    package: "tencentcloud.ssl.v20191205",
    sign: tencent::sign::sign,
    variables: ["TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", "TENCENTCLOUD_TOKEN"],
};
const HUAWEI: Party = Party {
    cloud: Cloud::Huawei,
    provider: "huawei",
    package: "huaweicloudsdkcore",
    sign: huawei::sign::sign,
    variables: ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN"],
};
const CTYUN: Party = Party {
    cloud: Cloud::Ctyun,
    provider: "ctyun",
    package: "ctyun_python_sdk_core",
    sign: ctyun::sign::sign,
    variables: ["CTYUN_AK", "CTYUN_SK", ""],
};

#[test]
fn jdcloud() {
    accepts(&JDCLOUD, &Options::default(), &[Account::Healthy, Account::Session, Account::Mfa]);
    let jd_forms = Forms { get: false, post: false, post_slash: true };
    accepts(&JDCLOUD, &Options { jd_forms, ..Options::default() }, &[Account::Session]);
}

#[test]
fn tencent() {
    accepts(&TENCENT, &Options::default(), &[Account::Healthy, Account::Session]);
}

#[test]
fn huawei() {
    accepts(&HUAWEI, &Options::default(), &[Account::Healthy, Account::Session]);
    accepts(&HUAWEI, &Options { huawei_v3: false, ..Options::default() }, &[Account::Session]);
}

#[test]
fn ctyun() {
    accepts(&CTYUN, &Options::default(), &[Account::Healthy]);
    accepts(&CTYUN, &Options { ctyun_form: Form::V3, ..Options::default() }, &[Account::Healthy]);
}

#[test]
fn ctyun_certificate_service() {
    let options = Options { ctyun_product: Cloud::Ccms, ..Options::default() };
    accepts(&Party { cloud: Cloud::Ccms, ..CTYUN }, &options, &[Account::Healthy]);
}

/// Every request that certctl sends for random ids and domains, and some with random queries.
fn accepts(party: &Party, options: &Options, accounts: &[Account]) {
    let sandbox = Sandbox::start(options.clone());
    let mut sent = Vec::new();
    for account in accounts {
        let variables = variables(party, &sandbox, *account);
        run(party, &sandbox, *account, &variables);
        send_queries(party, &sandbox, &variables);
        let requests = sandbox.requests(party.cloud);
        let of_account = requests.iter().skip(sent.len());
        let of_account: Vec<_> = of_account.map(|request| on_the_wire(party, request, &variables)).collect();
        assert!(of_account.len() > IDS + QUERIES, "{account:?}: only {} requests", of_account.len());
        sent.extend(of_account);
    }
    for request in sandbox.requests(party.cloud) {
        assert_eq!(request.verdict, Ok(()), "{} {}?{}", request.method, request.path, request.query);
    }
    judge(party, &sent);
}

/// What certctl sends of its own accord.
fn run(party: &Party, sandbox: &Sandbox, account: Account, variables: &[(String, String)]) {
    let directory = tempfile::tempdir().unwrap();
    let certctl = |words: &[&str]| Certctl::with(variables.to_vec()).args(words).args(["-p", party.provider]);
    certctl(&["list"]).run().exits(0);
    let held = sandbox.certificates(party.cloud, account);
    let dir = directory.path().display().to_string();
    certctl(&["download", &held[0].id, &held[0].domain, "-d", &dir]).run().exits(0);
    let domain = format!("{}.例子.example", text());
    certctl(&["describe", &domain]).run().exits(4);
    for _ in 0..2 {
        let id = id(party.cloud);
        certctl(&["describe"]).args(["-o", "json", "--", &id]).run().exits(4);
    }
    let ids: Vec<_> = (0..IDS).map(|_| id(party.cloud)).chain(ODD.map(str::to_owned)).collect();
    certctl(&["download", "-d", &dir]).args(["--"]).args(&ids).run().exits(4);
}

/// What its signer and its client make of queries that no call of certctl has.
fn send_queries(party: &Party, sandbox: &Sandbox, variables: &[(String, String)]) {
    let value = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let [access_key, secret_key, token] = party.variables;
    let credentials = Credentials {
        access_key: value(access_key).unwrap(),
        secret_key: value(secret_key).unwrap().into(),
        session_token: value(token).map(Into::into),
        mfa: None,
    };
    let endpoint = Endpoint::parse(&sandbox.url(party.cloud)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(Duration::from_secs(30)).unwrap();
    for n in 0..QUERIES {
        let values: Vec<String> = (0..4).map(|_| text()).collect();
        let pairs: Vec<_> =
            ["b", "a.c", "Filter-1", "a_b"].into_iter().zip(values.iter().map(String::as_str)).collect();
        let (path, content_type) = match party.cloud {
            Cloud::Tencent => ("/".to_owned(), "application/x-www-form-urlencoded"),
            _ => (format!("/v1/{}/{}", http::encode(&text()), http::encode(&text())), "application/json"),
        };
        let request = http::Request::new(http::Method::Get, &endpoint, &path).query(&pairs[..=n % 4]);
        let request = request.header("content-type", content_type);
        let request = match party.cloud {
            Cloud::Tencent => request.header("x-tc-action", "DescribeNothing").header("x-tc-version", "2019-12-05"),
            _ => request,
        };
        let nonce = uuid::Uuid::new_v4().to_string();
        let signed = (party.sign)(&request, &Seal { credentials: &credentials, now: Timestamp::now(), nonce: &nonce });
        runtime.block_on(client.send(&request, &signed.headers)).unwrap();
    }
}

/// The account's environment: the session's token, and the code of JD Cloud's operation protection.
fn variables(party: &Party, sandbox: &Sandbox, account: Account) -> Vec<(String, String)> {
    let mut variables = sandbox.environment_of(account);
    if account == Account::Mfa {
        variables.push(("CERTCTL_JDCLOUD_MFA".to_owned(), sandbox.mfa()));
    }
    if party.cloud == Cloud::Ccms {
        variables.push(("CERTCTL_CTYUN_PRODUCT".to_owned(), "ccms".to_owned()));
    }
    variables
}

fn on_the_wire(party: &Party, request: &Request, variables: &[(String, String)]) -> Value {
    let value = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value);
    let [access_key, secret_key, token] = party.variables.map(value);
    json!({
        "access_key": access_key, "secret_key": secret_key, "token": token,
        "method": request.method, "path": request.path, "query": request.query, "headers": request.headers,
        "body": STANDARD.encode(&request.body),
    })
}

fn judge(party: &Party, sent: &[Value]) {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let import = Command::new(&python).args(["-c", &format!("import {}", party.package)]).output();
    if !import.is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::var_os("CERTCTL_REQUIRE_ORACLES").is_none(),
            "the Python package {} is required",
            party.package
        );
        eprintln!("skipped: the Python package {} is not here", party.package);
        return;
    }
    // A judge that accepts everything is none.
    let mut forged = sent[0].clone();
    forged["secret_key"] = "another".into();
    let asked = [sent, &[forged]].concat();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/judge.py");
    let mut command = Command::new(python);
    command.arg(script).arg(party.provider).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&asked).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let judged: Value = serde_json::from_slice(&output.stdout).unwrap();
    let is_right = judged["agree"] == sent.len() && judged["differ"].as_array().is_some_and(|differ| differ.len() == 1);
    assert!(is_right, "of {} requests and a forged one: {judged:#}", sent.len());
    eprintln!("{:?}: {} requests, all as {} signs them", party.cloud, sent.len(), party.package);
}

/// Ids that no cloud gives and that every step of a signature could get wrong. No slash, which Huawei's and JD Cloud's
/// own signers take for a separator even where it is encoded, and no dot, by which certctl tells domains.
const ODD: [&str; 16] = [
    "证书 №7 «ß» 🔐",
    "a b  c",
    " a ",
    "a+b",
    "100%",
    "%41%2B%20",
    "%25",
    "~a~",
    "a*b",
    "a&b=c",
    "a?b#c",
    "a:b;c,d@e",
    "(a)[b]{c}!$|^`",
    "'a' \"b\" <c> \\d",
    "e\u{301}\u{202e}\u{feff}",
    "-a_b-",
];

/// An id in the cloud's own style, or any text.
fn id(cloud: Cloud) -> String {
    let some = |count: usize, one: fn() -> char| std::iter::repeat_with(one).take(count).collect::<String>();
    match cloud {
        _ if fastrand::bool() => text(),
        Cloud::Jdcloud => format!("cert-{}", some(10, || fastrand::digit(36))),
        Cloud::Tencent => some(8, fastrand::alphanumeric),
        Cloud::Huawei => format!("scs{}", some(13, || fastrand::digit(10))),
        Cloud::Ctyun => some(6, || fastrand::digit(10)),
        Cloud::Ccms => some(32, || fastrand::digit(16)),
    }
}

/// A few characters, one in three of them a peculiar one, and not all of them blank, as no argument may be.
fn text() -> String {
    const PECULIAR: [char; 24] = [
        ' ', '+', '%', '~', '*', '&', '=', '?', '#', ':', ';', ',', '@', '!', '$', '\'', '"', '(', '<', '\\', '证',
        'ß', '🔐', '\u{301}',
    ];
    let one = || match fastrand::u8(..3) {
        0 => *fastrand::choice(&PECULIAR).unwrap(),
        _ => fastrand::alphanumeric(),
    };
    let mut text = String::new();
    while text.trim().is_empty() {
        text = std::iter::repeat_with(one).take(fastrand::usize(1..16)).collect();
    }
    text
}
