//! The spot price of an instance type in a zone over the last seven days.

use super::Sym;
use crate::units::Time;

/// Spot capacity of one instance type in one zone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpotPlace {
    /// The instance type.
    pub instance_type: Sym,
    /// The zone.
    pub zone: Sym,
}

/// Prices in micro-dollars per hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpotHistory {
    /// The price in force.
    pub now: i64,
    /// The lowest of the last seven days.
    pub lowest: i64,
    /// The highest of the last seven days.
    pub highest: i64,
    /// The mean of the last day, each price weighted by the time for which it was in force.
    pub day_mean: i64,
    /// The mean of the last seven days, weighted alike.
    pub week_mean: i64,
    /// The prices in force at the ends of the last parts of [`PART_SECONDS`], the oldest first; none from before the first
    /// price that is known. At most [`PARTS`].
    pub course: Box<[i64]>,
    /// When it was asked for.
    pub as_of: Time,
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// How far back the history goes.
pub const SPOT_HISTORY_SECONDS: i64 = 7 * DAY;

/// Length of a part of the course.
const PART_SECONDS: i64 = 3 * HOUR;

/// Number of parts of the course.
const PARTS: i64 = SPOT_HISTORY_SECONDS / PART_SECONDS;

impl SpotHistory {
    /// Of the times from which on prices were in force, in any order; of two of the same time the higher counts. What lies
    /// in the future is not in force yet. `None` where no price is in force.
    ///
    /// Between two times the price stays as it was: nothing is interpolated.
    pub fn of_steps(mut steps: Vec<(Time, i64)>, now: Time) -> Option<Self> {
        steps.retain(|(at, _)| *at <= now);
        steps.sort_unstable();
        steps.dedup_by(|later, earlier| {
            let is_same_time = later.0 == earlier.0;
            if is_same_time {
                earlier.1 = later.1;
            }
            is_same_time
        });
        let price = steps.last()?.1;
        let since = now.plus_seconds(-SPOT_HISTORY_SECONDS);
        let in_window = || prices_within(&steps, since, now).map(|(_, price)| price);
        let ends = (1..=PARTS).map(|part| since.plus_seconds(part * PART_SECONDS));
        Some(Self {
            now: price,
            lowest: in_window().min()?,
            highest: in_window().max()?,
            day_mean: mean(&steps, now.plus_seconds(-DAY), now).unwrap_or(price),
            week_mean: mean(&steps, since, now).unwrap_or(price),
            course: ends.filter_map(|end| in_force(&steps, end)).collect(),
            as_of: now,
        })
    }
}

/// The price in force at a time; `None` before the first one.
fn in_force(steps: &[(Time, i64)], at: Time) -> Option<i64> {
    let after = steps.partition_point(|(since, _)| *since <= at);
    steps.get(after.checked_sub(1)?).map(|(_, price)| *price)
}

/// For how many seconds each price was in force within a window, prices that were not left out; the last one is in force for
/// at least a moment.
fn prices_within(steps: &[(Time, i64)], from: Time, to: Time) -> impl Iterator<Item = (i64, i64)> {
    let ends = steps.iter().skip(1).map(|(at, _)| Some(*at)).chain([None]);
    steps.iter().zip(ends).filter_map(move |((at, price), end)| {
        let seconds = end.unwrap_or(to).min(to).seconds_since((*at).max(from));
        (seconds > 0 || end.is_none()).then_some((seconds.max(0), *price))
    })
}

/// The mean within a window, each price weighted by the time for which it was in force; `None` where that is no time.
fn mean(steps: &[(Time, i64)], from: Time, to: Time) -> Option<i64> {
    let (mut sum, mut seconds) = (0_i128, 0_i128);
    for (weight, price) in prices_within(steps, from, to) {
        sum += i128::from(weight) * i128::from(price);
        seconds += i128::from(weight);
    }
    i64::try_from(sum.checked_div(seconds)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time::from_seconds(1_790_000_000);

    fn ago(seconds: i64) -> Time {
        NOW.plus_seconds(-seconds)
    }

    #[test]
    fn a_price_stays_until_the_next_and_the_one_before_the_window_is_carried_into_it() {
        // Twice 40 within the week: AWS repeats a record every day.
        let steps = vec![(ago(DAY / 2), 60), (ago(30 * DAY), 50), (ago(6 * DAY), 40), (ago(5 * DAY), 40), (ago(-5), 9)];
        let found = SpotHistory::of_steps(steps, NOW).expect("a price");
        assert_eq!((found.now, found.lowest, found.highest), (60, 40, 60));
        assert_eq!(found.day_mean, 50, "half a day of 40, half a day of 60");
        assert_eq!(found.week_mean, (50 * 2 + 40 * 11 + 60) / 14);
        assert_eq!((found.course.len(), found.course[0], found.course[8], found.course[55]), (56, 50, 40, 60));
    }

    #[test]
    fn what_is_not_known_is_not_in_the_course() {
        let found = SpotHistory::of_steps(vec![(ago(DAY), 7)], NOW).expect("a price");
        assert_eq!((&*found.course, found.week_mean), (&[7_i64; 9][..], 7));
        assert_eq!(SpotHistory::of_steps(vec![(ago(-1), 7)], NOW), None);
        let at_once = SpotHistory::of_steps(vec![(NOW, 7), (NOW, 9)], NOW).expect("a price");
        assert_eq!((at_once.now, at_once.lowest, at_once.day_mean), (9, 9, 9));
    }

    proptest! {
        #[test]
        fn means_and_the_course_lie_between_the_lowest_and_the_highest(
            steps in prop::collection::vec((0..20 * DAY, 1..10_000_i64), 1..60),
        ) {
            let steps: Vec<(Time, i64)> = steps.into_iter().map(|(seconds, price)| (ago(seconds), price)).collect();
            let found = SpotHistory::of_steps(steps.clone(), NOW).expect("a price");
            let range = found.lowest..=found.highest;
            for price in found.course.iter().chain([&found.now, &found.day_mean, &found.week_mean]) {
                prop_assert!(range.contains(price), "{price} {found:?}");
            }
            let turned: Vec<(Time, i64)> = steps.into_iter().rev().collect();
            prop_assert_eq!(SpotHistory::of_steps(turned, NOW), Some(found));
        }
    }
}
