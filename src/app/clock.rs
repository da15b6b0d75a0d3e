//! The tick of the clock.

use super::{App, listing, notice, write};
use crate::units::Time;

/// Takes over the time, and with it everything that depends on the time.
pub fn tick(app: &mut App, now: Time) {
    let before = std::mem::replace(&mut app.now, now);
    let (insights, inputs) = app.insights_mut();
    insights.tick(&inputs, before);
    listing::note_time(app, before);
    notice::expire(app);
    write::clock(app);
}
