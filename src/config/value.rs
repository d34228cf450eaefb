//! The values that have a form of their own: secrets and where they are, commands, permission bits, users and groups.

use std::io;

use toml::Spanned;
use toml::de::DeValue;

use super::host::Program;
use super::model::{Command, Identity};
use super::problem::At;
use super::section::{Section, Text, kind, shown};
use crate::credential::SecretSource;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    /// It may stand in the config: it is no secret.
    Public,
    /// It may, if nobody else can read the config.
    Secret,
    /// It may not.
    Refused,
}

impl Section<'_> {
    /// A string, `{ env = "NAME" }` or `{ file = "/path" }`. No message repeats what could be a secret.
    pub(super) fn sourced(&self, key: &'static str, literal: Literal) -> Option<SecretSource> {
        let value = self.value(key)?;
        let at = At(value.span().start);
        let must = if literal == Literal::Refused { "" } else { "a string, " };
        let must = format!(r#"write {must}{{ env = "NAME" }} or {{ file = "/path" }}"#);
        match value.get_ref() {
            DeValue::String(_) if literal == Literal::Refused => {
                self.say(at, &format!("`{key}` must not stand in the config; {must}"));
                None
            }
            DeValue::String(text) if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
                self.say(at, &format!("`{key}` is empty or holds a blank, a line break or a character outside ASCII; copy the value again"));
                None
            }
            DeValue::String(text) => {
                if literal == Literal::Secret && self.context.literal.get().is_none() {
                    self.context.literal.set(Some(at));
                }
                Some(SecretSource::Literal(text.as_ref().into()))
            }
            DeValue::Table(_) => self.source(key, &must),
            other => {
                self.say(at, &format!("`{key}` is {}; {must}", kind(other)));
                None
            }
        }
    }

    fn source(&self, key: &'static str, must: &str) -> Option<SecretSource> {
        let table = self.table(key)?;
        let (env, file) = (table.text("env"), table.absolute_path("file"));
        table.finish();
        match (env, file) {
            (Some(_), Some(_)) => table.say(table.at, &format!("`{key}` has both `env` and `file`; keep one")),
            (Some(Text { text, at }), None) if text.contains(['=', '$', ' ']) => {
                table.say(at, &format!("`env` is {}, which cannot name a variable; write its name alone", shown(text)));
            }
            (Some(Text { text, .. }), None) => return Some(SecretSource::Env(text.to_owned())),
            (None, Some(path)) => return Some(SecretSource::File(path)),
            // What else is in it has been told.
            (None, None) if !table.is_empty() => {}
            (None, None) => table.say(table.at, &format!("`{key}` says neither `env` nor `file`; {must}")),
        }
        None
    }

    /// A program with its arguments, which must be there to be run, or a line for the shell.
    pub(super) fn command(&self, key: &'static str) -> Option<Command> {
        let value = self.value(key)?;
        if let DeValue::String(_) = value.get_ref() {
            return self.text_of(key, value).map(|line| Command::Shell(line.text.to_owned()));
        }
        let must = "it must be a list of strings (program and arguments), or one string for /bin/sh";
        let at = At(value.span().start);
        let DeValue::Array(words) = value.get_ref() else {
            self.say(at, &format!("`{key}` is {}; {must}", kind(value.get_ref())));
            return None;
        };
        let words: Vec<_> = words.iter().map(|word| self.word_of_command(key, word)).collect();
        let words: Vec<Text<'_>> = words.into_iter().collect::<Option<_>>()?;
        let Some(program) = words.first() else {
            self.say(at, &format!("`{key}` is an empty list; name a program, or leave the key out"));
            return None;
        };
        self.runnable(key, program);
        Some(Command::Argv(words.iter().map(|word| word.text.to_owned()).collect()))
    }

    /// An argument may be empty; the program may not.
    fn word_of_command<'v>(&self, key: &str, word: &'v Spanned<DeValue<'v>>) -> Option<Text<'v>> {
        let at = At(word.span().start);
        match word.get_ref() {
            DeValue::String(text) if text.contains('\0') => {
                self.say(at, &format!("`{key}` has a NUL character; no argument can"));
                None
            }
            DeValue::String(text) => Some(Text { text, at }),
            other => {
                self.say(at, &format!("`{key}` has {} in its list; write every argument as a string", kind(other)));
                None
            }
        }
    }

    fn runnable(&self, key: &str, program: &Text<'_>) {
        let Text { text, at } = *program;
        if text.contains('/') && !text.starts_with('/') {
            let what = "a relative path; write it from the root, or a name that is in PATH";
            return self.say(at, &format!("`{key}`: {} is {what}", shown(text)));
        }
        if text.trim().is_empty() {
            return self.say(at, &format!("`{key}` names no program; let its first string be one"));
        }
        let place = if text.contains('/') { "" } else { " in PATH" };
        match self.context.host.program(text) {
            Program::Runnable => {}
            Program::Missing => {
                self.say(
                    at,
                    &format!("`{key}`: there is no program {}{place}; install it, or correct the name", shown(text)),
                );
            }
            Program::NotExecutable => {
                self.say(at, &format!("`{key}`: {} cannot be executed; run chmod +x on it", shown(text)));
            }
        }
    }

    /// Permission bits in octal, as text: `"0640"`.
    pub(super) fn mode(&self, key: &'static str) -> Option<u32> {
        let value = self.value(key)?;
        let at = At(value.span().start);
        let must = r#"write permission bits as a string of octal digits, for example "0640""#;
        let DeValue::String(text) = value.get_ref() else {
            self.say(at, &format!("`{key}` is {}; {must}", kind(value.get_ref())));
            return None;
        };
        let is_octal = matches!(text.len(), 3 | 4) && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
        let Some(mode) = u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o777) else {
            self.say(at, &format!("`{key}` is {}; {must}", shown(text)));
            return None;
        };
        if mode & 0o400 == 0 {
            self.say(at, &format!("`{key}` is {}: not even the owner could read the file; add 0400", shown(text)));
            return None;
        }
        Some(mode)
    }

    /// The permission bits of files that hold a secret: never for others.
    pub(super) fn secret_mode(&self, key: &'static str) -> Option<u32> {
        let mode = self.mode(key)?;
        if mode & 0o007 != 0 {
            let at = self.value(key).map_or(self.at, |value| At(value.span().start));
            let what = format!("`{key}` is `{mode:04o}`: everybody could use the private key; let the last digit be 0");
            self.say(at, &what);
            return None;
        }
        Some(mode)
    }

    /// A user that exists.
    pub(super) fn user(&self, key: &'static str) -> Option<Identity> {
        let name = self.text(key)?;
        self.identity(key, "user", name, self.context.host.user(name.text))
    }

    /// A group that exists.
    pub(super) fn group(&self, key: &'static str) -> Option<Identity> {
        let name = self.text(key)?;
        self.identity(key, "group", name, self.context.host.group(name.text))
    }

    /// A number that is no name stands for itself, as with chown.
    fn identity(&self, key: &str, what: &str, name: Text<'_>, found: io::Result<Option<u32>>) -> Option<Identity> {
        let Text { text, at } = name;
        // The greatest number means "leave as it is" to the system.
        let number = || text.parse().ok().filter(|id| *id != u32::MAX);
        match found.map(|found| found.or_else(number)) {
            Ok(Some(id)) => return Some(Identity { name: text.to_owned(), id }),
            Ok(None) => {
                self.say(at, &format!("`{key}`: there is no {what} {}; create it, or name another", shown(text)));
            }
            Err(reason) => {
                self.say(at, &format!("`{key}`: cannot look up the {what} {}: {reason}", shown(text)));
            }
        }
        None
    }
}
