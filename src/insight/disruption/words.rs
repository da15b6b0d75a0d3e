//! One sentence for a node.

use super::blocker::{Blocker, BlockerKind};
use super::reason::Reasons;
use super::verdict::{Disruption, Verdict};
use crate::insight::sentence::{Sentence, sentence};

/// The headline as a sentence: what Karpenter may do, or what stops it.
pub fn headline(disruption: &Disruption) -> Sentence {
    let verdict = disruption.verdict;
    match verdict {
        Verdict::NotManaged => Sentence::of("not managed by Karpenter"),
        Verdict::Terminating => Sentence::of("being deleted"),
        Verdict::BeingDisrupted => Sentence::of("chosen by Karpenter, being disrupted"),
        Verdict::SpotInterrupted => Sentence::of("the cloud takes the instance back"),
        Verdict::EmptyCandidate | Verdict::DriftCandidate | Verdict::ConsolidationCandidate => {
            sentence!["Karpenter may take it: ", list(disruption.may.yes)]
        }
        Verdict::Unknown => sentence!["not known: ", messages(disruption, BlockerKind::InputMissing)],
        _ => match disruption.main_blocker() {
            Some(blocker) => stopped_by(disruption, blocker),
            None => Sentence::of(verdict.name()),
        },
    }
}

fn stopped_by(disruption: &Disruption, blocker: &Blocker) -> Sentence {
    // What Karpenter says of its simulation and what is proven of it is one thing.
    let is_other = |other: &&Blocker| {
        other.kind == blocker.kind && (!other.kind.is_advisory() || other.evidence == blocker.evidence)
    };
    let others = disruption.blockers.iter().filter(is_other).count().saturating_sub(1);
    let more = (others > 0).then(|| sentence![" and ", others, " more"]);
    sentence![&blocker.message, more]
}

fn messages(disruption: &Disruption, kind: BlockerKind) -> Sentence {
    let of_kind = disruption.blockers.iter().filter(|blocker| blocker.kind == kind);
    let messages = Sentence::joined(of_kind.map(|blocker| &blocker.message), ", ");
    if messages.parts().is_empty() { Sentence::of("nothing says why") } else { messages }
}

/// The words that stand for a headline where there is room for few.
pub const fn label(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NotManaged => "not managed",
        Verdict::Unknown => "unknown",
        Verdict::Terminating => "terminating",
        Verdict::BeingDisrupted => "disrupting",
        Verdict::SpotInterrupted => "interrupted",
        Verdict::NotInitialized => "starting",
        Verdict::ProtectedByNode => "node annotation",
        Verdict::NodePoolMissing => "no NodePool",
        Verdict::ProtectedByPod => "pod",
        Verdict::BlockedByPdb => "pdb",
        Verdict::BlockedByBudget => "budget",
        Verdict::Static => "static",
        Verdict::ConsolidationDisabled => "consolidation disabled",
        Verdict::ConsolidateAfterPending => "quiet",
        Verdict::BlockedByPolicy => "policy",
        Verdict::MissingLabels => "label missing",
        Verdict::LoopPaused => "paused",
        Verdict::Unconsolidatable => "unconsolidatable",
        Verdict::EmptyCandidate => "candidate: empty",
        Verdict::DriftCandidate => "candidate: drifted",
        Verdict::ConsolidationCandidate => "candidate: underutilized",
    }
}

/// Reasons, separated by commas.
pub fn list(reasons: Reasons) -> String {
    let names: Vec<&str> = reasons.iter().map(super::Reason::name).collect();
    names.join(", ")
}
