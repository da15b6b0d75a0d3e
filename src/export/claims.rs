//! `nodeClaims[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::{self, Cost};
use super::value::{Id, Stamp, Text, maybe_text, text};
use super::words::{CapacityType, ClaimPhase, ConditionStatus};
use crate::app::App;
use crate::fleet::{self, NodeClaimRow};
use crate::insight::{self, phase};

/// A NodeClaim, with how far its machine has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeClaim {
    /// `metadata.name`.
    pub name: Text,
    /// `metadata.uid`.
    pub uid: Id,
    /// Name of the NodePool, by label.
    pub node_pool: Option<Text>,
    /// Name of the Node.
    pub node_name: Option<Text>,
    /// Instance type, by label.
    pub instance_type: Option<Text>,
    /// Zone, by label.
    pub zone: Option<Text>,
    /// How its capacity is bought.
    pub capacity_type: Option<CapacityType>,
    /// When it was created.
    pub created_at: Stamp,
    /// When the cloud had launched the instance.
    pub launched_at: Option<Stamp>,
    /// When the Node had joined.
    pub registered_at: Option<Stamp>,
    /// When the Node was usable with all its resources.
    pub initialized_at: Option<Stamp>,
    /// When it expires; null for never.
    pub expires_at: Option<Stamp>,
    /// How long its pods may hold up its end; null for as long as they like.
    pub termination_grace_period_seconds: Option<i64>,
    /// Since when it is being deleted.
    pub deleting_since: Option<Stamp>,
    /// Where it stands.
    pub phase: ClaimPhase,
    /// `status.conditions`, in their order.
    pub conditions: Vec<Condition>,
    /// What it costs, its Node where it has one; before the cloud has launched it nothing is billed, and nothing said.
    pub cost: Cost,
}

/// A condition of an object's status.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `type`.
    pub r#type: Text,
    /// `status`.
    pub status: ConditionStatus,
    /// `reason`.
    pub reason: Text,
    /// `message`.
    pub message: Text,
    /// `lastTransitionTime`.
    pub last_transition_at: Option<Stamp>,
}

pub(super) fn of(app: &App, row: &NodeClaimRow) -> NodeClaim {
    let picture = app.insights.picture.claim(row);
    let node = picture.and_then(|picture| picture.node.as_ref()).or(row.node_name.as_ref());
    let since = |condition| row.true_since(condition).map(Stamp);
    NodeClaim {
        name: text(&row.meta.key.name),
        uid: Id(row.meta.uid.clone()),
        node_pool: maybe_text(row.node_pool()),
        node_name: maybe_text(node),
        instance_type: maybe_text(row.instance_type()),
        zone: maybe_text(row.zone()),
        capacity_type: row.capacity_type().map(Into::into),
        created_at: Stamp(row.meta.created),
        launched_at: since("Launched"),
        registered_at: since("Registered"),
        initialized_at: since("Initialized"),
        expires_at: row.expires_at().map(Stamp),
        termination_grace_period_seconds: row.termination_grace_seconds,
        deleting_since: row.meta.deleting_since().map(Stamp),
        phase: picture.map_or_else(|| phase::ClaimPhase::of(row), |picture| picture.phase).into(),
        conditions: row.conditions.iter().map(condition).collect(),
        cost: cost::of(machine_cost(app, row)),
    }
}

fn machine_cost<'a>(app: &'a App, row: &NodeClaimRow) -> Option<&'a insight::cost::Cost> {
    let said = app.insights.picture.claim(row);
    let node = said.and_then(|said| said.node.as_ref()).and_then(|name| app.insights.picture.node(name));
    node.map(|node| &node.cost).or_else(|| said?.cost.as_ref())
}

fn condition(row: &fleet::Condition) -> Condition {
    Condition {
        r#type: text(&row.kind),
        status: row.status.into(),
        reason: text(&row.reason),
        message: text(&row.message),
        last_transition_at: row.last_transition.map(Stamp),
    }
}
