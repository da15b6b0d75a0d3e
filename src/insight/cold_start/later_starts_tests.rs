//! What is told of later starts does not count, and what is not known of the first one is told as unknown.

use super::tests::{
    World, bound, container, event, failed, node_at, present, pulled, pulling, ran, ready, second, start_in, start_of,
    steps, worked,
};
use super::*;
use crate::fleet::{ContainerRole, ContainerStart, Delta, EventRow, PodPhase, Waiting};
use crate::insight::testing::{sym, upserts};

/// A container that first ran at this second, and once more later.
fn again(name: &str, first: i64) -> ContainerStart {
    ContainerStart { restarts: 1, ..ran(name, ContainerRole::Main, first) }
}

/// One of which only a later start is known.
fn later(name: &str, role: ContainerRole, restarts: u32, known: i64) -> ContainerStart {
    ContainerStart { restarts, started: Some(second(known)), ..container(name, role) }
}

/// A pod that was bound at 1 and has been ready, with its sandbox as of this second.
fn was_ready(sandbox: Option<i64>, containers: Vec<ContainerStart>) -> PodRow {
    let mut pod = bound("n", 1, containers);
    let start = start_of(&mut pod);
    (start.sandbox, start.was_ready) = (sandbox.map(second), true);
    pod
}

fn told(pod: PodRow, events: Vec<EventRow>) -> ColdStart {
    World { nodes: vec![node_at("n", -9)], events, ..World::default() }.start(pod)
}

/// Its steps, whether it is complete, and whether the first image was there.
fn summary(start: &ColdStart) -> (Vec<(&'static str, i64)>, bool, Option<bool>) {
    (steps(start, 99_999), start.is_complete, start.images[0].is_cached)
}

#[test]
fn a_sandbox_that_was_made_again_is_not_that_of_the_first_start() {
    let reboot = told(was_ready(Some(18_000), vec![again("main", 60)]), Vec::new());
    assert_eq!(summary(&reboot), (vec![("Schedule", 1), ("Start", 59)], false, None));
    assert_eq!((reboot.total_seconds(second(99_999).time()), reboot.is_restarted), (60, true));
    let unknown = told(was_ready(Some(18_000), vec![later("main", ContainerRole::Main, 2, 18_003)]), Vec::new());
    assert_eq!(summary(&unknown), (vec![("Schedule", 1)], false, None), "its containers ran right behind it");
    // A kubelet tells of it with its next status.
    let late = told(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 60)]), 62, 61), Vec::new());
    assert_eq!(summary(&late), (vec![("Schedule", 1), ("Sandbox", 59), ("Ready", 1)], false, None));
    let much_later = told(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 60)]), 63, 61), Vec::new());
    assert_eq!(summary(&much_later), (vec![("Schedule", 1), ("Start", 59), ("Ready", 1)], false, None));
}

#[test]
fn an_image_that_a_later_start_found_is_not_known_to_have_been_there() {
    let found = || vec![present(15_000, "main")];
    let mut ended = was_ready(None, vec![again("main", 60)]);
    ended.phase = PodPhase::Succeeded;
    assert_eq!(summary(&told(ended, found())), (vec![("Schedule", 1), ("Start", 59)], false, None));
    let running = told(was_ready(Some(3), vec![again("main", 60)]), found());
    assert_eq!(summary(&running), (vec![("Schedule", 1), ("Sandbox", 2), ("Start", 57)], false, None));
    let unknown = told(was_ready(Some(3), vec![later("main", ContainerRole::Main, 4, 20_000)]), found());
    assert_eq!(summary(&unknown), (vec![("Schedule", 1), ("Sandbox", 2)], false, None));
    // Clocks of Nodes and of the API server differ by so much.
    let near = told(was_ready(Some(3), vec![again("main", 60)]), vec![present(62, "main")]);
    assert_eq!(summary(&near).2, Some(true));
}

#[test]
fn a_pull_of_a_later_start_is_none_of_the_first() {
    let again_and_asks = ContainerStart { asks_registry: true, ..again("main", 60) };
    let pod = || was_ready(Some(3), vec![again_and_asks.clone()]);
    let events = || {
        let begun = EventRow { count: 2, at: second(1_995).time(), ..pulling(4, "main") };
        vec![begun, pulled(1_996, "main", "900ms (900ms including waiting)")]
    };
    let start = told(pod(), events());
    let want = vec![("Schedule", 1), ("Sandbox", 2), ("Pull", 57)];
    assert_eq!(summary(&start), (want, false, Some(false)));
    let image = &start.images[0];
    assert_eq!((image.pull_millis, image.wait_millis), (Some(56_000), None), "from its begin to the container");
    let mut waits = pod();
    let waiting = Waiting { reason: sym("ImagePullBackOff"), message: sym("Back-off pulling image \"main:1\": gone") };
    start_of(&mut waits).containers[0].waiting = Some(Box::new(waiting));
    let failed = told(waits, vec![failed(1_996, "main", 3)]);
    assert_eq!(summary(&failed), (vec![("Schedule", 1), ("Sandbox", 2), ("Start", 57)], false, None));
    assert_eq!((failed.images[0].failures, &failed.images[0].error), (0, &None));
    // None of it is observed.
    let mut history = StartHistory::default();
    assert!(!history.note_start(&failed));
}

#[test]
fn the_event_of_a_start_is_that_of_the_first_where_it_has_counted_them_all_or_none_can_be_forgotten() {
    let started = |seconds: i64, count: u32| EventRow {
        count,
        at: second(20_000).time(),
        ..event(seconds, "Started", "main", "Container started")
    };
    let total = |event: EventRow| {
        let pod = was_ready(Some(2), vec![later("main", ContainerRole::Main, 3, 19_000)]);
        let start = told(pod, vec![present(3, "main"), event]);
        start.phase(PhaseName::Start).map(|step| step.seconds(second(99_999).time()))
    };
    assert_eq!(total(started(30, 4)), Some(28));
    assert_eq!(total(started(30, 2)), Some(28), "a kubelet that has much to tell leaves some out");
    assert_eq!(total(started(9_000, 4)), Some(8_998));
    assert_eq!(total(started(9_000, 3)), None, "that of the first start may have been forgotten");
    assert_eq!(total(started(19_500, 2)), None);
}

#[test]
fn a_later_start_that_is_seen_takes_nothing_from_the_first() {
    let first = || ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 60)]), 3, 61);
    let events = || vec![pulling(4, "main"), pulled(58, "main", "54s (54s including waiting)")];
    let world = || World { nodes: vec![node_at("n", -9)], events: events(), ..World::default() };
    let before = world().start(first());
    let mut fleet = world().fleet(first());
    fleet.apply(Delta::Pods(upserts(vec![was_ready(Some(18_000), vec![again("main", 60)])])));
    fleet.apply(Delta::Events(upserts(vec![present(18_001, "main"), failed(18_002, "main", 9)])));
    let after = start_in(&fleet);
    assert_eq!((&after.phases, &after.images, after.is_complete), (&before.phases, &before.images, true));
}

#[test]
fn an_init_container_whose_first_start_is_gone_makes_a_start_incomplete() {
    let init = ContainerStart { finished: Some(second(65)), ..later("get", ContainerRole::Init, 2, 40) };
    let events = || vec![present(4, "get"), present(66, "main")];
    let pod = ready(bound("n", 1, vec![init, ran("main", ContainerRole::Main, 67)]), 3, 68);
    let start = told(pod, events());
    assert_eq!(
        summary(&start),
        (vec![("Schedule", 1), ("Sandbox", 2), ("Init", 62), ("Start", 2), ("Ready", 1)], false, None)
    );
    let known = ContainerStart { restarts: 1, ..worked("get", 5, 65) };
    let pod = ready(bound("n", 1, vec![known, ran("main", ContainerRole::Main, 67)]), 3, 68);
    assert_eq!((told(pod, events()).is_complete, ()), (true, ()));
}

#[test]
fn an_init_container_that_fails_again_and_again_takes_all_of_the_time_since_the_sandbox() {
    let waiting = Waiting { reason: sym("CrashLoopBackOff"), message: sym("back-off 5m0s") };
    let init = ContainerStart { waiting: Some(Box::new(waiting)), ..later("get", ContainerRole::Init, 4, 500) };
    let mut pod = bound("n", 1, vec![init, container("main", ContainerRole::Main)]);
    start_of(&mut pod).sandbox = Some(second(2));
    let start = told(pod, vec![present(3, "get")]);
    let open = start.open_phase().expect("an open step");
    let (now, begin) = (second(900).time(), open.start());
    assert_eq!((open.name, open.seconds(now), now.seconds_since(begin)), (PhaseName::Init, 898, 898));
    assert_eq!((start.is_complete, start.total_seconds(now)), (false, 900));
    let cause = start.cause.expect("a cause");
    assert_eq!((cause.reason, &*cause.message, cause.since), (CauseReason::InitContainer, "back-off 5m0s", None));
}

#[test]
fn a_pod_without_probes_was_ready_when_it_ran_whatever_its_condition_says_later() {
    let flapped = |is_ready_when_started: bool| {
        let mut pod = ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 10)]), 2, 15_000);
        start_of(&mut pod).is_ready_when_started = is_ready_when_started;
        let start = told(pod, vec![present(3, "main")]);
        start.phase(PhaseName::Ready).map(|step| (step.seconds(second(0).time()), step.source))
    };
    assert_eq!(flapped(true), Some((0, Evidence::Derived)));
    assert_eq!(flapped(false), Some((14_990, Evidence::Condition)));
}

#[test]
fn an_image_of_which_nobody_told_seems_to_have_been_there_where_its_container_ran_at_once() {
    let seems = |sandbox: i64, started: i64, events: Vec<EventRow>| {
        let start = told(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, started)]), sandbox, 90), events);
        (start.images[0].seems_cached, start.images[0].is_cached, start.is_complete)
    };
    assert_eq!(seems(3, 5, Vec::new()), (true, None, false));
    assert_eq!(seems(3, 6, Vec::new()), (false, None, false));
    assert_eq!(seems(3, 5, vec![present(4, "main")]), (false, Some(true), true), "somebody told");
    assert!(!seems(3, 5, vec![pulling(3, "main")]).0);
    let reboot = told(was_ready(Some(18_000), vec![again("main", 60)]), Vec::new());
    assert!(!reboot.images[0].seems_cached, "the sandbox is a later one");
    let mut history = StartHistory::default();
    let start = told(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 5)]), 3, 90), Vec::new());
    assert!(!history.note_start(&start), "nothing was observed");
}
