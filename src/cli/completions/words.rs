//! Words as bash has them: quoted, and cut where bash cuts them.

/// Words without their quotes.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// The words, at least one: the last is the one at the cursor, empty after a blank.
    pub(super) words: Vec<String>,
    /// The quote in which the text ends.
    pub(super) open: Option<char>,
}

/// Takes a line apart, up to the cursor. Nothing in it is expanded, and nothing run.
pub(super) fn split(line: &str, open: Option<char>) -> Split {
    let (mut words, mut word, mut quote, mut is_begun) = (Vec::new(), String::new(), open, open.is_some());
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"'), '\\') => match rest.next_if(|next| "\"\\$`".contains(*next)) {
                Some(next) => word.push(next),
                None => word.push('\\'),
            },
            (None, '\\') => {
                is_begun = true;
                word.extend(rest.next());
            }
            (None, '\'' | '"') => (quote, is_begun) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if is_begun {
                    words.push(std::mem::take(&mut word));
                }
                is_begun = false;
            }
            (_, c) => {
                is_begun = true;
                word.push(c);
            }
        }
    }
    words.push(word);
    Split { words, open: quote }
}

/// A value as it can stand in a line, within the quote that is open there.
pub(super) fn quoted(value: &str, open: Option<char>) -> String {
    let is_special = |c: char| match open {
        Some('"') => "\"\\$`".contains(c),
        Some(_) => false,
        None => !(c.is_alphanumeric() || "-_./:@%+,=".contains(c)),
    };
    match open {
        Some('\'') => value.replace('\'', r"'\''"),
        _ => value.chars().flat_map(|c| is_special(c).then_some('\\').into_iter().chain([c])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, split};

    #[test]
    fn what_is_quoted_is_read_back() {
        for value in [
            "www.example.com",
            "*.example.com",
            "two words",
            "it's",
            "a\"b",
            "a$b`c\\d",
            "北京 生产",
            "~x",
            "a:b=c",
            "-x",
        ] {
            for open in [None, Some('\''), Some('"')] {
                let line =
                    format!("certctl list {}{}", open.map_or_else(String::new, String::from), quoted(value, open));
                let read = split(&line, None);
                assert_eq!((read.words.last().map(String::as_str), read.words.len()), (Some(value), 3), "{line}");
                assert_eq!(read.open, open, "{line}");
            }
        }
    }

    #[test]
    fn a_line_ends_in_the_word_at_the_cursor() {
        for (line, words) in [
            ("", &[""][..]),
            ("certctl ", &["certctl", ""]),
            ("certctl  list\t-p", &["certctl", "list", "-p"]),
            ("certctl -c 'a b' --account ''", &["certctl", "-c", "a b", "--account", ""]),
            (r"certctl -c a\ b'c d'", &["certctl", "-c", "a bc d"]),
            ("certctl $(reboot) `reboot` \"$HOME\"", &["certctl", "$(reboot)", "`reboot`", "$HOME"]),
            ("certctl a\\", &["certctl", "a"]),
        ] {
            assert_eq!(split(line, None).words, words, "{line}");
        }
    }
}
