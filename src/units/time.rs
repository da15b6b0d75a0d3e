//! Points in time, as Kubernetes writes them.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// A point in time: microseconds since the Unix epoch, UTC. `None` takes no more than a time.
///
/// Kubernetes writes whole seconds (`metav1.Time`) or microseconds (`metav1.MicroTime`); both fit without loss.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(NonZeroU64);

const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// What is kept of the epoch itself. Earlier times are below it and later ones above, and none is zero.
const EPOCH: u64 = 1 << 63;

impl Time {
    /// From whole seconds since the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// From microseconds since the Unix epoch. The earliest of them, 292,000 years ago, is the microsecond after it.
    pub const fn from_micros(micros: i64) -> Self {
        match NonZeroU64::new(EPOCH.wrapping_add_signed(micros)) {
            Some(kept) => Self(kept),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.micros().div_euclid(MICROS_PER_SECOND)
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0.get().wrapping_sub(EPOCH).cast_signed()
    }

    /// Reads RFC 3339, the only form in which the API server writes times. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: jiff::Timestamp = text.parse().ok()?;
        Some(Self::from_micros(timestamp.as_microsecond()))
    }

    /// Seconds from `earlier` to `self`, rounded down; negative when `earlier` is later.
    pub const fn seconds_since(self, earlier: Self) -> i64 {
        self.micros().saturating_sub(earlier.micros()).div_euclid(MICROS_PER_SECOND)
    }

    /// Whole days from `earlier` to `self`; 0 when `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        self.seconds_since(earlier).max(0) / SECONDS_PER_DAY
    }

    /// This time moved by whole seconds.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// This time moved by microseconds.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self::from_micros(self.micros().saturating_add(micros))
    }
}

/// The Unix epoch.
impl Default for Time {
    fn default() -> Self {
        Self::from_micros(0)
    }
}

/// RFC 3339 in UTC with `Z`; a fraction only where there is one.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.micros()) {
            Ok(timestamp) => write!(f, "{timestamp}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point in time to the second, in four bytes: what is kept of many objects. `None` takes no more.
///
/// Until the year 2106; a time before 1970 or after it is the first or the last that there is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Second(NonZeroU32);

impl Second {
    /// The point in time.
    pub fn time(self) -> Time {
        Time::from_seconds(i64::from(self.0.get()))
    }
}

/// The second in which the time lies.
impl From<Time> for Second {
    fn from(time: Time) -> Self {
        let seconds = u32::try_from(time.seconds().max(1)).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN))
    }
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.time(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Second, Time};

    #[test]
    fn times_of_the_api_server_are_read_and_written_back() {
        for text in ["2026-11-21T22:01:02Z", "2026-11-21T22:01:02.123456Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(Time::parse(text).map(|t| t.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Time::parse("yesterday"), None);
    }

    #[test]
    fn seconds_round_down_on_both_sides_of_the_epoch() {
        assert_eq!(Time::from_micros(-1).seconds(), -1);
        assert_eq!(Time::from_micros(1_999_999).seconds(), 1);
        assert_eq!(Time::from_seconds(10).seconds_since(Time::from_seconds(4)), 6);
    }

    #[test]
    fn a_time_takes_eight_bytes_and_keeps_its_order() {
        assert_eq!(size_of::<Option<Time>>(), 8);
        let micros = [i64::MIN + 1, -1_000_000, -1, 0, 1, 1_790_000_000_999_999, i64::MAX];
        let times = micros.map(Time::from_micros);
        assert_eq!(times.map(Time::micros), micros);
        assert!(times.is_sorted());
        assert_eq!(Time::from_micros(i64::MIN), times[0]);
        assert_eq!(Time::default().micros(), 0);
    }

    #[test]
    fn a_second_takes_four_bytes_and_is_that_of_its_time() {
        assert_eq!(size_of::<Option<Second>>(), 4);
        for (micros, seconds) in [(1_790_000_000_999_999, 1_790_000_000), (-5, 1), (i64::MAX, i64::from(u32::MAX))] {
            assert_eq!(Second::from(Time::from_micros(micros)).time(), Time::from_seconds(seconds));
        }
    }
}
