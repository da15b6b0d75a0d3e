//! Frame pacing: decides when to draw. A pure state machine; the clock is an argument.

use std::time::Duration;

/// Shortest interval between frames of data: faster changes cannot be read, and cost bandwidth on remote terminals.
const DATA_INTERVAL: Duration = Duration::from_millis(250);
/// Shortest interval between frames of keys, which matters for key repeat.
const KEY_INTERVAL: Duration = Duration::from_millis(8);
/// The interval between frames of data is at least this many times the duration of the last frame.
const COST_FACTOR: u32 = 25;
/// Longest interval between frames of data, however long frames take.
const MAX_INTERVAL: Duration = Duration::from_secs(3);

/// Decides when the next frame is due. Times are durations since a fixed moment.
#[derive(Debug, Default)]
pub struct Pacer {
    last_frame: Duration,
    last_cost: Duration,
    keys_waiting: bool,
    data_waiting: bool,
}

impl Pacer {
    /// A key or the mouse requires a frame.
    pub fn key(&mut self) {
        self.keys_waiting = true;
    }

    /// New data requires a frame.
    pub fn data(&mut self) {
        self.data_waiting = true;
    }

    /// Whether a frame with new data is due, rather than one for a key only.
    pub fn data_due(&self, now: Duration) -> bool {
        self.data_waiting && now >= self.last_frame + self.data_interval()
    }

    /// Time of the next frame; `None` if none is required.
    pub fn due(&self) -> Option<Duration> {
        let key = self.keys_waiting.then(|| self.last_frame + KEY_INTERVAL);
        let data = self.data_waiting.then(|| self.last_frame + self.data_interval());
        key.into_iter().chain(data).min()
    }

    /// Records a frame that began at `began` and took `cost`. New data that was not due stays pending.
    pub fn drawn(&mut self, began: Duration, cost: Duration) {
        self.data_waiting &= !self.data_due(began);
        self.keys_waiting = false;
        self.last_frame = began;
        self.last_cost = cost;
    }

    fn data_interval(&self) -> Duration {
        (self.last_cost * COST_FACTOR).clamp(DATA_INTERVAL, MAX_INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn an_idle_pacer_has_no_frame_due() {
        assert_eq!(Pacer::default().due(), None);
    }

    #[test]
    fn a_frame_for_a_key_is_due_before_one_for_data() {
        let mut pacer = Pacer::default();
        pacer.drawn(ms(1000), ms(2));
        pacer.data();
        assert_eq!(pacer.due(), Some(ms(1250)));
        pacer.key();
        assert_eq!(pacer.due(), Some(ms(1008)));
    }

    #[test]
    fn data_keeps_its_due_time_after_an_earlier_frame_for_a_key() {
        let mut pacer = Pacer::default();
        pacer.drawn(ms(1000), ms(2));
        pacer.data();
        pacer.key();
        assert!(!pacer.data_due(ms(1010)));
        pacer.drawn(ms(1010), ms(2));
        assert_eq!(pacer.due(), Some(ms(1260)));
        pacer.drawn(ms(1260), ms(2));
        assert_eq!(pacer.due(), None);
    }

    #[test]
    fn slow_frames_are_spaced_further_apart_up_to_a_limit() {
        let mut pacer = Pacer::default();
        pacer.data();
        pacer.drawn(ms(1000), ms(40));
        pacer.data();
        assert_eq!(pacer.due(), Some(ms(2000)));
        pacer.drawn(ms(2000), ms(4000));
        pacer.data();
        assert_eq!(pacer.due(), Some(ms(5000)));
    }
}
