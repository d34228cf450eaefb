//! The Prometheus text file.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use certctl::failure::{Exit, Failure};
use certctl::report::metrics::{check, last_success, text};
use certctl::run::check;
use certctl::run::outcome::{Outcome, Row};
use certctl::store::{Identity, Name};
use jiff::Timestamp;

type Labels = BTreeMap<String, String>;
type Sample = (Labels, i64);

/// An id as no cloud has one; what is shown of it is the cloud's word all the same.
const STRANGE: &str = "证书 \"quoted\" \\n back\\slash\ntwo lines\r{,}=#";

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// What is in place, and since when.
fn installed(name: &str, id: &str, not_before: i64) -> Identity {
    Identity {
        name: Name::parse(name).unwrap(),
        provider: "tencent".to_owned(),
        account: "tx".to_owned(),
        id: id.to_owned(),
        domains: vec![name.to_owned()],
        not_before: time(not_before),
        not_after: time(not_before + 1_000),
        serial: "1".to_owned(),
        issuer: "CN=x".to_owned(),
        fingerprint_sha256: "ab".to_owned(),
        key_algorithm: "RSA 2048".to_owned(),
    }
}

fn row(name: Option<&str>, outcome: Outcome, installed: Option<Identity>, is_pending: bool) -> Row {
    Row {
        name: name.map(ToOwned::to_owned),
        provider: "huawei".into(),
        account: "another".to_owned(),
        id: Some("another".to_owned()),
        outcome,
        path: None,
        version: None,
        not_after: Some(time(5)),
        fingerprint_sha256: None,
        failure: None,
        installed,
        is_pending,
    }
}

fn rows() -> Vec<Row> {
    vec![
        row(Some("www.example.com"), Outcome::Updated, Some(installed("www.example.com", "LtIa", 2_000)), false),
        row(Some("api.example.com"), Outcome::Failed, Some(installed("api.example.com", STRANGE, 3_000)), true),
        // Its directory is a copy of the first one's.
        row(Some("copy.example.com"), Outcome::Unchanged, Some(installed("www.example.com", "LtIa", 2_000)), false),
        row(Some("new.example.com"), Outcome::Failed, None, false),
        row(None, Outcome::Failed, None, false),
    ]
}

/// Labels by name, and the value, of each sample of each family; the format is read strictly, and no series comes
/// twice.
fn parsed(text: &str) -> BTreeMap<String, Vec<Sample>> {
    let mut families: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    let mut lines = text.split_terminator('\n').peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect(line);
        assert!(!help.is_empty() && !help.contains('\\'), "{help}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(lines.next(), Some(format!("# TYPE {name} gauge").as_str()));
        let mut samples = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line.strip_prefix(name).expect(line));
            assert!(samples.iter().all(|(labels, _)| *labels != sample.0), "twice: {line}");
            samples.push(sample);
        }
        assert!(!samples.is_empty() && families.insert(name.to_owned(), samples).is_none(), "{name}");
    }
    families
}

/// `{name="value",name="value"} 1`, or ` 1`.
fn sample(text: &str) -> Sample {
    let mut labels = BTreeMap::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return (labels, text.strip_prefix(' ').unwrap().parse().unwrap());
    };
    loop {
        let (name, quoted) = rest.split_once("=\"").unwrap();
        let (mut value, mut characters) = (String::new(), quoted.chars());
        loop {
            match characters.next().expect("the end of a label") {
                '"' => break,
                '\\' => value.push(match characters.next() {
                    Some('n') => '\n',
                    Some(c @ ('\\' | '"')) => c,
                    other => panic!("\\{other:?} in {text}"),
                }),
                c => value.push(c),
            }
        }
        assert!(labels.insert(name.to_owned(), value).is_none(), "{text}");
        rest = characters.as_str();
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, rest.strip_prefix("} ").unwrap().parse().unwrap()),
        }
    }
}

fn labels<const N: usize>(pairs: [(&str, &str); N]) -> Labels {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn of_each_certificate_and_of_the_run() {
    let families = parsed(&text(&rows(), Exit::Mixed, time(9_000), Some(time(8_000))));
    let identities = [("www.example.com", "LtIa", 2_000), ("api.example.com", STRANGE, 3_000)];
    let identities = [&identities[..], &[("copy.example.com", "LtIa", 2_000)]].concat();
    let certificates = |after: i64| {
        let of = |(name, id, time): &(&str, &str, i64)| {
            (labels([("name", name), ("provider", "tencent"), ("account", "tx"), ("id", id)]), time + after)
        };
        identities.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(families["certctl_certificate_not_before_timestamp_seconds"], certificates(0));
    assert_eq!(families["certctl_certificate_not_after_timestamp_seconds"], certificates(1_000));
    let pending = [("www", 0), ("api", 1), ("copy", 0), ("new", 0)];
    let pending = pending.map(|(name, value)| (labels([("name", &format!("{name}.example.com"))]), value));
    assert_eq!(families["certctl_hook_pending"], pending);
    let outcomes = [
        ("created", 0),
        ("updated", 1),
        ("unchanged", 1),
        ("superseded", 0),
        ("pinned", 0),
        ("would_create", 0),
        ("would_update", 0),
        ("failed", 3),
    ];
    assert_eq!(families["certctl_certificates"], outcomes.map(|(word, count)| (labels([("outcome", word)]), count)));
    for (name, value) in [
        ("certctl_run_timestamp_seconds", 9_000),
        ("certctl_run_success_timestamp_seconds", 8_000),
        ("certctl_run_exit_code", 9),
    ] {
        assert_eq!(families[name], [(labels([]), value)], "{name}");
    }
    assert_eq!(families.len(), 7, "{families:?}");
}

#[test]
fn of_nothing_there_is_no_family() {
    let families = parsed(&text(&[], Exit::Usage, time(9_000), None));
    let names: Vec<_> = families.keys().map(String::as_str).collect();
    assert_eq!(names, ["certctl_certificates", "certctl_run_exit_code", "certctl_run_timestamp_seconds"]);
}

#[test]
fn the_last_success_outlives_a_run_that_fails() {
    let first = text(&rows(), Exit::Done, time(9_000), Some(time(9_000)));
    assert_eq!(last_success(&first), Some(time(9_000)));
    let second = text(&rows(), Exit::Provider, time(9_500), last_success(&first));
    assert_eq!(last_success(&second), Some(time(9_000)));
    assert_eq!(last_success(&text(&rows(), Exit::Provider, time(9_500), None)), None);
    let name = "certctl_run_success_timestamp_seconds";
    for damaged in ["", "\0", name, &format!("{name} "), &format!("{name} x"), &format!("{name} 99999999999999999999")]
    {
        assert_eq!(last_success(damaged), None, "{damaged}");
    }
    assert_eq!(last_success(&format!("{name}_of_another 1\n{name} 7\n")), Some(time(7)));
}

/// Certificates that were checked: damaged, unreadable, and under names that no label may break.
fn checked() -> Vec<check::Row> {
    let row = |name: &str, path: &str, problems: &[check::Code], failure| check::Row {
        name: name.to_owned(),
        path: path.into(),
        identity: None,
        version: None,
        not_after: Some(time(5)),
        fingerprint_sha256: None,
        problems: problems.iter().map(|code| problem(*code)).collect(),
        failure,
    };
    let failed = || Some(Failure::Usage("x".to_owned()));
    vec![
        row(
            "www.example.com",
            "/certs/www.example.com",
            &[check::Code::Hash, check::Code::Mode, check::Code::Hash],
            None,
        ),
        // One name at two places.
        row("www.example.com", "/old/www.example.com", &[], None),
        row(STRANGE, "/a \"strange\\\n place\"", &[], failed()),
        row("gone", "/gone", &[check::Code::Trust], failed()),
    ]
}

fn problem(code: check::Code) -> check::Problem {
    check::Problem { code, message: "x".to_owned(), hint: "y".to_owned() }
}

#[test]
fn of_a_check() {
    let families = parsed(&check(&checked(), Exit::Mixed, time(9_000), None));
    let problems = &families["certctl_check_problems"];
    let codes = check::Code::ALL.len();
    // What could not be checked has only what was found.
    assert_eq!(problems.len(), 2 * codes + 1);
    let count = |name, path, code| {
        let labels = labels([("name", name), ("path", path), ("code", code)]);
        problems.iter().find(|(found, _)| *found == labels).map(|(_, count)| *count)
    };
    assert_eq!(count("www.example.com", "/certs/www.example.com", "hash"), Some(2));
    assert_eq!(count("www.example.com", "/certs/www.example.com", "trust"), Some(0));
    assert_eq!(count("www.example.com", "/old/www.example.com", "hash"), Some(0));
    assert_eq!(count("gone", "/gone", "trust"), Some(1));
    assert_eq!(families["certctl_check_certificate_not_after_timestamp_seconds"].len(), 4);
    assert!(!families.contains_key("certctl_check_success_timestamp_seconds"));
}

/// Prometheus's own reader in Python sees the same.
#[test]
fn prometheus_reads_it() {
    let python = std::env::var("CERTCTL_SDK_PYTHON").unwrap_or_else(|_| "python3".into());
    let run = |script: &str, argument: &str| {
        Command::new(&python).args(["-c", script, argument]).stdin(Stdio::null()).output()
    };
    if !crate::oracle::is_there(
        run("import prometheus_client", "").is_ok_and(|output| output.status.success()),
        "prometheus_client",
    ) {
        return;
    }
    let of_run = text(&rows(), Exit::Mixed, time(9_000), Some(time(8_000)));
    // Both may be in one scrape: no family twice.
    let written = of_run + &check(&checked(), Exit::Mixed, time(9_000), Some(time(8_000)));
    let script = "import sys, json\n\
        from prometheus_client.parser import text_string_to_metric_families as read\n\
        print(json.dumps([[f.name, f.type, bool(f.documentation), [[s.name, s.labels, int(s.value)] for s in f.samples]] for f in read(sys.argv[1])]))";
    let output = run(script, &written).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let family = |(name, samples): (&String, &Vec<Sample>)| {
        let samples: Vec<_> = samples.iter().map(|(labels, value)| serde_json::json!([name, labels, value])).collect();
        serde_json::json!([name, "gauge", true, samples])
    };
    let expected: Vec<_> = parsed(&written).iter().map(family).collect();
    seen.sort_by_key(|family| family[0].to_string());
    assert_eq!(seen, expected);
}
