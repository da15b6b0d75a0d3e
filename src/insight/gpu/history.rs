//! How busy accelerators were in the last fifteen minutes, as far as batchtop has read it itself.
//!
//! A reading fills the slot of its time, and the last one of a slot counts. It stands for the next slot, too, because what is not
//! on screen is read once a minute. Any other slot is a gap: nothing was read then, which is another thing than idle. A device takes 48 bytes, so that 40,000 of them take less than 2 MiB.

use super::activity::{DeviceActivity, NodeActivity};
use super::rates;
use crate::fleet::{DeviceReading, NodeAnswers, Sym, Uid, Utilization};
use crate::units::Time;

/// How long a slot is: the usual interval of an exporter.
pub const SLOT_SECONDS: i64 = 30;

/// How many slots are kept: fifteen minutes.
pub const SLOTS: usize = 30;

/// Of how many devices of one Node the history is kept: of sixteen boards with seven MIG instances each, and more.
const MAX_DEVICES: usize = 128;

/// How busy something was, slot by slot, the newest last; `None` where nothing was read.
pub type Course = [Option<Utilization>; SLOTS];

/// The number of a slot, counted from the epoch of Unix.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
struct Slot(i64);

impl Slot {
    const fn of(time: Time) -> Self {
        Self(time.seconds().div_euclid(SLOT_SECONDS))
    }

    /// The slot so many before this one.
    const fn before(self, slots: i64) -> Self {
        Self(self.0.saturating_sub(slots))
    }

    /// Where it is kept.
    fn index(self) -> usize {
        usize::try_from(self.0.rem_euclid(KEPT)).unwrap_or(0)
    }
}

/// Nothing was read.
pub const UNKNOWN: Course = [None; SLOTS];

/// [`SLOTS`], to count slots with.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
const KEPT: i64 = SLOTS as i64;

/// Whole percent of each slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Ring([u8; SLOTS]);

impl Ring {
    /// More than any percentage.
    const GAP: u8 = u8::MAX;

    const EMPTY: Self = Self([Self::GAP; SLOTS]);

    fn set(&mut self, slot: Slot, utilization: Option<Utilization>) {
        let percent = utilization.and_then(|utilization| u8::try_from(utilization.whole_percent()).ok());
        if let Some(kept) = self.0.get_mut(slot.index()) {
            *kept = percent.unwrap_or(Self::GAP);
        }
    }

    fn get(&self, slot: Slot) -> Option<Utilization> {
        let kept = self.0.get(slot.index()).copied().filter(|percent| *percent != Self::GAP);
        kept.map(|percent| Utilization::percent(percent.into()))
    }

    /// Whether there is nothing but gaps.
    fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }
}

/// The history of one device: a board, or one MIG instance of a board.
#[derive(Clone, PartialEq, Eq, Debug)]
struct DeviceHistory {
    uuid: Sym,
    mig: Option<u32>,
    ring: Ring,
}

impl DeviceHistory {
    fn is_of(&self, reading: &DeviceReading) -> bool {
        self.uuid == reading.uuid && self.mig == reading.mig.as_ref().map(|mig| mig.id)
    }
}

/// How busy the devices of one Node were.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeHistory {
    /// Another Node may come under the same name.
    node: Uid,
    /// The last slot that is kept; the others are those before it.
    newest: Slot,
    devices: Vec<DeviceHistory>,
}

impl NodeHistory {
    /// Of a Node of which nothing has been read yet.
    pub const fn new(node: Uid) -> Self {
        Self { node, newest: Slot(i64::MIN), devices: Vec::new() }
    }

    /// Whether it is of this Node, and not of another one that had its name.
    pub fn is_of(&self, node: &Uid) -> bool {
        self.node == *node
    }

    /// Takes over what was read at a time. What is older than all that is kept says that the clock was set back: what was read
    /// before has no place any more.
    pub fn record(&mut self, at: Time, readings: &[DeviceReading]) {
        let slot = Slot::of(at);
        if slot <= self.newest.before(KEPT) {
            *self = Self::new(self.node.clone());
        }
        self.advance(slot);
        for reading in readings {
            if let Some(device) = self.device(reading) {
                device.ring.set(slot, reading.utilization);
            }
        }
    }

    /// Makes room for a slot: those that were skipped are gaps, and a device of which no slot is left is forgotten.
    fn advance(&mut self, slot: Slot) {
        if slot <= self.newest {
            return;
        }
        let first = self.newest.0.saturating_add(1).max(slot.before(KEPT - 1).0);
        for skipped in (first..=slot.0).map(Slot) {
            self.devices.iter_mut().for_each(|device| device.ring.set(skipped, None));
        }
        self.newest = slot;
        self.devices.retain(|device| !device.ring.is_empty());
    }

    /// The history of the device of a reading; `None` where there are too many.
    fn device(&mut self, reading: &DeviceReading) -> Option<&mut DeviceHistory> {
        let at = self.devices.iter().position(|device| device.is_of(reading));
        if at.is_none() && self.devices.len() < MAX_DEVICES {
            let (uuid, mig) = (reading.uuid.clone(), reading.mig.as_ref().map(|mig| mig.id));
            self.devices.reserve_exact(1);
            self.devices.push(DeviceHistory { uuid, mig, ring: Ring::EMPTY });
            return self.devices.last_mut();
        }
        self.devices.get_mut(at?)
    }

    /// How busy the device of a reading was until now.
    pub fn of_device(&self, reading: &DeviceReading, now: Time) -> Course {
        let Some(device) = self.devices.iter().find(|device| device.is_of(reading)) else { return UNKNOWN };
        let last = Slot::of(now).max(self.newest);
        std::array::from_fn(|at| {
            let slot = last.before(KEPT - 1 - i64::try_from(at).unwrap_or(0));
            self.read_in(device, slot).or_else(|| self.read_in(device, slot.before(1)))
        })
    }

    /// What was read of a device in a slot, if that is kept.
    fn read_in(&self, device: &DeviceHistory, slot: Slot) -> Option<Utilization> {
        let is_kept = (self.newest.before(KEPT - 1)..=self.newest).contains(&slot);
        is_kept.then(|| device.ring.get(slot)).flatten()
    }

    /// The devices of which something is kept.
    #[cfg(test)]
    pub(crate) fn device_count(&self) -> usize {
        self.devices.len()
    }
}

/// Two courses of one device: what the first one does not know is taken from the second one.
pub fn either(first: &Course, second: &Course) -> Course {
    std::array::from_fn(|at| first.get(at).copied().flatten().or_else(|| second.get(at).copied().flatten()))
}

/// The course of a Node: the mean over the devices that are held now, or over all where none is, as for its utilization.
pub fn of_node<'a>(
    activity: &'a NodeActivity,
    told: NodeAnswers<'a>,
    mut of_device: impl FnMut(&DeviceReading) -> Course,
) -> Course {
    let is_any_held = activity.is_any_held();
    let counts = |device: Option<&DeviceActivity>| !is_any_held || device.is_some_and(|device| device.is_held);
    let counted = activity.each_device(told).filter(|(_, device)| counts(*device));
    let courses: Vec<(Course, u64)> =
        counted.map(|(reading, _)| (of_device(reading), rates::weight(reading))).collect();
    mean(&courses)
}

/// The mean of several courses, slot by slot, each with its weight: of those of which a slot is known.
fn mean(courses: &[(Course, u64)]) -> Course {
    std::array::from_fn(|at| {
        Utilization::mean(courses.iter().filter_map(|(course, weight)| Some(((*course.get(at)?)?, *weight))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::MigInstance;
    use crate::insight::testing::bare_device;

    const START: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Time {
        Time::from_seconds(START + seconds)
    }

    fn reading(uuid: &str, percent: u32) -> DeviceReading {
        DeviceReading { utilization: Some(Utilization::percent(percent)), ..bare_device(uuid) }
    }

    fn history() -> NodeHistory {
        NodeHistory::new(Uid::parse("uid-a"))
    }

    fn record(history: &mut NodeHistory, seconds: i64, readings: &[DeviceReading]) {
        history.record(at(seconds), readings);
    }

    /// The last slots in percent; -1 for a gap.
    fn last<const COUNT: usize>(course: Course) -> [i64; COUNT] {
        std::array::from_fn(|index| {
            course[SLOTS - COUNT + index].map_or(-1, |utilization| utilization.whole_percent().into())
        })
    }

    #[test]
    fn a_reading_stands_for_two_slots_and_the_last_one_of_a_slot_counts() {
        let mut known = history();
        let device = reading("G1", 0);
        assert_eq!(known.of_device(&device, at(0)), UNKNOWN);
        record(&mut known, 0, &[reading("G1", 80)]);
        record(&mut known, 15, &[reading("G1", 90)]);
        record(&mut known, 90, &[reading("G1", 0)]);
        assert_eq!(last(known.of_device(&device, at(95))), [-1, 90, 90, -1, 0]);
        record(&mut known, 125, &[DeviceReading { utilization: None, ..device.clone() }]);
        record(&mut known, 155, &[DeviceReading { utilization: None, ..device.clone() }]);
        assert_eq!(last(known.of_device(&device, at(155))), [90, -1, 0, 0, -1], "what is not told is a gap, too");
    }

    #[test]
    fn a_course_ends_now_and_begins_fifteen_minutes_ago() {
        let mut known = history();
        let device = reading("G1", 50);
        record(&mut known, 0, std::slice::from_ref(&device));
        assert_eq!(last(known.of_device(&device, at(59))), [-1, 50, 50]);
        assert_eq!(last(known.of_device(&device, at(60))), [50, 50, -1]);
        let slots = i64::try_from(SLOTS).expect("a small number");
        assert_eq!(known.of_device(&device, at((slots - 1) * SLOT_SECONDS))[0], Some(Utilization::percent(50)));
        assert_eq!(known.of_device(&device, at((slots + 1) * SLOT_SECONDS)), UNKNOWN, "it is too old");
        record(&mut known, slots * SLOT_SECONDS, &[reading("G1", 7)]);
        let of_now = known.of_device(&device, at(slots * SLOT_SECONDS));
        assert_eq!(of_now.iter().flatten().count(), 1, "the slot was taken over by a newer one");
    }

    #[test]
    fn a_device_that_vanished_is_remembered_for_as_long_as_a_slot_of_it_is_kept() {
        let mut known = history();
        record(&mut known, 0, &[reading("G1", 10), reading("G2", 20)]);
        record(&mut known, 30, &[reading("G1", 30)]);
        record(&mut known, 60, &[reading("G1", 30)]);
        assert_eq!(last(known.of_device(&reading("G2", 0), at(60))), [20, 20, -1]);
        record(&mut known, 90, &[reading("G1", 30), reading("G2", 40)]);
        assert_eq!(last(known.of_device(&reading("G2", 0), at(90))), [20, 20, -1, 40], "it came back");
        record(&mut known, 90 + 15 * 60, &[reading("G1", 30)]);
        assert_eq!(known.device_count(), 1);
    }

    #[test]
    fn a_mean_is_of_the_courses_of_which_a_slot_is_known() {
        let course = |percent: [i64; 3]| {
            let mut course = UNKNOWN;
            for (at, percent) in percent.into_iter().enumerate() {
                course[SLOTS - 3 + at] = u32::try_from(percent).ok().map(Utilization::percent);
            }
            course
        };
        let (one, other) = (course([10, 40, -1]), course([-1, 80, -1]));
        assert_eq!(last(mean(&[(one, 1), (other, 3)])), [10, 70, -1]);
        assert_eq!(mean(&[]), UNKNOWN);
        assert_eq!(last(either(&one, &other)), [10, 40, -1]);
        assert_eq!(last(either(&other, &one)), [10, 80, -1]);
    }

    #[test]
    fn instances_of_a_board_are_told_apart() {
        let instance = |id, percent| DeviceReading {
            mig: Some(MigInstance { id, profile: Sym::new("1g.10gb") }),
            ..reading("G1", percent)
        };
        let mut known = history();
        record(&mut known, 0, &[instance(1, 10), instance(2, 20)]);
        assert_eq!(last(known.of_device(&instance(1, 0), at(0))), [10]);
        assert_eq!(last(known.of_device(&instance(2, 0), at(0))), [20]);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_a_new_history() {
        let mut known = history();
        let device = reading("G1", 10);
        record(&mut known, 0, std::slice::from_ref(&device));
        record(&mut known, -60, &[reading("G1", 20)]);
        assert_eq!(last(known.of_device(&device, at(0))), [20, 20, 10], "a little late");
        record(&mut known, -3_600, &[reading("G1", 30)]);
        let course = known.of_device(&device, at(-3_600));
        assert_eq!((last(course), course.iter().flatten().count()), ([30], 1));
        assert!(known.is_of(&Uid::parse("uid-a")) && !known.is_of(&Uid::parse("uid-b")));
    }

    #[test]
    fn devices_under_ever_new_names_are_bounded() {
        let mut known = history();
        for slot in 0..20 {
            let names: Vec<DeviceReading> = (0..64).map(|number| reading(&format!("G{slot}-{number}"), 1)).collect();
            record(&mut known, slot * SLOT_SECONDS, &names);
            assert!(known.device_count() <= MAX_DEVICES);
        }
        assert_eq!(known.device_count(), MAX_DEVICES);
    }

    #[test]
    fn forty_thousand_devices_on_five_thousand_nodes_take_less_than_two_and_a_half_mebibytes() {
        // A hash table has at least one byte and one eighth of its entries beside each entry.
        let entry = size_of::<(Sym, NodeHistory)>() + size_of::<(Sym, NodeHistory)>() / 8 + 1;
        let bytes = 40_000 * size_of::<DeviceHistory>() + 5_000 * entry;
        assert!(bytes < 5 << 19, "{bytes}");
    }
}
