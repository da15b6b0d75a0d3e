//! Karpenter's own Events, held against what the objects show.

use super::super::evaluator::NodeAssessment;
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::Kind;
use crate::insight::sentence::sentence;

/// The rules of this family.
pub const RULES: &[Rule] = &[Rule {
    id: "EventDisagrees",
    severity: Severity::Warning,
    help: "Karpenter said a moment ago that something stops it, and nothing of the kind can be seen in the objects. \
           What batchtop says of the node may be wrong.",
    hint: "if it stays, please report it with a snapshot: the answer for this node may be wrong",
    check: disagreements,
}];

fn disagreements(input: &RuleInput<'_>) -> Vec<Occurrence> {
    input.assessments.iter().filter_map(disagreement).collect()
}

fn disagreement(one: &NodeAssessment<'_>) -> Option<Occurrence> {
    let event = one.disruption.disagreement.clone()?;
    let message = sentence!["Karpenter says \"", event, "\", which the objects do not show"];
    Some(Occurrence::new(Kind::Node.name(), &one.node.meta.key, message))
}
