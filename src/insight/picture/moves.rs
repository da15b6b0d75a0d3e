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
    /// How many, each of another node; Karpenter repeats the Event of a move.
    pub moves: u64,
    /// What the newest move of each node would save together, in micro-dollars per hour; `None` where no Event says it.
    pub micro_usd_per_hour: Option<i64>,
    /// When the newest of them was told.
    pub at: Time,
}

/// Which move an Event tells of: NodePool, outcome, and the name of its object.
type Told = (Option<Sym>, Outcome, Sym);

/// All of them, by NodePool and outcome.
pub fn moves(fleet: &Fleet) -> Vec<Moves> {
    let mut sums: Vec<Moves> = Vec::new();
    for ((node_pool, outcome, _), (at, saved)) in newest(fleet) {
        match sums.last_mut().filter(|sum| sum.node_pool == node_pool && sum.outcome == outcome) {
            Some(sum) => sum.add(at, saved),
            None => sums.push(Moves { node_pool, outcome, moves: 1, micro_usd_per_hour: saved, at }),
        }
    }
    sums
}

/// When each move was last told, and what it would save.
fn newest(fleet: &Fleet) -> BTreeMap<Told, (Time, Option<i64>)> {
    let mut newest = BTreeMap::new();
    for event in fleet.events.iter() {
        let Some(found) = savings::of_event(event) else { continue };
        let told = (node_pool(fleet, event), found.outcome, event.object.key.name.clone());
        let known = newest.entry(told).or_insert((event.at, found.micro_usd_per_hour));
        if event.at > known.0 {
            *known = (event.at, found.micro_usd_per_hour);
        }
    }
    newest
}

impl Moves {
    fn add(&mut self, at: Time, saved: Option<i64>) {
        self.moves += 1;
        self.at = self.at.max(at);
        self.micro_usd_per_hour = match (self.micro_usd_per_hour, saved) {
            (Some(sum), Some(saved)) => Some(sum.saturating_add(saved)),
            (sum, saved) => sum.or(saved),
        };
    }
}

fn node_pool(fleet: &Fleet, event: &EventRow) -> Option<Sym> {
    if event.object.kind == "NodePool" {
        return Some(event.object.key.name.clone());
    }
    fleet.node(&relation::node_of_event(fleet, event)?)?.node_pool().cloned()
}
