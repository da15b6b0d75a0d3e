//! Kubernetes Events: a bounded memory of what happened.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::{Change, Meta, ObjectKey, Row, Sym};
use crate::units::Time;

/// `type` of an Event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventType {
    /// `Normal`.
    Normal,
    /// `Warning`, and whatever else is not `Normal`.
    Warning,
}

/// What an Event is about, by its reason, its object and its source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EventClass {
    /// Karpenter may not take a node.
    Blocked,
    /// Karpenter takes, or considers taking, a node.
    Disrupting,
    /// The cloud takes an instance.
    Interruption,
    /// A pod is evicted, preempted or deleted with its node.
    Eviction,
    /// Capacity is requested, launched, registered.
    Provisioning,
    /// Images are pulled.
    Image,
    /// Pods are bound, or are not.
    Scheduling,
    /// Everything else; the first to be forgotten.
    Other,
}

/// What an Event speaks of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EventObject {
    /// `involvedObject.kind`.
    pub kind: Sym,
    /// `involvedObject.namespace` and `.name`; the namespace is empty for cluster-scoped objects.
    pub key: ObjectKey,
}

/// One core/v1 Event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// Identity.
    pub meta: Meta,
    /// When it was last seen: series, lastTimestamp, eventTime, creation, the first that is set.
    pub at: Time,
    /// How often.
    pub count: u32,
    /// Normal or Warning.
    pub kind: EventType,
    /// `reason`; Karpenter's AWS provider writes some without one.
    pub reason: Sym,
    /// What it speaks of.
    pub object: EventObject,
    /// `message`.
    pub message: Sym,
    /// `source.component`, else `reportingComponent`.
    pub source: Sym,
    /// `source.host`: for the kubelet's Events the Node.
    pub host: Option<Sym>,
    /// What it is about.
    pub class: EventClass,
}

impl Row for EventRow {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

/// How many Events are kept; of class Other the oldest leave first, then the oldest of all.
pub const EVENT_CAPACITY: usize = 20_000;

/// Order of leaving: everything of class Other before everything else, each by time.
type Rank = (bool, Time, ObjectKey);

/// The Events that are kept: at most [`EVENT_CAPACITY`], and beside them the newest disruption Event of each object.
#[derive(Default)]
pub struct EventTable {
    rows: HashMap<ObjectKey, (EventRow, u64), RandomState>,
    ranks: BTreeSet<Rank>,
    newest_disruption: HashMap<EventObject, EventRow, RandomState>,
    round: u64,
    dropped: u64,
}

fn rank(row: &EventRow) -> Rank {
    (row.class != EventClass::Other, row.at, row.meta.key.clone())
}

impl EventTable {
    /// Applies one change; a relist forgets what the server no longer has when it commits.
    pub fn apply(&mut self, change: Change<EventRow>) {
        match change {
            Change::Begin => self.round += 1,
            Change::Upsert(row) => self.upsert(row),
            Change::Remove(key) => self.remove(&key),
            Change::Commit => self.forget_unseen(),
        }
    }

    fn upsert(&mut self, row: EventRow) {
        self.remember_disruption(&row);
        let key = row.meta.key.clone();
        let fresh = rank(&row);
        if let Some((old, _)) = self.rows.insert(key, (row, self.round)) {
            self.ranks.remove(&rank(&old));
        }
        self.ranks.insert(fresh);
        if self.rows.len() > EVENT_CAPACITY {
            self.drop_one();
        }
    }

    fn drop_one(&mut self) {
        if let Some((_, _, key)) = self.ranks.pop_first() {
            self.rows.remove(&key);
            self.dropped += 1;
        }
    }

    fn remember_disruption(&mut self, row: &EventRow) {
        if !matches!(row.class, EventClass::Blocked | EventClass::Disrupting | EventClass::Interruption) {
            return;
        }
        let newest = self.newest_disruption.entry(row.object.clone()).or_insert_with(|| row.clone());
        if newest.at <= row.at {
            *newest = row.clone();
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        if let Some((row, _)) = self.rows.remove(key) {
            self.ranks.remove(&rank(&row));
            self.forget_disruption(&row);
        }
    }

    fn forget_disruption(&mut self, row: &EventRow) {
        if self.newest_disruption.get(&row.object).is_some_and(|newest| newest.meta.key == row.meta.key) {
            self.newest_disruption.remove(&row.object);
        }
    }

    fn forget_unseen(&mut self) {
        let round = self.round;
        let unseen: Vec<ObjectKey> =
            self.rows.iter().filter(|(_, (_, seen))| *seen != round).map(|(key, _)| key.clone()).collect();
        for key in unseen {
            self.remove(&key);
        }
    }

    /// One Event.
    pub fn get(&self, key: &ObjectKey) -> Option<&EventRow> {
        self.rows.get(key).map(|(row, _)| row)
    }

    /// All Events, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &EventRow> {
        self.rows.values().map(|(row, _)| row)
    }

    /// The newest Event of class Blocked, Disrupting or Interruption of each object, also where the ring forgot it.
    pub fn newest_disruption(&self, object: &EventObject) -> Option<&EventRow> {
        self.newest_disruption.get(object)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many were forgotten because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}
