//! Nodes with pods: what is taken as underutilized, and what only the simulation decides.
//!
//! Underutilized is about requests and prices, never about use. Whether there is a cheaper
//! arrangement only Karpenter's simulation knows, so batchtop answers "may" in all of
//! these; the left alone ones are the disagreement that is allowed, with Karpenter's own
//! sentence for it.

use serde_json::json;

use super::place::DO_NOT_DISRUPT;
use super::scenario::{Fate, STARTER, Scenario, UNDERUTILIZED, WORK};
use crate::bed::{NodePoolSpec, PodSpec};

/// Scenarios with every gate open for consolidation.
pub fn scenarios() -> Vec<Scenario> {
    [taken(), left_alone()].into_iter().flatten().map(of_busy_nodes).collect()
}

/// Replacements of nodes whose pods are nobody's are empty: budgets keep Karpenter from
/// those, and show that a budget for other reasons stops nothing here.
pub fn of_busy_nodes(scenario: Scenario) -> Scenario {
    let scenario = scenario.budgets(json!([{"nodes": "0", "reasons": ["Empty", "Drifted"]}]));
    scenario.says("ConsolidationCandidate", UNDERUTILIZED)
}

/// Each costs Karpenter a quarter of a minute: few.
fn taken() -> Vec<Scenario> {
    let scenarios = vec![
        too_large("too-large"),
        too_large("too-large-balanced").with_pool(|pool| pool.policy("Balanced")),
        // One GPU of four used: the type with one is cheaper. Nobody asks how busy it is.
        outgrown("gpu-one-of-four", &["g5.12xlarge", "g5.xlarge"], PodSpec::new().gpus(1), PodSpec::new().gpus(3)),
        fits_elsewhere("fits-elsewhere"),
    ];
    scenarios.into_iter().map(|scenario| scenario.karpenter(Fate::Taken("Underutilized"))).collect()
}

fn left_alone() -> Vec<Scenario> {
    let spot = |pool: NodePoolSpec| pool.capacity_types(&["spot"]);
    vec![
        Scenario::busy("right-sized").karpenter(Fate::Simulated("Can't replace with a cheaper node")),
        // Only this node has this name.
        Scenario::empty("pinned")
            .prepare(|place| place.pin_pod(WORK))
            .karpenter(Fate::Simulated("Not all pods would schedule, pinned/work")),
        // The pod of a StatefulSet comes back, so on its way out it still counts.
        stateful(Scenario::empty("stateful-terminating"))
            .karpenter(Fate::Simulated("Can't replace with a cheaper node")),
        too_large("spot-to-spot")
            .with_pool(spot)
            .karpenter(Fate::Simulated("SpotToSpotConsolidation requires 15 cheaper instance type options")),
        Scenario::empty("apart")
            .prepare(|place| ["one", "two"].iter().try_for_each(|pod| place.put_pod(pod, &apart())))
            .karpenter(Fate::Simulated("Can't remove without creating 2 candidates")),
        // A quarter of the cost saved for all of the disruption is no balance.
        outgrown("unbalanced", &["r7i.large", "m7i.large"], PodSpec::new(), PodSpec::new().cpu("100m").memory("10Gi"))
            .with_pool(|pool| pool.policy("Balanced"))
            .karpenter(Fate::Unbalanced),
    ]
}

/// A node that was needed once, for a pod that is gone.
fn outgrown(name: &'static str, types: &[&str], work: PodSpec, starter: PodSpec) -> Scenario {
    let scenario = Scenario::busy_with(name, work).with_pool(|pool| pool.instance_types(types));
    scenario.pod(STARTER, starter).prepare(|place| place.remove_pod(STARTER))
}

fn too_large(name: &'static str) -> Scenario {
    outgrown(name, &["m7i.2xlarge", "m7i.large"], PodSpec::new(), PodSpec::new().cpu("5"))
}

/// Two nodes whose pods fit on one; the other is protected, so it is clear which one goes.
pub fn fits_elsewhere(name: &'static str) -> Scenario {
    Scenario::busy_nodes(name, &[STARTER, "other"]).prepare(|place| {
        let other = place.node_of("other")?;
        place.bed.annotate(&format!("/api/v1/nodes/{other}"), DO_NOT_DISRUPT, Some("true"))?;
        place.put_pod(WORK, &PodSpec::new().cpu("200m"))?;
        place.remove_pod(STARTER)
    })
}

/// With the pod of a StatefulSet that is Terminating.
fn stateful(scenario: Scenario) -> Scenario {
    let path = format!("/apis/apps/v1/namespaces/{}/statefulsets", scenario.name);
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "set"}, "spec": {
        "replicas": 0, "serviceName": "set", "selector": {"matchLabels": {"app": "none"}},
        "template": {"metadata": {"labels": {"app": "none"}}, "spec": {
            "containers": [{"name": "main", "image": "registry.example/work:1"}]}}}});
    scenario.object(&path, set).prepare(|place| {
        let set = place.bed.api().get(&format!("/apis/apps/v1/namespaces/{}/statefulsets/set", place.name))?;
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "set", "uid": set["metadata"]["uid"]});
        place.put_pod_of(&owner, WORK, &PodSpec::new())?;
        place.leave_pod_terminating(WORK)
    })
}

/// A pod that shares its node with no other of its kind, were it scheduled.
fn apart() -> PodSpec {
    let term = json!({"labelSelector": {"matchLabels": {"kind": "apart"}}, "topologyKey": "kubernetes.io/hostname"});
    PodSpec::new()
        .cpu("100m")
        .label("kind", "apart")
        .field("affinity", json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}))
}
