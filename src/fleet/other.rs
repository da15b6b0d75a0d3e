//! Kinds of which little is kept.

use std::sync::Arc;

use super::table::rows;
use super::{Adjustment, Condition, Labels, Meta, Owner, Sym};
use crate::units::{Selector, Time};

/// Which pods of its namespace a PodDisruptionBudget speaks of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PodSelector {
    /// `spec.selector` is absent: none.
    Nothing,
    /// Those with such labels; an empty selector selects all.
    Matching(Selector),
    /// The price cannot be read, with the reason.
    Invalid(Sym),
}

impl PodSelector {
    /// Whether it selects a pod with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        matches!(self, Self::Matching(selector) if selector.matches(|key| labels.get(key).map(Sym::as_str)))
    }
}

/// One policy/v1 PodDisruptionBudget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisruptionBudgetRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `spec.selector`.
    pub selector: PodSelector,
    /// Whether `spec.unhealthyPodEvictionPolicy` is `AlwaysAllow`.
    pub always_allows_unhealthy: bool,
    /// Whether it never lets a pod go, however many there are: `spec.maxUnavailable` is `0` or `0%`, or `spec.minAvailable` is
    /// `100%` (karpenter pkg/utils/pdb/pdb.go, isFullyBlocking).
    pub blocks_fully: bool,
    /// `status.disruptionsAllowed`.
    pub disruptions_allowed: i64,
    /// `status.currentHealthy`.
    pub current_healthy: i64,
    /// `status.desiredHealthy`.
    pub desired_healthy: i64,
    /// `status.expectedPods`.
    pub expected_pods: i64,
}

/// One apps/v1 ReplicaSet, for the Deployment behind a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaSetRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// The owner, as a rule a Deployment.
    pub owner: Option<Arc<Owner>>,
    /// Annotation `karpenter.sh/do-not-disrupt`, which its controller copies from the Deployment and nothing reads.
    pub do_not_disrupt: Option<Sym>,
}

/// One core/v1 Namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespaceRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
}

/// One karpenter.sh NodeOverlay, as far as it is about prices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeOverlayRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `spec.requirements`: for which instances it is meant.
    pub requirements: Vec<Requirement>,
    /// `spec.weight`; zero where absent.
    pub weight: i64,
    /// `spec.price` or `spec.priceAdjustment`; `None` where it has neither.
    pub price: Option<OverlayPrice>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

/// What a NodeOverlay says of the price.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OverlayPrice {
    /// `spec.price`, in micro-dollars per hour.
    Absolute(i64),
    /// `spec.priceAdjustment`.
    Adjust(Adjustment),
    /// A price that cannot be read, verbatim.
    Invalid(Sym),
}

/// One requirement on a label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// `key`: the label.
    pub key: Sym,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt`, `Lt`, `Gte`, `Lte`, or what a future version may bring.
    pub operator: Sym,
    /// `values`, in their order.
    pub values: Vec<Sym>,
}

/// One entry of `status.capacityReservations` of an EC2NodeClass that ends at a known time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reservation {
    /// Its id, which Nodes carry in label `karpenter.k8s.aws/capacity-reservation-id`.
    pub id: Sym,
    /// Whether `reservationType` is `capacity-block`.
    pub is_capacity_block: bool,
    /// `endTime`.
    pub ends_at: Time,
}

/// One NodeClass: EC2NodeClass of karpenter.k8s.aws, or NodeClass of eks.amazonaws.com.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeClassRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Reservations of `status.capacityReservations` that have an end.
    pub reservations: Vec<Reservation>,
    /// How images get to its machines.
    pub images: ImageSetup,
}

/// What a NodeClass says of how images get to its machines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ImageSetup {
    /// Whether its machines run Bottlerocket: `spec.amiFamily`, or an alias of `spec.amiSelectorTerms`.
    pub is_bottlerocket: bool,
    /// `spec.blockDeviceMappings`.
    pub volumes: Vec<Volume>,
    /// Whether `spec.instanceStorePolicy` is `RAID0`: the kubelet and containerd then work on the disks of the machine.
    pub uses_instance_store: bool,
    /// The snapshotter of containerd that `spec.userData` sets up; `None` for containerd's own.
    pub snapshotter: Option<Snapshotter>,
}

/// One volume of EBS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Volume {
    /// `deviceName`.
    pub device: Sym,
    /// `ebs.snapshotID`: what is on it from the start.
    pub snapshot: Option<Sym>,
    /// `ebs.volumeInitializationRate`: how fast the snapshot is copied to it, in MiB/s. Without it each block comes when it is
    /// first read.
    pub initialization_mib_per_second: Option<i64>,
    /// `ebs.throughput`, in MiB/s.
    pub throughput_mib_per_second: Option<i64>,
    /// `ebs.iops`.
    pub iops: Option<i64>,
}

/// What unpacks images, or serves them before they are there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Snapshotter {
    /// SOCI: pulls in parallel, or lazily.
    Soci,
    /// stargz: starts before all is there.
    Stargz,
    /// Nydus: starts before all is there.
    Nydus,
}

/// The Deployment that runs Karpenter's controller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControllerRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// The image of the controller's container.
    pub image: Sym,
    /// Its environment variable `FEATURE_GATES`, verbatim; `None` where it is not set there.
    pub feature_gates: Option<Sym>,
    /// Whether feature gates may be set by what is not kept: a flag, or a ConfigMap or Secret.
    pub hides_feature_gates: bool,
    /// `spec.replicas`: how many controllers are to run.
    pub replicas: i64,
    /// Whether it has a queue from which it learns of interruptions: `INTERRUPTION_QUEUE` or `--interruption-queue`. The AWS
    /// provider alone knows both.
    pub has_interruption_queue: bool,
}

/// One kueue.x-k8s.io Workload: what Kueue admits as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkloadRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// The controller (a Job, a JobSet), else the first owner.
    pub owner: Option<Arc<Owner>>,
    /// `spec.queueName`: the LocalQueue it was submitted to.
    pub queue: Option<Sym>,
    /// `spec.active`; true where absent. Kueue admits no inactive Workload, and evicts one that becomes inactive.
    pub is_active: bool,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
}

impl WorkloadRow {
    /// The Job that it was made for; `None` where it was made for something else, such as a JobSet.
    pub fn job_owner(&self) -> Option<&Owner> {
        self.owner.as_deref().filter(|owner| owner.is_batch_job())
    }

    /// What else it was made for, such as a JobSet, a training job or a pod.
    pub fn other_owner(&self) -> Option<&Owner> {
        self.owner.as_deref().filter(|owner| !owner.is_batch_job())
    }
}

rows!(DisruptionBudgetRow, ReplicaSetRow, NamespaceRow, NodeOverlayRow, NodeClassRow, ControllerRow, WorkloadRow);
