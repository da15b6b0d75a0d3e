//! The objects of a fleet as their real writers would send them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::instance_types::ZONES;
use super::super::manifests::NodePoolSpec;
use super::random::Random;
use super::shape::{Owner, PODS_PER_WORKLOAD, POOLS, Phase, PodShape, Pool, Size, Workload, node_name, pool, zone};

/// Variables of the main container. With them a pod is about 10 KB as the server returns it.
const VARIABLES: usize = 6;

/// Images that a kubelet reports of its node.
const IMAGES: usize = 12;

/// All NodePools.
pub fn node_pools() -> Vec<Value> {
    let build = |pool: &Pool| {
        NodePoolSpec::new(pool.name)
            .instance_types(&[pool.instance_type])
            .zones(&ZONES)
            .capacity_types(&[pool.capacity_type])
            .budget(json!({"nodes": "10%"}))
            .consolidate_after("5m")
            .expire_after("720h")
            .build()
    };
    POOLS.iter().map(build).collect()
}

/// The PodDisruptionBudget of a ReplicaSet, with its status; every other one allows nothing.
pub fn disruption_budget(workload: &Workload) -> Option<(Value, Value)> {
    if workload.owner != Owner::ReplicaSet {
        return None;
    }
    let object = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"namespace": workload.namespace, "name": workload.name},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": workload.name}}},
    });
    let allowed = usize::from(workload.index.is_multiple_of(2));
    let status = json!({"status": {
        "disruptionsAllowed": allowed, "currentHealthy": PODS_PER_WORKLOAD - 1 + allowed,
        "desiredHealthy": PODS_PER_WORKLOAD - 1, "expectedPods": PODS_PER_WORKLOAD,
    }});
    Some((object, status))
}

/// A Node with its status; the API server takes both in one request.
pub fn node(size: Size, index: usize) -> Value {
    let pool = pool(index);
    let mut random = Random::new(!size.seed, index);
    let name = node_name(index);
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": node_labels(pool, index, &name),
            "annotations": {
                "karpenter.sh/nodepool-hash": random.hex(20),
                "karpenter.sh/nodepool-hash-version": "v3",
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
            "finalizers": ["karpenter.sh/termination"],
        },
        "spec": {"providerID": provider_id(size, index)},
        "status": {
            "capacity": quantities(pool, 0),
            "allocatable": quantities(pool, 1),
            "conditions": node_conditions(),
            "addresses": [
                {"type": "InternalIP", "address": format!("10.{}.{}.{}", index / 65_536, index / 256 % 256, index % 256)},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": "amd64", "bootID": random.hex(32), "containerRuntimeVersion": "containerd://2.1.5",
                "kernelVersion": "6.12.58-82.121.amzn2023.x86_64", "kubeProxyVersion": "", "kubeletVersion": "v1.36.3-eks-1234567",
                "machineID": random.hex(32), "operatingSystem": "linux", "osImage": "Amazon Linux 2023.9", "systemUUID": random.hex(32),
            },
            "images": (0..IMAGES).map(|image| json!({
                "names": [format!("registry.example/team/image-{image}@sha256:{}", random.hex(64)), format!("registry.example/team/image-{image}:v1")],
                "sizeBytes": 100_000_000 + random.below(1_000_000_000),
            })).collect::<Vec<_>>(),
        },
    })
}

/// What makes a new Node schedulable: admission tainted it `not-ready` until then.
pub fn node_taints(index: usize) -> Value {
    let taints = match pool(index).gpus {
        0 => json!([]),
        _ => json!([{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]),
    };
    json!({"spec": {"taints": taints}})
}

/// The NodeClaim of a node, and its status.
pub fn node_claim(size: Size, index: usize) -> (Value, Value) {
    let pool = pool(index);
    let name = claim_name(pool, index);
    let now = Timestamp::now().to_string();
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": now, "observedGeneration": 1});
    let conditions = ["Launched", "Registered", "Initialized", "Consolidatable", "Ready"].map(condition);
    let object = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {
            "name": name,
            "labels": node_labels(pool, index, &node_name(index)),
            "finalizers": ["karpenter.sh/termination"],
        },
        "spec": {
            "expireAfter": "720h",
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
            "requirements": [
                {"key": "karpenter.sh/nodepool", "operator": "In", "values": [pool.name]},
                {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [pool.instance_type]},
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [pool.capacity_type]},
            ],
            "resources": {"requests": {"cpu": "2", "memory": "4Gi", "pods": "8"}},
        },
    });
    let status = json!({"status": {
        "nodeName": node_name(index),
        "providerID": provider_id(size, index),
        "imageID": "ami-0123456789abcdef0",
        "capacity": quantities(pool, 0),
        "allocatable": quantities(pool, 1),
        "conditions": conditions,
    }});
    (object, status)
}

/// Name of a node's NodeClaim.
pub fn claim_name(pool: &Pool, index: usize) -> String {
    format!("{}-{index:05}", pool.name)
}

/// The object that owns pods; a DaemonSet here is only a name.
pub fn workload(workload: &Workload) -> Option<Value> {
    let labels = json!({"app.kubernetes.io/name": workload.name});
    let template = json!({
        "metadata": {"labels": labels},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "registry.example/team/work:v1"}]},
    });
    let metadata = json!({"namespace": workload.namespace, "name": workload.name, "labels": labels});
    match workload.owner {
        Owner::Job => Some(json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
            "spec": {
                "parallelism": PODS_PER_WORKLOAD, "completions": PODS_PER_WORKLOAD, "backoffLimit": 6,
                "completionMode": "Indexed", "template": template,
            },
        })),
        Owner::ReplicaSet => {
            let mut template = template;
            template["spec"]["restartPolicy"] = json!("Always");
            Some(json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
                "spec": {"replicas": PODS_PER_WORKLOAD, "selector": {"matchLabels": labels}, "template": template},
            }))
        }
        Owner::DaemonSet => None,
    }
}

/// Status of a Job whose pods exist.
pub fn job_status() -> Value {
    let now = Timestamp::now().to_string();
    json!({"status": {"active": PODS_PER_WORKLOAD, "ready": PODS_PER_WORKLOAD, "startTime": now, "uncountedTerminatedPods": {}}})
}

/// A pod as its controller creates it, bound already: no scheduler runs.
pub fn pod(size: Size, shape: &PodShape, workload: &Workload, owner_uid: &str) -> Value {
    let mut random = Random::new(size.seed.rotate_left(17), shape.index);
    let mut spec = json!({
        "restartPolicy": if workload.owner == Owner::Job { "Never" } else { "Always" },
        "serviceAccountName": "workload",
        "priority": 0,
        "terminationGracePeriodSeconds": 120,
        "nodeSelector": {"karpenter.sh/nodepool": pool(shape.node.unwrap_or(0)).name},
        "containers": [main_container(shape, workload, &mut random), log_shipper()],
        "volumes": volumes(workload),
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
            "weight": 50,
            "preference": {"matchExpressions": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}]},
        }]}},
    });
    if let Some(node) = shape.node {
        spec["nodeName"] = json!(node_name(node));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": shape.namespace,
            "name": shape.name,
            "labels": pod_labels(shape, workload, &mut random),
            "annotations": pod_annotations(shape, &mut random),
            "ownerReferences": [owner_reference(workload, owner_uid)],
        },
        "spec": spec,
    })
}

/// What kubelet or the scheduler reports of a pod.
pub fn pod_status(shape: &PodShape) -> Value {
    let now = Timestamp::now().to_string();
    if shape.phase == Phase::Pending {
        let message = "0/500 nodes are available: 500 Insufficient cpu. preemption: 0/500 nodes are available.";
        return json!({"status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastTransitionTime": now},
        ]}});
    }
    let index = shape.index;
    let address = format!("10.{}.{}.{}", 100 + index / 65_536, index / 256 % 256, index % 256);
    let running = shape.phase == Phase::Running;
    let condition = |kind: &str, holds: bool| {
        let mut condition =
            json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now});
        if !holds {
            condition["reason"] = json!("PodCompleted");
        }
        condition
    };
    let containers = ["main", "log-shipper"].map(|name| container_status(shape, name, &state(shape.phase, &now)));
    json!({"status": {
        "phase": format!("{:?}", shape.phase),
        "qosClass": "Burstable",
        "startTime": now,
        "hostIP": "10.0.0.1",
        "hostIPs": [{"ip": "10.0.0.1"}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            condition("PodReadyToStartContainers", running),
            condition("Initialized", true),
            condition("Ready", running),
            condition("ContainersReady", running),
            condition("PodScheduled", true),
        ],
        "containerStatuses": containers,
    }})
}

fn node_labels(pool: &Pool, index: usize, name: &str) -> Value {
    let (family, size) = pool.instance_type.split_once('.').unwrap_or((pool.instance_type, ""));
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": pool.instance_type,
        "beta.kubernetes.io/os": "linux",
        "karpenter.k8s.aws/ec2nodeclass": "default",
        "karpenter.k8s.aws/instance-category": &family[..1],
        "karpenter.k8s.aws/instance-cpu": pool.cpu.to_string(),
        "karpenter.k8s.aws/instance-family": family,
        "karpenter.k8s.aws/instance-hypervisor": "nitro",
        "karpenter.k8s.aws/instance-memory": (pool.memory_gib * 1024).to_string(),
        "karpenter.k8s.aws/instance-size": size,
        "karpenter.sh/capacity-type": pool.capacity_type,
        "karpenter.sh/initialized": "true",
        "karpenter.sh/nodepool": pool.name,
        "karpenter.sh/registered": "true",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": pool.instance_type,
        "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": zone(index),
    });
    if pool.gpus > 0 {
        labels["karpenter.k8s.aws/instance-gpu-name"] = json!(pool.gpu_name);
        labels["karpenter.k8s.aws/instance-gpu-count"] = json!(pool.gpus.to_string());
        labels["karpenter.k8s.aws/instance-gpu-manufacturer"] = json!("nvidia");
    }
    labels
}

/// What a node has, less this many CPUs and GiB that the system keeps.
fn quantities(pool: &Pool, reserved: u32) -> Value {
    let mut quantities = json!({
        "cpu": (pool.cpu - reserved).to_string(),
        "memory": format!("{}Gi", pool.memory_gib - reserved),
        "ephemeral-storage": "200Gi",
        "pods": "234",
    });
    if pool.gpus > 0 {
        quantities["nvidia.com/gpu"] = json!(pool.gpus.to_string());
    }
    quantities
}

fn node_conditions() -> Vec<Value> {
    let now = Timestamp::now().to_string();
    [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    .map(|(kind, status, reason, message)| {
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now})
    })
    .to_vec()
}

fn provider_id(size: Size, index: usize) -> String {
    format!("aws:///{}/i-{}", zone(index), Random::new(size.seed ^ 0x1D, index).hex(17))
}

fn owner_reference(workload: &Workload, uid: &str) -> Value {
    let version = if workload.owner == Owner::Job { "batch/v1" } else { "apps/v1" };
    json!({
        "apiVersion": version, "kind": format!("{:?}", workload.owner), "name": workload.name, "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}

fn pod_labels(shape: &PodShape, workload: &Workload, random: &mut Random) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/name": workload.name,
        "app.kubernetes.io/component": "worker",
        "app.kubernetes.io/managed-by": "pipeline",
        "team.example/owner": shape.namespace,
        "team.example/experiment": random.hex(12),
    });
    if workload.owner == Owner::Job {
        labels["batch.kubernetes.io/job-name"] = json!(workload.name);
        labels["job-name"] = json!(workload.name);
        labels["batch.kubernetes.io/job-completion-index"] = json!((shape.index % PODS_PER_WORKLOAD).to_string());
    }
    labels
}

fn pod_annotations(shape: &PodShape, random: &mut Random) -> Map<String, Value> {
    let mut annotations = Map::new();
    for name in ["checksum/config", "checksum/secrets"] {
        annotations.insert(name.to_owned(), json!(random.hex(64)));
    }
    annotations.insert("prometheus.io/scrape".to_owned(), json!("true"));
    annotations.insert("team.example/commit".to_owned(), json!(random.hex(40)));
    if let Some(value) = shape.protection {
        annotations.insert("karpenter.sh/do-not-disrupt".to_owned(), json!(value));
    }
    annotations
}

fn main_container(shape: &PodShape, workload: &Workload, random: &mut Random) -> Value {
    let mut resources = json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}});
    if shape.gpus > 0 {
        for side in ["requests", "limits"] {
            resources[side]["nvidia.com/gpu"] = json!(shape.gpus.to_string());
        }
    }
    let plain = (0..VARIABLES).map(|number| {
        json!({
            "name": format!("SETTING_{number:02}_{}", random.pick(&["ENDPOINT", "TIMEOUT", "BUCKET", "MODE"])),
            "value": format!("https://{}.internal.example/{}", workload.name, random.hex(8)),
        })
    });
    let derived = [
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}),
        json!({"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "credentials", "key": "token"}}}),
    ];
    json!({
        "name": "main",
        "image": format!("registry.example/team/work@sha256:{}", "5".repeat(64)),
        "command": ["python", "-m", "train"],
        "args": ["--config", "/etc/train/config.yaml", "--epochs", "90", "--checkpoint", "s3://checkpoints/run"],
        "ports": [{"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
        "env": plain.chain(derived).collect::<Vec<_>>(),
        "envFrom": [{"configMapRef": {"name": "shared-settings"}}],
        "resources": resources,
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "config", "mountPath": "/etc/train", "readOnly": true},
            {"name": "shared-memory", "mountPath": "/dev/shm"},
        ],
        "securityContext": {"allowPrivilegeEscalation": false, "runAsNonRoot": true, "capabilities": {"drop": ["ALL"]}},
    })
}

fn log_shipper() -> Value {
    json!({
        "name": "log-shipper",
        "image": "registry.example/platform/log-shipper:v2.14.1",
        "args": ["--follow", "/data/logs", "--to", "logs.internal.example:4317"],
        "env": [{"name": "CLUSTER", "value": "prod-us-east-1"}, {"name": "LEVEL", "value": "info"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    })
}

fn volumes(workload: &Workload) -> Value {
    json!([
        {"name": "data", "emptyDir": {"sizeLimit": "100Gi"}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "8Gi"}},
        {"name": "config", "configMap": {"name": format!("{}-config", workload.name)}},
        {"name": "identity", "projected": {"sources": [
            {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        ]}},
    ])
}

fn container_status(shape: &PodShape, name: &str, state: &Value) -> Value {
    let running = state.get("running").is_some();
    json!({
        "name": name,
        "image": "registry.example/team/work:v1",
        "imageID": format!("registry.example/team/work@sha256:{}", "5".repeat(64)),
        "containerID": format!("containerd://{}", Random::new(7, shape.index).hex(64)),
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
    })
}

fn state(phase: Phase, now: &str) -> Value {
    match phase {
        Phase::Running | Phase::Pending => json!({"running": {"startedAt": now}}),
        Phase::Succeeded => finished(0, now),
        Phase::Failed => finished(1, now),
    }
}

fn finished(code: i32, now: &str) -> Value {
    let reason = if code == 0 { "Completed" } else { "Error" };
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now}})
}
