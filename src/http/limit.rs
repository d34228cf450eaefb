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
    /// At most `per_second` calls a second; 0 is taken as 1.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        Self { period: Duration::from_secs(1) / per_second.max(1), next: Mutex::new(None) }
    }

    /// Waits for this caller's turn.
    pub async fn turn(&self) {
        let turn = {
            let mut next = self.next.lock().await;
            let now = Instant::now();
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.period);
            turn
        };
        sleep_until(turn).await;
    }
}
