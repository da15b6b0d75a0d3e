//! The JSON of objects, each a function of what it is and how often it has changed.
//!
//! Of what batchtop interns (labels, owners, messages) there are few different texts: it forgets unused ones only now and then,
//! which would be noise in what memory is compared.

use batchtop::fleet::{Kind, Scope};

use super::random::Random;

/// The kinds whose objects are made undecodable now and then: those of which more than metadata is read.
pub const BREAKABLE: [Kind; 4] = [Kind::Node, Kind::Pod, Kind::Job, Kind::NodeClaim];

/// One version of one object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Shape {
    /// Which of the objects of its kind.
    pub slot: usize,
    /// How often it has been made anew, with another uid.
    pub generation: usize,
    /// How often it has changed since.
    pub revision: usize,
    /// Whether its fields have types that no API server would give them.
    pub is_broken: bool,
}

impl Shape {
    /// What the world begins with, and is brought back to.
    pub fn first(slot: usize) -> Self {
        Self { slot, generation: 0, revision: 0, is_broken: false }
    }
}

/// How many objects of a kind there are, when none is missing.
pub fn population(kind: Kind) -> usize {
    match kind {
        Kind::Pod => 2_000,
        Kind::Event => 200,
        Kind::Node | Kind::NodeClaim | Kind::Job | Kind::ResourceSlice | Kind::ResourceClaim => 100,
        Kind::Workload => 50,
        Kind::ReplicaSet => 40,
        Kind::PodDisruptionBudget | Kind::PodGroup | Kind::VolcanoPodGroup | Kind::JobSet => 10,
        Kind::CronJob | Kind::Namespace => 5,
        Kind::NodePool | Kind::NodeOverlay | Kind::DeviceClass => 3,
        Kind::Ec2NodeClass | Kind::EksNodeClass | Kind::KarpenterDeployment => 1,
    }
}

/// `namespace/name`, or `name` of what is in no namespace. Every other pod and every Event gets a new name when it is made
/// anew, as those of a Job do; the others keep theirs, as those of a StatefulSet do.
pub fn key(kind: Kind, shape: Shape) -> String {
    let name = name(kind, shape);
    match kind.spec().scope {
        Scope::Namespaced => format!("{}/{name}", namespace(shape.slot)),
        Scope::Cluster => name,
    }
}

fn name(kind: Kind, shape: Shape) -> String {
    let Shape { slot, generation, .. } = shape;
    let is_renamed = kind == Kind::Event || (kind == Kind::Pod && slot % 2 == 1);
    let stem = kind.resource();
    if is_renamed { format!("{stem}-{slot}-{generation}") } else { format!("{stem}-{slot}") }
}

fn namespace(slot: usize) -> String {
    format!("namespaces-{}", slot % 5)
}

fn uid(kind: Kind, slot: usize, generation: usize) -> String {
    format!("{:08x}-{:04x}-4000-8000-{slot:012x}", kind as usize + 1, generation % 0x1_0000)
}

/// The object as the API server would write it.
pub fn json(kind: Kind, shape: Shape, version: u64) -> String {
    let Shape { slot, generation, revision, .. } = shape;
    let spec = kind.spec();
    let api_version =
        if spec.group.is_empty() { "v1".to_owned() } else { format!("{}/{}", spec.group, spec.best_version()) };
    let namespace = match spec.scope {
        Scope::Namespaced => format!(r#""namespace":"{}","#, namespace(slot)),
        Scope::Cluster => String::new(),
    };
    let mut random = Random::of(&[kind as u64, slot as u64, generation as u64, revision as u64]);
    let annotations = match random.below(8) {
        0 => r#""annotations":{"karpenter.sh/do-not-disrupt":"true"},"#,
        1 => r#""annotations":{"karpenter.sh/do-not-disrupt":"4h"},"#,
        _ => "",
    };
    format!(
        r#"{{"kind":"{}","apiVersion":"{api_version}","metadata":{{"name":"{}",{namespace}"uid":"{}","resourceVersion":"{version}","creationTimestamp":"2026-11-21T10:{:02}:00Z",{annotations}{}"labels":{{{}}}}}{}}}"#,
        spec.name,
        name(kind, shape),
        uid(kind, slot, generation),
        generation % 60,
        owner(kind, slot),
        labels(kind, shape),
        if shape.is_broken {
            r#","spec":"broken","status":"broken""#.to_owned()
        } else {
            rest(kind, shape, &mut random)
        },
    )
}

fn owner(kind: Kind, slot: usize) -> String {
    let of = |kind: &str, name: String, uid: String| {
        format!(
            r#""ownerReferences":[{{"kind":"{kind}","apiVersion":"batch/v1","name":"{name}","uid":"{uid}","controller":true}}],"#
        )
    };
    match kind {
        Kind::Pod => {
            let job = slot % population(Kind::Job);
            of("Job", format!("jobs-{job}"), uid(Kind::Job, job, 0))
        }
        Kind::Workload => of("Job", format!("jobs-{slot}"), uid(Kind::Job, slot, 0)),
        Kind::ReplicaSet => of("Deployment", format!("web-{slot}"), uid(Kind::KarpenterDeployment, slot, 1)),
        _ => String::new(),
    }
}

fn labels(kind: Kind, shape: Shape) -> String {
    let (slot, revision) = (shape.slot, shape.revision % 8);
    let instance_type = ["m7i.2xlarge", "p5.48xlarge", "g6.xlarge"][slot % 3];
    let own = match kind {
        Kind::Node | Kind::NodeClaim => format!(
            r#","karpenter.sh/nodepool":"nodepools-{}","karpenter.sh/registered":"true","karpenter.sh/initialized":"true","karpenter.sh/capacity-type":"{}","node.kubernetes.io/instance-type":"{instance_type}","topology.kubernetes.io/region":"us-east-1","topology.kubernetes.io/zone":"us-east-1a""#,
            slot % 3,
            ["spot", "on-demand"][slot % 2],
        ),
        Kind::KarpenterDeployment => r#","app.kubernetes.io/name":"karpenter""#.to_owned(),
        _ => String::new(),
    };
    format!(r#""app":"app-{}","revision":"{revision}"{own}"#, slot % 7)
}

/// What comes behind the metadata.
fn rest(kind: Kind, shape: Shape, random: &mut Random) -> String {
    let Shape { slot, revision, .. } = shape;
    match kind {
        Kind::Node => node(shape, random),
        Kind::NodeClaim => node_claim(shape, random),
        Kind::Pod => pod(random),
        Kind::NodePool => format!(
            r#","spec":{{"template":{{"spec":{{"nodeClassRef":{{"group":"karpenter.k8s.aws","kind":"EC2NodeClass","name":"ec2nodeclasses-0"}}}}}},"disruption":{{"consolidationPolicy":"WhenEmptyOrUnderutilized","consolidateAfter":"{}s","budgets":[{{"nodes":"{}%"}}]}}}},"status":{{"resources":{{"nodes":"33"}}}}"#,
            30 + revision,
            random.below(100),
        ),
        Kind::Job => format!(
            r#","spec":{{"parallelism":20,"completions":{},"template":{{"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"1"}}}}}}]}}}}}},"status":{{"active":{},"succeeded":{revision},"startTime":"2026-11-21T10:00:10Z"}}"#,
            100 + revision,
            random.below(20),
        ),
        Kind::CronJob => {
            format!(
                r#","spec":{{"schedule":"{} * * * *","suspend":{}}},"status":{{}}"#,
                revision % 60,
                random.is_in(50)
            )
        }
        Kind::PodDisruptionBudget => format!(
            r#","spec":{{"selector":{{"matchLabels":{{"app":"app-{}"}}}}}},"status":{{"disruptionsAllowed":{},"currentHealthy":{},"desiredHealthy":2,"expectedPods":{revision}}}"#,
            slot % 7,
            random.below(3),
            random.below(9),
        ),
        Kind::Event => event(shape, random),
        Kind::Workload => format!(
            r#","spec":{{"queueName":"queue-{}","active":{}}},"status":{{"conditions":[{}]}}"#,
            slot % 3,
            random.is_in(90),
            condition("QuotaReserved", random),
        ),
        Kind::PodGroup | Kind::VolcanoPodGroup => {
            format!(r#","spec":{{"minMember":{}}},"status":{{"running":{}}}"#, 1 + revision, random.below(9))
        }
        Kind::JobSet => format!(
            r#","spec":{{"replicatedJobs":[{{"name":"workers","replicas":{},"template":{{"spec":{{"parallelism":{}}}}}}}]}},"status":{{}}"#,
            1 + revision,
            1 + random.below(9),
        ),
        Kind::KarpenterDeployment => format!(
            r#","spec":{{"template":{{"spec":{{"containers":[{{"name":"controller","image":"public.ecr.aws/karpenter/controller:1.{}.0"}}]}}}}}}"#,
            8 + revision % 6,
        ),
        Kind::NodeOverlay => format!(
            r#","spec":{{"requirements":[{{"key":"karpenter.sh/nodepool","operator":"In","values":["nodepools-{slot}"]}}],"weight":{},"price":"0.{}"}},"status":{{}}"#,
            1 + revision % 90,
            1 + random.below(99),
        ),
        Kind::ResourceSlice => resource_slice(shape, random),
        Kind::ResourceClaim => resource_claim(slot, random),
        Kind::DeviceClass => format!(
            r#","spec":{{"selectors":[{{"cel":{{"expression":"device.driver == '{}'"}}}}]}}"#,
            random.pick(&["gpu.nvidia.com", "dra.net"])
        ),
        Kind::Ec2NodeClass | Kind::EksNodeClass => {
            format!(r#","spec":{{}},"status":{{"conditions":[{}]}}"#, condition("Ready", random))
        }
        Kind::ReplicaSet | Kind::Namespace => String::new(),
    }
}

/// The devices of one Node, for a time perhaps without all slices.
fn resource_slice(shape: Shape, random: &mut Random) -> String {
    let Shape { slot, revision, .. } = shape;
    let device = |number: usize| {
        let taints = if random.is_in(10) { r#","taints":[{"key":"xid","effect":"NoExecute"}]"# } else { "" };
        format!(
            r#"{{"name":"gpu-{number}","attributes":{{"type":{{"string":"gpu"}},"uuid":{{"string":"GPU-{slot}-{number}"}}}}{taints}}}"#
        )
    };
    let devices: Vec<String> = (0..8).map(device).collect();
    format!(
        r#","spec":{{"driver":"gpu.nvidia.com","pool":{{"name":"nodes-{slot}","generation":{revision},"resourceSliceCount":{}}},"nodeName":"nodes-{slot}","devices":[{}]}}"#,
        1 + revision % 5 / 4,
        devices.join(","),
    )
}

/// A claim of the pod in the same slot, which has a device of any Node or waits for one.
fn resource_claim(slot: usize, random: &mut Random) -> String {
    let pod =
        format!(r#"{{"resource":"pods","name":"pods-{slot}","uid":"{}"}}"#, uid(Kind::Pod, slot, random.below(2)));
    let status = match random.below(3) {
        0 => String::new(),
        _ => format!(
            r#","status":{{"allocation":{{"devices":{{"results":[{{"request":"r","driver":"gpu.nvidia.com","pool":"nodes-{}","device":"gpu-{}"}}]}}}},"reservedFor":[{pod}]}}"#,
            random.below(100),
            random.below(8),
        ),
    };
    format!(
        r#","spec":{{"devices":{{"requests":[{{"name":"r","exactly":{{"deviceClassName":"deviceclasses-0","count":1}}}}]}}}}{status}"#
    )
}

fn condition(name: &str, random: &mut Random) -> String {
    let status = random.pick(&["True", "True", "True", "False", "Unknown"]);
    format!(
        r#"{{"type":"{name}","status":"{status}","reason":"Chaos","message":"","lastTransitionTime":"2026-11-21T10:00:{:02}Z"}}"#,
        random.below(60)
    )
}

fn node(shape: Shape, random: &mut Random) -> String {
    let (slot, generation) = (shape.slot, shape.generation % 4);
    let amounts = r#"{"cpu":"96","memory":"1Ti","pods":"200","nvidia.com/gpu":"8"}"#;
    format!(
        r#","spec":{{"providerID":"aws:///us-east-1a/i-{slot}-{generation}"{}}},"status":{{"capacity":{amounts},"allocatable":{amounts},"conditions":[{}],"nodeInfo":{{"kubeletVersion":"v1.35.1"}}}}"#,
        random.pick(&["", r#","unschedulable":true"#]),
        condition("Ready", random),
    )
}

fn node_claim(shape: Shape, random: &mut Random) -> String {
    let (slot, generation) = (shape.slot, shape.generation % 4);
    let conditions =
        ["Launched", "Registered", "Initialized", "Consolidatable", "Drifted"].map(|name| condition(name, random));
    format!(
        r#","spec":{{"nodeClassRef":{{"group":"karpenter.k8s.aws","kind":"EC2NodeClass","name":"ec2nodeclasses-0"}},"expireAfter":"720h"}},"status":{{"providerID":"aws:///us-east-1a/i-{slot}-{generation}","nodeName":"nodes-{slot}","capacity":{{"cpu":"96"}},"conditions":[{}]}}"#,
        conditions.join(","),
    )
}

fn pod(random: &mut Random) -> String {
    let node = match random.below(population(Kind::Node) + 5) {
        slot if slot < population(Kind::Node) => format!(r#""nodeName":"nodes-{slot}","#),
        _ => String::new(),
    };
    let gpu = random.pick(&["", "", r#","nvidia.com/gpu":"1""#]);
    format!(
        r#","spec":{{{node}"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"{}m","memory":"{}Mi"{gpu}}}}}}}]}},"status":{{"phase":"{}","startTime":"2026-11-21T10:00:05Z","conditions":[{}]}}"#,
        100 + random.below(8) * 100,
        64 + random.below(8) * 64,
        random.pick(&["Running", "Running", "Running", "Pending", "Succeeded", "Failed"]),
        condition("Ready", random),
    )
}

fn event(shape: Shape, random: &mut Random) -> String {
    let (reason, source) = random.pick(&[
        ("DisruptionBlocked", "karpenter"),
        ("SpotInterrupted", "karpenter"),
        ("Evicted", "karpenter"),
        ("FailedScheduling", "default-scheduler"),
        ("Pulled", "kubelet"),
    ]);
    format!(
        r#","involvedObject":{{"kind":"Node","name":"nodes-{}"}},"reason":"{reason}","message":"chaos {}","type":"Normal","count":{},"source":{{"component":"{source}"}},"firstTimestamp":"2026-11-21T10:00:00Z","lastTimestamp":"2026-11-21T10:{:02}:{:02}Z""#,
        random.below(population(Kind::Node)),
        random.below(40),
        1 + shape.revision,
        random.below(60),
        random.below(60),
    )
}
