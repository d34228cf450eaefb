//! docs/clouds: the policies allow what certctl calls and nothing else, the tables of operations are complete, and each
//! error code comes to the exit code that its row has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{fenced, rows, section, text, write, write_keys};
use crate::cli::Certctl;
use crate::sandbox::edit::Edit;
use crate::sandbox::fault::Fault;
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// The operations that came in, by the API's own names, in a night with all that can happen in one.
fn called(provider: &str, cloud: Cloud, options: Options) -> BTreeSet<String> {
    let sandbox = Sandbox::start(options);
    for account in [Account::Troubled, Account::Sm2] {
        let directory = tempfile::tempdir().unwrap();
        let certctl = Certctl::of(&sandbox, account).args(["download", "--all", "-d", "certs", "-p", provider]);
        certctl.directory(directory.path()).run();
    }
    let id = &sandbox.certificates(cloud, Account::Healthy)[0].id;
    Certctl::new(&sandbox).args(["describe", "-p", provider, id]).run().exits(0);
    let name = |operation: String| operation.split(" (").next().unwrap().to_owned();
    sandbox.requests(cloud).into_iter().map(|request| name(request.operation)).collect()
}

/// The actions that each policy of a page allows.
fn allowed(page: &str) -> Vec<BTreeSet<String>> {
    let policies = fenced(page, "json").into_iter().map(|block| serde_json::from_str::<Value>(&block).unwrap());
    // Tencent writes them small.
    let of = |value: &Value, name: &str| value.get(name).or_else(|| value.get(name.to_lowercase())).unwrap().clone();
    let actions = |policy: Value| {
        let statements = of(&policy, "Statement");
        let [statement] = &statements.as_array().unwrap()[..] else { panic!("{policy}") };
        assert!(of(statement, "Effect").as_str().unwrap().eq_ignore_ascii_case("allow"));
        let actions = of(statement, "Action");
        actions.as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()).collect()
    };
    policies.map(actions).collect()
}

/// The operations in the table of a page.
fn told(page: &str) -> BTreeSet<String> {
    rows(section(page, "What is called")).into_iter().flat_map(|(operations, _)| operations).collect()
}

fn set<const N: usize>(words: [&str; N]) -> BTreeSet<String> {
    words.map(str::to_owned).into()
}

#[test]
fn tencent_allows_what_is_called() {
    let page = text("docs/clouds/tencent.md");
    let called = called("tencent", Cloud::Tencent, Options::default());
    assert_eq!(called.len(), 4, "{called:?}");
    assert_eq!(told(&page), called);
    assert_eq!(allowed(&page), [called.iter().map(|operation| format!("ssl:{operation}")).collect()]);
}

#[test]
fn jdcloud_allows_what_is_called() {
    let page = text("docs/clouds/jdcloud.md");
    let called = called("jdcloud", Cloud::Jdcloud, Options::default());
    assert_eq!(called.len(), 3, "{called:?}");
    assert_eq!(told(&page), called);
    assert_eq!(allowed(&page), [called.iter().map(|operation| format!("ssl:{operation}")).collect()]);
}

#[test]
fn huawei_allows_what_is_called() {
    let page = text("docs/clouds/huawei.md");
    let v3 = called("huawei", Cloud::Huawei, Options::default());
    assert_eq!(v3, set(["ListCertificates", "ShowCertificate", "ExportCertificate"]));
    let mut all = called("huawei", Cloud::Huawei, Options { huawei_v3: false, ..Options::default() });
    all.extend(v3);
    assert_eq!(told(&page), all.iter().map(|operation| operation.trim_start_matches("v2 ").to_owned()).collect());
    // As the cloud's documents have it, of both generations.
    let action = |operation: &String, download: &str| match operation.trim_start_matches("v2 ") {
        "ListCertificates" | "certlist" => "scm:cert:list".to_owned(),
        "ShowCertificate" | "cert" => "scm:cert:get".to_owned(),
        "ExportCertificate" | "cert_file" => format!("scm:cert:{download}"),
        other => panic!("{other}"),
    };
    let actions = |download| all.iter().map(|operation| action(operation, download)).collect();
    assert_eq!(allowed(&page), [actions("download"), actions("export")]);
}

#[test]
fn ctyun_tells_what_is_called() {
    let page = text("docs/clouds/ctyun.md");
    let ecx = called("ctyun", Cloud::Ctyun, Options::default());
    let ccms = called("ctyun", Cloud::Ccms, Options { ctyun_product: Cloud::Ccms, ..Options::default() });
    let table =
        section(&page, "What is called").lines().filter(|line| line.starts_with("| e") || line.starts_with("| c"));
    let told: BTreeSet<_> = table.map(|line| line.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(told, ecx.into_iter().chain(ccms.into_iter().map(|name| format!("/v1/certificate/{name}"))).collect());
    // Nobody has documented what the actions are called.
    assert!(allowed(&page).is_empty());
}

/// The config of each page works as it stands, and a second night asks for the list only.
#[test]
fn the_config_of_each_page_works() {
    for (provider, cloud, list) in [
        ("tencent", Cloud::Tencent, "DescribeCertificates"),
        ("jdcloud", Cloud::Jdcloud, "describeCerts"),
        ("huawei", Cloud::Huawei, "ListCertificates"),
        ("ctyun", Cloud::Ctyun, "listCertificate"),
    ] {
        let sandbox = Sandbox::start(Options::default());
        let directory = tempfile::tempdir().unwrap();
        write_keys(&sandbox, directory.path());
        let [config] = &fenced(&text(&format!("docs/clouds/{provider}.md")), "toml")[..] else { panic!("{provider}") };
        let config = config.replace("/etc/certctl", directory.path().to_str().unwrap());
        let config = config.replace("example.com", &format!("{provider}.example"));
        let path = directory.path().join("certctl.toml");
        write(&path, &config, 0o600);
        let sync = || {
            let seen = sandbox.seen(cloud);
            let run = Certctl::new(&sandbox).args(["sync", "-c"]).args([&path]).run().exits(0);
            assert_eq!(run.stderr, "", "{provider}");
            sandbox.tally(cloud, seen)
        };
        assert!(sync().len() > 1, "{provider}");
        assert_eq!(sync().into_keys().collect::<Vec<_>>(), [list], "{provider}");
    }
}

/// A reply with an error's code, as this cloud words it.
fn reply(cloud: Cloud, code: &str) -> String {
    let number = code.parse::<u16>();
    let reply = match cloud {
        Cloud::Tencent => json!({"Response": {"Error": {"Code": code, "Message": "m"}, "RequestId": "r"}}),
        Cloud::Jdcloud => {
            json!({"requestId": "r", "error": {"code": number.unwrap(), "status": "WORD", "message": "m"}})
        }
        Cloud::Huawei => json!({"error_code": code, "error_msg": "m", "request_id": "r"}),
        Cloud::Ctyun | Cloud::Ccms => match number {
            Ok(number) => json!({"statusCode": number, "message": "m", "returnObj": null}),
            Err(_) => json!({"statusCode": code, "message": "m", "requestId": "r", "returnObj": {}}),
        },
    };
    reply.to_string()
}

fn codes_come_to_their_exit(provider: &str, cloud: Cloud, at_least: usize) {
    let sandbox = Sandbox::start(Options::default());
    let id = &sandbox.certificates(cloud, Account::Healthy)[0].id;
    let page = text(&format!("docs/clouds/{provider}.md"));
    let mut seen = 0;
    for (codes, exit) in rows(section(&page, "Error codes")) {
        let exit: i32 = exit.parse().unwrap();
        for code in codes {
            sandbox.clear(cloud);
            sandbox.fault(cloud, Fault::from(Edit::Instead(reply(cloud, &code).into_bytes().into())));
            let run = Certctl::new(&sandbox).args(["describe", "--retries", "0", "-p", provider, id]).run();
            assert_eq!(run.code, exit, "{code}: {}", run.stderr);
            assert!(run.stderr.contains(&code), "{code}: {}", run.stderr);
            seen += 1;
        }
    }
    assert!(seen >= at_least, "only {seen} codes found");
}

#[test]
fn tencent_codes_come_to_their_exit() {
    codes_come_to_their_exit("tencent", Cloud::Tencent, 25);
}

#[test]
fn jdcloud_codes_come_to_their_exit() {
    codes_come_to_their_exit("jdcloud", Cloud::Jdcloud, 8);
}

#[test]
fn huawei_codes_come_to_their_exit() {
    codes_come_to_their_exit("huawei", Cloud::Huawei, 25);
}

#[test]
fn ctyun_codes_come_to_their_exit() {
    codes_come_to_their_exit("ctyun", Cloud::Ctyun, 8);
}

/// The same outline, so that a reader of one page knows where to look in the next.
#[test]
fn all_pages_have_the_same_outline() {
    let headings = |provider: &str| {
        let page = text(&format!("docs/clouds/{provider}.md"));
        page.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let wanted = headings("tencent");
    assert_eq!(wanted.len(), 9);
    for provider in ["jdcloud", "huawei", "ctyun"] {
        assert_eq!(headings(provider), wanted, "{provider}");
    }
}
