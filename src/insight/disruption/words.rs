//! One sentence for a node.

use super::blocker::{Blocker, BlockerKind};
use super::reason::Reasons;
use super::verdict::{Disruption, Verdict};

/// The headline as a sentence: what Karpenter may do, or what stops it.
pub fn headline(disruption: &Disruption) -> String {
    let verdict = disruption.verdict;
    match verdict {
        Verdict::NotManaged => "not managed by Karpenter".to_owned(),
        Verdict::Terminating => "being deleted".to_owned(),
        Verdict::BeingDisrupted => "chosen by Karpenter, being disrupted".to_owned(),
        Verdict::SpotInterrupted => "the cloud takes the instance back".to_owned(),
        Verdict::EmptyCandidate | Verdict::DriftCandidate | Verdict::ConsolidationCandidate => {
            format!("Karpenter may take it: {}", list(disruption.may.yes))
        }
        Verdict::Unknown => format!("not known: {}", messages(disruption, BlockerKind::InputMissing)),
        _ => match disruption.main_blocker() {
            Some(blocker) => stopped_by(disruption, blocker),
            None => verdict.name().to_owned(),
        },
    }
}

fn stopped_by(disruption: &Disruption, blocker: &Blocker) -> String {
    let others = disruption.blockers.iter().filter(|other| other.kind == blocker.kind).count().saturating_sub(1);
    let more = if others > 0 { format!(" and {others} more") } else { String::new() };
    format!("{}{more}", blocker.message)
}

fn messages(disruption: &Disruption, kind: BlockerKind) -> String {
    let of_kind = disruption.blockers.iter().filter(|blocker| blocker.kind == kind);
    let messages: Vec<&str> = of_kind.map(|blocker| blocker.message.as_str()).collect();
    if messages.is_empty() { "nothing says why".to_owned() } else { messages.join(", ") }
}

/// Reasons, separated by commas.
pub fn list(reasons: Reasons) -> String {
    let names: Vec<&str> = reasons.iter().map(super::Reason::name).collect();
    names.join(", ")
}
