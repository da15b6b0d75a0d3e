//! Single requests to AWS, derived from a [`PriceDemand`], and their answers.

use std::collections::{BTreeMap, BTreeSet};

use crate::fleet::{
    CapacityType, FargateRates, InstanceType, PlacementConfiguration, PlacementPlace, PlacementScores, Price,
    PriceChange, PriceDemand, PriceKey, PriceList, SourceId, SpotHistory, SpotMarketChange, SpotPlace, Sym,
};
use crate::units::Time;

/// A request for one price or one description.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct PriceRequest {
    /// AWS region of the cluster, for example `us-east-1`.
    pub(super) region: Sym,
    pub(super) item: PriceItem,
}

/// The subject of a [`PriceRequest`], with the instance type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum PriceItem {
    /// Spot prices in all zones of the region.
    Spot(Sym),
    /// Courses of the spot prices in all zones of the region.
    SpotHistory(Sym),
    /// Placement scores of a NodePool's spot capacity in the zones of the region.
    Placement(Sym, PlacementConfiguration),
    /// On-demand price of an instance type.
    OnDemand(Sym),
    /// Fee of EKS Auto Mode for an instance type.
    Fee(Sym),
    /// Fargate rates per vCPU and per GB.
    Fargate,
    /// vCPUs, memory and accelerators.
    Hardware(Sym),
}

impl PriceItem {
    /// Instance type, or NodePool; `Fargate` for Fargate.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Spot(name)
            | Self::SpotHistory(name)
            | Self::Placement(name, _)
            | Self::OnDemand(name)
            | Self::Fee(name)
            | Self::Hardware(name) => name,
            Self::Fargate => "Fargate",
        }
    }
}

/// AWS's answer to one [`PriceRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// Micro-dollars per hour.
    Rate(i64),
    /// Prices by zone.
    Zones(Vec<ZonePrice>),
    /// Courses of prices, by zone.
    Histories(Vec<(Sym, SpotHistory)>),
    /// Placement scores from 1 to 10, by ID of the zone.
    Placement(BTreeMap<Sym, u8>),
    /// Micro-dollars per hour for a vCPU and for a GB.
    Fargate(i64, i64),
    /// Description of the instance type.
    Hardware(InstanceType),
    /// AWS lists nothing usable.
    Nothing,
    /// Several prices with the same effective date.
    Ambiguous,
    /// A price in another currency than US dollars.
    Foreign,
}

/// A spot price in one zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ZonePrice {
    /// Name of the zone in the account of the credentials.
    pub(super) zone: Sym,
    /// Its ID, which is the same in all accounts; `None` where AWS does not tell it.
    pub(super) zone_id: Option<Sym>,
    pub(super) micro_usd_per_hour: i64,
}

/// The requests of a demand that one Source has to answer.
pub(super) fn requests(source: SourceId, demand: &PriceDemand) -> BTreeSet<PriceRequest> {
    let mut requests = BTreeSet::new();
    for (region, wanted) in &demand.regions {
        let mut add = |names: &BTreeSet<Sym>, item: fn(Sym) -> PriceItem| {
            requests.extend(names.iter().map(|name| PriceRequest { region: region.clone(), item: item(name.clone()) }));
        };
        match source {
            SourceId::AwsSpotPrices => add(&wanted.spot, PriceItem::Spot),
            SourceId::AwsSpotHistory => add(&wanted.spot_history, PriceItem::SpotHistory),
            SourceId::AwsInstanceTypes => add(&wanted.hardware, PriceItem::Hardware),
            SourceId::AwsPlacementScores => {
                let item = |(node_pool, wanted): (&Sym, &PlacementConfiguration)| {
                    PriceItem::Placement(node_pool.clone(), wanted.clone())
                };
                let request = |item| PriceRequest { region: region.clone(), item };
                requests.extend(wanted.placements.iter().map(item).map(request));
            }
            SourceId::AwsOnDemandPrices => {
                add(&wanted.on_demand, PriceItem::OnDemand);
                add(&wanted.auto_mode, PriceItem::Fee);
                requests
                    .extend(wanted.fargate.then(|| PriceRequest { region: region.clone(), item: PriceItem::Fargate }));
            }
            _ => {}
        }
    }
    requests
}

/// Price changes of an answer; empty if it holds no usable price.
pub(super) fn changes(request: &PriceRequest, answer: &Answer, as_of: Time) -> Vec<PriceChange> {
    let price = |micro_usd_per_hour| Price { micro_usd_per_hour, as_of };
    let listed = |list, place: &Sym, capacity_type, rate| {
        let instance_type = Sym::new(request.item.name());
        PriceChange::Listed(list, PriceKey { place: place.clone(), instance_type, capacity_type }, price(rate))
    };
    match (answer, &request.item) {
        (Answer::Rate(rate), PriceItem::Fee(_)) => {
            vec![listed(PriceList::AutoModeFee, &request.region, CapacityType::OnDemand, *rate)]
        }
        (Answer::Rate(rate), _) => vec![listed(PriceList::AwsOnDemand, &request.region, CapacityType::OnDemand, *rate)],
        (Answer::Zones(zones), _) => {
            let id = |price: &ZonePrice| Some(PriceChange::ZoneId(price.zone.clone(), price.zone_id.clone()?));
            let listed = |price: &ZonePrice| {
                listed(PriceList::AwsSpot, &price.zone, CapacityType::Spot, price.micro_usd_per_hour)
            };
            zones.iter().flat_map(|price| [Some(listed(price)), id(price)]).flatten().collect()
        }
        (Answer::Histories(zones), _) => {
            let place = |zone: &Sym| SpotPlace { instance_type: Sym::new(request.item.name()), zone: zone.clone() };
            let told =
                |(zone, history): &(Sym, SpotHistory)| PriceChange::SpotHistory(place(zone), Box::new(history.clone()));
            zones.iter().map(told).collect()
        }
        (Answer::Fargate(vcpu, gb), _) => {
            vec![PriceChange::Fargate(request.region.clone(), FargateRates { vcpu: price(*vcpu), gb: price(*gb) })]
        }
        (Answer::Hardware(found), _) => vec![PriceChange::InstanceType(found.clone())],
        (Answer::Nothing | Answer::Ambiguous | Answer::Foreign | Answer::Placement(_), _) => Vec::new(),
    }
}

/// What an answer says of the market besides prices; `None` if it says nothing of it.
pub(super) fn market_change(request: &PriceRequest, answer: &Answer, as_of: Time) -> Option<SpotMarketChange> {
    let (Answer::Placement(zones), PriceItem::Placement(node_pool, _)) = (answer, &request.item) else { return None };
    let place = PlacementPlace { region: request.region.clone(), node_pool: node_pool.clone() };
    Some(SpotMarketChange::Placement(place, PlacementScores { zones: zones.clone(), as_of }))
}
