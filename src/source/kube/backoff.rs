//! How long to wait after a failure.

use std::time::Duration;

use super::Timing;

/// Waits that double from the first to the longest, each shortened by up to a quarter so that many streams do not come
/// back at the same moment. The same seed gives the same waits.
pub(super) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
    random: u64,
}

/// Beyond this many doublings the longest wait is reached for any sensible timing.
const MOST_DOUBLINGS: u32 = 16;

impl Backoff {
    pub(super) fn new(timing: &Timing, seed: u64) -> Self {
        Self::between(timing.backoff_first, timing.backoff_max, seed)
    }

    pub(super) fn between(first: Duration, max: Duration, seed: u64) -> Self {
        Self { first, max, failures: 0, random: seed }
    }

    /// After a success.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether the waits grow no further.
    pub(super) fn is_longest(&self) -> bool {
        self.full() == self.max
    }

    fn full(&self) -> Duration {
        self.first.saturating_mul(1 << self.failures.min(MOST_DOUBLINGS)).min(self.max)
    }

    /// After a failure: how long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        let full = self.full();
        self.failures += 1;
        full.saturating_sub(full.mul_f64(0.25 * self.unit()))
    }

    /// A number in 0..1, by splitmix64.
    fn unit(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.random;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((bits ^ (bits >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_waits_double_up_to_the_limit_and_restart_after_a_reset() {
        let timing = Timing::default();
        let mut backoff = Backoff::new(&timing, 7);
        for full in [0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0] {
            let wait = backoff.next().as_secs_f64();
            assert!(wait <= full && wait >= 0.74 * full, "{wait} of {full}");
        }
        assert!(backoff.is_longest());
        backoff.reset();
        assert!(!backoff.is_longest() && backoff.next() <= timing.backoff_first);
        let waits = |seed| {
            (0..4)
                .map({
                    let mut b = Backoff::new(&timing, seed);
                    move |_| b.next()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
    }
}
