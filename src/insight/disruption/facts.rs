//! What a node is, whatever Karpenter may do about it now.

use super::{NodeInputs, Reason};
use crate::fleet::{Condition, NodeClaimRow, Sym};
use crate::units::Time;

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Whether it is empty as its Karpenter counts it; `None` where that is not known.
    pub empty: Option<bool>,
    /// Why it is drifted, where it is.
    pub drifted: Option<Drift>,
    /// Since when it has been quiet for consolidateAfter, where it has.
    pub consolidatable_since: Option<Time>,
}

/// Why a node is drifted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drift {
    /// Karpenter's word for it.
    pub reason: Sym,
    /// Since when.
    pub since: Option<Time>,
}

impl Facts {
    /// Of a node.
    pub fn of(case: &NodeInputs<'_>) -> Self {
        let drift = |claim: &NodeClaimRow| {
            let condition = Condition::find(&claim.conditions, "Drifted").filter(|_| claim.is_drifted())?;
            Some(Drift { reason: condition.reason.clone(), since: condition.last_transition })
        };
        Self {
            empty: case.applies(Reason::Empty),
            drifted: case.claim.and_then(drift),
            consolidatable_since: case.claim.and_then(|claim| claim.true_since("Consolidatable")),
        }
    }
}
