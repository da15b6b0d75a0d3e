//! Token bucket per AWS account and region; Karpenter uses the same quota.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Allows `burst` requests at once, and one more after each `interval`.
///
/// Source: "Request throttling for the Amazon EC2 API" (100 at once, then 20 a second, per account and region) and the
/// quotas of the price list (10 at once, then 5 a second); a tenth of that is enough here.
pub(super) struct TokenBucket {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again; `None` before the first request.
    full_at: Option<Instant>,
}

impl TokenBucket {
    pub(super) const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, full_at: None }
    }

    /// Takes a token, and waits until it is available.
    pub(super) async fn acquire(&mut self) {
        sleep(self.reserve(Instant::now())).await;
    }

    /// Takes a token; returns the time until it is available.
    fn reserve(&mut self, now: Instant) -> Duration {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + self.interval);
        (full_at - now).saturating_sub(self.interval * (self.burst - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_further_requests_one_per_interval() {
        let second = Duration::from_secs(1);
        let (mut bucket, start) = (TokenBucket::new(second, 3), Instant::now());
        let waits: Vec<u64> = (0..6).map(|_| bucket.reserve(start).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 1, 2, 3]);
        assert_eq!(bucket.reserve(start + 4 * second).as_secs(), 0, "the bucket fills up again");
        let later = start + 100 * second;
        assert_eq!((0..4).map(|_| bucket.reserve(later).as_secs()).collect::<Vec<_>>(), [0, 0, 0, 1]);
    }
}
