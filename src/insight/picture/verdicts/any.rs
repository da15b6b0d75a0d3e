//! Plausible clusters.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::world::{World, budget, budget_for, class_ref, empty, event, guard, karpenter};
use crate::fleet::{
    Budget, DisruptionBudgetRow, EventRow, Eviction, KarpenterApi, Labels, NodeClaimRow, NodePoolRow, NodeRow,
    PodPhase, PodRow, PodSelector, Sym, Taint,
};
use crate::insight::KarpenterVersion;
use crate::insight::testing::{
    CREATED, MANAGED_LABELS, NOW, claim, condition, labels, met, meta, node, pod, pool, sym,
};
use crate::units::{Lifetime, Selector};

/// True once in so many cases.
fn seldom(one_in: u32) -> impl Strategy<Value = bool> {
    (0..one_in).prop_map(|n| n == 0)
}

fn maybe(texts: &'static [&'static str]) -> impl Strategy<Value = Option<Sym>> {
    weighted(0.4, select(texts)).prop_map(|text| text.map(sym))
}

const VALUES: &[&str] = &["true", "1h", "90m", "3601s", "59m", "10h", "1d", "false", "-1h"];

fn eviction() -> impl Strategy<Value = Eviction> {
    let kinds = (seldom(5), seldom(6), seldom(10), seldom(5), seldom(3));
    let costs = (select(&[0, 0, 0, i32::MIN, 1000][..]), weighted(0.2, select(&["-134217728", "5", "cheap"][..])));
    (kinds, costs).prop_map(|((daemon, stateful, mirror, tolerates, unready), (priority, cost))| Eviction {
        of_daemon_set: daemon,
        of_stateful_set: stateful,
        of_node: mirror,
        tolerates_disrupted: tolerates,
        unready,
        priority,
        deletion_cost: cost.map(sym),
    })
}

fn any_pod(name: usize) -> impl Strategy<Value = PodRow> {
    let about = (select(&["ml", "web"][..]), select(&["a", "b"][..]), maybe(VALUES), eviction());
    let life = (
        select(&[PodPhase::Running, PodPhase::Running, PodPhase::Pending, PodPhase::Succeeded][..]),
        seldom(8),
        weighted(0.9, 0..3600_i64),
        select(&[0_i64, 30, 3600][..]),
    );
    (about, life).prop_map(move |((namespace, app, value, eviction), (phase, ending, started, grace))| {
        let mut row = pod(namespace, &format!("p{name}"), Some("a"));
        row.labels = labels(&[("app", app)]);
        row.do_not_disrupt = value;
        row.eviction = eviction.into();
        row.phase = phase;
        row.meta.deletion = ending.then_some(NOW);
        row.started = started.map(|after| CREATED.plus_seconds(after));
        row.termination_grace_seconds = grace;
        row
    })
}

fn any_guard(name: usize) -> impl Strategy<Value = DisruptionBudgetRow> {
    (select(&["ml", "web"][..]), select(&["", "app=a", "app=b", "-"][..]), 0..3_i64, seldom(3)).prop_map(
        move |(namespace, selector, allowed, lenient)| DisruptionBudgetRow {
            meta: meta(namespace, &format!("guard{name}")),
            selector: match selector {
                "-" => PodSelector::Nothing,
                text => PodSelector::Matching(Selector::parse(text).unwrap()),
            },
            always_allows_unhealthy: lenient,
            ..guard("", allowed)
        },
    )
}

/// Schedules and durations, with a broken one among them.
const WINDOWS: [(&str, &str); 6] = [
    ("0 15 * * *", "1h"),
    ("*/10 * * * *", "5m"),
    ("0 22 * * *", "8h"),
    ("* * * * *", "45s"),
    ("0 0 * * 1", "48h"),
    ("0 25 * * *", "1h"),
];

/// `reasons` of budgets.
const REASONS: &[&[&str]] = &[&["Empty"], &["Drifted", "Underutilized"], &["Underutilized"], &[]];

pub(super) fn any_budget() -> impl Strategy<Value = Budget> {
    let nodes = select(&["0", "1", "2", "10%", "50%", "100%", "0%", "1000"][..]);
    let reasons = weighted(0.4, select(REASONS));
    (nodes, reasons, weighted(0.5, select(&WINDOWS[..]))).prop_map(|(nodes, reasons, window)| {
        let plain = reasons.map_or_else(|| budget(nodes), |reasons| budget_for(nodes, reasons));
        let (schedule, duration) = window.unzip();
        Budget { schedule: schedule.map(sym), duration: duration.map(sym), ..plain }
    })
}

fn any_claim() -> impl Strategy<Value = NodeClaimRow> {
    let conditions = (seldom(4), seldom(2), seldom(15), seldom(15));
    let spec = (weighted(0.4, select(&[0_i64, 60, 600][..])), weighted(0.4, select(&[3000_i64, 7200, 90_000][..])));
    let state = (seldom(15), maybe(&["true"]), weighted(0.5, 0..3600_i64), seldom(10), 0..2_usize);
    (conditions, spec, state).prop_map(|(conditions, (grace, expires), (ending, value, event, unlabelled, class))| {
        let (busy, drifted, chosen, gone) = conditions;
        let mut row = NodeClaimRow { provider_id: Some(sym("i-a")), node_name: Some(sym("a")), ..claim("c") };
        row.conditions = met(&["Launched", "Registered", "Initialized"]);
        let more = [
            (!busy, "Consolidatable"),
            (drifted, "Drifted"),
            (chosen, "DisruptionReason"),
            (gone, "InstanceTerminating"),
        ];
        row.conditions.extend(more.into_iter().filter(|(is, _)| *is).flat_map(|(_, kind)| met(&[kind])));
        row.termination_grace_seconds = grace;
        row.expire_after = expires.map_or(Lifetime::Never, Lifetime::Seconds);
        row.meta.deletion = ending.then_some(NOW);
        row.do_not_disrupt = value;
        row.last_pod_event = event.map(|after| CREATED.plus_seconds(after));
        row.labels = if unlabelled { Labels::default() } else { labels(&MANAGED_LABELS[2..]) };
        row.node_class = Some(class_ref(["karpenter.k8s.aws", "eks.amazonaws.com"][class]));
        row
    })
}

fn any_node() -> impl Strategy<Value = NodeRow> {
    (
        vec(seldom(12), MANAGED_LABELS.len()),
        weighted(0.2, select(&["true", "1h"][..])),
        seldom(6),
        seldom(12),
        seldom(20),
    )
        .prop_map(|(missing, value, broken, tainted, ending)| {
            let pairs: Vec<(&str, &str)> =
                MANAGED_LABELS.into_iter().zip(missing).filter(|(_, missing)| !missing).map(|(pair, _)| pair).collect();
            let mut row = NodeRow { labels: labels(&pairs), provider_id: Some(sym("i-a")), ..node("a") };
            row.do_not_disrupt = value.map(sym);
            let keys = ["karpenter.sh/disrupted", "karpenter.sh/disruption"];
            row.taints = keys
                .iter()
                .take(usize::from(tainted) * 2)
                .skip(usize::from(broken))
                .map(|key| Taint { key: sym(key), value: sym(""), effect: sym("NoSchedule") })
                .collect();
            if broken {
                row.conditions.clear();
            }
            row.meta.deletion = ending.then_some(NOW);
            row
        })
}

fn any_pool() -> impl Strategy<Value = NodePoolRow> {
    let set_up = (
        select(&["WhenEmptyOrUnderutilized", "WhenEmptyOrUnderutilized", "WhenEmpty", "Balanced"][..]),
        select(&[Lifetime::Seconds(0), Lifetime::Seconds(0), Lifetime::Seconds(600), Lifetime::Never][..]),
        weighted(0.2, 1..4_i64),
        weighted(0.2, select(&["1", "3"][..])),
    );
    (set_up, vec(any_budget(), 0..4), seldom(12)).prop_map(|((policy, after, replicas, limit), budgets, no_class)| {
        let mut row = pool("gpu");
        row.consolidation_policy = sym(policy);
        row.consolidate_after = after;
        row.replicas = replicas;
        row.limits = limit.map(|limit| (sym("nodes"), sym(limit))).into_iter().collect();
        row.budgets = Some(budgets);
        if no_class {
            row.node_class = Some(class_ref("karpenter.k8s.aws"));
            row.conditions = vec![condition("NodeClassReady", crate::fleet::Status::False, "NodeClassNotFound")];
        }
        row
    })
}

/// Other nodes: quiet, not ready, being deleted, chosen; and perhaps a NodeClaim that has not launched.
fn others() -> impl Strategy<Value = (Vec<u8>, Option<i64>)> {
    (vec(0..5_u8, 0..4), weighted(0.15, select(&[5_i64, 60, 200][..])))
}

fn add_others(world: &mut World, kinds: &[u8], launching: Option<i64>) {
    world.add_nodes(kinds.len(), |_, _| ());
    for (kind, (row, behind)) in kinds.iter().zip(world.other_nodes.iter_mut().zip(&mut world.other_claims)) {
        match kind {
            1 => row.conditions.clear(),
            2 => behind.meta.deletion = Some(NOW),
            3 => behind.conditions.extend(met(&["DisruptionReason"])),
            _ => (),
        }
    }
    world.other_claims.extend(launching.map(|age| {
        let mut row = NodeClaimRow { node_class: Some(class_ref("karpenter.k8s.aws")), ..claim("new") };
        row.meta.created = NOW.plus_seconds(-age);
        row
    }));
}

const MESSAGES: [(&str, &str); 7] = [
    ("DisruptionBlocked", "Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=ml/p0)"),
    ("DisruptionBlocked", "Pdb prevents pod evictions (PodDisruptionBudget=[ml/guard0])"),
    ("DisruptionBlocked", "Node is nominated for a pending pod"),
    ("DisruptionBlocked", "Not all pods would schedule, ml/p0 => no"),
    ("Unconsolidatable", "Can't replace with a cheaper node"),
    ("SpotInterrupted", "Spot interruption warning was triggered"),
    ("SpotRebalanceRecommendation", "Rebalance recommendation"),
];

fn any_events() -> impl Strategy<Value = Vec<EventRow>> {
    let one = (select(&MESSAGES[..]), select(&[0_i64, 10, 39, 60, 140, 170, 600, 1190, 4000][..]));
    vec(one.prop_map(|((reason, message), age)| event(reason, message, age)), 0..4)
}

fn any_karpenter() -> impl Strategy<Value = KarpenterVersion> {
    let version = select(&["1.14.1", "1.14.1", "1.13.0", "1.11.2", "1.6.4", "1.4.0", ""][..]);
    (version, seldom(25)).prop_map(|(version, legacy)| {
        let api = if legacy { KarpenterApi::V1Beta1 } else { KarpenterApi::V1 };
        let found = if version.is_empty() { KarpenterVersion::default() } else { karpenter(version) };
        KarpenterVersion { api, ..found }
    })
}

fn any_pods() -> impl Strategy<Value = Vec<PodRow>> {
    (any_pod(0), any_pod(1), any_pod(2), 0..4_usize)
        .prop_map(|(a, b, c, count)| [a, b, c].into_iter().take(count).collect())
}

fn any_guards() -> impl Strategy<Value = Vec<DisruptionBudgetRow>> {
    (any_guard(0), any_guard(1), 0..6_usize).prop_map(|(a, b, count)| [a, b].into_iter().take(count / 2).collect())
}

/// A plausible cluster, all of it known.
pub(super) fn any_world() -> impl Strategy<Value = World> {
    let rows = (any_node(), weighted(0.97, any_claim()), weighted(0.95, any_pool()), any_pods(), any_guards());
    (rows, others(), any_events(), any_karpenter()).prop_map(|(rows, (kinds, launching), events, karpenter)| {
        empty(|world| {
            (world.node, world.claim, world.pool, world.pods, world.guards) = rows;
            world.events = events;
            world.karpenter = karpenter;
            add_others(world, &kinds, launching);
        })
    })
}
