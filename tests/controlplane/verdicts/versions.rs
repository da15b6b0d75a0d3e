//! Karpenter of other versions: what differs from version to version, and a core that does not.
//!
//! batchtop learns the version from the image of a Deployment, as it does in a cluster.

use serde_json::json;

use super::annotations::protected;
use super::drift::{BOTH, drifted};
use super::pdbs::{none_of, selecting};
use super::scenario::{ALL, DRIFTED, EMPTY, Fate, GRACEFUL, NOTHING, Scenario, WORK};
use crate::bed::{Karpenter, PodSpec};

/// All of them, as this version decides them.
pub fn scenarios(karpenter: Karpenter) -> Vec<Scenario> {
    [core(), differing(karpenter)].into_iter().flatten().collect()
}

/// The same in every version.
fn core() -> Vec<Scenario> {
    [left_alone(), taken()].into_iter().flatten().collect()
}

fn left_alone() -> Vec<Scenario> {
    let scenarios = vec![
        Scenario::busy_with("pod-true", protected("true"))
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL),
        Scenario::busy("node-true")
            .prepare(|place| place.protect_node(Some("true")))
            .says("ProtectedByNode", NOTHING)
            .because("NodeAnnotation", ALL),
        Scenario::busy("pdb").pdb("pdb", &none_of(WORK), 0).says("BlockedByPdb", NOTHING).because("Pdb", ALL),
        Scenario::busy("budget-zero")
            .budgets(json!([{"nodes": "0"}]))
            .says("BlockedByBudget", NOTHING)
            .because("Budget", &["Underutilized"]),
        Scenario::busy("never")
            .with_pool(|pool| pool.consolidate_after("Never"))
            .not_quiet()
            .says("ConsolidationDisabled", NOTHING)
            .because("ConsolidationDisabled", GRACEFUL),
        Scenario::busy("when-empty-but-busy")
            .with_pool(|pool| pool.policy("WhenEmpty"))
            .says("BlockedByPolicy", NOTHING)
            .because("Policy", &["Underutilized"]),
        Scenario::busy("after-an-hour")
            .with_pool(|pool| pool.consolidate_after("1h"))
            .not_quiet()
            .says("ConsolidateAfterPending", NOTHING)
            .because("ConsolidateAfter", GRACEFUL)
            .until_known("ConsolidateAfter"),
        Scenario::busy("no-pool-label")
            .while_stopped(|place| place.unlabel_node("karpenter.sh/nodepool"))
            .says("NodePoolMissing", NOTHING)
            .because("NodePoolMissing", ALL),
    ];
    scenarios.into_iter().map(|scenario| scenario.karpenter(Fate::Stays)).collect()
}

fn taken() -> Vec<Scenario> {
    vec![
        Scenario::empty("empty").says("EmptyCandidate", EMPTY).karpenter(Fate::Taken("Empty")),
        drifted("drift", PodSpec::new()).says("DriftCandidate", BOTH).karpenter(Fate::Taken("Drifted")),
        drifted("drift-pod-true-grace", protected("true"))
            .with_grace()
            .says("DriftCandidate", DRIFTED)
            .because("PodAnnotation", GRACEFUL)
            .warns_of("DriftOverridesProtection")
            .protection(WORK, "Permanent", Some(false))
            .karpenter(Fate::Taken("Drifted")),
    ]
}

/// Drift shows what stops a node: it asks no simulation whether it saves anything.
fn differing(karpenter: Karpenter) -> Vec<Scenario> {
    vec![duration(karpenter), several_budgets(karpenter), worthless(karpenter), empty_and_drifted(karpenter)]
}

/// Since 1.12 a pod may be protected for a duration.
fn duration(karpenter: Karpenter) -> Scenario {
    let scenario = drifted("pod-for-an-hour", protected("1h"));
    if karpenter >= Karpenter::V1_12 {
        scenario
            .says("ProtectedByPod", NOTHING)
            .because("PodAnnotation", ALL)
            .until_known("PodAnnotation")
            .protection(WORK, "Until", Some(true))
            .karpenter(Fate::Stays)
    } else {
        scenario.says("DriftCandidate", BOTH).protection(WORK, "Invalid", Some(false)).karpenter(Fate::Taken("Drifted"))
    }
}

/// Since 1.7 a pod under two PodDisruptionBudgets holds its node whatever they allow.
fn several_budgets(karpenter: Karpenter) -> Scenario {
    let spares_none = || json!({"minAvailable": 0, "selector": selecting(WORK)});
    let scenario = drifted("pdb-twice", PodSpec::new())
        .pdb("one", &spares_none(), 1)
        .pdb("two", &spares_none(), 1)
        .prepare(|place| place.refresh_pdbs(&["one", "two"]));
    if karpenter >= Karpenter::V1_8 {
        scenario.says("BlockedByPdb", NOTHING).because("MultiplePdbs", ALL).karpenter(Fate::Stays)
    } else {
        scenario.says("DriftCandidate", BOTH).karpenter(Fate::Taken("Drifted"))
    }
}

/// Since 1.14 a node is empty whose pods cost nothing to evict.
fn worthless(karpenter: Karpenter) -> Scenario {
    let pod = PodSpec::new().annotation("controller.kubernetes.io/pod-deletion-cost", "-2147483647");
    let scenario = Scenario::busy_with("worthless", pod).drifted();
    if karpenter >= Karpenter::V1_14 {
        scenario.says("EmptyCandidate", [true, true, false]).karpenter(Fate::Taken("Empty"))
    } else {
        scenario.says("DriftCandidate", BOTH).karpenter(Fate::Taken("Drifted"))
    }
}

/// Since 1.5 empty nodes come before drifted ones.
fn empty_and_drifted(karpenter: Karpenter) -> Scenario {
    let scenario = Scenario::empty("empty-and-drifted").drifted();
    if karpenter >= Karpenter::V1_8 {
        scenario.says("EmptyCandidate", [true, true, false]).karpenter(Fate::Taken("Empty"))
    } else {
        scenario.says("DriftCandidate", [true, true, false]).karpenter(Fate::Taken("Drifted"))
    }
}
