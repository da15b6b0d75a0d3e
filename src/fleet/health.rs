//! How alive each Source is, and what cluster it speaks of.

use std::collections::BTreeMap;

use super::{Delta, Kind, Rights, Sym};
use crate::units::Time;

/// The identity of a Source: the stream of one kind of objects, or something else that reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceId {
    /// Objects of one kind.
    Kind(Kind),
    /// Karpenter's CustomResourceDefinitions, for its version.
    KarpenterCrds,
    /// The user's price file.
    PriceFile,
    /// The user's copy of the data of the Spot Instance Advisor.
    SpotAdvisor,
    /// EC2's spot prices.
    AwsSpotPrices,
    /// The courses of EC2's spot prices.
    AwsSpotHistory,
    /// How likely EC2 finds requests for spot capacity to succeed.
    AwsPlacementScores,
    /// EC2's on-demand prices, the fees of EKS Auto Mode, and Fargate's rates.
    AwsOnDemandPrices,
    /// Hardware of instance types, from EC2's DescribeInstanceTypes.
    AwsInstanceTypes,
    /// Karpenter's metrics, for its prices.
    KarpenterMetrics,
    /// The metrics of accelerators, from the exporters on the Nodes.
    GpuExporters,
    /// The metrics of accelerators that a Prometheus server has.
    Prometheus,
    /// What Nodes use of their CPU and memory, from `metrics.k8s.io`.
    NodeMetrics,
}

impl SourceId {
    /// The name on screen and in `sources[].name`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.source(),
            other => other.spec().map_or("", |(_, name, _)| name),
        }
    }

    /// The group of the Source: whether it tells of the cluster, of prices or of metrics.
    pub fn group(self) -> SourceGroup {
        self.spec().map_or(SourceGroup::Cluster, |(.., group)| *group)
    }

    fn spec(self) -> Option<&'static (Self, &'static str, SourceGroup)> {
        OTHER_SOURCES.iter().find(|(id, ..)| *id == self)
    }

    /// Every Source of a group, in the order of `sources`.
    pub fn of_group(group: SourceGroup) -> impl Iterator<Item = Self> {
        Self::all().filter(move |id| id.group() == group)
    }

    /// Every Source, in the order of `sources`.
    pub fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().map(Self::Kind).chain(OTHER_SOURCES.iter().map(|(id, ..)| *id))
    }

    /// The Sources that the connection to the cluster brings.
    pub fn of_cluster() -> impl Iterator<Item = Self> {
        Self::of_group(SourceGroup::Cluster)
    }

    /// Whether batchtop is of no use without it.
    pub const fn is_essential(self) -> bool {
        matches!(self, Self::Kind(kind) if kind.is_essential())
    }
}

/// The Sources that are not the stream of a kind, with name and group: one line each, in the order of `sources`.
const OTHER_SOURCES: [(SourceId, &str, SourceGroup); 12] = [
    (SourceId::KarpenterCrds, "karpenter-crds", SourceGroup::Cluster),
    (SourceId::PriceFile, "price-file", SourceGroup::Prices),
    (SourceId::SpotAdvisor, "spot-advisor", SourceGroup::Prices),
    (SourceId::AwsSpotPrices, "aws-spot-prices", SourceGroup::Prices),
    (SourceId::AwsSpotHistory, "spot-prices", SourceGroup::Prices),
    (SourceId::AwsPlacementScores, "aws-placement-scores", SourceGroup::Prices),
    (SourceId::AwsOnDemandPrices, "aws-on-demand-prices", SourceGroup::Prices),
    (SourceId::AwsInstanceTypes, "aws-instance-types", SourceGroup::Prices),
    (SourceId::KarpenterMetrics, "karpenter-metrics", SourceGroup::Prices),
    (SourceId::GpuExporters, "gpu-exporters", SourceGroup::Metrics),
    (SourceId::Prometheus, "prometheus", SourceGroup::Metrics),
    (SourceId::NodeMetrics, "node-metrics", SourceGroup::Metrics),
];

/// What Sources tell of. Only those of the cluster prove that the cluster answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceGroup {
    /// Objects and APIs of the cluster. What is only read through its API server, as a page of an exporter, is not of it.
    Cluster,
    /// Prices and hardware of instance types.
    Prices,
    /// Metrics of what runs in the cluster.
    Metrics,
}

/// The state of a Source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum HealthState {
    /// Nothing has been answered yet.
    #[default]
    Connecting,
    /// The first list is under way.
    Syncing,
    /// Complete, and heard of recently.
    Live,
    /// Was complete; now reconnecting or relisting.
    Stale,
    /// The API server says 403.
    Forbidden,
    /// The API server has no such API, or the cluster no such Service.
    Absent,
    /// The first list failed; it is tried again.
    Failed,
    /// Nothing is asked of it, because nothing that it could tell is missing.
    NotNeeded,
}

impl HealthState {
    /// Every state; those of one name stand together.
    pub const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Syncing,
        Self::Live,
        Self::Stale,
        Self::Forbidden,
        Self::Absent,
        Self::NotNeeded,
        Self::Failed,
    ];

    /// The name on screen and in `sources[].state`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Syncing => "Syncing",
            Self::Live => "Live",
            Self::Stale => "Stale",
            Self::Forbidden => "Forbidden",
            // The document has no word of its own for it; the message says which of both it is.
            Self::Absent | Self::NotNeeded => "Absent",
            Self::Failed => "Failed",
        }
    }

    /// Whether nothing more is to be expected: complete, or known not to come.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Live | Self::Stale | Self::Forbidden | Self::Absent | Self::NotNeeded)
    }

    /// Whether there is nothing to be read: the API does not exist, or nothing is asked of it.
    pub const fn has_nothing(self) -> bool {
        matches!(self, Self::Absent | Self::NotNeeded)
    }

    /// Whether its table holds all there is (possibly of a moment ago).
    pub const fn is_complete(self) -> bool {
        matches!(self, Self::Live | Self::Stale)
    }
}

/// How alive one Source is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// State of the Source.
    pub state: HealthState,
    /// Objects read so far in the list under way, or held.
    pub objects: u64,
    /// When it was last known to be right: the last answer, event or bookmark.
    pub as_of: Option<Time>,
    /// What is wrong, or what was chosen (a filter, a namespace), in one sentence with the server's words.
    pub message: Option<Sym>,
    /// When it is tried again.
    pub next_try: Option<Time>,
    /// Objects that could not be decoded.
    pub undecodable: u64,
    /// The only namespaces its table holds objects of, because the whole cluster is not readable; `None` for the whole
    /// cluster. Rights differ from kind to kind.
    pub namespaces: Option<Vec<Sym>>,
}

/// How completely a Source's table can be counted on: its state, its namespaces, and whether every object could be decoded.
pub type TableState<'a> = (HealthState, Option<&'a [Sym]>, bool);

impl Health {
    /// Of a Source of prices that is not asked, because every Node is priced without it.
    pub fn prices_not_needed() -> Self {
        let message = Some(Sym::new("not needed: every node is priced without it"));
        Self { state: HealthState::NotNeeded, message, ..Self::default() }
    }

    /// Of the Source of accelerators' metrics, while there is nothing that it could be asked for.
    pub fn metrics_not_needed() -> Self {
        let message = Some(Sym::new("not needed: no node has both accelerators and an exporter of their metrics"));
        Self { state: HealthState::NotNeeded, message, ..Self::default() }
    }

    /// Of the Source that asks a Prometheus server, while the exporters on the Nodes tell of all that they could.
    pub fn prometheus_not_needed() -> Self {
        let message = Some(Sym::new("not needed: no node with accelerators is without an exporter that can be read"));
        Self { state: HealthState::NotNeeded, message, ..Self::default() }
    }

    /// What decides whether its table may be counted on.
    pub fn completeness(&self) -> TableState<'_> {
        (self.state, self.namespaces.as_deref(), self.undecodable == 0)
    }
}

/// A reason for which nothing at all can be read. Each has a sentence, a hint and an exit code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectionError {
    /// What failed, with the value, and why in the server's words.
    pub message: String,
    /// What the user can do about it, in one sentence.
    pub hint: String,
    /// The exit code of `snapshot`: 2 for configuration, 3 for the cluster.
    pub exit_code: u8,
}

/// The version of Karpenter's API that the cluster serves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum KarpenterApi {
    /// Not known yet.
    #[default]
    Unknown,
    /// The cluster serves no API of Karpenter.
    Absent,
    /// `karpenter.sh/v1alpha5` (Provisioner).
    V1Alpha5,
    /// `karpenter.sh/v1beta1`.
    V1Beta1,
    /// `karpenter.sh/v1`.
    V1,
}

impl KarpenterApi {
    /// As Kubernetes writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "an unknown API",
            Self::Absent => "no API",
            Self::V1Alpha5 => "karpenter.sh/v1alpha5",
            Self::V1Beta1 => "karpenter.sh/v1beta1",
            Self::V1 => "karpenter.sh/v1",
        }
    }
}

/// What is known of the cluster besides its objects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterFacts {
    /// The kubeconfig context, empty where there is none (in-cluster).
    pub context: String,
    /// The API server's address.
    pub server: String,
    /// The user as the API server names it, where it says so.
    pub identity: Option<String>,
    /// `gitVersion` of the API server.
    pub kubernetes_version: Option<String>,
    /// The newest API of Karpenter that the cluster serves.
    pub karpenter_api: KarpenterApi,
    /// The lowest Karpenter version that has everything the NodePool CRD has, for example `1.14`.
    pub karpenter_crd_version: Option<String>,
    /// Whether the cluster serves `eks.amazonaws.com` NodeClasses (EKS Auto Mode).
    pub auto_mode: bool,
    /// Namespaces whose pods are watched one by one because those of the whole cluster are not readable; `None` for the whole
    /// cluster. Of other kinds, [`Health::namespaces`] tells.
    pub namespaces: Option<Vec<String>>,
    /// All contexts of the kubeconfig, in its order.
    pub contexts: Vec<String>,
    /// Namespace of the context, empty where unset.
    pub default_namespace: String,
    /// What the user may write, as far as the server has said so.
    pub rights: Rights,
    /// What is odd about the configuration and does not stop the connection, in one sentence.
    pub warning: Option<String>,
}

/// A message of one Source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// Objects or prices changed.
    Delta(Delta),
    /// A Source's health changed.
    Health(SourceId, Health),
    /// Facts of the cluster changed.
    Cluster(Box<ClusterFacts>),
    /// Nothing can be read.
    Down(ConnectionError),
}

/// The health of all Sources.
pub type Sources = BTreeMap<SourceId, Health>;
