//! Where Nodes and NodeClaims stand in their lives.

use crate::fleet::{Condition, NodeClaimRow, NodeRow};

/// Where a Node stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NodePhase {
    /// Not usable yet: Karpenter has not marked it initialized, or its kubelet has not reported yet.
    Starting,
    /// The Node is ready, and neither chosen by Karpenter nor being deleted.
    Running,
    /// Karpenter has chosen it, which it may still take back.
    Disrupting,
    /// It, its NodeClaim or its instance is being deleted.
    Terminating,
    /// Was usable; now it is not ready.
    NotReady,
}

impl NodePhase {
    /// The phase of a Node, with the NodeClaim behind it.
    pub fn of(node: &NodeRow, claim: Option<&NodeClaimRow>) -> Self {
        if node.meta.deletion.is_some() || claim.is_some_and(is_terminating) {
            Self::Terminating
        } else if is_disrupting(node, claim) {
            Self::Disrupting
        } else if is_starting(node, claim) {
            Self::Starting
        } else if node.is_ready() {
            Self::Running
        } else {
            Self::NotReady
        }
    }

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Disrupting => "Disrupting",
            Self::Terminating => "Terminating",
            Self::NotReady => "NotReady",
        }
    }

    /// Whether it is on its way out.
    pub const fn is_leaving(self) -> bool {
        matches!(self, Self::Disrupting | Self::Terminating)
    }
}

/// Whether a NodeClaim is being deleted, or its instance is being terminated
/// (karpenter pkg/controllers/state/statenode.go, MarkedForDeletion).
pub fn is_terminating(claim: &NodeClaimRow) -> bool {
    claim.meta.deletion.is_some() || Condition::is_true(&claim.conditions, "InstanceTerminating")
}

/// Whether Karpenter has chosen a NodeClaim and not taken that back (karpenter pkg/controllers/disruption/queue.go).
pub fn is_chosen(claim: &NodeClaimRow) -> bool {
    Condition::is_true(&claim.conditions, "DisruptionReason")
}

/// Whether Karpenter has chosen the node: its taint, of whatever version, or the NodeClaim's condition.
fn is_disrupting(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    node.has_disrupted_taint() || claim.is_some_and(is_chosen)
}

/// The taint of a node whose cloud provider has not looked at it yet.
const UNINITIALIZED_TAINT: &str = "node.cloudprovider.kubernetes.io/uninitialized";

fn is_starting(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    let is_managed = claim.is_some() || node.node_pool().is_some();
    let never_reported = Condition::find(&node.conditions, "Ready").is_none();
    let is_new = never_reported || node.taints.iter().any(|taint| taint.key == UNINITIALIZED_TAINT);
    is_new || (is_managed && !node.is_initialized())
}

/// Where a NodeClaim stands on its way from request to ready node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ClaimPhase {
    /// The cloud has not answered with an instance yet.
    Launching,
    /// The instance is there, its Node is not.
    Registering,
    /// The Node is there, but not ready, tainted for startup, or without all its resources.
    Initializing,
    /// Condition `Initialized` is true.
    Ready,
    /// The NodeClaim has a deletion timestamp.
    Terminating,
}

impl ClaimPhase {
    /// The phase of a NodeClaim, by its conditions.
    pub fn of(claim: &NodeClaimRow) -> Self {
        let is_true = |condition| Condition::is_true(&claim.conditions, condition);
        if is_terminating(claim) {
            Self::Terminating
        } else if is_true("Initialized") {
            Self::Ready
        } else if is_true("Registered") {
            Self::Initializing
        } else if is_true("Launched") {
            Self::Registering
        } else {
            Self::Launching
        }
    }

    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Launching => "Launching",
            Self::Registering => "Registering",
            Self::Initializing => "Initializing",
            Self::Ready => "Ready",
            Self::Terminating => "Terminating",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Labels, Status, Taint};
    use crate::insight::testing::{CREATED, claim, condition, labels, met, node, sym};

    #[test]
    fn phases_of_a_node_from_start_to_end() {
        let claim = claim("c");
        let mut row = node("a");
        row.labels = labels(&[("karpenter.sh/nodepool", "gpu")]);
        row.conditions.clear();
        assert_eq!(NodePhase::of(&row, None), NodePhase::Starting, "its kubelet has said nothing yet");
        row.conditions = met(&["Ready"]);
        assert_eq!(NodePhase::of(&row, Some(&claim)), NodePhase::Starting, "ready, but not initialized");
        row.labels = labels(&[("karpenter.sh/nodepool", "gpu"), ("karpenter.sh/initialized", "true")]);
        assert_eq!(NodePhase::of(&row, Some(&claim)), NodePhase::Running);
        row.conditions = vec![condition("Ready", Status::Unknown, "NodeStatusUnknown")];
        assert_eq!(NodePhase::of(&row, Some(&claim)), NodePhase::NotReady);
        row.taints = vec![Taint { key: sym("karpenter.sh/disrupted"), value: sym(""), effect: sym("NoSchedule") }];
        assert_eq!(NodePhase::of(&row, Some(&claim)), NodePhase::Disrupting);
        let mut deleted = claim.clone();
        deleted.meta.deletion = Some(CREATED);
        assert_eq!(NodePhase::of(&row, Some(&deleted)), NodePhase::Terminating);
        row.meta.deletion = Some(CREATED);
        assert_eq!(NodePhase::of(&row, None), NodePhase::Terminating);
    }

    #[test]
    fn a_node_without_claim_starts_only_while_it_is_tainted() {
        let row = NodeRow { labels: Labels::default(), ..node("a") };
        assert_eq!(NodePhase::of(&row, None), NodePhase::Running);
        let taint = Taint { key: sym(UNINITIALIZED_TAINT), value: sym("true"), effect: sym("NoSchedule") };
        assert_eq!(NodePhase::of(&NodeRow { taints: vec![taint], ..row }, None), NodePhase::Starting);
    }

    #[test]
    fn phases_of_a_node_claim_from_request_to_end() {
        let mut row = claim("c");
        for (conditions, phase) in [
            (&[][..], ClaimPhase::Launching),
            (&["Launched"], ClaimPhase::Registering),
            (&["Launched", "Registered"], ClaimPhase::Initializing),
            (&["Launched", "Registered", "Initialized", "Ready"], ClaimPhase::Ready),
            (&["Launched", "Registered", "Initialized", "InstanceTerminating"], ClaimPhase::Terminating),
        ] {
            row.conditions = met(conditions);
            assert_eq!(ClaimPhase::of(&row), phase);
        }
    }
}
