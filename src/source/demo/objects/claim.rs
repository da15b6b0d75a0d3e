//! karpenter.sh/v1 NodeClaim.

use serde_json::{Map, Value, json};

use super::super::cast::POOLS;
use super::super::catalog::{REGION, ZONES};
use super::super::clock::Sec;
use super::super::kubelet::go_millis;
use super::super::model::{Claim, Machine, MachineId};
use super::super::world::World;
use super::node::{instance_labels, reservation_labels};
use super::{condition, metadata, owner, resource_list, stamp, stamp_of};

/// A condition of the way up: `Unknown` with a reason until its moment.
fn step(kind: &str, created: Sec, at: Option<Sec>, waiting: (&str, &str)) -> Value {
    match at {
        Some(at) => condition(kind, "True", at, kind, ""),
        None => condition(kind, "Unknown", created, waiting.0, waiting.1),
    }
}

/// Why a NodeClaim is not initialized, in the order in which Karpenter checks.
fn waiting_for(machine: &Machine, claim: &Claim) -> (&'static str, &'static str) {
    let Some(node) = &machine.node else { return ("NodeNotFound", "Node not registered with cluster") };
    if claim.registered.is_none() {
        return ("NodeNotFound", "Node not registered with cluster");
    }
    if node.ready.is_none() {
        return ("NodeNotReady", "Node status is NotReady");
    }
    if claim.requests.gpu > 0 && node.devices.is_none() {
        return ("ResourceNotRegistered", "Resource \"nvidia.com/gpu\" was requested but not registered");
    }
    ("AwaitingReconciliation", "object is awaiting reconciliation")
}

/// Conditions in the order of their types, as the status library keeps them.
fn conditions(machine: &Machine, claim: &Claim) -> Value {
    let created = claim.identity.created;
    let mut list = Vec::new();
    if let Some(at) = claim.consistent {
        list.push(condition("ConsistentStateFound", "True", at, "ConsistentStateFound", ""));
    }
    if let Some(at) = claim.consolidatable {
        list.push(condition("Consolidatable", "True", at, "Consolidatable", ""));
    }
    if let Some((at, reason)) = claim.disruption {
        list.push(condition("DisruptionReason", "True", at, reason, ""));
    }
    if let Some(since) = claim.deleting.filter(|_| machine.node.is_some()) {
        list.push(step("Drained", since, claim.drained, ("Draining", "Draining")));
    }
    if let Some(at) = claim.drifted {
        list.push(condition("Drifted", "True", at, "AMIDrift", ""));
    }
    list.push(step("Initialized", created, claim.initialized, waiting_for(machine, claim)));
    if let Some(at) = claim.terminating {
        list.push(condition("InstanceTerminating", "True", at, "InstanceTerminating", ""));
    }
    list.push(step(
        "Launched",
        created,
        claim.launched,
        ("AwaitingReconciliation", "object is awaiting reconciliation"),
    ));
    let missing: Vec<String> =
        [("Initialized", claim.initialized), ("Launched", claim.launched), ("Registered", claim.registered)]
            .iter()
            .filter(|(_, at)| at.is_none())
            .map(|(kind, _)| format!("{kind}=Unknown"))
            .collect();
    list.push(match claim.initialized {
        Some(at) => condition("Ready", "True", at, "Ready", ""),
        None => condition("Ready", "Unknown", created, "ReconcilingDependents", &missing.join(", ")),
    });
    let unregistered = ("NodeNotFound", "Node not registered with cluster");
    list.push(step(
        "Registered",
        created,
        claim.registered,
        if claim.launched.is_some() {
            unregistered
        } else {
            ("AwaitingReconciliation", "object is awaiting reconciliation")
        },
    ));
    if let Some(drained) = claim.drained {
        let waiting = ("AwaitingVolumeDetachment", "AwaitingVolumeDetachment");
        list.push(step("VolumesDetached", drained, claim.detached, waiting));
    }
    for entry in &mut list {
        entry["observedGeneration"] = json!(1);
        // `metav1.Condition` always carries a message, be it empty.
        if entry["message"].is_null() {
            entry["message"] = json!("");
        }
    }
    Value::Array(list)
}

fn labels(machine: &Machine, claim: &Claim) -> Value {
    let pool = &POOLS[claim.pool];
    let mut labels = Map::new();
    let mut set = |key: &str, value: &str| {
        labels.insert(key.to_owned(), json!(value));
    };
    set("karpenter.sh/nodepool", pool.name);
    set("karpenter.k8s.aws/ec2nodeclass", pool.class().name);
    if claim.launched.is_none() {
        return Value::Object(labels);
    }
    let (zone, zone_id) = ZONES.get(machine.zone).copied().unwrap_or_default();
    set("karpenter.sh/capacity-type", machine.capacity.label());
    set("kubernetes.io/arch", "amd64");
    set("kubernetes.io/os", "linux");
    set("node.kubernetes.io/instance-type", machine.kind.name);
    set("topology.kubernetes.io/region", REGION);
    set("topology.kubernetes.io/zone", zone);
    set("topology.k8s.aws/zone-id", zone_id);
    reservation_labels(machine.capacity, &mut labels);
    instance_labels(machine.kind, &mut labels);
    Value::Object(labels)
}

/// A duration as `metav1.Duration` prints it, or `Never`.
pub(super) fn lifetime(seconds: Option<i64>) -> Value {
    json!(seconds.map_or_else(|| "Never".to_owned(), |seconds| go_millis(seconds * 1000)))
}

fn spec(claim: &Claim) -> Value {
    let pool = &POOLS[claim.pool];
    let class = pool.class().name;
    let capacities: Vec<&str> = pool.capacities.iter().map(|capacity| capacity.label()).collect();
    let taints = if pool.gpu {
        json!([{ "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule" }])
    } else {
        Value::Null
    };
    json!({
        "nodeClassRef": { "group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class },
        "expireAfter": lifetime(claim.expire_after),
        "terminationGracePeriod": claim.grace.map(|seconds| go_millis(seconds * 1000)),
        "requirements": [
            { "key": "karpenter.sh/nodepool", "operator": "In", "values": [pool.name] },
            { "key": "karpenter.k8s.aws/ec2nodeclass", "operator": "In", "values": [class] },
            { "key": "karpenter.sh/capacity-type", "operator": "In", "values": capacities },
            { "key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"] },
            { "key": "node.kubernetes.io/instance-type", "operator": "In", "values": claim.choices },
        ],
        "resources": { "requests": resource_list(claim.requests, Some(claim.pod_count)) },
        "taints": taints,
    })
}

impl World {
    pub(super) fn render_claim(&self, id: MachineId) -> Option<Value> {
        let machine = self.machines.get(&id)?;
        let claim = machine.claim.as_ref()?;
        let pool = &POOLS[claim.pool];
        let mut meta = metadata(&claim.identity, "", &claim.name);
        meta["generateName"] = json!(format!("{}-", pool.name));
        meta["labels"] = labels(machine, claim);
        meta["annotations"] = json!({
            "karpenter.sh/nodepool-hash": format!("{}", 11_400_714_819_323_198_485_u64.wrapping_mul(claim.pool as u64 + 3)),
            "karpenter.sh/nodepool-hash-version": "v3",
            "karpenter.sh/nodeclaim-termination-timestamp": stamp_of(self.deadline(id)),
        });
        meta["ownerReferences"] = owner("karpenter.sh/v1", "NodePool", pool.name, &self.pools.get(claim.pool)?.uid);
        meta["ownerReferences"][0]["controller"] = Value::Null;
        meta["finalizers"] = json!(["karpenter.sh/termination"]);
        meta["deletionTimestamp"] = stamp_of(claim.deleting);
        if claim.deleting.is_some() {
            meta["deletionGracePeriodSeconds"] = json!(0);
        }
        let mut status = json!({ "conditions": conditions(machine, claim) });
        if claim.launched.is_some() {
            status["providerID"] = json!(machine.provider_id());
            status["imageID"] = json!(claim.image);
            status["capacity"] = resource_list(machine.kind.capacity(), Some(machine.kind.pods));
            status["allocatable"] = resource_list(machine.kind.allocatable(), Some(machine.kind.pods));
        }
        if machine.node.is_some() {
            status["nodeName"] = json!(machine.name);
        }
        status["lastPodEventTime"] = claim.last_pod_event.map_or(Value::Null, |at| json!(stamp(at)));
        Some(json!({
            "apiVersion": "karpenter.sh/v1",
            "kind": "NodeClaim",
            "metadata": meta,
            "spec": spec(claim),
            "status": status,
        }))
    }
}
