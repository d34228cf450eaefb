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

/// Whether a word of the text is rather an access key, a secret or a token than a name: long, without dots and hyphens,
/// of letters and digits. A message does not repeat it, wherever the user has put it by mistake.
#[must_use]
pub fn may_be_secret(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || c == '$').any(is_like_key)
}

fn is_like_key(text: &str) -> bool {
    const SHORTEST: usize = 20;
    let is_upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_variable = text.matches('_').count() > 1 && text.bytes().all(is_upper);
    text.len() >= SHORTEST
        && !is_variable
        && !text.starts_with('/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// What stands for it then.
pub const HIDDEN: &str = "***";

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

#[cfg(test)]
mod tests {
    use super::may_be_secret;

    #[test]
    fn keys_are_told_from_names() {
        let keys =
            ["JDC_453AEA8C5F95C0FCDF5C3C63D057", "0cdeef3d078e41ea23877f20df86b3e5", "Gu5t9xGARNpq86cd98joQYCN3=/+"];
        assert!(keys.iter().all(|text| may_be_secret(text)));
        let names = [
            "HUAWEICLOUD_SDK_SECURITY_TOKEN_2",
            "www.very-long-name-2026.example.com",
            "production-account-2026",
            "/etc/certctl/accounts/tx2.key",
            "scs1554192131150",
            "anextraordinarilylongname",
            "a sentence with the number 1",
        ];
        assert!(!names.iter().any(|text| may_be_secret(text)));
    }
}
