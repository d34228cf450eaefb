//! What the documents list is what there is: flags, keys, codes, links.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{documents, read, root};

/// The lines below a heading, down to the next one of any depth.
fn section<'t>(text: &'t str, heading: &str) -> Vec<&'t str> {
    let mut lines = text.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "no {heading}");
    lines.take_while(|line| !line.starts_with('#')).collect()
}

/// The first cells of the tables in these lines, without the headings.
fn first_cells<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let cells = |line: &&'t str| line.strip_prefix("| ")?.split(" | ").next();
    lines.iter().filter(|line| line.starts_with("| `")).filter_map(cells).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn help(command: &[&str]) -> String {
    let certctl = Command::new(env!("CARGO_BIN_EXE_certctl")).args(command).arg("--help").env_clear().output().unwrap();
    assert!(certctl.status.success(), "{command:?}");
    String::from_utf8(certctl.stdout).unwrap()
}

/// The flags that a help text has, as `-d, --dir DIR`.
fn flags(help: &str) -> BTreeSet<String> {
    // Deeper than this is text, which may begin a line with a flag as well.
    let is_flag =
        |line: &&str| line.starts_with("      --") || line.starts_with("  -") && line.get(4..8) == Some(", --");
    let plain = |line: &str| line.split("  ").next().unwrap_or_default().replace(['<', '>'], "").replace("...", "");
    let own = |flag: &String| !flag.ends_with("--help") && !flag.ends_with("--version");
    help.lines().filter(is_flag).map(str::trim).map(plain).filter(own).collect()
}

/// The subcommands that a help text has.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn usage_has_every_command_and_every_flag() {
    let usage = read("docs/usage.md");
    let told = |heading: &str| -> BTreeSet<String> {
        first_cells(&section(&usage, heading)).iter().flat_map(|cell| quoted(cell)).map(str::to_owned).collect()
    };
    let top = help(&[]);
    let everywhere = flags(&top);
    assert_eq!(told("## Everywhere"), everywhere);
    let names = commands(&top);
    assert!(names.len() > 6, "{names:?}");
    for name in names {
        let mut there = flags(&help(&[name]));
        let text = help(&[name]);
        for below in commands(&text) {
            there.append(&mut flags(&help(&[name, below])));
        }
        let there: BTreeSet<_> = there.difference(&everywhere).cloned().collect();
        assert_eq!(told(&format!("## {name}")), there, "{name}");
    }
}

#[test]
fn configuration_has_every_key() {
    let text = read("docs/configuration.md");
    let schema: Value = serde_json::from_str(&read("docs/schemas/certctl.config.v1.schema.json")).unwrap();
    let config = &schema["properties"]["config"]["properties"];
    let account = &config["accounts"]["additionalProperties"]["properties"];
    let certificate = &config["certificates"]["items"]["properties"];
    let keys = |value: &Value| -> BTreeSet<String> { value.as_object().unwrap().keys().cloned().collect() };
    let told = |heading: &str| -> BTreeSet<String> {
        first_cells(&section(&text, heading)).iter().flat_map(|cell| quoted(cell)).map(str::to_owned).collect()
    };
    let all = |from: &[&Value]| -> BTreeSet<String> { from.iter().flat_map(|value| keys(value)).collect() };
    let but = |mut set: BTreeSet<String>, words: &[&str]| {
        words.iter().for_each(|word| assert!(set.remove(*word), "{word}"));
        set
    };
    let and = |mut set: BTreeSet<String>, words: &[&str]| {
        set.extend(words.iter().map(ToString::to_string));
        set
    };
    // What every certificate has that does not say otherwise may stand at the top, too.
    let defaults = ["formats", "owner", "group", "key_mode", "cert_mode"];
    assert_eq!(told("## At the top"), and(but(keys(config), &["accounts", "certificates", "hooks"]), &defaults));
    assert_eq!(told("## Accounts"), keys(account));
    assert_eq!(told("## Certificates"), and(keys(certificate), &["account"]));
    assert_eq!(told("### install"), keys(&certificate["install"]["items"]["properties"]));
    assert_eq!(told("### kubernetes"), keys(&certificate["kubernetes"]["properties"]));
    assert_eq!(told("## Commands of the whole run"), all(&[&config["hooks"]["properties"]]));
}

/// The numbers that the heading of a code in docs/exit-codes.md stands for, by the names in the source.
fn exits() -> BTreeMap<String, String> {
    let source = read("src/failure/mod.rs");
    let body = source.split_once("pub enum Exit {").unwrap().1.split_once("\n}").unwrap().0;
    let pairs = body.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(" = "));
    pairs.map(|(name, number)| (name.to_owned(), number.to_owned())).collect()
}

#[test]
fn exit_codes_has_every_code_and_every_word() {
    let page = read("docs/exit-codes.md");
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    for heading in &headings {
        let numbers: Vec<&str> = heading[3..].split(':').next().unwrap().split(", ").collect();
        for number in numbers.into_iter().filter(|number| number.parse::<u8>().is_ok()) {
            let words = first_cells(&section(&page, heading));
            told.entry(number).or_default().extend(words.into_iter().flat_map(quoted));
        }
    }
    let exits = exits();
    let numbers: BTreeSet<&str> = exits.values().map(String::as_str).collect();
    assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), numbers);

    // Each word of the source, and the exit code beside it where there is one.
    let source = read("src/failure/verdict.rs");
    let mut words = BTreeSet::new();
    let pieces: Vec<&str> = source.split('"').collect();
    for (word, rest) in pieces.iter().skip(1).step_by(2).zip(pieces.iter().skip(2).step_by(2)) {
        let is_code = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if !is_code || rest.starts_with(".to_owned()") {
            continue;
        }
        words.insert(*word);
        let exit = rest.strip_prefix(", Exit::").or_else(|| rest.strip_prefix(", exit: Exit::"));
        if let Some(exit) = exit.map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap()) {
            let number = exits[exit].as_str();
            assert!(told[number].contains(word), "`{word}` is not told of with {number}");
        }
    }
    assert_eq!(told.values().flatten().copied().collect::<BTreeSet<_>>(), words);
    for name in ["run", "list", "check"] {
        let schema: Value =
            serde_json::from_str(&read(&format!("docs/schemas/certctl.{name}.v1.schema.json"))).unwrap();
        let mut listed = BTreeSet::new();
        collect_codes(&schema, &mut listed);
        let unknown: Vec<_> = listed.iter().filter(|word| !words.contains(word.as_str())).collect();
        assert!(name == "check" || unknown.is_empty(), "{name}: {unknown:?}");
        let missing: Vec<_> = words.iter().filter(|word| !listed.contains(**word)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?}");
    }
}

/// The words that a schema has for `code`, at any depth.
fn collect_codes(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            let examples = map.get("code").and_then(|code| code.get("examples")).and_then(Value::as_array);
            found.extend(examples.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| collect_codes(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_codes(item, found)),
        _ => {}
    }
}

/// Where a heading's link leads, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for document in documents() {
        let text = read(&document);
        let prose: String = text.split("```").step_by(2).collect();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let from = Path::new(&document);
            let path = if file.is_empty() { from.to_owned() } else { from.parent().unwrap().join(file) };
            let target = root().join(&path);
            assert!(target.exists(), "{document}: {link}");
            if let Some(heading) = heading {
                let text = std::fs::read_to_string(target).unwrap();
                let prose: String = text.split("```").step_by(2).collect();
                let is_there = prose.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
                assert!(is_there, "{document}: {link}");
            }
            followed += 1;
        }
    }
    assert!(followed > 60, "{followed}");
}
