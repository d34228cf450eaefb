//! Which certificate is meant. Pure.

use jiff::Timestamp;

use crate::domain;
use crate::provider::Certificate;

/// What the user typed for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// An id.
    Id(String),
    /// A domain: the newest certificate that covers it.
    Domain(String),
}

impl Wanted {
    /// A text with a dot is a domain, any other an id.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.contains('.') { Self::Domain(text.to_owned()) } else { Self::Id(text.to_owned()) }
    }
}

/// The rows that may be the one for `domain`: usable at `now`, and covering it as far as the listing tells.
#[must_use]
pub fn candidates(rows: &[Certificate], domain: &str, now: Timestamp) -> Vec<Certificate> {
    let may_cover = |row: &&Certificate| !row.domains_complete || domain::covers(&row.domains, domain);
    rows.iter().filter(may_cover).filter(|row| row.is_usable(now)).cloned().collect()
}

/// How new a certificate is: by start of validity, then its end, then the id.
///
/// Lifetimes shrink, so that a renewal may well expire before the certificate that it replaces.
#[must_use]
pub fn age(not_before: Option<Timestamp>, not_after: Option<Timestamp>, id: &str) -> Age<'_> {
    (not_before, not_after, id)
}

/// Start of validity, its end, the id; the greater, the newer.
pub type Age<'a> = (Option<Timestamp>, Option<Timestamp>, &'a str);

/// The newest of the rows that cover `domain`.
#[must_use]
pub fn newest<'a>(rows: &'a [Certificate], domain: &str) -> Option<&'a Certificate> {
    let covering = rows.iter().filter(|row| domain::covers(&row.domains, domain));
    covering.max_by(|a, b| age(a.not_before, a.not_after, &a.id).cmp(&age(b.not_before, b.not_after, &b.id)))
}
