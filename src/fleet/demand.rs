//! The demand: what the insights want of Sources outside the cluster's watches.

use std::collections::{BTreeMap, BTreeSet};

use super::{GpuDemand, ObjectKey, PlacementConfiguration, SourceId, Sym};

/// What the Sources outside of the cluster's watches are wanted to tell from now on, where that changed; what was wanted
/// before and is not in the new one is wanted no more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Demand {
    /// The prices and the hardware of instance types that are wanted.
    pub prices: Option<PriceDemand>,
    /// The exporters of accelerators that are wanted to be read.
    pub gpus: Option<GpuDemand>,
    /// The Sources of which more is wanted than before.
    pub sources: Vec<SourceId>,
}

/// What would have to be asked of whom to price every Node: nothing else is ever asked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PriceDemand {
    /// Of AWS, by region.
    pub regions: BTreeMap<Sym, RegionDemand>,
    /// The instance types for which Karpenter's metrics are wanted, because nothing before them prices them.
    pub karpenter: BTreeSet<Sym>,
    /// The Deployment of Karpenter's controller, where it can be seen; its Service has the same name.
    pub controller: Option<ObjectKey>,
}

/// What is wanted of AWS in one region: instance types, by what is to be known of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RegionDemand {
    /// The on-demand price.
    pub on_demand: BTreeSet<Sym>,
    /// The spot price.
    pub spot: BTreeSet<Sym>,
    /// The course of the spot price.
    pub spot_history: BTreeSet<Sym>,
    /// How likely requests for spot capacity are to succeed, by NodePool.
    pub placements: BTreeMap<Sym, PlacementConfiguration>,
    /// The fee of EKS Auto Mode.
    pub auto_mode: BTreeSet<Sym>,
    /// The accelerators, because no label tells.
    pub hardware: BTreeSet<Sym>,
    /// Whether Fargate's rates for vCPU and memory are wanted.
    pub fargate: bool,
}

impl PriceDemand {
    /// Whether no price is wanted of anyone.
    pub fn is_nothing(&self) -> bool {
        self.regions.is_empty() && self.karpenter.is_empty()
    }

    /// The Sources of which this wants more than `before` did.
    pub fn sources_beyond(&self, before: &Self) -> Vec<SourceId> {
        let mut sources = BTreeSet::new();
        let nothing = RegionDemand::default();
        for (region, wanted) in &self.regions {
            sources.append(&mut wanted.sources_beyond(before.regions.get(region).unwrap_or(&nothing)));
        }
        if !self.karpenter.is_subset(&before.karpenter) {
            sources.insert(SourceId::KarpenterMetrics);
        }
        sources.into_iter().collect()
    }
}

impl RegionDemand {
    fn sources_beyond(&self, before: &Self) -> BTreeSet<SourceId> {
        let on_demand = !self.on_demand.is_subset(&before.on_demand)
            || !self.auto_mode.is_subset(&before.auto_mode)
            || (self.fargate && !before.fargate);
        let wanted = [
            (SourceId::AwsSpotPrices, !self.spot.is_subset(&before.spot)),
            (SourceId::AwsSpotHistory, !self.spot_history.is_subset(&before.spot_history)),
            (SourceId::AwsPlacementScores, self.wants_placements_beyond(before)),
            (SourceId::AwsOnDemandPrices, on_demand),
            (SourceId::AwsInstanceTypes, !self.hardware.is_subset(&before.hardware)),
        ];
        wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(source, _)| source).collect()
    }

    fn wants_placements_beyond(&self, before: &Self) -> bool {
        self.placements.iter().any(|(node_pool, wanted)| before.placements.get(node_pool) != Some(wanted))
    }
}
