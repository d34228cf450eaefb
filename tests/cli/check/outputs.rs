//! What scripts and people see of a check.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::{Ground, NAME, Pki, table};

/// Two that are sound, one of them soon to expire; one that is damaged.
fn ground() -> Ground {
    let ground = Ground::new();
    ground.issue(NAME);
    ground.sandbox.issue(crate::sandbox::Cloud::Tencent, crate::sandbox::Account::Empty, &["b.example"], (-30, 5));
    ground.configure(&format!("{}{}", table(NAME, ""), table("b.example", "")));
    ground.certctl("sync", &[]).run().exits(0);
    ground
}

#[test]
fn json() {
    let ground = ground();
    let run = ground.check(&["-o", "json"]).exits(0);
    let document = run.json();
    let keys = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&document), ["checked_at", "exit_code", "results", "schema"]);
    assert_eq!((&document["schema"], &document["exit_code"]), (&json!("certctl.check/v1"), &json!(0)));
    assert!(document["checked_at"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let row = &document["results"][0];
    let metadata: Value = serde_json::from_slice(&fs::read(ground.home(NAME).join("metadata.json")).unwrap()).unwrap();
    let version = fs::read_link(ground.home(NAME).join("current")).unwrap();
    assert_eq!(
        *row,
        json!({
            "name": NAME,
            "path": ground.home(NAME),
            "ok": true,
            "state": "ok",
            "problems": [],
            "not_after": metadata["not_after"],
            "days_left": 59,
            "fingerprint_sha256": metadata["fingerprint_sha256"],
            "provider": "tencent",
            "account": "tx",
            "id": metadata["id"],
            "version": version.file_name().unwrap().to_str(),
            "error": null,
        })
    );
    fs::remove_file(ground.home(NAME).join("current/cert.pem")).unwrap();
    let run = ground.check(&["-o", "json", "-q"]).exits(6);
    let document = run.json();
    let [row, sound] = [0, 1].map(|number| &document["results"][number]);
    let path = ground.home(NAME).join("cert.pem").display().to_string();
    let hint = format!("`certctl sync {NAME}` sets it right");
    assert_eq!(
        row["problems"],
        json!([{ "code": "missing_file", "message": format!("{path} is missing"), "hint": hint }])
    );
    assert_eq!((&row["ok"], &sound["ok"], &document["exit_code"]), (&json!(false), &json!(true), &json!(6)));
    assert_eq!(row["days_left"], 59, "the other files tell");
    fs::remove_dir_all(ground.home(NAME)).unwrap();
    let document = ground.check(&["-o", "json"]).exits(6).json();
    let row = &document["results"][0];
    assert_eq!((&row["not_after"], &row["days_left"], &row["id"]), (&json!(null), &json!(null), &json!(null)));
}

#[test]
fn table_and_lines() {
    let ground = ground();
    let run = ground.check(&["--within", "14d"]).exits(11);
    let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["STATE", "NAME", "DAYS", "EXPIRES", "PATH"]);
    let path = ground.home("b.example").display().to_string();
    assert_eq!((lines[1][0], lines[1][1], lines[1][2]), ("ok", NAME, "59"));
    assert_eq!((lines[2][0], lines[2][2], lines[2][4]), ("expiring", "4", path.as_str()));
    let run = run.says(&["certctl: error: b.example: ", "expires in 4 days", "; renew it"]);
    assert_eq!(run.stderr.lines().count(), 1);
    // Damage counts for more than time.
    fs::remove_file(ground.home(NAME).join("cert.pem")).unwrap();
    let run = ground.check(&["--within", "14d", "-q"]).exits(6);
    assert_eq!((run.stdout.as_str(), run.errors().len()), ("", 2));
    // Only what is meant, each once.
    let run = ground.check(&["b.example", &path, "b.example"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    let run = ground.check(&["-v", "b.example"]).exits(0);
    assert_eq!(run.stdout.lines().count(), 2);
}

#[test]
fn what_is_meant() {
    let ground = Ground::new();
    ground.check(&[]).exits(2).says(&["/dev/null names no certificates; give the directory to check"]);
    ground.configure("");
    ground.check(&[]).exits(2).says(&["names no certificates"]);
    ground.configure(&table(NAME, ""));
    let run = ground.check(&["www.exampel.com"]).exits(2);
    run.says(&[
        "`www.exampel.com` is neither a certificate of the config nor a directory",
        "did you mean `www.example.com`?",
    ]);
    ground.check(&["certctl.toml"]).exits(2).says(&["certctl.toml is a file; give the directory that it is in: ."]);
    ground.check(&[NAME, "--within", "soon"]).exits(2);
    ground.check(&[NAME, "--connect", "localhost"]).exits(2);
    // Ways to fail that differ.
    fs::create_dir(ground.path("empty")).unwrap();
    let run = ground.check(&[NAME, "empty", "-o", "json"]).exits(9);
    assert_eq!(run.json()["exit_code"], 9);
    assert_eq!(run.json()["results"][1]["error"]["code"], "usage");
}

/// A Prometheus file: each line a series and its value.
fn series(ground: &Ground) -> BTreeMap<String, i64> {
    let text = fs::read_to_string(ground.path("check.prom")).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let parsed: Vec<_> = samples.map(|line| line.rsplit_once(' ').unwrap()).collect();
    let found: BTreeMap<_, _> =
        parsed.iter().map(|(name, value)| ((*name).to_owned(), value.parse().unwrap())).collect();
    assert_eq!(found.len(), parsed.len(), "no series twice");
    found
}

#[test]
fn metrics() {
    let ground = ground();
    let file = ground.text("check.prom");
    let check = |args: &[&str]| ground.check(&[&["--metrics-file", &file], args].concat());
    check(&[]).exits(0);
    assert_eq!(ground.path("check.prom").metadata().unwrap().permissions().mode() & 0o7777, 0o644);
    let sound = series(&ground);
    let path = ground.home(NAME).display().to_string();
    let of = |code: &str| format!("certctl_check_problems{{name=\"{NAME}\",path=\"{path}\",code=\"{code}\"}}");
    let not_after = format!("certctl_check_certificate_not_after_timestamp_seconds{{name=\"{NAME}\",path=\"{path}\"}}");
    assert_eq!((sound["certctl_check_exit_code"], sound[&of("hash")], sound[&of("trust")]), (0, 0, 0));
    assert!(sound[&not_after] > jiff::Timestamp::now().as_second());
    assert_eq!(sound["certctl_check_timestamp_seconds"], sound["certctl_check_success_timestamp_seconds"]);
    assert_eq!(sound.keys().filter(|name| name.contains(NAME)).count(), 19, "one for each code, and the end");
    for (args, exit) in [(&["--within", "14d"][..], 11), (&["nowhere"], 2)] {
        check(args).exits(exit);
        let found = series(&ground);
        assert_eq!(found["certctl_check_exit_code"], i64::from(exit));
        assert_eq!(found["certctl_check_success_timestamp_seconds"], sound["certctl_check_success_timestamp_seconds"]);
    }
    fs::remove_file(ground.home(NAME).join("current/cert.pem")).unwrap();
    fs::remove_file(ground.home(NAME).join("current/chain.pem")).unwrap();
    check(&[]).exits(6);
    let found = series(&ground);
    assert_eq!((found[&of("missing_file")], found[&of("hash")], found["certctl_check_exit_code"]), (2, 0, 6));
    // A file that cannot be written is told, and counts.
    let run = ground.check(&["--metrics-file", &ground.text("nowhere/check.prom")]).exits(9);
    assert!(run.errors().iter().any(|line| line.contains("nowhere")), "{}", run.stderr);
}

/// Only time has passed, or is to pass.
#[test]
fn dates() {
    let ground = Ground::new();
    let (pki, old) = (Pki::new(), Pki::of((-1000, -500)));
    for (name, days, args, exit, code) in [
        ("sound", (-10, 40), &["--within", "30d"][..], 0, None),
        ("soon", (-10, 20), &["--within", "30d"], 11, Some("expiring")),
        ("soon", (-10, 20), &[], 0, None),
        ("over", (-10, -1), &[], 11, Some("expired")),
        ("over", (-10, -1), &["--within", "30d"], 11, Some("expired")),
        ("to_come", (2, 40), &[], 6, Some("not_yet_valid")),
        // Since longer than its intermediate: that is told of the leaf alone.
        ("long_over", (-900, -600), &[], 11, Some("expired")),
    ] {
        let directory = ground.path(name);
        fs::create_dir_all(&directory).unwrap();
        let pki = if name == "long_over" { &old } else { &pki };
        let leaf = pki.leaf("a.example", days);
        fs::write(directory.join("fullchain.pem"), pki.fullchain(&leaf)).unwrap();
        fs::write(directory.join("privkey.pem"), leaf.key_pem()).unwrap();
        let target = directory.display().to_string();
        let run = ground.check(&[&[target.as_str(), "-o", "json"], args].concat()).exits(exit);
        let found = super::problems(&run.json());
        let code: Vec<_> = code.into_iter().collect();
        assert_eq!(found.iter().map(|(code, _)| code.as_str()).collect::<Vec<_>>(), code, "{name}: {found:?}");
    }
}
