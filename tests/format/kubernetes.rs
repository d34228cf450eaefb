//! The manifest of a Kubernetes secret, and what may stand in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certctl::format::{self, Format, Kubernetes, Recipe};
use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::{Value, json};

use super::{bundle, bytes};
use crate::config::{bad, good};
use crate::oracle;

/// What PyYAML reads in the files, all of them manifests by the API's own schema; `None` without the packages.
fn read(files: &[impl AsRef<Path>]) -> Option<Vec<Value>> {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", "import kubernetes_validate"]).output();
    if !oracle::is_there(found.is_ok_and(|output| output.status.success()), "the Python package kubernetes-validate") {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/manifest.py");
    let output = Command::new(&python).arg(script).args(files.iter().map(AsRef::as_ref)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Names that YAML takes for something else where they are not quoted.
const TREACHEROUS: [&str; 12] =
    ["true", "no", "null", "1e3", "123", "0x1f", "0o17", "1.5", "2026-11-22", "y", "0b1", "60.30"];

#[test]
fn the_manifest_is_one_by_the_schema_of_the_api() {
    let bundle = bundle();
    let dir = tempfile::tempdir().unwrap();
    let longest = format!("{}.{}", "a".repeat(126), "b".repeat(126));
    let namespace = "n".repeat(63);
    let mut names: Vec<_> = TREACHEROUS.map(|name| (name, Some(name).filter(|name| !name.contains('.')))).into();
    names.extend([("www.example.com", None), ("wildcard.example.com", Some("default")), (&longest, Some(&*namespace))]);
    let (mut files, mut wanted) = (Vec::new(), Vec::new());
    for (name, namespace) in names {
        let kubernetes = Kubernetes { name: name.to_owned(), namespace: namespace.map(str::to_owned) };
        assert!(Kubernetes::is_name(name) && namespace.is_none_or(Kubernetes::is_namespace), "{name}");
        let recipe = Recipe { formats: vec![Format::K8sSecret], kubernetes, ..Recipe::default() };
        let made = format::files(&bundle, &recipe).unwrap();
        let manifest = bytes(&made, "secret.yaml");
        assert_eq!(*format::stream(&bundle, Format::K8sSecret, &recipe).unwrap(), manifest);
        let file = dir.path().join(files.len().to_string());
        fs::write(&file, manifest).unwrap();
        files.push(file);
        let mut metadata = json!({ "name": name });
        if let Some(namespace) = namespace {
            metadata["namespace"] = namespace.into();
        }
        let encoded = |name: &str| STANDARD.encode(bytes(&made, name));
        let data = json!({ "tls.crt": encoded("fullchain.pem"), "tls.key": encoded("privkey.pem") });
        wanted.push(json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": metadata, "data": data,
        }));
    }
    let Some(found) = read(&files) else { return };
    assert_eq!(found, wanted);
}

/// Whoever makes a recipe by hand may put anything in it; it stays a string all the same.
#[test]
fn nothing_breaks_out_of_its_quotes() {
    let dir = tempfile::tempdir().unwrap();
    let evil = "a\"\nkind: Pod\n#\\\t'{}é";
    let kubernetes = Kubernetes { name: evil.to_owned(), namespace: Some(evil.to_owned()) };
    let recipe = Recipe { kubernetes, ..Recipe::default() };
    let file = dir.path().join("secret.yaml");
    fs::write(&file, format::stream(&bundle(), Format::K8sSecret, &recipe).unwrap()).unwrap();
    let Some(found) = read(&[file]) else { return };
    assert_eq!(found[0]["metadata"], json!({ "name": evil, "namespace": evil }));
    assert_eq!(found[0]["kind"], "Secret");
}

#[test]
fn names_are_made_of_directory_names() {
    let long = format!("{}.example.com", "a".repeat(300));
    let cut = format!("{}.example", "a".repeat(252));
    for (directory, name) in [
        ("www.example.com", "www.example.com"),
        ("_.example.com", "wildcard.example.com"),
        ("WWW.Example.COM", "www.example.com"),
        ("xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("my_shop", "my-shop"),
        ("_dmarc.example.com", "dmarc.example.com"),
        ("a_._b.example.com", "a.b.example.com"),
        ("-a-.example.com-", "a.example.com"),
        ("a..b", "a.b"),
        ("shop 2026", "shop-2026"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001-db8--1"),
        ("_", "certificate"),
        ("_._", "wildcard"),
        ("___", "certificate"),
        ("例子.中国", "certificate"),
        ("例子.example", "example"),
        (&long, &"a".repeat(253)),
        (&cut, &"a".repeat(252)),
    ] {
        assert_eq!(Kubernetes::name_for(directory), name, "{directory}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_directory_has_a_name(directory in any::<String>()) {
        assert!(Kubernetes::is_name(&Kubernetes::name_for(&directory)));
    }

    #[test]
    fn a_name_stays_what_it_is(name in "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?){0,4}") {
        assert!(Kubernetes::is_name(&name));
        assert_eq!(Kubernetes::name_for(&name), name);
    }
}

/// One rule for the library, the command line and the config.
#[test]
fn what_no_name_can_be_is_refused_everywhere() {
    let labels = |count: usize| vec!["a"; count].join(".");
    let (longest, too_long, label, too_long_label) = (labels(127), labels(128), "n".repeat(63), "n".repeat(64));
    let cases: [(&str, bool, bool); 22] = [
        // As a name, as a namespace.
        ("a", true, true),
        ("0", true, true),
        ("kube-system", true, true),
        ("xn--fsqu00a", true, true),
        ("true", true, true),
        ("1e3", true, true),
        ("a.b", true, false),
        (&longest, true, false),
        (&label, true, true),
        (&too_long_label, true, false),
        (&too_long, false, false),
        ("A", false, false),
        ("a_b", false, false),
        ("_.example.com", false, false),
        ("*.example.com", false, false),
        ("a..b", false, false),
        (".a", false, false),
        ("a.", false, false),
        ("a-.b", false, false),
        ("a.-b", false, false),
        ("a b", false, false),
        ("é", false, false),
    ];
    for (text, is_name, is_namespace) in cases {
        assert_eq!(Kubernetes::is_name(text), is_name, "{text}");
        assert_eq!(Kubernetes::is_namespace(text), is_namespace, "{text}");
        for (key, flag, is_sound) in
            [("name", "--kubernetes-name", is_name), ("namespace", "--kubernetes-namespace", is_namespace)]
        {
            refused_or_not(flag, text, is_sound, &["use at most", "lower-case letters"]);
            let config = config("k8s-secret", &format!("kubernetes = {{ {key} = '{text}' }}"));
            configured_or_not(&config, key, is_sound, &["use at most", "lower-case letters"]);
        }
    }
    for text in ["", "-a", "a\nb", "a\"b", "a\u{0}"] {
        assert!(!Kubernetes::is_name(text) && !Kubernetes::is_namespace(text), "{text:?}");
    }
}

#[test]
fn what_no_alias_can_be_is_refused_everywhere() {
    let (longest, too_long) = ("é".repeat(127), "é".repeat(128));
    for (text, is_alias) in
        [("tomcat", true), ("A b_c é", true), (&*longest, true), (&*too_long, false), ("a\u{1b}b", false)]
    {
        assert_eq!(Recipe::is_alias(text), is_alias, "{text:?}");
        refused_or_not("--keystore-alias", text, is_alias, &["255 bytes, without control characters"]);
        let text = text.replace('\u{1b}', "\\u001b");
        let config = config("pkcs12", &format!("keystore_alias = \"{text}\""));
        configured_or_not(&config, "keystore_alias", is_alias, &["255 bytes, without control characters"]);
    }
    assert!(!Recipe::is_alias(""));
}

fn config(format: &str, line: &str) -> String {
    format!(
        "dir = '/d'\n[accounts.tx]\nprovider = 'tencent'\n[[certificates]]\nname = 'a.example'\nformats = ['{format}']\n{line}\n"
    )
}

fn configured_or_not(text: &str, key: &str, is_sound: bool, words: &[&str]) {
    if is_sound {
        good(text);
        return;
    }
    let mistakes = bad(text);
    let [(7, what)] = &mistakes[..] else { panic!("{text}: {mistakes:?}") };
    assert!(what.contains(&format!("`{key}` is ")) && words.iter().all(|word| what.contains(word)), "{what}");
}

/// With the flag the command is wrong usage; or without credentials, which come later.
fn refused_or_not(flag: &str, value: &str, is_sound: bool, words: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_certctl"));
    command.env_clear().env("HOME", home.path()).current_dir(home.path());
    let output = command.args(["download", "-p", "tencent", "x", &format!("{flag}={value}")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(if is_sound { 3 } else { 2 }), "{flag}={value}: {said}");
    // clap breaks lines.
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(is_sound || words.iter().all(|word| said.contains(word)), "{said}");
}
