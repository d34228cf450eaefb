//! Durations as they are typed: `2s`, `30m`, `12h`, `14d`.

use std::time::Duration;

/// Seconds of each unit, the greatest first.
const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// Reads a whole number and its unit.
///
/// # Errors
/// What is wrong with the text, for people.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and its unit: 2s, 30m, 12h or 14d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let (seconds, _) = UNITS.iter().find(|(_, known)| *known == unit).ok_or_else(wrong)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let count: u64 = number.parse().map_err(|_| wrong())?;
    // A hundred years: no time that is added to it overflows.
    let in_range = |seconds: &u64| *seconds <= 36_525 * 86_400;
    let seconds = count.checked_mul(*seconds).filter(in_range).ok_or("this is more than a hundred years")?;
    Ok(Duration::from_secs(seconds))
}

/// The same, and not 0.
pub fn parse_positive(text: &str) -> Result<Duration, String> {
    parse(text).and_then(|time| if time.is_zero() { Err("write at least 1s".to_owned()) } else { Ok(time) })
}

/// Whole seconds, in the greatest unit that divides them: what [`parse`] reads.
#[must_use]
pub fn format(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let fits = |(unit, _): &&(u64, &str)| seconds != 0 && seconds.is_multiple_of(*unit);
    let (unit, name) = UNITS.iter().find(fits).unwrap_or(&(1, "s"));
    format!("{}{name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{format, parse, parse_positive};

    #[test]
    fn a_number_and_its_unit() {
        for (text, seconds) in [("2s", 2), ("30m", 1_800), ("12h", 43_200), ("14d", 1_209_600), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(format(Duration::from_secs(seconds)), text);
        }
        assert_eq!((parse_positive("1s"), parse_positive("0m").is_err()), (Ok(Duration::from_secs(1)), true));
        assert_eq!([format(Duration::from_secs(90)), format(Duration::from_secs(86_400))], ["90s", "1d"]);
        for text in ["", "s", "30", "1w", "-1s", "+1s", "1.5s", "1 s", "30分", "99999999999999999999d", "40000d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
