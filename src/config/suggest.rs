//! The word that was meant.

use strsim::damerau_levenshtein;

/// Longer words are not looked at: nothing that there is to write is as long.
const LONGEST: usize = 64;

/// The word of `words` that `wrong` is likely a slip of.
#[must_use]
pub fn nearest<'a, S: AsRef<str>>(wrong: &str, words: &'a [S]) -> Option<&'a str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let wrong = wrong.to_lowercase().replace(['-', ' '], "_");
    let distance = |word: &str| damerau_levenshtein(&wrong, &word.replace('-', "_"));
    let near = words.iter().map(AsRef::as_ref).map(|word| (distance(word), word));
    // One slip in three characters, and always one; but not a whole word.
    let near = near.filter(|(slips, word)| *slips <= (word.len() / 3).max(1) && *slips < word.len());
    let mut near: Vec<_> = near.collect();
    near.sort_unstable();
    near.dedup();
    match near[..] {
        // Of two that are as near, neither is more likely.
        [(first, _), (second, _), ..] if first == second => None,
        [(_, word), ..] => Some(word),
        [] => None,
    }
}

/// `a, b or c`
pub(super) fn listed<S: AsRef<str>>(words: &[S]) -> String {
    let mut words: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    words.sort();
    words.dedup();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_seen_and_strangers_are_not() {
        let words = ["warn_before", "key_mode", "tencent", "pkcs12-legacy", "dir", "api"];
        for (wrong, meant) in [
            ("warn-before", Some("warn_before")),
            ("warnbefore", Some("warn_before")),
            ("keymode", Some("key_mode")),
            ("Tencent", Some("tencent")),
            ("tecnent", Some("tencent")),
            ("pkcs12_legacy", Some("pkcs12-legacy")),
            ("dirs", Some("dir")),
            ("di", Some("dir")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, &words), meant, "{wrong}");
        }
        assert_eq!(nearest("v1", &["v2", "v3"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), &words), None);
    }
}
