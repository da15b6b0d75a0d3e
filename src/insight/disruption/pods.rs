//! The sums over the pods of a Node on which its disruption depends, independent of time.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::fleet::{DisruptionBudgetRow, Eviction, Labels, ObjectKey, PodRow, PodSelector, Row, Sym, Table};
use crate::insight::karpenter::EmptyRule;

/// One in units of eviction cost: costs are whole multiples of 2⁻²⁷, the weight of one point of pod-deletion-cost.
const ONE: i64 = 1 << 27;

/// The cost that one point of priority adds.
const PRIORITY_POINT: i64 = 1 << 2;

/// What evicting a pod costs, in units of 2⁻²⁷, between −10 and 10 (karpenter pkg/utils/disruption/disruption.go,
/// EvictionCost): one, plus pod-deletion-cost ÷ 2²⁷, plus priority ÷ 2²⁵. A cost that is no number counts as none.
pub fn eviction_cost(eviction: &Eviction) -> i64 {
    let deletion_cost = eviction.deletion_cost.as_deref().and_then(deletion_cost).unwrap_or(0);
    let cost = ONE + deletion_cost + i64::from(eviction.priority) * PRIORITY_POINT;
    cost.clamp(-10 * ONE, 10 * ONE)
}

/// A fraction is rounded up, so that what costs anything still does.
fn deletion_cost(text: &str) -> Option<i64> {
    let cost: f64 = text.parse().ok().filter(|cost: &f64| !cost.is_nan())?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what an i64 holds exactly")]
    let whole = cost.ceil().clamp(-1e12, 1e12) as i64;
    Some(whole)
}

/// Whether a pod would have to run elsewhere (karpenter pkg/utils/pod/scheduling.go, IsReschedulable). A terminating pod
/// of a StatefulSet does: it comes back.
pub fn is_reschedulable(pod: &PodRow) -> bool {
    let comes_back = pod.eviction.of_stateful_set && pod.meta.deletion.is_some();
    (pod.is_active() || comes_back) && !pod.eviction.of_daemon_set && !pod.eviction.of_node
}

/// Whether Karpenter would use the eviction API on a pod, protection aside (the same file, IsEvictable).
pub fn is_evictable(pod: &PodRow) -> bool {
    pod.is_active() && !pod.eviction.tolerates_disrupted && !pod.eviction.of_node
}

/// Pods under the same PodDisruptionBudgets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Budgeted {
    /// The PodDisruptionBudgets, by key; at least one. All pods under one share the list with the [`BudgetIndex`].
    pub budgets: Arc<[ObjectKey]>,
    /// Whether their condition `Ready` is `False`.
    pub unready: bool,
    /// The first of them by key.
    pub pod: ObjectKey,
    /// Whether it carries `karpenter.sh/do-not-disrupt`; then it stands for itself alone, because a protected pod is
    /// not evicted and its budgets do not matter as long as that lasts.
    pub annotated: bool,
}

/// What the pods of one Node mean for its disruption.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodePods {
    /// Sum of the eviction costs above zero of the pods that would have to run elsewhere, in units of 2⁻²⁷.
    pub moving_cost: i64,
    /// How many pods would have to run elsewhere.
    pub reschedulable: u32,
    /// Active pods that carry `karpenter.sh/do-not-disrupt`, whatever its value, by key.
    pub annotated: Vec<ObjectKey>,
    /// Pods under PodDisruptionBudgets, in order.
    pub budgeted: Vec<Budgeted>,
}

impl NodePods {
    /// Takes one more pod into account. [`Self::finish`] puts things in order.
    pub fn add(&mut self, pod: &PodRow, budgets: &BudgetIndex) {
        if is_reschedulable(pod) {
            self.reschedulable += 1;
            self.moving_cost = self.moving_cost.saturating_add(eviction_cost(&pod.eviction).max(0));
        }
        let annotated = pod.do_not_disrupt.is_some() && pod.is_active();
        if annotated {
            self.annotated.push(pod.meta.key.clone());
        }
        if is_evictable(pod)
            && let Some(budgets) = budgets.selecting(pod)
        {
            let unready = pod.eviction.unready;
            self.add_budgeted(Budgeted { budgets, unready, pod: pod.meta.key.clone(), annotated });
        }
    }

    /// One entry for all pods alike, with the first of their keys.
    fn add_budgeted(&mut self, added: Budgeted) {
        let is_alike = |one: &&mut Budgeted| {
            !one.annotated && !added.annotated && one.unready == added.unready && one.budgets == added.budgets
        };
        match self.budgeted.iter_mut().find(is_alike) {
            Some(known) if added.pod < known.pod => known.pod = added.pod,
            Some(_) => {}
            None => self.budgeted.push(added),
        }
    }

    /// To be called after the last pod: the result does not depend on the order in which they came.
    pub fn finish(&mut self) {
        self.annotated.sort_unstable();
        self.budgeted.sort_unstable();
    }

    /// Whether the node counts as empty (karpenter pkg/controllers/disruption/types.go, IsEmpty): since 1.14 where no
    /// pod that would move costs anything to evict, before where no pod would move.
    pub const fn is_empty(&self, rule: EmptyRule) -> bool {
        match rule {
            EmptyRule::NoEvictionCost => self.moving_cost == 0,
            EmptyRule::NoPodToMove => self.reschedulable == 0,
        }
    }
}

/// Which PodDisruptionBudgets select a pod, without asking each of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BudgetIndex {
    namespaces: HashMap<Sym, NamespaceBudgets, RandomState>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct NamespaceBudgets {
    /// Each as the list that its pods have which are under no other.
    budgets: Vec<(Arc<[ObjectKey]>, PodSelector)>,
    /// Those that demand certain values of a label, by label and value.
    by_label: HashMap<Sym, HashMap<Sym, Vec<usize>, RandomState>, RandomState>,
    /// Indices of PodDisruptionBudgets whose selector demands no label value.
    others: Vec<usize>,
}

impl BudgetIndex {
    /// Of all PodDisruptionBudgets.
    pub fn new(budgets: &Table<DisruptionBudgetRow>) -> Self {
        let mut rows: Vec<&DisruptionBudgetRow> = budgets.iter().collect();
        rows.sort_unstable_by_key(|row| &row.meta().key);
        let mut index = Self::default();
        for row in rows {
            index.namespaces.entry(row.meta.key.namespace.clone()).or_default().add(row);
        }
        index
    }

    /// The keys of the PodDisruptionBudgets that select a pod, in order; `None` where there is none.
    pub fn selecting(&self, pod: &PodRow) -> Option<Arc<[ObjectKey]>> {
        self.namespaces.get(&pod.meta.key.namespace)?.matching(&pod.labels)
    }
}

impl NamespaceBudgets {
    fn add(&mut self, row: &DisruptionBudgetRow) {
        let at = self.budgets.len();
        self.budgets.push((Arc::from([row.meta.key.clone()]), row.selector.clone()));
        let demanded = match &row.selector {
            PodSelector::Matching(selector) => selector.demanded(),
            PodSelector::Nothing | PodSelector::Invalid(_) => return,
        };
        let Some((key, values)) = demanded else {
            self.others.push(at);
            return;
        };
        let by_value = self.by_label.entry(Sym::new(key)).or_default();
        values.iter().for_each(|value| by_value.entry(Sym::new(value)).or_default().push(at));
    }

    fn matching(&self, labels: &Labels) -> Option<Arc<[ObjectKey]>> {
        let by_label = self.by_label.iter().filter_map(|(key, by_value)| by_value.get(labels.get(key)?)).flatten();
        let mut found: Vec<usize> = by_label.chain(&self.others).copied().collect();
        found.sort_unstable();
        found.dedup();
        let rows = found.into_iter().filter_map(|at| self.budgets.get(at));
        let mut lists = rows.filter(|(_, selector)| selector.matches(labels)).map(|(list, _)| list);
        let first = lists.next()?;
        match lists.next() {
            None => Some(Arc::clone(first)),
            Some(second) => {
                Some([first, second].into_iter().chain(lists).flat_map(|list| list.iter().cloned()).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_an_eviction_adds_deletion_cost_and_priority() {
        let cost = |priority: i32, deletion_cost: Option<&str>| {
            let deletion_cost = deletion_cost.map(Sym::new);
            eviction_cost(&Eviction { priority, deletion_cost, ..Eviction::default() })
        };
        for (priority, deletion_cost, want) in [
            (0, None, ONE),
            (1 << 25, None, 2 * ONE),
            (-(1 << 25), None, 0),
            (0, Some("134217728"), 2 * ONE),
            (0, Some("-134217728"), 0),
            (0, Some("1"), ONE + 1),
            (0, Some("much"), ONE),
            (0, Some("NaN"), ONE),
            (1 << 24, Some("-67108864"), ONE),
            (1_000_000_000, None, 10 * ONE),
            (i32::MIN, None, -10 * ONE),
            (0, Some("Inf"), 10 * ONE),
            (0, Some("-2147483647"), -10 * ONE),
        ] {
            assert_eq!(cost(priority, deletion_cost), want, "{priority} {deletion_cost:?}");
        }
    }
}
