//! The picture of one Node.

use super::spend::{self, Spend};
use crate::fleet::{Fleet, GpuCount, NodeRow, ObjectKey, PodRow, Resources, Row, Sym};
use crate::insight::cost::{Cost, Machine, PriceQuery, chain};
use crate::insight::disruption::{BudgetIndex, NodePods, budgets};
use crate::insight::gpu::{DraDevices, NodeGpu, NodeHardware};
use crate::insight::phase::NodePhase;

/// Everything of a Node that does not depend on time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodePicture {
    /// Phase of the Node.
    pub phase: NodePhase,
    /// The NodeClaim behind it.
    pub claim: Option<ObjectKey>,
    /// Name of the NodePool, from the label `karpenter.sh/nodepool`.
    pub pool: Option<Sym>,
    /// Active pods bound to it.
    pub pod_count: u64,
    /// CPU that its unfinished pods request, in thousandths of a core.
    pub cpu_requested_millis: i64,
    /// Memory that its unfinished pods request.
    pub memory_requested_bytes: i64,
    /// What else its unfinished pods take of it.
    pub load: NodeLoad,
    /// Accelerators of the Node; `None` where it has none.
    pub gpu: Option<NodeGpu>,
    /// Whether budgets take their percentage of it.
    pub is_counted: bool,
    /// Whether it uses up budget.
    pub uses_budget: bool,
    /// What its pods mean for its disruption.
    pub pods: NodePods,
    /// Price of the Node, before it is shared between pods.
    pub cost: Cost,
    /// The price by which Karpenter compares it, in micro-dollars per hour.
    pub karpenter_price: Option<i64>,
    /// How its rate is shared.
    pub spend: Spend,
}

/// What the unfinished pods of a Node take of it, besides CPU and memory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeLoad {
    /// How many they are.
    pub pods: usize,
    /// Accelerators that they request, by resource.
    pub gpus: Vec<GpuCount>,
    /// Whether it is not certain what one of them requests.
    pub has_doubtful_requests: bool,
}

impl NodePicture {
    /// The picture of a Node with everything bound to it.
    pub(super) fn of(fleet: &Fleet, node: &NodeRow, mut load: Load<'_>) -> Self {
        load.pods.finish();
        load.requested.gpus.sort_unstable_by(|a, b| a.resource.cmp(&b.resource));
        let claim = fleet.claim_of(node);
        let phase = NodePhase::of(node, claim);
        let hardware = node.instance_type().and_then(|name| fleet.prices.instance_type(name));
        let dra = DraDevices::of(fleet, &node.meta.key.name);
        let gpu = NodeGpu::of(NodeHardware {
            node,
            requested: &load.requested,
            promised: claim.map(|claim| &claim.capacity),
            accelerator: hardware.and_then(|found| found.accelerator.as_ref()),
            dra: dra.as_ref(),
        });
        let cost = spend::node_cost(fleet, node, gpu.as_ref(), &load.holding);
        Self {
            spend: spend::spend(fleet, node, &cost, gpu.as_ref(), &load.holding),
            karpenter_price: karpenter_price(fleet, node),
            cost,
            phase,
            claim: claim.map(|claim| claim.meta().key.clone()),
            pool: node.node_pool().cloned(),
            pod_count: load.active_pods,
            cpu_requested_millis: load.requested.cpu_millis,
            memory_requested_bytes: load.requested.memory_bytes,
            load: NodeLoad {
                pods: load.holding.len(),
                has_doubtful_requests: load.holding.iter().any(|pod| pod.placement.has_doubtful_requests),
                gpus: load.requested.gpus,
            },
            gpu,
            is_counted: budgets::is_counted(node, claim),
            uses_budget: budgets::uses_budget(node, claim),
            pods: load.pods,
        }
    }
}

/// The price by which Karpenter compares a Node, in micro-dollars per hour.
pub(super) fn karpenter_price(fleet: &Fleet, node: &NodeRow) -> Option<i64> {
    let machine = Machine::of_node(node, None);
    chain::of_karpenter(&PriceQuery { machine, prices: &fleet.prices, overlays: &fleet.node_overlays })
}

/// The load of the pods on a Node.
#[derive(Default)]
pub(super) struct Load<'a> {
    active_pods: u64,
    /// Pods that have not finished.
    holding: Vec<&'a PodRow>,
    /// What they request together, those that have finished left out.
    requested: Resources,
    pods: NodePods,
}

impl<'a> Load<'a> {
    pub(super) fn of(pods: impl Iterator<Item = &'a PodRow>, budgets: &BudgetIndex) -> Self {
        let mut load = Self::default();
        pods.for_each(|pod| load.add(pod, budgets));
        load
    }

    pub(super) fn add(&mut self, pod: &'a PodRow, budgets: &BudgetIndex) {
        self.pods.add(pod, budgets);
        self.active_pods += u64::from(pod.is_active());
        if pod.holds_resources() {
            self.holding.push(pod);
            add(&mut self.requested, &pod.requests);
        }
    }
}

fn add(sum: &mut Resources, requests: &Resources) {
    sum.cpu_millis = sum.cpu_millis.saturating_add(requests.cpu_millis);
    sum.memory_bytes = sum.memory_bytes.saturating_add(requests.memory_bytes);
    requests.gpus.iter().for_each(|gpu| add_gpu(&mut sum.gpus, gpu));
}

fn add_gpu(sum: &mut Vec<GpuCount>, gpu: &GpuCount) {
    match sum.iter_mut().find(|known| known.resource == gpu.resource) {
        Some(known) => known.count = known.count.saturating_add(gpu.count),
        None => sum.push(gpu.clone()),
    }
}
