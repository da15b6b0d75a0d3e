//! Why a node stays: where batchtop proves that the simulation cannot succeed, Karpenter's fails, and says so of the same pod;
//! where one thing less is asked for, nothing is proven, and Karpenter acts.

use serde_json::{Value, json};

use super::pdbs::selecting;
use super::place::{DO_NOT_DISRUPT, Place};
use super::scenario::{ALL, Answer, DRIFTED, Fate, NOTHING, Proof, STARTER, Scenario, UNDERUTILIZED, WORK};
use crate::bed::{PodSpec, Result};

/// The feature gates of the beds: no spot node is replaced by another.
pub const GATES: &str = "NodeRepair=false,ReservedCapacity=true,SpotToSpotConsolidation=false,NodeOverlay=false,\
                         StaticCapacity=true,CapacityBuffer=false";

/// The simulation of Karpenter found no place for a pod.
const NO_PLACE: Fate = Fate::Simulated("Not all pods would schedule");

/// The pod that fills the other node of a pair.
const OTHER: &str = "other";

// ---- Consolidation ----

/// Nodes with pods that stay, and nodes that go.
pub fn consolidation() -> Vec<Scenario> {
    [consolidated_staying(), consolidated_going()].into_iter().flatten().collect()
}

/// Only the replacement by a cheaper node is left, and there is none.
fn only_replaced(scenario: Scenario, says: &'static str) -> Scenario {
    let scenario = of_busy_nodes(scenario).proves(Proof::Of { reasons: &[], says });
    scenario.karpenter(Fate::Simulated("Can't replace with a cheaper node"))
}

/// Nothing is left.
fn stays(scenario: Scenario, says: &'static str) -> Scenario {
    of_busy_nodes(scenario).proves(Proof::Of { reasons: &["Underutilized"], says }).karpenter(NO_PLACE)
}

fn of_busy_nodes(scenario: Scenario) -> Scenario {
    scenario.budgets(not_others()).says("ConsolidationCandidate", UNDERUTILIZED)
}

fn not_others() -> Value {
    json!([{"nodes": "0", "reasons": ["Empty", "Drifted"]}])
}

fn goes(scenario: Scenario) -> Scenario {
    of_busy_nodes(scenario).proves(Proof::Nothing).karpenter(Fate::Taken("Underutilized"))
}

fn consolidated_staying() -> Vec<Scenario> {
    let not_there = json!([{"key": "team", "operator": "NotIn", "values": ["ml"]}]);
    vec![
        only_replaced(gpus("gpus-taken", 2, 3), "needs 2 nvidia.com/gpu, the most free where it may run is 1 ("),
        only_replaced(
            Scenario::busy_nodes("cpu-taken", &[WORK, OTHER]),
            "needs 1500m cpu, the most free where it may run is ",
        ),
        only_replaced(memory("memory-taken", "4Gi"), "needs 4Gi memory, the most free where it may run is "),
        only_replaced(ports("port-taken", 8080, 8080), "host port 8080 free together"),
        stays(pinned("pinned-by-name", "kubernetes.io/hostname"), "launches none with kubernetes.io/hostname="),
        stays(pinned("pinned-by-label", "team"), "launches none with team=pinned-by-label"),
        only_replaced(tainted("tainted", "NoSchedule", &small()), "it does not tolerate their taints"),
        only_replaced(
            tainted("tainted-for-another", "NoSchedule", &tolerating(&json!({"key": "team", "value": "web"}))),
            "it does not tolerate their taints",
        ),
        only_replaced(
            tainted(
                "tainted-to-leave",
                "NoExecute",
                &tolerating(&json!({"key": "team", "operator": "Exists", "effect": "NoSchedule"})),
            ),
            "it does not tolerate their taints",
        ),
        only_replaced(labelled("labelled-against", requiring(&not_there)), "team not in (ml)"),
        stays(outgrown_at_limit("limit-too-low", "3"), "the limits of NodePool limit-too-low leave 1 cpu"),
    ]
}

fn consolidated_going() -> Vec<Scenario> {
    let there = json!([{"key": "team", "operator": "In", "values": ["web", "ml"]}]);
    vec![
        goes(gpus("gpus-free", 1, 3)),
        goes(memory("memory-free", "2Gi")),
        goes(ports("port-free", 8080, 8081)),
        goes(labelled("labelled-too", requiring(&there))),
        goes(pinned("labelled-twice", "team").prepare(|place| {
            let other = place.node_of(OTHER)?;
            label_node(place, &other, "team", place.name)
        })),
        goes(tainted("tolerated", "NoSchedule", &tolerating(&json!({"key": "team", "operator": "Exists"})))),
        // Its pod fits on no other node, and on a smaller one.
        goes(outgrown_at_limit("limit-just-so", "4"))
            .proves(Proof::Of { reasons: &[], says: "consolidation would have to launch a cheaper node" }),
    ]
}

fn small() -> PodSpec {
    PodSpec::new().cpu("100m").memory("100Mi")
}

fn tolerating(toleration: &Value) -> PodSpec {
    small().field("tolerations", json!([toleration]))
}

/// A pod that demands labels of its node, beside those of its NodePool.
fn requiring(expressions: &Value) -> PodSpec {
    let terms = json!([{"matchExpressions": expressions}]);
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}});
    small().field("affinity", json!({"nodeAffinity": required}))
}

/// The other node is protected, so it is clear which one would go.
fn protect_other(place: &Place<'_>) -> Result<()> {
    let other = place.node_of(OTHER)?;
    place.bed.annotate(&format!("/api/v1/nodes/{other}"), DO_NOT_DISRUPT, Some("true"))
}

fn label_node(place: &Place<'_>, node: &str, key: &str, value: &str) -> Result<()> {
    let change = json!({"metadata": {"labels": {key: value}}});
    place.bed.api().patch(&format!("/api/v1/nodes/{node}"), &change).map(drop)
}

/// Two nodes with four GPUs each, and what pods there use in the end.
fn gpus(name: &'static str, own: u32, others: u32) -> Scenario {
    four_gpus(name).prepare(move |place| {
        protect_other(place)?;
        let other = place.node_of(OTHER)?;
        [OTHER, WORK].iter().try_for_each(|pod| place.remove_pod(pod))?;
        place.put_pod("trains", &PodSpec::new().gpus(own))?;
        place.put_pod_on(&other, "trains-too", &PodSpec::new().gpus(others))
    })
}

/// Two nodes with four GPUs each, and a pod on each that takes them.
fn four_gpus(name: &'static str) -> Scenario {
    let scenario =
        Scenario::busy_with(name, PodSpec::new().gpus(4)).with_pool(|pool| pool.instance_types(&["g5.12xlarge"]));
    Scenario { nodes: 2, ..scenario.pod(OTHER, PodSpec::new().gpus(4)) }
}

/// Two nodes of 8 GiB, of which the other one has about 3 GiB left.
fn memory(name: &'static str, wanted: &'static str) -> Scenario {
    beside(name).prepare(move |place| {
        let other = place.node_of(OTHER)?;
        place.put_pod_on(&other, "large", &small().memory("3500Mi"))?;
        replace_starter(place, &small().memory(wanted))
    })
}

/// Two nodes with little on them, and a pod on each that takes a port.
fn ports(name: &'static str, own: u16, others: u16) -> Scenario {
    let with = |port: u16| {
        let container = json!([{"name": "main", "image": "registry.example/work:1",
            "ports": [{"containerPort": port, "hostPort": port, "protocol": "TCP"}]}]);
        PodSpec::new().field("containers", container)
    };
    beside(name).prepare(move |place| {
        place.put_pod_on(&place.node_of(OTHER)?, "listens", &with(others))?;
        replace_starter(place, &with(own))
    })
}

/// Two nodes, the other one with a taint that came after its pod.
fn tainted(name: &'static str, effect: &'static str, work: &PodSpec) -> Scenario {
    let work = work.clone();
    beside(name).prepare(move |place| {
        let other = place.node_of(OTHER)?;
        let taints = json!({"spec": {"taints": [{"key": "team", "value": "ml", "effect": effect}]}});
        place.bed.api().patch(&format!("/api/v1/nodes/{other}"), &taints)?;
        replace_starter(place, &work)
    })
}

/// Two nodes, the other one with a label.
fn labelled(name: &'static str, work: PodSpec) -> Scenario {
    beside(name).prepare(move |place| {
        let other = place.node_of(OTHER)?;
        label_node(place, &other, "team", "ml")?;
        replace_starter(place, &work)
    })
}

/// A pod that asks for a label which, by itself, only its own node has.
fn pinned(name: &'static str, key: &'static str) -> Scenario {
    beside(name).prepare(move |place| {
        place.patch_node(&json!({"metadata": {"labels": {key: place.name}}}))?;
        replace_starter(place, &small().on_nodes_with(key, place.name))
    })
}

/// A node of eight CPUs for a pod that one with two could take, if the limit left room for it beside the other one.
fn outgrown_at_limit(name: &'static str, limit: &'static str) -> Scenario {
    let scenario = Scenario::empty_after(name, PodSpec::new().cpu("6800m"))
        .with_pool(|pool| pool.instance_types(&["m7i.2xlarge", "m7i.large"]).field("limits", json!({"cpu": "10"})));
    let scenario = Scenario { nodes: 2, ..scenario.pod(OTHER, PodSpec::new().cpu("1500m")) };
    scenario.prepare(protect_other).prepare(move |place| {
        place.put_pod(WORK, &PodSpec::new().cpu("1500m"))?;
        limit_pool(place, "cpu", limit)
    })
}

/// Two nodes of which the other is protected.
fn beside(name: &'static str) -> Scenario {
    Scenario::busy_nodes(name, &[STARTER, OTHER]).prepare(protect_other)
}

fn replace_starter(place: &Place<'_>, work: &PodSpec) -> Result<()> {
    place.put_pod(WORK, work)?;
    place.remove_pod(STARTER)
}

fn limit_pool(place: &Place<'_>, resource: &str, limit: &str) -> Result<()> {
    place.patch_pool(&json!({"spec": {"limits": {resource: limit}}}))
}

// ---- Drift ----

/// Drifted nodes that stay, because no new node can take their pods, and drifted nodes that are replaced.
pub fn drift() -> Vec<Scenario> {
    [drifted_staying(), drifted_going()].into_iter().flatten().collect()
}

fn drift_stays(scenario: Scenario, says: &'static str) -> Scenario {
    only_drift(scenario).proves(Proof::Of { reasons: &["Drifted"], says }).karpenter(NO_PLACE)
}

fn is_replaced(scenario: Scenario) -> Scenario {
    only_drift(scenario).proves(Proof::Nothing).karpenter(Fate::Taken("Drifted"))
}

fn only_drift(scenario: Scenario) -> Scenario {
    scenario
        .budgets(json!([{"nodes": "0", "reasons": ["Empty", "Underutilized"]}]))
        .says("DriftCandidate", DRIFTED)
        .because("Budget", &["Underutilized"])
}

fn drifted_staying() -> Vec<Scenario> {
    vec![
        drift_stays(at_limit("at-limit-of-nodes", full_pair, "nodes", ("2", "1")), "at its limit of 1 nodes"),
        drift_stays(at_limit("at-limit-of-cpu", full_pair, "cpu", ("4", "3")), "leave 1 cpu"),
        drift_stays(at_limit("at-limit-of-memory", large_pair, "memory", ("16Gi", "12Gi")), "leave 4Gi memory"),
        drift_stays(at_limit("at-limit-of-gpus", four_gpus, "nvidia.com/gpu", ("8", "7")), "leave 3 nvidia.com/gpu"),
        drift_stays(with_pod("by-name", |place| by_name(place.name)), "launches none with kubernetes.io/hostname="),
        drift_stays(
            with_pod("of-another-zone", |_| in_zone("us-east-1b")),
            "launches none with topology.kubernetes.io/zone",
        ),
        drift_stays(newly_tainted("newly-tainted", &PodSpec::new().cpu("1500m")), "it does not tolerate taint team="),
        drift_stays(newly_labelled("newly-labelled", &["ml"]), "launches none with team"),
        // What a budget holds now Karpenter counts on to go one day.
        with_grace(drift_stays(guarded("guarded-for-now", json!({"minAvailable": 1})), "fits on no other node"))
            // Emptiness, which goes first, says that of the budget, and Karpenter says one thing of a node in two minutes.
            .karpenter(Fate::Stays),
    ]
}

fn drifted_going() -> Vec<Scenario> {
    vec![
        is_replaced(at_limit("below-limit-of-nodes", full_pair, "nodes", ("3", "2"))),
        is_replaced(at_limit("below-limit-of-cpu", full_pair, "cpu", ("5", "4"))),
        is_replaced(at_limit("below-limit-of-memory", large_pair, "memory", ("20Gi", "16Gi"))),
        is_replaced(at_limit("below-limit-of-gpus", four_gpus, "nvidia.com/gpu", ("9", "8"))),
        is_replaced(with_pod("by-no-name", |_| small())),
        is_replaced(with_pod("of-its-zone", |_| in_zone("us-east-1a"))),
        is_replaced(newly_tainted(
            "newly-tolerated",
            &PodSpec::new().cpu("1500m").field("tolerations", json!([{"key": "team", "operator": "Exists"}])),
        )),
        is_replaced(newly_labelled("newly-labelled-too", &["ml", "web"])),
        // What one holds for ever Karpenter leaves out.
        with_grace(is_replaced(guarded("guarded-for-ever", json!({"maxUnavailable": 0})))),
    ]
}

/// Drift passes over what may not be evicted.
fn with_grace(scenario: Scenario) -> Scenario {
    let scenario = scenario.with_grace().because("Pdb", &["Empty", "Underutilized"]);
    scenario.warns_of("DriftOverridesProtection")
}

/// Two nodes of one NodePool with a pod each that fills them.
fn full_pair(name: &'static str) -> Scenario {
    Scenario::busy_nodes(name, &[WORK, OTHER])
}

/// The same by memory.
fn large_pair(name: &'static str) -> Scenario {
    let large = || PodSpec::new().cpu("500m").memory("5Gi");
    Scenario { nodes: 2, ..Scenario::busy_with(name, large()).pod(OTHER, large()) }
}

/// A drifted node beside another, under a limit that was higher when they were launched.
fn at_limit(
    name: &'static str,
    pair: fn(&'static str) -> Scenario,
    resource: &'static str,
    (before, now): (&'static str, &'static str),
) -> Scenario {
    let scenario = pair(name).with_pool(|pool| pool.field("limits", json!({resource: before})));
    scenario.prepare(protect_other).drifted().prepare(move |place| limit_pool(place, resource, now))
}

/// A drifted node with a pod that was put there past the scheduler. It has another name than the one before: KWOK may take it for
/// that, and end it.
fn with_pod(name: &'static str, pod: impl Fn(&Place<'_>) -> PodSpec + Send + 'static) -> Scenario {
    Scenario::empty(name).prepare(move |place| place.put_pod(WORK, &pod(place))).drifted()
}

fn by_name(pool: &str) -> PodSpec {
    small().on_nodes_with("kubernetes.io/hostname", &format!("none-of-{pool}"))
}

fn in_zone(zone: &str) -> PodSpec {
    small().on_nodes_with("topology.kubernetes.io/zone", zone)
}

/// A node whose NodePool got a taint since.
fn newly_tainted(name: &'static str, work: &PodSpec) -> Scenario {
    let taints = json!([{"key": "team", "value": "ml", "effect": "NoSchedule"}]);
    drifts_by(Scenario::busy_with(name, work.clone()), json!({"spec": {"taints": taints}}))
}

/// A node whose NodePool labels new ones in another way, with a pod that asks for one of these values.
fn newly_labelled(name: &'static str, values: &'static [&'static str]) -> Scenario {
    let expressions = json!([{"key": "team", "operator": "In", "values": values}]);
    let scenario = Scenario::busy_with(name, requiring(&expressions)).with_pool(|pool| pool.label("team", "ml"));
    drifts_by(scenario, json!({"metadata": {"labels": {"team": "web"}}}))
}

/// This change of the template lets its nodes drift.
fn drifts_by(mut scenario: Scenario, template: Value) -> Scenario {
    scenario.conditions.push("Drifted");
    scenario.prepare(move |place| place.patch_pool(&json!({"spec": {"template": template}})))
}

/// A drifted node with a pod that fits nowhere and is under a PodDisruptionBudget that allows nothing.
fn guarded(name: &'static str, budget: Value) -> Scenario {
    let mut spec = budget;
    spec["selector"] = selecting(WORK);
    with_pod(name, |place| by_name(place.name)).pdb("pdb", &spec, 0)
}

// ---- Pods of nodes that are being deleted, and spot nodes ----

/// While a pod of a deleting node fits nowhere nothing is drifted or consolidated; all that is not spot is protected.
pub fn stranded_and_spot() -> Vec<Scenario> {
    vec![
        deleting("deleting"),
        waits(never_consolidated(Scenario::busy("drift-waits")).drifted(), "Drifted"),
        waits(never_consolidated(Scenario::empty("drift-of-nothing-waits")).drifted(), "Drifted"),
        waits(on_spot(fits_elsewhere("delete-waits")), "Underutilized"),
        waits(on_spot(fits_elsewhere("another-delete-waits")), "Underutilized"),
        spot_kept("spot-kept"),
    ]
}

/// A node that is being deleted, with a pod that fits nowhere and that its budget holds for the moment. In the end it goes.
fn deleting(name: &'static str) -> Scenario {
    let budget = json!({"minAvailable": 1, "selector": selecting("left")});
    Scenario::empty(name)
        .pdb("pdb", &budget, 0)
        .prepare(|place| {
            place.put_pod("left", &by_name(place.name))?;
            place.bed.api().delete(&place.claim())
        })
        .not_quiet()
        .says("Terminating", NOTHING)
        .because("Deleting", ALL)
        .and_others()
        .karpenter(Fate::Stays)
        .then_after(|place| place.remove_pod("left"), None, Fate::Stays)
}

/// A node that would go at once, and goes once the stranded pod is gone.
fn waits(scenario: Scenario, reason: &'static str) -> Scenario {
    let says = "pod deleting/left of ";
    let (verdict, may, reasons): (_, _, &'static [&'static str]) = match reason {
        "Drifted" => ("DriftCandidate", DRIFTED, &["Drifted"]),
        _ => ("ConsolidationCandidate", UNDERUTILIZED, &["Underutilized"]),
    };
    let other = if reason == "Drifted" { "Underutilized" } else { "Drifted" };
    let scenario = scenario.budgets(json!([{"nodes": "0", "reasons": ["Empty", other]}]));
    let scenario = scenario.says(verdict, may).and_others().proves(Proof::Of { reasons, says });
    // What Karpenter said of consolidation is still to be read, and is the headline.
    let verdict = if reason == "Drifted" { verdict } else { "Unconsolidatable" };
    let after = Answer { others: true, proof: Proof::Nothing, ..Answer::open(verdict, may) };
    scenario.karpenter(NO_PLACE).then_after(|_| Ok(()), Some(after), Fate::Taken(reason))
}

fn never_consolidated(scenario: Scenario) -> Scenario {
    scenario.with_pool(|pool| pool.consolidate_after("Never")).not_quiet()
}

/// The NodePool launches spot nodes only.
fn on_spot(scenario: Scenario) -> Scenario {
    scenario.with_pool(|pool| pool.capacity_types(&["spot"]))
}

/// Two nodes whose pods fit on one; the other one is protected.
fn fits_elsewhere(name: &'static str) -> Scenario {
    beside(name).prepare(|place| replace_starter(place, &PodSpec::new().cpu("200m")))
}

/// A spot node that is larger than its pod needs, and that only another spot node could replace. Its budget opens in the end, so
/// that Karpenter's sentence is that of the gate.
fn spot_kept(name: &'static str) -> Scenario {
    let scenario = Scenario::busy(name)
        .with_pool(|pool| pool.capacity_types(&["spot", "on-demand"]).instance_types(&["m7i.2xlarge", "m7i.large"]))
        .pod(STARTER, PodSpec::new().cpu("5"))
        .prepare(|place| place.remove_pod(STARTER));
    let kept = Proof::Of { reasons: &["Underutilized"], says: "feature gate SpotToSpotConsolidation is off" };
    let after = Answer { others: true, proof: kept, ..Answer::open("ConsolidationCandidate", UNDERUTILIZED) };
    scenario
        .budgets(json!([{"nodes": "0"}]))
        .says("BlockedByBudget", NOTHING)
        .because("Budget", &["Underutilized"])
        .proves(Proof::Nothing)
        .karpenter(Fate::ToldOfPool("Underutilized"))
        .then_after(
            |place| place.set_budgets(&not_others()),
            Some(after),
            Fate::Simulated("SpotToSpotConsolidation is disabled"),
        )
}
