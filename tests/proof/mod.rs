//! The attacks that docs/reliability.md tells of: a room for each of its sections. Every attack says how many cases it
//! ran, and the document may not claim more.

mod crash;
mod faults;
mod filesystem;
mod material;
mod secrets;
mod soak;
mod supply;

use std::path::Path;
use std::process::Command;

/// Whether attacks are to run in their long form, which takes hours, not minutes.
pub(crate) fn is_long() -> bool {
    std::env::var_os("CERTCTL_PROOF_LONG").is_some()
}

/// Says that the attack of this name withstood so many cases. The document has to tell of it, and may claim no more.
#[track_caller]
pub(crate) fn held(attack: &str, cases: usize) {
    eprintln!("{attack}: {cases} cases, 0 failures");
    let rows = rows();
    let row = rows.iter().find(|row| row.attack == attack);
    let row = row.unwrap_or_else(|| panic!("docs/reliability.md does not tell of {attack} ({cases} cases)"));
    assert!(cases >= row.cases, "{attack}: {cases} cases where docs/reliability.md claims {}", row.cases);
}

/// A row of the document's tables: promise, attack, cases, failures, the test.
struct Row {
    /// The test's name under `proof::`.
    attack: String,
    cases: usize,
    failures: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let [_, _, cases, failures, test] =
            line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect::<Vec<_>>()[..]
        else {
            return None;
        };
        let attack = test.trim_matches('`').strip_prefix("proof::")?.to_owned();
        let cases = cases.replace(',', "").parse().unwrap_or_else(|_| panic!("`{cases}` in {line}"));
        Some(Row { attack, cases, failures: failures.to_owned() })
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_document_names_tests_that_there_are() {
    let output = Command::new(std::env::current_exe().unwrap()).args(["--list", "--format=terse"]).output().unwrap();
    let tests = String::from_utf8(output.stdout).unwrap();
    let rows = rows();

    for row in rows {
        assert!(tests.lines().any(|line| line == format!("proof::{}: test", row.attack)), "no test {}", row.attack);
        assert_eq!(row.failures, "0", "{}", row.attack);
    }
}
