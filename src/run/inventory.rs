//! What accounts hold, and which of it is meant.

use jiff::Timestamp;
use secrecy::SecretString;

use super::in_order;
use super::select::{candidates, newest};
use crate::account::Account;
use crate::bundle::{Bundle, Requirements};
use crate::domain;
use crate::failure::{Exit, Failure};
use crate::provider::{Certificate, Meaning, ProviderError};

/// Every certificate of an account; where a domain matters, with all names of each, `jobs` of them asked at a time.
///
/// # Errors
/// Those of the cloud.
pub async fn list(account: &Account, names_matter: bool, jobs: usize) -> Result<Vec<Certificate>, ProviderError> {
    let rows = account.cloud.list().await?;
    if !names_matter {
        return Ok(rows);
    }
    let complete =
        |row: Certificate| async { if row.domains_complete { Ok(Some(row)) } else { describe(account, row).await } };
    let rows: Vec<Option<Certificate>> = in_order(rows, jobs, complete).await.into_iter().collect::<Result<_, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// The id of the newest certificate among `rows` that covers `wanted`.
///
/// What the listing leaves out is asked for, `jobs` certificates at a time: names where they are not complete, and
/// the start of validity where it decides. Only the certificate itself may tell that, and `passwords` open it if it is in
/// a key store.
///
/// # Errors
/// Those of the cloud, and [`Failure::NotCovered`].
pub async fn find(
    account: &Account,
    rows: &[Certificate],
    wanted: &str,
    passwords: &[SecretString],
    now: Timestamp,
    jobs: usize,
) -> Result<String, Failure> {
    let candidates = candidates(rows, wanted, now);
    let several = candidates.len() > 1;
    let known = in_order(candidates, jobs, |row| complete(account, row, wanted, passwords, now, several)).await;
    let known: Vec<Option<Certificate>> = known.into_iter().collect::<Result<_, _>>()?;
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
    passwords: &[SecretString],
    now: Timestamp,
    several: bool,
) -> Result<Option<Certificate>, Failure> {
    let is_enough = |row: &Certificate| row.domains_complete && (row.not_before.is_some() || !several);
    if is_enough(&row) {
        return Ok(Some(row));
    }
    match describe(account, row).await? {
        Some(row) if !is_enough(&row) && domain::covers(&row.domains, wanted) => {
            look_inside(account, row, passwords, now).await.map(Some)
        }
        row => Ok(row),
    }
}

/// The row with what only the description tells; `None` if the certificate is gone by now.
pub(super) async fn describe(account: &Account, row: Certificate) -> Result<Option<Certificate>, ProviderError> {
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
pub(super) async fn look_inside(
    account: &Account,
    row: Certificate,
    passwords: &[SecretString],
    now: Timestamp,
) -> Result<Certificate, Failure> {
    let start = async || -> Result<Timestamp, Failure> {
        let material = account.cloud.download(&row.id).await?;
        Ok(Bundle::assemble(&material, &Requirements { now, domains: &[], passwords })?.leaf().not_before)
    };
    match start().await {
        Ok(not_before) => Ok(Certificate { not_before: Some(not_before), ..row }),
        // What is not handed out is not the newest that is; any other trouble may hide the newest.
        Err(failure) if failure.exit() == Exit::NoCertificate => {
            tracing::warn!("{}: {failure}; passed over", row.id);
            Ok(row)
        }
        Err(failure) => Err(failure),
    }
}
