//! Sums over the whole cluster, whatever the lists are narrowed to.

use super::Picture;
use crate::fleet::Fleet;
use crate::insight::disruption::protection;
use crate::insight::karpenter::KarpenterVersion;
use crate::insight::phase::{ClaimPhase, NodePhase};
use crate::units::Time;

/// Sums over everything known. Whether they may be shown as numbers is for [`crate::insight::Known`] to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Node objects.
    pub nodes: u64,
    /// Nodes that are starting, and NodeClaims that have no Node yet.
    pub nodes_starting: u64,
    /// Nodes that are being disrupted or are terminating.
    pub nodes_leaving: u64,
    /// NodeClaim objects.
    pub node_claims: u64,
    /// Pod objects, in every phase.
    pub pods: u64,
    /// Active pods whose own annotation protects them now.
    pub pods_protected: u64,
    /// Jobs that are pending or running.
    pub jobs_active: u64,
    /// Accelerators of all Nodes.
    pub gpu: GpuTotals,
}

/// Accelerators of all Nodes, each in the units its Node advertises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GpuTotals {
    /// In `status.capacity`.
    pub advertised: i64,
    /// That can be allocated.
    pub allocatable: i64,
    /// Requested by pods that are bound to Nodes.
    pub requested: i64,
    /// Devices; `None` where one Node's are not known.
    pub physical: Option<i64>,
}

/// The sums at `now`.
pub fn totals(fleet: &Fleet, picture: &Picture, now: Time, karpenter: &KarpenterVersion) -> Totals {
    let in_phase = |is: fn(NodePhase) -> bool| count(picture.nodes.values().filter(|node| is(node.phase)));
    let without_node = picture.claims.values().filter(|claim| claim.node.is_none());
    let launching = without_node.filter(|claim| claim.phase != ClaimPhase::Terminating);
    let protected = fleet.annotated_pods().filter(|pod| protection::is_protected(pod, now, karpenter));
    Totals {
        nodes: count(picture.nodes.values()),
        nodes_starting: in_phase(|phase| phase == NodePhase::Starting) + count(launching),
        nodes_leaving: in_phase(NodePhase::is_leaving),
        node_claims: count(picture.claims.values()),
        pods: u64::try_from(fleet.pods.len()).unwrap_or(u64::MAX),
        pods_protected: count(protected),
        jobs_active: count(picture.jobs.values().filter(|job| job.state.status.is_active())),
        gpu: gpu_totals(picture),
    }
}

fn gpu_totals(picture: &Picture) -> GpuTotals {
    let none = GpuTotals { physical: Some(0), ..GpuTotals::default() };
    picture.nodes.values().filter_map(|node| node.gpu.as_ref()).fold(none, |sum, gpu| GpuTotals {
        advertised: sum.advertised.saturating_add(gpu.advertised),
        allocatable: sum.allocatable.saturating_add(gpu.allocatable),
        requested: sum.requested.saturating_add(gpu.requested),
        physical: sum.physical.zip(gpu.physical).map(|(sum, gpu)| sum.saturating_add(gpu)),
    })
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}
