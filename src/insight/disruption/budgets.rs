//! Disruption budgets of NodePools: when they count, and which nodes count against them.

use super::reason::Reason;
use crate::fleet::{Budget, Condition, NodeClaimRow, NodePoolRow, NodeRow, Taint};
use crate::insight::phase;
use crate::units::cron::Schedule;
use crate::units::{Time, Window, duration};

/// When a budget counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BudgetWindow {
    /// Always: it has neither schedule nor duration.
    Always,
    /// The budget counts in the windows of a schedule.
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

/// What Karpenter allows where no budget says otherwise (`math.MaxInt32`).
pub const UNLIMITED: i64 = 2_147_483_647;

/// How far ahead a change of what budgets allow is looked for.
const HORIZON_SECONDS: i64 = 366 * 86_400;

/// How many ends of windows are looked at on the way.
const STEPS: usize = 1000;

/// The budgets of a NodePool, read once, and the nodes that count for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolBudgets {
    budgets: Vec<(Budget, BudgetWindow)>,
    /// Nodes of which percentages are taken.
    pub counted: u64,
    /// Those of them that use up what is allowed.
    pub disrupting: u64,
}

impl PoolBudgets {
    /// Of a NodePool with so many nodes.
    pub fn new(pool: &NodePoolRow, counted: u64, disrupting: u64) -> Self {
        let windows = pool.budgets.iter().flatten().map(|budget| (budget.clone(), BudgetWindow::of(budget)));
        Self { budgets: windows.collect(), counted, disrupting }
    }

    /// How many nodes the budgets let Karpenter disrupt at once for a reason, or [`UNLIMITED`]
    /// (karpenter pkg/apis/v1/nodepool.go, GetAllowedDisruptionsByReason): the least of those budgets that are active
    /// and for this reason; nothing at all, for every reason, while one of them cannot be read.
    pub fn allowed(&self, reason: Reason, now: Time) -> i64 {
        let mut allowed = UNLIMITED;
        for (budget, window) in &self.budgets {
            let Some(limit) = self.limit(budget, window, now) else { return 0 };
            if is_for(budget, reason) {
                allowed = allowed.min(limit);
            }
        }
        allowed
    }

    /// How many more nodes Karpenter may disrupt now: what is allowed without the nodes that use it up
    /// (karpenter pkg/controllers/disruption/helpers.go, BuildDisruptionBudgetMapping).
    pub fn remaining(&self, reason: Reason, now: Time) -> i64 {
        self.allowed(reason, now).saturating_sub(i64::try_from(self.disrupting).unwrap_or(i64::MAX)).max(0)
    }

    /// When a window next opens or closes.
    pub fn next_change(&self, now: Time) -> Option<Time> {
        self.budgets.iter().filter_map(|(_, window)| window.at(now).next_change).min()
    }

    /// When Karpenter may next disrupt a node for a reason, if nothing but the time changes; `None` where that is
    /// never, or further away than a year.
    pub fn opens_at(&self, reason: Reason, now: Time) -> Option<Time> {
        self.first_with_more_than(i64::try_from(self.disrupting).unwrap_or(i64::MAX), reason, now)
    }

    /// When the budgets next allow a disruption for a reason, whatever uses them up at the moment: nodes that are not
    /// ready or being disrupted come and go. `None` as in [`Self::opens_at`].
    pub fn allows_at(&self, reason: Reason, now: Time) -> Option<Time> {
        self.first_with_more_than(0, reason, now)
    }

    /// The first moment from `now` on at which more than `used` nodes are allowed. As long as one window is open that
    /// allows no more it cannot come, so the search goes from the last end of those to the last end of the next.
    fn first_with_more_than(&self, used: i64, reason: Reason, now: Time) -> Option<Time> {
        let horizon = now.plus_seconds(HORIZON_SECONDS);
        let mut at = now;
        for _ in 0..STEPS {
            let mut last = None;
            for (_, window) in
                self.budgets.iter().filter(|(budget, window)| self.closes(budget, window, used, reason, at))
            {
                last = last.max(Some(window.at(at).next_change?));
            }
            match last {
                None => return Some(at),
                Some(end) if end >= horizon => return None,
                Some(end) => at = end,
            }
        }
        None
    }

    /// Whether a budget by itself allows no more than `used` nodes.
    fn closes(&self, budget: &Budget, window: &BudgetWindow, used: i64, reason: Reason, at: Time) -> bool {
        let limit = self.limit(budget, window, at);
        limit.is_none_or(|limit| limit <= used && is_for(budget, reason))
    }

    /// Why a budget cannot be read, where one cannot.
    pub fn broken(&self) -> Option<&str> {
        self.budgets.iter().find_map(|(_, window)| match window {
            BudgetWindow::Broken(why) => Some(why.as_str()),
            BudgetWindow::Always | BudgetWindow::Scheduled(_) => None,
        })
    }

    /// What a budget allows; `None` where it cannot be read.
    fn limit(&self, budget: &Budget, window: &BudgetWindow, now: Time) -> Option<i64> {
        match window {
            BudgetWindow::Broken(_) => None,
            window if !window.at(now).active_now => Some(UNLIMITED),
            BudgetWindow::Always | BudgetWindow::Scheduled(_) => nodes(&budget.nodes, self.counted),
        }
    }
}

/// Whether a budget is for a reason: without `reasons` it is for all, with an empty list for none.
pub fn is_for(budget: &Budget, reason: Reason) -> bool {
    budget.reasons.as_ref().is_none_or(|reasons| reasons.iter().any(|one| one == reason.name()))
}

/// `nodes` of a budget as a number of nodes: percentages are rounded up (k8s.io/apimachinery pkg/util/intstr,
/// GetScaledValueFromIntOrPercent). `None` for what is neither.
pub fn nodes(text: &str, counted: u64) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        #[expect(clippy::cast_possible_truncation, reason = "intstr.FromInt cuts what does not fit in the same way")]
        let kept = number as i32;
        return Some(i64::from(kept));
    }
    let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
    let product = percent.checked_mul(i64::try_from(counted).ok()?)?;
    Some(product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0))
}

/// Whether a node is one of those of which a budget's percentage is taken: managed, initialized, its instance not yet
/// terminating (karpenter pkg/controllers/disruption/helpers.go, BuildDisruptionBudgetMapping).
pub fn is_counted(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    node.is_initialized() && claim.is_some_and(|claim| !Condition::is_true(&claim.conditions, "InstanceTerminating"))
}

/// Whether Karpenter has chosen the node: its taint of version 1, or the NodeClaim's condition. It takes both off a node
/// that it has not chosen (karpenter pkg/controllers/disruption/controller.go); the taint of v1beta1 and others with its key
/// it leaves, so those say nothing.
pub fn is_chosen_node(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    let is_its_own = |taint: &Taint| taint.key == "karpenter.sh/disrupted" && taint.effect == "NoSchedule";
    node.taints.iter().any(is_its_own) || claim.is_some_and(phase::is_chosen)
}

/// Whether a counted node uses up budget: not ready, being deleted, or chosen by Karpenter. No event ever says so.
pub fn uses_budget(node: &NodeRow, claim: Option<&NodeClaimRow>) -> bool {
    let is_leaving = claim.is_some_and(phase::is_terminating) || is_chosen_node(node, claim);
    is_counted(node, claim) && (!node.is_ready() || is_leaving)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Status;
    use crate::insight::testing::{CREATED, claim, condition, met, node, sym};

    fn at(schedule: Option<&str>, duration: Option<&str>, now: &str) -> (bool, Option<String>) {
        let budget =
            Budget { nodes: sym("1"), reasons: None, schedule: schedule.map(sym), duration: duration.map(sym) };
        let state = BudgetWindow::of(&budget).at(Time::parse(now).unwrap());
        (state.active_now, state.next_change.map(|change| change.to_string()))
    }

    #[test]
    fn a_budget_window_is_active_from_its_schedule_for_its_duration() {
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
    fn not_ready_and_leaving_nodes_use_up_a_budget() {
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
