//! How NodePools are set up.

use std::collections::BTreeMap;

use super::super::evaluator::{Evaluator, NodeAssessment};
use super::{Occurrence, Rule, RuleInput, Severity};
use crate::fleet::{Condition, Kind, NodePoolRow, ObjectKey, Status, Sym};
use crate::insight::disruption::{Blocker, BlockerKind, PoolBudgets, Reason, Reasons, words};
use crate::insight::sentence::{Fragment, Sentence, plural, sentence};

/// The rules of this family.
pub const RULES: &[Rule] = &[
    Rule {
        id: "NodePoolMissing",
        severity: Severity::Warning,
        help: "Nodes name a NodePool that Karpenter does not find, or whose NodeClass it does not find. It no longer \
               consolidates or replaces them, but still ends them when they expire.",
        hint: "create the NodePool or its NodeClass again, or delete the NodeClaims",
        check: missing,
    },
    Rule {
        id: "NodeClassNotReady",
        severity: Severity::Warning,
        help: "The NodeClass of the NodePool is not ready, so it launches no nodes.",
        hint: "it launches no nodes; look at the conditions of the NodeClass",
        check: class_not_ready,
    },
    Rule {
        id: "NothingAllowed",
        severity: Severity::Warning,
        help: "The disruption budgets of the NodePool allow no disruption now for some reason: because they say so, \
               or because nodes that are not ready or are being disrupted use up what they allow.",
        hint: "repair or remove the nodes that are not ready",
        check: nothing_allowed,
    },
    Rule {
        id: "BudgetUnreadable",
        severity: Severity::Warning,
        help: "Karpenter cannot read a disruption budget of the NodePool, and therefore allows no disruption of its \
               nodes for any reason.",
        hint: "correct schedule and duration of the budget",
        check: budget_unreadable,
    },
];

fn missing(input: &RuleInput<'_>) -> Vec<Occurrence> {
    let mut pools: BTreeMap<&Sym, u64> = BTreeMap::new();
    let misses = |one: &&NodeAssessment<'_>| one.disruption.firm().any(is_of_its_pool);
    for one in input.assessments.iter().filter(misses) {
        if let Some(pool) = one.node.node_pool() {
            *pools.entry(pool).or_default() += 1;
        }
    }
    pools.into_iter().map(|(pool, nodes)| missing_pool(pool, nodes)).collect()
}

/// That no NodePool at all could take pods is said of none by itself.
fn is_of_its_pool(blocker: &Blocker) -> bool {
    blocker.kind == BlockerKind::NodePoolMissing && blocker.object.is_some()
}

fn missing_pool(pool: &Sym, nodes: u64) -> Occurrence {
    let message = sentence![
        "Karpenter does not find it, and takes none of its ",
        plural(nodes, "node"),
        " of its own accord; expiry still ends them",
    ];
    Occurrence::new(Kind::NodePool.name(), &ObjectKey::cluster(pool), message)
}

/// What a check says of each NodePool whose budgets are known.
fn of_pools(
    input: &RuleInput<'_>,
    check: impl Fn(&NodePoolRow, &PoolBudgets) -> Option<Occurrence>,
) -> Vec<Occurrence> {
    let checked = |pool: &NodePoolRow| check(pool, input.evaluator.budgets(&pool.meta.key.name)?);
    input.fleet.node_pools.iter().filter_map(checked).collect()
}

fn occurrence(pool: &NodePoolRow, message: impl Fragment) -> Occurrence {
    Occurrence::new(Kind::NodePool.name(), &pool.meta.key, message)
}

fn class_not_ready(input: &RuleInput<'_>) -> Vec<Occurrence> {
    of_pools(input, |pool, _| {
        let ready = Condition::find(&pool.conditions, "NodeClassReady").filter(|found| found.status != Status::True)?;
        let message = format!("its NodeClass is not ready: {} {}", ready.reason, ready.message);
        Some(occurrence(pool, message.trim_end().to_owned()))
    })
}

fn nothing_allowed(input: &RuleInput<'_>) -> Vec<Occurrence> {
    of_pools(input, |pool, budgets| closed_pool(input.evaluator, pool, budgets))
}

fn closed_pool(evaluator: &Evaluator<'_>, pool: &NodePoolRow, budgets: &PoolBudgets) -> Option<Occurrence> {
    let now = evaluator.now();
    let closed: Reasons = Reason::ALL.into_iter().filter(|reason| budgets.remaining(*reason, now) == 0).collect();
    if closed.is_empty() || budgets.counted == 0 || !evaluator.counts_are_known() || budgets.broken().is_some() {
        return None;
    }
    let forbidden: Reasons = closed.iter().filter(|reason| budgets.allowed(*reason, now) == 0).collect();
    let consumed = closed.without(forbidden);
    let why = [allows_nothing(forbidden), used_up(consumed, budgets)].into_iter().flatten();
    let opens = closed.iter().filter_map(|reason| budgets.opens_at(reason, now)).min();
    let opens = opens.map(|at| sentence!["; the next window opens ", at]);
    let found = occurrence(pool, sentence![Sentence::joined(why, "; "), opens]);
    Some(if consumed.is_empty() {
        found.with_severity(Severity::Info).with_hint("that may be as you want it")
    } else {
        found
    })
}

fn allows_nothing(reasons: Reasons) -> Option<Sentence> {
    (!reasons.is_empty()).then(|| sentence!["its budgets allow nothing for ", words::list(reasons)])
}

fn used_up(reasons: Reasons, budgets: &PoolBudgets) -> Option<Sentence> {
    let used = || plural(budgets.disrupting, "node");
    let say = || {
        sentence![
            "what is allowed for ",
            words::list(reasons),
            " is used up by ",
            used(),
            " not ready or being disrupted",
        ]
    };
    (!reasons.is_empty()).then(say)
}

fn budget_unreadable(input: &RuleInput<'_>) -> Vec<Occurrence> {
    of_pools(input, |pool, budgets| {
        let why = budgets.broken()?.to_owned();
        let message =
            sentence!["Karpenter cannot read one of its budgets and therefore allows nothing for any reason: ", why,];
        Some(occurrence(pool, message))
    })
}
