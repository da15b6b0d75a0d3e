//! Why the accelerators of a Node are of their class, in one sentence.

use super::activity::{ActivityInput, DeviceActivity};
use super::class::GpuClass;
use super::exporter::{ExporterState, ExporterStatus};
use super::summary::DevicePlugin;
use crate::fleet::DeviceReading;
use crate::insight::relation;
use crate::insight::sentence::{Part, Sentence, plural, sentence};

pub(super) fn of(
    class: GpuClass,
    input: ActivityInput<'_>,
    readings: &[DeviceReading],
    devices: &[DeviceActivity],
    exporter: &ExporterStatus,
) -> Sentence {
    let held = devices.iter().filter(|device| device.is_held).count();
    let count = |class| devices.iter().filter(|device| device.class == class).count();
    let of_held = |class, does: &'static str| sentence![count(class), " of ", plural(held, "requested device"), does];
    match class {
        GpuClass::Unknown => unknown(input, readings, devices, exporter),
        GpuClass::Rogue => sentence![plural(count(class), "device"), " in use that no pod requests"],
        GpuClass::Busy => of_held(class, " busy"),
        GpuClass::Parked => of_held(class, " not busy, with memory in use"),
        GpuClass::Idle => of_held(class, " idle"),
        GpuClass::Stranded => {
            let keepers = input.pods.iter().filter(|pod| relation::keeps_node(pod)).count();
            sentence!["no pod requests a device, and ", plural(keepers, "pod"), " without keep the node"]
        }
        GpuClass::Unallocated => Sentence::of("no pod requests a device"),
    }
}

fn unknown(
    input: ActivityInput<'_>,
    readings: &[DeviceReading],
    devices: &[DeviceActivity],
    exporter: &ExporterStatus,
) -> Sentence {
    if input.gpu.device_plugin == DevicePlugin::NotRegistered {
        return Sentence::of("no device plugin has registered the devices");
    }
    if !input.are_pods_known {
        return Sentence::of("not all pods are known");
    }
    if devices.iter().any(|device| device.is_held) {
        let grace = Part::Seconds(input.thresholds.grace_seconds);
        let mut held = readings.iter().zip(devices).filter(|(_, device)| device.is_held);
        return if held.any(|(reading, _)| reading.utilization.is_some()) {
            sentence!["the pods that request devices started less than ", grace, " ago"]
        } else {
            Sentence::of("the exporter does not tell how busy the requested devices are")
        };
    }
    let why = exporter.message.clone();
    match exporter.state {
        ExporterState::None => Sentence::of("no exporter of GPU metrics runs on the node"),
        ExporterState::Pending => Sentence::of("the exporter of GPU metrics has not answered yet"),
        ExporterState::Forbidden => {
            sentence!["batchtop may not read the exporter of GPU metrics: ", why.unwrap_or_default()]
        }
        ExporterState::Failed => sentence!["the exporter of GPU metrics cannot be read: ", why.unwrap_or_default()],
        ExporterState::Live | ExporterState::NoPodLabels | ExporterState::Stale => {
            Sentence::of("the exporter tells of no device that a pod requests")
        }
    }
}
