//! Disruption budgets of NodePools: by number, share, reason, window, and what consumes them.

use serde_json::{Value, json};

use super::scenario::{EMPTY, Fate, NOTHING, Scenario};

/// Budgets that allow nothing now, or nothing more.
pub fn held() -> Vec<Scenario> {
    vec![
        of_busy("budget-zero", json!([{"nodes": "0"}])).finds("NothingAllowed"),
        of_busy("budget-zero-percent", json!([{"nodes": "0%"}])),
        of_busy("budget-for-the-reason", json!([{"nodes": "0", "reasons": ["Underutilized"]}, {"nodes": "100%"}])),
        // The tightest of all that apply counts.
        of_empty("budget-tightest", json!([{"nodes": "100%"}, {"nodes": "5"}, {"nodes": "0", "reasons": ["Empty"]}])),
        // Windows in UTC: a day long and begun at midnight, it is always open.
        of_empty("budget-window-open", json!([{"nodes": "0", "schedule": "@daily", "duration": "24h"}])),
        // A minute 61 passes the API server's pattern and no parser; Karpenter then allows nothing.
        of_busy("budget-broken-schedule", json!([{"nodes": "50%", "schedule": "61 * * * *", "duration": "1h"}]))
            .finds("BudgetUnreadable"),
        // Nodes that are not ready use the budget up, in silence.
        consumed(Scenario::busy_nodes("budget-used-by-not-ready", &["work-0", "work-1"]))
            .while_stopped(|place| place.make_not_ready(&place.node_of("work-1")?)),
        // So does a node that cannot finish its end.
        consumed(Scenario::busy_nodes("budget-used-by-deleting", &["work-0", "work-1"])).prepare(|place| {
            let stuck = place.node_of("work-1")?;
            place.bed.annotate(&place.pod("work-1"), super::place::DO_NOT_DISRUPT, Some("true"))?;
            place.delete_claim_of(&stuck)
        }),
    ]
}

/// Budgets that leave an empty node to Karpenter.
pub fn open() -> Vec<Scenario> {
    let taken = |name, budgets| {
        Scenario::empty(name).budgets(budgets).says("EmptyCandidate", EMPTY).karpenter(Fate::Taken("Empty"))
    };
    vec![
        // Rounded up, 10 % of one node is one.
        taken("budget-ten-percent", json!([{"nodes": "10%"}])),
        taken("budget-none", json!([])),
        taken("budget-of-other-reasons", json!([{"nodes": "0", "reasons": ["Drifted", "Underutilized"]}])),
        // A list of no reasons names none, an absent one all.
        taken("budget-of-no-reason", json!([{"nodes": "0", "reasons": []}])),
        // Open on the 29th of February for an hour.
        taken("budget-window-closed", json!([{"nodes": "0", "schedule": "0 0 29 2 *", "duration": "1h"}])),
    ]
}

fn of_busy(name: &'static str, budgets: Value) -> Scenario {
    let scenario = Scenario::busy(name).budgets(budgets).says("BlockedByBudget", NOTHING);
    scenario.because("Budget", &["Underutilized"]).karpenter(Fate::ToldOfPool("Underutilized"))
}

fn of_empty(name: &'static str, budgets: Value) -> Scenario {
    let scenario = Scenario::empty(name).budgets(budgets).says("BlockedByBudget", NOTHING);
    scenario.because("Budget", &["Empty"]).karpenter(Fate::ToldOfPool("Empty"))
}

/// One at a time, and one is on its way.
fn consumed(scenario: Scenario) -> Scenario {
    let scenario = scenario.budgets(json!([{"nodes": "1"}])).says("BlockedByBudget", NOTHING);
    scenario.because("Budget", &["Underutilized"]).karpenter(Fate::Silence)
}
