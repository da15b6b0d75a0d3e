//! One spot Node: where it stands, and what goes with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use foldhash::fast::RandomState;

use super::floor::Floor;
use super::score::{PlacementScore, PriceRatio};
use crate::fleet::{AdvisorRange, GangKey, NodeClaimRow, NodeRow, ObjectKey, Sym, Uid};
use crate::insight::interruption::{self, PREEMPTIBLE_SECONDS, Signal, SignalKind, SpotKind};
use crate::units::Time;

/// A pool of spot capacity: AWS takes back instances of one type in one zone, and mostly several at once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpotPoolKey {
    /// Instance type; `None` where no label tells it.
    pub instance_type: Option<Sym>,
    /// Zone; `None` where no label tells it.
    pub zone: Option<Sym>,
}

/// In place of an instance type or zone that is not known.
pub(super) const UNKNOWN: &str = "unknown";

/// `g5.xlarge/us-east-1a`.
impl fmt::Display for SpotPoolKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: &Option<Sym>| part.as_deref().unwrap_or(UNKNOWN).to_owned();
        write!(f, "{}/{}", part(&self.instance_type), part(&self.zone))
    }
}

impl SpotPoolKey {
    /// The pool of a Node; before Karpenter has labelled it, its NodeClaim tells.
    pub fn of(node: &NodeRow, claim: Option<&NodeClaimRow>) -> Self {
        let instance_type = node.instance_type().or_else(|| claim.and_then(NodeClaimRow::instance_type));
        let zone = node.zone().or_else(|| claim.and_then(NodeClaimRow::zone));
        Self { instance_type: instance_type.cloned(), zone: zone.cloned() }
    }
}

/// Where a Node or a pool stands, the better states first. A pool stands where its worst Node does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SpotState {
    /// Nothing tells of a reclaim, and something would.
    Calm,
    /// Nothing in the cluster would tell of a reclaim.
    Blind,
    /// AWS has recommended to replace it.
    Rebalance,
    /// The cloud takes it back.
    Reclaiming,
}

/// What in the cluster would tell of a reclaim of instances of AWS, besides EKS on its own Nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EventSources {
    /// A Karpenter has an interruption queue.
    pub has_queue: bool,
    /// The Node Termination Handler runs.
    pub has_termination_handler: bool,
    /// Something has told of a reclaim before.
    pub has_told: bool,
}

impl SpotState {
    /// As the JSON writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "Calm",
            Self::Blind => "Blind",
            Self::Rebalance => "Rebalance",
            Self::Reclaiming => "Reclaiming",
        }
    }
}

impl EventSources {
    const fn any(self) -> bool {
        self.has_queue || self.has_termination_handler || self.has_told
    }
}

/// What goes if a Node, or all Nodes of a pool, go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stake {
    /// Accelerators: devices where they are known, else as advertised.
    pub gpus: i64,
    /// What it costs, in micro-dollars per hour; `None` where that is not known.
    pub rate: Option<i64>,
    /// What the same would cost on demand, in micro-dollars per hour; `None` where that is not known.
    pub on_demand_rate: Option<i64>,
    /// Difference of the two, of those Nodes of which both are known.
    pub savings: Option<i64>,
    /// Active pods.
    pub pods: u64,
    /// Active pods whose annotation protects them, which stops no reclaim.
    pub pods_protected: u64,
    /// Active pods that get less time to end than they ask for.
    pub pods_cut_short: u64,
    /// Nodes whose price is not known.
    pub unpriced: u64,
    /// Jobs with active pods there, and since when the oldest of these has worked without a checkpoint; `None` where
    /// none has started.
    pub jobs: BTreeMap<ObjectKey, Option<Time>>,
    /// Gangs with active pods there.
    pub gangs: BTreeSet<GangKey>,
}

impl Stake {
    /// Adds what goes with another Node.
    pub(super) fn add(&mut self, other: &Self) {
        self.add_amounts(other);
        for (job, since) in &other.jobs {
            self.add_job(job.clone(), *since);
        }
        self.gangs.extend(other.gangs.iter().cloned());
    }

    /// Notes a Job with an active pod that has worked since then without a checkpoint.
    pub fn add_job(&mut self, job: ObjectKey, since: Option<Time>) {
        let oldest = self.jobs.entry(job).or_default();
        *oldest = oldest.iter().copied().chain(since).min();
    }

    /// Adds what goes with another Node, its Jobs aside.
    pub(super) fn add_amounts(&mut self, other: &Self) {
        let sum = |one: Option<i64>, other: Option<i64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.gpus = self.gpus.saturating_add(other.gpus);
        self.rate = sum(self.rate, other.rate);
        self.on_demand_rate = sum(self.on_demand_rate, other.on_demand_rate);
        self.savings = sum(self.savings, other.savings);
        self.pods += other.pods;
        self.pods_protected += other.pods_protected;
        self.pods_cut_short += other.pods_cut_short;
        self.unpriced += other.unpriced;
    }
}

/// Spot Nodes by name.
pub type SpotNodes = HashMap<Sym, SpotNode, RandomState>;

/// A spot Node at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpotNode {
    /// Uid of the Node, by which interruptions are counted once.
    pub uid: Uid,
    /// The kind of capacity.
    pub kind: SpotKind,
    /// The pool to which it belongs.
    pub pool: SpotPoolKey,
    /// NodePool of the Node.
    pub node_pool: Option<Sym>,
    /// Where it stands.
    pub state: SpotState,
    /// What tells so; `None` where nothing does.
    pub signal: Option<Signal>,
    /// By when it is gone at the latest; `None` where no end is known.
    pub ends_at: Option<Time>,
    /// What has happened to it, or is certain to.
    pub floor: Option<Floor>,
    /// Whether the signal is one of the cloud, and not what follows when somebody deletes the instance.
    pub is_interrupted: bool,
    /// What the Spot Instance Advisor says of its type in its region.
    pub advisor: Option<AdvisorRange>,
    /// How likely a request for capacity of its NodePool in its zone is to succeed.
    pub placement: Option<PlacementScore>,
    /// How the prices of spot and on-demand capacity compare, as lists tell them.
    pub price: Option<PriceRatio>,
    /// What goes with it.
    pub stake: Stake,
}

impl SpotNode {
    /// Of a Node with the signal that decides about it; `None` where its capacity is no spot capacity. Prices and what
    /// goes with it are for the picture to fill in.
    pub fn of(
        node: &NodeRow,
        claim: Option<&NodeClaimRow>,
        signal: Option<Signal>,
        sources: EventSources,
        now: Time,
    ) -> Option<Self> {
        let kind = SpotKind::of(node, claim)?;
        let is_told = sources.any() || kind.tells_by_itself() || interruption::is_managed_by_eks(node, claim);
        let state = match signal.as_ref().map(|signal| signal.kind) {
            Some(SignalKind::Reclaim) => SpotState::Reclaiming,
            Some(SignalKind::Rebalance) => SpotState::Rebalance,
            None if is_told => SpotState::Calm,
            None => SpotState::Blind,
        };
        let deletion = claim.and_then(|claim| claim.meta.deletion).or(node.meta.deletion);
        Some(Self {
            uid: node.meta.uid.clone(),
            pool: SpotPoolKey::of(node, claim),
            node_pool: node.node_pool().or_else(|| claim.and_then(NodeClaimRow::node_pool)).cloned(),
            ends_at: ends_at(kind, node, signal.as_ref()),
            floor: floor(kind, node, state, now),
            is_interrupted: signal.as_ref().is_some_and(|signal| is_interruption(signal, deletion)),
            kind,
            state,
            signal,
            advisor: None,
            placement: None,
            price: None,
            stake: Stake::default(),
        })
    }

    /// How many seconds its pods get to end: what is left until its end, else what the cloud gives after a notice.
    pub fn grace_seconds(&self, now: Time) -> i64 {
        match (self.state, self.ends_at) {
            (SpotState::Reclaiming, Some(end)) => end.seconds_since(now).max(0),
            _ => self.kind.grace_seconds(),
        }
    }

    /// Whether an interruption would be told of.
    pub fn is_watched(&self) -> bool {
        self.state != SpotState::Blind
    }
}

/// The notice and what it gives; without one, of a preemptible VM, a day after its creation.
fn ends_at(kind: SpotKind, node: &NodeRow, signal: Option<&Signal>) -> Option<Time> {
    match signal.filter(|signal| signal.kind == SignalKind::Reclaim) {
        Some(notice) => notice.at.map(|at| at.plus_seconds(kind.notice_seconds())),
        None => (kind == SpotKind::GcpPreemptible).then(|| node.meta.created.plus_seconds(PREEMPTIBLE_SECONDS)),
    }
}

fn floor(kind: SpotKind, node: &NodeRow, state: SpotState, now: Time) -> Option<Floor> {
    let of_state = match state {
        SpotState::Reclaiming => Some(Floor::RECLAIMING),
        SpotState::Rebalance => Some(Floor::REBALANCE),
        SpotState::Blind | SpotState::Calm => None,
    };
    let age = now.seconds_since(node.meta.created);
    let of_age = (kind == SpotKind::GcpPreemptible).then(|| Floor::preemptible_deadline(age)).flatten();
    of_state.max(of_age)
}

/// An instance that stops after its Node was deleted was not taken back.
fn is_interruption(signal: &Signal, deletion: Option<Time>) -> bool {
    let is_deleted_before = deletion.is_some_and(|deleted| signal.at.is_none_or(|at| deleted <= at));
    signal.kind == SignalKind::Reclaim && (signal.cause == interruption::Cause::Notice || !is_deleted_before)
}
