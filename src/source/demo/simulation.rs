//! Public interface of the simulated cluster: advance it, read it, write to it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::genesis::HISTORY;
use super::model::{MachineId, PodId};
use super::world::{Item, World};
use crate::fleet::{ChangedValue, Key, Kind, ObjectChange, ObjectKey, PodEviction, Uid, ValueChange, WriteOutcome};
use crate::units::Time;

/// A change, as a watch of one kind would report it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// An object came or changed; its JSON.
    Upsert {
        /// Kind of the object.
        kind: Kind,
        /// Namespace and name.
        object: ObjectKey,
        /// JSON as the API server would return it.
        json: Vec<u8>,
    },
    /// An object was deleted.
    Remove {
        /// Kind of the object.
        kind: Kind,
        /// Namespace and name.
        object: ObjectKey,
    },
}

/// A simulated cluster. Pure: the clock is what [`Simulation::advance`] is told.
#[derive(Debug)]
pub struct Simulation {
    pub(super) world: World,
}

impl Simulation {
    /// A cluster that has lived for hours at `start`, with nodes up to 30 days old. Equal seeds and starts give equal
    /// clusters.
    pub fn new(seed: u64, start: Time) -> Self {
        let mut world = World::new(seed, start.seconds(), start.seconds() - HISTORY);
        world.populate();
        world.run_until(start.seconds());
        world.dirty.clear();
        world.gone.clear();
        Self { world }
    }

    /// Lets time pass until `to` (whole seconds; never back) and returns what changed, each object at most once and in
    /// its last state, removals first.
    pub fn advance(&mut self, to: Time) -> Vec<Change> {
        self.world.run_until(to.seconds());
        let gone = std::mem::take(&mut self.world.gone);
        let dirty = std::mem::take(&mut self.world.dirty);
        let removals = gone
            .into_iter()
            .map(|(kind, namespace, name)| Change::Remove { kind, object: ObjectKey::new(&namespace, &name) });
        let upserts = dirty.into_iter().filter_map(|item| upsert(&self.world, item));
        removals.chain(upserts).collect()
    }

    /// Simulated time up to which the state has been advanced.
    pub fn now(&self) -> Time {
        Time::from_seconds(self.world.now)
    }

    /// Every object there is, as upserts, kind by kind in the order of [`Kind::ALL`].
    pub fn objects(&self) -> BTreeMap<Kind, Vec<Change>> {
        let mut lists: BTreeMap<Kind, Vec<Change>> = Kind::ALL.iter().map(|kind| (*kind, Vec::new())).collect();
        for change in self.world.items().into_iter().filter_map(|item| upsert(&self.world, item)) {
            if let Change::Upsert { kind, .. } = &change {
                lists.entry(*kind).or_default().push(change);
            }
        }
        lists
    }

    /// Number of objects by kind.
    pub fn counts(&self) -> BTreeMap<Kind, usize> {
        let mut counts = BTreeMap::new();
        for item in self.world.items() {
            *counts.entry(item.kind()).or_default() += 1;
        }
        counts
    }

    /// One object with all its fields, if it exists.
    pub fn object(&self, key: &Key) -> Option<Value> {
        let of_kind = self.world.items().into_iter().filter(|item| item.kind() == key.kind);
        of_kind.filter_map(|item| self.world.render(item)).find(|value| object_key(value) == key.object)
    }

    /// Makes one change under its conditions. The controllers and Karpenter's part of the simulation act on it from their
    /// next pass on.
    pub fn write(&mut self, change: &ObjectChange) -> WriteOutcome {
        match change {
            ObjectChange::Value(change) => self.set(change),
            ObjectChange::Eviction(eviction) => self.evict(eviction),
        }
    }

    fn set(&mut self, change: &ValueChange) -> WriteOutcome {
        let Some(target) = self.target(&change.key, change.value) else { return WriteOutcome::Gone };
        if target.uid != change.uid {
            return WriteOutcome::Recreated;
        }
        if target.value != change.from {
            return WriteOutcome::ChangedBySomebody { now: target.value };
        }
        match change.value {
            ChangedValue::DoNotDisrupt => self.set_annotation(target.item, change.to.clone()),
            ChangedValue::Unschedulable => self.set_cordon(target.item, change.to.as_deref()),
        }
        WriteOutcome::Done
    }

    fn evict(&mut self, eviction: &PodEviction) -> WriteOutcome {
        let Some(target) = self.pod_target(&eviction.key.object) else { return WriteOutcome::Gone };
        let Item::Pod(id) = target.item else { return WriteOutcome::Gone };
        if target.uid != eviction.uid {
            return WriteOutcome::Recreated;
        }
        match self.world.evict_for_user(id) {
            Ok(()) => WriteOutcome::Done,
            Err(message) => WriteOutcome::Refused { code: 429, message },
        }
    }

    fn set_cordon(&mut self, item: Item, value: Option<&str>) {
        let Item::Node(id) = item else { return };
        if let Some(node) = self.world.machines.get_mut(&id).and_then(|machine| machine.node.as_mut()) {
            node.cordoned = value.is_some();
        }
        self.world.touch(item);
    }

    fn set_annotation(&mut self, item: Item, value: Option<String>) {
        match item {
            Item::Pod(id) => {
                if let Some(pod) = self.world.pods.get_mut(&id) {
                    pod.do_not_disrupt = value;
                }
            }
            Item::Node(id) => {
                if let Some(node) = self.world.machines.get_mut(&id).and_then(|machine| machine.node.as_mut()) {
                    node.do_not_disrupt = value;
                }
            }
            _ => return,
        }
        self.world.touch(item);
    }

    fn target(&self, key: &Key, value: ChangedValue) -> Option<Target> {
        match (key.kind, value) {
            (Kind::Pod, ChangedValue::DoNotDisrupt) => self.pod_target(&key.object),
            (Kind::Node, value) => self.node_target(&key.object, value),
            _ => None,
        }
    }

    fn pod_target(&self, object: &ObjectKey) -> Option<Target> {
        let (id, pod): (&PodId, _) = self
            .world
            .pods
            .iter()
            .find(|(_, pod)| object.namespace == pod.namespace && object.name == pod.name.as_str())?;
        Some(Target { item: Item::Pod(*id), uid: Uid::parse(&pod.identity.uid), value: pod.do_not_disrupt.clone() })
    }

    fn node_target(&self, object: &ObjectKey, value: ChangedValue) -> Option<Target> {
        let (id, machine): (&MachineId, _) =
            self.world.machines.iter().find(|(_, machine)| object.name == machine.name.as_str())?;
        let node = machine.node.as_ref()?;
        let value = match value {
            ChangedValue::DoNotDisrupt => node.do_not_disrupt.clone(),
            ChangedValue::Unschedulable => node.cordoned.then(|| "true".to_owned()),
        };
        Some(Target { item: Item::Node(*id), uid: Uid::parse(&node.identity.uid), value })
    }

    /// The world inside, for tests of its laws.
    #[cfg(test)]
    pub(super) fn world(&self) -> &World {
        &self.world
    }
}

/// The object of a change, with its current state.
struct Target {
    item: Item,
    uid: Uid,
    value: Option<String>,
}

fn upsert(world: &World, item: Item) -> Option<Change> {
    let value = world.render(item)?;
    let object = object_key(&value);
    Some(Change::Upsert { kind: item.kind(), object, json: value.to_string().into_bytes() })
}

fn object_key(value: &Value) -> ObjectKey {
    let text = |field: &str| value["metadata"][field].as_str().unwrap_or_default();
    ObjectKey::new(text("namespace"), text("name"))
}
