//! The exporter of a Node's devices: which pod it is, and whether it can be read.

use super::hardware::Vendor;
use crate::fleet::{Exporter, ExporterKind, GpuFailure, NodeAnswers, NodeDevices, ObjectKey, PodPhase, PodRow, ToldBy};
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
    /// Whether it cannot be read, or is not there: a Prometheus server is asked in its place.
    pub is_unread: bool,
    /// Its pod, whether it runs or not.
    pub pod: Option<ObjectKey>,
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

/// What is known of the exporter of a Node: its pods, and what was told.
pub(super) struct Known<'a> {
    vendor: Vendor,
    /// The exporters on the Node, the one to read first.
    found: Vec<FoundExporter<'a>>,
    told: NodeAnswers<'a>,
    now: Time,
}

impl<'a> Known<'a> {
    pub(super) fn of(vendor: Vendor, pods: &[&'a PodRow], told: NodeAnswers<'a>, now: Time) -> Self {
        let mut found = find(vendor, pods.iter().copied());
        if let Some(known) = told.exporter {
            found.sort_by_key(|one| !one.is_running() || is_worse(&one.pod.meta.key, known));
            if found.iter().all(|one| !one.is_running() || is_worse(&one.pod.meta.key, known)) {
                found.sort_by_key(|one| one.pod.meta.key != known.exporter.pod);
            }
        }
        Self { vendor, found, told, now }
    }

    /// What the exporter that was asked last has failed with, where another one on the Node is to be asked in its place.
    fn of_other(&self) -> Option<&'a NodeDevices> {
        let is_there = |known: &&NodeDevices| self.found.iter().any(|one| one.pod.meta.key == known.exporter.pod);
        self.told.exporter.filter(|known| known.failure.is_some()).filter(is_there)
    }

    fn exporter(&self) -> Option<Exporter> {
        self.found.first().map(FoundExporter::exporter)
    }

    fn running(&self) -> Option<Exporter> {
        self.found.first().filter(|first| first.is_running()).map(FoundExporter::exporter)
    }

    /// What the exporter told that is there now, and not one before it.
    fn of_exporter(&self) -> Option<&'a NodeDevices> {
        self.told.exporter.filter(|known| Some(&known.exporter) == self.exporter().as_ref())
    }

    /// Whose readings count: those of the exporter while they are fresh, else those that are newer.
    pub(super) fn told_by(&self) -> ToldBy {
        let is_fresh = |known: &NodeDevices| known.failure.is_none() && self.age(known) <= Some(FRESH_SECONDS);
        let as_of = |known| usable(known, self.now).and_then(|known| known.as_of);
        let has_exporter = self.of_exporter().is_some_and(|known| known.as_of.is_some() && is_fresh(known));
        let (of_exporter, of_prometheus) = (as_of(self.told.exporter), as_of(self.told.prometheus));
        if has_exporter || of_prometheus.is_none() || of_prometheus < of_exporter {
            ToldBy::Exporter
        } else {
            ToldBy::Prometheus
        }
    }

    fn age(&self, known: &NodeDevices) -> Option<i64> {
        known.as_of.map(|at| self.now.seconds_since(at))
    }

    /// Whether no exporter tells of devices that an exporter could tell of: a Prometheus server may.
    fn is_unread(&self) -> bool {
        let can_be_told = exporters_of(self.vendor).is_some();
        can_be_told && (self.running().is_none() || self.of_exporter().is_some_and(|known| known.failure.is_some()))
    }

    pub(super) fn status(&self, by: ToldBy, labels: PodLabels, strangers: &[ObjectKey]) -> ExporterStatus {
        // Prometheus tells of Nodes whose exporter cannot be told from other pods, too.
        let told = match by {
            ToldBy::Exporter => self.of_exporter().or_else(|| self.of_other()),
            ToldBy::Prometheus => self.told.prometheus,
        };
        let (state, message) = match told {
            Some(known) => answered(known, labels, self.now, remark(known, strangers, also_there(&self.found))),
            None => self.unanswered(),
        };
        ExporterStatus {
            state,
            exporter: told.map(|known| known.exporter.clone()).or_else(|| self.exporter()),
            as_of: told.and_then(|known| known.as_of),
            message: self.with_prometheus(state, message),
            running: self.running(),
            is_unread: self.is_unread(),
            pod: self.exporter().map(|exporter| exporter.pod),
        }
    }

    fn unanswered(&self) -> (ExporterState, Option<Sentence>) {
        match self.found.first() {
            None => (ExporterState::None, None),
            Some(found) if found.is_running() => {
                (ExporterState::Pending, Some(Sentence::of("it has not answered yet")))
            }
            Some(found) => (ExporterState::Failed, Some(sentence!["its pod does not run: ", &found.pod.status])),
        }
    }

    /// Where neither tells of the devices, the message says it of both.
    fn with_prometheus(&self, state: ExporterState, message: Option<Sentence>) -> Option<Sentence> {
        let is_without = matches!(state, ExporterState::None | ExporterState::Forbidden | ExporterState::Failed);
        let failure = self.told.prometheus.filter(|_| is_without && self.is_unread());
        let Some((_, failure)) = failure.and_then(|known| known.failure.as_ref()) else { return message };
        let words = sentence!["Prometheus: ", failed(failure).1];
        Some(message.map_or(words.clone(), |message| sentence![message, "; ", words]))
    }
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
    remark: Option<Sentence>,
) -> (ExporterState, Option<Sentence>) {
    let age = known.as_of.map(|at| now.seconds_since(at));
    let state = match &known.failure {
        Some((_, failure)) if usable(Some(known), now).is_none() => failed(failure).0,
        Some(_) => ExporterState::Stale,
        None if age.is_none_or(|age| age > FRESH_SECONDS) => ExporterState::Stale,
        None if labels == PodLabels::Missing => ExporterState::NoPodLabels,
        None => ExporterState::Live,
    };
    let failure = known.failure.as_ref().and_then(|(_, failure)| failed(failure).1);
    (state, joined(failure.into_iter().chain(remark)))
}

/// What is odd about an answer, or about who gave it.
fn remark(known: &NodeDevices, strangers: &[ObjectKey], others: Option<Sentence>) -> Option<Sentence> {
    let of_page = known.remark.as_ref().map(Sentence::of);
    let of_pods = strangers.iter().map(|key| Part::Object(key.clone()));
    let of_pods = sentence!["it names pods that hold no device here: ", Sentence::joined(of_pods, ", ")];
    let of_pods = (!strangers.is_empty()).then_some(of_pods);
    joined([of_page, of_pods, others].into_iter().flatten())
}

fn joined(sentences: impl Iterator<Item = Sentence>) -> Option<Sentence> {
    sentences.reduce(|all, next| sentence![all, "; ", next])
}

/// Whether an exporter has failed, or another one on the Node has answered.
fn is_worse(exporter: &ObjectKey, known: &NodeDevices) -> bool {
    let is_asked = known.exporter.pod == *exporter;
    match known.failure {
        Some(_) => is_asked || known.failed_before.contains(exporter),
        None => !is_asked,
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
