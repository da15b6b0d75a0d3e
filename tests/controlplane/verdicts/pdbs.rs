//! PodDisruptionBudgets: each pod that can be evicted is asked about on its own.

use serde_json::{Value, json};

use super::annotations::with_daemon;
use super::scenario::{ALL, Fate, NOTHING, Scenario, WORK};
use crate::bed::PodSpec;

/// Matches the pod of this name.
pub fn selecting(pod: &str) -> Value {
    json!({"matchLabels": {"app": pod}})
}

/// A budget that spares no pod of this name.
pub fn none_of(pod: &str) -> Value {
    json!({"maxUnavailable": 0, "selector": selecting(pod)})
}

/// Karpenter's words about one that allows nothing.
pub const PDB_SAYS: Fate = Fate::Told("Pdb prevents pod evictions (PodDisruptionBudget=[$/pdb])");

/// Scenarios in which that is why the node stays.
pub fn held() -> Vec<Scenario> {
    vec![
        by_pdb(Scenario::busy("pdb-none-unavailable").pdb("pdb", &none_of(WORK), 0)),
        // An empty selector selects every pod of the namespace.
        by_pdb(Scenario::busy("pdb-selects-all").pdb("pdb", &json!({"minAvailable": 1, "selector": {}}), 0))
            .finds("PdbNeverAllows"),
        // A DaemonSet's pod leaves a node empty, and still can forbid its end.
        by_pdb(with_daemon(Scenario::empty("pdb-of-daemon"), &PodSpec::new()).pdb(
            "pdb",
            &json!({"minAvailable": 1, "selector": selecting("daemon")}),
            0,
        )),
        // The eviction API refuses a pod that two budgets select, whatever they allow.
        Scenario::busy("pdb-twice")
            .pdb("one", &json!({"minAvailable": 0, "selector": selecting(WORK)}), 1)
            .pdb("two", &json!({"minAvailable": 0, "selector": selecting(WORK)}), 1)
            .prepare(|place| place.refresh_pdbs(&["one", "two"]))
            .says("BlockedByPdb", NOTHING)
            .because("MultiplePdbs", ALL)
            .finds("MultiplePdbs")
            // It names both, in any order.
            .karpenter(Fate::ToldLike("Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[")),
    ]
}

fn by_pdb(scenario: Scenario) -> Scenario {
    scenario.says("BlockedByPdb", NOTHING).because("Pdb", ALL).karpenter(PDB_SAYS)
}
