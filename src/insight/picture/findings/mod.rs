//! Mistakes and wastes worth telling, over the whole cluster.
//!
//! Each rule is one entry in the table of its family: [`disruption_loop`], [`node_pools`], [`protection`], [`events`],
//! [`gpu`], [`starts`], [`prices`], [`spot`]. A new rule is an entry there and its check; everything else (the JSON, the screen,
//! the manual) follows.

mod disruption_loop;
mod events;
mod gpu;
mod node_pools;
mod prices;
mod protection;
mod spot;
mod starts;
#[cfg(test)]
mod tests;

use std::cmp::{Ordering, Reverse};
use std::fmt;

pub use protection::WILL_NOT_HOLD as PROTECTION_WILL_NOT_HOLD;

use super::evaluator::{Evaluator, NodeAssessment};
use super::gpus::GpuStates;
use crate::fleet::{Fleet, ObjectKey, PodRow};
use crate::insight::cold_start::ImageStatistics;
use crate::insight::disruption::Outlook;
use crate::insight::sentence::{Fragment, Sentence};
use crate::insight::spot::SpotNodes;

/// The severity of a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Good to know.
    Info,
    /// It costs money, or protects less than somebody thinks.
    Warning,
    /// Work is being lost, or nothing moves at all.
    Critical,
}

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "Info",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }
}

/// One kind of mistake or waste, and how to find it.
pub struct Rule {
    /// Its name in the JSON, which never changes.
    pub id: &'static str,
    /// How much it matters, unless an occurrence says otherwise.
    pub severity: Severity,
    /// What it means, in a sentence or two for the manual.
    pub help: &'static str,
    /// What to do, unless an occurrence says otherwise.
    pub hint: &'static str,
    /// Finds every object to which it applies.
    check: fn(&RuleInput<'_>) -> Vec<Occurrence>,
}

/// The rules of all families. Among findings of equal severity those of an earlier rule come first.
const FAMILIES: [&[Rule]; 8] = [
    disruption_loop::RULES,
    node_pools::RULES,
    protection::RULES,
    spot::RULES,
    events::RULES,
    gpu::RULES,
    starts::RULES,
    prices::RULES,
];

/// Every rule, in the order of [`FAMILIES`].
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.into_iter().flatten()
}

/// What is known of Nodes besides their assessments.
#[derive(Clone, Copy)]
pub struct NodeStates<'a> {
    /// What their accelerators do.
    pub gpus: &'a GpuStates,
    /// Those of spot capacity.
    pub spot: &'a SpotNodes,
    /// How images come to them, in sums.
    pub images: &'a [ImageStatistics],
}

/// What the rules look at: everything known at one moment, and what was computed of it already.
struct RuleInput<'a> {
    fleet: &'a Fleet,
    evaluator: &'a Evaluator<'a>,
    /// One for each Node.
    assessments: &'a [NodeAssessment<'a>],
    gpus: &'a GpuStates,
    spot: &'a SpotNodes,
    images: &'a [ImageStatistics],
    /// Annotated pods that are bound to no Node, and whether their protection holds.
    unbound: Vec<(&'a PodRow, Outlook)>,
}

impl<'a> RuleInput<'a> {
    fn new(
        fleet: &'a Fleet,
        evaluator: &'a Evaluator<'a>,
        assessments: &'a [NodeAssessment<'a>],
        states: NodeStates<'a>,
    ) -> Self {
        let unbound = fleet.annotated_pods().filter(|pod| pod.node.is_none());
        let unbound = unbound.map(|pod| (pod, evaluator.pod(pod))).collect();
        let NodeStates { gpus, spot, images } = states;
        Self { fleet, evaluator, assessments, gpus, spot, images, unbound }
    }

    /// Every annotated pod with its outlook.
    fn annotated_pods(&self) -> impl Iterator<Item = &(&'a PodRow, Outlook)> {
        self.assessments.iter().flat_map(|assessment| &assessment.pods).chain(&self.unbound)
    }
}

/// One object to which a rule applies.
struct Occurrence {
    kind: &'static str,
    object: ObjectKey,
    message: Sentence,
    severity: Option<Severity>,
    hint: Option<&'static str>,
}

impl Occurrence {
    /// On the object of this kind, which need not be one that batchtop reads; with the rule's own severity and hint.
    fn new(kind: &'static str, object: &ObjectKey, message: impl Fragment) -> Self {
        Self { kind, object: object.clone(), message: Sentence::of(message), severity: None, hint: None }
    }

    /// The same, graver or less grave than the rule says.
    fn with_severity(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }

    /// The same with a hint of its own.
    fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// A mistake or a waste.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Severity, that of the rule.
    pub severity: Severity,
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The kind of the object; not only those that batchtop reads.
    pub kind: &'static str,
    /// Namespace and name of the object.
    pub object: ObjectKey,
    /// The mistake or the waste, in one sentence.
    pub message: Sentence,
    /// What the user can do about it.
    pub hint: &'static str,
}

/// Everything worth telling, the gravest first.
pub fn findings(fleet: &Fleet, evaluator: &Evaluator<'_>, states: NodeStates<'_>) -> Vec<Finding> {
    let assessments: Vec<NodeAssessment<'_>> = fleet.nodes.iter().map(|node| evaluator.assess(node)).collect();
    of_assessments(fleet, evaluator, &assessments, states)
}

/// The same from assessments that are there already, one for each Node.
pub fn of_assessments(
    fleet: &Fleet,
    evaluator: &Evaluator<'_>,
    assessments: &[NodeAssessment<'_>],
    states: NodeStates<'_>,
) -> Vec<Finding> {
    let input = RuleInput::new(fleet, evaluator, assessments, states);
    let mut found: Vec<Finding> = rules().flat_map(|rule| rule.apply(&input)).collect();
    // A stable sort: what is equally grave stays in the order of the rules.
    found.sort_by_key(|finding| Reverse(finding.severity));
    found
}

impl Rule {
    /// Everything that it finds, in the order of the objects.
    fn apply(&'static self, input: &RuleInput<'_>) -> Vec<Finding> {
        let mut found: Vec<Finding> = (self.check)(input).into_iter().map(|one| self.finding(one)).collect();
        found.sort_by(by_object);
        found
    }

    fn finding(&'static self, one: Occurrence) -> Finding {
        Finding {
            severity: one.severity.unwrap_or(self.severity),
            rule: self,
            kind: one.kind,
            object: one.object,
            message: one.message,
            hint: one.hint.unwrap_or(self.hint),
        }
    }
}

/// Messages are compared only where one object has several findings of one rule.
fn by_object(a: &Finding, b: &Finding) -> Ordering {
    let objects = a.kind.cmp(b.kind).then_with(|| a.object.cmp(&b.object));
    objects.then_with(|| a.message.machine_text().cmp(&b.message.machine_text())).then_with(|| a.hint.cmp(b.hint))
}

/// Ids are unique, which a test holds.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}
