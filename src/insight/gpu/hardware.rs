//! Accelerators by a Node's labels: vendor, model, physical count, sharing.

use crate::fleet::{ACCELERATOR_DRIVERS, Accelerator, NodeRow, Sym};

/// The vendor of an accelerator.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "named after themselves")]
pub enum Vendor {
    Nvidia,
    Amd,
    Aws,
    Google,
    Intel,
    Habana,
    Other,
}

impl Vendor {
    /// The vendor of an extended resource, by its domain, or of a driver of Dynamic Resource Allocation.
    pub fn of(resource: &str) -> Self {
        let driver = ACCELERATOR_DRIVERS.iter().find(|(driver, _)| *driver == resource);
        let resource = driver.map_or(resource, |(_, domain)| domain);
        match resource.split_once('/').map_or(resource, |(domain, _)| domain) {
            "nvidia.com" => Self::Nvidia,
            "amd.com" => Self::Amd,
            "aws.amazon.com" => Self::Aws,
            "google.com" => Self::Google,
            "gpu.intel.com" => Self::Intel,
            "habana.ai" => Self::Habana,
            _ => Self::Other,
        }
    }

    /// As the JSON writes it, and as Karpenter's label `instance-gpu-manufacturer` does.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nvidia => "nvidia",
            Self::Amd => "amd",
            Self::Aws => "aws",
            Self::Google => "google",
            Self::Intel => "intel",
            Self::Habana => "habana",
            Self::Other => "other",
        }
    }
}

/// How the accelerators of a Node are shared between pods.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sharing {
    /// Each pod gets whole devices.
    None,
    /// NVIDIA or GKE time-slicing: several pods take turns, nothing isolates them.
    TimeSlicing,
    /// NVIDIA Multi-Process Service: memory and compute are partitioned.
    Mps,
    /// NVIDIA Multi-Instance GPU: hardware partitions.
    Mig,
    /// Handed out by Dynamic Resource Allocation.
    Dra,
}

impl Sharing {
    /// Of a Node that advertises these resources. MIG instances that are time-sliced on top count as MIG.
    pub fn of(node: &NodeRow, resources: &[Sym]) -> Self {
        let strategy = text(node, "nvidia.com/gpu.sharing-strategy")
            .or_else(|| text(node, "cloud.google.com/gke-gpu-sharing-strategy"));
        let is_sliced = resources.iter().any(|resource| resource.ends_with(".shared") || replicas(node, resource) > 1);
        if is_mig(node, resources) {
            return Self::Mig;
        }
        match strategy {
            Some("mps") => Self::Mps,
            Some("time-slicing" | "time-sharing") => Self::TimeSlicing,
            _ if is_sliced => Self::TimeSlicing,
            _ => Self::None,
        }
    }
}

fn is_mig(node: &NodeRow, resources: &[Sym]) -> bool {
    resources.iter().any(|resource| resource.starts_with("nvidia.com/mig-"))
        || text(node, "nvidia.com/gpu.product").is_some_and(|product| product.contains("-MIG-"))
        || text(node, "cloud.google.com/gke-gpu-partition-size").is_some()
}

/// The labels that name the model, the most exact first.
const MODEL_LABELS: [&str; 7] = [
    "nvidia.com/gpu.product",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "eks.amazonaws.com/instance-accelerator-name",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
];

/// The model as its label writes it, without what NVIDIA's discovery appends for sharing and MIG.
pub(super) fn model(node: &NodeRow, resource: &str) -> Option<Sym> {
    // A device plugin that renames its resource names the labels of its discovery after it.
    let renamed = || node.labels.get(&format!("{resource}.product"));
    let label = MODEL_LABELS.iter().find_map(|label| node.labels.get(label)).or_else(renamed)?;
    let name = label.split_once("-MIG-").map_or(label.as_str(), |(name, _)| name);
    let name = name.strip_suffix("-SHARED").unwrap_or(name);
    if name == label.as_str() { Some(label.clone()) } else { Some(Sym::new(name)) }
}

/// The labels that count the devices of an instance type, as its cloud tells.
const COUNT_LABELS: [&str; 5] = [
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
    "karpenter.k8s.aws/instance-accelerator-count",
    "eks.amazonaws.com/instance-accelerator-count",
    "cloud.google.com/gke-accelerator-count",
];

/// What NVIDIA's discovery counts on the Node.
const DISCOVERED_COUNT: &str = "nvidia.com/gpu.count";

/// How many devices there are, whatever is advertised: as the cloud says of the instance type, else as NVIDIA's discovery
/// counts them, else the boards of which drivers of Dynamic Resource Allocation tell, else as many as are advertised, where
/// it counts whole devices.
pub(super) fn physical(
    node: &NodeRow,
    sharing: Sharing,
    (of_instance_type, boards): (Option<i64>, Option<i64>),
    (resource, advertised): (&str, i64),
) -> Option<i64> {
    let positive = |label: &&str| number(node, label).filter(|count| *count > 0);
    let of_cloud = COUNT_LABELS.iter().find_map(positive).or(of_instance_type);
    let renamed = || number(node, &format!("{resource}.count")).filter(|count| *count > 0);
    let discovered = || positive(&DISCOVERED_COUNT).or_else(renamed).filter(|_| counts_boards(node, sharing));
    of_cloud.or_else(discovered).or(boards).or_else(|| match sharing {
        Sharing::None if counts_devices(resource) && advertised > 0 => Some(advertised),
        Sharing::TimeSlicing | Sharing::Mps if advertised > 0 && replicas(node, resource) > 1 => {
            Some(advertised / replicas(node, resource))
        }
        _ => None,
    })
}

/// Whether NVIDIA's discovery counts boards: with MIG it counts instances (`single`), or leaves out boards that are split
/// (`mixed`).
fn counts_boards(node: &NodeRow, sharing: Sharing) -> bool {
    sharing != Sharing::Mig && !matches!(text(node, "nvidia.com/mig.strategy"), Some("single" | "mixed"))
}

/// Whether one unit is one device: a Neuron device has several cores.
fn counts_devices(resource: &str) -> bool {
    resource != "aws.amazon.com/neuroncore"
}

/// How many pods may share one device; 1 where nothing says so.
pub(super) fn replicas(node: &NodeRow, resource: &str) -> i64 {
    let base = resource.strip_suffix(".shared").unwrap_or(resource);
    let of_vendor = number(node, &format!("{base}.replicas"));
    of_vendor.or_else(|| number(node, "cloud.google.com/gke-max-shared-clients-per-gpu")).unwrap_or(1).max(1)
}

/// The profile of the MIG instances of a Node on which all are alike, for example `1g.10gb`.
pub(super) fn mig_profile(node: &NodeRow) -> Option<&str> {
    let of_product = text(node, "nvidia.com/gpu.product").and_then(|product| Some(product.split_once("-MIG-")?.1));
    of_product.or_else(|| text(node, "cloud.google.com/gke-gpu-partition-size"))
}

/// The resource that the devices of a Node would be advertised as, by its labels, else by what EC2 says of its instance type.
/// Labels are gone through once, for most Nodes have none of them.
pub(super) fn expected_resource(node: &NodeRow, accelerator: Option<&Accelerator>) -> Option<&'static str> {
    let of_type = || resource_of_model(&accelerator?.name);
    resource_by_labels(node).or_else(of_type)
}

fn resource_by_labels(node: &NodeRow) -> Option<&'static str> {
    // The label of a model is no proof against that of a maker.
    let mut of_model = None;
    for (label, value) in node.labels.iter() {
        match label.as_str() {
            "karpenter.k8s.aws/instance-gpu-manufacturer"
            | "karpenter.k8s.aws/instance-accelerator-manufacturer"
            | "eks.amazonaws.com/instance-gpu-manufacturer"
            | "eks.amazonaws.com/instance-accelerator-manufacturer" => return resource_of_maker(value),
            "cloud.google.com/gke-accelerator" | "nvidia.com/gpu.product" => return Some(NVIDIA),
            "cloud.google.com/gke-tpu-accelerator" => return Some("google.com/tpu"),
            "nvidia.com/gpu.present" if value == "true" => return Some(NVIDIA),
            "karpenter.k8s.aws/instance-gpu-name"
            | "karpenter.k8s.aws/instance-accelerator-name"
            | "eks.amazonaws.com/instance-gpu-name"
            | "eks.amazonaws.com/instance-accelerator-name" => of_model = resource_of_model(value),
            _ => {}
        }
    }
    of_model
}

/// Whether the labels of a Node tell that it has accelerators.
pub fn is_labelled(node: &NodeRow) -> bool {
    resource_by_labels(node).is_some()
}

const NVIDIA: &str = "nvidia.com/gpu";

/// The resource that the device plugin of a maker advertises.
fn resource_of_maker(maker: &str) -> Option<&'static str> {
    match maker {
        "nvidia" => Some(NVIDIA),
        "amd" => Some("amd.com/gpu"),
        "habana" => Some("habana.ai/gaudi"),
        "aws" => Some("aws.amazon.com/neuron"),
        _ => None,
    }
}

/// Models of other makers than NVIDIA, by a word of their names as EC2 and Karpenter write them, and the resource that their
/// device plugin advertises, if there is one.
const OTHER_MODELS: [(&str, Option<&str>); 7] = [
    ("gaudi", Some("habana.ai/gaudi")),
    ("radeon", Some("amd.com/gpu")),
    ("inferentia", Some("aws.amazon.com/neuron")),
    ("trainium", Some("aws.amazon.com/neuron")),
    ("qualcomm", None),
    // Video transcoders and programmable chips.
    ("u30", None),
    ("fpga", None),
];

/// The resource that the device plugin for a model of EC2 advertises.
fn resource_of_model(model: &str) -> Option<&'static str> {
    let model = model.to_ascii_lowercase();
    let other = OTHER_MODELS.iter().find(|(word, _)| model.contains(word));
    other.map_or(Some(NVIDIA), |(_, resource)| *resource)
}

fn text<'a>(node: &'a NodeRow, label: &str) -> Option<&'a str> {
    node.labels.get(label).map(Sym::as_str)
}

fn number(node: &NodeRow, label: &str) -> Option<i64> {
    text(node, label)?.parse().ok()
}
