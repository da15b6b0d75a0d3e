//! What has been observed of pulls and of new machines, so that a start that goes on can be compared with those before.
//!
//! It is kept between sessions. Every observation has an identity (the container of a pod, a NodeClaim), so that it counts
//! once, however often it is seen and by how many instances of batchtop.

use std::collections::BTreeMap;

use super::ColdStart;
use super::capacity::Machine;
use crate::fleet::{Fleet, NodeClaimRow, Sym, Uid};
use crate::insight::newest::keep_newest;
use crate::units::{Second, Time};

/// How many pulls are kept: the newest.
pub const MOST_PULLS: usize = 4_096;

/// How many machines are kept: the newest.
pub const MOST_MACHINES: usize = 8_192;

/// How many launches that failed are kept: the newest.
pub const MOST_FAILURES: usize = 1_024;

/// Old observations are dropped together, when so many more have come than are kept.
const SLACK: usize = 256;

/// One container of one pod.
pub type PullKey = (Uid, Sym);

/// How the image of one container came to its Node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PullRecord {
    /// When the first step of the start began.
    pub at: Second,
    /// The image, as the spec names it.
    pub image: Sym,
    /// Where.
    pub place: Place,
    /// How it came; `None` while all pulls have failed.
    pub outcome: Option<PullOutcome>,
    /// Pulls that failed.
    pub failures: u32,
}

/// Where something was observed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Place {
    /// The instance type.
    pub instance_type: Option<Sym>,
    /// The NodePool.
    pub pool: Option<Sym>,
    /// The zone.
    pub zone: Option<Sym>,
}

/// How an image came to a Node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PullOutcome {
    /// It was pulled.
    Pulled {
        /// How long that took, in milliseconds.
        millis: u64,
        /// Its size, where that is known.
        bytes: Option<u64>,
    },
    /// It was there.
    Cached,
}

/// How one machine came to be, in seconds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MachineRecord {
    /// When its NodeClaim was created.
    pub at: Second,
    /// Its NodePool.
    pub pool: Sym,
    /// From the NodeClaim to its launch.
    pub launch_seconds: u32,
    /// From there to its Node.
    pub boot_seconds: u32,
    /// From there to its registration.
    pub register_seconds: u32,
    /// From there to its initialization.
    pub initialize_seconds: u32,
}

/// A NodeClaim that became no machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailureRecord {
    /// When that was known.
    pub at: Second,
    /// Its NodePool.
    pub pool: Sym,
    /// Why.
    pub kind: FailureKind,
}

/// Why a NodeClaim became no machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FailureKind {
    /// The cloud had none.
    InsufficientCapacity,
    /// Karpenter gave it up before it was launched.
    LaunchTimeout,
    /// Karpenter gave it up before it had registered.
    RegistrationTimeout,
}

/// The observations of one cluster: NodePools of one name are different ones elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterHistory {
    /// Which cluster: the uid of its Namespace `kube-system`, else the address of its API server.
    pub cluster: String,
    /// What was observed there.
    pub history: StartHistory,
}

/// Observations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StartHistory {
    /// Images.
    pub pulls: BTreeMap<PullKey, PullRecord>,
    /// Machines, by the uid of their NodeClaim.
    pub machines: BTreeMap<Uid, MachineRecord>,
    /// Launches that failed, by the name of the NodeClaim.
    pub failures: BTreeMap<Sym, FailureRecord>,
}

impl StartHistory {
    /// Notes what a start tells of its images. Says whether that is new.
    pub fn note_start(&mut self, start: &ColdStart) -> bool {
        let Some(at) = start.began().map(Second::from) else { return false };
        let place =
            || Place { instance_type: start.instance_type.clone(), pool: start.pool.clone(), zone: start.zone.clone() };
        let mut has_changed = false;
        for image in &start.images {
            let outcome = match (image.is_cached, image.pull_millis) {
                (Some(true), _) => Some(PullOutcome::Cached),
                (_, Some(millis)) => Some(PullOutcome::Pulled { millis, bytes: image.bytes }),
                _ => None,
            };
            if outcome.is_none() && image.failures == 0 {
                continue;
            }
            let record =
                PullRecord { at, image: image.image.clone(), place: place(), outcome, failures: image.failures };
            let key = (start.uid.clone(), image.container.clone());
            let known = self.pulls.get(&key);
            let record = match known {
                Some(known) => record.with(known),
                None => record,
            };
            has_changed |= known != Some(&record);
            self.pulls.insert(key, record);
        }
        shrink(&mut self.pulls, MOST_PULLS, |record| record.at);
        has_changed
    }

    /// Notes how the machine of a NodeClaim came to be, once it is initialized. Says whether that is new.
    pub fn note_claim(&mut self, fleet: &Fleet, claim: &NodeClaimRow) -> bool {
        let Some(record) = machine(fleet, claim) else { return false };
        let is_new = self.machines.get(&claim.meta.uid) != Some(&record);
        if is_new {
            self.machines.insert(claim.meta.uid.clone(), record);
            shrink(&mut self.machines, MOST_MACHINES, |record| record.at);
        }
        is_new
    }

    /// Notes why a NodeClaim became no machine, where that is known. Says whether that is new.
    pub fn note_launch(&mut self, fleet: &Fleet, claim: &Sym) -> bool {
        let Some(launch) = fleet.launch(claim) else { return false };
        let kind = launch.insufficient.as_ref().map(|(at, _)| (*at, FailureKind::InsufficientCapacity));
        let Some((at, kind)) = kind.or_else(|| launch.timed_out.map(timeout)) else { return false };
        let pool = launch.pool.clone().or_else(|| pool_of(fleet, claim));
        let Some(pool) = pool else { return false };
        let record = FailureRecord { at, pool, kind };
        let is_new = self.failures.get(claim) != Some(&record);
        if is_new {
            self.failures.insert(claim.clone(), record);
            shrink(&mut self.failures, MOST_FAILURES, |record| record.at);
        }
        is_new
    }

    /// Takes in what was kept of other sessions; what is known here is newer, and may be less: its Node or its Events may have
    /// gone.
    pub fn load(&mut self, kept: Self) {
        for (key, record) in kept.pulls {
            let record = match self.pulls.remove(&key) {
                Some(known) => known.with(&record),
                None => record,
            };
            self.pulls.insert(key, record);
        }
        for (key, record) in kept.machines {
            self.machines.entry(key).or_insert(record);
        }
        for (key, record) in kept.failures {
            self.failures.entry(key).or_insert(record);
        }
        self.shrink();
    }

    /// Drops the oldest until no more are kept than may be.
    pub fn shrink(&mut self) {
        keep_newest(&mut self.pulls, MOST_PULLS, |record| record.at);
        keep_newest(&mut self.machines, MOST_MACHINES, |record| record.at);
        keep_newest(&mut self.failures, MOST_FAILURES, |record| record.at);
    }
}

impl PullRecord {
    /// With what was known before and is not any more: the place, once the Node is gone, and how the image came, once its
    /// Events are.
    fn with(self, before: &Self) -> Self {
        Self {
            at: self.at.min(before.at),
            place: self.place.or(&before.place),
            outcome: PullOutcome::better(self.outcome, before.outcome),
            failures: self.failures.max(before.failures),
            ..self
        }
    }
}

impl Place {
    fn or(self, other: &Self) -> Self {
        Self {
            instance_type: self.instance_type.or_else(|| other.instance_type.clone()),
            pool: self.pool.or_else(|| other.pool.clone()),
            zone: self.zone.or_else(|| other.zone.clone()),
        }
    }
}

impl PullOutcome {
    /// An image that was pulled has not been there; of two answers about a pull the newer counts, unless it lacks the
    /// size.
    fn better(new: Option<Self>, before: Option<Self>) -> Option<Self> {
        match (new, before) {
            (Some(Self::Pulled { bytes: None, .. }), Some(Self::Pulled { bytes: Some(_), .. })) => before,
            (Some(Self::Pulled { .. }), _) => new,
            (_, Some(Self::Pulled { .. })) => before,
            (new, before) => new.or(before),
        }
    }
}

const fn timeout((at, is_launched): (Second, bool)) -> (Second, FailureKind) {
    (at, if is_launched { FailureKind::RegistrationTimeout } else { FailureKind::LaunchTimeout })
}

fn machine(fleet: &Fleet, claim: &NodeClaimRow) -> Option<MachineRecord> {
    let machine = Machine { node: fleet.node_of(claim), claim: Some(claim) };
    let edges: Vec<Time> = machine.edges().into_iter().map(|(_, end, _)| end).collect::<Option<_>>()?;
    let seconds = |at: usize| u32::try_from(edges[at + 1].seconds_since(edges[at]).max(0)).unwrap_or(u32::MAX);
    Some(MachineRecord {
        at: claim.meta.created.into(),
        pool: claim.node_pool()?.clone(),
        launch_seconds: seconds(0),
        boot_seconds: seconds(1),
        register_seconds: seconds(2),
        initialize_seconds: seconds(3),
    })
}

/// The NodePool of a NodeClaim that is gone: its name begins with that of the pool (karpenter
/// pkg/controllers/provisioning/scheduling/nodeclaimtemplate.go, `GenerateName`).
fn pool_of(fleet: &Fleet, claim: &str) -> Option<Sym> {
    let (prefix, _) = claim.rsplit_once('-')?;
    let of_row = fleet.node_claims.get(&crate::fleet::ObjectKey::cluster(claim)).and_then(NodeClaimRow::node_pool);
    let named = || fleet.node_pools.get(&crate::fleet::ObjectKey::cluster(prefix)).map(|pool| &pool.meta.key.name);
    of_row.or_else(named).cloned()
}

fn shrink<K: Ord + Clone, V>(records: &mut BTreeMap<K, V>, most: usize, at: impl Fn(&V) -> Second) {
    if records.len() > most + SLACK {
        keep_newest(records, most, at);
    }
}
