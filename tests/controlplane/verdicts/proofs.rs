//! Why a node stays: where batchtop proves that the simulation cannot succeed, Karpenter's fails, and says so of the same pod;
//! where one thing less is asked for, nothing is proven, and Karpenter acts.

use serde_json::json;

use super::place::{DO_NOT_DISRUPT, Place};
use super::scenario::{Fate, Proof, STARTER, Scenario, UNDERUTILIZED, WORK};
use crate::bed::{PodSpec, Result};

/// Nodes that stay, and as many that go.
pub fn scenarios() -> Vec<Scenario> {
    [staying(), going()].into_iter().flatten().collect()
}

/// Only the replacement by a cheaper node is left, and there is none.
fn only_replaced(scenario: Scenario, says: &'static str) -> Scenario {
    let scenario = of_busy_nodes(scenario).proves(Proof::Of { reasons: &[], says });
    scenario.karpenter(Fate::Simulated("Can't replace with a cheaper node"))
}

/// Nothing is left.
fn stays(scenario: Scenario, says: &'static str) -> Scenario {
    let scenario = of_busy_nodes(scenario).proves(Proof::Of { reasons: &["Underutilized"], says });
    scenario.karpenter(Fate::Simulated("Not all pods would schedule"))
}

fn of_busy_nodes(scenario: Scenario) -> Scenario {
    let scenario = scenario.budgets(json!([{"nodes": "0", "reasons": ["Empty", "Drifted"]}]));
    scenario.says("ConsolidationCandidate", UNDERUTILIZED)
}

fn goes(scenario: Scenario) -> Scenario {
    of_busy_nodes(scenario).proves(Proof::Nothing).karpenter(Fate::Taken("Underutilized"))
}

fn staying() -> Vec<Scenario> {
    vec![
        only_replaced(gpus("gpus-taken", 2, 3), "needs 2 nvidia.com/gpu, the most free where it may run is 1 ("),
        only_replaced(
            Scenario::busy_nodes("cpu-taken", &[WORK, "other"]),
            "needs 1500m cpu, the most free where it may run is ",
        ),
        only_replaced(ports("port-taken", 8080, 8080), "host port 8080 free together"),
        stays(pinned("pinned-by-name", "kubernetes.io/hostname"), "launches none with kubernetes.io/hostname="),
        stays(pinned("pinned-by-label", "team"), "launches none with team=pinned-by-label"),
        only_replaced(tainted("tainted", &PodSpec::new().cpu("100m")), "it does not tolerate their taints"),
        drifted("drift-at-limit", "2")
            .proves(Proof::Of { reasons: &["Drifted"], says: "at its limit of 1 nodes" })
            .prepare(|place| limit_nodes(place, "1"))
            .karpenter(Fate::Simulated("Not all pods would schedule")),
    ]
}

fn going() -> Vec<Scenario> {
    vec![
        goes(gpus("gpus-free", 1, 3)),
        goes(ports("port-free", 8080, 8081)),
        goes(pinned("labelled-twice", "team").prepare(|place| {
            let other = place.node_of("other")?;
            place
                .bed
                .api()
                .patch(&format!("/api/v1/nodes/{other}"), &json!({"metadata": {"labels": {"team": place.name}}}))?;
            Ok(())
        })),
        goes(tainted(
            "tolerated",
            &PodSpec::new().cpu("100m").field("tolerations", json!([{"key": "team", "operator": "Exists"}])),
        )),
        drifted("drift-below-limit", "3")
            .proves(Proof::Nothing)
            .prepare(|place| limit_nodes(place, "2"))
            .karpenter(Fate::Taken("Drifted")),
    ]
}

/// The other node is protected, so it is clear which one would go.
fn protect_other(place: &Place<'_>) -> Result<()> {
    let other = place.node_of("other")?;
    place.bed.annotate(&format!("/api/v1/nodes/{other}"), DO_NOT_DISRUPT, Some("true"))
}

/// Two nodes with four GPUs each, and what pods there use in the end.
fn gpus(name: &'static str, own: u32, others: u32) -> Scenario {
    let scenario =
        Scenario::busy_with(name, PodSpec::new().gpus(4)).with_pool(|pool| pool.instance_types(&["g5.12xlarge"]));
    Scenario { nodes: 2, ..scenario.pod("other", PodSpec::new().gpus(4)) }.prepare(move |place| {
        protect_other(place)?;
        let other = place.node_of("other")?;
        ["other", WORK].iter().try_for_each(|pod| place.remove_pod(pod))?;
        place.put_pod(WORK, &PodSpec::new().gpus(own))?;
        place.put_pod_on(&other, "other", &PodSpec::new().gpus(others))
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
        place.put_pod_on(&place.node_of("other")?, "listens", &with(others))?;
        place.put_pod(WORK, &with(own))?;
        place.remove_pod(STARTER)
    })
}

/// Two nodes, the other one with a taint that came after its pod.
fn tainted(name: &'static str, work: &PodSpec) -> Scenario {
    let work = work.clone();
    beside(name).prepare(move |place| {
        let other = place.node_of("other")?;
        let taints = json!({"spec": {"taints": [{"key": "team", "value": "ml", "effect": "NoSchedule"}]}});
        place.bed.api().patch(&format!("/api/v1/nodes/{other}"), &taints)?;
        place.put_pod(WORK, &work)?;
        place.remove_pod(STARTER)
    })
}

/// A pod that asks for a label which, by itself, only its own node has.
fn pinned(name: &'static str, key: &'static str) -> Scenario {
    beside(name).prepare(move |place| {
        place.patch_node(&json!({"metadata": {"labels": {key: place.name}}}))?;
        place.put_pod(WORK, &PodSpec::new().cpu("100m").on_nodes_with(key, place.name))?;
        place.remove_pod(STARTER)
    })
}

/// Two nodes of which the other is protected.
fn beside(name: &'static str) -> Scenario {
    Scenario::busy_nodes(name, &[STARTER, "other"]).prepare(protect_other)
}

/// Two drifted nodes with a pod each that fills them.
fn drifted(name: &'static str, limit: &'static str) -> Scenario {
    let scenario =
        Scenario::busy_nodes(name, &[WORK, "other"]).with_pool(|pool| pool.field("limits", json!({"nodes": limit})));
    let scenario = scenario.prepare(protect_other).drifted();
    scenario
        .budgets(json!([{"nodes": "0", "reasons": ["Empty", "Underutilized"]}]))
        .says("DriftCandidate", [false, true, false])
        .because("Budget", &["Underutilized"])
}

fn limit_nodes(place: &Place<'_>, limit: &str) -> Result<()> {
    place.patch_pool(&json!({"spec": {"limits": {"nodes": limit}}}))
}
