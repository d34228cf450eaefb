//! Fields as the clouds really send them: null, missing, a number for a text, a text for a number.
//!
//! Reading one never fails. With `#[serde(default)]` on a struct of them, no reply of the right outline does.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::bundle::Material;

/// The clouds' own time zone, in which times without a zone are.
const BEIJING: Offset = Offset::constant(8);
/// Counts of seconds from here on are really milliseconds: as seconds this is the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

/// A text; also a number or a truth value, as text. Blank is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Option<String>);

/// A count; also one that is written as text. Negative is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) Option<u64>);

/// Host names: a list of texts, or one text with `;` or `,` between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

/// A time: RFC 3339, or date and time of day in UTC+8, or Unix seconds or milliseconds. Unreadable is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Time(pub(super) Option<Timestamp>);

/// A list of which any row, and the list itself, may be null. `None` where there is no list at all.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rows(pub(super) Option<Vec<Value>>);

/// The fields that hold key and certificates, under their names; `None` where all are empty.
#[must_use]
pub(super) fn material<const N: usize>(fields: [(&'static str, Text); N]) -> Option<Material> {
    let add = |material: Material, (name, text): (&'static str, Text)| material.with(name, text.0.unwrap_or_default());
    Some(fields.into_iter().fold(Material::default(), add)).filter(|material| !material.is_empty())
}

/// Reads a struct of such fields; what is not an object reads as one without members.
#[must_use]
pub(super) fn read<T: DeserializeOwned + Default>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_default()
}

impl Text {
    /// The text or, where there is none, the empty one.
    #[must_use]
    pub(super) fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(text(value)))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(text(value).and_then(|text| text.trim().parse().ok())))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = match Value::deserialize(deserializer)? {
            Value::Array(values) => values.into_iter().filter_map(text).collect(),
            value => text(value).map_or_else(Vec::new, |text| text.split([';', ',']).map(str::to_owned).collect()),
        };
        let trimmed = names.iter().map(|name: &String| name.trim().to_owned());
        Ok(Self(trimmed.filter(|name| !name.is_empty()).collect()))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(time(value)))
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Array(rows) => Some(rows),
            Value::Null => Some(Vec::new()),
            _ => None,
        }))
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn time(value: Value) -> Option<Timestamp> {
    let text = text(value).filter(|text| !is_no_time(text.trim()))?;
    let time = parse_time(text.trim());
    if time.is_none() {
        tracing::warn!("`{}` is not a time; taken as not known", crate::text::one_line(&text, 40));
    }
    time
}

/// How the clouds write that there is no time yet: nothing to warn of, or every pending certificate would.
fn is_no_time(text: &str) -> bool {
    text == "--" || text.starts_with("0000-00-00")
}

fn parse_time(text: &str) -> Option<Timestamp> {
    if let Ok(count) = text.parse::<i64>() {
        let read = if count < MILLISECONDS_FROM { Timestamp::from_second } else { Timestamp::from_millisecond };
        return read(count).ok().filter(|_| count > 0);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let local: DateTime = text.parse().ok()?;
    local.to_zoned(TimeZone::fixed(BEIJING)).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Count, Names, Rows, Text, Time, read};

    #[test]
    fn any_shape_of_text_and_count() {
        for (value, want) in [
            (json!("a"), Some("a")),
            (json!(28), Some("28")),
            (json!(true), Some("true")),
            (json!(" "), None),
            (json!(null), None),
            (json!(["a"]), None),
            (json!({}), None),
        ] {
            assert_eq!(read::<Text>(value.clone()).0.as_deref(), want, "{value}");
        }
        for (value, want) in
            [(json!(7), Some(7)), (json!("7"), Some(7)), (json!(-1), None), (json!("x"), None), (json!(null), None)]
        {
            assert_eq!(read::<Count>(value.clone()).0, want, "{value}");
        }
    }

    #[test]
    fn lists_with_holes() {
        assert_eq!(read::<Names>(json!("a.example; b.example,,c.example")).0, ["a.example", "b.example", "c.example"]);
        assert_eq!(read::<Names>(json!(["a.example", null, "", 7])).0, ["a.example", "7"]);
        assert!(read::<Names>(json!(null)).0.is_empty());
        assert_eq!((read::<Rows>(json!("*")).0, read::<Rows>(json!(null)).0), (None, Some(Vec::new())));
        assert_eq!(read::<Rows>(json!([null, 1])).0.map(|rows| rows.len()), Some(2));
    }

    #[test]
    fn every_way_to_write_a_time() {
        for (value, want) in [
            (json!("2021-05-27 16:46:25.0"), Some("2021-05-27T08:46:25Z")),
            (json!("2024-01-02 08:00:00"), Some("2024-01-02T00:00:00Z")),
            (json!("2024-07-19T00:00:00Z"), Some("2024-07-19T00:00:00Z")),
            (json!("2024-07-19T08:00:00+08:00"), Some("2024-07-19T00:00:00Z")),
            (json!(1_634_817_600), Some("2021-10-21T12:00:00Z")),
            (json!("1634817600"), Some("2021-10-21T12:00:00Z")),
            (json!(1_634_817_600_000_i64), Some("2021-10-21T12:00:00Z")),
            (json!("0000-00-00 00:00:00"), None),
            (json!("--"), None),
            (json!("08:00:0"), None),
            (json!(0), None),
            (json!(""), None),
            (json!(null), None),
            (json!([]), None),
        ] {
            assert_eq!(read::<Time>(value.clone()).0.map(|time| time.to_string()).as_deref(), want, "{value}");
        }
    }
}
