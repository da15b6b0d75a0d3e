//! What only a detail pane shows: fetched when it is opened, and never kept.

use std::collections::BTreeMap;

use kube::Client;
use serde::Deserialize;
use serde_json::Value;

use super::discovery::version_of_group;
use super::failure::Failure;
use super::{Timing, api, resource};
use crate::fleet::{Key, Kind};

/// One object, as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// All annotations, by name.
    pub annotations: Vec<(String, String)>,
    /// The whole object without `managedFields`.
    pub yaml: String,
}

/// Why an object could not be fetched, in one sentence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(String);

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self(failure.sentence())
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: ObjectMeta,
}

#[derive(Deserialize)]
struct ObjectMeta {
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Fetches one object.
pub async fn fetch(client: &Client, key: &Key, timing: &Timing) -> Result<Fetched, FetchError> {
    let version = version(client, key.kind, timing).await?;
    let path = resource::object_path(key.kind, version, &key.object.namespace, &key.object.name);
    let mut body = Vec::new();
    api::fetch(client, api::get(&path, "application/json")?, timing, &mut body).await?;
    read(&body)
}

async fn version(client: &Client, kind: Kind, timing: &Timing) -> Result<&'static str, FetchError> {
    if !kind.spec().is_optional() {
        return Ok(kind.spec().best_version());
    }
    let version = version_of_group(client, kind, timing).await?;
    version.ok_or_else(|| FetchError(format!("the cluster has no {}", kind.resource())))
}

/// An object's JSON, as a person reads it.
pub fn read(json: &[u8]) -> Result<Fetched, FetchError> {
    let unreadable = |words: String| FetchError::from(Failure::Unreadable(words));
    let object: Object = serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
    let mut whole: Value = serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
    if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    let yaml = serde_saphyr::to_string(&whole).map_err(|error| unreadable(error.to_string()))?;
    Ok(Fetched { annotations: object.metadata.annotations.into_iter().collect(), yaml })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_and_yaml_are_read_without_managed_fields() {
        let json = br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{"b":"2","a":"1"},
            "managedFields":[{"manager":"x"}]},"spec":{"containers":[{"name":"c","args":["--flag=yes","no"]}]}}"#;
        let fetched = read(json).unwrap();
        assert_eq!(fetched.annotations, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert!(!fetched.yaml.contains("managedFields") && fetched.yaml.contains("- --flag=yes"), "{}", fetched.yaml);
        let back: Value = serde_saphyr::from_str(&fetched.yaml).unwrap();
        assert_eq!(
            back["spec"]["containers"][0]["args"][1], "no",
            "a word that YAML 1.1 takes for a boolean is quoted"
        );
        assert!(read(b"{}").is_err());
    }
}
