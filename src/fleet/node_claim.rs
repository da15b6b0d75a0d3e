//! NodeClaims: what Karpenter asked the cloud for.

use super::node_pool::node_pool_of;
use super::table::rows;
use super::{CapacityType, Condition, Labels, Meta, NodeClassRef, Resources, Sym};
use crate::units::{Lifetime, Time};

/// One karpenter.sh NodeClaim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeClaimRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// All labels; instance type, zone and capacity type are there from launch on.
    pub labels: Labels,
    /// `spec.nodeClassRef`.
    pub node_class: Option<NodeClassRef>,
    /// `spec.expireAfter`; immutable, and not that of the NodePool as it is now.
    pub expire_after: Lifetime,
    /// `spec.terminationGracePeriod` in seconds.
    pub termination_grace_seconds: Option<i64>,
    /// Annotation `karpenter.sh/nodeclaim-termination-timestamp`.
    pub termination_at: Option<Time>,
    /// `spec.resources.requests`.
    pub requests: Resources,
    /// `status.nodeName`.
    pub node_name: Option<Sym>,
    /// `status.providerID`.
    pub provider_id: Option<Sym>,
    /// `status.capacity`, known from launch on.
    pub capacity: Resources,
    /// `status.allocatable`.
    pub allocatable: Resources,
    /// `status.lastPodEventTime`: when a pod that is no DaemonSet's was last bound here, ended or began to terminate.
    pub last_pod_event: Option<Time>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// Annotation `karpenter.sh/do-not-disrupt` on the NodeClaim, which Karpenter does not read after registration.
    pub do_not_disrupt: Option<Sym>,
}

impl NodeClaimRow {
    /// The cloud's name of the machine: providerID, where there is one.
    pub fn provider(&self) -> Option<&Sym> {
        self.provider_id.as_ref()
    }

    /// The NodePool that made it, or in v1alpha5 the Provisioner.
    pub fn node_pool(&self) -> Option<&Sym> {
        node_pool_of(&self.labels)
    }

    /// Label `node.kubernetes.io/instance-type`.
    pub fn instance_type(&self) -> Option<&Sym> {
        self.labels.get("node.kubernetes.io/instance-type")
    }

    /// Label `topology.kubernetes.io/zone`.
    pub fn zone(&self) -> Option<&Sym> {
        self.labels.get("topology.kubernetes.io/zone")
    }

    /// Label `karpenter.sh/capacity-type`.
    pub fn capacity_type(&self) -> Option<CapacityType> {
        self.labels.get("karpenter.sh/capacity-type").and_then(|value| CapacityType::parse(value))
    }

    /// Whether the cloud has made its machine, which is billed from then on.
    pub fn is_launched(&self) -> bool {
        self.provider_id.is_some() || Condition::is_true(&self.conditions, "Launched")
    }

    /// Whether the condition of this type is `True`.
    pub fn is_true(&self, condition: &str) -> bool {
        Condition::is_true(&self.conditions, condition)
    }

    /// Whether Karpenter finds that it is not what its NodePool and NodeClass ask for now.
    pub fn is_drifted(&self) -> bool {
        self.is_true("Drifted")
    }

    /// When the condition of this type became `True`.
    pub fn true_since(&self, condition: &str) -> Option<Time> {
        Condition::find(&self.conditions, condition)
            .filter(|found| found.status == super::Status::True)
            .and_then(|found| found.last_transition)
    }

    /// When it expires: creation plus its own `expireAfter`.
    pub fn expires_at(&self) -> Option<Time> {
        match self.expire_after {
            Lifetime::Seconds(seconds) => Some(self.meta.created.plus_seconds(seconds)),
            Lifetime::Never | Lifetime::Unset | Lifetime::Invalid => None,
        }
    }
}

rows!(NodeClaimRow);
