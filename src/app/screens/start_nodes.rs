//! Definition of the nodes of Starts: how the machines of each NodePool come to be.

use super::column::{Column, Order, columns};
use super::table::{Observations, Rows, TableSpec, UseOfRows};
use crate::app::field::Field;
use crate::app::rank::Rank;
use crate::insight::cold_start::{PhaseName, PoolStatistics};

/// Machines by NodePool.
pub static NODES: TableSpec = TableSpec {
    name: "new nodes",
    noun: "NodePools with observed machines",
    rows: Rows::Observed(Observations::Machines),
    joined_kinds: &[],
    columns: COLUMNS,
    rate: None,
    fields: &[Field::Pool],
    use_of_rows: UseOfRows::Open,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Machines(worst), "the most failures first, then the slowest");
    POOL = Column::left("pool", "POOL", 0, (10, 16, 40), "the NodePool")
        .ordered(Order::Machines(|pool| Rank::text(Some(&pool.pool))));
    NODES_MADE = Column::right("nodes", "NODES", 1, (5, 6, 6), "machines that were observed until they were initialized")
        .ordered(Order::Machines(|pool| Rank::most_counted(pool.machines)));
    LAUNCH = Column::right("launch", "LAUNCH", 3, (9, 15, 17), "from NodeClaim to launched: median, 95th percentile")
        .ordered(Order::Machines(|pool| median(pool, PhaseName::Launch)));
    BOOT = Column::right("boot", "BOOT", 2, (13, 15, 17), "from there to its Node")
        .ordered(Order::Machines(|pool| median(pool, PhaseName::Boot)));
    REGISTER = Column::right("register", "REGISTER", 4, (9, 15, 17), "from there to registered")
        .ordered(Order::Machines(|pool| median(pool, PhaseName::Register)));
    INITIALIZE = Column::right("initialize", "INITIALIZE", 2, (13, 15, 17), "from there to initialized, devices included")
        .ordered(Order::Machines(|pool| median(pool, PhaseName::Initialize)));
    WATERFALL = Column::left("waterfall", "", 6, (18, 18, 70), "the medians on one time axis");
    HISTOGRAM = Column::left("histogram", "", 5, (12, 12, 12), "how many machines took how long: a column for each doubling of time");
    FAILED = Column::left("failed", "FAILED", 1, (8, 24, 60), "NodeClaims that became no machines, by why")
        .ordered(Order::Machines(|pool| Rank::most(failures(pool))));
}

fn median(pool: &PoolStatistics, step: PhaseName) -> Rank<'_> {
    let found = pool.phases.iter().find(|(name, ..)| *name == step);
    Rank::most_of(found.and_then(|(_, median, _)| i64::try_from(*median).ok()))
}

fn failures(pool: &PoolStatistics) -> i64 {
    i64::try_from(pool.failures.values().sum::<u64>()).unwrap_or(i64::MAX)
}

/// Failures count more than seconds.
fn worst(pool: &PoolStatistics) -> Rank<'_> {
    const SECONDS_PER_FAILURE: i64 = 1 << 32;
    let seconds: u64 = pool.phases.iter().map(|(_, median, _)| *median).sum();
    let seconds = i64::try_from(seconds).unwrap_or(0).min(SECONDS_PER_FAILURE - 1);
    Rank::most(failures(pool).min(1 << 30).saturating_mul(SECONDS_PER_FAILURE).saturating_add(seconds))
}
