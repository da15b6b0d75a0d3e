//! Definition of the spot pools of Pools: spot capacity by instance type and zone.

use super::column::{Column, Order, columns};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::App;
use crate::app::depends::SPOT;
use crate::app::field::Field;
use crate::app::rank::Rank;
use crate::insight::insights::Dependency;
use crate::insight::spot::{SpotPool, SpotState};

/// Spot pools.
pub static SPOT_POOLS: TableSpec = TableSpec {
    name: "spot pools",
    noun: "spot pools",
    rows: Rows::SpotPools,
    joined_kinds: &[],
    columns: COLUMNS,
    rate: None,
    fields: &[
        Field::Name,
        Field::Type,
        Field::Zone,
        Field::Pool,
        Field::Status,
        Field::Node,
        Field::Job,
        Field::Namespace,
        Field::Price,
    ],
    use_of_rows: UseOfRows::Open,
};

/// The view that lists them.
pub(super) const VIEW: View =
    View::of_table("spot pools", "spot capacity by type and zone, by risk", &SPOT_POOLS).offered_where(has_spot_nodes);

/// Whether there is spot capacity at all.
pub fn has_spot_nodes(app: &App) -> bool {
    app.insights.spot.totals().nodes > 0
}

/// What the rows depend on: everything about them is told by one part of the insights.
pub(super) const DEPENDENCIES: &[Dependency] = &[SPOT];

columns! {
    ATTENTION = Column::order_only("attention", Order::SpotPools(attention), "risk, then dollars per hour");
    NAME = Column::left("name", "SPOT POOL", 0, (22, 26, 44), "instance type and zone: AWS takes them back together")
        .of_spot_pools(|pool, _| instance_type(pool));
    STATE = Column::left("state", "STATE", 1, (17, 18, 24), "reclaiming with what is left, rebalance, calm, blind")
        .of_spot_pools(|pool, _| Rank::most(pool.state as i64));
    RISK = Column::left("risk", "RISK", 1, (5, 7, 8), "0 to 100, and evidence: H watched, A advisor, S placement, P price")
        .of_spot_pools(|pool, _| Rank::most_of(pool.score.risk.map(i64::from)));
    COVERAGE = Column::right("coverage", "KNOWN", 7, (5, 6, 6), "known part of all evidence; below a limit there is no risk")
        .of_spot_pools(|pool, _| Rank::most(pool.score.coverage_percent.into()));
    NODES = Column::right("nodes", "NODES", 2, (5, 6, 7), "its nodes").of_spot_pools(|pool, _| Rank::most_counted(pool.nodes));
    GPUS = Column::right("gpus", "GPUS", 4, (4, 5, 7), "their accelerators")
        .of_spot_pools(|pool, _| Rank::most(pool.stake.gpus));
    COST = Column::right("cost", "$/H", 3, (6, 9, 16), "what they cost, in dollars per hour")
        .of_spot_pools(|pool, _| Rank::most_of(pool.stake.rate));
    SAVES = Column::right("saves", "SAVES", 5, (5, 6, 6), "savings against on-demand prices, in percent")
        .of_spot_pools(|pool, _| Rank::most_of(pool.savings_millionths()));
    SAVINGS = Column::right("savings", "SAVES $/H", 8, (8, 9, 16), "savings against on-demand prices, in dollars per hour")
        .of_spot_pools(|pool, _| Rank::most_of(pool.stake.savings));
    SAVED = Column::right("saved", "SAVED", 9, (6, 9, 16), "savings against on-demand prices since batchtop started")
        .of_spot_pools(|pool, app| Rank::most_of(app.insights.spot.saved(&pool.key)));
    JOBS = Column::right("jobs", "JOBS", 4, (4, 5, 7), "Jobs with pods there")
        .of_spot_pools(|pool, _| Rank::most_counted(pool.stake.jobs.len() as u64));
    PODS = Column::right("pods", "PODS", 4, (4, 5, 7), "pods that go with it").of_spot_pools(|pool, _| Rank::most_counted(pool.stake.pods));
    CUT_SHORT = Column::right("cut-short", "CUT SHORT", 6, (5, 10, 10), "pods that need longer to end than they get")
        .of_spot_pools(|pool, _| Rank::most_counted(pool.stake.pods_cut_short));
    PROTECTED = Column::right("protected", "PROTECTED", 6, (5, 10, 10), "protected pods; protection stops no reclaim")
        .of_spot_pools(|pool, _| Rank::most_counted(pool.stake.pods_protected));
    SHARE = Column::left("share", "OF ALL SPOT", 5, (11, 15, 15), "its part of all spot nodes: what goes at once")
        .of_spot_pools(|pool, _| Rank::most_counted(pool.nodes));
    EXPECTED = Column::right("expected", "PER DAY", 9, (5, 8, 9), "interruptions to expect in a day, where watched")
        .of_spot_pools(|pool, _| expected(pool));
    NODE_POOLS = Column::left("pool", "NODEPOOLS", 8, (6, 12, 30), "NodePools of its nodes")
        .of_spot_pools(|pool, _| Rank::text(pool.node_pools.first().map(|name| &**name)));
}

/// Those that are being taken back, then by risk; where the risk is not known it is not taken for a low one, nor for any.
fn attention<'a>(pool: &'a SpotPool, _: &'a App) -> Rank<'a> {
    const ABOVE_EVERY_RISK: i64 = 1_000;
    match pool.state {
        SpotState::Reclaiming => Rank::most(ABOVE_EVERY_RISK),
        _ => Rank::most_of(pool.score.risk.map(i64::from)),
    }
}

fn instance_type(pool: &SpotPool) -> Rank<'_> {
    Rank::text(pool.key.instance_type.as_deref())
}

fn expected<'a>(pool: &SpotPool) -> Rank<'a> {
    let per_day = pool.expected_reclaims_per_day_millionths();
    Rank::most_of(per_day.and_then(|per_day| i64::try_from(per_day).ok()))
}
