//! Every rule of the waterfall, each with the objects and Events of a start as a cluster has them.

use super::*;
use crate::fleet::{
    Change, Condition, ContainerRole, ContainerStart, Delta, EventClass, EventObject, EventRow, GangRow, Gates,
    ImageSetup, JobRow, Kind, NodeClaimRow, NodeClassRef, NodeClassRow, NodePoolRow, NodeRow, PodPhase, PodStart,
    Snapshotter, Status, Volume, Waiting, WorkloadRow,
};
use crate::insight::Sentence;
use crate::insight::testing::{CREATED, claim, fleet, job, labels, meta, node, owner, pod, sym, upserts, workload};
use crate::rows;
use crate::units::Second;

/// So many seconds after the pod was created.
pub(super) fn at(seconds: i64) -> Time {
    CREATED.plus_seconds(seconds)
}

pub(super) fn second(seconds: i64) -> Second {
    at(seconds).into()
}

/// A container that has nothing to tell yet.
pub(super) fn container(name: &str, role: ContainerRole) -> ContainerStart {
    ContainerStart::new(sym(name), sym(&format!("{name}:1")), role)
}

/// One that first ran so many seconds after the pod was created.
pub(super) fn ran(name: &str, role: ContainerRole, seconds: i64) -> ContainerStart {
    ContainerStart { started: Some(second(seconds)), is_first_start: true, ..container(name, role) }
}

pub(super) fn worked(name: &str, from: i64, to: i64) -> ContainerStart {
    ContainerStart { finished: Some(second(to)), ..ran(name, ContainerRole::Init, from) }
}

/// A pod that waits for a place.
pub(super) fn waiting() -> PodRow {
    let start = PodStart { is_ready_when_started: true, ..PodStart::default() };
    PodRow { phase: PodPhase::Pending, start: Some(Box::new(start)), ..pod("ml", "p", None) }
}

/// A pod that was bound to a Node so many seconds after its creation.
pub(super) fn bound(node: &str, seconds: i64, containers: Vec<ContainerStart>) -> PodRow {
    let mut pod = PodRow { node: Some(sym(node)), ..waiting() };
    let start = start_of(&mut pod);
    (start.scheduled, start.containers) = (Some(second(seconds)), containers.into());
    pod
}

pub(super) fn start_of(pod: &mut PodRow) -> &mut PodStart {
    pod.start.as_mut().expect("a start")
}

/// The same pod with its sandbox and its readiness at these seconds.
pub(super) fn ready(mut pod: PodRow, sandbox: i64, ready: i64) -> PodRow {
    let start = start_of(&mut pod);
    (start.sandbox, start.ready, start.was_ready) = (Some(second(sandbox)), Some(second(ready)), true);
    pod
}

/// A Node that was created so many seconds after the pod.
pub(super) fn node_at(name: &str, seconds: i64) -> NodeRow {
    let labels = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
    ]);
    NodeRow { meta: rows::meta("", name, at(seconds)), labels, ..node(name) }
}

pub(super) fn met_at(kind: &str, seconds: i64) -> Condition {
    rows::condition(kind, Status::True, at(seconds))
}

pub(super) fn unmet(kind: &str, reason: &str, message: &str) -> Condition {
    Condition { reason: sym(reason), message: sym(message), ..rows::condition(kind, Status::Unknown, at(1)) }
}

/// The NodeClaim of a Node, with the seconds of its creation and of its conditions.
pub(super) fn claim_of(node: &str, created: i64, conditions: Vec<Condition>) -> NodeClaimRow {
    NodeClaimRow {
        meta: rows::meta("", &format!("claim-{node}"), at(created)),
        node_name: Some(sym(node)),
        conditions,
        ..claim("c")
    }
}

/// An Event about the pod: how many seconds after its creation it was first told, of which container.
pub(super) fn event(seconds: i64, reason: &str, container: &str, message: &str) -> EventRow {
    let name = format!("p.{reason}.{container}.{seconds}");
    let object = EventObject { kind: sym("Pod"), key: ObjectKey::new("ml", "p") };
    EventRow {
        message: sym(message),
        container: Some(sym(container)).filter(|name| !name.is_empty()),
        source: sym("kubelet"),
        ..rows::event(meta("ml", &name), at(seconds), EventClass::Image, reason, object)
    }
}

pub(super) fn pulling(seconds: i64, container: &str) -> EventRow {
    event(seconds, "Pulling", container, &format!("Pulling image \"{container}:1\""))
}

pub(super) fn pulled(seconds: i64, container: &str, took: &str) -> EventRow {
    event(seconds, "Pulled", container, &format!("Successfully pulled image \"{container}:1\" in {took}"))
}

pub(super) fn present(seconds: i64, container: &str) -> EventRow {
    event(seconds, "Pulled", container, &format!("Container image \"{container}:1\" already present on machine"))
}

pub(super) fn failed(seconds: i64, container: &str, count: u32) -> EventRow {
    let message = format!("Failed to pull image \"{container}:1\": not found");
    EventRow { count, ..event(seconds, "Failed", container, &message) }
}

pub(super) fn nominated(seconds: i64, target: &str) -> EventRow {
    let message = format!("Pod should schedule on: {target}");
    EventRow { source: sym("karpenter"), ..event(seconds, "Nominated", "", &message) }
}

pub(super) fn insufficient(seconds: i64, claim: &str) -> EventRow {
    let object = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster(claim) };
    let message = format!("NodeClaim {claim} event: insufficient capacity in us-east-1a");
    let meta = meta("default", &format!("{claim}.{seconds}"));
    let row = rows::event(meta, at(seconds), EventClass::Provisioning, "InsufficientCapacityError", object);
    EventRow { message: sym(&message), ..row }
}

/// Karpenter's word that a NodeClaim has been launched.
fn launched_event(seconds: i64, claim: &str) -> EventRow {
    let object = EventObject { kind: sym("NodeClaim"), key: ObjectKey::cluster(claim) };
    let meta = meta("default", &format!("{claim}.launched.{seconds}"));
    let message = "Status condition transitioned, Type: Launched, Status: Unknown -> True, Reason: Launched";
    EventRow { message: sym(message), ..rows::event(meta, at(seconds), EventClass::Provisioning, "Launched", object) }
}

/// What a cluster has.
#[derive(Default)]
pub(super) struct World {
    pub(super) nodes: Vec<NodeRow>,
    pub(super) claims: Vec<NodeClaimRow>,
    pub(super) jobs: Vec<JobRow>,
    pub(super) job_sets: Vec<GangRow>,
    pub(super) workloads: Vec<WorkloadRow>,
    pub(super) events: Vec<EventRow>,
}

impl World {
    pub(super) fn fleet(self, pod: PodRow) -> Fleet {
        fleet(vec![
            Delta::Nodes(upserts(self.nodes)),
            Delta::NodeClaims(upserts(self.claims)),
            Delta::Jobs(upserts(self.jobs)),
            Delta::JobSets(upserts(self.job_sets)),
            Delta::Workloads(upserts(self.workloads)),
            Delta::Events(upserts(self.events)),
            Delta::Pods(upserts(vec![pod])),
        ])
    }

    pub(super) fn start(self, pod: PodRow) -> ColdStart {
        start_in(&self.fleet(pod))
    }
}

pub(super) fn start_in(fleet: &Fleet) -> ColdStart {
    ColdStart::of(fleet, fleet.pods.get(&ObjectKey::new("ml", "p")).expect("the pod")).expect("a start")
}

/// The steps with their seconds, of which those that took none are left out.
pub(super) fn steps(start: &ColdStart, now: i64) -> Vec<(&'static str, i64)> {
    let all = start.phases.iter().map(|phase| (phase.name.name(), phase.seconds(at(now))));
    all.filter(|(_, seconds)| *seconds > 0).collect()
}

/// A Node of Karpenter's that came after the pod: requested at 5, launched at 40, a Node at 100, registered at 110.
fn new_node(initialized: i64) -> World {
    let conditions = vec![met_at("Launched", 40), met_at("Registered", 110), met_at("Initialized", initialized)];
    World { nodes: vec![node_at("n", 100)], claims: vec![claim_of("n", 5, conditions)], ..World::default() }
}

#[test]
fn a_cold_start_on_a_new_node_is_told_from_request_to_ready() {
    let pod = ready(bound("n", 152, vec![ran("main", ContainerRole::Main, 600)]), 155, 610);
    let events =
        vec![pulling(156, "main"), pulled(590, "main", "7m13s (7m14s including waiting). Image size: 9 bytes.")];
    let start = World { events, ..new_node(150) }.start(pod);
    let want = [
        ("WaitingForCapacity", 5),
        ("Launch", 35),
        ("Boot", 60),
        ("Register", 10),
        ("Initialize", 40),
        ("Schedule", 2),
        ("Sandbox", 3),
        ("Pull", 435),
        ("Start", 10),
        ("Ready", 10),
    ];
    assert_eq!((steps(&start, 9_999), start.is_complete), (want.into(), true));
    assert_eq!((start.total_seconds(at(9_999)), start.billed_since), (610, Some(at(40))));
    assert_eq!(start.billed_seconds(at(9_999)), 570);
    let image = &start.images[0];
    assert_eq!((image.pull_millis, image.wait_millis, image.bytes), (Some(433_000), Some(1_000), Some(9)));
    assert_eq!((image.is_cached, start.claim), (Some(false), Some(sym("claim-n"))));
    assert_eq!(
        (start.pool, start.instance_type, start.zone),
        (Some(sym("gpu")), Some(sym("p5.48xlarge")), Some(sym("us-east-1a")))
    );
    let sources: Vec<Evidence> = start.phases.iter().map(|phase| phase.source).collect();
    let (condition, status) = (Evidence::Condition, Evidence::Status);
    let machine = [status, condition, status, condition, condition];
    let want = [&machine[..], &[condition, condition, Evidence::Event, status, condition]].concat();
    assert_eq!(sources, want);
}

#[test]
fn on_a_node_that_was_there_no_step_of_a_machine_is_told() {
    let pod = ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 3)]), 2, 4);
    let start = World { events: vec![present(2, "main")], ..World::default() };
    let start = World { nodes: vec![node_at("n", -500)], ..start }.start(pod.clone());
    let want = vec![("Schedule", 1), ("Sandbox", 1), ("Start", 1), ("Ready", 1)];
    assert_eq!((steps(&start, 99), start.is_complete, start.is_node_new), (want, true, false));
    assert_eq!((start.images[0].is_cached, start.images[0].pull_millis), (Some(true), None));
    assert_eq!(start.billed_since, Some(at(1)), "it pays its part since it was bound");
    // Created in the same second, it was not made after the pod.
    let same = World { nodes: vec![node_at("n", 0)], events: vec![present(2, "main")], ..World::default() }.start(pod);
    assert!(!same.is_node_new);
}

#[test]
fn a_new_node_without_a_claim_tells_only_when_it_came() {
    let pod = ready(bound("n", 120, vec![ran("main", ContainerRole::Main, 130)]), 121, 131);
    let events = vec![present(122, "main")];
    let start = World { nodes: vec![node_at("n", 100)], events, ..World::default() }.start(pod);
    let want = vec![("WaitingForCapacity", 100), ("Schedule", 20), ("Sandbox", 1), ("Start", 9), ("Ready", 1)];
    assert_eq!((steps(&start, 999), start.is_complete), (want, false));
    assert_eq!(start.billed_since, Some(at(100)));
}

#[test]
fn a_pod_that_is_bound_before_its_node_counts_as_initialized_did_not_wait_for_that() {
    let pod = ready(bound("n", 130, vec![ran("main", ContainerRole::Main, 140)]), 131, 141);
    for world in [new_node(400), {
        let conditions =
            vec![met_at("Launched", 40), met_at("Registered", 110), unmet("Initialized", "ResourceNotRegistered", "")];
        World { claims: vec![claim_of("n", 5, conditions)], ..new_node(0) }
    }] {
        let start = World { events: vec![present(131, "main")], ..world }.start(pod.clone());
        let initialize = start.phase(PhaseName::Initialize).expect("a step");
        assert_eq!((initialize.seconds(at(999)), initialize.source, start.is_complete), (20, Evidence::Derived, true));
    }
}

#[test]
fn times_of_clocks_that_differ_never_make_a_step_negative() {
    let conditions = vec![met_at("Launched", 3), met_at("Registered", 2), met_at("Initialized", 9)];
    let world = World { nodes: vec![node_at("n", 5)], claims: vec![claim_of("n", -1, conditions)], ..World::default() };
    let pod = ready(bound("n", 10, vec![ran("main", ContainerRole::Main, 9)]), 8, 9);
    let start = World { events: vec![present(9, "main")], ..world }.start(pod);
    let all: Vec<i64> = start.phases.iter().map(|phase| phase.seconds(at(99))).collect();
    assert!(all.iter().all(|seconds| *seconds >= 0) && start.total_seconds(at(99)) == 10, "{start:#?}");
    assert!(start.phases.is_sorted_by_key(Phase::start));
}

#[test]
fn overlapping_pulls_count_once_and_queued_ones_tell_their_wait() {
    let containers = vec![ran("a", ContainerRole::Main, 100), ran("b", ContainerRole::Main, 101)];
    let events = vec![
        pulling(2, "a"),
        pulling(2, "b"),
        pulled(50, "a", "48s (48s including waiting)"),
        pulled(90, "b", "40s (1m28s including waiting)"),
    ];
    let world = World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let start = world.start(ready(bound("n", 1, containers), 2, 102));
    assert_eq!(steps(&start, 999), [("Schedule", 1), ("Sandbox", 1), ("Pull", 88), ("Start", 11), ("Ready", 1)]);
    let waits: Vec<_> = start.images.iter().map(|image| (image.pull_millis, image.wait_millis)).collect();
    assert_eq!(waits, [(Some(48_000), Some(0)), (Some(40_000), Some(48_000))]);
}

#[test]
fn init_containers_between_pulls_take_only_their_own_time() {
    let containers = vec![
        worked("get", 20, 50),
        ran("proxy", ContainerRole::Sidecar, 52),
        worked("check", 60, 70),
        ran("main", ContainerRole::Main, 130),
    ];
    let events = vec![
        pulling(2, "get"),
        pulled(19, "get", "17s (17s including waiting)"),
        present(51, "proxy"),
        present(53, "check"),
        pulling(71, "main"),
        pulled(125, "main", "54s (54s including waiting)"),
    ];
    let world = World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let start = world.start(ready(bound("n", 1, containers), 2, 131));
    let want = [("Schedule", 1), ("Sandbox", 1), ("Pull", 71), ("Init", 40), ("Start", 17), ("Ready", 1)];
    assert_eq!((steps(&start, 999), start.total_seconds(at(999))), (want.into(), 131));
    let inits: Vec<(&str, bool)> = start.images.iter().map(|image| (&*image.container, image.is_init)).collect();
    assert_eq!(inits, [("get", true), ("proxy", true), ("check", true), ("main", false)]);
}

#[test]
fn a_pull_that_failed_and_came_through_counts_from_its_first_attempt() {
    let events = vec![
        EventRow { count: 3, at: at(80), ..pulling(2, "main") },
        failed(5, "main", 2),
        event(6, "BackOff", "main", "Back-off pulling image \"main:1\""),
        pulled(95, "main", "15s (15s including waiting)"),
    ];
    let world = World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let start = world.start(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 96)]), 2, 97));
    assert_eq!(steps(&start, 999), [("Schedule", 1), ("Sandbox", 1), ("Pull", 93), ("Start", 1), ("Ready", 1)]);
    let image = &start.images[0];
    assert_eq!((image.failures, image.error.as_deref(), image.pull_millis), (2, Some("not found"), Some(15_000)));
}

#[test]
fn an_event_that_counts_on_is_not_counted_twice() {
    let world = World { nodes: vec![node_at("n", -9)], events: vec![pulling(2, "main")], ..World::default() };
    let mut fleet = world.fleet(bound("n", 1, vec![container("main", ContainerRole::Main)]));
    for count in [1, 2, 3, 2] {
        fleet.apply(Delta::Events(vec![Change::Upsert(failed(5, "main", count))]));
    }
    let start = start_in(&fleet);
    assert_eq!((start.images[0].failures, start.open_phase().map(|open| open.name)), (3, Some(PhaseName::Pull)));
    let cause = start.cause.expect("a cause");
    assert_eq!((cause.reason, &*cause.message, cause.since), (CauseReason::ImagePullFailed, "not found", Some(at(5))));
}

#[test]
fn events_that_do_not_name_a_container_are_those_of_its_image() {
    let bare = |row: EventRow| EventRow { container: None, ..row };
    let events = vec![
        bare(event(2, "Pulling", "", "Pulling image \"b:1\"")),
        bare(pulled(20, "b", "18s (18s including waiting)")),
        bare(present(2, "a")),
    ];
    let containers = vec![ran("a", ContainerRole::Main, 22), ran("b", ContainerRole::Main, 23)];
    let world = World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let start = world.start(ready(bound("n", 1, containers), 2, 24));
    assert_eq!(start.images.iter().map(|image| image.is_cached).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(start.phase(PhaseName::Pull).map(|pull| pull.seconds(at(99))), Some(18));
}

#[test]
fn an_event_about_an_earlier_pod_of_the_same_name_does_not_count() {
    let other = EventRow { object_uid: Some(Uid::parse("gone")), ..pulling(2, "main") };
    let world = World { nodes: vec![node_at("n", -9)], events: vec![other], ..World::default() };
    let start = world.start(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 9)]), 2, 10));
    assert_eq!((start.phase(PhaseName::Pull), start.is_complete), (None, false));
}

#[test]
fn a_pod_whose_events_are_gone_keeps_its_durable_steps_and_says_so() {
    let pod = ready(bound("n", 152, vec![ran("main", ContainerRole::Main, 600)]), 155, 610);
    let start = new_node(150).start(pod);
    let last = &steps(&start, 9_999)[5..];
    assert_eq!(
        (last, start.is_complete),
        (&[("Schedule", 2), ("Sandbox", 3), ("Start", 445), ("Ready", 10)][..], false)
    );
    assert_eq!((start.images[0].is_cached, start.images[0].pull_millis), (None, None));
}

#[test]
fn what_was_seen_does_not_become_less_when_events_and_states_go() {
    let running = ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 60)]), 2, 61);
    let events = vec![pulling(3, "main"), pulled(58, "main", "55s (55s including waiting)")];
    let names: Vec<ObjectKey> = events.iter().map(|event| event.meta.key.clone()).collect();
    let mut fleet = World { nodes: vec![node_at("n", -9)], events, ..World::default() }.fleet(running.clone());
    let before = start_in(&fleet);
    fleet.apply(Delta::Events(names.into_iter().map(Change::Remove).collect()));
    assert_eq!(start_in(&fleet), before, "events expire after an hour");
    // The pod has ended: the conditions tell of that now.
    let mut ended = bound("n", 1, vec![ran("main", ContainerRole::Main, 60)]);
    ended.phase = PodPhase::Succeeded;
    start_of(&mut ended).was_ready = true;
    fleet.apply(Delta::Pods(upserts(vec![ended])));
    assert_eq!(start_in(&fleet).phases, before.phases);
    // A later restart, of which only the last start is told.
    let mut again = running;
    let start = start_of(&mut again);
    start.ready = None;
    start.containers[0] =
        ContainerStart { started: Some(second(5_000)), restarts: 4, ..container("main", ContainerRole::Main) };
    fleet.apply(Delta::Pods(upserts(vec![again])));
    let after = start_in(&fleet);
    assert_eq!((after.phases, after.is_restarted, after.is_complete), (before.phases, true, true));
}

#[test]
fn a_first_start_that_nobody_saw_is_told_as_unknown() {
    let late = ContainerStart { started: Some(second(5_000)), restarts: 4, ..container("main", ContainerRole::Main) };
    let mut pod = bound("n", 1, vec![late]);
    let start = start_of(&mut pod);
    (start.sandbox, start.was_ready) = (Some(second(2)), true);
    let world = || World { nodes: vec![node_at("n", -9)], ..World::default() };
    let unknown = world().start(pod.clone());
    assert_eq!((steps(&unknown, 9_999), unknown.is_complete), (vec![("Schedule", 1), ("Sandbox", 1)], false));
    assert!(unknown.is_restarted && unknown.open_phase().is_none());
    // The Event of the first start is told again by each later one, and keeps its first time.
    let started = EventRow { at: at(5_000), count: 4, ..event(30, "Started", "main", "Container started") };
    let known = World { events: vec![started, present(29, "main")], ..world() }.start(pod);
    assert_eq!(steps(&known, 9_999), [("Schedule", 1), ("Sandbox", 1), ("Start", 28)]);
}

#[test]
fn a_finished_pod_without_probes_was_ready_when_it_ran() {
    let mut pod = bound("n", 1, vec![ran("main", ContainerRole::Main, 9)]);
    pod.phase = PodPhase::Succeeded;
    let start = start_of(&mut pod);
    (start.sandbox, start.was_ready) = (Some(second(2)), true);
    let world = || World { nodes: vec![node_at("n", -9)], events: vec![present(3, "main")], ..World::default() };
    let plain = world().start(pod.clone());
    assert_eq!((plain.ended(), plain.is_complete), (Some(at(9)), true));
    start_of(&mut pod).is_ready_when_started = false;
    let probed = world().start(pod.clone());
    assert_eq!((probed.ended(), probed.is_complete, probed.phase(PhaseName::Ready)), (Some(at(9)), false, None));
    start_of(&mut pod).containers = vec![container("main", ContainerRole::Main)].into();
    let fleet = world().fleet(pod);
    let pod = fleet.pods.get(&ObjectKey::new("ml", "p")).expect("the pod");
    assert_eq!(ColdStart::of(&fleet, pod), None, "evicted before anything ran");
}

#[test]
fn a_waiting_pod_follows_the_claim_that_karpenter_has_in_mind() {
    let mut pod = waiting();
    pod.unschedulable = sym("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.");
    start_of(&mut pod).unscheduled = Some(second(0));
    let open = |start: &ColdStart| start.open_phase().map(|open| open.name);
    let start = World::default().start(pod.clone());
    let cause = start.cause.clone().expect("a cause");
    assert_eq!((open(&start), cause.reason), (Some(PhaseName::WaitingForCapacity), CauseReason::Unschedulable));
    assert_eq!((cause.object.kind, start.total_seconds(at(70)), start.billed_since), (Kind::Pod, 70, None));

    let claimed = |conditions| World {
        claims: vec![claim_of("n", 4, conditions)],
        events: vec![nominated(5, "nodeclaim/claim-n")],
        ..World::default()
    };
    let not_yet = vec![unmet("Launched", "NodeClassNotReady", "NodeClass is not ready")];
    let start = claimed(not_yet).start(pod.clone());
    let cause = start.cause.clone().expect("a cause");
    assert_eq!((open(&start), cause.reason), (Some(PhaseName::Launch), CauseReason::NodeClassNotReady));
    assert_eq!((&*cause.message, cause.object.kind), ("NodeClass is not ready", Kind::NodeClaim));

    let launched = vec![met_at("Launched", 40), unmet("Registered", "NodeNotFound", "Node not registered")];
    let start = claimed(launched).start(pod.clone());
    assert_eq!(
        (open(&start), start.cause.map(|cause| cause.reason)),
        (Some(PhaseName::Boot), Some(CauseReason::NodeNotFound))
    );
    assert_eq!(start.billed_since, Some(at(40)));

    let late = "Resource \"nvidia.com/gpu\" was requested but not registered";
    let initializing =
        vec![met_at("Launched", 40), met_at("Registered", 110), unmet("Initialized", "ResourceNotRegistered", late)];
    let world = World { nodes: vec![node_at("n", 100)], ..claimed(initializing) };
    let start = world.start(pod.clone());
    let cause = start.cause.clone().expect("a cause");
    let want = (CauseReason::ResourceNotRegistered, late, Some(at(110)));
    assert_eq!((open(&start), (cause.reason, &*cause.message, cause.since)), (Some(PhaseName::Initialize), want));
    assert_eq!(steps(&start, 300).last(), Some(&("Initialize", 190)));
    assert_eq!(start.node, Some(sym("n")), "not bound, but meant for it");

    let conditions = vec![met_at("Launched", 40), met_at("Registered", 110), met_at("Initialized", 150)];
    let world = World { nodes: vec![node_at("n", 100)], ..claimed(conditions) };
    assert_eq!(open(&world.start(pod)), Some(PhaseName::Schedule));
}

#[test]
fn launches_that_failed_are_told_and_the_newest_is_the_cause() {
    let mut pod = waiting();
    start_of(&mut pod).unscheduled = Some(second(0));
    let tries = || vec![nominated(5, "nodeclaim/a"), insufficient(8, "a"), nominated(20, "nodeclaim/b")];
    let mut events = tries();
    events.push(insufficient(23, "b"));
    let start = World { events, ..World::default() }.start(pod.clone());
    let failed = |at_second, claim, reason| (at(at_second), sym(claim), reason);
    let told = |start: &ColdStart| -> Vec<(Time, Sym, LaunchFailureReason)> {
        start.launch_failures.iter().map(|failure| (failure.at, failure.claim.clone(), failure.reason)).collect()
    };
    let none = LaunchFailureReason::InsufficientCapacity;
    assert_eq!(told(&start), [failed(8, "a", none), failed(23, "b", none)]);
    let cause = start.cause.expect("a cause");
    assert_eq!(
        (cause.reason, &*cause.message),
        (CauseReason::InsufficientCapacity, "insufficient capacity in us-east-1a")
    );
    assert_eq!((cause.since, &*cause.object.object.name), (Some(at(8)), "b"));

    // The second one is there, and goes on.
    let world =
        World { claims: vec![NodeClaimRow { meta: rows::meta("", "b", at(19)), ..claim("b") }], ..World::default() };
    let start = World { events: tries(), ..world }.start(pod.clone());
    assert_eq!((told(&start).len(), start.open_phase().map(|open| open.name)), (1, Some(PhaseName::Launch)));

    // One that vanished without a word; one that had been launched before it went did not fail so.
    let without_word =
        || World { events: vec![nominated(5, "nodeclaim/x"), nominated(30, "nodeclaim/y")], ..World::default() };
    assert_eq!(told(&without_word().start(pod.clone())), [], "whether they were launched nobody knows");
    let world = || {
        let mut events = without_word().events;
        events.push(launched_event(3, "other"));
        World { events, ..World::default() }
    };
    let y = NodeClaimRow { meta: rows::meta("", "y", at(29)), ..claim("y") };
    let mut silent = World { claims: vec![y.clone()], ..without_word() }.fleet(pod.clone());
    silent.apply(Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("y"))]));
    assert_eq!(told(&start_in(&silent)), [failed(30, "y", LaunchFailureReason::Deleted)], "it was seen to go");
    let mut fleet = World { claims: vec![y.clone()], ..world() }.fleet(pod);
    assert_eq!(told(&start_in(&fleet)), [failed(30, "x", LaunchFailureReason::Deleted)]);
    let launched = NodeClaimRow { conditions: vec![met_at("Launched", 31)], ..y };
    fleet.apply(Delta::NodeClaims(upserts(vec![launched])));
    fleet.apply(Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("y"))]));
    assert_eq!(told(&start_in(&fleet)).len(), 1);
}

#[test]
fn gates_are_a_step_of_their_own() {
    let mut pod = waiting();
    start_of(&mut pod).gates = Gates::Closed;
    let start = World::default().start(pod.clone());
    assert_eq!((steps(&start, 30), start.cause), (vec![("Gated", 30)], None));
    let mut fleet = World { nodes: vec![node_at("n", -9)], ..World::default() }.fleet(pod);
    let free = ready(bound("n", 41, vec![ran("main", ContainerRole::Main, 43)]), 42, 44);
    fleet.apply(Delta::Events(upserts(vec![event(40, "FailedScheduling", "", "0/1 nodes are available: 1 x.")])));
    fleet.apply(Delta::Pods(upserts(vec![free])));
    assert_eq!(steps(&start_in(&fleet), 99)[..2], [("Gated", 40), ("Schedule", 1)]);
}

#[test]
fn the_pods_of_a_job_waited_with_it_for_its_queue_or_its_resumption() {
    let owner_job = JobRow { meta: rows::meta("ml", "j", at(-100)), ..job("ml", "j") };
    let of_job = |created: i64| {
        let pod = ready(
            bound("n", created + 1, vec![ran("main", ContainerRole::Main, created + 3)]),
            created + 2,
            created + 4,
        );
        PodRow { meta: rows::meta("ml", "p", at(created)), owner: Some(owner("Job", "j", &owner_job.meta.uid)), ..pod }
    };
    let admitted = WorkloadRow { conditions: vec![met_at("Admitted", -10)], ..workload("w", &owner_job) };
    let base = || World { nodes: vec![node_at("n", -900)], ..World::default() };
    let start = World { jobs: vec![owner_job.clone()], workloads: vec![admitted.clone()], ..base() }.start(of_job(0));
    assert_eq!(steps(&start, 99)[..2], [("Queued", 90), ("Schedule", 11)]);
    assert_eq!((start.total_seconds(at(99)), start.job.as_deref()), (104, Some("j")));

    let resumed = Condition { reason: sym("JobResumed"), ..rows::condition("Suspended", Status::False, at(-5)) };
    let job = JobRow { conditions: vec![resumed], ..owner_job.clone() };
    let start = World { jobs: vec![job], ..base() }.start(of_job(0));
    assert_eq!(steps(&start, 99)[0], ("Suspended", 95));

    let start = World { jobs: vec![owner_job.clone()], ..base() }.start(of_job(0));
    assert_eq!(steps(&start, 99)[0], ("Schedule", 1), "nothing held it back");
    let start = World { jobs: vec![owner_job.clone()], workloads: vec![admitted], ..base() }.start(of_job(7_200));
    assert_eq!(steps(&start, 9_999)[0], ("Schedule", 1), "a retry two hours later did not wait for the queue");
}

#[test]
fn a_sandbox_ends_with_its_condition_or_with_the_first_event_of_an_image() {
    let base = |events| World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let pod = |sandbox| {
        let mut pod = ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 30)]), 0, 31);
        start_of(&mut pod).sandbox = sandbox;
        pod
    };
    let of = |sandbox: Option<Second>| {
        let events = vec![pulling(6, "main"), pulled(28, "main", "22s (22s including waiting)")];
        let start = base(events).start(pod(sandbox));
        (start.phase(PhaseName::Sandbox).map(|step| (step.seconds(at(99)), step.source)), start.is_complete)
    };
    assert_eq!(of(Some(second(4))), (Some((3, Evidence::Condition)), true));
    assert_eq!(of(None), (Some((5, Evidence::Event)), true));
    assert_eq!(
        of(Some(second(29))),
        (Some((5, Evidence::Event)), true),
        "an old kubelet tells of it only after the pull"
    );
    let start = base(Vec::new()).start(pod(None));
    assert_eq!((steps(&start, 99), start.is_complete), (vec![("Schedule", 1), ("Start", 29), ("Ready", 1)], false));
}

#[test]
fn an_open_step_between_node_and_container_tells_what_holds_it_up() {
    let base = |events| World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let open = |world: World, pod: PodRow| {
        let start = world.start(pod);
        let cause = start.cause.clone().map(|cause| (cause.reason, cause.message.to_string()));
        (start.open_phase().map(|open| open.name), cause, start.is_complete)
    };
    let fresh = || bound("n", 1, vec![container("main", ContainerRole::Main)]);
    let with_sandbox = || {
        let mut pod = fresh();
        start_of(&mut pod).sandbox = Some(second(3));
        pod
    };
    assert_eq!(open(base(Vec::new()), fresh()), (Some(PhaseName::Sandbox), None, true));
    let volume = event(5, "FailedMount", "", "MountVolume.SetUp failed for volume \"data\"");
    let cause = Some((CauseReason::Volume, "MountVolume.SetUp failed for volume \"data\"".to_owned()));
    assert_eq!(open(base(vec![volume]), fresh()), (Some(PhaseName::Sandbox), cause, true));
    let network = event(5, "FailedCreatePodSandBox", "", "Failed to create pod sandbox: no address");
    let cause = Some((CauseReason::Network, "Failed to create pod sandbox: no address".to_owned()));
    assert_eq!(open(base(vec![network]), fresh()), (Some(PhaseName::Sandbox), cause, true));
    let cause = Some((CauseReason::ImagePull, "Pulling image \"main:1\"".to_owned()));
    assert_eq!(open(base(vec![pulling(4, "main")]), with_sandbox()), (Some(PhaseName::Pull), cause, true));
    assert_eq!(open(base(vec![present(4, "main")]), with_sandbox()), (Some(PhaseName::Start), None, true));

    let mut refused = with_sandbox();
    let waiting = Waiting { reason: sym("ImagePullBackOff"), message: sym("Back-off pulling image \"main:1\"") };
    start_of(&mut refused).containers[0].waiting = Some(Box::new(waiting));
    let cause = Some((CauseReason::ImagePullFailed, "Back-off pulling image \"main:1\"".to_owned()));
    assert_eq!(open(base(Vec::new()), refused), (Some(PhaseName::Pull), cause, true), "its events are gone");

    let init = vec![ran("get", ContainerRole::Init, 5), container("main", ContainerRole::Main)];
    let mut working = bound("n", 1, init);
    start_of(&mut working).sandbox = Some(second(3));
    let cause = Some((CauseReason::InitContainer, "init container \"get\" runs".to_owned()));
    assert_eq!(open(base(vec![present(4, "get")]), working), (Some(PhaseName::Init), cause, true));

    let mut unready = bound("n", 1, vec![ran("main", ContainerRole::Main, 9)]);
    start_of(&mut unready).sandbox = Some(second(3));
    assert_eq!(open(base(vec![present(4, "main")]), unready), (Some(PhaseName::Ready), None, true));
}

#[test]
fn open_steps_grow_and_the_parts_add_up() {
    let events = vec![pulling(4, "get"), pulled(10, "get", "6s"), pulling(25, "main")];
    let containers = vec![worked("get", 12, 22), container("main", ContainerRole::Main)];
    let mut pod = bound("n", 1, containers);
    start_of(&mut pod).sandbox = Some(second(3));
    let start = World { nodes: vec![node_at("n", -9)], events, ..World::default() }.start(pod);
    assert_eq!(steps(&start, 60), [("Schedule", 1), ("Sandbox", 2), ("Init", 10), ("Pull", 47)]);
    assert_eq!((start.total_seconds(at(60)), start.total_seconds(at(75))), (60, 75));
    assert_eq!(start.open_phase().map(Phase::start), Some(at(3)));
}

#[test]
fn only_the_newest_closed_starts_are_kept_and_open_ones_come_first() {
    let of = |name: &str, created: i64, is_ready: bool| {
        let mut pod = ready(
            bound("n", created + 1, vec![ran("main", ContainerRole::Main, created + 2)]),
            created + 1,
            created + 3,
        );
        pod.meta = rows::meta("ml", name, at(created));
        if !is_ready {
            let start = start_of(&mut pod);
            (start.ready, start.was_ready) = (None, false);
        }
        pod
    };
    let most = i64::try_from(crate::fleet::CLOSED_STARTS).expect("few");
    let mut pods: Vec<PodRow> = (0..most + 50).map(|number| of(&format!("p{number:04}"), number, true)).collect();
    pods.reverse();
    pods.push(of("old", -5_000, false));
    let mut fleet = fleet(vec![Delta::Nodes(upserts(vec![node_at("n", -9_999)])), Delta::Pods(upserts(pods))]);
    let names = |fleet: &Fleet| -> Vec<String> {
        let pods = fleet.open_starts().chain(fleet.closed_starts());
        let starts: Vec<ColdStart> = pods.filter_map(|pod| ColdStart::of(fleet, pod)).collect();
        newest(starts.iter()).into_iter().map(|start| start.pod.name.to_string()).collect()
    };
    let told = names(&fleet);
    assert_eq!((told.len(), &*told[0], &*told[1]), (crate::fleet::CLOSED_STARTS, "old", "p0051"));
    // A start that was given up does not come back open when its pod is not ready for a while.
    let mut flapping = of("p0000", 0, false);
    flapping.meta.key = ObjectKey::new("ml", "p0000");
    fleet.apply(Delta::Pods(upserts(vec![flapping])));
    assert_eq!((names(&fleet), fleet.open_starts().count()), (told, 1));
    // One that becomes ready joins the closed ones by its age.
    fleet.apply(Delta::Pods(upserts(vec![of("old", -5_000, true)])));
    assert_eq!((fleet.open_starts().count(), fleet.closed_starts().count()), (0, crate::fleet::CLOSED_STARTS));
}

pub(super) fn pulled_start(name: &str, image: &str, took: u64, place: (&str, &str)) -> StartHistory {
    let place = history::Place { instance_type: Some(sym(place.0)), pool: Some(sym("gpu")), zone: Some(sym(place.1)) };
    let outcome = Some(history::PullOutcome::Pulled { millis: took, bytes: Some(1_000_000) });
    let record = history::PullRecord { at: at(0).into(), image: sym(image), place, outcome, failures: 1 };
    StartHistory { pulls: [((Uid::parse(name), sym("main")), record)].into(), ..StartHistory::default() }
}

pub(super) fn observed(starts: impl IntoIterator<Item = StartHistory>) -> StartHistory {
    starts.into_iter().fold(StartHistory::default(), |mut all, one| {
        all.load(one);
        all
    })
}

#[test]
fn percentiles_are_those_of_nearest_rank() {
    let seconds = [10, 20, 30, 40, 100];
    assert_eq!(
        [50, 95, 100, 1].map(|percent| percentile(&seconds, percent)),
        [Some(30), Some(100), Some(100), Some(10)]
    );
    assert_eq!((percentile(&[7], 50), percentile(&[], 50)), (Some(7), None));
}

#[test]
fn pulls_are_summed_by_image_type_and_pool_and_cached_ones_beside_them() {
    let p5 = ("p5.48xlarge", "us-east-1a");
    let mut all: Vec<StartHistory> = [10, 20, 30, 40, 100]
        .into_iter()
        .map(|seconds| pulled_start(&format!("u{seconds}"), "main:1", 1_000 * seconds, p5))
        .collect();
    all.push(pulled_start("other", "main:1", 5_000, ("g5.xlarge", "us-east-1a")));
    let mut cached = pulled_start("cached", "main:1", 0, p5);
    cached.pulls.values_mut().for_each(|record| record.outcome = Some(history::PullOutcome::Cached));
    all.push(cached);
    let images = observed(all).statistics().images;
    assert_eq!(images.len(), 2);
    let of_p5 = images.iter().find(|one| one.instance_type == Some(sym("p5.48xlarge"))).expect("p5");
    assert_eq!((of_p5.pulls, of_p5.cached, of_p5.failed), (5, 1, 6));
    assert_eq!((of_p5.p50_millis, of_p5.p95_millis), (Some(30_000), Some(100_000)));
    assert_eq!((of_p5.bytes, of_p5.bytes_per_second), (Some(1_000_000), Some(25_000)), "5 MB in 200 s");
}

#[test]
fn a_start_and_its_machine_are_observed_once() {
    let pod = ready(bound("n", 152, vec![ran("main", ContainerRole::Main, 600)]), 155, 610);
    let events =
        vec![pulling(156, "main"), pulled(590, "main", "7m13s (7m14s including waiting). Image size: 9 bytes.")];
    let fleet = World { events, ..new_node(150) }.fleet(pod);
    let mut history = StartHistory::default();
    let claim = fleet.node_claims.iter().next().expect("a claim");
    assert!(history.note_start(&start_in(&fleet)) && history.note_claim(&fleet, claim));
    assert!(!history.note_start(&start_in(&fleet)) && !history.note_claim(&fleet, claim), "nothing new");
    let statistics = history.statistics();
    assert_eq!((statistics.images[0].pulls, statistics.images[0].p50_millis), (1, Some(433_000)));
    let pool = &statistics.pools[0];
    let want = [
        (PhaseName::Launch, 35, 35),
        (PhaseName::Boot, 60, 60),
        (PhaseName::Register, 10, 10),
        (PhaseName::Initialize, 40, 40),
    ];
    assert_eq!((&*pool.pool, pool.machines, &pool.phases[..]), ("gpu", 1, &want[..]));
}

#[test]
fn launches_that_failed_are_counted_by_pool_and_reason() {
    let gone = |name: &str, deleted: i64, conditions| {
        let mut row = NodeClaimRow { conditions, ..claim(name) };
        row.meta = rows::meta("", name, at(0));
        row.meta.deletion = Some(at(deleted));
        row
    };
    let rows = vec![
        gone("a", 300, Vec::new()),
        gone("b", 900, vec![met_at("Launched", 20)]),
        gone("c", 100, vec![met_at("Launched", 20)]),
        gone("d", 2_000, vec![met_at("Launched", 20), met_at("Registered", 30)]),
    ];
    let names: Vec<Sym> = rows.iter().map(|row| row.meta.key.name.clone()).chain([sym("gpu-x1")]).collect();
    let pools = Delta::NodePools(upserts(vec![crate::insight::testing::pool("gpu")]));
    let mut fleet = fleet(vec![pools, Delta::NodeClaims(upserts(rows))]);
    fleet.apply(Delta::NodeClaims(["a", "b", "c", "d"].map(|name| Change::Remove(ObjectKey::cluster(name))).into()));
    fleet.apply(Delta::Events(upserts(vec![insufficient(8, "gpu-x1")])));
    let mut history = StartHistory::default();
    names.iter().for_each(|name| {
        history.note_launch(&fleet, name);
    });
    let want = [
        (history::FailureKind::InsufficientCapacity, 1),
        (history::FailureKind::LaunchTimeout, 1),
        (history::FailureKind::RegistrationTimeout, 1),
    ];
    assert_eq!(history.statistics().pools[0].failures, want.into());
}

#[test]
fn a_start_that_goes_on_is_estimated_by_the_same_image_type_and_zone() {
    let history = observed([
        pulled_start("a", "main:1", 100_000, ("p5.48xlarge", "us-east-1a")),
        pulled_start("b", "main:1", 300_000, ("p5.48xlarge", "us-east-1b")),
        pulled_start("c", "main:1", 20_000, ("g5.xlarge", "us-east-1a")),
    ]);
    let pulling_pod = |node: NodeRow| {
        let mut pod = bound("n", 1, vec![container("main", ContainerRole::Main)]);
        start_of(&mut pod).sandbox = Some(second(2));
        World { nodes: vec![node], events: vec![pulling(2, "main")], ..World::default() }.start(pod)
    };
    let start = pulling_pod(node_at("n", -9));
    assert_eq!(history.expectations().eta_seconds(&start, at(32)), Some(70));
    assert_eq!(history.expectations().eta_seconds(&start, at(500)), Some(0), "it takes longer than usual");
    let mut pod = bound("n", 1, vec![container("main", ContainerRole::Main)]);
    start_of(&mut pod).sandbox = Some(second(2));
    let events = vec![pulling(2, "main"), failed(3, "main", 1)];
    let failing = World { nodes: vec![node_at("n", -9)], events, ..World::default() }.start(pod);
    let eta = history.expectations().eta_seconds(&failing, at(32));
    assert_eq!(eta, None, "nobody knows how long it takes to mend an image");
    let elsewhere = labels(&[
        ("karpenter.sh/nodepool", "gpu"),
        ("node.kubernetes.io/instance-type", "p5.48xlarge"),
        ("topology.kubernetes.io/zone", "us-east-1c"),
    ]);
    let start = pulling_pod(NodeRow { labels: elsewhere, ..node_at("n", -9) });
    assert_eq!(
        history.expectations().eta_seconds(&start, at(32)),
        Some(70),
        "the median of all zones, the lower of two"
    );
    let unlike = labels(&[("karpenter.sh/nodepool", "gpu"), ("node.kubernetes.io/instance-type", "m7i.large")]);
    assert_eq!(
        history.expectations().eta_seconds(&pulling_pod(NodeRow { labels: unlike, ..node_at("n", -9) }), at(32)),
        None
    );

    let machine = history::MachineRecord {
        at: at(0).into(),
        pool: sym("gpu"),
        launch_seconds: 30,
        boot_seconds: 60,
        register_seconds: 5,
        initialize_seconds: 40,
    };
    let history = StartHistory { machines: [(Uid::parse("m"), machine)].into(), ..history };
    let claims = vec![claim_of("n", 0, vec![met_at("Launched", 30)])];
    let world = World { claims, events: vec![nominated(1, "nodeclaim/claim-n")], ..World::default() };
    assert_eq!(
        history.expectations().eta_seconds(&world.start(waiting()), at(50)),
        Some(85),
        "40 of boot, then 5 and 40"
    );
    assert_eq!(history.expectations().eta_seconds(&World::default().start(waiting()), at(50)), None);
}

#[test]
fn a_gang_is_as_slow_as_its_slowest_pod() {
    let member = |name: &str, pull_end: i64, is_ready: bool| {
        let mut pod = bound("n", 1, vec![container("main", ContainerRole::Main)]);
        pod.meta = rows::meta("ml", name, at(0));
        let start = start_of(&mut pod);
        start.sandbox = Some(second(2));
        let main = &mut start.containers[0];
        main.pulling = Some(second(2));
        if is_ready {
            main.pulled = Some((second(pull_end), None));
            (main.started, main.is_first_start) = (Some(second(pull_end + 1)), true);
            (start.ready, start.was_ready) = (Some(second(pull_end + 2)), true);
        }
        pod
    };
    let gang = |pods: Vec<PodRow>| {
        let fleet = fleet(vec![Delta::Nodes(upserts(vec![node_at("n", -9)])), Delta::Pods(upserts(pods))]);
        let pods = fleet.open_starts().chain(fleet.closed_starts());
        let starts: Vec<ColdStart> = pods.filter_map(|pod| ColdStart::of(&fleet, pod)).collect();
        GangStart::of(&starts.iter().collect::<Vec<_>>(), at(500))
    };
    let three = || vec![member("a", 20, true), member("b", 30, true), member("d", 40, true)];
    let slow = [three(), vec![member("c", 402, true)]].concat();
    let found = gang(slow).expect("a gang");
    let pull = found.phases.iter().find(|phase| phase.name == PhaseName::Pull).expect("pulls");
    assert_eq!((pull.median_seconds, pull.max_seconds), (28, 400));
    assert_eq!((found.pods, found.open, &*found.slowest.name, found.skew_seconds), (4, 0, "c", Some(382)));
    let waiting = [three(), vec![member("c", 0, false)]].concat();
    let found = gang(waiting).expect("a gang");
    assert_eq!((found.open, &*found.slowest.name, found.skew_seconds), (1, "c", None));
    assert_eq!(gang(Vec::new()), None);
}

#[test]
fn hints_quote_what_was_measured_and_are_silent_of_starts_that_are_not_known() {
    let told = |took: i64, image: &str, asks_registry: bool| {
        let image = sym(image);
        let main = ContainerStart { image, asks_registry, ..ran("main", ContainerRole::Main, 3 + took) };
        let main = ContainerStart { pulling: Some(second(2)), pulled: Some((second(2 + took), None)), ..main };
        let pod = ready(bound("n", 1, vec![main]), 2, 4 + took);
        let start = World { nodes: vec![node_at("n", -9)], ..World::default() }.start(pod);
        hints(&start).iter().map(Sentence::machine_text).collect::<Vec<String>>()
    };
    let long = told(100, "registry/main:1", true);
    assert_eq!(long.len(), 1, "{long:?}");
    assert!(long[0].starts_with("Pull took 1m40s of 1m44s"), "{long:?}");
    assert_eq!(told(20, "registry/main:1", true), [""; 0], "a short one is none");
    for image in ["registry:5000/main", "main:latest"] {
        let found = told(5, image, true);
        let want = format!("{image} is not pinned: the registry is asked at each start");
        assert!(found.len() == 1 && found[0].starts_with(&want), "{found:?}");
        let found = told(5, image, false);
        assert!(found.len() == 1 && found[0].contains(" is not pinned: Nodes may run"), "{found:?}");
    }
    assert_eq!(told(5, "main:latest@sha256:00", false), [""; 0], "a digest pins it");
    let asks = told(5, "main@sha256:00", true);
    assert!(asks.len() == 1 && asks[0].contains("imagePullPolicy Always asks the registry"), "{asks:?}");
    let waits = World::default().start(waiting());
    assert!(hints(&waits).is_empty());
}

/// NodePools `slow` and `fast` with EC2NodeClasses of their names, and a Node of each on which pods of DaemonSets run.
fn pools(slow: ImageSetup, fast: ImageSetup, daemon_sets: &[(&str, &str)]) -> Fleet {
    let pool = |name: &str| {
        let class = NodeClassRef { group: sym("karpenter.k8s.aws"), kind: sym("EC2NodeClass"), name: sym(name) };
        NodePoolRow { node_class: Some(class), ..crate::insight::testing::pool(name) }
    };
    let class = |name: &str, images| NodeClassRow {
        meta: meta("", name),
        conditions: Vec::new(),
        reservations: Vec::new(),
        images,
    };
    let node_of = |name: &str| NodeRow { labels: labels(&[("karpenter.sh/nodepool", name)]), ..node(name) };
    let daemon = |(set, on): &(&str, &str)| PodRow {
        owner: Some(owner("DaemonSet", set, &Uid::parse(set))),
        labels: labels(&[("app.kubernetes.io/name", set)]),
        ..pod("kube-system", &format!("{set}-{on}"), Some(on))
    };
    fleet(vec![
        Delta::NodePools(upserts(vec![pool("slow"), pool("fast")])),
        Delta::Ec2NodeClasses(upserts(vec![class("slow", slow), class("fast", fast)])),
        Delta::Nodes(upserts(vec![node_of("slow"), node_of("fast")])),
        Delta::Pods(upserts(daemon_sets.iter().map(daemon).collect())),
    ])
}

fn snapshot_of(device: &str) -> ImageSetup {
    let volume = Volume {
        device: sym(device),
        snapshot: Some(sym("snap-1")),
        initialization_mib_per_second: Some(300),
        throughput_mib_per_second: Some(500),
        iops: None,
    };
    ImageSetup { volumes: vec![volume], ..ImageSetup::default() }
}

fn bottlerocket() -> ImageSetup {
    ImageSetup { is_bottlerocket: true, ..snapshot_of("/dev/xvdb") }
}

#[test]
fn what_is_in_place_is_told_with_the_object_that_says_so() {
    let told = |setup: ImageSetup, daemon_sets: &[(&str, &str)]| -> Vec<String> {
        let fleet = pools(ImageSetup::default(), setup, daemon_sets);
        let found = acceleration::in_place(&fleet, &sym("fast"));
        let line = |one: &acceleration::InPlace| format!("{}: {}", one.technique.name(), one.evidence.machine_text());
        found.iter().map(line).collect()
    };
    assert_eq!(told(ImageSetup::default(), &[]), [""; 0]);
    assert_eq!(
        told(bottlerocket(), &[]),
        ["volume snapshot: EC2NodeClass fast: /dev/xvdb is made of snap-1, copied at 300 MiB/s"]
    );
    assert_eq!(
        told(snapshot_of("/dev/xvda"), &[]),
        [
            "volume snapshot: EC2NodeClass fast: /dev/xvda is made of snap-1, copied at 300 MiB/s, if it has images on it"
        ]
    );
    let on_root = ImageSetup { is_bottlerocket: true, ..snapshot_of("/dev/xvda") };
    assert_eq!(told(on_root, &[]), [""; 0], "Bottlerocket has its images elsewhere");
    let soci = ImageSetup { snapshotter: Some(Snapshotter::Soci), uses_instance_store: true, ..ImageSetup::default() };
    assert_eq!(
        told(soci, &[]),
        [
            "SOCI: EC2NodeClass fast: its userData sets up SOCI",
            "instance store: EC2NodeClass fast: instanceStorePolicy is RAID0"
        ]
    );
    assert_eq!(
        told(ImageSetup::default(), &[("spegel", "fast"), ("image-prepuller", "fast"), ("aws-node", "fast")]),
        ["peer to peer: DaemonSet kube-system/spegel", "pre-pull: DaemonSet kube-system/image-prepuller, by its name"]
    );
    assert_eq!(told(ImageSetup::default(), &[("spegel", "slow")]), [""; 0], "on other Nodes");
}

/// Pulls of an image to Nodes of NodePools, in seconds; `None` where it was there.
fn history_of(pulls: &[(&str, Option<u64>)]) -> StartHistory {
    let record = |(at, (pool, took)): (usize, &(&str, Option<u64>))| {
        let name = format!("u{at}");
        let mut one = pulled_start(&name, "train", 1_000 * took.unwrap_or(0), ("g5", "a"));
        for record in one.pulls.values_mut() {
            record.place.pool = Some(sym(pool));
            if took.is_none() {
                record.outcome = Some(history::PullOutcome::Cached);
            }
        }
        one
    };
    observed(pulls.iter().enumerate().map(record))
}

fn told_effects(fleet: &Fleet, history: &StartHistory) -> Vec<String> {
    let effects = acceleration::effects(fleet, history, &sym("train"));
    effects.iter().map(|effect| effect.sentence().machine_text()).collect()
}

fn told_help(fleet: &Fleet, history: &StartHistory, p50_seconds: u64) -> Vec<String> {
    let found = acceleration::suggestions(fleet, history, &sym("train"), &sym("slow"), Some(p50_seconds * 1_000));
    found.iter().map(Sentence::machine_text).collect()
}

#[test]
fn the_effect_of_a_technique_is_measured_where_pools_with_and_without_it_are_known() {
    let fleet = pools(ImageSetup::default(), bottlerocket(), &[]);
    let both = history_of(&[("slow", Some(400)), ("slow", Some(430)), ("slow", Some(440)), ("fast", Some(14))]);
    let said = "with volume snapshot p50 14s (1 pull), without p50 7m10s (3 pulls)";
    assert_eq!(told_effects(&fleet, &both), [said]);
    assert_eq!(
        told_help(&fleet, &both, 430)[0],
        format!("volume snapshot: saves 6m56s a pull, as measured here ({said})")
    );
    let there = history_of(&[("slow", Some(430)), ("fast", None), ("fast", None)]);
    assert_eq!(
        told_effects(&fleet, &there),
        ["with volume snapshot 2 of 2 starts found it there, without p50 7m10s (1 pull)"]
    );
    assert!(told_help(&fleet, &there, 430)[0].starts_with("volume snapshot: saves 7m10s a pull, as measured here"));
    assert_eq!(told_effects(&fleet, &history_of(&[("slow", Some(430))])), [""; 0], "one side only");
    let unknown = history_of(&[("gone", Some(430)), ("fast", Some(14))]);
    assert_eq!(told_effects(&fleet, &unknown), [""; 0], "of a NodePool that is gone nobody knows what it had");
}

#[test]
fn what_would_help_is_called_a_guess_where_nobody_measured_it() {
    let slow = history_of(&[("slow", Some(430))]);
    let fleet = pools(ImageSetup::default(), ImageSetup::default(), &[]);
    let guesses = told_help(&fleet, &slow, 430);
    assert_eq!(guesses.len(), 3, "{guesses:?}");
    assert!(guesses[0].contains("saves at most 7m10s a pull: a guess"), "{guesses:?}");
    assert_eq!(told_help(&fleet, &slow, 59), [""; 0], "short pulls need no help");
    let lazy = |initialization_mib_per_second| {
        let mut setup = bottlerocket();
        setup.volumes[0].initialization_mib_per_second = initialization_mib_per_second;
        let fleet = pools(setup, ImageSetup::default(), &[("spegel", "slow")]);
        told_help(&fleet, &slow, 430)
    };
    assert_eq!(lazy(Some(300)).len(), 1, "SOCI alone is left");
    let told = lazy(None);
    assert!(told.iter().any(|hint| hint.contains("volumeInitializationRate")), "{told:?}");
    let narrow = || {
        let mut setup = bottlerocket();
        setup.volumes[0].throughput_mib_per_second = None;
        setup
    };
    let of = |setup| told_help(&pools(setup, ImageSetup::default(), &[]), &slow, 430);
    assert!(of(narrow()).iter().any(|hint| hint.contains("writes at most 125 MiB/s")));
    let on_disks = of(ImageSetup { uses_instance_store: true, ..narrow() });
    assert!(!on_disks.iter().any(|hint| hint.contains("125 MiB/s")), "{on_disks:?}");
    let gone = acceleration::suggestions(&fleet, &slow, &sym("train"), &sym("gone"), Some(430_000));
    assert_eq!(gone, [], "nothing is known of the NodePool");
}

#[test]
fn of_machines_of_auto_mode_it_is_told_what_is_known() {
    let of = |throughput_mib_per_second| {
        let class = NodeClassRef { group: sym("eks.amazonaws.com"), kind: sym("NodeClass"), name: sym("default") };
        let pool = NodePoolRow { node_class: Some(class), ..crate::insight::testing::pool("slow") };
        let volume =
            Volume { device: sym("ephemeralStorage"), throughput_mib_per_second, ..snapshot_of("").volumes[0].clone() };
        let volumes = vec![Volume { snapshot: None, initialization_mib_per_second: None, ..volume }];
        let images = ImageSetup { volumes, ..ImageSetup::default() };
        let row = NodeClassRow { meta: meta("", "default"), conditions: Vec::new(), reservations: Vec::new(), images };
        fleet(vec![Delta::NodePools(upserts(vec![pool])), Delta::EksNodeClasses(upserts(vec![row]))])
    };
    let told = |fleet: &Fleet| acceleration::of_auto_mode(fleet, &sym("slow")).map(|told| told.machine_text());
    let slow = of(None);
    let words = told(&slow).expect("words");
    assert!(words.contains("SOCI or instance store is not told") && words.contains("at most 125 MiB/s"), "{words}");
    assert!(acceleration::in_place(&slow, &sym("slow")).is_empty() && !acceleration::has_nothing(&slow, &sym("slow")));
    let history = history_of(&[("slow", Some(430))]);
    let help = told_help(&slow, &history, 430);
    assert!(help.len() == 1 && help[0].contains("ephemeralStorage.throughput"), "{help:?}");
    let fast = of(Some(500));
    assert!(told(&fast).expect("words").contains("at most 500 MiB/s"));
    assert_eq!(told_help(&fast, &history, 430), [""; 0]);
    assert_eq!(told(&pools(ImageSetup::default(), ImageSetup::default(), &[])), None, "Karpenter's own");
}

#[test]
fn a_histogram_counts_by_doublings_of_a_second() {
    let millis = [0, 999, 1_000, 1_999, 2_000, 64_000, 127_999, 1_023_999, 1_024_000, u64::MAX];
    let history = observed(millis.iter().enumerate().map(|(at, millis)| {
        let mut one = pulled_start(&format!("u{at}"), "train", 1, ("g5", "a"));
        for record in one.pulls.values_mut() {
            record.outcome = Some(history::PullOutcome::Pulled { millis: *millis, bytes: None });
        }
        one
    }));
    let found = history.statistics().images[0].histogram;
    assert_eq!(found.counts(), &[2, 2, 1, 0, 0, 0, 0, 2, 0, 0, 1, 2]);
    assert_eq!([0, 1, 2, 11].map(Histogram::from_seconds), [0, 1, 2, 1_024]);
}
