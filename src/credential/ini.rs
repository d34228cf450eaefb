//! INI files, read as Python's `configparser` reads them: the tools whose files these are stand on it.
//!
//! Own code rather than a crate: those there are cut values at `#` and `;`, or take backslashes for escapes, and
//! either may stand in a key.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::{CredentialError, SecretFile};

/// The values of an INI file, by section and key.
pub struct Ini<'a>(Sections<'a>);

type Sections<'a> = BTreeMap<&'a str, BTreeMap<String, Cow<'a, str>>>;

impl<'a> Ini<'a> {
    /// Reads `[section]`, `key = value` and `key: value`; comments are lines that start with `#` or `;`. One pair of
    /// quotes around a value is taken off.
    ///
    /// # Errors
    /// When a line is none of these, or has a key that its section has already.
    pub fn parse(file: &'a SecretFile) -> Result<Self, CredentialError> {
        parse(file.text()).map(Self).map_err(|(line, problem)| in_file(file.path(), line, problem))
    }

    /// The same with `%%` read as `%`, where the file's own tool writes it so.
    #[must_use]
    pub fn with_doubled_percent(mut self) -> Self {
        for value in self.0.values_mut().flat_map(BTreeMap::values_mut).filter(|value| value.contains("%%")) {
            *value = Cow::Owned(value.replace("%%", "%"));
        }
        self
    }

    /// The names of all sections, in alphabetical order.
    pub fn sections(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }

    /// A value. Sections are told by their exact name, keys whatever their case.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.0.get(section)?.get(&key.to_lowercase()).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Ini<'_> {
    /// Without the values: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ini").field("sections", &self.0.len()).finish_non_exhaustive()
    }
}

fn in_file(path: &Path, line: usize, problem: &'static str) -> CredentialError {
    CredentialError::Ini { path: path.to_owned(), line, problem }
}

fn parse(text: &str) -> Result<Sections<'_>, (usize, &'static str)> {
    let mut sections = Sections::new();
    let mut section = None;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let (name, _) = rest.split_once(']').ok_or((number, "a section's name has no end"))?;
            section = Some(sections.entry(name).or_default());
            continue;
        }
        let (key, value) =
            line.split_once(['=', ':']).ok_or((number, "neither a section, nor `key = value`, nor a comment"))?;
        let values = section.as_mut().ok_or((number, "a value before the first section"))?;
        if values.insert(key.trim().to_lowercase(), Cow::Borrowed(unquoted(value.trim()))).is_some() {
            return Err((number, "its section has this key already"));
        }
    }
    Ok(sections)
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::{Ini, parse};

    #[test]
    fn values() {
        let text = "; c\r\n[default]\r\n# c\r\n  Access_Key = a=b:c#d;e \r\nquoted: \"a b\"\nsingle='x'\nhalf=\"\nempty=\n\
                    percent=50%%\n[δ] ; a comment\nkey = ключ\n[default]\nmore = \\n";
        let values = parse(text).map(Ini);
        let Ok(ini) = values else { panic!("{values:?}") };
        for (section, key, value) in [
            ("default", "access_key", Some("a=b:c#d;e")),
            ("default", "quoted", Some("a b")),
            ("default", "single", Some("x")),
            ("default", "half", Some("\"")),
            ("default", "empty", Some("")),
            ("default", "percent", Some("50%%")),
            ("default", "MORE", Some("\\n")),
            ("δ", "key", Some("ключ")),
            ("DEFAULT", "more", None),
            ("default", "key", None),
        ] {
            assert_eq!(ini.get(section, key), value, "[{section}] {key}");
        }
        assert_eq!(ini.with_doubled_percent().get("default", "percent"), Some("50%"));
    }

    #[test]
    fn errors_name_the_line_and_never_its_text() {
        for (text, line) in [
            ("[default\nk=v", 1),
            ("[default]\nsecret", 2),
            ("\n\nk = v\n[default]", 3),
            ("[default]\nk = v\nK = w", 3),
            ("[a]\nk=v\n[b]\nk=v\n[a]\nk=v", 6),
        ] {
            assert_eq!(parse(text).map(|_| ()).map_err(|(line, _)| line), Err(line), "{text:?}");
        }
    }
}
