//! Accelerators: `nodes[].gpu`, `pods[].gpu`, `jobs[].gpu`.

use schemars::JsonSchema;
use serde::Serialize;

use super::cost::Usd;
use super::value::{Devices, Percent, Stamp, Text, Watts, maybe_text, text};
use super::words::{DevicePlugin, ExporterKind, ExporterState, GpuClass, Sharing, Vendor};
use crate::app::App;
use crate::fleet::{DeviceReading, JobRow, Kind, NodeRow, PodRow};
use crate::insight::disruption::Disruption;
use crate::insight::gpu::{self, DeviceActivity, ExporterStatus, NodeActivity};
use crate::insight::insights::GpuSeconds;
use crate::insight::picture::{CpuShare, Disagreement, NodePicture};
use crate::insight::{Completeness, Sentence};

/// Whether the document lists the devices of each Node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GpuDetail {
    /// Only sums.
    #[default]
    Sums,
    /// Each device, too.
    Devices,
}

/// The accelerators of a Node, in the units it advertises.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Gpu {
    /// The extended resource of which most units are advertised, or the driver of Dynamic Resource Allocation; the numbers are
    /// sums over all resources.
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
    /// Mean utilization of the devices that pods hold; of all that report where none is held.
    pub utilization_percent: Option<Percent>,
    /// Memory in use, over all devices that report.
    pub memory_used_bytes: Option<u64>,
    /// Memory, over all devices that report.
    pub memory_total_bytes: Option<u64>,
    /// What its accelerators do.
    pub class: GpuClass,
    /// Why, in one sentence.
    pub class_reason: String,
    /// Since when the class is this one; null where it has been so as long as batchtop has watched.
    pub class_since: Option<Stamp>,
    /// Physical devices by class; null where their number is not known.
    pub by_class: Option<ByClass>,
    /// Whether Karpenter's verdict and the accelerators tell different stories; null while one of both is not known.
    pub disagrees: Option<bool>,
    /// How they differ, in one sentence; null where they do not.
    pub disagreement: Option<String>,
    /// Dollars per hour for devices that are requested and do nothing; null while that is not known.
    pub idle_usd_per_hour: Option<Usd>,
    /// What told the utilization; null where nothing did.
    pub source: Option<ExporterKind>,
    /// When it told it.
    pub as_of: Option<Stamp>,
    /// How the devices are read.
    pub exporter: Exporter,
    /// Each device, by index and MIG instance; only with `--gpu-detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<Device>>,
}

/// One accelerator resource of a Node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GpuResource {
    /// The extended resource, or the driver of Dynamic Resource Allocation.
    pub resource: Text,
    /// Units in capacity; devices of a driver, or their boards where devices overlap.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units that its pods request; devices of a driver that have been allocated.
    pub requested: Option<i64>,
    /// The same in physical devices, to a thousandth; null where nothing tells what a unit is of a device.
    pub physical_requested: Option<Devices>,
}

/// Physical devices by class; their sum is `physical`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ByClass {
    /// Requested, and busy.
    pub busy: i64,
    /// Requested, and neither busy nor holding memory.
    pub idle: i64,
    /// Requested, holding memory, and not busy.
    pub parked: i64,
    /// Used by something that has not requested it.
    pub rogue: i64,
    /// Requested by no pod.
    pub unallocated: i64,
    /// What it is doing is not known.
    pub unknown: i64,
}

/// The exporter of metrics on a Node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exporter {
    /// Whether it can be read.
    pub state: ExporterState,
    /// The format of its metrics.
    pub kind: Option<ExporterKind>,
    /// Namespace of its pod.
    pub namespace: Option<Text>,
    /// Its pod.
    pub pod: Option<Text>,
    /// When it last told of devices.
    pub as_of: Option<Stamp>,
    /// What is wrong or odd.
    pub message: Option<String>,
}

/// One board, or one MIG instance of a board.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Identity of the board.
    pub uuid: Text,
    /// Number of the board on its Node.
    pub index: Option<u32>,
    /// Model of the board.
    pub model: Option<Text>,
    /// Profile of the MIG instance.
    pub mig_profile: Option<Text>,
    /// Number of the MIG instance on its board.
    pub mig_instance_id: Option<u32>,
    /// What it does.
    pub class: GpuClass,
    /// How busy it was.
    pub utilization_percent: Option<Percent>,
    /// Memory in use.
    pub memory_used_bytes: Option<u64>,
    /// Memory that it has.
    pub memory_total_bytes: Option<u64>,
    /// Power that it draws, in watts.
    pub power_watts: Option<Watts>,
    /// Its temperature.
    pub temperature_celsius: Option<i16>,
    /// The last XID error of NVIDIA's driver; 0 for none.
    pub xid: Option<u32>,
    /// The pods that have it, as its exporter tells.
    pub pods: Vec<DevicePod>,
}

/// A container that has been given a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevicePod {
    /// Namespace of the pod.
    pub namespace: Text,
    /// Name of the pod.
    pub name: Text,
    /// Name of the container.
    pub container: Option<Text>,
}

/// The accelerators of a pod.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodGpu {
    /// Units that it requests, devices that it claims, and parts that it takes of shared devices, to a thousandth. Devices
    /// that several pods claim together are divided between them; a pod that reserves a device for others requests none.
    pub requested: Devices,
    /// Mean utilization of its devices; null where no exporter says which they are.
    pub utilization_percent: Option<Percent>,
    /// Memory in use of its devices.
    pub memory_used_bytes: Option<u64>,
    /// What its devices do.
    pub class: Option<GpuClass>,
    /// Whether other pods have one of its devices, too: the figures are then those of the device.
    pub shared: bool,
    /// What told the utilization.
    pub source: Option<ExporterKind>,
    /// When it told it.
    pub as_of: Option<Stamp>,
}

/// The accelerators of the pods of a Job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobGpu {
    /// What its pods request or claim and have a Node for, to a thousandth; null while not all pods are known.
    pub held: Option<Devices>,
    /// Mean utilization of their devices; null where no exporter tells it.
    pub utilization_percent: Option<Percent>,
    /// Seconds for which they were busy since batchtop started, one for each unit; null where nothing has told it.
    pub busy_gpu_seconds: Option<i64>,
    /// Seconds for which they were held since batchtop started; null before it has watched for a minute.
    pub held_gpu_seconds: Option<i64>,
}

pub(super) fn of_node(
    app: &App,
    disruption: &Disruption,
    detail: GpuDetail,
    row: &NodeRow,
    picture: &NodePicture,
) -> Option<Gpu> {
    let found = picture.gpu.as_ref()?;
    let state = app.insights.gpus.of_node(&row.meta.key.name)?;
    let activity = &state.activity;
    let told = app.fleet.gpus.of_node(&row.meta.key.name);
    let known = Completeness::new(&app.sources);
    // What claims have is known only with them.
    let is_claimed = found.sharing == gpu::Sharing::Dra;
    let are_pods_known = known.all(Kind::Pod) && (!is_claimed || known.all(Kind::ResourceClaim));
    let is_priced = are_pods_known && picture.cost.rate().is_some() && found.advertised > 0;
    let disagreement = Disagreement::of(disruption, found, activity, CpuShare::of(row, picture));
    let (source, as_of) = provenance(activity);
    Some(Gpu {
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
        utilization_percent: activity.utilization.map(Percent),
        memory_used_bytes: activity.memory_used_bytes,
        memory_total_bytes: activity.memory_total_bytes,
        class: activity.class.into(),
        class_reason: activity.reason.machine_text(),
        class_since: activity.since.map(Stamp),
        by_class: activity.by_class.map(by_class),
        disagrees: match disagreement {
            Disagreement::Unknown => None,
            Disagreement::None => Some(false),
            Disagreement::Because(_) => Some(true),
        },
        disagreement: match disagreement {
            Disagreement::Because(sentence) => Some(sentence.machine_text()),
            Disagreement::Unknown | Disagreement::None => None,
        },
        idle_usd_per_hour: state.idle_rate.map(Usd),
        source,
        as_of,
        exporter: exporter(&activity.exporter),
        devices: (detail == GpuDetail::Devices)
            .then(|| activity.each_device(told).map(|(reading, device)| self::device(reading, device)).collect()),
    })
}

/// What told the figures of a Node's devices, and when; nothing where there are none.
fn provenance(activity: &NodeActivity) -> (Option<ExporterKind>, Option<Stamp>) {
    let exporter = activity.exporter.exporter.as_ref().filter(|_| !activity.devices.is_empty());
    (exporter.map(|exporter| exporter.kind.into()), activity.exporter.as_of.filter(|_| exporter.is_some()).map(Stamp))
}

fn by_class(counts: gpu::ByClass) -> ByClass {
    ByClass {
        busy: counts.get(gpu::GpuClass::Busy),
        idle: counts.get(gpu::GpuClass::Idle),
        parked: counts.get(gpu::GpuClass::Parked),
        rogue: counts.get(gpu::GpuClass::Rogue),
        unallocated: counts.get(gpu::GpuClass::Unallocated),
        unknown: counts.get(gpu::GpuClass::Unknown),
    }
}

fn exporter(status: &ExporterStatus) -> Exporter {
    let exporter = status.exporter.as_ref();
    Exporter {
        state: status.state.into(),
        kind: exporter.map(|exporter| exporter.kind.into()),
        namespace: exporter.map(|exporter| text(&exporter.pod.namespace)),
        pod: exporter.map(|exporter| text(&exporter.pod.name)),
        as_of: status.as_of.map(Stamp),
        message: status.message.as_ref().map(Sentence::machine_text),
    }
}

fn device(reading: &DeviceReading, activity: Option<&DeviceActivity>) -> Device {
    let pods = reading.holders.iter().map(|holder| DevicePod {
        namespace: text(&holder.pod.namespace),
        name: text(&holder.pod.name),
        container: maybe_text(holder.container.as_ref()),
    });
    Device {
        uuid: text(&reading.uuid),
        index: reading.index,
        model: maybe_text(reading.model.as_ref()),
        mig_profile: reading.mig.as_ref().map(|mig| text(&mig.profile)),
        mig_instance_id: reading.mig.as_ref().map(|mig| mig.id),
        class: activity.map_or(gpu::GpuClass::Unknown, |activity| activity.class).into(),
        utilization_percent: reading.utilization.map(Percent),
        memory_used_bytes: reading.memory_used_bytes,
        memory_total_bytes: reading.memory_total_bytes,
        power_watts: reading.power_milliwatts.map(Watts),
        temperature_celsius: reading.temperature_celsius,
        xid: reading.xid,
        pods: pods.collect(),
    }
}

/// Of a pod; `None` where it requests none.
pub(super) fn of_pod(app: &App, row: &PodRow) -> Option<PodGpu> {
    let requested = gpu::requested_by(&app.fleet, row);
    if requested.0 == 0 && row.requests.gpu_total() == 0 {
        return None;
    }
    let node = row.node.as_ref().filter(|_| row.holds_resources());
    let activity = node.and_then(|name| app.insights.gpus.of_node(name)).map(|state| &state.activity);
    let found = app.insights.gpus.of_pod(&app.fleet, row).unwrap_or_default();
    let (source, as_of) = activity.filter(|_| found.utilization.is_some()).map_or((None, None), provenance);
    Some(PodGpu {
        requested: Devices(requested),
        utilization_percent: found.utilization.map(Percent),
        memory_used_bytes: found.memory_used_bytes,
        class: found.class.map(Into::into),
        shared: found.is_shared,
        source,
        as_of,
    })
}

/// A document that is written once is made within seconds, which say nothing of a Job.
const SHORTEST_SECONDS: i64 = 60;

/// Of a Job; `None` where its pods request none.
pub(super) fn of_job(app: &App, known: &Completeness<'_>, row: &JobRow) -> Option<JobGpu> {
    let wants_gpus =
        row.requests.gpu_total() > 0 || app.insights.picture.job(row).is_some_and(|job| job.gpu_requested.0 > 0);
    if !wants_gpus {
        return None;
    }
    let pods = app.fleet.pods_of_job(&row.meta.uid);
    let bound = pods.filter(|pod| pod.holds_resources() && pod.node.is_some());
    let is_long = |seconds: &&GpuSeconds| app.now.seconds_since(seconds.began()) >= SHORTEST_SECONDS;
    let seconds = app.insights.gpus.seconds_of_job(&row.meta.uid).filter(is_long);
    let held = bound.fold(gpu::Thousandths::default(), |sum, pod| sum.plus(gpu::requested_by(&app.fleet, pod)));
    Some(JobGpu {
        held: known.in_namespace(Kind::Pod, &row.meta.key.namespace).then_some(Devices(held)),
        utilization_percent: app.insights.gpus.utilization_of_job(&app.fleet, &row.meta.uid).map(Percent),
        busy_gpu_seconds: seconds.and_then(GpuSeconds::busy),
        held_gpu_seconds: seconds.map(GpuSeconds::held).filter(|held| *held > 0),
    })
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
