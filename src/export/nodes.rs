//! `nodes[]`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::{self, Cost, Usd};
use super::disruption::{self, Disruption};
use super::value::{Devices, Id, Stamp, Text, maybe_text, text};
use super::words::{CapacityType, DevicePlugin, NodePhase, Sharing, Vendor};
use crate::app::App;
use crate::fleet::{Kind, NodeRow};
use crate::insight::gpu::{self, NodeGpu};
use crate::insight::picture::{Evaluator, NodePicture};
use crate::insight::{Completeness, phase};

/// One Node. What pods request is null while not all pods are known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the document")]
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
    /// Its accelerators; null where it has none.
    pub gpu: Option<Gpu>,
    /// May Karpenter take it?
    pub disruption: Disruption,
    /// Price of the Node.
    pub cost: Cost,
}

/// The accelerators of a Node, in the units it advertises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    /// The extended resource of which most units are advertised; the numbers are sums over all resources.
    pub resource: Text,
    /// Vendor of the accelerators.
    pub vendor: Vendor,
    /// Model of the accelerators, where a label or EC2 tells it.
    pub model: Option<Text>,
    /// Number of physical devices; null where nobody tells it.
    pub physical: Option<i64>,
    /// Units in capacity.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units that its pods request.
    pub requested: Option<i64>,
    /// The same in physical devices, to a thousandth; null where nothing tells what a unit is of a device.
    pub physical_requested: Option<Devices>,
    /// How devices are shared.
    pub sharing: Sharing,
    /// Whether the device plugin has come up.
    pub device_plugin: DevicePlugin,
    /// Dollars per hour for what no pod requests; null where the price is not known, or nothing is advertised.
    pub unallocated_usd_per_hour: Option<Usd>,
    /// Each resource in its own units, by name.
    pub resources: Vec<GpuResource>,
}

/// One accelerator resource of a Node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GpuResource {
    /// The extended resource.
    pub resource: Text,
    /// Units in capacity.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units that its pods request.
    pub requested: Option<i64>,
    /// The same in physical devices, to a thousandth; null where nothing tells what a unit is of a device.
    pub physical_requested: Option<Devices>,
}

pub(super) fn of(app: &App, known: &Completeness<'_>, evaluator: &Evaluator<'_>, row: &NodeRow) -> Node {
    let picture = app.insights.picture.node(&row.meta.key.name);
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
        gpu: picture.and_then(|picture| Some(gpu(known, picture, picture.gpu.as_ref()?))),
        disruption: disruption::of(app, evaluator, row),
        cost: cost::of(picture.map(|picture| &picture.cost)),
    }
}

fn gpu(known: &Completeness<'_>, picture: &NodePicture, found: &NodeGpu) -> Gpu {
    let are_pods_known = known.all(Kind::Pod);
    let is_priced = are_pods_known && picture.cost.rate().is_some() && found.advertised > 0;
    Gpu {
        resource: text(&found.resource),
        vendor: found.vendor.into(),
        model: maybe_text(found.model.as_ref()),
        physical: found.physical,
        advertised: found.advertised,
        allocatable: found.allocatable,
        requested: are_pods_known.then_some(found.requested),
        physical_requested: found.physical_requested.filter(|_| are_pods_known).map(Devices),
        sharing: found.sharing.into(),
        device_plugin: found.device_plugin.into(),
        unallocated_usd_per_hour: is_priced.then_some(Usd(picture.spend.unallocated_gpu)),
        resources: found.resources.iter().map(|one| gpu_resource(are_pods_known, one)).collect(),
    }
}

fn gpu_resource(are_pods_known: bool, found: &gpu::GpuResource) -> GpuResource {
    GpuResource {
        resource: text(&found.resource),
        advertised: found.advertised,
        allocatable: found.allocatable,
        requested: are_pods_known.then_some(found.requested),
        physical_requested: found.physical_requested.filter(|_| are_pods_known).map(Devices),
    }
}
