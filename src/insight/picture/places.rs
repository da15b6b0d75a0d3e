//! Whether Karpenter's simulation finds places for the pods of a Node that it takes, as far as that is known.

use super::Evaluator;
use crate::fleet::{NodeOperator, NodePoolRow, NodeRequirement, NodeRow, PodRow, Sym};
use crate::insight::disruption::pods::is_reschedulable;
use crate::insight::disruption::{Places, Reason};

impl<'a> Evaluator<'a> {
    /// Of a Node that Karpenter may take for a reason.
    pub fn places(&self, node: &'a NodeRow, reason: Reason) -> Places {
        let found = self.node(node);
        if found.blockers.iter().any(|blocker| blocker.is_proof() && blocker.reasons.contains(reason)) {
            return Places::Missing;
        }
        let mut pods = self.fleet().pods_on(&node.meta.key.name).filter(|pod| is_reschedulable(pod));
        if pods.any(|pod| self.is_doubtful(pod)) { Places::Doubtful } else { Places::Expected }
    }

    /// Whether a pod demands a label that no NodePool names: a new node has it only where the cloud provider knows it by itself
    /// (karpenter pkg/scheduling/requirements.go, Compatible).
    fn is_doubtful(&self, pod: &PodRow) -> bool {
        let is_unnamed =
            |key: &Sym| !is_well_known(key) && !self.fleet().node_pools.iter().any(|pool| names(pool, key));
        let demands = |one: &NodeRequirement| matches!(one.operator, NodeOperator::In | NodeOperator::Exists);
        let is_unnamed_term = |term: &Vec<NodeRequirement>| term.iter().any(|one| demands(one) && is_unnamed(&one.key));
        let placement = &pod.placement;
        let terms = &placement.node_affinity;
        placement.node_selector.iter().any(|(key, _)| is_unnamed(key))
            || (!terms.is_empty() && terms.iter().all(is_unnamed_term))
    }
}

/// Whether Karpenter, Kubernetes or a provider of Karpenter knows a label by itself, or may.
fn is_well_known(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    domain.contains("karpenter") || domain == "eks.amazonaws.com" || domain.ends_with("kubernetes.io")
}

fn names(pool: &NodePoolRow, key: &Sym) -> bool {
    let template = &pool.template;
    template.labels.iter().any(|(known, _)| known == key) || template.requirements.iter().any(|one| one.key == *key)
}
