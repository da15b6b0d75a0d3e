//! When the turn of a node comes: from which moment on Karpenter can choose it, and what decides who is chosen before it.

use super::{Blocker, BlockerKind, Disruption, Facts, NodeInputs, Reason};
use crate::insight::karpenter::Support;
use crate::units::Time;

/// When Karpenter can choose a node for a reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chance {
    /// Not as long as nothing but the time changes.
    Never,
    /// Whether it can is not known.
    Unknown,
    /// From this moment on.
    From(Time),
    /// It can now.
    Now,
}

/// What decides when the turn of a node comes.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a node")]
pub struct Turn {
    /// When it can be chosen as empty.
    pub empty: Chance,
    /// When it can be chosen as drifted.
    pub drifted: Chance,
    /// Whether it can be chosen as underutilized, at some time or as far as it is known.
    pub may_be_consolidated: bool,
    /// Whether EKS Auto Mode manages it, whose Karpenter is not that of other nodes.
    pub is_of_auto_mode: bool,
    /// Whether its NodePool keeps a fixed number of nodes: Karpenter replaces those that drifted before all others.
    pub is_static: bool,
    /// Whether pods would have to move.
    pub moves_pods: bool,
    /// Since when it has been drifted, where it is.
    pub drifted_since: Option<Time>,
    /// Whether Karpenter may pass over it for a moment: it keeps it for a pending pod, or did not find a place for its pods
    /// when it last looked.
    pub may_be_passed_over: bool,
    /// In which order its Karpenter goes.
    pub order: Order,
}

/// What differs between versions of Karpenter in how they go through nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Empty nodes before drifted ones.
    pub emptiness_first: bool,
    /// Drifted nodes without pods to move one by one, and not all in one command (karpenter 1.7,
    /// pkg/controllers/disruption/drift.go).
    pub drifts_one_by_one: bool,
}

impl Turn {
    /// Of a node, by what was found to stop Karpenter; proofs are left out.
    pub fn of(case: &NodeInputs<'_>, found: &Disruption) -> Self {
        let passes_over = |blocker: &Blocker| match blocker.kind {
            BlockerKind::Nominated => true,
            BlockerKind::Simulation => blocker.reasons.contains(Reason::Drifted),
            _ => false,
        };
        Self {
            empty: chance(found, Reason::Empty),
            drifted: chance(found, Reason::Drifted),
            may_be_consolidated: chance(found, Reason::Underutilized) != Chance::Never,
            is_of_auto_mode: case.is_of_auto_mode(),
            is_static: case.pool.is_some_and(|pool| pool.row.replicas.is_some()),
            moves_pods: case.pods.reschedulable > 0,
            drifted_since: Facts::of(case).drifted.and_then(|drift| drift.since),
            may_be_passed_over: found.blockers.iter().any(passes_over),
            order: Order {
                emptiness_first: case.karpenter.emptiness_first(),
                drifts_one_by_one: case.karpenter.drifts_one_by_one() == Support::Yes,
            },
        }
    }
}

fn chance(found: &Disruption, reason: Reason) -> Chance {
    match found.may.get(reason) {
        Some(true) => Chance::Now,
        None => Chance::Unknown,
        Some(false) if !found.applies.contains(reason) => Chance::Never,
        Some(false) => {
            let blockers = found.firm().filter(|blocker| blocker.reasons.contains(reason));
            let ends: Option<Vec<Time>> = blockers.map(|blocker| blocker.until).collect();
            ends.and_then(|ends| ends.into_iter().max()).map_or(Chance::Never, Chance::From)
        }
    }
}
