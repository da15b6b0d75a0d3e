//! The row of a Node: the fields that are kept of the Kubernetes object.

use std::sync::Arc;

use super::node_pool::{NODE_POOL_LABEL, node_pool_of};
use super::table::rows;
use super::{Condition, Labels, Meta, Owner, Resources, Sym};

/// How the capacity is bought: the values of label `karpenter.sh/capacity-type`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CapacityType {
    /// `spot`.
    Spot,
    /// `on-demand`.
    OnDemand,
    /// `reserved`.
    Reserved,
}

impl CapacityType {
    /// From a label's value; EKS managed node groups write `SPOT`, `ON_DEMAND` and `CAPACITY_BLOCK`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "spot" | "SPOT" => Some(Self::Spot),
            "on-demand" | "ON_DEMAND" => Some(Self::OnDemand),
            "reserved" | "CAPACITY_BLOCK" => Some(Self::Reserved),
            _ => None,
        }
    }

    /// As Karpenter writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::OnDemand => "on-demand",
            Self::Reserved => "reserved",
        }
    }
}

/// Labels with the capacity type: that of Karpenter, and that of EKS managed node groups.
const CAPACITY_LABELS: [&str; 2] = ["karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType"];

/// Labels with the values by which GKE and AKS mark spot and preemptible capacity.
const SPOT_LABELS: [(&str, &[&str]); 4] = [
    ("cloud.google.com/gke-spot", &["true"]),
    ("cloud.google.com/gke-preemptible", &["true"]),
    ("cloud.google.com/gke-provisioning", &["spot", "preemptible"]),
    ("kubernetes.azure.com/scalesetpriority", &["spot"]),
];

/// One taint of a Node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Taint {
    /// `key`.
    pub key: Sym,
    /// `value`, empty where absent.
    pub value: Sym,
    /// `effect`.
    pub effect: Sym,
}

/// The fields of a Node that are kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `metadata.labels`.
    pub labels: Labels,
    /// The owning NodeClaim, where Karpenter made the Node.
    pub owner: Option<Arc<Owner>>,
    /// `spec.providerID`.
    pub provider_id: Option<Sym>,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// `spec.taints`.
    pub taints: Vec<Taint>,
    /// `status.conditions`.
    pub conditions: Vec<Condition>,
    /// `status.capacity`.
    pub capacity: Resources,
    /// `status.allocatable`.
    pub allocatable: Resources,
    /// Annotation `karpenter.sh/do-not-disrupt`, verbatim.
    pub do_not_disrupt: Option<Sym>,
    /// `status.nodeInfo.kubeletVersion`, empty where absent.
    pub kubelet_version: Sym,
}

impl NodeRow {
    /// The cloud's name of the machine: providerID, where there is one.
    pub fn provider(&self) -> Option<&Sym> {
        self.provider_id.as_ref()
    }

    /// The NodePool that made it, or in v1alpha5 the Provisioner.
    pub fn node_pool(&self) -> Option<&Sym> {
        node_pool_of(&self.labels)
    }

    /// Label `karpenter.sh/nodepool`, the only one by which Karpenter since v1beta1 knows a NodePool's Nodes.
    pub fn node_pool_label(&self) -> Option<&Sym> {
        self.labels.get(NODE_POOL_LABEL)
    }

    /// Label `node.kubernetes.io/instance-type`.
    pub fn instance_type(&self) -> Option<&Sym> {
        self.labels.get("node.kubernetes.io/instance-type")
    }

    /// Label `topology.kubernetes.io/zone`.
    pub fn zone(&self) -> Option<&Sym> {
        self.labels.get("topology.kubernetes.io/zone")
    }

    /// Label `topology.kubernetes.io/region`.
    pub fn region(&self) -> Option<&Sym> {
        self.labels.get("topology.kubernetes.io/region")
    }

    /// Karpenter's capacity type, else that of an EKS managed node group, else spot by a label of GKE or AKS.
    pub fn capacity_type(&self) -> Option<CapacityType> {
        let named = CAPACITY_LABELS.iter().find_map(|label| self.labels.get(label));
        let is_spot = |(label, values): &(&str, &[&str])| {
            self.labels.get(label).is_some_and(|value| values.contains(&value.as_str()))
        };
        let by_cloud = || SPOT_LABELS.iter().any(is_spot).then_some(CapacityType::Spot);
        named.and_then(|value| CapacityType::parse(value)).or_else(by_cloud)
    }

    /// The memory of one of its GPUs, in MiB, as NVIDIA's discovery tells: label `nvidia.com/gpu.memory`.
    pub fn gpu_memory_mib(&self) -> Option<i64> {
        self.labels.get("nvidia.com/gpu.memory")?.parse().ok().filter(|memory| *memory > 0)
    }

    /// Whether condition `Ready` is `True`.
    pub fn is_ready(&self) -> bool {
        Condition::is_true(&self.conditions, "Ready")
    }

    /// Whether Karpenter has marked it initialized (label `karpenter.sh/initialized`).
    pub fn is_initialized(&self) -> bool {
        self.labels.get("karpenter.sh/initialized").is_some_and(|value| value == "true")
    }

    /// Whether Karpenter has taken it over (label `karpenter.sh/registered`).
    pub fn is_registered(&self) -> bool {
        self.labels.get("karpenter.sh/registered").is_some_and(|value| value == "true")
    }

    /// Whether it carries Karpenter's taint for a node under disruption, in either spelling (v1 and v1beta1).
    pub fn has_disrupted_taint(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == "karpenter.sh/disrupted" || taint.key == "karpenter.sh/disruption")
    }
}

rows!(NodeRow);
