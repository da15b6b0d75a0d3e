//! Pods.

use std::sync::Arc;

use super::table::rows;
use super::{Labels, Meta, Owner, Placement, PodStart, Resources, Stamps, Sym};
use crate::units::Time;

/// `status.phase` of a pod.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PodPhase {
    /// Not all containers have started.
    Pending,
    /// Bound and started.
    Running,
    /// All containers ended well.
    Succeeded,
    /// A container failed for good.
    Failed,
    /// The node does not answer, or the phase is one that batchtop does not know.
    Unknown,
}

impl PodPhase {
    /// From the text of `status.phase`.
    pub fn parse(text: &str) -> Self {
        match text {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// As Kubernetes writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// Whether the pod has ended.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What decides whether Karpenter counts, moves or evicts a pod, besides its annotation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a pod")]
pub struct Eviction {
    /// Whether any owner is an apps/v1 DaemonSet, which brings the pod back wherever it runs.
    pub of_daemon_set: bool,
    /// Whether any owner is an apps/v1 StatefulSet, whose terminating pods come back elsewhere.
    pub of_stateful_set: bool,
    /// Whether any owner is a v1 Node: a mirror pod.
    pub of_node: bool,
    /// Whether it tolerates `karpenter.sh/disrupted:NoSchedule`, be it by a toleration of everything.
    pub tolerates_disrupted: bool,
    /// Whether condition `Ready` is `False`; neither `Unknown` nor absent counts.
    pub unready: bool,
    /// `spec.priority`, zero where absent.
    pub priority: i32,
    /// Annotation `controller.kubernetes.io/pod-deletion-cost`, verbatim.
    pub deletion_cost: Option<Sym>,
}

/// Annotations that few pods have, so that those without take no memory for them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RareAnnotations {
    /// `CapacityProvisioned`, verbatim: what Fargate gives and bills it.
    pub capacity_provisioned: Option<Sym>,
    /// `scheduling.k8s.io/group-name`: the PodGroup of Volcano of which it is a member.
    pub volcano_group: Option<Sym>,
    /// Those that hold a time, Kubernetes' own aside.
    pub stamps: Stamps,
}

impl RareAnnotations {
    /// In a box where there is any.
    pub fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

/// The fields of a Pod that are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PodRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `metadata.labels`.
    pub labels: Labels,
    /// The controller, else the first owner.
    pub owner: Option<Arc<Owner>>,
    /// `spec.nodeName`.
    pub node: Option<Sym>,
    /// `status.phase`.
    pub phase: PodPhase,
    /// What kubectl shows in its STATUS column: the phase, or the reason that says more (`CrashLoopBackOff`).
    pub status: Sym,
    /// The scheduler's message where condition `PodScheduled` is `False`, empty otherwise.
    pub unschedulable: Sym,
    /// `status.startTime`: when the kubelet took the pod, before images were pulled.
    pub started: Option<Time>,
    /// Effective requests, as the scheduler counts them.
    pub requests: Arc<Resources>,
    /// Restarts as kubectl counts them: of init containers while they run, then of main containers and sidecars.
    pub restarts: u32,
    /// Containers that are ready.
    pub containers_ready: u16,
    /// Containers in all, restartable init containers included.
    pub containers: u16,
    /// `spec.terminationGracePeriodSeconds`; 30 where absent, as the API server defaults it.
    pub termination_grace_seconds: i64,
    /// Annotation `karpenter.sh/do-not-disrupt`, verbatim.
    pub do_not_disrupt: Option<Sym>,
    /// Annotations that few pods have; `None` where it has none of them.
    pub rare: Option<Box<RareAnnotations>>,
    /// What decides whether it is evicted.
    pub eviction: Arc<Eviction>,
    /// What it demands of a node.
    pub placement: Arc<Placement>,
    /// How it started. `None` for pods of DaemonSets and mirror pods, and where there are too many newer pods.
    pub start: Option<Box<PodStart>>,
}

impl PodRow {
    /// Whether it is on its way to be ready for the first time.
    pub fn is_starting(&self) -> bool {
        self.is_active() && self.start.as_ref().is_some_and(|start| !start.is_over())
    }

    /// Active as Karpenter means it: neither finished nor being deleted (karpenter pkg/utils/pod/scheduling.go, IsActive).
    pub fn is_active(&self) -> bool {
        !self.phase.is_finished() && self.meta.deletion.is_none()
    }

    /// Whether it runs and all its containers are ready.
    pub fn is_ready(&self) -> bool {
        self.phase == PodPhase::Running && self.containers_ready >= self.containers
    }

    /// Annotation `CapacityProvisioned`, verbatim.
    pub fn capacity_provisioned(&self) -> Option<&Sym> {
        self.rare.as_ref()?.capacity_provisioned.as_ref()
    }

    /// The PodGroup of Volcano of which it is a member.
    pub fn volcano_group(&self) -> Option<&Sym> {
        self.rare.as_ref()?.volcano_group.as_ref()
    }

    /// Annotations that hold a time, Kubernetes' own aside.
    pub fn stamps(&self) -> &[(Sym, Time)] {
        self.rare.as_ref().map_or(&[], |rare| &rare.stamps)
    }

    /// The Job that controls it, if one does; the one place that says when that is so.
    pub fn job_owner(&self) -> Option<&Owner> {
        self.owner.as_deref().filter(|owner| owner.is_batch_job())
    }

    /// Whether it still occupies what it requests: bound or not, it has not finished (a terminating pod still does).
    pub fn holds_resources(&self) -> bool {
        !self.phase.is_finished()
    }
}

rows!(PodRow);
