//! EC2 instance types of the demo's region, and the container images.
//!
//! Shapes and on-demand prices as published for us-east-1 in 2026; prices only decide what Karpenter picks here.

use super::model::{Amounts, Capacity};

/// The region, and its zones with their ids.
pub(super) const REGION: &str = "us-east-1";
/// Zone names with the ids of this account.
pub(super) const ZONES: [(&str, &str); 3] =
    [("us-east-1a", "use1-az4"), ("us-east-1b", "use1-az6"), ("us-east-1c", "use1-az1")];
/// Version of kubelet and API server.
pub(super) const KUBERNETES_VERSION: &str = "v1.34.6-eks-4f2c9d1";
/// Version of Karpenter.
pub(super) const KARPENTER_VERSION: &str = "1.14.1";
/// The account's registry.
macro_rules! registry {
    () => {
        "412873905518.dkr.ecr.us-east-1.amazonaws.com"
    };
}

/// The GPUs of an instance type.
#[derive(Debug)]
pub(super) struct Gpu {
    /// Model, as in Karpenter's label.
    pub(super) name: &'static str,
    /// Model, as GPU feature discovery labels it.
    pub(super) product: &'static str,
    /// Architecture, as GPU feature discovery writes it.
    pub(super) family: &'static str,
    /// Number of GPUs.
    pub(super) count: i64,
    /// MiB of one, as EC2 states it (Karpenter's label).
    pub(super) memory_mib: i64,
    /// MiB of one, as the driver states it (GPU feature discovery).
    pub(super) driver_memory_mib: i64,
    /// CUDA compute capability.
    pub(super) compute: (&'static str, &'static str),
}

/// A part into which MIG splits a GPU.
#[derive(Debug)]
pub(super) struct MigProfile {
    /// Name of the profile.
    pub(super) name: &'static str,
    /// Name of the extended resource.
    pub(super) resource: &'static str,
    /// Compute slices, of the seven of a GPU.
    pub(super) slices: i64,
    /// MiB of memory, as the driver states them.
    pub(super) memory_mib: i64,
    /// The numbers that the driver gives to its first instances on a GPU.
    pub(super) ids: [u32; 2],
}

/// The parts into which an H100 with 80 GB is split here: NVIDIA's layout `all-balanced`, on its only GPU.
pub(super) const MIG_PROFILES: [MigProfile; 3] = [
    MigProfile { name: "1g.10gb", resource: "nvidia.com/mig-1g.10gb", slices: 1, memory_mib: 9_984, ids: [9, 10] },
    MigProfile { name: "2g.20gb", resource: "nvidia.com/mig-2g.20gb", slices: 2, memory_mib: 20_096, ids: [5, 6] },
    MigProfile { name: "3g.40gb", resource: "nvidia.com/mig-3g.40gb", slices: 3, memory_mib: 40_320, ids: [1, 2] },
];

/// One instance type.
#[derive(Debug)]
pub(super) struct InstanceType {
    /// Name, such as `g5.12xlarge`.
    pub(super) name: &'static str,
    /// Number of vCPUs.
    pub(super) vcpu: i64,
    /// Memory as EC2 states it.
    pub(super) memory_mib: i64,
    /// GPUs, if any.
    pub(super) gpu: Option<Gpu>,
    /// Elastic Fabric Adapters.
    pub(super) efa: i64,
    /// Pods, limited by network interfaces.
    pub(super) pods: i64,
    /// Micro-dollars per hour on demand.
    pub(super) price: i64,
    /// Network bandwidth in Mbit/s.
    pub(super) network_mbps: i64,
    /// EBS bandwidth in Mbit/s.
    pub(super) ebs_mbps: i64,
    /// Local NVMe in GB.
    pub(super) nvme_gb: Option<i64>,
    /// Maker of the processor.
    pub(super) maker: &'static str,
}

impl InstanceType {
    /// `g5` of `g5.12xlarge`.
    pub(super) fn family(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(family, _)| family)
    }

    /// `12xlarge` of `g5.12xlarge`.
    pub(super) fn size(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(_, size)| size)
    }

    /// The letters before the generation: `m` of `m7i`.
    pub(super) fn category(&self) -> &'static str {
        let end = self.name.find(|c: char| c.is_ascii_digit()).unwrap_or(self.name.len());
        &self.name[..end]
    }

    /// The first number: `7` of `m7i`.
    pub(super) fn generation(&self) -> &'static str {
        let rest = &self.name[self.category().len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Number of GPUs.
    pub(super) fn gpus(&self) -> i64 {
        self.gpu.as_ref().map_or(0, |gpu| gpu.count)
    }

    /// `status.capacity`: about 3 % of the memory goes to the firmware and the kernel.
    pub(super) fn capacity(&self) -> Amounts {
        Amounts { efa: self.efa, ..Amounts::with_gpu(self.vcpu * 1000, self.memory_mib * 97 / 100, self.gpus()) }
    }

    /// `status.allocatable`: less what the EKS images reserve for kubelet and system, and the eviction threshold.
    pub(super) fn allocatable(&self) -> Amounts {
        let capacity = self.capacity();
        Amounts {
            cpu: capacity.cpu - reserved_cpu(self.vcpu),
            memory: capacity.memory - (255 + 11 * self.pods + 100),
            ..capacity
        }
    }

    /// Micro-dollars per hour, for Karpenter's choice; spot at about 38 % of on-demand.
    pub(super) fn price_as(&self, capacity: Capacity) -> i64 {
        match capacity {
            Capacity::OnDemand => self.price,
            Capacity::Spot => self.price * 38 / 100,
            // Karpenter prices reserved offerings at a ten-millionth of on-demand.
            Capacity::Reserved => self.price / 10_000_000,
        }
    }
}

/// Millicores that the EKS images reserve: 6 % of the first core, 1 % of the next, 0.5 % of two, 0.25 % of the rest.
fn reserved_cpu(vcpu: i64) -> i64 {
    let parts = [(1, 60), (1, 10), (2, 5)];
    let mut left = vcpu;
    let mut millis = 0;
    for (cores, each) in parts {
        let taken = left.min(cores);
        millis += taken * each;
        left -= taken;
    }
    millis + left * 5 / 2
}

const fn general(name: &'static str, vcpu: i64, memory_gib: i64, pods: i64, price: i64) -> InstanceType {
    InstanceType {
        name,
        vcpu,
        memory_mib: memory_gib * 1024,
        gpu: None,
        efa: 0,
        pods,
        price,
        network_mbps: 12_500,
        ebs_mbps: 10_000,
        nvme_gb: None,
        maker: "intel",
    }
}

const fn h100(count: i64) -> Gpu {
    Gpu {
        name: "h100",
        product: "NVIDIA-H100-80GB-HBM3",
        family: "hopper",
        count,
        memory_mib: 81_920,
        driver_memory_mib: 81_559,
        compute: ("9", "0"),
    }
}

const fn a100() -> Gpu {
    Gpu {
        name: "a100",
        product: "NVIDIA-A100-SXM4-40GB",
        family: "ampere",
        count: 8,
        memory_mib: 40_960,
        driver_memory_mib: 40_960,
        compute: ("8", "0"),
    }
}

const fn a10g(count: i64) -> Gpu {
    Gpu {
        name: "a10g",
        product: "NVIDIA-A10G",
        family: "ampere",
        count,
        memory_mib: 22_888,
        driver_memory_mib: 23_028,
        compute: ("8", "6"),
    }
}

const fn t4(count: i64) -> Gpu {
    Gpu {
        name: "t4",
        product: "Tesla-T4",
        family: "turing",
        count,
        memory_mib: 16_384,
        driver_memory_mib: 15_360,
        compute: ("7", "5"),
    }
}

const fn l4(count: i64) -> Gpu {
    Gpu {
        name: "l4",
        product: "NVIDIA-L4",
        family: "ada-lovelace",
        count,
        memory_mib: 22_888,
        driver_memory_mib: 23_034,
        compute: ("8", "9"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a constant function that fills a table")]
const fn accelerated(general: InstanceType, gpu: Gpu, nvme_gb: i64, network_mbps: i64, efa: i64) -> InstanceType {
    InstanceType { gpu: Some(gpu), efa, network_mbps, nvme_gb: Some(nvme_gb), maker: "amd", ..general }
}

/// All instance types of the demo, cheapest first within a kind.
pub(super) static INSTANCE_TYPES: [InstanceType; 21] = [
    general("m7i.large", 2, 8, 29, 100_800),
    general("c7i.xlarge", 4, 8, 58, 178_500),
    general("m7i.xlarge", 4, 16, 58, 201_600),
    general("c7i.2xlarge", 8, 16, 58, 357_000),
    general("m7i.2xlarge", 8, 32, 58, 403_200),
    general("r7i.2xlarge", 8, 64, 58, 529_200),
    general("c7i.4xlarge", 16, 32, 234, 714_000),
    general("m7i.4xlarge", 16, 64, 234, 806_400),
    general("r7i.4xlarge", 16, 128, 234, 1_058_400),
    accelerated(general("g4dn.2xlarge", 8, 32, 29, 752_000), t4(1), 225, 25_000, 0),
    accelerated(general("g6.xlarge", 4, 16, 58, 804_800), l4(1), 250, 10_000, 0),
    accelerated(general("g6.2xlarge", 8, 32, 58, 977_600), l4(1), 450, 10_000, 0),
    accelerated(general("g5.xlarge", 4, 16, 58, 1_006_000), a10g(1), 250, 10_000, 0),
    accelerated(general("g5.2xlarge", 8, 32, 58, 1_212_000), a10g(1), 450, 10_000, 0),
    accelerated(general("g6.4xlarge", 16, 64, 234, 1_323_200), l4(1), 600, 25_000, 0),
    accelerated(general("g6.12xlarge", 48, 192, 234, 4_601_600), l4(4), 3_760, 40_000, 0),
    accelerated(general("g5.12xlarge", 48, 192, 737, 5_672_000), a10g(4), 3_800, 40_000, 1),
    accelerated(general("g5.48xlarge", 192, 768, 345, 16_288_000), a10g(8), 7_600, 100_000, 1),
    InstanceType {
        maker: "intel",
        ..accelerated(general("p4d.24xlarge", 96, 1152, 737, 21_957_642), a100(), 8_000, 400_000, 4)
    },
    accelerated(general("p5.4xlarge", 16, 256, 234, 6_880_000), h100(1), 3_800, 100_000, 1),
    accelerated(general("p5.48xlarge", 192, 2048, 100, 55_040_000), h100(8), 30_400, 3_200_000, 32),
];

/// The type of this name. Only names of this file are asked for; the first type stands in for a misspelt one.
pub(super) fn instance_type(name: &str) -> &'static InstanceType {
    INSTANCE_TYPES.iter().find(|found| found.name == name).unwrap_or(&INSTANCE_TYPES[0])
}

/// A container image.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Image {
    /// Reference of the image.
    pub(super) name: &'static str,
    /// Size in bytes, compressed.
    pub(super) bytes: i64,
}

macro_rules! images {
    ($($(#[$doc:meta])* $id:ident = $name:expr, $bytes:expr;)+) => {
        $($(#[$doc])* pub(super) static $id: Image = Image { name: $name, bytes: $bytes };)+
    };
}

images! {
    AWS_NODE = "602401143452.dkr.ecr.us-east-1.amazonaws.com/amazon-k8s-cni:v1.21.1-eksbuild.1", 49_318_772;
    KUBE_PROXY = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy:v1.34.3-eksbuild.2", 31_402_196;
    EBS_CSI = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/aws-ebs-csi-driver:v1.57.1", 30_786_412;
    NODE_EXPORTER = "quay.io/prometheus/node-exporter:v1.10.2", 12_481_830;
    FLUENT_BIT = "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.34.1", 132_905_218;
    DEVICE_PLUGIN = "nvcr.io/nvidia/k8s-device-plugin:v0.20.0", 186_420_993;
    DCGM_EXPORTER = "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-ubi9", 512_774_020;
    COREDNS = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/coredns:v1.12.4-eksbuild.1", 22_109_481;
    METRICS_SERVER = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/metrics-server:v0.8.1-eksbuild.1", 26_188_030;
    KARPENTER = "public.ecr.aws/karpenter/controller:1.14.1", 71_204_881;
    KUBE_STATE_METRICS = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.18.0", 17_204_118;
    PROMETHEUS = "quay.io/prometheus/prometheus:v3.9.1", 131_220_477;
    GRAFANA = "docker.io/grafana/grafana:12.4.0", 201_774_902;
    INGRESS = "registry.k8s.io/ingress-nginx/controller:v1.15.1", 104_662_117;
    API = concat!(registry!(), "/serving/api:2026.11.18-1"), 184_220_913;
    WEB = concat!(registry!(), "/serving/web:2026.11.17-3"), 88_413_207;
    MLFLOW = concat!(registry!(), "/ml/mlflow:3.6.0"), 412_310_442;
    TRITON = "nvcr.io/nvidia/tritonserver:26.04-py3", 7_816_003_412;
    EMBEDDER = concat!(registry!(), "/ml/embedder:cuda12.8-1.9.2"), 3_118_402_915;
    OCR = concat!(registry!(), "/vision/ocr:2.14.0"), 2_604_118_377;
    VECTOR_DB = concat!(registry!(), "/research/vector-db:1.16.1"), 166_204_771;
    NOTEBOOK = concat!(registry!(), "/research/notebook:cuda12.8-2026.10"), 4_216_881_040;
    PYTORCH = concat!(registry!(), "/ml/pytorch-train:2.8-cuda12.8"), 11_218_432_117;
    SWEEP = concat!(registry!(), "/ml/sweep:cuda12.8-r41"), 6_108_774_310;
    DIFFUSION = concat!(registry!(), "/vision/diffusion-train:r207"), 11_236_804_522;
    VISION = concat!(registry!(), "/vision/detr-train:r88"), 8_744_120_066;
    ETL = concat!(registry!(), "/batch/etl:2026.11.19"), 412_880_517;
    THUMBNAILS = concat!(registry!(), "/batch/thumbnails:5.2.0"), 96_204_338;
    SIMULATE = concat!(registry!(), "/research/simulate:0.31"), 733_019_206;
}

/// Bytes per second of one pull: the biggest images are bound by unpacking, the small ones by the registry.
pub(super) fn pull_rate(bytes: i64, draw: i64) -> i64 {
    if bytes > 4_000_000_000 { 25_000_000 + draw * 60_000 } else { 42_000_000 + draw * 240_000 }
}

#[cfg(test)]
mod tests {
    use super::{INSTANCE_TYPES, instance_type};

    #[test]
    fn an_instance_type_name_is_split_as_in_karpenter_labels() {
        let found = instance_type("p4d.24xlarge");
        assert_eq!((found.category(), found.generation(), found.family(), found.size()), ("p", "4", "p4d", "24xlarge"));
        let found = instance_type("m7i.2xlarge");
        assert_eq!((found.category(), found.generation(), found.family()), ("m", "7", "m7i"));
    }

    #[test]
    fn allocatable_is_capacity_minus_the_eks_reservation() {
        assert_eq!(instance_type("m7i.2xlarge").allocatable().cpu, 7910);
        for kind in &INSTANCE_TYPES {
            let (all, left) = (kind.capacity(), kind.allocatable());
            assert!(left.cpu < all.cpu && left.memory < all.memory && left.memory > 0, "{}", kind.name);
        }
    }
}
