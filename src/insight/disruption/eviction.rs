//! What the Eviction API is going to say of PodDisruptionBudgets, as far as their status tells (kubernetes
//! pkg/registry/core/pod/storage/eviction.go).

use std::collections::BTreeMap;

use super::pods::BudgetIndex;
use crate::fleet::{DisruptionBudgetRow, ObjectKey, PodPhase, PodRow, Table};

/// How evictions of pods under one PodDisruptionBudget end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BudgetOutlook {
    /// The PodDisruptionBudget.
    pub budget: ObjectKey,
    /// How many of the pods use up disruptions of it.
    pub pods: usize,
    /// How many disruptions it allows now, never negative.
    pub allowed: usize,
}

impl BudgetOutlook {
    /// How many of the evictions are going to be refused, unless the budget allows more meanwhile.
    pub const fn refused(&self) -> usize {
        self.pods.saturating_sub(self.allowed)
    }
}

/// How evictions of several pods end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EvictionOutlook {
    /// The PodDisruptionBudgets that refuse at least one eviction, by key.
    pub refusing: Vec<BudgetOutlook>,
    /// Pods under several PodDisruptionBudgets, which the API never evicts.
    pub under_several: Vec<ObjectKey>,
}

/// The outlook for the evictions of these pods.
pub fn outlook<'a>(
    pods: impl Iterator<Item = &'a PodRow>,
    index: &BudgetIndex,
    budgets: &Table<DisruptionBudgetRow>,
) -> EvictionOutlook {
    let mut outlook = EvictionOutlook::default();
    let mut used: BTreeMap<ObjectKey, usize> = BTreeMap::new();
    for pod in pods.filter(|pod| asks_budgets(pod)) {
        match index.selecting(pod).as_deref() {
            None | Some([]) => {}
            Some([budget]) if passes(pod, budgets.get(budget)) => {}
            Some([budget]) => *used.entry(budget.clone()).or_default() += 1,
            Some(_) => outlook.under_several.push(pod.meta.key.clone()),
        }
    }
    let of_budget = |(budget, pods): (ObjectKey, usize)| {
        let allowed = budgets.get(&budget).map_or(0, |row| usize::try_from(row.disruptions_allowed).unwrap_or(0));
        BudgetOutlook { budget, pods, allowed }
    };
    outlook.refusing = used.into_iter().map(of_budget).filter(|budget| budget.refused() > 0).collect();
    outlook
}

/// What is over, is going, or has not run yet is deleted whatever the budgets say.
fn asks_budgets(pod: &PodRow) -> bool {
    pod.is_active() && pod.phase != PodPhase::Pending
}

/// Whether a pod that is not ready goes without using up a disruption.
fn passes(pod: &PodRow, budget: Option<&DisruptionBudgetRow>) -> bool {
    pod.eviction.unready
        && budget.is_some_and(|row| {
            let has_enough = row.current_healthy >= row.desired_healthy && row.desired_healthy > 0;
            row.always_allows_unhealthy || has_enough
        })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::fleet::{Delta, Eviction, PodSelector};
    use crate::insight::testing::{self, fleet, meta, upserts};
    use crate::rows;
    use crate::units::Selector;

    fn budget(name: &str, allowed: i64) -> DisruptionBudgetRow {
        let everything = PodSelector::Matching(Selector::parse("").expect("all"));
        DisruptionBudgetRow { disruptions_allowed: allowed, ..rows::disruption_budget(meta("ml", name), everything) }
    }

    fn pod(name: &str) -> PodRow {
        testing::pod("ml", name, Some("n1"))
    }

    fn unready(name: &str) -> PodRow {
        PodRow { eviction: Arc::new(Eviction { unready: true, ..Eviction::default() }), ..pod(name) }
    }

    fn said(budgets: Vec<DisruptionBudgetRow>, pods: &[PodRow]) -> EvictionOutlook {
        let known = fleet(vec![Delta::DisruptionBudgets(upserts(budgets))]);
        outlook(pods.iter(), &BudgetIndex::new(&known.disruption_budgets), &known.disruption_budgets)
    }

    #[test]
    fn a_budget_refuses_as_many_evictions_as_it_does_not_allow() {
        let pods = [pod("a"), pod("b"), pod("c")];
        let refused = |allowed: i64| {
            let said = said(vec![budget("web", allowed)], &pods);
            said.refusing.first().map(BudgetOutlook::refused)
        };
        assert_eq!([0, 1, 2, 3, 9, -1].map(refused), [Some(3), Some(2), Some(1), None, None, Some(3)]);
    }

    #[test]
    fn pods_that_do_not_run_yet_or_any_more_are_no_concern_of_a_budget() {
        let of = |phase| PodRow { phase, ..pod("a") };
        let refused = |row: PodRow| !said(vec![budget("web", 0)], &[row]).refusing.is_empty();
        assert!(refused(of(PodPhase::Running)) && refused(of(PodPhase::Unknown)));
        for phase in [PodPhase::Pending, PodPhase::Succeeded, PodPhase::Failed] {
            assert!(!refused(of(phase)), "{phase:?}");
        }
    }

    #[test]
    fn an_unready_pod_passes_where_the_budget_says_so_or_has_enough_healthy_ones() {
        let refuses = |row: DisruptionBudgetRow| !said(vec![row], &[unready("a")]).refusing.is_empty();
        let of = |healthy, desired| DisruptionBudgetRow {
            current_healthy: healthy,
            desired_healthy: desired,
            ..budget("web", 0)
        };
        assert!(refuses(of(1, 2)) && refuses(of(0, 0)));
        assert!(!refuses(of(2, 2)));
        assert!(!refuses(DisruptionBudgetRow { always_allows_unhealthy: true, ..of(1, 2) }));
    }

    #[test]
    fn a_pod_under_several_budgets_is_never_evicted() {
        let said = said(vec![budget("one", 5), budget("two", 5)], &[pod("a")]);
        assert_eq!((said.under_several.len(), said.refusing.len()), (1, 0));
    }
}
