//! `totals`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost;
use super::spot::{self, SpotTotals};
use super::value::Devices;
use crate::app::App;
use crate::fleet::Kind;
use crate::insight::Completeness;
use crate::insight::gpu::GpuClass;

/// Sums over the whole cluster; null where not all of it is known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Number of Nodes.
    pub nodes: Option<u64>,
    /// Nodes that are starting, and NodeClaims without a Node.
    pub nodes_starting: Option<u64>,
    /// Number of NodeClaims.
    pub node_claims: Option<u64>,
    /// Pods, in every phase.
    pub pods: Option<u64>,
    /// Active pods whose own annotation protects them now.
    pub pods_protected: Option<u64>,
    /// Jobs that are pending or running.
    pub jobs_active: Option<u64>,
    /// Counts of accelerators.
    pub gpu: GpuTotals,
    /// Dollars per hour of the whole cluster.
    pub cost: cost::Totals,
    /// Sums over spot capacity; null while not all Nodes are known.
    pub spot: Option<SpotTotals>,
}

/// Accelerators of all Nodes, each in the units its Node advertises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GpuTotals {
    /// Accelerators in `status.capacity` of all Nodes.
    pub advertised: Option<i64>,
    /// That can be allocated.
    pub allocatable: Option<i64>,
    /// Requested by the pods on the Nodes.
    pub requested: Option<i64>,
    /// Number of physical devices.
    pub physical: Option<i64>,
    /// What is requested in physical devices, to a thousandth; null where that of one Node is not known.
    pub physical_requested: Option<Devices>,
    /// Physical devices that are requested and busy. The classes together are `physical`.
    pub busy: Option<i64>,
    /// Requested, and neither busy nor holding memory.
    pub idle: Option<i64>,
    /// Requested, holding memory, and not busy.
    pub parked: Option<i64>,
    /// Used by something that has not requested them.
    pub rogue: Option<i64>,
    /// Requested by no pod, on Nodes that other pods keep.
    pub stranded: Option<i64>,
    /// Requested by no pod, on other Nodes.
    pub unallocated: Option<i64>,
    /// What they are doing is not known.
    pub unknown: Option<i64>,
}

pub(super) fn of(app: &App, known: &Completeness<'_>) -> Totals {
    let sum = app.insights.totals(&app.inputs());
    let devices = |class| known.only(&[Kind::Node, Kind::Pod], app.insights.gpus.sums().devices(class)).flatten();
    Totals {
        nodes: known.only(&[Kind::Node], sum.nodes),
        nodes_starting: known.only(&[Kind::Node, Kind::NodeClaim], sum.nodes_starting),
        node_claims: known.only(&[Kind::NodeClaim], sum.node_claims),
        pods: known.only(&[Kind::Pod], sum.pods),
        pods_protected: known.only(&[Kind::Pod], sum.pods_protected),
        jobs_active: known.only(&[Kind::Job], sum.jobs_active),
        gpu: GpuTotals {
            advertised: known.only(&[Kind::Node], sum.gpu.advertised),
            allocatable: known.only(&[Kind::Node], sum.gpu.allocatable),
            requested: known.only(&[Kind::Node, Kind::Pod], sum.gpu.requested),
            physical: known.only(&[Kind::Node], sum.gpu.physical).flatten(),
            physical_requested: known.only(&[Kind::Node, Kind::Pod], sum.gpu.physical_requested).flatten().map(Devices),
            busy: devices(GpuClass::Busy),
            idle: devices(GpuClass::Idle),
            parked: devices(GpuClass::Parked),
            rogue: devices(GpuClass::Rogue),
            stranded: devices(GpuClass::Stranded),
            unallocated: devices(GpuClass::Unallocated),
            unknown: devices(GpuClass::Unknown),
        },
        cost: cost::totals(app),
        spot: known.only(&[Kind::Node], spot::totals(app)),
    }
}
