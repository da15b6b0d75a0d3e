//! Simulated AWS prices of the demo's region.

use super::catalog::{self, InstanceType};
use super::model::Capacity;
use crate::fleet::{
    CapacityType, Delta, Health, HealthState, PlacementPlace, PlacementScores, Price, PriceChange, PriceKey, PriceList,
    Report, SourceId, SpotHistory, SpotMarketChange, SpotPlace, Sym,
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
    reports.extend(spot_histories(now));
    reports
}

/// Current spot prices, which differ slightly between zones, and placement scores of now.
pub(super) fn spot(now: Time) -> [Report; 4] {
    let zones = catalog::ZONES.iter().map(|(zone, _)| *zone);
    let prices: Vec<PriceChange> = (0_i64..)
        .zip(zones)
        .flat_map(|(number, zone)| catalog::INSTANCE_TYPES.iter().map(move |kind| (number, zone, kind)))
        .map(|(number, zone, kind)| {
            listed(PriceList::AwsSpot, zone, kind, CapacityType::Spot, spot_price(kind, number), now)
        })
        .collect();
    let health = live(prices.len(), now);
    let [scores, health_of_scores] = placement(now);
    [Report::Delta(Delta::Prices(prices)), Report::Health(SourceId::AwsSpotPrices, health), scores, health_of_scores]
}

/// How likely a request for spot capacity of NodePool `gpu` would succeed in each zone.
const SCORES: [u8; 3] = [4, 7, 9];

/// The others have too few instance types to be scored, or nobody asks.
fn placement(now: Time) -> [Report; 2] {
    let zones = catalog::ZONES.iter().zip(SCORES).map(|((_, id), score)| (Sym::new(id), score)).collect();
    let place = PlacementPlace { region: Sym::new(catalog::REGION), node_pool: Sym::new("gpu") };
    let change = SpotMarketChange::Placement(place, PlacementScores { zones, as_of: now });
    [Report::Delta(Delta::SpotMarket(change)), Report::Health(SourceId::AwsPlacementScores, live(SCORES.len(), now))]
}

/// Interval of the courses of spot prices, in simulated seconds.
const STEP_SECONDS: i64 = 8 * 3_600;

/// How far the price of each step is from that of now, in thousandths, the newest first: some weeks of small steps.
const COURSE: [i64; 26] = [
    0, -4, -9, -12, -12, -15, -18, -22, -21, -19, -24, -28, -31, -30, -26, -22, -22, -20, -17, -13, -13, -11, -12, -9,
    -8, -6,
];

/// The courses of the spot prices, which end with the prices of now. Prices of some types rise, of others they fall.
fn spot_histories(now: Time) -> [Report; 2] {
    let places =
        catalog::INSTANCE_TYPES.iter().flat_map(|kind| (0_i64..).zip(catalog::ZONES).map(move |zone| (kind, zone)));
    let changes: Vec<PriceChange> = places
        .filter_map(|(kind, (number, (zone, _)))| {
            let price = spot_price(kind, number);
            let sign = if kind.name.len().is_multiple_of(2) { 1 } else { -1 };
            let step = |(at, thousandths): (i64, i64)| {
                (now.plus_seconds(-at * STEP_SECONDS), price * (1_000 + sign * thousandths) / 1_000)
            };
            let steps = (0_i64..).zip(COURSE).map(step).collect();
            let place = SpotPlace { instance_type: Sym::new(kind.name), zone: Sym::new(zone) };
            Some(PriceChange::SpotHistory(place, Box::new(SpotHistory::of_steps(steps, now)?)))
        })
        .collect();
    let health = live(changes.len(), now);
    [Report::Delta(Delta::Prices(changes)), Report::Health(SourceId::AwsSpotHistory, health)]
}

/// The price of a type in the zone of this number: zones differ slightly.
fn spot_price(kind: &InstanceType, zone_number: i64) -> i64 {
    kind.price_as(Capacity::Spot) * (1_000 + 15 * zone_number) / 1_000
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
