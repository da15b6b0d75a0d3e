//! A machine: everything that decides its price.

use super::{CostGroup, GroupBy};
use crate::fleet::{CapacityType, Labels, NodeClaimRow, NodeRow, Resources, Sym, node_pool_of};

/// A Node or NodeClaim, as far as its price depends on it.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Name of the Node or NodeClaim.
    pub name: &'a Sym,
    /// `spec.providerID` or `status.providerID`.
    pub provider_id: Option<&'a Sym>,
    /// Labels of the Node or NodeClaim.
    pub labels: &'a Labels,
    /// How its capacity is bought.
    pub capacity_type: Option<CapacityType>,
    /// `status.capacity`.
    pub capacity: &'a Resources,
    /// Its accelerators: devices where they are known, else as advertised.
    pub gpus: i64,
    /// What the one pod of a Fargate node was given.
    pub fargate: Option<FargateSize>,
}

/// What AWS gives, and bills, a pod on Fargate: annotation `CapacityProvisioned`, for example `0.25vCPU 0.5GB`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FargateSize {
    /// Thousandths of a vCPU.
    pub vcpu_millis: i64,
    /// Thousandths of a GB.
    pub gb_millis: i64,
}

impl<'a> Machine<'a> {
    /// Of a Node with so many devices, where they are known.
    pub fn of_node(node: &'a NodeRow, devices: Option<i64>) -> Self {
        Self {
            name: &node.meta.key.name,
            provider_id: node.provider(),
            labels: &node.labels,
            capacity_type: node.capacity_type(),
            capacity: &node.capacity,
            gpus: devices.unwrap_or_else(|| node.capacity.gpu_total()),
            fargate: None,
        }
    }

    /// Of a NodeClaim; what it is made of is known from launch on.
    pub fn of_claim(claim: &'a NodeClaimRow) -> Self {
        Self {
            name: &claim.meta.key.name,
            provider_id: claim.provider(),
            labels: &claim.labels,
            capacity_type: claim.capacity_type(),
            capacity: &claim.capacity,
            gpus: claim.capacity.gpu_total(),
            fargate: None,
        }
    }

    /// As whom it pays in a dimension of machines; nobody in the others.
    pub fn payer(&self, dimension: GroupBy) -> CostGroup {
        match dimension {
            GroupBy::NodePool => CostGroup::named(self.node_pool()),
            GroupBy::CapacityType => self.capacity_type.map_or(CostGroup::Nobody, CostGroup::Capacity),
            GroupBy::InstanceType => CostGroup::named(self.instance_type()),
            GroupBy::Zone => CostGroup::named(self.zone()),
            GroupBy::Node => CostGroup::Named(self.name.clone()),
            GroupBy::Namespace | GroupBy::Job | GroupBy::Owner | GroupBy::DeviceClass => CostGroup::Nobody,
        }
    }

    /// Label `node.kubernetes.io/instance-type`.
    pub fn instance_type(&self) -> Option<&'a Sym> {
        self.labels.get("node.kubernetes.io/instance-type")
    }

    /// Label `topology.kubernetes.io/zone`.
    pub fn zone(&self) -> Option<&'a Sym> {
        self.labels.get("topology.kubernetes.io/zone")
    }

    /// Label `topology.kubernetes.io/region`.
    pub fn region(&self) -> Option<&'a Sym> {
        self.labels.get("topology.kubernetes.io/region")
    }

    /// The NodePool that made it, or in v1alpha5 the Provisioner.
    pub fn node_pool(&self) -> Option<&'a Sym> {
        node_pool_of(self.labels)
    }

    /// `aws`, `gcp` or `azure`, or the scheme of the providerID of another.
    pub fn cloud(&self) -> Option<&'a str> {
        let (scheme, _) = self.provider_id?.split_once("://")?;
        Some(if scheme == "gce" { "gcp" } else { scheme })
    }

    /// Whether EKS Auto Mode runs it, which asks a fee.
    pub fn is_auto_mode(&self) -> bool {
        self.compute_type() == Some("auto")
    }

    /// Whether it is the machine of one pod on Fargate.
    pub fn is_fargate(&self) -> bool {
        self.compute_type() == Some("fargate")
    }

    fn compute_type(&self) -> Option<&'a str> {
        self.labels.get("eks.amazonaws.com/compute-type").map(Sym::as_str)
    }

    /// Whether it runs Linux, of which all lists speak; a Node that does not say so does.
    pub fn is_linux(&self) -> bool {
        self.labels.get("kubernetes.io/os").is_none_or(|os| os == "linux")
    }

    /// Whether its capacity was paid for at the beginning: a capacity block (label `capacity-reservation-type` of
    /// Karpenter, `capacityType` of a managed node group). Other reservations are billed by the hour at the on-demand rate.
    pub fn is_capacity_block(&self) -> bool {
        let is = |label: &str, value: &str| self.labels.get(label).is_some_and(|found| found == value);
        is("karpenter.k8s.aws/capacity-reservation-type", "capacity-block")
            || is("eks.amazonaws.com/capacity-reservation-type", "capacity-block")
            || is("eks.amazonaws.com/capacityType", "CAPACITY_BLOCK")
    }
}

impl FargateSize {
    /// From the annotation.
    pub fn parse(text: &str) -> Option<Self> {
        let (vcpu, memory) = text.split_once(' ')?;
        let millis = |text: &str| crate::units::money::parse_usd(text).map(|millionths| millionths / 1_000);
        Some(Self { vcpu_millis: millis(vcpu.strip_suffix("vCPU")?)?, gb_millis: millis(memory.strip_suffix("GB")?)? })
    }
}
