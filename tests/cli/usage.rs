//! Command lines and credentials that cannot be: refused in one line, with nothing asked for and nothing on disk.

use std::fs;

use super::{Certctl, PROVIDERS, snapshot};
use crate::sandbox::{Account, Cloud, Options, Sandbox};

/// Refused before the first request, with nothing on disk.
#[test]
fn wrong_usage() {
    let sandbox = Sandbox::start(Options::default());
    let tree = tempfile::tempdir().unwrap();
    let before = snapshot(tree.path());
    for (args, words) in [
        (&["list", "-p", "aliyun"][..], &["aliyun", "jdcloud, tencent, huawei, ctyun"][..]),
        (&["list", "--account", "nobody"], &["nobody", "jdcloud, tencent, huawei, ctyun"]),
        (&["list", "-p", "tencent", "--account", "huawei"], &["-p"]),
        (&["describe", "-p", "tencent"], &["<CERT>"]),
        (&["describe", "abc"], &["--provider"]),
        (&["download", "-p", "tencent"], &["<CERT>"]),
        (&["download", "abc"], &["--provider"]),
        (&["download", "-p", "tencent", "abc", "--all"], &["--all"]),
        (&["download", "-p", "tencent", "--all", "--name", "x"], &["--name"]),
        (&["download", "-p", "tencent", "abc", "def", "--name", "x"], &["--name"]),
        (&["download", "-p", "tencent", "abc", "--name", "../x"], &["../x"]),
        (&["download", "-p", "tencent", "abc", "--name", ""], &["is empty"]),
        (&["download", "-p", "tencent", "abc", "--name", "a/b"], &["a/b"]),
        (&["download", "-p", "tencent", "abc", "--format", "doc"], &["doc", "pem"]),
        (&["download", "-p", "tencent", ""], &["CERT"]),
        (&["download", "-p", "tencent", "  "], &["CERT"]),
        (&["describe", "-p", "tencent", ""], &["CERT"]),
        (&["list", "--timeout", "30"], &["30", "2s, 30m, 12h or 14d"]),
        (&["list", "--timeout=-1s"], &["-1s"]),
        (&["list", "--timeout", "0s"], &["0s"]),
        (&["list", "--timeout", "1w"], &["2s, 30m, 12h or 14d"]),
        (&["list", "--expiring", "soon"], &["soon", "2s, 30m, 12h or 14d"]),
        (&["list", "--expiring", "99999999d"], &["hundred years"]),
        (&["list", "--retries", "-1"], &["-1"]),
        (&["list", "--retries", "many"], &["many"]),
        (&["list", "-j", "0"], &["0"]),
        (&["list", "-j", "1000"], &["1000"]),
        (&["list", "-o", "xml"], &["xml", "table, json"]),
        (&["list", "-q", "-v"], &["--quiet", "--verbose"]),
        (&["frobnicate"], &["frobnicate"]),
        (&["list", "--endpoint", "https://ssl.example.com"], &["--endpoint", "-p"]),
        (
            &["list", "-p", "tencent", "--endpoint", "http://ssl.example.com"],
            &["http://ssl.example.com", "is not https"],
        ),
        (&["list", "-p", "tencent", "--endpoint", "http://192.0.2.7"], &["is not https"]),
        (&["list", "-p", "tencent", "--endpoint", "ssl.example.com"], &["is not a URL"]),
        (&["list", "-p", "tencent", "--endpoint", ""], &["is not a URL"]),
        (
            &["list", "-p", "tencent", "--endpoint", "https://me:hush@ssl.example.com"],
            &["ssl.example.com", "user name"],
        ),
        (&["list", "-p", "tencent", "--endpoint", "http://me:hush@ssl.example.com"], &["ssl.example.com", "user name"]),
        (&["list", "-p", "tencent", "--endpoint", "https://ssl.example.com?key=hush"], &["ssl.example.com"]),
        (&["list", "-p", "tencent", "--endpoint", "me:hush@"], &["is not a URL"]),
        (&["list", "-p", "tencent", "--endpoint", "hush@ssl.example.com:x"], &["is not a URL"]),
    ] {
        let run = Certctl::new(&sandbox).args(args).current_dir(tree.path()).run().prints_plainly();
        let about = format!("{args:?}: {} {}", run.code, run.stderr);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{about}");
        assert!(words.iter().all(|word| run.stderr.contains(word)), "{words:?} {about}");
        assert!(!run.stderr.contains("hush"), "{about}");
    }
    for (provider, cloud) in PROVIDERS {
        let variable = format!("CERTCTL_{}_ENDPOINT", provider.to_uppercase());
        let run = Certctl::new(&sandbox)
            .env(&variable, "http://me:hush@ssl.example.com")
            .args(["list", "-p", provider])
            .run();
        let run = run.exits(2).says(&[&variable]);
        assert!(!run.stderr.contains("hush"), "{}", run.stderr);
        assert!(sandbox.requests(cloud).is_empty(), "{provider}");
    }
    let run = Certctl::new(&sandbox).env("CERTCTL_HUAWEI_API", "v4").args(["list", "-p", "huawei"]).run();
    run.exits(2).says(&["CERTCTL_HUAWEI_API", "v4", "v3 or v2"]);
    assert_eq!(snapshot(tree.path()), before);
}

#[test]
fn credentials_that_cannot_be_used() {
    let sandbox = Sandbox::start(Options::default());
    let tree = tempfile::tempdir().unwrap();
    for (provider, cloud, id, secret) in [
        ("jdcloud", Cloud::Jdcloud, "JDCLOUD_ACCESS_KEY_ID", "JDCLOUD_SECRET_ACCESS_KEY"),
        ("tencent", Cloud::Tencent, "TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"),
        ("huawei", Cloud::Huawei, "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"),
        ("ctyun", Cloud::Ctyun, "CTYUN_AK", "CTYUN_SK"),
    ] {
        for args in
            [&["list", "-p", provider][..], &["describe", "-p", provider, "x"], &["download", "-p", provider, "x"]]
        {
            let certctl = || Certctl::new(&sandbox).args(args).current_dir(tree.path());
            certctl().without(id).without(secret).run().exits(3).says(&[&format!("set {id} and {secret}")]);
            certctl()
                .without(id)
                .run()
                .exits(3)
                .says(&[&format!("the environment has {secret}, but no {id}; set {id}")]);
            certctl()
                .env(secret, " ")
                .run()
                .exits(3)
                .says(&[&format!("the environment has {id}, but no {secret}; set {secret}")]);
            for malformed in ["hu sh", "hu\u{7f}sh", "hu\nsh", "húsh"] {
                let run = certctl().env(secret, malformed).run().exits(3).says(&[secret, "copy the value again"]);
                assert!(!run.stderr.contains(malformed), "{}", run.stderr);
            }
        }
        assert!(sandbox.requests(cloud).is_empty(), "{provider}");
        // The line end that `$(cat file)` would have taken off does no harm.
        let known = sandbox.environment().into_iter().find(|(name, _)| name == secret).unwrap().1;
        Certctl::new(&sandbox).env(secret, &format!("{known}\n")).args(["list", "-p", provider]).run().exits(0);
    }
    assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 0);
}

/// No id reaches another path of the API, or a path on disk.
#[test]
fn ids_that_are_paths() {
    let sandbox = Sandbox::start(Options::default());
    for (provider, _) in PROVIDERS {
        let tree = tempfile::tempdir().unwrap();
        for id in ["..", ".", "../../etc/x", "/", "a/b", "%2e%2e", "x?y=z", "x#y", "\u{1b}[31mred", "a\nb", "%00", "-"]
        {
            for command in ["describe", "download"] {
                let args = [command, "-p", provider, "--", id];
                let run =
                    Certctl::of(&sandbox, Account::Liar).args(args).current_dir(tree.path()).run().prints_plainly();
                assert_eq!((run.code, run.errors().len()), (4, 1), "{args:?}: {}", run.stderr);
            }
        }
        assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 0);
    }
}
