//! Accelerators as exporters of metrics tell of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::{ObjectKey, Sym};
use crate::units::Time;

/// The kinds of exporters, by the format of their metrics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExporterKind {
    /// NVIDIA's dcgm-exporter.
    Dcgm,
    /// AMD's device-metrics-exporter.
    Amd,
    /// AWS's neuron-monitor with its Prometheus companion.
    Neuron,
    /// A Prometheus server that has scraped any of them.
    Prometheus,
}

impl ExporterKind {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dcgm => "Dcgm",
            Self::Amd => "Amd",
            Self::Neuron => "Neuron",
            Self::Prometheus => "Prometheus",
        }
    }
}

/// A pod that exports the metrics of the accelerators of its Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exporter {
    /// The format of its metrics.
    pub kind: ExporterKind,
    /// The pod.
    pub pod: ObjectKey,
}

/// A share of the time in which a device was busy, in millionths: from none to all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Utilization(u32);

impl Utilization {
    const ALL_MILLIONTHS: u32 = 1_000_000;

    /// Never idle.
    pub const FULL: Self = Self(Self::ALL_MILLIONTHS);

    /// From a ratio between 0 and 1. `None` for what is none: not a number, negative, or larger than rounding explains.
    pub fn from_ratio(ratio: f64) -> Option<Self> {
        /// A counter that is read a little late tells a little more than all.
        const TOLERATED: f64 = 1.01;
        let ratio = Some(ratio).filter(|ratio| (0.0..=TOLERATED).contains(ratio))?.min(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and a million")]
        let millionths = (ratio * f64::from(Self::ALL_MILLIONTHS)).round() as u32;
        Some(Self(millionths))
    }

    /// From percent between 0 and 100, with the same limits.
    pub fn from_percent(percent: f64) -> Option<Self> {
        Self::from_ratio(percent / 100.0)
    }

    /// So many percent; all where it would be more than a hundred.
    pub const fn percent(percent: u32) -> Self {
        if percent >= 100 { Self::FULL } else { Self(percent * (Self::ALL_MILLIONTHS / 100)) }
    }

    /// In millionths, at most a million.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// In percent, rounded to a whole one.
    pub const fn whole_percent(self) -> u32 {
        const MILLIONTHS_PER_PERCENT: u32 = Utilization::ALL_MILLIONTHS / 100;
        (self.0 + MILLIONTHS_PER_PERCENT / 2) / MILLIONTHS_PER_PERCENT
    }

    /// The mean of utilizations, each with its weight; `None` of none, or where no weight is above zero.
    pub fn mean(weighted: impl Iterator<Item = (Self, u64)>) -> Option<Self> {
        let (sum, weight) = weighted.fold((0_u128, 0_u128), |(sum, all), (one, weight)| {
            (sum + u128::from(one.0) * u128::from(weight), all + u128::from(weight))
        });
        let rounded = (2 * sum + weight).checked_div(2 * weight)?;
        u32::try_from(rounded).ok().map(Self)
    }
}

/// What an exporter tells of a device: a board, or one MIG instance of a board. What it does not tell, or what cannot be
/// right, is `None`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceReading {
    /// Identity of the board; MIG instances of one board share it. Where the exporter knows none, a name that is unique on
    /// the Node, for example `neuron0`.
    pub uuid: Sym,
    /// Number of the board on its Node.
    pub index: Option<u32>,
    /// Model of the board.
    pub model: Option<Sym>,
    /// The MIG instance; `None` for a whole board.
    pub mig: Option<MigInstance>,
    /// How busy it was.
    pub utilization: Option<Utilization>,
    /// Memory in use.
    pub memory_used_bytes: Option<u64>,
    /// Memory that it has.
    pub memory_total_bytes: Option<u64>,
    /// Power that it draws, in milliwatts.
    pub power_milliwatts: Option<u32>,
    /// Its temperature.
    pub temperature_celsius: Option<i16>,
    /// The last XID error of NVIDIA's driver; zero for none.
    pub xid: Option<u32>,
    /// The containers to which the kubelet has given it, each once.
    pub holders: Vec<DeviceHolder>,
}

/// An instance of NVIDIA MIG.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MigInstance {
    /// Number of the instance on its board.
    pub id: u32,
    /// Its profile, for example `1g.10gb`.
    pub profile: Sym,
}

/// A container that has been given a device.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DeviceHolder {
    /// Its pod.
    pub pod: ObjectKey,
    /// Its name, where the exporter tells it.
    pub container: Option<Sym>,
}

/// What was read of the devices of one Node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GpuReadings {
    /// The devices.
    pub devices: Vec<DeviceReading>,
    /// What of the answer could not be used, in one sentence.
    pub remark: Option<Sym>,
}

impl From<Vec<DeviceReading>> for GpuReadings {
    fn from(devices: Vec<DeviceReading>) -> Self {
        Self { devices, remark: None }
    }
}

/// The answer of an exporter for one Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuAnswer {
    /// Name of the Node.
    pub node: Sym,
    /// The exporter that was asked. Where a Prometheus server was, the pod is that of the exporter that it has scraped, as far
    /// as that is known, and otherwise its Service.
    pub exporter: Exporter,
    /// When the answer came.
    pub at: Time,
    /// The devices, ordered by index, identity and MIG instance; or why there are none.
    pub devices: Result<GpuReadings, GpuFailure>,
}

/// Why an exporter could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum GpuFailure {
    /// The API server does not let batchtop read it, in its own words.
    Forbidden(Sym),
    /// It did not answer, or with nothing that can be read, in one sentence.
    Failed(Sym),
}

/// What is known of the devices of one Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeDevices {
    /// The exporter that was asked last.
    pub exporter: Exporter,
    /// When it last told of devices.
    pub as_of: Option<Time>,
    /// The devices as it told of them then.
    pub devices: Vec<DeviceReading>,
    /// What of that answer could not be used, in one sentence.
    pub remark: Option<Sym>,
    /// Why it could not be read since, and when that was.
    pub failure: Option<(Time, GpuFailure)>,
    /// Other exporters on the Node that failed before it, one after the other.
    pub failed_before: Vec<ObjectKey>,
}

/// How many exporters of one Node are tried.
const MAX_TRIED: usize = 8;

impl NodeDevices {
    /// The exporters that have failed, it among them.
    fn failed(mut self) -> Vec<ObjectKey> {
        self.failed_before.truncate(MAX_TRIED - 1);
        self.failed_before.extend(self.failure.map(|_| self.exporter.pod));
        self.failed_before
    }
}

/// Who tells of the devices of a Node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ToldBy {
    /// The exporter on the Node.
    Exporter,
    /// A Prometheus server.
    Prometheus,
}

/// What is known of the devices of one Node, by who told it: an answer of the one leaves that of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NodeAnswers<'a> {
    /// From the exporter on the Node; `None` where it has not answered yet.
    pub exporter: Option<&'a NodeDevices>,
    /// From a Prometheus server; `None` where none was asked for this Node yet.
    pub prometheus: Option<&'a NodeDevices>,
}

impl<'a> NodeAnswers<'a> {
    /// From one of them.
    pub const fn by(self, who: ToldBy) -> Option<&'a NodeDevices> {
        match who {
            ToldBy::Exporter => self.exporter,
            ToldBy::Prometheus => self.prometheus,
        }
    }
}

/// What is known of the devices of all Nodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GpuDevices {
    /// From the exporters on the Nodes, by name of the Node.
    by_exporters: Devices,
    /// From a Prometheus server, by name of the Node.
    by_prometheus: Devices,
}

type Devices = HashMap<Sym, NodeDevices, RandomState>;

impl GpuDevices {
    /// Of one Node.
    pub fn of_node(&self, node: &str) -> NodeAnswers<'_> {
        NodeAnswers { exporter: self.by_exporters.get(node), prometheus: self.by_prometheus.get(node) }
    }

    /// Takes over an answer. A failure leaves what the same exporter, or a Prometheus server, told before.
    pub(super) fn apply(&mut self, answer: GpuAnswer) {
        let is_of_prometheus = answer.exporter.kind == ExporterKind::Prometheus;
        let known = if is_of_prometheus { &mut self.by_prometheus } else { &mut self.by_exporters };
        let before = known.remove(&answer.node);
        let exporter = answer.exporter;
        let is_same = before.as_ref().is_some_and(|before| is_of_prometheus || before.exporter == exporter);
        let now = match (answer.devices, before) {
            (Ok(GpuReadings { devices, remark }), _) => {
                let as_of = Some(answer.at);
                NodeDevices { exporter, as_of, devices, remark, failure: None, failed_before: Vec::new() }
            }
            (Err(failure), Some(before)) if is_same => NodeDevices { failure: Some((answer.at, failure)), ..before },
            (Err(failure), before) => NodeDevices {
                exporter,
                as_of: None,
                devices: Vec::new(),
                remark: None,
                failure: Some((answer.at, failure)),
                failed_before: before.map(NodeDevices::failed).unwrap_or_default(),
            },
        };
        known.insert(answer.node, now);
    }

    /// Forgets a Node that is gone.
    pub(super) fn forget(&mut self, node: &str) {
        self.by_exporters.remove(node);
        self.by_prometheus.remove(node);
    }
}

/// What is wanted to be read of accelerators, again and again, from now on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GpuDemand {
    /// The exporters on the Nodes, by name of the Node.
    pub exporters: BTreeMap<Sym, Exporter>,
    /// The Nodes to read before others and as often as is allowed: they are on screen, or something about them is odd.
    pub first: BTreeSet<Sym>,
    /// The Nodes of which no exporter tells that can be read, each with the pod of its exporter, if there is one: a Prometheus
    /// server is asked for them.
    pub prometheus: BTreeMap<Sym, Option<ObjectKey>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_utilization_is_between_nothing_and_all() {
        let percent = |percent| Utilization::from_percent(percent).map(Utilization::millionths);
        assert_eq!([percent(0.0), percent(91.5), percent(100.0)], [Some(0), Some(915_000), Some(1_000_000)]);
        assert_eq!(percent(100.5), Some(1_000_000));
        for none in [-1.0, 102.0, f64::NAN, f64::INFINITY, 1e300] {
            assert_eq!(percent(none), None, "{none}");
        }
        assert_eq!(Utilization::from_ratio(0.333_333_3).map(Utilization::millionths), Some(333_333));
    }

    #[test]
    fn a_mean_is_weighted_and_rounded() {
        let of =
            |parts: &[(u32, u64)]| Utilization::mean(parts.iter().map(|(one, weight)| (Utilization(*one), *weight)));
        assert_eq!(of(&[(1_000_000, 1), (0, 3)]), Some(Utilization(250_000)));
        assert_eq!(of(&[(0, 1), (1, 1)]), Some(Utilization(1)));
        assert_eq!((of(&[]), of(&[(5, 0)])), (None, None));
    }

    #[test]
    fn a_failure_keeps_what_the_same_exporter_told_before() {
        let exporter = |name| Exporter { kind: ExporterKind::Dcgm, pod: ObjectKey::new("gpu", name) };
        let answer = |name, at, devices| GpuAnswer {
            node: Sym::new("a"),
            exporter: exporter(name),
            at: Time::from_seconds(at),
            devices,
        };
        let failed = || Err(GpuFailure::Failed(Sym::new("it hangs")));
        let mut known = GpuDevices::default();
        known.apply(answer("one", 1, Ok(GpuReadings::default())));
        known.apply(answer("one", 2, failed()));
        let kept = known.of_node("a").exporter.expect("the Node");
        assert_eq!((kept.as_of, kept.failure.is_some()), (Some(Time::from_seconds(1)), true));
        known.apply(answer("other", 3, failed()));
        assert_eq!(known.of_node("a").exporter.and_then(|known| known.as_of), None, "another exporter");
        let tried = |known: &GpuDevices| known.of_node("a").exporter.expect("the Node").failed_before.clone();
        assert_eq!(tried(&known), [ObjectKey::new("gpu", "one")]);
        known.apply(answer("third", 4, failed()));
        assert_eq!(tried(&known).len(), 2);
        known.apply(answer("one", 5, Ok(GpuReadings::default())));
        assert_eq!(tried(&known), []);
        known.forget("a");
        assert_eq!(known.of_node("a"), NodeAnswers::default());
    }

    #[test]
    fn answers_of_an_exporter_and_of_prometheus_leave_each_other() {
        let answer = |kind, pod, at, devices| GpuAnswer {
            node: Sym::new("a"),
            exporter: Exporter { kind, pod: ObjectKey::new("gpu", pod) },
            at: Time::from_seconds(at),
            devices,
        };
        let failed = || Err(GpuFailure::Failed(Sym::new("it hangs")));
        let mut known = GpuDevices::default();
        known.apply(answer(ExporterKind::Dcgm, "one", 1, Ok(GpuReadings::default())));
        known.apply(answer(ExporterKind::Prometheus, "one", 2, Ok(GpuReadings::default())));
        known.apply(answer(ExporterKind::Dcgm, "other", 3, failed()));
        known.apply(answer(ExporterKind::Prometheus, "service", 4, failed()));
        let told = known.of_node("a");
        assert_eq!(told.by(ToldBy::Exporter).and_then(|known| known.as_of), None);
        let kept = told.by(ToldBy::Prometheus).expect("what it told before");
        assert_eq!((kept.as_of, kept.failure.is_some()), (Some(Time::from_seconds(2)), true));
        assert_eq!(kept.exporter.pod.name.as_str(), "one", "of which the devices are");
        known.forget("a");
        assert_eq!(known.of_node("a"), NodeAnswers::default());
    }
}
