//! Spot Nodes and their pools, kept up to date in slices, and what was seen of them.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::RandomState;
use indexmap::IndexSet;

use super::Inputs;
use super::reclaims::{Reclaiming, Reclaims};
use crate::fleet::{Fleet, HealthState, Kind, ObjectKey, SourceId, Sym, Uid};
use crate::insight::KarpenterVersion;
use crate::insight::interruption;
use crate::insight::newest::keep_newest;
use crate::insight::picture::{Picture, SpotSettings};
use crate::insight::spot::memory::POOL_CAPACITY;
use crate::insight::spot::{
    EventSources, PoolHistory, Refusal, Score, SpotMemory, SpotNode, SpotNodes, SpotPool, SpotPoolKey, SpotState,
    SpotTotals, SpotZone, SpotZoneKey, SpotZones,
};
use crate::units::Time;

/// All spot Nodes and pools, each as of its last evaluation, and what was seen of pools.
#[derive(Default)]
pub struct Spot {
    nodes: SpotNodes,
    pools: BTreeMap<SpotPoolKey, SpotPool>,
    totals: SpotTotals,
    zones: SpotZones,
    /// What was seen of the pools of this cluster.
    memory: SpotMemory,
    /// Address of the API server of this cluster, by which what was seen of clusters is kept apart.
    server: Option<String>,
    /// What was seen of other clusters, by that address.
    archive: BTreeMap<String, SpotMemory>,
    refusals: Vec<Refusal>,
    sources: EventSources,
    are_sources_stale: bool,
    /// Pods of the Node Termination Handler.
    handlers: BTreeSet<ObjectKey>,
    /// Nodes that are taken back now, and what comes in place of their pods.
    reclaims: Reclaims,
    /// The sums of these, as of at most a second ago.
    reclaiming: Reclaiming,
    /// Number of changes of Events of which account has been taken.
    capacity_changes: u64,
    /// Nodes to evaluate now.
    due: IndexSet<Sym, RandomState>,
    /// Nodes that changed, and whose turn comes in the next second.
    touched: IndexSet<Sym, RandomState>,
    /// Whether pools are to be gathered anew.
    are_pools_stale: bool,
    /// Since when everything has been seen that tells of an interruption.
    watching_since: Option<Time>,
    /// Until when the time was counted for which nodes were watched.
    watched_until: Option<Time>,
    /// What spot capacity has cost less than on demand since batchtop started, by pool: of those watched last.
    saved: BTreeMap<SpotPoolKey, Saved>,
    /// Until when that was counted.
    saved_until: Option<Time>,
    /// When what was seen was last written down.
    written_at: Option<Time>,
    /// How many interruptions were known then.
    written_interruptions: usize,
}

/// What was seen of one cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpotRecord {
    /// Address of its API server.
    pub server: String,
    /// What was seen of its pools.
    pub memory: SpotMemory,
}

/// What a pool has saved against on-demand capacity.
#[derive(Clone, Copy, Default)]
struct Saved {
    /// Micro-dollars per hour times seconds, which is exact; negative where spot capacity was dearer.
    rate_seconds: i128,
    /// Until when it was counted.
    until: Option<Time>,
}

/// How many Nodes are evaluated at a time: about a millisecond.
const NODES_PER_SLICE: usize = 128;

/// How often what was seen is written down while nothing but time passes.
const WRITE_EVERY_SECONDS: i64 = 600;

impl Spot {
    /// A spot Node; `None` where its capacity is none, or before its first evaluation.
    pub fn node(&self, name: &str) -> Option<&SpotNode> {
        self.nodes.get(name)
    }

    /// All spot Nodes, by name.
    pub const fn nodes(&self) -> &SpotNodes {
        &self.nodes
    }

    /// All pools that have Nodes, by instance type and zone.
    pub fn pools(&self) -> impl Iterator<Item = &SpotPool> {
        self.pools.values()
    }

    /// One pool; `None` where it has no Node.
    pub fn pool(&self, key: &SpotPoolKey) -> Option<&SpotPool> {
        self.pools.get(key)
    }

    /// The risk of a Node as of its last evaluation; `None` where its capacity is no spot capacity, or before that.
    pub fn score_of(&self, name: &str) -> Option<&Score> {
        self.pool(&self.node(name)?.pool)?.members.get(name)
    }

    /// All zones that have spot Nodes, that without a name first.
    pub fn zones(&self) -> impl Iterator<Item = &SpotZone> {
        self.zones.values()
    }

    /// All spot capacity of a zone; `None` where it has none.
    pub fn zone(&self, key: &SpotZoneKey) -> Option<&SpotZone> {
        self.zones.get(key)
    }

    /// The sums over all pools.
    pub const fn totals(&self) -> &SpotTotals {
        &self.totals
    }

    /// What a pool has cost less than on demand since batchtop started, in micro-dollars; `None` where that is not known.
    pub fn saved(&self, key: &SpotPoolKey) -> Option<i64> {
        self.saved.get(key).and_then(|saved| micro_usd(saved.rate_seconds))
    }

    /// The same of all pools together, those that are gone included.
    pub fn saved_in_all(&self) -> Option<i64> {
        let sum = self.saved.values().map(|saved| saved.rate_seconds).sum();
        Some(sum).filter(|_| !self.saved.is_empty()).and_then(micro_usd)
    }

    /// What the cloud takes back now.
    pub const fn reclaiming(&self) -> &Reclaiming {
        &self.reclaiming
    }

    /// What in the cluster would tell of a reclaim.
    pub const fn sources(&self) -> EventSources {
        self.sources
    }

    /// What was seen of the pools of this cluster.
    pub const fn memory(&self) -> &SpotMemory {
        &self.memory
    }

    /// Takes over what earlier sessions saw of clusters, by the addresses of their API servers.
    pub fn load(&mut self, archive: BTreeMap<String, SpotMemory>) {
        self.archive = archive;
    }

    /// Without the cluster, before another one is read; what was seen of it counts again when it is read again.
    pub(super) fn without_cluster(mut self) -> Self {
        self.put_away();
        Self { archive: self.archive, ..Self::default() }
    }

    fn put_away(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        if let Some(server) = self.server.take().filter(|_| memory != SpotMemory::default()) {
            self.archive.insert(server, memory);
        }
    }

    /// Something changed that is of the whole cluster: its controllers, its identity, what of it is read, prices or the
    /// minute.
    pub(super) fn follow_cluster(&mut self, inputs: &Inputs<'_>) {
        let server = &inputs.cluster.server;
        if self.server.as_ref() != Some(server) {
            self.put_away();
            self.memory = self.archive.remove(server).unwrap_or_default();
            self.server = Some(server.clone());
            // What this cluster's Events tell has been read already, and belongs to it.
            self.note_told(inputs.fleet);
        }
        self.are_sources_stale = true;
        self.touch_all();
    }

    fn history<'a>(&'a self, inputs: &Inputs<'a>) -> PoolHistory<'a> {
        PoolHistory { memory: &self.memory, refusals: &self.refusals, thresholds: inputs.spot_thresholds }
    }

    /// These Nodes changed.
    pub(super) fn touch<'a>(&mut self, names: impl IntoIterator<Item = &'a Sym>) {
        self.touched.extend(names.into_iter().cloned());
    }

    /// Something changed that concerns all spot Nodes.
    fn touch_all(&mut self) {
        self.touched.extend(self.nodes.keys().cloned());
        self.are_pools_stale = true;
    }

    /// Follows which pods of the Node Termination Handler there are, and which come in place of those that go.
    pub(super) fn note_pods(&mut self, fleet: &Fleet, changed: &BTreeSet<ObjectKey>) {
        self.reclaims.note_pods(fleet, changed);
        for key in changed {
            let is_handler = |labels| interruption::is_termination_handler(labels);
            if fleet.pods.get(key).is_some_and(|pod| pod.is_active() && is_handler(&pod.labels)) {
                self.are_sources_stale |= self.handlers.insert(key.clone());
            } else {
                self.are_sources_stale |= self.handlers.remove(key);
            }
        }
    }

    /// Events that tell of capacity came, changed or went: every Node may stand elsewhere.
    pub(super) fn note_events(&mut self, fleet: &Fleet) {
        let changes = fleet.events.capacity_changes();
        if std::mem::replace(&mut self.capacity_changes, changes) == changes {
            return;
        }
        self.note_told(fleet);
        self.refusals = Refusal::newest(fleet.events.iter());
        self.touch_all();
    }

    fn note_told(&mut self, fleet: &Fleet) {
        let told = fleet.events.iter().filter(|event| interruption::is_signal(event));
        self.memory.told_at = self.memory.told_at.max(told.map(|event| event.at).max());
        self.are_sources_stale = true;
    }

    /// A second has passed: Nodes that changed are due, and those whose end is near, for the time that their pods have
    /// left shrinks.
    pub(super) fn begin_second(&mut self, inputs: &Inputs<'_>) {
        if std::mem::take(&mut self.are_sources_stale) {
            self.find_sources(inputs);
        }
        if !self.reclaiming.nodes.is_empty() {
            self.sum_reclaims(inputs);
        }
        let is_urgent = |node: &SpotNode| node.state == SpotState::Reclaiming;
        let urgent: Vec<Sym> =
            self.nodes.iter().filter(|(_, node)| is_urgent(node)).map(|(name, _)| name.clone()).collect();
        self.due.extend(self.touched.drain(..).chain(urgent));
    }

    /// What is taken back, and how far what comes in its place is. What nobody sees while nothing is taken back costs
    /// nothing.
    fn sum_reclaims(&mut self, inputs: &Inputs<'_>) {
        self.reclaims.follow(inputs.fleet, &self.nodes, inputs.now);
        self.reclaiming = self.reclaims.sum(inputs.fleet, &self.nodes);
    }

    /// Looks again what would tell of a reclaim.
    fn find_sources(&mut self, inputs: &Inputs<'_>) {
        // Where Events cannot be read, nobody who writes them tells.
        let told = || EventSources {
            has_queue: inputs.fleet.controllers.iter().any(|row| row.has_interruption_queue),
            has_termination_handler: !self.handlers.is_empty(),
            has_told: self.memory.told_at.is_some(),
        };
        let found = if inputs.known().readable(Kind::Event) { told() } else { EventSources::default() };
        if found != self.sources {
            self.sources = found;
            self.touch_all();
        }
    }

    /// Whether something is to be evaluated now.
    pub(super) fn has_work(&self) -> bool {
        !self.due.is_empty() || self.are_pools_stale
    }

    /// Evaluates the next slice, and gathers the pools once no Node is due. Says whether something changed.
    pub(super) fn evaluate_slice(
        &mut self,
        inputs: &Inputs<'_>,
        picture: &Picture,
        karpenter: &KarpenterVersion,
    ) -> bool {
        if self.due.is_empty() {
            self.are_pools_stale = false;
            return self.gather(inputs);
        }
        let slice = self.due.split_off(self.due.len().saturating_sub(NODES_PER_SLICE));
        let settings = SpotSettings {
            karpenter,
            sources: self.sources,
            checkpoint_annotation: inputs.checkpoint_annotation,
            now: inputs.now,
        };
        let mut has_changed = false;
        for name in slice {
            let new = picture.spot_node(inputs.fleet, &name, settings);
            let old = self.nodes.remove(&name);
            has_changed |= old != new;
            self.nodes.extend(new.map(|new| (name, new)));
        }
        self.are_pools_stale |= has_changed;
        has_changed
    }

    /// The pools of all Nodes, after what happened to them has been noted. Says whether a pool changed.
    fn gather(&mut self, inputs: &Inputs<'_>) -> bool {
        self.watch(inputs);
        self.count_savings(inputs);
        let had_told = self.memory.told_at.is_some();
        for node in self.nodes.values() {
            self.memory.note(node, self.watching_since, inputs.spot_thresholds, inputs.now);
        }
        let uids: BTreeSet<&Uid> = self.nodes.values().map(|node| &node.uid).collect();
        self.memory.forget(&uids, inputs.now);
        let pools = SpotPool::gather(self.nodes.iter(), self.history(inputs), inputs.now);
        self.sum_reclaims(inputs);
        let has_changed = pools != self.pools;
        self.totals = SpotTotals::of(pools.values());
        if has_changed {
            self.zones = SpotZone::gather(pools.values());
        }
        self.pools = pools;
        if !had_told && self.memory.told_at.is_some() {
            // Who has told once will tell again: Nodes of which nothing was known are watched now.
            self.find_sources(inputs);
            self.due.extend(self.touched.drain(..));
        }
        has_changed
    }

    /// Counts the time for which the Nodes of each pool were watched since it was last counted, as they stood then.
    fn watch(&mut self, inputs: &Inputs<'_>) {
        if !is_live(inputs, Kind::Node) || !is_live(inputs, Kind::Event) {
            (self.watching_since, self.watched_until) = (None, None);
            return;
        }
        self.watching_since.get_or_insert(inputs.now);
        let Some(seconds) = seconds_since(&mut self.watched_until, inputs) else { return };
        for pool in self.pools.values().filter(|pool| pool.nodes_watched > 0) {
            let node_seconds = pool.nodes_watched * seconds;
            self.memory.watch(&pool.key, node_seconds, inputs.spot_thresholds, inputs.now);
        }
    }

    /// Counts what the pools have saved since it was last counted, as they stood then. While Nodes are not seen nothing is.
    fn count_savings(&mut self, inputs: &Inputs<'_>) {
        if !is_live(inputs, Kind::Node) {
            self.saved_until = None;
            return;
        }
        let Some(seconds) = seconds_since(&mut self.saved_until, inputs) else { return };
        for pool in self.pools.values() {
            let Some(rate) = pool.stake.savings else { continue };
            let saved = self.saved.entry(pool.key.clone()).or_default();
            saved.rate_seconds += i128::from(rate) * i128::from(seconds);
            saved.until = Some(inputs.now);
        }
        keep_newest(&mut self.saved, POOL_CAPACITY, |saved| saved.until);
    }

    /// What was seen, to be written down, where an interruption is new or it has not been for a while.
    pub(super) fn take_record(&mut self, now: Time) -> Option<SpotRecord> {
        let interruptions = self.memory.interruptions.len();
        let is_old = self.written_at.is_none_or(|at| now.seconds_since(at) >= WRITE_EVERY_SECONDS);
        if self.memory == SpotMemory::default() || !(is_old || interruptions != self.written_interruptions) {
            return None;
        }
        (self.written_at, self.written_interruptions) = (Some(now), interruptions);
        Some(self.record())
    }

    /// What was seen of this cluster.
    pub fn record(&self) -> SpotRecord {
        SpotRecord { server: self.server.clone().unwrap_or_default(), memory: self.memory.clone() }
    }
}

/// Micro-dollars of micro-dollars per hour times seconds.
fn micro_usd(rate_seconds: i128) -> Option<i64> {
    const SECONDS_PER_HOUR: i128 = 3_600;
    i64::try_from(rate_seconds / SECONDS_PER_HOUR).ok()
}

fn is_live(inputs: &Inputs<'_>, kind: Kind) -> bool {
    inputs.sources.get(&SourceId::Kind(kind)).is_some_and(|health| health.state == HealthState::Live)
}

/// How many seconds have passed since something was last counted, and that it is counted now; `None` where that is none, or a
/// time in which nobody looked on.
fn seconds_since(counted_until: &mut Option<Time>, inputs: &Inputs<'_>) -> Option<u64> {
    let seconds = inputs.now.seconds_since(counted_until.replace(inputs.now)?);
    let is_seen = (1..=inputs.longest_tick_seconds.max(LONGEST_WATCH_SECONDS)).contains(&seconds);
    is_seen.then_some(seconds.unsigned_abs())
}

/// Pools are gathered at least each minute; a longer time is that of a suspended machine.
const LONGEST_WATCH_SECONDS: i64 = 150;
