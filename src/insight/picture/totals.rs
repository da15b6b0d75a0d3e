//! Sums over the whole cluster, whatever the lists are narrowed to.

use super::{ClaimPicture, JobPicture, NodePicture, Picture};
use crate::fleet::Fleet;
use crate::insight::gpu::Thousandths;
use crate::insight::phase::{ClaimPhase, NodePhase};

/// Sums over everything known. Whether they may be shown as numbers is for [`crate::insight::Completeness`] to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Number of Node objects.
    pub nodes: u64,
    /// Nodes that are starting, and NodeClaims that have no Node yet.
    pub nodes_starting: u64,
    /// Nodes that are being disrupted or are terminating.
    pub nodes_leaving: u64,
    /// Number of NodeClaim objects.
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
    /// Accelerators in `status.capacity` of all Nodes.
    pub advertised: i64,
    /// That can be allocated.
    pub allocatable: i64,
    /// Requested by pods that are bound to Nodes.
    pub requested: i64,
    /// Devices; `None` where one Node's are not known.
    pub physical: Option<i64>,
    /// Devices that pods request; `None` where one Node's are not known.
    pub physical_requested: Option<Thousandths>,
}

/// The sums over the picture, kept as Nodes, NodeClaims and Jobs come, change and go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Counts {
    nodes_starting: u64,
    nodes_leaving: u64,
    claims_starting: u64,
    jobs_active: u64,
    gpu_advertised: i128,
    gpu_allocatable: i128,
    gpu_requested: i128,
    gpu_physical: i128,
    /// Nodes with accelerators whose number of devices is not known.
    gpu_uncounted: u64,
    gpu_physical_requested: i128,
    /// Nodes on which it is not known how many devices the requested units are.
    gpu_undivided: u64,
}

/// Whether something comes into a sum or leaves it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// The object is counted from now on.
    In,
    /// The object is no longer counted.
    Out,
}

impl Step {
    fn count(self, counter: &mut u64, is_counted: bool) {
        let by = match self {
            Self::In => 1,
            Self::Out => -1,
        };
        if is_counted {
            *counter = counter.saturating_add_signed(by);
        }
    }

    fn add(self, sum: &mut i128, amount: i64) {
        match self {
            Self::In => *sum += i128::from(amount),
            Self::Out => *sum -= i128::from(amount),
        }
    }
}

impl Counts {
    pub(super) fn node(&mut self, node: &NodePicture, step: Step) {
        step.count(&mut self.nodes_starting, node.phase == NodePhase::Starting);
        step.count(&mut self.nodes_leaving, node.phase.is_leaving());
        let Some(gpu) = &node.gpu else { return };
        step.add(&mut self.gpu_advertised, gpu.advertised);
        step.add(&mut self.gpu_allocatable, gpu.allocatable);
        step.add(&mut self.gpu_requested, gpu.requested);
        step.add(&mut self.gpu_physical, gpu.physical.unwrap_or(0));
        step.count(&mut self.gpu_uncounted, gpu.physical.is_none());
        step.add(&mut self.gpu_physical_requested, gpu.physical_requested.unwrap_or_default().0);
        step.count(&mut self.gpu_undivided, gpu.physical_requested.is_none());
    }

    pub(super) fn claim(&mut self, claim: &ClaimPicture, step: Step) {
        let is_starting = claim.node.is_none() && claim.phase != ClaimPhase::Terminating;
        step.count(&mut self.claims_starting, is_starting);
    }

    pub(super) fn job(&mut self, job: &JobPicture, step: Step) {
        step.count(&mut self.jobs_active, job.state.status.is_active());
    }

    fn gpu(&self) -> GpuTotals {
        let whole = |sum: i128| i64::try_from(sum).unwrap_or(i64::MAX);
        GpuTotals {
            advertised: whole(self.gpu_advertised),
            allocatable: whole(self.gpu_allocatable),
            requested: whole(self.gpu_requested),
            physical: (self.gpu_uncounted == 0).then(|| whole(self.gpu_physical)),
            physical_requested: (self.gpu_undivided == 0).then(|| Thousandths(whole(self.gpu_physical_requested))),
        }
    }
}

impl Picture {
    /// The sums, with the number of protected pods, which depends on the time.
    pub fn totals(&self, fleet: &Fleet, pods_protected: u64) -> Totals {
        let counts = &self.counts;
        Totals {
            nodes: count(self.nodes.len()),
            nodes_starting: counts.nodes_starting + counts.claims_starting,
            nodes_leaving: counts.nodes_leaving,
            node_claims: count(self.claims.len()),
            pods: count(fleet.pods.len()),
            pods_protected,
            jobs_active: counts.jobs_active,
            gpu: counts.gpu(),
        }
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
