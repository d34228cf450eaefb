//! Tables, on terminals of any width and in pipes.

use certctl::provider::Certificate;
use certctl::report::table::list;
use jiff::Timestamp;

/// Two accounts, one with a Chinese name; names of many widths.
fn table(columns: Option<usize>) -> String {
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let row = |id: &str, names: &[&str]| Certificate {
        domains: names.iter().map(ToString::to_string).collect(),
        not_after: Some("2027-01-31T00:00:00Z".parse().unwrap()),
        ..Certificate::new(id.to_owned())
    };
    let rows = [
        ("tencent", "tx", row("LtIaSxlb", &["www.example.com", "api.example.com", "例子.example.com", "more.example"])),
        ("huawei", "北京生产", row("scs1554192131150", &["*.shop.example.com"])),
    ];
    list(&rows, now, columns)
}

/// How many columns a terminal gives to a text of these tests.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() || c == '…' { 1 } else { 2 }).sum()
}

/// In a pipe, and where it fits: a line a row, whole, each column as wide as a terminal shows what is in it.
#[test]
fn columns_are_straight_with_chinese_names() {
    let whole = table(None);
    assert_eq!(table(Some(200)), whole);
    let lines: Vec<_> = whole.lines().collect();
    assert_eq!(lines.len(), 3, "{whole}");
    let before = |line: &str, word: &str| width(line.split_once(word).unwrap_or_else(|| panic!("{whole}")).0);
    for words in [[" ID", " LtIaSxlb", " scs15"], ["STATUS", "unknown", "unknown"], ["NAMES", "www.", "*.shop"]] {
        let at: Vec<_> = lines.iter().zip(words).map(|(line, word)| before(line, word)).collect();
        assert!(at.iter().all(|column| *column == at[0]), "{words:?} {at:?}\n{whole}");
    }
    assert!(lines[1].ends_with("www.example.com, api.example.com, 例子.example.com +1"), "{whole}");
}

/// Names are wrapped between words; where a word does not fit, each cell has a line. No word is ever cut.
#[test]
fn a_narrow_terminal_shows_all_of_it() {
    let words = |text: &str| {
        let mut words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        words.sort();
        words.dedup();
        words
    };
    let whole = table(None);
    let full = whole.lines().map(width).max().unwrap();
    for columns in 1..full {
        let narrow = table(Some(columns));
        assert_eq!(words(&narrow), words(&whole), "{columns}\n{narrow}");
        if narrow.starts_with("PROVIDER  ACCOUNT") {
            assert!(narrow.lines().all(|line| width(line) <= columns), "{columns}\n{narrow}");
            assert!(narrow.lines().count() > 3, "{columns}\n{narrow}");
        }
    }
    assert!(table(Some(full - 1)).starts_with("PROVIDER  ACCOUNT   ID "), "{}", table(Some(full - 1)));
    let records = table(Some(40));
    assert!(records.starts_with("PROVIDER  tencent\nACCOUNT   tx\nID        LtIaSxlb\n"), "{records}");
    assert!(records.contains("+1\n\nPROVIDER  huawei\nACCOUNT   北京生产\n"), "{records}");
}
