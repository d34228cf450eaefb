//! Names that users, configs and certificates give: what cannot be one plain directory is refused, and nothing is ever
//! written beside it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use super::ground::{Facts, Ground, facts, run};
use crate::proof;
use crate::sandbox::{Account, Cloud};

/// What a certificate says it is for, and the directory that it is put in.
#[test]
fn of_certificates() {
    let Some(ground) = Ground::new() else { return };
    let long = |length: usize| "a".repeat(length);
    let (longest, longer, endless) = (long(255), long(256), long(10_000));
    let many: Vec<String> = (0..3_000).map(|n| format!("n{n}.example.com")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let cases: Vec<(Vec<&str>, Option<&str>)> = vec![
        (vec![], None),
        (vec![""], None),
        (vec!["..."], None),
        (vec![".."], None),
        (vec!["*./../../victim"], None),
        (vec!["../victim/passwd", "www.example.com"], None),
        (vec!["a\tb"], None),
        (vec!["a\rb"], None),
        (vec!["a\u{7f}b"], None),
        (vec!["www.example.com\0.evil.example"], None),
        (vec!["--name"], None),
        (vec![".certctl"], None),
        (vec![".htaccess"], None),
        (vec![&longer], None),
        (vec![&endless], None),
        (vec!["*./"], None),
        (vec![&longest], Some(&longest)),
        (vec!["*."], Some("_.")),
        (vec!["*"], Some("*")),
        (vec!["*.*.example"], Some("_.*.example")),
        (vec!["WWW.Example.COM"], Some("www.example.com")),
        (vec!["www.example.com."], Some("www.example.com.")),
        (vec!["xn--fiqs8s.xn--55qx5d"], Some("xn--fiqs8s.xn--55qx5d")),
        (vec!["192.0.2.1"], Some("192.0.2.1")),
        (vec!["current"], Some("current")),
        (vec!["con"], Some("con")),
        (vec!["$(id)`id`;rm"], Some("$(id)`id`;rm")),
        (vec!["%s%n"], Some("%s%n")),
        (vec!["~root"], Some("~root")),
        (vec!["lost+found"], Some("lost+found")),
        (many, Some("n0.example.com")),
    ];
    let count = cases.len();
    for (names, directory) in cases {
        let certificate = ground.sandbox.issue(Cloud::Ctyun, Account::Empty, &names, (-10, 80));
        is_in_place(&ground, directory, || run(ground.download(&certificate, ground.path("certs"))).code, 6);
    }
    proof::held("filesystem::names::of_certificates", count);
}

/// What else a certificate may be called by, where it has no DNS names.
#[test]
fn common_names() {
    let Some(ground) = Ground::new() else { return };
    let cases = [
        ("..", None),
        ("../victim", None),
        ("/etc", None),
        ("-rf", None),
        ("a\nb", None),
        ("a\u{202e}b", None),
        ("\u{200b}", None),
        ("a\0b", None),
        (" ", None),
        ("*.Example.com", Some("_.example.com")),
        ("测试.example", Some("测试.example")),
        ("e\u{301}.example", Some("e\u{301}.example")),
    ];
    for (name, directory) in cases {
        let certificate = ground.sandbox.issue_without_names(Cloud::Ctyun, Account::Empty, name);
        is_in_place(&ground, directory, || run(ground.download(&certificate, ground.path("certs"))).code, 6);
    }
    proof::held("filesystem::names::common_names", cases.len());
}

/// What is given with `--name`, and in the config.
#[test]
fn of_users() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let (longest, longer, deep) = ("n".repeat(255), "n".repeat(256), "../".repeat(1_000));
    let cases = [
        ("", None),
        (".", None),
        ("..", None),
        ("/", None),
        ("a/b", None),
        ("a/../b", None),
        ("../victim", None),
        (&deep, None),
        ("-x", None),
        (".x", None),
        (" a", None),
        ("a ", None),
        ("a\nb", None),
        ("a\tb", None),
        ("\u{1b}[31ma", None),
        ("a\u{202e}b", None),
        ("a\u{2066}b", None),
        ("a\u{200d}b", None),
        (&longer, None),
        (&longest, Some(longest.as_str())),
        ("a.", Some("a.")),
        ("a..b", Some("a..b")),
        ("con", Some("con")),
        ("🔑", Some("🔑")),
        ("e\u{301}", Some("e\u{301}")),
        ("中文", Some("中文")),
        ("a b", Some("a b")),
        ("'\"$(id)", Some("'\"$(id)")),
    ];
    for (name, directory) in &cases {
        let mut command = ground.download(&certificate, ground.path("certs"));
        command.arg(format!("--name={name}"));
        is_in_place(&ground, *directory, || run(command).code, 2);

        ground.configure("");
        let text = fs::read_to_string(ground.path("certctl.toml")).unwrap();
        let named =
            text.replace("name = 'www.example.com'", &format!("name = {}\nid = '{}'", toml(name), certificate.id));
        ground.secret("certctl.toml", &named);
        is_in_place(&ground, *directory, || ground.sync().code, 2);
    }
    let mut command = ground.download(&certificate, ground.path("certs"));
    command.arg(OsString::from_vec(b"--name=a\xffb".to_vec()));
    is_in_place(&ground, None, || run(command).code, 2);
    proof::held("filesystem::names::of_users", 2 * cases.len() + 1);
}

/// Directories may be called anything; messages about them stay on one line, and turn nothing around.
#[test]
fn of_directories() {
    let Some(ground) = Ground::new() else { return };
    let certificate = ground.issue();
    let (longest, longer) = ("d".repeat(255), "d".repeat(256));
    let deep = vec!["d".repeat(200); 25].join("/");
    let odd: [&[u8]; 18] = [
        b"a\nb",
        b"a\tb",
        b"\x1b[31ma\x1b]0;x\x07",
        b"a\xffb\xfe",
        "a\u{202e}b".as_bytes(),
        "a\u{9b}2Jb".as_bytes(),
        "e\u{301}".as_bytes(),
        "🔑".as_bytes(),
        b"-x",
        b"--",
        b"a.",
        b"a ",
        b" ",
        b"con",
        b"\ncertctl: error: nothing is wrong",
        b"~",
        longest.as_bytes(),
        deep.as_bytes(),
    ];
    let mut cases = 0;
    for name in odd {
        let name = OsString::from_vec(name.to_vec());
        let dir = ground.path("odd").join(&name);
        let untouched = ground.victim();
        let download = || run(ground.download(&certificate, &dir));
        let with = |args: &[&str], path: &Path| {
            let mut command = ground.certctl(args);
            command.arg(path);
            run(command)
        };
        // Their arguments are names, too, and so are text.
        let is_text = name.to_str().is_some();
        let or_refused = |code| if is_text { code } else { 2 };
        assert_eq!(download().code, 0, "{name:?}");
        // What no system call takes in one piece is only reached step by step.
        if name.len() < 4_000 {
            let key = dir.join("www.example.com/privkey.pem");
            with(&["check"], &dir).exits(or_refused(0));
            fs::remove_file(&key).unwrap();
            fs::create_dir(&key).unwrap();
            download().exits(7).says(&["privkey.pem is a directory"]);
            with(&["check"], &dir).exits(or_refused(6));
            with(&["rollback"], &dir.join("www.example.com"));
            with(&["sync", "-c"], &dir.join("none.toml")).exits(2).says(&["there is no file"]);
            let args = ["download", "-p", "ctyun", &certificate.id, "--key-password-file"];
            with(&args, &dir.join("none")).exits(3).says(&["is not there"]);
            with(&["sync", "-c"], &dir).exits(2).says(&["cannot read"]);
        }
        assert_eq!(ground.victim(), untouched);
        super::ground::uproot(&ground.path("odd"));
        cases += 1;
    }
    run(ground.download(&certificate, ground.path(&longer))).exits(7).says(&["File name too long"]);
    proof::held("filesystem::names::of_directories", cases + 1);
}

/// Runs it, and asserts that it made this directory below `<dir>` and nothing else, or, with this exit code, nothing.
#[track_caller]
fn is_in_place(ground: &Ground, directory: Option<&str>, work: impl FnOnce() -> i32, refusal: i32) {
    super::ground::uproot(&ground.path("certs"));
    let rest = |ground: &Ground| -> Facts {
        let mut found = facts(&ground.path(""));
        found.retain(|(path, ..)| !path.starts_with(ground.path("certs")) && *path != ground.path(""));
        found
    };
    let before = rest(ground);
    let code = work();
    let made: Vec<OsString> = fs::read_dir(ground.path("certs"))
        .map(|entries| entries.map(|entry| entry.unwrap().file_name()).filter(|name| name != ".certctl").collect())
        .unwrap_or_default();
    match directory {
        Some(directory) => {
            assert_eq!((code, made), (0, vec![OsString::from(directory)]));
            assert!(ground.path("certs").join(directory).join("privkey.pem").exists());
        }
        None => assert_eq!((code, made), (refusal, Vec::new())),
    }
    assert_eq!(rest(ground), before, "{directory:?}");
}

fn toml(text: &str) -> String {
    ::toml::Value::from(text).to_string()
}
