//! Text from outside, made fit to be shown.

/// `text` as one line of at most `longest` characters that no terminal acts on.
///
/// What comes from outside may hold line breaks, escape sequences and characters that turn the reading direction.
#[must_use]
pub fn one_line(text: &str, longest: usize) -> String {
    let harmless = |c: char| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = text.chars().filter(|c| harmless(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default()),
        None => words,
    }
}
