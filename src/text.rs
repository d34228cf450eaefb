//! Text from outside, made fit to be shown.

use std::path::Path;

/// Whether a terminal acts on a character instead of showing it: control characters, and those that turn the reading
/// direction.
#[must_use]
pub fn is_acted_on(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` as one line of at most `longest` characters that no terminal acts on.
///
/// What comes from outside may hold line breaks, escape sequences and characters that turn the reading direction.
#[must_use]
pub fn one_line(text: &str, longest: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_acted_on(*c));
    let plain = plain.collect::<String>();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

/// A path on one line, whatever it is called. The empty one is the current directory.
#[must_use]
pub fn shown(path: &Path) -> String {
    let text = if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() };
    if text.chars().any(is_acted_on) { text.escape_debug().to_string() } else { text }
}

/// A word as a shell reads it back, for commands that are shown: what was read from a file may hold anything.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
