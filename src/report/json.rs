//! Results for scripts. Each form is frozen under its schema's name: fields are added, never renamed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::provider::{Certificate, Description};
use crate::run::check;
use crate::run::outcome::Row;
use crate::text;

/// Indented, since people read it too, and with a final newline. Characters that a terminal acts on are escaped.
///
/// # Errors
/// Never for the documents of this module: they hold nothing that JSON cannot.
pub fn to_text(document: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    // JSON itself asks for this below U+0020 only, so outside of strings there is nothing but line ends.
    let acted_on = |c: char| c != '\n' && text::is_acted_on(c);
    if text.contains(acted_on) {
        let escape = |c: char| if acted_on(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        text = text.chars().map(escape).collect();
    }
    Ok(text + "\n")
}

/// `certctl.list/v1`
#[derive(Debug, Serialize)]
pub struct List<'a> {
    schema: &'static str,
    certificates: Vec<Listed<'a>>,
    errors: Vec<AccountFailure<'a>>,
}

/// `certctl.describe/v1`
#[derive(Debug, Serialize)]
pub struct Describe<'a> {
    schema: &'static str,
    certificate: Described<'a>,
}

/// `certctl.run/v1`
#[derive(Debug, Serialize)]
pub struct Run<'a> {
    schema: &'static str,
    started_at: String,
    finished_at: String,
    exit_code: u8,
    results: Vec<Delivered<'a>>,
    errors: Vec<RunFailure<'a>>,
}

/// `certctl.check/v1`
#[derive(Debug, Serialize)]
pub struct Check<'a> {
    schema: &'static str,
    checked_at: String,
    exit_code: u8,
    results: Vec<Checked<'a>>,
}

#[derive(Debug, Serialize)]
struct Checked<'a> {
    name: &'a str,
    path: String,
    ok: bool,
    state: &'static str,
    problems: Vec<Found<'a>>,
    not_after: Option<String>,
    days_left: Option<i64>,
    fingerprint_sha256: Option<&'a str>,
    provider: Option<&'a str>,
    account: Option<&'a str>,
    id: Option<&'a str>,
    version: Option<&'a str>,
    error: Option<Problem>,
}

/// Something that is wrong on disk or served.
#[derive(Debug, Serialize)]
struct Found<'a> {
    code: &'static str,
    message: String,
    hint: &'a str,
}

#[derive(Debug, Serialize)]
struct Listed<'a> {
    provider: &'a str,
    account: &'a str,
    id: &'a str,
    alias: Option<&'a str>,
    common_name: Option<&'a str>,
    domains: &'a [String],
    status: &'static str,
    provider_status: Option<&'a str>,
    not_before: Option<String>,
    not_after: Option<String>,
    days_left: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    issuer: Option<&'a str>,
    serial: Option<&'a str>,
    fingerprint_sha1: Option<&'a str>,
    fingerprint_sha256: Option<&'a str>,
    key_algorithm: Option<&'a str>,
    signature_algorithm: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
    description: Option<&'a str>,
    provider_fields: &'a Value,
}

#[derive(Debug, Serialize)]
struct AccountFailure<'a> {
    provider: &'a str,
    account: &'a str,
    #[serde(flatten)]
    problem: Problem,
}

/// What went wrong in a run and is no certificate's own; with the account that it is about, if any.
#[derive(Debug, Serialize)]
struct RunFailure<'a> {
    provider: Option<&'a str>,
    account: Option<&'a str>,
    #[serde(flatten)]
    problem: Problem,
}

#[derive(Debug, Serialize)]
struct Delivered<'a> {
    name: Option<&'a str>,
    provider: &'a str,
    account: &'a str,
    id: Option<&'a str>,
    outcome: &'static str,
    path: Option<String>,
    version: Option<&'a str>,
    not_after: Option<String>,
    fingerprint_sha256: Option<&'a str>,
    error: Option<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    code: &'static str,
    exit_code: u8,
    message: String,
    hint: Option<String>,
    request_id: Option<String>,
}

impl<'a> List<'a> {
    /// Of the certificates of each account, and of the accounts that failed.
    #[must_use]
    pub fn new(
        rows: &'a [(&'a str, &'a str, Certificate)],
        failures: &'a [(&'a str, &'a str, Failure)],
        now: Timestamp,
    ) -> Self {
        let listed = |(provider, account, row): &'a (&str, &str, Certificate)| Listed::new(provider, account, row, now);
        let failed =
            |(provider, account, failure): &'a (&str, &str, Failure)| AccountFailure::new(provider, account, failure);
        Self {
            schema: "certctl.list/v1",
            certificates: rows.iter().map(listed).collect(),
            errors: failures.iter().map(failed).collect(),
        }
    }
}

impl<'a> Describe<'a> {
    /// Of one certificate.
    #[must_use]
    pub fn new(provider: &'a str, account: &'a str, description: &'a Description, now: Timestamp) -> Self {
        let certificate = Described {
            listed: Listed::new(provider, account, &description.certificate, now),
            issuer: description.issuer.as_deref(),
            serial: description.serial.as_deref(),
            fingerprint_sha1: description.fingerprint_sha1.as_deref(),
            fingerprint_sha256: description.fingerprint_sha256.as_deref(),
            key_algorithm: description.key_algorithm.as_deref(),
            signature_algorithm: description.signature_algorithm.as_deref(),
            kind: description.kind.as_deref(),
            description: description.description.as_deref(),
            provider_fields: &description.provider_fields,
        };
        Self { schema: "certctl.describe/v1", certificate }
    }
}

impl<'a> Run<'a> {
    /// Of one run: what became of each certificate, and the accounts that failed.
    #[must_use]
    pub fn new(
        started_at: Timestamp,
        finished_at: Timestamp,
        exit: Exit,
        rows: &'a [Row],
        failures: &'a [(Option<&'a str>, Option<&'a str>, &'a Failure)],
    ) -> Self {
        let results = rows.iter().map(Delivered::new).collect();
        let failed = |(provider, account, failure): &(Option<&'a str>, Option<&'a str>, &Failure)| RunFailure {
            provider: *provider,
            account: *account,
            problem: Problem::of(failure),
        };
        Self {
            schema: "certctl.run/v1",
            started_at: rfc3339(started_at),
            finished_at: rfc3339(finished_at),
            exit_code: exit as u8,
            results,
            errors: failures.iter().map(failed).collect(),
        }
    }
}

impl<'a> Check<'a> {
    /// Of one check: what was found of each certificate.
    #[must_use]
    pub fn new(checked_at: Timestamp, exit: Exit, rows: &'a [check::Row]) -> Self {
        let results = rows.iter().map(|row| Checked::new(row, checked_at)).collect();
        Self { schema: "certctl.check/v1", checked_at: rfc3339(checked_at), exit_code: exit as u8, results }
    }
}

impl<'a> Checked<'a> {
    fn new(row: &'a check::Row, now: Timestamp) -> Self {
        let identity = row.identity.as_ref();
        let found = |problem: &'a check::Problem| Found {
            code: problem.code.as_str(),
            message: text::one_line(&problem.message, 2_000),
            hint: &problem.hint,
        };
        Self {
            name: &row.name,
            path: row.path.display().to_string(),
            ok: row.is_ok(),
            state: row.state().as_str(),
            problems: row.problems.iter().map(found).collect(),
            not_after: row.not_after.map(rfc3339),
            days_left: row.days_left(now),
            fingerprint_sha256: row.fingerprint_sha256.as_deref(),
            provider: identity.map(|identity| identity.provider.as_str()),
            account: identity.map(|identity| identity.account.as_str()),
            id: identity.map(|identity| identity.id.as_str()),
            version: row.version.as_deref(),
            error: row.failure.as_ref().map(Problem::of),
        }
    }
}

impl<'a> Listed<'a> {
    fn new(provider: &'a str, account: &'a str, row: &'a Certificate, now: Timestamp) -> Self {
        Self {
            provider,
            account,
            id: &row.id,
            alias: row.alias.as_deref(),
            common_name: row.common_name.as_deref(),
            domains: &row.domains,
            status: row.status.as_str(),
            provider_status: row.provider_status.as_deref(),
            not_before: row.not_before.map(rfc3339),
            not_after: row.not_after.map(rfc3339),
            days_left: row.days_left(now),
        }
    }
}

impl<'a> AccountFailure<'a> {
    fn new(provider: &'a str, account: &'a str, failure: &Failure) -> Self {
        Self { provider, account, problem: Problem::of(failure) }
    }
}

impl<'a> Delivered<'a> {
    fn new(row: &'a Row) -> Self {
        Self {
            name: row.name.as_deref(),
            provider: &row.provider,
            account: &row.account,
            id: row.id.as_deref(),
            outcome: row.outcome.as_str(),
            path: row.path.as_ref().map(|path| path.display().to_string()),
            version: row.version.as_deref(),
            not_after: row.not_after.map(rfc3339),
            fingerprint_sha256: row.fingerprint_sha256.as_deref(),
            error: row.failure.as_deref().map(Problem::of),
        }
    }
}

impl Problem {
    fn of(failure: &Failure) -> Self {
        Self {
            code: failure.code(),
            exit_code: failure.exit() as u8,
            message: text::one_line(&failure.to_string(), 2_000),
            hint: failure.hint(),
            request_id: failure.request_id().map(str::to_owned),
        }
    }
}

/// RFC 3339, UTC, whole seconds.
fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
