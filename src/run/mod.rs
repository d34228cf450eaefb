//! What the commands do.

pub mod check;
pub mod deliver;
pub mod inventory;
pub mod making;
pub mod outcome;
mod parcel;
pub mod rollback;
pub mod select;
pub mod sync;

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};

use crate::config::Config;
use crate::failure::Failure;
use crate::store;

/// Where a run's lock and what it remembers are: the first of the config's directories that can be written, or the
/// first of all, so that it says what is wrong.
#[must_use]
pub fn home(config: &Config) -> Option<PathBuf> {
    let is_writable = |dir: &&Path| store::is_writable(dir, &[]).is_ok();
    config.dirs().find(is_writable).or_else(|| config.dirs().next()).map(Path::to_owned)
}

/// Does `work` on each item, on `jobs` of them at the same time; the results are in the items' order.
///
/// A slow one holds up no other: the next begins as soon as any is done.
async fn in_order<T, U, F>(items: impl IntoIterator<Item = T>, jobs: usize, work: impl Fn(T) -> F) -> Vec<U>
where
    F: Future<Output = U>,
{
    let numbered = items.into_iter().enumerate().map(|(number, item)| {
        let work = work(item);
        async move { (number, work.await) }
    });
    let mut done: Vec<_> = stream::iter(numbered).buffer_unordered(jobs.max(1)).collect().await;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Runs `work` beside the reactor. A panic in it is a bug, and is told as one.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Failure::Bug))
}
