//! What differs from run to run, and is no mistake in a document: times, ports, fingerprints, and ids at the clouds.

use std::collections::{BTreeMap, BTreeSet};

/// What of a line counts by its form alone; `#` stands for a digit, `%` for a hexadecimal one.
const SHAPES: [&str; 10] = [
    "########T######Z-%%%%%%%%",
    "####-##-##T##:##:##Z",
    "####-##-##T##:##:##.######Z",
    "####-##-## ##:##:##",
    "####-##-##",
    "%%%%%%%%-%%%%-%%%%-%%%%-%%%%%%%%%%%%",
    "127.0.0.1:#####",
    "localhost:#####",
    "certctl #.#.#",
    "%%%%%%%%%%%%%%%%",
];

/// Which id of the sandbox an id in the document stands for; the same everywhere in the document.
pub(super) type Ids = BTreeMap<String, String>;

/// Whether what a document shows is what was printed. A line `...` stands for any lines, `[..]` for any text in a line.
pub(super) fn lines(told: &[&str], real: &[&str], known: &BTreeSet<String>, ids: &mut Ids) -> bool {
    match (told.split_first(), real.split_first()) {
        (None, first) => first.is_none(),
        (Some((&"...", rest)), _) => (0..=real.len()).any(|count| lines(rest, &real[count..], known, ids)),
        (Some(_), None) => false,
        (Some((told, more)), Some((real, rest))) => {
            let mut learned = ids.clone();
            let agree = line(told, real, known, &mut learned) && lines(more, rest, known, &mut learned);
            if agree {
                *ids = learned;
            }
            agree
        }
    }
}

fn line(told: &str, real: &str, known: &BTreeSet<String>, ids: &mut Ids) -> bool {
    let words = |line| str::split(line, |c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    if words(told).count() == words(real).count() {
        for (told, real) in words(told).zip(words(real)) {
            let is_free = !ids.contains_key(told) && !ids.values().any(|taken| taken == real);
            if told != real && told.len() == real.len() && known.contains(real) && is_free {
                ids.insert(told.to_owned(), real.to_owned());
            }
        }
    }
    let told = really(told, ids);
    let (told, real) = (shape(told.trim_end()), shape(real.trim_end()));
    let Some((start, elided)) = told.split_once("[..]") else { return told == real };
    let Some(mut rest) = real.strip_prefix(start) else { return false };
    let (middle, last) = elided.rsplit_once("[..]").unwrap_or(("", elided));
    for part in middle.split("[..]") {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// With the sandbox's ids instead of the document's.
pub(super) fn really(text: &str, ids: &Ids) -> String {
    ids.iter().fold(text.to_owned(), |text, (told, real)| text.replace(told.as_str(), real))
}

/// The other way round.
pub(super) fn apparently(text: &str, ids: &Ids) -> String {
    ids.iter().fold(text.to_owned(), |text, (told, real)| text.replace(real.as_str(), told))
}

/// With the shape of everything that has one.
fn shape(line: &str) -> String {
    let mut shaped = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_start = !shaped.ends_with(|last: char| last.is_ascii_alphanumeric() || "#%".contains(last));
        let fitting = SHAPES.into_iter().find_map(|shape| Some((shape, end(shape, rest).filter(|_| is_start)?)));
        let (text, end) = fitting.unwrap_or_else(|| (&rest[..first.len_utf8()], first.len_utf8()));
        shaped.push_str(text);
        rest = &rest[end..];
    }
    shaped
}

/// Where what has this shape ends. The last shape is as long as there are hexadecimal digits.
fn end(shape: &str, text: &str) -> Option<usize> {
    let fits = |(expected, byte): (u8, u8)| match expected {
        b'#' => byte.is_ascii_digit(),
        b'%' => byte.is_ascii_hexdigit(),
        literal => literal == byte,
    };
    let is_whole = text.len() >= shape.len() && shape.bytes().zip(text.bytes()).all(fits);
    let more = text.bytes().skip(shape.len()).take_while(u8::is_ascii_hexdigit).count();
    let end = shape.len() + if SHAPES.last() == Some(&shape) { more } else { 0 };
    let is_cut = text.as_bytes().get(end).is_some_and(u8::is_ascii_alphanumeric);
    (is_whole && !is_cut).then_some(end)
}

#[test]
fn what_differs_from_run_to_run_is_alike_and_nothing_else() {
    let agree = |told: &str, real: &str| {
        let known = BTreeSet::from(["aB3dE5gH".to_owned(), "zY8xW7vU".to_owned()]);
        let told: Vec<_> = told.lines().collect();
        lines(&told, &real.lines().collect::<Vec<_>>(), &known, &mut Ids::new())
    };
    for (told, real) in [
        ("until 2027-02-18, certs", "until 2028-11-01, certs"),
        ("20261122T020304Z-9bfe606b", "20271122T120304Z-0bfe606c"),
        ("at 127.0.0.1:40000: no", "at 127.0.0.1:50123: no"),
        ("serial 00112233445566778899", "serial ffeeddccbbaa99887766554433"),
        ("id LtIaSxlb and LtIaSxlb", "id aB3dE5gH and aB3dE5gH"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("one [..] three [..]", "one two three four"),
        ("the end  ", "the end"),
    ] {
        assert!(agree(told, real), "{told} / {real}");
    }
    for (told, real) in [
        ("until 2027-02-18, certs", "till 2027-02-18, certs"),
        ("until 2027-02-18", "until 2027-02-18T00:00:00Z"),
        ("days 65", "days 66"),
        ("id LtIaSxlb and LtIaSxlb", "id aB3dE5gH and zY8xW7vU"),
        ("id LtIaSxlb", "no aB3dE5gH"),
        ("id LtIaSxlb", "id LtIaSxlc"),
        ("a\n...\nd", "a\nb\nc"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("one [..] three", "one two four"),
        ("one [..] three", "one two three four"),
    ] {
        assert!(!agree(told, real), "{told} / {real}");
    }
}
