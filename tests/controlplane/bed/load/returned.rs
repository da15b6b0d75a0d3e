//! The objects of a fleet as the API server would return them, for measuring without one.

use serde_json::{Map, Value, json};

use super::objects;
use super::shape::{self, PODS_PER_WORKLOAD, Size};

/// The owner of most fields, and the owner of the rest.
const MANAGERS: [&str; 2] = ["kube-controller-manager", "kubelet"];

/// A Node.
pub fn node(nodes: usize, index: usize, seed: u64) -> Value {
    let size = Size { nodes, pods: 0, seed };
    returned(objects::node(size, index), &objects::node_taints(index), &uid(1, index))
}

/// The NodeClaim of a Node.
pub fn node_claim(nodes: usize, index: usize, seed: u64) -> Value {
    let (claim, status) = objects::node_claim(Size { nodes, pods: 0, seed }, index);
    returned(claim, &status, &uid(2, index))
}

/// A NodePool.
pub fn node_pools() -> Vec<Value> {
    let pools = objects::node_pools().into_iter().enumerate();
    pools.map(|(index, pool)| returned(pool, &json!({}), &uid(5, index))).collect()
}

/// The PodDisruptionBudget of a workload, if it has one.
pub fn disruption_budget(index: usize) -> Option<Value> {
    let (budget, status) = objects::disruption_budget(&shape::workload(index))?;
    Some(returned(budget, &status, &uid(6, index)))
}

/// The Job of a workload, if it is one.
pub fn job(index: usize) -> Option<Value> {
    let object = objects::workload(&shape::workload(index)).filter(|object| object["kind"] == "Job")?;
    Some(returned(object, &objects::job_status(), &uid(3, index)))
}

/// How many workloads own so many pods.
pub fn workloads(pods: usize) -> usize {
    pods.div_ceil(PODS_PER_WORKLOAD)
}

/// A pod of about 10 KB.
pub fn pod(nodes: usize, pods: usize, index: usize, seed: u64) -> Value {
    let size = Size { nodes, pods, seed };
    let (shape, workload) = (shape::pod(size, index), shape::workload(index / PODS_PER_WORKLOAD));
    let object = objects::pod(size, &shape, &workload, &uid(3, workload.index));
    returned(object, &objects::pod_status(&shape), &uid(4, index))
}

fn uid(kind: usize, index: usize) -> String {
    format!("{kind:08x}-0000-4000-8000-{index:012x}")
}

/// With what the server adds.
fn returned(mut object: Value, patch: &Value, uid: &str) -> Value {
    merge(&mut object, patch);
    let managed = MANAGERS.map(|manager| {
        json!({
            "manager": manager, "operation": "Update", "apiVersion": object["apiVersion"], "fieldsType": "FieldsV1",
            "time": "2026-11-21T10:00:00Z", "fieldsV1": fields(&object),
        })
    });
    object["metadata"]["uid"] = json!(uid);
    object["metadata"]["resourceVersion"] = json!("1000");
    object["metadata"]["creationTimestamp"] = json!("2026-11-21T10:00:00Z");
    object["metadata"]["managedFields"] = json!(managed);
    object
}

fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            patch.iter().for_each(|(key, value)| merge(into.entry(key.clone()).or_insert(Value::Null), value));
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// The tree of names by which a manager's fields are told.
fn fields(value: &Value) -> Value {
    let named: Map<String, Value> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (format!("f:{name}"), fields(value))).collect(),
        Value::Array(items) => items.iter().map(|item| (key(item), fields(item))).collect(),
        _ => Map::new(),
    };
    Value::Object(named)
}

/// How managers name an item of a list.
fn key(item: &Value) -> String {
    match item.get("name") {
        Some(name) => format!("k:{{\"name\":{name}}}"),
        None => format!("v:{item}"),
    }
}
