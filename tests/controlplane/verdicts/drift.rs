//! Drifted nodes. Drift is the one method that a terminationGracePeriod lets pass over
//! pods that must not be disrupted, and the one that policy and consolidateAfter do not stop.
//!
//! Budgets here exclude emptiness: the replacement of a drifted node is empty when the pod
//! was nobody's, and while there are empty nodes to take Karpenter takes no drifted ones.

use serde_json::{Value, json};

use super::annotations::{NODE_SAYS, protected, tolerating_all};
use super::pdbs::{PDB_SAYS, none_of, selecting};
use super::place::DO_NOT_DISRUPT;
use super::scenario::{ALL, Answer, DRIFTED, Fate, GRACEFUL, NOTHING, Scenario, WORK};
use crate::bed::{JobSpec, PodSpec, annotation};

/// May go as drifted and as underutilized: the usual drifted node with pods.
pub const BOTH: [bool; 3] = [false, true, true];

/// A busy node that has drifted.
pub fn drifted(name: &'static str, pod: PodSpec) -> Scenario {
    Scenario::busy_with(name, pod).drifted().budgets(not_empty())
}

fn not_empty() -> Value {
    json!([{"nodes": "0", "reasons": ["Empty"]}])
}

/// An answer that leaves the node to drift alone.
pub fn open(blockers: &[(&'static str, &'static [&'static str])]) -> Answer {
    Answer { blockers: blockers.to_vec(), ..Answer::open("DriftCandidate", DRIFTED) }
}

fn is_taken(scenario: Scenario, may: [bool; 3]) -> Scenario {
    scenario.says("DriftCandidate", may).karpenter(Fate::Taken("Drifted"))
}

/// Scenarios in which the node is taken as drifted, or for what goes before drift.
pub fn taken() -> Vec<Scenario> {
    [of_plain_nodes(), over_protection(), in_spite_of_weak_protection()].into_iter().flatten().collect()
}

fn of_plain_nodes() -> Vec<Scenario> {
    vec![
        is_taken(drifted("drift", PodSpec::new()), BOTH),
        is_taken(
            drifted("drift-never", PodSpec::new()).with_pool(|pool| pool.consolidate_after("Never")).not_quiet(),
            DRIFTED,
        )
        .because("ConsolidationDisabled", GRACEFUL),
        is_taken(drifted("drift-when-empty", PodSpec::new()).with_pool(|pool| pool.policy("WhenEmpty")), DRIFTED)
            .because("Policy", &["Underutilized"]),
        is_taken(
            drifted("drift-after-an-hour", PodSpec::new()).with_pool(|pool| pool.consolidate_after("1h")).not_quiet(),
            DRIFTED,
        )
        .because("ConsolidateAfter", GRACEFUL)
        .until_known("ConsolidateAfter"),
        is_taken(
            drifted("drift-other-budgets", PodSpec::new())
                .budgets(json!([{"nodes": "0", "reasons": ["Empty", "Underutilized"]}])),
            DRIFTED,
        )
        // A budget is named for what the node's state is: drifted, and not empty.
        .because("Budget", &["Underutilized"]),
        is_taken(
            Scenario::empty("drift-empty-never")
                .drifted()
                .budgets(not_empty())
                .with_pool(|pool| pool.consolidate_after("Never"))
                .not_quiet(),
            DRIFTED,
        )
        .because("ConsolidationDisabled", GRACEFUL)
        .because("Budget", &["Empty"]),
        is_taken(
            drifted("drift-not-ready", PodSpec::new()).while_stopped(|place| place.make_not_ready(&place.node)),
            BOTH,
        ),
        // Empty goes first.
        Scenario::empty("drift-empty")
            .drifted()
            .says("EmptyCandidate", [true, true, false])
            .karpenter(Fate::Taken("Empty")),
        // Of two that may go only one does at a time.
        is_taken(
            Scenario::busy_nodes("drift-one-at-a-time", &["work-0", "work-1"])
                .drifted()
                .budgets(json!([{"nodes": "1"}, {"nodes": "0", "reasons": ["Empty", "Underutilized"]}])),
            DRIFTED,
        )
        .because("Budget", &["Underutilized"]),
    ]
}

/// With a terminationGracePeriod drift passes over pods, and only drift does.
fn over_protection() -> Vec<Scenario> {
    vec![
        is_taken(drifted("drift-pod-true-grace", protected("true")).with_grace(), DRIFTED)
            .because("PodAnnotation", GRACEFUL)
            .warns_of("DriftOverridesProtection")
            .protection(WORK, "Permanent", Some(false)),
        is_taken(drifted("drift-pod-hour-grace", protected("1h")).with_grace(), DRIFTED)
            .because("PodAnnotation", GRACEFUL)
            .warns_of("DriftOverridesProtection"),
        is_taken(drifted("drift-pdb-grace", PodSpec::new()).with_grace().pdb("pdb", &none_of(WORK), 0), DRIFTED)
            .because("Pdb", GRACEFUL)
            .warns_of("DriftOverridesProtection"),
        is_taken(
            drifted("drift-two-pdbs-grace", PodSpec::new())
                .with_grace()
                .prepare(|place| place.refresh_pdbs(&["one", "two"]))
                .pdb("one", &json!({"minAvailable": 0, "selector": selecting(WORK)}), 1)
                .pdb("two", &json!({"minAvailable": 0, "selector": selecting(WORK)}), 1),
            DRIFTED,
        )
        .because("MultiplePdbs", GRACEFUL)
        .warns_of("DriftOverridesProtection"),
    ]
}

/// Protection that looks like one, and is none.
fn in_spite_of_weak_protection() -> Vec<Scenario> {
    let allows_none = |name| json!({"maxUnavailable": 0, "selector": selecting(name)});
    let unready = json!({
        "maxUnavailable": 0, "selector": selecting(WORK), "unhealthyPodEvictionPolicy": "AlwaysAllow"});
    vec![
        is_taken(invalid("drift-pod-day", "1d"), BOTH),
        is_taken(invalid("drift-pod-capital-true", "True"), BOTH),
        is_taken(invalid("drift-pod-number", "1"), BOTH),
        is_taken(invalid("drift-pod-false", "false"), BOTH),
        is_taken(invalid("drift-pod-nothing", ""), BOTH),
        is_taken(drifted("drift-pod-elapsed", protected("1s")), BOTH).protection(WORK, "Elapsed", Some(false)),
        // Only pods are read: the owner's own annotation helps nobody.
        is_taken(of_annotated_job("drift-job-true"), BOTH).finds("AnnotationIgnored"),
        is_taken(of_annotated_deployment("drift-deployment-true"), BOTH).finds("AnnotationIgnored"),
        // A pod that is not ready may go where its budget says so.
        is_taken(
            drifted("drift-pdb-unready", PodSpec::new().annotation(annotation::NOT_READY, "")).pdb("pdb", &unready, 0),
            BOTH,
        ),
        // A pod that tolerates Karpenter's taint is not evicted, and so not asked about.
        is_taken(
            drifted("drift-pdb-tolerated", tolerating_all(PodSpec::new())).pdb("pdb", &allows_none(WORK), 0),
            BOTH,
        ),
        is_taken(drifted("drift-pdb-of-others", PodSpec::new()).pdb("pdb", &allows_none("other"), 0), BOTH),
        // No selector selects nothing, an empty one everything.
        is_taken(
            drifted("drift-pdb-without-selector", PodSpec::new()).pdb("pdb", &json!({"maxUnavailable": 0}), 0),
            BOTH,
        ),
        is_taken(
            drifted("drift-pdb-allows-one", PodSpec::new()).pdb(
                "pdb",
                &json!({"minAvailable": 0, "selector": selecting(WORK)}),
                1,
            ),
            BOTH,
        ),
    ]
}

fn invalid(name: &'static str, value: &str) -> Scenario {
    drifted(name, protected(value)).protection(WORK, "Invalid", Some(false)).finds("ProtectionInvalid")
}

/// A Job with the annotation on itself. Its pod is none of the scenario's; the node is
/// found through another, which shares it.
fn of_annotated_job(name: &'static str) -> Scenario {
    let pod = PodSpec::new().cpu("100m").on_pool(name).label("app", "of-job");
    let mut job = JobSpec::new(name, "train", pod).build();
    job["metadata"]["annotations"] = json!({DO_NOT_DISRUPT: "true"});
    let scenario = drifted(name, PodSpec::new()).object(&format!("/apis/batch/v1/namespaces/{name}/jobs"), job);
    scenario.prepare(|place| place.await_job("train"))
}

/// The same with a Deployment, whose pod comes back.
fn of_annotated_deployment(name: &'static str) -> Scenario {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "serve", "annotations": {DO_NOT_DISRUPT: "true"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "serve"}}, "template": {
            "metadata": {"labels": {"app": "serve"}},
            "spec": {"nodeSelector": {"karpenter.sh/nodepool": name}, "containers": [
                {"name": "main", "image": "registry.example/serve:1"}]}}}});
    let scenario =
        drifted(name, PodSpec::new()).object(&format!("/apis/apps/v1/namespaces/{name}/deployments"), deployment);
    scenario.prepare(|place| place.await_deployment("serve"))
}

/// Drifted nodes that stay.
pub fn held() -> Vec<Scenario> {
    let nothing = |scenario: Scenario, verdict| scenario.says(verdict, NOTHING);
    vec![
        nothing(drifted("drift-pod-true", protected("true")), "ProtectedByPod")
            .because("PodAnnotation", ALL)
            .karpenter(super::annotations::POD_SAYS),
        nothing(drifted("drift-pdb", PodSpec::new()).pdb("pdb", &none_of(WORK), 0), "BlockedByPdb")
            .because("Pdb", ALL)
            .karpenter(PDB_SAYS),
        nothing(drifted("drift-node-true-grace", PodSpec::new()).with_grace(), "ProtectedByNode")
            .prepare(|place| place.protect_node(Some("true")))
            .because("NodeAnnotation", ALL)
            .karpenter(NODE_SAYS),
        nothing(drifted("drift-budget", PodSpec::new()), "BlockedByBudget")
            .budgets(json!([{"nodes": "0", "reasons": ["Drifted", "Empty"]}]))
            .with_pool(|pool| pool.consolidate_after("Never"))
            .not_quiet()
            .because("Budget", &["Drifted"])
            .because("ConsolidationDisabled", GRACEFUL)
            .karpenter(Fate::ToldOfPool("Drifted")),
        // A static pool drifts like any other, and asks its pods like any other.
        Scenario::of_static_pool("drift-static-pod-true")
            .drifted()
            .prepare(|place| place.put_pod(WORK, &protected("true")))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .because("Static", GRACEFUL)
            .karpenter(super::annotations::POD_SAYS),
        // Every gate is open, but there is no other node of this name.
        Scenario::empty("drift-nowhere-to-go")
            .prepare(|place| place.pin_pod(WORK))
            .drifted()
            .budgets(not_empty())
            .says("DriftCandidate", BOTH)
            .karpenter(Fate::Simulated("Not all pods would schedule")),
    ]
}
