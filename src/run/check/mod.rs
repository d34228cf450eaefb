//! What is on disk, and served, is looked at: complete, unharmed, in date. Nothing is written, locked, asked of a cloud
//! or run.

mod files;
mod own;
mod pem;
mod plain;
mod problem;
mod row;
mod served;
mod target;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use problem::{Code, Problem};
pub use row::{Row, State, exit};
pub use served::Server;
pub use target::Target;

use super::{blocking, in_order};
use crate::bundle::Certificate;
use crate::config::CertificateConfig;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::served::Roots;
use crate::stop::Stop;
use files::Held;
use target::Looked;

/// How many certificates are looked at, and servers asked, at the same time.
const AT_ONCE: usize = 16;

/// By what everything is judged.
pub struct Judge {
    /// The certificates of the config.
    pub certificates: Vec<Arc<CertificateConfig>>,
    /// Where the config's passwords may be.
    pub environment: Environment,
    /// The time now.
    pub now: Timestamp,
    /// How long a certificate is to be valid for, at least.
    pub within: Option<Duration>,
    /// The server that serves them.
    pub server: Option<Server>,
    /// The roots that they are to lead to.
    pub roots: Option<Roots>,
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge").field("now", &self.now).field("within", &self.within).finish_non_exhaustive()
    }
}

impl Judge {
    /// What is wrong with the certificate's dates; `path` is for the message.
    fn dates(&self, leaf: &Certificate, path: &str) -> Option<Problem> {
        let renew = "renew it, and let it be installed";
        let until = leaf.not_after;
        if self.now < leaf.not_before {
            let message = format!("{path}: the certificate is not valid before {}", leaf.not_before);
            return Some(Problem::new(Code::NotYetValid, message, "wait, or set the clock if it is wrong"));
        }
        if self.now > until {
            return Some(Problem::new(Code::Expired, format!("{path}: the certificate expired at {until}"), renew));
        }
        let within = SignedDuration::try_from(self.within?).unwrap_or(SignedDuration::MAX);
        let days = (until.as_second() - self.now.as_second()).div_euclid(86_400);
        let message = || format!("{path}: the certificate expires in {days} days, at {until}");
        (until.duration_since(self.now) <= within).then(|| Problem::new(Code::Expiring, message(), renew))
    }
}

/// A row, and the certificate that it is about, if that can be read.
#[derive(Debug)]
struct Checked {
    row: Row,
    held: Option<Held>,
}

impl From<Row> for Checked {
    fn from(row: Row) -> Self {
        Self { row, held: None }
    }
}

/// Checks all targets; a row for each certificate, each path once, in the targets' order. What is not done when the run
/// is to end failed for that reason.
pub async fn check(targets: Vec<Target>, judge: Judge, stop: &Stop) -> Vec<Row> {
    let judge = Arc::new(judge);
    let looked = in_order(targets, AT_ONCE, |target| look(target, &judge, stop)).await;
    let mut seen = HashSet::new();
    let looked = looked.into_iter().flatten().filter(|checked| seen.insert(checked.row.path.clone()));
    in_order(looked, AT_ONCE, |checked| compare(checked, &judge, stop)).await
}

/// What is on disk. A parent's directories are looked at beside each other, like targets.
async fn look(target: Target, judge: &Arc<Judge>, stop: &Stop) -> Vec<Checked> {
    let (name, path) = target.place();
    let of_target = Arc::clone(judge);
    let children = match beside(stop, move || target.look(&of_target)).await {
        Ok(Looked::Rows(rows)) => return rows,
        Ok(Looked::Parent(children)) => children,
        Err(failure) => return vec![Row::failed(name, path, failure).into()],
    };
    let one = async |child: PathBuf| {
        let (of_child, at) = (Arc::clone(judge), child.clone());
        let rows = beside(stop, move || target::child(&at, &of_child)).await;
        rows.unwrap_or_else(|failure| vec![Row::failed(target::named(&child), child, failure).into()])
    };
    let rows: Vec<_> = in_order(children, AT_ONCE, one).await.into_iter().flatten().collect();
    if rows.is_empty() { vec![target::nothing_in(name, path).into()] } else { rows }
}

/// What the system and the server say to it.
async fn compare(checked: Checked, judge: &Arc<Judge>, stop: &Stop) -> Row {
    let Checked { mut row, held } = checked;
    if judge.roots.is_none() && judge.server.is_none() {
        return row;
    }
    let Some(held) = held else { return row };
    let judge = Arc::clone(judge);
    let (problems, failure) = match beside(stop, move || served::judge(&held, &judge)).await {
        Ok(found) => found,
        Err(failure) => (Vec::new(), Some(failure)),
    };
    row.problems.extend(problems);
    row.failure = row.failure.or(failure);
    row
}

/// Does `work`, which blocks, unless the run is to end.
async fn beside<T: Send + 'static>(stop: &Stop, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    if let Some(signal) = stop.signal() {
        return Err(Failure::Stopped(signal));
    }
    let done = stop.unless_asked(blocking(move || Ok(work()))).await;
    done.unwrap_or_else(|| Err(Failure::Bug.unless_stopped(stop)))
}
