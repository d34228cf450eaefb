//! What accounts hold, and which of it is meant.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use thiserror::Error;

use super::account::Account;
use super::select::{candidates, newest};
use crate::provider::{Certificate, Meaning, ProviderError};

/// No certificate is the one that was asked for.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("no issued, in-date certificate covers `{domain}` ({rows} listed, {passed_over} of them cover it but cannot be used)")]
pub struct NotCovered {
    /// The domain.
    pub domain: String,
    /// How many certificates the account has.
    pub rows: usize,
    /// How many cover it but are expired, not yet valid, revoked, pending or the like.
    pub passed_over: usize,
}

/// The id of the newest certificate among `rows` that covers `domain`.
///
/// What the listing leaves out is asked for, `jobs` certificates at a time: names where they are not complete, and
/// the start of validity where it decides.
///
/// # Errors
/// Those of the cloud. The inner result is whether there is such a certificate.
pub async fn find(
    account: &Account,
    rows: &[Certificate],
    domain: &str,
    now: Timestamp,
    jobs: usize,
) -> Result<Result<String, NotCovered>, ProviderError> {
    let candidates = candidates(rows, domain, now);
    let several = candidates.len() > 1;
    let complete = |row: Certificate| async move {
        let is_enough = row.domains_complete && (row.not_before.is_some() || !several);
        if is_enough { Ok(Some(row)) } else { describe(account, row).await }
    };
    let known: Vec<Option<Certificate>> = stream::iter(candidates).map(complete).buffered(jobs).try_collect().await?;
    // The description may tell of a start of validity that is still to come.
    let known: Vec<Certificate> = known.into_iter().flatten().filter(|row| row.is_usable(now)).collect();
    let Some(found) = newest(&known, domain) else {
        let passed_over = rows.iter().filter(|row| crate::domain::covers(&row.domains, domain)).count();
        return Ok(Err(NotCovered { domain: domain.to_owned(), rows: rows.len(), passed_over }));
    };
    for other in known.iter().filter(|row| row.id != found.id) {
        tracing::info!("{domain}: {} is taken, {} is older or does not cover it", found.id, other.id);
    }
    Ok(Ok(found.id.clone()))
}

/// The row with what only the description tells; `None` if the certificate is gone by now.
async fn describe(account: &Account, row: Certificate) -> Result<Option<Certificate>, ProviderError> {
    match account.cloud.describe(&row.id).await {
        Ok(description) => {
            let told = description.certificate;
            let domains = if told.domains.is_empty() { row.domains } else { told.domains };
            let (not_before, not_after) = (told.not_before.or(row.not_before), told.not_after.or(row.not_after));
            Ok(Some(Certificate { domains, domains_complete: true, not_before, not_after, ..row }))
        }
        Err(error) if error.meaning() == Some(Meaning::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
