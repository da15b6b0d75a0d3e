//! Pools, services and Jobs of the simulated cluster, and the schedule of submitted Jobs.

use super::catalog as c;
use super::model::{
    Allowed, Amounts, Budget, Capacity, Cron, Daemon, DaemonNodes, Deployment, Ending, JobSpec, Keep, MigInstances,
    NodeClass, Pdb, Place, Pool, Sharing, Template,
};

/// Every namespace of the simulated cluster.
pub(super) const NAMESPACES: [&str; 13] = [
    "batch",
    "default",
    "ingress-nginx",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    "logging",
    "ml",
    "monitoring",
    "nvidia",
    "research",
    "serving",
    "vision",
];

pub(super) const POOL_CPU: usize = 0;
pub(super) const POOL_GPU: usize = 1;
pub(super) const POOL_RESERVED: usize = 2;
pub(super) const POOL_STATIC: usize = 3;
pub(super) const POOL_MIG: usize = 4;
pub(super) const POOL_NOTEBOOKS: usize = 5;
pub(super) const POOL_OCR: usize = 6;
pub(super) const POOL_RENDER: usize = 7;
pub(super) const POOL_SWEEPS: usize = 8;

const CLASS_DEFAULT: usize = 0;
const CLASS_GPU: usize = 1;
const CLASS_GPU_SOCI: usize = 2;

/// The EC2NodeClasses, in the order of the constants above.
pub(super) static CLASSES: [NodeClass; 3] = [
    NodeClass {
        name: "default",
        images: 0,
        volume_size: "100Gi",
        instance_store_policy: None,
        user_data: None,
        pull_speed: 1,
    },
    GPU_CLASS,
    NodeClass {
        name: "gpu-soci",
        user_data: Some(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  featureGates:\n    FastImagePull: true\n",
        ),
        pull_speed: 3,
        ..GPU_CLASS
    },
];

const GPU_CLASS: NodeClass = NodeClass {
    name: "gpu",
    images: 1,
    volume_size: "300Gi",
    instance_store_policy: Some("RAID0"),
    user_data: None,
    pull_speed: 1,
};

/// What the NodePools of GPU nodes have in common: on-demand nodes, of which one at a time may be disrupted.
const GPU_POOL: Pool = Pool {
    name: "",
    weight: None,
    types: &[],
    capacities: &[Capacity::OnDemand],
    policy: "WhenEmpty",
    consolidate_after: None,
    budgets: &[Budget { nodes: Allowed::Nodes(1), reasons: None, window: None }],
    expire_after: None,
    grace: None,
    gpu: true,
    class: CLASS_GPU,
    sharing: Sharing::Whole,
    has_exporter: true,
    replicas: None,
    limits: &[],
};

/// The NodePools, in the order of the constants above.
pub(super) static POOLS: [Pool; 9] = [
    Pool {
        name: "cpu",
        weight: None,
        types: &[
            "m7i.large",
            "c7i.xlarge",
            "m7i.xlarge",
            "c7i.2xlarge",
            "m7i.2xlarge",
            "r7i.2xlarge",
            "c7i.4xlarge",
            "m7i.4xlarge",
            "r7i.4xlarge",
        ],
        capacities: &[Capacity::Spot, Capacity::OnDemand],
        policy: "WhenEmptyOrUnderutilized",
        consolidate_after: Some(60),
        budgets: &[
            Budget { nodes: Allowed::Percent(20), reasons: None, window: None },
            Budget { nodes: Allowed::Nodes(1), reasons: Some(&["Drifted"]), window: None },
        ],
        expire_after: Some(720 * 3600),
        grace: None,
        gpu: false,
        class: CLASS_DEFAULT,
        sharing: Sharing::Whole,
        has_exporter: true,
        replicas: None,
        limits: &[("cpu", "400"), ("memory", "1600Gi")],
    },
    Pool {
        name: "gpu",
        weight: Some(10),
        types: &[
            "g6.xlarge",
            "g5.xlarge",
            "g5.2xlarge",
            "g6.4xlarge",
            "g6.12xlarge",
            "g5.12xlarge",
            "g5.48xlarge",
            "p5.48xlarge",
        ],
        capacities: &[Capacity::Spot, Capacity::OnDemand],
        policy: "WhenEmpty",
        consolidate_after: Some(300),
        budgets: &[
            Budget { nodes: Allowed::Percent(10), reasons: None, window: None },
            Budget { nodes: Allowed::Nodes(0), reasons: Some(&["Drifted"]), window: None },
            Budget { nodes: Allowed::Nodes(0), reasons: Some(&["Underutilized"]), window: Some((8, 10)) },
        ],
        expire_after: Some(720 * 3600),
        grace: Some(1800),
        gpu: true,
        class: CLASS_GPU,
        sharing: Sharing::Whole,
        has_exporter: true,
        replicas: None,
        limits: &[("nvidia.com/gpu", "96")],
    },
    Pool {
        name: "gpu-reserved",
        weight: Some(100),
        types: &["p4d.24xlarge"],
        capacities: &[Capacity::Reserved],
        limits: &[("nodes", "2")],
        ..GPU_POOL
    },
    Pool {
        name: "gpu-static",
        types: &["g6.12xlarge"],
        policy: "WhenEmptyOrUnderutilized",
        consolidate_after: Some(0),
        replicas: Some(2),
        limits: &[("nodes", "3")],
        ..GPU_POOL
    },
    // Static, because Karpenter derives no MIG instances from an instance type.
    Pool {
        name: "gpu-mig",
        types: &["p5.4xlarge"],
        policy: "WhenEmptyOrUnderutilized",
        consolidate_after: Some(0),
        sharing: Sharing::Mig([2, 1, 1]),
        replicas: Some(1),
        limits: &[("nodes", "2")],
        ..GPU_POOL
    },
    Pool {
        name: "notebooks",
        types: &["g6.2xlarge"],
        consolidate_after: Some(900),
        expire_after: Some(720 * 3600),
        sharing: Sharing::TimeSliced(4),
        limits: &[("nvidia.com/gpu", "8")],
        ..GPU_POOL
    },
    // Its labels keep the exporter away: the DaemonSet does not support the driver of these nodes.
    Pool {
        name: "ocr",
        types: &["g4dn.2xlarge"],
        consolidate_after: Some(300),
        expire_after: Some(720 * 3600),
        has_exporter: false,
        limits: &[("nvidia.com/gpu", "4")],
        ..GPU_POOL
    },
    // One instance type only: where EC2 has it in one zone, all nodes stand on one spot pool.
    Pool {
        name: "render",
        types: &["g6.2xlarge"],
        capacities: &[Capacity::Spot],
        consolidate_after: Some(600),
        expire_after: Some(720 * 3600),
        limits: &[("nvidia.com/gpu", "8")],
        ..GPU_POOL
    },
    // Tries what SOCI does for the image that other nodes pull without.
    Pool {
        name: "sweeps",
        types: &["g5.xlarge"],
        capacities: &[Capacity::Spot, Capacity::OnDemand],
        consolidate_after: Some(300),
        expire_after: Some(720 * 3600),
        class: CLASS_GPU_SOCI,
        limits: &[("nvidia.com/gpu", "8")],
        ..GPU_POOL
    },
];

const fn agent(
    (namespace, name): (&'static str, &'static str),
    image: &'static c::Image,
    (cpu, memory): (i64, i64),
) -> Daemon {
    Daemon {
        namespace,
        name,
        template: Template {
            on_gpu_nodes: true,
            warm: (2, 5),
            ..Template::service(name, image, Amounts::plain(cpu, memory))
        },
        nodes: DaemonNodes::All,
        host_network: true,
        priority: "system-node-critical",
    }
}

pub(super) const DAEMON_CNI: usize = 0;
pub(super) const DAEMON_DEVICES: usize = 5;
pub(super) const DAEMON_DCGM: usize = 6;

/// The DaemonSets; the CNI, the device plugin and the exporter of GPU metrics by the constants above.
pub(super) static DAEMONS: [Daemon; 7] = [
    agent(("kube-system", "aws-node"), &c::AWS_NODE, (50, 0)),
    agent(("kube-system", "kube-proxy"), &c::KUBE_PROXY, (100, 0)),
    Daemon { host_network: false, ..agent(("kube-system", "ebs-csi-node"), &c::EBS_CSI, (30, 120)) },
    Daemon { priority: "", ..agent(("monitoring", "node-exporter"), &c::NODE_EXPORTER, (100, 64)) },
    Daemon { host_network: false, priority: "", ..agent(("logging", "fluent-bit"), &c::FLUENT_BIT, (100, 128)) },
    Daemon {
        host_network: false,
        nodes: DaemonNodes::WithGpus,
        ..agent(("nvidia", "nvidia-device-plugin"), &c::DEVICE_PLUGIN, (50, 64))
    },
    Daemon {
        host_network: false,
        nodes: DaemonNodes::WithExporter,
        priority: "",
        ..agent(("nvidia", "dcgm-exporter"), &c::DCGM_EXPORTER, (100, 256))
    },
];

const fn system(container: &'static str, image: &'static c::Image, (cpu, memory): (i64, i64)) -> Template {
    Template { place: Place::System, ..Template::service(container, image, Amounts::plain(cpu, memory)) }
}

pub(super) const DEPLOY_KARPENTER: usize = 0;
pub(super) const DEPLOY_INGRESS: usize = 7;
pub(super) const DEPLOY_API: usize = 8;
pub(super) const DEPLOY_TRITON: usize = 11;
pub(super) const DEPLOY_VECTORS: usize = 12;
pub(super) const DEPLOY_EMBEDDER: usize = 13;
pub(super) const DEPLOY_RERANKER: usize = 14;
pub(super) const DEPLOY_OCR: usize = 15;

/// Every Deployment of the simulated cluster.
pub(super) static DEPLOYMENTS: [Deployment; 16] = [
    Deployment {
        namespace: "kube-system",
        name: "karpenter",
        replicas: 2,
        template: system("controller", &c::KARPENTER, (1000, 1024)),
        pdb: Some(Pdb { name: "karpenter", keep: Keep::MaxUnavailable(1) }),
        age_hours: 19 * 24,
    },
    Deployment {
        namespace: "kube-system",
        name: "coredns",
        replicas: 2,
        template: system("coredns", &c::COREDNS, (100, 70)),
        pdb: Some(Pdb { name: "coredns", keep: Keep::MaxUnavailable(1) }),
        age_hours: 61 * 24,
    },
    Deployment {
        namespace: "kube-system",
        name: "metrics-server",
        replicas: 2,
        template: system("metrics-server", &c::METRICS_SERVER, (100, 200)),
        pdb: Some(Pdb { name: "metrics-server", keep: Keep::MaxUnavailable(1) }),
        age_hours: 61 * 24,
    },
    Deployment {
        namespace: "kube-system",
        name: "ebs-csi-controller",
        replicas: 2,
        template: system("ebs-plugin", &c::EBS_CSI, (60, 240)),
        pdb: Some(Pdb { name: "ebs-csi-controller", keep: Keep::MaxUnavailable(1) }),
        age_hours: 61 * 24,
    },
    Deployment {
        namespace: "monitoring",
        name: "kube-state-metrics",
        replicas: 1,
        template: Template::service("kube-state-metrics", &c::KUBE_STATE_METRICS, Amounts::plain(100, 256)),
        pdb: None,
        age_hours: 61 * 24,
    },
    Deployment {
        namespace: "monitoring",
        name: "prometheus",
        replicas: 1,
        template: Template {
            grace: 300,
            place: Place::OnDemand,
            ..Template::service("prometheus", &c::PROMETHEUS, Amounts::plain(1500, 8192))
        },
        pdb: None,
        age_hours: 44 * 24,
    },
    Deployment {
        namespace: "monitoring",
        name: "grafana",
        replicas: 1,
        template: Template::service("grafana", &c::GRAFANA, Amounts::plain(200, 512)),
        pdb: None,
        age_hours: 44 * 24,
    },
    Deployment {
        namespace: "ingress-nginx",
        name: "ingress-nginx-controller",
        replicas: 3,
        template: Template {
            place: Place::OnDemand,
            grace: 300,
            ..Template::service("controller", &c::INGRESS, Amounts::plain(500, 512))
        },
        // A common mistake: `minAvailable` equals the number of replicas.
        pdb: Some(Pdb { name: "ingress-nginx", keep: Keep::MinAvailable(3) }),
        age_hours: 88 * 24,
    },
    Deployment {
        namespace: "serving",
        name: "api",
        replicas: 12,
        template: Template { place: Place::OnDemand, ..Template::service("api", &c::API, Amounts::plain(1500, 3072)) },
        pdb: Some(Pdb { name: "api", keep: Keep::MaxUnavailable(2) }),
        age_hours: 70,
    },
    Deployment {
        namespace: "serving",
        name: "web",
        replicas: 4,
        template: Template::service("web", &c::WEB, Amounts::plain(250, 256)),
        pdb: Some(Pdb { name: "web", keep: Keep::MaxUnavailable(1) }),
        age_hours: 94,
    },
    Deployment {
        namespace: "ml",
        name: "mlflow",
        replicas: 1,
        template: Template::service("mlflow", &c::MLFLOW, Amounts::plain(500, 2048)),
        pdb: None,
        age_hours: 30 * 24,
    },
    Deployment {
        namespace: "vision",
        name: "triton",
        replicas: 4,
        template: Template {
            place: Place::Pool(POOL_STATIC),
            warm: (40, 70),
            ..Template::service("triton", &c::TRITON, Amounts::with_gpu(8000, 49_152, 2))
        },
        pdb: Some(Pdb { name: "triton", keep: Keep::MaxUnavailable(1) }),
        age_hours: 190,
    },
    Deployment {
        namespace: "research",
        name: "vector-db",
        replicas: 2,
        // Bound before the nodes of the GPU pool had their taint: its pods use no GPU, keep an expensive node from being
        // empty, and run elsewhere once they are evicted.
        template: Template::service("vector-db", &c::VECTOR_DB, Amounts::plain(6000, 65_536)),
        pdb: None,
        age_hours: 75,
    },
    Deployment {
        namespace: "ml",
        name: "embedder",
        replicas: 2,
        template: on_mig("embedder", [1, 0, 0]),
        pdb: None,
        age_hours: 118,
    },
    Deployment {
        namespace: "ml",
        name: "reranker",
        replicas: 1,
        template: on_mig("reranker", [0, 1, 0]),
        pdb: None,
        age_hours: 117,
    },
    Deployment {
        namespace: "vision",
        name: "ocr",
        replicas: 1,
        template: Template {
            place: Place::Pool(POOL_OCR),
            warm: (15, 30),
            ..Template::service("ocr", &c::OCR, Amounts::with_gpu(5000, 20_480, 1))
        },
        pdb: None,
        age_hours: 140,
    },
];

/// A server of a small model, on MIG instances.
const fn on_mig(container: &'static str, instances: MigInstances) -> Template {
    Template {
        place: Place::Pool(POOL_MIG),
        warm: (20, 40),
        ..Template::service(container, &c::EMBEDDER, Amounts::with_mig(3000, 24_576, instances))
    }
}

/// A notebook that a user started, as JupyterHub makes it: a pod without controller.
pub(super) static NOTEBOOK: Template = Template {
    grace: 30,
    warm: (8, 20),
    ..Template::service("notebook", &c::NOTEBOOK, Amounts::with_gpu(3000, 10_240, 1))
};

/// A notebook whose GPU others use, too.
pub(super) static SHARED_NOTEBOOK: Template = Template {
    place: Place::Pool(POOL_NOTEBOOKS),
    grace: 30,
    warm: (8, 20),
    ..Template::service("notebook", &c::NOTEBOOK, Amounts::with_gpu(2000, 7_168, 1))
};

const fn job(namespace: &'static str, name: &'static str, template: Template) -> JobSpec {
    JobSpec {
        namespace,
        name,
        template,
        indexed: false,
        parallelism: 1,
        completions: 1,
        run: (3600, 3600),
        ending: Ending::Well,
        backoff_limit: 6,
        ttl: 2 * 3600,
        suspended: false,
    }
}

const fn trainer(image: &'static c::Image, kind: &'static str, requests: Amounts) -> Template {
    Template { place: Place::Type(kind), warm: (3, 8), stop: (8, 25), ..Template::service("trainer", image, requests) }
}

const fn worker(image: &'static c::Image, cpu: i64, memory: i64) -> Template {
    Template { warm: (1, 3), stop: (2, 9), ..Template::service("worker", image, Amounts::plain(cpu, memory)) }
}

pub(super) const JOB_PRETRAIN: usize = 0;
pub(super) const JOB_DETR: usize = 1;
pub(super) const JOB_REWARD: usize = 2;
pub(super) const JOB_EMBED: usize = 3;
pub(super) const JOB_DIFFUSION: usize = 4;
pub(super) const JOB_LORA: usize = 5;
pub(super) const JOB_MOE: usize = 6;
pub(super) const JOB_SWEEP: usize = 7;
pub(super) const JOB_ETL: usize = 8;
pub(super) const JOB_THUMBNAILS: usize = 9;
pub(super) const JOB_BACKFILL: usize = 10;
pub(super) const JOB_TOKENIZE: usize = 11;
pub(super) const JOB_SIMULATE: usize = 12;
pub(super) const JOB_BILLING: usize = 13;
pub(super) const JOB_FRAMES: usize = 14;
pub(super) const JOB_EVAL: usize = 15;
pub(super) const JOB_RENDER: usize = 16;

/// The Jobs, in the order of the constants above.
pub(super) static JOBS: [JobSpec; 17] = [
    JobSpec {
        indexed: true,
        parallelism: 8,
        completions: 8,
        run: (94_000, 94_000),
        backoff_limit: 3,
        ..job(
            "ml",
            "llm-pretrain-7b",
            Template {
                do_not_disrupt: Some("true"),
                grace: 120,
                ..trainer(&c::PYTORCH, "p5.48xlarge", Amounts { efa: 16, ..Amounts::with_gpu(88_000, 921_600, 4) })
            },
        )
    },
    JobSpec {
        run: (16_800, 17_700),
        ..job(
            "vision",
            "detr-finetune",
            Template {
                do_not_disrupt: Some("4h"),
                ..trainer(&c::VISION, "g5.12xlarge", Amounts::with_gpu(20_000, 81_920, 2))
            },
        )
    },
    JobSpec {
        run: (25_000, 26_000),
        ..job(
            "ml",
            "reward-eval",
            Template {
                do_not_disrupt: Some("2h"),
                ..trainer(&c::PYTORCH, "g5.12xlarge", Amounts::with_gpu(16_000, 65_536, 2))
            },
        )
    },
    JobSpec {
        run: (34_000, 36_000),
        ..job(
            "ml",
            "embed-corpus",
            Template {
                do_not_disrupt: Some("12h"),
                place: Place::Pool(POOL_RESERVED),
                ..trainer(&c::PYTORCH, "p4d.24xlarge", Amounts { efa: 4, ..Amounts::with_gpu(80_000, 921_600, 8) })
            },
        )
    },
    JobSpec {
        indexed: true,
        parallelism: 2,
        completions: 2,
        run: (7200, 9000),
        ..job("vision", "diffusion-ft", trainer(&c::DIFFUSION, "g5.12xlarge", Amounts::with_gpu(40_000, 163_840, 4)))
    },
    JobSpec {
        run: (2400, 4200),
        ..job("research", "lora-ablation", trainer(&c::SWEEP, "g6.4xlarge", Amounts::with_gpu(12_000, 49_152, 1)))
    },
    JobSpec {
        indexed: true,
        parallelism: 2,
        completions: 2,
        run: (18_000, 18_000),
        ..job(
            "research",
            "moe-ablation",
            trainer(&c::PYTORCH, "p5.48xlarge", Amounts { efa: 32, ..Amounts::with_gpu(160_000, 1_638_400, 8) }),
        )
    },
    JobSpec {
        parallelism: 4,
        completions: 32,
        run: (240, 900),
        ..job(
            "ml",
            "lr-sweep",
            Template {
                place: Place::Pool(POOL_SWEEPS),
                ..trainer(&c::SWEEP, "g5.xlarge", Amounts::with_gpu(3000, 10_240, 1))
            },
        )
    },
    JobSpec {
        parallelism: 6,
        completions: 12,
        run: (60, 200),
        ending: Ending::SomeFail(2),
        ttl: 2400,
        ..job("batch", "etl-orders", worker(&c::ETL, 2000, 6144))
    },
    JobSpec {
        parallelism: 3,
        completions: 24,
        run: (20, 60),
        ttl: 1500,
        ..job("batch", "thumbnails", worker(&c::THUMBNAILS, 500, 512))
    },
    JobSpec {
        parallelism: 10,
        completions: 120,
        suspended: true,
        ..job("batch", "backfill-2025", worker(&c::ETL, 4000, 12_288))
    },
    JobSpec {
        run: (25, 60),
        ending: Ending::Exit(1),
        backoff_limit: 4,
        ttl: 6 * 3600,
        ..job("research", "tokenize-shards", worker(&c::SIMULATE, 2000, 4096))
    },
    JobSpec {
        parallelism: 8,
        completions: 16,
        run: (400, 1500),
        ending: Ending::SomeFail(4),
        ..job("research", "mc-sim", worker(&c::SIMULATE, 3500, 6144))
    },
    JobSpec {
        run: (52_000, 52_000),
        ..job(
            "batch",
            "billing-close",
            Template { do_not_disrupt: Some("true"), grace: 120, ..worker(&c::ETL, 6000, 49_152) },
        )
    },
    JobSpec {
        parallelism: 3,
        completions: 12,
        run: (600, 1500),
        ..job("vision", "frames-extract", Template { do_not_disrupt: Some("1h"), ..worker(&c::SIMULATE, 7000, 12_288) })
    },
    JobSpec {
        indexed: true,
        parallelism: 4,
        completions: 4,
        run: (1500, 2400),
        ..job("ml", "eval-suite", trainer(&c::SWEEP, "g6.12xlarge", Amounts::with_gpu(10_000, 40_960, 1)))
    },
    // Its pods write what they have when they are asked to end, which takes longer than a notice of AWS leaves.
    JobSpec {
        parallelism: 4,
        completions: 40,
        run: (150_000, 190_000),
        ..job(
            "vision",
            "render-scenes",
            Template {
                place: Place::Pool(POOL_RENDER),
                grace: 300,
                ..trainer(&c::VISION, "g6.2xlarge", Amounts::with_gpu(5000, 20_480, 1))
            },
        )
    },
];

/// Every CronJob of the simulated cluster.
pub(super) static CRONS: [Cron; 3] = [
    Cron { job: JOB_ETL, name: "etl-orders", schedule: "*/15 * * * *", every: 900, phase: 0 },
    Cron { job: JOB_THUMBNAILS, name: "thumbnails", schedule: "5,25,45 * * * *", every: 1200, phase: 300 },
    Cron { job: JOB_SIMULATE, name: "mc-sim", schedule: "10 */2 * * *", every: 7200, phase: 600 },
];

/// Entry of the programme: a Job that is submitted once or periodically.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) job: usize,
    /// Seconds after the start (before it where negative).
    pub(super) at: i64,
    /// Seconds between submissions; `None` for once.
    pub(super) every: Option<i64>,
}

const fn once(job: usize, at: i64) -> Entry {
    Entry { job, at, every: None }
}

const fn again(job: usize, at: i64, every: i64) -> Entry {
    Entry { job, at, every: Some(every) }
}

/// Submitted Jobs. Those shortly before 0 are running on the first screen.
pub(super) static PROGRAMME: [Entry; 17] = [
    once(JOB_DETR, -4500),
    once(JOB_DIFFUSION, -400),
    once(JOB_LORA, -90),
    once(JOB_MOE, -1280),
    once(JOB_BACKFILL, -7900),
    once(JOB_TOKENIZE, -1500),
    again(JOB_SWEEP, -2400, 7200),
    again(JOB_FRAMES, -3000, 9000),
    again(JOB_EVAL, -5400, 6000),
    again(JOB_LORA, 1500, 4800),
    again(JOB_DIFFUSION, 5400, 14_400),
    again(JOB_DETR, 16_000, 21_600),
    again(JOB_REWARD, 30_000, 36_000),
    again(JOB_EMBED, 24_000, 43_200),
    again(JOB_TOKENIZE, 20_000, 43_200),
    again(JOB_PRETRAIN, 60_000, 108_000),
    again(JOB_BILLING, 50_000, 86_400),
];
