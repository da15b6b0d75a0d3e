//! The rows of the spot pools of Pools.

use std::cmp::{Ordering, Reverse};

use super::filter::Filter;
use super::rank::Rank;
use super::rows::RowKey;
use super::screens::Order;
use super::{App, Listed, RateOfRows, Sort};
use crate::insight::spot::SpotPool;

/// Every spot pool that meets the filter of the shown level.
pub fn build(app: &App) -> Listed {
    let level = &app.ui.level;
    let filter = Filter::parse(&level.filter, level.table());
    let all = app.insights.spot.pools();
    let kept = all.filter(|pool| filter.is_empty() || filter.meets_spot_pool(pool));
    let mut ranked: Vec<(Rank<'_>, &SpotPool)> = kept.map(|pool| (rank(pool, level.sort, app), pool)).collect();
    ranked.sort_unstable_by(|a, b| compare(a, b, level.sort));
    let rate = RateOfRows::of_stakes(ranked.iter().map(|(_, pool)| &pool.stake));
    let rows = ranked.into_iter().map(|(_, pool)| RowKey::SpotPool(Box::new(pool.key.clone()))).collect();
    Listed { rows, unfiltered: app.insights.spot.pools().count(), rate }
}

fn rank<'a>(pool: &'a SpotPool, sort: Sort, app: &'a App) -> Rank<'a> {
    match sort.column.order {
        Order::SpotPools(rank) => rank(pool, app),
        _ => Rank::LAST,
    }
}

/// How two pools stand to one another in an order; dollars, then names decide between equals.
fn compare(a: &(Rank<'_>, &SpotPool), b: &(Rank<'_>, &SpotPool), sort: Sort) -> Ordering {
    let place = |pool: &SpotPool| Reverse(pool.stake.rate.unwrap_or(0));
    a.0.compare(b.0, sort).then_with(|| place(a.1).cmp(&place(b.1))).then_with(|| a.1.key.cmp(&b.1.key))
}
