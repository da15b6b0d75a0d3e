//! The accelerators of a Node in numbers.

use std::collections::BTreeSet;

use super::dra::{DraDevices, DriverDevices};
use super::hardware::{self, Sharing, Vendor};
use super::partition::{self, Boards, Devices, Thousandths};
use crate::fleet::{Accelerator, NodeRow, Resources, Sym};

/// One accelerator resource of a Node, in the units it is advertised in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuResource {
    /// The extended resource, or the driver of Dynamic Resource Allocation.
    pub resource: Sym,
    /// `status.capacity`; of a driver the devices in complete pools, or their boards where devices overlap.
    pub advertised: i64,
    /// `status.allocatable`, at most what is advertised; of a driver what no taint keeps pods off.
    pub allocatable: i64,
    /// What the pods on the Node that have not finished request; of a driver the devices that claims have.
    pub requested: i64,
    /// The same in devices; `None` where nothing tells what a unit is of a device.
    pub physical_requested: Option<Thousandths>,
}

/// Whether the devices of a Node have been handed to Kubernetes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DevicePlugin {
    /// What there is can be allocated.
    Ready,
    /// The hardware is there, and nothing advertises it: the plugin has not come up, or has gone.
    NotRegistered,
    /// Some of what is advertised cannot be allocated.
    Unhealthy,
}

/// The accelerators of a Node together.
///
/// Sums over all its resources: a device is advertised under one name only, be it whole, shared or split. The exception
/// is AWS Neuron, which advertises the same devices as devices and as cores: only devices count, unless pods request only
/// cores. Where a driver of Dynamic Resource Allocation advertises devices, extended resources of the same vendor count only
/// as far as pods request them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeGpu {
    /// The extended resource of which most units are advertised; the driver, where there is one of Dynamic Resource
    /// Allocation.
    pub resource: Sym,
    /// Vendor of the accelerators.
    pub vendor: Vendor,
    /// The model, where a label or the instance type names it.
    pub model: Option<Sym>,
    /// Devices, where known.
    pub physical: Option<i64>,
    /// Units that are advertised.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units requested by the pods on it that have not finished.
    pub requested: i64,
    /// The same in devices; `None` where of one resource nothing tells what a unit is of a device.
    pub physical_requested: Option<Thousandths>,
    /// How devices are shared.
    pub sharing: Sharing,
    /// Whether the device plugin has come up.
    pub device_plugin: DevicePlugin,
    /// The resources that count, by name.
    pub resources: Vec<GpuResource>,
}

/// What tells of the accelerators of a Node.
#[derive(Clone, Copy)]
pub struct NodeHardware<'a> {
    /// The Node.
    pub node: &'a NodeRow,
    /// What the pods on it request that have not finished.
    pub requested: &'a Resources,
    /// What its NodeClaim promises.
    pub promised: Option<&'a Resources>,
    /// What EC2 says of its instance type.
    pub accelerator: Option<&'a Accelerator>,
    /// What drivers of Dynamic Resource Allocation have on it.
    pub dra: Option<&'a DraDevices>,
}

impl NodeGpu {
    /// Of a Node; `None` where no accelerator is mentioned anywhere.
    pub fn of(known: NodeHardware<'_>) -> Option<Self> {
        let NodeHardware { node, promised, accelerator, dra, .. } = known;
        let units = counted(units(known));
        let drivers = dra.map_or(&[][..], |dra| &dra.drivers);
        let units = beside(drivers, units);
        let largest = units.iter().max_by_key(|units| (units.is_of_driver(), units.advertised, units.requested))?;
        let names: Vec<Sym> = units.iter().map(|units| units.resource.clone()).collect();
        let sharing = if dra.is_some() { Sharing::Dra } else { Sharing::of(node, &names) };
        let resource = largest.resource.clone();
        let model =
            hardware::model(node, &resource).or_else(|| Some(accelerator?.name.clone())).or_else(|| dra?.model.clone());
        let advertised = sum(&units, |units| units.advertised);
        let allocatable = sum(&units, |units| units.allocatable);
        let requested = sum(&units, |units| units.requested);
        let promised = promised.map_or(0, |promised| promised.gpu(&resource));
        let whole = if advertised == 0 && sharing == Sharing::None { promised } else { advertised };
        let of_instance_type = accelerator.map(|found| i64::from(found.count));
        let boards = dra.and_then(|dra| dra.boards);
        let physical = hardware::physical(node, sharing, (of_instance_type, boards), (&resource, whole));
        let has_hardware = physical.is_some_and(|physical| physical > 0) || hardware::is_labelled(node);
        let devices = Devices { node, sharing, physical, model: model.as_deref() };
        let requested_boards: Vec<Option<Boards>> = units.iter().map(|units| units.boards_requested(devices)).collect();
        let all_boards = requested_boards.iter().try_fold(Boards::NONE, |sum, one| one.map(|boards| sum.plus(boards)));
        let resources = units.into_iter().zip(requested_boards);
        let resources = resources.map(|(units, boards)| units.in_boards(boards)).collect();
        Some(Self {
            vendor: Vendor::of(&resource),
            advertised,
            allocatable,
            requested,
            physical_requested: all_boards.map(Boards::thousandths),
            device_plugin: DevicePlugin::of(advertised, allocatable, has_hardware).or_tainted(dra),
            resource,
            model,
            physical,
            sharing,
            resources,
        })
    }
}

impl NodeGpu {
    /// Whether there is one device, which several pods may share.
    pub const fn is_only_device_shared(&self) -> bool {
        matches!(self.sharing, Sharing::TimeSlicing | Sharing::Mps) && matches!(self.physical, Some(1))
    }
}

impl DevicePlugin {
    fn of(advertised: i64, allocatable: i64, has_hardware: bool) -> Self {
        match advertised {
            0 if has_hardware => Self::NotRegistered,
            _ if allocatable < advertised => Self::Unhealthy,
            _ => Self::Ready,
        }
    }

    /// A taint on a part of a board leaves the board as it is, and is told all the same.
    fn or_tainted(self, dra: Option<&DraDevices>) -> Self {
        let is_tainted = dra.is_some_and(|dra| dra.is_any_tainted);
        if is_tainted && self == Self::Ready { Self::Unhealthy } else { self }
    }
}

/// Units of one resource.
struct Units {
    resource: Sym,
    advertised: i64,
    allocatable: i64,
    requested: i64,
    told: Told,
}

/// What tells of units, and of what they are of a device.
#[derive(Clone, Copy)]
enum Told {
    /// The Node and the requests of its pods; the rest follows from the name.
    ByNode,
    /// A driver of Dynamic Resource Allocation, which says how many devices are requested.
    ByDriver(Option<Boards>),
}

impl Units {
    fn of(known: NodeHardware<'_>, resource: &Sym) -> Self {
        let advertised = known.node.capacity.gpu(resource).max(0);
        Self {
            resource: resource.clone(),
            advertised,
            allocatable: known.node.allocatable.gpu(resource).clamp(0, advertised),
            requested: known.requested.gpu(resource).max(0),
            told: Told::ByNode,
        }
    }

    fn of_driver(devices: &DriverDevices) -> Self {
        Self {
            resource: devices.driver.clone(),
            advertised: devices.advertised,
            allocatable: devices.allocatable,
            requested: devices.requested,
            told: Told::ByDriver(devices.physical_requested),
        }
    }

    const fn is_of_driver(&self) -> bool {
        matches!(self.told, Told::ByDriver(_))
    }

    const fn is_used(&self) -> bool {
        self.advertised > 0 || self.requested > 0
    }

    /// What is requested, in devices; `None` where nothing tells what a unit is of a device.
    fn boards_requested(&self, known: Devices<'_>) -> Option<Boards> {
        match self.told {
            Told::ByNode => partition::devices(known, &self.resource, self.advertised, self.requested),
            Told::ByDriver(requested) => requested,
        }
    }

    fn in_boards(self, boards: Option<Boards>) -> GpuResource {
        let Self { resource, advertised, allocatable, requested, .. } = self;
        let physical_requested = boards.map(Boards::thousandths);
        GpuResource { resource, advertised, allocatable, requested, physical_requested }
    }
}

fn sum(units: &[Units], count: fn(&Units) -> i64) -> i64 {
    units.iter().fold(0, |sum, units| sum.saturating_add(count(units)))
}

/// Every accelerator resource that a Node, its NodeClaim, its pods or, where none of them does, its labels or its instance type
/// mention, by name.
fn units(known: NodeHardware<'_>) -> Vec<Units> {
    let NodeHardware { node, requested, promised, accelerator, .. } = known;
    let mentions = [Some(&node.capacity), Some(&node.allocatable), Some(requested), promised];
    let names: BTreeSet<&Sym> =
        mentions.into_iter().flatten().flat_map(|all| &all.gpus).map(|gpu| &gpu.resource).collect();
    let mentioned: Vec<Units> = names.into_iter().map(|name| Units::of(known, name)).collect();
    if !mentioned.is_empty() {
        return mentioned;
    }
    let expected = hardware::expected_resource(node, accelerator);
    expected.map(|name| Units::of(known, &Sym::new(name))).into_iter().collect()
}

/// The resources that count towards the sum: those in use, or the first where none is; of Neuron one view.
fn counted(mut units: Vec<Units>) -> Vec<Units> {
    if units.iter().any(Units::is_used) {
        units.retain(Units::is_used);
    } else {
        units.truncate(1);
    }
    let view = neuron_view(&units);
    units.retain(|units| Vendor::of(&units.resource) != Vendor::Aws || Some(&units.resource) == view.as_ref());
    units
}

/// Drivers of Dynamic Resource Allocation, and what else counts, by name: of the same vendor only what pods request, which
/// would be the same devices under another name; of others what is in use.
fn beside(drivers: &[DriverDevices], mut units: Vec<Units>) -> Vec<Units> {
    if drivers.is_empty() {
        return units;
    }
    let has_driver = |vendor| drivers.iter().any(|one| Vendor::of(&one.driver) == vendor);
    let is_other = |units: &Units| units.advertised > 0 && !has_driver(Vendor::of(&units.resource));
    units.retain(|units| units.requested > 0 || is_other(units));
    units.extend(drivers.iter().map(Units::of_driver));
    units.sort_by(|one, other| one.resource.cmp(&other.resource));
    units
}

const NEURON: &str = "aws.amazon.com/neuron";

/// The one name under which devices of Neuron count: as devices, unless pods request only something else.
fn neuron_view(units: &[Units]) -> Option<Sym> {
    let views = units.iter().filter(|units| Vendor::of(&units.resource) == Vendor::Aws);
    let view = views.min_by_key(|units| (units.requested == 0, units.resource != NEURON));
    view.map(|units| units.resource.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::insight::testing::{labels, node, resources};

    fn gpu_node(capacity: &[(&str, i64)], allocatable: &[(&str, i64)], with: &[(&str, &str)]) -> NodeRow {
        let (capacity, allocatable) = (resources(0, 0, capacity), resources(0, 0, allocatable));
        NodeRow { capacity, allocatable, labels: labels(with), ..node("a") }
    }

    fn gpus(node: &NodeRow, requested: &[(&str, i64)], promised: Option<&Resources>) -> Option<NodeGpu> {
        let requested = resources(0, 0, requested);
        NodeGpu::of(NodeHardware { node, requested: &requested, promised, accelerator: None, dra: None })
    }

    fn seen(node: &NodeRow, requested: &[(&str, i64)]) -> (String, Option<i64>, i64, i64, i64, Sharing) {
        let gpu = gpus(node, requested, None).expect("accelerators");
        (gpu.resource.to_string(), gpu.physical, gpu.advertised, gpu.allocatable, gpu.requested, gpu.sharing)
    }

    const GPU: &str = "nvidia.com/gpu";

    #[test]
    fn unshared_gpus_are_counted_as_whole_devices() {
        let node = gpu_node(&[(GPU, 8)], &[(GPU, 7)], &[("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3")]);
        assert_eq!(seen(&node, &[(GPU, 4)]), (GPU.to_owned(), Some(8), 8, 7, 4, Sharing::None));
        let gpu = gpus(&node, &[], None).expect("accelerators");
        assert_eq!((gpu.vendor, gpu.model.as_deref()), (Vendor::Nvidia, Some("NVIDIA-H100-80GB-HBM3")));
    }

    #[test]
    fn a_node_without_accelerators_has_no_gpu_summary() {
        assert_eq!(gpus(&node("a"), &[], None), None);
    }

    #[test]
    fn accelerators_promised_by_the_node_claim_count_before_the_device_plugin_runs() {
        let promised = resources(0, 0, &[(GPU, 4)]);
        let gpu = gpus(&node("a"), &[], Some(&promised)).expect("accelerators");
        assert_eq!((gpu.physical, gpu.advertised, gpu.allocatable), (Some(4), 0, 0));
    }

    #[test]
    fn a_removed_device_plugin_leaves_zero_advertised_devices() {
        let node = gpu_node(&[(GPU, 0)], &[(GPU, 0)], &[("karpenter.k8s.aws/instance-gpu-count", "8")]);
        assert_eq!(seen(&node, &[(GPU, 8)]), (GPU.to_owned(), Some(8), 0, 0, 8, Sharing::None));
    }

    #[test]
    fn node_labels_tell_how_gpus_are_shared() {
        let with = [
            ("nvidia.com/gpu.product", "Tesla-T4-SHARED"),
            ("nvidia.com/gpu.count", "1"),
            ("nvidia.com/gpu.replicas", "4"),
            ("nvidia.com/gpu.sharing-strategy", "time-slicing"),
        ];
        let node = gpu_node(&[(GPU, 4)], &[(GPU, 4)], &with);
        assert_eq!(seen(&node, &[(GPU, 3)]), (GPU.to_owned(), Some(1), 4, 4, 3, Sharing::TimeSlicing));
        assert_eq!(super::hardware::model(&node, GPU).as_deref(), Some("Tesla-T4"));
        let renamed = gpu_node(
            &[("nvidia.com/gpu.shared", 8)],
            &[("nvidia.com/gpu.shared", 8)],
            &[("nvidia.com/gpu.replicas", "4")],
        );
        assert_eq!(seen(&renamed, &[]).1, Some(2));
        let mps = gpu_node(
            &[(GPU, 8)],
            &[(GPU, 8)],
            &[
                ("cloud.google.com/gke-gpu-sharing-strategy", "mps"),
                ("cloud.google.com/gke-max-shared-clients-per-gpu", "8"),
            ],
        );
        assert_eq!(seen(&mps, &[]), (GPU.to_owned(), Some(1), 8, 8, 0, Sharing::Mps));
    }

    #[test]
    fn mig_instances_are_added_to_whole_gpus() {
        let mixed = [(GPU, 4), ("nvidia.com/mig-1g.10gb", 14), ("nvidia.com/mig-2g.20gb", 0)];
        let with = [("nvidia.com/gpu.count", "4"), ("karpenter.k8s.aws/instance-gpu-count", "6")];
        let node = gpu_node(&mixed, &mixed, &with);
        let requested = [("nvidia.com/mig-1g.10gb", 3), (GPU, 2)];
        let want = ("nvidia.com/mig-1g.10gb".to_owned(), Some(6), 18, 18, 5, Sharing::Mig);
        assert_eq!(seen(&node, &requested), want);
        let gpu = gpus(&node, &requested, None).expect("accelerators");
        let each: Vec<_> =
            gpu.resources.iter().map(|one| (&*one.resource, one.requested, one.physical_requested)).collect();
        let thousandths = |count| Some(Thousandths(count));
        assert_eq!(each, [(GPU, 2, thousandths(2_000)), ("nvidia.com/mig-1g.10gb", 3, thousandths(429))]);
        assert_eq!(gpu.physical_requested, thousandths(2_429));
        let single = [("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), ("nvidia.com/gpu.count", "7")];
        let node = gpu_node(&[(GPU, 7)], &[(GPU, 7)], &single);
        assert_eq!(seen(&node, &[]), (GPU.to_owned(), None, 7, 7, 0, Sharing::Mig));
        assert_eq!(super::hardware::model(&node, GPU).as_deref(), Some("NVIDIA-A100-SXM4-40GB"));
    }

    #[test]
    fn parts_of_boards_are_rounded_once_they_are_added_up() {
        let all_balanced =
            [("nvidia.com/mig-1g.10gb", 2), ("nvidia.com/mig-2g.20gb", 1), ("nvidia.com/mig-3g.40gb", 1)];
        let node = gpu_node(&all_balanced, &all_balanced, &[("karpenter.k8s.aws/instance-gpu-count", "1")]);
        assert_eq!(requested_devices(&node, &all_balanced), Some(1_000));
        let two = [all_balanced[0], all_balanced[1]];
        assert_eq!(requested_devices(&node, &two), Some(571), "not 286 + 286");
    }

    #[test]
    fn a_resource_that_mig_has_left_behind_with_zero_does_not_count() {
        let with =
            [("nvidia.com/gpu.product", "NVIDIA-A100-80GB-PCIe-MIG-1g.10gb"), ("nvidia.com/mig.strategy", "single")];
        let node = gpu_node(&[(GPU, 7), ("nvidia.com/mig-1g.10gb", 0)], &[(GPU, 7)], &with);
        assert_eq!(requested_devices(&node, &[(GPU, 7)]), Some(1_000));
    }

    #[test]
    fn hardware_without_a_device_plugin_is_told_by_labels_and_by_the_instance_type() {
        let of = |with: &[(&str, &str)], accelerator: Option<(&str, u32)>| {
            let accelerator =
                accelerator.map(|(name, count)| Accelerator { name: name.into(), count, memory_mib: None });
            let (node, requested) = (gpu_node(&[], &[], with), Resources::default());
            let accelerator = accelerator.as_ref();
            let known = NodeHardware { node: &node, requested: &requested, promised: None, accelerator, dra: None };
            NodeGpu::of(known).map(|gpu| (gpu.resource.to_string(), gpu.physical, gpu.device_plugin))
        };
        let missing = |resource: &str, physical| Some((resource.to_owned(), physical, DevicePlugin::NotRegistered));
        let discovered = [("nvidia.com/gpu.present", "true"), ("nvidia.com/gpu.count", "8")];
        assert_eq!(of(&discovered, None), missing(GPU, Some(8)));
        assert_eq!(of(&[], Some(("A100", 8))), missing(GPU, Some(8)));
        assert_eq!(of(&[], Some(("Inferentia2", 6))), missing("aws.amazon.com/neuron", Some(6)));
        assert_eq!(of(&[], Some(("AMD Radeon Pro V520", 1))), missing("amd.com/gpu", Some(1)));
        assert_eq!(of(&[], Some(("Qualcomm AI100", 8))), None, "no resource is known for it");
        let of_karpenter =
            [("karpenter.k8s.aws/instance-gpu-name", "a100"), ("karpenter.k8s.aws/instance-gpu-count", "8")];
        assert_eq!(of(&of_karpenter, None), missing(GPU, Some(8)));
        let single = [
            ("nvidia.com/gpu.product", "Tesla-T4-SHARED"),
            ("nvidia.com/gpu.replicas", "4"),
            ("nvidia.com/mig.strategy", "single"),
        ];
        assert_eq!(of(&single, None), missing(GPU, None));
        assert_eq!(of(&[], None), None);
    }

    #[test]
    fn a_renamed_resource_is_told_by_the_labels_of_its_name() {
        let with = [
            ("nvidia.com/a100.count", "4"),
            ("nvidia.com/a100.product", "NVIDIA-A100-80GB-PCIe"),
            ("nvidia.com/a100.replicas", "2"),
        ];
        let node = gpu_node(&[("nvidia.com/a100", 8)], &[("nvidia.com/a100", 8)], &with);
        let gpu = gpus(&node, &[("nvidia.com/a100", 3)], None).expect("accelerators");
        assert_eq!((gpu.physical, gpu.model.as_deref()), (Some(4), Some("NVIDIA-A100-80GB-PCIe")));
        assert_eq!(gpu.physical_requested, Some(Thousandths(1_500)));
    }

    #[test]
    fn neuron_devices_are_counted_once() {
        let (device, core) = ("aws.amazon.com/neuron", "aws.amazon.com/neuroncore");
        let node = gpu_node(&[(device, 16), (core, 32)], &[(device, 16), (core, 32)], &[]);
        assert_eq!(seen(&node, &[]), (device.to_owned(), Some(16), 16, 16, 0, Sharing::None));
        assert_eq!(seen(&node, &[(core, 2)]), (core.to_owned(), None, 32, 32, 2, Sharing::None));
    }

    fn requested_devices(node: &NodeRow, requested: &[(&str, i64)]) -> Option<i64> {
        gpus(node, requested, None).expect("accelerators").physical_requested.map(|devices| devices.0)
    }

    #[test]
    fn requests_are_counted_in_devices_by_what_a_unit_is() {
        let of = |resource: &str, with: &[(&str, &str)]| {
            requested_devices(&gpu_node(&[(resource, 28)], &[(resource, 28)], with), &[(resource, 3)])
        };
        for (resource, with, devices) in [
            (GPU, &[][..], Some(3_000)),
            (GPU, &[("nvidia.com/gpu.replicas", "4"), ("nvidia.com/gpu.sharing-strategy", "time-slicing")], Some(750)),
            (GPU, &[("nvidia.com/gpu.sharing-strategy", "mps")], None),
            ("nvidia.com/gpu.shared", &[("nvidia.com/gpu.replicas", "7")], Some(429)),
            ("nvidia.com/gpu.shared", &[], None),
            ("nvidia.com/mig-2g.20gb", &[], Some(857)),
            ("nvidia.com/mig-1g.5gb.me", &[], Some(429)),
            ("nvidia.com/mig-1g.6gb", &[("nvidia.com/gpu.product", "NVIDIA-A30")], Some(750)),
            ("nvidia.com/mig-odd", &[], None),
            (GPU, &[("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-3g.20gb")], Some(1_286)),
            (GPU, &[("cloud.google.com/gke-gpu-partition-size", "1g.5gb")], Some(429)),
            ("aws.amazon.com/neuroncore", &[("karpenter.k8s.aws/instance-accelerator-count", "14")], Some(1_500)),
            ("aws.amazon.com/neuroncore", &[], None),
            ("amd.com/gpu", &[], Some(3_000)),
        ] {
            assert_eq!(of(resource, with), devices, "{resource} {with:?}");
        }
        assert_eq!(requested_devices(&gpu_node(&[("nvidia.com/mig-odd", 2)], &[], &[]), &[]), Some(0), "none are none");
    }

    #[test]
    fn physical_devices_are_counted_by_the_surest_that_tells() {
        let physical = |with: &[(&str, &str)], accelerator: Option<u32>| {
            let accelerator = accelerator.map(|count| Accelerator { name: "A100".into(), count, memory_mib: None });
            let (node, requested) = (gpu_node(&[(GPU, 16)], &[(GPU, 16)], with), Resources::default());
            let accelerator = accelerator.as_ref();
            let known = NodeHardware { node: &node, requested: &requested, promised: None, accelerator, dra: None };
            NodeGpu::of(known).expect("accelerators").physical
        };
        let discovered = ("nvidia.com/gpu.count", "4");
        assert_eq!(physical(&[discovered, ("karpenter.k8s.aws/instance-gpu-count", "8")], Some(7)), Some(8));
        assert_eq!(physical(&[discovered, ("cloud.google.com/gke-accelerator-count", "6")], Some(7)), Some(6));
        assert_eq!(physical(&[discovered], Some(7)), Some(7));
        assert_eq!(physical(&[discovered], None), Some(4));
        assert_eq!(physical(&[discovered, ("nvidia.com/mig.strategy", "single")], None), Some(16));
        assert_eq!(physical(&[("nvidia.com/gpu.replicas", "4")], None), Some(4));
        assert_eq!(physical(&[], None), Some(16));
    }

    #[test]
    fn a_device_plugin_that_is_missing_or_loses_devices_is_told() {
        let of = |node: &NodeRow| gpus(node, &[], None).map(|gpu| gpu.device_plugin);
        let bare = gpu_node(
            &[],
            &[],
            &[("karpenter.k8s.aws/instance-gpu-manufacturer", "nvidia"), ("karpenter.k8s.aws/instance-gpu-count", "8")],
        );
        assert_eq!(of(&bare), Some(DevicePlugin::NotRegistered), "nothing is advertised yet");
        assert_eq!(of(&gpu_node(&[(GPU, 8)], &[(GPU, 7)], &[])), Some(DevicePlugin::Unhealthy));
        assert_eq!(of(&gpu_node(&[(GPU, 8)], &[(GPU, 8)], &[])), Some(DevicePlugin::Ready));
        assert_eq!(of(&gpu_node(&[(GPU, 0)], &[(GPU, 0)], &[])), Some(DevicePlugin::Ready), "no hardware is known of");
    }

    proptest! {
        #[test]
        fn sums_over_resources_are_those_of_the_node_and_no_count_is_negative(
            counts in proptest::collection::vec((-2_i64..20, -2_i64..20, -2_i64..40), 1..4),
            replicas in 0_i64..5,
        ) {
            let name = |at: usize| ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu"][at];
            let pick = |of: fn(&(i64, i64, i64)) -> i64| -> Vec<(&str, i64)> {
                counts.iter().enumerate().map(|(at, count)| (name(at), of(count))).collect()
            };
            let replicas = replicas.to_string();
            let node = gpu_node(&pick(|count| count.0), &pick(|count| count.1), &[("nvidia.com/gpu.replicas", &replicas)]);
            let gpu = gpus(&node, &pick(|count| count.2), None).expect("accelerators");
            let sum = |count: fn(&GpuResource) -> i64| gpu.resources.iter().map(count).sum::<i64>();
            prop_assert_eq!(gpu.advertised, sum(|one| one.advertised));
            prop_assert_eq!(gpu.allocatable, sum(|one| one.allocatable));
            prop_assert_eq!(gpu.requested, sum(|one| one.requested));
            let devices = gpu.resources.iter().map(|one| one.physical_requested.map(|devices| devices.0));
            let devices: Option<i64> = devices.sum();
            let differ = gpu.physical_requested.zip(devices).map_or(0, |(all, sum)| (all.0 - sum).abs());
            prop_assert!(differ <= 1, "rounded once, not once for each resource: {:?} {:?}", gpu.physical_requested, devices);
            prop_assert_eq!(gpu.physical_requested.is_some(), devices.is_some());
            for one in &gpu.resources {
                prop_assert!(one.advertised >= one.allocatable && one.allocatable >= 0 && one.requested >= 0);
                let (free, not_allocatable) = ((one.allocatable - one.requested).max(0), one.advertised - one.allocatable);
                let overcommitted = (one.requested - one.allocatable).max(0);
                prop_assert_eq!(one.advertised, one.requested + free + not_allocatable - overcommitted);
                prop_assert!([free, not_allocatable, overcommitted].iter().all(|count| *count >= 0));
                prop_assert!(free == 0 || overcommitted == 0);
                if let Some(devices) = one.physical_requested {
                    prop_assert!(devices.0 <= 1_000 * one.requested, "a unit is never more than a device");
                }
            }
        }
    }
}
