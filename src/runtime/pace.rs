//! When to draw. A pure state machine: the clock is an argument.

use std::time::Duration;

/// Data is drawn at most this often; more is not seen, and costs a remote terminal its bandwidth.
const DATA_INTERVAL: Duration = Duration::from_millis(250);
/// Keys are drawn at once unless this little time has passed since the last frame (key repeat).
const KEY_INTERVAL: Duration = Duration::from_millis(8);
/// Frames of data may take this share of the time: an interval is at least so many times what the last frame took.
const COST_FACTOR: u32 = 25;
/// The longest that data may wait for its frame, however much frames cost.
const MAX_INTERVAL: Duration = Duration::from_secs(3);

/// Decides when the next frame is due. Times are since some fixed moment.
#[derive(Debug, Default)]
pub struct Pacer {
    last_frame: Duration,
    last_cost: Duration,
    keys_waiting: bool,
    data_waiting: bool,
}

impl Pacer {
    /// Something the user did wants to be seen.
    pub fn key(&mut self) {
        self.keys_waiting = true;
    }

    /// Something that changed by itself wants to be seen.
    pub fn data(&mut self) {
        self.data_waiting = true;
    }

    /// Whether a frame that shows new data, rather than only what a key did, is due.
    pub fn data_due(&self, now: Duration) -> bool {
        self.data_waiting && now >= self.last_frame + self.data_interval()
    }

    /// When the next frame is due; `None` while nothing waits.
    pub fn due(&self) -> Option<Duration> {
        let key = self.keys_waiting.then(|| self.last_frame + KEY_INTERVAL);
        let data = self.data_waiting.then(|| self.last_frame + self.data_interval());
        key.into_iter().chain(data).min()
    }

    /// A frame was made; it began at `began` and took `cost`. Data that was not due goes on waiting.
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
    fn nothing_waits_nothing_is_due() {
        assert_eq!(Pacer::default().due(), None);
    }

    #[test]
    fn a_key_is_due_before_data() {
        let mut pacer = Pacer::default();
        pacer.drawn(ms(1000), ms(2));
        pacer.data();
        assert_eq!(pacer.due(), Some(ms(1250)));
        pacer.key();
        assert_eq!(pacer.due(), Some(ms(1008)));
    }

    #[test]
    fn data_goes_on_waiting_when_a_key_was_drawn_before_it_was_due() {
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
    fn costly_frames_come_seldom_but_they_come() {
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
