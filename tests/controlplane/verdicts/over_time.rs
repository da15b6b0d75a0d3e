//! What changes while Karpenter runs: an end that batchtop announced, or something that
//! somebody does. Drift shows it fastest: it waits for no validation.

use serde_json::json;

use super::annotations::{NODE_SAYS, POD_SAYS, protected};
use super::drift;
use super::pdbs::{PDB_SAYS, none_of};
use super::place::closing_window;
use super::scenario::{ALL, Answer, EMPTY, Fate, GRACEFUL, NOTHING, Scenario, WORK};
use crate::bed::PodSpec;

/// Long enough to ask and to start Karpenter on a slow machine.
const SOON_SECONDS: i64 = 45;

/// Scenarios that go on.
pub fn scenarios() -> Vec<Scenario> {
    [elapsing(), of_pods_and_nodes(), of_pools(), endings()].into_iter().flatten().collect()
}

fn only_drift(name: &'static str, pod: PodSpec) -> Scenario {
    Scenario::busy_with(name, pod).with_pool(|pool| pool.consolidate_after("Never")).not_quiet().drifted()
}

const NEVER: (&str, &[&str]) = ("ConsolidationDisabled", GRACEFUL);

/// batchtop announces when, and Karpenter waits until then.
fn elapsing() -> Vec<Scenario> {
    vec![
        only_drift("duration-elapses", PodSpec::new())
            .while_stopped(|place| place.protect_pod_for(SOON_SECONDS))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .because(NEVER.0, NEVER.1)
            .until_known("PodAnnotation")
            .karpenter(POD_SAYS)
            .then_elapses(Fate::Taken("Drifted")),
        Scenario::empty("window-closes")
            .while_stopped(|place| place.set_budgets(&closing_window()))
            .says("BlockedByBudget", NOTHING)
            .because("Budget", &["Empty"])
            .until_known("Budget")
            .karpenter(Fate::ToldOfPool("Empty"))
            .then_elapses(Fate::Taken("Empty")),
        Scenario::empty("quiet-elapses")
            .with_pool(|pool| pool.consolidate_after("1h"))
            .not_quiet()
            .while_stopped(|place| place.quiet_in(SOON_SECONDS))
            .says("ConsolidateAfterPending", NOTHING)
            .because("ConsolidateAfter", GRACEFUL)
            .until_known("ConsolidateAfter")
            .karpenter(Fate::Silence)
            .then_elapses(Fate::Taken("Empty")),
    ]
}

/// Nothing but the pool's own word stands against the rest.
fn drifts_now() -> Answer {
    drift::open(&[NEVER])
}

fn of_pods_and_nodes() -> Vec<Scenario> {
    vec![
        only_drift("annotation-removed", protected("true"))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .because(NEVER.0, NEVER.1)
            .karpenter(POD_SAYS)
            .then_after(|place| place.protect_pod(None), Some(drifts_now()), Fate::Taken("Drifted")),
        only_drift("annotation-set", PodSpec::new())
            .budgets(json!([{"nodes": "0"}]))
            .says("BlockedByBudget", NOTHING)
            .because("Budget", &["Drifted"])
            .because("Budget", &["Underutilized"])
            .because(NEVER.0, NEVER.1)
            .karpenter(Fate::ToldOfPool("Drifted"))
            .then_after(
                |place| {
                    place.protect_pod(Some("true"))?;
                    place.set_budgets(&json!([{"nodes": "100%"}]))
                },
                Some(Answer {
                    blockers: vec![("PodAnnotation", ALL), NEVER],
                    ..Answer::open("ProtectedByPod", NOTHING)
                }),
                POD_SAYS,
            ),
        only_drift("node-annotation-removed", PodSpec::new())
            .prepare(|place| place.protect_node(Some("true")))
            .says("ProtectedByNode", NOTHING)
            .because("NodeAnnotation", ALL)
            .because(NEVER.0, NEVER.1)
            .karpenter(NODE_SAYS)
            .then_after(|place| place.protect_node(None), Some(drifts_now()), Fate::Taken("Drifted")),
        only_drift("pdb-removed", PodSpec::new())
            .pdb("pdb", &none_of(WORK), 0)
            .says("BlockedByPdb", NOTHING)
            .because("Pdb", ALL)
            .because(NEVER.0, NEVER.1)
            .karpenter(PDB_SAYS)
            .then_after(|place| place.remove_pdb("pdb"), Some(drifts_now()), Fate::Taken("Drifted")),
        Scenario::busy_with("pod-completes", protected("true"))
            .with_pool(|pool| pool.policy("WhenEmpty"))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .because("Policy", &["Underutilized"])
            .karpenter(POD_SAYS)
            .then_after(
                |place| place.complete_pod(WORK),
                Some(Answer::open("EmptyCandidate", EMPTY)),
                Fate::Taken("Empty"),
            ),
    ]
}

fn of_pools() -> Vec<Scenario> {
    let taint = json!([{"key": "test.batchtop.io/starting", "effect": "NoSchedule"}]);
    let tolerating = PodSpec::new().field("tolerations", json!([{"operator": "Exists"}]));
    vec![
        only_drift("budget-opened", PodSpec::new())
            .budgets(json!([{"nodes": "0", "reasons": ["Drifted"]}]))
            .says("BlockedByBudget", NOTHING)
            .because("Budget", &["Drifted"])
            .because(NEVER.0, NEVER.1)
            .karpenter(Fate::ToldOfPool("Drifted"))
            .then_after(
                |place| place.set_budgets(&json!([{"nodes": "1"}])),
                Some(drifts_now()),
                Fate::Taken("Drifted"),
            ),
        // The condition follows the pool a moment later, so there is no one answer right after.
        Scenario::empty("never-no-more")
            .with_pool(|pool| pool.consolidate_after("Never"))
            .not_quiet()
            .says("ConsolidationDisabled", NOTHING)
            .because(NEVER.0, NEVER.1)
            .karpenter(Fate::Told(r#"NodePool "$" has consolidation disabled"#))
            .then_after(
                |place| place.patch_pool(&json!({"spec": {"disruption": {"consolidateAfter": "0s"}}})),
                None,
                Fate::Taken("Empty"),
            ),
        Scenario::empty_after("initialized-late", tolerating)
            .with_pool(|pool| pool.template("startupTaints", taint))
            .never_initialized()
            .says("NotInitialized", NOTHING)
            .because("NotInitialized", ALL)
            .and_others()
            .karpenter(Fate::Told("Node isn't initialized"))
            .then_after(|place| place.patch_node(&json!({"spec": {"taints": null}})), None, Fate::Taken("Empty")),
    ]
}

/// Ends that are no voluntary disruption.
fn endings() -> Vec<Scenario> {
    let protected_node = |name| {
        Scenario::busy_with(name, protected("true"))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .karpenter(POD_SAYS)
    };
    let ending =
        || Some(Answer { blockers: vec![("Deleting", ALL)], others: true, ..Answer::open("Terminating", NOTHING) });
    vec![
        protected_node("pool-deleted").then_after(
            |place| {
                place.delete_pool("Background")?;
                place.await_deletion()
            },
            ending(),
            Fate::Ended,
        ),
        protected_node("claim-deleted").then_after(
            |place| place.bed.api().delete(&place.claim()),
            ending(),
            Fate::Ended,
        ),
    ]
}
