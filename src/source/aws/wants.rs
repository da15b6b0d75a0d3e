//! What is wanted to be known, one thing each, and what AWS said of it.

use std::collections::BTreeSet;

use crate::fleet::{
    CapacityType, FargateRates, InstanceType, Price, PriceChange, PriceDemand, PriceKey, PriceList, SourceId, Sym,
};
use crate::units::Time;

/// One thing that is wanted to be known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Want {
    /// The region of the cluster.
    pub(super) region: Sym,
    pub(super) what: What,
}

/// Of what kind it is. The instance type, where there is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum What {
    /// Its spot prices in all zones.
    Spot(Sym),
    /// Its on-demand price.
    OnDemand(Sym),
    /// The fee of EKS Auto Mode for it.
    Fee(Sym),
    /// Fargate's rates.
    Fargate,
    /// Its accelerators.
    Hardware(Sym),
}

impl What {
    /// The instance type; `Fargate` for Fargate.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Spot(name) | Self::OnDemand(name) | Self::Fee(name) | Self::Hardware(name) => name,
            Self::Fargate => "Fargate",
        }
    }
}

/// What AWS said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Micro-dollars per hour.
    Rate(i64),
    /// Micro-dollars per hour, by zone.
    Zones(Vec<(Sym, i64)>),
    /// Micro-dollars per hour for a vCPU and for a GB.
    Fargate(i64, i64),
    /// The instance type.
    Hardware(InstanceType),
    /// Nothing.
    Nothing,
    /// Several prices, none of them newer than the others.
    Ambiguous,
    /// A price in another currency than dollars.
    Foreign,
}

/// Everything that a demand wants of one Source.
pub(super) fn wants(source: SourceId, demand: &PriceDemand) -> BTreeSet<Want> {
    let mut wants = BTreeSet::new();
    for (region, wanted) in &demand.regions {
        let mut add = |names: &BTreeSet<Sym>, what: fn(Sym) -> What| {
            wants.extend(names.iter().map(|name| Want { region: region.clone(), what: what(name.clone()) }));
        };
        match source {
            SourceId::AwsSpotPrices => add(&wanted.spot, What::Spot),
            SourceId::AwsInstanceTypes => add(&wanted.hardware, What::Hardware),
            SourceId::AwsOnDemandPrices => {
                add(&wanted.on_demand, What::OnDemand);
                add(&wanted.auto_mode, What::Fee);
                wants.extend(wanted.fargate.then(|| Want { region: region.clone(), what: What::Fargate }));
            }
            _ => {}
        }
    }
    wants
}

/// What an answer changes; nothing where it holds no price.
pub(super) fn changes(want: &Want, answer: &Answer, as_of: Time) -> Vec<PriceChange> {
    let price = |micro_usd_per_hour| Price { micro_usd_per_hour, as_of };
    let listed = |list, place: &Sym, capacity_type, rate| {
        let instance_type = Sym::new(want.what.name());
        PriceChange::Listed(list, PriceKey { place: place.clone(), instance_type, capacity_type }, price(rate))
    };
    match (answer, &want.what) {
        (Answer::Rate(rate), What::Fee(_)) => {
            vec![listed(PriceList::AutoModeFee, &want.region, CapacityType::OnDemand, *rate)]
        }
        (Answer::Rate(rate), _) => vec![listed(PriceList::AwsOnDemand, &want.region, CapacityType::OnDemand, *rate)],
        (Answer::Zones(zones), _) => {
            zones.iter().map(|(zone, rate)| listed(PriceList::AwsSpot, zone, CapacityType::Spot, *rate)).collect()
        }
        (Answer::Fargate(vcpu, gb), _) => {
            vec![PriceChange::Fargate(want.region.clone(), FargateRates { vcpu: price(*vcpu), gb: price(*gb) })]
        }
        (Answer::Hardware(found), _) => vec![PriceChange::InstanceType(found.clone())],
        (Answer::Nothing | Answer::Ambiguous | Answer::Foreign, _) => Vec::new(),
    }
}
