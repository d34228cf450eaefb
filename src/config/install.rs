//! The `install` list of a certificate: copies at fixed paths.

use std::path::Path;

use super::certificate::{Defaults, Taken};
use super::section::{Section, Text, shown};
use crate::format::{Format, Given};
use crate::store::{Install, Name};

pub(super) fn read(
    table: &Section<'_>,
    own: &Defaults,
    name: Option<&Name>,
    has_password: bool,
    taken: &mut Taken,
) -> Vec<Install> {
    // With a password of the user's own there is no file that tells it.
    let is_there = |given: &Given| !(has_password && given.name == "keystore.pass");
    let given: Vec<Given> =
        own.formats.iter().flat_map(|format| format.files()).filter(|given| is_there(given)).copied().collect();
    let home = own.dir.as_ref().zip(name).map(|(dir, name)| dir.join(name.as_str()));
    let tables = table.tables("install", |number| format!("{} of `install`", ordinal(number)));
    tables.iter().filter_map(|table| read_one(table, own, &given, home.as_deref(), taken)).collect()
}

fn read_one(
    table: &Section<'_>,
    own: &Defaults,
    given: &[Given],
    home: Option<&Path>,
    taken: &mut Taken,
) -> Option<Install> {
    for (key, what) in [("file", "name the file to copy"), ("to", "say where the copy goes")] {
        if !table.has(key) {
            table.missing(key, what);
        }
    }
    let file = table.text("file").and_then(|file| known(table, file, given));
    let text = table.text("to");
    let to = text.and_then(|to| table.path_of("to", to));
    let is_secret = file.is_some_and(|file| file.is_secret);
    let mode = if is_secret { table.secret_mode("mode") } else { table.mode("mode") };
    table.finish();
    let (file, to, Text { text, at }) = (file?, to?, text?);
    if text.ends_with('/') || to.file_name().is_none() {
        table.say(at, &format!("`to` is {}, a directory; add the copy's own name", shown(text)));
    } else if home.is_some_and(|home| to.starts_with(home)) {
        table.say(at, &format!("`to` is {}, inside the certificate's directory; choose another place", shown(text)));
    } else if let Some(first) = taken.paths.get(&to) {
        let line = table.context.problems.line(*first);
        table.say(at, &format!("`to` is {}, as on line {line}; two copies cannot share a path", shown(text)));
    }
    taken.paths.entry(to.clone()).or_insert(at);
    let default = if file.is_secret { own.key_mode } else { own.cert_mode };
    Some(Install { file: file.name.to_owned(), to, mode: mode.unwrap_or(default) })
}

/// The file of that name, if one of the certificate's formats gives it.
fn known(table: &Section<'_>, text: Text<'_>, given: &[Given]) -> Option<Given> {
    let of_any_format = Format::ALL.into_iter().find(|format| format.files().iter().any(|file| file.name == text.text));
    let is_given = given.iter().any(|file| file.name == text.text);
    match of_any_format {
        Some(format) if !is_given && format != Format::Pem => {
            let what = format!("`file` is {}, which is not written; add `{format}` to `formats`", shown(text.text));
            table.say(text.at, &what);
        }
        _ => {
            let names: Vec<_> = given.iter().map(|file| file.name).collect();
            table.word("file", text, &names)?;
        }
    }
    given.iter().find(|file| file.name == text.text).copied()
}

fn ordinal(number: usize) -> String {
    match number {
        1 => "the first".to_owned(),
        2 => "the second".to_owned(),
        3 => "the third".to_owned(),
        number => format!("number {number}"),
    }
}
