//! Empty nodes, in Karpenter's sense: no pod whose eviction costs anything. All are taken
//! at once.

use serde_json::{Value, json};

use super::annotations::{protected, with_daemon};
use super::scenario::{EMPTY, Fate, Scenario, WORK};
use crate::bed::PodSpec;

/// Scenarios in which the node is taken as empty.
pub fn taken() -> Vec<Scenario> {
    let scenarios = vec![
        Scenario::empty("empty"),
        Scenario::empty("empty-when-empty").with_pool(|pool| pool.policy("WhenEmpty")),
        with_daemon(Scenario::empty("daemon-only"), &PodSpec::new()),
        // A protected pod that is done, or on its way out, protects nothing.
        Scenario::busy_with("finished-protected", protected("true"))
            .prepare(|place| place.complete_pod(WORK))
            .protection(WORK, "Ineffective", Some(false)),
        Scenario::busy_with("terminating-protected", protected("true"))
            .prepare(|place| place.leave_pod_terminating(WORK))
            .protection(WORK, "Ineffective", Some(false)),
        // Pods that cost nothing do not count, running or not.
        Scenario::busy_with("worthless-by-priority", PodSpec::new().field("priorityClassName", json!("worthless")))
            .object("/apis/scheduling.k8s.io/v1/priorityclasses", priority_class("worthless", -1_000_000_000))
            .finds("DeleteLaunchLoop"),
        Scenario::busy_with(
            "worthless-by-deletion-cost",
            PodSpec::new().annotation("controller.kubernetes.io/pod-deletion-cost", "-2147483647"),
        ),
        // A cordon, a missing zone, and readiness are nothing that Karpenter asks about.
        Scenario::empty("empty-cordoned").prepare(|place| place.patch_node(&json!({"spec": {"unschedulable": true}}))),
        Scenario::empty("empty-no-zone").while_stopped(|place| place.unlabel_node("topology.kubernetes.io/zone")),
        Scenario::empty("empty-not-ready").budgets(json!([])).while_stopped(|place| place.make_not_ready(&place.node)),
        // Nodes know no duration, and nobody reads the annotation on a NodeClaim.
        Scenario::empty("node-for-an-hour").prepare(|place| place.protect_node(Some("1h"))).finds("AnnotationIgnored"),
        Scenario::empty("claim-true")
            .prepare(|place| place.bed.annotate(&place.claim(), super::place::DO_NOT_DISRUPT, Some("true")))
            .finds("AnnotationIgnored"),
    ];
    scenarios.into_iter().map(|it| it.says("EmptyCandidate", EMPTY).karpenter(Fate::Taken("Empty"))).collect()
}

/// A class of pods whose eviction costs less than nothing.
fn priority_class(name: &str, value: i64) -> Value {
    json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value})
}
