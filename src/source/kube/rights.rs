//! What the user may write, by SelfSubjectAccessReviews, which every authenticated user may make and which store nothing.

use http::{Method, header};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::access::PooledClient;
use super::facts::Fact;
use super::failure::Failure;
use super::sink::Closed;
use super::stream::StreamContext;
use super::{Timing, api};
use crate::fleet::{Right, Rights};

/// About so many namespaces is asked one by one, where a right is missing in the whole cluster.
const MOST_NAMESPACES: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    spec: Spec<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    resource_attributes: Attributes<'a>,
}

/// Without a namespace: all of them.
#[derive(Serialize)]
struct Attributes<'a> {
    verb: &'static str,
    resource: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subresource: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    allowed: bool,
}

/// Asks which rights there are, and again as long as one is missing: rights can be granted. What is not answered is not
/// known.
pub(super) async fn run(mut context: StreamContext) -> Closed {
    loop {
        let Some(client) = context.access.wait().await else { return Closed };
        let rights = ask(&client, &context.namespaces, &context.timing).await;
        drop(client);
        let is_complete = rights.as_ref().is_ok_and(Rights::are_complete);
        if let Ok(rights) = rights
            && context.facts.tell(Fact::Rights(Box::new(rights))).await.is_err()
        {
            return Closed;
        }
        if is_complete {
            return std::future::pending().await;
        }
        sleep(context.timing.forbidden_retry).await;
    }
}

async fn ask(client: &PooledClient, namespaces: &[String], timing: &Timing) -> Result<Rights, Failure> {
    let mut rights = Rights::default();
    for right in Right::ALL {
        let is_allowed = review(client, right, "", timing).await?;
        rights.tell(right, is_allowed);
        if is_allowed || !right.is_namespaced() {
            continue;
        }
        for namespace in namespaces.iter().take(MOST_NAMESPACES) {
            let is_allowed = review(client, right, namespace, timing).await?;
            rights.tell_of_namespace(right, namespace, is_allowed);
        }
    }
    Ok(rights)
}

async fn review(client: &PooledClient, right: Right, namespace: &str, timing: &Timing) -> Result<bool, Failure> {
    let (verb, resource, subresource) = (right.verb(), right.resource(), right.subresource());
    let review = Review {
        api_version: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: Spec { resource_attributes: Attributes { verb, resource, subresource, namespace } },
    };
    let unreadable = |error: serde_json::Error| Failure::Unreadable(error.to_string());
    let body = serde_json::to_vec(&review).map_err(unreadable)?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::ACCEPT, "application/json")];
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let mut answer = client.body();
    api::fetch(client, api::request(Method::POST, path, &headers, body)?, timing, &mut answer).await?;
    serde_json::from_slice::<Answer>(&answer).map(|answer| answer.status.allowed).map_err(unreadable)
}
