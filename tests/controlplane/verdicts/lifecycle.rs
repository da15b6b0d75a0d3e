//! Nodes that begin, that end, and a disruption loop that stands still.

use jiff::SignedDuration;
use serde_json::json;

use super::annotations::protected;
use super::pdbs::none_of;
use super::place::{PATIENCE, Place};
use super::scenario::{ALL, Answer, EMPTY, Fate, GRACEFUL, NOTHING, Scenario, WORK};
use super::{consolidation, drift};
use crate::bed::{PodSpec, Result};

/// Nodes that are not yet, or no more, to be had.
pub fn held() -> Vec<Scenario> {
    let taint = json!([{"key": "test.batchtop.io/starting", "effect": "NoSchedule"}]);
    let tolerating = PodSpec::new().field("tolerations", json!([{"operator": "Exists"}]));
    vec![
        // A startup taint that nobody takes away. The pod tolerates it, or it would pend.
        Scenario::busy_with("not-initialized", tolerating)
            .with_pool(|pool| pool.template("startupTaints", taint))
            .never_initialized()
            .says("NotInitialized", NOTHING)
            .because("NotInitialized", ALL)
            .and_others()
            .karpenter(Fate::Told("Node isn't initialized")),
        // Deleted by hand, and a protected pod lets it wait for ever.
        terminating("deleted-claim").prepare(|place| place.bed.api().delete(&place.claim())),
        // A NodePool takes its NodeClaims along.
        terminating("deleted-pool").prepare(|place| {
            place.delete_pool("Background")?;
            place.await_deletion()
        }),
    ]
}

fn terminating(name: &'static str) -> Scenario {
    Scenario::busy_with(name, protected("true"))
        .not_quiet()
        .says("Terminating", NOTHING)
        .because("Deleting", ALL)
        .and_others()
        .karpenter(Fate::Told("Node is deleting or marked for deletion"))
}

/// One NodeClaim that cannot launch stops every voluntary disruption of the cluster;
/// expiry goes on. What was held for no other reason is taken once it is gone.
pub fn paused() -> Vec<Scenario> {
    vec![
        // The first one carries the NodeClaim in question.
        paused_empty("paused-empty")
            .prepare(add_unlaunchable)
            .while_stopped(|place| place.await_age(UNLAUNCHABLE, SETTLED))
            .then_after(|place| place.bed.api().delete(UNLAUNCHABLE), None, Fate::Taken("Empty")),
        paused_empty("paused-empty-too").then_after(
            |_| Ok(()),
            Some(Answer::open("EmptyCandidate", EMPTY)),
            Fate::Taken("Empty"),
        ),
        drift::drifted("paused-drifted", PodSpec::new())
            .says("LoopPaused", NOTHING)
            .because("LoopPaused", ALL)
            .karpenter(Fate::Silence)
            .then_after(|_| Ok(()), Some(Answer::open("DriftCandidate", drift::BOTH)), Fate::Taken("Drifted")),
        Scenario::busy_with("paused-protected", protected("true"))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .because("LoopPaused", ALL)
            .karpenter(Fate::Silence),
        // Expiry asks nobody: neither the loop, nor budgets, nor annotations.
        expiring("expires", PodSpec::new())
            .budgets(json!([{"nodes": "0"}]))
            .because("Budget", &["Underutilized"])
            .says("BlockedByBudget", NOTHING),
        expiring("expires-protected", protected("true"))
            .because("PodAnnotation", ALL)
            .says("ProtectedByPod", NOTHING)
            .protection(WORK, "Permanent", Some(true)),
        // With a grace period the protection ends when that does, less the pod's own.
        expiring("expires-with-grace", protected("true").field("terminationGracePeriodSeconds", json!(50)))
            .with_pool(|pool| pool.termination_grace_period("1m"))
            .because("PodAnnotation", GRACEFUL)
            .says("ProtectedByPod", NOTHING)
            .protection(WORK, "Permanent", Some(false))
            .finds("ProtectionWillNotHold"),
        expiring("expires-with-much-grace", protected("true"))
            .with_grace()
            .because("PodAnnotation", GRACEFUL)
            .says("ProtectedByPod", NOTHING)
            .protection(WORK, "Permanent", Some(false))
            .finds("ProtectionWillNotHold"),
        expiring("expires-node-true", PodSpec::new())
            .prepare(|place| place.protect_node(Some("true")))
            .because("NodeAnnotation", ALL)
            .says("ProtectedByNode", NOTHING),
        expiring("expires-with-pdb", PodSpec::new())
            .pdb("pdb", &none_of(WORK), 0)
            .because("Pdb", ALL)
            .says("BlockedByPdb", NOTHING),
    ]
}

fn paused_empty(name: &'static str) -> Scenario {
    Scenario::empty(name).says("LoopPaused", NOTHING).because("LoopPaused", ALL).karpenter(Fate::Silence)
}

/// Ends by itself while the loop is paused. The age leaves time to prepare on a slow machine.
fn expiring(name: &'static str, pod: PodSpec) -> Scenario {
    let scenario = Scenario::busy_with(name, pod).with_pool(|pool| pool.expire_after("170s"));
    scenario.because("LoopPaused", ALL).warns_of("Expiration").karpenter(Fate::Ended)
}

/// The pause is asked for once, when a pass begins: what the pass finds half a minute later is still taken. The empty node, which
/// it looks at first and watches for 15 seconds, gets a pod meanwhile; then consolidation's turn comes.
pub fn pausing() -> Vec<Scenario> {
    vec![
        Scenario::empty("pausing")
            .while_stopped(|place| place.bed.api().delete("/api/v1/namespaces/default/events"))
            .after_start(|place| {
                await_pass(place)?;
                add_unlaunchable(place)?;
                place.put_pod(WORK, &PodSpec::new().cpu("100m"))
            })
            .says("EmptyCandidate", EMPTY)
            .karpenter(Fate::Stays),
        consolidation::of_busy_nodes(consolidation::fits_elsewhere("taken-while-pausing"))
            .karpenter(Fate::Taken("Underutilized")),
    ]
}

/// Waits until Karpenter has looked at the nodes, of one of which it says at once that it is protected.
fn await_pass(place: &Place<'_>) -> Result<()> {
    place.bed.wait_for("a pass of the disruption loop", PATIENCE, || {
        let events = place.bed.api().list("/api/v1/events?fieldSelector=source%3Dkarpenter")?;
        Ok(events.iter().any(|event| event["reason"] == "DisruptionBlocked").then_some(()))
    })
}

/// While no NodePool is Ready nothing can be simulated: no drift and no consolidation, without a word. Empty nodes go.
pub fn without_ready_pool() -> Vec<Scenario> {
    let simulated: &[&str] = &["Drifted", "Underutilized"];
    vec![
        // The first one carries the NodeClass.
        drift::drifted("unready-drifted", PodSpec::new())
            .prepare(|place| set_class_ready(place, "False"))
            .says("NodePoolMissing", NOTHING)
            .because("NodePoolMissing", simulated)
            .karpenter(Fate::Silence)
            .then_after(
                |place| set_class_ready(place, "True"),
                Some(Answer::open("DriftCandidate", drift::BOTH)),
                Fate::Taken("Drifted"),
            ),
        Scenario::busy("unready-busy")
            .says("NodePoolMissing", NOTHING)
            .because("NodePoolMissing", &["Underutilized"])
            .karpenter(Fate::Silence),
        Scenario::empty("unready-empty").says("EmptyCandidate", EMPTY).karpenter(Fate::Taken("Empty")),
    ]
}

/// Sets the condition Ready of the KWOKNodeClass, and waits until it is that of the NodePool.
fn set_class_ready(place: &Place<'_>, status: &'static str) -> Result<()> {
    let path = "/apis/karpenter.kwok.sh/v1alpha1/kwoknodeclasses/default/status";
    let condition = json!({"type": "Ready", "status": status, "reason": "Test", "message": "",
        "lastTransitionTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
    place.bed.api().patch(path, &json!({"status": {"conditions": [condition]}}))?;
    place.bed.wait_for("readiness of the NodePool", PATIENCE, || {
        let pool = place.bed.api().get(&place.pool())?;
        let conditions = pool["status"]["conditions"].as_array().into_iter().flatten();
        let ready = conditions.filter(|one| one["type"] == "Ready").any(|one| one["status"] == status);
        Ok(ready.then_some(()))
    })
}

/// What a pass decides that began before the pause is still carried out: in a cluster of so few nodes for less than this.
const SETTLED: SignedDuration = SignedDuration::from_secs(80);

const UNLAUNCHABLE: &str = "/apis/karpenter.sh/v1/nodeclaims/unlaunchable";

/// A NodeClaim of an instance type that nobody sells: it never gets a providerID.
fn add_unlaunchable(place: &Place<'_>) -> Result<()> {
    let claim = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": "unlaunchable", "labels": {"karpenter.sh/nodepool": "elsewhere"}},
        "spec": {
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
            "requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["none.such"]}],
        },
    });
    place.bed.api().create("/apis/karpenter.sh/v1/nodeclaims", &claim).map(drop)
}
