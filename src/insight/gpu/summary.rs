//! The accelerators of a Node in numbers.

use std::collections::BTreeSet;

use super::hardware::{self, Sharing, Vendor};
use crate::fleet::{Accelerator, NodeRow, Resources, Sym};

/// One accelerator resource of a Node, in the units it is advertised in.
///
/// `advertised = requested + free + not_allocatable − overcommitted`, and none of them is negative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GpuLine {
    /// The extended resource.
    pub resource: Sym,
    /// `status.capacity`.
    pub advertised: i64,
    /// `status.allocatable`, at most what is advertised.
    pub allocatable: i64,
    /// What the pods on the Node that have not finished request.
    pub requested: i64,
    /// Allocatable and not requested.
    pub free: i64,
    /// Advertised, but not allocatable: unhealthy devices.
    pub not_allocatable: i64,
    /// Requested beyond what is allocatable: devices that failed under their pods.
    pub overcommitted: i64,
}

/// The accelerators of a Node together.
///
/// Sums over all its resources: a device is advertised under one name only, be it whole, shared or split. The exception
/// is AWS Neuron, which advertises the same devices as devices and as cores: there only one view counts, the one that
/// is requested most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeGpu {
    /// The extended resource; several joined by commas, in order, where a Node has more than one (mixed MIG).
    pub resource: Sym,
    /// Vendor of the accelerators.
    pub vendor: Vendor,
    /// The model, where a label names it.
    pub model: Option<Sym>,
    /// Devices, where known.
    pub physical: Option<i64>,
    /// Units in `status.capacity`.
    pub advertised: i64,
    /// Units that can be allocated.
    pub allocatable: i64,
    /// Units requested by the pods on it that have not finished.
    pub requested: i64,
    /// How devices are shared.
    pub sharing: Sharing,
}

impl NodeGpu {
    /// Of a Node on which pods request `requested`, and whose NodeClaim promises `promised`; `None` where no
    /// accelerator is mentioned anywhere.
    pub fn of(node: &NodeRow, requested: &Resources, promised: Option<&Resources>) -> Option<Self> {
        let lines = counted(lines(node, requested, promised));
        let names: Vec<Sym> = lines.iter().map(|line| line.resource.clone()).collect();
        let largest = lines.iter().max_by_key(|line| line.advertised)?;
        let sum = |count: fn(&GpuLine) -> i64| lines.iter().fold(0_i64, |sum, line| sum.saturating_add(count(line)));
        let advertised = sum(|line| line.advertised);
        let sharing = Sharing::of(node, &names);
        let promised = promised.map_or(0, |promised| promised.gpu(&largest.resource));
        let whole = if advertised == 0 && sharing == Sharing::None { promised } else { advertised };
        Some(Self {
            vendor: Vendor::of(&largest.resource),
            model: hardware::model(node),
            physical: hardware::physical(node, sharing, &largest.resource, whole),
            advertised,
            allocatable: sum(|line| line.allocatable),
            requested: sum(|line| line.requested),
            sharing,
            resource: joined(names),
        })
    }
}

impl NodeGpu {
    /// With what EC2 says of the instance type, where no label tells.
    #[must_use]
    pub fn of_hardware(self, accelerator: Option<&Accelerator>) -> Self {
        let Some(found) = accelerator else { return self };
        let model = self.model.or_else(|| Some(found.name.clone()));
        Self { model, physical: self.physical.or(Some(i64::from(found.count))), ..self }
    }
}

/// Every accelerator resource that a Node, its NodeClaim or its pods mention, by name.
pub fn lines(node: &NodeRow, requested: &Resources, promised: Option<&Resources>) -> Vec<GpuLine> {
    let mentions = [Some(&node.capacity), Some(&node.allocatable), Some(requested), promised];
    let names: BTreeSet<&Sym> =
        mentions.into_iter().flatten().flat_map(|all| &all.gpus).map(|gpu| &gpu.resource).collect();
    names.into_iter().map(|name| line(node, requested, name)).collect()
}

fn line(node: &NodeRow, requested: &Resources, resource: &Sym) -> GpuLine {
    let advertised = node.capacity.gpu(resource).max(0);
    let allocatable = node.allocatable.gpu(resource).clamp(0, advertised);
    let requested = requested.gpu(resource).max(0);
    GpuLine {
        resource: resource.clone(),
        advertised,
        allocatable,
        requested,
        free: (allocatable - requested).max(0),
        not_allocatable: advertised - allocatable,
        overcommitted: (requested - allocatable).max(0),
    }
}

/// The lines that count towards the sum: those in use, or the first where none is; of Neuron one view.
fn counted(mut lines: Vec<GpuLine>) -> Vec<GpuLine> {
    if lines.iter().any(is_used) {
        lines.retain(is_used);
    } else {
        lines.truncate(1);
    }
    let neuron = lines.iter().filter(|line| Vendor::of(&line.resource) == Vendor::Aws);
    let view = neuron
        .min_by_key(|line| (std::cmp::Reverse(line.requested), line.advertised))
        .map(|line| line.resource.clone());
    lines.retain(|line| Vendor::of(&line.resource) != Vendor::Aws || Some(&line.resource) == view.as_ref());
    lines
}

fn is_used(line: &GpuLine) -> bool {
    line.advertised > 0 || line.requested > 0
}

fn joined(names: Vec<Sym>) -> Sym {
    match <[Sym; 1]>::try_from(names) {
        Ok([one]) => one,
        Err(names) => Sym::new(&names.iter().map(Sym::as_str).collect::<Vec<_>>().join(",")),
    }
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

    fn seen(node: &NodeRow, requested: &[(&str, i64)]) -> (String, Option<i64>, i64, i64, i64, Sharing) {
        let gpu = NodeGpu::of(node, &resources(0, 0, requested), None).expect("accelerators");
        (gpu.resource.to_string(), gpu.physical, gpu.advertised, gpu.allocatable, gpu.requested, gpu.sharing)
    }

    const GPU: &str = "nvidia.com/gpu";

    #[test]
    fn unshared_gpus_are_counted_as_whole_devices() {
        let node = gpu_node(&[(GPU, 8)], &[(GPU, 7)], &[("nvidia.com/gpu.product", "NVIDIA-H100-80GB-HBM3")]);
        assert_eq!(seen(&node, &[(GPU, 4)]), (GPU.to_owned(), Some(8), 8, 7, 4, Sharing::None));
        let gpu = NodeGpu::of(&node, &Resources::default(), None).expect("accelerators");
        assert_eq!((gpu.vendor, gpu.model.as_deref()), (Vendor::Nvidia, Some("NVIDIA-H100-80GB-HBM3")));
    }

    #[test]
    fn a_node_without_accelerators_has_no_gpu_summary() {
        assert_eq!(NodeGpu::of(&node("a"), &Resources::default(), None), None);
    }

    #[test]
    fn accelerators_promised_by_the_node_claim_count_before_the_device_plugin_runs() {
        let promised = resources(0, 0, &[(GPU, 4)]);
        let gpu = NodeGpu::of(&node("a"), &Resources::default(), Some(&promised)).expect("accelerators");
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
        assert_eq!(super::hardware::model(&node).as_deref(), Some("Tesla-T4"));
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
        let want = ("nvidia.com/gpu,nvidia.com/mig-1g.10gb".to_owned(), Some(6), 18, 18, 5, Sharing::Mig);
        assert_eq!(seen(&node, &[("nvidia.com/mig-1g.10gb", 3), (GPU, 2)]), want);
        let single = [("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb"), ("nvidia.com/gpu.count", "7")];
        let node = gpu_node(&[(GPU, 7)], &[(GPU, 7)], &single);
        assert_eq!(seen(&node, &[]), (GPU.to_owned(), None, 7, 7, 0, Sharing::Mig));
        assert_eq!(super::hardware::model(&node).as_deref(), Some("NVIDIA-A100-SXM4-40GB"));
    }

    #[test]
    fn neuron_devices_are_counted_once() {
        let (device, core) = ("aws.amazon.com/neuron", "aws.amazon.com/neuroncore");
        let node = gpu_node(&[(device, 16), (core, 32)], &[(device, 16), (core, 32)], &[]);
        assert_eq!(seen(&node, &[]), (device.to_owned(), Some(16), 16, 16, 0, Sharing::None));
        assert_eq!(seen(&node, &[(core, 2)]), (core.to_owned(), None, 32, 32, 2, Sharing::None));
    }

    proptest! {
        #[test]
        fn counts_of_accelerators_add_up_and_are_never_negative(counts in proptest::collection::vec((-2_i64..20, -2_i64..20, -2_i64..40), 1..4)) {
            let name = |at: usize| ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu"][at];
            let pick = |of: fn(&(i64, i64, i64)) -> i64| -> Vec<(&str, i64)> {
                counts.iter().enumerate().map(|(at, count)| (name(at), of(count))).collect()
            };
            let node = gpu_node(&pick(|count| count.0), &pick(|count| count.1), &[]);
            for line in lines(&node, &resources(0, 0, &pick(|count| count.2)), None) {
                prop_assert_eq!(line.advertised, line.requested + line.free + line.not_allocatable - line.overcommitted);
                let all = [line.advertised, line.requested, line.free, line.not_allocatable, line.overcommitted];
                prop_assert!(all.iter().all(|count| *count >= 0));
                prop_assert!(line.free == 0 || line.overcommitted == 0);
            }
        }
    }
}
