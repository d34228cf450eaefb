//! The manual pages and the completion scripts in packaging/, which come from the program itself.
//!
//! `CERTCTL_RENEW=1 cargo test --test suite packaging` writes them anew.

mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Certctl;
use crate::oracle;

/// Every page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let mut root = certctl::cli::command();
    root.build();
    let mut commands = BTreeMap::new();
    add(&root, &mut commands);
    let names: Vec<String> = commands.keys().cloned().collect();
    commands.iter().map(|(name, command)| (format!("{name}.1"), page::page(command, name, &names))).collect()
}

fn add<'c>(command: &'c clap::Command, commands: &mut BTreeMap<String, &'c clap::Command>) {
    commands.insert(command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned(), command);
    page::shown(command).for_each(|command| add(command, commands));
}

/// All files of packaging/ that are made here.
fn made() -> BTreeMap<PathBuf, String> {
    let mut made: BTreeMap<PathBuf, String> =
        pages().into_iter().map(|(file, page)| (Path::new("man").join(file), page)).collect();
    for (shell, file) in [("bash", "certctl.bash"), ("zsh", "_certctl"), ("fish", "certctl.fish")] {
        let script = Certctl::with(Vec::new()).args(["completions", shell]).run().exits(0).stdout;
        made.insert(Path::new("completions").join(file), script);
    }
    made
}

#[test]
fn packaging_has_what_the_program_says() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let made = made();
    if std::env::var_os("CERTCTL_RENEW").is_some() {
        for (file, text) in &made {
            fs::create_dir_all(packaging.join(file).parent().unwrap()).unwrap();
            fs::write(packaging.join(file), text).unwrap();
        }
    }
    let stored = |folder: &str| {
        let entries = fs::read_dir(packaging.join(folder)).unwrap();
        entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name())).collect::<Vec<_>>()
    };
    let stored: BTreeMap<_, _> = ["man", "completions"]
        .into_iter()
        .flat_map(stored)
        .map(|file| (file.clone(), fs::read_to_string(packaging.join(&file)).unwrap()))
        .collect();
    let how = "run CERTCTL_RENEW=1 cargo test --test suite packaging";
    assert!(stored.keys().eq(made.keys()), "{how}: {:?} {:?}", stored.keys(), made.keys());
    for (file, text) in made {
        assert!(stored[&file] == text, "{} is not what the program says; {how}", file.display());
    }
}

#[test]
fn every_page_is_sound() {
    let directory = tempfile::tempdir().unwrap();
    let pages = pages();
    assert!(pages.contains_key("certctl.1") && pages.contains_key("certctl-config-init.1"), "{:?}", pages.keys());
    let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "\"EXAMPLES\"", "EXIT STATUS", "SEE ALSO"];
    for (file, page) in &pages {
        for section in sections {
            let heading = |line: &str| {
                line.strip_prefix(".SH ").is_some_and(|rest| rest.trim_matches('"') == section.trim_matches('"'))
            };
            assert!(page.lines().any(heading), "{file} has no {section}: {page}");
        }
        assert!(page.lines().all(|line| !line.is_empty()), "{file}: {page}");
        fs::write(directory.path().join(file), page).unwrap();
    }
    if !oracle::has("mandoc") {
        return;
    }
    for file in pages.keys() {
        let path = directory.path().join(file).display().to_string();
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", "warning", &path]).output().unwrap();
        let lint = String::from_utf8(lint.stdout).unwrap();
        // What is committed must not change by itself, so there is no date.
        let said: Vec<_> = lint.lines().filter(|line| !line.contains("missing date")).collect();
        assert!(said.is_empty(), "{said:#?}");
    }
    let path = directory.path().join("certctl-download.1").display().to_string();
    let shown = oracle::run("sh", &["-c", "mandoc -T ascii -O width=80 \"$0\" | col -b", &path]);
    let words = [
        "certctl-download",
        "--keystore-password-file FILE",
        "The longest that one try",
        "[default: 30s]",
        "k8s-secret",
        "certctl-list(1)",
    ];
    assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
}
