//! The name of a version: when it was made and which leaf it holds, for example `20261122T020304Z-9bfe606b`.

use std::ffi::OsStr;
use std::fmt;
use std::iter;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

const TIME: &str = "%Y%m%dT%H%M%SZ";

/// How many of the fingerprint's digits a name shows.
const DIGITS: usize = 8;

/// A version's name. Names sort by the time in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VersionName(String);

impl VersionName {
    /// The name of a version made `now`, later than every one there is, even if the clock went back.
    pub(super) fn after(newest: Option<&Self>, now: Timestamp, fingerprint: &str) -> Self {
        let second = SignedDuration::from_secs(1);
        let next = newest.and_then(|newest| time_in(newest.as_str())?.checked_add(second).ok());
        Self::new(next.map_or(now, |next| next.max(now)), fingerprint)
    }

    fn new(time: Timestamp, fingerprint: &str) -> Self {
        // However the fingerprint is spelled: colons and capitals are passed over.
        let digits = fingerprint.chars().filter(char::is_ascii_hexdigit).chain(iter::repeat('0')).take(DIGITS);
        Self(format!("{}-{}", time.strftime(TIME), digits.collect::<String>().to_ascii_lowercase()))
    }

    /// `None` for what is not a version's name to the letter.
    pub(super) fn parse(text: &OsStr) -> Option<Self> {
        let text = text.to_str()?;
        let (_, digits) = text.split_once('-')?;
        Some(Self::new(time_in(text)?, digits)).filter(|name| name.0 == text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The time that a version's name begins with.
fn time_in(name: &str) -> Option<Timestamp> {
    let (time, _) = name.split_once('-')?;
    Some(DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::ffi::OsStr;

    use jiff::Timestamp;

    use super::VersionName;

    #[test]
    fn names_grow_even_if_the_clock_goes_back() {
        let noon: Timestamp = "2026-11-22T12:00:00.9Z".parse().unwrap();
        let first = VersionName::after(None, noon, "9B:FE:60:6B:11");
        assert_eq!(first.as_str(), "20261122T120000Z-9bfe606b");
        let second = VersionName::after(Some(&first), noon, "00112233");
        assert_eq!(second.as_str(), "20261122T120001Z-00112233");
        let third = VersionName::after(Some(&second), "2026-01-01T00:00:00Z".parse().unwrap(), "ffffffff");
        assert_eq!(third.as_str(), "20261122T120002Z-ffffffff");
        assert!(first < second && second < third);
        let later = VersionName::after(Some(&third), "2027-01-01T00:00:00Z".parse().unwrap(), "ffffffff");
        assert_eq!(later.as_str(), "20270101T000000Z-ffffffff");
    }

    #[test]
    fn only_the_exact_form_is_a_name() {
        assert!(VersionName::parse(OsStr::new("20261122T020304Z-9bfe606b")).is_some());
        for bad in [
            "",
            "20261122T020304Z",
            "20261122T020304Z-9bfe606",
            "20261122T020304Z-9bfe606b0",
            "20261122T020304Z-9BFE606B",
            "20261122T020304Z-9bfe60/b",
            "20261322T020304Z-9bfe606b",
            "20261122T250304Z-9bfe606b",
            "../../etc",
            ".new-20261122T020304Z-9bfe606b",
            " 0261122T020304Z-9bfe606b",
            "20261122t020304z-9bfe606b",
        ] {
            assert_eq!(VersionName::parse(OsStr::new(bad)), None, "{bad}");
        }
    }
}
