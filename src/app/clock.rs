//! What passes with the time.

use super::{App, Effect, burn, held, listing, notice, write};
use crate::units::Time;

const SECONDS_PER_MINUTE: i64 = 60;

/// It is `now`. Orders that depend on the time, and what is noted of nodes that are held, follow once a minute.
pub fn tick(app: &mut App, now: Time) -> Vec<Effect> {
    let minute = |time: Time| time.seconds().div_euclid(SECONDS_PER_MINUTE);
    let minute_has_passed = minute(now) != minute(app.now);
    if minute_has_passed {
        listing::minute(app);
    }
    listing::second(app);
    app.now = now;
    notice::expire(app);
    write::clock(app);
    let remember = if minute_has_passed { held::observe(app) } else { None };
    burn::tick(app).into_iter().chain(remember).collect()
}
