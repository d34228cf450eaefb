//! Keeps to a cloud's published request rate.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Lets calls through one at a time, evenly spread: a burst at the start of a second would be refused as well.
#[derive(Debug)]
pub struct RateLimit {
    period: Duration,
    next: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// At most `per_second` calls a second, and a tenth fewer: what leaves evenly spread may bunch up on its way.
    /// 0 is taken as 1.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { period: Duration::from_millis(1_100) / per_second.max(1), next: Mutex::new(None) }
    }

    /// Waits for this caller's turn. Turns are first come, first served.
    pub async fn turn(&self) {
        // Held while waiting, so that the next turn is counted from when this one really was: had turns been given
        // out beforehand, a process that was held up would then take all that it has missed at once.
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        *next = Some(Instant::now() + self.period);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::Instant;

    use super::RateLimit;

    #[tokio::test]
    async fn turns_that_were_missed_are_not_made_up_for() {
        let limit = RateLimit::new(100);
        let turn = async || {
            limit.turn().await;
            Instant::now()
        };
        let held_up = async {
            tokio::time::sleep(Duration::from_millis(15)).await;
            std::thread::sleep(Duration::from_millis(60));
        };
        let turns = futures_util::future::join(join_all((0..8).map(|_| turn())), held_up).await.0;
        let gaps: Vec<_> = turns.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap >= Duration::from_millis(10)), "{gaps:?}");
    }
}
