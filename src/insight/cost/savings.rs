//! Savings that Karpenter writes into its Events of consolidation.

use crate::fleet::EventRow;
use crate::units::money;

/// What became of a move that would save money.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// Karpenter found it (Event `ConsolidationCandidate`); not yet validated.
    Candidate,
    /// It was worth what it disturbs (Event `ConsolidationApproved`, policy `Balanced`).
    Approved,
    /// It was given up (Event `ConsolidationRejected`), for this reason: `budget`, `scheduling`, `churn`, `unknown`.
    Rejected(String),
}

impl Outcome {
    /// The outcome in words, as screen and JSON write it.
    pub fn words(&self) -> String {
        match self {
            Self::Candidate => "candidate".to_owned(),
            Self::Approved => "approved".to_owned(),
            Self::Rejected(reason) => format!("rejected: {reason}"),
        }
    }
}

/// A move as one Event tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Move {
    /// Whether Karpenter has found, approved or rejected the move.
    pub outcome: Outcome,
    /// What it saves, in micro-dollars per hour, which only approvals do not say: of a move of several nodes, of each of
    /// which Karpenter tells with the savings of all, this node's part.
    pub micro_usd_per_hour: Option<i64>,
}

/// The move that an Event tells of (karpenter 1.14, pkg/controllers/disruption/events/events.go).
///
/// Karpenter writes each Event twice, about the NodeClaim and about the Node; that of the NodeClaim is left out.
pub fn of_event(event: &EventRow) -> Option<Move> {
    if event.object.kind == "NodeClaim" {
        return None;
    }
    let outcome = match event.reason.as_str() {
        "ConsolidationCandidate" => Outcome::Candidate,
        "ConsolidationApproved" => Outcome::Approved,
        "ConsolidationRejected" => Outcome::Rejected(between(&event.message, "reason: ", " (").to_owned()),
        _ => return None,
    };
    let nodes = nodes(&event.message);
    Some(Move { outcome, micro_usd_per_hour: savings(&event.message).map(|saved| saved / nodes) })
}

/// How many nodes a move takes: `(part of 10-node consolidation)`, or one.
fn nodes(message: &str) -> i64 {
    between(message, "(part of ", "-node consolidation)").parse().ok().filter(|nodes| *nodes > 0).unwrap_or(1)
}

/// `savings: $1.23` at the end of a message; a move can cost more than it saves.
fn savings(message: &str) -> Option<i64> {
    let text = message.rsplit_once("(savings: $")?.1.strip_suffix(')')?;
    match text.strip_prefix('-') {
        Some(text) => money::parse_usd(text).map(|micros| -micros),
        None => money::parse_usd(text),
    }
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let from = text.split_once(begin).map_or("", |(_, rest)| rest);
    from.split_once(end).map_or(from, |(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn savings_are_read_from_the_end_of_a_karpenter_message() {
        let candidate = "Consolidation candidate: replace: [ip-10-0-0-1] -> [1 replacement] (savings: $12.34)";
        assert_eq!(savings(candidate), Some(12_340_000));
        let rejected =
            "Consolidation rejected: replace: [n] (part of 2-node consolidation), reason: budget (savings: $-0.50)";
        assert_eq!((savings(rejected), between(rejected, "reason: ", " (")), (Some(-500_000), "budget"));
        assert_eq!((nodes(candidate), nodes(rejected)), (1, 2));
        assert_eq!(savings("score 0.88 >= threshold 0.50 (k: 2, savings 87.5%, disruption 100.0%)"), None);
    }
}
