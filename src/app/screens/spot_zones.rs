//! Definition of the spot zones of Pools: what goes at once if a zone goes.

use super::column::{Column, Order, columns};
use super::spot_pools::has_spot_nodes;
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use crate::app::field::Field;
use crate::app::rank::Rank;

/// Zones of spot capacity.
pub static SPOT_ZONES: TableSpec = TableSpec {
    name: "spot zones",
    noun: "zones",
    rows: Rows::SpotZones,
    joined_kinds: &[],
    columns: COLUMNS,
    rate: None,
    fields: &[Field::Zone, Field::Type, Field::Pool, Field::Status],
    use_of_rows: UseOfRows::Enter,
};

/// The view that lists them.
pub(super) const VIEW: View =
    View::of_table("spot zones", "spot capacity by zone: what goes if a zone goes", &SPOT_ZONES)
        .offered_where(has_spot_nodes);

columns! {
    STAKE = Column::order_only("stake", Order::SpotZones(|zone| Rank::most_of(zone.stake.rate)), "dollars per hour");
    ZONE = Column::left("zone", "ZONE", 0, (12, 16, 24), "zone of the nodes: an outage takes all of them at once")
        .ordered(Order::SpotZones(|zone| Rank::text(zone.key.0.as_deref())));
    STATE = Column::left("state", "STATE", 1, (12, 13, 14), "state of its worst pool: reclaiming, rebalance, blind, calm")
        .ordered(Order::SpotZones(|zone| Rank::most(zone.state as i64)));
    POOLS = Column::right("pools", "POOLS", 4, (5, 6, 6), "its spot pools")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.pools)));
    NODES = Column::right("nodes", "NODES", 2, (5, 6, 7), "its spot nodes")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.members.len() as u64)));
    GPUS = Column::right("gpus", "GPUS", 4, (4, 5, 7), "their accelerators")
        .ordered(Order::SpotZones(|zone| Rank::most(zone.stake.gpus)));
    COST = Column::right("cost", "$/H", 3, (6, 9, 16), "what they cost, in dollars per hour")
        .ordered(Order::SpotZones(|zone| Rank::most_of(zone.stake.rate)));
    JOBS = Column::right("jobs", "JOBS", 4, (4, 5, 7), "Jobs with pods there")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.stake.jobs.len() as u64)));
    GANGS = Column::right("gangs", "GANGS", 4, (5, 6, 7), "gangs that lose their quorum");
    PODS = Column::right("pods", "PODS", 5, (4, 5, 7), "pods that go with it")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.stake.pods)));
    PROTECTED = Column::right("protected", "PROTECTED", 6, (5, 10, 10), "protected pods; protection stops no outage")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.stake.pods_protected)));
    SHARE = Column::left("share", "OF ALL SPOT", 5, (11, 15, 15), "its part of all spot nodes: what goes at once")
        .ordered(Order::SpotZones(|zone| Rank::most_counted(zone.members.len() as u64)));
}
