//! A spot pool: its Nodes together, its risk, and what goes with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::floor::Floor;
use super::hazard::{Hazard, Observed, Prior};
use super::memory::SpotMemory;
use super::node::{SpotNode, SpotPoolKey, SpotState, Stake, UNKNOWN};
use super::refusal::Refusal;
use super::score::{Score, ScoreInputs};
use super::thresholds::SpotThresholds;
use crate::fleet::{Sym, Uid};
use crate::insight::interruption::SpotKind;
use crate::units::Time;

/// A spot pool at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpotPool {
    /// Instance type and zone.
    pub key: SpotPoolKey,
    /// The kind of capacity; of Google's two the one that may last longer, where the pool has both.
    pub kind: SpotKind,
    /// NodePools of its Nodes, in order.
    pub node_pools: BTreeSet<Sym>,
    /// That of its worst Node.
    pub state: SpotState,
    /// The first end that is known of a Node.
    pub ends_at: Option<Time>,
    /// Number of its Nodes.
    pub nodes: u64,
    /// Its Nodes that the cloud takes back.
    pub nodes_reclaiming: u64,
    /// Its Nodes of which an interruption would be told.
    pub nodes_watched: u64,
    /// The risk of each of its Nodes, by name: the facts are those of the Node and of its siblings.
    pub members: BTreeMap<Sym, Score>,
    /// What goes if it goes.
    pub stake: Stake,
    /// What decides its score: the strongest fact is that of the pool or of its worst Node.
    pub inputs: ScoreInputs,
    /// Its risk.
    pub score: Score,
}

impl SpotPool {
    /// The pools of these Nodes, in order.
    pub fn gather<'a>(
        nodes: impl Iterator<Item = (&'a Sym, &'a SpotNode)>,
        history: PoolHistory<'_>,
        now: Time,
    ) -> BTreeMap<SpotPoolKey, Self> {
        let mut by_pool: BTreeMap<&SpotPoolKey, Vec<(&Sym, &SpotNode)>> = BTreeMap::new();
        nodes.for_each(|(name, node)| by_pool.entry(&node.pool).or_default().push((name, node)));
        let pools = by_pool.into_iter().filter_map(|(key, members)| Self::of(key, &members, history, now));
        pools.map(|pool| (pool.key.clone(), pool)).collect()
    }

    fn of(key: &SpotPoolKey, members: &[(&Sym, &SpotNode)], history: PoolHistory<'_>, now: Time) -> Option<Self> {
        let nodes: Vec<&SpotNode> = members.iter().map(|(_, node)| *node).collect();
        let kind = nodes.iter().map(|node| node.kind).min()?;
        let state = nodes.iter().map(|node| node.state).max()?;
        let of_nodes = nodes.iter().filter_map(|node| node.floor).max();
        let past = history.of(key);
        let inputs = ScoreInputs {
            floor: of_nodes.max(past.floor(None, now)),
            ..estimate(kind, &nodes, history.memory.observed(key, history.thresholds, now))
        };
        let score_of = |node: &SpotNode| {
            let inputs = ScoreInputs { floor: node.floor.max(past.floor(Some(&node.uid), now)), ..inputs };
            Score::of(&inputs, history.thresholds)
        };
        let count = |is_counted: fn(&SpotNode) -> bool| nodes.iter().filter(|node| is_counted(node)).count() as u64;
        let mut stake = Stake::default();
        nodes.iter().for_each(|node| stake.add(&node.stake));
        Some(Self {
            key: key.clone(),
            kind,
            node_pools: nodes.iter().filter_map(|node| node.node_pool.clone()).collect(),
            state,
            ends_at: nodes.iter().filter(|node| node.state == state).filter_map(|node| node.ends_at).min(),
            nodes: count(|_| true),
            nodes_reclaiming: count(|node| node.state == SpotState::Reclaiming),
            nodes_watched: count(SpotNode::is_watched),
            members: members.iter().map(|(name, node)| ((*name).clone(), score_of(node))).collect(),
            stake,
            score: Score::of(&inputs, history.thresholds),
            inputs,
        })
    }

    /// Estimate of interruptions, where it is more than an assumption.
    pub fn hazard(&self) -> Option<&Hazard> {
        Some(&self.inputs.hazard).filter(|hazard| hazard.is_evidence())
    }

    /// Interruptions that it has to expect in a day, in millionths; `None` without evidence.
    pub fn expected_reclaims_per_day_millionths(&self) -> Option<u64> {
        self.hazard().map(|hazard| hazard.per_day_millionths(self.nodes))
    }

    /// Its part of all spot Nodes, in millionths.
    pub fn share_millionths(&self, totals: &SpotTotals) -> i64 {
        share_millionths(self.nodes, totals)
    }

    /// Savings against on-demand capacity in millionths of its price; `None` where a price is not known.
    pub fn savings_millionths(&self) -> Option<i64> {
        let (savings, on_demand) = (self.stake.savings?, self.stake.on_demand_rate.filter(|rate| *rate > 0)?);
        i64::try_from(i128::from(savings) * 1_000_000 / i128::from(on_demand)).ok()
    }
}

/// Only for AWS is there an estimate; Google and Microsoft publish nothing that could be one. Of several prices, as two
/// Nodes may be priced differently by the user, the higher counts; of the scores of several NodePools the lowest.
fn estimate(kind: SpotKind, nodes: &[&SpotNode], observed: Observed) -> ScoreInputs {
    let unknown = ScoreInputs {
        hazard: Hazard::new(Observed::default(), Prior::Assumed),
        placement: None,
        price: None,
        floor: None,
    };
    if kind.tells_by_itself() {
        return unknown;
    }
    let advisor = nodes.iter().filter_map(|node| node.advisor).max();
    let placement = nodes.iter().filter_map(|node| node.placement).min();
    let price = nodes.iter().filter_map(|node| node.price).max();
    ScoreInputs { hazard: Hazard::new(observed, Prior::of(advisor)), placement, price, ..unknown }
}

/// What has happened to pools.
#[derive(Clone, Copy, Debug)]
pub struct PoolHistory<'a> {
    /// What was seen of them.
    pub memory: &'a SpotMemory,
    /// Requests for capacity that were refused lately.
    pub refusals: &'a [Refusal],
    /// What counts of it, and as how much.
    pub thresholds: &'a SpotThresholds,
}

impl<'a> PoolHistory<'a> {
    /// What of it is of one pool.
    fn of(self, key: &SpotPoolKey) -> PoolPast<'a> {
        PoolPast {
            interruptions: self.memory.interruptions_of(key).collect(),
            refused: self.refusals.iter().filter(|refusal| refusal.is_of(key)).map(|refusal| refusal.at).max(),
        }
    }
}

/// What has happened to one pool.
struct PoolPast<'a> {
    /// Which of its Nodes were taken back, and when.
    interruptions: Vec<(&'a Uid, Time)>,
    /// When capacity of it was last refused.
    refused: Option<Time>,
}

impl PoolPast<'_> {
    /// The strongest fact that all Nodes of the pool share, that Node aside of whose siblings is asked.
    fn floor(&self, except: Option<&Uid>, now: Time) -> Option<Floor> {
        let of_others = self.interruptions.iter().filter(|(uid, _)| Some(*uid) != except);
        let of_sibling = of_others.map(|(_, at)| *at).max().map(|at| now.seconds_since(at));
        let of_capacity = self.refused.map(|at| now.seconds_since(at)).and_then(Floor::insufficient_capacity);
        of_sibling.and_then(Floor::sibling_reclaimed).max(of_capacity)
    }
}

/// The zone of spot capacity; `None` where no label of its Nodes tells it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpotZoneKey(pub Option<Sym>);

/// `us-east-1a`.
impl fmt::Display for SpotZoneKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or(UNKNOWN))
    }
}

/// All spot capacity of a zone: an outage of the zone takes it at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpotZone {
    /// The zone.
    pub key: SpotZoneKey,
    /// That of its worst pool.
    pub state: SpotState,
    /// Number of its pools.
    pub pools: u64,
    /// Names of its Nodes.
    pub members: BTreeSet<Sym>,
    /// What goes if it goes.
    pub stake: Stake,
}

/// Spot capacity by zone.
pub type SpotZones = BTreeMap<SpotZoneKey, SpotZone>;

impl SpotZone {
    /// These pools, zone by zone.
    pub fn gather<'a>(pools: impl Iterator<Item = &'a SpotPool>) -> SpotZones {
        let mut zones = SpotZones::new();
        for pool in pools {
            let key = SpotZoneKey(pool.key.zone.clone());
            let new = || Self {
                key: key.clone(),
                state: pool.state,
                pools: 0,
                members: BTreeSet::new(),
                stake: Stake::default(),
            };
            zones.entry(key.clone()).or_insert_with(new).add(pool);
        }
        zones
    }

    fn add(&mut self, pool: &SpotPool) {
        self.pools += 1;
        self.state = self.state.max(pool.state);
        self.members.extend(pool.members.keys().cloned());
        self.stake.add(&pool.stake);
    }

    /// Its part of all spot Nodes, in millionths.
    pub fn share_millionths(&self, totals: &SpotTotals) -> i64 {
        share_millionths(self.members.len() as u64, totals)
    }
}

fn share_millionths(nodes: u64, totals: &SpotTotals) -> i64 {
    (nodes * 1_000_000).checked_div(totals.nodes).and_then(|share| i64::try_from(share).ok()).unwrap_or(0)
}

/// Sums over all spot capacity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpotTotals {
    /// Number of spot Nodes.
    pub nodes: u64,
    /// Their accelerators.
    pub gpus: i64,
    /// What they cost, in micro-dollars per hour; `None` where no price is known.
    pub rate: Option<i64>,
    /// Savings against on-demand capacity, in micro-dollars per hour, where both prices are known.
    pub savings: Option<i64>,
    /// Nodes that the cloud takes back.
    pub reclaiming: u64,
    /// Part of the Nodes that are in the largest pool, in millionths; `None` without Nodes.
    pub largest_pool_millionths: Option<u32>,
}

impl SpotTotals {
    /// Over all pools.
    pub fn of<'a>(pools: impl Iterator<Item = &'a SpotPool>) -> Self {
        let (mut sum, mut totals, mut largest) = (Stake::default(), Self::default(), 0);
        for pool in pools {
            sum.add_amounts(&pool.stake);
            totals.nodes += pool.nodes;
            totals.reclaiming += pool.nodes_reclaiming;
            largest = pool.nodes.max(largest);
        }
        let share = (largest * 1_000_000).checked_div(totals.nodes).and_then(|share| u32::try_from(share).ok());
        // Without Nodes nothing is paid; that is known.
        let zero = (totals.nodes == 0).then_some(0);
        let (rate, savings) = (sum.rate.or(zero), sum.savings.or(zero));
        Self { gpus: sum.gpus, rate, savings, largest_pool_millionths: share, ..totals }
    }
}
