//! What a pod demands of a node besides room.

use super::{Sym, Taint};

/// What decides on which nodes a pod can be placed, besides what it requests. Pods of one template share it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Placement {
    /// `spec.tolerations`; none is kept of pods that run on each node or on one alone (DaemonSets, mirror pods).
    pub tolerations: Vec<Toleration>,
    /// `spec.nodeSelector`: labels that a node must have; none is kept of the same pods.
    pub node_selector: Vec<(Sym, Sym)>,
    /// `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`: alternatives, of which a node must meet
    /// one, each by its `matchExpressions`. None where nothing is required, and of the same pods.
    pub node_affinity: Vec<Vec<NodeRequirement>>,
    /// Ports of the node that its containers take.
    pub host_ports: Vec<HostPort>,
    /// Whether it has volumes of PersistentVolumeClaims, which may bind it to a zone.
    pub claims_volumes: bool,
    /// Whether a preference, a spread constraint or an affinity to other pods is about label `karpenter.sh/capacity-type`, which
    /// narrows what a new node for it may be.
    pub steers_capacity_type: bool,
    /// Whether versions of Karpenter differ about what it requests: it is being resized, or states requests for the whole pod.
    pub has_doubtful_requests: bool,
}

/// One toleration of a pod.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Toleration {
    /// `key`; empty for every key.
    pub key: Sym,
    /// `operator`, empty where absent.
    pub operator: Sym,
    /// `value`, empty where absent.
    pub value: Sym,
    /// `effect`; empty for every effect.
    pub effect: Sym,
}

/// A demand on one label of a node, or of the nodes of a NodePool.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeRequirement {
    /// The label.
    pub key: Sym,
    /// What is demanded of it.
    pub operator: NodeOperator,
    /// `values`.
    pub values: Vec<Sym>,
}

/// `operator` of a [`NodeRequirement`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NodeOperator {
    /// One of the values.
    In,
    /// None of the values; the label may be absent.
    NotIn,
    /// Whatever the value.
    Exists,
    /// The label is absent.
    DoesNotExist,
    /// A comparison of numbers, or an operator that batchtop does not know.
    Other,
}

impl NodeOperator {
    /// From the text of `operator`.
    pub fn parse(text: &str) -> Self {
        match text {
            "In" => Self::In,
            "NotIn" => Self::NotIn,
            "Exists" => Self::Exists,
            "DoesNotExist" => Self::DoesNotExist,
            _ => Self::Other,
        }
    }
}

/// A port of the node that a container takes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct HostPort {
    /// `hostPort`.
    pub port: i32,
    /// `protocol`, `TCP` where absent.
    pub protocol: Sym,
    /// `hostIP`, empty for all addresses.
    pub address: Sym,
}

impl Toleration {
    /// Whether it tolerates a taint. A comparison of numbers is taken to hold
    /// (kubernetes staging/src/k8s.io/api/core/v1/toleration.go, ToleratesTaint).
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        let key = self.key.is_empty() || self.key == taint.key;
        let value = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value,
            _ => true,
        };
        effect && key && value
    }
}

impl HostPort {
    /// Whether two pods with these ports surely cannot share a node
    /// (karpenter pkg/scheduling/hostportusage.go, Matches).
    pub fn conflicts_with(&self, other: &Self) -> bool {
        let is_any = |port: &Self| matches!(port.address.as_str(), "" | "0.0.0.0" | "::");
        self.port == other.port
            && self.protocol == other.protocol
            && (is_any(self) || is_any(other) || self.address == other.address)
    }
}
