//! Definition of the screen Pools: NodePools with their budgets, each with its NodeClaims.

use std::collections::HashMap;

use super::column::{Column, Order, columns};
use super::spec::{Narrowing, ScreenSpec, all_of, always};
use super::table::{Rows, TableSpec, UseOfRows};
use super::view::View;
use super::{spot_pools, spot_zones};
use crate::app::depends::PRICES;
use crate::app::field::Field;
use crate::app::rank::{self, Rank};
use crate::app::{App, RowRef, payers};
use crate::fleet::Kind;
use crate::input::Action;

/// Definition of the screen Pools.
pub static SPEC: ScreenSpec = ScreenSpec {
    title: "Pools",
    action: Action::Pools,
    aliases: &["pools", "pool", "claims", "np", "nodepool", "nodepools", "nc", "nodeclaim", "nodeclaims", "claim"],
    own_kinds: &[Kind::NodePool, Kind::NodeClaim],
    counted_kinds: &[],
    table: TableSpec {
        name: "Pools",
        noun: "NodePools and NodeClaims",
        rows: Rows::Objects { list, arrange: Some(as_tree) },
        joined_kinds: &[Kind::Node],
        columns: COLUMNS,
        rate: None,
        fields: &[
            Field::Name,
            Field::Pool,
            Field::Node,
            Field::Type,
            Field::Zone,
            Field::Capacity,
            Field::Status,
            Field::Price,
        ],
        use_of_rows: UseOfRows::Open,
    },
    views: VIEWS,
    count: |app| all_of(app, Kind::NodePool, SPEC.narrowed_by, app.fleet.node_pools.len()),
    narrowed_by: Narrowing::NodeLabels,
    is_offered: always,
};

columns! {
    ATTENTION = Column::order_only("attention", Order::Rank(rank::attention), "what needs a look first");
    NAME = Column::left("name", "NAME", 0, (16, 30, 50), "name of the NodePool or NodeClaim").ranked(rank::name);
    STATUS = Column::left("status", "PHASE", 1, (14, 14, 16), "whether it is ready, or how far it is")
        .ranked(rank::status);
    COST = Column::right("cost", "$/H", 3, (9, 9, 16), "dollars per hour of the machine, or of all of the NodePool")
        .ranked(|row, app| Rank::most_of(payers::machine_rate(row, app)))
        .depends_on(PRICES);
    INSTANCE_TYPE = Column::left("type", "TYPE", 5, (8, 12, 20), "instance type of the NodeClaim")
        .ranked(rank::instance_type);
    CAPACITY = Column::left("capacity", "CAP", 7, (4, 4, 4), "spot, on-demand or reserved").ranked(rank::capacity);
    ZONE = Column::left("zone", "ZONE", 9, (8, 16, 16), "zone of the NodeClaim").ranked(rank::zone);
    NODE = Column::left("node", "NODE", 9, (10, 28, 60), "the NodeClaim's Node").ranked(rank::node);
    AGE = Column::right("age", "AGE", 3, (5, 6, 6), "time since it was created").ranked(rank::age);
    EXPIRES = Column::right("expires", "EXPIRES", 6, (7, 11, 11), "when it expires; expireAfter of the NodePool")
        .ranked(expires);
    WEIGHT = Column::right("weight", "WEIGHT", 10, (6, 6, 6), "weight of the NodePool").ranked(weight);
    NODES = Column::right("nodes", "NODES", 3, (5, 6, 6), "Nodes of the NodePool, of its replicas where it is static");
    ALLOWED = Column::left("allowed", "ALLOWED E/D/U", 2, (13, 16, 21), "how many may go: empty/drifted/underutilized");
    TIMELINE = Column::left("timeline", "NEXT 24 H", 4, (12, 24, 48), "what its budgets allow in the next 24 hours");
    BUDGETS = Column::left("budgets", "BUDGETS", 6, (8, 20, 40), "the budgets that count now, as they are written");
    POLICY = Column::left("policy", "POLICY", 7, (9, 28, 28), "its consolidation policy");
    CONSOLIDATE_AFTER = Column::right("after", "AFTER", 7, (5, 8, 8), "its consolidateAfter");
    LIMITS = Column::left("limits", "LIMITS", 8, (10, 34, 60), "its use of every limited resource");
}

static VIEWS: &[View] =
    &[View::all("NodePools", "NodePools, each with its NodeClaims"), spot_pools::VIEW, spot_zones::VIEW];

fn list(app: &App) -> Vec<RowRef<'_>> {
    let pools = app.scope.pools(&app.fleet).into_iter().map(RowRef::Pool);
    let claims = app.fleet.node_claims.iter().filter(|claim| app.scope.has_claim(&app.fleet, claim));
    pools.chain(claims.map(RowRef::Claim)).collect()
}

/// Each NodePool followed by its NodeClaims; NodeClaims whose NodePool is not listed come last. Keeps the order within.
fn as_tree<'a>(rows: Vec<RowRef<'a>>) -> Vec<RowRef<'a>> {
    let (pools, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| matches!(row, RowRef::Pool(_)));
    let mut beneath: HashMap<&str, Vec<RowRef<'a>>> =
        pools.iter().map(|pool| (pool.meta().key.name.as_str(), Vec::new())).collect();
    let mut orphans = Vec::new();
    for row in others {
        let RowRef::Claim(claim) = row else { continue };
        match claim.node_pool().and_then(|pool| beneath.get_mut(pool.as_str())) {
            Some(siblings) => siblings.push(row),
            None => orphans.push(row),
        }
    }
    let with_claims = |pool: RowRef<'a>| {
        let claims = beneath.remove(pool.meta().key.name.as_str()).unwrap_or_default();
        std::iter::once(pool).chain(claims)
    };
    pools.into_iter().flat_map(with_claims).chain(orphans).collect()
}

fn expires<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    match row {
        RowRef::Claim(claim) => Rank::time(claim.expires_at()),
        _ => Rank::LAST,
    }
}

fn weight<'a>(row: RowRef<'a>, _: &'a App) -> Rank<'a> {
    match row {
        RowRef::Pool(pool) => Rank::most(pool.weight),
        _ => Rank::LAST,
    }
}
