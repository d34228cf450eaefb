//! Results for people.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::provider::{Certificate, Description};
use crate::run::check;
use crate::run::outcome::{Outcome, Row};
use crate::text::one_line;

/// So many names of a certificate are shown; the others are counted.
const NAMES_SHOWN: usize = 3;
/// No cell is longer, in characters.
const LONGEST_CELL: usize = 120;

/// So many blanks are between two columns.
const BETWEEN: u16 = 2;

/// A line a certificate: provider, account, id, status, days left, end of validity, names. On a terminal of so many
/// `columns`, as it fits there.
#[must_use]
pub fn list(rows: &[(&str, &str, Certificate)], now: Timestamp, columns: Option<usize>) -> String {
    let mut table = table(&["PROVIDER", "ACCOUNT", "ID", "STATUS", "DAYS", "EXPIRES", "NAMES"]);
    if let Some(days) = table.column_mut(4) {
        days.set_cell_alignment(CellAlignment::Right);
    }
    for (provider, account, row) in rows {
        let days = row.days_left(now).map_or_else(|| "-".to_owned(), |days| days.to_string());
        let expires = row.not_after.map_or_else(|| "-".to_owned(), date);
        let cells = [provider, account, row.id.as_str(), row.status.as_str(), &days, &expires, &names(&row.domains)];
        table.add_row(cells.map(cell));
    }
    text(table, columns)
}

/// A line a fact.
#[must_use]
pub fn describe(provider: &str, account: &str, description: &Description, now: Timestamp) -> String {
    let row = &description.certificate;
    let time = |time: Option<Timestamp>| time.map(|time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    let facts = [
        ("Provider", Some(provider.to_owned())),
        ("Account", Some(account.to_owned())),
        ("Id", Some(row.id.clone())),
        ("Alias", row.alias.clone()),
        ("Common name", row.common_name.clone()),
        ("Domains", Some(row.domains.join(", "))),
        ("Status", Some(status(row))),
        ("Not before", time(row.not_before)),
        ("Not after", time(row.not_after)),
        ("Days left", row.days_left(now).map(|days| days.to_string())),
        ("Issuer", description.issuer.clone()),
        ("Serial", description.serial.clone()),
        ("SHA-1", description.fingerprint_sha1.clone()),
        ("SHA-256", description.fingerprint_sha256.clone()),
        ("Key", description.key_algorithm.clone()),
        ("Signature", description.signature_algorithm.clone()),
        ("Type", description.kind.clone()),
        ("Description", description.description.clone()),
    ];
    let line = |(name, value): (&str, Option<String>)| {
        value.filter(|value| !value.is_empty()).map(|value| format!("{name:<12} {}\n", one_line(&value, usize::MAX)))
    };
    facts.into_iter().filter_map(line).collect()
}

/// A line a certificate: outcome, name, id, end of validity, directory. On a terminal as in [`list`].
#[must_use]
pub fn run(rows: &[Row], columns: Option<usize>) -> String {
    let mut table = table(&["OUTCOME", "NAME", "ID", "EXPIRES", "PATH"]);
    for row in rows {
        let expires = row.not_after.map_or_else(|| "-".to_owned(), date);
        let path = row.path.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
        let (name, id) = (row.name.as_deref().unwrap_or("-"), row.id.as_deref().unwrap_or("-"));
        table.add_row([row.outcome.as_str(), name, id, &expires, &path].map(cell));
    }
    text(table, columns)
}

/// A line a certificate: state, name, days left, end of validity, directory or file. On a terminal as in [`list`].
#[must_use]
pub fn check(rows: &[check::Row], now: Timestamp, columns: Option<usize>) -> String {
    let mut table = table(&["STATE", "NAME", "DAYS", "EXPIRES", "PATH"]);
    if let Some(days) = table.column_mut(2) {
        days.set_cell_alignment(CellAlignment::Right);
    }
    for row in rows {
        let days = row.days_left(now).map_or_else(|| "-".to_owned(), |days| days.to_string());
        let expires = row.not_after.map_or_else(|| "-".to_owned(), date);
        let path = row.path.display().to_string();
        table.add_row([row.state().as_str(), &row.name, &days, &expires, &path].map(cell));
    }
    text(table, columns)
}

/// A line for each change; with `all`, for each certificate.
#[must_use]
pub fn changes(rows: &[Row], all: bool) -> String {
    let shown = rows.iter().filter(|row| row.outcome.is_change() || (all && row.failure.is_none()));
    let line = |row: &Row| {
        let until = row.not_after.map(|end| format!(", valid until {}", date(end))).unwrap_or_default();
        let path = row.path.as_ref().map(|path| format!(", {}", path.display())).unwrap_or_default();
        let outcome = match row.outcome {
            Outcome::WouldCreate => "would be created",
            Outcome::WouldUpdate => "would be updated",
            outcome => outcome.as_str(),
        };
        format!("{}: {outcome}{until}{path}", row.subject())
    };
    shown.map(|row| one_line(&line(row), usize::MAX) + "\n").collect()
}

fn status(row: &Certificate) -> String {
    match &row.provider_status {
        Some(word) => format!("{} ({word})", row.status.as_str()),
        None => row.status.as_str().to_owned(),
    }
}

fn names(domains: &[String]) -> String {
    let shown = domains.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match domains.len().saturating_sub(NAMES_SHOWN) {
        0 if shown.is_empty() => "-".to_owned(),
        0 => shown,
        more => format!("{shown} +{more}"),
    }
}

fn date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d").to_string()
}

fn cell(text: &str) -> String {
    one_line(text, LONGEST_CELL)
}

/// Columns with blanks between them and no lines, so that `awk` and `grep` have it easy.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for column in table.column_iter_mut() {
        column.set_padding((0, BETWEEN));
    }
    table
}

/// The table, whole. On a terminal that is too narrow for it, what stands in the last column is wrapped between words;
/// where even that does not fit, a line a cell, which the terminal may wrap: nothing is cut, and an id or a path can
/// still be copied.
fn text(mut table: Table, columns: Option<usize>) -> String {
    let widths: Vec<_> = table.column_max_content_widths().into_iter().map(usize::from).collect();
    let Some((last, others)) = widths.split_last() else { return String::new() };
    let taken: usize = others.iter().map(|width| width + usize::from(BETWEEN)).sum();
    let Some(columns) = columns.filter(|columns| taken + last > *columns) else { return lines(&table) };
    let words = table.row_iter().filter_map(|row| Some(row.cell_iter().last()?.content()));
    if taken + width(words.flat_map(|cell| cell.split(' ').map(str::to_owned).collect::<Vec<_>>())) > columns {
        return records(&table);
    }
    table.set_content_arrangement(ContentArrangement::Dynamic);
    // The blanks behind the last column are taken off.
    table.set_width(u16::try_from(columns + usize::from(BETWEEN)).unwrap_or(u16::MAX));
    for column in table.column_iter_mut().take(others.len()) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    lines(&table)
}

/// How wide the widest of these is on a terminal.
fn width(words: impl Iterator<Item = String>) -> usize {
    let mut table = Table::new();
    for word in words {
        table.add_row([word]);
    }
    table.column_max_content_widths().first().copied().map_or(0, usize::from)
}

fn lines(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A line a cell, behind its heading, and an empty line between two rows.
fn records(table: &Table) -> String {
    let cells = |row: &comfy_table::Row| row.cell_iter().map(comfy_table::Cell::content).collect::<Vec<_>>();
    let headings = table.header().map(cells).unwrap_or_default();
    let longest = headings.iter().map(String::len).max().unwrap_or_default();
    let record = |row: &comfy_table::Row| -> String {
        let lines = headings.iter().zip(cells(row));
        lines.map(|(heading, cell)| format!("{heading:<longest$}  {cell}\n")).collect()
    };
    table.row_iter().map(record).collect::<Vec<_>>().join("\n")
}
