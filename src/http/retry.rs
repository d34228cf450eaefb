//! Tries again what may pass: exponential backoff with full jitter.

use std::time::Duration;

/// The first backoff is at most this long; each further one up to twice the one before.
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// No backoff of our own is longer.
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);
/// A server that asks for a longer wait is told no: the next run is the better time.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// What a failure says about another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would fail the same way.
    No,
    /// It may succeed.
    Soon,
    /// It may succeed once this time is over.
    After(Duration),
}

/// The tries that one call has left.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    used: u32,
    most: u32,
}

impl Retries {
    /// At most this many tries after the first.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self { used: 0, most }
    }

    /// How long to wait for the next try; `None` when there is none. `random` is from 0 to 1.
    pub fn next(&mut self, again: Again, random: f64) -> Option<Duration> {
        // Full jitter, any time up to the bound: many clients that failed together do not come back together.
        let bound = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(self.used)).min(LONGEST_BACKOFF);
        let backoff = bound.mul_f64(random);
        let wait = match again {
            Again::Soon => backoff,
            Again::After(wait) if wait <= LONGEST_RETRY_AFTER => wait.max(backoff),
            Again::No | Again::After(_) => return None,
        };
        if self.used >= self.most {
            return None;
        }
        self.used += 1;
        tracing::debug!("try {} of {} follows in {} ms", self.used, self.most, wait.as_millis());
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Again, Retries};

    #[test]
    fn the_bound_doubles_up_to_eight_seconds() {
        let mut retries = Retries::new(6);
        let waits: Vec<_> =
            std::iter::from_fn(|| retries.next(Again::Soon, 1.0)).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
        assert_eq!(Retries::new(1).next(Again::Soon, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn the_server_may_ask_for_a_minute_not_more() {
        let ask = |seconds| Retries::new(3).next(Again::After(Duration::from_secs(seconds)), 1.0);
        assert_eq!(ask(0), Some(Duration::from_millis(500)));
        assert_eq!(ask(60), Some(Duration::from_secs(60)));
        assert_eq!(ask(61), None);
    }

    #[test]
    fn none_left_or_no_use() {
        assert_eq!(Retries::new(0).next(Again::Soon, 1.0), None);
        assert_eq!(Retries::new(3).next(Again::No, 1.0), None);
    }
}
