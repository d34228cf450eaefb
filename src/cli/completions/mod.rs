//! `certctl completions`, and what its scripts ask while somebody types.
//!
//! A script holds no words of certctl: it passes on what stands in the line, and gets everything that can follow, so
//! that all shells offer the same and none has to be renewed with certctl. Nothing is run and no cloud is asked for it,
//! and credentials are not touched. Whatever goes wrong, there is just nothing to offer.

mod place;
mod values;
mod words;

use std::ffi::OsString;

use clap::Command;

use self::place::{Place, Wanted};
use super::args::{CompleteArgs, Shell};
use crate::environment::Environment;
use crate::text::is_acted_on;

/// The script that makes a shell complete.
pub(super) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("certctl.bash"),
        Shell::Zsh => include_str!("certctl.zsh"),
        Shell::Fish => include_str!("certctl.fish"),
        Shell::Elvish => include_str!("certctl.elv"),
        Shell::Powershell => include_str!("certctl.ps1"),
    }
}

/// Something that the word at the cursor can become.
#[derive(Debug)]
struct Candidate {
    value: String,
    help: String,
}

impl Candidate {
    fn new(value: impl Into<String>, help: impl Into<String>) -> Self {
        Self { value: value.into(), help: help.into() }
    }
}

/// What a script gets: a line that says which paths can follow as well (`files`, `directories` or `none`), and a line for
/// each candidate, with a tab before what it means. For bash, that is what is to be inserted.
pub(super) fn complete(args: &CompleteArgs, root: &mut Command, environment: &Environment) -> String {
    root.build();
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let word = args.word.as_ref().map(text).unwrap_or_default();
    let Some(line) = &args.line else {
        let before: Vec<String> = args.words.iter().map(text).collect();
        let (paths, candidates) = candidates(&before, &word, root, environment);
        let line =
            |Candidate { value, help }: Candidate| if help.is_empty() { value } else { format!("{value}\t{help}") };
        return lines(paths, candidates.into_iter().map(line));
    };
    let words::Split { words, open } = words::split(&text(line), None);
    let (whole, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let (paths, candidates) = candidates(before.get(1..).unwrap_or_default(), whole, root, environment);
    // Bash replaces no more than what follows the last `=` or `:`.
    let replaced = words::split(&word, open).words.pop().unwrap_or_default();
    let kept = whole.strip_suffix(replaced.as_str()).map_or(0, str::len);
    let fitting = candidates.iter().map(|candidate| candidate.value.as_str()).filter(|value| value.starts_with(whole));
    lines(paths, fitting.filter_map(|value| Some(words::quoted(value.get(kept..)?, open))))
}

fn lines(paths: &str, candidates: impl Iterator<Item = String>) -> String {
    // A value with a line break or an escape sequence cannot be typed, and must not be shown.
    let fit = candidates.filter(|line| !line.contains(|c| c != '\t' && is_acted_on(c)));
    std::iter::once(paths.to_owned()).chain(fit).map(|line| line + "\n").collect()
}

fn candidates(
    before: &[String],
    word: &str,
    root: &Command,
    environment: &Environment,
) -> (&'static str, Vec<Candidate>) {
    let place = Place::after(before, root);
    match place.wanted(word) {
        Some(Wanted::Command) => ("none", commands(place.command)),
        Some(Wanted::Option) => ("none", options(&place, word)),
        Some(Wanted::Value(argument, prefix)) => {
            let (paths, mut candidates) = values::of(argument, &place, environment);
            // It would be taken for an option.
            let is_taken = prefix.is_empty() && !place.is_escaped;
            let is_listed = |candidate: &Candidate| prefix.split([',', '=']).any(|listed| listed == candidate.value);
            candidates.retain(|candidate| !(is_listed(candidate) || is_taken && candidate.value.starts_with('-')));
            candidates.iter_mut().for_each(|candidate| candidate.value.insert_str(0, &prefix));
            (paths, candidates)
        }
        None => ("none", Vec::new()),
    }
}

fn commands(command: &Command) -> Vec<Candidate> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    shown.map(|command| Candidate::new(command.get_name(), help(command.get_about()))).collect()
}

/// The long ones. A short one is offered to whoever has typed it, so that the shell goes on to its value.
fn options(place: &Place<'_>, word: &str) -> Vec<Candidate> {
    let possible = place.command.get_arguments().filter(|argument| !argument.is_hide_set() && place.can_take(argument));
    let offered = possible.flat_map(|argument| {
        let short = argument.get_short().map(|short| format!("-{short}")).filter(|short| short == word);
        let long = argument.get_long().map(|long| format!("--{long}"));
        short.into_iter().chain(long).map(|option| Candidate::new(option, help(argument.get_help())))
    });
    offered.collect()
}

/// Its first line.
fn help(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}
