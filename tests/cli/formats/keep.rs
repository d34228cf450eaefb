//! What a directory has stays: formats, names, and the password that servers are configured with.

use super::{Account, Certctl, Ground};

#[test]
fn a_plain_download_keeps_the_formats() {
    let mut ground = Ground::new();
    ground.comes_to(
        "created",
        &["--format", "combined,k8s-secret,jks", "--kubernetes-name", "shop", "--keystore-alias", "tomcat"],
    );
    let files = ground.files();
    let secret = ground.read("secret.yaml");
    ground.renew();
    ground.comes_to("updated", &[]);
    assert_eq!(ground.files(), files);
    assert_ne!(ground.read("secret.yaml"), secret, "it is another certificate");
    assert!(String::from_utf8(ground.read("secret.yaml")).unwrap().contains("name: \"shop\""));
    assert_eq!(ground.recorded("keystore.jks")["alias"], "tomcat");
    assert_eq!(ground.recorded("secret.yaml")["name"], "shop");
    // What is asked for is what there is afterwards.
    ground.comes_to("updated", &["--format", "pem"]);
    assert_eq!(ground.files(), super::PEM);
    ground.comes_to("unchanged", &[]);
}

#[test]
fn each_kind_of_pkcs12_stays_what_it_is() {
    for format in ["pkcs12", "pkcs12-legacy"] {
        let mut ground = Ground::new();
        ground.comes_to("created", &["--format", format]);
        ground.renew();
        ground.comes_to("updated", &[]);
        assert_eq!(ground.recorded("keystore.p12")["format"], format);
    }
}

#[test]
fn the_password_survives_renewal_damage_and_other_formats() {
    let mut ground = Ground::new();
    ground.comes_to("created", &["--format", "pkcs12"]);
    let (password, store) = (ground.read("keystore.pass"), ground.read("keystore.p12"));
    assert_eq!((password.len(), password.last()), (41, Some(&b'\n')), "40 digits and a line end");
    ground.renew();
    ground.comes_to("updated", &[]);
    assert_eq!(ground.read("keystore.pass"), password);
    assert_ne!(ground.read("keystore.p12"), store);
    // Without metadata it can still be told what there was, and servers still know the password.
    std::fs::write(ground.home().join("metadata.json"), "{}").unwrap();
    ground.comes_to("updated", &[]);
    assert_eq!(ground.read("keystore.pass"), password);
    ground.comes_to("updated", &["--format", "pkcs12,jks"]);
    assert_eq!(ground.read("keystore.pass"), password);
    // Another directory has another one.
    ground.comes_to("created", &["--name", "other", "--format", "pkcs12"]);
    assert_ne!(std::fs::read(ground.path("other/keystore.pass")).unwrap(), password);
}

/// Nobody opens a key store whose password was in the file alone; it is mended like any other damage.
#[test]
fn a_password_that_is_lost() {
    let ground = Ground::new();
    ground.comes_to("created", &["--format", "pkcs12"]);
    let before = (ground.read("keystore.pass"), ground.read("keystore.p12"));
    for damage in
        [&|path: &std::path::Path| std::fs::remove_file(path), &|path: &std::path::Path| std::fs::write(path, "")]
            as [&dyn Fn(&std::path::Path) -> std::io::Result<()>; 2]
    {
        damage(&ground.home().join("current/keystore.pass")).unwrap();
        ground.comes_to("updated", &[]);
        let after = (ground.read("keystore.pass"), ground.read("keystore.p12"));
        assert!(after.0 != before.0 && after.1 != before.1 && after.0.len() == before.0.len());
        ground.comes_to("unchanged", &[]);
    }
}

#[test]
fn another_name_or_alias_is_a_change() {
    let ground = Ground::new();
    ground.comes_to("created", &["--format", "k8s-secret,pkcs12"]);
    assert!(String::from_utf8(ground.read("secret.yaml")).unwrap().contains("name: \"site.example\"\ndata:"));
    assert_eq!(ground.recorded("keystore.p12")["alias"], super::NAME);
    for change in [["--kubernetes-name", "shop"], ["--kubernetes-namespace", "web"], ["--keystore-alias", "tomcat"]] {
        ground.comes_to("updated", &change);
        ground.comes_to("unchanged", &change);
        ground.comes_to("unchanged", &[]);
    }
    let secret = String::from_utf8(ground.read("secret.yaml")).unwrap();
    assert!(secret.contains("name: \"shop\"\n  namespace: \"web\"\n"), "{secret}");
}

#[test]
fn names_that_cannot_be() {
    let ground = Ground::new();
    for (flag, name) in [
        ("--kubernetes-name", "Shop"),
        ("--kubernetes-name", "-shop"),
        ("--kubernetes-name", "a..b"),
        ("--kubernetes-namespace", "a.b"),
        ("--kubernetes-namespace", ""),
        ("--keystore-alias", ""),
        ("--keystore-alias", "a\nb"),
    ] {
        let run = ground.download(&["--format", "k8s-secret", &format!("{flag}={name}")]).run().exits(2);
        assert!(run.stderr.contains(flag), "{}", run.stderr);
    }
    assert!(!ground.home().exists() && ground.sandbox.requests(crate::sandbox::Cloud::Tencent).is_empty());
}

/// As in the config: whoever says what a secret is called expects one.
#[test]
fn what_no_format_uses() {
    let ground = Ground::new();
    let file = ground.write("pass", "secret");
    let flags = [
        (["--keystore-alias", "tomcat"], "--keystore-alias", "pkcs12 or jks"),
        (["--kubernetes-name", "shop"], "--kubernetes-name", "k8s-secret"),
        (["--kubernetes-namespace", "web"], "--kubernetes-namespace", "k8s-secret"),
        (["--keystore-password-file", &file], "a password of key stores", "pkcs12 or jks"),
    ];
    for (flag, what, formats) in flags {
        for to in ["--format", "--stdout"] {
            let run = ground.download(&flag).args([to, "der"]).run().exits(2);
            run.says(&[&format!("{what} is given, but {formats} is not written")]);
        }
    }
    assert!(ground.sandbox.requests(crate::sandbox::Cloud::Tencent).is_empty(), "told before anything is asked");
    // What a directory has is known only there, and each of several has something else.
    ground.comes_to("created", &["--format", "der"]);
    for (flag, what, formats) in flags {
        let run = ground.download(&flag).run().exits(0);
        let said = format!("{}: {what} is given, but {formats} is not written there", super::NAME);
        assert!(run.stderr.contains(&said), "{}", run.stderr);
    }
    ground.comes_to("updated", &["--format", "jks,k8s-secret"]);
    for (flag, ..) in flags {
        assert_eq!(ground.download(&flag).run().exits(0).stderr, "");
    }
}

#[test]
fn one_secret_name_for_several_certificates() {
    let ground = Ground::new();
    let args = ["--format", "k8s-secret", "--kubernetes-name", "shop"];
    ground.download(&args).args(["other.example"]).run().exits(2).says(&["--kubernetes-name is for one certificate"]);
    let all = Certctl::of(&ground.sandbox, Account::Empty).directory(ground.path("").as_path());
    let all = all.args(["download", "-p", "tencent", "--all"]).args(args);
    all.run().exits(2).says(&["--kubernetes-name is for one certificate"]);
}
