//! Spot capacity: `nodes[].spot`, `spotPools[]`, `totals.spot`, and the document of `batchtop spot explain`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::Usd;
use super::value::{Billionths, Hundredths, Millionths, Stamp, Text, maybe_text, text, unless_empty};
use super::words::{FloorReason, HazardPrior, ScoreInput, SpotEvidence, SpotKind, SpotState};
use crate::app::App;
use crate::fleet::{Kind, ObjectKey};
use crate::insight::Completeness;
use crate::insight::interruption::Signal;
use crate::insight::picture::{GangStake, JobStake, PoolPrice};
use crate::insight::spot::{self, Floor, Hazard, Score};

/// Where a spot Node stands, and how likely it is to go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeSpot {
    /// The kind of capacity.
    pub kind: SpotKind,
    /// Where it stands.
    pub state: SpotState,
    /// What tells so; null where nothing does.
    pub signal: Option<SpotSignal>,
    /// By when it is gone at the latest; null where no end is known.
    pub ends_at: Option<Stamp>,
    /// The pool to which it belongs: instance type and zone.
    pub pool: String,
    /// 0 to 100; null where too little is known for a number.
    pub risk: Option<u8>,
    /// Known part of all evidence, 0 to 1.
    pub coverage: Hundredths,
    /// What is known.
    pub evidence: Vec<SpotEvidence>,
    /// The fact below which the risk is not; null where there is none.
    pub floor: Option<RiskFloor>,
}

/// What tells that an instance is, or may be, taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotSignal {
    /// Reason of the Event, key of the taint, or reason of the condition.
    pub reason: Text,
    /// The component that wrote the Event; `taint` or `condition`; null where the Event names none.
    pub source: Option<Text>,
    /// When it was given; null for a taint, which does not say.
    pub at: Option<Stamp>,
}

/// A fact that sets the least risk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RiskFloor {
    /// Least risk, 0 to 1.
    pub value: Millionths,
    /// The fact.
    pub reason: FloorReason,
}

/// Spot capacity of one instance type in one zone, which tends to be taken back together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotPool {
    /// Instance type and zone, as `g5.xlarge/us-east-1a`.
    pub pool: String,
    /// The kind of capacity.
    pub kind: SpotKind,
    /// Instance type.
    pub instance_type: Option<Text>,
    /// Zone.
    pub zone: Option<Text>,
    /// NodePools of its Nodes.
    pub node_pools: Vec<Text>,
    /// Where its worst Node stands.
    pub state: SpotState,
    /// The first end of such a Node; null where none is known.
    pub ends_at: Option<Stamp>,
    /// 0 to 100, of its worst Node; null where too little is known for a number.
    pub risk: Option<u8>,
    /// Known part of all evidence, 0 to 1.
    pub coverage: Hundredths,
    /// What is known.
    pub evidence: Vec<SpotEvidence>,
    /// How often a node is taken back; null without evidence.
    pub hazard: Option<PoolHazard>,
    /// Number of Nodes.
    pub nodes: u64,
    /// Accelerators: devices where they are known, else as advertised.
    pub gpus: i64,
    /// What its Nodes cost; null where no price is known.
    pub usd_per_hour: Option<Usd>,
    /// What they would cost on demand; null where that is not known.
    pub on_demand_usd_per_hour: Option<Usd>,
    /// Savings against on-demand capacity, in percent of its price.
    pub savings_percent: Option<Millionths>,
    /// Interruptions to expect in a day; null without evidence.
    pub expected_reclaims_per_day: Option<Millionths>,
    /// Active pods; null while not all pods are known.
    pub pods: Option<u64>,
    /// Active pods whose annotation protects them, which stops no reclaim.
    pub pods_protected: Option<u64>,
    /// Active pods that get less time to end than they ask for.
    pub pods_cut_short: Option<u64>,
    /// Jobs with active pods there.
    pub jobs: Vec<SpotJob>,
    /// Gangs that would have fewer ready pods than they need.
    pub gangs_losing_quorum: Vec<Gang>,
    /// Spot price in the zone; null where its history is not known.
    pub price: Option<SpotPrice>,
}

/// How often a node of a pool is taken back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolHazard {
    /// Interruptions that were watched; older ones count less.
    pub interruptions: Millionths,
    /// Hours for which nodes were watched, added up; older ones count less.
    pub node_hours: Millionths,
    /// Interruptions per node and hour.
    pub per_hour: Billionths,
    /// Chance that a given node is taken back within 24 hours.
    pub p24: Millionths,
    /// Where the estimate began.
    pub prior: HazardPrior,
}

/// A Job with pods in a pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotJob {
    /// Namespace of the Job.
    pub namespace: Text,
    /// Name of the Job.
    pub name: Text,
    /// Part of its completions that it has, 0 to 1; null where it has no number of them.
    pub completed_work: Option<Millionths>,
    /// For how long the oldest of its pods there has worked without a checkpoint; null where none has started.
    pub lost_seconds: Option<i64>,
}

/// A gang: pods that run together or not at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gang {
    /// Namespace of the gang.
    pub namespace: Text,
    /// Name of the gang.
    pub name: Text,
}

/// Spot price of a pool.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotPrice {
    /// Dollars per hour now.
    pub now: Usd,
    /// Lowest price of the last seven days.
    pub min7d: Usd,
    /// Highest price of the last seven days.
    pub max7d: Usd,
    /// Spot price divided by on-demand price.
    pub ratio_to_on_demand: Option<Millionths>,
    /// When it was asked for.
    pub as_of: Stamp,
}

/// Sums over all spot capacity.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotTotals {
    /// Number of spot Nodes.
    pub nodes: u64,
    /// Their accelerators.
    pub gpus: i64,
    /// What they cost; null where no price is known.
    pub usd_per_hour: Option<Usd>,
    /// Savings against on-demand capacity, where both prices are known.
    pub savings_usd_per_hour: Option<Usd>,
    /// Nodes that the cloud takes back.
    pub reclaiming: u64,
    /// Part of the Nodes that are in the largest pool, 0 to 1; null without Nodes.
    pub largest_pool_share: Option<Millionths>,
}

/// The terms of a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SpotExplanation {
    /// Interruptions per node and hour.
    pub per_hour: Billionths,
    /// Chance that a given node is taken back within 24 hours.
    pub p24: Millionths,
    /// Where the estimate of both began.
    pub prior: HazardPrior,
    /// 0 to 100; null where too little is known.
    pub risk: Option<u8>,
    /// Known part of all evidence, 0 to 1.
    pub coverage: Hundredths,
    /// What is known.
    pub evidence: Vec<SpotEvidence>,
    /// What the risk is the weighted mean of.
    pub terms: Vec<ScoreTerm>,
    /// The fact below which the risk is not; null where there is none.
    pub floor: Option<RiskFloor>,
}

/// An input of a score.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScoreTerm {
    /// The input.
    pub input: ScoreInput,
    /// Its value, 0 to 1.
    pub x: Millionths,
    /// Its weight, 0 to 1.
    pub weight: Hundredths,
}

/// How a score comes about.
pub fn explain_spot(hazard: &Hazard, score: &Score) -> SpotExplanation {
    let terms = score.terms.iter().map(|term| ScoreTerm {
        input: term.input.into(),
        x: Millionths(term.x_millionths.into()),
        weight: Hundredths(term.input.weight_percent()),
    });
    SpotExplanation {
        per_hour: Billionths(hazard.per_hour_billionths),
        p24: Millionths(hazard.p24_millionths.into()),
        prior: hazard.prior.into(),
        risk: score.risk,
        coverage: Hundredths(score.coverage_percent),
        evidence: evidence(score),
        terms: terms.collect(),
        floor: score.floor.map(floor),
    }
}

fn evidence(score: &Score) -> Vec<SpotEvidence> {
    score.evidence.iter().copied().map(Into::into).collect()
}

fn floor(floor: Floor) -> RiskFloor {
    RiskFloor { value: Millionths(floor.millionths.into()), reason: floor.reason.into() }
}

pub(super) fn of_node(app: &App, name: &str) -> Option<NodeSpot> {
    let found = app.insights.spot.node(name)?;
    let score = app.insights.spot.score_of(name)?;
    Some(NodeSpot {
        kind: found.kind.into(),
        state: found.state.into(),
        signal: found.signal.as_ref().map(signal),
        ends_at: found.ends_at.map(Stamp),
        pool: found.pool.to_string(),
        risk: score.risk,
        coverage: Hundredths(score.coverage_percent),
        evidence: evidence(score),
        floor: score.floor.map(floor),
    })
}

fn signal(found: &Signal) -> SpotSignal {
    SpotSignal { reason: text(&found.reason), source: unless_empty(&found.source), at: found.at.map(Stamp) }
}

pub(super) fn pools(app: &App, known: &Completeness<'_>) -> Vec<SpotPool> {
    app.insights.spot.pools().map(|found| pool(app, known, found)).collect()
}

fn pool(app: &App, known: &Completeness<'_>, found: &spot::SpotPool) -> SpotPool {
    let (score, stake) = (&found.score, &found.stake);
    let of_pods = |count: u64| known.only(&[Kind::Pod], count);
    SpotPool {
        pool: found.key.to_string(),
        kind: found.kind.into(),
        instance_type: maybe_text(found.key.instance_type.as_ref()),
        zone: maybe_text(found.key.zone.as_ref()),
        node_pools: found.node_pools.iter().map(text).collect(),
        state: found.state.into(),
        ends_at: found.ends_at.map(Stamp),
        risk: score.risk,
        coverage: Hundredths(score.coverage_percent),
        evidence: evidence(score),
        hazard: found.hazard().map(hazard),
        nodes: found.nodes,
        gpus: stake.gpus,
        usd_per_hour: stake.rate.map(Usd),
        on_demand_usd_per_hour: stake.on_demand_rate.map(Usd),
        savings_percent: found.savings_millionths().and_then(percent),
        expected_reclaims_per_day: found.expected_reclaims_per_day_millionths().map(Millionths),
        pods: of_pods(stake.pods),
        pods_protected: of_pods(stake.pods_protected),
        pods_cut_short: of_pods(stake.pods_cut_short),
        jobs: JobStake::of_all(&app.fleet, stake, app.work_settings()).iter().map(job).collect(),
        gangs_losing_quorum: gangs(app, found),
        price: PoolPrice::of(&app.fleet, &app.insights.picture, found).map(|found| price(&found)),
    }
}

/// By namespace and name; of several systems with a group of that name there is one entry.
fn gangs(app: &App, found: &spot::SpotPool) -> Vec<Gang> {
    let losing = GangStake::losing(&app.fleet, &found.stake, |node| found.members.contains_key(node));
    let objects: BTreeSet<ObjectKey> = losing.into_iter().map(|one| one.gang.object).collect();
    objects.iter().map(|key| Gang { namespace: text(&key.namespace), name: text(&key.name) }).collect()
}

fn price(found: &PoolPrice<'_>) -> SpotPrice {
    SpotPrice {
        now: Usd(found.now),
        min7d: Usd(found.lowest),
        max7d: Usd(found.highest),
        ratio_to_on_demand: found.ratio.map(|ratio| Millionths(ratio.0.into())),
        as_of: Stamp(found.as_of),
    }
}

/// Of a share in millionths; what costs more than on demand saves nothing.
fn percent(millionths: i64) -> Option<Millionths> {
    u64::try_from(millionths.max(0)).ok().map(|share| Millionths(share * 100))
}

fn hazard(found: &Hazard) -> PoolHazard {
    let hours = |seconds: u64| seconds.saturating_mul(1_000) / 3_600 * 1_000;
    PoolHazard {
        // To a hundredth: an interruption of this hour counts as one.
        interruptions: Millionths((found.observed.interruption_millionths + 5_000) / 10_000 * 10_000),
        node_hours: Millionths(hours(found.observed.node_seconds)),
        per_hour: Billionths(found.per_hour_billionths),
        p24: Millionths(found.p24_millionths.into()),
        prior: found.prior.into(),
    }
}

fn job(stake: &JobStake) -> SpotJob {
    SpotJob {
        namespace: text(&stake.job.namespace),
        name: text(&stake.job.name),
        completed_work: stake.completed_millionths.map(|share| Millionths(share.into())),
        lost_seconds: stake.lost_seconds,
    }
}

pub(super) fn totals(app: &App) -> SpotTotals {
    let sum = app.insights.spot.totals();
    SpotTotals {
        nodes: sum.nodes,
        gpus: sum.gpus,
        usd_per_hour: sum.rate.map(Usd),
        savings_usd_per_hour: sum.savings.map(Usd),
        reclaiming: sum.reclaiming,
        largest_pool_share: sum.largest_pool_millionths.map(|share| Millionths(share.into())),
    }
}
