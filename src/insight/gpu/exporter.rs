//! The exporter of a Node's devices: which pod it is, and whether it can be read.

use super::hardware::Vendor;
use crate::fleet::{Exporter, ExporterKind, GpuFailure, NodeDevices, ObjectKey, PodPhase, PodRow};
use crate::insight::sentence::{Part, Sentence, sentence};
use crate::units::Time;

/// Whether the devices of a Node can be read, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExporterStatus {
    /// State of the exporter.
    pub state: ExporterState,
    /// The exporter; `None` where there is none.
    pub exporter: Option<Exporter>,
    /// When it last told of devices.
    pub as_of: Option<Time>,
    /// What is wrong with it, or odd about it.
    pub message: Option<Sentence>,
    /// The exporter that can be asked; `None` where none runs.
    pub running: Option<Exporter>,
}

/// The state of an exporter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExporterState {
    /// It tells of devices and of the pods that have them.
    Live,
    /// It tells of devices, of none which pod has it, although pods have requested some.
    NoPodLabels,
    /// No exporter runs on the Node.
    None,
    /// It has not answered yet.
    Pending,
    /// The API server does not let batchtop read it.
    Forbidden,
    /// It did not answer, or with nothing that can be read.
    Failed,
    /// What it told is of a while ago.
    Stale,
}

/// The labels that name what a pod is.
const LABELS: [&str; 5] = ["app.kubernetes.io/name", "app", "k8s-app", "name", "app.kubernetes.io/component"];

/// What tells of the devices of a vendor, and what the names of such pods end in.
///
/// Sources: gpu-operator assets/state-dcgm-exporter, dcgm-exporter deployment/templates, AMD's gpu-operator and
/// device-metrics-exporter charts, and AWS's neuron-monitor DaemonSet.
const fn exporters_of(vendor: Vendor) -> Option<(ExporterKind, &'static [&'static str])> {
    match vendor {
        Vendor::Nvidia => Some((ExporterKind::Dcgm, &["dcgm-exporter", "dcgm-exporter-dra"])),
        Vendor::Amd => Some((ExporterKind::Amd, &["metrics-exporter", "gpu-exporter"])),
        Vendor::Aws => Some((ExporterKind::Neuron, &["neuron-monitor", "neuron-monitor-prometheus"])),
        Vendor::Google | Vendor::Intel | Vendor::Habana | Vendor::Other => None,
    }
}

/// Whether a pod, or the DaemonSet that made it, is called so.
fn is_named(pod: &PodRow, ends: &[&str]) -> bool {
    let owner = pod.owner.as_ref().filter(|_| pod.eviction.of_daemon_set).map(|owner| &owner.name);
    let mut names = LABELS.iter().filter_map(|label| pod.labels.get(label)).chain(owner);
    names.any(|name| ends.iter().any(|end| name.ends_with(end)))
}

/// The exporter pods of a Node with devices of this vendor, the one to read first: one that runs before one that does not,
/// then by name.
pub fn find<'a>(vendor: Vendor, pods: impl Iterator<Item = &'a PodRow>) -> Vec<FoundExporter<'a>> {
    let Some((kind, ends)) = exporters_of(vendor) else { return Vec::new() };
    let exporters = pods.filter(|pod| pod.is_active() && is_named(pod, ends));
    let mut found: Vec<_> = exporters.map(|pod| FoundExporter { kind, pod }).collect();
    found.sort_by_key(|one| (one.pod.phase != PodPhase::Running, one.pod.eviction.unready, &one.pod.meta.key));
    found
}

/// An exporter pod on a Node.
#[derive(Clone, Copy)]
pub struct FoundExporter<'a> {
    /// The format of its metrics.
    pub kind: ExporterKind,
    /// The pod.
    pub pod: &'a PodRow,
}

impl FoundExporter<'_> {
    /// Whether it can be asked.
    pub fn is_running(&self) -> bool {
        self.pod.phase == PodPhase::Running
    }

    /// What a Source is told to read.
    pub fn exporter(&self) -> Exporter {
        Exporter { kind: self.kind, pod: self.pod.meta.key.clone() }
    }
}

/// For so long what an exporter told is shown as what is: several times as long as it takes until it is read again.
const FRESH_SECONDS: i64 = 180;

/// For so long it is shown at all.
const USABLE_SECONDS: i64 = 600;

/// The devices as they were told, unless that was too long ago.
pub(super) fn usable(known: Option<&NodeDevices>, now: Time) -> Option<&NodeDevices> {
    known.filter(|known| known.as_of.is_some_and(|at| now.seconds_since(at) <= USABLE_SECONDS))
}

/// The state of a Node's exporter. `found` are the exporters that run there, `known` is what was told.
pub(super) fn status(
    found: &[FoundExporter<'_>],
    known: Option<&NodeDevices>,
    labels: PodLabels,
    now: Time,
) -> ExporterStatus {
    let exporter = found.first().map(FoundExporter::exporter);
    // Prometheus tells of Nodes whose exporter cannot be told from other pods.
    let is_of_it = |known: &&NodeDevices| {
        known.exporter.kind == ExporterKind::Prometheus || Some(&known.exporter) == exporter.as_ref()
    };
    let running = found.first().filter(|first| first.is_running()).map(FoundExporter::exporter);
    let (state, message) = match (known.filter(is_of_it), found.first()) {
        (Some(known), _) => answered(known, labels, now, also_there(found)),
        (None, None) => (ExporterState::None, None),
        (None, Some(_)) if running.is_some() => (ExporterState::Pending, Some(Sentence::of("it has not answered yet"))),
        (None, Some(found)) => (ExporterState::Failed, Some(sentence!["its pod does not run: ", &found.pod.status])),
    };
    let told = known.filter(is_of_it);
    let as_of = told.and_then(|known| known.as_of);
    let exporter = told.map(|known| known.exporter.clone()).or(exporter);
    ExporterStatus { state, exporter, as_of, message, running }
}

/// Whether the devices that were told of have labels of pods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PodLabels {
    /// Some have, or no pod has requested any.
    AsExpected,
    /// None has, and pods have requested some.
    Missing,
}

fn answered(
    known: &NodeDevices,
    labels: PodLabels,
    now: Time,
    others: Option<Sentence>,
) -> (ExporterState, Option<Sentence>) {
    let age = known.as_of.map(|at| now.seconds_since(at));
    match &known.failure {
        Some((_, failure)) if usable(Some(known), now).is_none() => failed(failure),
        Some((_, failure)) => (ExporterState::Stale, failed(failure).1),
        None if age.is_none_or(|age| age > FRESH_SECONDS) => (ExporterState::Stale, None),
        None if labels == PodLabels::Missing => (ExporterState::NoPodLabels, others),
        None => (ExporterState::Live, others),
    }
}

fn failed(failure: &GpuFailure) -> (ExporterState, Option<Sentence>) {
    let (state, words) = match failure {
        GpuFailure::Forbidden(words) => (ExporterState::Forbidden, words),
        GpuFailure::Failed(words) => (ExporterState::Failed, words),
    };
    (state, Some(Sentence::of(words)))
}

/// Several exporters on one Node are a mistake, or two products that do the same.
fn also_there(found: &[FoundExporter<'_>]) -> Option<Sentence> {
    let others: Vec<&ObjectKey> = found.iter().skip(1).map(|one| &one.pod.meta.key).collect();
    let others = others.into_iter().map(|key| Part::Object(key.clone()));
    (found.len() > 1).then(|| sentence!["not the only exporter on the node: also ", Sentence::joined(others, ", ")])
}
