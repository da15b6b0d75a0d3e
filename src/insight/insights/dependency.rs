//! On what each derived value depends: the one place where that is written down.

use crate::fleet::{Changed, Kind};

/// Something that a derived value, a row or an order of rows depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dependency {
    /// Objects of a kind, whichever of their fields.
    Kind(Kind),
    /// Prices of any source.
    Prices,
    /// Hardware of instance types, as a cloud lists it.
    InstanceTypes,
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
    /// [`super::Insights::verdicts`], and with them [`super::Insights::held`].
    Verdicts,
    /// [`super::Insights::rates`].
    Rates,
    /// [`super::Insights::ledger`].
    Ledger,
    /// What the Sources of prices are asked for.
    PriceDemand,
}

impl Part {
    /// Every part, each behind those on which it depends.
    pub const ALL: [Self; 6] =
        [Self::Picture, Self::Karpenter, Self::Verdicts, Self::Rates, Self::Ledger, Self::PriceDemand];

    /// Everything on which the part depends.
    pub const fn dependencies(self) -> &'static [Dependency] {
        use Dependency::{Cluster, Completeness, InstanceTypes, Minute, Prices};
        match self {
            Self::Picture => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::Pod),
                Dependency::Kind(Kind::Job),
                Dependency::Kind(Kind::PodDisruptionBudget),
                Dependency::Kind(Kind::NodeOverlay),
                Prices,
                InstanceTypes,
            ],
            Self::Karpenter => &[Dependency::Kind(Kind::KarpenterDeployment), Cluster],
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
                // NodePools whose policy is Balanced weigh prices.
                Dependency::Kind(Kind::NodeOverlay),
                Prices,
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
                Prices,
                InstanceTypes,
                Dependency::Part(Self::Verdicts),
                Completeness,
                Cluster,
            ],
            Self::Ledger => &[Dependency::Part(Self::Rates)],
            Self::PriceDemand => &[
                Dependency::Kind(Kind::Node),
                Dependency::Kind(Kind::NodeClaim),
                Dependency::Kind(Kind::NodeOverlay),
                // Its metrics tell prices.
                Dependency::Kind(Kind::KarpenterDeployment),
                Prices,
                InstanceTypes,
                Completeness,
            ],
        }
    }

    /// Whether the part depends on any of these.
    pub fn depends_on_any(self, causes: &[Dependency]) -> bool {
        self.dependencies().iter().any(|dependency| causes.contains(dependency))
    }
}

impl Dependency {
    /// What a Delta changed.
    pub fn of_delta(changed: &Changed) -> Vec<Self> {
        let kinds = changed.kinds.iter().copied().map(Self::Kind);
        let prices = changed.prices.then_some(Self::Prices);
        let instance_types = changed.instance_types.then_some(Self::InstanceTypes);
        kinds.chain(prices).chain(instance_types).collect()
    }
}
