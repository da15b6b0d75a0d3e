//! How often AWS is asked. Its buckets are per account and region, and Karpenter drinks from the same.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Lets so many requests pass at once, and one more after each interval.
///
/// Source: "Request throttling for the Amazon EC2 API" (100 at once, then 20 a second, per account and region) and the
/// quotas of the price list (10 at once, then 5 a second); a tenth of that is enough here.
pub(super) struct Gate {
    interval: Duration,
    burst: u32,
    /// When the bucket would be full again.
    full_at: Option<Instant>,
}

impl Gate {
    pub(super) const fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, burst, full_at: None }
    }

    /// Waits for a place.
    pub(super) async fn pass(&mut self) {
        sleep(self.admit(Instant::now())).await;
    }

    /// Takes a place; how long to wait for it.
    fn admit(&mut self, now: Instant) -> Duration {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + self.interval);
        (full_at - now).saturating_sub(self.interval * (self.burst - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pass_at_once_and_the_rest_one_by_one() {
        let second = Duration::from_secs(1);
        let (mut gate, start) = (Gate::new(second, 3), Instant::now());
        let waits: Vec<u64> = (0..6).map(|_| gate.admit(start).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 1, 2, 3]);
        assert_eq!(gate.admit(start + 4 * second).as_secs(), 0, "the bucket fills up again");
        let later = start + 100 * second;
        assert_eq!((0..4).map(|_| gate.admit(later).as_secs()).collect::<Vec<_>>(), [0, 0, 0, 1]);
    }
}
