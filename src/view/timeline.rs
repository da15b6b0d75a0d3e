//! The disruptions that the budgets of a NodePool allow during the next 24 hours, as a bar of letters that every terminal has.

use crate::insight::disruption::budgets::UNLIMITED;
use crate::insight::disruption::{PoolBudgets, Reason};
use crate::units::Time;

const DAY_SECONDS: i64 = 24 * 3600;

/// Changes that are looked at. Windows that open more often than this look open part of the time.
const MOST_CHANGES: usize = 300;

/// Karpenter may disrupt nodes for all reasons during the whole slot.
const OPEN: char = '#';
/// Karpenter may disrupt nodes for some reasons only, or during a part of the slot.
const PARTLY: char = '+';
/// Karpenter may disrupt nodes for no reason during the slot.
const CLOSED: char = '.';

/// What is allowed from a moment on, until the next.
struct Stretch {
    from: Time,
    allowed: [i64; 3],
}

/// A bar for the NodePool, and one for each reason.
pub(super) struct Timeline {
    stretches: Vec<Stretch>,
    /// The half or whole hour in which the first slot begins.
    pub(super) start: Time,
    slots: usize,
    slot_seconds: i64,
}

impl Timeline {
    /// The next 24 hours in so many slots, the first of which holds now.
    pub(super) fn new(budgets: &PoolBudgets, now: Time, slots: usize) -> Self {
        let slot_seconds = DAY_SECONDS / i64::try_from(slots.max(1)).unwrap_or(DAY_SECONDS);
        let start = Time::from_seconds(now.seconds().div_euclid(slot_seconds) * slot_seconds);
        let end = start.plus_seconds(DAY_SECONDS);
        let changes = std::iter::successors(Some(now), |at| budgets.next_change(*at));
        let changes = changes.take(MOST_CHANGES).take_while(|at| *at < end);
        let stretch = |from: Time| Stretch { from, allowed: Reason::ALL.map(|reason| budgets.allowed(reason, from)) };
        Self { stretches: changes.map(stretch).collect(), start, slots, slot_seconds }
    }

    /// Bar of all reasons together.
    pub(super) fn all(&self) -> String {
        self.bar(|stretch| stretch.allowed.iter().filter(|allowed| **allowed > 0).count(), Reason::ALL.len())
    }

    /// Bar of one reason.
    pub(super) fn of(&self, reason: Reason) -> String {
        let at = Reason::ALL.iter().position(|one| *one == reason).unwrap_or_default();
        self.bar(|stretch| usize::from(stretch.allowed.get(at).is_some_and(|allowed| *allowed > 0)), 1)
    }

    /// The next time at which a reason is opened or closed, and how many nodes it allows from then on.
    pub(super) fn edge(&self, reason: Reason) -> Option<(Time, i64)> {
        let at = Reason::ALL.iter().position(|one| *one == reason).unwrap_or_default();
        let allowed = |stretch: &Stretch| stretch.allowed.get(at).copied().unwrap_or_default();
        let now = self.stretches.first().map(allowed)? > 0;
        let edge = self.stretches.iter().find(|stretch| (allowed(stretch) > 0) != now)?;
        Some((edge.from, allowed(edge)))
    }

    fn bar(&self, open: impl Fn(&Stretch) -> usize, all: usize) -> String {
        (0..self.slots).map(|slot| self.slot(slot, &open, all)).collect()
    }

    fn slot(&self, slot: usize, open: impl Fn(&Stretch) -> usize, all: usize) -> char {
        let from = self.start.plus_seconds(self.slot_seconds * i64::try_from(slot).unwrap_or_default());
        let end = from.plus_seconds(self.slot_seconds);
        let begun = self.stretches.iter().rposition(|stretch| stretch.from <= from).unwrap_or(0);
        let inside = self.stretches.iter().skip(begun).take_while(|stretch| stretch.from < end);
        let counts: Vec<usize> = inside.map(open).collect();
        if counts.iter().all(|count| *count == all) {
            OPEN
        } else if counts.iter().all(|count| *count == 0) {
            CLOSED
        } else {
            PARTLY
        }
    }

    /// Hours in UTC above the slots, one every three hours, and a mark for now.
    pub(super) fn scale(&self) -> String {
        let per_mark = usize::try_from(3 * 3600 / self.slot_seconds.max(1)).unwrap_or(1).max(1);
        let hour = |slot: usize| {
            let at = self.start.plus_seconds(self.slot_seconds * i64::try_from(slot).unwrap_or_default());
            (at.seconds().rem_euclid(DAY_SECONDS) / 3600, at.seconds().rem_euclid(3600) == 0)
        };
        let mut scale = vec![' '; self.slots + 2];
        let mut last = 0;
        for slot in (1..self.slots).filter(|slot| hour(*slot).1 && hour(*slot).0 % 3 == 0) {
            if slot < last + per_mark.min(3) {
                continue;
            }
            last = slot;
            for (cell, digit) in scale.iter_mut().skip(slot).zip(format!("{:02}", hour(slot).0).chars()) {
                *cell = digit;
            }
        }
        if let Some(first) = scale.first_mut() {
            *first = 'v';
        }
        scale.into_iter().collect::<String>().trim_end().to_owned()
    }
}

/// What the letters mean.
pub(super) const LEGEND: &str = "v now   # allowed   + in part   . nothing";

/// The same for a bar without a scale, in more words and in fewer.
pub(super) const LEGENDS: [&str; 2] =
    ["bar, now → 24 h: # allowed  + in part  . nothing", "# allowed  + in part  . nothing"];

/// Whether nothing limits a number.
pub(super) const fn is_any(allowed: i64) -> bool {
    allowed >= UNLIMITED
}

/// A number that budgets allow: `any` where nothing limits it.
pub(super) fn allowed(allowed: i64) -> String {
    if is_any(allowed) { "any".to_owned() } else { super::format::count(allowed.max(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Budget, NodePoolRow, Sym};

    /// Nodes, the only reason, schedule and duration.
    type Wanted<'a> = (&'a str, Option<&'a str>, Option<(&'a str, &'a str)>);

    fn budgets(of: &[Wanted<'_>]) -> PoolBudgets {
        let budget = |(nodes, reason, window): &Wanted<'_>| Budget {
            nodes: Sym::new(nodes),
            reasons: reason.map(|reason| vec![Sym::new(reason)]),
            schedule: window.map(|(schedule, _)| Sym::new(schedule)),
            duration: window.map(|(_, duration)| Sym::new(duration)),
        };
        let row =
            NodePoolRow { budgets: Some(of.iter().map(budget).collect()), ..crate::insight::testing::pool("gpu") };
        PoolBudgets::new(&row, 10, 0)
    }

    fn bars(budgets: &PoolBudgets, slots: usize) -> Vec<String> {
        let timeline = Timeline::new(budgets, Time::parse("2026-11-21T12:10:00Z").unwrap(), slots);
        [vec![timeline.scale(), timeline.all()], Reason::ALL.map(|reason| timeline.of(reason)).to_vec()].concat()
    }

    #[test]
    fn a_timeline_shows_the_open_and_closed_half_hours_of_a_day() {
        let night = budgets(&[("10%", None, None), ("0", Some("Drifted"), Some(("15 18 * * *", "8h")))]);
        let want = [
            "v     15    18    21    00    03    06    09",
            "############++++++++++++++++++##################",
            "################################################",
            "############+................+##################",
            "################################################",
        ];
        let got = bars(&night, 48);
        assert_eq!(got[0], want[0]);
        assert_eq!(got[1].len(), 48);
        assert_eq!(got[2], want[2]);
        assert_eq!(got[3].chars().filter(|slot| *slot == CLOSED).count(), 15);
        assert_eq!(got[3].chars().filter(|slot| *slot == PARTLY).count(), 2);
        assert_eq!(got[4], want[4]);
    }

    #[test]
    fn the_edge_of_a_reason_is_where_it_opens_or_closes_next() {
        let night = budgets(&[("10%", None, None), ("0", Some("Drifted"), Some(("15 18 * * *", "8h")))]);
        let edge = |now: &str, reason| {
            let found = Timeline::new(&night, Time::parse(&format!("2026-11-21T{now}:00Z")).unwrap(), 48).edge(reason);
            found.map(|(at, allowed)| (at.to_string()[11..16].to_owned(), allowed))
        };
        assert_eq!(edge("12:10", Reason::Drifted), Some(("18:15".to_owned(), 0)));
        assert_eq!(edge("19:00", Reason::Drifted), Some(("02:15".to_owned(), 1)));
        assert_eq!(edge("12:10", Reason::Empty), None);
    }

    #[test]
    fn a_zero_budget_closes_all_half_hours_and_no_budget_opens_them() {
        assert_eq!(bars(&budgets(&[("0", None, None)]), 24)[1], ".".repeat(24));
        assert_eq!(bars(&budgets(&[]), 24)[1], "#".repeat(24));
        assert_eq!(bars(&budgets(&[("1", None, Some(("every day", "8h")))]), 24)[1], ".".repeat(24));
    }

    #[test]
    fn a_timeline_with_a_window_every_minute_has_all_its_slots() {
        let restless = bars(&budgets(&[("0", None, Some(("* * * * *", "30s")))]), 24);
        assert_eq!(restless[1].len(), 24);
    }
}
