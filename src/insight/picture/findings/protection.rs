//! Protection that does not do what somebody thinks: annotations and PodDisruptionBudgets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::evaluator::NodeAssessment;
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{DisruptionBudgetRow, Fleet, Kind, NodeClaimRow, ObjectKey, PodRow, Sym};
use crate::insight::disruption::{BlockerKind, Outlook, ProtectionState, Verdict, gates};
use crate::insight::phase;
use crate::insight::sentence::{Sentence, sentence};

/// The id of the rule about protection that something ends.
pub const WILL_NOT_HOLD: &str = "ProtectionWillNotHold";

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "AnnotationIgnored",
        severity: Severity::Warning,
        help: "karpenter.sh/do-not-disrupt stands on an object on which Karpenter does not read it, or has a value \
               that means nothing there. It protects nothing.",
        hint: PUT_INTO_TEMPLATE,
        check: ignored_annotations,
    },
    Rule {
        id: "ProtectionInvalid",
        severity: Severity::Warning,
        help: "The karpenter.sh/do-not-disrupt of a pod has a value that this version of Karpenter does not \
               understand. The pod is not protected.",
        hint: "use \"true\" or a duration such as \"4h\"",
        check: invalid_protection,
    },
    Rule {
        id: WILL_NOT_HOLD,
        severity: Severity::Critical,
        help: "Within a day something ends the pod in spite of its karpenter.sh/do-not-disrupt: the expiry of its \
               node, an interruption, drift with a terminationGracePeriod. What it has not saved by then is lost.",
        hint: "finish or move the work before, or checkpoint it",
        check: protection_that_will_not_hold,
    },
    Rule {
        id: "MultiplePdbs",
        severity: Severity::Warning,
        help: "Several PodDisruptionBudgets select the pod. The eviction API supports one for each pod, so the pod \
               cannot be evicted and holds its node.",
        hint: "make the selectors of the PodDisruptionBudgets disjoint: no eviction passes several",
        check: several_budgets,
    },
    Rule {
        id: "PdbNeverAllows",
        severity: Severity::Warning,
        help: "The PodDisruptionBudget can never allow a disruption, however healthy its pods are. They hold every \
               node on which they run.",
        hint: "allow at least one disruption, or its pods hold every node they run on",
        check: budgets_that_never_allow,
    },
    Rule {
        id: "StuckTerminating",
        severity: Severity::Warning,
        help: "The node is being deleted and waits for protected pods. Without a terminationGracePeriod it waits, and \
               costs money, until they end.",
        hint: "it costs money until they end; remove their annotation, or set a terminationGracePeriod for new nodes",
        check: stuck_nodes,
    },
];

/// Ends of protected pods further away than this are not worth a warning yet.
const SOON_SECONDS: i64 = 86_400;

/// A node that is being deleted for longer than this waits for something.
const STUCK_SECONDS: i64 = 300;

const PUT_INTO_TEMPLATE: &str = "put it into the pod template (spec.template.metadata.annotations)";

// ---- Annotations that nothing reads ----

fn ignored_annotations(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let checks = [on_jobs, on_deployments, on_node_claims, on_node_pools, on_nodes];
    checks.into_iter().flat_map(|check| check(input.fleet)).collect()
}

fn ignored(kind: &'static str, object: &ObjectKey, value: &Sym) -> Occurrence {
    Occurrence::new(kind, object, sentence!["karpenter.sh/do-not-disrupt: \"", value, "\" has no effect here"])
}

fn on_jobs(fleet: &Fleet) -> Vec<Occurrence> {
    let only_here = fleet.jobs.iter().filter(|job| job.template_do_not_disrupt.is_none());
    only_here.filter_map(|job| Some(ignored(Kind::Job.name(), &job.meta.key, job.do_not_disrupt.as_ref()?))).collect()
}

/// Deployments are not read: their controller copies the annotation to their ReplicaSets.
fn on_deployments(fleet: &Fleet) -> Vec<Occurrence> {
    let mut deployments: BTreeMap<ObjectKey, &Sym> = BTreeMap::new();
    for set in fleet.replica_sets.iter() {
        if let (Some(value), Some(owner)) = (&set.do_not_disrupt, &set.owner) {
            let key = ObjectKey { namespace: set.meta.key.namespace.clone(), name: owner.name.clone() };
            deployments.insert(key, value);
        }
    }
    deployments.iter().map(|(key, value)| ignored("Deployment", key, value)).collect()
}

/// Karpenter copies it to the Node when that registers, and from then on asks the Node alone.
fn on_node_claims(fleet: &Fleet) -> Vec<Occurrence> {
    let is_only_here = |claim: &NodeClaimRow| {
        fleet.node_of(claim).is_some_and(|node| node.is_registered() && node.do_not_disrupt.is_none())
    };
    let found = |claim: &NodeClaimRow| {
        let value = claim.do_not_disrupt.as_ref().filter(|_| is_only_here(claim))?;
        let hint = "annotate the Node: Karpenter does not read it here after registration";
        Some(ignored(Kind::NodeClaim.name(), &claim.meta.key, value).with_hint(hint))
    };
    fleet.node_claims.iter().filter_map(found).collect()
}

fn on_node_pools(fleet: &Fleet) -> Vec<Occurrence> {
    let hint = "put it into spec.template.metadata.annotations, or annotate the Nodes";
    let pools = fleet.node_pools.iter().filter_map(|pool| Some((pool, pool.do_not_disrupt.as_ref()?)));
    pools.map(|(pool, value)| ignored(Kind::NodePool.name(), &pool.meta.key, value).with_hint(hint)).collect()
}

fn on_nodes(fleet: &Fleet) -> Vec<Occurrence> {
    let hint = "a Node is protected by exactly \"true\"; durations are for pods";
    let nodes = fleet.nodes.iter().filter_map(|node| Some((node, node.do_not_disrupt.as_ref()?)));
    let other = nodes.filter(|(_, value)| **value != "true");
    other.map(|(node, value)| ignored(Kind::Node.name(), &node.meta.key, value).with_hint(hint)).collect()
}

// ---- Annotations of pods ----

fn invalid_protection(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let invalid = input.annotated_pods().filter(|(_, outlook)| outlook.protection.state == ProtectionState::Invalid);
    invalid.filter_map(|(pod, outlook)| does_not_hold(pod, outlook)).collect()
}

fn protection_that_will_not_hold(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let soon = input.evaluator.now().plus_seconds(SOON_SECONDS);
    let fails = |(_, outlook): &&(&PodRow, Outlook)| outlook.protection.state.is_active() && outlook.fails_before(soon);
    input.annotated_pods().filter(fails).filter_map(|(pod, outlook)| does_not_hold(pod, outlook)).collect()
}

/// In the words of the soonest thing that ends the pod.
fn does_not_hold(pod: &PodRow, outlook: &Outlook) -> Option<Occurrence> {
    let gap = outlook.gaps.first().filter(|_| outlook.holds == Some(false))?;
    Some(Occurrence::new(Kind::Pod.name(), &pod.meta.key, gap))
}

// ---- PodDisruptionBudgets ----

fn several_budgets(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut found = BTreeMap::new();
    for one in input.assessments {
        let Some(node) = input.evaluator.picture().node(&one.node.meta.key.name) else { continue };
        let several = node.pods.budgeted.iter().filter(|pods| pods.budgets.len() > 1 && node.claim.is_some());
        found.extend(several.map(|pods| (pods.budgets.clone(), pods.pod.clone())));
    }
    let occurrence = |(budgets, pod): (Arc<[ObjectKey]>, ObjectKey)| {
        Occurrence::new(Kind::Pod.name(), &pod, gates::not_evictable(&budgets))
    };
    found.into_iter().map(occurrence).collect()
}

fn budgets_that_never_allow(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut found: Vec<Occurrence> = input.fleet.disruption_budgets.iter().filter_map(wants_all_healthy).collect();
    found.extend(expecting_none(input));
    found
}

/// Healthy as it is wanted, with as many pods wanted as there are: it allows no eviction, now or later.
fn wants_all_healthy(row: &DisruptionBudgetRow) -> Option<Occurrence> {
    let never = row.expected_pods > 0 && row.desired_healthy >= row.expected_pods && row.disruptions_allowed == 0;
    let (wanted, expected) = (row.desired_healthy, row.expected_pods);
    let message = || sentence!["it wants ", wanted, " of ", expected, " pods healthy: no pod may ever be evicted"];
    never.then(|| Occurrence::new(Kind::PodDisruptionBudget.name(), &row.meta.key, message()))
}

/// Without a controller that says how many pods there are to be, only an integer minAvailable can be computed
/// (kubernetes pkg/controller/disruption): anything else stays at nothing allowed.
fn expecting_none(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let rows = input.fleet.disruption_budgets.iter().filter(|row| row.expected_pods == 0);
    let expecting_none: BTreeSet<&ObjectKey> = rows.map(|row| &row.meta.key).collect();
    let blockers = input.assessments.iter().flat_map(|one| &one.disruption.blockers);
    let blocking = blockers.filter(|one| one.kind == BlockerKind::Pdb);
    let keys = blocking.filter_map(|one| Some(&one.object.as_ref()?.object));
    let keys: BTreeSet<&ObjectKey> = keys.filter(|key| expecting_none.contains(key)).collect();
    keys.into_iter().map(expects_none).collect()
}

fn expects_none(budget: &ObjectKey) -> Occurrence {
    let message = "it selects pods and yet expects none (expectedPods 0): no pod may ever be evicted";
    Occurrence::new(Kind::PodDisruptionBudget.name(), budget, message)
        .with_hint("for pods without a controller use an integer minAvailable")
}

// ---- Nodes that wait for protected pods ----

fn stuck_nodes(input: &RuleInput<'_>) -> Vec<Occurrence> {
    input.assessments.iter().filter_map(|one| stuck_node(input, one)).collect()
}

/// Without terminationGracePeriod a deleted NodeClaim waits for its protected pods as long as they are protected.
fn stuck_node(input: &RuleInput<'_>, one: &NodeAssessment<'_>) -> Option<Occurrence> {
    if one.disruption.verdict != Verdict::Terminating {
        return None;
    }
    let claim = input.fleet.claim_of(one.node);
    let claim = claim.filter(|claim| phase::is_terminating(claim) && claim.termination_at.is_none())?;
    let since = claim.meta.deletion.filter(|since| input.evaluator.now().seconds_since(*since) >= STUCK_SECONDS)?;
    let mut protected = one.pods.iter().filter(|(_, outlook)| outlook.protection.state.is_active()).peekable();
    protected.peek()?;
    let pods = Sentence::joined(protected.map(|(pod, _)| &pod.meta.key), ", ");
    let message = sentence!["being deleted since ", since, ", and waits for protected pods: ", pods];
    Some(Occurrence::new(Kind::Node.name(), &one.node.meta.key, message))
}
