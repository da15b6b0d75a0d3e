//! Devices that KAI's scheduler shares: a pod of its own reserves a device, and others take parts of it without a request.

use super::partition::Thousandths;
use crate::fleet::{Fleet, GpuPart, NodeRow, PodRow, Sym};

/// The namespace of pods that reserve devices, and how their names begin (kai pkg/common/constants/constants.go and
/// pkg/binder/binding/resourcereservation/resource_reservation.go).
const RESERVATIONS: &str = "kai-resource-reservation";
const RESERVATION: &str = "gpu-reservation-";

/// The label that pods with parts of one device have in common with the one that reserves it.
const GROUP: &str = "runai-gpu-group";

/// Whether a pod reserves a device for others. KAI may have been given another namespace for them.
pub(super) fn is_reservation(pod: &PodRow) -> bool {
    let key = &pod.meta.key;
    key.name.starts_with(RESERVATION) && (key.namespace == RESERVATIONS || group(pod).is_some())
}

fn group(pod: &PodRow) -> Option<&Sym> {
    pod.labels.get(GROUP)
}

/// What a pod takes of devices without a request. What memory is of a device is known only on a Node that tells its own.
pub(super) fn part_of(fleet: &Fleet, pod: &PodRow) -> Thousandths {
    let Some(fraction) = &pod.requests.fraction else { return Thousandths(0) };
    let of_one = match fraction.part {
        GpuPart::Thousandths(part) => part,
        GpuPart::MemoryMib(memory) => {
            let node = pod.node.as_ref().and_then(|name| fleet.node(name));
            let whole = node.and_then(NodeRow::gpu_memory_mib);
            whole.map_or(0, |whole| memory.saturating_mul(1_000).saturating_add(whole / 2) / whole)
        }
    };
    Thousandths(of_one.clamp(0, 1_000).saturating_mul(fraction.devices.max(0)))
}

/// Whether other pods on its Node take parts of the same device.
pub fn shares_with_others(fleet: &Fleet, pod: &PodRow) -> bool {
    let Some((node, group)) = pod.node.as_ref().zip(group(pod)) else { return false };
    let others = fleet.pods_on(node).filter(|other| other.holds_resources() && other.meta.uid != pod.meta.uid);
    others.filter(|other| !is_reservation(other)).any(|other| self::group(other) == Some(group))
}

/// The pod that reserves the device of which another on its Node takes a part.
pub fn reservation_of<'a>(fleet: &'a Fleet, pod: &PodRow) -> Option<&'a PodRow> {
    pod.requests.fraction.as_ref()?;
    let (node, group) = (pod.node.as_ref()?, group(pod)?);
    let mut others = fleet.pods_on(node).filter(|other| other.holds_resources());
    others.find(|other| is_reservation(other) && self::group(other) == Some(group))
}
