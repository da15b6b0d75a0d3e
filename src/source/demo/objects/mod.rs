//! From state to JSON, as the API server would return it.

mod batch;
mod claim;
mod event;
mod node;
mod other;
mod pod;
mod pool;

use serde_json::{Value, json};

use super::catalog::MIG_PROFILES;
use super::clock::Sec;
use super::model::{Amounts, Identity};
use super::world::{Item, World};
use crate::units::Time;

/// The capacity reservation behind the reserved pool.
const RESERVATION: &str = "cr-0c7d1e5b24a90f318";

/// A second as `metav1.Time` writes it.
fn stamp(at: Sec) -> String {
    Time::from_seconds(at).to_string()
}

/// An optional second; absent fields are left out by [`compact`].
fn stamp_of(at: Option<Sec>) -> Value {
    at.map_or(Value::Null, |at| Value::String(stamp(at)))
}

/// What all objects have in `metadata`; an empty namespace is left out.
fn metadata(identity: &Identity, namespace: &str, name: &str) -> Value {
    let mut meta = json!({
        "name": name,
        "uid": identity.uid,
        "resourceVersion": identity.version.to_string(),
        "creationTimestamp": stamp(identity.created),
    });
    if !namespace.is_empty() {
        meta["namespace"] = json!(namespace);
    }
    meta
}

/// Removes fields that are null, empty objects and empty lists, as the API server omits them.
fn compact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(compact);
            fields.retain(|_, field| !is_void(field));
        }
        Value::Array(entries) => entries.iter_mut().for_each(compact),
        _ => {}
    }
}

fn is_void(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        _ => false,
    }
}

/// A condition of a core object.
fn condition(kind: &str, status: &str, at: Sec, reason: &str, message: &str) -> Value {
    let or_null = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    json!({
        "type": kind,
        "status": status,
        "lastTransitionTime": stamp(at),
        "reason": or_null(reason),
        "message": or_null(message),
    })
}

/// A resource list; amounts of zero are left out.
fn resource_list(amounts: Amounts, pods: Option<i64>) -> Value {
    let mut list = serde_json::Map::new();
    if amounts.cpu > 0 {
        list.insert("cpu".to_owned(), json!(millicores(amounts.cpu)));
    }
    if amounts.memory > 0 {
        list.insert("memory".to_owned(), json!(format!("{}Mi", amounts.memory)));
    }
    if amounts.gpu > 0 {
        list.insert("nvidia.com/gpu".to_owned(), json!(amounts.gpu.to_string()));
    }
    for (profile, instances) in MIG_PROFILES.iter().zip(amounts.mig).filter(|(_, instances)| *instances > 0) {
        list.insert(profile.resource.to_owned(), json!(instances.to_string()));
    }
    if amounts.efa > 0 {
        list.insert("vpc.amazonaws.com/efa".to_owned(), json!(amounts.efa.to_string()));
    }
    if let Some(pods) = pods {
        list.insert("pods".to_owned(), json!(pods.to_string()));
    }
    Value::Object(list)
}

/// Whole cores without a unit, as Kubernetes normalizes them.
fn millicores(millis: i64) -> String {
    if millis % 1000 == 0 { (millis / 1000).to_string() } else { format!("{millis}m") }
}

/// A uid that follows from that of another object.
fn mirrored(uid: &str) -> String {
    let first: String = uid.chars().take(8).collect::<Vec<_>>().into_iter().rev().collect();
    format!("{first}{}", uid.get(8..).unwrap_or(""))
}

/// The only owner of an object.
fn owner(api_version: &str, kind: &str, name: &str, uid: &str) -> Value {
    json!([{
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": true,
        "blockOwnerDeletion": true,
    }])
}

impl World {
    /// One object, if it exists.
    pub(super) fn render(&self, item: Item) -> Option<Value> {
        let mut value = match item {
            Item::Node(id) => self.render_node(id)?,
            Item::Claim(id) => self.render_claim(id)?,
            Item::Pool(at) => self.render_pool(at)?,
            Item::Pod(id) => self.render_pod(id)?,
            Item::Job(id) => self.render_job(id)?,
            Item::PodGroup(id) => self.render_pod_group(id)?,
            Item::Cron(at) => self.render_cron(at)?,
            Item::Pdb(at) => self.render_pdb(at)?,
            Item::Event(id) => self.render_event(id)?,
            Item::ReplicaSet(at) => self.render_replica_set(at)?,
            Item::Namespace(at) => self.render_namespace(at)?,
            Item::NodeClass(at) => self.render_class(at)?,
            Item::Controller => self.render_controller(),
        };
        compact(&mut value);
        Some(value)
    }

    /// Everything there is.
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        items.extend(self.machines.values().filter(|m| m.node.is_some()).map(|m| Item::Node(m.id)));
        items.extend(self.machines.values().filter(|m| m.claim.is_some()).map(|m| Item::Claim(m.id)));
        items.extend((0..self.pools.len()).map(Item::Pool));
        items.extend(self.pods.keys().copied().map(Item::Pod));
        items.extend(self.jobs.keys().copied().map(Item::Job));
        let gangs = self.jobs.iter().filter(|(_, job)| job.spec.is_gang());
        items.extend(gangs.map(|(id, _)| Item::PodGroup(*id)));
        items.extend((0..self.crons.len()).map(Item::Cron));
        items.extend((0..self.deployments.len()).filter(|at| self.deployments[*at].pdb.is_some()).map(Item::Pdb));
        items.extend(self.events.events.keys().copied().map(Item::Event));
        items.extend((0..self.deployments.len()).map(Item::ReplicaSet));
        items.extend((0..self.namespaces.len()).map(Item::Namespace));
        items.extend((0..self.classes.len()).map(Item::NodeClass));
        items.push(Item::Controller);
        items
    }
}
