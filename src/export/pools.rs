//! `nodePools[]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::value::{Stamp, Text, maybe_text, text, unless_empty};
use crate::app::App;
use crate::fleet::{self, Kind, NodePoolRow, Sym};
use crate::insight::Completeness;
use crate::insight::disruption::{BudgetWindow, Reason};
use crate::insight::picture::Evaluator;
use crate::units::{Lifetime, Time, duration};

/// A NodePool, with its nodes and budgets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePool {
    /// `metadata.name`.
    pub name: Text,
    /// The name of its NodeClass.
    pub node_class: Option<Text>,
    /// Whether condition `Ready` is `True`.
    pub ready: bool,
    /// `spec.disruption.consolidationPolicy`.
    pub policy: Option<Text>,
    /// `spec.disruption.consolidateAfter`; null for `Never`.
    pub consolidate_after_seconds: Option<i64>,
    /// Whether it keeps a fixed number of nodes (`spec.replicas`).
    pub r#static: bool,
    /// `spec.weight`.
    pub weight: i64,
    /// `spec.limits`, as they are written, by resource.
    pub limits: BTreeMap<Text, Text>,
    /// `status.resources`, as they are written, by resource.
    pub usage: BTreeMap<Text, Text>,
    /// Number of its Node objects.
    pub nodes: Option<u64>,
    /// Its disruption budgets, in their order.
    pub budgets: Vec<Budget>,
    /// How many more of its nodes Karpenter may disrupt now, for each reason: what the budgets allow without the nodes that
    /// use it up. 2147483647, as in Karpenter, is what is allowed where no budget says otherwise.
    pub allowed: Allowed,
    /// Its nodes that use up budget: not ready, being deleted, or chosen by Karpenter.
    pub disrupting: Option<u64>,
}

/// Numbers of nodes; null while not all Nodes and NodeClaims are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct Allowed {
    /// For empty ones.
    pub empty: Option<i64>,
    /// For drifted ones.
    pub drifted: Option<i64>,
    /// For underutilized ones.
    pub underutilized: Option<i64>,
}

/// One disruption budget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// A number of nodes or a percentage, as it is written.
    pub nodes: Text,
    /// The reasons it is for; null for all.
    pub reasons: Option<Vec<Text>>,
    /// When its windows open, in cron's grammar, UTC.
    pub schedule: Option<Text>,
    /// How long its windows are open.
    pub duration_seconds: Option<i64>,
    /// Whether it counts now. One whose schedule cannot be read always does, and allows nothing.
    pub active_now: bool,
    /// When that changes next; null for never.
    pub next_change_at: Option<Stamp>,
}

pub(super) fn of(app: &App, known: &Completeness<'_>, evaluator: &Evaluator<'_>, row: &NodePoolRow) -> NodePool {
    let picture = app.insights.picture.pool(&row.meta.key.name);
    NodePool {
        name: text(&row.meta.key.name),
        node_class: maybe_text(row.node_class.as_ref().map(|class| &class.name)),
        ready: row.is_ready(),
        policy: unless_empty(&row.consolidation_policy),
        consolidate_after_seconds: consolidate_after(row.consolidate_after),
        r#static: row.replicas.is_some(),
        weight: row.weight,
        limits: amounts(&row.limits),
        usage: amounts(&row.usage),
        nodes: known.only(&[Kind::Node], picture.nodes),
        budgets: row.budgets.iter().flatten().map(|one| budget(one, app.now)).collect(),
        allowed: allowed(evaluator, &row.meta.key.name),
        disrupting: known.only(&[Kind::Node, Kind::NodeClaim], picture.disrupting),
    }
}

fn allowed(evaluator: &Evaluator<'_>, pool: &str) -> Allowed {
    let budgets = evaluator.budgets(pool).filter(|_| evaluator.counts_are_known());
    let remaining = |reason| budgets.map(|budgets| budgets.remaining(reason, evaluator.now()));
    Allowed {
        empty: remaining(Reason::Empty),
        drifted: remaining(Reason::Drifted),
        underutilized: remaining(Reason::Underutilized),
    }
}

/// The API server fills in zero where nothing is said; what is nevertheless absent, or cannot be read, is never to Karpenter.
const fn consolidate_after(lifetime: Lifetime) -> Option<i64> {
    match lifetime {
        Lifetime::Seconds(seconds) => Some(seconds),
        Lifetime::Never | Lifetime::Unset | Lifetime::Invalid => None,
    }
}

fn amounts(pairs: &[(Sym, Sym)]) -> BTreeMap<Text, Text> {
    pairs.iter().map(|(resource, amount)| (text(resource), text(amount))).collect()
}

fn budget(row: &fleet::Budget, now: Time) -> Budget {
    let state = BudgetWindow::of(row).at(now);
    let nanos = row.duration.as_deref().and_then(|text| duration::parse_go(text).ok());
    Budget {
        nodes: text(&row.nodes),
        reasons: row.reasons.as_ref().map(|reasons| reasons.iter().map(text).collect()),
        schedule: maybe_text(row.schedule.as_ref()),
        duration_seconds: nanos.map(|nanos| nanos / 1_000_000_000),
        active_now: state.active_now,
        next_change_at: state.next_change.map(Stamp),
    }
}
