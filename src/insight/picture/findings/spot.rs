//! Spot capacity: reclaims of which nothing tells, and work that they cut short.

use std::collections::{BTreeMap, BTreeSet};

use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Kind, NodeRow, ObjectKey, PodRow, Sym};
use crate::insight::interruption::{self, SpotKind};
use crate::insight::sentence::{plural, sentence};
use crate::insight::spot::{SpotNode, SpotPoolKey};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "InterruptionQueueMissing",
        severity: Severity::Warning,
        help: "Karpenter runs on spot instances of AWS without an interruption queue. It does not learn of a reclaim: \
               no node is drained in the two minutes before it, no replacement is started, and no event tells of it.",
        hint: "create an SQS queue for interruptions, and name it to Karpenter by INTERRUPTION_QUEUE",
        check: queue_missing,
    },
    Rule {
        id: "SpotPoolNotDiverse",
        severity: Severity::Warning,
        help: "All spot nodes of the NodePool, three or more, are of one instance type in one zone. Such nodes are \
               mostly taken back together.",
        hint: "allow more instance types and zones in the requirements of the NodePool",
        check: pool_not_diverse,
    },
    Rule {
        id: "GraceLongerThanNotice",
        severity: Severity::Warning,
        help: "Pods on spot nodes ask for more time to end than a reclaim leaves them: 120 s with AWS, 15 s with GKE, \
               30 s with AKS. They are killed before they have ended.",
        hint: "save the work sooner, or run it on capacity that is not taken back",
        check: grace_longer_than_notice,
    },
    Rule {
        id: "ProtectedOnSpot",
        severity: Severity::Info,
        help: "Pods with karpenter.sh/do-not-disrupt run on spot nodes. The annotation stops Karpenter, not a reclaim.",
        hint: "run it on capacity that is not taken back, or let it save its work",
        check: protected_on_spot,
    },
];

/// Every spot Node with what is known of it.
fn spot_nodes<'a>(input: &'a RuleInput<'_>) -> impl Iterator<Item = (&'a NodeRow, &'a SpotNode)> {
    input.spot.iter().filter_map(|(name, found)| Some((input.fleet.node(name)?, found)))
}

fn queue_missing(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let is_blind = |(node, found): &(&NodeRow, &SpotNode)| {
        found.kind == SpotKind::AwsSpot && !interruption::is_managed_by_eks(node, input.fleet.claim_of(node))
    };
    let nodes = spot_nodes(input).filter(is_blind).count();
    let is_handled = || input.fleet.pods.iter().any(|pod| interruption::is_termination_handler(&pod.labels));
    if nodes == 0 || input.fleet.controllers.iter().any(|row| row.has_interruption_queue) || is_handled() {
        return Vec::new();
    }
    let occurrence = |key| {
        let message = sentence![
            "has no interruption queue: it does not learn when one of ",
            plural(nodes, "spot node"),
            " is taken back"
        ];
        Occurrence::new(Kind::KarpenterDeployment.name(), key, message)
    };
    input.fleet.controllers.iter().map(|row| occurrence(&row.meta.key)).collect()
}

/// So many nodes of one pool are no coincidence.
const NODES_OF_ONE_POOL: u64 = 3;

fn pool_not_diverse(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut by_node_pool: BTreeMap<&Sym, (BTreeSet<&SpotPoolKey>, u64)> = BTreeMap::new();
    for found in input.spot.values() {
        let Some(name) = &found.node_pool else { continue };
        let (pools, nodes) = by_node_pool.entry(name).or_default();
        pools.insert(&found.pool);
        *nodes += 1;
    }
    let not_diverse = |(name, (pools, nodes)): (&Sym, (BTreeSet<&SpotPoolKey>, u64))| {
        let only = pools.first().filter(|_| pools.len() == 1 && nodes >= NODES_OF_ONE_POOL)?;
        let message = sentence!["all its ", plural(nodes, "spot node"), " are in one pool: ", only.to_string()];
        Some(Occurrence::new(Kind::NodePool.name(), &ObjectKey::cluster(name), message))
    };
    by_node_pool.into_iter().filter_map(not_diverse).collect()
}

/// The Job of a pod, or the pod itself: what somebody can change.
type Work = (&'static str, ObjectKey);

fn work_of(pod: &PodRow) -> Work {
    let of_job = |name: &Sym| ObjectKey { namespace: pod.meta.key.namespace.clone(), name: name.clone() };
    match pod.job_owner() {
        Some(job) => (Kind::Job.name(), of_job(&job.name)),
        None => (Kind::Pod.name(), pod.meta.key.clone()),
    }
}

fn grace_longer_than_notice(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut works: BTreeMap<Work, (i64, i64)> = BTreeMap::new();
    for (node, found) in spot_nodes(input) {
        let given = found.kind.grace_seconds();
        let pods = input.fleet.pods_on(&node.meta.key.name).filter(|pod| pod.is_active());
        for pod in pods.filter(|pod| pod.termination_grace_seconds > given) {
            let longest = works.entry(work_of(pod)).or_insert((pod.termination_grace_seconds, given));
            longest.0 = longest.0.max(pod.termination_grace_seconds);
            longest.1 = longest.1.min(given);
        }
    }
    let occurrence = |((kind, key), (asked, given)): (Work, (i64, i64))| {
        let message = sentence![
            "terminationGracePeriodSeconds is ",
            asked,
            ", and a reclaim of its spot node leaves ",
            given,
            " s"
        ];
        Occurrence::new(kind, &key, message)
    };
    works.into_iter().map(occurrence).collect()
}

fn protected_on_spot(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut works: BTreeMap<Work, u64> = BTreeMap::new();
    let of_spot = input.assessments.iter().filter(|one| input.spot.contains_key(&one.node.meta.key.name));
    for (pod, _) in of_spot.flat_map(|one| &one.pods).filter(|(_, outlook)| outlook.protection.state.is_active()) {
        *works.entry(work_of(pod)).or_default() += 1;
    }
    let occurrence = |((kind, key), pods): (Work, u64)| {
        let message = sentence![plural(pods, "protected pod"), " on spot nodes: protection stops no reclaim"];
        Occurrence::new(kind, &key, message)
    };
    works.into_iter().map(occurrence).collect()
}
