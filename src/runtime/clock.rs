//! The clock: the wall clock, or that of the simulated cluster.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::units::Time;

/// Returns the current time; passed as an argument to everything that needs it.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Current time of the machine's clock.
pub fn now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

/// The machine's clock as a [`Clock`].
pub fn wall() -> Clock {
    Arc::new(now)
}
