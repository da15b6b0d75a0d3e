//! What only a detail pane shows: fetched when it is opened, and never kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::access::PooledClient;
use super::discovery::version_of_group;
use super::failure::Failure;
use super::{Timing, api, decode, redaction, resource};
use crate::fleet::{Key, Kind};

/// One object, as a person reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fetched {
    /// Annotations by name, values cut where they are long.
    pub annotations: Vec<(String, String)>,
    /// The object without `managedFields` and without what may be a secret, to its [`MOST_BYTES`] first bytes.
    pub yaml: String,
}

/// The most bytes of YAML, and of annotations, that are shown. Each frame lays them out, and a frame has a few milliseconds.
/// No object comes near it unless somebody filled one on purpose.
const MOST_BYTES: usize = 256 << 10;

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
pub async fn fetch(client: &PooledClient, key: &Key, timing: &Timing) -> Result<Fetched, FetchError> {
    let version = version(client, key.kind, timing).await?;
    let path = resource::object_path(key.kind, version, &key.object.namespace, &key.object.name);
    let mut body = client.body();
    api::fetch(client, api::get(&path, "application/json")?, timing, &mut body).await?;
    read(&body)
}

async fn version(client: &PooledClient, kind: Kind, timing: &Timing) -> Result<&'static str, FetchError> {
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
    let redacted = redaction::redact(&mut whole);
    let yaml = serde_saphyr::to_string(&whole).map_err(|error| unreadable(error.to_string()))?;
    let mut annotations = object.metadata.annotations;
    if let Some(applied) = annotations.get_mut(redaction::LAST_APPLIED) {
        redaction::REDACTED.clone_into(applied);
    }
    let yaml = about_redaction(redacted) + &bounded_yaml(yaml);
    Ok(Fetched { annotations: bounded_annotations(annotations), yaml })
}

/// The comment that tells how many values were taken out; nothing where none was.
fn about_redaction(values: usize) -> String {
    match values {
        0 => String::new(),
        1 => "# 1 value that may be a secret is redacted\n".to_owned(),
        values => format!("# {values} values that may be secrets are redacted\n"),
    }
}

/// YAML, or as many of its lines as are shown and a comment that tells how much is missing.
fn bounded_yaml(mut yaml: String) -> String {
    let all = yaml.len();
    if all <= MOST_BYTES {
        return yaml;
    }
    let head = yaml.get(..yaml.floor_char_boundary(MOST_BYTES)).unwrap_or_default();
    // A line that fills everything by itself is cut within.
    let kept = head.rfind('\n').map_or(head.len(), |end| end + 1);
    yaml.truncate(kept);
    if !yaml.ends_with('\n') {
        yaml.push_str("…\n");
    }
    yaml + &format!("# {} more bytes are not shown; kubectl get -o yaml shows them\n", all - kept)
}

/// Annotations with values that are not too long. Kubernetes allows an object 256 KiB of them; what a server sends beyond
/// that is left out.
fn bounded_annotations(annotations: BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut left = MOST_BYTES;
    annotations
        .into_iter()
        .map(|(name, value)| (name, decode::bounded(&value).into_owned()))
        .take_while(|(name, value)| {
            let fits = name.len() + value.len() <= left;
            left = left.saturating_sub(name.len() + value.len());
            fits
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_yaml_and_annotations_of_a_fetched_object_are_limited() {
        let args = vec!["x"; MOST_BYTES];
        let annotations: BTreeMap<String, String> =
            (0..200).map(|index| (format!("a{index:03}"), "v".repeat(8000))).collect();
        let object = serde_json::json!({"metadata": {"annotations": annotations}, "args": args});
        let fetched = read(object.to_string().as_bytes()).unwrap();
        assert!(fetched.yaml.len() < MOST_BYTES + 100, "{}", fetched.yaml.len());
        assert!(fetched.yaml.ends_with("more bytes are not shown; kubectl get -o yaml shows them\n"));
        let shown: usize = fetched.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(shown <= MOST_BYTES && fetched.annotations.len() > 100, "{shown}");
        assert!(fetched.annotations.iter().all(|(_, value)| value.ends_with('…')));
    }

    #[test]
    fn redacted_values_are_said_and_shown_nowhere() {
        let json =
            br#"{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"hunter2","a":"1"}},
            "spec":{"containers":[{"env":[{"name":"HF_TOKEN","value":"hunter2"}]}]}}"#;
        let fetched = read(json).unwrap();
        assert!(fetched.yaml.starts_with("# 2 values that may be secrets are redacted\n"), "{}", fetched.yaml);
        assert!(!format!("{fetched:?}").contains("hunter2"), "{fetched:?}");
        assert!(!read(br#"{"metadata":{}}"#).unwrap().yaml.contains('#'));
    }

    #[test]
    fn an_overlong_yaml_line_is_cut_between_characters() {
        let yaml = bounded_yaml("é".repeat(MOST_BYTES));
        assert!(yaml.starts_with('é') && yaml.contains("é…\n# "), "{}", yaml.len());
        assert!(yaml.len() < MOST_BYTES + 100);
        assert_eq!(bounded_yaml("a: 1\n".to_owned()), "a: 1\n");
    }

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
