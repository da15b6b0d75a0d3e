//! Devices, put together from single values and checked at the end.

use std::collections::{BTreeMap, BTreeSet};

use super::series::HolderLabel;
use super::{MAX_DEVICES, MAX_HOLDERS, Unreadable};
use crate::fleet::{DeviceHolder, DeviceReading, MigInstance, Sym, Utilization};

/// What is measured of a device, in the unit in which it is kept until it is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Measure {
    /// How busy it was, as a ratio.
    Busy,
    /// Memory in use, in bytes.
    Used,
    /// Memory that is free, in bytes.
    Free,
    /// Memory that the driver keeps for itself, in bytes.
    Reserved,
    /// All memory, in bytes.
    Total,
    /// Power in watts.
    Power,
    /// Temperature in degrees Celsius.
    Temperature,
    /// Number of the last error of NVIDIA's driver.
    Xid,
}

/// From percent to a ratio.
pub(super) const PERCENT: f64 = 0.01;

/// From MiB to bytes.
pub(super) const MEBIBYTE: f64 = 1_048_576.0;

/// A metric that is read.
pub(super) struct Metric {
    /// Its name.
    pub(super) name: &'static str,
    /// What it measures.
    pub(super) measure: Measure,
    /// What one of its units is in the unit of the measure.
    pub(super) unit: f64,
}

/// A line of a table of metrics. Of several metrics for one measure, the first one in the table that has a value counts.
pub(super) const fn metric(name: &'static str, measure: Measure, unit: f64) -> Metric {
    Metric { name, measure, unit }
}

/// What tells one device from the others of its Node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Identity {
    /// Of the board.
    pub(super) uuid: Sym,
    /// Of its MIG instance.
    pub(super) mig: Option<u32>,
}

/// What has been told of one device.
#[derive(Default)]
pub(super) struct Draft {
    index: Option<u32>,
    model: Option<Sym>,
    mig_profile: Option<Sym>,
    /// By measure and place of the metric in its table. The last value of a metric counts.
    values: BTreeMap<(Measure, usize), f64>,
    holders: BTreeSet<DeviceHolder>,
    /// The same by labels that Prometheus has renamed; `None` where no series has them.
    exported: Option<BTreeSet<DeviceHolder>>,
}

/// The devices that were told of.
#[derive(Debug)]
pub(super) struct DeviceList {
    /// By index, identity and MIG instance.
    pub(super) devices: Vec<DeviceReading>,
    /// How many values cannot be right.
    pub(super) impossible: usize,
}

impl Draft {
    /// What the series says of the device besides its value. The index and the names that came first stay.
    pub(super) fn describe(&mut self, index: Option<u32>, model: Option<Sym>, mig_profile: Option<Sym>) {
        self.index = self.index.or(index);
        self.model = self.model.take().or(model);
        self.mig_profile = self.mig_profile.take().or(mig_profile);
    }

    /// Takes a value of the metric at this place of its table, in the unit of its measure.
    pub(super) fn measure(&mut self, measure: Measure, place: usize, value: f64) {
        self.values.insert((measure, place), value);
    }

    /// Takes a container to which the device is given, if there is one.
    pub(super) fn hold(&mut self, label: HolderLabel) {
        let (holders, holder) = match label {
            HolderLabel::None => return,
            HolderLabel::Own(holder) => (&mut self.holders, Some(holder)),
            HolderLabel::Exported(holder) => (self.exported.get_or_insert_default(), holder),
        };
        if holders.len() < MAX_HOLDERS {
            holders.extend(holder);
        }
    }

    /// How many of its values are below zero or no number.
    fn impossible(&self) -> usize {
        self.values.values().filter(|value| !value.is_finite() || **value < 0.0).count()
    }

    /// The first value of a measure that can be right.
    fn first<T>(&self, measure: Measure, check: impl Fn(f64) -> Option<T>) -> Option<T> {
        self.values.range((measure, 0)..=(measure, usize::MAX)).find_map(|(_, value)| check(*value))
    }

    /// All memory, and how much of it is in use. More in use than there is cannot be right, and which of both is wrong is
    /// not known.
    fn memory_bytes(&self) -> (Option<u64>, Option<u64>) {
        let [used, free, reserved, total] =
            [Measure::Used, Measure::Free, Measure::Reserved, Measure::Total].map(|part| self.first(part, bytes));
        let sum = used.zip(free).map(|(used, free)| used + free + reserved.unwrap_or(0));
        match (sum.or(total.filter(|total| *total > 0)), used) {
            (Some(total), Some(used)) if used > total => (None, None),
            known => known,
        }
    }

    /// What the board shares among its instances: one supply, one sensor, one driver.
    fn take_of_board(&mut self, board: &Self) {
        self.describe(board.index, board.model.clone(), None);
        for measure in [Measure::Power, Measure::Temperature, Measure::Xid] {
            for (key, value) in board.values.range((measure, 0)..=(measure, usize::MAX)) {
                self.values.entry(*key).or_insert(*value);
            }
        }
    }
    fn reading(self, Identity { uuid, mig }: Identity) -> DeviceReading {
        let (memory_total_bytes, memory_used_bytes) = self.memory_bytes();
        DeviceReading {
            uuid,
            index: self.index,
            utilization: self.first(Measure::Busy, Utilization::from_ratio),
            memory_used_bytes,
            memory_total_bytes,
            power_milliwatts: self.first(Measure::Power, milliwatts),
            temperature_celsius: self.first(Measure::Temperature, celsius),
            xid: self.first(Measure::Xid, xid),
            mig: mig.map(|id| MigInstance { id, profile: self.mig_profile.unwrap_or_else(|| Sym::new("")) }),
            model: self.model,
            holders: self.holders.into_iter().collect(),
        }
    }
}

/// The devices of one Node.
#[derive(Default)]
pub(super) struct Drafts(BTreeMap<Identity, Draft>);

impl Drafts {
    /// The device of this identity; `None` where it would be one too many.
    pub(super) fn of(&mut self, identity: Identity) -> Option<&mut Draft> {
        let is_full = self.0.len() >= MAX_DEVICES && !self.0.contains_key(&identity);
        (!is_full).then(|| self.0.entry(identity).or_default())
    }

    /// The devices by index, identity and MIG instance. A board with instances is not among them: what is only measured of
    /// the board holds for each of its instances. An error where there is none.
    pub(super) fn readings(mut self) -> Result<DeviceList, Unreadable> {
        if self.0.values().any(|draft| draft.exported.is_some()) {
            self.0.values_mut().for_each(|draft| draft.holders = draft.exported.take().unwrap_or_default());
        }
        let impossible = self.0.values().map(Draft::impossible).sum();
        let boards: BTreeSet<Sym> = self.0.keys().filter(|one| one.mig.is_some()).map(|one| one.uuid.clone()).collect();
        for uuid in boards {
            let Some(board) = self.0.remove(&Identity { uuid: uuid.clone(), mig: None }) else { continue };
            for (_, instance) in self.0.iter_mut().filter(|(one, _)| one.uuid == uuid) {
                instance.take_of_board(&board);
            }
        }
        let mut devices: Vec<_> = self.0.into_iter().map(|(identity, draft)| draft.reading(identity)).collect();
        // By identity and instance they are already, and the sort keeps that.
        devices.sort_by_key(|reading| reading.index);
        if devices.is_empty() { Err(Unreadable::NoDevice) } else { Ok(DeviceList { devices, impossible }) }
    }
}

/// A number between nothing and a limit; neither NaN nor infinity is.
fn within(value: f64, most: f64) -> Option<f64> {
    Some(value).filter(|value| (0.0..=most).contains(value))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and 16 TiB")]
fn bytes(value: f64) -> Option<u64> {
    /// 16 TiB: more than any board has, and less than what DCGM writes for "blank" (dcgm_fields.h).
    const MOST: f64 = 17_592_186_044_416.0;
    within(value, MOST).map(|bytes| bytes.round() as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and a hundred million")]
fn milliwatts(watts: f64) -> Option<u32> {
    const MOST_WATTS: f64 = 100_000.0;
    within(watts, MOST_WATTS).map(|watts| (watts * 1000.0).round() as u32)
}

#[expect(clippy::cast_possible_truncation, reason = "between zero and 200")]
fn celsius(degrees: f64) -> Option<i16> {
    const MOST_CELSIUS: f64 = 200.0;
    within(degrees, MOST_CELSIUS).map(|degrees| degrees.round() as i16)
}

/// The numbers of XIDs are whole and have three digits so far.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and 65,535")]
fn xid(number: f64) -> Option<u32> {
    within(number, f64::from(u16::MAX)).filter(|number| number.fract() == 0.0).map(|number| number as u32)
}
