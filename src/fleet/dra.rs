//! Dynamic Resource Allocation: what drivers advertise, and which devices are claimed.

use std::sync::Arc;

use super::table::rows;
use super::{Meta, Owner, Sym, Uid, is_gpu_resource};

/// The drivers whose devices are accelerators, whatever their attributes say, each with the domain under which the device
/// plugin of the same maker advertises them.
///
/// Of any other driver a device is an accelerator if its attribute `type` says so ([`DeviceKind::of_any_driver`]). What
/// gives interfaces of a network (`dra.net`) or channels between devices (`compute-domain.nvidia.com`) is neither.
/// Sources: the drivers' repositories and manuals (kubernetes-sigs/dra-driver-nvidia-gpu, ROCm/k8s-gpu-dra-driver,
/// intel/intel-resource-drivers-for-kubernetes, kubernetes-sigs/dra-driver-google-tpu, AWS Neuron).
pub const ACCELERATOR_DRIVERS: [(&str, &str); 6] = [
    ("gpu.nvidia.com", "nvidia.com"),
    ("gpu.amd.com", "amd.com"),
    ("neuron.aws.com", "aws.amazon.com"),
    ("tpu.google.com", "google.com"),
    ("gpu.intel.com", "gpu.intel.com"),
    ("gaudi.intel.com", "habana.ai"),
];

/// Whether all devices of a driver are accelerators.
pub fn is_accelerator_driver(name: &str) -> bool {
    ACCELERATOR_DRIVERS.iter().any(|(driver, _)| *driver == name)
}

/// What a device is of a board.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceKind {
    /// All of it.
    Board,
    /// A part that the hardware splits off.
    Part,
    /// All of it, for a virtual machine; the same board is there as [`DeviceKind::Board`], too.
    Passthrough,
}

impl DeviceKind {
    /// By the attribute `type` of a device of one of [`ACCELERATOR_DRIVERS`]; most of them write none or one of their own.
    pub fn of_accelerator(kind: &str) -> Self {
        match kind {
            "mig" | "amdgpu-partition" => Self::Part,
            "vfio" => Self::Passthrough,
            _ => Self::Board,
        }
    }

    /// By the attribute `type` of a device of another driver; `None` where it is no accelerator.
    pub fn of_any_driver(kind: &str) -> Option<Self> {
        match kind {
            "gpu" => Some(Self::Board),
            "mig" => Some(Self::Part),
            _ => None,
        }
    }
}

/// One accelerator in a ResourceSlice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SliceDevice {
    /// `name`, unique in its pool.
    pub name: Sym,
    /// What it is of a board.
    pub kind: DeviceKind,
    /// What tells its board from others: attribute `uuid`, of a part `parentUUID`, else the address on the PCI bus.
    pub board: Option<Sym>,
    /// Attribute `profile`, for example `1g.10gb`.
    pub profile: Option<Sym>,
    /// Attribute `productName`.
    pub model: Option<Sym>,
    /// `nodeName`, where each device of the slice has its own.
    pub node: Option<Sym>,
    /// Whether a taint keeps pods off it: effect `NoSchedule` or `NoExecute`.
    pub is_tainted: bool,
}

/// A pool of devices: names of pools are unique for one driver only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PoolKey {
    /// The driver.
    pub driver: Sym,
    /// The pool.
    pub pool: Sym,
}

/// One resource.k8s.io ResourceSlice: a part of what a driver advertises.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceSliceRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// `spec.driver` and `spec.pool.name`.
    pub pool: PoolKey,
    /// `spec.pool.generation`: slices of an older one are outdated.
    pub generation: i64,
    /// `spec.pool.resourceSliceCount`: how many slices of this generation there are when all are written.
    pub slice_count: i64,
    /// `spec.nodeName`.
    pub node: Option<Sym>,
    /// Whether there are `spec.sharedCounters`: devices of the pool overlap.
    pub has_shared_counters: bool,
    /// Those of `spec.devices` that are accelerators.
    pub devices: Box<[SliceDevice]>,
}

impl ResourceSliceRow {
    /// The Node that has a device of the slice; `None` where several can reach it.
    pub fn node_of<'a>(&'a self, device: &'a SliceDevice) -> Option<&'a Sym> {
        self.node.as_ref().or(device.node.as_ref())
    }

    /// The Nodes that have devices of the slice, some of them perhaps more than once.
    pub fn nodes(&self) -> impl Iterator<Item = &Sym> {
        self.node.iter().chain(self.devices.iter().filter_map(|device| device.node.as_ref()))
    }
}

/// A device that has been allocated to a claim.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ClaimedDevice {
    /// `driver` and `pool`.
    pub pool: PoolKey,
    /// `device`.
    pub device: Sym,
    /// `shareID`, where several claims may have the device.
    pub share: Option<Sym>,
}

/// A request of a claim to which nothing has been allocated yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClassRequest {
    /// `deviceClassName`, of several alternatives that of the first.
    pub class: Sym,
    /// `count`; zero for all devices that there are, for nobody knows how many these will be.
    pub count: i64,
}

/// A pod that may use what a claim has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consumer {
    /// Its name.
    pub name: Sym,
    /// Its uid.
    pub uid: Uid,
}

/// One resource.k8s.io ResourceClaim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResourceClaimRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// The pod for which it was made of a template.
    pub owner: Option<Arc<Owner>>,
    /// `spec.devices.requests`, while nothing has been allocated.
    pub requests: Box<[ClassRequest]>,
    /// `status.allocation.devices.results`, without those for administration (`adminAccess`), which take nothing away.
    pub devices: Box<[ClaimedDevice]>,
    /// The pods of `status.reservedFor`.
    pub reserved_for: Box<[Consumer]>,
}

impl ResourceClaimRow {
    /// The pods that share in what it has: those for which it is reserved, else the one for which it was made.
    pub fn consumers(&self) -> impl Iterator<Item = (&Sym, &Uid)> {
        let owner = self.owner.as_deref().filter(|owner| self.reserved_for.is_empty() && owner.kind == "Pod");
        let reserved = self.reserved_for.iter().map(|pod| (&pod.name, &pod.uid));
        reserved.chain(owner.map(|owner| (&owner.name, &owner.uid)))
    }
}

/// One resource.k8s.io DeviceClass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceClassRow {
    /// Key, uid and times, from `metadata`.
    pub meta: Meta,
    /// Whether its devices are accelerators: it stands for their extended resource, or selects their driver.
    pub is_accelerator: bool,
}

/// What the extended resource that stands for a DeviceClass begins with (kubernetes
/// staging/src/k8s.io/api/resource/v1/types.go, `ResourceDeviceClassPrefix`).
pub const DEVICE_CLASS_RESOURCE: &str = "deviceclass.resource.kubernetes.io/";

impl DeviceClassRow {
    /// By `spec.extendedResourceName` and the CEL expressions of `spec.selectors`, of which only literals are looked at.
    pub fn tells_accelerators<'a>(resource: Option<&str>, mut selectors: impl Iterator<Item = &'a str>) -> bool {
        let names_driver = |expression: &str| {
            let mut literals = expression.split(['"', '\'']).skip(1).step_by(2);
            literals.any(is_accelerator_driver)
        };
        resource.is_some_and(is_gpu_resource) || selectors.any(names_driver)
    }
}

rows!(ResourceSliceRow, ResourceClaimRow, DeviceClassRow);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accelerators_are_told_by_driver_or_by_type() {
        assert!(is_accelerator_driver("gpu.nvidia.com") && is_accelerator_driver("tpu.google.com"));
        for no in ["compute-domain.nvidia.com", "dra.net", "dra.cpu", "nvidia.com", ""] {
            assert!(!is_accelerator_driver(no), "{no}");
        }
        assert_eq!(DeviceKind::of_any_driver("gpu"), Some(DeviceKind::Board));
        assert_eq!(DeviceKind::of_any_driver("mig"), Some(DeviceKind::Part));
        assert_eq!([DeviceKind::of_any_driver("nic"), DeviceKind::of_any_driver("")], [None, None]);
        assert_eq!(DeviceKind::of_accelerator("amdgpu"), DeviceKind::Board);
        assert_eq!(DeviceKind::of_accelerator("amdgpu-partition"), DeviceKind::Part);
        assert_eq!(DeviceKind::of_accelerator("vfio"), DeviceKind::Passthrough);
    }

    #[test]
    fn a_device_class_tells_accelerators_by_its_resource_or_its_driver() {
        let tells = |resource: Option<&str>, selector: &str| {
            DeviceClassRow::tells_accelerators(resource, std::iter::once(selector))
        };
        assert!(tells(Some("nvidia.com/gpu"), "true"));
        assert!(tells(None, "device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].type == 'gpu'"));
        assert!(tells(None, r#"device.driver == "gpu.intel.com""#));
        assert!(!tells(None, "device.driver == 'compute-domain.nvidia.com'"));
        assert!(!tells(Some("example.com/nic"), "device.driver == 'dra.net'"));
    }
}
