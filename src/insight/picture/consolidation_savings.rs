//! The savings that Karpenter reports for its consolidations, by NodePool.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::fleet::{EventRow, Fleet, Sym};
use crate::insight::cost::savings::{self, Move, Outcome};
use crate::insight::relation;
use crate::units::Time;

/// The moves of one NodePool with one outcome, as the Events tell that are still there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsolidationSavings {
    /// The NodePool of the nodes that would go; `None` where it is not known any more.
    pub node_pool: Option<Sym>,
    /// Whether Karpenter has found, approved or rejected them.
    pub outcome: Outcome,
    /// Number of nodes that would go.
    pub nodes: u64,
    /// What that would save together, in micro-dollars per hour; `None` where no Event says it.
    pub micro_usd_per_hour: Option<i64>,
    /// When the newest of them was told.
    pub at: Time,
}

/// All of them, by NodePool and outcome.
pub fn consolidation_savings(fleet: &Fleet) -> Vec<ConsolidationSavings> {
    let mut sums: BTreeMap<(Option<Sym>, Outcome), ConsolidationSavings> = BTreeMap::new();
    for (event, found) in newest(fleet).into_values() {
        let node_pool = node_pool(fleet, event);
        let (outcome, saved, at) = (found.outcome, found.micro_usd_per_hour, event.at);
        match sums.entry((node_pool.clone(), outcome.clone())) {
            Entry::Occupied(mut sum) => sum.get_mut().add(at, saved),
            Entry::Vacant(place) => {
                place.insert(ConsolidationSavings { node_pool, outcome, nodes: 1, micro_usd_per_hour: saved, at });
            }
        }
    }
    sums.into_values().collect()
}

/// What was told last of each node: what was a candidate and is rejected counts once.
fn newest(fleet: &Fleet) -> BTreeMap<&Sym, (&EventRow, Move)> {
    let mut newest: BTreeMap<&Sym, (&EventRow, Move)> = BTreeMap::new();
    for event in fleet.events.iter() {
        let Some(found) = savings::of_event(event) else { continue };
        match newest.entry(&event.object.key.name) {
            Entry::Occupied(known) if known.get().0.at >= event.at => {}
            Entry::Occupied(mut known) => drop(known.insert((event, found))),
            Entry::Vacant(place) => drop(place.insert((event, found))),
        }
    }
    newest
}

impl ConsolidationSavings {
    fn add(&mut self, at: Time, saved: Option<i64>) {
        self.nodes += 1;
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
