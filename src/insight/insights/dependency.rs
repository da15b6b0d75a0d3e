//! On what each derived value depends. How it follows a change of that is written in the [`Part`] itself.

use crate::fleet::{Changed, Kind};

/// Something that a derived value, a row or an order of rows depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dependency {
    /// Objects of a kind, whichever of their fields.
    Kind(Kind),
    /// Prices of any source, and the hardware of instance types.
    Prices,
    /// What is told of the market for spot capacity.
    SpotMarket,
    /// What exporters tell of accelerators.
    GpuDevices,
    /// What Nodes use of their CPU and memory.
    NodeUsage,
    /// How completely the kinds are known: the health of the Sources.
    Completeness,
    /// What is known of the cluster besides its objects.
    Cluster,
    /// The time, with the resolution of a minute.
    Minute,
    /// Another derived value.
    Part(Part),
}

/// A derived value that is kept up to date.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
    /// [`super::Insights::picture`].
    Picture,
    /// [`super::Insights::karpenter`].
    Karpenter,
    /// How many pods are protected, a part of [`super::Insights::totals`].
    ProtectedPods,
    /// [`super::Insights::verdicts`], and with them [`super::Insights::held`].
    Verdicts,
    /// [`super::Insights::starts`].
    Starts,
    /// [`super::Insights::gpus`], and which exporters are to be read.
    Gpus,
    /// [`super::Insights::gpu_history`].
    GpuHistory,
    /// [`super::Insights::rates()`].
    Rates,
    /// [`super::Insights::ledger`].
    Ledger,
    /// What the Sources of prices are asked for.
    PriceDemand,
    /// [`super::Insights::spot`].
    Spot,
}

impl Part {
    /// Every part, each behind those on which it depends.
    pub const ALL: [Self; 11] = [
        Self::Picture,
        Self::Starts,
        Self::Karpenter,
        Self::ProtectedPods,
        Self::Verdicts,
        Self::Gpus,
        Self::GpuHistory,
        Self::Rates,
        Self::Ledger,
        Self::PriceDemand,
        Self::Spot,
    ];

    /// Everything on which the part depends.
    pub const fn dependencies(self) -> &'static [Dependency] {
        use Dependency::{Cluster, Completeness, Minute, Prices};
        match self {
            Self::Picture => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::Job),
                // What holds a suspended Job.
                Dependency::Kind(Kind::Workload),
                // Devices of Dynamic Resource Allocation.
                Dependency::Kind(Kind::ResourceSlice),
                Dependency::Kind(Kind::ResourceClaim),
                Dependency::Kind(Kind::DeviceClass),
                Dependency::Kind(Kind::PodDisruptionBudget),
                Dependency::Kind(Kind::NodeOverlay),
                Prices,
            ],
            Self::Starts => &[
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                // What held the Job back.
                Dependency::Kind(Kind::Job),
                Dependency::Kind(Kind::Workload),
                Dependency::Kind(Kind::JobSet),
                // Pulls, and capacity that Karpenter has in mind.
                Dependency::Kind(Kind::Event),
            ],
            Self::Karpenter => {
                // Whose provider the NodePools are of.
                &[Dependency::Kind(Kind::KarpenterDeployment), Dependency::Kind(Kind::NodePool), Cluster]
            }
            Self::ProtectedPods => &[Dependency::Kind(Kind::Pod), Dependency::Part(Self::Karpenter)],
            Self::Verdicts => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::NodePool),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::PodDisruptionBudget),
                Dependency::Kind(Kind::Event),
                // Ends of capacity blocks.
                Dependency::Kind(Kind::Ec2NodeClass),
                // Feature gates.
                Dependency::Kind(Kind::KarpenterDeployment),
                Dependency::Part(Self::Karpenter),
                Completeness,
                Minute,
            ],
            Self::Rates => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::Job),
                Dependency::Kind(Kind::ReplicaSet),
                Dependency::Kind(Kind::NodeOverlay),
                // Devices of Dynamic Resource Allocation.
                Dependency::Kind(Kind::ResourceSlice),
                Dependency::Kind(Kind::ResourceClaim),
                Prices,
                Dependency::Part(Self::Verdicts),
                // What idle accelerators cost.
                Dependency::Part(Self::Gpus),
                // What is paid for pods that do not run yet.
                Dependency::Part(Self::Starts),
                Completeness,
                Cluster,
            ],
            // A Node that is gone takes its history with it.
            Self::GpuHistory => &[Dependency::Kind(Kind::Node), Dependency::GpuDevices],
            Self::Ledger => &[Dependency::Part(Self::Rates)],
            Self::PriceDemand => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::NodeOverlay),
                // The instance types for which placement scores are wanted.
                Dependency::Kind(Kind::NodePool),
                // Devices of Dynamic Resource Allocation.
                Dependency::Kind(Kind::ResourceSlice),
                // Its metrics tell prices.
                Dependency::Kind(Kind::KarpenterDeployment),
                Prices,
                Completeness,
            ],
            Self::Spot => &[
                // Nodes, NodeClaims, what is on Nodes and what they cost.
                Dependency::Part(Self::Picture),
                // The Node Termination Handler.
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::Event),
                // The interruption queue.
                Dependency::Kind(Kind::KarpenterDeployment),
                // What a duration of protection means.
                Dependency::Part(Self::Karpenter),
                // Whose pools these are.
                Cluster,
                // Of on-demand capacity.
                Prices,
                Dependency::SpotMarket,
                // Whether Events are read.
                Completeness,
                Minute,
            ],
            Self::Gpus => &[
                Dependency::Kind(Kind::Node),
                // What it promises of hardware.
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::NodeOverlay),
                // Devices of Dynamic Resource Allocation.
                Dependency::Kind(Kind::ResourceSlice),
                Dependency::Kind(Kind::ResourceClaim),
                Prices,
                Dependency::GpuDevices,
                Completeness,
                Minute,
            ],
        }
    }

    /// Whether any of these concerns the whole part, and not only the Nodes that are noted when it changes.
    pub fn concerns_all(self, causes: &[Dependency]) -> bool {
        causes.iter().any(|cause| !self.noted().contains(cause) && self.depends_on_any(&[*cause]))
    }

    /// That of which each change is noted with its Nodes, so that not all Nodes have to follow.
    const fn noted(self) -> &'static [Dependency] {
        match self {
            // A pod matters to no Node but its own.
            Self::Verdicts => &[Dependency::Kind(Kind::Pod)],
            Self::Gpus => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::ResourceSlice),
                Dependency::Kind(Kind::ResourceClaim),
                Dependency::GpuDevices,
            ],
            Self::Spot => {
                &[Dependency::Part(Self::Picture), Dependency::Kind(Kind::Pod), Dependency::Kind(Kind::Event)]
            }
            _ => &[],
        }
    }

    /// Whether the part depends on any of these.
    pub fn depends_on_any(self, causes: &[Dependency]) -> bool {
        let is_declared = |dependency: &&Dependency| !is_omitted(self, **dependency);
        self.dependencies().iter().filter(is_declared).any(|dependency| causes.contains(dependency))
    }
}

/// Only the tests leave declarations out, to see that each of them is needed.
#[cfg(not(test))]
const fn is_omitted(_: Part, _: Dependency) -> bool {
    false
}

#[cfg(test)]
use super::tests::is_omitted;

impl Dependency {
    /// The dependencies that a Delta touches.
    pub fn of_delta(changed: &Changed) -> Vec<Self> {
        let kinds = changed.kinds.iter().copied().map(Self::Kind);
        let others = [
            (changed.prices, Self::Prices),
            (changed.spot_market, Self::SpotMarket),
            (!changed.gpus.is_empty(), Self::GpuDevices),
            (changed.node_usage, Self::NodeUsage),
        ];
        kinds.chain(others.into_iter().filter(|(has_changed, _)| *has_changed).map(|(_, cause)| cause)).collect()
    }
}
