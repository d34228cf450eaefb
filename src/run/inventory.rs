//! What accounts hold, and which of it is meant.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use super::select::{candidates, newest};
use crate::account::Account;
use crate::bundle::{Bundle, Requirements};
use crate::domain;
use crate::failure::Failure;
use crate::provider::{Certificate, Meaning, ProviderError};

/// The id of the newest certificate among `rows` that covers `wanted`.
///
/// What the listing leaves out is asked for, `jobs` certificates at a time: names where they are not complete, and
/// the start of validity where it decides.
///
/// # Errors
/// Those of the cloud, and [`Failure::NotCovered`].
pub async fn find(
    account: &Account,
    rows: &[Certificate],
    wanted: &str,
    now: Timestamp,
    jobs: usize,
) -> Result<String, Failure> {
    let candidates = candidates(rows, wanted, now);
    let several = candidates.len() > 1;
    let complete = |row| complete(account, row, wanted, now, several);
    let known: Vec<Option<Certificate>> = stream::iter(candidates).map(complete).buffered(jobs).try_collect().await?;
    // The description may tell of a start of validity that is still to come.
    let known: Vec<Certificate> = known.into_iter().flatten().filter(|row| row.is_usable(now)).collect();
    let Some(found) = newest(&known, wanted) else {
        let unusable = rows.iter().filter(|row| domain::covers(&row.domains, wanted)).count();
        return Err(Failure::NotCovered { domain: wanted.to_owned(), listed: rows.len(), unusable });
    };
    for other in known.iter().filter(|row| row.id != found.id) {
        tracing::info!("{wanted}: {} is taken, {} is older or does not cover it", found.id, other.id);
    }
    Ok(found.id.clone())
}

/// The row with all that the choice depends on: of a single candidate its names, of several their age as well.
async fn complete(
    account: &Account,
    row: Certificate,
    wanted: &str,
    now: Timestamp,
    several: bool,
) -> Result<Option<Certificate>, ProviderError> {
    let is_enough = |row: &Certificate| row.domains_complete && (row.not_before.is_some() || !several);
    if is_enough(&row) {
        return Ok(Some(row));
    }
    match describe(account, row).await? {
        Some(row) if !is_enough(&row) && domain::covers(&row.domains, wanted) => {
            look_inside(account, row, now).await.map(Some)
        }
        row => Ok(row),
    }
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
        // One certificate that the cloud keeps to itself must not stand in the way of all others.
        Err(error @ (ProviderError::Refused(_) | ProviderError::Nothing { .. }))
            if matches!(error.meaning(), None | Some(Meaning::NotDownloadable)) =>
        {
            tracing::warn!("{}: {error}; only what the listing tells of it is known", row.id);
            Ok(Some(row))
        }
        Err(error) => Err(error),
    }
}

/// The row with the start of validity that only the certificate itself tells: Huawei's older API names none.
async fn look_inside(account: &Account, row: Certificate, now: Timestamp) -> Result<Certificate, ProviderError> {
    let material = match account.cloud.download(&row.id).await {
        Ok(material) => material,
        // What is not handed out is not the newest that is.
        Err(ProviderError::Refused(_) | ProviderError::Nothing { .. }) => return Ok(row),
        Err(error) => return Err(error),
    };
    let bundle = Bundle::assemble(&material, &Requirements { now, domains: &[] });
    let not_before = bundle.ok().map(|bundle| bundle.leaf().not_before);
    Ok(Certificate { not_before, ..row })
}
