//! What goes with a spot Node: pods, Jobs, accelerators and dollars.

use super::evaluator::events_about;
use super::{NodePicture, Picture, spend};
use crate::fleet::{Fleet, ObjectKey, PodRow};
use crate::insight::KarpenterVersion;
use crate::insight::cost::{Cost, CostSource, PriceQuery, chain};
use crate::insight::disruption::protection;
use crate::insight::interruption;
use crate::insight::spot::{EventSources, PriceRatio, SpotNode, Stake};
use crate::units::Time;

/// What decides about all spot Nodes at one moment.
#[derive(Clone, Copy)]
pub struct SpotSettings<'a> {
    /// Which Karpenter decides what an annotation means.
    pub karpenter: &'a KarpenterVersion,
    /// What would tell of a reclaim.
    pub sources: EventSources,
    /// The moment.
    pub now: Time,
}

impl Picture {
    /// A spot Node with what goes with it; `None` where there is no Node of that name, or its capacity is no spot
    /// capacity.
    pub fn spot_node(&self, fleet: &Fleet, name: &str, settings: SpotSettings<'_>) -> Option<SpotNode> {
        let (node, said) = (fleet.node(name)?, self.node(name)?);
        let claim = said.claim.as_ref().and_then(|key| fleet.node_claims.get(key));
        interruption::SpotKind::of(node, claim)?;
        let signal = interruption::of_node(node, &events_about(fleet, node, claim), settings.now);
        let found = SpotNode::of(node, claim, signal, settings.sources, settings.now)?;
        let query = spend::price_query(fleet, self, node);
        let stake = stake(fleet, said, &query, &found, settings);
        Some(SpotNode { price: market_ratio(&said.cost, &query), stake, ..found })
    }
}

/// What a Job loses if a pool goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobStake {
    /// The Job.
    pub job: ObjectKey,
    /// What of it is complete and stays so, in millionths of its completions; `None` where it has no number of them.
    pub completed_millionths: Option<u32>,
    /// How long the oldest of its pods in the pool has run, in seconds; `None` where none has started.
    pub lost_seconds: Option<i64>,
}

impl JobStake {
    /// Of a Job whose pods in a pool go, the oldest of which has run since then; `None` where the Job is not known.
    pub fn of(fleet: &Fleet, job: &ObjectKey, since: Option<Time>, now: Time) -> Option<Self> {
        let row = fleet.jobs.get(job)?;
        let lost_seconds = since.map(|at| now.seconds_since(at).max(0));
        let completed = row
            .completions
            .filter(|wanted| *wanted > 0)
            .map(|wanted| row.succeeded.clamp(0, wanted) * 1_000_000 / wanted);
        Some(Self {
            job: job.clone(),
            completed_millionths: completed.and_then(|share| u32::try_from(share).ok()),
            lost_seconds,
        })
    }
}

fn stake(
    fleet: &Fleet,
    said: &NodePicture,
    query: &PriceQuery<'_>,
    found: &SpotNode,
    settings: SpotSettings<'_>,
) -> Stake {
    let rate = said.cost.rate();
    // The fee of EKS Auto Mode is the same for both.
    let on_demand_rate = chain::on_demand(query).map(|price| price.saturating_add(said.cost.fee.known().unwrap_or(0)));
    let gpus = said.gpu.as_ref().map_or(0, |gpu| gpu.physical.unwrap_or(gpu.advertised));
    let savings = on_demand_rate.zip(rate).map(|(on_demand, rate)| on_demand.saturating_sub(rate));
    let unpriced = u64::from(rate.is_none());
    let mut stake = Stake { gpus, rate, on_demand_rate, savings, unpriced, ..Stake::default() };
    let (grace, now) = (found.grace_seconds(settings.now), settings.now);
    for pod in fleet.pods_on(query.machine.name).filter(|pod| pod.is_active()) {
        stake.pods += 1;
        stake.pods_protected += u64::from(protection::is_protected(pod, now, settings.karpenter));
        stake.pods_cut_short += u64::from(pod.termination_grace_seconds > grace);
        if let Some(job) = job_of(pod) {
            stake.add_job(job, pod.started);
        }
    }
    stake
}

fn job_of(pod: &PodRow) -> Option<ObjectKey> {
    let owner = pod.job_owner()?;
    Some(ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() })
}

/// How the prices compare that lists tell; what a user sets says nothing of the market.
fn market_ratio(cost: &Cost, query: &PriceQuery<'_>) -> Option<PriceRatio> {
    let is_listed = matches!(cost.source()?, CostSource::AwsSpot | CostSource::KarpenterMetrics);
    PriceRatio::of(cost.instance.as_ref().value().copied().filter(|_| is_listed)?, chain::on_demand(query)?)
}
