//! An object as it stands while it is written to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::access::PooledClient;
use super::super::failure::Failure;
use super::super::{Timing, api, resource};
use crate::fleet::{ChangedValue, DO_NOT_DISRUPT, Key, Uid};

/// Only the metadata of the object, where the server can make that.
pub(super) const ACCEPT: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// The whole object, where a value is wanted that is not in the metadata.
const ACCEPT_ALL: &str = "application/json";

/// What is wanted as an answer, for the value that is looked at.
pub(super) const fn accepted(value: ChangedValue) -> &'static str {
    match value {
        ChangedValue::DoNotDisrupt => ACCEPT,
        ChangedValue::Unschedulable => ACCEPT_ALL,
    }
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) metadata: ObjectMeta,
    #[serde(default)]
    spec: ObjectSpec,
}

#[derive(Deserialize, Default)]
struct ObjectSpec {
    #[serde(default)]
    unschedulable: bool,
}

impl Object {
    /// A value as it stands there.
    pub(super) fn value(&self, of: ChangedValue) -> Option<String> {
        match of {
            ChangedValue::DoNotDisrupt => self.metadata.annotations.get(DO_NOT_DISRUPT).cloned(),
            ChangedValue::Unschedulable => self.spec.unschedulable.then(|| true.to_string()),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectMeta {
    name: String,
    #[serde(default)]
    namespace: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
    #[serde(default)]
    deletion_timestamp: Option<String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl ObjectMeta {
    /// Whether it has the name of the object that is written to.
    pub(super) fn is_named(&self, key: &Key) -> bool {
        *self.name == *key.object.name && *self.namespace == *key.object.namespace
    }

    /// Whether it is the object itself, and no other one of its name.
    pub(super) fn is(&self, uid: &Uid) -> bool {
        Uid::parse(&self.uid) == *uid
    }

    /// Whether it is being deleted.
    pub(super) const fn is_deleting(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

/// The path of an object.
pub(super) fn path(key: &Key) -> String {
    resource::object_path(key.kind, key.kind.spec().best_version(), &key.object.namespace, &key.object.name)
}

/// Reads the metadata of the object at a path, which has to be the one of this key.
pub(super) async fn get(client: &PooledClient, path: &str, key: &Key, timing: &Timing) -> Result<ObjectMeta, Failure> {
    Ok(get_for(client, path, (key, ChangedValue::DoNotDisrupt), timing).await?.metadata)
}

/// Reads the object at a path, which has to be the one of this key, for a value of it.
pub(super) async fn get_for(
    client: &PooledClient,
    path: &str,
    (key, value): (&Key, ChangedValue),
    timing: &Timing,
) -> Result<Object, Failure> {
    let mut body = client.body();
    api::fetch(client, api::get(path, accepted(value))?, timing, &mut body).await?;
    let object: Object = serde_json::from_slice(&body).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let wrong = || Failure::WrongAnswer(format!("the answer to GET {path} is another object"));
    Some(object).filter(|object| object.metadata.is_named(key)).ok_or_else(wrong)
}
