//! Walks a listing to its end, whatever the cloud's cap on a page.

use std::collections::HashSet;

use serde_json::Value;

use super::lenient::Rows;
use super::{Certificate, ProviderError};

/// A listing that goes on past this is one that never ends.
const MOST_PAGES: usize = 2_000;
/// And so is one that brings more than this: far more than any account holds, and few enough to keep in memory.
const MOST_CERTIFICATES: usize = 100_000;

/// Which page to ask for, in every way that a cloud may want it said.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageRequest {
    /// Counted from 1.
    pub(super) number: u64,
    /// Rows a page.
    pub(super) size: u64,
    /// Rows before it.
    pub(super) offset: u64,
}

/// What came.
pub(super) struct Page {
    /// The rows, nulls among them.
    pub(super) rows: Rows,
    /// How many rows there are on all pages, if the cloud says so.
    pub(super) total: Option<u64>,
}

/// All rows of a listing, each id once. It ends at the total, or at an empty page. A total that is less than what has
/// come is not believed: then it ends where nothing new comes.
///
/// A cloud that gives fewer rows than asked for has a cap; later pages are asked for in that size, so that
/// page numbers and rows agree however the cloud computes them.
///
/// # Errors
/// Those of `fetch`; [`ProviderError::Reply`] where there is no list; [`ProviderError::Paging`] at a page that brings
/// nothing new though more is promised; and [`ProviderError::Endless`].
pub(super) async fn collect<F>(
    operation: &'static str,
    size: u64,
    fetch: impl Fn(PageRequest) -> F,
    read: impl Fn(Value) -> Certificate,
) -> Result<Vec<Certificate>, ProviderError>
where
    F: Future<Output = Result<Page, ProviderError>>,
{
    let mut certificates = Vec::new();
    let mut seen = HashSet::new();
    let mut first_page = Vec::new();
    let mut request = PageRequest { number: 1, size, offset: 0 };
    for page in 1..=MOST_PAGES {
        let Page { rows: Rows(rows), total } = fetch(request).await?;
        let says_total = total.is_some();
        if rows.is_none() && total != Some(0) {
            let what = "without the list of certificates that the API promises".to_owned();
            return Err(ProviderError::Reply { operation, status: 200, what, request_id: None });
        }
        let rows = rows.unwrap_or_default();
        let count = rows.len() as u64;
        if count == 0 {
            if let Some(total) = total.filter(|total| *total > request.offset) {
                tracing::warn!("{operation}: {} of {total} certificates came, then an empty page", request.offset);
            }
            return Ok(certificates);
        }
        let known = seen.len();
        let mut ids = Vec::new();
        for row in rows {
            let Some(certificate) = read_row(operation, row, &read) else { continue };
            ids.push(certificate.id.clone());
            if seen.insert(certificate.id.clone()) {
                certificates.push(certificate);
            }
        }
        if seen.len() > MOST_CERTIFICATES {
            return Err(ProviderError::Endless { operation, pages: page });
        }
        let collected = request.offset + count;
        let total = total.filter(|total| collected <= *total);
        let is_new = seen.len() > known;
        // The first page once more: the cloud does not heed which one it is asked for.
        let repeats = page > 1 && !is_new && ids == first_page;
        if !repeats && total == Some(collected) {
            return Ok(certificates);
        }
        if !is_new {
            let promised = |promised| ProviderError::Paging { operation, page, collected: known, promised };
            return total.map_or(Ok(certificates), |total| Err(promised(total)));
        }
        // A cap shows only where there is more than came.
        let size = if page == 1 && says_total { size.min(count) } else { request.size };
        if page == 1 {
            first_page = ids;
        }
        request = PageRequest { number: request.number + 1, size, offset: collected };
    }
    Err(ProviderError::Endless { operation, pages: MOST_PAGES })
}

fn read_row(operation: &str, row: Value, read: impl Fn(Value) -> Certificate) -> Option<Certificate> {
    let certificate = Some(row).filter(Value::is_object).map(read).filter(|certificate| !certificate.id.is_empty());
    if certificate.is_none() {
        tracing::warn!("{operation}: a row that is null or has no id was passed over");
    }
    certificate
}
