//! Which nodes and pods a fleet has, before they become objects.

use super::random::Random;

/// Pods of one Job, ReplicaSet or DaemonSet.
pub const PODS_PER_WORKLOAD: usize = 20;

/// Namespaces over which the workloads are spread.
pub const NAMESPACES: usize = 10;

/// A NodePool of the fleet with the machine it buys.
#[derive(Debug)]
pub struct Pool {
    /// Name of the NodePool.
    pub name: &'static str,
    /// Its instance type.
    pub instance_type: &'static str,
    /// Size as the API writes it.
    pub cpu: u32,
    /// Memory in GiB.
    pub memory_gib: u32,
    /// `nvidia.com/gpu` of one node.
    pub gpus: u32,
    /// Name of the GPU in Karpenter's label; empty without GPUs.
    pub gpu_name: &'static str,
    /// Purchase option.
    pub capacity_type: &'static str,
}

/// The pools; of ten nodes, the pool of each is in [`POOL_OF_TEN`].
pub const POOLS: [Pool; 4] = [
    Pool {
        name: "general",
        instance_type: "m7i.8xlarge",
        cpu: 32,
        memory_gib: 128,
        gpus: 0,
        gpu_name: "",
        capacity_type: "on-demand",
    },
    Pool {
        name: "batch-spot",
        instance_type: "c7i.12xlarge",
        cpu: 48,
        memory_gib: 96,
        gpus: 0,
        gpu_name: "",
        capacity_type: "spot",
    },
    Pool {
        name: "gpu-inference",
        instance_type: "g5.12xlarge",
        cpu: 48,
        memory_gib: 192,
        gpus: 4,
        gpu_name: "a10g",
        capacity_type: "spot",
    },
    Pool {
        name: "gpu-training",
        instance_type: "p5.48xlarge",
        cpu: 192,
        memory_gib: 2048,
        gpus: 8,
        gpu_name: "h100",
        capacity_type: "on-demand",
    },
];

const POOL_OF_TEN: [usize; 10] = [0, 1, 2, 1, 0, 3, 1, 2, 1, 0];

/// The kind that owns a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// batch/v1.
    Job,
    /// apps/v1, of a Deployment.
    ReplicaSet,
    /// apps/v1.
    DaemonSet,
}

/// One Job, ReplicaSet or DaemonSet.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Number in the fleet.
    pub index: usize,
    /// What it is.
    pub owner: Owner,
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// Phase of a loaded pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Bound and ready.
    Running,
    /// Finished; its requests count no more.
    Succeeded,
    /// Failed with exit code 1.
    Failed,
    /// Not bound.
    Pending,
}

/// One pod.
#[derive(Debug, Clone)]
pub struct PodShape {
    /// Number in the fleet.
    pub index: usize,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Number of its node; none while Pending.
    pub node: Option<usize>,
    /// Its phase.
    pub phase: Phase,
    /// `nvidia.com/gpu` requested.
    pub gpus: u32,
    /// Value of `karpenter.sh/do-not-disrupt`.
    pub protection: Option<&'static str>,
}

/// How large a fleet is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Nodes.
    pub nodes: usize,
    /// Pods.
    pub pods: usize,
    /// Decides every random choice.
    pub seed: u64,
}

/// The pool of a node.
pub fn pool(node: usize) -> &'static Pool {
    &POOLS[POOL_OF_TEN[node % POOL_OF_TEN.len()]]
}

/// Name of a Node, as EC2 names them.
pub fn node_name(node: usize) -> String {
    format!("ip-10-{}-{}-{}.ec2.internal", node / 65_536, node / 256 % 256, node % 256)
}

/// The zone of a node.
pub fn zone(node: usize) -> &'static str {
    let zones = super::super::instance_types::ZONES;
    zones[node % zones.len()]
}

/// A workload: of twenty, sixteen are Jobs, three ReplicaSets and one a DaemonSet.
pub fn workload(index: usize) -> Workload {
    let (owner, name) = match index % 20 {
        0..16 => (Owner::Job, format!("train-resnet-{index:05}")),
        16..19 => (Owner::ReplicaSet, format!("serve-embeddings-{index:05}-6d5f8c9b7")),
        _ => (Owner::DaemonSet, format!("node-exporter-{index:05}")),
    };
    Workload { index, owner, namespace: format!("team-{:02}", index % NAMESPACES), name }
}

/// A pod. Pods go to the nodes in turn, so a node's pods are `node`, `node + nodes`,
/// and so on: the first of them that run take its GPUs one each, never more than it has.
pub fn pod(size: Size, index: usize) -> PodShape {
    let mut random = Random::new(size.seed, index);
    let workload = workload(index / PODS_PER_WORKLOAD);
    let phase = phase(&workload, &mut random);
    let node = index % size.nodes.max(1);
    let turn = index / size.nodes.max(1);
    // Every fourth GPU node leaves half of its devices idle.
    let offered = pool(node).gpus / if node.is_multiple_of(4) { 2 } else { 1 };
    let takes_gpu = u32::try_from(turn).is_ok_and(|turn| turn < offered);
    let protection = match random.below(20) {
        0 => Some("true"),
        1 if workload.owner == Owner::Job => Some("4h"),
        _ => None,
    };
    PodShape {
        index,
        namespace: workload.namespace.clone(),
        name: format!("{}-{}-{}", workload.name, index % PODS_PER_WORKLOAD, random.suffix()),
        node: (phase != Phase::Pending).then_some(node),
        phase,
        gpus: u32::from(takes_gpu),
        protection,
    }
}

/// Only pods of Jobs finish.
fn phase(workload: &Workload, random: &mut Random) -> Phase {
    match (workload.owner, random.below(100)) {
        (Owner::Job, 0..12) => Phase::Succeeded,
        (Owner::Job, 12) => Phase::Failed,
        (Owner::Job, 13..15) => Phase::Pending,
        _ => Phase::Running,
    }
}
