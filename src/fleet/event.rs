//! Kubernetes Events: a bounded memory of what happened.

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::table::rows;
use super::{Change, Kind, Meta, ObjectKey, Sym, Uid};
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

/// The object that an Event is about: `involvedObject`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EventObject {
    /// `involvedObject.kind`.
    pub kind: Sym,
    /// `involvedObject.namespace` and `.name`; the namespace is empty for cluster-scoped objects.
    pub key: ObjectKey,
}

impl EventObject {
    /// A cluster-scoped object.
    pub fn cluster(kind: Kind, name: &Sym) -> Self {
        Self { kind: Sym::new(kind.name()), key: ObjectKey { namespace: Sym::new(""), name: name.clone() } }
    }
}

/// One core/v1 Event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// When it was last seen: series, lastTimestamp, eventTime, creation, the first that is set.
    pub at: Time,
    /// When it was first seen: firstTimestamp, eventTime, creation, the first that is set.
    pub first: Time,
    /// Number of occurrences: `series.count`, else `count`, else 1.
    pub count: u32,
    /// Normal or Warning.
    pub kind: EventType,
    /// `reason`; Karpenter's AWS provider writes some without one.
    pub reason: Sym,
    /// The object that the Event is about.
    pub object: EventObject,
    /// `involvedObject.uid`, by which an object is told from an earlier one of its name; `None` where absent.
    pub object_uid: Option<Uid>,
    /// The container of the pod that the Event is about, from `involvedObject.fieldPath`.
    pub container: Option<Sym>,
    /// `message`.
    pub message: Sym,
    /// `source.component`, else `reportingComponent`.
    pub source: Sym,
    /// `source.host`: for the kubelet's Events the Node.
    pub host: Option<Sym>,
    /// The subject, by reason and component.
    pub class: EventClass,
}

impl EventRow {
    /// Whether it is about the object of this kind, key and uid, and not about an earlier one of the same name.
    pub fn concerns(&self, kind: Kind, meta: &Meta) -> bool {
        let is_same = self.object_uid.as_ref().is_none_or(|uid| *uid == meta.uid);
        is_same && self.object.kind == *kind.name() && self.object.key == meta.key
    }

    /// Whether it is about this object; the one place that says when that is so.
    ///
    /// Events about cluster-scoped objects stand in namespace `default`, and some writers put that into
    /// `involvedObject.namespace`, too: for an object without namespace that of the Event does not count.
    pub fn speaks_of(&self, object: &EventObject) -> bool {
        let (about, asked) = (&self.object.key, &object.key);
        self.object.kind == object.kind
            && about.name == asked.name
            && (asked.namespace.is_empty() || about.namespace == asked.namespace)
    }
}

rows!(EventRow);

/// How many Events are kept; of class Other the oldest leave first, then the oldest of all.
pub const EVENT_CAPACITY: usize = 20_000;

/// Order of leaving: what a running relist has not named yet, then everything of class Other before everything else, each
/// by time. Without the first, Events long gone would push out what the relist brings, and then leave themselves.
type Rank = (u64, bool, Time, ObjectKey);

type Keys = HashSet<ObjectKey, RandomState>;

/// By kind and name of an object. The namespace is left out, as Events about cluster-scoped objects may have one or not.
type ByObject = HashMap<Sym, HashMap<Sym, Keys, RandomState>, RandomState>;

/// The Events that are kept: at most [`EVENT_CAPACITY`], and beside them the newest disruption Event of each object.
#[derive(Default)]
pub struct EventTable {
    rows: HashMap<ObjectKey, (EventRow, u64), RandomState>,
    ranks: BTreeSet<Rank>,
    by_object: ByObject,
    newest_disruption: HashMap<EventObject, (EventRow, u64), RandomState>,
    /// The objects in `newest_disruption` by the key of their Event, which the ring may have forgotten.
    disrupted_by: HashMap<ObjectKey, EventObject, RandomState>,
    round: u64,
    dropped: u64,
    capacity_changes: u64,
}

fn rank(row: &EventRow, seen: u64) -> Rank {
    (seen, row.class != EventClass::Other, row.at, row.meta.key.clone())
}

fn is_disruption(row: &EventRow) -> bool {
    matches!(row.class, EventClass::Blocked | EventClass::Disrupting | EventClass::Interruption)
}

/// Whether an Event tells of capacity that is taken back, or that is not to be had.
fn is_of_capacity(row: &EventRow) -> bool {
    row.class == EventClass::Interruption || row.reason == INSUFFICIENT_CAPACITY
}

/// The reason of Karpenter's Event where the cloud has no capacity (karpenter
/// pkg/controllers/nodeclaim/lifecycle/events.go).
pub const INSUFFICIENT_CAPACITY: &str = "InsufficientCapacityError";

impl EventTable {
    /// Applies one change; a relist forgets what the server no longer has when it commits.
    pub fn apply(&mut self, change: Change<EventRow>) {
        match change {
            Change::Begin => self.begin(),
            Change::Upsert(row) => self.upsert(row),
            Change::Remove(key) => self.remove(&key),
            Change::Commit => self.forget_unseen(),
        }
    }

    /// The list that begins names again what was dropped of the one before, so that is not counted twice.
    fn begin(&mut self) {
        self.round += 1;
        self.dropped = 0;
    }

    fn upsert(&mut self, row: EventRow) {
        let (key, fresh) = (row.meta.key.clone(), rank(&row, self.round));
        self.capacity_changes += u64::from(is_of_capacity(&row));
        self.take_out(&key);
        self.remember_disruption(&row);
        let by_name = self.by_object.entry(row.object.kind.clone()).or_default();
        by_name.entry(row.object.key.name.clone()).or_default().insert(key.clone());
        self.rows.insert(key, (row, self.round));
        self.ranks.insert(fresh);
        if self.rows.len() > EVENT_CAPACITY {
            self.drop_one();
        }
    }

    /// What a running relist has not named yet is not counted: it does so later, or the Event is gone.
    fn drop_one(&mut self) {
        let Some((.., key)) = self.ranks.first().cloned() else { return };
        let seen = self.take_out(&key);
        self.dropped += u64::from(seen == Some(self.round));
    }

    /// Takes a row out of the ring; what is remembered beside it stays. Says in which round the row was seen last.
    fn take_out(&mut self, key: &ObjectKey) -> Option<u64> {
        let (row, seen) = self.rows.remove(key)?;
        self.capacity_changes += u64::from(is_of_capacity(&row));
        self.ranks.remove(&rank(&row, seen));
        self.forget_object(&row.object, key);
        Some(seen)
    }

    fn forget_object(&mut self, object: &EventObject, key: &ObjectKey) {
        let Some(by_name) = self.by_object.get_mut(&object.kind) else { return };
        let Some(keys) = by_name.get_mut(&object.key.name) else { return };
        keys.remove(key);
        if keys.is_empty() {
            by_name.remove(&object.key.name);
        }
    }

    /// The Events about objects of this kind and name.
    fn named(&self, kind: &str, name: &str) -> impl Iterator<Item = &EventRow> {
        let keys = self.by_object.get(kind).and_then(|by_name| by_name.get(name));
        keys.into_iter().flatten().filter_map(|key| self.get(key))
    }

    /// What an older version of the same Event said does not count any more.
    fn remember_disruption(&mut self, row: &EventRow) {
        self.forget_disruption(&row.meta.key);
        let newest = self.newest_disruption(&row.object);
        if !is_disruption(row) || newest.is_some_and(|newest| newest.at > row.at) {
            return;
        }
        self.disrupted_by.insert(row.meta.key.clone(), row.object.clone());
        let old = self.newest_disruption.insert(row.object.clone(), (row.clone(), self.round));
        if let Some((old, _)) = old {
            self.disrupted_by.remove(&old.meta.key);
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        self.take_out(key);
        self.forget_disruption(key);
    }

    /// Of the other Events about the object the newest that the ring still has takes its place.
    fn forget_disruption(&mut self, key: &ObjectKey) {
        let Some(object) = self.disrupted_by.remove(key) else { return };
        let forgotten = self.newest_disruption.remove(&object);
        self.capacity_changes += u64::from(forgotten.is_some_and(|(row, _)| is_of_capacity(&row)));
        let others = self.about(&object).filter(|row| row.object == object && is_disruption(row));
        let next = others.max_by_key(|row| (row.at, &row.meta.key)).cloned();
        if let Some(row) = next {
            let seen = self.rows.get(&row.meta.key).map_or(self.round, |(_, seen)| *seen);
            self.disrupted_by.insert(row.meta.key.clone(), object.clone());
            self.newest_disruption.insert(object, (row, seen));
        }
    }

    /// Rows first, so that none of them takes the place of a disruption Event only to leave as well.
    fn forget_unseen(&mut self) {
        let round = self.round;
        let rows: Vec<ObjectKey> =
            self.rows.iter().filter(|(_, (_, seen))| *seen != round).map(|(key, _)| key.clone()).collect();
        rows.iter().for_each(|key| {
            self.take_out(key);
        });
        let beside: Vec<ObjectKey> = self
            .newest_disruption
            .values()
            .filter(|(_, seen)| *seen != round)
            .map(|(row, _)| row.meta.key.clone())
            .collect();
        beside.iter().for_each(|key| self.forget_disruption(key));
    }

    /// The Event of this key, while it is kept.
    pub fn get(&self, key: &ObjectKey) -> Option<&EventRow> {
        self.rows.get(key).map(|(row, _)| row)
    }

    /// All Events, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &EventRow> {
        self.rows.values().map(|(row, _)| row)
    }

    /// The Events about one object ([`EventRow::speaks_of`]), in no order; does not look at the others.
    pub fn about<'a>(&'a self, object: &'a EventObject) -> impl Iterator<Item = &'a EventRow> {
        self.named(&object.kind, &object.key.name).filter(|row| row.speaks_of(object))
    }

    /// The Events about this object and no earlier one of its name, in no order; does not look at the others.
    pub fn concerning<'a>(&'a self, kind: Kind, meta: &'a Meta) -> impl Iterator<Item = &'a EventRow> {
        self.named(kind.name(), &meta.key.name).filter(move |row| row.concerns(kind, meta))
    }

    /// The Events about one cluster-scoped object that speak of its disruption, the newest among them also where the ring
    /// forgot it; in no order.
    pub fn disruptions_of<'a>(&'a self, kind: Kind, name: &Sym) -> Vec<&'a EventRow> {
        let kept: Vec<&EventRow> = self.named(kind.name(), name).filter(|row| is_disruption(row)).collect();
        if !kept.is_empty() || self.newest_disruption.is_empty() {
            return kept;
        }
        self.newest_disruption(&EventObject::cluster(kind, name)).into_iter().collect()
    }

    /// The newest Event of class Blocked, Disrupting or Interruption of each object, also where the ring forgot it.
    fn newest_disruption(&self, object: &EventObject) -> Option<&EventRow> {
        self.newest_disruption.get(object).map(|(row, _)| row)
    }

    /// How often Events that tell of capacity taken back, or not to be had, came, changed or went.
    pub const fn capacity_changes(&self) -> u64 {
        self.capacity_changes
    }

    /// Number of Events that are kept.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many that the server has, as far as it is known, were forgotten because there were too many: those of the
    /// newest list, and of what came after it.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rows;

    fn sym(text: &str) -> Sym {
        Sym::new(text)
    }

    fn row(name: &str, class: EventClass, second: i64, about: &str) -> EventRow {
        let meta = rows::meta("default", name, Time::from_seconds(0));
        rows::event(meta, Time::from_seconds(second), class, "r", object(about))
    }

    fn object(node: &str) -> EventObject {
        EventObject { kind: sym("Node"), key: ObjectKey::cluster(node) }
    }

    fn relist(table: &mut EventTable, rows: impl Iterator<Item = EventRow>) {
        table.apply(Change::Begin);
        rows.for_each(|row| table.apply(Change::Upsert(row)));
        table.apply(Change::Commit);
    }

    /// One old Event about a disruption, and newer ones than the ring can hold.
    fn too_many() -> impl Iterator<Item = EventRow> {
        let newer = (1_i64..).take(EVENT_CAPACITY + 6);
        let newer = newer.map(|n| row(&format!("e{n}"), EventClass::Eviction, 100 + n, "b"));
        std::iter::once(row("old", EventClass::Blocked, 1, "a")).chain(newer)
    }

    fn newest<'a>(table: &'a EventTable, node: &str) -> Option<&'a str> {
        table.newest_disruption(&object(node)).map(|row| row.meta.key.name.as_str())
    }

    #[test]
    fn an_event_that_the_ring_dropped_is_remembered_until_it_is_deleted() {
        let mut table = EventTable::default();
        relist(&mut table, too_many());
        let key = ObjectKey::new("default", "old");
        assert_eq!((table.get(&key), newest(&table, "a")), (None, Some("old")));
        table.apply(Change::Remove(key));
        assert_eq!(newest(&table, "a"), None);
    }

    #[test]
    fn an_event_that_the_ring_dropped_is_forgotten_once_the_server_no_longer_lists_it() {
        let mut table = EventTable::default();
        relist(&mut table, too_many());
        relist(&mut table, too_many());
        assert_eq!(newest(&table, "a"), Some("old"));
        relist(&mut table, too_many().skip(1));
        assert_eq!(newest(&table, "a"), None);
    }

    #[test]
    fn changes_of_events_about_capacity_are_counted_and_no_others() {
        let mut table = EventTable::default();
        let mut has_changed = |change| {
            let before = table.capacity_changes();
            table.apply(change);
            table.capacity_changes() != before
        };
        assert!(has_changed(Change::Upsert(row("notice", EventClass::Interruption, 1, "a"))));
        assert!(!has_changed(Change::Upsert(row("blocked", EventClass::Blocked, 2, "a"))));
        let lacking = EventRow { reason: sym(INSUFFICIENT_CAPACITY), ..row("none", EventClass::Provisioning, 3, "a") };
        assert!(has_changed(Change::Upsert(lacking)));
        assert!(!has_changed(Change::Remove(ObjectKey::new("default", "blocked"))));
        assert!(has_changed(Change::Remove(ObjectKey::new("default", "notice"))));
        assert!(!has_changed(Change::Begin));
        assert!(has_changed(Change::Commit), "the list has none of them any more");
    }

    #[test]
    fn every_list_counts_dropped_events_anew() {
        let mut table = EventTable::default();
        for _ in 0..3 {
            relist(&mut table, too_many());
            assert_eq!((table.len(), table.dropped()), (EVENT_CAPACITY, 7));
        }
        table.apply(Change::Upsert(row("more", EventClass::Other, 9_999_999, "b")));
        assert_eq!(table.dropped(), 8);
        relist(&mut table, too_many().take(5));
        assert_eq!((table.len(), table.dropped()), (5, 0));
    }

    #[test]
    fn once_the_newest_event_is_deleted_the_next_is_the_newest() {
        let mut table = EventTable::default();
        relist(&mut table, [1, 2].into_iter().map(|n| row(&format!("e{n}"), EventClass::Blocked, n, "a")));
        assert_eq!(newest(&table, "a"), Some("e2"));
        table.apply(Change::Remove(ObjectKey::new("default", "e2")));
        assert_eq!(newest(&table, "a"), Some("e1"));
    }

    #[test]
    fn the_namespace_of_an_event_about_a_cluster_scoped_object_does_not_count() {
        let about = |kind: &str, namespace: &str| EventRow {
            object: EventObject { kind: sym(kind), key: ObjectKey::new(namespace, "a") },
            ..row("e", EventClass::Blocked, 1, "a")
        };
        for (event, asked, want) in [
            (about("Node", ""), ("Node", ""), true),
            (about("Node", "default"), ("Node", ""), true),
            (about("NodeClaim", ""), ("Node", ""), false),
            (about("Pod", "ml"), ("Pod", "ml"), true),
            (about("Pod", "web"), ("Pod", "ml"), false),
        ] {
            let asked = EventObject { kind: sym(asked.0), key: ObjectKey::new(asked.1, "a") };
            assert_eq!(event.speaks_of(&asked), want, "{event:?} {asked:?}");
            let mut table = EventTable::default();
            table.apply(Change::Upsert(event));
            assert_eq!(table.about(&asked).count(), usize::from(want));
        }
    }

    fn any_change() -> impl Strategy<Value = Change<EventRow>> {
        let name = |n: u8| format!("e{n}");
        let class = prop_oneof![Just(EventClass::Blocked), Just(EventClass::Disrupting), Just(EventClass::Other)];
        prop_oneof![
            1 => Just(Change::Begin),
            1 => Just(Change::Commit),
            2 => (0..8_u8).prop_map(move |n| Change::Remove(ObjectKey::new("default", &name(n)))),
            8 => (0..8_u8, class, 0..9_i64, 0..3_u8)
                .prop_map(move |(n, class, at, about)| Change::Upsert(row(&name(n), class, at, &format!("n{about}")))),
        ]
    }

    proptest! {
        /// While the ring drops nothing, what is remembered beside it is what can be read from it.
        #[test]
        fn event_indices_agree_with_the_rows(changes in proptest::collection::vec(any_change(), 1..60)) {
            let mut table = EventTable::default();
            for change in changes {
                table.apply(change);
                for node in ["n0", "n1", "n2"] {
                    let object = object(node);
                    let rows = || table.iter().filter(|row| row.object == object);
                    prop_assert_eq!(table.about(&object).count(), rows().count());
                    let newest = rows().filter(|row| is_disruption(row)).map(|row| row.at).max();
                    prop_assert_eq!(table.newest_disruption(&object).map(|row| row.at), newest);
                }
                prop_assert_eq!(table.ranks.len(), table.rows.len());
                prop_assert_eq!(table.disrupted_by.len(), table.newest_disruption.len());
            }
        }
    }
}
