//! Every field of every reply, in every shape that is not its own: an attack on what reads the replies, made from the
//! healthy replies themselves.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::scene::{ACCOUNT, is_whole, on_disk};
use crate::cli::{Certctl, PROVIDERS};
use crate::proof::{held, is_long};
use crate::sandbox::archive::Kind;
use crate::sandbox::edit::Edit;
use crate::sandbox::{Certificate, Cloud, Fault, Options, Plan, Sandbox};

/// A provider in one form of its API, with the variables for it.
#[derive(Clone)]
struct Form {
    provider: &'static str,
    cloud: Cloud,
    options: Options,
}

fn forms() -> Vec<Form> {
    let usual = PROVIDERS.map(|(provider, cloud)| Form { provider, cloud, options: Options::default() });
    let older = Options { huawei_v3: false, huawei_v2_archive: Kind::Zip, ..Options::default() };
    let other = Options { ctyun_product: Cloud::Ccms, ..Options::default() };
    usual
        .into_iter()
        .chain([
            Form { provider: "huawei", cloud: Cloud::Huawei, options: older },
            Form { provider: "ctyun", cloud: Cloud::Ccms, options: other },
        ])
        .collect()
}

/// What a field is turned into.
type Turned = (&'static str, Option<Vec<u8>>);

/// Every shape but a field's own; a text of many megabytes and a nesting without end are made once.
fn shapes(field: &Value) -> Vec<Turned> {
    let is = |text: &str| Some(text.as_bytes().to_vec());
    let mut shapes: Vec<Turned> = vec![
        ("missing", None),
        ("null", is("null")),
        ("an empty text", is("\"\"")),
        ("a negative number", is("-1")),
        ("a huge number", is("123456789012345678901234567890123456789e300")),
        ("deep", Some([b"{\"a\":[".repeat(50_000), b"]}".repeat(50_000)].concat())),
        ("not UTF-8", Some(b"\"\xff\xfe\"".to_vec())),
        ("half a surrogate", is("\"\\ud800\"")),
    ];
    shapes.extend(match field {
        Value::String(_) => vec![("a number", is("7")), ("a list", is("[\"a\"]")), ("an object", is("{\"a\":1}"))],
        Value::Array(_) => vec![("an object", is("{\"a\":1}")), ("a text", is("\"a\"")), ("an empty list", is("[]"))],
        Value::Object(_) => vec![("a list", is("[1]")), ("a text", is("\"a\"")), ("an empty object", is("{}"))],
        _ => vec![("a text", is("\"a\"")), ("a list", is("[[]]")), ("an object", is("{}"))],
    });
    shapes
}

/// The most that a text may have without the reply being too large.
fn long_text() -> Turned {
    ("10 MB of text", Some([b"\"".to_vec(), vec![b'a'; 10 << 20], b"\"".to_vec()].concat()))
}

/// All places in a reply, as JSON pointers, with what is there.
fn places(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    found.push((at.to_owned(), value.clone()));
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        // One row is like the others.
        Value::Array(values) => {
            if let Some(first) = values.first() {
                places(first, &format!("{at}/0"), found);
            }
        }
        _ => {}
    }
}

/// Everything null that holds no other.
fn all_null(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), all_null(value))).collect(),
        Value::Array(values) => values.iter().map(all_null).collect(),
        _ => Value::Null,
    }
}

/// One provider, a certificate that is asked for, and one beside it.
struct Target {
    form: Form,
    sandbox: Sandbox,
    wanted: Certificate,
    listed: usize,
}

/// How a run may end that met a reply of another shape: done, credentials, no certificate, provider, verification.
const CODES: [i32; 5] = [0, 3, 4, 5, 6];

impl Target {
    fn new(form: Form) -> Self {
        let sandbox = Sandbox::start(form.options.clone());
        let name = |host: &str| format!("{host}.{}", form.cloud.domain());
        let wanted = sandbox.issue(form.cloud, ACCOUNT, &[&name("www")], (-10, 80));
        sandbox.issue(form.cloud, ACCOUNT, &[&name("other"), &name("another")], (-20, 70));
        Self { form, sandbox, wanted, listed: 2 }
    }

    fn certctl(&self, command: &str, directory: &std::path::Path) -> Certctl {
        let provider = self.form.provider;
        let dir = directory.to_str().unwrap();
        let certctl = Certctl::of(&self.sandbox, ACCOUNT);
        match command {
            "list" => certctl.args(["list", "-p", provider, "-o", "json"]),
            "describe" => certctl.args(["describe", "-p", provider, "-o", "json", "--", &self.wanted.id]),
            "download" => certctl.args(["download", "-p", provider, "-d", dir, "--", &self.wanted.id]),
            _ => {
                let config = directory.with_extension("toml");
                let text = format!(
                    "dir = '{dir}'\n[accounts.it]\nprovider = '{provider}'\nrequests_per_second = 1000\n\
                     [[certificates]]\nname = '{}'\naccount = 'it'\n",
                    self.wanted.domain
                );
                fs::write(&config, text).unwrap();
                certctl.args(["sync", "-c"]).args([config])
            }
        }
    }

    /// The healthy replies that a command gets, by operation.
    fn replies(&self, command: &str) -> BTreeMap<String, Value> {
        let directory = tempfile::tempdir().unwrap();
        let seen = self.sandbox.seen(self.form.cloud);
        self.certctl(command, &directory.path().join("certs")).run().exits(0);
        let requests = self.sandbox.requests_since(self.form.cloud, seen);
        let json = requests.into_iter().filter(|request| request.status == 200);
        json.filter_map(|request| Some((request.operation, serde_json::from_slice(&request.reply).ok()?))).collect()
    }

    /// Runs the command while the operation's replies are changed like this.
    fn withstands(&self, command: &str, operation: &str, edit: Edit, about: &str) {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("certs");
        let about = format!("{} {:?} {command} {operation} {about}", self.form.provider, self.form.cloud);
        self.sandbox.fault(self.form.cloud, Plan::from(Fault::Edit(edit)).on(operation));
        let run = self.certctl(command, &directory).run();
        self.sandbox.clear(self.form.cloud);
        let about =
            format!("{about}: {} {}{}", run.code, run.stdout.chars().take(2_000).collect::<String>(), run.stderr);
        assert!(CODES.contains(&run.code), "{about}");
        assert_eq!(run.errors().len(), usize::from(run.code != 0), "one line for a failure: {about}");
        assert!(run.errors().iter().all(|line| line.len() < 2_200), "{about}");
        assert!(!run.stderr.contains("PRIVATE KEY") && !run.stderr.contains("panicked"), "{about}");
        // A text that is told is told as it is, but for that it cannot act on a terminal.
        let run = if run.code == 0 && command != "sync" { run } else { run.prints_plainly() };
        let (found, home) = (on_disk(&directory), directory.join(&self.wanted.domain));
        match command {
            "list" if run.code == 0 => {
                let rows = run.json()["certificates"].as_array().unwrap().len();
                assert!(rows == self.listed || run.stderr.contains("warning: "), "lost without a word: {about}");
            }
            "describe" if run.code == 0 => assert_eq!(run.json()["certificate"]["id"], self.wanted.id, "{about}"),
            // Another certificate may have been passed over, with its own line.
            "sync" if run.code == 5 && !found.is_empty() && run.stderr.contains("(passed over") => {
                is_whole(&home, &self.wanted);
            }
            "download" | "sync" if run.code == 0 => is_whole(&home, &self.wanted),
            _ => assert!(found.is_empty(), "{about}"),
        }
    }
}

/// Which of the cases are run in the short form: every place in some of its shapes, another shape at every place.
fn is_due(number: usize) -> bool {
    is_long() || number.is_multiple_of(37)
}

#[test]
fn every_field_in_every_shape() {
    let forms = forms();
    let cases = std::thread::scope(|scope| {
        let threads: Vec<_> = forms.into_iter().map(|form| scope.spawn(move || attack(form))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    held("faults::fields::every_field_in_every_shape", cases);
}

fn attack(form: Form) -> usize {
    let target = Target::new(form);
    let mut work = Vec::new();
    let mut number = 0;
    for command in ["list", "describe", "download", "sync"] {
        for (operation, reply) in target.replies(command) {
            let mut found = Vec::new();
            places(&reply, "", &mut found);
            let nulls = all_null(&reply).to_string().into_bytes();
            work.push((command, operation.clone(), Edit::Instead(nulls.into()), "all null".to_owned()));
            for (pointer, field) in found {
                for (shape, text) in shapes(&field) {
                    number += 1;
                    if is_due(number) {
                        let edit = Edit::field(&pointer, text.as_deref());
                        work.push((command, operation.clone(), edit, format!("{pointer} {shape}")));
                    }
                }
                if is_long() || number.is_multiple_of(41) {
                    let (shape, text) = long_text();
                    let edit = Edit::field(&pointer, text.as_deref());
                    work.push((command, operation.clone(), edit, format!("{pointer} {shape}")));
                }
            }
        }
    }
    let count = work.len();
    for (command, operation, edit, about) in work {
        target.withstands(command, &operation, edit, &about);
    }
    count
}
