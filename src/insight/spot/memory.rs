//! What batchtop has seen of spot pools itself: for how long it watched how many nodes, and which were taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::hazard::Observed;
use super::node::{SpotNode, SpotPoolKey};
use super::thresholds::SpotThresholds;
use crate::fleet::Uid;
use crate::insight::newest::keep_newest;
use crate::units::Time;

/// How many pools are remembered; those watched longest ago are forgotten first.
pub const POOL_CAPACITY: usize = 4_096;

/// How many interruptions are remembered, so that none counts twice; the oldest are forgotten first.
pub const INTERRUPTION_CAPACITY: usize = 4_096;

/// How long an interruption is remembered. By then its Event is gone, and its node.
const INTERRUPTION_SECONDS: i64 = 86_400;

/// What was watched of a pool, as of a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WatchedPool {
    /// Interruptions and node-hours, faded until `as_of`.
    pub observed: Observed,
    /// When it was last watched.
    pub as_of: Time,
}

/// A Node that was taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interruption {
    /// The pool of the Node.
    pub pool: SpotPoolKey,
    /// When the notice was given; where the signal does not say, when it was first seen.
    pub at: Time,
}

/// What has been seen of the spot pools of one cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SpotMemory {
    /// What was watched, by pool.
    pub pools: BTreeMap<SpotPoolKey, WatchedPool>,
    /// Nodes that were taken back, by uid.
    pub interruptions: BTreeMap<Uid, Interruption>,
    /// When a signal was last seen: something in the cluster tells of reclaims.
    pub told_at: Option<Time>,
}

impl SpotMemory {
    /// What was watched of a pool, as it counts now.
    pub fn observed(&self, pool: &SpotPoolKey, thresholds: &SpotThresholds, now: Time) -> Observed {
        self.pools.get(pool).map_or_else(Observed::default, |watched| watched.faded(thresholds, now))
    }

    /// Which Nodes of a pool were taken back, and when, in no order.
    pub fn interruptions_of(&self, pool: &SpotPoolKey) -> impl Iterator<Item = (&Uid, Time)> {
        self.interruptions.iter().filter(|(_, one)| one.pool == *pool).map(|(uid, one)| (uid, one.at))
    }

    /// Notes that so many nodes of a pool were watched for so many seconds until now.
    pub fn watch(&mut self, pool: &SpotPoolKey, node_seconds: u64, thresholds: &SpotThresholds, now: Time) {
        let observed = self.observed(pool, thresholds, now);
        let node_seconds = observed.node_seconds.saturating_add(node_seconds);
        self.pools.insert(pool.clone(), WatchedPool { observed: Observed { node_seconds, ..observed }, as_of: now });
    }

    /// Notes what a Node shows. An interruption is counted once, and only where it came while somebody watched.
    pub fn note(&mut self, node: &SpotNode, watching_since: Option<Time>, thresholds: &SpotThresholds, now: Time) {
        let Some(signal) = &node.signal else { return };
        self.told_at = self.told_at.max(Some(signal.at.unwrap_or(now)));
        if !node.is_interrupted || self.interruptions.contains_key(&node.uid) {
            return;
        }
        let at = signal.at.unwrap_or(now);
        self.interruptions.insert(node.uid.clone(), Interruption { pool: node.pool.clone(), at });
        if watching_since.is_some_and(|since| at > since) {
            let observed = self.observed(&node.pool, thresholds, now);
            let interruption_millionths = observed.interruption_millionths + ONE;
            let observed = Observed { interruption_millionths, ..observed };
            self.pools.insert(node.pool.clone(), WatchedPool { observed, as_of: now });
        }
    }

    /// Forgets what is too old, and what is too much; of interruptions none of a Node that still exists.
    pub fn forget(&mut self, nodes: &BTreeSet<&Uid>, now: Time) {
        self.interruptions.retain(|uid, one| nodes.contains(uid) || now.seconds_since(one.at) < INTERRUPTION_SECONDS);
        keep_newest(&mut self.interruptions, INTERRUPTION_CAPACITY, |one| one.at);
        keep_newest(&mut self.pools, POOL_CAPACITY, |pool| pool.as_of);
    }
}

/// One interruption.
const ONE: u64 = 1_000_000;

impl WatchedPool {
    /// Both parts fade alike, so that the rate stays. What lies in the future was written by a wrong clock.
    fn faded(&self, thresholds: &SpotThresholds, now: Time) -> Observed {
        let age = now.seconds_since(self.as_of).max(0);
        let half_lives = age as f64 / thresholds.half_life_seconds.max(1) as f64;
        Observed {
            interruption_millionths: halved(self.observed.interruption_millionths, half_lives),
            node_seconds: halved(self.observed.node_seconds, half_lives),
        }
    }
}

/// Half for each half-life that has passed, rounded to the nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative, and no more than it was")]
fn halved(amount: u64, half_lives: f64) -> u64 {
    (amount as f64 * (-half_lives).exp2()).round() as u64
}
