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
use files::Held;

/// How many targets are looked at, and servers asked, at the same time.
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

/// Checks all targets; a row for each certificate, each path once, in the targets' order.
pub async fn check(targets: Vec<Target>, judge: Judge) -> Vec<Row> {
    let judge = Arc::new(judge);
    let one = |target: Target| {
        let judge = Arc::clone(&judge);
        async move {
            let work = move || Ok(look(&target, &judge));
            blocking(work).await
        }
    };
    let looked = in_order(targets, AT_ONCE, one).await;
    let rows = looked.into_iter().flat_map(|rows| rows.unwrap_or_else(|failure| vec![broken(failure)]));
    let mut seen = HashSet::new();
    rows.filter(|row| seen.insert(row.path.clone())).collect()
}

fn look(target: &Target, judge: &Judge) -> Vec<Row> {
    let mut looked = target.check(judge);
    for checked in &mut looked {
        if let Some(roots) = &judge.roots {
            served::trust(checked, roots, judge);
        }
        if let Some(server) = &judge.server {
            served::compare(checked, server, judge);
        }
    }
    looked.into_iter().map(|checked| checked.row).collect()
}

fn broken(failure: Failure) -> Row {
    Row::failed("certctl", std::path::PathBuf::new(), failure)
}
