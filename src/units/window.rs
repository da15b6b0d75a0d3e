//! Windows of time that open by a schedule and stay open for a duration, as Karpenter's budgets have them.

use super::Time;
use super::cron::{Fields, Schedule};

/// Opens whenever the schedule hits, and is open for the duration from the last hit on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    schedule: Schedule,
    duration_micros: i64,
}

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MINUTES_PER_DAY: u32 = 1440;

/// How long a run of overlapping windows is followed before it counts as endless: five years, as far as robfig looks.
const HORIZON_MICROS: i64 = 5 * 366 * 1440 * MICROS_PER_MINUTE;

impl Window {
    /// From a schedule and a duration in microseconds.
    pub const fn new(schedule: Schedule, duration_micros: i64) -> Self {
        Self { schedule, duration_micros }
    }

    /// Whether it is open: the first hit after `now` − duration is not after `now`.
    ///
    /// A schedule that never hits counts as open: robfig answers the zero time then, which is before any other
    /// (karpenter pkg/apis/v1/nodepool.go, Budget.IsActive).
    pub fn is_active(&self, now: Time) -> bool {
        self.schedule.next(self.checkpoint(now)).is_none_or(|hit| hit <= now)
    }

    /// When it next opens or closes; `None` where it stays as it is for five years or for good.
    ///
    /// With `@every` it is open for good or closed for good, because that schedule has no fixed times.
    pub fn next_change(&self, now: Time) -> Option<Time> {
        let Schedule::Fields(fields) = &self.schedule else { return None };
        let hit = self.schedule.next(self.checkpoint(now))?;
        if hit > now {
            return (self.duration_micros > 0).then_some(hit);
        }
        self.end_of_run(fields, hit)
    }

    fn checkpoint(&self, now: Time) -> Time {
        now.plus_micros(self.duration_micros.saturating_neg())
    }

    /// When the run of overlapping windows that `hit` belongs to ends.
    fn end_of_run(&self, fields: &Fields, hit: Time) -> Option<Time> {
        let longest_gap = longest_gap_minutes(fields);
        if fields.is_daily() && self.bridges(longest_gap.overnight.max(longest_gap.by_day)) {
            return None;
        }
        let give_up = hit.plus_micros(HORIZON_MICROS);
        let mut last = hit;
        while last < give_up {
            last = self.last_of_day(fields, last, longest_gap.by_day);
            let end = last.plus_micros(self.duration_micros);
            // After the last hit ever Karpenter counts the window as open, see `is_active`.
            let next = self.schedule.next(last)?;
            if next > end {
                return Some(end);
            }
            last = next;
        }
        None
    }

    /// The last hit of the day that is reached from `hit` without a gap longer than the duration.
    fn last_of_day(&self, fields: &Fields, hit: Time, longest_gap: u32) -> Time {
        let first = minute_of_day(hit);
        let mut minute = first;
        while let Some(next) = fields.minute_of_day_from(minute + 1) {
            if !self.bridges(longest_gap) && !self.bridges(next - minute) {
                break;
            }
            minute = next;
        }
        hit.plus_seconds(60 * i64::from(minute - first))
    }

    fn bridges(&self, minutes: u32) -> bool {
        i64::from(minutes) * MICROS_PER_MINUTE <= self.duration_micros
    }
}

fn minute_of_day(time: Time) -> u32 {
    u32::try_from(time.seconds().div_euclid(60).rem_euclid(i64::from(MINUTES_PER_DAY))).unwrap_or(0)
}

/// The longest times between two hits, in minutes.
struct LongestGap {
    by_day: u32,
    overnight: u32,
}

fn longest_gap_minutes(fields: &Fields) -> LongestGap {
    let mut gap = LongestGap { by_day: 0, overnight: 0 };
    let Some(first) = fields.minute_of_day_from(0) else { return gap };
    let mut last = first;
    while let Some(next) = fields.minute_of_day_from(last + 1) {
        gap.by_day = gap.by_day.max(next - last);
        last = next;
    }
    gap.overnight = MINUTES_PER_DAY - last + first;
    gap
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::units::duration::parse_go;

    /// Found by stepping through time with robfig's code and Karpenter's rule.
    const FACTS: &str = include_str!("cron_window.tsv");

    fn window(schedule: &str, duration: &str) -> Window {
        Window::new(Schedule::parse(schedule).unwrap(), parse_go(duration).unwrap() / 1000)
    }

    #[test]
    fn windows_agree_with_karpenters_rule_minute_by_minute() {
        for line in FACTS.lines().skip(1) {
            let [schedule, duration, at, active, change] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let (window, at) = (window(schedule, duration), Time::parse(at).unwrap());
            assert_eq!(window.is_active(at).to_string(), active, "{line}");
            let searched = at.plus_seconds(400 * 86_400);
            let answer = window.next_change(at).filter(|change| *change < searched);
            assert_eq!(answer.map_or("-".to_owned(), |change| change.to_string()), change, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_window_changes_first_at_its_announced_time(
            schedule in "[0-5]?[0-9](,[0-5]?[0-9])? ([01]?[0-9]|\\*|\\*/3) (\\*|[1-9]|2[0-8]) \\* (\\*|[0-6]|1-5)",
            minutes in 0_i64..4000, now in 1_700_000_000_i64..1_900_000_000, step in 0_i64..200_000,
        ) {
            let window = Window::new(Schedule::parse(&schedule).unwrap(), minutes * MICROS_PER_MINUTE);
            let now = Time::from_seconds(now);
            let was = window.is_active(now);
            let between = now.plus_seconds(step);
            let Some(change) = window.next_change(now) else {
                prop_assert_eq!(window.is_active(between), was);
                return Ok(());
            };
            prop_assert!(change > now);
            prop_assert_eq!(window.is_active(change), !was);
            prop_assert_eq!(window.is_active(change.plus_micros(-1).min(between).max(now)), was);
        }
    }
}
