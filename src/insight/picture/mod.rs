//! The join: what the rooms compute of each Node, NodeClaim, NodePool and Job.
//!
//! Nothing in it depends on the time, so it changes only with the Fleet; what does depend on it (pod protection, budgets,
//! verdicts) is kept by [`super::insights`] or computed when it is asked for.

mod consolidation_savings;
mod desk;
mod evaluator;
mod findings;
mod gpus;
mod node;
mod places;
mod rates;
mod simulation;
mod spend;
mod spot;
mod spot_placement;
mod spot_price;
pub mod starts;
mod totals;

#[cfg(test)]
mod spend_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod verdicts;

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

pub use consolidation_savings::{ConsolidationSavings, consolidation_savings};
pub use desk::{Concern, Matter, MatterKey, matters};
pub use evaluator::{Evaluator, NodeAssessment};
pub use findings::{Finding, NodeStates, Rule, Severity, findings, of_assessments, rules};
pub use gpus::{CpuShare, Disagreement, GpuSettings, GpuState, GpuStates, activity_of_pod, is_contrary};
use node::Load;
pub use node::NodePicture;
pub use rates::{NodeFacts, NodeProtection, RateSums, Touched};
pub use spend::{
    EKS_CONTROL_PLANE, PodOwner, Spend, claim_price_query, cluster_fixed, machine, payer_of_pod, price_query,
    unpriced_pods,
};
pub use spot::{GangStake, JobStake, SpotSettings, WorkSettings};
pub use spot_price::{Cheaper, CheaperPlace, PoolPrice};
use totals::{Counts, Step};
pub use totals::{GpuTotals, Totals};

use super::batch::{self, JobState};
use super::cost::{self, Cost};
use super::disruption::{BudgetIndex, ClaimCounts, balance, protection};
use super::gpu::{self, Thousandths};
use super::karpenter::KarpenterVersion;
use super::phase::{self, ClaimPhase};
use crate::fleet::{Changed, Fleet, JobRow, Kind, NodeClaimRow, NodeRow, ObjectKey, PodRow, Row, Sym, Uid};
use crate::units::Time;

type Map<K, V> = HashMap<K, V, RandomState>;

/// What the insights say about the Fleet, joined. Always equal to [`Picture::full`] of the same Fleet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Picture {
    nodes: Map<Sym, NodePicture>,
    claims: Map<ObjectKey, ClaimPicture>,
    claims_without_node: BTreeSet<ObjectKey>,
    claims_without_machine: BTreeSet<ObjectKey>,
    pools: Map<Sym, PoolPicture>,
    budgets: BudgetIndex,
    jobs: Map<Uid, JobPicture>,
    rates_by_owner: spend::RatesByOwner,
    counts: Counts,
}

/// Everything of a NodeClaim that does not depend on time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimPicture {
    /// Where it stands.
    pub phase: ClaimPhase,
    /// The name of its Node object, once there is one.
    pub node: Option<Sym>,
    /// What it costs; `None` before the cloud has launched it.
    pub cost: Option<Cost>,
    /// Name of the NodePool, from the label `karpenter.sh/nodepool`.
    pool: Option<Sym>,
    /// Whether it is neither being deleted nor chosen by Karpenter.
    stays: bool,
}

/// The sums over the Nodes and NodeClaims of a NodePool.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PoolPicture {
    /// Nodes with its label.
    pub nodes: u64,
    /// Nodes of which a budget's percentage is taken.
    pub counted: u64,
    /// Nodes that use up its budgets: not ready, being deleted, or chosen by Karpenter.
    pub disrupting: u64,
    /// What its Nodes cost, and what disrupting them would: policy `Balanced` weighs them.
    pub balance: balance::Sums,
    /// Its NodeClaims.
    pub claims: ClaimCounts,
}

/// Everything of a Job that does not depend on time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobPicture {
    /// Its status, why, and when it finished.
    pub state: JobState,
    /// Accelerators that its unfinished pods request.
    pub gpu_requested: Thousandths,
}

impl Picture {
    /// From nothing. Goes through the pods once, in the order in which they lie in memory.
    pub fn full(fleet: &Fleet) -> Self {
        let mut picture = Self { budgets: BudgetIndex::new(&fleet.disruption_budgets), ..Self::default() };
        let mut sums = PodSums::of(fleet, &picture.budgets);
        picture.nodes.reserve(fleet.nodes.len());
        picture.claims.reserve(fleet.node_claims.len());
        picture.jobs.reserve(fleet.jobs.len());
        for node in fleet.nodes.iter() {
            let name = &node.meta.key.name;
            let load = sums.by_node.remove(name.as_str()).unwrap_or_default();
            picture.insert_node(name, NodePicture::of(fleet, node, load));
        }
        fleet.node_claims.iter().for_each(|claim| picture.set_claim(fleet, &claim.meta.key));
        for job in fleet.jobs.iter() {
            let gpu_requested = sums.gpus_by_owner.get(&job.meta.uid).copied().unwrap_or_default();
            picture.insert_job(
                &job.meta.uid,
                JobPicture { state: batch::state(job, fleet.workload_of(job)), gpu_requested },
            );
        }
        picture
    }

    /// Follows what a Delta changed in the Fleet; the Fleet is the one after it. Says what changed of those who pay.
    pub fn update(&mut self, fleet: &Fleet, changed: &Changed) -> Touched {
        let mut touched = Touched::default();
        if changed.kinds.contains(&Kind::PodDisruptionBudget) {
            self.refresh_budgets(fleet, &mut touched);
        }
        if changed.instance_types {
            self.refresh_nodes(fleet, &mut touched);
        }
        if changed.prices || changed.kinds.contains(&Kind::NodeOverlay) {
            self.reprice(fleet, &mut touched);
        }
        if changed.kinds.contains(&Kind::DeviceClass) {
            // What pods ask for of a class counts where its devices are accelerators. Classes come seldom.
            fleet.jobs.iter().for_each(|job| self.refresh_job(fleet, &job.meta.uid));
        }
        changed.nodes.iter().for_each(|name| self.refresh_node(fleet, name, &mut touched));
        changed.claims.iter().for_each(|key| self.refresh_claim(fleet, key, &mut touched));
        changed.jobs.iter().for_each(|uid| self.refresh_job(fleet, uid));
        touched
    }

    /// The picture of a Node, by name.
    pub fn node(&self, name: &str) -> Option<&NodePicture> {
        self.nodes.get(name)
    }

    /// The picture of a NodeClaim.
    pub fn claim(&self, claim: &NodeClaimRow) -> Option<&ClaimPicture> {
        self.claims.get(&claim.meta.key)
    }

    /// The sums over the Nodes of a NodePool; zeros where it has none.
    pub fn pool(&self, name: &str) -> PoolPicture {
        self.pools.get(name).copied().unwrap_or_default()
    }

    /// The picture of a Job.
    pub fn job(&self, job: &JobRow) -> Option<&JobPicture> {
        self.jobs.get(&job.meta.uid)
    }

    /// The NodeClaims that have no Node object yet, or no more.
    pub fn claims_without_node<'a>(&'a self, fleet: &'a Fleet) -> impl Iterator<Item = &'a NodeClaimRow> {
        self.claims_without_node.iter().filter_map(|key| fleet.node_claims.get(key))
    }

    /// How many NodeClaims have no Node object yet, or no more.
    pub fn count_of_claims_without_node(&self) -> usize {
        self.claims_without_node.len()
    }

    /// The NodeClaims without a providerID: the cloud has not launched their machines.
    pub fn claims_without_machine<'a>(&'a self, fleet: &'a Fleet) -> impl Iterator<Item = &'a NodeClaimRow> {
        self.claims_without_machine.iter().filter_map(|key| fleet.node_claims.get(key))
    }

    /// Which PodDisruptionBudgets select a pod.
    pub const fn budget_index(&self) -> &BudgetIndex {
        &self.budgets
    }

    /// The status of PodDisruptionBudgets changes all the time and is asked when it is needed; which pods they select
    /// changes seldom.
    fn refresh_budgets(&mut self, fleet: &Fleet, touched: &mut Touched) {
        let budgets = BudgetIndex::new(&fleet.disruption_budgets);
        if budgets != self.budgets {
            self.budgets = budgets;
            self.refresh_nodes(fleet, touched);
        }
    }

    fn refresh_nodes(&mut self, fleet: &Fleet, touched: &mut Touched) {
        fleet.nodes.iter().for_each(|node| self.refresh_node(fleet, &node.meta.key.name, touched));
    }

    /// Prices come seldom, and most of them change nothing.
    fn reprice(&mut self, fleet: &Fleet, touched: &mut Touched) {
        let is_wrong = |node: &&NodeRow| {
            let said = self.nodes.get(&node.meta.key.name);
            said.is_some_and(|said| {
                said.cost != cost::of_machine(&spend::price_query(fleet, self, node))
                    || said.karpenter_price != node::karpenter_price(fleet, node)
            })
        };
        let wrong: Vec<&NodeRow> = fleet.nodes.iter().filter(is_wrong).collect();
        wrong.into_iter().for_each(|node| self.refresh_node(fleet, &node.meta.key.name, touched));
        fleet.node_claims.iter().for_each(|claim| self.refresh_claim(fleet, &claim.meta.key, touched));
    }

    fn refresh_node(&mut self, fleet: &Fleet, name: &Sym, touched: &mut Touched) {
        let load = |name: &str| Load::of(fleet.pods_on(name), &self.budgets);
        let new = fleet.node(name).map(|node| NodePicture::of(fleet, node, load(name)));
        self.set_node(name, new, touched);
    }

    /// Puts the picture of a Node in the place of the one before, in the sums, too.
    fn set_node(&mut self, name: &Sym, new: Option<NodePicture>, touched: &mut Touched) {
        let old = self.nodes.remove(name);
        let [before, after] = [&old, &new].map(|node| node.as_ref().map_or(&[][..], |node| &node.spend.owners));
        let (before, after) = spend::differing(before, after);
        touched.note_node(name, before, after);
        spend::add_rates(&mut self.rates_by_owner, after);
        spend::take_rates(&mut self.rates_by_owner, before);
        if let Some(new) = &new {
            self.count_node(new);
        }
        if let Some(old) = old {
            self.take_from_pool(&old);
            self.counts.node(&old, Step::Out);
        }
        self.nodes.extend(new.map(|new| (name.clone(), new)));
    }

    fn insert_node(&mut self, name: &Sym, new: NodePicture) {
        spend::add_rates(&mut self.rates_by_owner, &new.spend.owners);
        self.count_node(&new);
        self.nodes.insert(name.clone(), new);
    }

    fn count_node(&mut self, new: &NodePicture) {
        self.add_to_pool(new);
        self.counts.node(new, Step::In);
    }

    fn add_to_pool(&mut self, node: &NodePicture) {
        let Some(name) = &node.pool else { return };
        let pool = self.pools.entry(name.clone()).or_default();
        pool.nodes += 1;
        pool.counted += u64::from(node.is_counted);
        pool.disrupting += u64::from(node.uses_budget);
        pool.balance.add(node.karpenter_price, node.pods.moving_cost);
    }

    fn take_from_pool(&mut self, node: &NodePicture) {
        let Some(name) = &node.pool else { return };
        let Some(pool) = self.pools.get_mut(name) else { return };
        pool.nodes -= 1;
        pool.counted -= u64::from(node.is_counted);
        pool.disrupting -= u64::from(node.uses_budget);
        pool.balance.take(node.karpenter_price, node.pods.moving_cost);
        self.forget_empty_pool(name);
    }

    fn add_claim_to_pool(&mut self, claim: &ClaimPicture) {
        let Some(name) = &claim.pool else { return };
        let claims = &mut self.pools.entry(name.clone()).or_default().claims;
        claims.all += 1;
        claims.staying += u64::from(claim.stays);
    }

    fn take_claim_from_pool(&mut self, claim: &ClaimPicture) {
        let Some(name) = &claim.pool else { return };
        let Some(pool) = self.pools.get_mut(name) else { return };
        pool.claims.all -= 1;
        pool.claims.staying -= u64::from(claim.stays);
        self.forget_empty_pool(name);
    }

    fn forget_empty_pool(&mut self, name: &Sym) {
        if self.pools.get(name) == Some(&PoolPicture::default()) {
            self.pools.remove(name);
        }
    }

    fn refresh_claim(&mut self, fleet: &Fleet, key: &ObjectKey, touched: &mut Touched) {
        touched.claims.push(key.clone());
        self.set_claim(fleet, key);
    }

    fn set_claim(&mut self, fleet: &Fleet, key: &ObjectKey) {
        if let Some(old) = self.claims.remove(key) {
            self.take_claim_from_pool(&old);
            self.counts.claim(&old, Step::Out);
            self.claims_without_node.remove(key);
            self.claims_without_machine.remove(key);
        }
        let Some(claim) = fleet.node_claims.get(key) else { return };
        let node = fleet.node_of(claim).map(|node| node.meta.key.name.clone());
        let phase = ClaimPhase::of(claim);
        let cost = claim.is_launched().then(|| cost::of_machine(&spend::claim_price_query(fleet, claim)));
        let stays = !phase::is_terminating(claim) && !phase::is_chosen(claim);
        let new = ClaimPicture { phase, node, cost, pool: claim.node_pool().cloned(), stays };
        self.add_claim_to_pool(&new);
        self.counts.claim(&new, Step::In);
        if new.node.is_none() {
            self.claims_without_node.insert(key.clone());
        }
        if claim.provider_id.is_none() {
            self.claims_without_machine.insert(key.clone());
        }
        self.claims.insert(key.clone(), new);
    }

    fn refresh_job(&mut self, fleet: &Fleet, uid: &Uid) {
        if let Some(old) = self.jobs.remove(uid) {
            self.counts.job(&old, Step::Out);
        }
        let Some(job) = fleet.job(uid) else { return };
        let pods = fleet.pods_of_job(uid);
        let gpu_requested = pods.fold(Thousandths(0), |sum, pod| sum.plus(accelerators_held(fleet, pod)));
        self.insert_job(uid, JobPicture { state: batch::state(job, fleet.workload_of(job)), gpu_requested });
    }

    fn insert_job(&mut self, uid: &Uid, new: JobPicture) {
        self.counts.job(&new, Step::In);
        self.jobs.insert(uid.clone(), new);
    }
}

/// What all pods put on Nodes and owners.
#[derive(Default)]
struct PodSums<'a> {
    by_node: Map<&'a str, Load<'a>>,
    gpus_by_owner: Map<&'a Uid, Thousandths>,
}

impl<'a> PodSums<'a> {
    fn of(fleet: &'a Fleet, budgets: &BudgetIndex) -> Self {
        let mut sums = Self::default();
        sums.by_node.reserve(fleet.nodes.len());
        fleet.pods.iter().for_each(|pod| sums.add(fleet, pod, budgets));
        sums
    }

    fn add(&mut self, fleet: &'a Fleet, pod: &'a PodRow, budgets: &BudgetIndex) {
        if let Some(node) = &pod.node {
            self.by_node.entry(node).or_default().add(pod, budgets);
        }
        // Most pods ask for none, and an owner without a sum has none.
        let accelerators = accelerators_held(fleet, pod);
        if let Some(owner) = pod.owner.as_ref().filter(|_| accelerators.0 != 0) {
            let sum = self.gpus_by_owner.entry(&owner.uid).or_default();
            *sum = sum.plus(accelerators);
        }
    }
}

/// The accelerators that a pod requests, unless it has finished.
fn accelerators_held(fleet: &Fleet, pod: &PodRow) -> Thousandths {
    if pod.holds_resources() { gpu::requested_by(fleet, pod) } else { Thousandths(0) }
}

/// How many pods of a Job are protected at `now`.
pub fn protected_pods_of(fleet: &Fleet, job: &JobRow, now: Time, karpenter: &KarpenterVersion) -> usize {
    fleet.pods_of_job(&job.meta().uid).filter(|pod| protection::is_protected(pod, now, karpenter)).count()
}
