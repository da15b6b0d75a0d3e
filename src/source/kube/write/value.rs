//! One value of an object, by merge patch: `karpenter.sh/do-not-disrupt`, or `spec.unschedulable` of a Node.

use std::collections::BTreeMap;

use http::{Method, StatusCode, header};
use serde::Serialize;

use super::super::access::PooledClient;
use super::super::failure::Failure;
use super::super::{Timing, api};
use super::object::{self, Object};
use super::outcome;
use crate::fleet::{ChangedValue, DO_NOT_DISRUPT, ValueChange, WriteOutcome};

/// How often a change is tried while others keep changing the rest of the object.
const TRIES: u32 = 5;

/// Who writes, in `managedFields`.
const FIELD_MANAGER: &str = "batchtop";

#[derive(Serialize)]
struct Patch<'a> {
    metadata: PatchMeta<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<PatchSpec>,
}

/// `null` takes the field away.
#[derive(Serialize)]
struct PatchSpec {
    unschedulable: Option<bool>,
}

/// uid and resourceVersion in a patch are preconditions: the server refuses it when they are others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PatchMeta<'a> {
    uid: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    resource_version: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, Option<&'a str>>,
}

/// Writes one value of one Pod or Node, provided that it is still the same object and the value is still the one the user
/// saw.
pub(super) async fn write(client: &PooledClient, change: &ValueChange, timing: &Timing) -> WriteOutcome {
    let path = object::path(&change.key);
    let mut resource_version = change.resource_version.clone();
    for _ in 0..TRIES {
        let failure = match patch(client, &path, change, &resource_version, timing).await {
            Ok(()) => return WriteOutcome::Done,
            Err(failure) => failure,
        };
        if !matches!(failure, Failure::Api { code: 409 | 422, .. }) {
            return look_again(client, &path, change, failure, timing).await;
        }
        match read_again(client, &path, change, timing).await {
            Ok(newer) if newer != resource_version && is_conflict(&failure) => resource_version = newer,
            Ok(_) => return outcome(failure),
            Err(ended) => return ended,
        }
    }
    WriteOutcome::Refused { code: 409, message: format!("the object changed {TRIES} times while it was written") }
}

fn is_conflict(failure: &Failure) -> bool {
    matches!(failure, Failure::Api { code: 409, .. })
}

async fn patch(
    client: &PooledClient,
    path: &str,
    change: &ValueChange,
    resource_version: &str,
    timing: &Timing,
) -> Result<(), Failure> {
    let (annotations, spec) = match change.value {
        ChangedValue::DoNotDisrupt => (BTreeMap::from([(DO_NOT_DISRUPT, change.to.as_deref())]), None),
        ChangedValue::Unschedulable => {
            (BTreeMap::new(), Some(PatchSpec { unschedulable: change.to.as_ref().map(|_| true) }))
        }
    };
    let patch = Patch { metadata: PatchMeta { uid: change.uid.to_string(), resource_version, annotations }, spec };
    let body = serde_json::to_vec(&patch).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let headers =
        [(header::CONTENT_TYPE, "application/merge-patch+json"), (header::ACCEPT, object::accepted(change.value))];
    let path = format!("{path}?fieldManager={FIELD_MANAGER}");
    let request = api::request(Method::PATCH, &path, &headers, body)?;
    let response = api::open(client, request, timing).await?;
    let code = response.status();
    let mut answer = client.body();
    api::read(response.into_body(), timing, &mut answer).await?;
    if says_it_is_written(&answer, change) { Ok(()) } else { Err(not_confirmed(code, change.value)) }
}

/// Whether an answer is the changed object with the wanted value.
fn says_it_is_written(answer: &[u8], change: &ValueChange) -> bool {
    serde_json::from_slice::<Object>(answer).is_ok_and(|object| {
        object.metadata.is_named(&change.key)
            && object.metadata.is(&change.uid)
            && object.value(change.value) == change.to
    })
}

/// A success that does not show the changed object: of something between here and the API server, or of a webhook that
/// took the annotation away. What is only accepted (202) may still be written.
fn not_confirmed(code: StatusCode, value: ChangedValue) -> Failure {
    if code == StatusCode::ACCEPTED {
        return Failure::WrongAnswer("the change was accepted (202), and is not stored yet".to_owned());
    }
    let code = code.as_u16();
    let what = match value {
        ChangedValue::DoNotDisrupt => "the annotation",
        ChangedValue::Unschedulable => "spec.unschedulable",
    };
    let message = format!("the answer was {code}, but {what} is not stored");
    Failure::Api { code, message, retry_after: None }
}

/// The resourceVersion as it is now, if the object is the same and its value still what the user saw.
async fn read_again(
    client: &PooledClient,
    path: &str,
    change: &ValueChange,
    timing: &Timing,
) -> Result<String, WriteOutcome> {
    let wanted = (&change.key, change.value);
    let object = object::get_for(client, path, wanted, timing).await.map_err(outcome)?;
    if !object.metadata.is(&change.uid) {
        return Err(WriteOutcome::Recreated);
    }
    let now = object.value(change.value);
    if now != change.from {
        return Err(WriteOutcome::ChangedBySomebody { now });
    }
    Ok(object.metadata.resource_version)
}

/// After an error, an answer that does not show the change, or no answer at all: any of them may have come after the change
/// was stored, so what stands there now decides. A webhook that fails, and a gateway that gives up, look alike from here.
async fn look_again(
    client: &PooledClient,
    path: &str,
    change: &ValueChange,
    failure: Failure,
    timing: &Timing,
) -> WriteOutcome {
    let object = match object::get_for(client, path, (&change.key, change.value), timing).await {
        Ok(object) => object,
        Err(Failure::Api { code: 404, .. }) => return WriteOutcome::Gone,
        // Who refused the change need not let it be read.
        Err(_) if matches!(failure, Failure::Api { code: 400..=499, .. }) => return outcome(failure),
        Err(_) => return WriteOutcome::Unanswered { message: failure.sentence() },
    };
    let now = object.value(change.value);
    if !object.metadata.is(&change.uid) {
        WriteOutcome::Recreated
    } else if now == change.to {
        WriteOutcome::Done
    } else if now != change.from {
        WriteOutcome::ChangedBySomebody { now }
    } else {
        outcome(failure)
    }
}
