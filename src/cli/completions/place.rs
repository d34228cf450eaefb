//! Where in a command line the cursor stands. Pure.

use clap::{Arg, Command};

/// What the words before the cursor say.
#[derive(Debug)]
pub(super) struct Place<'c> {
    /// The command that they name.
    pub(super) command: &'c Command,
    /// The values that arguments were given.
    given: Vec<(&'c Arg, String)>,
    /// The option that the next word is a value of.
    waiting: Option<&'c Arg>,
    /// How many positional words there were.
    positional: usize,
    /// Whether `--` has ended the options.
    pub(super) is_escaped: bool,
}

/// What the word at the cursor can become.
#[derive(Debug)]
pub(super) enum Wanted<'c> {
    /// A subcommand.
    Command,
    /// An option.
    Option,
    /// A value of this argument, behind the part of the word that it follows: `--account=`, say.
    Value(&'c Arg, String),
}

impl<'c> Place<'c> {
    /// Reads the words that stand before the cursor's; `root` must be built.
    pub(super) fn after(words: &[String], root: &'c Command) -> Self {
        let mut place = Self { command: root, given: Vec::new(), waiting: None, positional: 0, is_escaped: false };
        words.iter().for_each(|word| place.pass(word));
        place
    }

    fn pass(&mut self, word: &str) {
        if let Some(option) = self.waiting.take() {
            self.given.push((option, word.to_owned()));
        } else if self.is_escaped {
            self.pass_positional(word);
        } else if word == "--" {
            self.is_escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            self.pass_option(self.long(name), value);
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            self.pass_shorts(shorts);
        } else if let Some(command) = self.command.find_subcommand(word) {
            self.command = command;
        } else {
            self.pass_positional(word);
        }
    }

    /// `-qj4` is `-q -j 4`.
    fn pass_shorts(&mut self, shorts: &str) {
        for (at, short) in shorts.char_indices() {
            let option = self.command.get_arguments().find(|argument| argument.get_short() == Some(short));
            let rest = shorts.get(at + short.len_utf8()..).filter(|rest| !rest.is_empty());
            let takes_values = option.is_some_and(|option| option.get_action().takes_values());
            self.pass_option(option, rest.filter(|_| takes_values).map(|rest| rest.strip_prefix('=').unwrap_or(rest)));
            if takes_values {
                break;
            }
        }
    }

    fn pass_option(&mut self, option: Option<&'c Arg>, value: Option<&str>) {
        let Some(option) = option else { return };
        match value {
            None if option.get_action().takes_values() => self.waiting = Some(option),
            value => self.given.push((option, value.unwrap_or_default().to_owned())),
        }
    }

    fn pass_positional(&mut self, word: &str) {
        if let Some(argument) = self.next_positional() {
            self.given.push((argument, word.to_owned()));
        }
        self.positional += 1;
    }

    /// The positional argument that comes next: the last may be repeated.
    fn next_positional(&self) -> Option<&'c Arg> {
        let last = || self.command.get_positionals().last().filter(|last| is_repeated(last));
        self.command.get_positionals().nth(self.positional).or_else(last)
    }

    fn long(&self, name: &str) -> Option<&'c Arg> {
        self.command.get_arguments().find(|argument| argument.get_long() == Some(name))
    }

    /// What the word at the cursor can become.
    pub(super) fn wanted(&self, word: &str) -> Option<Wanted<'c>> {
        if let Some(option) = self.waiting {
            return Some(Wanted::Value(option, list_before(option, word)));
        }
        if let Some((name, value)) =
            word.strip_prefix("--").filter(|_| !self.is_escaped).and_then(|word| word.split_once('='))
        {
            let option = self.long(name)?;
            return Some(Wanted::Value(option, format!("--{name}={}", list_before(option, value))));
        }
        if word.starts_with('-') && !self.is_escaped {
            return Some(Wanted::Option);
        }
        match self.next_positional() {
            Some(argument) => Some(Wanted::Value(argument, String::new())),
            None if self.command.has_subcommands() && !self.is_escaped => Some(Wanted::Command),
            None => None,
        }
    }

    /// The last value that the argument of this id was given.
    pub(super) fn value(&self, id: &str) -> Option<&str> {
        let of_id = self.given.iter().rev().find(|(argument, _)| argument.get_id() == id);
        of_id.map(|(_, value)| value.as_str())
    }

    /// Whether this argument can be given once more.
    pub(super) fn can_take(&self, argument: &Arg) -> bool {
        is_repeated(argument) || !self.given.iter().any(|(given, _)| given.get_id() == argument.get_id())
    }

    /// Whether this value was given already.
    pub(super) fn has(&self, argument: &Arg, value: &str) -> bool {
        self.given.iter().any(|(given, known)| given.get_id() == argument.get_id() && known == value)
    }
}

fn is_repeated(argument: &Arg) -> bool {
    matches!(argument.get_action(), clap::ArgAction::Append | clap::ArgAction::Count)
}

/// Of `pem,der,pk`: `pem,der,`, if the option takes such a list.
fn list_before(option: &Arg, word: &str) -> String {
    let delimiter = option.get_value_delimiter();
    let end = delimiter.and_then(|delimiter| word.rfind(delimiter)).map_or(0, |at| at + 1);
    word.get(..end).unwrap_or_default().to_owned()
}
