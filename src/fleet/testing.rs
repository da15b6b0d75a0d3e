//! Objects of Dynamic Resource Allocation for unit tests.

use super::{
    ClaimedDevice, Consumer, DeviceKind, PodRow, PoolKey, ResourceClaimRow, ResourceSliceRow, SliceDevice, Sym,
};
use crate::rows;
use crate::units::Time;

/// When everything was created.
const CREATED: Time = Time::from_seconds(1_790_000_000);

/// The only slice of NVIDIA's driver for a Node, whose pool is named after it.
pub(crate) fn slice(node: &str, devices: Vec<SliceDevice>) -> ResourceSliceRow {
    ResourceSliceRow {
        meta: rows::meta("", &format!("{node}-gpu"), CREATED),
        pool: pool_key(node),
        generation: 1,
        slice_count: 1,
        node: Some(Sym::new(node)),
        has_shared_counters: false,
        devices: devices.into(),
    }
}

/// The pool of NVIDIA's driver on a Node.
pub(crate) fn pool_key(node: &str) -> PoolKey {
    PoolKey { driver: Sym::new("gpu.nvidia.com"), pool: Sym::new(node) }
}

/// A whole board of its own, untainted.
pub(crate) fn slice_device(name: &str) -> SliceDevice {
    SliceDevice {
        name: Sym::new(name),
        kind: DeviceKind::Board,
        board: Some(Sym::new(&format!("GPU-{name}"))),
        profile: None,
        model: None,
        node: None,
        is_tainted: false,
    }
}

/// A claim that has these devices of a Node's pool, and is reserved for these pods of its namespace.
pub(crate) fn resource_claim(name: &str, node: &str, devices: &[&str], pods: &[&PodRow]) -> ResourceClaimRow {
    let device = |name: &&str| ClaimedDevice { pool: pool_key(node), device: Sym::new(name), share: None };
    let consumer = |pod: &&PodRow| Consumer { name: pod.meta.key.name.clone(), uid: pod.meta.uid.clone() };
    ResourceClaimRow {
        meta: rows::meta("ml", name, CREATED),
        owner: None,
        requests: Box::default(),
        devices: devices.iter().map(device).collect(),
        reserved_for: pods.iter().map(consumer).collect(),
    }
}
