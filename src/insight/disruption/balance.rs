//! Policy `Balanced` (karpenter 1.14, pkg/controllers/disruption/balanced.go): what a move saves must be worth what it
//! disturbs. Where Karpenter looks at one node by itself, it drops those that cannot reach that without a word
//! (singlenodeconsolidation.go); of several that go together it weighs the sum. An estimate here, because its prices are
//! not known to the last cent.

use super::blocker::{Blocker, BlockerKind};
use super::node_inputs::NodeInputs;
use super::reason::{Reason, Reasons};
use crate::fleet::{Key, Kind};
use crate::insight::sentence::sentence;

/// The base cost of disrupting a node, in the units of [`super::pods::eviction_cost`].
const NODE_COST: i64 = 1 << 27;

/// A move is approved when its share of the savings is at least this part of its share of the disruption: one half.
const K: i128 = 2;

/// What the nodes of a NodePool cost together, and what disrupting them all would. Wide enough that no sum of `i64` saturates,
/// so that nodes can be taken out again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sums {
    /// Prices per hour in micro-dollars.
    pub micro_usd_per_hour: i128,
    /// Costs of disruption, in units of 2⁻²⁷.
    pub disruption_cost: i128,
    /// Nodes without a known price, which the first sum lacks.
    pub unpriced: u64,
}

impl Sums {
    /// Adds a node: its price per hour in micro-dollars, and what moving its pods costs.
    pub fn add(&mut self, price: Option<i64>, moving_cost: i64) {
        self.micro_usd_per_hour += i128::from(price.unwrap_or_default());
        self.disruption_cost += disruption_cost(moving_cost);
        self.unpriced += u64::from(price.is_none());
    }

    /// Takes out a node that was added with the same figures.
    pub fn take(&mut self, price: Option<i64>, moving_cost: i64) {
        self.micro_usd_per_hour -= i128::from(price.unwrap_or_default());
        self.disruption_cost -= disruption_cost(moving_cost);
        self.unpriced -= u64::from(price.is_none());
    }
}

fn disruption_cost(moving_cost: i64) -> i128 {
    i128::from(NODE_COST) + i128::from(moving_cost)
}

/// Advisory where even deleting the node for nothing in return would save too little by itself.
pub fn blocker(case: &NodeInputs<'_>) -> Option<Blocker> {
    let pool = case.pool?;
    if pool.row.consolidation_policy != "Balanced" || pool.balance.unpriced > 0 {
        return None;
    }
    let sums = pool.balance;
    let price = case.micro_usd_per_hour?;
    if case.applies(Reason::Underutilized) != Some(true) || sums.micro_usd_per_hour == 0 {
        return None;
    }
    let saved = (K * i128::from(price)).saturating_mul(sums.disruption_cost);
    let disturbed = disruption_cost(case.pods.moving_cost).saturating_mul(sums.micro_usd_per_hour);
    (saved < disturbed).then(|| {
        let name = &pool.row.meta.key.name;
        let message = sentence![
            "NodePool \"",
            name,
            "\" is Balanced, and by itself the node costs too little for what it runs (estimate)",
        ];
        Blocker::new(BlockerKind::Balance, Reasons::only(Reason::Underutilized), message)
            .about(Key::new(Kind::NodePool, pool.row.meta.key.clone()))
    })
}
