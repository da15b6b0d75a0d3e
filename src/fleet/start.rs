//! What is known of the start of a pod: from its status, and from Events, which are gone after an hour.
//!
//! All of it is kept in the row of the pod while the start is open and for the newest that are closed
//! ([`CLOSED_STARTS`](super::CLOSED_STARTS)), so that a start does not become less known when its Events leave.

use std::cmp::Reverse;

use super::start_event::{Pull, StartEvent};
use super::{EventRow, Sym};
use crate::units::Second;

/// How many NodeClaims are kept that Karpenter has had in mind for one pod: the newest.
const MOST_NOMINATIONS: usize = 8;

/// How many different messages of failed pulls are kept for one container: more than a kubelet may tell of one pod in the
/// hour for which Events are kept (client-go tools/record/events_cache.go: 25 at once, then one in five minutes).
const MOST_FAILURES: usize = 64;

/// How much the clocks of Nodes and of the API server may differ.
pub const CLOCK_SKEW_SECONDS: i64 = 2;

/// How soon a pod without probes is ready once its containers run, also where its kubelet has much to do.
const READY_WITHIN_SECONDS: i64 = 60;

/// How long the API server keeps an Event after it was last told (kube-apiserver `--event-ttl`).
const EVENT_TTL_SECONDS: i64 = 3_600;

/// The start of one pod. Times are those of the first run: what happens again later does not change them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PodStart {
    /// When condition `PodScheduled` became `True`.
    pub scheduled: Option<Second>,
    /// When condition `PodReadyToStartContainers` became `True`: sandbox and network are there.
    pub sandbox: Option<Second>,
    /// When condition `Ready` became `True`.
    pub ready: Option<Second>,
    /// Whether it was ready before, though nobody saw when.
    pub was_ready: bool,
    /// How it stands with its scheduling gates.
    pub gates: Gates,
    /// Since when condition `PodScheduled` is `False`, while it is.
    pub unscheduled: Option<Second>,
    /// Whether it is ready as soon as its containers run: it has neither readiness probes, nor startup probes, nor gates.
    pub is_ready_when_started: bool,
    /// Its containers: init containers first, then main ones, each in the order of the spec.
    pub containers: Box<[ContainerStart]>,
    /// When the scheduler or Karpenter first looked for a place: it had no scheduling gate any more.
    pub first_tried: Option<Second>,
    /// When an Event said that it was bound.
    pub bound: Option<Second>,
    /// The capacity that Karpenter had in mind, the oldest first; at most [`MOST_NOMINATIONS`].
    pub nominations: Vec<Nomination>,
    /// The newest trouble with its sandbox or its volumes.
    pub trouble: Option<Box<Trouble>>,
    /// When the cluster autoscaler last made a node group larger for it.
    pub scaled_up: Option<Second>,
    /// The newest answer of Karpenter or the cluster autoscaler that there is no capacity for it.
    pub no_capacity: Option<Box<EventSummary>>,
}

/// Scheduling gates of a pod.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Gates {
    /// It has none, and had none as far as it is known.
    #[default]
    None,
    /// It has some: the scheduler leaves it alone.
    Closed,
    /// It had some.
    Open,
}

/// A NodeClaim that Karpenter had in mind for a pod.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Nomination {
    /// When it was first said.
    pub at: Second,
    /// Name of the NodeClaim; `None` where only the Node is named.
    pub claim: Option<Sym>,
    /// Name of its Node, where there was one.
    pub node: Option<Sym>,
}

/// What is kept of an Event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventSummary {
    /// When it was first said.
    pub since: Second,
    /// When it was last said.
    pub at: Second,
    /// The message.
    pub message: Sym,
}

/// What a pod waits for between its Node and its first container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// What it is about.
    pub kind: TroubleKind,
    /// The Event that told of it.
    pub event: EventSummary,
}

/// What trouble is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TroubleKind {
    /// A volume cannot be attached or mounted.
    Volume,
    /// The sandbox with its network cannot be made.
    Network,
}

/// The part of a container in the life of a pod.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContainerRole {
    /// An init container that has to end before the next one begins.
    Init,
    /// An init container that goes on beside the main ones (KEP-753).
    Sidecar,
    /// A main container.
    Main,
}

/// The start of one container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerStart {
    /// Its name.
    pub name: Sym,
    /// `image`, as the spec names it.
    pub image: Sym,
    /// Its part.
    pub role: ContainerRole,
    /// Whether `imagePullPolicy` is `Always`: the kubelet asks the registry at each start, also for an image that is there.
    pub asks_registry: bool,
    /// The earliest start that its status told.
    pub started: Option<Second>,
    /// Whether that is certainly its first start.
    pub is_first_start: bool,
    /// When an Event first said that it started, and how often it has said so since.
    pub started_event: Option<(Second, u32)>,
    /// When it first ended well.
    pub finished: Option<Second>,
    /// How often it has been started again.
    pub restarts: u32,
    /// Why it does not run, while it does not.
    pub waiting: Option<Box<Waiting>>,
    /// When its image was first begun to be pulled.
    pub pulling: Option<Second>,
    /// When its image was first pulled, and how long that took, where the kubelet told.
    pub pulled: Option<(Second, Option<Pull>)>,
    /// When its image was first found on the Node.
    pub present: Option<Second>,
    /// Pulls that failed.
    pub failures: Vec<PullFailure>,
    /// Pulls that failed for the oldest reasons, which are kept no longer.
    pub forgotten_failures: u32,
    /// The newest answer of the kubelet that it waits before it pulls again.
    pub back_off: Option<Box<EventSummary>>,
}

impl ContainerStart {
    /// One of which nothing more is told than the spec does.
    pub const fn new(name: Sym, image: Sym, role: ContainerRole) -> Self {
        Self {
            name,
            image,
            role,
            asks_registry: false,
            started: None,
            is_first_start: false,
            started_event: None,
            finished: None,
            restarts: 0,
            waiting: None,
            pulling: None,
            pulled: None,
            present: None,
            failures: Vec::new(),
            forgotten_failures: 0,
            back_off: None,
        }
    }

    /// Whether it has been started again.
    pub const fn is_restarted(&self) -> bool {
        self.restarts > 0
    }
}

/// `state.waiting` of a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its reason.
    pub reason: Sym,
    /// Its message, empty where it has none.
    pub message: Sym,
}

/// Pulls of an image that failed for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PullFailure {
    /// Name of the Event, which counts on when it happens again.
    pub event: Sym,
    /// How often.
    pub count: u32,
    /// When it first failed.
    pub since: Second,
    /// When it last failed.
    pub at: Second,
    /// The runtime's words.
    pub error: Sym,
}

impl PodStart {
    /// Takes over what was known of the same pod before and is not any more. Of two times the earlier one is that of the
    /// first run, so it does not matter in which order evidence comes.
    pub fn take_over(&mut self, before: &Self) {
        earliest(&mut self.scheduled, before.scheduled);
        earliest(&mut self.sandbox, before.sandbox);
        earliest(&mut self.ready, before.ready);
        earliest(&mut self.first_tried, before.first_tried);
        earliest(&mut self.bound, before.bound);
        self.scaled_up = self.scaled_up.max(before.scaled_up);
        self.was_ready |= before.was_ready;
        if self.gates == Gates::None && before.gates != Gates::None {
            self.gates = Gates::Open;
        }
        for nomination in &before.nominations {
            self.nominate(nomination.clone());
        }
        self.note_trouble(before.trouble.as_deref().cloned());
        self.note_no_capacity(before.no_capacity.as_deref().cloned());
        for container in &before.containers {
            if let Some(same) = self.containers.iter_mut().find(|other| other.name == container.name) {
                same.take_over(container);
            }
        }
    }

    /// Takes in what an Event about the pod tells. The same Event again, or an older state of it, changes nothing. Says
    /// whether it is one that tells of a start.
    pub fn note(&mut self, event: &EventRow) -> bool {
        let Some(told) = StartEvent::of(event) else { return false };
        let first = Second::from(event.first);
        match told {
            StartEvent::Unschedulable => earliest(&mut self.first_tried, Some(first)),
            StartEvent::ScaleUp => {
                earliest(&mut self.first_tried, Some(first));
                self.scaled_up = self.scaled_up.max(Some(event.at.into()));
            }
            StartEvent::Scheduled => earliest(&mut self.bound, Some(first)),
            StartEvent::NoCapacity => {
                earliest(&mut self.first_tried, Some(first));
                self.note_no_capacity(Some(EventSummary::by(event)));
            }
            StartEvent::Nominated { claim, node } => {
                earliest(&mut self.first_tried, Some(first));
                let [claim, node] = [claim, node].map(|name| name.map(Sym::new));
                self.nominate(Nomination { at: first, claim, node });
            }
            StartEvent::SandboxFailed => self.note_trouble(Some(Trouble::by(TroubleKind::Network, event))),
            StartEvent::VolumeFailed => self.note_trouble(Some(Trouble::by(TroubleKind::Volume, event))),
            StartEvent::Pulling { image }
            | StartEvent::Pulled { image, .. }
            | StartEvent::Present { image }
            | StartEvent::BackOff { image, .. }
            | StartEvent::PullFailed { image: Some(image), .. } => {
                self.note_container(&told, event, |container| container.is_of_image(image));
            }
            StartEvent::PullFailed { image: None, .. } => self.note_container(&told, event, |_| false),
            StartEvent::Started { container } => {
                self.note_container(&told, event, |other| Some(other.name.as_str()) == container);
            }
        }
        true
    }

    /// Of the container that an Event refers to; where it refers to the pod as a whole, of the first that it describes.
    fn note_container(
        &mut self,
        told: &StartEvent<'_>,
        event: &EventRow,
        is_described: impl Fn(&ContainerStart) -> bool,
    ) {
        let is_meant = |container: &&mut ContainerStart| match &event.container {
            Some(name) => container.name == *name,
            None => is_described(container),
        };
        if let Some(container) = self.containers.iter_mut().find(is_meant) {
            container.note(told, event);
        }
    }

    fn nominate(&mut self, new: Nomination) {
        let is_same =
            |known: &&mut Nomination| known.claim == new.claim && (new.claim.is_some() || known.node == new.node);
        match self.nominations.iter_mut().find(is_same) {
            Some(known) => {
                known.at = known.at.min(new.at);
                known.node = known.node.take().max(new.node);
            }
            None => self.nominations.push(new),
        }
        self.nominations.sort_unstable();
        let excess = self.nominations.len().saturating_sub(MOST_NOMINATIONS);
        self.nominations.drain(..excess);
    }

    fn note_trouble(&mut self, new: Option<Trouble>) {
        let is_newer = |new: &Trouble| {
            self.trouble
                .as_ref()
                .is_none_or(|known| (known.event.at, &known.event.message) < (new.event.at, &new.event.message))
        };
        if let Some(new) = new.filter(is_newer) {
            self.trouble = Some(Box::new(new));
        }
    }

    fn note_no_capacity(&mut self, new: Option<EventSummary>) {
        note_newest(&mut self.no_capacity, new);
    }

    /// When the last main container first ran; `None` while one has not. Where the first start of one is not known it is the
    /// earliest that is.
    pub fn started(&self) -> Option<Second> {
        let main = self.containers.iter().filter(|container| container.role == ContainerRole::Main);
        main.map(ContainerStart::first_start).reduce(|one, other| Some(one?.max(other?))).flatten()
    }

    /// When it was bound: as its condition tells, else as an Event does.
    pub fn bound_at(&self) -> Option<Second> {
        self.scheduled.or(self.bound)
    }

    /// When the pod first was ready; that it has no probes makes up for a moment that nobody saw, and for a condition that
    /// tells of a later one, as after a Node that was not ready for a while.
    pub fn became_ready(&self) -> Option<Second> {
        let started = || self.started().filter(|_| self.was_ready && self.is_ready_when_started);
        let is_late =
            |(ready, started): (Second, Second)| ready.time().seconds_since(started.time()) > READY_WITHIN_SECONDS;
        let Some(ready) = self.ready else { return started() };
        started().filter(|started| is_late((ready, *started))).or(Some(ready))
    }

    /// Whether the pod has been ready: its start is over.
    pub const fn is_over(&self) -> bool {
        self.ready.is_some() || self.was_ready
    }
}

impl ContainerStart {
    /// When it first ran: as its status tells where that is certain, else as an Event does, else the earliest known.
    pub fn first_start(&self) -> Option<Second> {
        let by_event = self.started_event.map(|(at, _)| at);
        self.started.filter(|_| self.is_first_start).or(by_event).or(self.started)
    }

    /// When it first ran, where that is certain and not perhaps a later start; `bound` is when its pod was bound.
    ///
    /// An Event of a start counts on when the same is told again, and keeps its first time for as long as it is kept itself.
    /// It is that of the first start where it has counted all of them. A kubelet that has too much to tell leaves some out
    /// (client-go tools/record/events_cache.go), so it also is where none can have been forgotten when it was first told.
    pub fn certain_start(&self, bound: Option<Second>) -> Option<Second> {
        if self.is_first_start {
            return self.started;
        }
        let (at, count) = self.started_event?;
        let is_kept = || bound.is_some_and(|bound| at.time().seconds_since(bound.time()) < EVENT_TTL_SECONDS);
        let is_earlier = || self.started.is_none_or(|later| at < later);
        (count > self.restarts || (is_kept() && is_earlier())).then_some(at)
    }

    /// Whether the kubelet may name its image so: with the tag that it adds where the spec has none.
    fn is_of_image(&self, named: &str) -> bool {
        self.image == *named || named.strip_suffix(":latest").is_some_and(|bare| self.image == *bare)
    }

    fn note(&mut self, told: &StartEvent<'_>, event: &EventRow) {
        let first = Second::from(event.first);
        match told {
            StartEvent::Pulling { .. } => earliest(&mut self.pulling, Some(first)),
            StartEvent::Pulled { pull, .. } => self.note_pulled(Some((first, *pull))),
            StartEvent::Present { .. } => earliest(&mut self.present, Some(first)),
            StartEvent::Started { .. } => self.note_started(Some((first, event.count))),
            StartEvent::BackOff { .. } => self.note_back_off(Some(EventSummary::by(event))),
            StartEvent::PullFailed { error, .. } => self.note_failure(PullFailure {
                event: event.meta.key.name.clone(),
                count: event.count,
                since: first,
                at: event.at.into(),
                error: Sym::new(error),
            }),
            _ => {}
        }
    }

    /// The first pull counts.
    fn note_pulled(&mut self, new: Option<(Second, Option<Pull>)>) {
        let key = |(at, pull): &(Second, Option<Pull>)| {
            (*at, pull.map(|pull| (pull.pull_millis, pull.total_millis, pull.bytes)))
        };
        self.pulled = self.pulled.into_iter().chain(new).min_by_key(key);
    }

    /// The first start counts, with how often it was told in all.
    fn note_started(&mut self, new: Option<(Second, u32)>) {
        self.started_event = self.started_event.into_iter().chain(new).min_by_key(|(at, count)| (*at, Reverse(*count)));
    }

    fn note_back_off(&mut self, new: Option<EventSummary>) {
        note_newest(&mut self.back_off, new);
    }

    fn note_failure(&mut self, new: PullFailure) {
        match self.failures.iter_mut().find(|known| known.event == new.event) {
            Some(known) if (known.count, known.at) < (new.count, new.at) => *known = new,
            Some(_) => {}
            None => self.failures.push(new),
        }
        self.failures.sort_unstable_by(|a, b| (a.at, &a.event).cmp(&(b.at, &b.event)));
        let excess = self.failures.len().saturating_sub(MOST_FAILURES);
        let dropped = self.failures.drain(..excess).map(|failure| failure.count);
        self.forgotten_failures = dropped.fold(self.forgotten_failures, u32::saturating_add);
    }

    fn take_over(&mut self, before: &Self) {
        earliest(&mut self.started, before.started);
        self.is_first_start |= before.is_first_start;
        self.note_started(before.started_event);
        earliest(&mut self.finished, before.finished);
        self.restarts = self.restarts.max(before.restarts);
        earliest(&mut self.pulling, before.pulling);
        self.note_pulled(before.pulled);
        earliest(&mut self.present, before.present);
        self.forgotten_failures = self.forgotten_failures.max(before.forgotten_failures);
        before.failures.iter().for_each(|failure| self.note_failure(failure.clone()));
        self.note_back_off(before.back_off.as_deref().cloned());
    }
}

impl EventSummary {
    fn by(event: &EventRow) -> Self {
        Self { since: event.first.into(), at: event.at.into(), message: event.message.clone() }
    }
}

impl Trouble {
    fn by(kind: TroubleKind, event: &EventRow) -> Self {
        Self { kind, event: EventSummary::by(event) }
    }
}

/// Keeps the one that was told last.
fn note_newest(known: &mut Option<Box<EventSummary>>, new: Option<EventSummary>) {
    let is_newer =
        |new: &EventSummary| known.as_ref().is_none_or(|known| (known.at, &known.message) < (new.at, &new.message));
    if let Some(new) = new.filter(is_newer) {
        *known = Some(Box::new(new));
    }
}

/// Keeps the earlier of both.
fn earliest(known: &mut Option<Second>, new: Option<Second>) {
    *known = known.iter().copied().chain(new).min();
}
