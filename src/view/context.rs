//! The App as one frame needs it, with what is computed once for a frame.

use super::layout::BESIDE_FROM;
use super::words::Count;
use super::{TableView, format, table_view};
use crate::app::{App, GpuPast, RowKey};
use crate::fleet::{HealthState, JobRow, Kind, NodeRow, ObjectKey, PodRow, SourceId};
use crate::insight::Completeness;
use crate::insight::disruption::{Protection, protection};
use crate::insight::gpu::NodeGpu;
use crate::insight::picture::{Evaluator, NodePicture, Totals, protected_pods_of};

/// The App as a frame sees it.
pub(super) struct FrameContext<'a> {
    /// State that the frame shows.
    pub(super) app: &'a App,
    /// The sums of the header.
    pub(super) totals: Totals,
    evaluator: Evaluator<'a>,
}

impl<'a> FrameContext<'a> {
    /// Computes what the frame needs.
    pub(super) fn new(app: &'a App) -> Self {
        let totals = app.insights.totals(&app.inputs());
        Self { app, totals, evaluator: app.evaluator() }
    }

    /// What a Prometheus server told of the past of the object whose details are open.
    pub(super) fn past(&self, key: &ObjectKey) -> Option<&'a Result<Box<GpuPast>, String>> {
        self.app
            .ui
            .level
            .detail
            .as_ref()
            .filter(|detail| detail.object().is_some_and(|of| of.object == *key))?
            .gpu_past
            .as_ref()
    }

    /// What decides about Nodes at the moment of the frame.
    pub(super) const fn evaluator(&self) -> &Evaluator<'a> {
        &self.evaluator
    }

    /// How the rows of the shown level look.
    pub(super) fn table_view(&self) -> &'static TableView {
        table_view(self.app.ui.level.screen, self.app.ui.level.table())
    }

    /// The row that keys act on: before anything was selected that of the cursor.
    pub(super) fn selected(&self) -> Option<&RowKey> {
        let listing = &self.app.ui.listing;
        self.app.ui.level.selected.as_ref().or_else(|| listing.rows.get(listing.cursor))
    }

    /// Columns of the details.
    pub(super) fn panel_width(&self) -> usize {
        let width = self.app.ui.size.0;
        usize::from(if width >= BESIDE_FROM { width - width / 2 } else { width })
    }

    /// Columns of a line below a heading of details.
    pub(super) fn detail_width(&self) -> usize {
        self.panel_width().saturating_sub(5)
    }

    /// The protection of a pod now.
    pub(super) fn protection(&self, pod: &PodRow) -> Protection {
        protection::of_pod(pod, self.app.now, &self.app.insights.karpenter)
    }

    /// What the picture says of a Node; `None` only between a change of the Fleet and that of the picture.
    pub(super) fn node(&self, node: &NodeRow) -> Option<&'a NodePicture> {
        self.app.insights.picture.node(&node.meta.key.name)
    }

    /// The accelerators that pods request of a Node.
    pub(super) fn gpus_requested(&self, gpu: &NodeGpu) -> Count {
        self.if_pods_known(gpu.requested)
    }

    /// A count of what pods do.
    pub(super) fn if_pods_known(&self, count: i64) -> Count {
        if self.all(Kind::Pod) { Count::Known(count) } else { Count::Unknown(self.unknown(Kind::Pod)) }
    }

    /// How many pods on a Node are protected; `None` unless all pods are known.
    pub(super) fn protected_on(&self, node: &NodeRow) -> Option<usize> {
        let pods = self.app.fleet.pods_on(&node.meta.key.name);
        let protected =
            pods.filter(|pod| protection::is_protected(pod, self.app.now, &self.app.insights.karpenter)).count();
        self.all(Kind::Pod).then_some(protected)
    }

    /// How many of a Job's active pods are protected, of how many; `None` until those of its namespace are known.
    pub(super) fn protected_of(&self, job: &JobRow) -> Option<(usize, usize)> {
        let active = self.app.fleet.pods_of_job(&job.meta.uid).filter(|pod| pod.is_active()).count();
        let protected = protected_pods_of(&self.app.fleet, job, self.app.now, &self.app.insights.karpenter);
        self.pods_known_of(job).then_some((protected, active))
    }

    /// Whether all objects of a kind are known, in all namespaces: what is summed over the cluster or over a Node is a
    /// number only then.
    pub(super) fn all(&self, kind: Kind) -> bool {
        Completeness::new(&self.app.sources).all(kind)
    }

    /// Whether all pods of a Job are known: they are in its namespace, whatever of other namespaces may be read.
    pub(super) fn pods_known_of(&self, job: &JobRow) -> bool {
        Completeness::new(&self.app.sources).in_namespace(Kind::Pod, &job.meta.key.namespace)
    }

    /// What stands for a number over a kind that is not known: not yet, or, where only some namespaces may be read, not
    /// at all.
    pub(super) fn unknown(&self, kind: Kind) -> &'static str {
        if self.readable(kind) || self.state(kind) == HealthState::Forbidden {
            format::UNKNOWN
        } else {
            format::NOT_YET
        }
    }

    /// How many objects of a kind could not be decoded, where all namespaces are read and nothing but these is missing.
    pub(super) fn undecodable(&self, kind: Kind) -> Option<u64> {
        let health = self.app.sources.get(&SourceId::Kind(kind))?;
        (self.all(kind) && health.undecodable > 0).then_some(health.undecodable)
    }

    /// Why not all objects of a kind are known, in as few words as possible: `not read`, `incomplete: 2 could not be decoded`.
    pub(super) fn not_read(&self, kind: Kind) -> String {
        match self.state(kind) {
            HealthState::Forbidden => "forbidden".to_owned(),
            _ if self.readable(kind) => match self.undecodable(kind) {
                Some(count) => format!("incomplete: {} could not be decoded", format::count(count)),
                None => "of some namespaces only".to_owned(),
            },
            HealthState::Syncing => match self.app.sources.get(&SourceId::Kind(kind)) {
                Some(health) if health.objects > 0 => format!("not read, {} so far", format::count(health.objects)),
                _ => "not read".to_owned(),
            },
            _ => "not read".to_owned(),
        }
    }

    /// The same in a sentence about pods: `pods are not known yet`.
    pub(super) fn pods_unknown(&self) -> &'static str {
        match self.unknown(Kind::Pod) {
            format::NOT_YET => "pods are not known yet",
            _ => "pods are not known: not all namespaces are readable",
        }
    }

    /// Whether the table of a kind holds all that is watched, in whichever namespaces: there is a list to show.
    pub(super) fn readable(&self, kind: Kind) -> bool {
        Completeness::new(&self.app.sources).readable(kind)
    }

    /// The state of the Source of a kind.
    pub(super) fn state(&self, kind: Kind) -> HealthState {
        self.app.sources.get(&SourceId::Kind(kind)).map_or(HealthState::Connecting, |health| health.state)
    }
}
