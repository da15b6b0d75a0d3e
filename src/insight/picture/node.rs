//! What is said of one Node.

use crate::fleet::{Fleet, GpuCount, NodeRow, ObjectKey, PodRow, Resources, Row, Sym};
use crate::insight::disruption::budgets;
use crate::insight::gpu::NodeGpu;
use crate::insight::phase::NodePhase;

/// What is said of a Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodePicture {
    /// Where it stands.
    pub phase: NodePhase,
    /// The NodeClaim behind it.
    pub claim: Option<ObjectKey>,
    /// Its NodePool, by label.
    pub pool: Option<Sym>,
    /// Active pods bound to it.
    pub pod_count: u64,
    /// CPU that its unfinished pods request, in thousandths of a core.
    pub cpu_requested_millis: i64,
    /// Memory that its unfinished pods request.
    pub memory_requested_bytes: i64,
    /// Its accelerators.
    pub gpu: Option<NodeGpu>,
    /// Whether budgets take their percentage of it.
    pub is_counted: bool,
    /// Whether it uses up budget.
    pub uses_budget: bool,
}

impl NodePicture {
    /// Of a Node with everything bound to it.
    pub(super) fn of(fleet: &Fleet, node: &NodeRow) -> Self {
        let claim = fleet.claim_of(node);
        let name = &node.meta.key.name;
        let requested = requested(fleet.pods_on(name));
        let active = fleet.pods_on(name).filter(|pod| pod.is_active()).count();
        Self {
            phase: NodePhase::of(node, claim),
            claim: claim.map(|claim| claim.meta().key.clone()),
            pool: node.node_pool().cloned(),
            pod_count: u64::try_from(active).unwrap_or(u64::MAX),
            cpu_requested_millis: requested.cpu_millis,
            memory_requested_bytes: requested.memory_bytes,
            gpu: NodeGpu::of(node, &requested, claim.map(|claim| &claim.capacity)),
            is_counted: budgets::is_counted(node, claim),
            uses_budget: budgets::uses_budget(node, claim),
        }
    }
}

/// What these pods request together, those that have finished left out.
fn requested<'a>(pods: impl Iterator<Item = &'a PodRow>) -> Resources {
    let mut sum = Resources::default();
    for pod in pods.filter(|pod| pod.holds_resources()) {
        sum.cpu_millis = sum.cpu_millis.saturating_add(pod.requests.cpu_millis);
        sum.memory_bytes = sum.memory_bytes.saturating_add(pod.requests.memory_bytes);
        pod.requests.gpus.iter().for_each(|gpu| add_gpu(&mut sum.gpus, gpu));
    }
    sum
}

fn add_gpu(sum: &mut Vec<GpuCount>, gpu: &GpuCount) {
    match sum.iter_mut().find(|known| known.resource == gpu.resource) {
        Some(known) => known.count = known.count.saturating_add(gpu.count),
        None => sum.push(gpu.clone()),
    }
}
