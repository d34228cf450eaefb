//! Reads one table: each key by its type, and at the end what is left over.
//!
//! A value of the wrong kind is noted as a mistake and then taken as missing, so that reading goes on.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::host::Host;
use super::problem::{At, Problems};
use super::suggest::{listed, nearest};
use crate::duration;
use crate::text::{HIDDEN, may_be_secret, one_line};

/// One table of the file.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// Where it begins.
    pub(super) at: At,
    /// What it is called in messages: empty for the whole file.
    title: String,
    /// The keys that have been asked for, which are those that there can be.
    known: RefCell<Vec<&'static str>>,
    pub(super) context: &'a Context<'a>,
}

/// What all tables of a file share.
pub(super) struct Context<'a> {
    pub(super) problems: &'a Problems,
    pub(super) host: &'a dyn Host,
    /// The first secret that stands in the file.
    pub(super) literal: Cell<Option<At>>,
}

/// A text and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    pub(super) at: At,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(table: &'a DeTable<'a>, context: &'a Context<'a>) -> Self {
        Self { table, at: At(0), title: String::new(), known: RefCell::default(), context }
    }

    fn new(table: &'a Spanned<DeValue<'a>>, title: String, context: &'a Context<'a>) -> Option<Self> {
        let at = At(table.span().start);
        match table.get_ref() {
            DeValue::Table(table) => Some(Self { table, at, title, known: RefCell::default(), context }),
            other => {
                context.problems.say(at, &format!("{title} is {}; it must be a table", kind(other)));
                None
            }
        }
    }

    pub(super) fn say(&self, at: At, what: &str) {
        self.context.problems.say(at, what);
    }

    /// Notes that `key` is not there but must be.
    pub(super) fn missing(&self, key: &str, what_to_do: &str) {
        self.say(self.at, &format!("{} has no `{key}`; {what_to_do}", self.title));
    }

    /// A key's value, whatever it is.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Where a key stands; the table's place if it does not.
    pub(super) fn at_key(&self, key: &str) -> At {
        self.table.get_key_value(key).map_or(self.at, |(key, _)| At(key.span().start))
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &'static str) -> Option<Text<'a>> {
        self.text_of(key, self.value(key)?)
    }

    pub(super) fn text_of(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Option<Text<'a>> {
        let at = At(value.span().start);
        let DeValue::String(text) = value.get_ref() else {
            self.say(at, &format!("`{key}` is {}; it must be a string, in quotes", kind(value.get_ref())));
            return None;
        };
        if text.trim().is_empty() || text.contains('\0') {
            self.say(at, &format!("`{key}` is blank or has a NUL character; write a value, or leave the key out"));
            return None;
        }
        Some(Text { text, at })
    }

    /// A list of texts, each not empty. An empty list is a mistake.
    pub(super) fn texts(&self, key: &'static str) -> Option<Vec<Text<'a>>> {
        let value = self.value(key)?;
        let at = At(value.span().start);
        match value.get_ref() {
            DeValue::Array(values) if values.is_empty() => {
                self.say(at, &format!("`{key}` is an empty list; fill it, or leave the key out"));
                None
            }
            DeValue::Array(values) => {
                let texts: Vec<_> = values.iter().map(|value| self.text_of(key, value)).collect();
                texts.into_iter().collect()
            }
            other => {
                self.say(at, &format!("`{key}` is {}; it must be a list of strings", kind(other)));
                None
            }
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn integer(&self, key: &'static str, least: u32, most: u32) -> Option<u32> {
        let value = self.value(key)?;
        let at = At(value.span().start);
        let must = format!("it must be a whole number from {least} to {most}");
        let DeValue::Integer(number) = value.get_ref() else {
            self.say(at, &format!("`{key}` is {}; {must}", kind(value.get_ref())));
            return None;
        };
        let found = read_integer(number).filter(|number| (least..=most).contains(number));
        if found.is_none() {
            self.say(at, &format!("`{key}` is {}; {must}", shown(number.as_str())));
        }
        found
    }

    /// A duration.
    pub(super) fn duration(&self, key: &'static str) -> Option<Duration> {
        let Text { text, at } = self.text(key)?;
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(what) => {
                self.say(at, &format!("`{key}` is {}; {what}", shown(text)));
                None
            }
        }
    }

    /// A path from the root: what is relative would depend on where certctl is started.
    pub(super) fn absolute_path(&self, key: &'static str) -> Option<PathBuf> {
        self.path_of(key, self.text(key)?)
    }

    pub(super) fn path_of(&self, key: &str, Text { text, at }: Text<'_>) -> Option<PathBuf> {
        let is_absolute = text.starts_with('/');
        if !is_absolute {
            self.say(at, &format!("`{key}` is {}, a relative path; write it from the root: /…", shown(text)));
        }
        is_absolute.then(|| Path::new(text).to_owned())
    }

    /// One of the words that there are.
    pub(super) fn word(&self, key: &str, Text { text, at }: Text<'_>, words: &[&'static str]) -> Option<&'static str> {
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            self.say(at, &format!("`{key}` is {}; {}", shown(text), advice(text, words)));
        }
        found
    }

    /// A table in this one.
    pub(super) fn table(&self, key: &'static str) -> Option<Self> {
        Self::new(self.value(key)?, format!("`{key}`"), self.context)
    }

    /// The tables of a table, with their names.
    pub(super) fn named_tables(&self, key: &'static str, title: impl Fn(&str) -> String) -> Vec<(Text<'a>, Self)> {
        let Some(section) = self.table(key) else { return Vec::new() };
        let named = section.table.iter().filter_map(|(name, value)| {
            let text: &'a str = name.get_ref();
            let table = Self::new(value, title(text), self.context)?;
            Some((Text { text, at: At(name.span().start) }, table))
        });
        named.collect()
    }

    /// The tables of a list; `title` calls each by its number, from 1.
    pub(super) fn tables(&self, key: &'static str, title: impl Fn(usize) -> String) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(values) = value.get_ref() else {
            let at = At(value.span().start);
            self.say(at, &format!("`{key}` is {}; it must be a list of tables", kind(value.get_ref())));
            return Vec::new();
        };
        let tables =
            values.iter().enumerate().filter_map(|(index, value)| Self::new(value, title(index + 1), self.context));
        tables.collect()
    }

    /// The same table under a name that is now known.
    pub(super) fn called(self, title: String) -> Self {
        Self { title, ..self }
    }

    /// Notes every key that was not asked for.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let place = if self.title.is_empty() { String::new() } else { format!(" in {}", self.title) };
            let what = format!("unknown key {}{place}; {}", shown(key.get_ref()), advice(key.get_ref(), &known));
            self.say(At(key.span().start), &what);
        }
    }
}

/// What to write instead of a wrong word.
pub(super) fn advice<S: AsRef<str>>(wrong: &str, words: &[S]) -> String {
    match nearest(wrong, words) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("it can be {}", listed(words)),
    }
}

/// A text from the file, for a message; a secret in the wrong place is not repeated.
pub(super) fn shown(text: &str) -> String {
    format!("`{}`", if may_be_secret(text) { HIDDEN.to_owned() } else { one_line(text, 80) })
}

/// What kind of value this is, in TOML's words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn read_integer(number: &DeInteger<'_>) -> Option<u32> {
    u32::from_str_radix(number.as_str(), number.radix()).ok()
}
