//! Karpenter's disruption loop: what pauses it, and what keeps it busy for nothing.

use super::super::evaluator::{Evaluator, NodeAssessment};
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Condition, DisruptionBudgetRow, Kind, LoopState, NodeClaimRow, NodeRow, ObjectKey, PodRow, Status};
use crate::insight::disruption::{BlockerKind, Pause, Reason};
use crate::insight::sentence::{Part, plural, sentence};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "LoopPaused",
        severity: Severity::Warning,
        help: "Karpenter disrupts no node of its own accord: not while a NodeClaim has no instance yet, and not while \
               it cannot read a PodDisruptionBudget. Nodes that could go stay and cost money. While a NodeClaim has no \
               instance, pending pods get no new nodes either.",
        hint: "look at its condition Launched; Karpenter deletes it some minutes after its creation",
        check: pauses,
    },
    Rule {
        id: "KarpenterStopped",
        severity: Severity::Warning,
        help: "The Deployment of Karpenter's controller is scaled to zero. Nothing makes nodes for pending pods, and no \
               node is taken, whatever is said of it.",
        hint: "scale it up again: kubectl scale deployment --replicas",
        check: stopped,
    },
    Rule {
        id: "KarpenterStuck",
        severity: Severity::Warning,
        help: "Karpenter's own metrics say that its memory has not agreed with the cluster for minutes, and no NodeClaim \
               without an instance explains it. Until it agrees, Karpenter takes no node and makes none for pending pods, \
               whatever is said of them.",
        hint: "restart the controller: kubectl rollout restart; up to 1.14.1 a NodeClaim that was deleted within a moment \
               can leave it so",
        check: stuck,
    },
    Rule {
        id: "EmptinessStarvesDrift",
        severity: Severity::Warning,
        help: "Karpenter looks for empty nodes first, and begins anew after each that it takes. As long as there are \
               some, drifted nodes wait and keep their old image or instance type.",
        hint: "raise its budget for Empty, or find out why it keeps producing empty nodes",
        check: starved_drift,
    },
    Rule {
        id: "DeleteLaunchLoop",
        severity: Severity::Critical,
        help: "All pods of the node are so cheap to evict that Karpenter counts it as empty. It deletes the node, the \
               pods need a new one, and that is deleted, too.",
        hint: "raise their priority above -33554432 or their pod-deletion-cost above -134217728, or set \
               consolidateAfter",
        check: delete_launch_loops,
    },
    Rule {
        id: "LongNomination",
        severity: Severity::Warning,
        help: "Karpenter keeps the node for a pod that does not start there. Until it does, or goes, the node is not \
               disrupted.",
        hint: "find out why the pod is not bound: Karpenter does not disrupt the node as long as it waits",
        check: long_nominations,
    },
];

/// A loop that is paused for longer than any launch that goes well.
const PAUSED_SECONDS: i64 = 60;

/// A drifted node that waits for longer than this is starved.
const STARVED_SECONDS: i64 = 300;

/// A pod that is pending for longer than this is not just being placed.
const PENDING_SECONDS: i64 = 120;

fn pauses(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let pause = |pause: Pause<'_>| match pause {
        Pause::Launching(claim) => launching(claim, input.evaluator),
        Pause::Unreadable(budget) => unreadable_selector(budget),
    };
    input.evaluator.pauses().map(pause).collect()
}

fn unreadable_selector(budget: &DisruptionBudgetRow) -> Occurrence {
    let message = "its selector cannot be read, so Karpenter disrupts nothing of its own accord in the whole cluster";
    Occurrence::new(Kind::PodDisruptionBudget.name(), &budget.meta.key, message)
        .with_severity(Severity::Critical)
        .with_hint("correct spec.selector")
}

/// A controller that nobody has started says nothing of nodes, and where another runs beside it, it does not matter.
fn stopped(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let controllers = &input.fleet.controllers;
    if controllers.iter().any(|row| row.replicas > 0) || input.fleet.node_claims.is_empty() {
        return Vec::new();
    }
    let message = "it has no replicas: Karpenter neither makes nor takes nodes";
    controllers.iter().map(|row| Occurrence::new("Deployment", &row.meta.key, message)).collect()
}

/// How long a controller takes to read the cluster at its start, generously.
const UNSYNCED_SECONDS: i64 = 120;

/// What was read longer ago says nothing of now; the page is read every five minutes.
const STALE_SECONDS: i64 = 660;

/// By the controller's own metrics; a pause that objects explain is told of them.
fn stuck(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let now = input.evaluator.now();
    let is_current = |state: &&LoopState| (0..STALE_SECONDS).contains(&now.seconds_since(state.as_of));
    let is_explained = !input.evaluator.counts_are_known() || input.evaluator.pauses().next().is_some();
    let found = input.fleet.loop_state.as_ref().filter(is_current).filter(|_| !is_explained);
    let found = found.and_then(|state| Some((state, state.unsynced_seconds.filter(|it| *it >= UNSYNCED_SECONDS)?)));
    let stuck = found.map(|(state, seconds)| {
        let message = sentence![
            "its memory has not agreed with the cluster for ",
            Part::Seconds(seconds),
            ", as it said itself at ",
            state.as_of,
            ": it takes no node, and makes none for pending pods",
        ];
        Occurrence::new("Deployment", &state.controller, message)
    });
    stuck.into_iter().collect()
}

fn launching(claim: &NodeClaimRow, evaluator: &Evaluator<'_>) -> Occurrence {
    let now = evaluator.now();
    let seconds = now.seconds_since(claim.meta.created);
    let launched = Condition::find(&claim.conditions, "Launched").filter(|found| found.status != Status::True);
    let why = launched.map(|found| &found.message).filter(|message| !message.is_empty());
    let message = sentence![
        "it has had no providerID for ",
        seconds,
        " s, and until it has one Karpenter disrupts no node of its own accord, and makes none for pending pods",
        why.map(|why| sentence![": ", why]),
    ];
    let hint = match evaluator.karpenter_of(claim).launch_timeout_seconds() {
        300 => "look at its condition Launched; Karpenter deletes it five minutes after its creation",
        _ => "look at its condition Launched; Karpenter deletes it fifteen minutes after its creation",
    };
    let found = Occurrence::new(Kind::NodeClaim.name(), &claim.meta.key, message).with_hint(hint);
    if seconds < PAUSED_SECONDS { found.with_severity(Severity::Info) } else { found }
}

/// Emptiness runs first and again after each success: as long as one NodePool yields empty nodes, nothing else happens.
fn starved_drift(input: &RuleInput<'_>) -> Vec<Occurrence> {
    first_that_starves_drift(input).into_iter().collect()
}

fn first_that_starves_drift(input: &RuleInput<'_>) -> Option<Occurrence> {
    let waits = |node: &NodeRow| {
        let since = input.fleet.claim_of(node).and_then(|claim| claim.true_since("Drifted"));
        since.is_some_and(|since| input.evaluator.now().seconds_since(since) >= STARVED_SECONDS)
    };
    let may_go = |reason| move |one: &&NodeAssessment<'_>| one.disruption.may.yes.contains(reason);
    let drifted = input.assessments.iter().filter(may_go(Reason::Drifted)).filter(|one| waits(one.node)).count();
    let empty: Vec<&NodeAssessment<'_>> = input.assessments.iter().filter(may_go(Reason::Empty)).collect();
    let pool = empty.first()?.node.node_pool()?;
    if drifted == 0 {
        return None;
    }
    let (empty, drifted) = (plural(empty.len(), "empty node"), plural(drifted, "drifted node"));
    let message = sentence!["Karpenter takes empty nodes first: ", empty, " before ", drifted];
    Some(Occurrence::new(Kind::NodePool.name(), &ObjectKey::cluster(pool), message))
}

fn delete_launch_loops(input: &RuleInput<'_>) -> Vec<Occurrence> {
    input.assessments.iter().filter(|one| is_emptied_again(one)).map(delete_launch_loop).collect()
}

/// Whether a node counts as empty though pods run there that would need another.
fn is_emptied_again(one: &NodeAssessment<'_>) -> bool {
    let never = one.disruption.firm().any(|blocker| {
        matches!(blocker.kind, BlockerKind::ConsolidationDisabled | BlockerKind::Static | BlockerKind::NotManaged)
    });
    one.disruption.applies.contains(Reason::Empty) && one.reschedulable > 0 && !never
}

fn delete_launch_loop(one: &NodeAssessment<'_>) -> Occurrence {
    let message = sentence![
        plural(u64::from(one.reschedulable), "pod"),
        " here whose eviction costs nothing to Karpenter, so the node counts as empty: evicted, they come back on \
         a new node, and so on",
    ];
    Occurrence::new(Kind::Node.name(), &one.node.meta.key, message)
}

fn long_nominations(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let is_nominated = |one: &&NodeAssessment<'_>| {
        one.disruption.blockers.iter().any(|blocker| blocker.kind == BlockerKind::Nominated)
    };
    let mut nominated = input.assessments.iter().filter(is_nominated).peekable();
    // All pods are looked through only where a node is kept for one.
    let Some(pod) = nominated.peek().and_then(|_| longest_pending(input)) else { return Vec::new() };
    let message = sentence!["Karpenter keeps it for a pending pod; ", &pod.meta.key, " has been pending the longest"];
    nominated.map(|one| Occurrence::new(Kind::Node.name(), &one.node.meta.key, &message)).collect()
}

fn longest_pending<'a>(input: &RuleInput<'a>) -> Option<&'a PodRow> {
    let is_pending = |pod: &&PodRow| {
        !pod.unschedulable.is_empty() && input.evaluator.now().seconds_since(pod.meta.created) >= PENDING_SECONDS
    };
    input.fleet.pods.iter().filter(is_pending).min_by_key(|pod| (pod.meta.created, &pod.meta.key))
}
