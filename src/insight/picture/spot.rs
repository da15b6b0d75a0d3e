//! What goes with a spot Node: pods, Jobs, accelerators and dollars.

use super::evaluator::events_about;
use super::{NodePicture, Picture, spend, spot_placement};
use crate::fleet::{AdvisorRange, Fleet, GangKey, ObjectKey, PodRow, Sym};
use crate::insight::KarpenterVersion;
use crate::insight::cost::{Cost, CostSource, PriceQuery, chain};
use crate::insight::disruption::protection;
use crate::insight::interruption::{self, SpotKind};
use crate::insight::spot::{EventSources, PriceRatio, SpotNode, Stake};
use crate::units::Time;

/// What decides about all spot Nodes at one moment.
#[derive(Clone, Copy)]
pub struct SpotSettings<'a> {
    /// Which Karpenter decides what an annotation means.
    pub karpenter: &'a KarpenterVersion,
    /// What would tell of a reclaim.
    pub sources: EventSources,
    /// The annotation that tells of the last checkpoint.
    pub checkpoint_annotation: &'a str,
    /// The moment.
    pub now: Time,
}

impl Picture {
    /// A spot Node with what goes with it; `None` where there is no Node of that name, or its capacity is no spot
    /// capacity.
    pub fn spot_node(&self, fleet: &Fleet, name: &str, settings: SpotSettings<'_>) -> Option<SpotNode> {
        let (node, said) = (fleet.node(name)?, self.node(name)?);
        let claim = said.claim.as_ref().and_then(|key| fleet.node_claims.get(key));
        SpotKind::of(node, claim)?;
        let signal = interruption::of_node(node, &events_about(fleet, node, claim), settings.now);
        let found = SpotNode::of(node, claim, signal, settings.sources, settings.now)?;
        let query = spend::price_query(fleet, self, node);
        let stake = stake(fleet, said, &query, &found, settings);
        let advisor = advisor_range(fleet, &query, &found, settings.now);
        let placement = spot_placement::score_of(fleet, node, &found, settings.now);
        Some(SpotNode { advisor, placement, price: market_ratio(&said.cost, &query), stake, ..found })
    }
}

/// What a Job loses if spot capacity goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobStake {
    /// The Job.
    pub job: ObjectKey,
    /// What of it is complete and stays so, in millionths of its completions; `None` where it has no number of them.
    pub completed_millionths: Option<u32>,
    /// For how long the oldest of its pods there has worked without a checkpoint, in seconds; `None` where none has
    /// started.
    pub lost_seconds: Option<i64>,
    /// Whether a checkpoint is known of the Job or its pods.
    pub has_checkpoint: bool,
}

/// What decides about the work that goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WorkSettings<'a> {
    /// The annotation that tells of the last checkpoint.
    pub checkpoint_annotation: &'a str,
    /// The moment.
    pub now: Time,
}

impl JobStake {
    /// What each Job loses that has pods there, in the order of Jobs.
    pub fn of_all(fleet: &Fleet, stake: &Stake, settings: WorkSettings<'_>) -> Vec<Self> {
        stake.jobs.iter().filter_map(|(job, since)| Self::of(fleet, job, *since, settings)).collect()
    }

    /// Of a Job whose pods go, the oldest of which has worked since then; `None` where the Job is not known.
    pub fn of(fleet: &Fleet, job: &ObjectKey, since: Option<Time>, settings: WorkSettings<'_>) -> Option<Self> {
        let row = fleet.jobs.get(job)?;
        let saved = checkpoint(&row.stamps, settings.checkpoint_annotation);
        let is_saved = |pod: &PodRow| checkpoint(pod.stamps(), settings.checkpoint_annotation).is_some();
        let lost_seconds = since.map(|at| settings.now.seconds_since(saved.map_or(at, |saved| at.max(saved))).max(0));
        let completed = row
            .completions
            .filter(|wanted| *wanted > 0)
            .map(|wanted| row.succeeded.clamp(0, wanted) * 1_000_000 / wanted);
        Some(Self {
            job: job.clone(),
            completed_millionths: completed.and_then(|share| u32::try_from(share).ok()),
            lost_seconds,
            has_checkpoint: saved.is_some() || fleet.pods_of_job(&row.meta.uid).any(is_saved),
        })
    }
}

/// The last checkpoint, as an annotation tells it.
fn checkpoint(stamps: &[(Sym, Time)], annotation: &str) -> Option<Time> {
    stamps.iter().find(|(key, _)| key == annotation).map(|(_, at)| *at)
}

/// A gang that can run now and cannot once spot capacity has gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GangStake {
    /// The gang.
    pub gang: GangKey,
    /// How many members it needs.
    pub min_member: i64,
    /// How many are ready now.
    pub ready: i64,
    /// How many of these stay.
    pub staying: i64,
}

impl GangStake {
    /// The gangs that lose their quorum if these Nodes go, in their order. One that has none now has none to lose.
    pub fn losing(fleet: &Fleet, stake: &Stake, goes: impl Fn(&Sym) -> bool) -> Vec<Self> {
        let of_gang = |gang: &GangKey| {
            let min_member = fleet.min_member(gang)?;
            let (mut ready, mut staying) = (0, 0);
            for pod in fleet.pods_of_gang(gang).filter(|pod| pod.is_active() && pod.is_ready()) {
                ready += 1;
                staying += i64::from(!pod.node.as_ref().is_some_and(&goes));
            }
            let loses = ready >= min_member && staying < min_member;
            loses.then(|| Self { gang: gang.clone(), min_member, ready, staying })
        };
        stake.gangs.iter().filter_map(of_gang).collect()
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
        stake.gangs.extend(pod.gang());
        if let Some(job) = job_of(pod) {
            let saved = checkpoint(pod.stamps(), settings.checkpoint_annotation);
            stake.add_job(job, pod.started.map(|at| saved.map_or(at, |saved| at.max(saved))));
        }
    }
    stake
}

fn job_of(pod: &PodRow) -> Option<ObjectKey> {
    let owner = pod.job_owner()?;
    Some(ObjectKey { namespace: pod.meta.key.namespace.clone(), name: owner.name.clone() })
}

/// What the Spot Instance Advisor says of the type in its region: its data is of Linux.
fn advisor_range(fleet: &Fleet, query: &PriceQuery<'_>, found: &SpotNode, now: Time) -> Option<AdvisorRange> {
    let is_meant = found.kind == SpotKind::AwsSpot && query.machine.is_linux();
    let advisor = fleet.spot_market.advisor.as_ref().filter(|_| is_meant)?;
    advisor.range(query.machine.region()?, found.pool.instance_type.as_deref()?, now)
}

/// How the prices compare that lists tell; what a user sets says nothing of the market.
fn market_ratio(cost: &Cost, query: &PriceQuery<'_>) -> Option<PriceRatio> {
    let is_listed = matches!(cost.source()?, CostSource::AwsSpot | CostSource::KarpenterMetrics);
    PriceRatio::of(cost.instance.as_ref().value().copied().filter(|_| is_listed)?, chain::on_demand(query)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Delta, GangRow, GangSystem, JobRow, NodeRow, PodPhase, RareAnnotations, Uid};
    use crate::insight::testing::{NOW, fleet, job, labels, meta, node, owner, pod, sym, upserts};

    const CHECKPOINT: &str = "example.com/saved";

    fn spot(name: &str) -> NodeRow {
        let labels =
            labels(&[("karpenter.sh/capacity-type", "spot"), ("node.kubernetes.io/instance-type", "g5.xlarge")]);
        NodeRow { labels, provider_id: Some(sym("aws:///us-east-1a/i-1")), ..node(name) }
    }

    fn member(name: &str, node: &str, group: (&str, &str)) -> PodRow {
        PodRow { labels: labels(&[group]), ..pod("ml", name, Some(node)) }
    }

    fn found(fleet: &Fleet, name: &str) -> SpotNode {
        let (karpenter, sources) = (KarpenterVersion::default(), EventSources::default());
        let settings = SpotSettings { karpenter: &karpenter, sources, checkpoint_annotation: CHECKPOINT, now: NOW };
        Picture::full(fleet).spot_node(fleet, name, settings).expect("a spot node")
    }

    /// The gangs that lose their quorum with node `a`: name, and how many of how many ready members stay.
    fn losing(fleet: &Fleet) -> Vec<(String, i64, i64)> {
        let lost = GangStake::losing(fleet, &found(fleet, "a").stake, |node| node == "a");
        lost.into_iter().map(|one| (one.gang.object.to_string(), one.staying, one.ready)).collect()
    }

    #[test]
    fn a_gang_loses_its_quorum_where_too_few_ready_members_stay() {
        const GROUP: (&str, &str) = ("scheduling.x-k8s.io/pod-group", "train");
        let group = |min_member| Delta::PodGroups(upserts(vec![GangRow { meta: meta("ml", "train"), min_member }]));
        let nodes = || Delta::Nodes(upserts(vec![spot("a"), spot("b")]));
        let pods = |rows: Vec<PodRow>| Delta::Pods(upserts(rows));
        let members = || vec![member("0", "a", GROUP), member("1", "b", GROUP), member("2", "b", GROUP)];
        let of = |min_member| losing(&fleet(vec![nodes(), group(min_member), pods(members())]));
        assert_eq!(of(3), [("ml/train".to_owned(), 2, 3)]);
        assert_eq!(of(2), [], "two members are enough");
        assert_eq!(of(4), [], "it has no quorum that it could lose");
        let unready = PodRow { phase: PodPhase::Pending, ..member("0", "a", GROUP) };
        let all = vec![unready, member("1", "b", GROUP), member("2", "b", GROUP), member("3", "b", GROUP)];
        assert_eq!(losing(&fleet(vec![nodes(), group(3), pods(all)])), [], "the member there is not ready");
        assert_eq!(losing(&fleet(vec![nodes(), pods(members())])), [], "nobody declares it");
    }

    #[test]
    fn members_are_found_by_label_or_annotation_and_a_scheduler_comes_before_the_owner() {
        let set = ("jobset.sigs.k8s.io/jobset-name", "set");
        let of_set = member("0", "a", set);
        let in_group = RareAnnotations { volcano_group: Some(sym("group")), ..RareAnnotations::default() };
        let of_volcano = PodRow { rare: in_group.boxed(), ..of_set.clone() };
        let of_both =
            PodRow { labels: labels(&[set, ("scheduling.x-k8s.io/pod-group", "train")]), ..of_volcano.clone() };
        let gang = |pod: &PodRow| pod.gang().map(|gang| (gang.system, gang.object.to_string()));
        assert_eq!(gang(&of_set), Some((GangSystem::JobSet, "ml/set".to_owned())));
        assert_eq!(gang(&of_volcano), Some((GangSystem::Volcano, "ml/group".to_owned())));
        assert_eq!(gang(&of_both), Some((GangSystem::Coscheduling, "ml/train".to_owned())));
        assert_eq!(gang(&pod("ml", "p", None)), None);
        let row = |name: &str| GangRow { meta: meta("ml", name), min_member: 1 };
        let declared =
            [Delta::JobSets(upserts(vec![row("set")])), Delta::VolcanoPodGroups(upserts(vec![row("group")]))];
        let of = |pod: &PodRow| {
            let deltas = [Delta::Nodes(upserts(vec![spot("a")])), Delta::Pods(upserts(vec![pod.clone()]))];
            losing(&fleet(deltas.into_iter().chain(declared.clone()).collect())).len()
        };
        assert_eq!((of(&of_set), of(&of_volcano), of(&of_both)), (1, 1, 0));
    }

    #[test]
    fn a_job_loses_what_it_has_done_since_the_last_checkpoint_of_it_or_its_pods() {
        let train = Uid::parse("train");
        let running = |stamps: &[(&str, i64)]| PodRow {
            owner: Some(owner("Job", "train", &train)),
            started: Some(NOW.plus_seconds(-7_200)),
            rare: RareAnnotations {
                stamps: stamps.iter().map(|(key, ago)| (sym(key), NOW.plus_seconds(-ago))).collect(),
                ..RareAnnotations::default()
            }
            .boxed(),
            ..pod("ml", "train-0", Some("a"))
        };
        let of = |pod: PodRow, stamps: &[(&str, i64)]| {
            let stamps = stamps.iter().map(|(key, ago)| (sym(key), NOW.plus_seconds(-ago))).collect();
            let meta = crate::fleet::Meta { uid: train.clone(), ..meta("ml", "train") };
            let row = JobRow { meta, completions: Some(4), succeeded: 1, stamps, ..job("ml", "train") };
            let fleet = fleet(vec![
                Delta::Nodes(upserts(vec![spot("a")])),
                Delta::Jobs(upserts(vec![row])),
                Delta::Pods(upserts(vec![pod])),
            ]);
            let settings = WorkSettings { checkpoint_annotation: CHECKPOINT, now: NOW };
            let lost = JobStake::of_all(&fleet, &found(&fleet, "a").stake, settings);
            lost.into_iter()
                .map(|one| (one.lost_seconds, one.has_checkpoint, one.completed_millionths))
                .collect::<Vec<_>>()
        };
        let quarter = Some(250_000);
        assert_eq!(of(running(&[]), &[]), [(Some(7_200), false, quarter)]);
        assert_eq!(of(running(&[]), &[("other", 60)]), [(Some(7_200), false, quarter)]);
        assert_eq!(of(running(&[(CHECKPOINT, 600)]), &[]), [(Some(600), true, quarter)]);
        assert_eq!(of(running(&[(CHECKPOINT, 600)]), &[(CHECKPOINT, 300)]), [(Some(300), true, quarter)]);
        assert_eq!(of(running(&[(CHECKPOINT, 9_000)]), &[]), [(Some(7_200), true, quarter)], "of its last life");
        assert_eq!(of(running(&[(CHECKPOINT, -60)]), &[]), [(Some(0), true, quarter)], "a clock that goes ahead");
        let waiting = PodRow { started: None, ..running(&[]) };
        assert_eq!(of(waiting, &[(CHECKPOINT, 60)]), [(None, true, quarter)]);
    }
}
