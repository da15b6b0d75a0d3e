//! Evidence that is told in another form, late, or by somebody else.

use std::sync::Arc;

use super::history::{Place, PullOutcome};
use super::tests::{
    World, at, bound, container, event, failed, met_at, node_at, nominated, observed, present, pulled, pulled_start,
    pulling, ran, ready, second, start_in, start_of, steps, waiting,
};
use super::*;
use crate::fleet::{
    Change, Condition, ContainerRole, ContainerStart, Delta, EventRow, GangRow, Gates, JobRow, NodeRow, Owner,
    PodPhase, Status, Waiting, WorkloadRow,
};
use crate::insight::sentence::Sentence;
use crate::insight::testing::{job, labels, owner, sym, workload};
use crate::rows;

fn told(pod: PodRow, events: Vec<EventRow>) -> ColdStart {
    World { nodes: vec![node_at("n", -9)], events, ..World::default() }.start(pod)
}

fn one_image(started: i64, events: Vec<EventRow>) -> ColdStart {
    told(ready(bound("n", 1, vec![ran("main", ContainerRole::Main, started)]), 2, started + 1), events)
}

#[test]
fn the_wait_for_other_pulls_is_that_between_the_events_where_an_old_kubelet_does_not_tell() {
    let old = || pulled(60, "main", "49.18401355s");
    let image = |events| {
        let start = one_image(62, events);
        (start.images[0].pull_millis, start.images[0].wait_millis)
    };
    assert_eq!(image(vec![pulling(2, "main"), old()]), (Some(49_184), Some(8_816)));
    assert_eq!(image(vec![pulling(20, "main"), old()]), (Some(49_184), Some(0)), "clocks of seconds");
    assert_eq!(image(vec![old()]), (Some(49_184), None));
    let retried = vec![pulling(2, "main"), failed(4, "main", 1), old()];
    assert_eq!(image(retried), (Some(49_184), None), "it waited to try again");
    assert_eq!(image(vec![pulling(2, "main"), pulled(60, "main", "a while")]), (Some(58_000), None));
}

#[test]
fn steps_that_do_not_take_turns_leave_nothing_out() {
    let whole = |start: &ColdStart, now: i64| {
        let spans = |phase: &Phase| phase.end().unwrap_or(at(now)).seconds_since(phase.start());
        assert!(start.phases.iter().all(|phase| spans(phase) == phase.seconds(at(now))), "{start:#?}");
    };
    let events = vec![pulling(7, "main"), pulled(28, "main", "21s (21s including waiting)")];
    let mut pod = ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 30)]), 4, 30);
    let start = told(pod.clone(), events.clone());
    assert_eq!(steps(&start, 99), [("Schedule", 1), ("Sandbox", 3), ("Pull", 24), ("Start", 2)]);
    whole(&start, 99);
    start_of(&mut pod).containers = vec![container("main", ContainerRole::Main)].into();
    (start_of(&mut pod).ready, start_of(&mut pod).was_ready) = (None, false);
    for seen in 0..=2 {
        whole(&told(pod.clone(), events[..seen].to_vec()), 50);
    }
    // An init container whose image is there, then a pull: one behind the other.
    let containers = vec![super::tests::worked("get", 7, 20), ran("main", ContainerRole::Main, 60)];
    let events = vec![present(5, "get"), pulling(22, "main"), pulled(50, "main", "28s (28s including waiting)")];
    let start = told(ready(bound("n", 1, containers), 4, 61), events);
    let want = [("Schedule", 1), ("Sandbox", 3), ("Pull", 30), ("Init", 16), ("Start", 10), ("Ready", 1)];
    assert_eq!(steps(&start, 99), want);
    whole(&start, 99);
}

#[test]
fn a_pull_ends_when_its_image_is_found_there() {
    let start = one_image(100, vec![pulling(2, "main"), failed(4, "main", 1), present(50, "main")]);
    assert_eq!(steps(&start, 999), [("Schedule", 1), ("Sandbox", 1), ("Pull", 48), ("Start", 50), ("Ready", 1)]);
    let image = &start.images[0];
    assert_eq!((image.is_cached, image.pull_millis, start.is_complete), (Some(false), Some(48_000), true));
}

#[test]
fn every_failed_pull_counts_however_many_there_are() {
    let differing = |seconds: i64| {
        let message = format!("Failed to pull image \"main:1\": request {seconds}");
        event(seconds, "Failed", "main", &message)
    };
    let events: Vec<EventRow> = (0..100).map(|number| differing(3 + number * 40)).collect();
    let start = told(bound("n", 1, vec![container("main", ContainerRole::Main)]), events.clone());
    assert_eq!((start.images[0].failures, start.images[0].error.as_deref()), (100, Some("request 3963")));
    let again: Vec<EventRow> = events.iter().skip(60).cloned().collect();
    let world = World { nodes: vec![node_at("n", -9)], events, ..World::default() };
    let mut fleet = world.fleet(bound("n", 1, vec![container("main", ContainerRole::Main)]));
    fleet.apply(Delta::Events(again.into_iter().map(Change::Upsert).collect()));
    assert_eq!(start_in(&fleet).images[0].failures, 100, "told again");
}

#[test]
fn a_kubelet_that_waits_to_pull_again_tells_what_failed() {
    let waits = |reason: &str, message: &str, events: Vec<EventRow>| {
        let mut pod = bound("n", 1, vec![container("main", ContainerRole::Main)]);
        start_of(&mut pod).sandbox = Some(second(2));
        let told_by = Waiting { reason: sym(reason), message: sym(message) };
        start_of(&mut pod).containers[0].waiting = Some(Box::new(told_by));
        let start = told(pod, events);
        assert_eq!(start.cause.as_ref().map(|cause| cause.reason), Some(CauseReason::ImagePullFailed));
        (start.images[0].failures, start.images[0].error.as_deref().map(str::to_owned))
    };
    let error = |error: &str| Some(error.to_owned());
    let newer = "Back-off pulling image \"main:1\": ErrImagePull: rpc error: not found";
    assert_eq!(waits("ImagePullBackOff", newer, Vec::new()), (1, error("rpc error: not found")));
    assert_eq!(waits("ImagePullBackOff", "Back-off pulling image \"main:1\"", Vec::new()), (1, None));
    assert_eq!(waits("ErrImagePull", "rpc error: denied", Vec::new()), (1, error("rpc error: denied")));
    let counted = vec![pulling(2, "main"), failed(5, "main", 3)];
    assert_eq!(waits("ImagePullBackOff", newer, counted), (3, error("not found")));
    let invalid = waits("InvalidImageName", "couldn't parse image", Vec::new());
    assert_eq!(invalid, (0, error("couldn't parse image")), "nothing was pulled");
    let intent = "Failed to record image pull intent for container image \"main:1\": disk full";
    let (failures, told_error) = waits("ErrImagePull", "x", vec![event(3, "Failed", "", intent)]);
    assert_eq!((failures, told_error), (1, error(intent)));
    let backed_off = event(6, "BackOff", "main", newer);
    assert_eq!(waits("ImagePullBackOff", "", vec![backed_off]), (1, error("rpc error: not found")));
}

#[test]
fn a_node_group_that_grows_is_a_newer_answer_than_one_that_could_not() {
    let scaler = |seconds: i64, reason: &str, message: &str| EventRow {
        source: sym("cluster-autoscaler"),
        ..event(seconds, reason, "", message)
    };
    let cause = |events: Vec<EventRow>| {
        let mut pod = waiting();
        pod.unschedulable = sym("0/1 nodes are available: 1 Insufficient cpu.");
        start_of(&mut pod).unscheduled = Some(second(1));
        World { events, ..World::default() }.start(pod).cause.expect("a cause").message.to_string()
    };
    let (no, yes) =
        ("pod didn't trigger scale-up: 1 max node group size reached", "pod triggered scale-up: [{g 0->1}]");
    let scheduler = "0/1 nodes are available: 1 Insufficient cpu.";
    let refused = |seconds| scaler(seconds, "NotTriggerScaleUp", no);
    let grows = |seconds| scaler(seconds, "TriggeredScaleUp", yes);
    assert_eq!(cause(vec![refused(10)]), no);
    assert_eq!(cause(vec![refused(10), grows(100)]), scheduler);
    assert_eq!(cause(vec![grows(100), refused(400)]), no);
    assert_eq!(
        cause(vec![refused(10), nominated(20, "nodeclaim/gone")]),
        scheduler,
        "Karpenter made a NodeClaim since"
    );
}

/// A pod that was created at 0 and ran at once, of this owner.
fn quick(owned_by: Option<Arc<Owner>>) -> PodRow {
    PodRow { owner: owned_by, ..ready(bound("n", 1, vec![ran("main", ContainerRole::Main, 3)]), 2, 4) }
}

fn of_other(name: &str, kind: &str, since: i64, conditions: Vec<Condition>) -> WorkloadRow {
    let meta = rows::meta("ml", &format!("workload-{name}"), at(since));
    let api_version = sym("example.io/v1");
    let owned_by = Owner { api_version, ..Owner::clone(&owner(kind, name, &Uid::parse(name))) };
    WorkloadRow { meta, owner: Some(Arc::new(owned_by)), conditions, ..workload(name, &job("ml", "none")) }
}

fn held(world: World, pod: PodRow) -> Vec<(&'static str, i64)> {
    let start = World { nodes: vec![node_at("n", -9_000)], ..world }.start(pod);
    steps(&start, 99).into_iter().take(2).collect()
}

#[test]
fn kueue_held_back_what_made_the_pod_whichever_kind_that_is() {
    let of_set = |conditions| JobRow {
        meta: rows::meta("ml", "j", at(-500)),
        owner: Some(owner("JobSet", "set", &Uid::parse("set"))),
        conditions,
        ..job("ml", "j")
    };
    let resumed = || rows::condition("Suspended", Status::False, at(-2));
    let quick_of = |job: &JobRow| quick(Some(owner("Job", "j", &job.meta.uid)));
    let child = of_set(vec![resumed()]);
    let admitted = || vec![met_at("QuotaReserved", -20), met_at("Admitted", -1)];
    let with = |conditions| World {
        jobs: vec![child.clone()],
        workloads: vec![of_other("set", "JobSet", -599, conditions)],
        ..World::default()
    };
    assert_eq!(held(with(admitted()), quick_of(&child)), [("Queued", 598), ("Schedule", 2)]);
    let mut row = GangRow { meta: rows::meta("ml", "set", at(-600)), min_member: 1 };
    row.meta.uid = Uid::parse("set");
    let world = World { job_sets: vec![row], ..with(admitted()) };
    assert_eq!(held(world, quick_of(&child)), [("Queued", 599), ("Schedule", 2)], "since the JobSet was created");
    let reserved = with(vec![met_at("QuotaReserved", -10)]);
    assert_eq!(held(reserved, quick_of(&child)), [("Queued", 589), ("Schedule", 11)]);
    let neither = with(vec![rows::condition("Admitted", Status::False, at(-1))]);
    assert_eq!(held(neither, quick_of(&child)), [("Queued", 597), ("Schedule", 3)], "the Job was resumed all the same");
    let by_itself = World { jobs: vec![child.clone()], ..World::default() };
    assert_eq!(held(by_itself, quick_of(&child)), [("Suspended", 498), ("Schedule", 3)]);

    // A training job makes its pods itself.
    let training = quick(of_other("train", "PyTorchJob", 0, Vec::new()).owner);
    let world = World { workloads: vec![of_other("train", "PyTorchJob", -300, admitted())], ..World::default() };
    assert_eq!(held(world, training), [("Queued", 299), ("Schedule", 2)]);
}

#[test]
fn a_queue_that_let_a_job_go_by_another_clock_still_held_it_back() {
    let owned = JobRow { meta: rows::meta("ml", "j", at(-600)), ..job("ml", "j") };
    let steps_of = |admitted: i64| {
        let of_job = WorkloadRow { conditions: vec![met_at("Admitted", admitted)], ..workload("w", &owned) };
        let world = World { jobs: vec![owned.clone()], workloads: vec![of_job], ..World::default() };
        held(world, quick(Some(owner("Job", "j", &owned.meta.uid))))
    };
    assert_eq!(steps_of(1), [("Queued", 600), ("Schedule", 1)]);
    assert_eq!(steps_of(2), [("Queued", 600), ("Schedule", 1)]);
    assert_eq!(steps_of(3), [("Schedule", 1), ("Sandbox", 1)], "it was made before");
}

#[test]
fn a_pod_that_kueue_holds_back_itself_is_gated_until_it_is_admitted() {
    let late = || {
        let pod = ready(bound("n", 301, vec![ran("main", ContainerRole::Main, 303)]), 302, 304);
        PodRow { labels: labels(&[("kueue.x-k8s.io/managed", "true")]), ..pod }
    };
    let uid = || Uid::parse("p-uid");
    let mut alone = late();
    alone.meta.uid = uid();
    let mut of_pod = of_other("p", "Pod", 0, vec![met_at("Admitted", 300)]);
    of_pod.owner = Some(owner("Pod", "p", &uid()));
    let world = || World { workloads: vec![of_pod.clone()], ..World::default() };
    assert_eq!(held(world(), alone.clone()), [("Gated", 300), ("Schedule", 1)]);
    let tried = World { events: vec![event(290, "FailedScheduling", "", "0/1 nodes are available: 1 x.")], ..world() };
    assert_eq!(held(tried, alone.clone()), [("Gated", 290), ("Schedule", 11)], "the scheduler saw it before");
    let grouped = PodRow { labels: labels(&[("kueue.x-k8s.io/pod-group-name", "workload-group")]), ..late() };
    let group =
        World { workloads: vec![of_other("group", "Pod", 0, vec![met_at("Admitted", 299)])], ..World::default() };
    assert_eq!(held(group, grouped), [("Gated", 299), ("Schedule", 2)]);
    // As long as it has gates it waits, whatever its Workload says.
    let mut gated = alone;
    (gated.node, gated.phase) = (None, PodPhase::Pending);
    start_of(&mut gated).gates = Gates::Closed;
    assert_eq!(world().start(gated).open_phase().map(|open| open.name), Some(PhaseName::Gated));
}

#[test]
fn an_estimate_counts_each_image_from_its_own_begin_and_wherever_its_node_is() {
    let p4 = ("p4d.24xlarge", "us-east-1a");
    let history = observed([pulled_start("a", "one:1", 98_000, p4), pulled_start("b", "two:1", 98_500, p4)]);
    let unmanaged = || NodeRow {
        labels: labels(&[
            ("node.kubernetes.io/instance-type", "p4d.24xlarge"),
            ("topology.kubernetes.io/zone", "us-east-1a"),
        ]),
        ..node_at("n", -9)
    };
    let eta = |events: Vec<EventRow>, now: i64| {
        let mut pod = bound("n", 1, vec![container("one", ContainerRole::Main), container("two", ContainerRole::Main)]);
        start_of(&mut pod).sandbox = Some(second(2));
        let start = World { nodes: vec![unmanaged()], events, ..World::default() }.start(pod);
        history.expectations().eta_seconds(&start, at(now))
    };
    let first = || vec![pulling(2, "one"), pulled(100, "one", "98s (98s including waiting)"), pulling(100, "two")];
    assert_eq!(eta(first(), 160), Some(39), "the first image took its own time");
    assert_eq!(eta(vec![pulling(2, "one")], 60), Some(99), "the other one is still to come");
    let mut stuck = bound("n", 1, vec![container("one", ContainerRole::Main)]);
    start_of(&mut stuck).sandbox = None;
    for (reason, message) in [("FailedMount", "MountVolume.SetUp failed"), ("FailedCreatePodSandBox", "no address")] {
        let world = World { nodes: vec![unmanaged()], events: vec![event(5, reason, "", message)], ..World::default() };
        let start = world.start(stuck.clone());
        assert_eq!(history.expectations().eta_seconds(&start, at(60)), None, "{reason}");
    }
    let nowhere = World::default().start(waiting());
    assert_eq!(history.expectations().eta_seconds(&nowhere, at(60)), None);
}

#[test]
fn what_was_observed_of_a_pull_is_not_replaced_by_less() {
    let events = vec![pulling(3, "main"), pulled(9, "main", "6s (6s including waiting). Image size: 5 bytes.")];
    let start = one_image(11, events);
    let mut history = StartHistory::default();
    assert!(history.note_start(&start));
    let known = history.clone();
    let without_place = || ColdStart { pool: None, instance_type: None, zone: None, ..start.clone() };
    assert!(!history.note_start(&without_place()), "its Node has gone before it");
    let mut forgotten = without_place();
    (forgotten.images[0].is_cached, forgotten.images[0].pull_millis) = (None, None);
    forgotten.images[0].failures = 1;
    assert!(history.note_start(&forgotten), "a failure is new");
    let mut found = start.clone();
    (found.images[0].is_cached, found.images[0].pull_millis) = (Some(true), None);
    assert!(!history.note_start(&found));
    let record = history.pulls.values().next().expect("a pull");
    let place =
        Place { instance_type: start.instance_type.clone(), pool: start.pool.clone(), zone: start.zone.clone() };
    assert!(place.pool.is_some() && place.zone.is_some() && place.instance_type.is_some());
    assert_eq!((&record.place, record.failures), (&place, 1));
    assert_eq!(record.outcome, Some(PullOutcome::Pulled { millis: 6_000, bytes: Some(5) }));
    // The same with what another session has written down.
    let mut session = StartHistory::default();
    session.note_start(&forgotten);
    session.load(known.clone());
    let mut same = known;
    same.load(session.clone());
    assert_eq!((&session.pulls, same.pulls.values().next()), (&history.pulls, Some(record)));
}

#[test]
fn a_later_answer_about_a_container_that_has_not_run_counts() {
    let restarted = ContainerStart { restarts: 0, ..container("main", ContainerRole::Main) };
    let start = told(bound("n", 1, vec![restarted]), vec![pulling(5_000, "main")]);
    assert_eq!(start.open_phase().map(|open| open.name), Some(PhaseName::Pull));
}

#[test]
fn a_pull_that_dominates_is_told_with_the_bytes_that_do() {
    let told_by = |images: &[(&str, Option<u64>)]| {
        let size =
            |bytes: &Option<u64>| bytes.map_or_else(String::new, |bytes| format!(". Image size: {bytes} bytes."));
        let took = |bytes: &Option<u64>| format!("90s (90s including waiting){}", size(bytes));
        let events = images.iter().map(|(name, bytes)| pulled(92, name, &took(bytes))).collect();
        let containers = images.iter().map(|(name, _)| ran(name, ContainerRole::Main, 95)).collect();
        let start = told(ready(bound("n", 1, containers), 2, 96), events);
        hints(&start).first().map(Sentence::machine_text).unwrap_or_default()
    };
    let one = told_by(&[("a", Some(14_000))]);
    assert!(one.starts_with("Pull took 1m30s of 1m36s, 14000 bytes of a:1: an image that is"), "{one}");
    let two = told_by(&[("a", Some(14_000)), ("b", Some(1_000))]);
    assert!(two.contains(", of which a:1 is 14000 bytes of 15000 bytes: an image"), "{two}");
    let unknown = told_by(&[("a", Some(14_000)), ("b", None)]);
    assert!(unknown.contains(", of which a:1 is 14000 bytes: an image"), "{unknown}");
    assert!(told_by(&[("a", None)]).starts_with("Pull took 1m30s of 1m36s: an image"));
}
