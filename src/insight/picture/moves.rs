//! What Karpenter says that its moves save, by NodePool.

use std::collections::BTreeMap;

use crate::fleet::{EventRow, Fleet, Sym};
use crate::insight::cost::savings::{self, Outcome};
use crate::insight::relation;
use crate::units::Time;

/// The moves of one NodePool with one outcome, as the Events tell that are still there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moves {
    /// The NodePool of the node that would go; `None` where it is not known any more.
    pub node_pool: Option<Sym>,
    /// What became of them.
    pub outcome: Outcome,
    /// How many Events there are, each for one move; Karpenter repeats an Event for the same move.
    pub moves: u64,
    /// What the newest move of each node would save together, in micro-dollars per hour; `None` where no Event says it.
    pub micro_usd_per_hour: Option<i64>,
    /// When the newest of them was told.
    pub at: Time,
}

/// All of them, by NodePool and outcome.
pub fn moves(fleet: &Fleet) -> Vec<Moves> {
    let mut newest: BTreeMap<(Option<Sym>, Outcome, Sym), (&EventRow, Option<i64>)> = BTreeMap::new();
    for event in fleet.events.iter() {
        let Some(found) = savings::of_event(event) else { continue };
        let key = (node_pool(fleet, event), found.outcome, event.object.key.name.clone());
        let known = newest.entry(key).or_insert((event, found.micro_usd_per_hour));
        if event.at > known.0.at {
            *known = (event, found.micro_usd_per_hour);
        }
    }
    let mut sums: BTreeMap<(Option<Sym>, Outcome), Moves> = BTreeMap::new();
    for ((node_pool, outcome, _), (event, saved)) in newest {
        let none = Moves {
            node_pool: node_pool.clone(),
            outcome: outcome.clone(),
            moves: 0,
            micro_usd_per_hour: None,
            at: event.at,
        };
        let sum = sums.entry((node_pool, outcome)).or_insert(none);
        sum.moves += 1;
        sum.at = sum.at.max(event.at);
        sum.micro_usd_per_hour = match (sum.micro_usd_per_hour, saved) {
            (Some(sum), Some(saved)) => Some(sum.saturating_add(saved)),
            (sum, saved) => sum.or(saved),
        };
    }
    sums.into_values().collect()
}

fn node_pool(fleet: &Fleet, event: &EventRow) -> Option<Sym> {
    if event.object.kind == "NodePool" {
        return Some(event.object.key.name.clone());
    }
    fleet.node(&relation::node_of_event(fleet, event)?)?.node_pool().cloned()
}
