//! Kubernetes Events, aggregated as by the recorders of client-go.

use std::collections::BTreeMap;

use super::clock::{Sec, SimEvent};
use super::model::{EventId, Identity, MachineId, PodId};
use super::world::{Item, World};
use crate::fleet::Kind;

/// Seconds that the API server keeps an Event after its last write.
const LIFE: i64 = 3600;

/// Component that records an Event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Recorder {
    /// `karpenter`.
    Karpenter,
    /// `default-scheduler`, with the recorder of events.k8s.io.
    Scheduler,
    /// `kubelet` on a node.
    Kubelet(String),
    /// `job-controller`.
    Jobs,
    /// `cronjob-controller`.
    Crons,
    /// `replicaset-controller`.
    ReplicaSets,
    /// `node-controller`.
    Nodes,
}

/// `involvedObject` of an Event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Subject {
    pub(super) api_version: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) field: Option<String>,
}

/// Type, reason and message of an Event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct EventText {
    pub(super) warning: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl EventText {
    /// A Normal Event.
    pub(super) fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: false, reason, message: message.into() }
    }

    /// Text of an Event of type Warning.
    pub(super) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { warning: true, reason, message: message.into() }
    }
}

/// Events with equal identity are counted instead of repeated.
type EventIdentity = (Recorder, Subject, EventText);

/// An Event as its recorder keeps it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) identity: Identity,
    pub(super) name: String,
    pub(super) recorder: Recorder,
    pub(super) subject: Subject,
    pub(super) text: EventText,
    pub(super) count: i64,
    pub(super) first: Sec,
    pub(super) last: Sec,
    /// Microseconds within the first second.
    pub(super) micros: i64,
}

/// All Events that the API server still has.
#[derive(Default, Debug)]
pub(super) struct EventLog {
    pub(super) events: BTreeMap<EventId, Event>,
    same: BTreeMap<EventIdentity, EventId>,
    /// Time of Karpenter's last Event by key (reason, subject).
    published: BTreeMap<(&'static str, String), Sec>,
}

impl EventLog {
    /// The identity of an Event, to change it.
    pub(super) fn identity(&mut self, id: EventId) -> Option<&mut Identity> {
        Some(&mut self.events.get_mut(&id)?.identity)
    }
}

/// The namespace of an object's Events: cluster-scoped objects have theirs in `default`.
pub(super) fn home(subject: &Subject) -> &str {
    if subject.namespace.is_empty() { "default" } else { &subject.namespace }
}

impl World {
    /// Records an Event now: a new one, or one more of the same.
    pub(super) fn record(&mut self, recorder: Recorder, subject: Subject, text: EventText) {
        let same = (recorder, subject, text);
        if let Some(id) = self.events.same.get(&same).copied() {
            if let Some(event) = self.events.events.get_mut(&id) {
                event.count += 1;
                event.last = self.now;
            }
            return self.touch(Item::Event(id));
        }
        self.record_first(same);
    }

    fn record_first(&mut self, same: EventIdentity) {
        let id = self.fresh_id();
        let identity = self.identity(self.now);
        let nanos = self.now.saturating_mul(1_000_000_000).saturating_add(self.rng.between((0, 999_999_999)));
        let (recorder, subject, text) = same.clone();
        let event = Event {
            identity,
            name: format!("{}.{nanos:x}", subject.name),
            recorder,
            subject,
            text,
            count: 1,
            first: self.now,
            last: self.now,
            micros: nanos % 1_000_000_000 / 1000,
        };
        self.events.events.insert(id, event);
        self.events.same.insert(same, id);
        self.touch(Item::Event(id));
    }

    /// Karpenter's recorder: drops an Event if it recorded one with the same key less than `window` seconds ago.
    pub(super) fn publish(&mut self, subject: Subject, text: EventText, window: i64) {
        let key = (text.reason, format!("{}/{}", subject.kind, subject.uid));
        let now = self.now;
        if self.events.published.get(&key).is_some_and(|last| now - last < window) {
            return;
        }
        self.events.published.insert(key, now);
        self.record(Recorder::Karpenter, subject, text);
    }

    /// A change of a condition, as Karpenter's status controller reports it; first appearances are not reported.
    pub(super) fn say_condition(&mut self, subject: Subject, kind: &'static str, change: &str, reason: &str) {
        let message = format!("Status condition transitioned, Type: {kind}, Status: {change}, Reason: {reason}");
        self.record(Recorder::Karpenter, subject, EventText::normal(kind, message));
    }

    /// Forgets Events whose last write is an hour ago.
    pub(super) fn forget_events(&mut self) {
        let limit = self.now - LIFE;
        let old: Vec<EventId> =
            self.events.events.iter().filter(|(_, event)| event.last <= limit).map(|(id, _)| *id).collect();
        for id in old {
            if let Some(event) = self.events.events.remove(&id) {
                self.forget(Kind::Event, home(&event.subject), &event.name);
                self.events.same.remove(&(event.recorder, event.subject, event.text));
            }
        }
        self.events.published.retain(|_, last| *last > limit);
        self.after(60, SimEvent::ForgetEvents);
    }

    /// A pod as the subject of an Event.
    pub(super) fn pod_subject(&self, id: PodId) -> Option<Subject> {
        let pod = self.pods.get(&id)?;
        Some(Subject {
            api_version: "v1",
            kind: "Pod",
            namespace: pod.namespace.to_owned(),
            name: pod.name.clone(),
            uid: pod.identity.uid.clone(),
            field: None,
        })
    }

    /// A Node as the subject of an Event.
    pub(super) fn node_subject(&self, id: MachineId) -> Option<Subject> {
        let machine = self.machines.get(&id)?;
        let uid = machine.node.as_ref()?.identity.uid.clone();
        Some(cluster_subject("v1", "Node", machine.name.clone(), uid))
    }

    /// A NodeClaim as the subject of an Event.
    pub(super) fn claim_subject(&self, id: MachineId) -> Option<Subject> {
        let claim = self.machines.get(&id)?.claim.as_ref()?;
        Some(cluster_subject("karpenter.sh/v1", "NodeClaim", claim.name.clone(), claim.identity.uid.clone()))
    }

    /// A NodePool as the subject of an Event.
    pub(super) fn pool_subject(&self, pool: usize) -> Option<Subject> {
        let name = super::cast::POOLS.get(pool)?.name;
        Some(cluster_subject("karpenter.sh/v1", "NodePool", name.to_owned(), self.pools.get(pool)?.uid.clone()))
    }

    /// A Job or CronJob as the subject of an Event.
    pub(super) fn batch_subject(kind: &'static str, namespace: &str, name: &str, uid: &str) -> Subject {
        Subject {
            api_version: "batch/v1",
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
            field: None,
        }
    }

    /// Records the same Event for a Node and its NodeClaim, as Karpenter does.
    pub(super) fn publish_both(&mut self, id: MachineId, text: &EventText, window: i64) {
        for subject in [self.node_subject(id), self.claim_subject(id)].into_iter().flatten() {
            self.publish(subject, text.clone(), window);
        }
    }
}

fn cluster_subject(api_version: &'static str, kind: &'static str, name: String, uid: String) -> Subject {
    Subject { api_version, kind, namespace: String::new(), name, uid, field: None }
}
