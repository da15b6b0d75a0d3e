//! Karpenter's next commands for the screen, as of some seconds ago.
//!
//! To find them all Nodes are gone through, and of those that would be next it is looked whether their pods have places. So they follow
//! everything at once, but only as often as Karpenter itself looks, and in slices.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::Inputs;
use super::verdicts::Verdicts;
use crate::fleet::Sym;
use crate::insight::disruption::{NextCommand, Places, Reason};
use crate::insight::picture::Evaluator;
use crate::units::Time;

/// The next commands as they were last found.
#[derive(Default)]
pub struct CommandWatch {
    found: Vec<NextCommand>,
    looked_at: Option<Time>,
    /// What is known of the Nodes that were asked about, while not all of them have been.
    search: Option<HashMap<(Sym, Reason), Places, RandomState>>,
}

/// As often as Karpenter looks for nodes to disrupt.
const LOOK_EVERY_SECONDS: i64 = 10;

/// Of how many Nodes it is asked at a time whether their pods have places: about a millisecond.
const PLACES_PER_SLICE: usize = 8;

impl CommandWatch {
    /// As last found; nothing while not everything is known that decides about Nodes.
    pub fn found(&self) -> &[NextCommand] {
        &self.found
    }

    /// Looks without delay.
    #[cfg(test)]
    pub const fn hurry(&mut self) {
        self.looked_at = None;
    }

    /// Whether a search goes on, or it is time for one. Forgets everything while not everything is known that decides about Nodes.
    pub(super) fn has_work(&mut self, inputs: &Inputs<'_>) -> bool {
        if !inputs.known().decides_nodes() {
            *self = Self::default();
            return false;
        }
        let is_due = self.looked_at.is_none_or(|at| !(0..LOOK_EVERY_SECONDS).contains(&inputs.now.seconds_since(at)));
        self.search.is_some() || is_due
    }

    /// Goes on with a search, or begins one. Says whether there is more to do.
    pub(super) fn follow(&mut self, inputs: &Inputs<'_>, verdicts: &Verdicts, evaluator: &Evaluator<'_>) -> bool {
        let known = RefCell::new(self.search.take().unwrap_or_default());
        let left = Cell::new(PLACES_PER_SLICE);
        let is_complete = Cell::new(true);
        let places = |name: &Sym, reason: Reason| {
            let key = (name.clone(), reason);
            let places = known.borrow().get(&key).copied();
            places.unwrap_or_else(|| {
                if left.get() == 0 {
                    is_complete.set(false);
                    return Places::Missing;
                }
                left.set(left.get() - 1);
                let places = Verdicts::places(evaluator, inputs.fleet, name, reason);
                known.borrow_mut().insert(key, places);
                places
            })
        };
        let found = verdicts.next_commands(evaluator.now(), places);
        if is_complete.get() {
            (self.found, self.looked_at) = (found, Some(inputs.now));
        } else {
            self.search = Some(known.into_inner());
        }
        self.search.is_some()
    }
}
