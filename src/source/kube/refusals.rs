//! How long an answer of 403 is doubted.

use std::time::Duration;

use tokio::time::Instant;

use super::Timing;
use super::backoff::Backoff;

/// The answers of 403 in a row to what was read before. An API server that restarts answers 403 before it has read its
/// roles, so the first ones do not take away what is known.
pub(super) struct Refusals {
    waits: Backoff,
    patience: Duration,
    /// When the first one came.
    since: Option<Instant>,
}

impl Refusals {
    pub(super) fn new(timing: &Timing, seed: u64) -> Self {
        let waits = Backoff::between(timing.forbidden_first, timing.forbidden_retry, seed);
        Self { waits, patience: timing.forbidden_patience, since: None }
    }

    /// After a success.
    pub(super) fn reset(&mut self) {
        self.waits.reset();
        self.since = None;
    }

    /// After an answer of 403: how long to wait now.
    pub(super) fn next(&mut self) -> Duration {
        self.waits.next()
    }

    /// After an answer of 403: whether they have been coming for so long that they are to be believed.
    pub(super) fn are_lasting(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() >= self.patience
    }
}
