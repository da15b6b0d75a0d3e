//! Resource amounts and conditions, which several kinds share.

use super::{DEVICE_CLASS_RESOURCE, Sym};
use crate::units::Time;

/// The count of one accelerator resource.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GpuCount {
    /// The extended resource, for example `nvidia.com/gpu`.
    pub resource: Sym,
    /// How many, in the units of that resource (devices, replicas or MIG instances).
    pub count: i64,
}

/// The part of devices that a pod takes of those which KAI's scheduler shares between pods.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GpuFraction {
    /// How much of each device.
    pub part: GpuPart,
    /// Of how many devices.
    pub devices: i64,
}

/// A part of one device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GpuPart {
    /// In thousandths.
    Thousandths(i64),
    /// By its memory, in MiB.
    MemoryMib(i64),
}

/// Amounts of the resources that batchtop reasons about.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Resources {
    /// CPU in thousandths of a core.
    pub cpu_millis: i64,
    /// Memory in bytes.
    pub memory_bytes: i64,
    /// Pods, where stated.
    pub pods: i64,
    /// Accelerators, by resource name; only resources that are mentioned, a zero included.
    pub gpus: Vec<GpuCount>,
    /// Of a pod that shares devices by KAI's scheduler: what it takes of them, for which it requests nothing itself.
    pub fraction: Option<Box<GpuFraction>>,
}

impl Resources {
    /// The count of one accelerator resource; zero where it is not mentioned.
    pub fn gpu(&self, resource: &str) -> i64 {
        self.gpus.iter().find(|gpu| gpu.resource == resource).map_or(0, |gpu| gpu.count)
    }

    /// All accelerators together, of whichever resource.
    pub fn gpu_total(&self) -> i64 {
        self.gpus.iter().fold(0, |sum, gpu| sum.saturating_add(gpu.count))
    }
}

/// Exact names of accelerator resources that carry no common prefix.
const GPU_RESOURCES: [&str; 9] = [
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "aws.amazon.com/neurondevice",
    "google.com/tpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
    "habana.ai/gaudi",
    "nvidia.com/gpu",
];

/// Whether an extended resource is an accelerator: the device plugins of NVIDIA (whole, shared, renamed, MIG), AMD,
/// AWS Neuron, Google TPU, Intel and Habana; and what stands for a DeviceClass, of which nothing is known here.
pub fn is_gpu_resource(name: &str) -> bool {
    GPU_RESOURCES.contains(&name)
        || name.starts_with(DEVICE_CLASS_RESOURCE)
        || name
            .strip_prefix("nvidia.com/")
            .is_some_and(|rest| rest.starts_with("gpu") || rest.starts_with("mig-") || is_model_of_nvidia(rest))
}

/// How the models of NVIDIA's boards begin before their number, as device plugins name resources after them; network cards
/// (`hostdev`, `rdma_shared_device_a`, `bf2_sf`) do not.
const MODEL_LETTERS: [&str; 11] = ["a", "b", "gb", "gh", "h", "l", "p", "rtx", "t", "tesla", "v"];

/// Whether a device plugin has named its resource after a model: `a100`, `rtx-6000`, `tesla-t4`.
fn is_model_of_nvidia(name: &str) -> bool {
    let Some(letters) = name.split(|c: char| !c.is_ascii_alphabetic()).next() else { return false };
    let rest = name.get(letters.len()..).unwrap_or_default();
    let number = rest.trim_start_matches(['-', '_']);
    let is_known = MODEL_LETTERS.iter().any(|known| known.eq_ignore_ascii_case(letters));
    is_known && (letters.eq_ignore_ascii_case("tesla") || number.starts_with(|c: char| c.is_ascii_digit()))
}

/// The status of a condition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// `"True"`.
    True,
    /// `"False"`.
    False,
    /// `"Unknown"`, and whatever else a server may write.
    Unknown,
}

impl Status {
    /// From the text of a condition's `status`.
    pub fn parse(text: &str) -> Self {
        match text {
            "True" => Self::True,
            "False" => Self::False,
            _ => Self::Unknown,
        }
    }

    /// As Kubernetes writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// One entry of `status.conditions`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// `type`.
    pub kind: Sym,
    /// `status`.
    pub status: Status,
    /// `reason`, empty where absent.
    pub reason: Sym,
    /// `message`, empty where absent.
    pub message: Sym,
    /// `lastTransitionTime`.
    pub last_transition: Option<Time>,
}

impl Condition {
    /// The condition of this type among `conditions`.
    pub fn find<'a>(conditions: &'a [Self], kind: &str) -> Option<&'a Self> {
        conditions.iter().find(|condition| condition.kind == kind)
    }

    /// Whether the condition of this type is there and `True`.
    pub fn is_true(conditions: &[Self], kind: &str) -> bool {
        Self::find(conditions, kind).is_some_and(|condition| condition.status == Status::True)
    }
}

/// A reference to a NodeClass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeClassRef {
    /// API group, for example `karpenter.k8s.aws`.
    pub group: Sym,
    /// Kind, for example `EC2NodeClass`.
    pub kind: Sym,
    /// `name`.
    pub name: Sym,
}

#[cfg(test)]
mod tests {
    use super::is_gpu_resource;

    #[test]
    fn accelerators_are_distinguished_from_other_extended_resources() {
        for yes in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.10gb",
            "nvidia.com/a100",
            "nvidia.com/RTX-6000-Ada",
            "nvidia.com/tesla-t4",
            "nvidia.com/gb200",
            "aws.amazon.com/neuron",
            "deviceclass.resource.kubernetes.io/gpu.nvidia.com",
        ] {
            assert!(is_gpu_resource(yes), "{yes}");
        }
        for no in [
            "cpu",
            "nvidia.com/hostdev",
            "nvidia.com/rdma_shared_device_a",
            "nvidia.com/bf2_sf",
            "nvidia.com/ib",
            "nvidia.com/h",
            "vpc.amazonaws.com/efa",
            "vpc.amazonaws.com/pod-eni",
            "hugepages-2Mi",
        ] {
            assert!(!is_gpu_resource(no), "{no}");
        }
    }
}
