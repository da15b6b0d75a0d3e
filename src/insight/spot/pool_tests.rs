//! Where Nodes and pools stand, what was seen of them, and their risk.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::memory::{INTERRUPTION_CAPACITY, POOL_CAPACITY};
use super::*;
use crate::fleet::{AdvisorRange, NodeRow, Sym, Uid};
use crate::insight::interruption::{Cause, Signal, SignalKind, SpotKind};
use crate::insight::testing::{CREATED, NOW, labels, meta, node, sym};
use crate::units::Time;

const THRESHOLDS: &SpotThresholds = &SpotThresholds::DEFAULT;

const ZONE: &str = "us-east-1a";

fn row(name: &str, provider: &str, more: &[(&str, &str)]) -> NodeRow {
    let own = [
        ("node.kubernetes.io/instance-type", "g5.xlarge"),
        ("topology.kubernetes.io/zone", ZONE),
        ("karpenter.sh/nodepool", "gpu"),
    ];
    NodeRow { labels: labels(&[&own[..], more].concat()), provider_id: Some(sym(provider)), ..node(name) }
}

const SPOT: (&str, &str) = ("karpenter.sh/capacity-type", "spot");

fn aws(name: &str) -> NodeRow {
    row(name, "aws:///us-east-1a/i-1", &[SPOT])
}

fn signal(kind: SignalKind, cause: Cause, seconds_ago: Option<i64>) -> Signal {
    let at = seconds_ago.map(|ago| NOW.plus_seconds(-ago));
    Signal { kind, cause, reason: sym("r"), source: sym("s"), at }
}

fn notice(seconds_ago: i64) -> Signal {
    signal(SignalKind::Reclaim, Cause::Notice, Some(seconds_ago))
}

const TOLD: EventSources = EventSources { has_queue: true, has_termination_handler: false, has_told: false };

fn of(row: &NodeRow, signal: Option<Signal>, sources: EventSources) -> SpotNode {
    SpotNode::of(row, None, signal, sources, NOW).expect("a spot node")
}

#[test]
fn a_node_of_aws_is_blind_unless_something_would_tell() {
    let blind = EventSources::default();
    let state = |row: &NodeRow, signal, sources| of(row, signal, sources).state;
    assert_eq!(state(&aws("a"), None, blind), SpotState::Blind);
    for sources in
        [TOLD, EventSources { has_termination_handler: true, ..blind }, EventSources { has_told: true, ..blind }]
    {
        assert_eq!(state(&aws("a"), None, sources), SpotState::Calm, "{sources:?}");
    }
    let auto = row("a", "aws:///z/i", &[SPOT, ("eks.amazonaws.com/compute-type", "auto")]);
    let managed =
        row("a", "aws:///z/i", &[("eks.amazonaws.com/capacityType", "SPOT"), ("eks.amazonaws.com/nodegroup", "g")]);
    let google = row("a", "gce://p/z/n", &[("cloud.google.com/gke-spot", "true")]);
    let azure = row("a", "azure:///s", &[("kubernetes.azure.com/scalesetpriority", "spot")]);
    for row in [&auto, &managed, &google, &azure] {
        assert_eq!(state(row, None, blind), SpotState::Calm, "{:?}", row.labels);
    }
    assert_eq!(state(&row("a", "kwok://a", &[SPOT]), None, blind), SpotState::Blind, "an unknown provider");
    let rebalance = Some(signal(SignalKind::Rebalance, Cause::Notice, Some(5)));
    assert_eq!(state(&aws("a"), rebalance, blind), SpotState::Rebalance, "a signal of its own counts for more");
    assert_eq!(state(&aws("a"), Some(notice(5)), blind), SpotState::Reclaiming);
}

#[test]
fn a_node_ends_a_notice_after_its_signal() {
    let ends = |row: &NodeRow, signal| of(row, signal, TOLD).ends_at.map(|at| at.seconds_since(NOW));
    let google = |label: &str| row("a", "gce://p/z/n", &[(label, "true")]);
    let azure = row("a", "azure:///s", &[("kubernetes.azure.com/scalesetpriority", "spot")]);
    assert_eq!(ends(&aws("a"), Some(notice(20))), Some(100));
    assert_eq!(ends(&google("cloud.google.com/gke-spot"), Some(notice(20))), Some(10));
    assert_eq!(ends(&azure, Some(notice(20))), Some(10));
    assert_eq!(ends(&aws("a"), Some(signal(SignalKind::Reclaim, Cause::Notice, None))), None, "a taint has no time");
    assert_eq!(ends(&aws("a"), Some(signal(SignalKind::Rebalance, Cause::Notice, Some(1)))), None);
    assert_eq!(ends(&aws("a"), None), None);
    let preemptible = google("cloud.google.com/gke-preemptible");
    assert_eq!(ends(&preemptible, None), Some(23 * 3_600), "an hour old");
    assert_eq!(ends(&preemptible, Some(notice(20))), Some(10));
}

#[test]
fn pods_get_what_is_left_of_the_notice_and_of_gke_half() {
    let grace = |row: &NodeRow, signal| of(row, signal, TOLD).grace_seconds(NOW);
    let google = row("a", "gce://p/z/n", &[("cloud.google.com/gke-preemptible", "true")]);
    assert_eq!(
        (grace(&aws("a"), None), grace(&aws("a"), Some(notice(100))), grace(&aws("a"), Some(notice(300)))),
        (120, 20, 0)
    );
    assert_eq!(grace(&google, None), 15, "its end in a day is no notice");
}

/// Nodes, and the memory after it has seen them at `at`, watching since `since`.
fn seen(nodes: &[SpotNode], since: Option<Time>, at: Time) -> SpotMemory {
    let mut memory = SpotMemory::default();
    nodes.iter().for_each(|node| memory.note(node, since, THRESHOLDS, at));
    memory
}

fn pools_of(
    nodes: &[SpotNode],
    memory: &SpotMemory,
    refusals: &[Refusal],
    now: Time,
) -> BTreeMap<SpotPoolKey, SpotPool> {
    let names: Vec<Sym> = (0..nodes.len()).map(name_of).collect();
    SpotPool::gather(names.iter().zip(nodes), PoolHistory { memory, refusals, thresholds: THRESHOLDS }, now)
}

/// The name under which a Node of a list is gathered.
fn name_of(at: usize) -> Sym {
    sym(&format!("n{at}"))
}

fn pool_of(nodes: &[SpotNode], memory: &SpotMemory, refusals: &[Refusal], now: Time) -> SpotPool {
    pools_of(nodes, memory, refusals, now).into_values().next().expect("a pool")
}

#[test]
fn a_sibling_of_a_reclaimed_node_is_at_risk_for_an_hour() {
    let nodes = [of(&aws("a"), Some(notice(60)), TOLD), of(&aws("b"), None, TOLD)];
    let memory = seen(&nodes, None, NOW);
    let pool = pool_of(&nodes, &memory, &[], NOW);
    assert_eq!((pool.state, pool.nodes, pool.nodes_reclaiming), (SpotState::Reclaiming, 2, 1));
    assert_eq!((pool.score.risk, pool.score.coverage_percent), (Some(100), 0));
    let risks = |now| {
        let pool = pool_of(&nodes, &memory, &[], now);
        [0, 1].map(|at| pool.members[&name_of(at)].risk)
    };
    assert_eq!(risks(NOW), [Some(100), Some(70)]);
    assert_eq!(risks(NOW.plus_seconds(35 * 60 - 60))[1], Some(35), "35 minutes after the notice");
    assert_eq!(risks(NOW.plus_seconds(3_600))[1], None);
    let alone = [of(&aws("b"), None, TOLD)];
    let after = pool_of(&alone, &memory, &[], NOW.plus_seconds(120));
    let floor = after.score.floor.map(|floor| floor.reason);
    assert_eq!((after.state, floor), (SpotState::Calm, Some(FloorReason::SiblingReclaimed)), "the node is gone");
}

#[test]
fn an_interruption_counts_once_and_only_while_somebody_watched() {
    let pool = SpotPoolKey::of(&aws("a"), None);
    let interruptions = |memory: &SpotMemory| memory.observed(&pool, THRESHOLDS, NOW).interruption_millionths;
    let node = of(&aws("a"), Some(notice(60)), TOLD);
    let watching = Some(NOW.plus_seconds(-120));
    let mut memory = seen(&[node.clone(), node.clone()], watching, NOW);
    assert_eq!(interruptions(&memory), 1_000_000);
    memory.note(&node, watching, THRESHOLDS, NOW.plus_seconds(5));
    assert_eq!(interruptions(&memory), 1_000_000);
    for since in [None, Some(NOW.plus_seconds(-60)), Some(NOW)] {
        assert_eq!(interruptions(&seen(std::slice::from_ref(&node), since, NOW)), 0, "it came before");
    }
    let deleted = |cause, seconds_ago: i64| {
        let mut row = aws("a");
        row.meta.deletion = Some(NOW.plus_seconds(-30));
        of(&row, Some(signal(SignalKind::Reclaim, cause, Some(seconds_ago))), TOLD)
    };
    assert!(!deleted(Cause::Shutdown, 20).is_interrupted, "somebody deleted it, and then it stopped");
    assert!(deleted(Cause::Shutdown, 40).is_interrupted && deleted(Cause::Notice, 20).is_interrupted);
    let rebalance = of(&aws("a"), Some(signal(SignalKind::Rebalance, Cause::Notice, Some(5))), TOLD);
    let memory = seen(&[rebalance], watching, NOW);
    assert_eq!((interruptions(&memory), memory.told_at), (0, Some(NOW.plus_seconds(-5))));
}

#[test]
fn watched_node_hours_are_evidence_and_fade_with_the_interruptions() {
    const DAY: i64 = 86_400;
    let nodes = [of(&aws("a"), None, TOLD)];
    let mut memory = SpotMemory::default();
    let key = nodes[0].pool.clone();
    memory.watch(&key, 23 * 3_600, THRESHOLDS, NOW);
    let risk = |memory: &SpotMemory, now| pool_of(&nodes, memory, &[], now).score.risk;
    assert_eq!(risk(&memory, NOW), None);
    memory.watch(&key, 3_600, THRESHOLDS, NOW);
    assert_eq!(risk(&memory, NOW), Some(22));
    memory.pools.get_mut(&key).expect("the pool").observed.interruption_millionths = 4_000_000;
    let later = NOW.plus_seconds(7 * DAY);
    let observed = memory.observed(&key, THRESHOLDS, later);
    assert_eq!((observed.interruption_millionths, observed.node_seconds), (2_000_000, 12 * 3_600));
    assert!(pool_of(&nodes, &memory, &[], later).hazard().is_some());
    let quick = SpotThresholds { half_life_seconds: DAY, ..SpotThresholds::DEFAULT };
    assert_eq!(memory.observed(&key, &quick, NOW.plus_seconds(2 * DAY)).interruption_millionths, 1_000_000);
    let google = [of(&row("a", "gce://p/z/n", &[("cloud.google.com/gke-spot", "true")]), None, TOLD)];
    assert_eq!(pool_of(&google, &memory, &[], NOW).hazard(), None, "of GKE nothing is estimated");
}

#[test]
fn what_the_advisor_says_of_the_worst_node_is_where_the_estimate_begins() {
    let says = |range| SpotNode { advisor: range, ..of(&aws("a"), None, TOLD) };
    let memory = SpotMemory::default();
    let pool = |nodes: &[SpotNode]| pool_of(nodes, &memory, &[], NOW);
    let one = pool(&[says(Some(AdvisorRange::Below5)), says(Some(AdvisorRange::Above20)), says(None)]);
    assert_eq!((one.score.risk, one.score.coverage_percent), (Some(34), 55));
    assert_eq!(one.score.evidence, [Evidence::Advisor]);
    assert_eq!(one.inputs.hazard.prior, Prior::Advisor(AdvisorRange::Above20));
    assert_eq!(pool(&[says(None)]).score.risk, None);
}

#[test]
fn a_zone_is_all_its_pools_together() {
    let in_zone = |name: &str, zone: &str, instance_type: &str| {
        let own = [("node.kubernetes.io/instance-type", instance_type), ("topology.kubernetes.io/zone", zone), SPOT];
        let row = NodeRow { labels: labels(&own), ..aws(name) };
        let stake = Stake { gpus: 1, rate: Some(1_000_000), pods: 2, pods_protected: 1, ..Stake::default() };
        SpotNode { stake, ..of(&row, None, TOLD) }
    };
    let nodes =
        [in_zone("a", ZONE, "g5.xlarge"), in_zone("b", ZONE, "g6.xlarge"), in_zone("c", "us-east-1b", "g5.xlarge")];
    let names = [sym("a"), sym("b"), sym("c")];
    let memory = SpotMemory::default();
    let history = PoolHistory { memory: &memory, refusals: &[], thresholds: THRESHOLDS };
    let pools = SpotPool::gather(names.iter().zip(&nodes), history, NOW);
    let zones = SpotZone::gather(pools.values());
    let names: Vec<String> = zones.keys().map(ToString::to_string).collect();
    assert_eq!(names, [ZONE, "us-east-1b"]);
    let zone = &zones[&SpotZoneKey(Some(sym(ZONE)))];
    assert_eq!((zone.pools, zone.members.len(), zone.state), (2, 2, SpotState::Calm));
    let stake = &zone.stake;
    assert_eq!((stake.gpus, stake.rate, stake.pods, stake.pods_protected), (2, Some(2_000_000), 4, 2));
    let totals = SpotTotals::of(pools.values());
    assert_eq!(zones.values().map(|zone| zone.share_millionths(&totals)).collect::<Vec<_>>(), [666_666, 333_333]);
    let unknown = of(&NodeRow { labels: labels(&[SPOT]), ..aws("a") }, Some(notice(5)), TOLD);
    let pools = pools_of(&[unknown], &memory, &[], NOW);
    let zone = SpotZone::gather(pools.values()).remove(&SpotZoneKey(None)).expect("a zone without a name");
    assert_eq!((zone.key.to_string(), zone.state), ("unknown".to_owned(), SpotState::Reclaiming));
}

#[test]
fn the_lowest_placement_score_counts_where_node_pools_share_a_pool_and_is_evidence() {
    let scored =
        |score: Option<u8>| SpotNode { placement: score.and_then(PlacementScore::new), ..of(&aws("a"), None, TOLD) };
    let pool = |nodes: &[SpotNode]| pool_of(nodes, &SpotMemory::default(), &[], NOW);
    let both = pool(&[scored(Some(9)), scored(Some(4)), scored(None)]);
    assert_eq!((both.score.risk, both.score.coverage_percent), (Some(67), 35), "(10 - 4) / 9");
    assert_eq!(both.score.evidence, [Evidence::Placement]);
    assert_eq!(pool(&[scored(Some(10))]).score.risk, Some(0));
    assert_eq!(pool(&[scored(None)]).score.risk, None);
    let google = row("a", "gce://p/z/n", &[("cloud.google.com/gke-spot", "true")]);
    let scored = SpotNode { placement: PlacementScore::new(1), ..of(&google, None, TOLD) };
    assert_eq!(pool(&[scored]).score.coverage_percent, 0, "for other clouds there are floors only");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut memory = SpotMemory::default();
    let key = |number: usize| SpotPoolKey { instance_type: Some(sym(&format!("t{number:05}"))), zone: None };
    for number in 0..POOL_CAPACITY + 10 {
        memory.watch(&key(number), 60, THRESHOLDS, CREATED.plus_seconds(i64::try_from(number).expect("small")));
    }
    for number in 0..INTERRUPTION_CAPACITY + 10 {
        let mut row = aws("a");
        row.meta = meta("", &format!("n{number:05}"));
        memory.note(&of(&row, Some(notice(60)), TOLD), None, THRESHOLDS, NOW);
    }
    memory.forget(&BTreeSet::new(), NOW);
    assert_eq!((memory.pools.len(), memory.interruptions.len()), (POOL_CAPACITY, INTERRUPTION_CAPACITY));
    assert!(!memory.pools.contains_key(&key(9)) && memory.pools.contains_key(&key(10)), "the oldest left");
    let uid = Uid::parse("uid-n00011");
    memory.forget(&BTreeSet::from([&uid]), NOW.plus_seconds(90_000));
    assert_eq!(memory.interruptions.keys().collect::<Vec<_>>(), [&uid], "the node is still there");
}

#[test]
fn a_refusal_is_one_of_the_pool_that_it_names() {
    let refused = |message: &str| Refusal { message: sym(message), at: NOW.plus_seconds(-60) };
    let karpenter = "NodeClaim gpu-1 event: insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: \
                     We currently do not have sufficient g5.xlarge capacity in the Availability Zone you requested \
                     (us-east-1a).";
    let pool = SpotPoolKey::of(&aws("a"), None);
    for (message, wanted) in [
        (karpenter, true),
        ("no g5.xlarge spot capacity in us-east-1a.", true),
        ("no g5.xlarge capacity in us-east-1b", false),
        ("no g5.xlarge.metal capacity in us-east-1a", false),
        ("no ag5.xlarge capacity in us-east-1a", false),
        ("no on-demand g5.xlarge capacity in us-east-1a", false),
    ] {
        assert_eq!(refused(message).is_of(&pool), wanted, "{message}");
    }
    let nodes = [of(&aws("a"), None, TOLD)];
    let risk = |now| pool_of(&nodes, &SpotMemory::default(), &[refused(karpenter)], now).score.risk;
    assert_eq!(
        (risk(NOW), risk(NOW.plus_seconds(9 * 60)), risk(NOW.plus_seconds(9 * 60 + 1))),
        (Some(60), Some(60), None)
    );
}

#[test]
fn what_goes_with_a_pool_is_the_sum_over_its_nodes_and_unknown_prices_are_not_zero() {
    let with = |name: &str, rate: Option<i64>, jobs: &[&str]| {
        let started = |at: usize| NOW.plus_seconds(-60 * i64::try_from(at + name.len()).unwrap());
        let job = |(at, name): (usize, &&str)| (crate::fleet::ObjectKey::new("ml", name), Some(started(at)));
        let jobs = jobs.iter().enumerate().map(job).collect();
        let savings = rate.map(|rate| 1_000_000 - rate);
        let stake =
            Stake { gpus: 1, rate, on_demand_rate: Some(1_000_000), savings, pods: 2, jobs, ..Stake::default() };
        SpotNode { stake, ..of(&aws(name), None, TOLD) }
    };
    let nodes = [with("a", Some(400_000), &["y", "x"]), with("b", Some(300_000), &["x"])];
    let memory = SpotMemory::default();
    let pool = pool_of(&nodes, &memory, &[], NOW);
    assert_eq!((pool.stake.gpus, pool.stake.rate, pool.stake.savings), (2, Some(700_000), Some(1_300_000)));
    assert_eq!((pool.stake.pods, pool.savings_millionths()), (4, Some(650_000)));
    let jobs = pool.stake.jobs.iter().map(|(job, since)| (job.name.as_str(), since.map(|at| NOW.seconds_since(at))));
    assert_eq!(jobs.collect::<Vec<_>>(), [("x", Some(120)), ("y", Some(60))], "the oldest pod of a Job counts");
    assert_eq!(pool.key.to_string(), "g5.xlarge/us-east-1a");
    let unpriced = pool_of(&[with("a", None, &[])], &memory, &[], NOW);
    assert_eq!((unpriced.stake.rate, unpriced.savings_millionths()), (None, None));
    let other = SpotNode { pool: SpotPoolKey { instance_type: None, zone: None }, ..with("c", None, &[]) };
    let nodes = [&nodes[..], &[other]].concat();
    let pools = pools_of(&nodes, &memory, &[], NOW);
    assert_eq!(pools.keys().map(ToString::to_string).collect::<Vec<_>>(), ["unknown/unknown", "g5.xlarge/us-east-1a"]);
    let totals = SpotTotals::of(pools.values());
    assert_eq!((totals.nodes, totals.rate, totals.largest_pool_millionths), (3, Some(700_000), Some(666_666)));
    let none = SpotTotals::of(std::iter::empty());
    assert_eq!((none.rate, none.savings, none.largest_pool_millionths), (Some(0), Some(0), None));
}

fn any_node() -> impl Strategy<Value = SpotNode> {
    let signal = prop_oneof![
        Just(None),
        (0..4_000_i64, any::<bool>()).prop_map(|(ago, is_notice)| {
            let kind = if is_notice { SignalKind::Reclaim } else { SignalKind::Rebalance };
            Some(signal(kind, Cause::Notice, Some(ago)))
        }),
    ];
    (0..40_u8, 0..3_usize, signal, any::<bool>()).prop_map(|(name, zone, signal, is_told)| {
        let mut row = aws(&format!("n{name}"));
        let zone = ["us-east-1a", "us-east-1b", "us-east-1c"][zone];
        row.labels = labels(&[SPOT, ("topology.kubernetes.io/zone", zone)]);
        let sources = if is_told { TOLD } else { EventSources::default() };
        let node = of(&row, signal, sources);
        SpotNode { stake: Stake { gpus: 1, rate: Some(100), pods: 3, ..Stake::default() }, ..node }
    })
}

proptest! {
    /// Every Node is in one pool; what goes with the pools together goes with the Nodes.
    #[test]
    fn pools_conserve_their_nodes(nodes in proptest::collection::vec(any_node(), 0..40)) {
        let memory = seen(&nodes, None, NOW);
        let pools = pools_of(&nodes, &memory, &[], NOW);
        let totals = SpotTotals::of(pools.values());
        let count = nodes.len() as u64;
        prop_assert_eq!((totals.nodes, totals.gpus), (count, i64::try_from(count).unwrap_or(0)));
        prop_assert_eq!(pools.values().map(|pool| pool.stake.pods).sum::<u64>(), 3 * count);
        prop_assert_eq!(totals.rate, Some(100 * totals.gpus));
        let largest = pools.values().map(|pool| pool.nodes).max().unwrap_or(0);
        let share = totals.largest_pool_millionths.map(u64::from);
        prop_assert_eq!(share, (1_000_000 * largest).checked_div(count));
        for (at, node) in nodes.iter().enumerate() {
            let pool = &pools[&node.pool];
            prop_assert!(pool.state >= node.state);
            let own = &pool.members[&name_of(at)];
            prop_assert!(pool.score.risk >= own.risk, "the pool is at least as likely to lose a node");
        }
        prop_assert_eq!(pools.values().map(|pool| pool.members.len()).sum::<usize>(), nodes.len());
    }
}

#[test]
fn a_pool_of_both_kinds_of_google_is_named_by_the_longer_lived() {
    let spot = of(&row("a", "gce://p/z/n", &[("cloud.google.com/gke-spot", "true")]), None, TOLD);
    let preemptible = of(&row("b", "gce://p/z/m", &[("cloud.google.com/gke-preemptible", "true")]), None, TOLD);
    let pool = pool_of(&[preemptible, spot], &SpotMemory::default(), &[], NOW);
    assert_eq!((pool.kind, pool.ends_at.map(|at| at.seconds_since(NOW))), (SpotKind::GcpSpot, Some(23 * 3_600)));
}
