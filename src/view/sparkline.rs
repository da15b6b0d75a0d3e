//! How busy accelerators were in the last fifteen minutes, in a few columns.

use super::{Line, format};
use crate::config::Role;
use crate::insight::gpu::history::{self, Course};

/// One column for each slot, or one for two of them where there is little room; a dot where nothing was read.
pub(super) fn of(course: &Course, room: usize, role: Role) -> Line {
    let slots_per_column = if room >= history::SLOTS { 1 } else { 2 };
    let columns = course.chunks(slots_per_column).map(|slots| {
        let known = || slots.iter().flatten().map(|utilization| i64::from(utilization.whole_percent()));
        let count = i64::try_from(known().count()).unwrap_or(1);
        known().sum::<i64>().checked_div(count)
    });
    columns.fold(Line::new(), |line, percent| {
        let role = if percent.is_some() { role } else { Role::BarEmpty };
        line.and(role, format::step(percent, ALL_PERCENT).to_string())
    })
}

const ALL_PERCENT: i64 = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Utilization;
    use crate::insight::gpu::history::{SLOTS, UNKNOWN};

    #[test]
    fn a_course_has_a_column_for_each_slot_or_for_two() {
        let mut course = UNKNOWN;
        for (at, percent) in [0, 100, 50, 60].into_iter().enumerate() {
            course[SLOTS - 4 + at] = Some(Utilization::percent(percent));
        }
        course[SLOTS - 2] = None;
        let text = |room| of(&course, room, Role::Ok).text();
        assert_eq!(text(SLOTS), format!("{}▁█·▅", "·".repeat(SLOTS - 4)));
        assert_eq!(text(SLOTS - 1), format!("{}▄▅", "·".repeat(SLOTS / 2 - 2)), "the mean of what is known");
    }
}
