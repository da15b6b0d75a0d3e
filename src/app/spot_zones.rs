//! The rows of the spot zones of Pools.

use super::field::Field;
use super::filter::Filter;
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::Order;
use super::{App, Listed, RateOfRows};
use crate::insight::spot::{SpotPool, SpotZone};

/// Every zone of spot capacity that meets the filter of the shown level, in order; equals by name.
pub fn build(app: &App) -> Listed {
    let level = &app.ui.level;
    let filter = Filter::parse(&level.filter, level.table());
    let spot = &app.insights.spot;
    let kept = spot.zones().filter(|zone| filter.is_empty() || meets(&filter, zone, app));
    let rank = |zone| match level.sort.column.order {
        Order::SpotZones(rank) => rank(zone),
        _ => Rank::LAST,
    };
    let mut ranked: Vec<(Rank<'_>, &SpotZone)> = kept.map(|zone| (rank(zone), zone)).collect();
    // A stable sort: zones come by name.
    ranked.sort_by(|(a, _), (b, _)| a.compare(*b, level.sort));
    let rate = RateOfRows::of_stakes(ranked.iter().map(|(_, zone)| &zone.stake));
    let rows = ranked.into_iter().map(|(_, zone)| RowKey::SpotZone(Box::new(zone.key.clone()))).collect();
    Listed { rows, unfiltered: spot.zones().count(), rate }
}

/// A zone has what one of its pools has.
fn meets(filter: &Filter, zone: &SpotZone, app: &App) -> bool {
    let pools: Vec<&SpotPool> = app.insights.spot.pools().filter(|pool| pool.key.zone == zone.key.0).collect();
    let types = pools.iter().filter_map(|pool| pool.key.instance_type.as_deref()).map(|name| (Field::Type, name));
    let node_pools = pools.iter().flat_map(|pool| &pool.node_pools).map(|name| (Field::Pool, name.as_str()));
    let states = pools.iter().map(|pool| (Field::Status, pool.state.name()));
    let own = zone.key.0.iter().map(|name| (Field::Zone, name.as_str()));
    filter.meets_texts(&own.chain(types).chain(node_pools).chain(states).collect::<Vec<(Field, &str)>>())
}
