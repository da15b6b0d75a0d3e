//! What holds of every waterfall, whatever is told and in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{
    at, bound, claim_of, container, event, met_at, node_at, nominated, pulled, pulling, ran, start_of, waiting,
};
use super::*;
use crate::fleet::{Change, ContainerRole, ContainerStart, Delta, EventRow, Gates, JobRow, PodStart, WorkloadRow};
use crate::insight::testing::{fleet, job, owner, upserts, workload};
use crate::rows;
use crate::units::Second;

/// Something that becomes known of a start, and the second in which it happened.
#[derive(Clone, Debug)]
enum Fact {
    Tried,
    Claim,
    Nominated,
    Launched,
    Node,
    Registered,
    Initialized,
    Bound,
    Sandbox,
    Pulling(usize),
    PullFailed(usize),
    Pulled(usize),
    Present(usize),
    InitRuns,
    InitEnds,
    SidecarRuns,
    MainRuns(usize),
    Ready,
}

const CONTAINERS: [&str; 4] = ["get", "a", "b", "proxy"];

/// What there is besides.
#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    /// Kueue held the Job of the pod back.
    is_held: bool,
    /// The pod has had scheduling gates.
    is_gated: bool,
    /// A container goes on beside the main ones.
    has_sidecar: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(is_held, is_gated, has_sidecar)| Shape {
        is_held,
        is_gated,
        has_sidecar,
    })
}

const FACTS: [Fact; 23] = [
    Fact::Tried,
    Fact::Claim,
    Fact::Nominated,
    Fact::Launched,
    Fact::Node,
    Fact::Registered,
    Fact::Initialized,
    Fact::Bound,
    Fact::Sandbox,
    Fact::Pulling(0),
    Fact::Pulled(0),
    Fact::InitRuns,
    Fact::InitEnds,
    Fact::Present(3),
    Fact::SidecarRuns,
    Fact::Pulling(1),
    Fact::PullFailed(1),
    Fact::Pulling(2),
    Fact::Pulled(1),
    Fact::Present(2),
    Fact::MainRuns(1),
    Fact::MainRuns(2),
    Fact::Ready,
];

/// What has happened until a second, in the order in which it does in a cluster.
fn known(times: &[i64], is_observed: &[bool], until: usize) -> Vec<(Fact, i64)> {
    let mut second = 0;
    let happened = FACTS.iter().zip(times).zip(is_observed).map(|((fact, gap), is_observed)| {
        second += gap;
        (fact.clone(), second, *is_observed)
    });
    happened.take(until).filter(|(.., is_observed)| *is_observed).map(|(fact, at, _)| (fact, at)).collect()
}

/// The cluster that has come so far.
fn deltas(facts: &[(Fact, i64)], shape: Shape) -> Vec<Delta> {
    let second = |wanted: fn(&Fact) -> bool| facts.iter().find(|(fact, _)| wanted(fact)).map(|(_, at)| *at);
    let stamp = |seconds: Option<i64>| seconds.map(|seconds| Second::from(at(seconds)));
    let claim = second(|fact| matches!(fact, Fact::Claim));
    let node = second(|fact| matches!(fact, Fact::Node));
    let conditions = [
        ("Launched", second(|fact| matches!(fact, Fact::Launched))),
        ("Registered", second(|fact| matches!(fact, Fact::Registered))),
        ("Initialized", second(|fact| matches!(fact, Fact::Initialized))),
    ];
    let met = conditions.iter().filter_map(|(kind, at)| Some(met_at(kind, (*at)?))).collect();
    let mut pod = match second(|fact| matches!(fact, Fact::Bound)) {
        Some(at) => bound("n", at, Vec::new()),
        None => waiting(),
    };
    let ready = stamp(second(|fact| matches!(fact, Fact::Ready)));
    let start: &mut PodStart = start_of(&mut pod);
    start.containers = containers(facts, shape).into();
    start.gates = match (shape.is_gated, second(|fact| matches!(fact, Fact::Tried | Fact::Bound))) {
        (false, _) => Gates::None,
        (true, None) => Gates::Closed,
        (true, Some(_)) => Gates::Open,
    };
    (start.sandbox, start.ready, start.was_ready) =
        (stamp(second(|fact| matches!(fact, Fact::Sandbox))), ready, ready.is_some());
    let owning = JobRow { meta: rows::meta("ml", "j", at(-100)), ..job("ml", "j") };
    pod.owner = Some(owner("Job", "j", &owning.meta.uid));
    let held = shape.is_held.then(|| WorkloadRow { conditions: vec![met_at("Admitted", 0)], ..workload("w", &owning) });
    vec![
        Delta::Jobs(upserts(vec![owning])),
        Delta::Workloads(upserts(held.into_iter().collect())),
        Delta::NodeClaims(upserts(claim.map(|at| claim_of("n", at, met)).into_iter().collect())),
        Delta::Nodes(upserts(node.map(|at| node_at("n", at)).into_iter().collect())),
        Delta::Events(upserts(events(facts))),
        Delta::Pods(upserts(vec![pod])),
    ]
}

fn containers(facts: &[(Fact, i64)], shape: Shape) -> Vec<ContainerStart> {
    let second = |wanted: &dyn Fn(&Fact) -> bool| facts.iter().find(|(fact, _)| wanted(fact)).map(|(_, at)| *at);
    let mut init = match second(&|fact| matches!(fact, Fact::InitRuns)) {
        Some(at) => ran(CONTAINERS[0], ContainerRole::Init, at),
        None => container(CONTAINERS[0], ContainerRole::Init),
    };
    init.finished = second(&|fact| matches!(fact, Fact::InitEnds)).map(|seconds| Second::from(at(seconds)));
    let main = [1, 2].map(|index| match second(&|fact| matches!(fact, Fact::MainRuns(one) if *one == index)) {
        Some(at) => ran(CONTAINERS[index], ContainerRole::Main, at),
        None => container(CONTAINERS[index], ContainerRole::Main),
    });
    let sidecar = match second(&|fact| matches!(fact, Fact::SidecarRuns)) {
        Some(at) => ran(CONTAINERS[3], ContainerRole::Sidecar, at),
        None => container(CONTAINERS[3], ContainerRole::Sidecar),
    };
    [init].into_iter().chain(shape.has_sidecar.then_some(sidecar)).chain(main).collect()
}

fn events(facts: &[(Fact, i64)]) -> Vec<EventRow> {
    let of = |(fact, at): &(Fact, i64)| {
        let name = |index: &usize| CONTAINERS[*index];
        match fact {
            Fact::Tried => Some(event(*at, "FailedScheduling", "", "0/1 nodes are available: 1 Insufficient cpu.")),
            Fact::Nominated => Some(nominated(*at, "nodeclaim/claim-n")),
            Fact::Pulling(index) => Some(pulling(*at, name(index))),
            Fact::Pulled(index) => Some(pulled(*at, name(index), "1s (1s including waiting)")),
            Fact::Present(index) => {
                let message = format!("Container image \"{}:1\" already present on machine", name(index));
                Some(event(*at, "Pulled", name(index), &message))
            }
            Fact::PullFailed(index) => {
                let message = format!("Failed to pull image \"{}:1\": not found", name(index));
                Some(event(*at, "Failed", name(index), &message))
            }
            _ => None,
        }
    };
    facts.iter().filter_map(of).collect()
}

fn start_after(facts: &[(Fact, i64)], shape: Shape) -> ColdStart {
    start_in(&fleet(deltas(facts, shape)))
}

/// The same pod once its containers have been started again, as its status tells then: since when it has had its sandbox is
/// that of a sandbox that may have been made again.
fn run_again(
    deltas: &[Delta],
    facts: &[(Fact, i64)],
    seconds: i64,
    has_new_sandbox: bool,
) -> (Vec<PodRow>, Vec<EventRow>) {
    let rows = deltas.iter().find_map(|delta| if let Delta::Pods(rows) = delta { Some(rows) } else { None });
    let rows =
        rows.into_iter().flatten().filter_map(|change| if let Change::Upsert(row) = change { Some(row) } else { None });
    let later = facts.last().map_or(0, |(_, at)| *at) + seconds;
    let again = rows.map(|row| {
        let mut row = row.clone();
        let start = start_of(&mut row);
        start.ready = None;
        if has_new_sandbox {
            start.sandbox = Some(at(later).into());
        }
        for container in &mut start.containers {
            container.restarts = 1;
        }
        row
    });
    let found = |name: &&str| {
        event(later + 1, "Pulled", name, &format!("Container image \"{name}:1\" already present on machine"))
    };
    let events = CONTAINERS.iter().map(found).chain([pulling(later + 1, "a"), pulled(later + 2, "a", "1s")]);
    (again.collect(), events.collect())
}

fn start_in(fleet: &Fleet) -> ColdStart {
    ColdStart::of(fleet, fleet.pods.get(&ObjectKey::new("ml", "p")).expect("the pod")).expect("a start")
}

fn closed(start: &ColdStart, now: Time) -> BTreeMap<PhaseName, i64> {
    let closed = start.phases.iter().filter(|phase| !phase.is_open());
    closed.map(|phase| (phase.name, phase.seconds(now))).collect()
}

proptest! {
    #[test]
    fn steps_are_never_negative_and_their_sum_is_the_time_that_passed(
        gaps in prop::collection::vec(-1_i64..40, FACTS.len()),
        is_observed in prop::collection::vec(prop::bool::weighted(0.8), FACTS.len()),
        until in 0..=FACTS.len(),
        shape in shape(),
        loses_node in any::<bool>(),
    ) {
        let facts = known(&gaps, &is_observed, until);
        let mut fleet = fleet(deltas(&facts, shape));
        if loses_node {
            fleet.apply(Delta::Nodes(vec![Change::Remove(ObjectKey::cluster("n"))]));
            fleet.apply(Delta::NodeClaims(vec![Change::Remove(ObjectKey::cluster("claim-n"))]));
        }
        let start = start_in(&fleet);
        let now = at(facts.iter().map(|(_, at)| *at).max().unwrap_or(0).max(0) + 10);
        prop_assert!(start.phases.iter().all(|phase| phase.seconds(now) >= 0), "{start:#?}");
        let until = start.ended().unwrap_or(now);
        let passed = start.began().map_or(0, |began| until.seconds_since(began));
        prop_assert_eq!(start.total_seconds(now), passed, "{:#?}", start);
        let open = start.phases.iter().filter(|phase| phase.is_open()).count();
        prop_assert!(open <= 1 && (open == 0 || start.open_phase().is_some()));
        let mut names: Vec<PhaseName> = start.phases.iter().map(|phase| phase.name).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), start.phases.len(), "no step comes twice");
    }

    #[test]
    fn what_comes_later_never_shortens_a_step_that_is_over(
        gaps in prop::collection::vec(0_i64..40, FACTS.len()),
        until in 1..FACTS.len(),
        shape in shape(),
    ) {
        let all = [true; FACTS.len()];
        let (before, after) = (known(&gaps, &all, until), known(&gaps, &all, until + 1));
        let now = at(10_000);
        let (before, after) = (closed(&start_after(&before, shape), now), closed(&start_after(&after, shape), now));
        for (name, seconds) in before {
            prop_assert!(after.get(&name).is_none_or(|later| *later >= seconds), "{name:?} was {seconds}: {after:?}");
        }
    }

    #[test]
    fn the_order_in_which_evidence_comes_does_not_matter(
        gaps in prop::collection::vec(0_i64..40, FACTS.len()),
        until in 1..=FACTS.len(),
        order in Just(vec![0_usize, 1, 2, 3, 4, 5]).prop_shuffle(),
        events_order in any::<prop::sample::Index>(),
        shape in shape(),
    ) {
        let facts = known(&gaps, &[true; FACTS.len()], until);
        let wanted = start_after(&facts, shape);
        let parts = deltas(&facts, shape);
        let mut shuffled: Vec<Delta> = order.iter().map(|index| parts[*index].clone()).collect();
        if let Some(Delta::Events(rows)) = shuffled.iter_mut().find(|delta| matches!(delta, Delta::Events(_))) {
            let middle = if rows.is_empty() { 0 } else { events_order.index(rows.len()) };
            rows.rotate_left(middle);
        }
        prop_assert_eq!(&start_in(&fleet(shuffled.clone())), &wanted);
        // Told twice, and a state of the pod in which less was known comes first.
        let early = deltas(&known(&gaps, &[true; FACTS.len()], until / 2), shape);
        let gone = early.iter().filter(|delta| matches!(delta, Delta::Pods(_))).cloned();
        let replay: Vec<Delta> = gone.chain(shuffled.clone()).chain(shuffled).collect();
        prop_assert_eq!(&start_in(&fleet(replay)), &wanted);
    }

    #[test]
    fn evidence_that_goes_takes_nothing_away(gaps in prop::collection::vec(0_i64..40, FACTS.len())) {
        let facts = known(&gaps, &[true; FACTS.len()], FACTS.len());
        let mut fleet = fleet(deltas(&facts, Shape::default()));
        let wanted = start_in(&fleet);
        let gone = events(&facts).into_iter().map(|event| Change::Remove(event.meta.key)).collect();
        fleet.apply(Delta::Events(gone));
        prop_assert_eq!(start_in(&fleet), wanted);
    }

    #[test]
    fn a_later_run_changes_nothing_of_the_first(
        gaps in prop::collection::vec(0_i64..40, FACTS.len()),
        seconds in 3_i64..100_000,
        has_new_sandbox in any::<bool>(),
        is_watched in any::<bool>(),
        shape in shape(),
    ) {
        let facts = known(&gaps, &[true; FACTS.len()], FACTS.len());
        let first = deltas(&facts, shape);
        let wanted = start_in(&fleet(first.clone()));
        let (pods, events) = run_again(&first, &facts, seconds, has_new_sandbox);
        let mut later = if is_watched {
            fleet(first)
        } else {
            fleet(first.into_iter().filter(|delta| !matches!(delta, Delta::Pods(_))).collect())
        };
        later.apply(Delta::Events(upserts(events)));
        later.apply(Delta::Pods(upserts(pods)));
        let found = start_in(&later);
        // Who comes later than the first run does not know since when it had its sandbox, but from its images; nor when it
        // was ready, but from when it ran.
        let is_of_first = |phase: &&Phase| is_watched || phase.name != PhaseName::Ready;
        let told = |start: &ColdStart| -> Vec<(PhaseName, Time)> {
            start.phases.iter().filter(is_of_first).filter_map(|phase| Some((phase.name, phase.end()?))).collect()
        };
        if is_watched || !has_new_sandbox {
            prop_assert_eq!(told(&found), told(&wanted), "{:#?}", found);
        }
        prop_assert_eq!(&found.images, &wanted.images);
        prop_assert!(found.total_seconds(at(0)) <= wanted.total_seconds(at(0)));
    }
}
