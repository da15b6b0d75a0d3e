//! Whether Karpenter's simulation finds places for the pods of a Node that it takes, as far as that is known.

use super::Evaluator;
use crate::fleet::{Fleet, NodeOperator, NodePoolRow, NodeRequirement, NodeRow, Placement, Sym};
use crate::insight::disruption::pods::is_reschedulable;
use crate::insight::disruption::{Places, Reason};

impl<'a> Evaluator<'a> {
    /// Of a Node that Karpenter may take for a reason.
    pub fn places(&self, node: &'a NodeRow, reason: Reason) -> Places {
        let found = self.node(node);
        if found.blockers.iter().any(|blocker| blocker.is_proof() && blocker.reasons.contains(reason)) {
            return Places::Missing;
        }
        let fleet = self.fleet();
        let mut pods = fleet.pods_on(&node.meta.key.name).filter(|pod| is_reschedulable(pod));
        if pods.any(|pod| is_doubtful(&pod.placement, fleet)) { Places::Doubtful } else { Places::Expected }
    }
}

/// Whether a pod demands a label that no NodePool names: a new node has it only where the cloud provider knows it by itself
/// (karpenter pkg/scheduling/requirements.go, Compatible).
fn is_doubtful(placement: &Placement, fleet: &Fleet) -> bool {
    let is_unnamed = |key: &Sym| !is_well_known(key) && !fleet.node_pools.iter().any(|pool| names(pool, key));
    let demands = |one: &NodeRequirement| matches!(one.operator, NodeOperator::In | NodeOperator::Exists);
    let is_unnamed_term = |term: &Vec<NodeRequirement>| term.iter().any(|one| demands(one) && is_unnamed(&one.key));
    let terms = &placement.node_affinity;
    placement.node_selector.iter().any(|(key, _)| is_unnamed(key))
        || (!terms.is_empty() && terms.iter().all(is_unnamed_term))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Delta, NodeTemplate};
    use crate::insight::testing::{fleet, pool, sym, upserts};

    #[test]
    fn a_label_that_no_nodepool_names_makes_places_doubtful() {
        let template = NodeTemplate { labels: vec![(sym("team"), sym("ml"))], ..NodeTemplate::default() };
        let fleet = fleet(vec![Delta::NodePools(upserts(vec![NodePoolRow { template, ..pool("gpu") }]))]);
        let selecting = |key: &str| Placement { node_selector: vec![(sym(key), sym("v"))], ..Placement::default() };
        for (key, wanted) in [
            ("team", false),
            ("karpenter.sh/nodepool", false),
            ("karpenter.k8s.aws/instance-family", false),
            ("eks.amazonaws.com/instance-family", false),
            ("topology.kubernetes.io/zone", false),
            ("rack", true),
            ("example.com/rack", true),
        ] {
            assert_eq!(is_doubtful(&selecting(key), &fleet), wanted, "{key}");
        }
        let term = |operator, key: &str| vec![NodeRequirement { key: sym(key), operator, values: vec![sym("v")] }];
        let requiring = |terms: &[Vec<NodeRequirement>]| {
            is_doubtful(&Placement { node_affinity: terms.to_vec(), ..Placement::default() }, &fleet)
        };
        assert!(!requiring(&[]));
        assert!(requiring(&[term(NodeOperator::In, "rack")]));
        assert!(!requiring(&[term(NodeOperator::In, "rack"), term(NodeOperator::In, "team")]), "one is enough");
        assert!(!requiring(&[term(NodeOperator::NotIn, "rack")]), "a node without the label meets it");
    }
}
