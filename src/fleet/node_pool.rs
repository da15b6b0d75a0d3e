//! NodePools.

use super::table::rows;
use super::{Condition, Labels, Meta, NodeClassRef, NodeRequirement, Sym, Taint};
use crate::units::Lifetime;

/// The label of what a NodePool made.
pub(super) const NODE_POOL_LABEL: &str = "karpenter.sh/nodepool";

/// The label of what a Provisioner made, in v1alpha5 (karpenter v0.31 pkg/apis/v1alpha5/labels.go).
const PROVISIONER_LABEL: &str = "karpenter.sh/provisioner-name";

/// The NodePool, or in v1alpha5 the Provisioner, that made what has these labels.
pub fn node_pool_of(labels: &Labels) -> Option<&Sym> {
    labels.get(NODE_POOL_LABEL).or_else(|| labels.get(PROVISIONER_LABEL))
}

/// `spec.disruption.consolidateAfter`.
pub type ConsolidateAfter = Lifetime;

/// One entry of `spec.disruption.budgets`, verbatim: what it means is the disruption room's business.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    /// `nodes`: an integer or a percentage.
    pub nodes: Sym,
    /// `reasons`; `None` where absent (all reasons), an empty list matches nothing.
    pub reasons: Option<Vec<Sym>>,
    /// `schedule`, in cron's grammar, UTC.
    pub schedule: Option<Sym>,
    /// `duration`, a Go duration.
    pub duration: Option<Sym>,
}

/// What all nodes have that a NodePool launches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeTemplate {
    /// `spec.template.metadata.labels`, by key.
    pub labels: Vec<(Sym, Sym)>,
    /// `spec.template.spec.taints`.
    pub taints: Vec<Taint>,
    /// `spec.template.spec.requirements`.
    pub requirements: Vec<NodeRequirement>,
}

/// One karpenter.sh NodePool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodePoolRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `spec.template.spec.nodeClassRef`.
    pub node_class: Option<NodeClassRef>,
    /// What the nodes that it launches have in common.
    pub template: NodeTemplate,
    /// `spec.weight`, zero where absent.
    pub weight: i64,
    /// `spec.replicas`: set for static NodePools.
    pub replicas: Option<i64>,
    /// `spec.disruption.consolidationPolicy`, empty where absent.
    pub consolidation_policy: Sym,
    /// `spec.disruption.consolidateAfter`.
    pub consolidate_after: ConsolidateAfter,
    /// `spec.disruption.budgets`; `None` where absent.
    pub budgets: Option<Vec<Budget>>,
    /// `spec.template.spec.expireAfter`, for NodeClaims to come.
    pub expire_after: Lifetime,
    /// `spec.template.spec.terminationGracePeriod` in seconds, for NodeClaims to come.
    pub termination_grace_seconds: Option<i64>,
    /// `spec.limits`, verbatim, by resource.
    pub limits: Vec<(Sym, Sym)>,
    /// `status.resources`, verbatim, by resource.
    pub usage: Vec<(Sym, Sym)>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Annotation `karpenter.sh/do-not-disrupt` on the NodePool object, which nothing reads.
    pub do_not_disrupt: Option<Sym>,
}

impl NodePoolRow {
    /// Whether it is told at all whether the NodePool is ready: those of v1beta1 have no conditions before 0.37.
    pub fn tells_readiness(&self) -> bool {
        Condition::find(&self.conditions, "Ready").is_some()
    }

    /// Whether condition `Ready` is `True`.
    pub fn is_ready(&self) -> bool {
        Condition::is_true(&self.conditions, "Ready")
    }
}

rows!(NodePoolRow);
