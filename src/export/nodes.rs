//! `nodes[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::{self, Cost};
use super::disruption::{self, Disruption};
use super::gpus::{self, Gpu, GpuDetail};
use super::spot::{self, NodeSpot};
use super::value::{Id, Stamp, Text, maybe_text, text};
use super::words::{CapacityType, NodePhase};
use crate::app::App;
use crate::fleet::{Kind, NodeRow};
use crate::insight::insights::DriftPlaces;
use crate::insight::picture::{Evaluator, NodePicture};
use crate::insight::{Completeness, phase};

/// One Node. What pods request is null while not all pods are known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// `metadata.name`.
    pub name: Text,
    /// `metadata.uid`.
    pub uid: Id,
    /// Name of the NodePool, by label.
    pub node_pool: Option<Text>,
    /// Name of the NodeClaim behind the Node.
    pub node_claim: Option<Text>,
    /// Instance type, by label.
    pub instance_type: Option<Text>,
    /// Region, by label.
    pub region: Option<Text>,
    /// Zone, by label.
    pub zone: Option<Text>,
    /// How its capacity is bought.
    pub capacity_type: Option<CapacityType>,
    /// When the Node object was created.
    pub created_at: Stamp,
    /// Whether condition `Ready` is `True`.
    pub ready: bool,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Where it stands.
    pub phase: NodePhase,
    /// Active pods bound to it.
    pub pod_count: Option<u64>,
    /// Allocatable CPU in thousandths of a core.
    pub cpu_allocatable_millis: i64,
    /// CPU that unfinished pods request, in thousandths of a core.
    pub cpu_requested_millis: Option<i64>,
    /// Allocatable memory in bytes.
    pub memory_allocatable_bytes: i64,
    /// Memory that unfinished pods request, in bytes.
    pub memory_requested_bytes: Option<i64>,
    /// CPU in use when it was measured last, in thousandths of a core, by `metrics.k8s.io`; null where nothing measures it.
    pub cpu_used_millis: Option<i64>,
    /// Memory in use then, in bytes (working set).
    pub memory_used_bytes: Option<i64>,
    /// When that was.
    pub used_as_of: Option<Stamp>,
    /// Its accelerators; null where it has none.
    pub gpu: Option<Gpu>,
    /// May Karpenter take it?
    pub disruption: Disruption,
    /// Price of the Node.
    pub cost: Cost,
    /// Where it stands as spot capacity; null where it is none.
    pub spot: Option<NodeSpot>,
}

pub(super) fn of(
    app: &App,
    known: &Completeness<'_>,
    evaluator: &Evaluator<'_>,
    detail: GpuDetail,
    places: &DriftPlaces,
    row: &NodeRow,
) -> Node {
    let picture = app.insights.picture.node(&row.meta.key.name);
    let case = evaluator.case(row);
    let found = evaluator.judge(&case);
    let usage = app.fleet.node_usage.get(&row.meta.key.name);
    let requested = |of: fn(&NodePicture) -> i64| known.only(&[Kind::Pod], picture.map_or(0, of));
    Node {
        name: text(&row.meta.key.name),
        uid: Id(row.meta.uid.clone()),
        node_pool: maybe_text(row.node_pool()),
        node_claim: maybe_text(picture.and_then(|picture| picture.claim.as_ref()).map(|key| &key.name)),
        instance_type: maybe_text(row.instance_type()),
        region: maybe_text(row.region()),
        zone: maybe_text(row.zone()),
        capacity_type: row.capacity_type().map(Into::into),
        created_at: Stamp(row.meta.created),
        ready: row.is_ready(),
        cordoned: row.cordoned,
        phase: picture.map_or_else(|| phase::NodePhase::of(row, None), |picture| picture.phase).into(),
        pod_count: known.only(&[Kind::Pod], picture.map_or(0, |picture| picture.pod_count)),
        cpu_allocatable_millis: row.allocatable.cpu_millis,
        cpu_requested_millis: requested(|picture| picture.cpu_requested_millis),
        memory_allocatable_bytes: row.allocatable.memory_bytes,
        memory_requested_bytes: requested(|picture| picture.memory_requested_bytes),
        cpu_used_millis: usage.map(|usage| usage.cpu_millis),
        memory_used_bytes: usage.map(|usage| usage.memory_bytes),
        used_as_of: usage.map(|usage| Stamp(usage.at)),
        gpu: picture.and_then(|picture| gpus::of_node(app, &found, detail, row, picture)),
        disruption: disruption::of(app, &case, &found, places),
        cost: cost::of(picture.map(|picture| &picture.cost)),
        spot: spot::of_node(app, &row.meta.key.name),
    }
}
