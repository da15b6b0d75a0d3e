//! The accelerators of a Node in numbers.

use std::collections::BTreeSet;

use super::hardware::{self, Sharing, Vendor};
use crate::fleet::{NodeRow, Resources, Sym};

/// One accelerator resource of a Node, in the units it is advertised in.
///
/// `advertised = requested + free + not_allocatable − overcommitted`, and none of them is negative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuLine {
    /// The extended resource.
    pub resource: Sym,
    /// `status.capacity`.
    pub advertised: i64,
    /// `status.allocatable`, at most what is advertised.
    pub allocatable: i64,
    /// What the pods on the Node that have not finished request.
    pub requested: i64,
    /// Allocatable and not requested.
    pub free: i64,
    /// Advertised, but not allocatable: unhealthy devices.
    pub not_allocatable: i64,
    /// Requested beyond what is allocatable: devices that failed under their pods.
    pub overcommitted: i64,
}

/// The accelerators of a Node together.
///
/// Sums over all its resources: a device is advertised under one name only, be it whole, shared or split. The exception
/// is AWS Neuron, which advertises the same devices as devices and as cores: there only one view counts, the one that
/// is requested most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeGpu {
    /// The extended resource; several joined by commas, in order, where a Node has more than one (mixed MIG).
    pub resource: Sym,
    /// Who makes them.
    pub vendor: Vendor,
    /// The model, where a label names it.
    pub model: Option<Sym>,
    /// Devices, where known.
    pub physical: Option<i64>,
    /// Units in `status.capacity`.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units requested by the pods on it that have not finished.
    pub requested: i64,
    /// How devices are shared.
    pub sharing: Sharing,
}

impl NodeGpu {
    /// Of a Node on which pods request `requested`, and whose NodeClaim promises `promised`; `None` where no
    /// accelerator is mentioned anywhere.
    pub fn of(node: &NodeRow, requested: &Resources, promised: Option<&Resources>) -> Option<Self> {
        let lines = counted(lines(node, requested, promised));
        let names: Vec<Sym> = lines.iter().map(|line| line.resource.clone()).collect();
        let largest = lines.iter().max_by_key(|line| line.advertised)?;
        let sum = |count: fn(&GpuLine) -> i64| lines.iter().fold(0_i64, |sum, line| sum.saturating_add(count(line)));
        let advertised = sum(|line| line.advertised);
        let sharing = Sharing::of(node, &names);
        let promised = promised.map_or(0, |promised| promised.gpu(&largest.resource));
        let whole = if advertised == 0 && sharing == Sharing::None { promised } else { advertised };
        Some(Self {
            vendor: Vendor::of(&largest.resource),
            model: hardware::model(node),
            physical: hardware::physical(node, sharing, &largest.resource, whole),
            advertised,
            allocatable: sum(|line| line.allocatable),
            requested: sum(|line| line.requested),
            sharing,
            resource: joined(names),
        })
    }
}

/// Every accelerator resource that a Node, its NodeClaim or its pods mention, by name.
pub fn lines(node: &NodeRow, requested: &Resources, promised: Option<&Resources>) -> Vec<GpuLine> {
    let mentions = [Some(&node.capacity), Some(&node.allocatable), Some(requested), promised];
    let names: BTreeSet<&Sym> =
        mentions.into_iter().flatten().flat_map(|all| &all.gpus).map(|gpu| &gpu.resource).collect();
    names.into_iter().map(|name| line(node, requested, name)).collect()
}

fn line(node: &NodeRow, requested: &Resources, resource: &Sym) -> GpuLine {
    let advertised = node.capacity.gpu(resource).max(0);
    let allocatable = node.allocatable.gpu(resource).clamp(0, advertised);
    let requested = requested.gpu(resource).max(0);
    GpuLine {
        resource: resource.clone(),
        advertised,
        allocatable,
        requested,
        free: (allocatable - requested).max(0),
        not_allocatable: advertised - allocatable,
        overcommitted: (requested - allocatable).max(0),
    }
}

/// The lines that count towards the sum: those in use, or the first where none is; of Neuron one view.
fn counted(mut lines: Vec<GpuLine>) -> Vec<GpuLine> {
    if lines.iter().any(is_used) {
        lines.retain(is_used);
    } else {
        lines.truncate(1);
    }
    let neuron = lines.iter().filter(|line| Vendor::of(&line.resource) == Vendor::Aws);
    let view = neuron
        .min_by_key(|line| (std::cmp::Reverse(line.requested), line.advertised))
        .map(|line| line.resource.clone());
    lines.retain(|line| Vendor::of(&line.resource) != Vendor::Aws || Some(&line.resource) == view.as_ref());
    lines
}

fn is_used(line: &GpuLine) -> bool {
    line.advertised > 0 || line.requested > 0
}

fn joined(names: Vec<Sym>) -> Sym {
    match <[Sym; 1]>::try_from(names) {
        Ok([one]) => one,
        Err(names) => Sym::new(&names.iter().map(Sym::as_str).collect::<Vec<_>>().join(",")),
    }
}
