//! What the NodePool itself excludes, and what its nodes lack.

use serde_json::json;

use super::scenario::{ALL, Fate, GRACEFUL, NOTHING, Scenario};

/// Scenarios in which that is why the node stays.
pub fn held() -> Vec<Scenario> {
    vec![
        never_quiet(Scenario::busy("never")),
        never_quiet(Scenario::empty("never-empty")),
        Scenario::busy("when-empty-but-busy")
            .with_pool(|pool| pool.policy("WhenEmpty"))
            .says("BlockedByPolicy", NOTHING)
            .because("Policy", &["Underutilized"])
            .karpenter(Fate::Told(r#"NodePool "$" has consolidation policy WhenEmpty, but node is not empty"#)),
        quiet_after_an_hour(Scenario::busy("after-an-hour")),
        quiet_after_an_hour(Scenario::empty("empty-after-an-hour")),
        Scenario::of_static_pool("static").says("Static", NOTHING).because("Static", GRACEFUL).karpenter(Fate::Silence),
        without_label("no-zone", "topology.kubernetes.io/zone")
            .karpenter(Fate::Told(r#"Node does not have label "topology.kubernetes.io/zone""#)),
        without_label("no-capacity-type", "karpenter.sh/capacity-type")
            .karpenter(Fate::Told(r#"Node does not have label "karpenter.sh/capacity-type""#)),
        Scenario::busy("no-pool-label")
            .while_stopped(|place| place.unlabel_node("karpenter.sh/nodepool"))
            .says("NodePoolMissing", NOTHING)
            .because("NodePoolMissing", ALL)
            .karpenter(Fate::Told("Node doesn't have required label (label=karpenter.sh/nodepool)")),
        Scenario::of_nobody("of-nobody")
            .object("/api/v1/nodes", json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "of-nobody"}}))
            .says("NotManaged", NOTHING)
            .because("NotManaged", ALL)
            .karpenter(Fate::Silence),
        // Deleted without its nodes; with them, the pool takes them along.
        Scenario::busy("no-pool")
            .while_stopped(|place| place.delete_pool("Orphan"))
            .says("NodePoolMissing", NOTHING)
            .because("NodePoolMissing", ALL)
            .finds("NodePoolMissing")
            .karpenter(Fate::Told("NodePool not found (NodePool=$)")),
    ]
}

/// Empty or not, nothing but drift and expiry touches such a node.
fn never_quiet(scenario: Scenario) -> Scenario {
    scenario
        .with_pool(|pool| pool.consolidate_after("Never"))
        .not_quiet()
        .says("ConsolidationDisabled", NOTHING)
        .because("ConsolidationDisabled", GRACEFUL)
        .karpenter(Fate::Told(r#"NodePool "$" has consolidation disabled"#))
}

/// Empty or not, Karpenter waits in silence.
fn quiet_after_an_hour(scenario: Scenario) -> Scenario {
    scenario
        .with_pool(|pool| pool.consolidate_after("1h"))
        .not_quiet()
        .says("ConsolidateAfterPending", NOTHING)
        .because("ConsolidateAfter", GRACEFUL)
        .until_known("ConsolidateAfter")
        .karpenter(Fate::Silence)
}

fn without_label(name: &'static str, label: &'static str) -> Scenario {
    let scenario = Scenario::busy(name).while_stopped(move |place| place.unlabel_node(label));
    scenario.says("MissingLabels", NOTHING).because("MissingLabels", &["Underutilized"])
}
