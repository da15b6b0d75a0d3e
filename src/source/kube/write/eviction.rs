//! Evictions, by `pods/eviction` of policy/v1 (kubernetes pkg/registry/core/pod/storage/eviction.go).

use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::super::access::PooledClient;
use super::super::failure::Failure;
use super::super::{Timing, api};
use super::{object, outcome};
use crate::fleet::{PodEviction, WriteOutcome};

/// The body of the request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Eviction<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Name<'a>,
    delete_options: DeleteOptions,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Serialize)]
struct DeleteOptions {
    preconditions: Preconditions,
}

/// The server refuses with 409 what has another uid.
#[derive(Serialize)]
struct Preconditions {
    uid: String,
}

/// The answer: a `Status`.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: String,
}

/// Evicts one pod, provided that it is still the same one. The request is made once: one without an answer may still be
/// carried out, and a pod that a budget keeps is for the user to try again.
pub(super) async fn write(client: &PooledClient, eviction: &PodEviction, timing: &Timing) -> WriteOutcome {
    let path = object::path(&eviction.key);
    match request(client, &path, eviction, timing).await {
        Ok(()) => WriteOutcome::Done,
        Err(failure) if is_final(&failure) => outcome(failure),
        Err(failure) => look_again(client, &path, eviction, failure, timing).await,
    }
}

/// Whether the server has said that it does not evict this pod. A conflict and a pod that is not found may be about
/// another pod of the name.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Api { code: 400..=499, .. }) && !matches!(failure, Failure::Api { code: 404 | 409, .. })
}

async fn request(client: &PooledClient, path: &str, eviction: &PodEviction, timing: &Timing) -> Result<(), Failure> {
    let object = &eviction.key.object;
    let body = Eviction {
        api_version: "policy/v1",
        kind: "Eviction",
        metadata: Name { name: &object.name, namespace: &object.namespace },
        delete_options: DeleteOptions { preconditions: Preconditions { uid: eviction.uid.to_string() } },
    };
    let body = serde_json::to_vec(&body).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::ACCEPT, "application/json")];
    let request = api::request(Method::POST, &format!("{path}/eviction"), &headers, body)?;
    let response = api::open(client, request, timing).await?;
    let code = response.status();
    let mut answer = client.body();
    api::read(response.into_body(), timing, &mut answer).await?;
    let is_done = serde_json::from_slice::<Answer>(&answer).is_ok_and(|answer| answer.status == "Success");
    if is_done { Ok(()) } else { Err(not_confirmed(code)) }
}

/// A success that is not the API server's: of something between here and it.
fn not_confirmed(code: StatusCode) -> Failure {
    if code == StatusCode::ACCEPTED {
        return Failure::WrongAnswer("the eviction was accepted (202), and is not carried out yet".to_owned());
    }
    let code = code.as_u16();
    Failure::Api { code, message: format!("the answer was {code}, but the pod is not evicted"), retry_after: None }
}

/// After an error, an answer of somebody else, or no answer at all: the pod may be evicted all the same, so what stands
/// there now decides.
async fn look_again(
    client: &PooledClient,
    path: &str,
    eviction: &PodEviction,
    failure: Failure,
    timing: &Timing,
) -> WriteOutcome {
    match object::get(client, path, &eviction.key, timing).await {
        Ok(pod) if !pod.is(&eviction.uid) => WriteOutcome::Recreated,
        Ok(pod) if pod.is_deleting() => WriteOutcome::Done,
        // It is there, whatever was not found.
        Ok(_) => refused_or_unanswered(failure),
        Err(Failure::Api { code: 404, .. }) => WriteOutcome::Gone,
        // Who refused the eviction need not let the pod be read.
        Err(_) if matches!(failure, Failure::Api { code: 400..=499, .. }) => outcome(failure),
        Err(_) => WriteOutcome::Unanswered { message: failure.sentence() },
    }
}

fn refused_or_unanswered(failure: Failure) -> WriteOutcome {
    match failure {
        Failure::Api { code, message, .. } => WriteOutcome::Refused { code, message },
        other => WriteOutcome::Unanswered { message: other.sentence() },
    }
}
