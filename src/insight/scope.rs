//! The scope to which the user narrowed the lists. Totals never follow it.

use std::collections::BTreeSet;

use crate::fleet::{EventRow, Fleet, JobRow, Labels, NodeClaimRow, NodePoolRow, NodeRow, PodRow, Sym};
use crate::units::Selector;

/// `-n`, `-l` and `--node-selector`; each `None` where nothing is narrowed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Only Jobs, pods and Events of these namespaces.
    pub namespaces: Option<BTreeSet<String>>,
    /// Only Jobs and pods with such labels, and Events that speak of them.
    pub selector: Option<Selector>,
    /// Only Nodes with such labels, and their NodeClaims and NodePools.
    pub node_selector: Option<Selector>,
}

impl Scope {
    /// Whether this pod is shown.
    pub fn has_pod(&self, pod: &PodRow) -> bool {
        self.has_namespace(&pod.meta.key.namespace) && is_selected(self.selector.as_ref(), &pod.labels)
    }

    /// Whether this Job is shown.
    pub fn has_job(&self, job: &JobRow) -> bool {
        self.has_namespace(&job.meta.key.namespace) && is_selected(self.selector.as_ref(), &job.labels)
    }

    /// Whether this Event is shown. Its namespace is its own: those on Nodes and NodeClaims stand in `default`.
    pub fn has_event(&self, fleet: &Fleet, event: &EventRow) -> bool {
        self.has_namespace(&event.meta.key.namespace)
            && self.selector.as_ref().is_none_or(|selector| speaks_of_selected(fleet, event, selector))
    }

    /// Whether this Node is shown.
    pub fn has_node(&self, node: &NodeRow) -> bool {
        is_selected(self.node_selector.as_ref(), &node.labels)
    }

    /// Whether this NodeClaim is shown: as its Node is, or by its own labels before there is one.
    pub fn has_claim(&self, fleet: &Fleet, claim: &NodeClaimRow) -> bool {
        self.node_selector.is_none()
            || fleet
                .node_of(claim)
                .map_or_else(|| is_selected(self.node_selector.as_ref(), &claim.labels), |node| self.has_node(node))
    }

    /// The NodePools that are shown: those one of whose Nodes or NodeClaims is, and those that the label
    /// `karpenter.sh/nodepool` alone selects.
    pub fn pools<'a>(&self, fleet: &'a Fleet) -> Vec<&'a NodePoolRow> {
        let Some(selector) = &self.node_selector else { return fleet.node_pools.iter().collect() };
        let of_nodes = fleet.nodes.iter().filter(|node| self.has_node(node)).filter_map(NodeRow::node_pool);
        let of_claims =
            fleet.node_claims.iter().filter(|claim| self.has_claim(fleet, claim)).filter_map(NodeClaimRow::node_pool);
        let inhabited: BTreeSet<&Sym> = of_nodes.chain(of_claims).collect();
        let is_shown = |pool: &&NodePoolRow| {
            let name = &pool.meta.key.name;
            let label = |key: &str| (key == "karpenter.sh/nodepool").then(|| name.as_str());
            inhabited.contains(name) || selector.matches(label)
        };
        fleet.node_pools.iter().filter(is_shown).collect()
    }

    fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace))
    }
}

fn is_selected(selector: Option<&Selector>, labels: &Labels) -> bool {
    selector.is_none_or(|selector| selector.matches(|key| labels.get(key).map(Sym::as_str)))
}

fn speaks_of_selected(fleet: &Fleet, event: &EventRow, selector: &Selector) -> bool {
    let key = &event.object.key;
    let labels = match event.object.kind.as_str() {
        "Pod" => fleet.pods.get(key).map(|pod| &pod.labels),
        "Job" => fleet.jobs.get(key).map(|job| &job.labels),
        _ => None,
    };
    labels.is_some_and(|labels| is_selected(Some(selector), labels))
}
