//! Incidents: what happened to a Node in one, from the first Event of it to its end, and capacity that is not to be had.
//!
//! Karpenter tells each step of a disruption twice, of the Node and of its NodeClaim, and each pod that it evicts beside. An
//! incident puts these together. It is made of Events alone where the Node is gone, so that its pods stay known for as long
//! as the API server keeps their Events.

use std::collections::BTreeMap;

use super::interruption;
use super::phase::NodePhase;
use super::relation;
use crate::fleet::{Condition, EventRow, Fleet, INSUFFICIENT_CAPACITY, NodeClaimRow, NodeRow, ObjectKey, PodRow, Sym};
use crate::units::Time;

/// What an incident is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IncidentKind {
    /// Somebody takes the Node away: Karpenter, or who deleted it.
    Disruption,
    /// The cloud takes the machine away.
    Interruption,
    /// The Node stopped to be ready.
    NotReady,
    /// Pods are evicted, and the Node stays, as far as it is known.
    Eviction,
    /// There is no capacity for NodeClaims of a NodePool.
    NoCapacity,
}

impl IncidentKind {
    /// In one word, for filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disruption => "disruption",
            Self::Interruption => "interruption",
            Self::NotReady => "not-ready",
            Self::Eviction => "eviction",
            Self::NoCapacity => "no-capacity",
        }
    }

    /// Whether the Node is gone when it is over.
    const fn ends_node(self) -> bool {
        matches!(self, Self::Disruption | Self::Interruption)
    }
}

/// The identity of an incident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IncidentKey {
    /// When it began.
    pub since: Time,
    /// What it is.
    pub kind: IncidentKind,
    /// The Node; of capacity the NodePool; of a NodeClaim without Node its name.
    pub name: Sym,
}

/// Where an incident stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum IncidentState {
    /// It goes on.
    Open,
    /// It ended; `None` where nobody told when.
    Over(Option<Time>),
    /// It passed, or goes on: Events do not tell.
    Told,
}

/// A pod that an incident concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HitPod {
    /// The pod.
    pub key: ObjectKey,
    /// When it was evicted; `None` while it stands on the Node.
    pub evicted: Option<Time>,
}

/// One incident.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incident {
    /// Its identity.
    pub key: IncidentKey,
    /// The Node that it concerns; `None` for capacity, and for a NodeClaim whose Node is not known.
    pub node: Option<Sym>,
    /// The NodeClaim behind it, where it is known.
    pub claim: Option<Sym>,
    /// Why, in one word of who does it: `Empty`, `Drifted`, `SpotInterrupted`, `NotReady`.
    pub reason: Sym,
    /// What the newest Event of it says.
    pub message: Sym,
    /// When it was last told of.
    pub last: Time,
    /// When all pods had left the Node.
    pub drained: Option<Time>,
    /// Where it stands.
    pub state: IncidentState,
    /// How often it was told that there is no capacity.
    pub count: u32,
    /// Pods that it concerns; those of DaemonSets come and go with their Node and are not told.
    pub pods: Vec<HitPod>,
    /// The Events of it, the oldest first.
    pub events: Vec<ObjectKey>,
}

/// What an Event tells of an incident.
enum Step {
    Begins(IncidentKind, Sym),
    Continues,
    Drained,
    Ends,
    Hits(ObjectKey),
}

/// What an Event is about, as far as it is known.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Node(Sym),
    Claim(Sym),
    NodePool(Sym),
    Pod(ObjectKey),
}

/// How many incidents are told: the newest.
pub const MOST_INCIDENTS: usize = 2_000;

/// The same thing is told again within this time, or it is another incident.
const ONE_INCIDENT_SECONDS: i64 = 1_800;

/// The Events about a Node and its NodeClaim are written one after the other.
const TOGETHER_SECONDS: i64 = 2;

/// All incidents that Events and Nodes tell of, the newest first. `are_nodes_known` says whether a Node that is not there is
/// gone.
pub fn incidents(fleet: &Fleet, are_nodes_known: bool) -> Vec<Incident> {
    let mut told: Vec<(Subject, Step, &EventRow)> =
        fleet.events.iter().filter_map(|event| step(fleet, event)).collect();
    told.sort_by(|(.., a), (.., b)| a.first.cmp(&b.first).then_with(|| a.meta.key.cmp(&b.meta.key)));
    let mut book = Book::default();
    for (subject, step, event) in told {
        book.enter(&subject, step, event);
    }
    fleet.nodes.iter().for_each(|node| book.enter_node(fleet, node));
    let mut found = book.folded();
    found.iter_mut().for_each(|incident| complete(incident, fleet, are_nodes_known));
    found.sort_by(|a, b| b.key.cmp(&a.key));
    found.truncate(MOST_INCIDENTS);
    found
}

/// `None` for an Event that tells of no incident.
fn step<'a>(fleet: &Fleet, event: &'a EventRow) -> Option<(Subject, Step, &'a EventRow)> {
    let step = match event.object.kind.as_str() {
        "Node" | "NodeClaim" => of_machine(event)?,
        "NodePool" if event.reason == "NoCompatibleInstanceTypes" => {
            Step::Begins(IncidentKind::NoCapacity, event.reason.clone())
        }
        "Pod" => of_pod(event)?,
        _ => return None,
    };
    Some((subject(fleet, event, &step), step, event))
}

/// How Karpenter's status controller tells that a condition became true (operatorpkg status/controller.go).
const DRAINED: &str = "Status condition transitioned, Type: Drained, Status: ";

fn of_machine(event: &EventRow) -> Option<Step> {
    if let Some(rest) = event.message.strip_prefix(DRAINED) {
        return rest.split_once("-> ").filter(|(_, to)| to.starts_with("True")).map(|_| Step::Drained);
    }
    if interruption::is_reclaim(event) {
        return Some(Step::Begins(IncidentKind::Interruption, event.reason.clone()));
    }
    Some(match event.reason.as_str() {
        "DisruptionTerminating" | "DeprovisioningTerminating" => {
            let reason = event.message.rsplit_once(": ").map_or("Disrupted", |(_, reason)| reason.trim());
            Step::Begins(IncidentKind::Disruption, Sym::new(reason))
        }
        "NodeNotReady" => Step::Begins(IncidentKind::NotReady, Sym::new("NotReady")),
        INSUFFICIENT_CAPACITY => Step::Begins(IncidentKind::NoCapacity, event.reason.clone()),
        "FailedDraining" | "TerminationGracePeriodExpiring" => Step::Continues,
        "Finalized" | "RemovingNode" | "DeletingNode" | "NodeReady" => Step::Ends,
        _ => return None,
    })
}

fn of_pod(event: &EventRow) -> Option<Step> {
    const EVICTED: [&str; 4] = ["Evicted", "Disrupted", "TaintManagerEviction", "Preempted"];
    EVICTED.contains(&event.reason.as_str()).then(|| Step::Hits(event.object.key.clone()))
}

fn subject(fleet: &Fleet, event: &EventRow, step: &Step) -> Subject {
    let name = &event.object.key.name;
    if let Step::Begins(IncidentKind::NoCapacity, _) = step {
        return Subject::NodePool(pool_of(fleet, event));
    }
    match event.object.kind.as_str() {
        "Pod" => node_of_pod(fleet, event).map_or_else(|| Subject::Pod(event.object.key.clone()), Subject::Node),
        "NodeClaim" => {
            relation::node_of_event(fleet, event).map_or_else(|| Subject::Claim(name.clone()), Subject::Node)
        }
        _ => Subject::Node(name.clone()),
    }
}

/// The NodePool for which there is no capacity: that of the NodeClaim, also of one that is gone, whose name begins with it.
fn pool_of(fleet: &Fleet, event: &EventRow) -> Sym {
    let name = &event.object.key.name;
    if event.object.kind == "NodePool" {
        return name.clone();
    }
    let claim = fleet.node_claims.get(&ObjectKey::cluster(name)).and_then(NodeClaimRow::node_pool);
    let gone = fleet.launch(name).and_then(|launch| launch.pool.as_ref());
    let prefix = || Sym::new(name.rsplit_once('-').map_or(name.as_str(), |(prefix, _)| prefix));
    claim.or(gone).cloned().unwrap_or_else(prefix)
}

/// The Node on which an evicted pod was: a later one of its name is another pod.
fn node_of_pod(fleet: &Fleet, event: &EventRow) -> Option<Sym> {
    let is_same = |other: &&EventRow| other.object_uid == event.object_uid;
    let is_it = |pod: &&PodRow| match &event.object_uid {
        Some(uid) => *uid == pod.meta.uid,
        None => pod.meta.created <= event.first,
    };
    let of_row = fleet.pods.get(&event.object.key).filter(is_it).and_then(|pod| pod.node.clone());
    let told = || fleet.events.about(&event.object).filter(is_same);
    let of_kubelet = || told().find_map(|other| other.host.clone());
    let of_scheduler = || told().find_map(|other| assigned_to(&other.message));
    of_row.or_else(|| event.host.clone()).or_else(of_kubelet).or_else(of_scheduler)
}

/// `Successfully assigned ml/train-0 to ip-10-0-3-7` (kubernetes pkg/scheduler/schedule_one.go).
fn assigned_to(message: &str) -> Option<Sym> {
    let (_, node) = message.strip_prefix("Successfully assigned ")?.rsplit_once(" to ")?;
    Some(Sym::new(node.trim()))
}

/// Incidents in the making, by what they are about, the oldest first.
#[derive(Default)]
struct Book {
    by_subject: BTreeMap<Subject, Vec<Incident>>,
}

impl Book {
    fn enter(&mut self, subject: &Subject, step: Step, event: &EventRow) {
        match step {
            Step::Begins(kind, reason) => {
                let incident = self.begin(subject, kind, reason, event.first);
                incident.count = incident.count.saturating_add(event.count);
                note(incident, event);
            }
            Step::Hits(pod) => {
                if self.going(subject, event.first).is_none() {
                    self.begin(subject, IncidentKind::Eviction, event.reason.clone(), event.first);
                }
                let Some(incident) = self.going(subject, event.first) else { return };
                incident.pods.retain(|other| other.key != pod);
                incident.pods.push(HitPod { key: pod, evicted: Some(event.at) });
                note(incident, event);
            }
            Step::Continues => {
                if let Some(incident) = self.going(subject, event.first) {
                    note(incident, event);
                }
            }
            Step::Drained => {
                if let Some(incident) = self.going(subject, event.first) {
                    incident.drained = Some(event.at);
                    note(incident, event);
                }
            }
            Step::Ends => self.end(subject, event),
        }
    }

    /// The newest incident of a subject that takes its Node away, and is not too old to be told of.
    fn going(&mut self, subject: &Subject, at: Time) -> Option<&mut Incident> {
        let last = self.by_subject.get_mut(subject)?.last_mut()?;
        let is_near = at.seconds_since(last.last) <= ONE_INCIDENT_SECONDS;
        (is_near && last.state == IncidentState::Open && last.key.kind != IncidentKind::NotReady).then_some(last)
    }

    /// The incident that this is the beginning of, or one that it belongs to: a notice of the cloud, and what Karpenter does
    /// about it, are one.
    fn begin(&mut self, subject: &Subject, kind: IncidentKind, reason: Sym, at: Time) -> &mut Incident {
        let incidents = self.by_subject.entry(subject.clone()).or_default();
        let belongs = |one: &Incident| {
            let is_same = one.key.kind == kind || (one.key.kind.ends_node() && kind.ends_node());
            is_same && one.state == IncidentState::Open && at.seconds_since(one.last) <= ONE_INCIDENT_SECONDS
        };
        let known = incidents.iter().rposition(belongs);
        let at = known.unwrap_or_else(|| {
            incidents.push(incident(subject, kind, reason.clone(), at));
            incidents.len() - 1
        });
        let found = &mut incidents[at];
        if kind == IncidentKind::Interruption && found.key.kind == IncidentKind::Disruption {
            (found.key.kind, found.reason) = (kind, reason);
        }
        found
    }

    /// A Node that is ready again has been not ready; one that is removed has been taken away.
    fn end(&mut self, subject: &Subject, event: &EventRow) {
        let is_ready_again = event.reason == "NodeReady";
        let Some(incidents) = self.by_subject.get_mut(subject) else { return };
        let is_ended = |one: &&mut Incident| {
            let kind = one.key.kind;
            let is_meant = if is_ready_again { kind == IncidentKind::NotReady } else { kind.ends_node() };
            is_meant && one.state == IncidentState::Open && event.at >= one.key.since
        };
        if let Some(incident) = incidents.iter_mut().rev().find(is_ended) {
            incident.state = IncidentState::Over(Some(event.at));
            note(incident, event);
        }
    }

    /// What a Node tells of itself where Events do not.
    fn enter_node(&mut self, fleet: &Fleet, node: &NodeRow) {
        let phase = NodePhase::of(node, fleet.claim_of(node));
        let (kind, reason, since) = match phase {
            NodePhase::NotReady => {
                let ready = Condition::find(&node.conditions, "Ready");
                let since = ready.and_then(|ready| ready.last_transition);
                (IncidentKind::NotReady, "NotReady", since)
            }
            NodePhase::Terminating => (IncidentKind::Disruption, "Deleted", node.meta.deletion),
            NodePhase::Starting | NodePhase::Running | NodePhase::Disrupting => return,
        };
        let subject = Subject::Node(node.meta.key.name.clone());
        let known = self.by_subject.get(&subject).and_then(|incidents| incidents.last());
        let is_known = known.is_some_and(|one| {
            one.state == IncidentState::Open && (one.key.kind == kind || one.key.kind.ends_node() && kind.ends_node())
        });
        if let Some(since) = since.filter(|_| !is_known) {
            let new = incident(&subject, kind, Sym::new(reason), since);
            self.by_subject.entry(subject).or_default().push(new);
        }
    }

    /// With the incidents of NodeClaims whose Node is gone put to those of the Nodes: the same was told of both at once.
    fn folded(self) -> Vec<Incident> {
        let (mut nodes, mut claims) = (Vec::new(), Vec::new());
        for (subject, incidents) in self.by_subject {
            let to = if matches!(subject, Subject::Claim(_)) { &mut claims } else { &mut nodes };
            to.extend(incidents);
        }
        for claim in claims {
            let is_its_node = |node: &&mut Incident| {
                let apart = node.key.since.seconds_since(claim.key.since).abs();
                node.claim.is_none() && node.reason == claim.reason && apart <= TOGETHER_SECONDS
            };
            match nodes.iter_mut().find(is_its_node) {
                Some(node) => fold(node, claim),
                None => nodes.push(claim),
            }
        }
        nodes
    }
}

fn incident(subject: &Subject, kind: IncidentKind, reason: Sym, since: Time) -> Incident {
    let (name, node, claim) = match subject {
        Subject::Node(name) => (name.clone(), Some(name.clone()), None),
        Subject::Claim(name) => (name.clone(), None, Some(name.clone())),
        Subject::NodePool(name) => (name.clone(), None, None),
        Subject::Pod(key) => (Sym::new(&key.to_string()), None, None),
    };
    Incident {
        key: IncidentKey { since, kind, name },
        node,
        claim,
        reason,
        message: Sym::new(""),
        last: since,
        drained: None,
        state: IncidentState::Open,
        count: 0,
        pods: Vec::new(),
        events: Vec::new(),
    }
}

/// How many Events of one incident are named.
const MOST_EVENTS: usize = 100;

fn note(incident: &mut Incident, event: &EventRow) {
    if event.at >= incident.last {
        (incident.last, incident.message) = (event.at, event.message.clone());
    }
    if incident.events.len() < MOST_EVENTS {
        incident.events.push(event.meta.key.clone());
    }
}

/// What a NodeClaim told besides its Node.
fn fold(node: &mut Incident, claim: Incident) {
    node.claim = claim.claim;
    node.drained = node.drained.or(claim.drained);
    node.last = node.last.max(claim.last);
    if node.state == IncidentState::Open {
        node.state = claim.state;
    }
    node.events.extend(claim.events);
}

/// What the Fleet has of it now: its NodeClaim, the pods that still stand on the Node, and whether the Node is gone.
fn complete(incident: &mut Incident, fleet: &Fleet, are_nodes_known: bool) {
    let node = incident.node.as_ref().and_then(|name| fleet.node(name));
    if let Some(node) = node {
        incident.claim = incident.claim.take().or_else(|| fleet.claim_of(node).map(|it| it.meta.key.name.clone()));
        // A Node of this name that was made later is another one.
        if node.meta.created > incident.key.since && incident.state == IncidentState::Open {
            incident.state = IncidentState::Over(None);
        }
    }
    match incident.key.kind {
        IncidentKind::Eviction | IncidentKind::NoCapacity => incident.state = IncidentState::Told,
        _ if incident.state != IncidentState::Open => {}
        IncidentKind::NotReady if node.is_some_and(NodeRow::is_ready) => incident.state = IncidentState::Over(None),
        _ if node.is_none() && are_nodes_known && !is_there(incident, fleet) => {
            incident.state = IncidentState::Over(None);
        }
        kind if kind.ends_node() => {
            let standing = node.into_iter().flat_map(|node| fleet.pods_on(&node.meta.key.name));
            let new: Vec<&PodRow> = standing.filter(|pod| relation::keeps_node(pod)).collect();
            for pod in new {
                if incident.pods.iter().all(|hit| hit.key != pod.meta.key) {
                    incident.pods.push(HitPod { key: pod.meta.key.clone(), evicted: None });
                }
            }
        }
        _ => {}
    }
    incident.pods.sort_by(|a, b| a.key.cmp(&b.key));
}

/// Whether the NodeClaim of an incident, whose Node is not there, still is.
fn is_there(incident: &Incident, fleet: &Fleet) -> bool {
    incident.claim.as_ref().is_some_and(|name| fleet.node_claims.get(&ObjectKey::cluster(name)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Delta, EventClass, EventObject, EventType, Status, Uid};
    use crate::insight::testing::{CREATED, claim, condition, fleet, node, pod, sym, upserts};
    use crate::rows;

    fn at(seconds: i64) -> Time {
        CREATED.plus_seconds(seconds)
    }

    fn event(seconds: i64, reason: &str, (kind, namespace, name): (&str, &str, &str), message: &str) -> EventRow {
        let class = match reason {
            "DisruptionTerminating" | "Drained" => EventClass::Disrupting,
            "SpotInterrupted" => EventClass::Interruption,
            "Evicted" => EventClass::Eviction,
            INSUFFICIENT_CAPACITY => EventClass::Provisioning,
            _ => EventClass::Other,
        };
        EventRow {
            meta: rows::meta("default", &format!("{name}.{reason}.{seconds}"), at(seconds)),
            at: at(seconds),
            first: at(seconds),
            count: 1,
            kind: EventType::Normal,
            reason: sym(reason),
            object: EventObject { kind: sym(kind), key: ObjectKey::new(namespace, name) },
            object_uid: Some(Uid::parse(&format!("uid-{name}"))),
            container: None,
            message: sym(message),
            source: sym("karpenter"),
            host: None,
            class,
        }
    }

    /// What Karpenter tells of a disruption of a Node and its NodeClaim, in which it evicts a pod.
    fn disruption(node: &str, claim: &str, from: i64) -> Vec<EventRow> {
        let drained = "Status condition transitioned, Type: Drained, Status: Unknown -> True, Reason: Drained";
        let scheduled = format!("Successfully assigned ml/train-0 to {node}");
        vec![
            event(from - 600, "Scheduled", ("Pod", "ml", "train-0"), &scheduled),
            event(from, "DisruptionTerminating", ("Node", "", node), "Disrupting Node: Drifted"),
            event(from + 1, "DisruptionTerminating", ("NodeClaim", "", claim), "Disrupting NodeClaim: Drifted"),
            event(from + 3, "Evicted", ("Pod", "ml", "train-0"), "Evicted pod: Drifted"),
            event(from + 72, "Drained", ("NodeClaim", "", claim), drained),
            event(from + 110, "Finalized", ("NodeClaim", "", claim), "Finalized karpenter.sh/termination"),
        ]
    }

    fn told(deltas: Vec<Delta>) -> Vec<Incident> {
        incidents(&fleet(deltas), true)
    }

    /// Kind, name, reason, seconds until it was drained, state, names of the pods.
    fn summary(found: &[Incident]) -> Vec<String> {
        let line = |one: &Incident| {
            let drained = one.drained.map(|at| at.seconds_since(one.key.since));
            let pods: Vec<&str> = one.pods.iter().map(|pod| pod.key.name.as_str()).collect();
            let state = match one.state {
                IncidentState::Open => "open".to_owned(),
                IncidentState::Over(at) => format!("over {:?}", at.map(|at| at.seconds_since(one.key.since))),
                IncidentState::Told => "told".to_owned(),
            };
            format!("{} {} {} {drained:?} {state} {pods:?}", one.key.kind.name(), one.key.name, one.reason)
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn a_disruption_of_a_node_that_is_gone_is_one_incident_with_the_pods_it_hit() {
        let found = told(vec![Delta::Events(upserts(disruption("n", "c", 1_000)))]);
        assert_eq!(summary(&found), ["disruption n Drifted Some(72) over Some(110) [\"train-0\"]"]);
        assert_eq!((found[0].claim.as_deref(), found[0].events.len()), (Some("c"), 5), "{found:?}");
        // The order in which Events come does not matter.
        let mut turned = disruption("n", "c", 1_000);
        turned.reverse();
        assert_eq!(told(vec![Delta::Events(upserts(turned))])[0].pods, found[0].pods);
    }

    #[test]
    fn a_pod_of_the_same_name_that_came_later_does_not_take_the_place_of_the_one_that_was_evicted() {
        let later = pod("ml", "train-0", Some("other"));
        let nodes = Delta::Nodes(upserts(vec![node("other")]));
        let found =
            told(vec![nodes, Delta::Pods(upserts(vec![later])), Delta::Events(upserts(disruption("n", "c", 9)))]);
        assert_eq!(found[0].node.as_deref(), Some("n"));
        assert_eq!(found[0].pods.len(), 1);
    }

    #[test]
    fn a_node_that_is_being_drained_names_the_pods_that_still_stand_on_it() {
        let mut events = disruption("n", "c", 1_000);
        events.truncate(4);
        let claim = NodeClaimRow { node_name: Some(sym("n")), ..claim("c") };
        let standing = pod("ml", "web-1", Some("n"));
        let found = told(vec![
            Delta::Nodes(upserts(vec![node("n")])),
            Delta::NodeClaims(upserts(vec![claim])),
            Delta::Pods(upserts(vec![standing])),
            Delta::Events(upserts(events)),
        ]);
        assert_eq!(summary(&found), ["disruption n Drifted None open [\"train-0\", \"web-1\"]"]);
        assert_eq!(found[0].pods.iter().filter(|pod| pod.evicted.is_some()).count(), 1);
    }

    #[test]
    fn a_notice_of_the_cloud_and_what_karpenter_does_about_it_are_one() {
        let mut events = disruption("n", "c", 1_000);
        events.push(event(990, "SpotInterrupted", ("Node", "", "n"), "Spot interruption warning was triggered"));
        events.push(event(990, "SpotInterrupted", ("NodeClaim", "", "c"), "Spot interruption warning was triggered"));
        let found = told(vec![Delta::Events(upserts(events))]);
        assert_eq!(found.len(), 1, "{:?}", summary(&found));
        assert_eq!((found[0].key.kind, &*found[0].reason), (IncidentKind::Interruption, "SpotInterrupted"));
    }

    #[test]
    fn refused_capacity_is_one_incident_of_its_node_pool() {
        let refused = |seconds, claim| event(seconds, INSUFFICIENT_CAPACITY, ("NodeClaim", "", claim), "no capacity");
        let found = told(vec![Delta::Events(upserts(vec![refused(10, "gpu-aaaaa"), refused(70, "gpu-bbbbb")]))]);
        assert_eq!(summary(&found), ["no-capacity gpu InsufficientCapacityError None told []"]);
        assert_eq!((found[0].count, found[0].last), (2, at(70)));
        let apart = told(vec![Delta::Events(upserts(vec![refused(10, "gpu-aaaaa"), refused(9_000, "gpu-bbbbb")]))]);
        assert_eq!(apart.len(), 2, "hours apart they are two");
    }

    #[test]
    fn a_node_that_is_not_ready_is_one_whether_events_tell_or_not() {
        let mut lost = node("n");
        lost.conditions = vec![condition("Ready", Status::Unknown, "NodeStatusUnknown")];
        let alone = told(vec![Delta::Nodes(upserts(vec![lost.clone()]))]);
        assert_eq!(alone.len(), 1, "{:?}", summary(&alone));
        assert_eq!((alone[0].key.kind, alone[0].state), (IncidentKind::NotReady, IncidentState::Open));
        let not_ready = event(500, "NodeNotReady", ("Node", "", "n"), "Node n status is now: NodeNotReady");
        let with_event = told(vec![Delta::Nodes(upserts(vec![lost])), Delta::Events(upserts(vec![not_ready.clone()]))]);
        assert_eq!(with_event.len(), 1, "{:?}", summary(&with_event));
        let back = event(560, "NodeReady", ("Node", "", "n"), "Node n status is now: NodeReady");
        let over = told(vec![Delta::Nodes(upserts(vec![node("n")])), Delta::Events(upserts(vec![not_ready, back]))]);
        assert_eq!(summary(&over), ["not-ready n NotReady None over Some(60) []"]);
    }

    #[test]
    fn a_node_that_is_not_known_yet_is_not_said_to_be_gone() {
        let events = disruption("n", "c", 1_000).into_iter().take(3).collect();
        let known = fleet(vec![Delta::Events(upserts(events))]);
        assert_eq!(incidents(&known, false)[0].state, IncidentState::Open);
        assert_eq!(incidents(&known, true)[0].state, IncidentState::Over(None));
    }

    #[test]
    fn pods_that_are_evicted_from_a_node_that_stays_are_an_incident_of_their_own() {
        let mut evicted = event(10, "Evicted", ("Pod", "ml", "web-0"), "The node was low on resource: memory");
        evicted.host = Some(sym("n"));
        let found = told(vec![Delta::Nodes(upserts(vec![node("n")])), Delta::Events(upserts(vec![evicted]))]);
        assert_eq!(summary(&found), ["eviction n Evicted None told [\"web-0\"]"]);
    }
}
