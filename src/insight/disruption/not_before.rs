//! Before when Karpenter does not take a node, for each reason, as long as nothing but the time changes.

use super::next_command::VALIDATION_SECONDS;
use super::{Blocker, BlockerKind, Disruption, NodeInputs, Reason};
use crate::units::Time;

/// The earliest moment for each reason; `None` where nothing stops the reason any more, where it does not apply, and where what
/// stops it has no known end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NotBefore {
    /// As empty: with the time for which Karpenter watches whether the node stays empty, which it does of one that nothing stops
    /// from the moment on from which it has been quiet.
    pub empty: Option<Time>,
    /// As drifted.
    pub drifted: Option<Time>,
    /// As underutilized.
    pub underutilized: Option<Time>,
}

/// When a blocker ends by itself.
enum End {
    At(Time),
    /// With the next change of what it depends on: a launch that succeeds, a node that is replaced.
    AnyTime,
    Unknown,
}

impl NotBefore {
    /// Of a node, by what was found to stop Karpenter.
    pub fn of(case: &NodeInputs<'_>, found: &Disruption) -> Self {
        let end = |reason| last_end(case, found, reason);
        Self {
            empty: end(Reason::Empty)
                .or_else(|| quiet_since(case, found))
                .map(|at| at.plus_seconds(VALIDATION_SECONDS)),
            drifted: end(Reason::Drifted),
            underutilized: end(Reason::Underutilized),
        }
    }

    /// Of one reason.
    pub const fn get(&self, reason: Reason) -> Option<Time> {
        match reason {
            Reason::Empty => self.empty,
            Reason::Drifted => self.drifted,
            Reason::Underutilized => self.underutilized,
        }
    }

    /// Before this no reason takes the node; `None` where one may, or may at a time that is not known.
    pub fn first(&self, found: &Disruption) -> Option<Time> {
        let times: Option<Vec<Time>> = found.applies.iter().map(|reason| self.get(reason)).collect();
        times?.into_iter().min()
    }
}

/// Since when an empty node has been quiet that nothing stops, while Karpenter still watches it: it looks at none before
/// (karpenter pkg/controllers/disruption/emptiness.go).
fn quiet_since(case: &NodeInputs<'_>, found: &Disruption) -> Option<Time> {
    let since = case.claim?.true_since("Consolidatable")?;
    let is_watched = case.now < since.plus_seconds(VALIDATION_SECONDS);
    Some(since).filter(|_| is_watched && found.may.yes.contains(Reason::Empty))
}

/// The latest end of what stops a reason, where each blocker has one.
fn last_end(case: &NodeInputs<'_>, found: &Disruption, reason: Reason) -> Option<Time> {
    let mut last = None;
    if !found.applies.contains(reason) {
        return None;
    }
    for blocker in found.firm().filter(|blocker| blocker.reasons.contains(reason)) {
        match end(case, blocker, reason) {
            End::At(at) => last = last.max(Some(at)),
            End::AnyTime => {}
            End::Unknown => return None,
        }
    }
    last
}

fn end(case: &NodeInputs<'_>, blocker: &Blocker, reason: Reason) -> End {
    match blocker.kind {
        BlockerKind::LoopPaused => End::AnyTime,
        BlockerKind::Budget => end_of_budget(case, reason),
        // What is not known may stop nothing: that it ends then says nothing of before.
        BlockerKind::InputMissing => End::Unknown,
        _ => blocker.until.map_or(End::Unknown, End::At),
    }
}

/// A budget that other nodes use up is free again when these are replaced.
fn end_of_budget(case: &NodeInputs<'_>, reason: Reason) -> End {
    match case.pool.and_then(|pool| pool.budgets.allows_at(reason, case.now)) {
        Some(at) if at > case.now => End::At(at),
        Some(_) => End::AnyTime,
        None => End::Unknown,
    }
}
