//! What the accelerators of a Node do: what exporters tell of devices, joined with what pods have requested.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::class::{GpuClass, GpuThresholds, Hold, Measured};
use super::exporter::{self, ExporterState, ExporterStatus, Known, PodLabels};
use super::partition::Thousandths;
use super::rates;
use super::reason;
use super::summary::{DevicePlugin, NodeGpu};
use crate::fleet::{DeviceReading, NodeAnswers, ObjectKey, PodPhase, PodRow, Sym, ToldBy, Utilization};
use crate::insight::relation;
use crate::insight::sentence::Sentence;
use crate::units::Time;

/// What the activity of a Node's accelerators follows from.
#[derive(Clone, Copy)]
pub struct ActivityInput<'a> {
    /// What there is and what is requested.
    pub gpu: &'a NodeGpu,
    /// The pods on the Node that have not finished.
    pub pods: &'a [&'a PodRow],
    /// Those of them that request or claim devices.
    pub requesting: &'a [&'a PodRow],
    /// Whether these are all.
    pub are_pods_known: bool,
    /// What was told of the devices.
    pub told: NodeAnswers<'a>,
    /// Where one class ends and the next begins.
    pub thresholds: &'a GpuThresholds,
    /// What was found before, so that classes do not change with every reading.
    pub before: Option<&'a NodeActivity>,
    /// The time that the answer is for.
    pub now: Time,
}

/// What the accelerators of a Node do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeActivity {
    /// In one word.
    pub class: GpuClass,
    /// Why, in one sentence.
    pub reason: Sentence,
    /// Since when the class is this one; `None` where it has been so as long as batchtop has known the Node.
    pub since: Option<Time>,
    /// The mean over the devices that are held; over all that tell it where none is.
    pub utilization: Option<Utilization>,
    /// Memory in use of all devices that tell it.
    pub memory_used_bytes: Option<u64>,
    /// Memory of all devices that tell it.
    pub memory_total_bytes: Option<u64>,
    /// Physical devices by class; `None` where it is not known how many there are.
    pub by_class: Option<ByClass>,
    /// How the devices are read.
    pub exporter: ExporterStatus,
    /// Whether the device plugin has come up, and since when it is so; `None` where it has been so as long as batchtop has
    /// known the Node.
    pub device_plugin: (DevicePlugin, Option<Time>),
    /// Of whose readings the devices are.
    told_by: ToldBy,
    /// Whether all pods that request devices share the only one there is.
    is_only_device_shared: bool,
    /// The devices, in the order of the readings; empty where there are none that can be used.
    pub devices: Vec<DeviceActivity>,
}

/// What one device does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceActivity {
    /// The board, and the instance on it.
    id: (Sym, Option<u32>),
    /// In one word.
    pub class: GpuClass,
    /// Since when the class is this one; `None` where it has been so as long as batchtop has known the device.
    pub since: Option<Time>,
    /// Whether a pod has requested it.
    pub is_held: bool,
    /// Since when it would be of another, less active class.
    calmer_since: Option<Time>,
}

/// What one pod makes of its devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PodActivity {
    /// The mean over its devices; `None` where no exporter says which they are.
    pub utilization: Option<Utilization>,
    /// Memory in use of its devices.
    pub memory_used_bytes: Option<u64>,
    /// What its devices do; `None` where no exporter says which they are.
    pub class: Option<GpuClass>,
    /// Whether other pods have one of its devices, too: the figures are then those of the device.
    pub is_shared: bool,
}

/// Physical devices by class; of a Node never any in [`GpuClass::Stranded`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ByClass([i64; GpuClass::ALL.len()]);

impl ByClass {
    /// How many are of a class.
    pub const fn get(&self, class: GpuClass) -> i64 {
        self.0[class as usize]
    }

    /// So many more of a class.
    pub const fn add(&mut self, class: GpuClass, count: i64) {
        self.0[class as usize] += count;
    }

    /// So many times more as there are of each class elsewhere.
    pub fn add_all(&mut self, other: &Self, times: i64) {
        GpuClass::ALL.into_iter().for_each(|class| self.add(class, times * other.get(class)));
    }

    /// All of them.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }
}

impl NodeActivity {
    /// Of a Node with accelerators.
    pub fn of(input: ActivityInput<'_>) -> Self {
        let known = Known::of(input.gpu.vendor, input.pods, input.told, input.now);
        let told_by = known.told_by();
        let told = exporter::usable(input.told.by(told_by), input.now);
        let readings = told.map_or(&[][..], |told| &told.devices);
        let holders = Holders::of(input, readings);
        let devices: Vec<DeviceActivity> = readings
            .iter()
            .zip(&holders.holds)
            .map(|(reading, hold)| DeviceActivity::of(input, reading, *hold))
            .collect();
        let exporter = known.status(told_by, holders.labels, &holders.strangers);
        let class = class_of_node(input, &devices);
        let boards = Boards::of(readings, &devices);
        Self {
            reason: reason::of(class, input, readings, &devices, &exporter),
            since: since(input.before.map(|before| (before.class, before.since)), class, input.now),
            utilization: utilization(readings, &devices),
            memory_used_bytes: sum(readings.iter().map(|reading| reading.memory_used_bytes)),
            memory_total_bytes: sum(readings.iter().map(|reading| reading.memory_total_bytes)),
            by_class: input.gpu.physical.map(|physical| boards.by_class(physical, held_boards(input.gpu))),
            class,
            device_plugin: (
                input.gpu.device_plugin,
                since(input.before.map(|before| before.device_plugin), input.gpu.device_plugin, input.now),
            ),
            exporter,
            told_by,
            is_only_device_shared: input.gpu.is_only_device_shared() && input.requesting.len() > 1,
            devices,
        }
    }

    /// The readings of the devices, in their order, among what was told of the Node; none where what was told is too old.
    pub fn readings<'a>(&self, told: NodeAnswers<'a>) -> &'a [DeviceReading] {
        let known = told.by(self.told_by).filter(|_| !self.devices.is_empty());
        known.map_or(&[], |known| &known.devices)
    }

    /// The same, each with what the device does; `None` where the device was not there when that was found.
    pub fn each_device<'a>(
        &'a self,
        told: NodeAnswers<'a>,
    ) -> impl Iterator<Item = (&'a DeviceReading, Option<&'a DeviceActivity>)> {
        let readings = self.readings(told).iter().enumerate();
        readings.map(|(at, reading)| (reading, self.of_device(reading, at)))
    }

    /// What a pod makes of its devices, by what was told of the devices of its Node.
    pub fn of_pod(&self, told: NodeAnswers<'_>, pod: &ObjectKey) -> PodActivity {
        let is_its_own = |reading: &DeviceReading| reading.holders.iter().any(|holder| holder.pod == *pod);
        let is_of_others = |reading: &DeviceReading| reading.holders.iter().any(|holder| holder.pod != *pod);
        let own: Vec<_> = self.each_device(told).filter(|(reading, _)| is_its_own(reading)).collect();
        let readings = || own.iter().map(|(reading, _)| *reading);
        PodActivity {
            utilization: Utilization::mean(readings().filter_map(|reading| Some((reading.utilization?, 1)))),
            memory_used_bytes: sum(readings().map(|reading| reading.memory_used_bytes)),
            class: most_active(own.iter().filter_map(|(_, device)| Some((*device)?.class))),
            is_shared: self.is_only_device_shared || readings().any(is_of_others),
        }
    }

    /// Without what it remembers of before.
    #[cfg(test)]
    pub(crate) fn without_history(self) -> Self {
        let devices = self.devices.into_iter();
        let devices = devices.map(|device| DeviceActivity { since: None, calmer_since: None, ..device }).collect();
        Self { since: None, device_plugin: (self.device_plugin.0, None), devices, ..self }
    }

    /// What the device of a reading does; `None` where it was not there when this was found. `at` is where it is likely to stand.
    fn of_device(&self, reading: &DeviceReading, at: usize) -> Option<&DeviceActivity> {
        let likely = self.devices.get(at).filter(|device| device.is_of(reading));
        likely.or_else(|| self.devices.iter().find(|device| device.is_of(reading)))
    }

    /// Physical devices by class as sums count them: those of a stranded Node that no pod requests are stranded.
    pub fn counted_by_class(&self) -> Option<ByClass> {
        let by_class = self.by_class?;
        let mut counted = ByClass::default();
        for class in GpuClass::ALL {
            let is_stranded = class == GpuClass::Unallocated && self.class == GpuClass::Stranded;
            counted.add(if is_stranded { GpuClass::Stranded } else { class }, by_class.get(class));
        }
        Some(counted)
    }

    /// Whether pods have requested any device of which an exporter tells.
    pub fn is_any_held(&self) -> bool {
        self.devices.iter().any(|device| device.is_held)
    }

    /// Of the devices that are held, how many are idle or parked, and how many there are.
    pub fn idle_share(&self) -> (usize, usize) {
        let held = || self.devices.iter().filter(|device| device.is_held);
        let is_idle = |device: &&DeviceActivity| matches!(device.class, GpuClass::Idle | GpuClass::Parked);
        (held().filter(is_idle).count(), held().count())
    }

    /// Whether every device of the Node is requested and does nothing, so that it is clear of every pod, named or not.
    pub fn is_all_idle(&self) -> bool {
        let is_idle = |device: &DeviceActivity| matches!(device.class, GpuClass::Idle | GpuClass::Parked);
        let is_silent = self.by_class.is_some_and(|classes| classes.get(GpuClass::Unknown) > 0);
        !is_silent && self.devices.iter().all(is_idle)
    }

    /// Whether exporters say which pod has which device.
    pub fn names_pods(&self) -> bool {
        matches!(self.exporter.state, ExporterState::Live | ExporterState::Stale)
    }
}

/// The boards that pods hold, by their requests; `None` where nothing tells what a unit is of a board.
fn held_boards(gpu: &NodeGpu) -> Option<i64> {
    gpu.physical_requested.map(Thousandths::ceil)
}

/// Who holds which device.
struct Holders {
    holds: Vec<Hold>,
    labels: PodLabels,
    /// Pods that are named and hold no device here, the first few: they are gone, or the labels are those of something else.
    strangers: Vec<ObjectKey>,
}

/// How many pods without a device are named in a message.
const MAX_STRANGERS: usize = 3;

impl Holders {
    fn of(input: ActivityInput<'_>, readings: &[DeviceReading]) -> Self {
        let pods: HashMap<&ObjectKey, &PodRow, RandomState> =
            input.requesting.iter().map(|pod| (&pod.meta.key, *pod)).collect();
        let named = || readings.iter().flat_map(|reading| &reading.holders).map(|holder| &holder.pod);
        let strangers: BTreeSet<&ObjectKey> = named().filter(|key| !pods.contains_key(key)).collect();
        let strangers = strangers.into_iter().take(MAX_STRANGERS).cloned().collect();
        // A label that names a pod that requests nothing says nothing of devices.
        let says_nothing = |key: &ObjectKey| input.pods.iter().any(|pod| pod.meta.key == *key);
        let has_labels = named().any(|key| pods.contains_key(key) || !says_nothing(key));
        if has_labels || input.gpu.requested == 0 {
            let holds = readings.iter().map(|reading| {
                let holders = reading.holders.iter().filter_map(|holder| pods.get(&holder.pod).copied());
                hold(holders, input.now)
            });
            return Self { holds: holds.collect(), labels: PodLabels::AsExpected, strangers };
        }
        let labels = if readings.is_empty() { PodLabels::AsExpected } else { PodLabels::Missing };
        Self { holds: busiest_are_held(input, readings, hold(pods.into_values(), input.now)), labels, strangers }
    }
}

/// Held by these pods, since the first of them started.
fn hold<'a>(pods: impl Iterator<Item = &'a PodRow>, now: Time) -> Hold {
    let seconds = |pod: &PodRow| {
        let started = pod.started.filter(|_| pod.phase != PodPhase::Pending);
        started.map_or(0, |at| now.seconds_since(at).max(0))
    };
    pods.map(seconds).max().map_or(Hold::Free, |seconds| Hold::Held { seconds })
}

/// Where no pod is named, as many devices count as held as are requested, the busiest.
fn busiest_are_held(input: ActivityInput<'_>, readings: &[DeviceReading], held: Hold) -> Vec<Hold> {
    let are_instances = readings.iter().any(|reading| reading.mig.is_some());
    let count = if are_instances { Some(input.gpu.requested) } else { held_boards(input.gpu) };
    let count = usize::try_from(count.unwrap_or(input.gpu.requested)).unwrap_or(0);
    let mut order: Vec<usize> = (0..readings.len()).collect();
    order.sort_by_key(|at| readings.get(*at).map(|reading| std::cmp::Reverse(reading.utilization)));
    let mut holds = vec![Hold::Free; readings.len()];
    for at in order.into_iter().take(count) {
        if let Some(hold) = holds.get_mut(at) {
            *hold = held;
        }
    }
    holds
}

impl DeviceActivity {
    fn is_of(&self, reading: &DeviceReading) -> bool {
        self.id.0 == reading.uuid && self.id.1 == reading.mig.as_ref().map(|mig| mig.id)
    }

    fn of(input: ActivityInput<'_>, reading: &DeviceReading, hold: Hold) -> Self {
        let id = (reading.uuid.clone(), reading.mig.as_ref().map(|mig| mig.id));
        let before = input.before.and_then(|before| before.devices.iter().find(|device| device.id == id));
        let measured = Measured {
            utilization: reading.utilization,
            memory_used_bytes: reading.memory_used_bytes,
            memory_total_bytes: reading.memory_total_bytes,
        };
        let new = input.thresholds.class_of_device(measured, hold);
        let is_held = hold.is_held();
        let (class, calmer_since) = match before.filter(|before| before.is_held == is_held) {
            Some(before) if is_calmer(new, before.class) => before.dwell(new, input),
            _ => (new, None),
        };
        let since = since(before.map(|before| (before.class, before.since)), class, input.now);
        Self { id, class, since, is_held, calmer_since }
    }

    /// The class of a device that is less active than before: the one before, until it has been so for long enough.
    fn dwell(&self, new: GpuClass, input: ActivityInput<'_>) -> (GpuClass, Option<Time>) {
        let calmer_since = self.calmer_since.unwrap_or(input.now);
        if input.now.seconds_since(calmer_since) >= input.thresholds.dwell_seconds {
            (new, None)
        } else {
            (self.class, Some(calmer_since))
        }
    }
}

/// Whether one measured class is less active than another.
fn is_calmer(new: GpuClass, old: GpuClass) -> bool {
    match old {
        GpuClass::Busy => matches!(new, GpuClass::Parked | GpuClass::Idle),
        GpuClass::Parked => new == GpuClass::Idle,
        GpuClass::Rogue => new == GpuClass::Unallocated,
        _ => false,
    }
}

/// Since when something is so that was `before` the case since then.
fn since<T: PartialEq + Copy>(before: Option<(T, Option<Time>)>, new: T, now: Time) -> Option<Time> {
    match before? {
        (old, since) if old == new => since,
        _ => Some(now),
    }
}

fn class_of_node(input: ActivityInput<'_>, devices: &[DeviceActivity]) -> GpuClass {
    let mut held = devices.iter().filter(|device| device.is_held).peekable();
    let is_held = input.gpu.requested > 0 || held.peek().is_some();
    let is_silent = held.all(|device| device.class == GpuClass::Unknown);
    let is_countable = input.are_pods_known && input.gpu.device_plugin != DevicePlugin::NotRegistered;
    if !is_countable || (is_held && is_silent) {
        return GpuClass::Unknown;
    }
    let is_any = |class| devices.iter().any(|device| device.class == class);
    let of_devices = [GpuClass::Rogue, GpuClass::Busy, GpuClass::Parked, GpuClass::Idle];
    if let Some(class) = of_devices.into_iter().find(|class| is_any(*class)) {
        return class;
    }
    if input.pods.iter().any(|pod| relation::keeps_node(pod)) { GpuClass::Stranded } else { GpuClass::Unallocated }
}

fn utilization(readings: &[DeviceReading], devices: &[DeviceActivity]) -> Option<Utilization> {
    let is_any_held = devices.iter().any(|device| device.is_held);
    let counted = readings.iter().zip(devices).filter(|(_, device)| device.is_held || !is_any_held);
    Utilization::mean(counted.filter_map(|(reading, _)| Some((reading.utilization?, rates::weight(reading)))))
}

/// The sum of what is told; `None` where nothing is.
fn sum(amounts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    amounts.flatten().reduce(u64::saturating_add)
}

/// The class of several devices together.
fn most_active(classes: impl Iterator<Item = GpuClass>) -> Option<GpuClass> {
    const ORDER: [GpuClass; 5] =
        [GpuClass::Busy, GpuClass::Parked, GpuClass::Idle, GpuClass::Rogue, GpuClass::Unallocated];
    let classes: Vec<GpuClass> = classes.collect();
    let first = ORDER.into_iter().find(|class| classes.contains(class));
    first.or_else(|| classes.first().copied())
}

/// The boards of the devices, each with the class of its busiest part and whether any part is held.
struct Boards(Vec<(GpuClass, bool)>);

impl Boards {
    fn of(readings: &[DeviceReading], devices: &[DeviceActivity]) -> Self {
        let mut parts: Vec<(&DeviceReading, &DeviceActivity)> = readings.iter().zip(devices).collect();
        parts.sort_by(|(one, _), (other, _)| one.uuid.cmp(&other.uuid));
        let boards = parts.chunk_by(|(one, _), (next, _)| one.uuid == next.uuid);
        Self(boards.map(board).collect())
    }

    /// Sums up to `physical`: boards of which nothing was told are unknown as far as they are held, else unallocated. Of more
    /// boards than there are said to be, the first in the order of classes count.
    fn by_class(mut self, physical: i64, held: Option<i64>) -> ByClass {
        self.0.sort_by_key(|(class, _)| *class);
        let limit = usize::try_from(physical).unwrap_or(0);
        let told = self.0.get(..limit).unwrap_or(&self.0);
        let mut counts = ByClass::default();
        told.iter().for_each(|(class, _)| counts.add(*class, 1));
        let count = |boards: usize| i64::try_from(boards).unwrap_or(i64::MAX);
        let silent = (physical - count(told.len())).max(0);
        let held_told = count(told.iter().filter(|(_, is_held)| *is_held).count());
        let unknown = held.map_or(silent, |held| (held - held_told).clamp(0, silent));
        counts.add(GpuClass::Unknown, unknown);
        counts.add(GpuClass::Unallocated, silent - unknown);
        counts
    }
}

fn board(parts: &[(&DeviceReading, &DeviceActivity)]) -> (GpuClass, bool) {
    let busiest = parts.iter().map(|(reading, _)| reading.utilization).max().flatten();
    let busiest = parts.iter().filter(|(reading, _)| reading.utilization == busiest).map(|(_, device)| device.class);
    let class = most_active(busiest).unwrap_or(GpuClass::Unknown);
    (class, parts.iter().any(|(_, device)| device.is_held))
}
