//! Disruption budgets of NodePools: when they count, and which nodes count against them.

use crate::fleet::{Budget, Condition, NodeClaimRow, NodeRow};
use crate::insight::phase;
use crate::units::cron::Schedule;
use crate::units::{Time, Window, duration};

/// When a budget counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BudgetWindow {
    /// Always: it has neither schedule nor duration.
    Always,
    /// In windows.
    Scheduled(Window),
    /// Always, and it then allows nothing at all: Karpenter cannot read its schedule and fails closed. With the reason.
    Broken(String),
}

/// A budget at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BudgetState {
    /// Whether it counts now.
    pub active_now: bool,
    /// When that changes next; `None` for never.
    pub next_change: Option<Time>,
}

impl BudgetWindow {
    /// From a budget's schedule and duration (karpenter pkg/apis/v1/nodepool.go, Budget.IsActive).
    ///
    /// A schedule without duration has windows of no length; a duration without schedule has an empty schedule, which
    /// is none.
    pub fn of(budget: &Budget) -> Self {
        if budget.schedule.is_none() && budget.duration.is_none() {
            return Self::Always;
        }
        let micros = match budget.duration.as_deref().map_or(Ok(0), duration::parse_go) {
            Ok(nanos) => nanos / 1000,
            Err(error) => return Self::Broken(error.to_string()),
        };
        match Schedule::parse(budget.schedule.as_deref().unwrap_or_default()) {
            Ok(schedule) => Self::Scheduled(Window::new(schedule, micros)),
            Err(error) => Self::Broken(error.to_string()),
        }
    }

    /// Whether the budget counts at `now`, and until when.
    pub fn at(&self, now: Time) -> BudgetState {
        match self {
            Self::Always | Self::Broken(_) => BudgetState { active_now: true, next_change: None },
            Self::Scheduled(window) => {
                BudgetState { active_now: window.is_active(now), next_change: window.next_change(now) }
            }
        }
    }
}

/// Whether a node is one of those of which a budget's percentage is taken: managed, initialized, its instance not yet
/// terminating (karpenter pkg/controllers/disruption/helpers.go, BuildDisruptionBudgetMapping).
pub fn is_counted(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    node.is_initialized() && claim.is_some_and(|claim| !Condition::is_true(&claim.conditions, "InstanceTerminating"))
}

/// Whether a counted node uses up budget: not ready, being deleted, or chosen by Karpenter. No event ever says so.
pub fn uses_budget(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    let is_leaving = claim.is_some_and(phase::is_terminating) || phase::is_disrupting(node, claim);
    is_counted(node, claim) && (!node.is_ready() || is_leaving)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Status, Taint};
    use crate::insight::testing::{CREATED, claim, condition, met, node, sym};

    fn at(schedule: Option<&str>, duration: Option<&str>, now: &str) -> (bool, Option<String>) {
        let budget =
            Budget { nodes: sym("1"), reasons: None, schedule: schedule.map(sym), duration: duration.map(sym) };
        let state = BudgetWindow::of(&budget).at(Time::parse(now).unwrap());
        (state.active_now, state.next_change.map(|change| change.to_string()))
    }

    #[test]
    fn windows() {
        let change = |text: &str| Some(text.to_owned());
        for (schedule, duration, now, want) in [
            (None, None, "2026-11-21T12:00:00Z", (true, None)),
            (Some("0 22 * * *"), Some("4h"), "2026-11-21T12:00:00Z", (false, change("2026-11-21T22:00:00Z"))),
            (Some("0 22 * * *"), Some("4h"), "2026-11-21T22:00:00Z", (true, change("2026-11-22T02:00:00Z"))),
            (Some("0 22 * * *"), Some("4h"), "2026-11-22T01:59:59Z", (true, change("2026-11-22T02:00:00Z"))),
            (Some("0 22 * * *"), Some("4h"), "2026-11-22T02:00:00Z", (false, change("2026-11-22T22:00:00Z"))),
            (Some("0 22 * * *"), None, "2026-11-21T22:00:00Z", (false, None)),
            (None, Some("4h"), "2026-11-21T22:00:00Z", (true, None)),
            (Some("0 0 * * 7"), Some("4h"), "2026-11-21T22:00:00Z", (true, None)),
            (Some("@daily"), Some("soon"), "2026-11-21T22:00:00Z", (true, None)),
        ] {
            assert_eq!(at(schedule, duration, now), want, "{schedule:?} {duration:?} {now}");
        }
    }

    #[test]
    fn which_nodes_use_up_a_budget() {
        let (ready, owner) = (node("a"), claim("c"));
        let seen = |node: &NodeRow, claim: Option<&NodeClaimRow>| (is_counted(node, claim), uses_budget(node, claim));
        assert_eq!(seen(&ready, Some(&owner)), (true, false));
        assert_eq!(seen(&ready, None), (false, false), "not managed");
        let broken = NodeRow { conditions: vec![condition("Ready", Status::Unknown, "")], ..ready.clone() };
        assert_eq!(seen(&broken, Some(&owner)), (true, true));
        let starting = NodeRow { labels: crate::fleet::Labels::default(), ..broken };
        assert_eq!(seen(&starting, Some(&owner)), (false, false));
        let taint = Taint { key: sym("karpenter.sh/disrupted"), value: sym(""), effect: sym("NoSchedule") };
        assert_eq!(seen(&NodeRow { taints: vec![taint], ..ready.clone() }, Some(&owner)), (true, true));
        let mut deleting = owner.clone();
        deleting.meta.deletion = Some(CREATED);
        assert_eq!(seen(&ready, Some(&deleting)), (true, true));
        let gone = NodeClaimRow { conditions: met(&["InstanceTerminating"]), ..deleting };
        assert_eq!(seen(&ready, Some(&gone)), (false, false));
    }
}
