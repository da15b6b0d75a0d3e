//! core/v1 Node.

use serde_json::{Map, Value, json};

use super::super::cast::POOLS;
use super::super::catalog::{Gpu, InstanceType, KUBERNETES_VERSION, MIG_PROFILES, REGION, ZONES};
use super::super::model::{Amounts, Capacity, Machine, MachineId, Node, Sharing};
use super::super::world::World;
use super::{condition, metadata, owner, resource_list, stamp, stamp_of};

/// What NVIDIA's GPU operator keeps its exporter off a node by.
pub(super) const EXPORTER_LABEL: &str = "nvidia.com/gpu.deploy.dcgm-exporter";

/// Labels that the kubelet and the cloud provider set on every node.
fn common_labels(machine: &Machine) -> Map<String, Value> {
    let (zone, zone_id) = ZONES.get(machine.zone).copied().unwrap_or_default();
    let mut labels = Map::new();
    let mut set = |key: &str, value: &str| {
        labels.insert(key.to_owned(), json!(value));
    };
    set("beta.kubernetes.io/arch", "amd64");
    set("beta.kubernetes.io/os", "linux");
    set("kubernetes.io/arch", "amd64");
    set("kubernetes.io/hostname", &machine.name);
    set("kubernetes.io/os", "linux");
    set("node.kubernetes.io/instance-type", machine.kind.name);
    set("topology.kubernetes.io/region", REGION);
    set("topology.kubernetes.io/zone", zone);
    set("topology.k8s.aws/zone-id", zone_id);
    set("k8s.io/cloud-provider-aws", "31ec9bd91e9d03f1d1a2f1a2ca1b6a1f");
    labels
}

/// Labels that Karpenter's AWS provider derives from the instance type.
pub(super) fn instance_labels(kind: &InstanceType, labels: &mut Map<String, Value>) {
    let mut set = |key: &str, value: String| {
        labels.insert(format!("karpenter.k8s.aws/instance-{key}"), json!(value));
    };
    set("category", kind.category().to_owned());
    set("family", kind.family().to_owned());
    set("generation", kind.generation().to_owned());
    set("size", kind.size().to_owned());
    set("cpu", kind.vcpu.to_string());
    set("cpu-manufacturer", kind.maker.to_owned());
    set("memory", kind.memory_mib.to_string());
    set("network-bandwidth", kind.network_mbps.to_string());
    set("ebs-bandwidth", kind.ebs_mbps.to_string());
    set("hypervisor", "nitro".to_owned());
    set("tenancy", "default".to_owned());
    set("encryption-in-transit-supported", "true".to_owned());
    if let Some(gigabytes) = kind.nvme_gb {
        set("local-nvme", gigabytes.to_string());
    }
    if let Some(gpu) = &kind.gpu {
        set("gpu-name", gpu.name.to_owned());
        set("gpu-manufacturer", "nvidia".to_owned());
        set("gpu-count", gpu.count.to_string());
        set("gpu-memory", gpu.memory_mib.to_string());
    }
}

/// Labels that GPU feature discovery sets once the driver answers.
fn gpu_labels(machine: &Machine, node: &Node, labels: &mut Map<String, Value>) {
    let (Some(gpu), Some(discovered)) = (&machine.kind.gpu, node.devices) else { return };
    let (major, minor) = gpu.compute;
    sharing_labels(machine.sharing(), gpu, labels);
    let pairs = [
        ("gpu.memory", gpu.driver_memory_mib.to_string()),
        ("gpu.family", gpu.family.to_owned()),
        ("gpu.compute.major", major.to_owned()),
        ("gpu.compute.minor", minor.to_owned()),
        ("gpu.machine", machine.kind.name.to_owned()),
        ("gpu.mode", "compute".to_owned()),
        ("mig.capable", matches!(gpu.name, "a100" | "h100").to_string()),
        ("mps.capable", "false".to_owned()),
        ("cuda.driver-version.full", "580.126.09".to_owned()),
        ("cuda.driver-version.major", "580".to_owned()),
        ("cuda.runtime-version.full", "13.0".to_owned()),
        ("cuda.runtime-version.major", "13".to_owned()),
        ("gfd.timestamp", discovered.to_string()),
    ];
    for (key, value) in pairs {
        labels.insert(format!("nvidia.com/{key}"), json!(value));
    }
}

/// What GPU feature discovery says of whole GPUs, of shared ones, and of the MIG instances of split ones, which are no GPUs to it.
fn sharing_labels(sharing: Sharing, gpu: &Gpu, labels: &mut Map<String, Value>) {
    let mut set = |key: String, value: String| {
        labels.insert(format!("nvidia.com/{key}"), json!(value));
    };
    let (suffix, count, replicas, strategy, mig) = match sharing {
        Sharing::Whole => ("", gpu.count, 1, "none", "none"),
        Sharing::TimeSliced(replicas) => ("-SHARED", gpu.count, replicas, "time-slicing", "none"),
        Sharing::Mig(_) => ("", 0, 0, "none", "mixed"),
    };
    set("gpu.product".to_owned(), format!("{}{suffix}", gpu.product));
    set("gpu.count".to_owned(), count.to_string());
    set("gpu.replicas".to_owned(), replicas.to_string());
    set("gpu.sharing-strategy".to_owned(), strategy.to_owned());
    set("mig.strategy".to_owned(), mig.to_owned());
    let Sharing::Mig(instances) = sharing else { return };
    for (profile, count) in MIG_PROFILES.iter().zip(instances) {
        let name = profile.name;
        set(format!("mig-{name}.count"), (count * gpu.count).to_string());
        set(format!("mig-{name}.replicas"), "1".to_owned());
        set(format!("mig-{name}.product"), format!("{}-MIG-{name}", gpu.product));
        set(format!("mig-{name}.memory"), profile.memory_mib.to_string());
        set(format!("mig-{name}.slices.gi"), profile.slices.to_string());
    }
}

fn labels(machine: &Machine, node: &Node) -> Value {
    let mut labels = common_labels(machine);
    let mut set = |key: &str, value: &str| {
        labels.insert(key.to_owned(), json!(value));
    };
    let Some(claim) = &machine.claim else {
        set("eks.amazonaws.com/nodegroup", "system");
        set("eks.amazonaws.com/capacityType", "ON_DEMAND");
        set("eks.amazonaws.com/nodegroup-image", "ami-0b51f2cb5f1f0a9d7");
        return Value::Object(labels);
    };
    // The kubelet registers with the NodeClaim's labels from its user data; Karpenter adds what it syncs.
    set("karpenter.sh/nodepool", POOLS[claim.pool].name);
    set("karpenter.sh/capacity-type", machine.capacity.label());
    set("karpenter.k8s.aws/ec2nodeclass", if POOLS[claim.pool].gpu { "gpu" } else { "default" });
    if POOLS[claim.pool].gpu && !POOLS[claim.pool].has_exporter {
        set(EXPORTER_LABEL, "false");
    }
    if claim.registered.is_some() {
        set("karpenter.sh/registered", "true");
    }
    if claim.initialized.is_some() {
        set("karpenter.sh/initialized", "true");
    }
    if node.deleting.is_some() {
        set("node.kubernetes.io/exclude-from-external-load-balancers", "karpenter");
    }
    reservation_labels(machine.capacity, &mut labels);
    instance_labels(machine.kind, &mut labels);
    gpu_labels(machine, node, &mut labels);
    Value::Object(labels)
}

/// Labels of capacity from an on-demand capacity reservation.
pub(super) fn reservation_labels(capacity: Capacity, labels: &mut Map<String, Value>) {
    if capacity == Capacity::Reserved {
        labels.insert("karpenter.k8s.aws/capacity-reservation-id".to_owned(), json!(super::RESERVATION));
        labels.insert("karpenter.k8s.aws/capacity-reservation-type".to_owned(), json!("default"));
    }
}

fn taints(machine: &Machine, node: &Node) -> Value {
    let mut taints = Vec::new();
    let mut add = |key: &str, value: Option<&str>, effect: &str| {
        taints.push(json!({ "key": key, "value": value, "effect": effect }));
    };
    match &machine.claim {
        None => add("CriticalAddonsOnly", Some("true"), "NoSchedule"),
        Some(claim) => {
            if claim.registered.is_none() {
                add("karpenter.sh/unregistered", None, "NoExecute");
            }
            if POOLS[claim.pool].gpu {
                add("nvidia.com/gpu", Some("true"), "NoSchedule");
            }
        }
    }
    if node.ready.is_none() {
        add("node.kubernetes.io/not-ready", None, "NoSchedule");
    }
    if node.disrupted {
        add("karpenter.sh/disrupted", None, "NoSchedule");
    }
    if node.cordoned {
        add("node.kubernetes.io/unschedulable", None, "NoSchedule");
    }
    Value::Array(taints)
}

fn conditions(node: &Node) -> Value {
    let joined = node.identity.created;
    let (status, at, reason, message) = match node.ready {
        Some(at) => ("True", at, "KubeletReady", "kubelet is posting ready status"),
        None => (
            "False",
            joined,
            "KubeletNotReady",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
        ),
    };
    let mut list = vec![
        condition(
            "MemoryPressure",
            "False",
            joined,
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        condition("DiskPressure", "False", joined, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", joined, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", status, at, reason, message),
    ];
    for entry in &mut list {
        entry["lastHeartbeatTime"] = json!(stamp(node.identity.touched.max(at)));
    }
    Value::Array(list)
}

/// `status.images`: the largest first, as the kubelet lists them.
fn images(node: &Node) -> Value {
    let mut images = node.images.clone();
    images.sort_by_key(|image| (-image.bytes, image.name));
    images.iter().map(|image| json!({ "names": [image.name], "sizeBytes": image.bytes })).collect()
}

fn amounts_with_disk(amounts: Amounts, pods: i64, disk: &str) -> Value {
    let mut list = resource_list(amounts, Some(pods));
    list["ephemeral-storage"] = json!(disk);
    list["hugepages-2Mi"] = json!("0");
    list
}

impl World {
    pub(super) fn render_node(&self, id: MachineId) -> Option<Value> {
        let machine = self.machines.get(&id)?;
        let node = machine.node.as_ref()?;
        let mut meta = metadata(&node.identity, "", &machine.name);
        meta["labels"] = labels(machine, node);
        meta["annotations"] = json!({
            "csi.volume.kubernetes.io/nodeid": format!("{{\"ebs.csi.aws.com\":\"{}\"}}", machine.instance_id),
            "node.alpha.kubernetes.io/ttl": "0",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            "karpenter.sh/do-not-disrupt": node.do_not_disrupt,
        });
        if let Some(claim) = &machine.claim {
            meta["ownerReferences"] = owner("karpenter.sh/v1", "NodeClaim", &claim.name, &claim.identity.uid);
            meta["finalizers"] = json!(["karpenter.sh/termination"]);
            meta["deletionTimestamp"] = stamp_of(node.deleting);
            if node.deleting.is_some() {
                meta["deletionGracePeriodSeconds"] = json!(0);
            }
        }
        Some(json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": meta,
            "spec": {
                "providerID": machine.provider_id(),
                "taints": taints(machine, node),
                "unschedulable": node.cordoned.then_some(true),
            },
            "status": {
                "capacity": amounts_with_disk(machine.capacity_now(), machine.kind.pods, "104779756Ki"),
                "allocatable": amounts_with_disk(machine.allocatable_now(), machine.kind.pods, "95491281146"),
                "conditions": conditions(node),
                "addresses": [
                    { "type": "InternalIP", "address": machine.address },
                    { "type": "InternalDNS", "address": machine.name },
                    { "type": "Hostname", "address": machine.name },
                ],
                "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
                "images": images(node),
                "nodeInfo": {
                    "architecture": "amd64",
                    "containerRuntimeVersion": "containerd://2.1.5",
                    "kernelVersion": "6.12.46-66.121.amzn2023.x86_64",
                    "kubeletVersion": KUBERNETES_VERSION,
                    "operatingSystem": "linux",
                    "osImage": "Amazon Linux 2023.9.20251110",
                },
            },
        }))
    }
}
