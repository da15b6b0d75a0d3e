//! Simulated AWS prices of the demo's region.

use super::catalog::{self, InstanceType};
use super::model::Capacity;
use crate::fleet::{
    CapacityType, Delta, Health, HealthState, Price, PriceChange, PriceKey, PriceList, Report, SourceId, Sym,
};
use crate::units::Time;

/// Interval of spot prices, in simulated seconds.
pub(super) const SPOT_SECONDS: i64 = 300;

/// All prices, and the health of their Sources.
pub(super) fn first(now: Time) -> Vec<Report> {
    let mut reports = vec![on_demand(now)];
    reports.extend(spot(now));
    for source in [SourceId::AwsInstanceTypes, SourceId::KarpenterMetrics] {
        reports.push(Report::Health(source, Health::prices_not_needed()));
    }
    reports.push(Report::Health(SourceId::AwsOnDemandPrices, live(catalog::INSTANCE_TYPES.len(), now)));
    reports
}

/// Current spot prices, which differ slightly between zones.
pub(super) fn spot(now: Time) -> [Report; 2] {
    let zones = catalog::ZONES.iter().map(|(zone, _)| *zone);
    let prices: Vec<PriceChange> = (0_i64..)
        .zip(zones)
        .flat_map(|(number, zone)| catalog::INSTANCE_TYPES.iter().map(move |kind| (number, zone, kind)))
        .map(|(number, zone, kind)| {
            let price = kind.price_as(Capacity::Spot) * (1_000 + 15 * number) / 1_000;
            listed(PriceList::AwsSpot, zone, kind, CapacityType::Spot, price, now)
        })
        .collect();
    let health = live(prices.len(), now);
    [Report::Delta(Delta::Prices(prices)), Report::Health(SourceId::AwsSpotPrices, health)]
}

fn on_demand(now: Time) -> Report {
    let price = |kind: &InstanceType| kind.price_as(Capacity::OnDemand);
    let list = catalog::INSTANCE_TYPES
        .iter()
        .map(|kind| listed(PriceList::AwsOnDemand, catalog::REGION, kind, CapacityType::OnDemand, price(kind), now));
    Report::Delta(Delta::Prices(list.collect()))
}

fn listed(
    list: PriceList,
    place: &str,
    kind: &InstanceType,
    capacity_type: CapacityType,
    micro_usd_per_hour: i64,
    as_of: Time,
) -> PriceChange {
    let key = PriceKey { place: Sym::new(place), instance_type: Sym::new(kind.name), capacity_type };
    PriceChange::Listed(list, key, Price { micro_usd_per_hour, as_of })
}

fn live(objects: usize, now: Time) -> Health {
    Health { state: HealthState::Live, objects: objects as u64, as_of: Some(now), ..Health::default() }
}
