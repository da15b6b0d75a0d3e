//! The join: what the rooms say of each Node, NodeClaim, NodePool and Job.
//!
//! Nothing in it depends on the time, so it changes only with the Fleet; what does depend on it ([`totals`], pod
//! protection, budgets) is computed when asked for.

mod node;
mod totals;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use foldhash::fast::RandomState;

pub use node::NodePicture;
pub use totals::{GpuTotals, Totals, totals};

use super::batch::{self, JobState};
use super::disruption::protection;
use super::karpenter::KarpenterVersion;
use super::phase::ClaimPhase;
use crate::fleet::{Changed, Fleet, JobRow, NodeClaimRow, ObjectKey, Row, Sym, Uid};
use crate::units::Time;

type Map<K, V> = HashMap<K, V, RandomState>;

/// What the insights say about the Fleet, joined. Always equal to [`Picture::full`] of the same Fleet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Picture {
    nodes: Map<Sym, NodePicture>,
    claims: Map<ObjectKey, ClaimPicture>,
    pools: Map<Sym, PoolPicture>,
    jobs: Map<Uid, JobPicture>,
}

/// What is said of a NodeClaim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimPicture {
    /// Where it stands.
    pub phase: ClaimPhase,
    /// The name of its Node object, once there is one.
    pub node: Option<Sym>,
}

/// What is said of a NodePool; the sums over its Nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PoolPicture {
    /// Nodes with its label.
    pub nodes: u64,
    /// Nodes of which a budget's percentage is taken.
    pub counted: u64,
    /// Nodes that use up its budgets: not ready, being deleted, or chosen by Karpenter.
    pub disrupting: u64,
}

/// What is said of a Job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobPicture {
    /// Its status, why, and when it finished.
    pub state: JobState,
    /// Accelerators that its unfinished pods request.
    pub gpu_requested: i64,
}

impl Picture {
    /// From nothing.
    pub fn full(fleet: &Fleet) -> Self {
        let mut picture = Self::default();
        fleet.nodes.iter().for_each(|node| picture.refresh_node(fleet, &node.meta.key.name));
        fleet.node_claims.iter().for_each(|claim| picture.refresh_claim(fleet, &claim.meta.key));
        fleet.jobs.iter().for_each(|job| picture.refresh_job(fleet, &job.meta.uid));
        picture
    }

    /// Follows what a Delta changed in the Fleet; the Fleet is the one after it.
    pub fn update(&mut self, fleet: &Fleet, changed: &Changed) {
        changed.nodes.iter().for_each(|name| self.refresh_node(fleet, name));
        changed.claims.iter().for_each(|key| self.refresh_claim(fleet, key));
        changed.jobs.iter().for_each(|uid| self.refresh_job(fleet, uid));
    }

    /// What is said of a Node.
    pub fn node(&self, name: &str) -> Option<&NodePicture> {
        self.nodes.get(name)
    }

    /// What is said of a NodeClaim.
    pub fn claim(&self, claim: &NodeClaimRow) -> Option<&ClaimPicture> {
        self.claims.get(&claim.meta.key)
    }

    /// The sums over the Nodes of a NodePool; zeros where it has none.
    pub fn pool(&self, name: &str) -> PoolPicture {
        self.pools.get(name).copied().unwrap_or_default()
    }

    /// What is said of a Job.
    pub fn job(&self, job: &JobRow) -> Option<&JobPicture> {
        self.jobs.get(&job.meta.uid)
    }

    /// The NodeClaims that have no Node object yet, or no more.
    pub fn claims_without_node<'a>(&'a self, fleet: &'a Fleet) -> impl Iterator<Item = &'a NodeClaimRow> {
        self.claims.iter().filter(|(_, claim)| claim.node.is_none()).filter_map(|(key, _)| fleet.node_claims.get(key))
    }

    fn refresh_node(&mut self, fleet: &Fleet, name: &Sym) {
        let new = fleet.node(name).map(|node| NodePicture::of(fleet, node));
        let old = match new.clone() {
            Some(new) => self.nodes.insert(name.clone(), new),
            None => self.nodes.remove(name),
        };
        if let Some(old) = old {
            self.take_from_pool(&old);
        }
        if let Some(new) = new {
            self.add_to_pool(&new);
        }
    }

    fn add_to_pool(&mut self, node: &NodePicture) {
        let Some(name) = &node.pool else { return };
        let pool = self.pools.entry(name.clone()).or_default();
        pool.nodes += 1;
        pool.counted += u64::from(node.is_counted);
        pool.disrupting += u64::from(node.uses_budget);
    }

    fn take_from_pool(&mut self, node: &NodePicture) {
        let Some(name) = &node.pool else { return };
        let Some(pool) = self.pools.get_mut(name) else { return };
        pool.nodes -= 1;
        pool.counted -= u64::from(node.is_counted);
        pool.disrupting -= u64::from(node.uses_budget);
        if pool.nodes == 0 {
            self.pools.remove(name);
        }
    }

    fn refresh_claim(&mut self, fleet: &Fleet, key: &ObjectKey) {
        let Some(claim) = fleet.node_claims.get(key) else {
            self.claims.remove(key);
            return;
        };
        let node = fleet.node_of(claim).map(|node| node.meta.key.name.clone());
        self.claims.insert(key.clone(), ClaimPicture { phase: ClaimPhase::of(claim), node });
    }

    fn refresh_job(&mut self, fleet: &Fleet, uid: &Uid) {
        let Some(job) = fleet.job(uid) else {
            self.jobs.remove(uid);
            return;
        };
        let pods = fleet.pods_of_job(uid).filter(|pod| pod.holds_resources());
        let gpu_requested = pods.fold(0_i64, |sum, pod| sum.saturating_add(pod.requests.gpu_total()));
        self.jobs.insert(uid.clone(), JobPicture { state: batch::state(job), gpu_requested });
    }
}

/// How many pods of a Job are protected at `now`.
pub fn protected_pods_of(fleet: &Fleet, job: &JobRow, now: Time, karpenter: &KarpenterVersion) -> usize {
    fleet.pods_of_job(&job.meta().uid).filter(|pod| protection::is_protected(pod, now, karpenter)).count()
}
