//! Nodes and pods that ask to be left alone.
//!
//! Karpenter reads the annotation on active pods, of whatever owner, and on the Node, there
//! only as `true`. Pods may give a duration, which counts from their start.

use serde_json::json;

use super::place::{DO_NOT_DISRUPT, Place};
use super::scenario::{ALL, Fate, NOTHING, Scenario, WORK};
use crate::bed::{PodSpec, Result, annotation};

/// Karpenter's words about a pod named [`WORK`].
pub const POD_SAYS: Fate = Fate::Told(r#"Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=$/work)"#);
/// Karpenter's words about a Node.
pub const NODE_SAYS: Fate = Fate::Told(r#"Disruption is blocked through the "karpenter.sh/do-not-disrupt" annotation"#);

/// A pod with the annotation.
pub fn protected(value: &str) -> PodSpec {
    PodSpec::new().annotation(DO_NOT_DISRUPT, value)
}

fn held_by_pod(scenario: Scenario) -> Scenario {
    scenario.says("ProtectedByPod", NOTHING).because("PodAnnotation", ALL).karpenter(POD_SAYS)
}

/// Scenarios in which that is why the node stays.
pub fn held() -> Vec<Scenario> {
    vec![
        held_by_pod(Scenario::busy_with("pod-true", protected("true"))).protection(WORK, "Permanent", Some(true)),
        held_by_pod(Scenario::busy_with("pod-for-an-hour", protected("1h"))).until_known("PodAnnotation").protection(
            WORK,
            "Until",
            Some(true),
        ),
        // The clock starts when the pod does, and this one never will.
        held_by_pod(Scenario::busy_with("pod-that-does-not-start", not_starting(&protected("5s")))).protection(
            WORK,
            "Until",
            Some(true),
        ),
        // A toleration of Karpenter's taint exempts a pod from PodDisruptionBudgets, not from its own word.
        held_by_pod(Scenario::busy_with("pod-tolerates-all", tolerating_all(protected("true")))),
        // A DaemonSet's pod does not make a node busy, but its annotation counts.
        held_by_pod(with_daemon(Scenario::empty("daemon-true"), &protected("true")))
            .karpenter(Fate::Told(r#"Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=$/daemon)"#)),
        held_by_pod(Scenario::empty("mirror-true").prepare(|place| mirror_pod(place, &protected("true")))),
        // A Node that is protected is protected from drift too, grace period or not.
        Scenario::busy("node-true")
            .prepare(|place| place.protect_node(Some("true")))
            .says("ProtectedByNode", NOTHING)
            .because("NodeAnnotation", ALL)
            .karpenter(NODE_SAYS),
        Scenario::empty("empty-node-true")
            .prepare(|place| place.protect_node(Some("true")))
            .says("ProtectedByNode", NOTHING)
            .because("NodeAnnotation", ALL)
            .karpenter(NODE_SAYS),
    ]
}

/// A pod whose sandbox is never made: bound, without a start time.
fn not_starting(pod: &PodSpec) -> PodSpec {
    pod.clone().annotation(annotation::SANDBOX, "24h").annotation(annotation::PULL, "1s")
}

/// A pod that tolerates every taint.
pub fn tolerating_all(pod: PodSpec) -> PodSpec {
    pod.field("tolerations", json!([{"operator": "Exists"}]))
}

/// A pod of a DaemonSet on each node of the pool.
///
/// The pod is made by hand, owned by a DaemonSet that selects no node, so that its name is known.
pub fn with_daemon(scenario: Scenario, pod: &PodSpec) -> Scenario {
    let pod = pod.clone().cpu("100m").memory("64Mi");
    let path = format!("/apis/apps/v1/namespaces/{}/daemonsets", scenario.name);
    let set = json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "daemon"}, "spec": {
        "selector": {"matchLabels": {"app": "none"}},
        "template": {"metadata": {"labels": {"app": "none"}}, "spec": {
            "nodeSelector": {"no": "where"},
            "containers": [{"name": "main", "image": "registry.example/work:1"}]}}}});
    scenario.object(&path, set).prepare(move |place| {
        let set = place.bed.api().get(&format!("/apis/apps/v1/namespaces/{}/daemonsets/daemon", place.name))?;
        let owner =
            json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "daemon", "uid": set["metadata"]["uid"]});
        place.put_pod_of(&owner, "daemon", &pod)
    })
}

/// A static pod's mirror on the subject: kubelet owns it through the Node.
fn mirror_pod(place: &Place<'_>, pod: &PodSpec) -> Result<()> {
    let node = place.bed.api().get(&place.node())?;
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": place.node, "uid": node["metadata"]["uid"]});
    let pod = pod.clone().annotation("kubernetes.io/config.mirror", "1").cpu("100m");
    place.put_pod_of(&owner, WORK, &pod)
}
